// swift-tools-version: 6.0

import PackageDescription

// Where the generated code stands: `cargo xtask swift` says it, and beside a Mac's build folder it is where that command puts it.
let core = Context.environment["FIRSTHAND_CORE"] ?? "../target/swift/core"

let package = Package(
    name: "ios",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [.library(name: "FirsthandShell", targets: ["FirsthandShell"])],
    dependencies: [.package(name: "core", path: core)],
    targets: [
        .target(name: "FirsthandShell", dependencies: [.product(name: "FirsthandCore", package: "core")]),
        .target(name: "Phones", dependencies: ["FirsthandShell"], path: "Tests/Phones"),
        .executableTarget(name: "Typist", dependencies: ["FirsthandShell", "Phones"], path: "Tests/Typist"),
        .testTarget(name: "FirsthandCoreTests", dependencies: ["FirsthandShell", "Phones"]),
        .testTarget(name: "FirsthandShellTests", dependencies: ["FirsthandShell", "Phones", "Typist"]),
    ],
    swiftLanguageModes: [.v6]
)
