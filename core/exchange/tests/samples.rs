//! Real files that other programs wrote. Their folder is named by the environment variable `FIRSTHAND_SAMPLES`.

mod common;

use common::{import, lat_lon, problems, samples, titles};
use firsthand_exchange::{ExchangeError, Format};

#[test]
fn kobo() {
    let Some(folder) = samples() else { return };
    let bytes = std::fs::read(folder.join("kobo/kobotoolbox_submissions.csv")).unwrap();
    let import = import("kobotoolbox_submissions.csv", bytes).unwrap();
    assert_eq!(import.format, Format::Kobo);
    assert_eq!(titles(&import), ["Arlington", "Springfield"]);
    assert_eq!(lat_lon(&import.incidents[0].incident), Some((2.164341, -55.963451)));
    let place = import.incidents[1].incident.place.unwrap();
    assert_eq!(place.accuracy_m.map(|metres| metres.0), Some(4.134));
    assert_eq!(
        import.incidents[1].incident.imported["Which traditional plants and animals are important to your community?"],
        "mangrove, sea turtle"
    );
    let column = "Please record the location of your local ecosystem.";
    assert_eq!(problems(&import), [(4, column, "is outside -180 to 180 degrees")]);
}

#[test]
fn mapeo() {
    let Some(folder) = samples() else { return };
    let bytes = std::fs::read(folder.join("comapeo/mapeo_legacy_observations.geojson")).unwrap();
    let import = import("mapeo_legacy_observations.geojson", bytes).unwrap();
    assert_eq!(problems(&import), []);
    assert_eq!(
        titles(&import),
        [
            "Gathering spot for bird watchers",
            "Small stream near the Great Lawn",
            "Popular waterfall near the Ramble",
        ]
    );
    let first = &import.incidents[0].incident;
    assert_eq!(lat_lon(first), Some((40.785091, -73.968285)));
    assert_eq!(first.category.as_deref(), Some("gathering-site"));
    assert_eq!(first.origin.as_ref().unwrap().external_id.as_deref(), Some("a1b2c3d4e5f67890"));
    assert!(import.notes.iter().any(|note| note.starts_with("3 rows with photos")));
}

#[test]
fn odk() {
    let Some(folder) = samples() else { return };
    let bytes = std::fs::read(folder.join("odk/odk_central_odata_submissions.json")).unwrap();
    let import = import("odk_central_odata_submissions.json", bytes).unwrap();
    assert_eq!(import.format, Format::Odk);
    assert_eq!(titles(&import), ["minura", "iriva"], "the first answer, by the order of the form");
    assert_eq!(lat_lon(&import.incidents[0].incident), None);
    assert_eq!(lat_lon(&import.incidents[1].incident), Some((40.322394, -77.9867385)));
    assert_eq!(
        problems(&import),
        [(2, "location", "is outside -90 to 90 degrees; latitude and longitude look swapped"),]
    );
}

#[test]
fn good_geojson_comes_in_or_says_why_not() {
    let Some(folder) = samples() else { return };
    let mut seen = 0;
    for entry in std::fs::read_dir(folder.join("geojson/good")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let import = import(&name, std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(problems(&import), [], "{name}");
        let wanted = match name.as_str() {
            "nullgeometry.geojson" => 0,
            "good-featurecollection.geojson" => 3,
            _ => 1,
        };
        assert_eq!(import.incidents.len(), wanted, "{name}: {:?}", import.notes);
        if wanted == 0 {
            assert!(import.notes.iter().any(|note| note.contains("empty and left out")));
        }
        seen += 1;
    }
    assert!(seen >= 7);
}

#[test]
fn every_bad_geojson_is_refused_or_named() {
    let Some(folder) = samples() else { return };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder.join("geojson/bad")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let said = match import(&name, std::fs::read(&path).unwrap()) {
            Err(ExchangeError::Json { line, column }) => format!("not JSON at {line}:{column}"),
            Err(error) => error.to_string(),
            Ok(import) => {
                let wanted = usize::from(name == "stringcoord.geojson");
                assert_eq!(import.incidents.len(), wanted, "{name}");
                let [problem] = import.problems.as_slice() else { panic!("{name}: {import:?}") };
                assert_eq!(problem.row, 1, "{name}");
                format!("{}: {}", problem.column, problem.reason)
            }
        };
        found.push(format!("{name}: {said}"));
    }
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "bad-json.geojson: not JSON at 3:5",
            "badcoord.geojson: geometry.coordinates[2]: is not a number",
            "badfeature.geojson: : is not a feature",
            "different-first-last.geojson: geometry.coordinates[0]: is a ring whose last position is not its first",
            "false.geojson: geometry.geometries[0]: is not a geometry",
            "point-string.geojson: geometry.coordinates[0]: is not a number",
            "point-toofew.geojson: geometry.coordinates: has fewer than two numbers",
            "rootstring.geojson: not GeoJSON: the top level is not an object",
            "stringcoord.geojson: geometry.coordinates[1]: is not a number",
            "unknowntype.geojson: not GeoJSON: its type is none that GeoJSON has",
        ]
    );
}

#[test]
fn kobo_workbook_of_two_sheets() {
    let Some(folder) = samples() else { return };
    let bytes = std::fs::read(folder.join("kobo/kobotoolbox_submissions_multiple_sheets.xlsx")).unwrap();
    let import = import("kobo.xlsx", bytes).unwrap();
    assert_eq!(import.format, Format::Kobo);
    // Both sheets hold the same three submissions, and one of them lies off the globe.
    assert_eq!(titles(&import), ["Arlington", "Springfield"]);
    assert_eq!(lat_lon(&import.incidents[0].incident), Some((2.164341, -55.963451)));
    assert_eq!(import.incidents[1].media, ["1689791511681.jpg"]);
    let incident = &import.incidents[1].incident;
    assert_eq!(incident.place.unwrap().accuracy_m.map(|metres| metres.0), Some(4.134));
    assert_eq!(incident.occurred_start.unwrap().time.to_string(), "2023-07-19T14:30:44.554+00:00");
    assert_eq!(
        incident.origin.as_ref().unwrap().external_id.as_deref(),
        Some("d18d0d37-fdd1-4c5f-8d37-cbc86e935322")
    );
    let sheets: Vec<_> = import.problems.iter().map(|problem| (problem.file.as_str(), problem.row)).collect();
    assert_eq!(
        sheets,
        [
            ("kobo.xlsx [Biocultural monitoring form .-1]", 4),
            ("kobo.xlsx [Biocultural monitoring form ...]", 4)
        ]
    );
    assert!(import.problems.iter().all(|problem| problem.reason == "is outside -180 to 180 degrees"));
    assert!(
        import.notes.iter().any(|note| note.contains("repeated earlier in the file")),
        "{:?}",
        import.notes
    );
}

#[test]
fn hxl() {
    let Some(folder) = samples() else { return };
    let mut found = Vec::new();
    for name in ["hxl/input-valid.csv", "hxl/input-valid.json"] {
        let import = import(name, std::fs::read(folder.join(name)).unwrap()).unwrap();
        assert_eq!(import.format, Format::Hxl, "{name}");
        assert_eq!(problems(&import), [], "{name}");
        assert_eq!(titles(&import), ["WASH", "Salud", "Educación", "WASH"], "{name}");
        let first = &import.incidents[0];
        assert_eq!(first.row, 4);
        assert_eq!(first.incident.place_text, "Panamá\nLos Santos");
        assert_eq!(first.incident.reported_at.unwrap().to_string(), "2015-03-01T12:00:00+00:00");
        assert_eq!(first.incident.imported["#targeted+f (Hombres)"], "100");
        let second = &import.incidents[1].incident;
        assert!(second.reported_at.is_none() && !second.imported.contains_key("#targeted+f (Hombres)"));
        found.push(import.incidents);
    }
    // The words above the hashtags differ; what the rows say does not, so that they come in once.
    let origins = |of: &[firsthand_exchange::Imported]| -> Vec<_> {
        of.iter().map(|it| it.incident.origin.clone()).collect()
    };
    assert_eq!(origins(&found[0]), origins(&found[1]));
    // Without the signs these are words, and the first line is too short to be the header of the rest.
    let bytes = std::fs::read(folder.join("hxl/input-invalid.csv")).unwrap();
    let import = import("input-invalid.csv", bytes).unwrap();
    assert_eq!(import.format, Format::Csv);
    let ragged = import.problems.iter().filter(|it| it.reason == "has 9 cells, but the header has 8").count();
    assert_eq!((ragged, import.problems.len()), (5, 5), "{:?}", import.problems);
}

#[test]
fn forms_and_schemas_are_no_rows() {
    let Some(folder) = samples() else { return };
    for (name, is_refused) in [
        ("comapeo/schema/observation.v1.json", true),
        ("hxl/hxl-default-schema.json", false),
        ("cap/canada.cap", true),
        ("xlsform/group.csv", false),
        ("xlsform/group.xlsx", false),
        ("xlsform/group.xls", true),
        ("xlsform/bad/duplicate_columns.xlsx", false),
        ("xlsform/yes_or_no_question.xls", true),
    ] {
        let Ok(bytes) = std::fs::read(folder.join(name)) else { continue };
        match import(name, bytes) {
            Ok(import) => {
                assert!(!is_refused, "{name}");
                assert!(import.incidents.len() + import.problems.len() > 0, "{name}");
            }
            Err(error) => assert!(is_refused && !error.to_string().is_empty(), "{name}: {error}"),
        }
    }
}
