//! `cargo xtask net`: nodes on hosts of their own, with links that are slow, lose frames and are cut.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::Failure;

/// Runs them one after the other, since each reads a clock; further arguments name tests.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["test", "--package", "firsthand-tests", "--test", "networks", "--"]);
    command.args(["--ignored", "--nocapture", "--test-threads", "1"]).args(arguments);
    command.env("RUST_BACKTRACE", "0");
    if command.status()?.success() { Ok(()) } else { Err("a network on which it did not hold".into()) }
}
