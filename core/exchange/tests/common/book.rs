//! Workbooks, written part by part so that a test decides what stands in each.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What a test puts into a cell.
#[derive(Debug, Clone, Copy)]
pub(crate) enum C {
    /// Nothing at all.
    No,
    S(&'static str),
    N(f64),
    /// Days since the first of the workbook's days, shown as a date.
    Date(f64),
    Bool(bool),
    Error(&'static str),
    /// A formula and the result that was saved with it.
    Formula(&'static str, Option<f64>),
}

/// A workbook that grows.
#[derive(Default)]
pub(crate) struct Book {
    sheets: Vec<(String, String)>,
    pub(crate) from_1904: bool,
    pub(crate) more: Vec<(String, Vec<u8>)>,
}

impl Book {
    pub(crate) fn sheet(mut self, name: &str, rows: &[&[C]]) -> Self {
        self.sheets.push((name.to_owned(), sheet(rows, "")));
        self
    }

    /// A sheet with something behind its cells, such as merged ones.
    pub(crate) fn sheet_with(mut self, name: &str, rows: &[&[C]], behind: &str) -> Self {
        self.sheets.push((name.to_owned(), sheet(rows, behind)));
        self
    }

    /// A sheet whose XML the test writes itself.
    pub(crate) fn raw(mut self, name: &str, xml: &str) -> Self {
        self.sheets.push((name.to_owned(), xml.to_owned()));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.packed(CompressionMethod::Deflated)
    }

    pub(crate) fn packed(&self, method: CompressionMethod) -> Vec<u8> {
        const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        const REL: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
        let numbered = self.sheets.iter().zip(1..);
        let list: String = numbered
            .clone()
            .map(|((name, _), n)| format!("<sheet name=\"{}\" sheetId=\"{n}\" r:id=\"r{n}\"/>", escape(name)))
            .collect();
        let rels: String = numbered
            .clone()
            .map(|(_, n)| {
                format!(
                    "<Relationship Id=\"r{n}\" Type=\"{REL}/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"
                )
            })
            .collect();
        let date = u8::from(self.from_1904);
        let mut parts = vec![
            (
                "_rels/.rels".to_owned(),
                format!(
                    "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"a\" Type=\"{REL}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/workbook.xml".to_owned(),
                format!(
                    "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{REL}\"><workbookPr date1904=\"{date}\"/><sheets>{list}</sheets></workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels".to_owned(),
                format!("<Relationships xmlns=\"{PACKAGE}/relationships\">{rels}</Relationships>"),
            ),
            (
                "xl/styles.xml".to_owned(),
                format!(
                    "<styleSheet xmlns=\"{MAIN}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>"
                ),
            ),
        ];
        parts.extend(numbered.map(|((_, xml), n)| (format!("xl/worksheets/sheet{n}.xml"), xml.clone())));
        let mut parts: Vec<(String, Vec<u8>)> =
            parts.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
        parts.extend(self.more.iter().cloned());
        zip(&parts, method)
    }
}

/// A packed file of these parts.
pub(crate) fn zip(parts: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in parts {
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn sheet(rows: &[&[C]], behind: &str) -> String {
    let row = |(cells, row): (&&[C], usize)| {
        let cells: String = cells
            .iter()
            .zip(b'A'..)
            .map(|(cell, column)| self::cell(*cell, char::from(column), row))
            .collect();
        format!("<row r=\"{row}\">{cells}</row>")
    };
    let rows: String = rows.iter().zip(1..).map(row).collect();
    format!(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData>{behind}</worksheet>"
    )
}

fn cell(cell: C, column: char, row: usize) -> String {
    let at = format!("r=\"{column}{row}\"");
    match cell {
        C::No => String::new(),
        C::S(text) => {
            format!("<c {at} t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>", escape(text))
        }
        C::N(number) => format!("<c {at}><v>{number}</v></c>"),
        C::Date(days) => format!("<c {at} s=\"1\"><v>{days}</v></c>"),
        C::Bool(yes) => format!("<c {at} t=\"b\"><v>{}</v></c>", u8::from(yes)),
        C::Error(error) => format!("<c {at} t=\"e\"><v>{error}</v></c>"),
        C::Formula(formula, Some(result)) => format!("<c {at}><f>{formula}</f><v>{result}</v></c>"),
        C::Formula(formula, None) => format!("<c {at}><f>{formula}</f></c>"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
