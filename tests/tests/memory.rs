//! What a device takes of a phone's memory that receives a whole year from another.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use firsthand_node::{ImportRow, Node};
use firsthand_record::generate::Generator;
use firsthand_tests::memory::Memory;
use firsthand_tests::{Dice, crashing, seeds};
use tokio::sync::broadcast::error::RecvError;

const INCIDENTS: usize = 10_000;
const PHOTOS: usize = 2_000;
/// Photos lie on so many of the incidents.
const PHOTOGRAPHED: usize = 500;
/// What a photo has on average: one that its phone has made small enough to send.
const PHOTO: usize = 40_000;
/// The most above what both devices take when they have nothing to do, in KB: one of them alone may take so much.
const MEMORY_KB: u64 = 64_000;
/// The most that an observer hears of all that: something for every twelve records and files, so that a screen keeps up.
const MOST_EVENTS: u64 = 1000;

/// A year of a team on one device.
async fn fill(lead: &Node, dir: &Path) {
    let mut dice = Dice::new(1, 0);
    let mut generator = Generator::new(Dice::new(2, 0).rng().clone());
    let rows = (0..INCIDENTS).map(|row| ImportRow { row, incident: generator.team_incident() }).collect();
    let report = lead.import(rows, false, Arc::new(|_, _| true)).await.unwrap();
    assert_eq!(report.added.len(), INCIDENTS);
    for number in 0..PHOTOS {
        let path = dir.join(format!("{number}.bin"));
        fs::write(&path, dice.fill(PHOTO / 2 + number * PHOTO / PHOTOS)).unwrap();
        let (_, incident, _) = report.added[number % PHOTOGRAPHED];
        lead.attach(incident, &path, "", Arc::new(|_, _| true)).await.unwrap();
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_year_is_received_with_little_memory() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let env = crashing::environment();
        let lead = Node::create_team(&dir.path().join("lead"), crashing::passphrase(), "Harbour", "Amina", env)
            .await
            .unwrap();
        fill(&lead, dir.path()).await;
        let address = lead.listen("127.0.0.1:0".parse().unwrap(), false).await.unwrap().to_string();
        let other = crashing::join(&lead, &address, &dir.path().join("other")).await;

        let heard = Arc::new(AtomicU64::new(0));
        let (mut events, counted) = (other.events(), heard.clone());
        let counting = tokio::spawn(async move {
            loop {
                let more = match events.recv().await {
                    Ok(_) => 1,
                    Err(RecvError::Lagged(missed)) => missed,
                    Err(RecvError::Closed) => return,
                };
                counted.fetch_add(more, Ordering::Relaxed);
            }
        });

        let memory = Memory::watch();
        let summary = other.meet_once(&address).await.unwrap();
        let peak = memory.peak_kb();
        counting.abort();
        let heard = heard.load(Ordering::Relaxed);
        let [held, received] = [&lead, &other].map(Node::team);
        let (held, received) = (held.await.unwrap(), received.await.unwrap());
        assert_eq!(received.counts.incidents, INCIDENTS as u64);
        assert_eq!((received.counts.attachments_missing, received.counts.waiting), (0, 0));
        assert_eq!(held.counts.entries, received.counts.entries);
        seeds::figure(&format!(
            "{INCIDENTS} incidents and {PHOTOS} photos received, {} MB: {} MB of memory above idle, at both ends together",
            summary.bytes_received / 1_000_000,
            peak / 1000
        ));
        seeds::figure(&format!("{heard} events told a screen of {INCIDENTS} incidents and {PHOTOS} photos"));
        assert!((1..=MOST_EVENTS).contains(&heard), "{heard} events");
        assert!(peak < MEMORY_KB, "{peak} KB more than before");
        other.shutdown().await.unwrap();
        lead.shutdown().await.unwrap();
    });
}
