//! Processes that meet over real sockets.

use crate::support::{Home, join, lead_and_responder, meet};

#[test]
fn a_device_joins_and_both_hold_the_same() {
    let lead = Home::with_team();
    lead.add(&["--title", "Before anybody joined"]);
    let joiner = Home::none();
    let mut invite = lead.start(&["team", "invite", "--listen", "127.0.0.1:0", "--yes", "--json"]);
    let invitation = invite.json();
    assert_eq!(invitation["event"], "invitation");
    assert_eq!(invitation["role"], "responder");
    let joined = joiner
        .json(&["team", "join", invitation["code"].as_str().unwrap(), "--as", "دانيال", "--yes"])
        .fine();
    let lines: Vec<serde_json::Value> =
        joined.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let words = invite.json();
    assert_eq!(lines[0]["event"], "words");
    assert_eq!(lines[0]["words"], words["words"]);
    assert_eq!(lines[0]["words"].as_array().unwrap().len(), 3);
    assert_eq!(lines[1]["event"], "ended");
    assert_eq!(lines[2]["event"], "joined");
    let there = invite.json();
    assert_eq!((&there["event"], &there["name"]), (&"joined".into(), &"دانيال".into()));
    let ended = invite.json();
    assert_eq!((&ended["event"], &ended["complete"]), (&"ended".into(), &true.into()));
    assert_eq!(invite.status(), 0);

    assert_eq!(lead.digest(), joiner.digest());
    let team = joiner.json(&["team", "show"]).json();
    assert_eq!(team["items"].as_array().unwrap().len(), 2);
    assert_eq!(team["counts"]["incidents"], 1);
    // A responder may not invite.
    assert_eq!(
        joiner.json(&["team", "invite", "--listen", "127.0.0.1:0", "--yes"]).error(1)["kind"],
        "not_allowed"
    );
}

#[test]
fn a_code_works_once_and_only_with_equal_words() {
    let lead = Home::with_team();
    let joiner = Home::none();
    // The joining person says that the words differ.
    let mut invite = lead.start(&["team", "invite", "--listen", "127.0.0.1:0", "--yes"]);
    let code = invite.line();
    let refused = joiner.run_with_input(&["team", "join", &code, "--as", "Daniel", "--json"], "n\n");
    assert_eq!(refused.error(1)["kind"], "declined");
    assert_eq!(invite.status(), 1);
    assert_eq!(lead.json(&["team", "show"]).json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(joiner.json(&["digest"]).error(1)["kind"], "no_home");

    // A code that was used is of no use to a second person.
    let mut invite = lead.start(&["team", "invite", "--listen", "127.0.0.1:0", "--yes"]);
    let code = invite.line();
    joiner.run(&["team", "join", &code, "--as", "Daniel", "--yes"]).fine();
    assert_eq!(invite.status(), 0);
    let late = Home::none();
    assert_eq!(late.run(&["team", "join", &code, "--as", "Late", "--yes"]).status, 6);
}

#[test]
fn two_processes_sync_both_ways() {
    let (lead, responder) = lead_and_responder();
    lead.add(&["--title", "From the lead"]);
    responder.add(&["--title", "From the responder"]);
    let mut listening = lead.start(&["sync", "--listen", "127.0.0.1:0", "--json"]);
    let first = listening.json();
    assert_eq!(first["event"], "listening");
    let address = first["address"].as_str().unwrap();
    let ended = responder.json(&["sync", "--with", address, "--once"]).json();
    assert_eq!(ended["event"], "ended");
    assert_eq!(ended["peer"], "Amina");
    assert_eq!(ended["reason"], "done");
    assert_eq!(ended["complete"], true);
    assert!(ended["entries_received"].as_u64().unwrap() >= 1 && ended["entries_sent"].as_u64().unwrap() >= 1);
    assert!(ended["bytes_sent"].as_u64().unwrap() > 0 && ended["round_trips"].as_f64().unwrap() >= 1.0);
    assert_eq!(listening.json()["peer"], "Daniel");

    // It goes on listening, and ends cleanly when asked to.
    let again = responder.json(&["sync", "--with", address, "--once"]).json();
    assert_eq!((&again["entries_received"], &again["entries_sent"]), (&0.into(), &0.into()));
    #[cfg(unix)]
    {
        listening.terminate();
        assert_eq!(listening.status(), 0);
    }
    drop(listening);
    assert_eq!(lead.digest(), responder.digest());
    let list = lead.json(&["incident", "list"]).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
}

#[test]
fn a_stranger_is_not_let_in_and_learns_nothing() {
    let home = Home::with_team();
    let stranger = Home::with_team();
    let mut listening = home.start(&["sync", "--listen", "127.0.0.1:0", "--once"]);
    let address = listening.line();
    let error = stranger.json(&["sync", "--with", &address, "--once"]).error(6);
    assert!(["no_channel", "cut", "not_a_member"].contains(&error["kind"].as_str().unwrap()), "{error}");
    // Whoever knocked in vain does not use up the one meeting.
    drop(listening);
    assert_eq!(home.json(&["team", "show"]).json()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_third_device_hears_of_everything_through_the_second() {
    let (lead, second) = lead_and_responder();
    let third = Home::none();
    join(&lead, &third, "Chipo");
    let code = second.add(&["--title", "Seen by Daniel"]);
    let photo = second.file("photo.png", [&b"\x89PNG\r\n\x1a\n"[..], &[5; 600_000]].concat());
    second.run(&["incident", "attach", &code, photo.to_str().unwrap()]).fine();
    // Neither has met the other before: each learns of the other's membership from operations that travel along.
    meet(&second, &third);
    meet(&third, &lead);
    assert_eq!(lead.digest(), second.digest());
    assert_eq!(lead.digest(), third.digest());
    let shown = lead.json(&["incident", "show", &code]).json();
    assert_eq!(shown["author"], "Daniel");
    assert_eq!(shown["attachments"][0]["here"], true);
    assert_eq!(lead.json(&["check"]).json()["ok"], true);
}

/// What nobody else has confirmed to hold is said, in the list and by itself, until a meeting; also after the program has
/// ended, and of an edit or a photo alone.
#[test]
fn what_is_only_here_says_so_until_somebody_has_it() {
    let (lead, responder) = lead_and_responder();
    let code = responder.add(&["--title", "At the gate"]);
    let only = |home: &Home| {
        let shown = home.json(&["incident", "show", &code]).json()["only_here"].clone();
        let list = home.json(&["incident", "list"]).json();
        assert_eq!(list["items"][0]["only_here"], shown, "list and record agree");
        let words = [home.run(&["incident", "show", &code]), home.run(&["incident", "list"])];
        let said = words.map(|run| run.fine().stdout.split_whitespace().collect::<Vec<_>>().join(" "));
        let all = said[0].contains("held only on this device") && said[1].contains("only on this device");
        let changes =
            said[0].contains("held changes only on this device") && said[1].contains("changes only on");
        match shown.as_str().unwrap() {
            "all" => assert!(all && !changes, "{said:?}"),
            "changes" => assert!(changes, "{said:?}"),
            "nothing" => assert!(!said.iter().any(|it| it.contains("on this device")), "{said:?}"),
            other => panic!("{other}"),
        }
        shown.as_str().unwrap().to_owned()
    };
    assert_eq!(only(&responder), "all");
    meet(&lead, &responder);
    assert_eq!((only(&responder).as_str(), only(&lead).as_str()), ("nothing", "nothing"));
    responder.run(&["incident", "edit", &code, "--severity", "Severe"]).fine();
    assert_eq!((only(&responder).as_str(), only(&lead).as_str()), ("changes", "nothing"));
    // The other side of a meeting may have called, too.
    meet(&responder, &lead);
    assert_eq!(only(&responder), "nothing");
    let photo = lead.file("photo.png", [&b"\x89PNG\r\n\x1a\n"[..], &[5; 6_000]].concat());
    lead.run(&["incident", "attach", &code, photo.to_str().unwrap()]).fine();
    assert_eq!((only(&responder).as_str(), only(&lead).as_str()), ("nothing", "changes"));
    meet(&lead, &responder);
    assert_eq!(only(&lead), "nothing");

    // A third device confirms what it got from somebody else.
    let third = Home::none();
    join(&lead, &third, "Chipo");
    let own = third.add(&["--title", "Seen by Chipo"]);
    assert_eq!(third.json(&["incident", "show", &own]).json()["only_here"], "all");
    meet(&third, &responder);
    assert_eq!(third.json(&["incident", "show", &own]).json()["only_here"], "nothing");
    assert_eq!(responder.json(&["incident", "show", &own]).json()["only_here"], "nothing");
}

#[test]
fn everybody_who_is_near_is_met_and_it_is_said_who_has_what() {
    let (lead, responder) = lead_and_responder();
    lead.add(&["--title", "From the lead"]);
    responder.add(&["--title", "From the responder"]);
    let before = responder.json(&["sync", "status"]).json();
    assert_eq!((&before["event"], &before["complete"]), (&"status".into(), &false.into()));
    let item = &before["items"][0];
    assert_eq!((&item["name"], &item["connected"]), (&"Amina".into(), &false.into()));
    // They met when the responder joined.
    assert!(item["last_complete"].is_string());

    let mut near = lead.start(&["nearby", "--listen", "127.0.0.1:0", "--json"]);
    let first = near.json();
    assert_eq!(first["event"], "listening");
    let address = first["address"].as_str().unwrap();
    let lines = responder.json(&["sync", "--nearby", "--with", address, "--once"]).fine();
    let lines: Vec<serde_json::Value> =
        lines.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["event"], "listening");
    let ended = lines.iter().find(|line| line["event"] == "ended").unwrap();
    assert_eq!((&ended["peer"], &ended["complete"]), (&"Amina".into(), &true.into()));
    let status = lines.last().unwrap();
    assert_eq!(status["event"], "status");
    let item = &status["items"][0];
    assert_eq!((&item["has"], &item["lacks"], &item["files"]), (&status["has"], &0.into(), &0.into()));
    assert!(item["last_complete"].as_str().unwrap() >= before["items"][0]["last_complete"].as_str().unwrap());
    // The other program said who came. There may be others on the network.
    let met = std::iter::repeat_with(|| near.json()).find_map(|line| {
        assert_eq!(line["event"], "nearby");
        line["items"].as_array().unwrap().iter().find(|item| item["name"] == "Daniel").cloned()
    });
    assert_eq!(met.unwrap()["state"], "met");
    #[cfg(unix)]
    {
        near.terminate();
        assert_eq!(near.status(), 0);
    }
    drop(near);
    assert_eq!(lead.digest(), responder.digest());
    let table = responder.run(&["sync", "status"]).fine().stdout;
    assert!(table.contains("as of the last meeting") && table.contains("nobody is connected"), "{table}");
}
