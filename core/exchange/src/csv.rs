//! CSV, and CSV from Kobo.

use serde_json::Value;

use crate::table::{Row, Table};
use crate::{ExchangeError, Format};

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
}

/// The text without a first line such as `sep=;`, which some spreadsheets write, and how many lines that were.
fn body(text: &str) -> (&str, usize) {
    match text.split_once('\n') {
        Some((first, rest)) if first.len() <= 6 && first.starts_with("sep=") => (rest, 1),
        _ => (text, 0),
    }
}

/// The names in the first line, without blank space around them.
pub(crate) fn header(text: &str, delimiter: u8) -> Vec<String> {
    let mut record = csv::StringRecord::new();
    match reader(body(text).0, delimiter).read_record(&mut record) {
        Ok(true) => record.iter().map(|name| name.trim().to_owned()).collect(),
        _ => Vec::new(),
    }
}

pub(crate) fn table(text: &str, format: Format, delimiter: u8) -> Result<Table, ExchangeError> {
    let mut table = Table::new(format);
    let (text, lines_before) = body(text);
    let mut reader = reader(text, delimiter);
    let mut record = csv::StringRecord::new();
    let mut width = 0;
    let mut count = 0;
    while matches!(reader.read_record(&mut record), Ok(true)) {
        if width == 0 {
            width = record.len();
            if width > crate::MAX_COLUMNS {
                return Err(ExchangeError::TooManyColumns);
            }
            name_columns(&mut table, &record);
            continue;
        }
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        count += 1;
        table.check_size(count)?;
        let number = lines_before + first_line(text, record.position());
        if record.len() != width {
            let open = record.iter().any(|cell| cell.lines().count() > 20);
            let hint = if open { "; perhaps a quotation mark was never closed" } else { "" };
            table.refuse(number, "", format!("has {} cells, but the header has {width}{hint}", record.len()));
            continue;
        }
        let mut row = Row { number, ..Row::default() };
        for (at, cell) in record.iter().enumerate() {
            if !cell.trim().is_empty() {
                row.cells.insert(at, Value::from(cell));
            }
        }
        table.push(row);
    }
    Ok(table)
}

/// A second column of one name gets a number and a nameless one its place, so that no value hides another.
fn name_columns(table: &mut Table, header: &csv::StringRecord) {
    for (at, name) in header.iter().enumerate() {
        let name = match name.trim() {
            "" => format!("column {}", at + 1),
            name => name.to_owned(),
        };
        let mut free = name.clone();
        let mut count = 1;
        while table.find(&free).is_some() {
            count += 1;
            free = format!("{name} ({count})");
        }
        table.column(&free);
    }
}

/// The line a record begins in, from 1: the reader counts blank lines before a record as part of it.
fn first_line(text: &str, position: Option<&csv::Position>) -> usize {
    let Some(position) = position else { return 0 };
    let from = usize::try_from(position.byte()).unwrap_or(usize::MAX).min(text.len());
    let blank = text.as_bytes()[from..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
    position.line() as usize + blank.filter(|byte| **byte == b'\n').count()
}
