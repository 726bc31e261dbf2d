//! Observations of CoMapeo, and the shapes of GeoJSON.

#![allow(clippy::unwrap_used, reason = "a file that the test wrote itself is GeoJSON")]

mod common;

use common::{import, lat_lon, problems, titles};
use firsthand_exchange::{ExchangeError, Format, read};
use serde_json::{Value, json};

fn observation() -> Value {
    json!({
        "docId": "0a1b2c3d4e5f6071", "versionId": "0a1b/1", "schemaName": "observation", "deleted": false,
        "createdAt": "2026-03-14T10:00:00Z", "updatedAt": "2026-03-14T11:00:00Z", "links": [],
        "lat": -12.5, "lon": 26.25,
        "attachments": [{"driveDiscoveryId": "d", "name": "p1.jpg", "type": "photo", "hash": "h", "external": false}],
        "tags": {"type": "barrier", "notes": "Tyres on the road", "empty": null, "list": ["a", 1]},
        "metadata": {"manualLocation": false, "position": {"timestamp": "2026-03-14T09:59:00Z", "mocked": true,
            "coords": {"latitude": -12.5, "longitude": 26.25, "altitude": 1200.5, "accuracy": 8}}},
        "presetRef": {"docId": "x", "versionId": "y"},
    })
}

#[test]
fn an_observation_with_all_it_has() {
    for text in [
        observation().to_string(),
        json!([observation()]).to_string(),
        json!({"data": [observation()]}).to_string(),
    ] {
        let import = import("observations.json", &text).unwrap();
        assert_eq!(
            (import.format, problems(&import), titles(&import)),
            (Format::CoMapeo, vec![], vec!["Tyres on the road"])
        );
        let imported = &import.incidents[0];
        let place = imported.incident.place.unwrap();
        assert_eq!(lat_lon(&imported.incident), Some((-12.5, 26.25)));
        assert_eq!((place.accuracy_m.map(|it| it.0), place.alt.map(|it| it.0)), (Some(8.0), Some(1200.5)));
        assert_eq!(place.fix_time.unwrap().to_string(), "2026-03-14T09:59:00+00:00");
        assert!(place.mocked);
        assert_eq!(imported.media, ["p1.jpg"]);
        assert_eq!(imported.incident.category.as_deref(), Some("barrier"));
        assert_eq!(imported.incident.occurred_start.unwrap().time.to_string(), "2026-03-14T10:00:00+00:00");
        assert_eq!(
            imported.incident.origin.as_ref().unwrap().external_id.as_deref(),
            Some("0a1b2c3d4e5f6071")
        );
        let kept: Vec<_> = imported.incident.imported.keys().map(String::as_str).collect();
        assert_eq!(kept, ["attachments", "list", "metadata", "presetRef", "updatedAt"]);
    }
}

#[test]
fn what_is_missing_deleted_or_wrong() {
    let with = |change: fn(&mut Value)| {
        let mut it = observation();
        change(&mut it);
        it
    };
    let all = json!([
        with(|it| it["lat"] = Value::Null),
        with(|it| drop((
            it.as_object_mut().unwrap().remove("lat"),
            it.as_object_mut().unwrap().remove("lon")
        ))),
        with(|it| it["deleted"] = json!(true)),
        with(|it| it["lon"] = json!("26.25")),
        with(|it| it["lat"] = json!(97)),
        with(|it| it["schemaName"] = json!("track")),
        with(|it| it["tags"] = json!([1])),
        // The position that was measured is of another place: nothing of it holds for the one set by hand.
        with(|it| {
            it["metadata"]["manualLocation"] = json!(true);
            it["docId"] = json!("by-hand-1");
        }),
        with(|it| {
            it["lat"] = json!(-13.5);
            it["docId"] = json!("by-hand-2");
        }),
    ]);
    let import = import("observations.json", all.to_string()).unwrap();
    assert_eq!(
        problems(&import),
        [
            (1, "lon", "is given without the other coordinate"),
            (4, "lon", "is not a number"),
            (5, "lat", "is outside -90 to 90 degrees; latitude and longitude look swapped"),
            (6, "schemaName", "is not observation"),
            (7, "tags", "is not an object"),
        ]
    );
    let rows: Vec<_> = import.incidents.iter().map(|it| it.row).collect();
    assert_eq!(rows, [2, 8, 9]);
    assert_eq!(import.incidents[0].incident.place, None);
    for manual in &import.incidents[1..] {
        let place = manual.incident.place.unwrap();
        assert_eq!((place.accuracy_m, place.alt, place.fix_time), (None, None, None));
    }
    assert!(import.notes.iter().any(|note| note == "observation 3 marked as deleted and left out"));
    let forced = |text: &str| read(text.as_bytes(), "a.json", Some(Format::CoMapeo), None);
    assert!(matches!(forced("7"), Err(ExchangeError::UnknownFormat)));
    assert_eq!(forced("[7]").unwrap().problems.len(), 1);
}

/// Latitude, longitude and accuracy; and the member that is wrong, and why.
type Found = Result<Option<(f64, f64, f64)>, (String, String)>;

/// The geometry of one feature: its place and accuracy, or what is wrong with it.
fn geometry(shape: &Value) -> Found {
    let text = json!({"type": "Feature", "geometry": shape, "properties": {"title": "A"}}).to_string();
    let import = import("a.geojson", text).unwrap();
    if let Some(problem) = import.problems.first() {
        return Err((problem.column.clone(), problem.reason.clone()));
    }
    let incident = &import.incidents[0].incident;
    assert_eq!(
        incident.imported.contains_key("geometry"),
        shape["type"] != "Point",
        "the shape itself is kept"
    );
    Ok(incident
        .place
        .map(|place| (place.lat.0, place.lon.0, place.accuracy_m.map_or(0.0, |metres| metres.0))))
}

#[test]
fn a_shape_gives_a_point_of_it() {
    let square = json!([[[10.0, 0.0], [12.0, 0.0], [12.0, 2.0], [10.0, 2.0], [10.0, 0.0]]]);
    let (lat, lon, accuracy) = geometry(&json!({"type": "Polygon", "coordinates": square})).unwrap().unwrap();
    assert_eq!((lat, lon), (1.0, 11.0));
    assert!((157_000.0..158_000.0).contains(&accuracy), "{accuracy}");
    // A place inside a horseshoe is not the middle between its ends.
    let shoe = json!([[[0, 0], [9, 0], [9, 9], [6, 9], [6, 3], [3, 3], [3, 9], [0, 9], [0, 0]]]);
    let (lat, lon, _) = geometry(&json!({"type": "Polygon", "coordinates": shoe})).unwrap().unwrap();
    assert!(lat < 3.0 || !(3.0..=6.0).contains(&lon), "{lat} {lon}");
    let hole = json!([[[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]], [[1, 1], [1, 8], [8, 8], [8, 1], [1, 1]]]);
    let (lat, lon, _) = geometry(&json!({"type": "Polygon", "coordinates": hole})).unwrap().unwrap();
    assert!(!((1.0..8.0).contains(&lat) && (1.0..8.0).contains(&lon)), "{lat} {lon} lies in the hole");
    let line = geometry(&json!({"type": "LineString", "coordinates": [[1, 1], [3, 1]]})).unwrap().unwrap();
    assert_eq!(line.0, 1.0);
    let part = json!({"type": "Point", "coordinates": [5, 6]});
    let both = geometry(&json!({"type": "GeometryCollection", "geometries": [part]})).unwrap().unwrap();
    assert_eq!((both.0, both.1), (6.0, 5.0));
    for without in [
        json!({"type": "GeometryCollection", "geometries": []}),
        json!({"type": "Polygon", "coordinates": []}),
        // Across the date line and not cut there: its middle would be in Africa.
        json!({"type": "LineString", "coordinates": [[179, 10], [-179, 10]]}),
    ] {
        assert_eq!(geometry(&without), Ok(None), "{without}");
    }
}

#[test]
fn rings_are_checked() {
    let polygon = |rings: Value| geometry(&json!({"type": "Polygon", "coordinates": rings}));
    let edge = [[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0], [0.0, 0.0]];
    let fault =
        |member: &str, reason: &str| Err((format!("geometry.coordinates{member}"), reason.to_owned()));
    for (rings, member, reason) in [
        (json!([[[0, 0], [1, 1], [0, 0]]]), "[0]", "has fewer than 4 positions"),
        (json!([[[0, 0], [1, 0], [1, 1], [0, 1]]]), "[0]", "is a ring whose last position is not its first"),
        (json!([[[0, 0], [4, 4], [4, 0], [0, 4], [0, 0]]]), "[0]", "is a ring that crosses itself"),
        (
            json!([edge, [[8, 8], [8, 12], [8.5, 8], [8, 8]]]),
            "[1]",
            "is a ring that crosses another ring of its area",
        ),
        (json!([[[1, 1], [1, 2], [2, 1], [1, 1]], edge]), "[1]", "is a hole outside its area"),
        (json!([[[0, 0], [181, 0], [9, 9], [0, 0]]]), "[0][1][0]", "is outside -180 to 180 degrees"),
        (
            json!([[[0, 0], [9, 91], [9, 9], [0, 0]]]),
            "[0][1][1]",
            "is outside -90 to 90 degrees; latitude and longitude look swapped",
        ),
        (json!([[[0, 0], [9, null], [9, 9], [0, 0]]]), "[0][1][1]", "is not a number"),
    ] {
        assert_eq!(polygon(rings.clone()), fault(member, reason), "{rings}");
    }
    let mut turned = edge;
    turned.reverse();
    let text = json!({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [turned]}, "properties": null});
    let import = import("a.geojson", text.to_string()).unwrap();
    assert!(
        import.notes.iter().any(|note| note.starts_with("1 area drawn the other way round")),
        "{:?}",
        import.notes
    );
    assert_eq!(import.incidents.len(), 1);
    let deep = (0..20).fold(
        json!({"type": "Point", "coordinates": [1, 2]}),
        |inner, _| json!({"type": "GeometryCollection", "geometries": [inner]}),
    );
    assert!(geometry(&deep).unwrap_err().1.contains("too deep"));
}
