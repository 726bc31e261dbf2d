//! What is read of a damaged database, and that nothing is deleted while one made anew takes its place.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::collections::BTreeMap;
use std::fs;

use common::{Folder, KEY, SPACE, Writer, rng, titled};
use firsthand_ids::Position;
use firsthand_log::Entry;
use firsthand_store::*;
use rand_chacha::rand_core::Rng;

const PAGE: usize = 4096;

/// A closed home with 400 incidents, and its entries by position.
fn home() -> (Folder, Writer, BTreeMap<Position, Entry>) {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let mut store = folder.create();
    store.follow(writer.device(), Vec::new(), b"keys");
    writer.join(&mut store);
    for number in 0..400 {
        writer.log(&mut store, titled(&format!("incident {number} {}", "and more ".repeat(number % 40))));
    }
    let entries = entries(&store, &writer);
    drop(store.lock().unwrap());
    (folder, writer, entries)
}

fn entries(store: &Store, writer: &Writer) -> BTreeMap<Position, Entry> {
    let held = store.entries(&SPACE, &writer.id(), Position(1), usize::MAX).unwrap();
    held.into_iter().map(|stored| (stored.info.position, stored.entry)).collect()
}

fn rescue(folder: &Folder) -> (Rescue, BTreeMap<Position, Entry>) {
    let home = Home::open_damaged(folder.home()).unwrap();
    let mut rescue = Rescue::begin(home, Unlock::RawKey(&KEY), &LaptopVault).unwrap();
    let entries = rescue.entries(&SPACE).into_iter().map(|it| (it.entry.position, it.entry)).collect();
    (rescue, entries)
}

fn damage(folder: &Folder, name: &str, with: impl FnOnce(&mut Vec<u8>)) {
    let path = folder.home().join(name);
    let mut bytes = fs::read(&path).unwrap();
    with(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn everything_that_lies_on_sound_pages_is_read() {
    let (folder, _, whole) = home();
    let pages = fs::read(folder.home().join("store.db")).unwrap().len() / PAGE;
    let mut rng = rng(41);
    for _ in 0..12 {
        let copy = folder.pulled();
        damage(&copy, "store.db", |bytes| {
            for _ in 0..3 {
                let page = 1 + rng.next_u64() as usize % (pages - 1);
                bytes[page * PAGE + rng.next_u64() as usize % PAGE] ^= 8;
            }
        });
        let (rescue, read) = rescue(&copy);
        for (position, entry) in &read {
            assert_eq!(whole.get(position), Some(entry));
        }
        let lost = whole.len() - read.len();
        // A page holds at most some thirty of these entries, unless it is one that leads to all of them.
        assert!(lost <= 3 * 40 || lost == whole.len(), "{lost} of {} lost", whole.len());
        rescue.abandon().unwrap();
    }
}

/// Few pages lead to all entries: each page is damaged in turn.
#[test]
fn few_pages_lead_to_all_entries() {
    let (folder, _, _) = home();
    let pages = fs::read(folder.home().join("store.db")).unwrap().len() / PAGE;
    let mut leading = Vec::new();
    for page in 1..pages {
        let copy = folder.pulled();
        damage(&copy, "store.db", |bytes| bytes[page * PAGE + 700] ^= 1);
        let (rescue, read) = rescue(&copy);
        if read.is_empty() {
            leading.push(page);
        }
        rescue.abandon().unwrap();
    }
    println!("{} of {pages} pages lead to all entries", leading.len());
    // Those of the schema, the tables' roots and the first rows that everything refers to: one page in twenty at most.
    assert!(leading.len() * 20 <= pages, "{leading:?}");
}

#[test]
fn a_damaged_first_page_loses_nothing() {
    let (folder, _, whole) = home();
    for (from, to) in [(16, 4096), (0, 4096)] {
        let copy = folder.pulled();
        damage(&copy, "store.db", |bytes| bytes[from..to].fill(0x5a));
        assert!(copy.try_open().is_err());
        let (mut rescue, read) = rescue(&copy);
        assert_eq!(read.len(), whole.len(), "bytes {from} to {to}");
        assert_eq!(read, whole);
        assert!(!rescue.settings().is_empty() || rescue.operations().is_empty());
        rescue.abandon().unwrap();
    }
}

#[test]
fn of_a_database_that_was_cut_the_beginning_is_read() {
    let (folder, _, whole) = home();
    let len = fs::read(folder.home().join("store.db")).unwrap().len();
    let mut before = 0;
    for part in 1..4 {
        let copy = folder.pulled();
        damage(&copy, "store.db", |bytes| bytes.truncate(len * part / 4 + 7));
        let (rescue, read) = rescue(&copy);
        for (position, entry) in &read {
            assert_eq!(whole.get(position), Some(entry));
        }
        assert!(read.len() >= before && read.len() < whole.len(), "{} of {}", read.len(), whole.len());
        before = read.len();
        rescue.abandon().unwrap();
    }
    assert!(before > whole.len() / 4, "{before}");
}

#[test]
fn beyond_a_break_in_the_log_entries_are_read_that_sqlite_does_not_see() {
    let (folder, mut writer, _) = home();
    let mut store = folder.open();
    store.follow(writer.device(), Vec::new(), b"keys");
    for number in 0..30 {
        writer.log(&mut store, titled(&format!("later {number}")));
    }
    let whole = entries(&store, &writer);
    let frozen = folder.pulled();
    drop(store);
    let frames = (fs::read(frozen.home().join("store.db-wal")).unwrap().len() - 32) / (PAGE + 24);
    let mut rng = rng(42);
    for round in 0..20 {
        let copy = frozen.pulled();
        let at = match round {
            0 => 5,
            1 => 20,
            _ => 32 + rng.next_u64() as usize % (frames * (PAGE + 24)),
        };
        damage(&copy, "store.db-wal", |bytes| bytes[at] ^= 1);
        let seen = copy.pulled();
        let seen = entries(&seen.open(), &writer).len();
        let (rescue, read) = rescue(&copy);
        for (position, entry) in &read {
            assert_eq!(whole.get(position), Some(entry));
        }
        assert!(read.len() >= seen, "byte {at}: {} read, SQLite sees {seen} of {}", read.len(), whole.len());
        if round < 2 {
            assert_eq!(read, whole, "only the header is damaged");
        }
        rescue.abandon().unwrap();
    }
}

#[test]
fn of_garbage_nothing_is_read_but_what_the_head_file_keeps() {
    let (folder, _, _) = home();
    for gone in [false, true] {
        let copy = folder.pulled();
        if gone {
            fs::remove_file(copy.home().join("store.db")).unwrap();
            assert!(matches!(Home::open(copy.home()), Err(StoreError::Damaged { .. })));
        } else {
            let mut rng = rng(43);
            damage(&copy, "store.db", |bytes| rng.fill_bytes(bytes));
        }
        let (rescue, read) = rescue(&copy);
        assert_eq!(read.len(), 0);
        assert_eq!(**rescue.kept(), *b"keys");
        rescue.abandon().unwrap();
    }
}

#[test]
fn the_new_database_takes_the_place_and_the_old_files_are_kept() {
    let (folder, writer, _) = home();
    damage(&folder, "store.db", |bytes| {
        let middle = bytes.len() / PAGE / 2 * PAGE;
        bytes[middle + 9] ^= 1;
    });
    let old = fs::read(folder.home().join("store.db")).unwrap();
    let (rescue, read) = rescue(&folder);
    let store = rescue.new_store(&LaptopVault).unwrap();
    // Nobody has told the new store about the device yet: what was there is what is missed.
    let missing = store.missing_tails();
    assert_eq!(missing.len(), 1);
    assert_eq!(
        (missing[0].writer, missing[0].held, missing[0].reached),
        (writer.id(), Position(0), Position(401))
    );
    drop(store.lock().unwrap());
    assert!(read.len() > 300);
    // The program ends in the middle of the moving, after each of its steps.
    let before = folder.pulled();
    let (home, aside) = rescue.finish().unwrap();
    assert_eq!(fs::read(aside.join("store.db")).unwrap(), old);
    assert!(!folder.home().join("repair").exists());
    drop(home);
    let store = folder.open();
    assert_eq!(store.doubts(), [Doubt::Noted]);
    assert_eq!(store.check(&mut |_| {}).unwrap().damage, []);

    let ready = before.home().join("repair/ready");
    for step in 0..4 {
        let copy = before.pulled();
        fs::write(copy.home().join("repair/ready"), b"").unwrap();
        let aside = copy.home().join("set-aside/1");
        fs::create_dir_all(&aside).unwrap();
        for name in ["store.db", "head"].iter().take(step) {
            fs::rename(copy.home().join(name), aside.join(name)).unwrap();
        }
        if step == 3 {
            fs::rename(copy.home().join("repair/new/head"), copy.home().join("head")).unwrap();
        }
        let store = copy.open();
        assert!(store.doubts().contains(&Doubt::Noted), "step {step}");
        let kept = (1..=2).any(|number| {
            fs::read(copy.home().join(format!("set-aside/{number}/store.db"))).is_ok_and(|bytes| bytes == old)
        });
        assert!(kept, "step {step}");
    }
    assert!(!ready.exists());
}
