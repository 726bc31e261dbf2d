//! Files that people already have, read into drafts of incidents.
//!
//! [`read`] finds out what a file is, reads every row it can, and names every row it cannot by file, row, column and
//! reason. Nothing is guessed about a value: text where a number belongs is a reason to refuse the row, and a missing
//! coordinate stays missing. What a file says beyond the fields of an incident is kept in `imported`.
//!
//! The way of a row: `csv`, `geojson` or `odk` turns the file into a `Table`; `columns` decides which column is which
//! field, by a [`ColumnMap`] or by its name; `row` fills an incident from a row and lets `record` judge it; `draft` does
//! so for all of them and writes the notes.

mod canonical;
mod columns;
mod csv;
mod draft;
mod error;
mod fields;
mod format;
mod geojson;
mod geometry;
mod map;
mod odk;
mod order;
mod point;
mod row;
mod table;
mod value;
mod when;

use std::io::Read;

use firsthand_record::Incident;
use serde::{Deserialize, Serialize};

pub use error::ExchangeError;
pub use fields::field_names;
pub use format::Format;
pub use map::ColumnMap;

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
    /// The draft, with `origin` and `imported`.
    pub incident: Incident,
}

/// Why a row could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// Where the row begins, as a person counts: the line of a CSV file, the number of a feature or a submission.
    pub row: usize,
    /// Which column or member; empty when it is about the whole row.
    pub column: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads a file.
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
    let mut bytes = Vec::new();
    input.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ExchangeError::TooLarge);
    }
    let text = format::text(&bytes)?;
    let table = match format::detect(text, file_name, format)? {
        format::Detected::Csv { format, delimiter } => csv::table(text, format, delimiter)?,
        format::Detected::GeoJson(json) => geojson::table(json, &order::KeyOrder::of(text))?,
        format::Detected::Odk(json) => odk::table(json, &order::KeyOrder::of(text))?,
    };
    draft::import(table, file_name, map.unwrap_or(&ColumnMap::default()))
}
