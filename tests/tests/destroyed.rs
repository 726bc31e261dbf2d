//! The end of a file's key: on every device that hears of it and on no other, with record and chain whole.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use chrono::NaiveDate;
use firsthand_ids::DocumentId;
use firsthand_log::Detached;
use firsthand_node::evidence::judge;
use firsthand_node::{AttachmentView, Edit, NodeError, Role};
use firsthand_record::{Incident, VariantKind};
use firsthand_tests::{Crash, World};
use serde_json::json;

const LEAD: usize = 0;
const BRUNO: usize = 1;
const CAROL: usize = 2;
const NAME: &str = "faces.bin";

/// Three phones that hold a file of two chunks, which is not compressible into nothing.
fn team(seed: u64) -> (World, DocumentId) {
    let mut world = World::new(seed);
    let lead = world.found("Harbour", "Amina");
    world.join(lead, "Bruno", Role::Coordinator);
    world.join(lead, "Carol", Role::Lead);
    let draft = Incident { title: Some("At the gate".to_owned()), ..Incident::default() };
    let id = world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
    let bytes = world.dice.fill(300_000);
    world
        .write(lead, |ledger, now, rng| {
            ledger.attach(id, &mut bytes.as_slice(), NAME, "two faces", now, rng, &mut |_| true)
        })
        .unwrap();
    for phone in [BRUNO, CAROL] {
        world.meet(phone, LEAD);
        assert!(file(&mut world, phone, id).here);
    }
    (world, id)
}

fn file(world: &mut World, phone: usize, incident: DocumentId) -> AttachmentView {
    world.devices[phone].ledger().incident(incident).unwrap().attachments.remove(0)
}

fn sealed(world: &World, phone: usize) -> Vec<PathBuf> {
    let dir = world.devices[phone].home.join("attachments");
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// What stands of the key in the entry that recorded the file.
fn key(world: &mut World, phone: usize, incident: DocumentId) -> Detached {
    let document = file(world, phone, incident).document;
    let store = world.devices[phone].ledger().store();
    let (writer, position) = store.creator(&document).unwrap().unwrap();
    store.entry(&writer, position).unwrap().unwrap().entry.detached.unwrap()
}

fn destroy(world: &mut World, phone: usize, incident: DocumentId) -> Result<AttachmentView, NodeError> {
    let document = file(world, phone, incident).document;
    world.write(phone, |ledger, now, rng| ledger.destroy_file(document, "they asked for it", now, rng))
}

fn gone(world: &mut World, phone: usize, incident: DocumentId) {
    let view = file(world, phone, incident);
    let destroyed = view.destroyed.unwrap();
    assert_eq!((destroyed.by.as_str(), destroyed.reason.as_str()), ("Amina", "they asked for it"));
    assert!(destroyed.at.is_some() && !view.here && view.destroy_proposals.is_empty());
    // The record is whole.
    assert_eq!((view.name.as_str(), view.byte_len, view.manifest.code()), (NAME, 300_000, "valid"));
    assert_eq!(view.custody.len(), 1);
    assert!(matches!(key(world, phone, incident), Detached::HashOnly(_)));
    assert_eq!(sealed(world, phone), [] as [PathBuf; 0]);
    let ledger = world.devices[phone].ledger();
    let read = ledger.stored_file(&incident, NAME, VariantKind::Original).map(|_| ());
    assert!(matches!(read, Err(NodeError::Destroyed)), "{read:?}");
    let check = ledger.check(&mut |_, _| true).unwrap();
    assert_eq!((check.problems, check.attachments_missing), (vec![], 0));
}

fn held(world: &mut World, phone: usize, incident: DocumentId) {
    let view = file(world, phone, incident);
    assert!(view.here && view.destroyed.is_none());
    assert!(matches!(key(world, phone, incident), Detached::Present(_)));
    assert_eq!(sealed(world, phone).len(), 1);
}

#[test]
fn whoever_hears_of_it_destroys_the_key_and_nobody_else() {
    for seed in 0..4 {
        let (mut world, id) = team(seed);
        // Without the right to it, it is a proposal everywhere.
        let proposed = destroy(&mut world, BRUNO, id).unwrap();
        assert_eq!((proposed.destroyed, proposed.destroy_proposals.len()), (None, 1));
        world.meet(BRUNO, LEAD);
        for phone in [LEAD, BRUNO, CAROL] {
            held(&mut world, phone, id);
        }
        assert_eq!(file(&mut world, LEAD, id).destroy_proposals[0].by, "Bruno");

        let view = destroy(&mut world, LEAD, id).unwrap();
        assert_eq!(view.destroyed.unwrap().by, "Amina");
        gone(&mut world, LEAD, id);
        assert!(matches!(destroy(&mut world, LEAD, id), Err(NodeError::Destroyed)));
        // Who has not heard keeps it, and is not asked for it by one who has.
        held(&mut world, CAROL, id);
        world.meet(BRUNO, LEAD);
        gone(&mut world, BRUNO, id);
        held(&mut world, CAROL, id);
        world.meet(BRUNO, CAROL);
        gone(&mut world, CAROL, id);
        gone(&mut world, BRUNO, id);
        let digests = [LEAD, BRUNO, CAROL].map(|phone| {
            world.meet(phone, (phone + 1) % 3);
            world.devices[phone].ledger().digest().unwrap()
        });
        assert!(digests.iter().all(|digest| *digest == digests[0]));

        // Who joins now gets the record, and no key.
        let dana = world.join(CAROL, "Dana", Role::Responder);
        world.meet(dana, CAROL);
        gone(&mut world, dana, id);
        // Made anew from the log it is the same.
        for phone in [LEAD, dana] {
            world.devices[phone].ledger().rebuild().unwrap();
            gone(&mut world, phone, id);
            world.crash(phone, Crash::Dropped, false);
            world.restart(phone);
            gone(&mut world, phone, id);
        }
    }
}

#[test]
fn a_program_that_ends_between_the_key_and_the_file_finishes_at_the_next_start() {
    let (mut world, id) = team(7);
    let lying: Vec<_> =
        sealed(&world, LEAD).into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
    destroy(&mut world, LEAD, id).unwrap();
    world.crash(LEAD, Crash::Dropped, false);
    // As if it had ended right after the commit; and what a program leaves that ends while it receives.
    for (bytes, path) in &lying {
        for path in [path.clone(), path.with_extension("part"), path.with_extension("new")] {
            fs::write(path, bytes).unwrap();
        }
    }
    world.restart(LEAD);
    gone(&mut world, LEAD, id);
}

#[test]
fn an_evidence_folder_says_who_destroyed_it() {
    let (mut world, id) = team(8);
    // Somebody else would have liked it before.
    destroy(&mut world, BRUNO, id).unwrap();
    world.meet(BRUNO, LEAD);
    destroy(&mut world, LEAD, id).unwrap();
    let proof = world
        .write(LEAD, |ledger, now, _| {
            let files = ledger.evidence_files(&id, &[])?;
            ledger.evidence_proof(id, files.into_iter().map(|file| (file, None)).collect(), now)
        })
        .unwrap();
    let verdict = judge(&proof);
    assert!(verdict.holds(), "{:?}", verdict.files[0].problems);
    let (by, reason) = verdict.files[0].destroyed.as_ref().unwrap();
    assert_eq!((by.name.as_str(), reason.as_str()), ("Amina", "they asked for it"));
    assert_eq!(verdict.files[0].record.as_ref().unwrap().byte_len, 300_000);
}

#[test]
fn what_need_not_be_kept_any_longer_is_shown_and_ends_when_a_lead_says_so() {
    let (mut world, id) = team(9);
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let keep = |world: &mut World, phone: usize, until: &str| {
        let edit = Edit::Set { field: "retention_until".to_owned(), value: json!(until) };
        world.write(phone, |ledger, now, rng| ledger.edit(id, &[edit], now, rng)).unwrap();
    };
    let due = |world: &mut World, phone: usize, today: &str| {
        world.write(phone, |ledger, _, _| ledger.due_files(day(today))).unwrap()
    };
    // Who set no day keeps it for good.
    assert_eq!(due(&mut world, LEAD, "2199-01-01"), []);
    // Two set days while apart: the later one counts, and its whole day.
    keep(&mut world, LEAD, "2027-01-31");
    keep(&mut world, BRUNO, "2027-03-31");
    world.meet(BRUNO, LEAD);
    assert_eq!(due(&mut world, LEAD, "2027-03-31"), []);
    let found = due(&mut world, LEAD, "2027-04-01");
    assert_eq!((found.len(), found[0].name.as_str(), found[0].until), (1, NAME, day("2027-03-31")));

    // Bruno may propose it, and once is enough.
    let files = [found[0].document];
    for _ in 0..2 {
        let gone = world
            .write(BRUNO, |ledger, now, rng| ledger.end_retention(&files, day("2027-04-01"), now, rng))
            .unwrap();
        assert_eq!(gone, []);
    }
    let view = file(&mut world, BRUNO, id);
    assert!(view.here && view.destroy_proposals.len() == 1);
    world.meet(BRUNO, LEAD);
    assert!(due(&mut world, LEAD, "2027-04-01")[0].proposed);

    // What got more time since the lead looked stays.
    world
        .write(LEAD, |ledger, now, rng| {
            ledger.resolve(id, "retention_until", json!("2027-12-31"), "", now, rng)
        })
        .unwrap();
    let end = |world: &mut World, today: &str| {
        world.write(LEAD, |ledger, now, rng| ledger.end_retention(&files, day(today), now, rng)).unwrap()
    };
    assert_eq!(end(&mut world, "2027-04-01"), []);
    assert_eq!(end(&mut world, "2028-01-01"), files);
    world.meet(BRUNO, LEAD);
    world.meet(CAROL, LEAD);
    for phone in [LEAD, BRUNO, CAROL] {
        let view = file(&mut world, phone, id);
        assert_eq!(view.destroyed.unwrap().reason, "kept until 2027-12-31");
        assert!(!view.here && view.manifest.code() == "valid");
        assert_eq!(sealed(&world, phone), [] as [PathBuf; 0]);
        assert_eq!(due(&mut world, phone, "2199-01-01"), []);
        assert_eq!(
            world.devices[phone].ledger().check(&mut |_, _| true).unwrap().problems,
            Vec::<String>::new()
        );
    }
}
