//! Two devices, real stores, real sockets.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use firsthand_node::{
    AttachmentView, Edit, Environment, Event, ManifestState, NewFile, Node, NodeError, Passphrase, Role,
};
use firsthand_record::{C2paState, CustodyKind, Incident, PeopleVisible, Severity, VariantKind};
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

fn custody(file: &AttachmentView) -> Vec<(CustodyKind, &str)> {
    file.custody.iter().map(|step| (step.event, step.person.as_str())).collect()
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
    lead.edit(id, vec![set("Moderate")]).await.unwrap();
    other.edit(id, vec![set("Severe")]).await.unwrap();
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
        let file = &view.attachments[0];
        assert!(file.here, "{file:?}");
        assert_eq!(file.manifest, ManifestState::Valid);
        assert_eq!(file.record.c2pa_state, Some(C2paState::None));
        assert_eq!(custody(file), [(CustodyKind::Received, "Bruno")]);
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
    lead.save_attachment(id, "gate.png", VariantKind::Original, &out, Arc::new(|_, _| true)).await.unwrap();
    assert_eq!(std::fs::read(&out).unwrap(), std::fs::read(&photo).unwrap());
    assert!(matches!(
        lead.save_attachment(id, "gate.png", VariantKind::Original, &out, Arc::new(|_, _| true)).await,
        Err(NodeError::File(_))
    ));
    lead.verify_attachment(id, "gate.png", Arc::new(|_, _| true)).await.unwrap();
    other.meet_once(&address).await.unwrap();
    for node in [&lead, &other] {
        let view = node.incident(id).await.unwrap();
        let seen = [
            (CustodyKind::Received, "Bruno"),
            (CustodyKind::Exported, "Amina"),
            (CustodyKind::Verified, "Amina"),
        ];
        assert_eq!(custody(&view.attachments[0]), seen);
        assert_eq!(view.attachments[0].manifest, ManifestState::Valid);
    }
    assert!(lead.history(id).await.unwrap().len() > 5);

    // Who saw it is noted once. It is read from end to end for that, and no more of it than there is room for.
    let before = lead.team().await.unwrap().counts.entries;
    let refused = lead.view_attachment(id, "gate.png", VariantKind::Original, 1000).await;
    assert!(matches!(refused, Err(NodeError::TooLong { most: 1000, .. })));
    for _ in 0..3 {
        let seen = lead.view_attachment(id, "gate.png", VariantKind::Original, 1_000_000).await.unwrap();
        assert_eq!(*seen, std::fs::read(&photo).unwrap());
    }
    assert_eq!(lead.team().await.unwrap().counts.entries, before + 1);
    let view = lead.incident(id).await.unwrap();
    assert_eq!(custody(&view.attachments[0]).last(), Some(&(CustodyKind::Viewed, "Amina")));

    // An edit is judged, and what a person should look at is counted in the list.
    let caption = |text: String| vec![Edit::ReplaceText { field: "caption".to_owned(), text }];
    let long = lead.describe_attachment(id, "gate.png", caption("a".repeat(30_000))).await;
    assert!(matches!(long, Err(NodeError::Rejected(_))));
    assert_eq!(lead.incident(id).await.unwrap().attachments[0].caption, "the gate");
    let flags = async || lead.incidents(Default::default()).await.unwrap()[0].incident.flags;
    let before = flags().await;
    let set = |people: &str| vec![Edit::Set { field: "people_visible".to_owned(), value: json!(people) }];
    lead.describe_attachment(id, "gate.png", set("identifiable")).await.unwrap();
    assert_eq!(flags().await, before + 1);
    lead.describe_attachment(id, "gate.png", set("none")).await.unwrap();
    assert_eq!(flags().await, before);
    other.meet_once(&address).await.unwrap();
    assert_eq!(other.incidents(Default::default()).await.unwrap()[0].incident.flags, before);

    other.shutdown().await.unwrap();
    assert!(matches!(other.team().await, Err(NodeError::Closed)));
    let home = dir.path().join("other");
    let again = Node::open(&home, passphrase("other words"), Environment::laptop()).await.unwrap();
    assert_eq!(again.digest().await.unwrap(), lead.digest().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redacted_copy_is_a_file_of_its_own_and_nothing_refused_leaves_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("lead");
    let lead = lead(&home).await;
    let id = lead.add_incident(incident("At the gate")).await.unwrap().id;
    let elsewhere = lead.add_incident(incident("Elsewhere")).await.unwrap().id;
    let write = |name: &str, byte: u8| {
        let path = dir.path().join(name);
        // A GIF of one pixel, with nothing in it but the picture.
        let gif = [b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x01".as_slice(), &[byte], b"\0;"];
        std::fs::write(&path, gif.concat()).unwrap();
        path
    };
    let (original, redacted) = (write("gate.jpg", 1), write("gate-redacted.jpg", 2));
    let quiet = || Arc::new(|_, _| true);
    let said = NewFile { people_visible: Some(PeopleVisible::Identifiable), ..NewFile::default() };
    let first = lead.attach_file(id, &original, said, quiet()).await.unwrap();
    assert_eq!(first.findings.len(), 1, "nobody was asked for consent");
    let copy = || NewFile { redacted_copy_of: Some(first.document), ..NewFile::default() };
    let second = lead.attach_file(id, &redacted, copy(), quiet()).await.unwrap();
    assert_eq!(second.record.redacted_copy_of, Some(first.document));
    assert_eq!(second.manifest, ManifestState::Valid);
    assert_eq!(lead.incident(id).await.unwrap().attachments, [first.clone(), second]);

    let sealed = || std::fs::read_dir(home.join("attachments")).unwrap().count();
    assert_eq!(sealed(), 2);
    let same = lead.attach_file(id, &original, copy(), quiet()).await;
    assert!(matches!(same, Err(NodeError::NotRedacted)));
    let recording = dir.path().join("voices.ogg");
    std::fs::write(&recording, b"OggS, which nobody takes apart here").unwrap();
    let speaks = lead.attach_file(id, &recording, copy(), quiet()).await;
    assert!(matches!(speaks, Err(NodeError::NotCleaned(_))));
    let of_another = lead.attach_file(elsewhere, &redacted, copy(), quiet()).await;
    assert!(matches!(of_another, Err(NodeError::NotFound(_))));
    let long = NewFile { caption: "x".repeat(200_000), ..NewFile::default() };
    assert!(matches!(lead.attach_file(id, &redacted, long, quiet()).await, Err(NodeError::Rejected(_))));
    assert_eq!(sealed(), 2);
    assert_eq!(lead.incident(elsewhere).await.unwrap().attachments, []);
}
