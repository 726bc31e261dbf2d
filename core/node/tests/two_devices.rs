//! Two devices, real stores, real sockets.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use firsthand_node::{Edit, Environment, Event, Node, NodeError, Passphrase, Role};
use firsthand_record::{Incident, Severity};
use serde_json::json;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

async fn lead(dir: &Path) -> Node {
    let env = Environment::laptop();
    Node::create_team(dir, passphrase("lead's own words"), "Harbour", "Amina", env).await.unwrap()
}

/// Invites and joins, comparing the words as two people would.
async fn join(lead: &Node, dir: &Path, name: &str) -> (Node, String) {
    let address = lead.listen("127.0.0.1:0".parse().unwrap(), false).await.unwrap().to_string();
    let code = lead.invite(Role::Responder, vec![address.clone()]).await.unwrap();
    let mut events = lead.events();
    let joining =
        Node::join(dir, passphrase("other words"), &code, name, Environment::laptop()).await.unwrap();
    let words = joining.words;
    let (node, ()) = tokio::join!(async { joining.confirm().await.unwrap() }, async {
        loop {
            match events.recv().await.unwrap() {
                Event::Words { link, words: shown } => {
                    assert_eq!(shown, words);
                    lead.compared(link, true).await;
                }
                Event::Joined { name: joined, .. } => {
                    assert_eq!(joined, name);
                    return;
                }
                _ => {}
            }
        }
    });
    (node, address)
}

fn incident(title: &str) -> Incident {
    Incident {
        title: Some(title.to_owned()),
        narrative: "Two groups face each other at the gate. Calm so far.".to_owned(),
        severity: Some(Severity::Unknown),
        ..Incident::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_devices_end_up_the_same_and_a_conflict_shows() {
    let dir = tempfile::tempdir().unwrap();
    let lead = lead(&dir.path().join("lead")).await;
    let saved = lead.add_incident(incident("At the gate")).await.unwrap();
    let (other, address) = join(&lead, &dir.path().join("other"), "Bruno").await;
    other.meet_once(&address).await.unwrap();
    assert_eq!(lead.digest().await.unwrap(), other.digest().await.unwrap());

    let id = other.find(&saved.short_code).await.unwrap();
    assert_eq!(id, saved.id);
    let set = |severity: &str| Edit::Set { field: "severity".to_owned(), value: json!(severity) };
    lead.edit_incident(id, vec![set("Moderate")]).await.unwrap();
    other.edit_incident(id, vec![set("Severe")]).await.unwrap();
    let photo = dir.path().join("gate.png");
    std::fs::write(&photo, [b"\x89PNG\r\n\x1a\n".as_slice(), &[7; 700_000]].concat()).unwrap();
    other.attach(id, &photo, "the gate", Arc::new(|_, _| true)).await.unwrap();

    other.meet_once(&address).await.unwrap();
    for node in [&lead, &other] {
        let view = node.incident(id).await.unwrap();
        assert_eq!(view.conflicts.len(), 1);
        assert_eq!(view.conflicts[0].shown, json!("Severe"));
        assert_eq!(view.conflicts[0].candidates.len(), 2);
        assert_eq!(view.attachments.len(), 1);
        assert!(view.attachments[0].here, "{:?}", view.attachments);
    }
    assert!(!other.resolve(id, "severity", json!("Moderate"), "").await.unwrap().settled);
    assert!(lead.resolve(id, "severity", json!("Severe"), "two people hurt").await.unwrap().settled);
    other.meet_once(&address).await.unwrap();
    for node in [&lead, &other] {
        assert_eq!(node.conflicts().await.unwrap(), []);
        assert_eq!(node.incident(id).await.unwrap().record.severity, Some(Severity::Severe));
        let check = node.check(Arc::new(|_, _| true)).await.unwrap();
        assert_eq!(check.problems, Vec::<String>::new());
    }
    assert_eq!(lead.digest().await.unwrap(), other.digest().await.unwrap());
    let out = dir.path().join("out.png");
    lead.save_attachment(id, "gate.png", &out).await.unwrap();
    assert_eq!(std::fs::read(&out).unwrap(), std::fs::read(&photo).unwrap());
    assert!(lead.history(id).await.unwrap().len() > 5);

    other.shutdown().await.unwrap();
    assert!(matches!(other.team().await, Err(NodeError::Closed)));
    let home = dir.path().join("other");
    let again = Node::open(&home, passphrase("other words"), Environment::laptop()).await.unwrap();
    assert_eq!(again.digest().await.unwrap(), lead.digest().await.unwrap());
}
