//! Which files come, what they take, and room made.

use serde_json::json;

use crate::support::{Home, join, lead_and_responder, meet, text};

fn here(home: &Home) -> (u64, u64) {
    let status = home.json(&["attachments", "status"]).json();
    let original = &status["items"][2];
    assert_eq!(original["kind"], "original");
    let count = |of: &str| original[of]["files"].as_u64().unwrap();
    (count("here"), count("freed"))
}

#[test]
fn files_come_as_the_policy_says() {
    let (lead, responder) = lead_and_responder();
    let code = lead.add(&["--title", "At the gate"]);
    let film = lead.file("film.bin", vec![7; 300_000]);
    lead.run(&["incident", "attach", &code, text(&film)]).fine();
    let policy = responder.json(&["attachments", "policy", "--nearby", "previews"]).json();
    assert_eq!(policy["nearby"], "previews");
    assert_eq!(responder.json(&["attachments", "policy"]).json(), policy);
    meet(&lead, &responder);
    let status = responder.json(&["attachments", "status"]).json();
    assert_eq!(status["items"][2]["held_back"], json!({ "files": 1, "bytes": 300_000 }));
    responder.run(&["attachments", "policy", "--nearby", "originals"]).fine();
    meet(&lead, &responder);
    assert_eq!(here(&responder), (1, 0));
    let said = responder.run(&["attachments", "status"]).fine().stdout;
    assert!(said.contains("original: 1 here (300"), "{said}");
}

#[test]
fn a_file_that_two_others_hold_can_go_and_come_back() {
    let (lead, responder) = lead_and_responder();
    let third = Home::none();
    join(&lead, &third, "Chioma");
    let homes = [&lead, &responder, &third];
    let code = lead.add(&["--title", "At the gate"]);
    let film = lead.file("film.bin", vec![7; 300_000]);
    lead.run(&["incident", "attach", &code, text(&film)]).fine();
    let kept = lead.json(&["attachments", "free"]).json();
    assert_eq!((&kept["items"][0]["kept"], &kept["freed_bytes"]), (&json!("too_few_copies"), &json!(0)));
    for home in homes {
        home.run(&["attachments", "policy", "--tell-copies", "yes"]).fine();
    }
    for _ in 0..2 {
        meet(&lead, &responder);
        meet(&lead, &third);
    }
    meet(&lead, &responder);
    let mut went = Vec::new();
    for home in homes {
        let dry = home.json(&["attachments", "free", "--dry-run"]).json();
        assert_eq!(here(home), (1, 0), "only said what would go");
        let freed = home.json(&["attachments", "free"]).json();
        assert_eq!(dry["items"], freed["items"]);
        if freed["freed_bytes"] == 300_000 {
            assert_eq!(here(home), (0, 1));
            went.push(home);
        } else {
            assert_eq!(freed["items"][0]["kept"], "keeper");
        }
    }
    let [gone] = went[..] else { panic!("{} let go of it", went.len()) };
    let other = if std::ptr::eq(gone, &raw const lead) { &responder } else { &lead };
    meet(other, gone);
    assert_eq!(here(gone), (0, 1));
    assert_eq!(gone.json(&["attachments", "want", &code, "film.bin"]).json()["wanted"], true);
    meet(other, gone);
    assert_eq!(here(gone), (1, 0));
    gone.run(&["incident", "verify-file", &code, "film.bin"]).fine();
}
