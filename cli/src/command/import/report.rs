//! What came of an import.

use std::collections::BTreeSet;
use std::sync::Arc;

use firsthand_exchange::{Problem, Reading};
use firsthand_node::ImportReport;
use firsthand_node::ids::DocumentId;
use serde::Serialize;

use super::media::Said;
use super::preview::Preview;
use crate::fail::{Detail, Fail, Status, rejected};
use crate::home::Session;
use crate::show::text;

/// What came of an import, in machine output.
#[derive(Debug, Serialize)]
pub(super) struct Report {
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
    pub(super) problems: Vec<Problem>,
    /// Incidents that are marked for somebody to look at again.
    flagged: usize,
    pub(super) notes: Vec<String>,
    /// Photos and recordings that rows name.
    media: Said,
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<Preview>,
    /// The file's name.
    #[serde(skip)]
    file: String,
    /// Whether the single rows are printed: of a large file they take more room than all the rest.
    #[serde(skip)]
    lists_rows: bool,
    #[serde(skip)]
    stopped: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "name")]
    sheet: Option<Arc<str>>,
    row: usize,
    /// Absent where nothing was saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_code: Option<String>,
}

fn name<S: serde::Serializer>(sheet: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    sheet.as_deref().serialize(serializer)
}

impl Row {
    fn new(sheet: Option<&Arc<str>>, (row, id, short_code): &(usize, DocumentId, String)) -> Self {
        Self {
            sheet: sheet.cloned(),
            row: *row,
            id: Some(id.to_string()),
            short_code: Some(short_code.clone()),
        }
    }
}

impl Report {
    pub(super) fn new(lists_rows: bool, dry_run: bool, reading: &Reading, file: &str) -> Self {
        Self {
            items: Vec::new(),
            format: reading.format().name(),
            dry_run,
            added: 0,
            already: 0,
            changed: Vec::new(),
            problems: Vec::new(),
            flagged: 0,
            notes: Vec::new(),
            media: Said::default(),
            preview: None,
            file: file.to_owned(),
            lists_rows,
            stopped: false,
        }
    }

    /// Rows that were looked at.
    pub(super) fn done(&self) -> usize {
        self.added + self.already + self.changed.len()
    }

    /// Whether no row of the file is here now, or would be.
    pub(super) fn is_nothing(&self) -> bool {
        self.done() == 0
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Takes in what became of some rows of a sheet, and says whether a person stopped it.
    pub(super) fn add(&mut self, sheet: Option<Arc<str>>, rows: &[usize], found: ImportReport) -> bool {
        let sheet = sheet.as_ref();
        let file = match sheet {
            Some(sheet) => format!("{} [{sheet}]", self.file),
            None => self.file.clone(),
        };
        self.problems.extend(refused(&found, &file));
        let added: Vec<Row> = if self.dry_run {
            would_add(rows, &found)
                .map(|row| Row { sheet: sheet.cloned(), row, id: None, short_code: None })
                .collect()
        } else {
            found.added.iter().map(|added| Row::new(sheet, added)).collect()
        };
        self.added += added.len();
        if self.lists_rows {
            self.items.extend(added);
        }
        self.already += found.already.len();
        self.changed.extend(found.changed.iter().map(|changed| Row::new(sheet, changed)));
        self.flagged += found.flagged;
        self.stopped = found.stopped;
        self.stopped
    }

    pub(super) fn finish(&mut self, notes: Vec<String>, preview: Option<Preview>, media: Said) {
        // What the node refused stands behind what could not be read; in one table both go by their rows.
        if self.problems.windows(2).all(|pair| pair[0].file == pair[1].file) {
            self.problems.sort_by_key(|problem| problem.row);
        }
        self.notes.extend(notes);
        self.preview = preview;
        self.media = media;
    }

    /// Says it all; an error if nothing came of it.
    pub(super) fn show(self, session: &Session, strict: bool) -> Result<(), Fail> {
        for note in &self.notes {
            session.out.note(&format!("note: {}", text::line(note)));
        }
        if self.is_nothing() {
            return Err(nothing(&self.problems, strict));
        }
        for problem in &self.problems {
            let Detail { field, reason } = named(problem);
            session.out.note(&text::line(&format!("{field} {reason}")));
        }
        for row in &self.changed {
            let (name, code) = (text::line(&self.file), row.short_code.as_deref().unwrap_or_default());
            let row = row.row;
            session.out.note(&format!("{name}:{row}: has changed since it came in as {code}; not applied"));
        }
        session.out.data(&self, human)?;
        if self.stopped {
            return Err(Fail::other(
                "stopped",
                "stopped; what came in stays, and importing the file again brings the rest",
            ));
        }
        Ok(())
    }
}

/// The rows that an import would save.
fn would_add(rows: &[usize], report: &ImportReport) -> impl Iterator<Item = usize> {
    let changed = report.changed.iter().map(|(row, ..)| row);
    let rejected = report.rejected.iter().map(|(row, _)| row);
    let failed = report.failed.iter().map(|(row, _)| row);
    let others: BTreeSet<usize> =
        report.already.iter().chain(changed).chain(rejected).chain(failed).copied().collect();
    rows.iter().copied().filter(move |row| !others.contains(row))
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

pub(super) fn nothing(problems: &[Problem], strict: bool) -> Fail {
    let bad = text::count(problems.len() as u64, "problem", "problems");
    let message = match (problems.is_empty(), strict) {
        (true, _) => String::from("the file has no rows"),
        (false, true) => format!("nothing was brought in: {bad} (--strict)"),
        (false, false) => format!("nothing was brought in: no row could be read ({bad})"),
    };
    Fail::new(Status::BadInput, "bad_input", message).with_details(problems.iter().map(named).collect())
}

fn human(it: &Report) -> String {
    let verb = if it.dry_run { "would add" } else { "added" };
    let mut out = it.preview.as_ref().map(|preview| format!("{}\n", preview.human())).unwrap_or_default();
    out.push_str(&format!("{verb} {}", text::count(it.added as u64, "incident", "incidents")));
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
    for line in it.media.lines() {
        out.push_str(&format!("\n{line}"));
    }
    out
}
