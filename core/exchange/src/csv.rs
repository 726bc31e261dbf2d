//! CSV, and CSV from Kobo.

use serde_json::Value;

use crate::grid::{self, Header};
use crate::table::{Columns, Item, What};
use crate::{ExchangeError, MAX_COLUMNS, hxl};

/// A cell of more lines than this where the number of cells is wrong: a quotation mark was hardly closed.
const MANY_LINES: usize = 20;

/// A CSV file whose header is known.
#[derive(Debug)]
pub(crate) struct Csv {
    text: String,
    delimiter: u8,
    pub(crate) header: Header,
    /// The byte where the rows begin.
    from: usize,
}

impl Csv {
    pub(crate) fn new(text: String, delimiter: u8) -> Result<Self, ExchangeError> {
        let begin = declared(&text).map_or(0, |(_, length)| length);
        let mut reader = reader(&text[begin..], delimiter);
        let mut record = csv::StringRecord::new();
        let (mut first, mut ends) = (Vec::new(), Vec::new());
        while first.len() < hxl::LOOKED_AT && matches!(reader.read_record(&mut record), Ok(true)) {
            if record.len() > MAX_COLUMNS {
                return Err(ExchangeError::TooManyColumns);
            }
            first.push(record.iter().map(str::to_owned).collect::<Vec<_>>());
            ends.push(begin + place(reader.position()));
        }
        let header = Header::find(&first).ok_or(ExchangeError::Empty)?;
        let from = ends[header.rows - 1].min(text.len());
        Ok(Self { text, delimiter, header, from })
    }

    pub(crate) const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    pub(crate) fn rows(&self) -> CsvRows<'_> {
        CsvRows {
            csv: self,
            reader: reader(&self.text[self.from..], self.delimiter),
            record: csv::StringRecord::new(),
            places: Vec::new(),
            counted: 0,
            line: 1,
        }
    }
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
}

fn place(position: &csv::Position) -> usize {
    usize::try_from(position.byte()).unwrap_or(usize::MAX)
}

/// The delimiter that a first line such as `sep=;` names, which some spreadsheets write, and the length of that line.
fn declared(text: &str) -> Option<(u8, usize)> {
    let rest = text.strip_prefix("sep=")?;
    let (delimiter, rest) = (*rest.as_bytes().first().filter(|byte| byte.is_ascii())?, rest.get(1..)?);
    let end = ["\r\n", "\n", "\r"].iter().find(|end| rest.starts_with(**end))?;
    Some((delimiter, "sep=".len() + 1 + end.len()))
}

/// The delimiter that cuts the first line into most columns, unless the file names it, and those columns.
pub(crate) fn delimiter(text: &str) -> (u8, Vec<String>) {
    let header = |delimiter| {
        let begin = declared(text).map_or(0, |(_, length)| length);
        let mut record = csv::StringRecord::new();
        match reader(&text[begin..], delimiter).read_record(&mut record) {
            Ok(true) => record.iter().map(grid::clean).collect(),
            _ => Vec::new(),
        }
    };
    if let Some((delimiter, _)) = declared(text) {
        return (delimiter, header(delimiter));
    }
    let mut best = (b',', Vec::new());
    for delimiter in *b",;\t|" {
        let header: Vec<String> = header(delimiter);
        if header.len() > best.1.len() {
            best = (delimiter, header);
        }
    }
    best
}

/// The rows of a CSV file, one after the other.
pub(crate) struct CsvRows<'a> {
    csv: &'a Csv,
    reader: csv::Reader<&'a [u8]>,
    record: csv::StringRecord,
    /// Where each column stands among those of the file.
    places: Vec<usize>,
    /// Up to which byte lines are counted, and the number of the line there.
    counted: usize,
    line: usize,
}

impl CsvRows<'_> {
    pub(crate) fn next(&mut self, columns: &mut Columns) -> Option<Item> {
        if self.places.is_empty() {
            self.places = self.csv.header.enter(columns);
        }
        loop {
            if !matches!(self.reader.read_record(&mut self.record), Ok(true)) {
                return None;
            }
            if self.record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let begin = self.csv.from + self.record.position().map_or(0, place);
            let number = self.line_at(begin);
            return Some(Item { number, sheet: 0, what: self.judge(begin, number) });
        }
    }

    fn judge(&self, begin: usize, number: usize) -> What {
        let (record, width) = (&self.record, self.csv.header.names.len());
        let end = self.csv.from + place(self.reader.position());
        let raw = self.csv.text.get(begin..).unwrap_or_default();
        if end >= self.csv.text.len() && ends_inside_quotes(raw, self.csv.delimiter) {
            return What::refused(
                "",
                "begins a quotation that is never closed, so the rest of the file is part of it",
            );
        }
        if record.len() != width {
            let open = record.iter().any(|cell| cell.lines().count() > MANY_LINES);
            let hint = if open { "; perhaps a quotation mark was never closed" } else { "" };
            return What::refused(
                "",
                format!("has {} cells, but the header has {width}{hint}", record.len()),
            );
        }
        let cells = record.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty());
        What::Row(Box::new(grid::row(number, &self.places, cells.map(|(at, cell)| (at, Value::from(cell))))))
    }

    /// The line in which a record begins, from 1. The reader counts blank lines before a record as part of it, and
    /// knows no lines that end in a carriage return alone.
    fn line_at(&mut self, begin: usize) -> usize {
        let bytes = self.csv.text.as_bytes();
        let is_end = |byte: u8| matches!(byte, b'\n' | b'\r');
        let blank = bytes[begin.min(bytes.len())..].iter().take_while(|byte| is_end(**byte)).count();
        let until = (begin + blank).min(bytes.len());
        for at in self.counted..until {
            let is_pair = bytes[at] == b'\n' && at > 0 && bytes[at - 1] == b'\r';
            self.line += usize::from(is_end(bytes[at]) && !is_pair);
        }
        self.counted = self.counted.max(until);
        self.line
    }
}

/// Whether text that begins with a record ends between quotation marks.
fn ends_inside_quotes(raw: &str, delimiter: u8) -> bool {
    let (mut quoted, mut fresh) = (false, true);
    let mut bytes = raw.trim_start_matches(['\n', '\r']).bytes().peekable();
    while let Some(byte) = bytes.next() {
        if quoted {
            // Two marks stand for one; one alone ends the quotation.
            quoted = byte != b'"' || bytes.next_if_eq(&b'"').is_some();
        } else {
            quoted = fresh && byte == b'"';
            fresh = byte == delimiter || matches!(byte, b'\n' | b'\r');
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_that_is_never_closed_is_seen() {
        for open in ["a,\"b", "\"a,b\nc", "a,\"b\"\"", "a,\"\"\"b\"\""] {
            assert!(ends_inside_quotes(open, b','), "{open}");
        }
        for closed in ["a,b", "a,\"b\"", "5\" pipe,x", "a,\"b\"\"c\"\n", "\"\"", "a;\"x\";\"\""] {
            assert!(!ends_inside_quotes(closed, if closed.contains(';') { b';' } else { b',' }), "{closed}");
        }
    }

    #[test]
    fn a_first_line_can_name_the_delimiter() {
        assert_eq!(delimiter("sep=;\r\na;b,c,d\r\n"), (b';', vec!["a".to_owned(), "b,c,d".to_owned()]));
        assert_eq!(declared("sep=\t\nx"), Some((b'\t', 6)));
        assert_eq!(declared("sep=é\nx"), None);
        assert_eq!(declared("sep,b\n"), None);
    }
}
