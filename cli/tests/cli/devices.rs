//! One person with two phones, and a lead nearby: three programs at once, as people do it.

use crate::support::{Home, Running, join, lead_and_responder, meet};

/// Starts to bring in another device, and lets `new` ask. Gives the running program, and that of the new device.
fn ask_for(own: &Home, new: &Home) -> (Running, Running) {
    let mut adding = own.start(&["--json", "team", "add-device", "--listen", "127.0.0.1:0", "--yes"]);
    let code = adding.json()["code"].as_str().unwrap().to_owned();
    assert!(code.starts_with("FHD1"), "{code}");
    let joining = new.start(&["--json", "team", "join", &code, "--yes"]);
    assert_eq!(adding.json()["event"], "words");
    (adding, joining)
}

/// The next line about `event`, over what is said of meetings.
fn event(running: &mut Running, event: &str) -> serde_json::Value {
    loop {
        let line = running.json();
        if line["event"] == event {
            return line;
        }
    }
}

#[test]
fn a_second_phone_is_endorsed_by_the_first_and_added_by_a_lead() {
    let (lead, first) = lead_and_responder();
    let second = Home::none();
    let before = first.add(&["--title", "from the first phone"]);
    first.run(&["emergency", "set", "--name", "Rose", "--phone", "+254700000001"]).fine();
    let (mut adding, mut joining) = ask_for(&first, &second);
    let proposal = event(&mut adding, "proposal")["code"].as_str().unwrap().to_owned();
    assert!(proposal.starts_with("FHE1"), "{proposal}");

    // It is for leads of this team, and nothing in it can be changed.
    let other = Home::with_team();
    assert_eq!(other.json(&["team", "admit-device", &proposal, "--yes"]).error(1)["kind"], "team");
    let mut wrong = proposal.clone().into_bytes();
    wrong[40] = if wrong[40] == b'A' { b'B' } else { b'A' };
    let wrong = String::from_utf8(wrong).unwrap();
    assert_eq!(lead.json(&["team", "admit-device", &wrong, "--yes"]).error(3)["kind"], "bad_input");
    // Nobody who is asked and does not say yes has said yes.
    let refused = lead.run_with_input(&["team", "admit-device", &proposal], "n\n");
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("another device of Daniel"), "{}", refused.stderr);
    assert!(!second.path().join("slots").exists() || second.json(&["team", "show"]).status != 0);

    let admitted = lead.run(&["team", "admit-device", &proposal, "--yes"]).fine();
    assert!(admitted.stdout.contains("a device of Daniel"), "{}", admitted.stdout);
    assert_eq!(event(&mut joining, "joined")["name"], "River watch");
    assert_eq!((joining.status(), adding.status()), (0, 0));

    // Both are Daniel's, with his records and what only few read, and both can write.
    let shown = second.run(&["team", "show"]).fine().stdout;
    assert!(shown.contains("Daniel (you)") && shown.contains("2 devices"), "{shown}");
    assert!(second.run(&["incident", "show", &before]).fine().stdout.contains("from the first phone"));
    assert!(second.run(&["emergency", "list"]).fine().stdout.contains("Rose"));
    let from_second = second.add(&["--title", "from the second phone"]);
    meet(&lead, &second);
    meet(&lead, &first);
    assert!(first.run(&["incident", "show", &from_second]).fine().stdout.contains("second phone"));
    assert_eq!(lead.digest(), first.digest());
    assert_eq!(lead.digest(), second.digest());
    for home in [&lead, &first, &second] {
        home.run(&["check"]).fine();
    }

    // Lost, it is taken out by itself; its person goes on with the other.
    let devices = second.json(&["team", "devices"]).json()["items"].clone();
    let this = devices.as_array().unwrap().iter().find(|it| it["this"] == true).unwrap();
    first.run(&["team", "revoke", "--device", this["device"].as_str().unwrap(), "--reason", "lost"]).fine();
    meet(&lead, &first);
    let mut waiting = lead.start(&["--json", "sync", "--listen", "127.0.0.1:0"]);
    let address = waiting.json()["address"].as_str().unwrap().to_owned();
    assert_eq!(second.json(&["sync", "--with", &address, "--once"]).error(6)["kind"], "not_a_member");
    waiting.terminate();
    waiting.status();
    let still = first.add(&["--title", "the first goes on"]);
    meet(&lead, &first);
    assert!(lead.run(&["incident", "show", &still]).fine().stdout.contains("goes on"));
}

#[test]
fn a_lead_adds_their_own_phone_without_anybody_else() {
    let lead = Home::with_team();
    let second = Home::none();
    let (mut adding, mut joining) = ask_for(&lead, &second);
    assert_eq!(event(&mut adding, "joined")["name"], "Amina");
    assert_eq!(event(&mut joining, "joined")["name"], "River watch");
    assert_eq!((joining.status(), adding.status()), (0, 0));
    // It leads as well: it lets somebody in.
    let other = Home::none();
    join(&second, &other, "Chidi");
    assert!(other.run(&["team", "show"]).fine().stdout.contains("2 devices"));
}

#[test]
fn codes_of_people_and_of_devices_are_not_mixed_up() {
    let (lead, first) = lead_and_responder();
    let second = Home::none();
    let mut invite = lead.start(&["team", "invite", "--listen", "127.0.0.1:0", "--yes"]);
    let code = invite.line();
    let nameless = second.json(&["team", "join", &code, "--yes"]).error(3);
    assert_eq!(nameless["details"][0]["field"], "--as");
    invite.terminate();
    invite.status();
    let mut adding = first.start(&["--json", "team", "add-device", "--listen", "127.0.0.1:0", "--yes"]);
    let code = adding.json()["code"].as_str().unwrap().to_owned();
    let named = second.json(&["team", "join", &code, "--as", "Somebody", "--yes"]).error(3);
    assert_eq!(named["details"][0]["field"], "--as");
    // The other phone thinks better of it: nothing is proposed to anybody.
    let declined = second.run_with_input(&["team", "join", &code], "n\n");
    assert_eq!(declined.status, 1);
    assert_eq!(adding.json()["event"], "words");
    assert_eq!(adding.status(), 1);
    assert!(first.run(&["team", "show"]).fine().stdout.contains("1 device"));
    // Who was removed cannot bring in another device.
    lead.run(&["team", "revoke", "Daniel", "--reason", "left"]).fine();
    meet_after_removal(&lead, &first);
    assert_eq!(first.json(&["team", "add-device"]).error(1)["kind"], "removed");
}

fn meet_after_removal(lead: &Home, removed: &Home) {
    let mut waiting = lead.start(&["--json", "sync", "--listen", "127.0.0.1:0"]);
    let address = waiting.json()["address"].as_str().unwrap().to_owned();
    removed.run(&["sync", "--with", &address, "--once"]);
    waiting.terminate();
    waiting.status();
}

/// Daniel's old phone in his left hand, the new one in his right, the lead beside him, and no network but theirs.
#[test]
fn a_new_phone_takes_the_place_of_the_old_one() {
    let (lead, old) = lead_and_responder();
    let new = Home::none();
    let before = old.add(&["--title", "from the old phone"]);
    let photo = old.path().join("photo.txt");
    std::fs::write(&photo, "who was there").unwrap();
    old.run(&["incident", "attach", &before, photo.to_str().unwrap()]).fine();
    old.run(&["emergency", "set", "--name", "Rose", "--phone", "+254700000001"]).fine();
    let mut leaving = old.start(&["--json", "device", "transfer", "--listen", "127.0.0.1:0", "--yes"]);
    let code = leaving.json()["code"].as_str().unwrap().to_owned();
    // A code that lets somebody in hands nothing over.
    let mut inviting = lead.start(&["--json", "team", "invite", "--listen", "127.0.0.1:0", "--yes"]);
    let invitation = inviting.json()["code"].as_str().unwrap().to_owned();
    let wrong = new.json(&["device", "transfer", "--from", &invitation, "--yes"]).error(3);
    assert_eq!(wrong["details"][0]["field"], "--from");
    inviting.terminate();
    inviting.status();

    let mut arriving = new.start(&["--json", "device", "transfer", "--from", &code, "--yes"]);
    let proposal = event(&mut leaving, "proposal")["code"].as_str().unwrap().to_owned();
    lead.run(&["team", "admit-device", &proposal, "--yes"]).fine();
    assert_eq!(event(&mut arriving, "joined")["name"], "River watch");
    event(&mut arriving, "replaced");
    event(&mut leaving, "replaced");
    assert_eq!((arriving.status(), leaving.status()), (0, 0));

    // The new one has everything, and one device is Daniel's; the old one enters nothing more.
    let shown = new.run(&["team", "show"]).fine().stdout;
    assert!(shown.contains("Daniel (you)") && shown.contains("1 device"), "{shown}");
    assert!(new.run(&["emergency", "list"]).fine().stdout.contains("Rose"));
    let copy = new.path().join("copy.txt");
    new.run(&["incident", "save-file", &before, "photo.txt", "--to", copy.to_str().unwrap()]).fine();
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), "who was there");
    assert_eq!(old.json(&["incident", "add", "--title", "too late"]).error(1)["kind"], "removed");
    let after = new.add(&["--title", "from the new phone"]);
    meet(&lead, &new);
    assert!(lead.run(&["incident", "show", &after]).fine().stdout.contains("the new phone"));
    assert_eq!(lead.digest(), new.digest());
    for home in [&lead, &new] {
        home.run(&["check"]).fine();
    }
}
