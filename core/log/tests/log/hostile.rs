//! Bytes from somebody who wishes harm: refused, or the same in meaning.

use std::collections::BTreeSet;

use firsthand_ids::{ChangeHash, Position};
use firsthand_log::lean::{MAX_BATCH_ENTRIES, MAX_BATCH_WEIGHT, decode_batch};
use firsthand_log::{EntryKind, LogError, Vector};
use proptest::prelude::*;

use crate::support::{Dice, Held, Log, Nothing, SPACE, encode_for, receive};

/// Changes bytes the way damage and forgery do: bits, bytes, cuts, insertions, parts moved from elsewhere.
fn mutate(dice: &mut Dice, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(out.len() as u64 + 1) as usize;
        let len = (dice.below(40) as usize).min(out.len() - at);
        match dice.below(8) {
            0..3 if at < out.len() => out[at] ^= 1 << dice.below(8),
            3 if at < out.len() => out[at] = dice.below(256) as u8,
            4 => out.insert(at, dice.below(256) as u8),
            5 => drop(out.drain(at..at + len)),
            6 => {
                let copy = out[at..at + len].to_vec();
                let to = dice.below(out.len() as u64 + 1) as usize;
                drop(out.splice(to..to, copy));
            }
            _ => {
                let from = dice.below(other.len() as u64) as usize;
                let end = (from + len).min(other.len());
                drop(out.splice(at..at + len, other[from..end].iter().copied()));
            }
        }
    }
    out
}

#[test]
fn ten_thousand_mutants_and_none_accepted() {
    let mut dice = Dice::new(0x600d);
    let (mut mutants, mut same, mut reasons) = (0, 0, BTreeSet::new());
    while mutants < 10_000 {
        let log = Log::random(&mut dice, 3, 12);
        let vector = log.random_part(&mut dice);
        let bytes = encode_for(&log, &vector);
        let other = encode_for(&log, &Vector::new());
        let honest = receive(&log, &vector, &bytes).unwrap();
        for _ in 0..100 {
            let mutant = mutate(&mut dice, &bytes, &other);
            if mutant == bytes {
                continue;
            }
            mutants += 1;
            match receive(&log, &vector, &mutant) {
                Ok(runs) if runs == honest => same += 1,
                // A part of what was sent, each run signed by its writer: less, but nothing else.
                Ok(runs) => {
                    for run in &runs {
                        let writer =
                            log.authors.iter().find(|author| author.secret.key() == run.tip.device).unwrap();
                        assert_eq!(run.tip.hash, log.hashes[&(writer.writer(), run.tip.position)]);
                    }
                    assert!(runs.len() < honest.len(), "accepted something else");
                }
                Err(error) => drop(reasons.insert(name(&error))),
            }
        }
    }
    assert!(same < mutants / 20, "{same} of {mutants} mutants changed nothing");
    for reason in ["Malformed", "TooLarge", "Signature", "MissingReference", "Gap", "Newer", "Binding"] {
        assert!(reasons.contains(reason), "no mutant was refused for {reason}: {reasons:?}");
    }
}

/// The name of an error's variant.
fn name(error: &LogError) -> String {
    format!("{error:?}").chars().take_while(char::is_ascii_alphabetic).collect()
}

proptest! {
    #[test]
    fn random_bytes_are_refused_or_small(bytes: Vec<u8>, seed: u64) {
        let log = Log::random(&mut Dice::new(seed % 8), 2, 6);
        let vector = log.vector();
        let mut versioned = bytes.clone();
        versioned.insert(0, 1);
        for bytes in [bytes, versioned] {
            if let Ok(batch) = decode_batch(&bytes, &SPACE, &Held { log: &log, vector: &vector }) {
                prop_assert!(batch.entries.len() <= MAX_BATCH_ENTRIES);
                prop_assert!(batch.entries.iter().map(|(_, entry)| entry.weight()).sum::<usize>() <= MAX_BATCH_WEIGHT);
            }
            let _ = firsthand_log::change::hash(&bytes);
            let _ = firsthand_log::change::ChangeParts::read(&bytes);
            let _ = firsthand_log::Bind::decode(&bytes);
        }
    }

    #[test]
    fn a_chunk_that_is_read_is_rebuilt_or_travels_as_it_stands(contents: Vec<u8>) {
        // Contents under a true checksum reach the parser, which random bytes never do.
        let mut hashed = firsthand_log::codec::Writer::new();
        hashed.byte(1).sized(&contents);
        let hashed = hashed.into_bytes();
        let hash = firsthand_ids::sha256(&hashed);
        let chunk = [&[0x85, 0x6f, 0x4a, 0x83][..], &hash[..4], &hashed].concat();
        prop_assert_eq!(firsthand_log::change::hash(&chunk), Some(ChangeHash::new(hash)));

        let mut log = Log::random(&mut Dice::new(1), 1, 1);
        let document = log.entries.iter().find_map(|(_, entry)| entry.header.document);
        let kind = if document.is_some() { EntryKind::Change } else { EntryKind::Other(77) };
        let next = crate::support::entry(&log.authors[0], kind, document, chunk);
        let before = log.vector();
        log.append(0, next.clone());
        let bytes = encode_for(&log, &before);
        let received = decode_batch(&bytes, &SPACE, &Held { log: &log, vector: &before }).unwrap();
        prop_assert_eq!(&received.entries[0].1, &next);
    }
}

#[test]
fn every_cut_of_a_batch_is_refused() {
    let log = Log::random(&mut Dice::new(5), 3, 20);
    let bytes = encode_for(&log, &Vector::new());
    for end in 0..bytes.len() {
        assert!(decode_batch(&bytes[..end], &SPACE, &Nothing).is_err());
    }
    assert!(decode_batch(&[&bytes[..], &[0]].concat(), &SPACE, &Nothing).is_err());
}

#[test]
fn a_newer_version_is_named_as_such() {
    let log = Log::random(&mut Dice::new(5), 1, 0);
    let mut bytes = encode_for(&log, &Vector::new());
    bytes[0] = 2;
    assert_eq!(decode_batch(&bytes, &SPACE, &Nothing), Err(LogError::Newer { what: "batch" }));
}

#[test]
fn a_batch_of_another_space_is_refused() {
    let log = Log::random(&mut Dice::new(6), 2, 20);
    let bytes = encode_for(&log, &Vector::new());
    let batch = decode_batch(&bytes, &firsthand_ids::SpaceId::new([0x23; 16]), &Nothing).unwrap();
    assert!(crate::support::verify(&batch, |_| None).is_err());
    let first = log.entries.iter().filter(|(_, entry)| entry.position == Position(1)).count();
    assert_eq!(first, 2);
}
