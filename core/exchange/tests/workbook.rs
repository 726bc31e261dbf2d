//! Workbooks (XLSX), sound and hostile.

#![allow(clippy::unwrap_used, reason = "a workbook that the test wrote itself can be packed")]

mod common;

use common::book::C::{Bool, Date, Error, Formula, N, No, S};
use common::book::{Book, C, zip};
use common::{import, lat_lon, mapped, problems, titles};
use firsthand_exchange::{ExchangeError, Format, Import, Options, Reading};
use firsthand_record::{ActorRole, CountKind};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::json;
use zip::CompressionMethod;

/// Numbers, dates, times, truth and formulas come in as what they are.
#[test]
fn every_kind_of_cell() {
    let book = Book::default().sheet(
        "Log",
        &[
            &[S("title"), S("lat"), S("lon"), S("date"), S("time"), S("injured"), S("sum"), S("armed")],
            &[
                S("A"),
                N(-12.5),
                N(26.0),
                Date(46_096.0),
                Date(0.604_166_666_666_7),
                N(3.0),
                Formula("1+1", Some(2.0)),
                Bool(true),
            ],
            &[S("B"), No, No, Date(46_096.5), No, N(2.5), Formula("1+1", None), Error("#N/A")],
            &[S("C"), Error("#REF!"), N(1.0), No, No, No, No, No],
            &[S("D"), Formula("B2", None), N(1.0), No, No, No, No, Bool(false)],
            &[No, S("  ")],
            &[S("E"), N(0.0), N(0.0)],
        ],
    );
    let import = import("log.xlsx", book.bytes()).unwrap();
    assert_eq!(import.format, Format::Xlsx);
    assert_eq!(titles(&import), ["A", "B", "E"]);
    let a = &import.incidents[0].incident;
    assert_eq!(lat_lon(a), Some((-12.5, 26.0)));
    assert_eq!(a.occurred_start.unwrap().time.to_string(), "2026-03-15T14:30:00+00:00");
    assert_eq!((a.counts[0].low, a.counts[0].high), (Some(3), Some(3)));
    assert_eq!((&a.imported["sum"], &a.imported["armed"]), (&json!(2), &json!(true)));
    let b = &import.incidents[1].incident;
    assert_eq!(b.place, None, "missing stays missing");
    assert_eq!(b.occurred_start.unwrap().time.to_string(), "2026-03-15T12:00:00+00:00");
    assert_eq!(b.imported["injured"], json!(2.5), "half a person is no count");
    assert_eq!(b.imported["armed"], "#N/A");
    assert_eq!(b.imported["sum"], "a formula without a result");
    assert_eq!(lat_lon(&import.incidents[2].incident), Some((0.0, 0.0)), "a zero that stands there is one");
    assert_eq!(
        problems(&import),
        [
            (4, "lat", "has no value, but an error of the spreadsheet: #REF!"),
            (4, "lat", "is not a number"),
            (5, "lat", "has no value, but an error of the spreadsheet: a formula without a result"),
            (5, "lat", "is not a number"),
        ]
    );
}

#[test]
fn days_are_counted_from_1900_or_1904() {
    let rows: &[&[C]] = &[
        &[S("title"), S("date")],
        &[S("A"), Date(1.0)],
        &[S("B"), Date(61.0)],
        &[S("C"), Date(60.0)],
        &[S("D"), Date(45_000.25)],
        &[S("E"), N(45_000.25)],
    ];
    let times = |import: &Import| -> Vec<String> {
        import
            .incidents
            .iter()
            .map(|it| it.incident.occurred_start.unwrap().time.to_string()[..16].to_owned())
            .collect()
    };
    let mut book = Book::default().sheet("Log", rows);
    let from_1900 = import("a.xlsx", book.bytes()).unwrap();
    assert_eq!(times(&from_1900), ["1900-01-01T12:00", "1900-03-01T12:00", "2023-03-15T06:00"]);
    // 29 February 1900 never was, and a number that is not shown as a date is none.
    assert_eq!(problems(&from_1900), [(4, "date", "is not a date"), (6, "date", "is not a date")]);
    book.from_1904 = true;
    let from_1904 = import("a.xlsx", book.bytes()).unwrap();
    assert_eq!(
        times(&from_1904),
        ["1904-01-02T12:00", "1904-03-02T12:00", "1904-03-01T12:00", "2027-03-16T06:00"]
    );
}

#[test]
fn titles_above_the_header_merged_and_empty_sheets() {
    let book = Book::default()
        .sheet("Empty", &[])
        .sheet_with(
            "Log",
            &[
                &[S("Report of March")],
                &[],
                &[S("title"), No, S("weather")],
                &[S("A"), S("x"), S("rain")],
                &[S("B"), No, No],
                &[S("C"), No, No, S("stray")],
            ],
            "<mergeCells count=\"1\"><mergeCell ref=\"C4:C5\"/></mergeCells>",
        )
        .sheet("Prices", &[&[S("item"), S("price")], &[S("rope"), N(3.0)]]);
    let found = import("log.xlsx", book.bytes()).unwrap();
    assert_eq!(titles(&found), ["A", "B"]);
    assert_eq!(found.incidents[0].row, 4);
    assert_eq!(found.incidents[0].incident.imported["column 2"], "x");
    assert_eq!(problems(&found), [(6, "", "has a value in column D, where the header has none")]);
    for note in [
        "sheet \"Empty\" is empty",
        "sheet \"Log\" has 1 merged cells: what they say counts for the first cell alone",
        "sheet \"Prices\" has other columns and was left out; it can be read by its name",
    ] {
        assert!(found.notes.iter().any(|found| found == note), "{note}: {:?}", found.notes);
    }
    let options = |sheet: &str| Options { sheet: Some(sheet.to_owned()), ..Options::default() };
    let reading = Reading::open(book.bytes().as_slice(), "log.xlsx", &options("Prices")).unwrap();
    let map = Default::default();
    let rows: Vec<_> = reading.drafts(&map).unwrap().collect();
    assert_eq!(rows.len(), 1);
    let missing = Reading::open(book.bytes().as_slice(), "log.xlsx", &options("prices")).unwrap_err();
    assert!(matches!(missing, ExchangeError::NoSuchSheet));
    let none = import("log.xlsx", Book::default().sheet("Empty", &[]).bytes()).unwrap();
    assert!(none.incidents.is_empty() && none.notes.iter().any(|note| note == "the file has no rows"));
}

/// A form of Kobo with a group of people, and a group of belongings in it.
fn kobo() -> Book {
    let main: &[&[C]] = &[
        &[S("title"), S("_id"), S("_uuid"), S("_index")],
        &[S("A"), N(7.0), S("uuid-of-a"), N(1.0)],
        &[S("B"), N(8.0), S("uuid-of-b"), N(2.0)],
    ];
    let people: &[&[C]] = &[
        &[
            S("who"),
            S("injured"),
            S("role"),
            S("_index"),
            S("_parent_table_name"),
            S("_parent_index"),
            S("_submission__uuid"),
        ],
        &[S("guards"), S("2-3"), S("initiator"), N(1.0), S("Form"), N(1.0), S("uuid-of-a")],
        &[
            S("farmers"),
            No,
            S("target"),
            N(2.0),
            S("a name that a spreadsheet cut off"),
            N(1.0),
            S("uuid-of-a"),
        ],
        &[S("nobody"), No, No, N(3.0), S("Form"), N(9.0), No],
        &[S("children"), S("1"), No, N(4.0), S("Form"), N(2.0), S("uuid-of-b")],
    ];
    let goods: &[&[C]] = &[
        &[S("what"), S("photo"), S("_index"), S("_parent_table_name"), S("_parent_index")],
        &[S("tent"), S("tent.jpg"), N(1.0), S("people"), N(2.0)],
    ];
    Book::default().sheet("Form", main).sheet("people", people).sheet("goods", goods)
}

#[test]
fn repeated_groups_stand_with_the_submission_they_belong_to() {
    let found = import("kobo.xlsx", kobo().bytes()).unwrap();
    assert_eq!(found.format, Format::Kobo);
    assert_eq!(titles(&found), ["A", "B"]);
    let a = &found.incidents[0];
    assert_eq!(a.sheet.as_deref(), Some("Form"));
    assert_eq!(
        a.incident.imported["people"],
        json!([
            {"who": "guards", "injured": "2-3", "role": "initiator"},
            {"who": "farmers", "role": "target", "goods": [{"what": "tent", "photo": "tent.jpg"}]},
        ])
    );
    assert_eq!(a.media, ["tent.jpg"]);
    assert!(a.incident.counts.is_empty(), "nothing is a count before somebody says so");
    let [lost] = found.problems.as_slice() else { panic!("{:?}", found.problems) };
    assert_eq!((lost.file.as_str(), lost.row), ("kobo.xlsx [people]", 4));
    assert_eq!(lost.reason, "belongs to no row of another sheet");
    let note = "sheet \"people\": 3 rows kept with what they belong to";
    assert!(found.notes.iter().any(|found| found == note), "{:?}", found.notes);
}

#[test]
fn a_map_makes_counts_and_actors_of_repeated_groups() {
    let map = r#"{"columns": {"people/injured": "counts.injured", "people/who": "actors.group_label", "people/role": "actors.role"}}"#;
    let found = mapped("kobo.xlsx", kobo().bytes(), map).unwrap();
    let a = &found.incidents[0].incident;
    let counts: Vec<_> = a.counts.iter().map(|count| (count.what, count.low, count.high)).collect();
    assert_eq!(counts, [(CountKind::Injured, Some(2), Some(3))]);
    let actors: Vec<_> = a.actors.iter().map(|actor| (actor.role, actor.group_label.as_str())).collect();
    assert_eq!(actors, [(ActorRole::Initiator, "guards"), (ActorRole::Target, "farmers")]);
    assert!(a.imported.contains_key("people"), "the whole group is kept");
    let b = &found.incidents[1].incident;
    assert_eq!((b.counts.len(), b.actors.len()), (1, 0), "without a role nobody guesses one");
    assert!(found.notes.iter().any(|note| note.contains("\"people/injured\" as counts.injured")));
    let error = |map: &str| mapped("kobo.xlsx", kobo().bytes(), map).unwrap_err();
    assert!(matches!(
        error(r#"{"columns": {"people/age": "counts.dead"}}"#),
        ExchangeError::MapColumn { .. }
    ));
    assert!(matches!(error(r#"{"columns": {"people/who": "title"}}"#), ExchangeError::MapRepeated { .. }));
}

#[test]
fn more_repeated_answers_than_a_record_holds_refuse_the_submission() {
    let main: &[&[C]] =
        &[&[S("title"), S("_uuid"), S("_index")], &[S("A"), S("u"), N(1.0)], &[S("B"), S("v"), N(2.0)]];
    let mut people: Vec<&[C]> = vec![&[S("who"), S("_parent_index"), S("_index")]];
    people.extend(std::iter::repeat_n(&[S("x"), N(1.0), No][..], 10_001));
    let found =
        import("a.xlsx", Book::default().sheet("Form", main).sheet("people", &people).bytes()).unwrap();
    assert_eq!(titles(&found), ["B"]);
    assert_eq!(found.problems[0].reason, "has more than 10,000 rows of repeated groups");
    assert_eq!(found.problems.len(), 10_002, "and each of them is named");
}

#[test]
fn hashtags_in_a_sheet() {
    let book = Book::default().sheet(
        "Data",
        &[&[S("Where"), S("Killed")], &[S("#adm1+name"), S("#affected+killed")], &[S("Coast"), N(2.0)]],
    );
    let found = import("hxl.xlsx", book.bytes()).unwrap();
    assert_eq!(found.format, Format::Hxl);
    let incident = &found.incidents[0].incident;
    assert_eq!((incident.place_text.as_str(), incident.counts[0].what), ("Coast", CountKind::Dead));
}

#[test]
fn bombs_entities_and_other_packed_files_are_refused() {
    let error = |bytes: &[u8]| import("a.xlsx", bytes).unwrap_err();
    let row: &[&[C]] = &[&[S("title"), S("x")], &[S("A"), S("1")]];
    let with = |name: &str, bytes: Vec<u8>| {
        let mut book = Book::default().sheet("Log", row);
        book.more.push((name.to_owned(), bytes));
        book
    };
    // 1 MB of blank space pack to 1 kB; 51 MB that do not pack well are too much all the same.
    assert!(matches!(error(&with("xl/a.xml", vec![b' '; 1_000_000]).bytes()), ExchangeError::Expands));
    assert!(matches!(error(&with("xl/a.xml", vec![b' '; 20_000_000]).bytes()), ExchangeError::Expands));
    let mut random = vec![0; 51_000_000];
    ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut random);
    assert!(matches!(
        error(&with("xl/media/a.jpg", random).packed(CompressionMethod::Stored)),
        ExchangeError::Expands
    ));
    let many: Vec<_> = (0..1001).map(|n| (format!("xl/{n}"), Vec::new())).collect();
    assert!(matches!(error(&zip(&many, CompressionMethod::Stored)), ExchangeError::Expands));
    for hostile in [
        "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>",
        "<?xml version=\"1.0\"?>\n<!doctype x SYSTEM \"file:///etc/passwd\"><x/>",
        "\u{feff}<!ENTITY % a 'b'>",
    ] {
        assert!(
            matches!(error(&with("xl/sharedStrings.xml", hostile.into()).bytes()), ExchangeError::Entities),
            "{hostile}"
        );
    }
    // Across the border of what is read at once, and in two bytes a character.
    let border = format!("{}<!DOCTYPE x>", " ".repeat(16 * 1024 - 5));
    assert!(matches!(error(&with("xl/b.xml", border.into_bytes()).bytes()), ExchangeError::Entities));
    let wide: Vec<u8> = "\u{feff}<!DOCTYPE x>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(matches!(error(&with("xl/b.xml", wide).bytes()), ExchangeError::Entities));
    let other = zip(&[("photo.jpg".to_owned(), vec![1; 9])], CompressionMethod::Stored);
    assert!(matches!(error(&other), ExchangeError::Packed));
    assert!(matches!(error(b"PK\x03\x04rest"), ExchangeError::NotWorkbook));
}

/// A size that the file declares is no size: the declared one is made small in both places where it stands.
#[test]
fn a_size_that_is_declared_too_small_is_measured() {
    let book =
        Book::default().raw("Log", &format!("<worksheet><sheetData/>{}</worksheet>", " ".repeat(30_000_000)));
    let mut bytes = book.bytes();
    let length = (30_000_000 + "<worksheet><sheetData/></worksheet>".len()) as u32;
    let places: Vec<usize> = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, window)| *window == length.to_le_bytes())
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + 4].copy_from_slice(&1000_u32.to_le_bytes());
    }
    let error = import("a.xlsx", &bytes).unwrap_err();
    assert!(matches!(error, ExchangeError::Expands | ExchangeError::NotWorkbook), "{error}");
}

#[test]
fn cells_far_out_and_out_of_order_take_no_memory() {
    let sheet = |cells: &str| {
        let xml = format!(
            "<worksheet><dimension ref=\"A1:XFD1048576\"/><sheetData>{cells}</sheetData></worksheet>"
        );
        import("a.xlsx", Book::default().raw("Log", &xml).bytes())
    };
    let head = "<row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"B1\"><v>2</v></c></row>";
    let far = sheet(&format!("{head}<row r=\"1048576\"><c r=\"A1048576\"><v>3</v></c></row>")).unwrap();
    assert_eq!(far.incidents[0].row, 1_048_576);
    assert!(matches!(
        sheet(&format!("{head}<row r=\"2\"><c r=\"XFD2\"><v>3</v></c></row>")),
        Err(ExchangeError::TooManyColumns)
    ));
    for broken in [
        format!("{head}<row r=\"9\"><c r=\"A9\"><v>1</v></c></row>{head}"),
        format!("{head}<row r=\"2\"><c r=\"A2\"><v>1</v></c><c r=\"A2\"><v>2</v></c></row>"),
        "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>7</v></c></row>".to_owned(),
        "<row r=\"1\"><c r=\"A1\"><v>1".to_owned(),
        "<row r=\"4294967295\"><c><v>1</v></c></row><row><c><v>1</v></c></row><row><c><v>2</v></c></row>"
            .to_owned(),
    ] {
        let found = sheet(&broken);
        assert!(matches!(found, Err(ExchangeError::NotWorkbook) | Ok(_)), "{broken}: {found:?}");
    }
}

/// Bytes changed, cut, repeated and taken out, packed and unpacked: an error or rows, never the end of the program.
#[test]
fn mutants_of_a_workbook() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut below = |most: usize| (rng.next_u64() % most.max(1) as u64) as usize;
    let book = kobo().sheet_with(
        "More",
        &[&[S("title"), S("_uuid")], &[Date(1.5), Formula("A1", Some(1.0))]],
        "<mergeCells count=\"1\"><mergeCell ref=\"A1:B2\"/></mergeCells>",
    );
    // Unpacked parts make mutants of the XML, packed ones of the package.
    let seeds = [book.packed(CompressionMethod::Stored), book.bytes()];
    let mut read = 0;
    for round in 0..1500 {
        let mut bytes = seeds[usize::from(round % 3 == 0)].clone();
        for _ in 0..=below(4) {
            let at = below(bytes.len());
            match below(6) {
                0 => bytes[at] = below(256) as u8,
                1 => bytes[at] ^= 1 << below(8),
                2 => bytes.truncate(at.max(4)),
                3 => drop(bytes.drain(at..(at + below(40)).min(bytes.len()))),
                4 => {
                    let part = bytes[at..(at + below(60)).min(bytes.len())].to_vec();
                    let to = below(bytes.len());
                    bytes.splice(to..to, part);
                }
                _ => {
                    let digits = b"0123456789\"<>/&;-";
                    bytes[at] = digits[below(digits.len())];
                }
            }
        }
        // A package that checks the sums of its parts hides the XML behind them, so they are made right again.
        mend(&mut bytes);
        if import("a.xlsx", &bytes).is_ok() {
            read += 1;
        }
    }
    assert!(read > 50, "only {read} mutants were workbooks at all");
}

/// Writes the true checksum of each stored part into its headers.
fn mend(bytes: &mut [u8]) {
    let field = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let short = |bytes: &[u8], at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()) as usize;
    let central: Vec<usize> =
        (0..bytes.len().saturating_sub(46)).filter(|at| bytes[*at..].starts_with(b"PK\x01\x02")).collect();
    for at in central {
        let (method, size, local) = (short(bytes, at + 10), field(bytes, at + 20), field(bytes, at + 42));
        if method != 0 || local + 30 > bytes.len() || !bytes[local..].starts_with(b"PK\x03\x04") {
            continue;
        }
        let data = local + 30 + short(bytes, local + 26) + short(bytes, local + 28);
        let Some(part) = bytes.get(data..data.saturating_add(size)) else { continue };
        let sum = crc32(part).to_le_bytes();
        bytes[at + 16..at + 20].copy_from_slice(&sum);
        bytes[local + 14..local + 18].copy_from_slice(&sum);
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let step =
        |sum: u32| (0..8).fold(sum, |sum, _| if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 });
    !bytes.iter().fold(u32::MAX, |sum, byte| step((sum ^ u32::from(*byte)) & 0xff) ^ (sum >> 8))
}
