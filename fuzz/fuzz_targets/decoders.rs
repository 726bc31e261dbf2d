//! Bytes from libFuzzer, read by the decoder that `FIRSTHAND_DECODER` names. `cargo xtask fuzz` runs them all.

#![no_main]

use std::sync::LazyLock;

use firsthand_tests::decoders::{TARGETS, Target, let_caught_panics_pass};
use libfuzzer_sys::fuzz_target;

static DECODER: LazyLock<&'static Target> = LazyLock::new(|| {
    // libFuzzer ends at every panic, also at one that is caught.
    let_caught_panics_pass();
    let name = std::env::var("FIRSTHAND_DECODER").expect("FIRSTHAND_DECODER names a decoder");
    TARGETS.iter().find(|target| target.name == name).expect("a decoder of that name")
});

fuzz_target!(|bytes: &[u8]| (DECODER.read)(bytes));
