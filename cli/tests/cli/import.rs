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
        "kobo/kobotoolbox_submissions_multiple_sheets.xlsx",
        "odk/odk_central_odata_submissions.json",
        "hxl/input-valid.csv",
        "hxl/input-valid.json",
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

#[test]
fn a_preview_shows_and_saves_nothing() {
    let home = Home::with_team();
    let file = home.file("rows.csv", ROWS);
    let map = home.file("map.json", r#"{"columns":{"severity":"ignore"}}"#);
    let report = home.json(&["import", text(&file), "--preview", "--map", text(&map)]).json();
    assert_eq!((&report["added"], &report["dry_run"]), (&2.into(), &true.into()));
    let columns = report["preview"]["columns"].as_array().unwrap();
    let of = |name: &str| columns.iter().find(|it| it["column"] == name).unwrap();
    assert_eq!((&of("lat")["field"], &of("lat")["by_map"]), (&"place.lat".into(), &false.into()));
    assert_eq!((&of("severity")["becomes"], &of("severity")["by_map"]), (&"left_out".into(), &true.into()));
    assert_eq!(report["preview"]["first"][0]["record"]["title"], "First");
    assert_eq!((&report["preview"]["rows"], &report["preview"]["delimiter"]), (&5.into(), &",".into()));
    assert_eq!(report["problems"].as_array().unwrap().len(), 4);
    assert_eq!(count(&home), 0);
    let shown = home.run(&["import", text(&file), "--preview"]).fine().stdout;
    for part in ["place.lat", "First", "would add 2 incidents", "Severe"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // The map of a preview is not kept: nobody has brought anything in with it.
    let plain = home.json(&["import", text(&file), "--preview"]).json();
    assert!(!plain["notes"].to_string().contains("kept for these columns"), "{}", plain["notes"]);
}

#[test]
fn a_map_is_used_again_for_the_same_columns() {
    let home = Home::with_team();
    let rows = |first: &str| format!("was;wo;farbe\n{first};An der Brücke;rot\n");
    let map = home.file("map.json", r#"{"columns":{"was":"title","wo":"place_text"}}"#);
    let first = home.file("one.csv", rows("Ein Stein"));
    let report = home.json(&["import", text(&first), "--map", text(&map)]).json();
    assert!(report["notes"].to_string().contains("is kept for files with these columns"));
    // Columns in another order are the same columns.
    let second = home.file("two.csv", "farbe;wo;was\nblau;Am Tor;Ein Brett\n");
    let run = home.json(&["import", text(&second)]);
    assert!(run.stderr.contains("--no-saved-map leaves it aside"), "{}", run.stderr);
    let code = run.json()["items"][0]["short_code"].as_str().unwrap().to_owned();
    let record = home.json(&["incident", "show", &code]).json()["record"].clone();
    assert_eq!((&record["title"], &record["place_text"]), (&"Ein Brett".into(), &"Am Tor".into()));
    let third = home.file("three.csv", rows("Ein Auto"));
    let plain = home.json(&["import", text(&third), "--no-saved-map", "--preview"]).json();
    assert_eq!(plain["preview"]["first"][0]["record"].get("place_text"), None);
    let other = home.file("other.csv", "was;wo\nEin Hut;Hier\n");
    let report = home.json(&["import", text(&other), "--dry-run"]).json();
    assert!(!report["notes"].to_string().contains("kept for these columns"));
    // What a person confirmed lies in the encrypted database and nowhere else.
    for entry in std::fs::read_dir(home.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(10).any(|part| part == b"place_text"), "{}", path.display());
        }
    }
}

#[test]
fn photos_are_attached_from_a_folder_that_is_named() {
    let home = Home::with_team();
    let table = "title,photo\nA,a.jpg\nB,b.jpg\nC,../rows.csv.jpg\nD,link.jpg\n";
    let file = home.file("rows.csv", table);
    let jpeg = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00".as_slice();
    let photo = home.file("a.jpg", jpeg);
    let folder = photo.parent().unwrap();
    std::os::unix::fs::symlink(folder.join("a.jpg"), folder.join("link.jpg")).unwrap();
    let report = home.json(&["import", text(&file), "--dry-run"]).json();
    let media = &report["media"];
    // Without a folder nothing of this machine goes along, whatever a row says.
    assert_eq!((&media["named"], &media["found"], &media["attached"]), (&4.into(), &1.into(), &0.into()));
    assert_eq!(media["missing"], serde_json::json!(["../rows.csv.jpg", "b.jpg", "link.jpg"]));
    let run = home.run(&["import", text(&file), "--media", text(folder)]).fine();
    assert!(
        run.stdout.contains("1 file attached") && run.stdout.contains("missing 3 files"),
        "{}",
        run.stdout
    );
    let list = home.json(&["incident", "list"]).json();
    let with: Vec<_> = list["items"].as_array().unwrap().iter().filter(|it| it["attachments"] == 1).collect();
    assert_eq!((with.len(), &with[0]["title"]), (1, &"A".into()));
    let code = with[0]["short_code"].as_str().unwrap();
    let shown = home.json(&["incident", "show", code]).json();
    assert!(shown["attachments"].to_string().contains("imported"), "{}", shown["attachments"]);
    let again = home.json(&["import", text(&file), "--media", text(folder)]).json();
    assert_eq!((&again["added"], &again["media"]["attached"]), (&0.into(), &0.into()));
    assert_eq!(again["media"]["already"], 1);
    let error = home.json(&["import", text(&file), "--media", text(&file)]).error(3);
    assert_eq!(error["kind"], "bad_input");
}

#[test]
fn a_file_of_four_gigabytes_is_refused_by_its_length() {
    let home = Home::with_team();
    let path = home.file("rows.csv", "title,lat,lon\n");
    // A hole: it takes no room on the disk and would take all of it in memory.
    std::fs::File::options().write(true).open(&path).unwrap().set_len(4 << 30).unwrap();
    let error = home.json(&["import", text(&path)]).error(3);
    assert_eq!(error["message"], "failed to read the file: the file is larger than 64 MiB");
    let map = home.file("map.json", "");
    std::fs::File::options().write(true).open(&map).unwrap().set_len(4 << 30).unwrap();
    let small = home.file("small.csv", "title,x\nA,1\n");
    assert_eq!(home.json(&["import", text(&small), "--map", text(&map)]).error(3)["kind"], "bad_input");
    assert_eq!(count(&home), 0);
}

#[test]
fn encodings_sheets_and_formats_can_be_named() {
    let home = Home::with_team();
    let polish = home.file("rows.csv", b"title,x\n\xa3\xf3d\x9f,1\n");
    let report = home.json(&["import", text(&polish), "--encoding", "windows-1250", "--preview"]).json();
    assert_eq!(report["preview"]["first"][0]["record"]["title"], "Łódź");
    assert_eq!(home.json(&["import", text(&polish), "--encoding", "none"]).error(3)["kind"], "bad_input");
    assert_eq!(home.json(&["import", text(&polish), "--format", "xlsx"]).error(3)["kind"], "bad_input");
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

/// What was missing when the rows came in is attached by bringing them in again, and nothing is attached twice.
#[test]
fn media_that_were_missing_come_with_the_same_file_later() {
    let home = Home::with_team();
    let png = |shade: u8| [&b"\x89PNG\r\n\x1a\n"[..], &[shade; 300]].concat();
    let table = home.file("rows.csv", "title,photo\nA,a.png\nB,b.png\nC,\n");
    let photo = home.file("a.png", png(1));
    let folder = photo.parent().unwrap().to_owned();
    let bring = || {
        let media = home.json(&["import", text(&table), "--media", text(&folder)]).json()["media"].clone();
        ["attached", "already", "missing_count"].map(|it| media[it].as_u64().unwrap())
    };
    let attached = || {
        let list = home.json(&["incident", "list"]).json();
        let mut files: Vec<(String, u64)> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (it["title"].as_str().unwrap().to_owned(), it["attachments"].as_u64().unwrap()))
            .collect();
        files.sort();
        files.into_iter().map(|(_, number)| number).collect::<Vec<_>>()
    };
    // Rows that came in with no folder named at all can get their files later, too.
    assert_eq!(home.json(&["import", text(&table)]).json()["added"], 3);
    assert_eq!((bring(), attached()), ([1, 0, 1], vec![1, 0, 0]));
    assert_eq!((bring(), attached()), ([0, 1, 1], vec![1, 0, 0]));
    home.file("b.png", png(2));
    assert_eq!((bring(), attached()), ([1, 1, 0], vec![1, 1, 0]));
    assert_eq!((bring(), attached()), ([0, 2, 0], vec![1, 1, 0]));
    // Nor does what somebody has hidden come back.
    let list = home.json(&["incident", "list"]).json();
    let code = |title: &str| {
        let mut items = list["items"].as_array().unwrap().iter();
        items.find(|it| it["title"] == title).unwrap()["short_code"].as_str().unwrap().to_owned()
    };
    home.run(&["incident", "describe-file", &code("A"), "a.png", "--hide", "a face"]).fine();
    assert_eq!(bring(), [0, 2, 0]);
    assert_eq!(home.json(&["incident", "show", &code("A")]).json()["attachments"], serde_json::json!([]));
    // A dry run attaches nothing.
    home.run(&["incident", "attach", &code("C"), text(&photo)]).fine();
    let dry = home.json(&["import", text(&table), "--media", text(&folder), "--dry-run"]).json();
    assert_eq!((&dry["media"]["attached"], &dry["media"]["already"]), (&0.into(), &0.into()));
}
