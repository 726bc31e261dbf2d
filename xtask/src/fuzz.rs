//! `cargo xtask fuzz`: libFuzzer on every decoder that bytes from outside reach.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Failure;

const USAGE: &str = "usage: cargo xtask fuzz [--seconds N] [--seed N] [DECODER ..]";
/// How long each decoder is tried.
const SECONDS: u64 = 60;
/// Where libFuzzer's dice begin: a run can be played again, and another seed goes other ways.
const SEED: u32 = 1;
/// How many run side by side.
const AT_ONCE: usize = 2;
/// The longest input in bytes: most lengths that decoders read take fewer than four bytes to write.
const MAX_LEN: usize = 1 << 16;

/// One decoder at work.
struct Running {
    name: String,
    child: Child,
    log: PathBuf,
}

pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), Failure> {
    let (seconds, seed, wanted) = read(arguments)?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let found =
        Command::new(&cargo).args(["fuzz", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        return Err("cargo-fuzz is missing: cargo install cargo-fuzz --version 0.13.2 --locked".into());
    }
    let fuzz = root.join("fuzz");
    let names = corpora(root, &cargo, &fuzz)?;
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
        return Err(format!("no decoder is called {unknown}; there are {}", names.join(", ")).into());
    }
    let program = build(&cargo, root, &fuzz)?;
    let chosen = names.into_iter().filter(|name| wanted.is_empty() || wanted.contains(name));
    let mut waiting: Vec<String> = chosen.collect();
    waiting.reverse();
    let count = waiting.len();
    let mut running: Vec<Running> = Vec::new();
    let (mut inputs, mut failed) = (0, Vec::new());
    while !waiting.is_empty() || !running.is_empty() {
        while running.len() < AT_ONCE
            && let Some(name) = waiting.pop()
        {
            running.push(start(&program, &fuzz, name, seconds, seed)?);
        }
        let Running { name, mut child, log } = running.remove(0);
        let status = child.wait()?;
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let tried = executed(&said);
        inputs += tried;
        if status.success() {
            println!("{name}: {tried} inputs, nothing found");
        } else {
            let last: Vec<&str> = said.lines().rev().take(25).collect();
            for line in last.iter().rev() {
                println!("    {line}");
            }
            println!("{name}: FOUND something after {tried} inputs; the input lies beside {}", log.display());
            failed.push(name);
        }
    }
    println!(
        "figure: fuzzing {count} decoders, {seconds} s each from seed {seed}: {inputs} inputs, {} found something",
        failed.len()
    );
    if failed.is_empty() { Ok(()) } else { Err(format!("{} broke", failed.join(", ")).into()) }
}

fn read(arguments: &[String]) -> Result<(u64, u32, Vec<String>), Failure> {
    let (mut seconds, mut seed, mut wanted) = (SECONDS, SEED, Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--seconds" => seconds = rest.next().and_then(|text| text.parse().ok()).ok_or(USAGE)?,
            "--seed" => seed = rest.next().and_then(|text| text.parse().ok()).ok_or(USAGE)?,
            option if option.starts_with('-') => return Err(USAGE.into()),
            name => wanted.push(name.to_owned()),
        }
    }
    Ok((seconds, seed, wanted))
}

/// Writes true bytes for every decoder, and gives the decoders' names.
fn corpora(root: &Path, cargo: &std::ffi::OsStr, fuzz: &Path) -> Result<Vec<String>, Failure> {
    let mut command = Command::new(cargo);
    command.current_dir(root).args([
        "run",
        "--quiet",
        "--package",
        "firsthand-tests",
        "--bin",
        "firsthand-corpus",
    ]);
    let output = command.arg("--").arg(fuzz.join("corpus")).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the inputs to begin from could not be made".into());
    }
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

/// Builds the program and gives its path.
fn build(cargo: &std::ffi::OsStr, root: &Path, fuzz: &Path) -> Result<PathBuf, Failure> {
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["fuzz", "build", "decoders"]);
    // The sanitizer's options are not stable, the compiler is.
    command.env("RUSTC_BOOTSTRAP", "1");
    if !command.status()?.success() {
        return Err("the fuzzing program does not build; it needs a C++ compiler (Debian package g++)".into());
    }
    for folder in fs::read_dir(fuzz.join("target"))? {
        let program = folder?.path().join("release/decoders");
        if program.is_file() {
            return Ok(program);
        }
    }
    Err("the fuzzing program is not where it was built".into())
}

fn start(program: &Path, fuzz: &Path, name: String, seconds: u64, seed: u32) -> Result<Running, Failure> {
    let artifacts = fuzz.join("artifacts").join(&name);
    fs::create_dir_all(&artifacts)?;
    let log = artifacts.join("log");
    let out = fs::File::create(&log)?;
    let child = Command::new(program)
        .arg(fuzz.join("corpus").join(&name))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-seed={seed}"))
        .arg(format!("-max_len={MAX_LEN}"))
        // What threats.md allows any input: 64 MiB at once and, with room for the sanitizer, 1 s.
        .args(["-malloc_limit_mb=64", "-rss_limit_mb=1024", "-timeout=5", "-print_final_stats=1"])
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .env("FIRSTHAND_DECODER", &name)
        // The check for doubled definitions stops every decoder at an alarm inside SQLCipher, before it reads anything.
        .env("ASAN_OPTIONS", "detect_leaks=0:detect_odr_violation=0")
        .stdout(out.try_clone()?)
        .stderr(out)
        .spawn()?;
    Ok(Running { name, child, log })
}

/// Reads `stat::number_of_executed_units: 1234`.
fn executed(said: &str) -> u64 {
    let number = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    number.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_a_time_and_names() {
        let read = |words: &str| read(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(read("").unwrap(), (60, 1, vec![]));
        let words = vec!["csv".to_owned(), "link".to_owned()];
        assert_eq!(read("--seconds 20 csv --seed 7 link").unwrap(), (20, 7, words));
        for wrong in ["--seconds", "--seconds long", "--seed -1", "--all"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(executed("x\nstat::number_of_executed_units: 1234\ny"), 1234);
        assert_eq!(executed(""), 0);
    }
}
