//! Kobo, ODK Central and GeoJSON, from files of our own.

mod common;

use common::{fixture, import, lat_lon, problems, titles};
use firsthand_exchange::{ExchangeError, Format, read};
use firsthand_record::{CountKind, Severity};
use serde_json::json;

#[test]
fn kobo() {
    let import = import("export.csv", fixture("kobo.csv")).unwrap();
    assert_eq!(import.format, Format::Kobo);
    assert_eq!(titles(&import), ["Gate blocked", "Cola tranquila", "No place"]);
    let gate = &import.incidents[0];
    assert_eq!(gate.row, 2);
    let incident = &gate.incident;
    assert_eq!(incident.narrative, "Ten people\nblock the gate.");
    assert_eq!(incident.severity, Some(Severity::Severe));
    let place = incident.place.unwrap();
    assert_eq!(lat_lon(incident), Some((-12.341, -26.783)));
    assert_eq!((place.alt.map(|m| m.0), place.accuracy_m.map(|m| m.0)), (Some(14.5), Some(4.2)));
    assert_eq!(incident.occurred_start.unwrap().time.to_string(), "2026-03-14T08:10:05.120-02:00");
    assert_eq!(incident.reported_at.unwrap().to_string(), "2026-03-14T10:12:03+00:00");
    assert!(incident.occurred_end.is_none(), "the end of filling in a form is not the end of an incident");
    assert_eq!(
        incident.origin.as_ref().unwrap().external_id.as_deref(),
        Some("11111111-1111-4111-8111-111111111111")
    );
    assert_eq!(incident.imported["Photo"], "1700000001.jpg");
    assert_eq!(incident.imported["_status"], "submitted_via_web");
    assert!(!incident.imported.contains_key("_Where?_latitude"));
    // A point set by hand has accuracy 0, which is no accuracy. The original stays.
    let by_hand = &import.incidents[1].incident;
    assert_eq!((by_hand.place.unwrap().accuracy_m, by_hand.place.unwrap().alt), (None, None));
    assert_eq!(by_hand.imported["Where?"], "-12.342 -26.784 0 0");
    assert_eq!(import.incidents[2].incident.place, None);
    assert_eq!(problems(&import), [(6, "Where?", "is outside -180 to 180 degrees")]);
    assert!(
        import
            .notes
            .iter()
            .any(|note| note == "1 row with photos or recordings, which are not part of the file")
    );
    // Another export numbers the rows anew.
    let again = String::from_utf8(fixture("kobo.csv")).unwrap().replace("\"1\"\n", "\"77\"\n");
    let again = common::import("export.csv", again).unwrap();
    assert_eq!(again.incidents[0].incident.origin, incident.origin);
}

#[test]
fn odk() {
    let import = import("Submissions.json", fixture("odk.json")).unwrap();
    assert_eq!(import.format, Format::Odk);
    assert_eq!(titles(&import), ["Gate blocked", "By WKT"]);
    let incident = &import.incidents[0].incident;
    assert_eq!(incident.narrative, "Ten people block the gate.");
    let place = incident.place.unwrap();
    assert_eq!(lat_lon(incident), Some((-12.341, -26.783)));
    assert_eq!((place.alt.map(|m| m.0), place.accuracy_m.map(|m| m.0)), (Some(14.5), Some(4.2)));
    assert_eq!((incident.counts[0].what, incident.counts[0].low), (CountKind::Injured, Some(2)));
    assert_eq!(incident.reported_at.unwrap().to_string(), "2026-03-14T10:12:03+00:00");
    assert_eq!(
        incident.origin.as_ref().unwrap().external_id.as_deref(),
        Some("uuid:aaaaaaaa-0000-4000-8000-000000000001")
    );
    assert_eq!(incident.imported["photo"], "1700000001.jpg");
    assert_eq!(incident.imported["__system/attachmentsExpected"], 2);
    assert_eq!(lat_lon(&import.incidents[1].incident), Some((-12.342, -26.784)));
    assert_eq!(
        problems(&import),
        [
            (3, "report/where", "is outside -90 to 90 degrees; latitude and longitude look swapped"),
            (5, "", "is not a submission"),
        ]
    );
    for note in [
        "submission 4 marked as deleted and left out",
        "submission 1 without some photos or recordings, which never reached the server",
        "the file is one page of several; export the others too",
    ] {
        assert!(import.notes.iter().any(|found| found == note), "{note}: {:?}", import.notes);
    }
    // A bare array is the same.
    let json: serde_json::Value = serde_json::from_slice(&fixture("odk.json")).unwrap();
    let bare = common::import("Submissions.json", json["value"].to_string()).unwrap();
    assert_eq!(bare.incidents, import.incidents);
}

#[test]
fn geojson() {
    let import = import("observations.geojson", fixture("observations.geojson")).unwrap();
    assert_eq!(import.format, Format::GeoJson);
    assert_eq!(titles(&import), ["Tyres on the road", "Market area", "No place", "Zero"]);
    let incident = &import.incidents[0].incident;
    assert_eq!(lat_lon(incident), Some((-12.341, -26.783)));
    assert_eq!(incident.category.as_deref(), Some("road-block"));
    assert_eq!(incident.narrative, "Tyres on the road.\nTwenty people.");
    assert_eq!(incident.occurred_start.unwrap().time.to_string(), "2026-03-14T10:10:05.120+00:00");
    assert_eq!(incident.origin.as_ref().unwrap().external_id.as_deref(), Some("0123456789abcdef"));
    assert_eq!(incident.imported["$photos"], json!(["53a3841f.jpg"]));
    assert_eq!(incident.imported["type"], "barrier");
    let area = &import.incidents[1].incident;
    // The place stands for the area: inside, and accurate to the farthest corner.
    assert_eq!(lat_lon(area), Some((0.5, 0.75)));
    assert_eq!(area.place.unwrap().accuracy_m.map(|metres| metres.0), Some(100_230.0));
    assert_eq!(area.imported["geometry"]["type"], "Polygon");
    assert_eq!((&area.imported["id"], &area.imported["tags"]), (&json!("7"), &json!({"a": [1, 2.5]})));
    assert_eq!(lat_lon(&import.incidents[3].incident), Some((0.0, 0.0)));
    assert_eq!(
        problems(&import),
        [
            (3, "geometry.coordinates[0]", "is a ring whose last position is not its first"),
            (4, "geometry.coordinates", "is outside -90 to 90 degrees; latitude and longitude look swapped"),
            (7, "geometry", "is missing; a feature without a place says null"),
            (9, "id", "is that of row 1, which says something else"),
        ]
    );
    for note in [
        "feature 5 empty and left out",
        "feature 10 repeated earlier in the file and left out",
        "1 row with a line or an area: the place is a point of it, accurate to its farthest corner; the shape is kept",
    ] {
        assert!(import.notes.iter().any(|found| found == note), "{note}: {:?}", import.notes);
    }
}

#[test]
fn every_rule_of_a_geometry_names_the_member() {
    let fault = |geometry: &str| {
        let text = format!(r#"{{"type": "Feature", "geometry": {geometry}, "properties": {{"a": 1}}}}"#);
        let import = import("a.geojson", text).unwrap();
        import.problems.first().map(|p| (p.column.clone(), p.reason.clone()))
    };
    for (geometry, member, reason) in [
        ("7", "geometry", "is not a geometry"),
        ("{}", "geometry.type", "is missing"),
        (r#"{"type": "Blob", "coordinates": []}"#, "geometry.type", "is not a type of geometry"),
        (r#"{"type": "Point"}"#, "geometry.coordinates", "is missing"),
        (r#"{"type": "Point", "coordinates": [1]}"#, "geometry.coordinates", "has fewer than two numbers"),
        (r#"{"type": "Point", "coordinates": [1, "2"]}"#, "geometry.coordinates[1]", "is not a number"),
        (r#"{"type": "Point", "coordinates": [null, 2]}"#, "geometry.coordinates[0]", "is not a number"),
        (r#"{"type": "Point", "coordinates": 3}"#, "geometry.coordinates", "is not a position"),
        (
            r#"{"type": "LineString", "coordinates": [[1, 2]]}"#,
            "geometry.coordinates",
            "has fewer than 2 positions",
        ),
        (
            r#"{"type": "MultiPoint", "coordinates": [[1, 2], 3]}"#,
            "geometry.coordinates[1]",
            "is not a position",
        ),
        (
            r#"{"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [0, 0]]]]}"#,
            "geometry.coordinates[0][0]",
            "has fewer than 4 positions",
        ),
        (
            r#"{"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": ["a", 1]}]}"#,
            "geometry.geometries[0].coordinates[0]",
            "is not a number",
        ),
    ] {
        assert_eq!(fault(geometry), Some((member.to_owned(), reason.to_owned())), "{geometry}");
    }
    for sound in [
        r#"{"type": "MultiLineString", "coordinates": [[[1, 2], [3, 4, 5]]]}"#,
        r#"{"type": "GeometryCollection", "geometries": []}"#,
        r#"{"type": "Point", "coordinates": [1, 2, 3, 4]}"#,
        r#"{"type": "Polygon", "coordinates": []}"#,
    ] {
        assert_eq!(fault(sound), None, "{sound}");
    }
}

#[test]
fn json_that_is_something_else_is_refused() {
    let error = |name: &str, text: &str| import(name, text).unwrap_err();
    assert!(matches!(error("a.json", "{\n \"type\": \n"), ExchangeError::Json { line: 3, .. }));
    assert!(matches!(error("a.json", "{}"), ExchangeError::UnknownFormat));
    assert!(matches!(error("a.json", "{\"a\": 1}"), ExchangeError::UnknownFormat));
    assert!(matches!(error("a.json", "7"), ExchangeError::UnknownFormat));
    assert!(matches!(error("a.geojson", "[]"), ExchangeError::NotGeoJson(_)));
    assert!(matches!(error("a.json", r#"{"type": "FooBar"}"#), ExchangeError::NotGeoJson(_)));
    assert!(matches!(error("a.json", r#"{"type": "FeatureCollection"}"#), ExchangeError::NotGeoJson(_)));
    let crs = r#"{"type": "FeatureCollection", "features": [], "crs": {"type": "name", "properties": {"name": "EPSG:32633"}}}"#;
    assert!(matches!(error("a.json", crs), ExchangeError::OtherCoordinates));
    assert!(import("a.json", crs.replace("EPSG:32633", "urn:ogc:def:crs:OGC:1.3:CRS84")).is_ok());
    let deep = "[".repeat(10_000);
    assert!(matches!(error("a.json", &deep), ExchangeError::Json { .. }));
}

#[test]
fn a_format_can_be_forced() {
    let forced = |text: &str, format| read(text.as_bytes(), "file", Some(format), None);
    assert_eq!(forced("words\nmore", Format::Csv).unwrap().incidents.len(), 1);
    assert!(matches!(forced("a,b\n1,2", Format::GeoJson).unwrap_err(), ExchangeError::Json { .. }));
    assert!(matches!(forced("{}", Format::Odk).unwrap_err(), ExchangeError::NotOdk));
    let kobo = String::from_utf8(fixture("kobo.csv")).unwrap();
    assert_eq!(forced(&kobo, Format::Csv).unwrap().format, Format::Csv);
    for format in Format::ALL {
        assert_eq!(format.name().parse::<Format>().unwrap(), *format);
    }
    assert!(matches!("ods".parse::<Format>().unwrap_err(), ExchangeError::NoSuchFormat));
}
