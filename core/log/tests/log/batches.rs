//! What one device lacks arrives as it was written.

use std::collections::BTreeSet;

use firsthand_ids::{DocumentId, EntryHash};
use firsthand_log::lean::{decode_batch, encode_batch};
use firsthand_log::{
    Batch, Detached, EntryKind, LogError, ReceivedBatch, SignedHead, Standing, Vector, document_id,
};
use proptest::prelude::*;

use crate::support::{Author, Dice, Held, Log, Nothing, SPACE, encode_for, entry, receive, verify};

fn random_log(dice: &mut Dice) -> Log {
    let (writers, len) = (1 + dice.below(5) as u8, dice.below(60) as usize);
    Log::random(dice, writers, len)
}

proptest! {
    #[test]
    fn whoever_lacks_any_part_receives_exactly_that(seed: u64) {
        let mut dice = Dice::new(seed);
        let log = random_log(&mut dice);
        let vector = log.random_part(&mut dice);
        let sent = log.lacking(&vector);
        let bytes = encode_for(&log, &vector);

        let received = decode_batch(&bytes, &SPACE, &Held { log: &log, vector: &vector }).unwrap();
        prop_assert_eq!(&received.entries, &sent.entries);
        for ((writer, signature), (author, head)) in received.signatures.iter().zip(&sent.heads) {
            prop_assert_eq!((writer, signature), (author, &head.signature));
        }
        let runs = receive(&log, &vector, &bytes).unwrap();
        prop_assert_eq!(runs.len(), sent.heads.len());
        for ((writer, head), run) in sent.heads.iter().zip(&runs) {
            prop_assert_eq!((head.position, head.hash), (run.tip.position, run.tip.hash));
            let first = head.position.0 + 1 - run.hashes.len() as u64;
            for (hash, position) in run.hashes.iter().zip(first..) {
                prop_assert_eq!(hash, &log.hashes[&(*writer, firsthand_ids::Position(position))]);
            }
        }
    }

    #[test]
    fn a_receiver_who_holds_less_than_was_assumed_refuses_or_understands_the_same(seed: u64) {
        let mut dice = Dice::new(seed);
        let log = random_log(&mut dice);
        let assumed = log.random_part(&mut dice);
        let held = log.random_part(&mut dice);
        let sent = log.lacking(&assumed);
        match decode_batch(&encode_for(&log, &assumed), &SPACE, &Held { log: &log, vector: &held }) {
            Ok(received) => prop_assert_eq!(received.entries, sent.entries),
            Err(error) => prop_assert_eq!(error, LogError::MissingReference),
        }
    }

    #[test]
    fn entries_travel_through_a_device_that_passes_them_on(seed: u64) {
        let mut dice = Dice::new(seed);
        let log = random_log(&mut dice);
        let nothing = Vector::new();
        let first = decode_batch(&encode_for(&log, &nothing), &SPACE, &Nothing).unwrap();
        let runs = verify(&first, |_| None).unwrap();
        let heads = first.signatures.iter().zip(&runs).map(|((writer, signature), run)| (*writer, run.head(*signature)));
        let passed_on = Batch { heads: heads.collect(), entries: first.entries };
        let second = decode_batch(&encode_batch(&passed_on, &nothing, &Nothing), &SPACE, &Nothing).unwrap();
        prop_assert_eq!(&second.entries, &passed_on.entries);
        prop_assert_eq!(verify(&second, |_| None).unwrap(), runs);
    }

    #[test]
    fn the_encoding_of_a_batch_is_smaller_than_its_weight(seed: u64) {
        let mut dice = Dice::new(seed);
        let log = random_log(&mut dice);
        prop_assert!(encode_for(&log, &Vector::new()).len() < log.lacking(&Vector::new()).weight() + 4096 * 16);
    }
}

/// The properties above mean something only if their logs hold every sort of entry.
#[test]
fn random_logs_hold_every_sort_of_entry() {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for seed in 0..30 {
        let mut dice = Dice::new(seed);
        for (writer, entry) in &Log::random(&mut dice, 4, 50).entries {
            let parts = firsthand_log::change::ChangeParts::read(&entry.body);
            seen.insert(match (entry.header.kind, entry.header.document) {
                (EntryKind::Bind, _) => "binding",
                (EntryKind::Create, _) => "creation",
                (EntryKind::Change, _) => "change",
                (EntryKind::Other(_), Some(_)) => "unknown kind with document",
                (EntryKind::Other(_), None) => "unknown kind without document",
            });
            seen.insert(match &entry.detached {
                Some(Detached::Present(_)) => "detached part",
                Some(Detached::HashOnly(_)) => "hash of a detached part",
                None => "no detached part",
            });
            seen.insert(if entry.header.membership.is_some() { "heads" } else { "no heads" });
            seen.insert(match parts {
                Ok((_, parts)) if parts.writer() == Some(*writer) => "own change",
                Ok(_) => "another actor's change",
                Err(_) => "no change",
            });
        }
    }
    assert_eq!(seen.len(), 13, "{seen:?}");
}

#[test]
fn a_hash_the_receiver_can_look_up_does_not_travel() {
    let log = Log::random(&mut Dice::new(3), 3, 40);
    let contains = |bytes: &[u8], hash: &[u8]| bytes.windows(hash.len()).any(|window| window == hash);

    // Everything in one batch: no dependency on an earlier entry and no document it creates travels as bytes.
    let all = encode_for(&log, &Vector::new());
    for (_, entry) in log.entries.iter().filter(|(_, entry)| entry.header.kind == EntryKind::Create) {
        assert!(!contains(&all, entry.header.content.as_bytes()));
        assert!(!contains(&all, entry.header.document.unwrap().as_bytes()));
    }

    // One more entry alone: references for those who hold the rest, bytes for those who hold nothing of it.
    let mut log = log;
    let before = log.vector();
    let (_, created) =
        log.entries.iter().rfind(|(_, entry)| entry.header.kind == EntryKind::Create).unwrap().clone();
    let document = created.header.document.unwrap();
    let author = &log.authors[0];
    let parts = firsthand_log::change::ChangeParts {
        dependencies: vec![created.header.content],
        actor: author.chain.writer.as_bytes(),
        sequence: 1,
        start_op: 9,
        time: 0,
        message: b"",
        other_actors: vec![log.authors[1].chain.writer.as_bytes()],
        columns: b"columns",
    };
    let next = entry(author, EntryKind::Change, Some(document), parts.build());
    log.append(0, next.clone());

    let batch = Batch { entries: vec![(author_of(&log, 0), next)], heads: vec![head_of(&log, 0)] };
    let all = log.vector();
    let encode = |receiver: &Vector| encode_batch(&batch, receiver, &Held { log: &log, vector: &all });
    let for_holder = encode(&before);
    assert!(!contains(&for_holder, created.header.content.as_bytes()));
    assert!(!contains(&for_holder, document.as_bytes()));
    assert!(for_holder.len() < 64 + 3 * 16 + 40, "{} bytes", for_holder.len());

    let for_stranger = encode(&Vector::new());
    assert!(contains(&for_stranger, created.header.content.as_bytes()));
    assert!(contains(&for_stranger, document.as_bytes()));
    let received = decode_batch(&for_stranger, &SPACE, &Nothing).unwrap();
    assert_eq!(received.entries, batch.entries);
}

/// A change may be said to build on another document's; it still belongs to the one it names.
#[test]
fn a_change_belongs_to_the_document_it_names_whatever_it_builds_on() {
    let mut log = Log::random(&mut Dice::new(9), 2, 0);
    for words in [&b"one"[..], b"another"] {
        let create = creation(&log.authors[0], words);
        log.append(0, create);
    }
    let before = log.vector();
    let created = |index: usize| log.entries[index].1.header.clone();
    let (one, another) = (created(2), created(3));
    for (document, dependencies) in [
        (one.document, vec![one.content]),
        (one.document, vec![another.content]),
        (another.document, vec![one.content, another.content]),
        (Some(DocumentId::new([1; 16])), vec![one.content]),
        (one.document, vec![]),
    ] {
        let actor = log.authors[1].writer();
        let parts = firsthand_log::change::ChangeParts {
            dependencies,
            actor: actor.as_bytes(),
            sequence: 1,
            start_op: 2,
            time: 0,
            message: b"",
            other_actors: vec![],
            columns: b"",
        };
        let next = entry(&log.authors[1], EntryKind::Change, document, parts.build());
        log.append(1, next);
    }
    for vector in [before, Vector::new()] {
        let received =
            decode_batch(&encode_for(&log, &vector), &SPACE, &Held { log: &log, vector: &vector }).unwrap();
        assert_eq!(received.entries, log.lacking(&vector).entries);
    }
}

#[test]
fn an_empty_batch_is_four_bytes() {
    let bytes = encode_batch(&Batch::default(), &Vector::new(), &Nothing);
    assert_eq!(bytes, [1, 0, 0, 0]);
    assert_eq!(decode_batch(&bytes, &SPACE, &Nothing), Ok(ReceivedBatch::default()));
}

/// A writer's chain forked; each side holds one branch, and a third person's change builds on the sender's.
#[test]
fn a_fork_keeps_nobody_from_receiving_the_others() {
    let mut sender = Log::random(&mut Dice::new(8), 2, 0);
    let mut receiver = Log::random(&mut Dice::new(8), 2, 0);
    let common = sender.vector();
    for (log, words) in [(&mut sender, "one branch"), (&mut receiver, "the other")] {
        let create = creation(&log.authors[0], words.as_bytes());
        log.append(0, create);
    }
    let forked = sender.authors[0].writer();
    let (ours, theirs) = (sender.vector(), receiver.vector());
    let standings: Vec<_> =
        ours.compare(&theirs).filter(|(_, standing)| *standing == Standing::Fork).collect();
    assert_eq!(standings, [(forked, Standing::Fork)]);

    let document = sender.entries.last().unwrap().1.header.document;
    let dependency = sender.entries.last().unwrap().1.header.content;
    let author = &sender.authors[1];
    let parts = firsthand_log::change::ChangeParts {
        dependencies: vec![dependency],
        actor: author.chain.writer.as_bytes(),
        sequence: 1,
        start_op: 2,
        time: 0,
        message: b"",
        other_actors: vec![],
        columns: b"",
    };
    let next = entry(author, EntryKind::Change, document, parts.build());
    sender.append(1, next.clone());

    let batch = Batch { entries: vec![(author_of(&sender, 1), next)], heads: vec![head_of(&sender, 1)] };
    let references = Held { log: &sender, vector: &sender.vector() };
    let held = Held { log: &receiver, vector: &theirs };
    let tip = receiver.tip_at(&theirs, &author_of(&sender, 1));

    // Without the forked writer in the vector nothing refers to its entries, and the receiver understands.
    let mut agreed = Vector::new();
    agreed.set(author_of(&sender, 1), *common.get(&author_of(&sender, 1)).unwrap());
    let received = decode_batch(&encode_batch(&batch, &agreed, &references), &SPACE, &held).unwrap();
    assert_eq!(received.entries, batch.entries);
    verify(&received, |_| tip.clone()).unwrap();

    // With it the reference finds the other branch, restores other bytes, and the signature says so.
    let received = decode_batch(&encode_batch(&batch, &theirs, &references), &SPACE, &held).unwrap();
    assert_ne!(received.entries, batch.entries);
    assert_eq!(verify(&received, |_| tip.clone()), Err(LogError::Signature));
}

fn author_of(log: &Log, index: usize) -> firsthand_ids::WriterId {
    log.authors[index].writer()
}

fn head_of(log: &Log, index: usize) -> (firsthand_ids::WriterId, SignedHead) {
    (author_of(log, index), log.authors[index].sign())
}

fn creation(author: &Author, columns: &[u8]) -> firsthand_log::Entry {
    let parts = firsthand_log::change::ChangeParts {
        dependencies: vec![],
        actor: author.chain.writer.as_bytes(),
        sequence: 1,
        start_op: 1,
        time: 0,
        message: b"",
        other_actors: vec![],
        columns,
    };
    let nonce = [7; 16];
    let document: DocumentId = document_id(&SPACE, &author.writer(), author.position().next(), &nonce);
    let mut create = entry(author, EntryKind::Create, Some(document), parts.build());
    create.nonce = Some(nonce);
    create
}

#[test]
fn a_destroyed_detached_part_leaves_the_chain_provable() {
    let mut log = Log::random(&mut Dice::new(21), 1, 0);
    let mut with_key = creation(&log.authors[0], b"a photo's record");
    with_key.detached = Some(Detached::Present(b"the photo's key".to_vec()));
    log.append(0, with_key);
    let mut batch = log.lacking(&Vector::new());
    let hash: EntryHash = batch.heads[0].1.hash;
    let part = batch.entries[1].1.detached.take().unwrap();
    batch.entries[1].1.detached = Some(Detached::HashOnly(part.hash()));
    let bytes = encode_batch(&batch, &Vector::new(), &Nothing);
    assert!(!bytes.windows(15).any(|window| window == b"the photo's key"));
    let received = decode_batch(&bytes, &SPACE, &Nothing).unwrap();
    assert_eq!(verify(&received, |_| None).unwrap()[0].tip.hash, hash);

    batch.entries[1].1.detached = Some(Detached::Present(b"another key".to_vec()));
    let received = decode_batch(&encode_batch(&batch, &Vector::new(), &Nothing), &SPACE, &Nothing).unwrap();
    assert_eq!(verify(&received, |_| None), Err(LogError::Signature));
    batch.entries[1].1.detached = None;
    let received = decode_batch(&encode_batch(&batch, &Vector::new(), &Nothing), &SPACE, &Nothing).unwrap();
    assert_eq!(verify(&received, |_| None), Err(LogError::Signature));
}
