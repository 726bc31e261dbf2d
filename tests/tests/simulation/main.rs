//! Random field days: everything may go wrong, and in the end all devices hold the same.
#![allow(clippy::unwrap_used)]

mod members;
mod pieces;

use std::collections::BTreeMap;
use std::sync::Mutex;

use firsthand_tests::{Run, seeds};

/// Every fifth seed has a member who breaks the rules, and every fifth people who are removed, return, remove each other and lose their lead.
fn field_day(seed: u64) -> Run {
    if seed % 5 == 2 { Run::with_removals(seed / 5) } else { Run::new(seed, seed % 5 == 4) }
}

/// Drops, duplicates, reordering between links, partitions, crashes, clocks ten years off.
#[test]
fn whatever_happens_all_devices_end_up_the_same() {
    let sizes = Mutex::new(BTreeMap::<usize, u64>::new());
    seeds::each("field days", 5000, |seed| {
        let devices = field_day(seed).play().devices.len();
        *sizes.lock().unwrap().entry(devices).or_default() += 1;
    });
    let sizes = sizes.into_inner().unwrap();
    seeds::figure(&format!("field days by devices: {sizes:?}"));
}

/// People come and go in each of these: removed while apart, by each other, in the middle of a meeting; returning, adopted, recovered.
#[test]
fn people_who_are_removed_and_return() {
    let all = Mutex::new(BTreeMap::<&str, u64>::new());
    seeds::each("field days with removals", 60, |seed| {
        let world = Run::with_removals(seed).play();
        let mut all = all.lock().unwrap();
        world.upheavals.into_iter().for_each(|(what, count)| *all.entry(what).or_default() += count);
    });
    let all = all.into_inner().unwrap();
    seeds::figure(&format!("in them {all:?}"));
    assert!(seeds::only().is_some() || (all.len() == 9 && all.values().all(|count| *count > 0)), "{all:?}");
}

/// A failure is of use only if it comes again.
#[test]
fn a_seed_plays_the_same_day_again() {
    for seed in [4, 7, 8] {
        let play = || {
            let mut world = field_day(seed).play();
            let number = world.up()[0];
            let digest = world.devices[number].ledger().digest().unwrap();
            (digest, world.steps, world.now, world.sent)
        };
        assert_eq!(play(), play());
    }
}
