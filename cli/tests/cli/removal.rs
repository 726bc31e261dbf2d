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
    let refused = responder.json(&["team", "revoke", "Amina", "--reason", "lost"]);
    assert_eq!(refused.error(1)["kind"], "not_allowed");
    lead.run(&["team", "revoke", "Daniel", "--reason", "lost"]).fine();
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
    assert_eq!(responder.json(&["incident", "add", "--title", "removed"]).error(1)["kind"], "not_allowed");
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
