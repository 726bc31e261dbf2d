//! The last lead is lost, and people who keep recovery codes make a new one.

use std::path::Path;

use crate::support::{Home, join, meet};

/// Every file below a folder.
fn bytes_below(dir: &Path, all: &mut Vec<u8>) {
    for file in std::fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            bytes_below(&path, all);
        } else {
            all.extend(std::fs::read(path).unwrap());
        }
    }
}

#[test]
fn a_team_whose_last_lead_is_lost_goes_on() {
    let lead = Home::none();
    let create = ["team", "create", "--team", "River watch", "--as", "Amina", "--recovery", "2-of-3"];
    let made = lead.json(&create).json();
    let codes: Vec<String> =
        made["recovery_codes"].as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect();
    assert_eq!((codes.len(), &made["recovery_needed"]), (3, &2.into()));
    assert!(lead.json(&["team", "show"]).json()["recovery_codes"].is_null(), "shown once");
    let (daniel, chidi) = (Home::none(), Home::none());
    join(&lead, &daniel, "Daniel");
    join(&lead, &chidi, "Chidi");
    let seen = lead.add(&["--title", "while there was a lead"]);
    meet(&lead, &daniel);
    meet(&daniel, &chidi);

    // Somebody has the lead's phone, and Daniel has no right to take it out.
    let refused = daniel.json(&["team", "revoke", "Amina", "--reason", "seized"]).error(1);
    assert_eq!(refused["kind"], "not_allowed");
    let recover = ["--json", "team", "recover", "Daniel", "--remove", "Amina", "--reason", "seized"];
    let one = format!("{}\n", codes[0]);
    for (typed, what) in [
        (one.clone(), "too few"),
        (format!("{one}{one}"), "given already"),
        (format!("{one}FHR1-AAAA\n"), "mistyped"),
    ] {
        let refused = daniel.run_with_input(&recover, &typed);
        assert_eq!(refused.status, 3, "{}", refused.stderr);
        assert!(refused.stderr.contains(what), "{}", refused.stderr);
    }
    assert!(daniel.run(&["team", "devices"]).fine().stdout.contains("lead"));
    // In capitals or not, with or without what stands between the groups.
    let typed = format!("{}\n\n{}\n", codes[2].to_lowercase().replace('-', " "), codes[0].replace('-', ""));
    let done = daniel.run_with_input(&recover, &typed);
    assert_eq!(done.status, 0, "{}", done.stderr);
    let role = |home: &Home, name: &str| {
        let team = home.json(&["team", "show"]).json();
        let people = team["items"].as_array().unwrap().clone();
        people.iter().find(|it| it["name"] == name).map(|it| it["role"].as_str().unwrap().to_owned())
    };
    assert_eq!((role(&daniel, "Daniel"), role(&daniel, "Amina")), (Some("lead".into()), None));

    // The lost phone answers with a removal of its own, which Chidi hears first; the codes weigh more.
    lead.run(&["team", "revoke", "Daniel", "--reason", "removed"]).fine();
    meet(&lead, &chidi);
    assert_eq!(role(&chidi, "Daniel"), None);
    meet(&daniel, &chidi);
    assert_eq!((role(&chidi, "Daniel"), role(&chidi, "Amina")), (Some("lead".into()), None));
    meet(&daniel, &chidi);
    assert_eq!(daniel.digest(), chidi.digest());
    assert!(chidi.run(&["incident", "show", &seen]).fine().stdout.contains("while there was a lead"));
    let newcomer = Home::none();
    join(&daniel, &newcomer, "Esther");
    assert!(newcomer.run(&["incident", "show", &seen]).fine().stdout.contains("while there was a lead"));

    // No device ever kept a code.
    for home in [&lead, &daniel, &chidi] {
        home.run(&["check"]).fine();
        let mut bytes = Vec::new();
        bytes_below(&home.path(), &mut bytes);
        for code in &codes {
            let plain = code.replace('-', "");
            assert!(!bytes.windows(16).any(|part| part == &plain.as_bytes()[4..20]));
        }
    }
}

#[test]
fn a_team_without_codes_says_so() {
    let home = Home::with_team();
    assert_eq!(home.json(&["team", "recover", "Amina"]).error(1)["kind"], "no_recovery");
    for wrong in ["4-of-3", "0-of-3", "3-of-10", "three", "1-of-0"] {
        let args = ["team", "create", "--team", "A", "--as", "B", "--recovery", wrong];
        assert_eq!(Home::none().run(&args).status, 2, "{wrong}");
    }
}
