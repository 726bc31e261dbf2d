//! What is sealed opens under its key, unaltered, and not otherwise.

use firsthand_log::LogError;
use firsthand_seal::{
    ENVELOPE_OVERHEAD, EpochKey, Kind, MAX_CONTENT_BYTES, MAX_ENVELOPE_BYTES, SealError, open, padme, seal,
};
use proptest::prelude::*;

use crate::support::Dice;

const KEY: EpochKey = EpochKey::from_bytes([5; 32]);

proptest! {
    #[test]
    fn what_is_sealed_opens(key: [u8; 32], kind: u8, content: Vec<u8>) {
        let (key, kind) = (EpochKey::from_bytes(key), Kind::from_number(kind));
        let envelope = seal(&key, kind, &content).unwrap();
        let header = 1 + if content.len() < 128 { 1 } else { 2 };
        prop_assert_eq!(envelope.len(), padme(header + content.len()) + ENVELOPE_OVERHEAD);
        let (opened, text) = open(&key, &envelope).unwrap();
        prop_assert_eq!((opened, &*text), (kind, &content));
        // The same bytes give the same envelope; anything else another.
        prop_assert_eq!(seal(&key, kind, &content).unwrap(), envelope.clone());
        let other = Kind::from_number(kind.number().wrapping_add(1));
        prop_assert_ne!(&seal(&key, other, &content).unwrap()[1..33], &envelope[1..33]);
        let mut longer = content;
        longer.push(0);
        prop_assert_ne!(&seal(&key, kind, &longer).unwrap()[1..33], &envelope[1..33]);
    }

    #[test]
    fn garbage_is_refused(bytes: Vec<u8>) {
        prop_assert!(open(&KEY, &bytes).is_err());
    }
}

#[test]
fn no_mutant_of_an_envelope_is_accepted() {
    let mut dice = Dice::new(77);
    let contents: Vec<Vec<u8>> = [0, 1, 60, 500, 5000].map(|len| (0..len).map(|n| n as u8).collect()).into();
    let envelopes: Vec<_> = contents.iter().map(|it| seal(&KEY, Kind::Range, it).unwrap()).collect();
    for round in 0..10_000 {
        let original = &envelopes[round % envelopes.len()];
        let mut mutant = original.clone();
        let at = dice.below(mutant.len());
        match dice.below(6) {
            0 => mutant[at] ^= 1 << dice.below(8),
            1 => mutant.truncate(at),
            2 => mutant.insert(at, dice.below(256) as u8),
            3 => drop(mutant.remove(at)),
            4 => {
                let other = &envelopes[dice.below(envelopes.len())];
                let to = at.min(other.len());
                mutant[..to].copy_from_slice(&other[..to]);
            }
            _ => {
                let bytes: [u8; 16] = dice.array();
                let to = (at + 16).min(mutant.len());
                let len = to - at;
                mutant[at..to].copy_from_slice(&bytes[..len]);
            }
        }
        // An inserted byte may be the one that stood there.
        if !envelopes.contains(&mutant) {
            assert!(open(&KEY, &mutant).is_err(), "round {round}");
        }
    }
}

#[test]
fn another_key_opens_nothing() {
    let envelope = seal(&KEY, Kind::Range, b"text").unwrap();
    assert_eq!(open(&EpochKey::from_bytes([6; 32]), &envelope), Err(SealError::Closed));
}

#[test]
fn limits_come_before_work() {
    let largest = vec![0; MAX_CONTENT_BYTES];
    let envelope = seal(&KEY, Kind::FilePart, &largest).unwrap();
    assert!(envelope.len() <= MAX_ENVELOPE_BYTES);
    assert_eq!(open(&KEY, &envelope).unwrap().1.len(), largest.len());
    let larger = vec![0; MAX_CONTENT_BYTES + 1];
    let refused = seal(&KEY, Kind::FilePart, &larger);
    assert_eq!(refused, Err(SealError::TooLarge { limit: MAX_CONTENT_BYTES }));
    let refused = open(&KEY, &vec![1; MAX_ENVELOPE_BYTES + 1]);
    let limit = MAX_ENVELOPE_BYTES as u64;
    assert_eq!(refused, Err(LogError::TooLarge { what: "envelope", limit }.into()));
    assert_eq!(open(&KEY, &[2; 80]), Err(LogError::Newer { what: "envelope" }.into()));
}

#[test]
fn keys_stay_out_of_logs() {
    assert_eq!(format!("{KEY:?}"), "EpochKey(..)");
}
