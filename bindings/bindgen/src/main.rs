//! Writes the Kotlin, Swift and Python that call the built library; `cargo xtask bindings` runs it.

fn main() {
    uniffi::uniffi_bindgen_main();
}
