//! What a file is, and its rows one after the other.

use std::ops::Range;

use serde_json::Value;

use crate::csv::{Csv, CsvRows};
use crate::geojson::Form;
use crate::grid::{self, Header};
use crate::json::{self, Root};
use crate::order::KeyOrder;
use crate::table::{Columns, Item, Row, What};
use crate::workbook::{Cell, SheetRow, Workbook};
use crate::{ExchangeError, Format, Options, comapeo, csv, encoding, geojson, hxl, odk, workbook};

/// A file that was found to be of a format.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) format: Format,
    /// What a person should know before its rows.
    pub(crate) notes: Vec<String>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Csv(Csv),
    Workbook(Workbook),
    Json(Items),
    /// HXL as a list of lists.
    Lists(Items, Header),
}

/// A list in JSON, of which only the places of the items are held.
#[derive(Debug)]
struct Items {
    text: String,
    places: Vec<Range<usize>>,
    order: KeyOrder,
    form: Form,
}

impl Items {
    fn parse(&self, index: usize) -> Result<Value, &'static str> {
        json::parse(&self.text[self.places[index].clone()])
    }
}

/// Whether a header is that of Kobo.
fn is_kobo(names: &[String]) -> bool {
    let has = |column: &str| names.iter().any(|name| name == column);
    has("_uuid") && (has("_id") || has("_submission_time"))
}

impl Source {
    pub(crate) fn open(bytes: Vec<u8>, file_name: &str, options: &Options) -> Result<Self, ExchangeError> {
        if workbook::is_packed(&bytes) {
            return Self::workbook(&bytes, options);
        }
        if workbook::is_old(&bytes) {
            return Err(ExchangeError::OldWorkbook);
        }
        if options.format == Some(Format::Xlsx) {
            return Err(if bytes.is_empty() { ExchangeError::Empty } else { ExchangeError::NotWorkbook });
        }
        let (text, encoding) = encoding::text(bytes, options.encoding.as_deref())?;
        let mut source = Self::text(text, file_name, options.format)?;
        if options.encoding.is_none() && encoding::is_guess(encoding) {
            let name = encoding.name();
            source
                .notes
                .push(format!("read as {name}, which is a guess: look at the accents, or name the encoding"));
        }
        Ok(source)
    }

    fn workbook(bytes: &[u8], options: &Options) -> Result<Self, ExchangeError> {
        let mut book = workbook::read(bytes, options.sheet.as_deref())?;
        let notes = std::mem::take(&mut book.notes);
        let header = book.sheets.first().map(|sheet| &sheet.header);
        let format = match (options.format, header) {
            (Some(format @ (Format::Kobo | Format::Xlsx | Format::Hxl)), _) => format,
            (Some(_), _) => return Err(ExchangeError::Packed),
            (None, Some(header)) if header.tagged => Format::Hxl,
            (None, Some(header)) if is_kobo(&header.names) => Format::Kobo,
            (None, _) => Format::Xlsx,
        };
        Ok(Self { format, notes, kind: Kind::Workbook(book) })
    }

    fn text(text: String, file_name: &str, forced: Option<Format>) -> Result<Self, ExchangeError> {
        let name = file_name.to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        let looks_like_json = text.trim_start().starts_with(['{', '[']);
        let json = match forced {
            Some(Format::GeoJson | Format::Odk | Format::CoMapeo) => true,
            Some(Format::Hxl) => looks_like_json,
            Some(_) => false,
            None => looks_like_json || ends(&[".json", ".geojson"]),
        };
        if json {
            let format = match forced {
                Some(format) => Some(format),
                None if ends(&[".geojson"]) => Some(Format::GeoJson),
                None => None,
            };
            return Self::json(text, format);
        }
        let (delimiter, header) = csv::delimiter(&text);
        let is_table = header.len() >= 2 || ends(&[".csv", ".tsv"]);
        if forced.is_none() && (!is_table || text.trim_start().starts_with('<')) {
            return Err(ExchangeError::UnknownFormat);
        }
        let csv = Csv::new(text, delimiter)?;
        let format = match forced {
            Some(format) => format,
            None if csv.header.tagged => Format::Hxl,
            None if is_kobo(&header) => Format::Kobo,
            None => Format::Csv,
        };
        if format == Format::Hxl && !csv.header.tagged {
            return Err(ExchangeError::NotHxl);
        }
        Ok(Self { format, notes: Vec::new(), kind: Kind::Csv(csv) })
    }

    fn json(text: String, forced: Option<Format>) -> Result<Self, ExchangeError> {
        let root = Root::read(&text)?;
        let format = match forced {
            Some(format) => format,
            None => recognise(&root, &text)?,
        };
        let mut notes = Vec::new();
        let list = |member: &str| match root.member(member) {
            Some(list) if list.starts_with('[') => json::items(list, &text).map(Some),
            _ => Ok(None),
        };
        // The whole text as one item.
        let whole =
            || vec![Range { start: text.len() - text.trim_start().len(), end: text.trim_end().len() }];
        let mut form = Form::Features;
        let places = match (format, &root) {
            (Format::GeoJson, _) => {
                let (found, member) = geojson::form(&root)?;
                form = found;
                match member {
                    Some(member) => list(member)?.unwrap_or_default(),
                    None => whole(),
                }
            }
            (_, Root::List(items)) => items.clone(),
            (Format::Odk, _) => {
                if root.member("@odata.nextLink").is_some() {
                    notes.push("the file is one page of several; export the others too".to_owned());
                }
                list("value")?.ok_or(ExchangeError::NotOdk)?
            }
            (Format::CoMapeo, Root::Object(_)) => match list("data")? {
                Some(items) => items,
                None => whole(),
            },
            (Format::CoMapeo, _) => return Err(ExchangeError::UnknownFormat),
            _ => return Err(ExchangeError::NotHxl),
        };
        let order = KeyOrder::of(&text);
        let items = Items { text, places, order, form };
        if format != Format::Hxl {
            return Ok(Self { format, notes, kind: Kind::Json(items) });
        }
        let first = items.places.first().map(|place| items.text.as_bytes()[place.start]);
        if first == Some(b'{') {
            return Ok(Self { format, notes, kind: Kind::Json(items) });
        }
        let mut rows = Vec::new();
        for index in 0..items.places.len().min(hxl::LOOKED_AT) {
            let cells = match items.parse(index) {
                Ok(Value::Array(cells)) => cells,
                // What is no list is named as a row.
                _ => Vec::new(),
            };
            if cells.len() > crate::MAX_COLUMNS {
                return Err(ExchangeError::TooManyColumns);
            }
            rows.push(cells.iter().map(|cell| crate::value::plain(cell).unwrap_or_default()).collect());
        }
        let header = Header::find(&rows).filter(|header| header.tagged).ok_or(ExchangeError::NotHxl)?;
        Ok(Self { format, notes, kind: Kind::Lists(items, header) })
    }

    /// The name of a sheet, if the file has several.
    pub(crate) fn sheet(&self, at: usize) -> Option<&str> {
        match &self.kind {
            Kind::Workbook(book) if book.sheets.len() > 1 => {
                book.sheets.get(at).map(|sheet| sheet.name.as_str())
            }
            _ => None,
        }
    }

    /// What stands between the values of a row, where something does.
    pub(crate) fn delimiter(&self) -> Option<char> {
        match &self.kind {
            Kind::Csv(csv) => Some(char::from(csv.delimiter())),
            _ => None,
        }
    }

    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows {
            source: self,
            csv: match &self.kind {
                Kind::Csv(csv) => Some(csv.rows()),
                _ => None,
            },
            sheet: 0,
            at: 0,
            places: Vec::new(),
        }
    }
}

/// The format of JSON that nobody named, by its first items.
fn recognise(root: &Root<'_>, text: &str) -> Result<Format, ExchangeError> {
    const LOOKED_AT: usize = 10;
    let first = |places: &[Range<usize>]| -> Vec<Value> {
        places.iter().take(LOOKED_AT).filter_map(|place| json::parse(&text[place.clone()]).ok()).collect()
    };
    let tagged = |value: &Value| match value {
        Value::Array(cells) => hxl::is_tag_row(cells.iter().map(|cell| cell.as_str().unwrap_or(" "))),
        Value::Object(map) => !map.is_empty() && hxl::is_tag_row(map.keys().map(String::as_str)),
        _ => false,
    };
    match root {
        Root::List(places) => {
            let many = &places[..places.len().min(hxl::LOOKED_AT)];
            let rows: Vec<Value> =
                many.iter().filter_map(|place| json::parse(&text[place.clone()]).ok()).collect();
            if rows.iter().any(tagged) {
                Ok(Format::Hxl)
            } else if rows.iter().any(comapeo::is_one) {
                Ok(Format::CoMapeo)
            } else if rows.is_empty() || rows.iter().any(Value::is_object) {
                Ok(Format::Odk)
            } else {
                Err(ExchangeError::UnknownFormat)
            }
        }
        Root::Object(_) => {
            let has = |name: &str| root.member(name).is_some();
            let is_text = |name: &str, text: &str| root.value(name).is_some_and(|value| value == text);
            let data = match root.member("data") {
                Some(list) if list.starts_with('[') => first(&json::items(list, text)?),
                _ => Vec::new(),
            };
            if is_text("schemaName", "observation") || data.iter().any(comapeo::is_one) {
                Ok(Format::CoMapeo)
            } else if root.is_list("value") && !has("features") {
                Ok(Format::Odk)
            } else if ["type", "features", "geometry", "coordinates"].into_iter().any(has) {
                Ok(Format::GeoJson)
            } else {
                Err(ExchangeError::UnknownFormat)
            }
        }
        Root::Other => Err(ExchangeError::UnknownFormat),
    }
}

/// The rows of a file, one after the other.
pub(crate) struct Rows<'a> {
    source: &'a Source,
    csv: Option<CsvRows<'a>>,
    sheet: usize,
    at: usize,
    /// Where the columns of this table stand among those of the file; empty before its first row.
    places: Vec<usize>,
}

impl Rows<'_> {
    pub(crate) fn next(&mut self, columns: &mut Columns) -> Option<Item> {
        if let Some(csv) = &mut self.csv {
            return csv.next(columns);
        }
        match &self.source.kind {
            Kind::Csv(_) => None,
            Kind::Workbook(book) => self.of_sheets(book, columns),
            Kind::Json(items) => {
                let index = self.at;
                items.places.get(index)?;
                self.at += 1;
                let what = match items.parse(index) {
                    Ok(value) => self.judge(items, columns, index + 1, value),
                    Err(reason) => What::refused("", reason),
                };
                Some(Item { number: index + 1, sheet: 0, what })
            }
            Kind::Lists(items, header) => {
                if self.places.is_empty() {
                    self.places = header.enter(columns);
                    self.at = header.rows;
                }
                let index = self.at;
                items.places.get(index)?;
                self.at += 1;
                let what = match items.parse(index) {
                    Ok(Value::Array(cells)) => list(index + 1, &self.places, cells),
                    Ok(_) => What::refused("", "is not a list of values"),
                    Err(reason) => What::refused("", reason),
                };
                Some(Item { number: index + 1, sheet: 0, what })
            }
        }
    }

    fn judge(&self, items: &Items, columns: &mut Columns, number: usize, value: Value) -> What {
        match self.source.format {
            Format::GeoJson => geojson::item(items.form, columns, &items.order, number, value),
            Format::CoMapeo => comapeo::item(columns, &items.order, number, value),
            Format::Hxl => tagged(columns, &items.order, number, value),
            _ => odk::item(columns, &items.order, number, value),
        }
    }

    fn of_sheets(&mut self, book: &Workbook, columns: &mut Columns) -> Option<Item> {
        loop {
            let sheet = book.sheets.get(self.sheet)?;
            if self.places.is_empty() {
                self.places = sheet.header.enter(columns);
            }
            if let Some(row) = sheet.rows.get(self.at) {
                self.at += 1;
                let what = of_sheet(row, &self.places, columns);
                return Some(Item { number: row.number, sheet: self.sheet, what });
            }
            self.sheet += 1;
            self.at = 0;
            self.places.clear();
        }
    }
}

fn of_sheet(found: &SheetRow, places: &[usize], columns: &mut Columns) -> What {
    if let Some(reason) = &found.refused {
        return What::refused("", reason.as_str());
    }
    let mut row = Row::new(found.number);
    for (at, cell) in &found.cells {
        let Some(place) = places.get(*at) else {
            return What::refused(
                "",
                format!("has a value in column {}, where the header has none", letters(*at)),
            );
        };
        match cell {
            Cell::Value(value) => row.cells.insert(*place, value.clone()),
            Cell::Error(text) => {
                row.errors.insert(*place);
                row.cells.insert(*place, Value::from(text.as_str()))
            }
        };
    }
    for (name, list) in &found.repeats {
        row.set(columns, name, list.clone());
    }
    if row.is_empty() { What::Empty } else { What::Row(Box::new(row)) }
}

/// A column as a spreadsheet names it: A, B, AA.
fn letters(mut at: usize) -> String {
    let mut name = Vec::new();
    loop {
        name.push(b'A' + (at % 26) as u8);
        match (at / 26).checked_sub(1) {
            Some(rest) => at = rest,
            None => break,
        }
    }
    name.iter().rev().map(|byte| char::from(*byte)).collect()
}

/// A row of a list of lists.
fn list(number: usize, places: &[usize], cells: Vec<Value>) -> What {
    if cells.iter().all(crate::canonical::is_empty) {
        return What::Empty;
    }
    if cells.len() != places.len() {
        return What::refused("", format!("has {} cells, but the header has {}", cells.len(), places.len()));
    }
    What::Row(Box::new(grid::row(number, places, cells.into_iter().enumerate())))
}

/// An object whose keys are hashtags.
fn tagged(columns: &mut Columns, order: &KeyOrder, number: usize, value: Value) -> What {
    let Value::Object(map) = value else { return What::refused("", "is not an object") };
    let mut row = Row::new(number);
    for (name, value) in order.sorted(map) {
        row.set(columns, &hxl::tag(&name).unwrap_or(name), value);
    }
    if row.is_empty() { What::Empty } else { What::Row(Box::new(row)) }
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn columns_have_the_letters_of_a_spreadsheet() {
        assert_eq!([0, 25, 26, 51, 52, 701, 702].map(letters), ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
