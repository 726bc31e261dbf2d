#!/usr/bin/env bash
# Compiles FirsthandCore and FirsthandShell for the simulator and checks the app's types against Apple's own modules, after xcframework.sh. For a
# Mac with Xcode 16; it has not been run where the rest is tested.
set -euo pipefail
cd "$(dirname "$0")"

target=${CARGO_TARGET_DIR:-../target}
core=$target/swift/core
modules=$target/swift/modules
maps=("$core"/FirsthandFFI.xcframework/ios-*-simulator/Headers/FirsthandFFI/module.modulemap)
compiler=(xcrun --sdk iphonesimulator swiftc -parse-as-library -target arm64-apple-ios17.0-simulator
    -I "$modules" -Xcc "-fmodule-map-file=${maps[0]}")

mkdir -p "$modules"
"${compiler[@]}" -emit-module -swift-version 5 -module-name FirsthandCore \
    -o "$modules/FirsthandCore.swiftmodule" "$core"/Sources/FirsthandCore/*.swift
"${compiler[@]}" -emit-module -swift-version 6 -module-name FirsthandShell \
    -o "$modules/FirsthandShell.swiftmodule" Sources/FirsthandShell/*.swift
"${compiler[@]}" -typecheck -swift-version 6 -module-name Firsthand \
    App/*.swift App/*/*.swift "$target/texts/apple/Texts.swift"
plutil -lint App/Info.plist
