//! The generator as it is built.
#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn it_writes_the_languages_of_the_shells() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_uniffi-bindgen")).args(["generate", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for language in ["kotlin", "swift", "python"] {
        assert!(help.contains(language), "{help}");
    }
}
