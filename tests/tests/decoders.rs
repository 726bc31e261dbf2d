//! Every decoder reads true bytes, altered at random, and neither panics nor takes what it should not.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};

use firsthand_tests::decoders::{Samples, TARGETS, read};
use firsthand_tests::{Dice, seeds};

/// How many altered inputs each decoder gets.
const INPUTS: u64 = 10_000;

/// Alters bytes as transport, a damaged disk or a hostile hand would.
fn alter(bytes: &mut Vec<u8>, others: &[Vec<u8>], dice: &mut Dice) {
    for _ in 0..1 + dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(9) {
            0 => bytes.truncate(at),
            1 => {
                let len = dice.below(9);
                let more = dice.fill(len);
                drop(bytes.splice(at..at, more));
            }
            2 => {
                let to = (at + dice.below(9)).min(bytes.len());
                bytes.drain(at..to);
            }
            3 => {
                // A number that is far too large.
                let large = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
                let len = 1 + dice.below(large.len());
                drop(bytes.splice(at..at, large[..len].iter().copied()));
            }
            4 => {
                let other = &others[dice.below(others.len())];
                let from = dice.below(other.len() + 1);
                let to = from + dice.below(other.len() - from + 1);
                drop(bytes.splice(at..at, other[from..to].iter().copied()));
            }
            _ if at < bytes.len() && dice.percent(50) => bytes[at] ^= 1 << dice.below(8),
            _ if at < bytes.len() => bytes[at] = dice.below(256) as u8,
            _ => {}
        }
    }
}

#[test]
fn altered_bytes_break_no_decoder() {
    let mut samples = Samples::default();
    let all: Vec<_> = TARGETS.iter().map(|target| (target, (target.samples)(&mut samples))).collect();
    for (target, samples) in &all {
        assert!(!samples.is_empty(), "{}", target.name);
        for sample in samples {
            (target.read)(sample);
        }
    }
    let read = AtomicUsize::new(0);
    let name = format!("altered inputs to {} decoders", TARGETS.len());
    seeds::each(&name, INPUTS * all.len() as u64, |seed| {
        let (target, samples) = &all[seed as usize % all.len()];
        let mut dice = Dice::new(seed, 65);
        let mut bytes = samples[dice.below(samples.len())].clone();
        alter(&mut bytes, samples, &mut dice);
        (target.read)(&bytes);
        read.fetch_add(bytes.len(), Ordering::Relaxed);
    });
    assert!(read.into_inner() > 1_000_000 || seeds::only().is_some());
}

/// Inputs that once broke something, as code.
#[test]
fn what_was_found_stays_mended() {
    for (target, bytes) in FOUND {
        read(target, bytes);
    }
}

const FOUND: &[(&str, &[u8])] = &[
    ("frame", b""),
    ("batch", b""),
    ("slots", b"FHslots\0"),
    // A chunk of a kind that no record is kept in, over which Automerge panics.
    (
        "document",
        b"\x85\x6f\x4a\x83\x5a\x48\x01\x09\x03\x11\0\0\0\x01\x23\x01\x01\x7f\x2e\x17\0\0ZH\x01\x01\x7f\x2e\x17\0}",
    ),
];
