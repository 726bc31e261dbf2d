//! A team's relays on the real program, with a relay that is a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::support::{Home, lead_and_responder, meet, program, text};

/// A relay that runs until the test ends.
struct Relay {
    child: Child,
    address: String,
    key: String,
    token: String,
}

impl Relay {
    fn start(home: &Home) -> Self {
        let folder = home.path().with_file_name("relay");
        let mut child = program()
            .args(["relay", "--listen", "127.0.0.1:0", "--data", text(&folder)])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut word = |name: &str| {
            let line = lines.next().unwrap().unwrap();
            line.strip_prefix(name).unwrap().trim().to_owned()
        };
        let (address, key, token) = (word("address"), word("key"), word("token"));
        Self { child, address, key, token }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn two_who_never_meet_again_exchange_over_a_relay() {
    let (lead, responder) = lead_and_responder();
    let nobody = lead.json(&["sync", "--once"]).error(3);
    assert!(nobody["hint"].as_str().unwrap().contains("no relays"), "{nobody}");
    assert_eq!(lead.json(&["relay", "list"]).json()["items"], serde_json::json!([]));

    let relay = Relay::start(&lead);
    let add = ["relay", "add", &relay.address, "--key", &relay.key, "--token", &relay.token];
    assert_eq!(responder.json(&add).error(1)["kind"], "not_allowed");
    for (wrong, at) in [("http://relay/", 2), ("12", 4), ("token", 6)] {
        let mut args = add;
        args[at] = wrong;
        assert_eq!(lead.json(&args).error(3)["kind"], "bad_input", "{wrong}");
    }
    assert_eq!(lead.json(&add).json()["relay"], "added");
    meet(&lead, &responder);
    let listed = responder.json(&["relay", "list"]).json();
    assert_eq!(
        (&listed["items"][0]["address"], &listed["items"][0]["state"]),
        (&relay.address.as_str().into(), &"idle".into())
    );

    lead.add(&["--title", "From the lead"]);
    responder.add(&["--title", "From the responder"]);
    let before = responder.json(&["relay", "status"]).json();
    assert!(
        before["queue"]["own"].as_u64().unwrap() > 0 && before["queue"]["oldest"].is_string(),
        "{before}"
    );
    for home in [&lead, &responder] {
        let synced = home.json(&["sync", "--once"]).json();
        assert_eq!(
            (&synced["event"], &synced["items"][0]["state"]),
            (&"relays".into(), &"up_to_date".into())
        );
        let nothing = serde_json::json!({
            "own": 0, "others": 0, "files": 0, "file_bytes": 0, "files_wanted": 0, "wanted_bytes": 0
        });
        assert_eq!(synced["queue"], nothing);
    }
    let status = lead.run(&["relay", "status", "--reach", "30"]).fine().stdout;
    assert!(
        status.contains("nothing left to exchange") && status.contains("has reached a relay"),
        "{status}"
    );
    assert_eq!(lead.digest(), responder.digest());
    assert_eq!(lead.json(&["incident", "list"]).json()["items"].as_array().unwrap().len(), 2);

    // Gone, it is said why, and nothing else suffers.
    drop(relay);
    lead.add(&["--title", "Nobody there"]);
    let status = lead.json(&["sync", "--once"]).json();
    assert_eq!(status["items"][0]["state"], "waiting");
    assert!(status["items"][0]["trouble"].as_str().unwrap().contains("cannot be reached"), "{status}");
    assert!(status["queue"]["own"].as_u64().unwrap() > 0);
    meet(&lead, &responder);
    assert_eq!(lead.digest(), responder.digest());
    let key = listed["items"][0]["key"].as_str().unwrap();
    assert_eq!(lead.json(&["relay", "remove", &key[..8]]).json()["relay"], "removed");
    assert_eq!(lead.json(&["relay", "remove", &key[..8]]).error(3)["kind"], "not_found");
    assert!(lead.run(&["relay", "status"]).fine().stdout.contains("no relays"));
}
