//! A process that opens several homes at once, as its first act. The only test of its program: whatever opened a database
//! before would hide what it looks for.
#![allow(clippy::unwrap_used)]

use std::sync::Barrier;
use std::thread;

use firsthand_store::{Home, LaptopVault, SlotOptions, Store, Unlock};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

#[test]
fn homes_that_are_made_at_the_same_moment_are_all_encrypted() {
    let dir = tempfile::tempdir().unwrap();
    let homes: Vec<_> = (0..48).map(|n| Home::create(dir.path().join(n.to_string())).unwrap()).collect();
    let barrier = Barrier::new(homes.len());
    thread::scope(|scope| {
        for (n, home) in (0..).zip(homes) {
            let barrier = &barrier;
            scope.spawn(move || {
                let mut rng = ChaCha8Rng::seed_from_u64(n);
                barrier.wait();
                Store::create(home, Unlock::RawKey(&[7; 32]), &LaptopVault, SlotOptions::FLOOR, &mut rng)
                    .unwrap();
            });
        }
    });
}
