//! Workbooks of before 2007 (XLS), as far as forms need them: text, numbers and true or false of each sheet.
//!
//! Written here because the reader of the other workbooks makes a cell for every place up to the farthest one, and a copy of a
//! text for every cell that has it: a file of one megabyte could then take thousands. Here a text is held once.

mod biff;
mod compound;

use std::sync::Arc;

use crate::ExchangeError;

/// The largest workbook of this kind that is read: 8 MB. A form has some tens of kilobytes.
const MAX_BYTES: usize = 8_000_000;

/// What a cell says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum XlsCell {
    Text(Arc<str>),
    Number(f64),
    Truth(bool),
    /// The spreadsheet says that there is no value.
    Error,
}

/// A cell with its row and column, from 0.
pub(crate) type XlsPlace = (u16, u16, XlsCell);

/// The sheets with their cells, in the order of the file.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<(String, Vec<XlsPlace>)>, ExchangeError> {
    if bytes.len() > MAX_BYTES {
        return Err(ExchangeError::OldWorkbook);
    }
    let stream = compound::workbook(bytes).ok_or(ExchangeError::OldWorkbook)?;
    biff::sheets(&stream)
}
