//! Every field of an incident: entered, shown, entered again, edited.

use firsthand_record::Incident;
use serde_json::{Value, json};

use crate::support::{Home, text};

/// What the device itself says about a record, and what only closing an incident gives.
const NOT_TYPED: &[&str] = &["short_code", "clock_evidence", "schema_version", "origin", "merged_into"];

const EVERYTHING: &[&str] = &[
    "--title=Crowd at the bridge",
    "--narrative=Forty people.\nThey wait.",
    "--severity=Moderate",
    "--urgency=Expected",
    "--certainty=Observed",
    "--trajectory=escalating",
    "--category=Mob violence",
    "--status=monitoring",
    "--verification=Confirmed:two witnesses, apart",
    "--followup=NeedsFollowUp",
    "--sensitivity=leads",
    "--retaliation-risk=medium",
    "--mediation-outcome=ongoing",
    "--at=2026-03-14T14:30:00+03:00",
    "--until=2026-03-14 17:00 +03:00",
    "--precision=minute",
    "--until-precision=hour",
    "--reported=2026-03-14T15:00:00+03:00",
    "--place=-1.2864,36.8172",
    "--accuracy=12",
    "--altitude=1661",
    "--place-source=gps",
    "--mocked",
    "--fix-time=2026-03-14T14:29:00+03:00",
    "--place-text=the old bridge",
    "--p-code=KE047",
    "--admin-level=1",
    "--geo-precision=1",
    "--count=injured=2:clinic",
    "--count=injured=5:witness",
    "--count=present=40+",
    "--actor=initiator,inter=5,low=20,high=30,label=men on motorbikes,vulnerable=children,description=red scarves",
    "--source=witness,grade=B2,pseudonym=Rose,consent=record+team",
    "--harm=injury",
    "--tactic=protective_presence",
    "--weapon=stones:used",
    "--authority=police,marking=unit 7,low=10,high=12,measures=cordon",
    "--link=caused_by=action:00112233445566778899aabbccddeeff",
    "--rumour=The bridge is mined",
    "--rumour-status=checking",
    "--rumour-answer=ffeeddccbbaa99887766554433221100",
    "--owner=me",
    "--retention-until=2031-01-31",
];

fn record(home: &Home, code: &str) -> Value {
    home.json(&["incident", "show", code]).json()["record"].clone()
}

/// A record without what differs between two entries of the same.
fn bare(record: &Value) -> Value {
    let mut record = record.clone();
    let Value::Object(members) = &mut record else { panic!("no record") };
    members.retain(|name, _| !NOT_TYPED.contains(&name.as_str()));
    for list in Incident::LISTS {
        for item in members.get_mut(*list).and_then(Value::as_array_mut).into_iter().flatten() {
            item.as_object_mut().unwrap().remove("key");
        }
    }
    record
}

#[test]
fn every_field_is_entered_shown_and_entered_again() {
    let home = Home::with_team();
    let code = home.add(EVERYTHING);
    home.run(&["incident", "edit", &code, "--grade", "Rose=C3", "--withdraw-consent", "1"]).fine();
    home.run(&["incident", "hide", &code, "--reason", "names a child"]).fine();
    let first = record(&home, &code);
    for name in Incident::SCALARS.iter().chain(Incident::TEXTS).chain(Incident::LISTS) {
        let there = first.get(*name).is_some();
        assert!(there || NOT_TYPED.contains(name), "{name} is missing in {first}");
    }
    assert_eq!(first["occurred_end"], json!({"time": "2026-03-14T17:00:00+03:00", "precision": "hour"}));
    assert_eq!(first["occurred_start"]["precision"], "minute");
    assert_eq!(first["place"]["mocked"], true);
    assert_eq!(first["place"]["alt"], 1661.0);
    assert_eq!(first["verification_log"][0]["note"], "two witnesses, apart");
    assert_eq!(first["linked"][0]["kind"], "action");
    for list in ["counts", "graded_by", "verification_log", "consent_withdrawn", "tombstone"] {
        assert_eq!(first[list][0]["by"], first["owner"], "{list}");
    }

    let file = home.file("record.json", first.to_string());
    let again = home.add(&["--json-file", text(&file)]);
    assert_eq!(bare(&record(&home, &again)), bare(&first));
}

#[test]
fn every_field_is_shown_to_a_person() {
    let home = Home::with_team();
    let code = home.add(EVERYTHING);
    home.run(&["incident", "edit", &code, "--grade", "1=C3", "--withdraw-consent", "Rose"]).fine();
    home.run(&["incident", "hide", &code, "--reason", "names a child"]).fine();
    let human = home.run(&["incident", "show", &code]).fine().stdout;
    for part in [
        "injured 2-5 (clinic 2, witness 5)",
        "present 40+ (nobody named 40+)",
        "1. started it, men on motorbikes, 20-30 people, Rioters (5), children, red scarves",
        "1. a witness, Rose, grade C3 (fairly reliable, possibly true), had agreed to being recorded and the team",
        "taken back 2026-",
        "1. source 1: C3 (Amina",
        "1. stones, used",
        "1. police, unit 7, 10-12 people, cordon",
        "1. Confirmed: two witnesses, apart (Amina",
        "1. caused by it: action 00112233445566778899aabbccddeeff",
        "1. names a child (Amina)",
        "the old bridge",
        "-1.28640, 36.81720 ± 12 m, 1661 m high (satellite fix), fixed 2026-03-14 14:29 +03:00, made up by an app",
        "equipment  stones, used",
        "unit       men on motorbikes, Rioters; police, unit 7",
        "The bridge is mined",
        "2026-03-14 about 17:00 +03:00",
        "2031-01-31",
    ] {
        assert!(human.contains(part), "{part} is missing in\n{human}");
    }
}

#[test]
fn items_are_taken_back_swapped_and_named_by_number() {
    let home = Home::with_team();
    let code = home.add(&["--title", "Crowd", "--count", "injured=7-3:clinic", "--count", "present=9"]);
    home.run(&["incident", "edit", &code, "--swap", "counts:1"]).fine();
    let counts = record(&home, &code)["counts"].clone();
    let ranges: Vec<_> = counts.as_array().unwrap().iter().map(|it| (&it["low"], &it["high"])).collect();
    assert_eq!(ranges, [(&json!(9), &json!(9)), (&json!(3), &json!(7))]);
    assert_eq!(counts[1]["source"], "clinic");
    home.run(&["incident", "edit", &code, "--withdraw", "counts:1", "--reason", "counted twice"]).fine();
    assert_eq!(record(&home, &code)["counts"].as_array().unwrap().len(), 1);
    for (option, typed) in [
        ("--withdraw", "counts:2"),
        ("--swap", "harm_types:1"),
        ("--grade", "1=B2"),
        ("--withdraw-consent", "1"),
    ] {
        let error = home.json(&["incident", "edit", &code, option, typed]).error(3);
        assert!(error["details"][0]["reason"].as_str().unwrap().starts_with("names no"), "{error}");
    }
}

#[test]
fn a_wrong_code_is_answered_with_its_list_and_how_the_option_is_typed() {
    let home = Home::with_team();
    let reason = |args: &[&str]| {
        let error = home.json(&[&["incident", "add", "--title", "x"], args].concat()).error(3);
        error["details"][0]["reason"].as_str().unwrap().to_owned()
    };
    for (args, parts) in [
        (["--severity", "awful"], ["Extreme, Severe", "Minor, Unknown"]),
        (["--actor", "boss"], ["initiator, target, both", "typed like initiator,inter=5"]),
        (["--actor", "target,inter=9"], ["5 (Rioters)", "typed like initiator"]),
        (["--source", "gossip"], ["key_group, media", "typed like witness,grade=B2"]),
        (["--source", "witness,grade=X2"], ["B (Usually reliable)", "typed like witness,grade=B2"]),
        (["--count", "hurt=2"], ["injured, arrested", "typed like injured=2-4:clinic"]),
        (["--weapon", "stones:seen"], ["displayed, used, reported", "typed like stones:used"]),
        (["--verification", "sure:yes"], ["Citizen Report", "Rejected"]),
        (["--link", "like=K7-014"], ["same_event, possible_duplicate", "typed like same_event="]),
    ] {
        let reason = reason(&args);
        assert!(parts.iter().all(|part| reason.contains(part)), "{args:?}: {reason}");
    }
}

#[test]
fn hidden_incidents_are_left_out_and_nothing_of_them_is_erased() {
    let home = Home::with_team();
    let code = home.add(&["--title", "Crowd", "--narrative", "They wait."]);
    let listed = |args: &[&str]| {
        let list = home.json(&[&["incident", "list"], args].concat()).json();
        list["items"].as_array().unwrap().len()
    };
    assert_eq!(home.json(&["incident", "hide", &code]).error(3)["details"][0]["field"], "reason");
    home.run(&["incident", "hide", &code, "--reason", "entered by mistake"]).fine();
    assert_eq!((listed(&[]), listed(&["--hidden"])), (0, 1));
    assert!(home.run(&["incident", "list", "--hidden"]).stdout.contains("hidden"));
    assert_eq!(record(&home, &code)["narrative"], "They wait.");
    home.run(&["incident", "unhide", &code]).fine();
    assert_eq!(listed(&[]), 1);
    assert_eq!(home.json(&["incident", "unhide", &code]).error(3)["details"][0]["field"], "incident");
}

/// The words that a list and `show` mark an incident with.
#[test]
fn flags_are_shown_wherever_a_person_decides() {
    let home = Home::with_team();
    let old = "2020-01-01T10:00:00+00:00";
    let cases: &[(&[&str], &str, &str, &str)] = &[
        (&["--place=0,0", "--accuracy=5"], "NullIsland", "? place 0,0", "place is exactly 0,0"),
        (&["--place=1,2"], "AccuracyMissing", "? accuracy not known", "place.accuracy_m is not known"),
        (&["--place=1,2", "--accuracy=101"], "AccuracyPoor", "? poor accuracy", "is more than 100 metres"),
        (&["--place=1,2", "--accuracy=5", "--mocked"], "Mocked", "? made-up place", "was made up by an app"),
        (
            &["--place=1,2", "--accuracy=5", "--place-source=gps", "--fix-time=2020-01-01T10:00:00Z"],
            "OldFix",
            "? old position",
            "5 minutes older than the record",
        ),
        (&["--at=2120-01-01T10:00:00Z"], "InTheFuture", "? in the future", "occurred_start is in the future"),
        (&["--at", old], "Backdated", "? backdated", "is more than 7 days ago"),
        (&["--actor=both,low=9,high=3"], "LowAboveHigh", "? numbers swapped", "--swap actors:1"),
        (&["--severity=Extreme"], "ExtremeButUncertain", "? Extreme, uncertain", "the severity is Extreme"),
        (
            &["--narrative=Call 0712 345 678", "--sensitivity=network"],
            "PhoneNumber",
            "? phone number",
            "seems to contain a phone number",
        ),
        (
            &["--narrative=Passport A12345678", "--sensitivity=public"],
            "IdNumber",
            "? identity number",
            "seems to contain an identity number",
        ),
        (
            &["--source=victim,pseudonym=Rose", "--sensitivity=network"],
            "ConsentTooNarrow",
            "? no consent",
            "does not cover everybody who may read this",
        ),
    ];
    for (args, _, _, sentence) in cases {
        let add = [&["incident", "add", "--title", "x"], *args].concat();
        let added = home.run(&add).fine();
        let code = added.stdout.trim();
        assert!(
            added.stderr.contains("? look again: ") && added.stderr.contains(sentence),
            "{}",
            added.stderr
        );
        assert!(home.run(&["incident", "show", code]).fine().stdout.contains(sentence), "{sentence}");
    }
    let list = home.json(&["incident", "list", "--flagged"]).json();
    let table = home.run(&["incident", "list"]).fine().stdout;
    for ((_, rule, mark, sentence), item) in cases.iter().zip(list["items"].as_array().unwrap().iter().rev())
    {
        assert_eq!(item["flagged_by"], json!([rule]));
        assert!(table.contains(mark), "{mark}: {table}");
        if *rule == "Backdated" {
            let code = item["short_code"].as_str().unwrap();
            let edited = home.run(&["incident", "edit", code, "--harm", "threat"]).fine();
            assert!(edited.stderr.contains(sentence), "{}", edited.stderr);
        }
    }
    home.add(&["--title", "sound"]);
    let count = |args: &[&str]| {
        home.json(&[&["incident", "list"], args].concat()).json()["items"].as_array().unwrap().len()
    };
    assert_eq!((count(&[]), count(&["--flagged"])), (cases.len() + 1, cases.len()));
}

#[test]
fn a_file_that_shows_people_who_did_not_agree_marks_its_incident() {
    let home = Home::with_team();
    let code = home.add(&["--title", "With a photo"]);
    let photo = home.file("bridge.jpg", b"\xff\xd8\xff\xe0 photo");
    let flagged = || home.json(&["incident", "list", "--flagged"]).json()["items"].clone();
    assert_eq!(flagged(), json!([]));
    home.run(&["incident", "attach", &code, text(&photo), "--people", "identifiable"]).fine();
    assert_eq!(flagged()[0]["flagged_attachments"], 1);
    let table = home.run(&["incident", "list"]).fine().stdout;
    assert!(table.contains("? 1 file to look at"), "{table}");
    assert!(home.run(&["incident", "show", &code]).fine().stdout.contains("consent is missing"));
    home.run(&["incident", "describe-file", &code, "bridge.jpg", "--consent", "record"]).fine();
    assert_eq!(flagged(), json!([]));
}

#[test]
fn names_cannot_be_dressed_up() {
    let home = Home::with_team();
    let code = home.add(&["--title", "Am\u{200b}ina\u{202e} says", "--narrative", "one\u{2028}two e\u{301}"]);
    let table = home.run(&["incident", "list"]).fine().stdout;
    assert!(table.contains("Am<200B>ina says"), "{table}");
    let human = home.run(&["incident", "show", &code]).fine().stdout;
    assert!(human.contains("Am<200B>ina says") && human.contains("one two e\u{301}"), "{human}");
    assert!(!human.contains(['\u{202e}', '\u{200b}', '\u{2028}']));
    // Found by what it looks like, and kept as it was typed.
    let found = home.json(&["incident", "search", "amina"]).json();
    assert_eq!(found["items"][0]["title"], "Am\u{200b}ina\u{202e} says");
    assert_eq!(home.json(&["incident", "show", &format!("{code}\u{200b}")]).error(3)["kind"], "not_found");
}

#[test]
fn rumours_and_verifications_are_found() {
    let home = Home::with_team();
    let rumour =
        home.add(&["--title", "Mined?", "--rumour", "The bridge is mined", "--rumour-status", "circulating"]);
    let checked = home.add(&["--title", "Shots", "--verification", "Citizen Report:called in"]);
    let codes = |args: &[&str]| -> Vec<String> {
        let list = home.json(&[&["incident", "list"], args].concat()).json();
        let items = list["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["short_code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&["--rumour", "circulating", "--rumour", "checking"]), [rumour.as_str()]);
    assert_eq!(codes(&["--verification", "citizen report"]), [checked.as_str()]);
    assert!(codes(&["--rumour", "refuted"]).is_empty());
    assert_eq!(codes(&["--text", "mined"]), [rumour.as_str()]);
    home.run(&[
        "incident",
        "edit",
        &rumour,
        "--rumour-status",
        "refuted",
        "--verification",
        "Rejected:looked",
    ])
    .fine();
    assert!(codes(&["--rumour", "circulating"]).is_empty());
    assert_eq!(codes(&["--rumour", "refuted", "--verification", "Rejected"]), [rumour.as_str()]);
    assert_eq!(
        home.json(&["incident", "list", "--rumour", "nonsense"]).error(3)["details"][0]["field"],
        "rumour"
    );
}
