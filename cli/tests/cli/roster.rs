//! People, shifts, check-ins, hand-offs and the board.

use serde_json::Value;

use crate::support::{Home, lead_and_responder, meet, run};

/// A shift of Amina's that began a minute ago.
fn shift(home: &Home, title: &str) -> String {
    let start = (chrono::Utc::now() - chrono::TimeDelta::minutes(1)).to_rfc3339();
    let end = (chrono::Utc::now() + chrono::TimeDelta::hours(6)).to_rfc3339();
    let args = ["shift", "add", title, "--start", &start, "--end", &end, "--every", "60", "--grace", "15"];
    home.json(&args).json()["id"].as_str().unwrap().to_owned()
}

fn lines(home: &Home) -> Vec<Value> {
    home.json(&["board"]).json()["items"].as_array().unwrap().clone()
}

#[test]
fn people_are_noted_listed_and_trained() {
    let home = Home::with_team();
    home.run(&["person", "add", "Esi", "--callsign", "Heron", "--skill", "medic", "--language", "ak"]).fine();
    home.run(&["person", "edit", "me", "--callsign", "Kite"]).fine();
    let train = |until: &str| {
        let args =
            ["person", "train", "heron", "--course", "First aid", "--on", "2020-01-01", "--until", until];
        home.run(&args).fine();
    };
    train("2021-01-01");
    let list = home.json(&["person", "list"]).json();
    let people = list["items"].as_array().unwrap();
    assert_eq!(people.len(), 2);
    assert_eq!((&people[0]["callsign"], &people[0]["me"]), (&"Kite".into(), &true.into()));
    assert_eq!((&people[1]["name"], &people[1]["member"]), (&"Esi".into(), &false.into()));
    assert_eq!(people[1]["skills"][0], "medic");
    assert_eq!(people[1]["trainings"][0]["expires"], "2021-01-01");
    assert_eq!(people[1]["trainings"][0]["counts"], false);
    let text = home.run(&["person", "show", "Esi"]).fine().stdout;
    assert!(text.contains("First aid until 2021-01-01 (does not count today)"), "{text}");

    assert_eq!(home.json(&["person", "show", "Nobody"]).error(3)["kind"], "not_found");
    assert_eq!(home.json(&["person", "add", " "]).error(3)["details"][0]["field"], "display_name");
    assert_eq!(home.json(&["person", "edit", "Esi"]).error(3)["kind"], "bad_input");
    assert_eq!(home.json(&["person", "edit", "Esi", "--status", "gone"]).error(3)["kind"], "bad_input");

    // What has lapsed by the day of a shift is said where somebody plans it.
    let id = shift(&home, "East gate");
    let found = home.json(&["shift", "assign", &id[..8], "Esi", "--role", "Medic"]).json();
    let rules: Vec<_> = found["findings"].as_array().unwrap().iter().map(|it| it["rule"].clone()).collect();
    assert!(rules.contains(&"TrainingLapsed".into()) && rules.contains(&"NoBuddy".into()), "{rules:?}");
}

#[test]
fn a_shift_is_planned_by_leads_and_seen_on_the_board() {
    let (lead, responder) = lead_and_responder();
    let id = shift(&lead, "East gate");
    lead.run(&["shift", "assign", "East gate", "me", "--role", "Lead"]).fine();
    // The buddy who is alone gets one in return.
    let sound =
        lead.json(&["shift", "assign", "east", "Daniel", "--role", "Observer", "--buddy", "me"]).json();
    assert_eq!((&sound["counts"], &sound["findings"]), (&true.into(), &serde_json::json!([])));
    lead.run(&["shift", "ready", &id[..6], "yes"]).fine();
    meet(&lead, &responder);

    assert_eq!(responder.json(&["shift", "add", "Mine"]).error(1)["kind"], "not_allowed");
    let proposal = responder.json(&["shift", "status", "East gate", "debriefed"]).json();
    assert_eq!(proposal["counts"], false);
    let shown = responder.json(&["shift", "show", "East gate"]).json();
    assert_eq!((&shown["status"], &shown["proposed_steps"][0]), (&"planned".into(), &"debriefed".into()));
    responder.run(&["shift", "ready", "East gate", "no", "--note", "ill"]).fine();
    meet(&lead, &responder);
    let text = lead.run(&["shift", "show", "East gate"]).fine().stdout;
    assert!(text.contains("Daniel: Observer, with Amina  No go (ill)"), "{text}");
    lead.run(&["shift", "status", "East gate", "active"]).fine();
    let back = lead.run(&["shift", "status", "East gate", "briefed"]).fine();
    assert!(back.stderr.contains("never goes back"));

    let board = lines(&lead);
    assert_eq!(board.len(), 2);
    assert!(board.iter().all(|line| line["state"].is_null() && line["due"] == "in"), "{board:?}");
    lead.run(&["checkin", "--note", "at the gate", "--place", "-1.28,36.8"]).fine();
    let board = lines(&lead);
    let mine = board.iter().find(|line| line["name"] == "Amina").unwrap();
    assert_eq!(
        (&mine["state"], &mine["note"], &mine["buddy"]),
        (&"ok".into(), &"at the gate".into(), &"Daniel".into())
    );
    assert_eq!(mine["place"], serde_json::json!([-1.28, 36.8]));

    let off = lead.json(&["shift", "unassign", "East gate", "Daniel", "--reason", "ill"]).json();
    assert_eq!(off["findings"][0]["rule"], "BuddyElsewhere");
    assert_eq!(lines(&lead).len(), 1);
    assert_eq!(lead.json(&["shift", "list"]).json()["items"][0]["people"], 1);
    lead.run(&["shift", "edit", "East gate", "--title", "East gate, night", "--risk", "yellow"]).fine();
    let text = lead.run(&["board"]).fine().stdout;
    assert!(text.contains("East gate, night: Active, 1 person"), "{text}");
    lead.run(&["check"]).fine();
}

#[test]
fn alarms_come_first_and_covert_distress_shows_nothing_on_the_device_of_the_person() {
    let (lead, responder) = lead_and_responder();
    shift(&lead, "East gate");
    for (who, buddy) in [("me", "Daniel"), ("Daniel", "me")] {
        lead.run(&["shift", "assign", "East gate", who, "--role", "Observer", "--buddy", buddy]).fine();
    }
    lead.run(&["shift", "status", "East gate", "active"]).fine();
    meet(&lead, &responder);

    let said = responder.json(&["checkin", "--covert"]).json();
    assert_eq!(said["state"], "ok");
    let plain = responder.run(&["checkin"]).fine();
    assert_eq!((plain.stdout.trim(), plain.stderr.as_str()), ("Checked in: OK", ""));
    for args in [&["board"][..], &["person", "show", "me"]] {
        for shown in [responder.run(args).fine(), responder.json(args)] {
            let text = shown.stdout.to_lowercase();
            assert!(!text.contains("distress") && !text.contains("alarm"), "{text}");
        }
    }
    meet(&lead, &responder);
    let board = lines(&lead);
    assert_eq!((&board[0]["name"], &board[0]["state"]), (&"Daniel".into(), &"covert_distress".into()));
    let text = lead.run(&["board"]).fine().stdout;
    let first = text.lines().find(|line| line.contains("Daniel") && line.contains("Observer")).unwrap();
    assert!(first.trim_start().starts_with("ALARM") && first.contains("In distress"), "{text}");

    assert_eq!(lead.json(&["checkin", "lost"]).error(3)["kind"], "bad_input");
    assert_eq!(
        lead.json(&["checkin", "covert_distress", "--person", "Daniel"]).error(3)["kind"],
        "bad_input"
    );
    assert_eq!(lead.json(&["checkin", "--covert", "--person", "Daniel"]).error(2)["kind"], "usage");
    lead.run(&["checkin", "missing", "--person", "Daniel"]).fine();
    let shown = lead.json(&["person", "show", "Daniel"]).json();
    let open: Vec<_> = shown["check_ins"].as_array().unwrap().iter().map(|it| it["open"].clone()).collect();
    assert_eq!(open, [true, false, true]);
}

#[test]
fn a_hand_off_stays_open_until_each_item_is_settled() {
    let (lead, responder) = lead_and_responder();
    shift(&lead, "East gate");
    shift(&lead, "Night");
    for title in ["One", "Two"] {
        lead.add(&["--title", title]);
    }
    let closed = lead.add(&["--title", "Over"]);
    lead.run(&["incident", "close", &closed]).fine();
    let args =
        ["handoff", "start", "--from", "East gate", "--to", "Night", "--action", "Call the harbour master"];
    let started = lead
        .json(&[&args[..], &["--equipment", "radio=3", "--hazards", "The pier is slippery"]].concat())
        .json();
    assert_eq!(started["items"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&started["from"], &started["to"], &started["given"]),
        (&"East gate".into(), &"Night".into(), &false.into())
    );
    assert_eq!(started["record"]["equipment"][0]["count"], 3);
    assert_eq!(lead.json(&["handoff", "give"]).json()["given"], true);
    // The one who gives cannot take over, and who does not lead settles nothing.
    let own = lead.json(&["handoff", "answer", "last", "accepted", "all"]).json();
    assert_eq!(own["unsettled"], 3);
    meet(&lead, &responder);
    let other = responder.json(&["handoff", "answer", "last", "accepted", "1", "2", "--note", "seen"]).json();
    assert_eq!((&other["counts"], &other["unsettled"]), (&false.into(), &3.into()));
    assert_eq!(responder.json(&["handoff", "take"]).json()["taken"], false);
    let text = lead.run(&["handoff", "show"]).fine().stdout;
    assert!(text.contains("3 items are open") && text.contains("3 × radio"), "{text}");
    assert_eq!(lead.json(&["handoff", "list"]).json()["items"][0]["unsettled"], 3);
    assert_eq!(lead.json(&["handoff", "answer", "last", "accepted", "9"]).error(3)["kind"], "bad_input");
    assert_eq!(lead.json(&["handoff", "show", "nothing"]).error(3)["kind"], "not_found");
    lead.run(&["check"]).fine();
}

#[test]
fn who_is_overdue_or_missing_is_said_on_every_device_that_runs() {
    let (lead, responder) = lead_and_responder();
    let hours = |hours| (chrono::Utc::now() + chrono::TimeDelta::hours(hours)).to_rfc3339();
    let (start, end) = (hours(-3), hours(5));
    lead.run(&["shift", "add", "البوابة الشرقية", "--start", &start, "--end", &end, "--every", "60"]).fine();
    let missing = lead.json(&["checkin", "missing", "--person", "Daniel"]).json();

    // What a meeting brings is said although the program ends with it.
    let mut listening = lead.start(&["sync", "--listen", "127.0.0.1:0", "--once", "--json"]);
    let address = listening.json()["address"].as_str().unwrap().to_owned();
    let met = responder.run(&["sync", "--with", &address, "--once"]).fine().stdout;
    assert!(met.lines().any(|line| line == "! ALARM: Daniel: Missing"), "{met}");
    let mut events = Vec::new();
    while events.last().is_none_or(|it: &Value| it["event"] != "ended") {
        events.push(listening.json());
    }
    assert_eq!(listening.status(), 0);
    let alarms: Vec<_> = events.iter().filter(|it| it["event"] == "alarm").collect();
    assert_eq!(alarms.len(), 1, "{events:?}");
    assert_eq!((&alarms[0]["name"], &alarms[0]["state"]), (&"Daniel".into(), &"missing".into()));
    assert_eq!((&alarms[0]["check_in"], &alarms[0]["person"]), (&missing["id"], &missing["person"]));

    // A device without any network says who is overdue by itself.
    lead.run(&["person", "add", "ليلى"]).fine();
    lead.run(&["shift", "assign", "البوابة", "ليلى", "--role", "Observer"]).fine();
    let mut waiting = lead.start(&["sync", "--listen", "127.0.0.1:0"]);
    waiting.line();
    assert_eq!(waiting.line(), "! ALARM: Daniel: Missing");
    let overdue = waiting.line();
    assert!(overdue.starts_with("! OVERDUE: ") && overdue.contains("ليلى"), "{overdue}");
    assert!(
        overdue.contains("البوابة الشرقية") && overdue.ends_with("nothing heard, 1 h too late"),
        "{overdue}"
    );
    drop(waiting);
    let mut waiting = lead.start(&["sync", "--listen", "127.0.0.1:0", "--json"]);
    let told = [waiting.json(), waiting.json(), waiting.json()];
    let overdue = &told[2];
    assert_eq!((&overdue["event"], &overdue["name"]), (&"overdue".into(), &"ليلى".into()));
    assert_eq!(overdue["shift_title"], "البوابة الشرقية");
    assert!(overdue["overdue_s"].as_u64().unwrap() >= 105 * 60, "{overdue}");
}

/// Central European time by its rule, so that no file of zones is needed.
const EUROPE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

#[test]
fn a_shift_goes_over_midnight_and_over_the_change_of_clocks() {
    let home = Home::with_team();
    let add = |title: &str, start: &str, end: &str| {
        let args = ["shift", "add", title, "--start", start, "--end", end, "--every", "60", "--json"];
        run(home.command(&args).env("TZ", EUROPE))
    };
    // A time of day alone for the end is the next one after the beginning.
    for (title, start, end, from, until) in [
        ("Night", "2026-12-31 20:00", "02:00", "2026-12-31T20:00:00+01:00", "2027-01-01T02:00:00+01:00"),
        ("Forward", "2027-03-27 22:00", "04:00", "2027-03-27T22:00:00+01:00", "2027-03-28T04:00:00+02:00"),
        ("Back", "2027-10-30 22:00", "04:00", "2027-10-30T22:00:00+02:00", "2027-10-31T04:00:00+01:00"),
    ] {
        let id = add(title, start, end).json()["id"].as_str().unwrap().to_owned();
        let record = home.json(&["shift", "show", &id]).json()["record"].clone();
        assert_eq!((&record["start"], &record["end"]), (&from.into(), &until.into()), "{title}");
    }
    // Clocks were put forward over it.
    let refused = add("Gap", "2027-03-27 22:00", "02:30").error(3);
    assert_eq!(refused["details"][0]["field"], "end");
    assert!(refused["details"][0]["reason"].as_str().unwrap().contains("does not exist"), "{refused}");
    let backwards = add("Backwards", "2026-12-31 20:00", "2026-12-31 02:00").error(3);
    assert_eq!(backwards["details"][0]["field"], "end");

    // Part of a shift over midnight, and another end.
    let assign = ["shift", "assign", "Night", "me", "--role", "Lead", "--from", "20:00", "--until", "01:00"];
    run(home.command(&assign).env("TZ", EUROPE)).fine();
    run(home.command(&["shift", "edit", "Night", "--end", "06:00"]).env("TZ", EUROPE)).fine();
    let record = home.json(&["shift", "show", "Night"]).json()["record"].clone();
    assert_eq!(record["assignments"][0]["from"], "2026-12-31T20:00:00+01:00");
    assert_eq!(record["assignments"][0]["until"], "2027-01-01T01:00:00+01:00");
    assert_eq!(record["end"], "2027-01-01T06:00:00+01:00");
}

#[test]
fn who_is_not_of_the_team_is_refused_and_who_left_is_marked() {
    let home = Home::with_team();
    shift(&home, "East gate");
    let refused = home.json(&["shift", "assign", "East gate", "Nobody", "--role", "Observer"]).error(3);
    assert_eq!(refused["kind"], "not_found");
    home.run(&["person", "add", "ليلى"]).fine();
    let assigned = home.json(&["shift", "assign", "East", "ليلى", "--role", "مراقبة"]).json();
    let rules = |value: &Value| -> Vec<Value> {
        value["findings"].as_array().unwrap().iter().map(|it| it["rule"].clone()).collect()
    };
    assert!(!rules(&assigned).contains(&"NotActive".into()), "{assigned}");
    home.run(&["person", "edit", "ليلى", "--status", "left"]).fine();
    let shown = home.json(&["shift", "show", "East"]).json();
    assert!(rules(&shown).contains(&"NotActive".into()), "{shown}");
    let text = home.run(&["shift", "show", "East"]).fine().stdout;
    assert!(text.contains("look at") && text.contains("is not an active member"), "{text}");
}
