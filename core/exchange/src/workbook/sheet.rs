//! The cells of each sheet.

use std::io::Cursor;

use calamine::{CellErrorType, DataRef, ExcelDateTime, Reader, SheetType, Xlsx, XlsxError};
use serde_json::{Number, Value};

use super::{Cell, Sheet, SheetRow};
use crate::grid::Header;
use crate::{ExchangeError, MAX_COLUMNS, MAX_ROWS, hxl};

/// The most cells that are read: what fits into the memory of a small laptop with the rest of the program.
const MAX_CELLS: usize = 2_000_000;

/// Whole numbers up to here are exact in a spreadsheet.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The sheets that hold rows, and what a person should know of the others.
pub(super) fn read(bytes: &[u8]) -> Result<(Vec<Sheet>, Vec<String>), ExchangeError> {
    let broken = |_: XlsxError| ExchangeError::NotWorkbook;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let found = book.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let names: Vec<String> = found.map(|sheet| sheet.name.clone()).collect();
    let (mut sheets, mut notes) = (Vec::new(), Vec::new());
    let mut left = MAX_CELLS;
    for name in names {
        let Some(sheet) = cells(&mut book, &name, &mut left)? else {
            notes.push(format!("sheet {name:?} is empty"));
            continue;
        };
        let merged = book.merge_cells_by_sheet_name(&name).map_err(broken)?;
        if !merged.is_empty() {
            let what = "merged cells: what they say counts for the first cell alone";
            notes.push(format!("sheet {name:?} has {} {what}", merged.len()));
        }
        sheets.push(sheet);
    }
    Ok((sheets, notes))
}

/// Every sheet of cells with its rows as they stand, also what is above a header.
pub(super) fn raw(bytes: &[u8]) -> Result<Vec<(String, Vec<SheetRow>)>, ExchangeError> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|_| ExchangeError::NotWorkbook)?;
    let found = book.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let names: Vec<String> = found.map(|sheet| sheet.name.clone()).collect();
    let mut left = MAX_CELLS;
    let mut sheets = Vec::new();
    for name in names {
        if let Some(rows) = rows(&mut book, &name, &mut left)? {
            sheets.push((name, rows));
        }
    }
    Ok(sheets)
}

/// Rows of cells under their header; nothing for an empty sheet.
fn cells(
    book: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    left: &mut usize,
) -> Result<Option<Sheet>, ExchangeError> {
    let Some(mut rows) = rows(book, name, left)? else { return Ok(None) };
    let Some(header) = header(&rows) else { return Ok(None) };
    rows.drain(..header.rows);
    Ok(Some(Sheet { name: name.to_owned(), header, rows }))
}

/// Rows of cells as they stand; nothing for what is no sheet of cells.
fn rows(
    book: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    left: &mut usize,
) -> Result<Option<Vec<SheetRow>>, ExchangeError> {
    let mut reader = match book.worksheet_cells_reader(name) {
        Ok(reader) => reader,
        Err(XlsxError::NotAWorksheet(_)) => return Ok(None),
        Err(_) => return Err(ExchangeError::NotWorkbook),
    };
    let mut rows: Vec<SheetRow> = Vec::new();
    while let Some(record) =
        reader.next_cell_with_formula_metadata().map_err(|_| ExchangeError::NotWorkbook)?
    {
        let (number, column) = (record.pos.0 as usize + 1, record.pos.1 as usize);
        let cell = match value(&record.value) {
            Some(cell) => cell,
            None if record.formula.is_some() => Cell::Error("a formula without a result".to_owned()),
            None => continue,
        };
        if column >= MAX_COLUMNS {
            return Err(ExchangeError::TooManyColumns);
        }
        *left = left.checked_sub(1).ok_or(ExchangeError::TooManyCells)?;
        match rows.last_mut() {
            Some(row) if row.number == number => row.cells.push((column, cell)),
            // A spreadsheet program writes rows in order; what does not is no workbook of one.
            Some(row) if row.number > number => return Err(ExchangeError::NotWorkbook),
            _ => rows.push(SheetRow { number, cells: vec![(column, cell)], ..SheetRow::default() }),
        }
        if rows.len() > MAX_ROWS + hxl::LOOKED_AT {
            return Err(ExchangeError::TooManyRows);
        }
    }
    for row in &mut rows {
        // The order of the cells is that of the file; a place that stands there twice is broken.
        row.cells.sort_by_key(|(column, _)| *column);
        if row.cells.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(ExchangeError::NotWorkbook);
        }
    }
    Ok(Some(rows))
}

/// The header among the first rows. Rows of one cell above a table are its title, not its header.
fn header(rows: &[SheetRow]) -> Option<Header> {
    let first: Vec<Vec<String>> = rows.iter().take(hxl::LOOKED_AT).map(texts).collect();
    let filled = |row: &Vec<String>| row.iter().filter(|cell| !cell.is_empty()).count();
    let found = Header::find(&first)?;
    if found.tagged {
        return Some(found);
    }
    let titles = first.iter().position(|row| filled(row) > 1).unwrap_or(0);
    let header = Header::find(&first[titles..titles + 1])?;
    Some(Header { rows: titles + 1, ..header })
}

fn texts(row: &SheetRow) -> Vec<String> {
    let width = row.cells.last().map_or(0, |(column, _)| column + 1);
    let mut texts = vec![String::new(); width];
    for (column, cell) in &row.cells {
        texts[*column] = match cell {
            Cell::Value(Value::String(text)) => text.trim().to_owned(),
            Cell::Value(value) => value.to_string(),
            Cell::Error(_) => String::new(),
        };
    }
    texts
}

fn value(value: &DataRef<'_>) -> Option<Cell> {
    Some(match value {
        DataRef::Empty => return None,
        DataRef::String(text) if text.trim().is_empty() => return None,
        DataRef::SharedString(text) if text.trim().is_empty() => return None,
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            Cell::Value(Value::from(text.as_str()))
        }
        DataRef::SharedString(text) => Cell::Value(Value::from(*text)),
        DataRef::Bool(yes) => Cell::Value(Value::from(*yes)),
        DataRef::Int(number) => Cell::Value(Value::from(*number)),
        DataRef::Float(number) => self::number(*number),
        DataRef::DateTime(stamp) => date(*stamp),
        DataRef::Error(error) => Cell::Error(name(error).to_owned()),
    })
}

fn number(number: f64) -> Cell {
    if number.fract() == 0.0 && number.abs() < EXACT {
        // As people write it: 7, not 7.0.
        return Cell::Value(Value::from(number as i64));
    }
    Number::from_f64(number)
        .map_or_else(|| Cell::Error("a number that is none".to_owned()), |it| Cell::Value(it.into()))
}

/// A date as ISO 8601. Without a part of a day it is a date alone, and below one day a time alone.
fn date(stamp: ExcelDateTime) -> Cell {
    let serial = stamp.as_f64();
    // Beyond these the program that wrote it could not show a date either. The 60th day of 1900 never was.
    if !(0.0..2_958_466.0).contains(&serial)
        || stamp.is_duration()
        || (60.0..61.0).contains(&serial) && !is_1904(stamp)
    {
        return number(serial);
    }
    let (year, month, day, hour, minute, second, milli) = stamp.to_ymd_hms_milli();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    let time = if milli == 0 { time } else { format!("{time}.{milli:03}") };
    let text = if serial < 1.0 {
        time
    } else if serial.fract() == 0.0 {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02}T{time}")
    };
    Cell::Value(Value::from(text))
}

/// Whether the workbook counts days from 1904: its day 60 is another year's.
fn is_1904(stamp: ExcelDateTime) -> bool {
    stamp.to_ymd_hms_milli().0 >= 1904
}

const fn name(error: &CellErrorType) -> &'static str {
    match error {
        CellErrorType::Div0 => "#DIV/0!",
        CellErrorType::NA => "#N/A",
        CellErrorType::Name => "#NAME?",
        CellErrorType::Null => "#NULL!",
        CellErrorType::Num => "#NUM!",
        CellErrorType::Ref => "#REF!",
        CellErrorType::Value => "#VALUE!",
        CellErrorType::GettingData => "#DATA!",
    }
}
