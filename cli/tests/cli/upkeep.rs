//! Teams in the field, what is hidden and taken back, and conflicts in records that are no incidents.

use serde_json::Value;

use crate::support::{Home, lead_and_responder, meet, text};

fn shift(home: &Home, args: &[&str]) -> String {
    let start = (chrono::Utc::now() - chrono::TimeDelta::minutes(1)).to_rfc3339();
    let end = (chrono::Utc::now() + chrono::TimeDelta::hours(6)).to_rfc3339();
    let args = [&["shift", "add"], args, &["--start", &start, "--end", &end]].concat();
    home.json(&args).json()["id"].as_str().unwrap().to_owned()
}

fn items(value: &Value) -> &Vec<Value> {
    value["items"].as_array().unwrap()
}

#[test]
fn a_team_in_the_field_says_whom_its_shifts_need() {
    let (lead, responder) = lead_and_responder();
    let area = "31.50,34.46; 31.52,34.46; 31.52,34.48";
    let roles = ["--role", "مراقب=2", "--role", "Medic"];
    let add = [&["fieldteam", "add", "البوابة الشرقية", "--comms", "channel 4", "--area", area], &roles[..]];
    lead.run(&add.concat()).fine();
    let shown = lead.json(&["fieldteam", "show", "البوابة"]).json();
    assert_eq!(shown["record"]["area"].as_array().unwrap().len(), 3);
    assert_eq!(shown["record"]["roles_required"][0]["min"], 2);
    assert_eq!(shown["record"]["comms_plan"], "channel 4");
    for (bad, field) in [
        ("31.50,34.46; 31.52,34.46", "area"),
        ("1,1; 5,5; 1,5; 5,1", "area"),
        ("95,1; 5,5; 1,5", "area[0].lat"),
        ("here", "area"),
    ] {
        let refused = lead.json(&["fieldteam", "add", "Bad", "--area", bad]).error(3);
        assert_eq!(refused["details"][0]["field"], field, "{bad}: {refused}");
    }
    assert_eq!(lead.json(&["fieldteam", "add", "Bad", "--role", "Medic=many"]).error(3)["kind"], "bad_input");
    assert_eq!(lead.json(&["fieldteam", "add", "Bad", "--role", "Medic=0"]).error(3)["kind"], "bad_input");
    meet(&lead, &responder);
    assert_eq!(responder.json(&["fieldteam", "add", "Mine"]).error(1)["kind"], "not_allowed");

    // What is still needed is said to the lead after each step, in the shift and on the board.
    let id = shift(&lead, &["East gate", "--team", "البوابة"]);
    shift(&lead, &["Without a team"]);
    let assigned = lead.run(&["shift", "assign", &id[..8], "me", "--role", " مراقب "]).fine();
    for needed in ["look at: 1 more is needed: \u{2068}مراقب\u{2069}", "look at: 1 more is needed: Medic"]
    {
        assert!(assigned.stderr.lines().any(|line| line == needed), "{}", assigned.stderr);
    }
    let needs =
        lead.json(&["shift", "assign", &id[..8], "Daniel", "--role", "MEDIC"]).json()["needs"].clone();
    assert_eq!(needs.as_array().unwrap().len(), 1);
    assert_eq!((&needs[0]["missing"], &needs[0]["filled"]), (&1.into(), &1.into()));
    let board = lead.run(&["board"]).fine().stdout;
    assert!(board.contains("East gate (\u{2068}البوابة الشرقية\u{2069}): Planned, 2 people"), "{board}");
    assert!(board.contains("\n  1 more is needed: \u{2068}مراقب\u{2069}"), "{board}");
    let view = lead.json(&["shift", "show", &id[..8]]).json();
    assert_eq!((&view["team"], &view["needs"][0]["min"]), (&"البوابة الشرقية".into(), &2.into()));

    // A role that is no longer required.
    let edit = ["fieldteam", "edit", "البوابة", "--withdraw", "roles_required:1", "--reason", "enough"];
    lead.run(&edit).fine();
    assert_eq!(lead.json(&["shift", "show", &id[..8]]).json()["needs"].as_array().unwrap().len(), 0);
    assert_eq!(lead.json(&[&edit[..4], &["roles_required:9"]].concat()).error(3)["kind"], "bad_input");

    // The board and the list of one team.
    let board = lead.json(&["board", "--team", "البوابة الشرقية"]).json();
    assert_eq!((board["shifts"].as_array().unwrap().len(), items(&board).len()), (1, 2));
    lead.run(&["shift", "assign", "Without", "me", "--role", "Observer"]).fine();
    assert_eq!(items(&lead.json(&["board"]).json()).len(), 3);
    assert_eq!(items(&lead.json(&["board", "--team", "البوابة"]).json()).len(), 2);
    assert_eq!(items(&lead.json(&["shift", "list", "--team", "البوابة"]).json())[0]["title"], "East gate");
    assert_eq!(lead.json(&["board", "--team", "Nobody"]).error(3)["kind"], "not_found");
    lead.run(&["check"]).fine();
}

#[test]
fn an_alarm_about_somebody_on_no_shift_is_on_the_board_of_every_team() {
    let home = Home::with_team();
    home.run(&["fieldteam", "add", "East"]).fine();
    home.run(&["person", "add", "Esi"]).fine();
    home.run(&["checkin", "missing", "--person", "Esi"]).fine();
    let board = home.json(&["board", "--team", "East"]).json();
    assert_eq!(items(&board)[0]["name"], "Esi");
}

#[test]
fn a_checklist_is_taken_out_of_lists_and_its_runs_go_on() {
    let (lead, responder) = lead_and_responder();
    let file = lead
        .file("gate.md", "# At the gate\n\nprotocol: gate\n\n- [ ] ! Your buddy sees you\n  name: seen\n");
    lead.run(&["checklist", "import", text(&file)]).fine();
    lead.run(&["checklist", "publish", "gate"]).fine();
    let run = lead.json(&["checklist", "run", "gate"]).json()["id"].as_str().unwrap().to_owned();
    let unused = lead.json(&["checklist", "run", "gate"]).json()["id"].as_str().unwrap().to_owned();
    meet(&lead, &responder);

    assert_eq!(lead.json(&["checklist", "hide", "gate"]).error(3)["details"][0]["field"], "reason");
    // From who neither leads nor made it, it does not count.
    let said = responder.json(&["checklist", "hide", "gate", "--reason", "old"]).json();
    assert_eq!(said["counts"], false);
    assert_eq!(items(&responder.json(&["checklist", "list"]).json()).len(), 1);
    assert_eq!(responder.json(&["checklist", "unhide", "gate"]).error(3)["kind"], "bad_input");

    assert_eq!(lead.json(&["checklist", "hide", "gate", "--reason", "old"]).json()["counts"], true);
    lead.run(&["checklist", "hide", &unused[..8], "--reason", "by mistake"]).fine();
    meet(&lead, &responder);
    for home in [&lead, &responder] {
        assert_eq!(items(&home.json(&["checklist", "list"]).json()).len(), 0);
        assert_eq!(home.json(&["checklist", "run", "gate"]).error(3)["kind"], "not_offered");
        let shown = home.json(&["checklist", "show", "gate"]).json();
        assert_eq!((&shown["hidden"], &shown["offered"]), (&true.into(), &false.into()));
        assert_eq!(items(&home.json(&["checklist", "runs"]).json()).len(), 1);
    }
    responder.run(&["checklist", "tick", &run[..8], "seen"]).fine();
    responder.run(&["checklist", "complete", &run[..8]]).fine();

    // Its version is taken for good; the same content is offered again.
    let other =
        lead.file("other.md", "# At the gate\n\nprotocol: gate\n\n- [ ] Something else\n  name: seen\n");
    lead.run(&["checklist", "import", text(&other)]).fine();
    assert_eq!(lead.json(&["checklist", "publish", "gate"]).error(3)["kind"], "taken");
    lead.run(&["checklist", "unhide", "gate", "--reason", "still needed"]).fine();
    lead.run(&["checklist", "run", "gate"]).fine();
    lead.run(&["check"]).fine();
}

#[test]
fn a_skill_a_training_and_a_vote_are_taken_back() {
    let (lead, responder) = lead_and_responder();
    lead.run(&["person", "add", "Esi", "--skill", "medic", "--skill", "legal_observer", "--language", "ak"])
        .fine();
    lead.run(&["person", "train", "Esi", "--course", "First aid", "--until", "2099-01-01"]).fine();
    let train = ["person", "train", "me", "--course", "Radio", "--by", "Daniel"];
    lead.run(&train).fine();
    let shown = lead.run(&["person", "show", "Esi"]).fine().stdout;
    assert!(shown.contains("1. Medic, 2. Legal observer"), "{shown}");
    assert!(shown.contains("1. First aid until 2099-01-01, by Amina"), "{shown}");
    assert_eq!(lead.json(&["person", "show", "me"]).json()["trainings"][0]["by_name"], "Daniel");

    let back =
        ["person", "edit", "Esi", "--withdraw", "skills:1", "--withdraw", "trainings:1", "--reason", "wrong"];
    lead.run(&back).fine();
    let esi = lead.json(&["person", "show", "Esi"]).json();
    assert_eq!(esi["skills"], serde_json::json!(["legal_observer"]));
    assert_eq!(esi["trainings"].as_array().unwrap().len(), 0);
    assert_eq!(items(&lead.json(&["checklist", "trained"]).json()).len(), 1);
    for wrong in ["skills:7", "tombstone:1", "medic"] {
        let refused = lead.json(&["person", "edit", "Esi", "--withdraw", wrong]).error(3);
        assert_eq!(refused["details"][0]["field"], "withdraw");
    }
    meet(&lead, &responder);
    let refused = responder.json(&["person", "edit", "Esi", "--withdraw", "skills:1"]).error(1);
    assert_eq!(refused["kind"], "not_allowed");

    shift(&lead, &["East gate"]);
    lead.run(&["shift", "assign", "East", "Daniel", "--role", "Observer"]).fine();
    meet(&lead, &responder);
    let go = |home: &Home| items(&home.json(&["shift", "list"]).json())[0]["go"].clone();
    responder.run(&["shift", "ready", "East", "yes"]).fine();
    assert_eq!(go(&responder), 1);
    let taken = responder.json(&["shift", "ready", "East", "--withdraw", "--note", "ill"]).json();
    assert_eq!((&taken["counts"], go(&responder)), (&true.into(), 0.into()));
    assert_eq!(responder.json(&["shift", "ready", "East", "--withdraw"]).error(3)["kind"], "not_found");
    assert_eq!(responder.json(&["shift", "ready", "East"]).error(2)["kind"], "usage");
    meet(&lead, &responder);
    assert_eq!(go(&lead), 0);
}

#[test]
fn a_training_names_the_run_in_which_it_was_practised() {
    let (lead, responder) = lead_and_responder();
    lead.run(&["checklist", "import", "--shipped", "buddy-check"]).fine();
    lead.run(&["checklist", "publish", "buddy-check"]).fine();
    let run = lead.json(&["checklist", "run", "buddy-check", "--training"]).json()["id"].clone();
    let run = run.as_str().unwrap();
    let train = ["person", "train", "Daniel", "--run", &run[..8], "--until", "2099-01-01"];
    lead.run(&train).fine();
    meet(&lead, &responder);
    let trained = items(&responder.json(&["checklist", "trained", "buddy-check"]).json())[0].clone();
    assert_eq!((&trained["run"], &trained["by_name"]), (&run.into(), &"Amina".into()));
    assert_eq!((&trained["version"], &trained["counts"]), (&1.into(), &true.into()));
    let shown = responder.run(&["person", "show", "Daniel"]).fine().stdout;
    assert!(shown.contains(&format!(", by Amina, in run {}", &run[..8])), "{shown}");
    let both = [&train[..], &["--checklist", "buddy-check"]].concat();
    assert_eq!(lead.json(&both).error(2)["kind"], "usage");
    assert_eq!(lead.json(&["person", "train", "Daniel", "--run", "ffffffff"]).error(3)["kind"], "not_found");
}

#[test]
fn conflicts_in_people_and_shifts_are_shown_and_settled() {
    let (lead, responder) = lead_and_responder();
    lead.run(&["person", "edit", "Daniel", "--callsign", "Kite"]).fine();
    let id = shift(&lead, &["East gate"]);
    meet(&lead, &responder);
    assert_eq!(items(&lead.json(&["person", "conflicts"]).json()).len(), 0);

    lead.run(&["person", "edit", "Daniel", "--callsign", "Heron"]).fine();
    responder.run(&["person", "edit", "me", "--callsign", "Falke"]).fine();
    meet(&lead, &responder);
    let conflicts = responder.json(&["person", "conflicts"]).json();
    let conflict = &items(&conflicts)[0];
    assert_eq!((&conflict["field"], conflict["values"].as_array().unwrap().len()), (&"callsign".into(), 2));
    assert!(responder.run(&["person", "show", "me"]).fine().stdout.contains("in conflict"));

    // Who has no right to settle it proposes.
    let proposed = responder.json(&["person", "resolve", "me", "callsign", "--pick", "1"]).json();
    assert_eq!(proposed["settled"], false);
    assert_eq!(items(&responder.json(&["person", "conflicts", "me"]).json()).len(), 1);
    let settled = lead.json(&["person", "resolve", "Daniel", "callsign", "--value", "Falke"]).json();
    assert_eq!(settled["settled"], true);
    meet(&lead, &responder);
    for home in [&lead, &responder] {
        assert_eq!(items(&home.json(&["person", "conflicts"]).json()).len(), 0);
        assert_eq!(home.json(&["person", "show", "Daniel"]).json()["callsign"], "Falke");
    }
    let none = lead.json(&["person", "resolve", "Daniel", "callsign", "--pick", "1"]).error(1);
    assert_eq!(none["kind"], "no_conflict");
    let bad = lead.json(&["shift", "resolve", &id[..8], "check_in_rule", "--value", "often"]).error(3);
    assert_eq!(bad["details"][0]["field"], "check_in_rule");
    assert_eq!(lead.json(&["shift", "resolve", &id[..8], "title"]).error(2)["kind"], "usage");

    lead.run(&["shift", "hide", &id[..8], "--reason", "planned twice"]).fine();
    assert_eq!(items(&lead.json(&["board"]).json()).len(), 0);
    assert!(lead.run(&["shift", "list"]).fine().stdout.lines().all(|line| !line.contains("East gate")));
    assert_eq!(lead.json(&["shift", "unhide", &id[..8]]).json()["counts"], true);
    lead.run(&["check"]).fine();
}
