//! Nothing that stands in a file makes the reader panic, and every row is either a draft or a problem.

#![allow(clippy::unwrap_used, reason = "a draft that cannot be written is a failure")]

mod common;

use common::import;
use firsthand_exchange::{Format, Import, read};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

fn sound(import: &Import) {
    for imported in &import.incidents {
        let incident = &imported.incident;
        assert!(incident.title.as_ref().is_some_and(|title| title.chars().count() <= 120));
        assert!(incident.origin.is_some());
        if let Some(place) = incident.place {
            assert!((-90.0..=90.0).contains(&place.lat.0) && (-180.0..=180.0).contains(&place.lon.0));
        }
        let json = serde_json::to_string(incident).unwrap();
        assert_eq!(&serde_json::from_str::<firsthand_record::Incident>(&json).unwrap(), incident);
    }
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        ".{0,20}",
        "[0-9./: -]{0,20}",
        "-?[0-9]{1,3}\\.[0-9]{0,5}",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2})?",
        Just("NaN".to_owned()),
        Just("POINT (1 2".to_owned()),
    ]
}

proptest! {
    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..200), name in "[a-z]{1,3}\\.(csv|json|geojson|txt)") {
        if let Ok(import) = import(&name, &bytes) {
            sound(&import);
        }
    }

    #[test]
    fn any_text_by_any_format(text in "\\PC{0,200}") {
        for format in Format::ALL {
            if let Ok(import) = read(text.as_bytes(), "file", Some(*format), None) {
                sound(&import);
            }
        }
    }

    #[test]
    fn every_row_is_a_draft_a_problem_or_a_repetition(rows in vec(vec(cell(), 8), 0..12)) {
        let quote = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let mut text = "title,narrative,date,time,lat,lon,severity,injured\n".to_owned();
        for row in &rows {
            text += &(row.iter().map(quote).collect::<Vec<_>>().join(",") + "\n");
        }
        let import = import("a.csv", &text).unwrap();
        sound(&import);
        let filled: Vec<_> = rows.iter().filter(|row| row.iter().any(|cell| !cell.trim().is_empty())).collect();
        let distinct: std::collections::BTreeSet<_> = filled.iter().collect();
        let refused: std::collections::BTreeSet<_> = import.problems.iter().map(|problem| problem.row).collect();
        prop_assert!(import.incidents.len() + refused.len() <= filled.len());
        prop_assert!(import.incidents.len() + refused.len() >= distinct.len().min(1));
        if import.notes.iter().all(|note| !note.contains("repeated")) {
            prop_assert_eq!(import.incidents.len() + refused.len(), filled.len());
        }
        // A second reading gives the same rows, so that the same file comes in once.
        prop_assert_eq!(common::import("b.csv", &text).unwrap().incidents, import.incidents);
    }

    #[test]
    fn any_geometry(numbers in vec(prop_oneof![any::<f64>().prop_map(|n| json!(n)), "[a-z]{0,2}".prop_map(|t| json!(t)), Just(json!(null)), Just(json!([1, 2]))], 0..5), kind in "Point|LineString|Polygon|MultiPoint|GeometryCollection|X") {
        let text = json!({"type": "Feature", "geometry": {"type": kind, "coordinates": numbers}, "properties": {"a": "b"}});
        sound(&import("a.geojson", text.to_string()).unwrap());
    }
}
