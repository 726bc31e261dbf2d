//! A file as long as a phone's video: the memory it takes, and whether anybody has to wait for it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use firsthand_node::{Node, NodeError, Progress};
use firsthand_record::{Incident, VariantKind};
use firsthand_tests::memory::Memory;
use firsthand_tests::{crashing, seeds};
use tokio::runtime::Handle;

/// How long the file is.
const MEGABYTES: u64 = 200;
const MB: u64 = 1_000_000;

/// The most that a long file may add to the memory of a process, two devices in it at times.
const MEMORY_KB: u64 = 48_000;

fn incident(title: &str) -> Incident {
    Incident { title: Some(title.to_owned()), ..Incident::default() }
}

/// Saves an incident in the middle of long work, on the thread that does the work: were the ledger kept from saving until
/// the work is done, neither would ever end.
fn saving(node: &Node, took: &Arc<Mutex<Vec<Duration>>>) -> Progress {
    let (node, took, runtime) = (node.clone(), took.clone(), Handle::current());
    let next = AtomicU64::new(1);
    Arc::new(move |done, total| {
        // At each quarter.
        if done * 4 >= next.load(Ordering::Relaxed) * total {
            next.fetch_add(1, Ordering::Relaxed);
            let began = Instant::now();
            runtime.block_on(node.add_incident(incident("Meanwhile"))).unwrap();
            took.lock().unwrap().push(began.elapsed());
        }
        true
    })
}

fn nothing_left(home: &Path) {
    let left: Vec<_> = fs::read_dir(home.join("attachments")).unwrap().map(|it| it.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_long_file_takes_little_memory_and_keeps_nobody_waiting() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let (home, video) = (dir.path().join("lead"), dir.path().join("video.mp4"));
        File::create(&video).unwrap().set_len(MEGABYTES * MB).unwrap();
        let lead =
            Node::create_team(&home, crashing::passphrase(), "Harbour", "Amina", crashing::environment());
        let lead = lead.await.unwrap();
        let id = lead.add_incident(incident("At the bridge")).await.unwrap().id;
        let took = Arc::<Mutex<Vec<Duration>>>::default();
        let began = Instant::now();
        let idle = {
            lead.add_incident(incident("Before")).await.unwrap();
            began.elapsed()
        };

        // Ctrl-C in the middle.
        let stop: Progress = Arc::new(|done, total| done < total / 2);
        assert!(matches!(lead.attach(id, &video, "", stop.clone()).await, Err(NodeError::Stopped)));
        nothing_left(&home);

        let mut figures = Vec::new();
        let began = Instant::now();
        let memory = Memory::watch();
        lead.attach(id, &video, "", saving(&lead, &took)).await.unwrap();
        figures.push(("attached", began.elapsed(), memory.peak_kb()));

        let address = lead.listen("127.0.0.1:0".parse().unwrap(), false).await.unwrap().to_string();
        let other = crashing::join(&lead, &address, &dir.path().join("other")).await;
        let (began, memory) = (Instant::now(), Memory::watch());
        let over = Arc::new(AtomicBool::new(false));
        let meeting = async {
            other.meet_once(&address).await.unwrap();
            over.store(true, Ordering::Relaxed);
        };
        let busy = async {
            let mut saved = 0;
            while !over.load(Ordering::Relaxed) {
                // Some at the receiver and some at the sender.
                let node = if saved % 2 == 0 { &other } else { &lead };
                let began = Instant::now();
                node.add_incident(incident("Meanwhile")).await.unwrap();
                took.lock().unwrap().push(began.elapsed());
                saved += 1;
                tokio::task::yield_now().await;
                if saved >= 200 {
                    break;
                }
            }
            saved
        };
        let ((), saved) = tokio::join!(meeting, busy);
        assert!(saved > 0);
        figures.push(("received", began.elapsed(), memory.peak_kb()));
        assert!(other.incident(id).await.unwrap().attachments[0].here);

        let (began, memory) = (Instant::now(), Memory::watch());
        other.verify_attachment(id, "video.mp4", saving(&other, &took)).await.unwrap();
        figures.push(("verified", began.elapsed(), memory.peak_kb()));

        let out = dir.path().join("out.mp4");
        assert!(matches!(other.save_attachment(id, "video.mp4", VariantKind::Original, &out, stop).await, Err(NodeError::Stopped)));
        let beside: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(beside.len(), 3, "two homes and the video: {beside:?}");
        let (began, memory) = (Instant::now(), Memory::watch());
        other.save_attachment(id, "video.mp4", VariantKind::Original, &out, saving(&other, &took)).await.unwrap();
        figures.push(("exported", began.elapsed(), memory.peak_kb()));
        assert_eq!(fs::metadata(&out).unwrap().len(), MEGABYTES * MB);

        for (what, _, peak) in &figures {
            assert!(*peak < MEMORY_KB, "{what}: {peak} KB more than before");
        }
        let mut took = took.lock().unwrap().clone();
        took.sort_unstable();
        let words: Vec<_> = figures
            .iter()
            .map(|(what, time, peak)| format!("{what} in {:.1} s with {} MB", time.as_secs_f64(), peak / 1000))
            .collect();
        seeds::figure(&format!(
            "a file of {MEGABYTES} MB: {} above idle; {} incidents saved meanwhile, median {:.1} ms, longest {:.1} ms ({:.1} ms with nothing else to do)",
            words.join(", "),
            took.len(),
            took[took.len() / 2].as_secs_f64() * 1e3,
            took[took.len() - 1].as_secs_f64() * 1e3,
            idle.as_secs_f64() * 1e3,
        ));
        other.shutdown().await.unwrap();
        lead.shutdown().await.unwrap();
    });
}
