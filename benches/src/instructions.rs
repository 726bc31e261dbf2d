//! Benchmark 8: how many instructions the common steps take, counted by valgrind: the same on a busy machine and an idle
//! one, so that what became slower shows anywhere.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::child::command;
use crate::data::{Data, workplace};
use crate::device::copy_home;
use crate::report::{Quantity, Report};

/// As many as the smallest data set holds: a count takes fifty times as long as the step itself.
const DOCUMENTS: usize = 1_000;
const SCREEN: usize = 50;
/// What the last release took, on x86-64.
const RECORDED: &str = include_str!("../recorded/instructions.json");
/// The same program takes the same instructions to a thousandth; another compiler may take some more.
const TOLERATED: f64 = 1.1;

pub(crate) fn run(_: &Arguments, folder: &Path, report: &mut Report) -> Outcome<()> {
    let data = Data::of(DOCUMENTS, folder)?;
    let work = workplace(folder)?;
    report.heading(format!("instructions, {DOCUMENTS} incidents"));
    let Some(nothing) = count(&["nothing"])? else {
        report.note("Instructions were not counted: there is no valgrind here.");
        return Ok(());
    };
    let recorded: Value = serde_json::from_str(RECORDED)?;
    let home = |name: &str| -> Outcome<String> {
        let dir = work.path().join(name);
        copy_home(&data.lead(), &dir)?;
        Ok(dir.to_str().ok_or("name a folder")?.to_owned())
    };
    // Nothing is written to it.
    let read = home("read")?;
    let read = read.as_str();
    let between = |few: Option<u64>, many: Option<u64>, steps: u64| -> Outcome<u64> {
        let (few, many) = few.zip(many).ok_or("count instructions")?;
        Ok(many.saturating_sub(few) / steps)
    };
    let opened = count(&["open", &home("open")?, &SCREEN.to_string()])?;
    let steps = [
        ("open a home and list the newest 50", between(Some(nothing), opened, 1)?),
        (
            "save one edit",
            between(
                count(&["saves", &home("saves-10")?, "10"])?,
                count(&["saves", &home("saves-50")?, "50"])?,
                40,
            )?,
        ),
        (
            "apply the six changes of a record",
            between(count(&["apply", read, "100"])?, count(&["apply", read, "300"])?, 200)?,
        ),
        (
            "read a record and make its row",
            between(count(&["project", read, "100"])?, count(&["project", read, "300"])?, 200)?,
        ),
    ];
    let version = recorded["version"].as_str().unwrap_or_default();
    for (name, instructions) in steps {
        let now = Quantity::count(instructions as usize);
        match recorded["instructions"][name].as_u64() {
            Some(before) => {
                let before = Quantity::count(before as usize);
                report.compare(name, now, &format!("recorded for {version}"), before, Some(TOLERATED));
            }
            None => report.figure(name, now),
        }
    }
    report
        .note("Counts of a release build on x86-64; record them anew in benches/recorded with each release.");
    Ok(())
}

/// The instructions of a child from its start to its end; `None` where valgrind is not installed.
fn count(arguments: &[&str]) -> Outcome<Option<u64>> {
    let valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let Ok(output) = command(&valgrind, arguments)?.stdout(Stdio::null()).stderr(Stdio::piped()).output()
    else {
        return Ok(None);
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    match collected.and_then(|(_, number)| number.trim().parse().ok()) {
        Some(count) if output.status.success() => Ok(Some(count)),
        _ => Err(format!("count the instructions of {}: {said}", arguments[0]).into()),
    }
}
