//! Forms as sheets of text cells, whichever format they come in.

use serde_json::Value;

use super::error::{FormProblem, Place, ProtocolError};
use crate::grid::clean;
use crate::workbook::xls::{self, XlsCell};
use crate::workbook::{self, Cell, SheetRow};
use crate::{ExchangeError, MAX_COLUMNS, csv};

/// The sheets that forms have.
pub(super) const SURVEY: &[&str] = &["survey"];
pub(super) const CHOICES: &[&str] = &["choices", "choices and columns"];
pub(super) const SETTINGS: &[&str] = &["settings"];
/// Further sheets that mark a table as a form, though checklists do not read them.
const OTHERS: &[&str] = &["external_choices", "entities", "osm", "cascades", "columns"];

/// The most rows of a form, and the most characters of a cell.
const MAX_ROWS: usize = 20_000;
const MAX_CELL: usize = 20_000;

/// A sheet of a form.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FormSheet {
    /// Its name in small letters.
    pub(super) name: String,
    /// Rows with something in them.
    pub(super) rows: Vec<FormRow>,
}

/// A row of a sheet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FormRow {
    /// Its number in the sheet, from 1.
    pub(super) number: usize,
    /// Its line in a text file.
    pub(super) line: Option<usize>,
    /// Cells that say something, by column from 0.
    pub(super) cells: Vec<(usize, FormCell)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum FormCell {
    Text(String),
    /// Why there is no value, though the cell is not empty.
    Error(String),
}

impl FormSheet {
    pub(super) fn place(&self, row: &FormRow) -> Place {
        Place { sheet: Some(self.name.clone()), row: Some(row.number), line: row.line }
    }
}

/// Whether a name is that of a sheet of a form.
fn is_sheet(name: &str) -> bool {
    let name = name.trim().to_lowercase();
    [SURVEY, CHOICES, SETTINGS, OTHERS].iter().any(|names| names.contains(&name.as_str()))
}

fn row(
    number: usize,
    line: Option<usize>,
    cells: impl Iterator<Item = (usize, FormCell)>,
) -> Option<FormRow> {
    let said = |cell: &FormCell| !matches!(cell, FormCell::Text(text) if text.is_empty());
    let cells: Vec<_> = cells.filter(|(_, cell)| said(cell)).collect();
    (!cells.is_empty()).then_some(FormRow { number, line, cells })
}

/// Text without blank space around it, and with single spaces, as XLSForm reads it.
fn tidy(text: &str) -> FormCell {
    if text.chars().nth(MAX_CELL).is_some() {
        return FormCell::Error("has more than 20,000 characters".to_owned());
    }
    let mut out = clean(text);
    while out.contains("  ") {
        out = out.replace("  ", " ");
    }
    FormCell::Text(out.replace("\r\n", "\n"))
}

pub(super) fn xlsx(bytes: &[u8]) -> Result<Vec<FormSheet>, ExchangeError> {
    let sheet = |(name, rows): (String, Vec<SheetRow>)| {
        let cell = |(column, cell): (usize, Cell)| {
            let cell = match cell {
                Cell::Value(Value::String(value)) => tidy(&value),
                Cell::Value(Value::Bool(yes)) => {
                    FormCell::Text(if yes { "true" } else { "false" }.to_owned())
                }
                Cell::Value(value) => FormCell::Text(value.to_string()),
                Cell::Error(error) => FormCell::Error(format!("has no value in the file: {error}")),
            };
            (column, cell)
        };
        let rows = rows.into_iter().filter_map(|it| row(it.number, None, it.cells.into_iter().map(cell)));
        FormSheet { name: clean(&name).to_lowercase(), rows: rows.collect() }
    };
    bounded(workbook::raw(bytes)?.into_iter().map(sheet).collect())
}

pub(super) fn xls(bytes: &[u8]) -> Result<Vec<FormSheet>, ExchangeError> {
    let mut sheets = Vec::new();
    for (name, cells) in xls::read(bytes)? {
        let mut rows: Vec<(usize, Vec<(usize, FormCell)>)> = Vec::new();
        for (number, column, cell) in cells {
            let number = usize::from(number) + 1;
            let cell = match cell {
                XlsCell::Text(value) => tidy(&value),
                XlsCell::Number(value) => FormCell::Text(value.to_string()),
                XlsCell::Truth(yes) => FormCell::Text(if yes { "true" } else { "false" }.to_owned()),
                XlsCell::Error => FormCell::Error("has no value in the file".to_owned()),
            };
            match rows.last_mut() {
                Some((last, cells)) if *last == number => cells.push((usize::from(column), cell)),
                _ => rows.push((number, vec![(usize::from(column), cell)])),
            }
        }
        let rows = rows.into_iter().filter_map(|(number, cells)| row(number, None, cells.into_iter()));
        sheets.push(FormSheet { name: clean(&name).to_lowercase(), rows: rows.collect() });
    }
    bounded(sheets)
}

/// Forms of more rows are data of another kind.
fn bounded(sheets: Vec<FormSheet>) -> Result<Vec<FormSheet>, ExchangeError> {
    let rows: usize = sheets.iter().map(|sheet| sheet.rows.len()).sum();
    if rows > MAX_ROWS { Err(ExchangeError::TooManyRows) } else { Ok(sheets) }
}

/// Rows of several sheets one after the other: a row with a name in its first column begins a sheet, the others leave that
/// column empty.
#[derive(Default)]
struct Stack {
    sheets: Vec<FormSheet>,
    rows: usize,
}

impl Stack {
    fn add(&mut self, number: usize, line: usize, cells: Vec<FormCell>) -> Result<(), ProtocolError> {
        self.rows += 1;
        if self.rows > MAX_ROWS {
            return Err(ExchangeError::TooManyRows.into());
        }
        let problem = |reason: &str| {
            let place = Place { line: Some(line), ..Place::default() };
            Err(ProtocolError::one(place.problem("", reason)))
        };
        match cells.first() {
            Some(FormCell::Text(name)) if !name.is_empty() => {
                let rest =
                    cells[1..].iter().all(|cell| matches!(cell, FormCell::Text(text) if text.is_empty()));
                if !rest || !is_sheet(name) {
                    return problem("begins in the first column, where only the name of a sheet may stand");
                }
                self.sheets.push(FormSheet { name: name.to_lowercase(), rows: Vec::new() });
                Ok(())
            }
            Some(FormCell::Error(reason)) => problem(reason),
            _ => {
                let cells = cells.into_iter().skip(1).enumerate();
                let row = row(number, Some(line), cells);
                match (self.sheets.last_mut(), row) {
                    (Some(sheet), Some(row)) => sheet.rows.push(row),
                    (None, Some(_)) => return problem("stands before the name of a sheet"),
                    (_, None) => {}
                }
                Ok(())
            }
        }
    }
}

/// Whether the first row of a table names a sheet of a form.
pub(super) fn is_csv_form(file: &str) -> bool {
    let (_, first) = csv::delimiter(file.trim_start());
    first.first().is_some_and(|name| is_sheet(name))
}

/// What stands between cells: as the first line shows, or the second where the first has nothing but a name.
fn delimiter(file: &str) -> u8 {
    match (csv::delimiter(file), file.split_once(['\n', '\r'])) {
        ((_, first), Some((_, rest))) if first.len() < 2 => csv::delimiter(rest.trim_start_matches('\n')).0,
        ((delimiter, _), _) => delimiter,
    }
}

pub(super) fn csv(file: &str) -> Result<Vec<FormSheet>, ProtocolError> {
    let delimiter = delimiter(file.trim_start());
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(file.as_bytes());
    let mut stack = Stack::default();
    let mut record = ::csv::StringRecord::new();
    let mut lines = Lines { file, counted: 0, line: 1 };
    // The line of the sheet's name, and how many line ends stand inside cells since.
    let (mut begun, mut inside) = (0, 0);
    while reader.read_record(&mut record).map_err(|_| ExchangeError::UnknownFormat)? {
        if record.len() > MAX_COLUMNS {
            return Err(ExchangeError::TooManyColumns.into());
        }
        let from = record.position().map_or(0, |it| usize::try_from(it.byte()).unwrap_or(usize::MAX));
        let line = lines.at(from);
        if record.get(0).is_some_and(|first| !clean(first).is_empty()) {
            (begun, inside) = (line, 0);
        }
        stack.add(line.saturating_sub(begun + inside), line, record.iter().map(tidy).collect())?;
        inside += record.iter().map(|cell| cell.matches('\n').count()).sum::<usize>();
    }
    Ok(stack.sheets)
}

/// Counts lines once through a file.
struct Lines<'a> {
    file: &'a str,
    counted: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of the first character at or behind a byte that is no line end: the reader counts blank lines before a
    /// record as part of it.
    fn at(&mut self, from: usize) -> usize {
        let bytes = self.file.as_bytes();
        let from = from.min(bytes.len());
        let blank = bytes[from..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        for byte in &bytes[self.counted.min(from + blank)..from + blank] {
            self.line += usize::from(*byte == b'\n');
        }
        self.counted = self.counted.max(from + blank);
        self.line
    }
}

/// Whether the first row of the first table in a Markdown file is `| survey |`.
pub(super) fn is_markdown_form(file: &str) -> bool {
    let first = file.lines().find(|line| line.trim_start().starts_with('|'));
    first.is_some_and(|line| {
        let cells = split(line);
        let name = cells.first().map(|cell| clean(cell).to_lowercase()).unwrap_or_default();
        SURVEY.contains(&name.as_str()) && cells[1..].iter().all(|cell| clean(cell).is_empty())
    })
}

/// The sheets of a Markdown file, and how many lines stand outside of them.
pub(super) fn markdown(file: &str) -> Result<(Vec<FormSheet>, usize), ProtocolError> {
    let mut stack = Stack::default();
    let (mut begun, mut rules, mut outside) = (0, 0, 0);
    for (line, number) in file.lines().zip(1..) {
        if line.trim().is_empty() {
            continue;
        }
        if !line.trim_start().starts_with('|') {
            outside += 1;
            continue;
        }
        let cells = split(line);
        if cells.len() > MAX_COLUMNS {
            return Err(ExchangeError::TooManyColumns.into());
        }
        let is_rule = |cell: &String| {
            let cell = cell.trim();
            cell.contains("--") && cell.chars().all(|c| matches!(c, '-' | ':'))
        };
        let filled: Vec<&String> = cells.iter().filter(|cell| !cell.trim().is_empty()).collect();
        if !filled.is_empty() && filled.iter().all(|cell| is_rule(cell)) {
            rules += 1;
            continue;
        }
        if cells.first().is_some_and(|first| !clean(first).is_empty()) {
            (begun, rules) = (number, 0);
        }
        stack.add(number - begun - rules, number, cells.iter().map(|cell| tidy(cell)).collect())?;
    }
    Ok((stack.sheets, outside))
}

/// The cells of a row; `\|` is a bar inside a cell.
fn split(line: &str) -> Vec<String> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let mut cells = Vec::new();
    let mut cell = String::new();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next_if_eq(&'|').is_some() => cell.push('|'),
            '|' => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    // What ends in a bar has nothing behind it.
    if cells.len() > 1 && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
        cells.pop();
    }
    cells
}

/// The sheet of one of these names; an error where there are two.
pub(super) fn sheet<'a>(
    sheets: &'a [FormSheet],
    names: &[&str],
) -> Result<Option<&'a FormSheet>, FormProblem> {
    let mut found = sheets.iter().filter(|sheet| names.contains(&sheet.name.as_str()));
    match (found.next(), found.next()) {
        (Some(sheet), Some(_)) => {
            let place = Place { sheet: Some(sheet.name.clone()), ..Place::default() };
            Err(place.problem("", "there are two sheets of this name"))
        }
        (found, _) => Ok(found),
    }
}
