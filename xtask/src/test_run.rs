//! `cargo xtask test`: every test of the workspace, then those of the bindings in other languages; the figures that they reached,
//! and one line with the sum.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Failure, bindings, tools};

/// Names the folder with files that people really have, for the tests that import them.
const SAMPLES: &str = "FIRSTHAND_SAMPLES";

/// How many tests passed and failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
}

/// Runs the tests, shows their output as it comes, and ends with the lines `figure: ..` that tests wrote and with `N passed,
/// N failed`.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), Failure> {
    tools::check()?;
    let samples = samples(root);
    match &samples {
        Some(folder) => println!("samples: {}", folder.display()),
        None => println!("samples: none ({SAMPLES} is not set); tests that need them are skipped"),
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Without --no-fail-fast the sum would leave out every program behind the first failure.
    command.current_dir(root).args(["test", "--workspace", "--no-fail-fast"]).args(arguments);
    command.stdout(Stdio::piped());
    if let Some(folder) = &samples {
        command.env(SAMPLES, folder);
    }
    let mut child = command.spawn()?;
    let mut total = Count::default();
    let mut figures = Vec::new();
    if let Some(output) = child.stdout.take() {
        let mut terminal = io::stdout();
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            terminal.write_all(&line)?;
            terminal.write_all(b"\n")?;
            let line = String::from_utf8_lossy(&line);
            // A test may have begun the line with its name.
            if let Some((_, figure)) = line.split_once("figure: ") {
                figures.push(figure.to_owned());
            }
            if let Some(count) = read_result(&line) {
                total.passed += count.passed;
                total.failed += count.failed;
            }
        }
    }
    let status = child.wait()?;
    // Arguments choose among the tests in Rust.
    let shells =
        if arguments.is_empty() && status.success() { bindings::test(root) } else { Ok((0, Vec::new())) };
    if let Ok((passed, measured)) = &shells {
        total.passed += passed;
        figures.extend_from_slice(measured);
    }
    if !figures.is_empty() {
        println!("figures:");
        for figure in figures {
            println!("  {figure}");
        }
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if status.success() {
        shells.map(drop)
    } else if total.failed > 0 {
        Err("tests failed".into())
    } else {
        Err("not every test ran: something does not build, or a test ended its whole program".into())
    }
}

/// The folder from the environment, or the one beside the workspace if it is there.
fn samples(root: &Path) -> Option<PathBuf> {
    let beside = root.parent().map(|parent| parent.join("shared/samples")).filter(|folder| folder.is_dir());
    env::var_os(SAMPLES).filter(|value| !value.is_empty()).map(PathBuf::from).or(beside)
}

/// Reads `test result: ok. 5 passed; 0 failed; ..`.
fn read_result(line: &str) -> Option<Count> {
    let (_, result) = line.split_once("test result:")?;
    let before = |word: &str| result.split_once(word)?.0.split_whitespace().last()?.parse().ok();
    Some(Count { passed: before(" passed")?, failed: before(" failed")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_from_the_lines_that_carry_them() {
        let ok =
            "test result: ok. 24 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 5.35s";
        assert_eq!(read_result(ok), Some(Count { passed: 24, failed: 0 }));
        let bad = "test result: FAILED. 3 passed; 12 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(read_result(bad), Some(Count { passed: 3, failed: 12 }));
        for other in ["test link::limits_hold ... ok", "running 5 tests", "", "test result: unknown"] {
            assert_eq!(read_result(other), None);
        }
    }
}
