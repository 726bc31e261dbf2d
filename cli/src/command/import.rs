use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use firsthand_exchange::{ColumnMap, Format, Problem};
use firsthand_node::ids::DocumentId;
use firsthand_node::{ImportReport, ImportRow, Node};
use serde::Serialize;

use crate::args::ImportArgs;
use crate::fail::{Detail, Fail, Status, rejected};
use crate::home::Session;
use crate::show::progress::Bar;
use crate::show::text;

/// What came of an import, in machine output.
#[derive(Serialize)]
struct Imported {
    /// The incidents that came in.
    items: Vec<Row>,
    format: &'static str,
    dry_run: bool,
    added: usize,
    /// Rows that came in earlier and are the same.
    already: usize,
    /// Rows that came in earlier and have changed since; they were not applied.
    changed: Vec<Row>,
    /// Rows that could not be read or must not be saved.
    problems: Vec<Problem>,
    /// Incidents that are marked for somebody to look at again.
    flagged: usize,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    row: usize,
    /// Absent where nothing was saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_code: Option<String>,
}

impl From<&(usize, DocumentId, String)> for Row {
    fn from((row, id, short_code): &(usize, DocumentId, String)) -> Self {
        Self { row: *row, id: Some(id.to_string()), short_code: Some(short_code.clone()) }
    }
}

/// Brings a file in.
pub(super) async fn run(session: &Session, args: &ImportArgs) -> Result<(), Fail> {
    let read = read(args)?;
    let name = file_name(&args.file);
    for note in &read.notes {
        session.out.note(&format!("note: {}", text::line(note)));
    }
    let mut problems = read.problems;
    if (args.strict && !problems.is_empty()) || read.incidents.is_empty() {
        return Err(nothing(&problems, args.strict));
    }
    let rows: Vec<ImportRow> =
        read.incidents.into_iter().map(|it| ImportRow { row: it.row, incident: it.incident }).collect();
    let numbers: Vec<usize> = rows.iter().map(|row| row.row).collect();
    let report = session.with_node(async |node| import(node, rows, args, &name, &mut problems).await).await?;
    problems.sort_by_key(|problem| problem.row);
    let stopped = report.stopped;
    let items = if args.dry_run {
        would_add(&numbers, &report)
    } else {
        report.added.iter().map(Row::from).collect()
    };
    let imported = Imported {
        format: read.format.name(),
        dry_run: args.dry_run,
        added: items.len(),
        items,
        already: report.already.len(),
        changed: report.changed.iter().map(Row::from).collect(),
        problems,
        flagged: report.flagged,
        notes: read.notes,
    };
    if imported.added + imported.already + imported.changed.len() == 0 {
        return Err(nothing(&imported.problems, args.strict));
    }
    for problem in &imported.problems {
        let Detail { field, reason } = named(problem);
        session.out.note(&text::line(&format!("{field} {reason}")));
    }
    for (row, _, code) in &report.changed {
        let name = text::line(&name);
        session.out.note(&format!("{name}:{row}: has changed since it came in as {code}; not applied"));
    }
    session.out.data(&imported, human)?;
    if stopped {
        return Err(Fail::other(
            "stopped",
            "stopped; what came in stays, and importing the file again brings the rest",
        ));
    }
    Ok(())
}

/// The rows that an import would save.
fn would_add(rows: &[usize], report: &ImportReport) -> Vec<Row> {
    let changed = report.changed.iter().map(|(row, ..)| row);
    let rejected = report.rejected.iter().map(|(row, _)| row);
    let failed = report.failed.iter().map(|(row, _)| row);
    let others: BTreeSet<&usize> =
        report.already.iter().chain(changed).chain(rejected).chain(failed).collect();
    let row = |row: &usize| Row { row: *row, id: None, short_code: None };
    rows.iter().filter(|row| !others.contains(row)).map(row).collect()
}

fn read(args: &ImportArgs) -> Result<firsthand_exchange::Import, Fail> {
    let unreadable =
        |what: &str, error: std::io::Error| Fail::input(what, format!("cannot be read: {}", error.kind()));
    let format = args.format.as_deref().map(str::parse::<Format>).transpose()?;
    let map = match &args.map {
        Some(file) => {
            let json = std::fs::read(file).map_err(|error| unreadable("map", error))?;
            Some(ColumnMap::from_json(&json)?)
        }
        None => None,
    };
    let file = File::open(&args.file).map_err(|error| unreadable("file", error))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Fail::input("file", "is a folder"));
    }
    Ok(firsthand_exchange::read(file, &file_name(&args.file), format, map.as_ref())?)
}

fn file_name(file: &Path) -> String {
    file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Hands the rows to the node. Under `--strict` it is first asked what it would refuse, so that all or nothing comes in.
async fn import(
    node: &Node,
    rows: Vec<ImportRow>,
    args: &ImportArgs,
    file: &str,
    problems: &mut Vec<Problem>,
) -> Result<ImportReport, Fail> {
    let bar = Bar::new("importing");
    if args.strict {
        let copy =
            rows.iter().map(|row| ImportRow { row: row.row, incident: row.incident.clone() }).collect();
        let tried = node.import(copy, true, bar.report()).await?;
        if !tried.rejected.is_empty() || !tried.failed.is_empty() {
            problems.extend(refused(&tried, file));
            return Err(nothing(problems, true));
        }
    }
    let report = node.import(rows, args.dry_run, bar.report()).await?;
    problems.extend(refused(&report, file));
    Ok(report)
}

fn refused(report: &ImportReport, file: &str) -> Vec<Problem> {
    let problem = |row: usize, detail: Detail| Problem {
        file: file.to_owned(),
        row,
        column: detail.field,
        reason: detail.reason,
    };
    let of = |(row, findings): &(usize, Vec<_>)| -> Vec<Problem> {
        rejected(findings).into_iter().map(|detail| problem(*row, detail)).collect()
    };
    let failed = |(row, reason): &(usize, String)| {
        problem(*row, Detail { field: String::new(), reason: reason.clone() })
    };
    report.rejected.iter().flat_map(of).chain(report.failed.iter().map(failed)).collect()
}

/// A bad row by file, row and column.
fn named(problem: &Problem) -> Detail {
    let Problem { file, row, column, reason } = problem;
    let field = if column.is_empty() { format!("{file}:{row}:") } else { format!("{file}:{row}: {column}") };
    Detail { field, reason: reason.clone() }
}

fn nothing(problems: &[Problem], strict: bool) -> Fail {
    let bad = text::count(problems.len() as u64, "problem", "problems");
    let message = match (problems.is_empty(), strict) {
        (true, _) => String::from("the file has no rows"),
        (false, true) => format!("nothing was brought in: {bad} (--strict)"),
        (false, false) => format!("nothing was brought in: no row could be read ({bad})"),
    };
    Fail::new(Status::BadInput, "bad_input", message).with_details(problems.iter().map(named).collect())
}

fn human(it: &Imported) -> String {
    let verb = if it.dry_run { "would add" } else { "added" };
    let mut out = format!("{verb} {}", text::count(it.added as u64, "incident", "incidents"));
    if it.already > 0 {
        out.push_str(&format!(", {} were here already", it.already));
    }
    if !it.changed.is_empty() {
        out.push_str(&format!(", {} have changed and were not applied", it.changed.len()));
    }
    if !it.problems.is_empty() {
        out.push_str(&format!(
            ", {} named on standard error",
            text::count(it.problems.len() as u64, "problem", "problems")
        ));
    }
    if it.flagged > 0 {
        out.push_str(&format!("; {} marked for a second look", it.flagged));
    }
    out
}
