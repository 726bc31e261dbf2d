//! What the project promises about speed and size, measured beside what others do, in one run.
//!
//! [`run`] is the whole program: it reads the arguments, brings the [data](mod@data) of a size from the disk or builds
//! it, runs the benchmarks asked for and prints both sides, the ratio and the target. `README.md` says how to use it
//! and what each figure means.

mod arguments;
mod automerge_sync;
mod baseline;
mod board;
mod child;
mod cold_start;
mod data;
mod device;
mod first_sync;
mod instructions;
mod link;
mod plain;
#[cfg(target_os = "linux")]
mod postgres;
mod reconnect;
mod relay;
mod repair;
mod report;
mod samod_sync;
mod save;
mod timing;

use std::path::Path;
use std::process::ExitCode;

use arguments::{Arguments, Benchmark};
use report::Report;

/// Whatever goes wrong ends the run with a message; nothing here is to be recovered from.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Runs what the arguments ask for. `folder` keeps the data between runs.
pub fn run(arguments: impl Iterator<Item = String>, folder: &Path) -> ExitCode {
    let arguments: Vec<String> = arguments.collect();
    if let Some(("--child", rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return finish(child::run(rest));
    }
    match Arguments::parse(&arguments) {
        Ok(Some(arguments)) => finish(all(&arguments, folder)),
        Ok(None) => {
            println!("{}", arguments::HELP);
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}\n\n{}", arguments::HELP);
            ExitCode::from(2)
        }
    }
}

fn finish(outcome: Outcome<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed to {error}\n(after a format has changed, --fresh builds the data anew)");
            ExitCode::FAILURE
        }
    }
}

fn all(arguments: &Arguments, folder: &Path) -> Outcome<()> {
    if arguments.fresh && folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    let mut reports = Vec::new();
    for benchmark in &arguments.benchmarks {
        let mut report = Report::new(benchmark.title());
        match benchmark {
            Benchmark::Reconnect => reconnect::run(arguments, folder, &mut report)?,
            Benchmark::FirstSync => first_sync::run(arguments, folder, &mut report)?,
            Benchmark::ColdStart => cold_start::run(arguments, folder, &mut report)?,
            Benchmark::Save => save::run(arguments, folder, &mut report)?,
            Benchmark::Board => board::run(arguments, folder, &mut report)?,
            Benchmark::Relay => relay::run(folder, &mut report)?,
            Benchmark::Repair => repair::run(&mut report)?,
            Benchmark::Instructions => instructions::run(arguments, folder, &mut report)?,
        }
        if !arguments.json {
            println!("{report}");
        }
        reports.push(report);
    }
    if arguments.json {
        let reports: Vec<_> = reports.iter().map(Report::to_json).collect();
        println!("{}", serde_json::to_string_pretty(&reports)?);
    }
    Ok(())
}
