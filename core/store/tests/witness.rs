//! What tells that a home is whole and still the newest of its device: the head file, the installation, the look at the
//! write-ahead log.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Folder, KEY, SPACE, Writer, copy_dir, raw, rng, titled};
use firsthand_ids::{OperationHash, Position};
use firsthand_store::*;
use rand_chacha::rand_core::Rng;
use zeroize::Zeroizing;

/// A key store whose installation number stays: what a crash leaves belongs to the same phone.
struct SamePhone;

impl KeyVault for SamePhone {
    fn secret(&self) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(None)
    }

    fn installation(&self, _: &Path) -> Result<[u8; 16], VaultError> {
        Ok([1; 16])
    }
}

fn open(folder: &Folder) -> Result<Store, StoreError> {
    Store::open(Home::open(folder.home())?, Unlock::RawKey(&KEY), &SamePhone)
}

/// A home whose device's chain is `writer`'s.
fn create(folder: &Folder, writer: &mut Writer) -> Store {
    let home = Home::create(folder.home()).unwrap();
    let mut store =
        Store::create(home, Unlock::RawKey(&KEY), &SamePhone, SlotOptions::FLOOR, &mut rng(1)).unwrap();
    store.follow(writer.device(), Vec::new(), b"");
    writer.join(&mut store);
    store
}

fn log(store: &mut Store, writer: &mut Writer, count: usize) {
    for number in 0..count {
        writer.log(store, titled(&format!("incident {number} {}", "of some length ".repeat(number % 9))));
    }
}

/// The files of a home that the tests damage.
fn files(folder: &Folder) -> Vec<PathBuf> {
    let mut files: Vec<_> = ["store.db", "store.db-wal", "head", "slots"]
        .iter()
        .map(|name| folder.home().join(name))
        .filter(|path| path.exists())
        .collect();
    for file in fs::read_dir(folder.home().join("attachments")).unwrap() {
        files.push(file.unwrap().path());
    }
    files.sort();
    files
}

/// Everything that is held, for comparing.
fn held(store: &Store, writer: &Writer) -> Result<(Vec<StoredEntry>, [u8; 32]), StoreError> {
    Ok((store.entries(&SPACE, &writer.id(), Position(1), usize::MAX)?, store.projection_digest()?))
}

#[test]
fn what_was_closed_in_order_raises_no_doubt() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let mut store = create(&folder, &mut writer);
    for _ in 0..5 {
        log(&mut store, &mut writer, 3);
        drop(store.lock().unwrap());
        store = open(&folder).unwrap();
        store.follow(writer.device(), Vec::new(), b"");
        assert_eq!(store.doubts(), []);
        assert_eq!(store.check(&mut |_| {}).unwrap().damage, []);
    }
    // A program that ends without closing anything leaves no doubt either.
    log(&mut store, &mut writer, 3);
    let crashed = folder.pulled();
    let store = open(&crashed).unwrap();
    assert_eq!(store.doubts(), []);
    assert_eq!(store.tip(&SPACE, &writer.id()), writer.tip);
}

#[test]
fn a_database_ahead_of_the_head_file_is_ordinary() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let mut store = create(&folder, &mut writer);
    log(&mut store, &mut writer, 3);
    store.witness().unwrap();
    let head = fs::read(folder.home().join("head")).unwrap();
    log(&mut store, &mut writer, 3);
    drop(store.lock().unwrap());
    // What a battery that was pulled leaves of a file that was not synced.
    fs::write(folder.home().join("head"), head).unwrap();
    let store = open(&folder).unwrap();
    assert_eq!(store.doubts(), []);
    assert_eq!(store.missing_tails(), []);
}

#[test]
fn a_database_behind_the_head_file_is_noticed_until_the_tail_is_back() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let mut store = create(&folder, &mut writer);
    log(&mut store, &mut writer, 3);
    drop(store.lock().unwrap());
    let backup = fs::read(folder.home().join("store.db")).unwrap();
    let mut store = open(&folder).unwrap();
    store.follow(writer.device(), Vec::new(), b"");
    let before = writer.next();
    let mut tail = Vec::new();
    for number in 0..4 {
        let (commit, _) = writer.incident(titled(&format!("later {number}")));
        tail.push(commit.clone());
        store.commit(commit).unwrap();
    }
    store.witness().unwrap();
    drop(store);
    fs::write(folder.home().join("store.db"), backup).unwrap();

    let missing = MissingTail {
        space: SPACE,
        writer: writer.id(),
        held: Position(before.0 - 1),
        reached: Position(before.0 + 3),
    };
    // Opened twice without anything written: the doubt is the same.
    for _ in 0..2 {
        let mut store = open(&folder).unwrap();
        store.follow(writer.device(), Vec::new(), b"");
        assert_eq!(store.doubts(), [Doubt::Behind]);
        assert_eq!(store.missing_tails(), [missing]);
        assert!(matches!(store.check(&mut |_| {}).unwrap().damage[..], [Damage::Behind(_)]));
        drop(store.lock().unwrap());
    }
    // Something that is no own entry is written: the doubt stays, and so does what is missed.
    let mut store = open(&folder).unwrap();
    store.follow(writer.device(), Vec::new(), b"");
    store.commit(tail.remove(0)).unwrap();
    drop(store.lock().unwrap());
    let mut store = open(&folder).unwrap();
    store.follow(writer.device(), Vec::new(), b"");
    assert!(store.is_in_doubt());
    assert_eq!(store.missing_tails(), [MissingTail { held: before, ..missing }]);
    // A new writer is opened: no doubt any more, and the old tail is still missed.
    let mut other = Writer::new(SPACE, 2);
    let bind = other.bind();
    let mut commit = other.commit(vec![bind]);
    commit.claim_installation = true;
    store.commit(commit).unwrap();
    assert!(!store.is_in_doubt());
    drop(store.lock().unwrap());
    let mut store = open(&folder).unwrap();
    store.follow(writer.device(), Vec::new(), b"");
    assert_eq!(store.missing_tails(), [MissingTail { held: before, ..missing }]);
    for commit in tail {
        store.commit(commit).unwrap();
    }
    assert_eq!(store.missing_tails(), []);
    drop(store.lock().unwrap());
    let store = open(&folder).unwrap();
    assert_eq!((store.doubts(), store.missing_tails()), (&[][..], Vec::new()));
}

#[test]
fn membership_operations_that_vanish_are_missed() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let store = create(&folder, &mut writer);
    drop(store.lock().unwrap());
    let backup = fs::read(folder.home().join("store.db")).unwrap();
    let mut store = open(&folder).unwrap();
    let hash = OperationHash::new([8; 32]);
    let mut commit = Commit::new(SPACE);
    commit.operations.push((hash, b"somebody was added".to_vec()));
    commit.membership = Some(vec![hash]);
    store.commit(commit).unwrap();
    drop(store.lock().unwrap());
    fs::write(folder.home().join("store.db"), backup).unwrap();
    let store = open(&folder).unwrap();
    assert_eq!(store.doubts(), [Doubt::Behind]);
    assert_eq!(store.missing_operations().unwrap(), [hash]);
}

#[test]
fn a_damaged_slot_falls_back_to_the_other_and_is_made_anew() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let mut store = create(&folder, &mut writer);
    log(&mut store, &mut writer, 3);
    drop(store.lock().unwrap());
    let path = folder.home().join("head");
    let sound = fs::read(&path).unwrap();
    let torn = [&sound[..4096 + 700], &vec![0; 4096 - 700]].concat();
    let mut flipped = sound.clone();
    flipped[77] ^= 4;
    let longer = [&sound[..], b"x"].concat();
    for damaged in [torn, flipped, sound[..5000].to_vec(), longer] {
        fs::write(&path, &damaged).unwrap();
        let mut store = open(&folder).unwrap();
        store.follow(writer.device(), Vec::new(), b"");
        assert_eq!(store.doubts(), []);
        assert!(matches!(store.check(&mut |_| {}).unwrap().damage[..], [Damage::Head(_)]));
        drop(store.lock().unwrap());
        assert_eq!(open(&folder).unwrap().check(&mut |_| {}).unwrap().damage, []);
    }
}

#[test]
fn without_a_readable_head_file_a_new_writer_is_needed() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let mut store = create(&folder, &mut writer);
    log(&mut store, &mut writer, 3);
    drop(store.lock().unwrap());
    let path = folder.home().join("head");
    let sound = fs::read(&path).unwrap();
    let other = Folder::new();
    let home = Home::create(other.home()).unwrap();
    let key = Unlock::RawKey(&[9; 32]);
    drop(Store::create(home, key, &SamePhone, SlotOptions::FLOOR, &mut rng(2)).unwrap());
    let of_another_home = fs::read(other.home().join("head")).unwrap();
    let flipped: Vec<u8> = sound.iter().map(|byte| byte ^ 1).collect();
    for (head, doubt) in [
        (Some(of_another_home), Doubt::HeadDamaged),
        (Some(flipped), Doubt::HeadDamaged),
        (Some(Vec::new()), Doubt::HeadDamaged),
        (None, Doubt::HeadMissing),
    ] {
        match head {
            Some(head) => fs::write(&path, head).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let mut store = open(&folder).unwrap();
        store.follow(writer.device(), Vec::new(), b"");
        assert_eq!(store.doubts(), [doubt]);
        // Everything else works, and writing something that is no own entry does not wipe the doubt away.
        store.set_setting("filter", b"x").unwrap();
        drop(store);
        assert!(open(&folder).unwrap().is_in_doubt());
        let mut store = open(&folder).unwrap();
        let mut commit = Commit::new(SPACE);
        commit.claim_installation = true;
        store.commit(commit).unwrap();
        drop(store.lock().unwrap());
        assert_eq!(open(&folder).unwrap().doubts(), []);
    }
}

#[test]
fn a_head_file_of_a_newer_version_is_refused_and_nothing_is_touched() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    drop(create(&folder, &mut writer).lock().unwrap());
    let path = folder.home().join("head");
    let mut newer = fs::read(&path).unwrap();
    newer[7] = 2;
    newer[4096 + 7] = 2;
    fs::write(&path, &newer).unwrap();
    let before = snapshot(&folder.home());
    assert!(matches!(open(&folder), Err(StoreError::Newer { found: 2, known: 1, .. })));
    assert_eq!(snapshot(&folder.home()), before);
}

#[test]
fn a_database_of_a_newer_version_is_not_touched() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    drop(create(&folder, &mut writer).lock().unwrap());
    raw(&folder, |database| database.pragma_update(None, "user_version", 99).unwrap());
    let before = snapshot(&folder.home());
    assert!(matches!(open(&folder), Err(StoreError::Newer { found: 99, .. })));
    let mut after = snapshot(&folder.home());
    // SQLite makes them to look; they are empty.
    after.retain(|name, bytes| !(name.ends_with("-shm") || (name.ends_with("-wal") && bytes.is_empty())));
    assert_eq!(after, before);
}

fn snapshot(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap()).filter(|it| it.path().is_file());
    files.map(|it| (it.file_name().to_string_lossy().into_owned(), fs::read(it.path()).unwrap())).collect()
}

/// On a laptop: bytes of a backup that are copied over the files of the home keep inode numbers and birth times.
#[test]
fn a_backup_copied_over_the_files_in_place_is_noticed() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let mut store = folder.create();
    store.follow(writer.device(), Vec::new(), b"");
    writer.join(&mut store);
    drop(store.lock().unwrap());
    let backup = folder.pulled();
    let mut store = folder.open();
    store.follow(writer.device(), Vec::new(), b"");
    assert!(!store.is_in_doubt());
    log(&mut store, &mut writer, 3);
    store.witness().unwrap();
    drop(store);
    for name in ["store.db", "head", "slots"] {
        let bytes = fs::read(backup.home().join(name)).unwrap();
        fs::write(folder.home().join(name), bytes).unwrap();
    }
    let mut store = folder.open();
    assert_eq!(store.doubts(), [Doubt::Restored]);
    let mut commit = Commit::new(SPACE);
    commit.claim_installation = true;
    store.commit(commit).unwrap();
    drop(store);
    assert_eq!(folder.open().doubts(), []);
}

/// What is lost, and that a bit flipped anywhere is found: it shows on opening, in a check, or changes nothing.
#[test]
fn no_flipped_bit_in_any_file_is_silent() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let mut store = create(&folder, &mut writer);
    log(&mut store, &mut writer, 60);
    let photo: Vec<u8> = (0..300_000u32).map(|number| (number % 251) as u8).collect();
    let sealed = store.attachments().seal(&mut photo.as_slice(), &mut |_| true, &mut rng(5)).unwrap();
    let mut commit = Commit::new(SPACE);
    commit.attachments.push(sealed);
    store.commit(commit).unwrap();
    drop(store.lock().unwrap());
    let mut store = open(&folder).unwrap();
    store.follow(writer.device(), Vec::new(), b"");
    log(&mut store, &mut writer, 40);
    let frozen = folder.pulled();
    drop(store);
    let whole = {
        let copy = frozen.pulled();
        let store = open(&copy).unwrap();
        held(&store, &writer).unwrap()
    };

    let mut rng = rng(77);
    let mut random = |limit: usize| rng.next_u64() as usize % limit;
    let mut found: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for round in 0..FLIPS {
        let copy = frozen.pulled();
        let files = files(&copy);
        let path = &files[round % files.len()];
        let mut bytes = fs::read(path).unwrap();
        let (at, bit) = (random(bytes.len()), random(8));
        bytes[at] ^= 1 << bit;
        fs::write(path, &bytes).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let what = format!("{name}, byte {at}, bit {bit}");
        let counts = found.entry(name).or_default();
        let store = match open(&copy) {
            Err(error) => {
                assert!(
                    matches!(error, StoreError::Damaged { .. } | StoreError::Newer { .. }),
                    "{what}: {error}"
                );
                counts.0 += 1;
                continue;
            }
            Ok(store) => store,
        };
        let damage = store.check(&mut |_| {}).unwrap().damage;
        let lost = held(&store, &writer).ok().as_ref() != Some(&whole);
        assert!(!lost || !damage.is_empty(), "{what}: something is lost and nothing tells");
        if damage.iter().any(|it| matches!(it, Damage::Behind(_))) {
            assert!(store.is_in_doubt(), "{what}");
            let kept = copy.home().join("set-aside/1/store.db-wal");
            assert_eq!(fs::read(kept).unwrap(), bytes, "{what}: the damaged log is kept as it was");
        }
        if damage.is_empty() { counts.1 += 1 } else { counts.0 += 1 }
    }
    println!("file: found, harmless: {found:?}");
    // A flip of the database is harmless where the log holds a newer page, one of the log where it holds a newer frame
    // of a page that was moved already; in the head file and the attachments every bit counts.
    for (name, (found, harmless)) in found {
        assert!(found > 0, "{name}");
        assert!(
            harmless == 0 || name.starts_with("store.db") || name == "slots",
            "{name}: {harmless} not found"
        );
    }
}

const FLIPS: usize = 200;

/// Only the log's own chain of checksums tells here: the head file is as old as the last sync.
#[test]
fn a_break_in_the_middle_of_the_log_is_found_without_the_head_file() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let mut store = create(&folder, &mut writer);
    log(&mut store, &mut writer, 10);
    drop(store.lock().unwrap());
    let head = fs::read(folder.home().join("head")).unwrap();
    let mut store = open(&folder).unwrap();
    log(&mut store, &mut writer, 12);
    let frozen = folder.pulled();
    drop(store);
    fs::write(frozen.home().join("head"), head).unwrap();
    assert_eq!(open(&frozen.pulled()).unwrap().doubts(), []);
    let wal = fs::read(frozen.home().join("store.db-wal")).unwrap();
    let frames = (wal.len() - 32) / 4120;
    let mut rng = rng(78);
    let mut broken = 0;
    for frame in 0..frames {
        let copy = frozen.pulled();
        let mut flipped = wal.clone();
        flipped[32 + frame * 4120 + rng.next_u64() as usize % 4120] ^= 1 << (frame % 8);
        fs::write(copy.home().join("store.db-wal"), &flipped).unwrap();
        let store = open(&copy).unwrap();
        let lost = store.tip(&SPACE, &writer.id()) != writer.tip;
        assert!(lost, "frame {frame}");
        if store.doubts() == [Doubt::LogDamaged] {
            broken += 1;
        } else {
            // The last commit alone looks like one that was cut off before it was acknowledged.
            let tip = store.tip(&SPACE, &writer.id()).unwrap();
            assert_eq!(tip.position.next(), writer.tip.as_ref().unwrap().position, "frame {frame}");
        }
    }
    println!("{broken} of {frames} breaks found");
    // A header that is damaged makes SQLite forget the whole log.
    for at in 0..32 {
        let copy = frozen.pulled();
        let mut flipped = wal.clone();
        flipped[at] ^= 1;
        fs::write(copy.home().join("store.db-wal"), &flipped).unwrap();
        assert_eq!(open(&copy).unwrap().doubts(), [Doubt::LogDamaged], "header, byte {at}");
    }
    // A log that a power cut tore at any place is none of this.
    for len in (0..wal.len()).step_by(4001) {
        let copy = frozen.pulled();
        fs::write(copy.home().join("store.db-wal"), &wal[..len]).unwrap();
        assert_eq!(open(&copy).unwrap().doubts(), [], "cut at {len}");
    }
}

#[test]
fn the_head_file_costs_a_save_no_second_wait() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let mut store = create(&folder, &mut writer);
    store.witness().unwrap();
    let path = folder.home().join("head");
    let synced = fs::read(&path).unwrap();
    log(&mut store, &mut writer, 5);
    // Until the next sync every save goes into the same slot; the other one is what the disk has for certain.
    let written = fs::read(&path).unwrap();
    let same = (0..2).filter(|slot| written[slot * 4096..][..4096] == synced[slot * 4096..][..4096]).count();
    assert_eq!(same, 1);
    store.witness().unwrap();
    log(&mut store, &mut writer, 5);
    let later = fs::read(&path).unwrap();
    let same: Vec<_> =
        (0..2).map(|slot| later[slot * 4096..][..4096] == written[slot * 4096..][..4096]).collect();
    assert_eq!(same.iter().filter(|same| **same).count(), 1);
}

#[test]
fn a_home_copied_while_it_is_open_opens_and_needs_a_new_writer() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let mut store = folder.create();
    store.follow(writer.device(), Vec::new(), b"");
    writer.join(&mut store);
    log(&mut store, &mut writer, 5);
    let copy = Folder::new();
    copy_dir(&folder.home(), &copy.home());
    let copied = copy.open();
    assert_eq!(copied.doubts(), [Doubt::Restored]);
    assert_eq!(copied.tip(&SPACE, &writer.id()), writer.tip);
    // The original goes on as before.
    log(&mut store, &mut writer, 1);
    drop(store.lock().unwrap());
    assert_eq!(folder.open().doubts(), []);
}
