//! `cargo bench -p firsthand-benches -- --help` says what there is.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Cargo's own folder for what benchmarks leave behind, under target/.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("figures");
    firsthand_benches::run(std::env::args().skip(1), &folder)
}
