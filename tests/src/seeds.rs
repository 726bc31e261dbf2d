//! Many seeds on all cores.

use std::any::Any;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// The one seed to run, where the person at the keyboard asks for one.
#[must_use]
pub fn only() -> Option<u64> {
    env::var("FIRSTHAND_SEED").ok().map(|text| text.parse().expect("FIRSTHAND_SEED is a number"))
}

/// How many seeds to run.
#[must_use]
pub fn count(usual: u64) -> u64 {
    env::var("FIRSTHAND_SEEDS").map_or(usual, |text| text.parse().expect("FIRSTHAND_SEEDS is a number"))
}

/// Runs `run` with each seed, and fails with the seeds that failed.
pub fn each(name: &str, usual: u64, run: impl Fn(u64) + Sync) {
    if let Some(seed) = only() {
        run(seed);
        return;
    }
    let count = count(usual);
    let next = AtomicU64::new(0);
    let failed = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    // Enough to see a pattern; the rest would only take time.
                    if seed >= count || failed.lock().unwrap().len() >= 5 {
                        return;
                    }
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(seed))) {
                        failed.lock().unwrap().push((seed, words(panic.as_ref())));
                    }
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{name}: {count} seeds in {seconds:.1} s on {threads} threads, {:.1} a second",
        count as f64 / seconds
    );
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    let shown: Vec<_> =
        failed.iter().map(|(seed, words)| format!("FIRSTHAND_SEED={seed}: {words}")).collect();
    assert!(shown.is_empty(), "{name}:\n{}", shown.join("\n"));
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic").to_owned()
}
