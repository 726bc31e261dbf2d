//! Signs and warnings, over real sockets: raised on one laptop, approved on another, acknowledged, replaced and called off.

use serde_json::Value;

use crate::support::{Home, join, lead_and_responder, meet, samples, text};

const NEW: [&str; 12] = [
    "alert",
    "new",
    "--event",
    "Armed patrols",
    "--headline",
    "Stay away from the market after dark",
    "--area",
    "Market and bus station",
    "--circle",
    "0.51,35.27,2",
    "--severity",
    "severe",
];

fn raise(home: &Home, status: &str) -> String {
    let raised = home.json(&[&NEW[..], &["--status", status]].concat()).json();
    raised["id"].as_str().unwrap().to_owned()
}

fn standing(home: &Home, id: &str) -> String {
    home.json(&["alert", "show", id]).json()["standing"].as_str().unwrap().to_owned()
}

fn missing(shown: &Value) -> Vec<String> {
    let names = shown["unacknowledged"].as_array().unwrap().iter();
    names.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_warning_waits_for_a_second_approval_and_says_who_has_not_acknowledged_it() {
    let (lead, second) = lead_and_responder();
    let other = Home::none();
    join(&lead, &other, "Chidi");
    lead.run(&["team", "grant", "Daniel", "--role", "coordinator"]).fine();
    lead.run(&["fieldteam", "add", "East", "--alert-approvals", "2"]).fine();
    let id = raise(&lead, "Exercise");
    let short = &id[..8];
    let waiting = lead.run(&["alert", "show", short]).fine().stdout;
    assert!(waiting.contains("EXERCISE: Stay away from the market after dark"), "{waiting}");
    assert!(waiting.contains("waits for approval, 1 of 2"), "{waiting}");
    for _ in 0..2 {
        meet(&lead, &second);
        meet(&lead, &other);
    }

    // Who may not approve says so, and changes nothing.
    let proposed = other.json(&["alert", "approve", short]).json();
    assert_eq!((&proposed["counts"], &proposed["standing"]), (&false.into(), &"waiting".into()));
    let approved = second.json(&["alert", "approve", short]).json();
    assert_eq!((&approved["counts"], &approved["standing"]), (&true.into(), &"in_force".into()));
    second.json(&["alert", "approve", short]).json();
    other.run(&["alert", "ack", short, "--kind", "cannot_act", "--note", "no car"]).fine();
    lead.run(&["person", "add", "Dina"]).fine();
    for _ in 0..2 {
        meet(&lead, &second);
        meet(&lead, &other);
    }
    for home in [&lead, &second, &other] {
        let shown = home.json(&["alert", "show", short]).json();
        assert_eq!(shown["standing"], "in_force");
        assert_eq!((&shown["approved"], &shown["proposals"]), (&2.into(), &1.into()));
        assert_eq!(shown["acknowledged"][0]["kind"], "cannot_act");
        assert_eq!(missing(&shown), ["Dina"], "who raised or approved it knows of it");
        let text = home.run(&["alert", "show", short]).fine().stdout;
        assert!(text.contains("Chidi, They cannot do what it asks") && text.contains(": no car"), "{text}");
        assert!(text.contains("not yet acknowledged  1: Dina"), "{text}");
        let listed = home.run(&["alert", "list", "--current"]).fine().stdout;
        assert!(listed.contains("in force until") && listed.contains("1 yes, 1 not yet"), "{listed}");
    }
    // Dina has no phone: somebody who does not lead cannot say for her that she knows.
    let said = ["alert", "ack", short, "--person", "Dina", "--note", "by radio"];
    assert_eq!(other.json(&said).json()["counts"], false);
    assert_eq!(missing(&other.json(&["alert", "show", short]).json()), ["Dina"]);
    assert_eq!(lead.json(&said).json()["counts"], true);
    let shown = lead.json(&["alert", "show", short]).json();
    assert_eq!(missing(&shown), Vec::<String>::new());
    assert_eq!(shown["acknowledged"][1]["noted_by"], "Amina");
    meet(&lead, &other);
    meet(&lead, &second);
    assert_eq!(lead.digest(), second.digest());
    for home in [&lead, &second, &other] {
        home.run(&["check"]).fine();
    }

    // Taking an approval back brings the waiting back.
    assert_eq!(lead.json(&["alert", "approve", short, "--withdraw"]).json()["standing"], "waiting");
    assert_eq!(other.json(&["alert", "approve", short, "--withdraw"]).error(3)["kind"], "not_found");
}

#[test]
fn what_is_replaced_and_called_off_says_by_what() {
    let lead = Home::with_team();
    let first = raise(&lead, "Actual");
    assert_eq!(standing(&lead, &first), "in_force");
    let update = ["alert", "update", &first[..8], "--headline", "Stay at home", "--urgency", "Immediate"];
    let update = lead.json(&update).json();
    let second = update["id"].as_str().unwrap().to_owned();
    assert_eq!(update["record"]["references"][0]["identifier"], first.as_str());
    assert_eq!(
        (&update["record"]["event"], &update["record"]["status"]),
        (&"Armed patrols".into(), &"Actual".into())
    );
    assert_eq!(update["replaces"][0], first.as_str());
    assert_eq!(standing(&lead, &first), "updated");
    let cancel = lead.json(&["alert", "cancel", &second[..8], "--reason", "They left"]).json();
    assert_eq!(cancel["record"]["headline"], "Called off: Stay at home");
    assert_eq!(cancel["record"]["msg_type"], "Cancel");
    assert_eq!(standing(&lead, &second), "cancelled");
    assert_eq!(standing(&lead, &first), "updated");
    let listed = lead.run(&["alert", "list"]).fine().stdout;
    let cancelled = format!("cancelled by {}", &cancel["id"].as_str().unwrap()[..8]);
    assert!(listed.contains(&cancelled) && listed.contains("replaced by"), "{listed}");
    let current = lead.json(&["alert", "list", "--current"]).json();
    assert_eq!(current["items"].as_array().unwrap().len(), 1);

    // An approval is of what the warning says. A cancellation that waits calls nothing off.
    lead.run(&["fieldteam", "add", "East", "--alert-approvals", "2"]).fine();
    let third = raise(&lead, "Test");
    let raised = lead.json(&["alert", "cancel", &third, "--reason", "over"]).json();
    assert_eq!((&raised["standing"], &raised["approvals_needed"]), (&"waiting".into(), &2.into()));
    assert_eq!(standing(&lead, &third), "waiting");
    lead.run(&["fieldteam", "edit", "East", "--alert-approvals", "1"]).fine();
    assert_eq!(standing(&lead, &third), "waiting", "nobody lowers afterwards what a warning needs");
    let fourth = raise(&lead, "Test");
    assert_eq!(standing(&lead, &fourth), "in_force");
    lead.run(&["check"]).fine();
}

#[test]
fn what_cannot_be_a_warning_is_refused_with_its_field() {
    let lead = Home::with_team();
    assert_eq!(lead.json(&NEW).error(2)["kind"], "usage", "whether it is meant has no default");
    let field = |extra: &[&str]| {
        let error = lead.json(&[&NEW[..], &["--status", "Test"], extra].concat()).error(3);
        error["details"][0]["field"].as_str().unwrap().to_owned()
    };
    assert_eq!(field(&["--scope", "Private"]), "addresses");
    assert_eq!(field(&["--expires", "2020-01-01"]), "expires");
    let swapped =
        ["alert", "new", "--status", "Test", "--event", "x", "--headline", "y", "--circle", "117.0,32.7,5"];
    let error = lead.json(&swapped).error(3);
    assert_eq!(error["details"][0]["field"], "area.circle.lat");
    assert!(error["details"][0]["reason"].as_str().unwrap().contains("look swapped"), "{error}");
    assert_eq!(field(&["--urgency", "soon"]), "urgency");
    assert_eq!(field(&["--level", "amber"]), "level");
    assert_eq!(field(&["--approvals", "11"]), "approvals_required");
    let error = lead.json(&[&NEW[..], &["--status", "Draft"]].concat()).error(3);
    assert_eq!(error["details"][0]["field"], "status");
    let long = "x".repeat(161);
    let error =
        lead.json(&["alert", "new", "--status", "Test", "--event", "x", "--headline", &long, "--area", "x"]);
    assert_eq!(error.error(3)["details"][0]["field"], "headline");
    assert_eq!(
        lead.json(&["alert", "new", "--status", "Test", "--event", "x", "--headline", "y"]).error(2)["kind"],
        "usage"
    );
    assert_eq!(lead.json(&["alert", "show", "ffff"]).error(3)["kind"], "not_found");
    lead.run(&["fieldteam", "add", "East", "--alert-approvals", "3"]).fine();
    assert_eq!(field(&["--approvals", "2"]), "approvals_required");
    assert_eq!(lead.run(&["alert", "list"]).fine().stdout, "No warning.\n");
}

#[test]
fn signs_are_read_by_several_people() {
    let (lead, responder) = lead_and_responder();
    let add = [
        "indicator",
        "add",
        "Cattle raids",
        "--family",
        "Provocative Behavior",
        "--unit",
        "raids",
        "--threshold",
        "3",
        "--window-days",
        "7",
    ];
    let id = lead.json(&add).json()["id"].as_str().unwrap().to_owned();
    let short = &id[..8];
    meet(&lead, &responder);
    responder.run(&["indicator", "read", short, "2", "--at", "yesterday 10:00"]).fine();
    let read =
        ["indicator", "read", short, "3.5", "--source", "witness", "--grade", "B2", "--note", "two herders"];
    responder.run(&read).fine();
    meet(&lead, &responder);
    for home in [&lead, &responder] {
        let shown = home.json(&["indicator", "show", short]).json();
        assert_eq!(shown["record"]["polarity"], "conflict", "the family says so");
        assert_eq!(shown["readings"][0]["record"]["value"], 3.5);
        assert_eq!(
            (&shown["readings"][0]["warns"], &shown["readings"][1]["warns"]),
            (&true.into(), &false.into())
        );
        assert_eq!(shown["readings"][0]["record"]["source"]["reliability"], "B");
        let text = home.run(&["indicator", "list"]).fine().stdout;
        assert!(
            text.contains("from 3 raids in 7 days") && text.contains("at the threshold or beyond"),
            "{text}"
        );
    }
    assert_eq!(lead.digest(), responder.digest());
    // A reading that was wrong is hidden, by who made it or a lead.
    let wrong =
        lead.json(&["indicator", "show", short]).json()["readings"][0]["id"].as_str().unwrap().to_owned();
    responder.run(&["indicator", "hide", &wrong[..8], "--reason", "counted twice"]).fine();
    assert_eq!(responder.json(&["indicator", "show", short]).json()["readings"].as_array().unwrap().len(), 1);

    assert_eq!(lead.json(&["indicator", "read", short, "many"]).error(3)["kind"], "bad_input");
    assert_eq!(lead.json(&["indicator", "read", short, "NaN"]).error(3)["kind"], "bad_input");
    assert_eq!(lead.json(&["indicator", "read", "ffff", "1"]).error(3)["kind"], "not_found");
    let mixed = ["indicator", "add", "x", "--polarity", "peace", "--family", "Armed Intervention"];
    assert_eq!(lead.json(&mixed).error(3)["details"][0]["field"], "family");
    assert_eq!(lead.json(&["indicator", "add", "x"]).error(2)["kind"], "usage");
}

#[test]
fn a_warning_goes_out_and_comes_in_as_cap() {
    let lead = Home::with_team();
    let id = raise(&lead, "Exercise");
    let out = lead.file("placeholder", "").with_file_name("warning.cap");
    let path = out.to_str().unwrap();
    lead.run(&["alert", "export", &id[..8], "--out", path]).fine();
    assert_eq!(
        lead.json(&["alert", "export", &id[..8], "--out", path]).error(3)["details"][0]["field"],
        "out"
    );
    let xml = std::fs::read_to_string(&out).unwrap();
    assert!(
        xml.contains("<status>Exercise</status>") && xml.contains("<circle>0.51,35.27 2</circle>"),
        "{xml}"
    );
    assert!(!xml.contains("Amina"), "no name of a person goes out");
    assert_eq!(lead.run(&["alert", "export", &id[..8]]).fine().stdout, xml);
    // The own warning comes back as itself, and to another team as one that waits, whoever imports it.
    let again = lead.json(&["alert", "import", path]).json();
    assert_eq!((&again["id"], &again["known"]), (&id.as_str().into(), &true.into()));
    let other = Home::with_team();
    let taken = other.json(&["alert", "import", path]).json();
    assert_eq!((&taken["known"], &taken["standing"]), (&false.into(), &"waiting".into()));
    let taken = taken["id"].as_str().unwrap();
    assert_eq!(other.json(&["alert", "export", taken]).error(3)["kind"], "bad_input");
    let draft = other.run(&["alert", "export", taken, "--draft"]).fine().stdout;
    assert!(draft.contains("<status>Draft</status>"), "{draft}");
    assert_eq!(other.json(&["alert", "import", path]).json()["known"], true);
    other.run(&["alert", "approve", taken]).fine();
    assert_eq!(other.run(&["alert", "export", taken]).fine().stdout, xml, "what came in goes out as it was");

    let entities = format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{}", xml.split_once('\n').unwrap().1);
    let error = other.json(&["alert", "import", text(&other.file("bomb.cap", &entities))]).error(3);
    assert!(error["message"].as_str().unwrap().contains("entities"), "{error}");
    let swapped = xml.replace("0.51,35.27 2", "117,35.27 2");
    let error = other.json(&["alert", "import", text(&other.file("swapped.cap", &swapped))]).error(3);
    assert!(error["message"].as_str().unwrap().contains("look swapped"), "{error}");
    let update = xml.replace("<msgType>Alert", "<msgType>Update");
    let error = other.json(&["alert", "import", text(&other.file("update.cap", &update))]).error(3);
    assert!(error["message"].as_str().unwrap().contains("references is missing"), "{error}");
    assert_eq!(other.json(&["alert", "list"]).json()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn what_has_ended_is_imported_as_expired() {
    let Some(samples) = samples() else { return };
    let lead = Home::with_team();
    let file = samples.join("cap").join("canada.cap");
    let taken = lead.json(&["alert", "import", text(&file)]).json();
    assert_eq!(taken["standing"], "expired");
    assert!(taken["notes"][0].as_str().unwrap().contains("first of 2 blocks"), "{taken}");
    let id = taken["id"].as_str().unwrap();
    lead.run(&["alert", "approve", id]).fine();
    assert_eq!(standing(&lead, id), "expired");
    let shown = lead.run(&["alert", "show", id]).fine().stdout;
    assert!(shown.contains("expired 2012-05-03"), "{shown}");
}
