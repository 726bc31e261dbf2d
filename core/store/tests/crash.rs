//! A process that is killed in the middle: what it acknowledged is there, and nothing is half there.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use common::{Folder, SPACE, Writer, rng, titled};
use firsthand_ids::Position;
use firsthand_log::{Entry, verify_run};
use firsthand_store::*;
use rand_chacha::rand_core::Rng;

const HOME: &str = "FIRSTHAND_TEST_CRASH_HOME";
const SEED: &str = "FIRSTHAND_TEST_CRASH_SEED";

/// The process that is killed: it saves until then, and says what was saved.
#[test]
#[ignore = "runs as a child of the test below"]
fn child() {
    let Ok(home) = std::env::var(HOME) else { return };
    let seed: u8 = std::env::var(SEED).unwrap().parse().unwrap();
    let home = Home::open(home).unwrap();
    let mut store = Store::open(home, Unlock::RawKey(&common::KEY), &LaptopVault).unwrap();
    let mut writer = Writer::new(SPACE, seed);
    writer.join(&mut store);
    let mut out = std::io::stdout();
    for round in 0.. {
        if round % 7 == 6 {
            store.index_pending(3).unwrap();
        }
        if round % 5 == 4 {
            // Many entries in one commit: all or none of them.
            let entries = (0..40).map(|_| writer.create(&[round as u8; 500], None).1).collect();
            store.commit(writer.commit(entries)).unwrap();
        } else {
            writer.log(&mut store, titled(&format!("incident {round}")));
        }
        writeln!(out, "saved {}", writer.next().0 - 1).unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let folder = Folder::new();
    drop(folder.create());
    let mut rng = rng(31);
    let mut acknowledged = Vec::new();
    for seed in 1..=12u8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture"])
            .env(HOME, folder.home())
            .env(SEED, seed.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let enough = 1 + rng.next_u32() % 60;
        let mut last = 0;
        for _ in 0..enough {
            let saved =
                lines.by_ref().find_map(|line| line.unwrap().strip_prefix("saved ")?.parse::<u64>().ok());
            last = saved.unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.push((seed, last));

        let store = folder.open();
        assert_eq!(store.check(&mut |_| {}).unwrap().damage, []);
        for (seed, last) in &acknowledged {
            let writer = Writer::new(SPACE, *seed);
            let held = store.entries(&SPACE, &writer.id(), Position(1), usize::MAX).unwrap();
            assert!(held.len() as u64 >= *last);
            let signature = held.last().unwrap().signature.unwrap();
            let entries: Vec<Entry> = held.iter().map(|stored| stored.entry.clone()).collect();
            let run = verify_run(&writer.chain, None, &entries, &signature).unwrap();
            assert_eq!(store.tip(&SPACE, &writer.id()), Some(run.tip));
            // Every incident has its row, since both are saved together.
            for stored in held.iter().filter(|stored| stored.entry.body.len() < 400).skip(1) {
                let id = stored.info.document.unwrap();
                assert!(store.document(&id).unwrap().is_some() && store.incident(&id).unwrap().is_some());
            }
        }
    }
}
