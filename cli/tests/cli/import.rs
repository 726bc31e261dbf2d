//! Files that people already have.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Home, samples, text};

const ROWS: &str = "\
uuid,title,lat,lon,severity
0b6c2a90-0001,First,-1.5,36.8,Minor
0b6c2a90-0002,Second,-1.6,36.9,Severe
0b6c2a90-0003,Swapped,136.8,-1.6,Minor
0b6c2a90-0004,Not a number,NaN,36.8,Minor
0b6c2a90-0005,Words,here,there,Minor
";

#[test]
fn good_rows_come_in_and_bad_ones_are_named() {
    let home = Home::with_team();
    let file = home.file("rows.csv", ROWS);
    let run = home.json(&["import", text(&file)]);
    let report = run.json();
    assert_eq!(report["added"], 2);
    assert_eq!(report["items"].as_array().unwrap().len(), 2);
    assert_eq!(report["format"], "csv");
    let problems = report["problems"].as_array().unwrap();
    let rows: Vec<u64> = problems.iter().map(|problem| problem["row"].as_u64().unwrap()).collect();
    assert_eq!(rows.iter().collect::<std::collections::BTreeSet<_>>().len(), 3, "{problems:?}");
    for problem in problems {
        assert_eq!(problem["file"], "rows.csv");
        assert!(
            !problem["column"].as_str().unwrap().is_empty()
                && !problem["reason"].as_str().unwrap().is_empty()
        );
    }
    assert!(run.stderr.contains("rows.csv:4:"), "{}", run.stderr);
    // Nothing bad became a zero.
    let list = home.json(&["incident", "list"]).json();
    assert!(list["items"].as_array().unwrap().iter().all(|item| item["place"]["lat"] != 0.0));

    let again = home.json(&["import", text(&file)]).json();
    assert_eq!((&again["added"], &again["already"]), (&0.into(), &2.into()));

    let changed = home.file("rows.csv", ROWS.replace("Second", "Second revised"));
    let report = home.json(&["import", text(&changed)]).json();
    assert_eq!((&report["added"], &report["already"]), (&0.into(), &1.into()));
    assert_eq!(report["changed"].as_array().unwrap().len(), 1);
    let titles = home.json(&["incident", "list"]).json().to_string();
    assert!(!titles.contains("revised"));
}

#[test]
fn strict_brings_in_all_or_nothing() {
    let home = Home::with_team();
    let bad = home.file("rows.csv", ROWS);
    let run = home.json(&["import", text(&bad), "--strict"]);
    let error = run.error(3);
    assert!(error["details"].as_array().unwrap().len() >= 3);
    assert_eq!(count(&home), 0);
    let good = home.file("rows.csv", ROWS.lines().take(3).collect::<Vec<_>>().join("\n"));
    assert_eq!(home.json(&["import", text(&good), "--strict"]).json()["added"], 2);
}

#[test]
fn a_dry_run_saves_nothing() {
    let home = Home::with_team();
    let file = home.file("rows.csv", ROWS);
    let report = home.json(&["import", text(&file), "--dry-run"]).json();
    assert_eq!((&report["added"], &report["dry_run"]), (&2.into(), &true.into()));
    assert_eq!(report["items"][1]["row"], 3);
    assert_eq!(count(&home), 0);
}

#[test]
fn columns_can_be_mapped_and_the_rest_is_kept() {
    let home = Home::with_team();
    let file = home.file("odd.csv", "was ist passiert;wo genau;farbe\nEin Stein flog;An der Brücke;rot\n");
    let map = home.file("map.json", r#"{"columns":{"was ist passiert":"title","wo genau":"place_text"}}"#);
    home.json(&["import", text(&file), "--map", text(&map)]).json();
    let list = home.json(&["incident", "list"]).json();
    let code = list["items"][0]["short_code"].as_str().unwrap();
    let record = home.json(&["incident", "show", code]).json()["record"].clone();
    assert_eq!(
        (&record["title"], &record["place_text"]),
        (&"Ein Stein flog".into(), &"An der Brücke".into())
    );
    assert_eq!(record["imported"]["farbe"], "rot");
    let wrong = home.file("map.json", r#"{"columns":{"no such column":"title"}}"#);
    assert_eq!(home.json(&["import", text(&file), "--map", text(&wrong)]).error(3)["kind"], "bad_input");
}

#[test]
fn files_of_which_nothing_can_be_read() {
    let home = Home::with_team();
    for (name, content) in [
        ("empty.csv", &b""[..]),
        ("blank.csv", b" \n\n"),
        ("header.csv", b"title,lat,lon\n"),
        ("broken.geojson", br#"{"type":"FeatureCollection","features":["#),
        ("binary.csv", &[0xff, 0xfe, 0x00, 0x80]),
        ("sheet.xlsx", b"PK\x03\x04rest"),
        ("only-bad.csv", b"title,lat,lon\nOne,95,200\n"),
        ("nan.geojson", br#"{"type":"Point","coordinates":[NaN,1]}"#),
        ("text.geojson", br#"{"type":"Point","coordinates":["10","20"]}"#),
        (
            "end.csv",
            b"title,occurred_start,occurred_end\nOne,2026-03-14T10:00:00+00:00,2026-03-14T09:00:00+00:00\n",
        ),
    ] {
        let file = home.file(name, content);
        assert_eq!(home.json(&["import", text(&file)]).error(3)["kind"], "bad_input", "{name}");
    }
    assert_eq!(home.json(&["import", "/nowhere/at/all.csv"]).error(3)["kind"], "bad_input");
    assert_eq!(home.json(&["import", "/"]).error(3)["kind"], "bad_input");
    assert_eq!(count(&home), 0);
}

#[test]
fn real_files_come_in_once_or_say_why_not() {
    let Some(dir) = samples() else { return };
    let home = Home::with_team();
    let good = [
        "kobo/kobotoolbox_submissions.csv",
        "comapeo/mapeo_legacy_observations.geojson",
        "odk/odk_central_odata_submissions.json",
    ];
    let files = good.iter().map(|name| dir.join(name)).chain(folder(dir.join("geojson/good")));
    for file in files {
        let first = home.json(&["import", text(&file)]);
        if first.status == 3 {
            assert!(!first.error(3)["message"].as_str().unwrap().is_empty());
            continue;
        }
        let first = first.json();
        let added = first["added"].as_u64().unwrap();
        let held = count(&home);
        let again = home.json(&["import", text(&file)]).json();
        assert_eq!(again["added"], 0, "{}", file.display());
        assert!(again["already"].as_u64().unwrap() >= added);
        assert_eq!(count(&home), held);
    }
    assert!(count(&home) > 0);
    for file in folder(dir.join("geojson/bad")) {
        let run = home.json(&["import", text(&file), "--strict"]);
        assert_eq!(run.status, 3, "{}", file.display());
    }
}

fn folder(dir: PathBuf) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn count(home: &Home) -> u64 {
    let team: Value = home.json(&["team", "show"]).json();
    team["counts"]["incidents"].as_u64().unwrap()
}
