//! The same table in every encoding and with every delimiter.

#![allow(clippy::unwrap_used, reason = "an encoding that is named here exists")]

mod common;

use common::{import, titles};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use firsthand_exchange::{ExchangeError, Import, Options, Reading};
use proptest::collection::vec;
use proptest::prelude::*;

/// Text in an encoding, UTF-16 included, which `encoding_rs` reads and does not write.
fn encoded(text: &str, label: &str) -> Vec<u8> {
    let encoding = Encoding::for_label(label.as_bytes()).unwrap();
    if encoding == UTF_16LE {
        return text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    if encoding == UTF_16BE {
        return text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    }
    let (bytes, _, lossy) = encoding.encode(text);
    assert!(!lossy, "{text} in {label}");
    bytes.into_owned()
}

const SPANISH: &str = "título;narración;lat;lon\nBloqueo en Chocó;Unos señores cerraron el camino después de las diez. ¿Quién avisó?;5,1;-76,6\nReunión;Mañana habrá otra, según el señor Núñez.;;\n";

fn spanish(import: &Import) {
    assert_eq!(titles(import), ["Bloqueo en Chocó", "Reunión"]);
    assert_eq!(import.incidents[1].incident.narrative, "Mañana habrá otra, según el señor Núñez.");
    assert_eq!(import.incidents[1].incident.place, None);
}

#[test]
fn encodings_are_found_and_a_guess_is_told() {
    for (label, mark) in [
        ("utf-8", ""),
        ("utf-8", "\u{feff}"),
        ("utf-16le", "\u{feff}"),
        ("utf-16be", "\u{feff}"),
        ("utf-16le", ""),
        ("utf-16be", ""),
    ] {
        let import = import("a.csv", encoded(&format!("{mark}{SPANISH}"), label)).unwrap();
        spanish(&import);
        assert!(!import.notes.iter().any(|note| note.starts_with("read as windows")), "{label}");
    }
    let import = import("a.csv", encoded(SPANISH, "iso-8859-1")).unwrap();
    spanish(&import);
    let note = "read as windows-1252, which is a guess: look at the accents, or name the encoding";
    assert!(import.notes.iter().any(|found| found == note), "{:?}", import.notes);
}

#[test]
fn other_languages_and_short_files() {
    let arabic =
        "العنوان,الوصف\nحاجز على الطريق,أغلق رجال الشرطة الطريق بعد صلاة الظهر ولم يسمحوا لأحد بالمرور\n";
    let found = import("a.csv", encoded(arabic, "windows-1256")).unwrap();
    assert_eq!(titles(&found), ["حاجز على الطريق"]);
    assert_eq!(
        import("a.csv", encoded(arabic, "utf-16le")).unwrap().incidents,
        import("a.csv", arabic).unwrap().incidents
    );
    let short = import("a.csv", encoded("titre,lieu\nBarrière,près de l’école\n", "windows-1252")).unwrap();
    assert_eq!(titles(&short), ["Barrière"]);
    assert_eq!(short.incidents[0].incident.place_text, "près de l’école");
}

#[test]
fn an_encoding_can_be_named() {
    let bytes = encoded("title,place\nŁódź,źródło\n", "windows-1250");
    let read = |label: &str| {
        let options = Options { encoding: Some(label.to_owned()), ..Options::default() };
        let reading = Reading::open(bytes.as_slice(), "a.csv", &options)?;
        let map = Default::default();
        let mut drafts = reading.drafts(&map)?;
        let first = drafts.next().unwrap().unwrap();
        assert!(!drafts.notes().iter().any(|note| note.contains("guess")));
        Ok::<_, ExchangeError>(first.incident.title.unwrap())
    };
    assert_eq!(read("windows-1250").unwrap(), "Łódź");
    assert!(matches!(read("utf-8"), Err(ExchangeError::NotUtf8 { line: 2 })));
    assert!(matches!(read("klingon"), Err(ExchangeError::NoSuchEncoding)));
}

#[test]
fn half_a_character_is_no_text() {
    let mut bytes = encoded("\u{feff}title,x\nA,1\n", "utf-16le");
    bytes.push(b'A');
    assert!(matches!(import("a.csv", &bytes), Err(ExchangeError::NotText { encoding: "UTF-16LE" })));
    let mut lone = encoded("\u{feff}title,x\nA,1\n", "utf-16be");
    lone.extend([0xd8, 0x00]);
    assert!(matches!(import("a.csv", &lone), Err(ExchangeError::NotText { encoding: "UTF-16BE" })));
}

fn quoted(cell: &str, delimiter: char) -> String {
    if cell.contains([delimiter, '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

proptest! {
    /// What a table says comes in unchanged, whatever its encoding, delimiter and line ends.
    #[test]
    fn tables_read_back_equal(
        rows in vec(vec("[ -~à-ÿ]{0,12}|[a-zé]{1,5}[,;|\t\"\n][a-zé]{0,5}", 3), 1..8),
        delimiter in prop_oneof![Just(','), Just(';'), Just('\t'), Just('|')],
        end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        (label, mark) in prop_oneof![
            Just(("utf-8", "")), Just(("utf-8", "\u{feff}")), Just(("utf-16le", "\u{feff}")),
            Just(("utf-16be", "\u{feff}")), Just(("utf-16le", "")), Just(("utf-16be", "")),
            Just(("windows-1252", "")), Just(("iso-8859-15", "")),
        ],
    ) {
        let mut text = format!("{mark}one{delimiter}two{delimiter}three{end}");
        for row in &rows {
            let cells: Vec<_> = row.iter().map(|cell| quoted(cell, delimiter)).collect();
            text += &(cells.join(&delimiter.to_string()) + end);
        }
        let bytes = encoded(&text, label);
        // Of a few letters in an old encoding nobody can tell which it is, so it is named.
        let is_old = label.contains("-1252") || label.contains("8859");
        let options = Options { encoding: is_old.then(|| label.to_owned()), ..Options::default() };
        let reading = Reading::open(bytes.as_slice(), "a.csv", &options).unwrap();
        let map = Default::default();
        let read: Result<Vec<_>, _> = reading.drafts(&map).unwrap().collect();
        prop_assert!(read.is_ok(), "{:?}", read);
        let read = read.unwrap_or_default();
        let mut wanted: Vec<Vec<&str>> = Vec::new();
        for row in &rows {
            let row: Vec<&str> = row.iter().map(|cell| if cell.trim().is_empty() { "" } else { cell.as_str() }).collect();
            if row.iter().any(|cell| !cell.is_empty()) && !wanted.contains(&row) {
                wanted.push(row);
            }
        }
        let cell = |imported: &firsthand_exchange::Imported, name: &str| {
            imported.incident.imported.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
        };
        let found: Vec<Vec<String>> =
            read.iter().map(|it| ["one", "two", "three"].map(|name| cell(it, name)).to_vec()).collect();
        prop_assert_eq!(found, wanted);
    }

    /// A coordinate that is missing, blank or no number becomes no place, and never a zero.
    #[test]
    fn what_is_missing_never_becomes_a_zero(
        lat in "|[ \u{200e}]{1,2}|-|n/a|null|none|[a-z]{1,4}|-?[0-9]{1,2}[.,][0-9]{1,4}|0",
        lon in "|[ \u{200e}]{1,2}|-|n/a|null|none|[a-z]{1,4}|-?[0-9]{1,2}[.,][0-9]{1,4}|0",
    ) {
        let text = format!("title\tlat\tlon\nA\t{lat}\t{lon}\n");
        let read = import("a.csv", text).unwrap();
        let number = |text: &str| text.trim_matches([' ', '\u{200e}']).replace(',', ".").parse::<f64>().ok();
        for imported in &read.incidents {
            let place = imported.incident.place.map(|place| (Some(place.lat.0), Some(place.lon.0)));
            match place {
                Some(place) => prop_assert_eq!(place, (number(&lat), number(&lon))),
                None => prop_assert!(lat.trim().is_empty() && lon.trim().is_empty()),
            }
        }
        prop_assert_eq!(read.incidents.len() + usize::from(!read.problems.is_empty()), 1);
    }
}
