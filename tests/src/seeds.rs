//! Many seeds on all cores, and the figures that tests reach.
//!
//! `FIRSTHAND_SEED=7` runs one seed, `FIRSTHAND_SEEDS=20000` so many, `FIRSTHAND_FROM=5000` begins there;
//! `FIRSTHAND_PROGRESS=1` says now and then how far it is.

use std::any::Any;
use std::env;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The one seed to run, where the person at the keyboard asks for one.
#[must_use]
pub fn only() -> Option<u64> {
    env::var("FIRSTHAND_SEED").ok().map(|text| text.parse().expect("FIRSTHAND_SEED is a number"))
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// How many seeds to run.
#[must_use]
pub fn count(usual: u64) -> u64 {
    number("FIRSTHAND_SEEDS").unwrap_or(usual)
}

/// Says a figure that a test has reached. `cargo xtask test` repeats it at its end, so it is written past the net in which
/// the test's other words are caught.
pub fn figure(words: &str) {
    // Nobody may be listening any more.
    let _ = writeln!(io::stdout().lock(), "figure: {words}");
}

/// How often a long run says how far it is.
const PROGRESS: Duration = Duration::from_secs(20);

/// Says how far a run is, where somebody wants to know.
struct Progress {
    name: String,
    wanted: bool,
    last: Mutex<Instant>,
}

impl Progress {
    fn said(&self, seed: u64, count: u64) {
        if !self.wanted {
            return;
        }
        let mut last = self.last.lock().unwrap();
        if last.elapsed() >= PROGRESS {
            *last = Instant::now();
            let _ = writeln!(io::stderr().lock(), "{}: {seed} of {count}", self.name);
        }
    }
}

/// How many failures are shown: enough to see a pattern; the rest would only take time.
const FAILED: usize = 5;

/// Runs `run` with each seed, and fails with the seeds that failed.
pub fn each(name: &str, usual: u64, run: impl Fn(u64) + Sync) {
    if let Some(seed) = only() {
        run(seed);
        return;
    }
    let count = count(usual);
    run_all(name, count, &run);
}

/// The same for a number of seeds that is no choice, such as every operation of a run.
pub fn every(name: &str, count: u64, run: impl Fn(u64) + Sync) {
    match only() {
        Some(seed) => run(seed % count.max(1)),
        None => run_all(name, count, &run),
    }
}

fn run_all(name: &str, count: u64, run: &(impl Fn(u64) + Sync)) {
    let from = number("FIRSTHAND_FROM").unwrap_or(0);
    let next = AtomicU64::new(from);
    let progress = Progress {
        name: name.to_owned(),
        wanted: env::var_os("FIRSTHAND_PROGRESS").is_some(),
        last: Mutex::new(Instant::now()),
    };
    let failed = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= count || failed.lock().unwrap().len() >= FAILED {
                        return;
                    }
                    progress.said(seed, count);
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(seed))) {
                        failed.lock().unwrap().push((seed, words(panic.as_ref())));
                    }
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    let shown: Vec<_> =
        failed.iter().map(|(seed, words)| format!("FIRSTHAND_SEED={seed}: {words}")).collect();
    assert!(shown.is_empty(), "{name}:\n{}", shown.join("\n"));
    let done = count.saturating_sub(from);
    figure(&format!(
        "{name}: {done}, none failed, {seconds:.1} s on {threads} threads, {:.1} a second",
        done as f64 / seconds
    ));
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic").to_owned()
}
