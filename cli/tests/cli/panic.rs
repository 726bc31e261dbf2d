//! When the device may be taken.

use std::fs;

use crate::support::{Home, lead_and_responder, meet, text};

#[test]
fn a_home_that_is_locked_has_no_process_left() {
    let (lead, responder) = lead_and_responder();
    assert_eq!(lead.json(&["lock"]).json()["ended"], false);
    let mut waiting = lead.start(&["sync", "--listen", "127.0.0.1:0"]);
    waiting.line();
    assert_eq!(lead.json(&["incident", "list"]).error(7)["kind"], "in_use");
    assert_eq!(lead.json(&["lock"]).json()["ended"], true);
    waiting.status();
    let code = lead.add(&["--title", "after it was locked"]);
    meet(&lead, &responder);
    assert!(responder.run(&["incident", "show", &code]).fine().stdout.contains("after it was locked"));
    // That a process notes that it has the home open does not make the home look like a copy.
    assert!(lead.json(&["check"]).json().get("recovery").is_none());
    assert_eq!(Home::none().json(&["lock"]).error(1)["kind"], "no_home");
}

#[test]
fn what_is_destroyed_cannot_be_read_and_the_others_have_the_rest() {
    let (lead, responder) = lead_and_responder();
    let code = lead.add(&["--title", "Crowd at the bridge"]);
    let photo = lead.file("a.txt", "seen");
    lead.run(&["incident", "attach", &code, text(&photo)]).fine();
    meet(&lead, &responder);
    assert_eq!(lead.run_with_input(&["--json", "panic"], "no\n").error(1)["kind"], "declined");
    lead.run(&["check"]).fine();

    // Another name of the same bytes, as an image of the disk would have them.
    let slots = lead.path().with_file_name("slots-elsewhere");
    fs::hard_link(lead.path().join("slots"), &slots).unwrap();
    let before = fs::read(&slots).unwrap();
    let database = lead.path().with_file_name("database-elsewhere");
    fs::copy(lead.path().join("store.db"), &database).unwrap();
    let mut waiting = lead.start(&["sync", "--listen", "127.0.0.1:0"]);
    waiting.line();
    let gone = lead.json(&["panic", "--now"]).json();
    assert_eq!((&gone["keys_destroyed"], &gone["left"]), (&true.into(), &serde_json::json!([])));
    waiting.status();
    let after = fs::read(&slots).unwrap();
    assert_eq!(after.len(), before.len());
    let same = before.iter().zip(&after).filter(|(a, b)| a == b).count();
    assert!(same < before.len() / 32, "{same} of {} bytes are as they were", before.len());
    assert!(!lead.path().exists());

    // With the database and what is left of the slots, nobody gets in.
    fs::create_dir(lead.path()).unwrap();
    fs::copy(&slots, lead.path().join("slots")).unwrap();
    fs::copy(&database, lead.path().join("store.db")).unwrap();
    assert_ne!(lead.run(&["incident", "list"]).status, 0);
    assert!(responder.run(&["incident", "show", &code]).fine().stdout.contains("Crowd at the bridge"));
}

#[test]
fn a_folder_that_is_no_home_is_left_alone() {
    let home = Home::none();
    fs::create_dir_all(home.path()).unwrap();
    fs::write(home.path().join("letter.txt"), "mine").unwrap();
    assert_eq!(home.json(&["panic", "--now"]).error(1)["kind"], "no_home");
    assert_eq!(home.json(&["lock"]).json()["ended"], false);
    let names: Vec<_> = fs::read_dir(home.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["letter.txt"]);
    let whole = Home::with_team();
    fs::write(whole.path().join("letter.txt"), "mine").unwrap();
    whole.run(&["panic", "--now"]).fine();
    let names: Vec<_> = fs::read_dir(whole.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["letter.txt"]);
}
