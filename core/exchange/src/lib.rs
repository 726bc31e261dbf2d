//! Files that people already have, read into drafts of incidents.
//!
//! [`read`] finds out what a file is, reads every row it can, and names every row it cannot by file, row, column and
//! reason. Nothing is guessed about a value: text where a number belongs is a reason to refuse the row, and a missing
//! coordinate stays missing. What a file says beyond the fields of an incident is kept in `imported`.
//!
//! The way of a row: `encoding` makes text of bytes; `source` finds out what it is, and hands out the rows of `csv`,
//! `workbook`, `geojson`, `odk`, `comapeo` and of tables with hashtags (`hxl`) one after the other; `columns` decides
//! which column is which field, by a [`ColumnMap`], a hashtag or the column's name; `row` fills an incident from a row
//! and lets `record` judge it; `reading` does so for all of them, and `notes` says what a person should know.
//!
//! Checklists are read by [`protocol`], and warnings read and written by [`cap`].

mod canonical;
pub mod cap;
mod columns;
mod comapeo;
mod csv;
mod encoding;
mod error;
mod fields;
mod format;
mod geojson;
mod geometry;
mod grid;
mod hxl;
mod json;
mod map;
mod notes;
mod odk;
mod order;
mod point;
pub mod protocol;
mod reading;
mod ring;
mod row;
mod source;
mod table;
mod value;
mod when;
mod workbook;

use std::io::Read;
use std::sync::Arc;

use firsthand_record::Incident;
use serde::{Deserialize, Serialize};

pub use error::ExchangeError;
pub use fields::field_names;
pub use format::Format;
pub use map::ColumnMap;
pub use reading::{ColumnUse, Drafts, Options, Reading, check_length};
pub use workbook::catches_panics;

/// The largest file that is read: 64 MiB. A year of a large team is below 20 MiB as CSV.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The most rows that are read: 200,000. Parsed rows take several times the room of the file.
pub const MAX_ROWS: usize = 200_000;

/// The most columns, or different names of properties, that are read: 10,000. Large forms have some hundreds.
pub const MAX_COLUMNS: usize = 10_000;

/// What came out of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// What the file was.
    pub format: Format,
    /// The rows that could be read, in the order of the file.
    pub incidents: Vec<Imported>,
    /// The rows that could not.
    pub problems: Vec<Problem>,
    /// What a person should know: how columns were understood, what was left out and why.
    pub notes: Vec<String>,
}

/// One row that could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Where it stood, as in [`Problem::row`].
    pub row: usize,
    /// The sheet it stood on, in a workbook of several.
    pub sheet: Option<Arc<str>>,
    /// The draft, with `origin` and `imported`.
    pub incident: Incident,
    /// Photos, recordings and documents that the row names, which are not part of the file.
    pub media: Vec<String>,
}

/// Why a row could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file's name, with that of the sheet in a workbook of several.
    pub file: String,
    /// Where the row begins, as a person counts: the line of a CSV file, the row of a sheet, the number of a feature or
    /// a submission.
    pub row: usize,
    /// Which column or member; empty when it is about the whole row.
    pub column: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads a whole file at once. [`Reading`] reads it row by row.
///
/// `file_name` is what problems name, and its ending helps where the content could be several things. `format` forces
/// a format instead of finding it out. `map` says which column is which field; columns it does not name are
/// understood by their names.
///
/// # Errors
///
/// When no row could even be looked at: the file is empty, too large, not text, of no known format, or broken as a
/// whole; or the map does not fit the file. A bad row is no error but a [`Problem`].
pub fn read(
    input: impl Read,
    file_name: &str,
    format: Option<Format>,
    map: Option<&ColumnMap>,
) -> Result<Import, ExchangeError> {
    let reading = Reading::open(input, file_name, &Options { format, ..Options::default() })?;
    let none = ColumnMap::default();
    let mut drafts = reading.drafts(map.unwrap_or(&none))?;
    let (mut incidents, mut problems) = (Vec::new(), Vec::new());
    for row in &mut drafts {
        match row {
            Ok(imported) => incidents.push(imported),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(Import { format: reading.format(), incidents, problems, notes: drafts.notes() })
}
