#!/usr/bin/env bash
# The package FirsthandCore with the library for iPhones and the simulator, into target/swift/core. For a Mac with Xcode 16 and Rust; it has not
# been run where the rest is tested, since Apple's SDK is on a Mac only.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
core=$target/swift/core
devices=(aarch64-apple-ios)
simulators=(aarch64-apple-ios-sim x86_64-apple-ios)
export IPHONEOS_DEPLOYMENT_TARGET=17.0

rustup target add "${devices[@]}" "${simulators[@]}"
for triple in "${devices[@]}" "${simulators[@]}"; do
    cargo rustc --release -p firsthand-bindings --lib --crate-type staticlib --target "$triple"
done

# The generator reads a library for this machine; a debug build has the same interface.
cargo xtask bindings
cargo xtask texts
generated=$target/bindings/swift
rm -rf "$core"
mkdir -p "$core/Sources/FirsthandCore" "$core/headers/FirsthandFFI"
cp ios/core/Package.swift "$core/"
cp "$generated"/*.swift "$core/Sources/FirsthandCore/"
cp "$generated"/*.h "$core/headers/FirsthandFFI/"
# One map for both modules; a folder of its own keeps it apart from those of other frameworks.
for crate in firsthand firsthand_record; do
    printf 'module %sFFI {\n    header "%sFFI.h"\n    export *\n}\n' "$crate" "$crate"
done >"$core/headers/FirsthandFFI/module.modulemap"

universal=$target/swift/simulator
mkdir -p "$universal"
lipo -create -output "$universal/libfirsthand_bindings.a" \
    "$target/aarch64-apple-ios-sim/release/libfirsthand_bindings.a" "$target/x86_64-apple-ios/release/libfirsthand_bindings.a"
xcodebuild -create-xcframework -output "$core/FirsthandFFI.xcframework" \
    -library "$target/aarch64-apple-ios/release/libfirsthand_bindings.a" -headers "$core/headers" \
    -library "$universal/libfirsthand_bindings.a" -headers "$core/headers"
rm -r "$core/headers"
echo "$core"
