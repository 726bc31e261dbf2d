//! Closing a period: nothing that is read changes, and what it took is free.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{Folder, KEY, SPACE, Writer, raw, rng, titled};
use firsthand_ids::{DocumentId, Position, UnixMillis};
use firsthand_log::Vector;
use firsthand_store::*;
use rand_chacha::rand_core::Rng;

const PAGE: usize = 4096;
/// After every entry.
const LATER: UnixMillis = UnixMillis(1_800_000_000_000);

/// What people write: no two the same, and much of it said before.
fn text(number: usize, words: usize) -> String {
    const WORDS: [&str; 12] = [
        "road",
        "gate",
        "two",
        "men",
        "were",
        "stopped",
        "at",
        "the",
        "checkpoint",
        "market",
        "by",
        "police",
    ];
    let mut rng = rng(number as u64);
    let words = (0..words).map(|_| WORDS[rng.next_u64() as usize % WORDS.len()]);
    format!("{number} {}", words.collect::<Vec<_>>().join(" "))
}

/// A document with three changes after the one that creates it, saved as its changes one after the other.
fn record(writer: &mut Writer, store: &mut Store, number: usize) -> DocumentId {
    let (id, first) = writer.create(text(number, 60).as_bytes(), Some(vec![number as u8; 40]));
    let mut entries = vec![first];
    for edit in 1..4 {
        entries.push(writer.change(id, text(number * 10 + edit, 12).as_bytes()));
    }
    let saved: Vec<u8> = entries.iter().flat_map(|it| it.entry.body.clone()).collect();
    let created = entries[0].entry.position;
    let mut commit = writer.commit(entries);
    commit.documents = vec![writer.update(id, created, saved, titled(&text(number, 4)))];
    commit.tried = true;
    store.commit(commit).unwrap();
    id
}

fn home(records: usize) -> (Folder, Store, Writer, Vec<DocumentId>) {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    let ids = (0..records).map(|number| record(&mut writer, &mut store, number)).collect();
    (folder, store, writer, ids)
}

fn close(store: &mut Store, until: UnixMillis) -> ClosedPeriod {
    let mut closing = store.begin_closing(until, LATER, Close::Now).unwrap();
    while store.close_next(&mut closing).unwrap() {}
    store.finish_closing(closing).unwrap()
}

/// Everything that can be read of the log and its documents.
fn all(store: &Store, writer: &Writer) -> impl PartialEq + std::fmt::Debug + use<> {
    let entries = store.entries(&SPACE, &writer.id(), Position(1), usize::MAX).unwrap();
    let ids = store.documents(None, usize::MAX).unwrap();
    let documents: Vec<_> = ids.iter().map(|id| store.document(id).unwrap()).collect();
    let changes: Vec<_> = ids.iter().map(|id| store.changes_of(id).unwrap()).collect();
    let batch =
        store.batch_for(&SPACE, &Vector::new(), BatchLimits::default(), &BTreeSet::new()).unwrap().unwrap();
    let rows = store.incidents(&IncidentQuery::default()).unwrap();
    (entries, documents, changes, batch, rows, store.counts().unwrap(), store.projection_digest().unwrap())
}

fn sound(store: &Store) {
    assert_eq!(store.check(&mut |_| {}).unwrap().damage, []);
}

fn len(folder: &Folder) -> usize {
    fs::metadata(folder.home().join("store.db")).unwrap().len() as usize
}

#[test]
fn nothing_that_is_read_changes_and_the_file_becomes_smaller() {
    let (folder, mut store, writer, ids) = home(1500);
    let before = all(&store, &writer);
    let preview = {
        let mut closing = store.begin_closing(LATER, LATER, Close::Preview).unwrap();
        while store.close_next(&mut closing).unwrap() {}
        store.finish_closing(closing).unwrap()
    };
    assert_eq!(store.closed_periods().unwrap(), []);
    let period = close(&mut store, LATER);
    assert_eq!((period.documents, period.entries), (1500, 6000));
    assert_eq!(
        (preview.documents, preview.entries, preview.content_before, preview.content_after),
        (period.documents, period.entries, period.content_before, period.content_after)
    );
    assert!(period.content_after * 4 < period.content_before, "{period:?}");
    assert_eq!(store.closed_periods().unwrap(), [period]);
    assert!(store.is_closed(&ids[7]).unwrap());
    assert_eq!(all(&store, &writer), before);
    sound(&store);
    drop(store.lock().unwrap());
    let smaller = len(&folder);
    assert_eq!(period.database_after, Some(smaller as u64));
    assert!((smaller as u64) < period.database_before * 3 / 4, "{period:?}");
    let mut store = folder.open();
    assert_eq!(all(&store, &writer), before);
    // Nothing is left to close, and nothing is listed for it.
    let again = close(&mut store, LATER);
    assert_eq!((again.documents, again.entries, again.content_after), (0, 0, 0));
    assert_eq!(store.closed_periods().unwrap(), [period]);
}

#[test]
fn what_is_later_or_unsettled_stays_as_it_is() {
    let (_folder, mut store, mut writer, ids) = home(30);
    let until = UnixMillis(writer.clock + 1);
    // An entry about the first, later; and one about the second that waits.
    writer.clock += 1_000_000;
    let late = writer.change(ids[0], b"later");
    store.commit(writer.commit(vec![late])).unwrap();
    let mut waiting = writer.change(ids[1], b"waits");
    waiting.state = EntryState::Waiting;
    waiting.effective = firsthand_ids::HybridTime::new(UnixMillis(until.0 - 5000), 0);
    store.commit(writer.commit(vec![waiting])).unwrap();
    let newer = record(&mut writer, &mut store, 77);
    let before = all(&store, &writer);
    let period = close(&mut store, until);
    assert_eq!((period.documents, period.entries), (28, 28 * 4));
    for id in [ids[0], ids[1], newer] {
        assert!(!store.is_closed(&id).unwrap());
    }
    assert_eq!(all(&store, &writer), before);
    sound(&store);
}

#[test]
fn a_closed_document_goes_on_and_is_closed_again() {
    let (_folder, mut store, mut writer, ids) = home(40);
    close(&mut store, LATER);
    let saved = store.document(&ids[3]).unwrap().unwrap();
    let late = writer.change(ids[3], b"somebody was away");
    let mut commit = writer.commit(vec![late.clone()]);
    let longer = [saved.saved.clone(), late.entry.body.clone()].concat();
    commit.documents = vec![writer.update(ids[3], saved.creator.1, longer.clone(), titled("another title"))];
    commit.tried = true;
    store.commit(commit).unwrap();
    assert!(!store.is_closed(&ids[3]).unwrap());
    assert_eq!(store.document(&ids[3]).unwrap().unwrap().saved, longer);
    let bodies: Vec<_> = store.changes_of(&ids[3]).unwrap().into_iter().map(|it| it.body).collect();
    assert_eq!(bodies.concat(), longer);
    let before = all(&store, &writer);
    let again = close(&mut store, LATER);
    assert_eq!((again.documents, again.entries), (1, 1));
    assert_eq!(all(&store, &writer), before);
    assert_eq!(store.closed_periods().unwrap().len(), 2);
    sound(&store);
    // What is derived can be made anew from the sections, and lies in rows then.
    let mut commit = Commit::new(SPACE);
    commit.reset = vec![ids[5]];
    store.commit(commit).unwrap();
    assert_eq!(store.document(&ids[5]).unwrap(), None);
    assert_eq!(store.changes_of(&ids[5]).unwrap().len(), 4);
}

#[test]
fn stopped_anywhere_the_home_is_whole_and_goes_on() {
    let (folder, mut store, writer, _) = home(1500);
    let before = all(&store, &writer);
    let mut closing = store.begin_closing(LATER, LATER, Close::Now).unwrap();
    let mut cuts = 0;
    while store.close_next(&mut closing).unwrap() {
        cuts += 1;
        let pulled = folder.pulled();
        let mut found = pulled.open();
        assert_eq!(all(&found, &writer), before);
        sound(&found);
        let so_far = found.closed_periods().unwrap();
        assert!(so_far.len() == 1 && so_far[0].database_after.is_none(), "{so_far:?}");
        let done = close(&mut found, LATER);
        assert_eq!((done.documents, done.entries), (1500, 6000));
        assert_eq!(found.closed_periods().unwrap(), [done]);
        assert_eq!(all(&found, &writer), before);
    }
    assert!(cuts > 4, "{cuts}");
    let (at, of) = closing.progress();
    assert_eq!(at, of);
}

fn rescued(folder: &Folder) -> Vec<RescuedEntry> {
    let home = Home::open_damaged(folder.home()).unwrap();
    let mut rescue = Rescue::begin(home, Unlock::RawKey(&KEY), &LaptopVault).unwrap();
    let entries = rescue.entries(&SPACE);
    rescue.abandon().unwrap();
    entries
}

#[test]
fn damage_is_found_and_everything_else_is_read() {
    let (folder, mut store, writer, _) = home(1500);
    let whole = store.entries(&SPACE, &writer.id(), Position(1), usize::MAX).unwrap();
    close(&mut store, LATER);
    drop(store.lock().unwrap());
    assert_eq!(rescued(&folder).len(), whole.len());

    // The first page names all tables, which lie elsewhere since the file became smaller.
    let copy = folder.pulled();
    let path = copy.home().join("store.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[16..PAGE].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let found = rescued(&copy);
    assert_eq!(found.len(), whole.len());
    assert!(found.iter().zip(&whole).all(|(found, whole)| found.entry == whole.entry));

    // A section that says something else, which no page's authentication tells.
    let copy = folder.pulled();
    raw(&copy, |database| {
        let changed =
            "UPDATE sections SET bytes = (SELECT bytes FROM sections WHERE number = 2) WHERE number = 3";
        assert_eq!(database.execute(changed, []).unwrap(), 1);
    });
    let store = copy.open();
    let damage = store.check(&mut |_| {}).unwrap().damage;
    assert!(damage.len() == 1 && damage[0].to_string().contains("1 sections"), "{damage:?}");
    assert!(store.entries(&SPACE, &writer.id(), Position(1), usize::MAX).is_err());
    drop(store);
    let found = rescued(&copy);
    assert!(found.len() > whole.len() / 2 && found.len() < whole.len());

    let pages = len(&folder) / PAGE;
    let mut rng = rng(5);
    for _ in 0..10 {
        let copy = folder.pulled();
        let path = copy.home().join("store.db");
        let mut bytes = fs::read(&path).unwrap();
        let page = 1 + rng.next_u64() as usize % (pages - 1);
        bytes[page * PAGE + rng.next_u64() as usize % PAGE] ^= 8;
        fs::write(&path, bytes).unwrap();
        if let Ok(store) = copy.try_open() {
            assert_ne!(store.check(&mut |_| {}).unwrap().damage, []);
        }
        let found = rescued(&copy);
        // One page of a section takes with it what lies there: a fifth of them here.
        assert!(found.len() * 10 > whole.len() * 6 || found.is_empty(), "{} of {}", found.len(), whole.len());
        for it in &found {
            assert_eq!(it.entry, whole[it.entry.position.0 as usize - 1].entry);
        }
    }
}

#[test]
fn a_home_from_before_is_taken_over() {
    let (folder, store, writer, _) = home(20);
    let before = all(&store, &writer);
    drop(store.lock().unwrap());
    raw(&folder, |database| {
        database
            .execute_batch(
                "ALTER TABLE entries DROP COLUMN section; ALTER TABLE documents DROP COLUMN section;
                 DROP TABLE sections; DROP TABLE closings; PRAGMA user_version = 1",
            )
            .unwrap();
    });
    let mut store = folder.open();
    assert_eq!(all(&store, &writer), before);
    assert_eq!(close(&mut store, LATER).documents, 20);
    assert_eq!(all(&store, &writer), before);
    sound(&store);
}
