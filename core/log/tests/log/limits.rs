//! Batches as large as they may be, and one step larger.

use firsthand_ids::OperationHash;
use firsthand_log::change::{ChangeParts, MAX_ACTORS};
use firsthand_log::lean::{MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, MAX_BATCH_WEIGHT, decode_batch, encode_batch};
use firsthand_log::{
    Batch, Detached, EntryKind, LogError, MAX_BODY_BYTES, MAX_DETACHED_BYTES, MAX_MEMBERSHIP_HEADS, Vector,
};

use crate::support::{Dice, Held, Log, Nothing, SPACE, encode_for, entry, verify};

#[test]
fn a_thousand_entries_and_no_more() {
    let mut log = Log::random(&mut Dice::new(1), 1, 0);
    while log.entries.len() < MAX_BATCH_ENTRIES {
        let next = entry(&log.authors[0], EntryKind::Other(9), None, Vec::new());
        log.append(0, next);
    }
    let bytes = encode_for(&log, &Vector::new());
    let received = decode_batch(&bytes, &SPACE, &Nothing).unwrap();
    assert_eq!(verify(&received, |_| None).unwrap()[0].hashes.len(), MAX_BATCH_ENTRIES);

    let next = entry(&log.authors[0], EntryKind::Other(9), None, Vec::new());
    log.append(0, next);
    let refused = decode_batch(&encode_for(&log, &Vector::new()), &SPACE, &Nothing);
    assert!(matches!(refused, Err(LogError::TooLarge { what: "entries", .. })), "{refused:?}");
}

#[test]
fn the_largest_parts_of_an_entry_travel() {
    let mut dice = Dice::new(2);
    let mut log = Log::random(&mut dice, 1, 0);
    let mut heads: Vec<_> = (0..MAX_MEMBERSHIP_HEADS).map(|_| OperationHash::new(dice.array())).collect();
    heads.sort();
    let document = Some(firsthand_ids::DocumentId::new([3; 16]));
    for kind in [EntryKind::Change, EntryKind::Other(9)] {
        let mut next = entry(&log.authors[0], kind, document, dice.bytes(MAX_BODY_BYTES));
        next.header.membership = Some(heads.clone());
        next.detached = Some(Detached::Present(dice.bytes(MAX_DETACHED_BYTES)));
        log.append(0, next);
    }
    let actor = log.authors[0].writer();
    let columns = dice.bytes(MAX_BODY_BYTES - 50);
    let change = ChangeParts {
        dependencies: vec![],
        actor: actor.as_bytes(),
        sequence: 1,
        start_op: 1,
        time: 0,
        message: b"",
        other_actors: vec![],
        columns: &columns,
    };
    let body = change.build();
    assert!(body.len() <= MAX_BODY_BYTES && body.len() > MAX_BODY_BYTES - 50);
    let next = entry(&log.authors[0], EntryKind::Change, document, body);
    log.append(0, next);
    let received = decode_batch(&encode_for(&log, &Vector::new()), &SPACE, &Nothing).unwrap();
    assert_eq!(received.entries, log.entries);
    verify(&received, |_| None).unwrap();
}

#[test]
fn a_batch_weighs_four_megabytes_and_no_more() {
    let mut dice = Dice::new(3);
    let mut log = Log::random(&mut dice, 1, 0);
    while log.lacking(&Vector::new()).weight() + MAX_BODY_BYTES + 256 <= MAX_BATCH_WEIGHT {
        let next = entry(&log.authors[0], EntryKind::Other(9), None, dice.bytes(MAX_BODY_BYTES));
        log.append(0, next);
    }
    let left = MAX_BATCH_WEIGHT - log.lacking(&Vector::new()).weight() - 256;
    let next = entry(&log.authors[0], EntryKind::Other(9), None, dice.bytes(left));
    log.append(0, next);
    assert_eq!(log.lacking(&Vector::new()).weight(), MAX_BATCH_WEIGHT);
    let bytes = encode_for(&log, &Vector::new());
    assert!(bytes.len() <= MAX_BATCH_BYTES);
    assert_eq!(decode_batch(&bytes, &SPACE, &Nothing).unwrap().entries, log.entries);

    let next = entry(&log.authors[0], EntryKind::Other(9), None, Vec::new());
    log.append(0, next);
    let refused = decode_batch(&encode_for(&log, &Vector::new()), &SPACE, &Nothing);
    assert!(matches!(refused, Err(LogError::TooLarge { what: "batch", .. })), "{refused:?}");
    let refused = decode_batch(&vec![1; MAX_BATCH_BYTES + 1], &SPACE, &Nothing);
    assert!(matches!(refused, Err(LogError::TooLarge { what: "batch", .. })), "{refused:?}");
}

/// A hostile member's changes name as many actors as fit, all different. An honest device must still be able to pass
/// on what it accepted.
#[test]
fn actors_that_nobody_knows_do_not_make_a_batch_nobody_accepts() {
    let mut dice = Dice::new(4);
    let mut log = Log::random(&mut dice, 2, 0);
    let document = Some(firsthand_ids::DocumentId::new([3; 16]));
    for (author, len) in [(0, 16), (0, 16), (1, 16), (1, 0)] {
        let names: Vec<Vec<u8>> = (0..MAX_ACTORS).map(|_| dice.bytes(len)).collect();
        let dependencies = log.entries.iter().map(|(_, entry)| entry.header.content).collect();
        let actor = log.authors[author].writer();
        let change = ChangeParts {
            dependencies,
            actor: actor.as_bytes(),
            sequence: 1,
            start_op: 1,
            time: 0,
            message: b"",
            other_actors: names.iter().map(Vec::as_slice).collect(),
            columns: b"",
        };
        let next = entry(&log.authors[author], EntryKind::Change, document, change.build());
        log.append(author, next);
    }
    let bytes = encode_for(&log, &Vector::new());
    let received = decode_batch(&bytes, &SPACE, &Nothing).unwrap();
    assert_eq!(received.entries, log.entries);
    verify(&received, |_| None).unwrap();
    assert!(bytes.len() <= log.lacking(&Vector::new()).weight() + Vector::MAX_WRITERS * 16);
}

/// References of two bytes that each restore 32: what they restore counts, not what was sent.
#[test]
fn references_cannot_blow_a_batch_up() {
    let mut log = Log::random(&mut Dice::new(5), 1, 0);
    let document = Some(firsthand_ids::DocumentId::new([3; 16]));
    let known = log.entries[0].1.header.content;
    let writer = log.authors[0].writer();
    let change = ChangeParts {
        dependencies: vec![known; 256],
        actor: writer.as_bytes(),
        sequence: 1,
        start_op: 1,
        time: 0,
        message: b"",
        other_actors: vec![writer.as_bytes(); MAX_ACTORS],
        columns: b"",
    };
    let before = log.vector();
    for _ in 0..60 {
        let next = entry(&log.authors[0], EntryKind::Change, document, change.build());
        log.append(0, next);
    }
    let all = Held { log: &log, vector: &log.vector() };
    let batch = log.lacking(&before);
    let few = Batch { entries: batch.entries[..40].to_vec(), heads: batch.heads.clone() };
    let bytes = encode_batch(&few, &before, &all);
    assert!(bytes.len() * 10 < few.weight(), "{} bytes for {}", bytes.len(), few.weight());
    assert_eq!(decode_batch(&bytes, &SPACE, &all).unwrap().entries, few.entries);
    let refused = decode_batch(&encode_batch(&batch, &before, &all), &SPACE, &all);
    assert!(matches!(refused, Err(LogError::TooLarge { what: "batch", .. })), "{refused:?}");
}
