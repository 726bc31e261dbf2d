//! One form of Kobo, exported as CSV and as a workbook.
#![allow(clippy::unwrap_used, reason = "a workbook that the test wrote itself can be packed")]

mod common;

use std::collections::BTreeSet;

use common::book::C::{Date, N, No, S};
use common::book::{Book, C};
use common::import;
use firsthand_exchange::Format;
use serde_json::Value;

/// What both exports hold: a sheet of answers. Repeated groups stand in sheets of their own, which a CSV file has not.
const NAMES: &[&str] = &[
    "start",
    "today",
    "incident/title",
    "incident/what_happened",
    "incident/severity",
    "injured",
    "Where?",
    "_Where?_latitude",
    "_Where?_longitude",
    "_Where?_altitude",
    "_Where?_precision",
    "Which road?",
    "_id",
    "_uuid",
    "_submission_time",
    "_index",
];

/// An answer as text, and as the cell that a workbook with "numbers and dates as text" switched off has for it.
struct Answer(&'static str, C);

const fn same(text: &'static str) -> Answer {
    Answer(text, if text.is_empty() { No } else { S(text) })
}

fn table() -> Vec<Vec<Answer>> {
    vec![
        vec![
            same("2026-03-14T08:10:05.120-02:00"),
            Answer("2026-03-14", Date(46_095.0)),
            same("Gate blocked"),
            same("Ten people\nblock the \"gate\"; calm."),
            same("high"),
            Answer("3", N(3.0)),
            same("-12.341 -26.783 14.5 4.2"),
            Answer("-12.341", N(-12.341)),
            Answer("-26.783", N(-26.783)),
            Answer("14.5", N(14.5)),
            Answer("4.2", N(4.2)),
            same("north road"),
            Answer("900000001", N(900_000_001.0)),
            same("11111111-1111-4111-8111-111111111111"),
            same("2026-03-14T10:12:03"),
            Answer("1", N(1.0)),
        ],
        vec![
            same("2026-03-14T08:20:05.000-02:00"),
            Answer("2026-03-14", Date(46_095.0)),
            same("طلقات في الهواء"),
            same("Todo bien, después de las 8."),
            same("low"),
            Answer("0", N(0.0)),
            same("-12.342 -26.784 0 0"),
            Answer("-12.342", N(-12.342)),
            Answer("-26.784", N(-26.784)),
            Answer("0", N(0.0)),
            Answer("0", N(0.0)),
            same(""),
            Answer("900000002", N(900_000_002.0)),
            same("22222222-2222-4222-8222-222222222222"),
            same("2026-03-14T10:22:03"),
            Answer("2", N(2.0)),
        ],
        vec![
            same("2026-03-14T08:30:05.000-02:00"),
            Answer("2026-03-14", Date(46_095.0)),
            same("No place"),
            same("Nobody measured."),
            same(""),
            same(""),
            same(""),
            same(""),
            same(""),
            same(""),
            same(""),
            same("12 bis"),
            Answer("900000003", N(900_000_003.0)),
            same("33333333-3333-4333-8333-333333333333"),
            same("2026-03-14T10:32:03"),
            Answer("3", N(3.0)),
        ],
    ]
}

fn csv(table: &[Vec<Answer>]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let line = |cells: Vec<String>| cells.join(";") + "\n";
    let rows = table.iter().map(|row| line(row.iter().map(|it| quoted(it.0)).collect()));
    line(NAMES.iter().map(|name| quoted(name)).collect()) + &rows.collect::<String>()
}

fn workbook(table: &[Vec<Answer>], typed: bool) -> Vec<u8> {
    let cell = |it: &Answer| match it {
        Answer("", _) => No,
        Answer(text, _) if !typed => S(text),
        Answer(_, cell) => *cell,
    };
    let mut rows = vec![NAMES.iter().map(|name| S(name)).collect::<Vec<C>>()];
    rows.extend(table.iter().map(|row| row.iter().map(cell).collect()));
    let rows: Vec<&[C]> = rows.iter().map(Vec::as_slice).collect();
    Book::default().sheet("Answers", &rows).bytes()
}

#[test]
fn csv_and_workbook_give_the_same_incidents() {
    let table = table();
    let from_csv = import("form.csv", csv(&table)).unwrap();
    let from_text = import("form.xlsx", workbook(&table, false)).unwrap();
    let typed = import("form.xlsx", workbook(&table, true)).unwrap();
    for read in [&from_csv, &from_text, &typed] {
        assert_eq!((read.format, read.problems.len()), (Format::Kobo, 0), "{:?}", read.problems);
        assert_eq!(read.incidents.len(), 3);
    }
    // A row is numbered as the file shows it: by lines in a text, of which an answer may take several.
    assert_eq!(from_csv.incidents.iter().map(|it| it.row).collect::<Vec<_>>(), [2, 4, 5]);
    for (at, one) in from_csv.incidents.iter().enumerate() {
        assert_eq!(typed.incidents[at].row, at + 2);
        assert_eq!(one.incident, from_text.incidents[at].incident, "row {at}");
        // A column without a field is kept as it stood: there as a number, here as text.
        let mut typed = typed.incidents[at].incident.clone();
        for value in typed.imported.values_mut().filter(|value| value.is_number()) {
            *value = Value::from(value.to_string());
        }
        // That includes the origin, by which a row is known again.
        assert_eq!(one.incident, typed, "row {at}");
    }
    let origins: BTreeSet<_> =
        from_csv.incidents.iter().map(|it| format!("{:?}", it.incident.origin)).collect();
    assert_eq!(origins.len(), 3);
}
