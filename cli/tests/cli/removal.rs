//! Somebody is removed while away, what they write is held, and they come back: over real sockets, as people do it.

use crate::support::{Home, join, lead_and_responder, meet, text};

#[test]
fn a_lost_phone_is_removed_and_comes_back() {
    let (lead, responder) = lead_and_responder();
    meet(&lead, &responder);
    let before = responder.add(&["--title", "before the removal"]);
    meet(&lead, &responder);
    let late = responder.add(&["--title", "nobody knew yet"]);
    assert_eq!(
        lead.json(&["team", "revoke", "nobody at all", "--reason", "lost"]).error(3)["kind"],
        "not_found"
    );
    let unknown = lead.run(&["team", "revoke", "nobody at all", "--reason", "lost"]);
    assert!(!unknown.stderr.contains("Removing"), "{}", unknown.stderr);
    let refused = responder.json(&["team", "revoke", "Amina", "--reason", "lost"]);
    assert_eq!(refused.error(1)["kind"], "not_allowed");
    let told = lead.run(&["team", "revoke", "Daniel", "--reason", "lost"]).fine();
    assert!(told.stderr.contains("Removing Daniel"), "{}", told.stderr);
    let devices = lead.run(&["team", "devices"]).fine().stdout;
    assert!(devices.contains("removed") && devices.contains("Daniel (lost), by Amina"), "{devices}");

    // The removed device is told so, and gets and gives nothing.
    let mut waiting = lead.start(&["--json", "sync", "--listen", "127.0.0.1:0"]);
    let address = waiting.json()["address"].as_str().unwrap().to_owned();
    assert_eq!(responder.json(&["sync", "--with", &address, "--once"]).error(6)["kind"], "not_a_member");
    waiting.terminate();
    waiting.status();
    assert!(lead.run(&["incident", "show", &late]).status == 3);
    assert!(lead.run(&["incident", "show", &before]).fine().stdout.contains("before the removal"));
    let refused = responder.json(&["incident", "add", "--title", "removed"]).error(1);
    assert_eq!(refused["kind"], "removed");
    assert!(refused["message"].as_str().unwrap().contains("Amina"), "{refused}");
    assert!(refused["hint"].as_str().unwrap().contains("stays on this device"), "{refused}");
    assert_eq!(responder.json(&["team", "revoke", "Amina", "--reason", "lost"]).error(1)["kind"], "removed");
    responder.run(&["check"]).fine();

    // On the same phone, in a new chain; what came in between is held until a lead adopts it.
    lead.run(&["team", "grant", "Daniel", "--role", "responder"]).fine();
    meet(&lead, &responder);
    let after = responder.add(&["--title", "back again"]);
    meet(&lead, &responder);
    assert!(lead.run(&["incident", "show", &after]).fine().stdout.contains("back again"));
    assert!(lead.run(&["incident", "show", &late]).status == 3);
    let held = lead.json(&["team", "quarantine"]).json()["items"].clone();
    assert_eq!((held.as_array().unwrap().len(), &held[0]["reason"]), (1, &"removed".into()));
    let (writer, position) = (held[0]["writer"].as_str().unwrap(), held[0]["position"].to_string());
    assert_eq!(responder.json(&["team", "adopt", writer, &position]).error(1)["kind"], "not_allowed");
    lead.run(&["team", "adopt", writer, &position]).fine();
    meet(&lead, &responder);
    for home in [&lead, &responder] {
        assert!(home.run(&["incident", "show", &late]).fine().stdout.contains("nobody knew yet"));
        home.run(&["check"]).fine();
    }
    assert_eq!(lead.digest(), responder.digest());
}

#[test]
fn a_bundle_carries_everything_and_opens_for_members_alone() {
    let (lead, responder) = lead_and_responder();
    let other = Home::none();
    join(&lead, &other, "Chidi");
    meet(&lead, &responder);
    let code = lead.add(&["--title", "on a stick"]);
    let photo = lead.file("a.txt", "seen");
    lead.run(&["incident", "attach", &code, text(&photo)]).fine();
    lead.run(&["team", "revoke", "Chidi", "--reason", "left"]).fine();
    let stick = lead.path().with_file_name("stick.firsthand");
    lead.run(&["bundle", "export", text(&stick), "--all", "--with-files"]).fine();
    let again = lead.json(&["bundle", "export", text(&stick), "--all"]);
    assert_ne!(again.status, 0, "nothing is overwritten");

    responder.run(&["bundle", "import", text(&stick)]).fine();
    assert!(responder.run(&["incident", "show", &code]).fine().stdout.contains("on a stick"));
    responder.run(&["incident", "verify-file", &code, "a.txt"]).fine();
    let digest = responder.digest();
    responder.run(&["bundle", "import", text(&stick)]).fine();
    assert_eq!(responder.digest(), digest, "twice is once");
    assert_ne!(other.run(&["bundle", "import", text(&stick)]).status, 0);
    assert_eq!(other.run(&["incident", "show", &code]).status, 3);

    let mut bytes = std::fs::read(&stick).unwrap();
    assert!(!bytes.windows(10).any(|part| part == b"on a stick"));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let broken = lead.file("broken.firsthand", bytes);
    let told = responder.run(&["bundle", "import", text(&broken)]);
    assert!(told.status != 0 || told.stdout.contains("damage") || told.stderr.contains("damage"), "{told:?}");
    assert_ne!(responder.run(&["bundle", "import", text(&photo)]).status, 0);
    responder.run(&["check"]).fine();
}

#[test]
fn who_may_only_read_is_told_so() {
    let (lead, responder) = lead_and_responder();
    lead.run(&["team", "grant", "Daniel", "--role", "read-only"]).fine();
    meet(&lead, &responder);
    let refused = responder.json(&["incident", "add", "--title", "mine"]).error(1);
    assert_eq!(refused["kind"], "read_only");
    assert!(refused["message"].as_str().unwrap().contains("your role in this team is to read"), "{refused}");
    lead.run(&["team", "grant", "Daniel", "--role", "responder"]).fine();
    meet(&lead, &responder);
    responder.add(&["--title", "mine"]);
}

#[test]
fn a_removal_makes_a_new_key_at_once() {
    let (lead, responder) = lead_and_responder();
    let epochs = |home: &Home| home.json(&["team", "epochs"]).json()["items"][0]["epochs"].clone();
    let names = |epoch: &serde_json::Value| {
        let readers = epoch["readers"].as_array().unwrap().iter();
        readers.map(|reader| reader["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let before = epochs(&lead);
    assert_eq!(before.as_array().unwrap().len(), 1);
    assert_eq!((&before[0]["state"], names(&before[0]).len()), (&"sealing".into(), 2));
    lead.run(&["team", "revoke", "Daniel", "--reason", "seized"]).fine();
    let after = epochs(&lead);
    assert_eq!(after.as_array().unwrap().len(), 2, "without any export");
    assert_eq!((&after[0]["state"], &after[1]["state"]), (&"superseded".into(), &"sealing".into()));
    assert_eq!(after[0]["superseded_by"][0], after[1]["epoch"]);
    assert_eq!((names(&after[1]), &after[1]["by"]), (vec!["Amina".to_owned()], &"Amina".into()));
    // The removed device hears of its removal, and not of what came after it.
    let mut waiting = lead.start(&["--json", "sync", "--listen", "127.0.0.1:0"]);
    let address = waiting.json()["address"].as_str().unwrap().to_owned();
    responder.json(&["sync", "--with", &address, "--once"]).error(6);
    waiting.terminate();
    waiting.status();
    let shown = responder.run(&["team", "devices"]).fine().stdout;
    assert!(shown.contains("Removed: Daniel"), "{shown}");
    assert!(epochs(&responder).as_array().is_none_or(|epochs| epochs.len() < 2), "it knows of no later key");
    let shown = lead.run(&["team", "epochs"]).fine().stdout;
    assert!(shown.contains("The whole team") && shown.contains("in use"), "{shown}");
}
