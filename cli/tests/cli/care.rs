//! What the team learnt, and what only few may read, over real sockets.

use crate::support::{Home, join, lead_and_responder, meet};

#[test]
fn a_care_check_is_read_by_the_one_who_was_named_and_nobody_else() {
    let (lead, responder) = lead_and_responder();
    let other = Home::none();
    join(&lead, &other, "Chidi");
    for _ in 0..2 {
        meet(&lead, &responder);
        meet(&lead, &other);
    }
    responder.run(&["care", "note", "--wellbeing", "2", "--text", "before anybody was named"]).fine();
    let named = responder.json(&["care", "contact", "chidi"]).json();
    assert_eq!(named["name"], "Chidi");
    let noted = responder.json(&["care", "note", "--wants-contact", "later", "--text", "سيئ اليوم"]).json();
    assert_eq!(noted["shared_with"], "Chidi");
    meet(&responder, &other);
    meet(&responder, &lead);
    meet(&lead, &other);

    let own = responder.json(&["care", "list"]).json()["items"].clone();
    assert_eq!(own.as_array().unwrap().len(), 2);
    assert_eq!((&own[0]["note"], &own[0]["own"]), (&"سيئ اليوم".into(), &true.into()));
    let theirs = other.json(&["care", "list"]).json()["items"].clone();
    assert_eq!(theirs.as_array().unwrap().len(), 1);
    assert_eq!((&theirs[0]["wants_contact"], &theirs[0]["own"]), (&"later".into(), &false.into()));
    assert_eq!(lead.run(&["care", "list"]).fine().stdout, "Nothing was noted.\n");
    assert_eq!(responder.json(&["care", "contact", "--nobody"]).json()["name"], serde_json::Value::Null);
    let digests = [&lead, &responder, &other].map(Home::digest);
    assert!(digests.iter().all(|digest| *digest == digests[0]), "the team's own records are the same");
    for home in [&lead, &responder, &other] {
        home.run(&["check"]).fine();
    }

    assert_eq!(responder.json(&["care", "contact", "nobody at all"]).error(3)["kind"], "not_found");
    assert_eq!(responder.json(&["care", "note"]).error(2)["kind"], "usage");
    assert_eq!(responder.json(&["care", "note", "--wellbeing", "6"]).error(2)["kind"], "usage");
    let own_name = responder.json(&["team", "show"]).json()["me"].as_str().unwrap().to_owned();
    assert_eq!(responder.json(&["care", "contact", &own_name]).error(1)["kind"], "not_allowed");
}

#[test]
fn an_emergency_contact_is_read_by_the_leads() {
    let (lead, responder) = lead_and_responder();
    let other = Home::none();
    join(&lead, &other, "Chidi");
    let set = ["emergency", "set", "--name", "Fatima", "--phone", "+254 700 000001", "--relation", "sister"];
    responder.run(&set).fine();
    meet(&responder, &lead);
    meet(&other, &lead);
    meet(&responder, &other);
    let seen = lead.json(&["emergency", "list"]).json()["items"].clone();
    assert_eq!((&seen[0]["name"], &seen[0]["phone"]), (&"Fatima".into(), &"+254 700 000001".into()));
    assert!(lead.run(&["emergency", "list"]).fine().stdout.contains("sister"));
    assert_eq!(other.run(&["emergency", "list"]).fine().stdout, "Nobody has said whom to call.\n");
    let for_lead = ["emergency", "set", "--name", "X", "--phone", "1", "--person", "Amina"];
    assert_eq!(other.json(&for_lead).error(1)["kind"], "not_allowed");
    let empty = ["emergency", "set", "--name", " ", "--phone", "1"];
    assert_eq!(other.json(&empty).error(3)["kind"], "bad_input");
}

#[test]
fn a_debrief_grows_on_two_devices() {
    let (lead, responder) = lead_and_responder();
    let code = lead.add(&["--title", "Crowd at the bridge"]);
    let added = lead.json(&[
        "debrief",
        "add",
        "--incident",
        &code,
        "--planned",
        "Two teams at the gate",
        "--well",
        "The whistle was heard",
        "--change",
        "Carry spare batteries",
        "--owner",
        "Amina",
        "--due",
        "2026-12-01",
        "--method",
        "interpositioning=1",
        "--participant",
        "Amina",
    ]);
    let id = added.json()["id"].as_str().unwrap().to_owned();
    meet(&lead, &responder);
    let short = &id[..8];
    responder.run(&["debrief", "edit", short, "--near-miss", "A car came close"]).fine();
    lead.run(&["debrief", "done", short, "1"]).fine();
    meet(&lead, &responder);
    for home in [&lead, &responder] {
        let shown = home.json(&["debrief", "show", short]).json();
        assert_eq!(shown["record"]["near_miss"][0]["text"], "A car came close");
        assert_eq!(shown["record"]["to_change"][0]["due"], "2026-12-01");
        assert_eq!(shown["still_to_change"].as_array().unwrap().len(), 0);
        let text = home.run(&["debrief", "show", short]).fine().stdout;
        assert!(text.contains("1. done: Carry spare batteries, Amina, by 2026-12-01"), "{text}");
        assert!(text.contains("interpositioning: +1"), "{text}");
    }
    assert_eq!(lead.digest(), responder.digest());
    assert!(lead.run(&["debrief", "list"]).fine().stdout.contains(short));

    assert_eq!(lead.json(&["debrief", "done", short, "2"]).error(3)["kind"], "bad_input");
    assert_eq!(lead.json(&["debrief", "edit", short]).error(3)["kind"], "bad_input");
    assert_eq!(lead.json(&["debrief", "show", "ffff"]).error(3)["kind"], "not_found");
    assert_eq!(lead.json(&["debrief", "edit", short, "--method", "x=7"]).error(3)["kind"], "bad_input");
    assert_eq!(lead.json(&["debrief", "edit", short, "--method", "x"]).error(3)["kind"], "bad_input");
    assert_eq!(lead.json(&["debrief", "add", "--planned", "x"]).error(2)["kind"], "usage");
}
