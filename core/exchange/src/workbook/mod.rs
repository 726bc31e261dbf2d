//! Workbooks (XLSX): checked before anything is unpacked for real, read sheet by sheet, and the repeated groups of a
//! form put back under the submission they belong to.

mod package;
mod repeat;
mod sheet;
pub(crate) mod xls;

use std::cell::Cell as Flag;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use crate::ExchangeError;
use crate::grid::Header;

pub(crate) use package::{is_old, is_packed};

/// The sheets of a workbook that hold rows.
#[derive(Debug, Default)]
pub(crate) struct Workbook {
    pub(crate) sheets: Vec<Sheet>,
    /// What a person should know.
    pub(crate) notes: Vec<String>,
}

/// A sheet: its header, and the cells of each row under it.
#[derive(Debug)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    pub(crate) header: Header,
    pub(crate) rows: Vec<SheetRow>,
}

/// One row of a sheet.
#[derive(Debug, Default)]
pub(crate) struct SheetRow {
    /// Its number as the spreadsheet shows it.
    pub(crate) number: usize,
    /// What the cells say, by column from 0; empty ones are not here.
    pub(crate) cells: Vec<(usize, Cell)>,
    /// The answers of repeated groups, each a list under the name of its sheet.
    pub(crate) repeats: Vec<(String, Value)>,
    /// Why this row cannot come in, where the workbook itself says so.
    pub(crate) refused: Option<String>,
}

/// What a cell says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Value(Value),
    /// The spreadsheet says that there is no value, such as `#REF!`.
    Error(String),
}

/// Reads a workbook; of several sheets with columns of their own, the first or the wanted one.
pub(crate) fn read(bytes: &[u8], wanted: Option<&str>) -> Result<Workbook, ExchangeError> {
    package::check(bytes)?;
    let (sheets, mut notes) = caught(|| sheet::read(bytes)).ok_or(ExchangeError::NotWorkbook)??;
    let sheets = repeat::join(sheets, wanted, &mut notes)?;
    Ok(Workbook { sheets, notes })
}

/// Every sheet of a workbook with its rows as they stand.
pub(crate) fn raw(bytes: &[u8]) -> Result<Vec<(String, Vec<SheetRow>)>, ExchangeError> {
    package::check(bytes)?;
    caught(|| sheet::raw(bytes)).ok_or(ExchangeError::NotWorkbook)?
}

thread_local! {
    static CATCHES: Flag<bool> = const { Flag::new(false) };
}

/// Whether a panic on this thread, now, would be caught and be a broken workbook. A program whose panics are written
/// down asks this first, and writes nothing of those.
#[must_use]
pub fn catches_panics() -> bool {
    CATCHES.get()
}

/// The reader of spreadsheets is not ours: what makes it panic is a broken workbook, not the end of the program.
fn caught<T>(read: impl FnOnce() -> T) -> Option<T> {
    CATCHES.set(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    CATCHES.set(false);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_reader_is_caught_and_known_to_be() {
        assert!(!catches_panics());
        assert_eq!(caught(catches_panics), Some(true));
        assert!(!catches_panics());
        assert_eq!(caught(|| assert!(!catches_panics(), "a broken workbook")), None);
        assert!(!catches_panics());
    }
}
