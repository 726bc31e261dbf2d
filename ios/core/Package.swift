// swift-tools-version: 6.0
// The code that calls the core. `cargo xtask swift` and `ios/xcframework.sh` copy this file to `target/swift/core`, beside what they
// generate; on Linux it links the library that was built for the tests, on Apple's systems the XCFramework.

import PackageDescription

#if os(Linux)
    let library: [Target] = [
        .systemLibrary(name: "firsthandFFI"),
        .systemLibrary(name: "firsthand_recordFFI"),
    ]
    let dependencies: [Target.Dependency] = ["firsthandFFI", "firsthand_recordFFI"]
    let linked: [LinkerSetting] = [.linkedLibrary("firsthand_bindings")]
#else
    let library: [Target] = [.binaryTarget(name: "FirsthandFFI", path: "FirsthandFFI.xcframework")]
    let dependencies: [Target.Dependency] = ["FirsthandFFI"]
    let linked: [LinkerSetting] = []
#endif

let package = Package(
    name: "core",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [.library(name: "FirsthandCore", targets: ["FirsthandCore"])],
    targets: library + [
        .target(
            name: "FirsthandCore",
            dependencies: dependencies,
            // UniFFI writes Swift that the checks of version 6 do not take.
            swiftSettings: [.swiftLanguageMode(.v5)],
            linkerSettings: linked
        )
    ]
)
