//! `cargo xtask long`: the fault runs with the figures that take hours.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::Failure;

const USAGE: &str = "usage: cargo xtask long [--from SEED] [--count N] [RUN ..]";

/// A test of the gate that takes more seeds.
struct Run {
    name: &'static str,
    about: &'static str,
    package: &'static str,
    /// The file of tests.
    file: &'static str,
    test: &'static str,
    /// How many seeds make the figure.
    seeds: u64,
}

const RUNS: &[Run] = &[
    Run {
        name: "simulation",
        about: "500,000 field days",
        package: "firsthand-tests",
        file: "simulation",
        test: "whatever_happens_all_devices_end_up_the_same",
        seeds: 500_000,
    },
    Run {
        name: "kill",
        about: "20,000 kills of a program that writes",
        package: "firsthand-tests",
        file: "kill",
        test: "nothing_acknowledged_is_lost_when_the_program_is_killed",
        seeds: 1_000,
    },
    Run {
        name: "power",
        about: "100,000 power cuts at any moment",
        package: "firsthand-tests",
        file: "disk",
        test: "the_power_goes_at_any_moment",
        seeds: 5_000,
    },
    Run {
        name: "flips",
        about: "100,000 flipped bits in every file of a home",
        package: "firsthand-tests",
        file: "flips",
        test: "no_flipped_bit_goes_unnoticed",
        seeds: 100_000,
    },
    Run {
        name: "attachments",
        about: "1,000,000 cuts of files on their way",
        package: "firsthand-tests",
        file: "attachments",
        test: "files_arrive_whole_however_often_the_link_is_cut",
        seeds: 40_000,
    },
    Run {
        name: "mutants",
        about: "1,000,000 altered changes and documents, judged in both forms",
        package: "firsthand-tests",
        file: "guard_mutants",
        test: "no_mutant_is_taken_that_cannot_be_kept",
        seeds: 22_000,
    },
    Run {
        name: "forgeries",
        about: "1,000,000 mutants of what peers send",
        package: "firsthand-tests",
        file: "forgeries",
        test: "no_mutant_is_accepted",
        seeds: 10_000,
    },
    Run {
        name: "epochs",
        about: "100,000 schedules of add, remove and partition: who can open what was sealed",
        package: "firsthand-tests",
        file: "epochs",
        test: "a_removed_device_opens_nothing_that_was_sealed_after",
        seeds: 100_000,
    },
    Run {
        name: "year",
        about: "journey 15 with 5,000 incidents and 20,000 edits",
        package: "firsthand-tests",
        file: "archive",
        test: "one_year_is_closed",
        seeds: 5_000,
    },
    Run {
        name: "decoders",
        about: "20,000,000 altered inputs to the decoders",
        package: "firsthand-tests",
        file: "decoders",
        test: "altered_bytes_break_no_decoder",
        seeds: 20_000_000,
    },
];

pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), Failure> {
    let (mut from, mut count, mut wanted) = (0, None, Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || rest.next().and_then(|text| text.parse::<u64>().ok()).ok_or(USAGE);
        match argument.as_str() {
            "--from" => from = number()?,
            "--count" => count = Some(number()?),
            name if RUNS.iter().any(|run| run.name == name) => wanted.push(name),
            "--list" => {
                for Run { name, about, .. } in RUNS {
                    println!("{name:<12} {about}");
                }
                return Ok(());
            }
            other => return Err(format!("{other}? {USAGE}; --list names the runs").into()),
        }
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut failed = Vec::new();
    for run in RUNS.iter().filter(|run| wanted.is_empty() || wanted.contains(&run.name)) {
        let seeds = count.map_or(run.seeds, |count| from + count);
        println!("{}: {}, seeds {from} to {seeds}", run.name, run.about);
        let mut command = Command::new(&cargo);
        command.current_dir(root).args(["test", "--package", run.package, "--test", run.file, "--"]);
        command.args(["--exact", run.test, "--nocapture"]);
        command.env("FIRSTHAND_SEEDS", seeds.to_string()).env("FIRSTHAND_FROM", from.to_string());
        command.env("FIRSTHAND_PROGRESS", "1").env("RUST_BACKTRACE", "0");
        if !command.status()?.success() {
            println!(
                "{}: failed. Watch a seed again: FIRSTHAND_SEED=.. cargo test -p {} --test {} -- --exact {} --nocapture",
                run.name, run.package, run.file, run.test
            );
            failed.push(run.name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("{} failed", failed.join(", ")).into()) }
}
