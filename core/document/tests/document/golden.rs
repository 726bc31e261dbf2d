//! The bytes of a document, fixed: another implementation reads and writes the same.

use std::fmt::Write as _;

use crate::common::{object, writer};
use firsthand_document::{Document, DocumentKind, Edit, NoAuthors, Rights};
use serde_json::json;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn fields() -> serde_json::Map<String, serde_json::Value> {
    object(json!({
        "title": "Fire",
        "severity": "Minor",
        "short_code": "K7-014",
        "place_text": "Hi",
        "place": { "lon": 36.5, "lat": -1.25 },
        "counts": [{ "low": 2, "what": "injured" }],
    }))
}

/// Joins labelled bytes.
fn joined(parts: &[(&str, &str)]) -> String {
    parts.iter().map(|(bytes, _)| bytes.replace(' ', "")).collect()
}

const CREATED: &[(&str, &str)] = &[
    ("856f4a83", "magic"),
    ("df3e0928", "checksum: the first four bytes of the hash"),
    ("01 c702", "a change, 327 bytes"),
    ("00", "no dependencies"),
    ("10 07070707070707070707070707070707", "the writer"),
    ("01 01 00 00 00", "sequence, first operation, no time, no message, no other writers"),
    ("0a", "ten columns, each with its number and length:"),
    ("0104 020d", "objects: writers, counters"),
    ("1104 1305 157e", "keys: writers, counters, texts"),
    ("3402 4208 5613 5764 7002", "insertions, actions, kinds of values, values, counts of what is replaced"),
    ("0005 0c00", "5 at the root, 12 in an object of writer 0, which is the own"),
    ("0005 0305 0304 7c01020302 020a", "the root; w, w, w; t, t, t; a, r, s, r; operation 10, twice"),
    ("0010 7f00", "only the last has a character of writer 0 as its key"),
    ("000f 7e0010", "the front, and after operation 16"),
    ("7101 61 0172 0173 0174 0177", "literal texts: a, r, s, t, w"),
    ("04 6b696e64 06 736368656d61 0a 73686f72745f636f6465", "kind, schema, short_code"),
    ("09 6e6172726174697665 0a 706c6163655f74657874 0c 72756d6f75725f636c61696d", "the texts"),
    ("22 3037303730373037303730373037303730373037303730373037303730373037 7c31", "0707..|1"),
    ("05 706c616365 08 7365766572697479 05 7469746c65", "place, severity, title"),
    ("0002", "the last two have no text"),
    ("0f02", "15 that insert nothing, 2 that insert"),
    ("0500 0301 0304 0601", "make five maps, put three, make three texts, put six"),
    ("0500 7da60116860103007ca605860376660216", "no value, or a string of so many bytes times 16 plus 6"),
    ("22 696e636964656e74 22 31 22 4b372d303134 22", "\"incident\" 1 \"K7-014\""),
    ("7b226c697374223a22636f756e7473222c226c6f77223a322c2277686174223a22696e6a75726564227d", "the item"),
    ("7b226c6174223a2d312e32352c226c6f6e223a33362e357d", "the place"),
    ("22 4d696e6f72 22 22 46697265 22 4869", "\"Minor\" \"Fire\" H i"),
    ("1100", "17 that replace nothing"),
];

const EDITED: &[(&str, &str)] = &[
    ("856f4a83 0f6f8599 01 e901", "magic, checksum, a change of 233 bytes"),
    ("01 df3e0928a4bc72eb8311c571c81ed2ca2a85f7dc077e3e9164233975e113a778", "one dependency"),
    ("10 08080808080808080808080808080808", "the writer"),
    ("01 12 00 00", "sequence, first operation 18, no time, no message"),
    ("01 10 07070707070707070707070707070707", "one other writer"),
    ("0c 0102 0205 1104 1305 152c 3403 4205 5606 5733 7006 7102 7303", "twelve columns"),
    ("0401", "all in objects of writer 1"),
    ("020a 7e0201", "operation 10, twice; r; a"),
    ("0201 0002", "two keys are characters of writer 1"),
    ("7e1001 0002", "16, then 1 more"),
    ("0002 7e 05 7469746c65", "title"),
    ("22 3038303830383038303830383038303830383038303830383038303830383038 7c31", "0808..|1"),
    ("000103", "none, one that inserts, three that do not"),
    ("7e0103 0201", "put, delete, put, put"),
    ("7c 26 00 76 a605", "a string of 2 bytes, nothing, 7 bytes, 42 bytes"),
    ("c3a9 22 536d6f6b65 22", "é \"Smoke\""),
    ("7b226c697374223a22636f756e7473222c226c6f77223a332c2277686174223a22696e6a75726564227d", "the item"),
    ("7f00 0201 7f00", "nothing, one, one, nothing is replaced"),
    ("0201", "both of writer 1"),
    ("7e117e", "17, and 2 less"),
];

#[test]
fn a_created_incident() {
    let (document, changes) = Document::create(DocumentKind::Incident, writer(7), &fields()).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(hex(&changes[0].bytes), joined(CREATED));
    assert_eq!(
        changes[0].hash.to_string(),
        "df3e0928a4bc72eb8311c571c81ed2ca2a85f7dc077e3e9164233975e113a778"
    );
    assert_eq!(document.heads(), [changes[0].hash]);
}

#[test]
fn an_edit_and_what_the_document_says_then() {
    let (mut document, _) = Document::create(DocumentKind::Incident, writer(7), &fields()).unwrap();
    let edits = [
        Edit::Splice { field: "place_text".into(), at: 1, delete: 1, insert: "é".into() },
        Edit::Set { field: "title".into(), value: json!("Smoke") },
        Edit::Add { list: "counts".into(), value: json!({ "low": 3, "what": "injured" }) },
    ];
    let changes = document.edit(writer(8), Rights::NONE, &edits).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(hex(&changes[0].bytes), joined(EDITED));
    let expected = concat!(
        r#"{"a":{"counts":{"07070707070707070707070707070707|1":{"low":2,"what":"injured"},"#,
        r#""08080808080808080808080808080808|1":{"low":3,"what":"injured"}}},"kind":"incident","#,
        r#""r":{"place":{"lat":-1.25,"lon":36.5},"title":"Smoke"},"s":{"severity":"Minor"},"schema":1,"#,
        r#""t":{"narrative":"","place_text":"Hé","rumour_claim":""},"w":{"short_code":"K7-014"}}"#,
    );
    assert_eq!(document.view(&NoAuthors).to_canonical(), expected);
}
