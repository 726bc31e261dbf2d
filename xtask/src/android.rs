//! The tests of the Android shell: what of it needs no phone, built and run by Maven.

use std::path::Path;
use std::process::Command;

use crate::{Failure, bindings, texts};

/// Writes the texts, then compiles the shell and runs its tests against the library and the program as they were built for the
/// tests in Rust, and the code that was generated for it. Gives what was printed and how many passed, or why not.
pub(crate) fn test(root: &Path) -> Result<(String, u64), String> {
    let written: Result<(), Failure> = texts::run(root);
    written.map_err(|why| format!("not run: the texts were not written: {why}"))?;
    let folders = bindings::Folders::of(root);
    let mut command = Command::new("mvn");
    command.current_dir(root.join("android")).args(["-B", "-ntp", "test"]);
    command.arg(bindings::defined("target", &folders.target));
    command.arg(bindings::defined("cargo.library", &folders.libraries));
    command.arg(bindings::defined("cargo.program", &folders.programs.join(bindings::program())));
    bindings::maven(&mut command)
}
