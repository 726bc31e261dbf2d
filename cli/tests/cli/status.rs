//! Every exit status, and what is said with it.

use std::fs;

use crate::support::{Home, PASSPHRASE, program, run, text};

#[test]
fn zero_for_help_version_and_completions() {
    for args in [&["--help"][..], &["--version"], &["incident", "add", "--help"], &["completions", "bash"]] {
        let run = run(program().args(args));
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{args:?}");
        assert!(!run.stdout.is_empty());
    }
    let help = run(program().arg("--help")).stdout;
    assert!(help.contains("Examples:") && help.contains("Exit status"));
}

#[test]
fn one_where_there_is_no_home_or_one_too_many() {
    let none = Home::none();
    assert_eq!(none.json(&["digest"]).error(1)["kind"], "no_home");
    fs::create_dir(none.path()).unwrap();
    assert_eq!(none.json(&["digest"]).error(1)["kind"], "no_home");
    let home = Home::with_team();
    let again = home.json(&["team", "create", "--team", "Other", "--as", "Bo"]).error(1);
    assert_eq!(again["kind"], "home_exists");
}

#[test]
fn two_for_a_command_line_that_cannot_be_understood() {
    let home = Home::none();
    for args in [
        &["incident", "lst"][..],
        &["sync", "--listen", "127.0.0.1:0", "--with", "127.0.0.1:1"],
        &["team", "create", "--team", "T"],
        &["incident", "list", "--limit", "many"],
        &["incident", "list", "--near", "1,2"],
        &["incident", "resolve", "K7-014", "severity"],
        &["incident", "edit", "K7-014", "--append", "a", "--narrative", "b"],
        &["import", "file", "--format", "doc"],
        &["--nonsense"],
    ] {
        let run = home.run(args);
        assert_eq!(run.status, 2, "{args:?}");
        assert!(run.stdout.is_empty());
        assert_eq!(home.json(args).error(2)["kind"], "usage");
    }
}

#[test]
fn three_for_values_that_cannot_be() {
    let home = Home::with_team();
    let title = "secret title";
    for (args, field) in [
        (&["--place", "NaN,36.8"][..], "place.lat"),
        (&["--place", "-1.28,inf"], "place.lon"),
        (&["--place", "here,there"], "place.lat"),
        (&["--place", "36.8"], "place"),
        (&["--place", "95.5,36.8"], "place.lat"),
        (&["--place", "-1.28,180.5"], "place.lon"),
        (&["--place", "136.8172,-1.2864"], "place.lat"),
        (&["--place", "1,2", "--accuracy", "NaN"], "place.accuracy_m"),
        (&["--place", "1,2", "--accuracy", "-5"], "place.accuracy_m"),
        (&["--at", "2026-03-14 10:00", "--until", "2026-03-14 09:00"], "occurred_end"),
        (&["--at", "soon"], "occurred_start"),
        (&["--severity", "terrible"], "severity"),
        (&["--status", "finished"], "status"),
        (&["--count", "injured=some"], "counts"),
        (&["--count", "injured=-2"], "counts"),
        (&["--source", "gossip"], "source"),
        (&["--admin-level", "9"], "admin_level"),
        (&["--owner", "Nobody"], "owner"),
        (&["--json-file", "/nowhere/at/all.json"], "json-file"),
    ] {
        let args = [&["incident", "add", "--title", title], args].concat();
        let run = home.json(&args);
        let error = run.error(3);
        assert_eq!(error["kind"], "bad_input", "{args:?}");
        assert_eq!(error["details"][0]["field"], field, "{args:?}");
        assert!(!run.stderr.contains(title));
        assert!(run.stdout.is_empty());
    }
    assert!(home.json(&["incident", "list"]).json()["items"].as_array().unwrap().is_empty());
}

#[test]
fn three_for_other_bad_input() {
    let home = Home::with_team();
    assert_eq!(home.json(&["incident", "add"]).error(3)["kind"], "bad_input");
    assert_eq!(home.json(&["incident", "add", "--title", &"x".repeat(121)]).error(3)["kind"], "bad_input");
    assert_eq!(home.json(&["incident", "show", "K7-999"]).error(3)["kind"], "not_found");
    assert_eq!(
        home.json(&["incident", "list", "--near", "99,0", "--radius", "5"]).error(3)["kind"],
        "bad_input"
    );
    assert_eq!(home.json(&["incident", "list", "--since", "soon"]).error(3)["kind"], "bad_input");
    assert_eq!(home.json(&["sync", "--listen", "somewhere"]).error(3)["kind"], "bad_input");
    let none = Home::none();
    assert_eq!(none.json(&["team", "create", "--team", "", "--as", "Amina"]).error(3)["kind"], "bad_input");
    assert_eq!(none.json(&["team", "join", "FH1ABC", "--as", "Bo"]).error(3)["kind"], "bad_input");
    let empty = none.file("empty", "\n");
    let run = run(program()
        .args(["--json", "--passphrase-file", text(&empty), "--home", text(&none.path())])
        .args(["team", "create", "--team", "T", "--as", "A"]));
    assert_eq!(run.error(3)["details"][0]["field"], "passphrase");
}

#[test]
fn four_for_a_wrong_passphrase_and_for_none() {
    let home = Home::with_team();
    let wrong = run(home.command(&["digest", "--json"]).env("FIRSTHAND_PASSPHRASE", "not it, hunter2"));
    assert_eq!(wrong.error(4)["kind"], "wrong_passphrase");
    assert!(wrong.stderr.contains("tries left") && !wrong.stderr.contains("hunter2"));

    let nowhere = home.path().join("no-such-file");
    let locked = run(program().args([
        "--json",
        "--passphrase-file",
        text(&nowhere),
        "--home",
        text(&home.path()),
        "digest",
    ]));
    assert_eq!(locked.error(4)["kind"], "locked");

    // The right one, from a file: its first line counts.
    let file = home.file("passphrase", format!("{PASSPHRASE}\r\nanother line\n"));
    let right =
        run(program().args(["--passphrase-file", text(&file), "--home", text(&home.path()), "digest"]));
    assert_eq!(right.status, 0, "{}", right.stderr);
}

#[test]
fn the_passphrase_can_be_changed() {
    let home = Home::with_team();
    let new = "a quite different passphrase";
    let mut change = home.command(&["passphrase", "change"]);
    assert_eq!(run(change.env("FIRSTHAND_NEW_PASSPHRASE", new)).status, 0);
    assert_eq!(home.run(&["digest"]).status, 4);
    assert_eq!(run(home.command(&["digest"]).env("FIRSTHAND_PASSPHRASE", new)).status, 0);
}

#[test]
fn five_for_a_store_that_is_damaged() {
    let home = Home::with_team();
    home.add(&["--title", "Kept"]);
    let database = home.path().join("store.db");
    let sound = fs::read(&database).unwrap();

    let mut flipped = sound.clone();
    for at in (flipped.len() / 2..flipped.len()).step_by(512) {
        flipped[at] ^= 0x55;
    }
    fs::write(&database, &flipped).unwrap();
    assert_eq!(home.json(&["check"]).error(5)["kind"], "damaged");

    fs::write(&database, &sound[..sound.len() / 3]).unwrap();
    assert_eq!(home.json(&["incident", "list"]).error(5)["kind"], "damaged");

    fs::write(&database, &sound).unwrap();
    let check = home.json(&["check"]).json();
    assert_eq!(check["ok"], true);
    assert_eq!(check["items"].as_array().unwrap().len(), 0);
}

#[test]
fn five_for_an_attachment_that_is_damaged() {
    let home = Home::with_team();
    let code = home.add(&["--title", "With a photo"]);
    let photo = home.file("photo.jpg", [&b"\xff\xd8\xff\xe0"[..], &[7; 5000]].concat());
    home.run(&["incident", "attach", &code, text(&photo)]).fine();
    let sealed = files(&home.path().join("attachments")).pop().unwrap();
    let mut bytes = fs::read(&sealed).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&sealed, bytes).unwrap();
    let check = home.run(&["check"]);
    assert_eq!(check.status, 5);
    assert!(check.stdout.contains("DAMAGE FOUND"));
    let copy = home.path().join("copy.jpg");
    assert_eq!(
        home.json(&["incident", "save-file", &code, "photo.jpg", "--to", text(&copy)]).error(5)["kind"],
        "damaged"
    );
    assert!(!copy.exists());
}

fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn six_where_nobody_answers() {
    let home = Home::with_team();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = home.json(&["sync", "--once", "--with", &format!("127.0.0.1:{port}")]).error(6);
    assert_eq!(error["kind"], "no_peer");
}

#[test]
fn seven_for_a_second_process_on_one_home() {
    let home = Home::with_team();
    let mut listening = home.start(&["sync", "--listen", "127.0.0.1:0"]);
    assert!(listening.line().starts_with("127.0.0.1:"));
    assert_eq!(home.json(&["incident", "list"]).error(7)["kind"], "in_use");
    drop(listening);
    assert_eq!(home.run(&["incident", "list"]).status, 0);
}

#[test]
fn a_home_in_which_nothing_is_held_says_so() {
    let home = Home::with_team();
    assert!(
        home.run(&["team", "quarantine"]).fine().stdout.contains("Nothing is held back, and nothing waits.")
    );
    let machine = home.json(&["team", "quarantine"]).json();
    assert_eq!(
        (machine["items"].clone(), machine["waiting"].clone()),
        (serde_json::json!([]), serde_json::json!([]))
    );
    assert_eq!(home.json(&["check"]).json()["quarantine"], machine);
}
