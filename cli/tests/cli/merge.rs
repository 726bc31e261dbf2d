//! Duplicates: merged by linking, kept, and never in a circle without saying so.

use serde_json::{Value, json};

use crate::support::{Home, lead_and_responder, meet};

fn shown(home: &Home, code: &str) -> Value {
    home.json(&["incident", "show", code]).json()
}

#[test]
fn a_duplicate_is_merged_kept_and_opened_again() {
    let home = Home::with_team();
    let (main, twin) = (home.add(&["--title", "Crowd"]), home.add(&["--title", "Crowd again"]));
    home.run(&["incident", "merge", &twin, "--into", &main, "--note", "the same crowd"]).fine();
    let view = shown(&home, &twin);
    assert_eq!((&view["record"]["status"], &view["main"]), (&json!("merged_into"), &json!(main)));
    assert_eq!(shown(&home, &main)["duplicates"], json!([twin]));
    assert_eq!(view["record"]["title"], "Crowd again");
    let table = home.run(&["incident", "list"]).fine().stdout;
    assert!(table.contains(&format!("= merged into {main}")), "{table}");
    let human = home.run(&["incident", "show", &twin]).fine().stdout;
    assert!(human.contains(&format!("= merged: {main} counts in its place")), "{human}");

    let error = |from: &str, into: &str| home.json(&["incident", "merge", from, "--into", into]).error(3);
    assert_eq!(error(&main, &twin)["kind"], "merge_circle");
    assert_eq!(error(&main, &main)["kind"], "merge_circle");
    home.run(&["incident", "reopen", &twin]).fine();
    assert_eq!(shown(&home, &main)["duplicates"], json!([]));
    home.run(&["incident", "merge", &main, "--into", &twin]).fine();
}

#[test]
fn what_comes_after_a_closing_is_taken_and_marked_late() {
    let home = Home::with_team();
    let code = home.add(&["--title", "Crowd", "--count", "present=40"]);
    home.run(&["incident", "close", &code]).fine();
    let edited = home.run(&["incident", "edit", &code, "--count", "injured=2:clinic"]).fine();
    assert!(edited.stderr.contains("counts[1] came after the incident was closed"), "{}", edited.stderr);
    let photo = home.file("late.jpg", b"\xff\xd8\xff\xe0 photo");
    home.run(&["incident", "attach", &code, crate::support::text(&photo)]).fine();
    let view = shown(&home, &code);
    assert_eq!(view["findings"][0]["rule"], "AfterClosing");
    assert_eq!(view["record"]["counts"].as_array().unwrap().len(), 2);
    assert_eq!(view["attachments"][0]["findings"][0]["rule"], "AfterClosing");
    assert!(home.run(&["incident", "list"]).fine().stdout.contains("? late"));
    home.run(&["incident", "reopen", &code]).fine();
    assert_eq!(shown(&home, &code)["findings"], json!([]));
}

#[test]
fn links_are_made_shown_and_taken_back() {
    let home = Home::with_team();
    let (one, other) = (home.add(&["--title", "One"]), home.add(&["--title", "Other"]));
    home.run(&["incident", "link", &one, &other, "--relation", "caused_by"]).fine();
    let human = home.run(&["incident", "show", &one]).fine().stdout;
    assert!(human.contains(&format!("caused by it: {other}")), "{human}");
    home.run(&["incident", "link", &one, &other]).fine();
    assert_eq!(shown(&home, &one)["record"]["linked"][1]["relation"], "possible_duplicate");
    // Whichever of the two has the links.
    home.run(&["incident", "unlink", &other, &one, "--reason", "another crowd"]).fine();
    assert_eq!(shown(&home, &one)["record"].get("linked"), None);
    assert_eq!(home.json(&["incident", "unlink", &one, &other]).error(3)["details"][0]["field"], "unlink");
}

#[test]
fn a_responder_proposes_to_merge_and_a_lead_decides() {
    let (lead, responder) = lead_and_responder();
    let (main, twin) = (lead.add(&["--title", "Crowd"]), lead.add(&["--title", "Crowd again"]));
    meet(&lead, &responder);
    let proposed = responder.run(&["incident", "merge", &twin, "--into", &main]).fine();
    assert!(proposed.stderr.contains("a lead decides"), "{}", proposed.stderr);
    meet(&lead, &responder);
    for home in [&lead, &responder] {
        let view = shown(home, &twin);
        assert_eq!(view["record"]["status"], "open");
        let proposal = &view["proposals"][0];
        assert_eq!((&proposal["field"], &proposal["person"]), (&json!("status"), &json!("Daniel")));
        assert_eq!(proposal["value"]["status"], "merged_into");
        assert_eq!(shown(home, &main)["duplicates"], json!([]));
    }
    lead.run(&["incident", "merge", &twin, "--into", &main]).fine();
    meet(&lead, &responder);
    for home in [&lead, &responder] {
        let view = shown(home, &twin);
        assert_eq!((&view["main"], &view["proposals"]), (&json!(main), &json!([])));
    }
}
