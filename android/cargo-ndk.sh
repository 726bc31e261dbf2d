#!/usr/bin/env bash
# The library for Android phones, and the generated Kotlin and texts, into target/. For a machine with the NDK (r28 or newer, whose
# libraries load on phones with pages of 16 KB); it has not been run where the rest is tested, since the NDK is not there.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
: "${ANDROID_NDK_HOME:?is not set; it is the folder of the NDK}"
rustup target add aarch64-linux-android armv7-linux-androideabi x86_64-linux-android
cargo ndk --version >/dev/null 2>&1 || cargo install cargo-ndk --locked
cargo xtask bindings
cargo xtask texts
cargo ndk --target arm64-v8a --target armeabi-v7a --target x86_64 --platform 26 --output-dir "$target/android/jniLibs" \
    rustc --release -p firsthand-bindings --lib --crate-type cdylib
echo "$target/android/jniLibs"
