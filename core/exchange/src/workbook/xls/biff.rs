//! The records of a workbook of before 2007 (BIFF8): [MS-XLS] names them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compound::{u16_at, u32_at};
use super::{XlsCell, XlsPlace};
use crate::ExchangeError;

/// The most cells of all sheets together.
const MAX_CELLS: usize = 200_000;
const MAX_SHEETS: usize = 256;
/// The most different texts, and the characters of all of them.
const MAX_TEXTS: usize = 100_000;
const MAX_CHARS: usize = 8_000_000;

mod record {
    pub(super) const BOF: u16 = 0x0809;
    pub(super) const EOF: u16 = 0x000a;
    pub(super) const FILE_PASS: u16 = 0x002f;
    pub(super) const BOUND_SHEET: u16 = 0x0085;
    pub(super) const SST: u16 = 0x00fc;
    pub(super) const CONTINUE: u16 = 0x003c;
    pub(super) const LABEL_SST: u16 = 0x00fd;
    pub(super) const LABEL: u16 = 0x0204;
    pub(super) const NUMBER: u16 = 0x0203;
    pub(super) const RK: u16 = 0x027e;
    pub(super) const MUL_RK: u16 = 0x00bd;
    pub(super) const BOOL_ERR: u16 = 0x0205;
    pub(super) const FORMULA: u16 = 0x0006;
    pub(super) const STRING: u16 = 0x0207;
}

/// The sheets of cells of a workbook stream.
pub(super) fn sheets(stream: &[u8]) -> Result<Vec<(String, Vec<XlsPlace>)>, ExchangeError> {
    let globals = globals(stream)?;
    let mut left = MAX_CELLS;
    let mut sheets = Vec::new();
    for (place, name) in globals.sheets {
        let cells = cells(stream, place, &globals.texts, &mut left)?;
        sheets.push((name, cells));
    }
    Ok(sheets)
}

struct Records<'a> {
    stream: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let (id, length) = (u16_at(self.stream, self.at)?, usize::from(u16_at(self.stream, self.at + 2)?));
        let data = self.stream.get(self.at + 4..self.at + 4 + length)?;
        self.at += 4 + length;
        Some((id, data))
    }

    /// The records that carry on the last one.
    fn continued(&mut self) -> Vec<&'a [u8]> {
        let mut parts = Vec::new();
        while u16_at(self.stream, self.at) == Some(record::CONTINUE) {
            match self.next() {
                Some((_, data)) => parts.push(data),
                None => break,
            }
        }
        parts
    }
}

struct Globals {
    sheets: Vec<(usize, String)>,
    texts: Vec<Arc<str>>,
}

fn globals(stream: &[u8]) -> Result<Globals, ExchangeError> {
    let broken = || ExchangeError::NotWorkbook;
    let mut records = Records { stream, at: 0 };
    let (id, data) = records.next().ok_or_else(broken)?;
    if id != record::BOF || u16_at(data, 0) != Some(0x0600) {
        return Err(ExchangeError::OldWorkbook);
    }
    let mut globals = Globals { sheets: Vec::new(), texts: Vec::new() };
    while let Some((id, data)) = records.next() {
        match id {
            record::EOF => break,
            record::FILE_PASS => return Err(ExchangeError::OldWorkbook),
            // Type 0 is a sheet of cells; others are charts and macros, which are not looked at.
            record::BOUND_SHEET if data.get(5) == Some(&0) => {
                let place = u32_at(data, 0).ok_or_else(broken)? as usize;
                let length = usize::from(*data.get(6).ok_or_else(broken)?);
                let name = plain(data.get(7..).ok_or_else(broken)?, length).ok_or_else(broken)?;
                if globals.sheets.len() == MAX_SHEETS {
                    return Err(ExchangeError::TooManyCells);
                }
                globals.sheets.push((place, name));
            }
            record::SST => {
                let mut parts = vec![data];
                parts.extend(records.continued());
                globals.texts = texts(&parts)?;
            }
            _ => {}
        }
    }
    Ok(globals)
}

/// Text behind a byte that says how wide its characters are, in one piece.
fn plain(data: &[u8], length: usize) -> Option<String> {
    let is_wide = data.first()? & 1 == 1;
    let bytes = data.get(1..=if is_wide { length * 2 } else { length })?;
    Some(decoded(bytes, is_wide))
}

fn decoded(bytes: &[u8], is_wide: bool) -> String {
    if is_wide {
        let units: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    } else {
        // The low bytes of UTF-16.
        bytes.iter().map(|byte| char::from(*byte)).collect()
    }
}

/// Bytes that are cut into several records.
struct Parts<'a, 'b> {
    parts: &'b [&'a [u8]],
    part: usize,
    at: usize,
}

impl Parts<'_, '_> {
    /// Goes to the next part where this one ends.
    fn settle(&mut self) -> bool {
        while self.parts.get(self.part).is_some_and(|part| self.at >= part.len()) {
            self.part += 1;
            self.at = 0;
        }
        self.part < self.parts.len()
    }

    fn byte(&mut self) -> Option<u8> {
        self.settle().then_some(())?;
        let byte = self.parts[self.part][self.at];
        self.at += 1;
        Some(byte)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let mut number = 0;
        for index in 0..bytes {
            number |= usize::from(self.byte()?) << (8 * index);
        }
        Some(number)
    }

    fn skip(&mut self, mut bytes: usize) -> Option<()> {
        while bytes > 0 {
            self.settle().then_some(())?;
            let here = bytes.min(self.parts[self.part].len() - self.at);
            self.at += here;
            bytes -= here;
        }
        Some(())
    }

    /// Characters. Where they go on in the next record, that begins with how wide they are there.
    fn characters(&mut self, mut left: usize, mut is_wide: bool) -> Option<String> {
        let mut text = String::new();
        while left > 0 {
            if self.parts.get(self.part).is_none_or(|part| self.at >= part.len()) {
                self.settle().then_some(())?;
                is_wide = self.byte()? & 1 == 1;
            }
            let part = *self.parts.get(self.part)?;
            let width = if is_wide { 2 } else { 1 };
            let here = left.min((part.len() - self.at) / width);
            if here == 0 {
                return None;
            }
            text.push_str(&decoded(&part[self.at..self.at + here * width], is_wide));
            self.at += here * width;
            left -= here;
        }
        Some(text)
    }

    fn text(&mut self) -> Option<String> {
        let length = self.number(2)?;
        let flags = self.byte()?;
        let runs = if flags & 8 == 8 { self.number(2)? } else { 0 };
        let extra = if flags & 4 == 4 { self.number(4)? } else { 0 };
        let text = self.characters(length, flags & 1 == 1)?;
        self.skip(runs * 4 + extra)?;
        Some(text)
    }
}

fn texts(parts: &[&[u8]]) -> Result<Vec<Arc<str>>, ExchangeError> {
    let mut bytes = Parts { parts, part: 0, at: 0 };
    let count = bytes.skip(4).and_then(|()| bytes.number(4)).ok_or(ExchangeError::NotWorkbook)?;
    let (mut texts, mut chars) = (Vec::new(), 0);
    for _ in 0..count {
        if texts.len() == MAX_TEXTS || chars > MAX_CHARS {
            return Err(ExchangeError::TooManyCells);
        }
        let text = bytes.text().ok_or(ExchangeError::NotWorkbook)?;
        chars += text.len();
        texts.push(Arc::from(text));
    }
    Ok(texts)
}

fn cells(
    stream: &[u8],
    place: usize,
    texts: &[Arc<str>],
    left: &mut usize,
) -> Result<Vec<XlsPlace>, ExchangeError> {
    let broken = || ExchangeError::NotWorkbook;
    let mut records = Records { stream, at: place };
    if records.next().is_none_or(|(id, _)| id != record::BOF) {
        return Err(broken());
    }
    let mut cells: BTreeMap<(u16, u16), XlsCell> = BTreeMap::new();
    // Charts inside a sheet are streams of their own.
    let mut depth = 0;
    let mut awaiting = None;
    while let Some((id, data)) = records.next() {
        match id {
            record::BOF => depth += 1,
            record::EOF if depth == 0 => break,
            record::EOF => depth -= 1,
            _ if depth > 0 => {}
            record::STRING => {
                let text = u16_at(data, 0).and_then(|length| plain(data.get(2..)?, usize::from(length)));
                if let (Some(at), Some(text)) = (awaiting.take(), text) {
                    cells.insert(at, XlsCell::Text(Arc::from(text)));
                }
            }
            _ => {
                let (Some(row), Some(column)) = (u16_at(data, 0), u16_at(data, 2)) else { continue };
                let found = match id {
                    record::LABEL_SST => {
                        let at = u32_at(data, 6).ok_or_else(broken)? as usize;
                        vec![XlsCell::Text(texts.get(at).ok_or_else(broken)?.clone())]
                    }
                    record::LABEL => {
                        let length = usize::from(u16_at(data, 6).ok_or_else(broken)?);
                        let text = data.get(8..).and_then(|rest| plain(rest, length)).ok_or_else(broken)?;
                        vec![XlsCell::Text(Arc::from(text))]
                    }
                    record::NUMBER => vec![XlsCell::Number(float(data, 6).ok_or_else(broken)?)],
                    record::RK => vec![XlsCell::Number(packed(u32_at(data, 6).ok_or_else(broken)?))],
                    record::MUL_RK => {
                        let count = data.len().saturating_sub(6) / 6;
                        let numbers = (0..count).filter_map(|at| u32_at(data, 6 + at * 6));
                        numbers.map(|number| XlsCell::Number(packed(number))).collect()
                    }
                    record::BOOL_ERR => vec![truth(data.get(6..8).ok_or_else(broken)?)],
                    record::FORMULA => {
                        let result = data.get(6..14).ok_or_else(broken)?;
                        let (cell, is_text) = formula(result);
                        awaiting = is_text.then_some((row, column));
                        vec![cell]
                    }
                    _ => continue,
                };
                *left = left.checked_sub(found.len()).ok_or(ExchangeError::TooManyCells)?;
                for (cell, column) in found.into_iter().zip(column..=u16::MAX) {
                    cells.insert((row, column), cell);
                }
            }
        }
    }
    Ok(cells.into_iter().map(|((row, column), cell)| (row, column, cell)).collect())
}

/// The result that was saved with a formula, and whether it is text, which follows in a record of its own.
fn formula(result: &[u8]) -> (XlsCell, bool) {
    if result[6..8] != [0xff, 0xff] {
        return (float(result, 0).map_or(XlsCell::Error, XlsCell::Number), false);
    }
    match result[0] {
        0 => (XlsCell::Error, true),
        1 => (XlsCell::Truth(result[2] != 0), false),
        3 => (XlsCell::Text(Arc::from("")), false),
        _ => (XlsCell::Error, false),
    }
}

fn truth(data: &[u8]) -> XlsCell {
    if data[1] == 0 { XlsCell::Truth(data[0] != 0) } else { XlsCell::Error }
}

fn float(data: &[u8], at: usize) -> Option<f64> {
    Some(f64::from_le_bytes(data.get(at..at + 8)?.try_into().ok()?))
}

/// A number in four bytes: a whole number or the upper half of another, either perhaps a hundred times too large.
fn packed(word: u32) -> f64 {
    let number = if word & 2 == 2 {
        f64::from(word as i32 >> 2)
    } else {
        f64::from_bits(u64::from(word & 0xffff_fffc) << 32)
    };
    if word & 1 == 1 { number / 100.0 } else { number }
}
