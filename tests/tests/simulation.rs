//! Random field days: everything may go wrong, and in the end all devices hold the same.

use firsthand_tests::{Run, seeds};

/// Drops, duplicates, reordering between links, partitions, crashes, clocks ten years off; every fifth seed has a
/// member who breaks the rules.
#[test]
fn whatever_happens_all_devices_end_up_the_same() {
    seeds::each("field days", 1000, |seed| {
        Run::new(seed, seed % 5 == 4).play();
    });
}
