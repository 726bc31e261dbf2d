//! The first databases of a process, opened by several threads at once. Alone in its file, since only the first count.
#![allow(clippy::unwrap_used)]

use std::sync::Barrier;
use std::thread;

use firsthand_store::{Home, LaptopVault, SlotOptions, Store, Unlock};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const THREADS: u64 = 16;

#[test]
fn several_threads_may_open_the_first_databases_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let together = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (folder, together) = (folder.path(), &together);
            scope.spawn(move || {
                let home = Home::create(folder.join(number.to_string())).unwrap();
                let mut rng = ChaCha8Rng::seed_from_u64(number);
                together.wait();
                Store::create(home, Unlock::RawKey(&[1; 32]), &LaptopVault, SlotOptions::FLOOR, &mut rng)
                    .unwrap();
            });
        }
    });
}
