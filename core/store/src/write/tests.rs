//! What needs a hand on the database: a disk that is full.

use firsthand_ids::Position;

use crate::common::{Folder, SPACE, Writer, titled};
use crate::{Commit, IncidentQuery, StoreError};

#[test]
fn a_full_disk_saves_nothing_and_loses_nothing() {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    for number in 0..20 {
        writer.log(&mut store, titled(&format!("incident {number}")));
    }
    let pages: u32 = store.database.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let mut refused = 0;
    // The disk is full after one more page, after two, and so on: every step of a commit meets it.
    for more in 0..40 {
        let limit = |pages: u32| {
            store.database.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        };
        limit(pages + more);
        let held = (store.vector(&SPACE), store.projection_digest().unwrap(), store.counts().unwrap());
        let before = writer.tip.clone();
        let entries: Vec<_> = (0..30).map(|_| writer.create(&random(more), None)).collect();
        let mut commit = writer.commit(entries.iter().map(|(_, new)| new.clone()).collect());
        commit.documents = entries
            .iter()
            .map(|(id, new)| writer.update(*id, new.entry.position, random(more), titled("large")))
            .collect();
        commit.settings = vec![("setting".to_owned(), vec![1])];
        match store.commit(commit) {
            Err(StoreError::Full) => {
                refused += 1;
                writer.tip = before;
                assert_eq!(store.setting("setting").unwrap(), None);
                let now = (store.vector(&SPACE), store.projection_digest().unwrap(), store.counts().unwrap());
                assert_eq!(now, held);
                assert_eq!(store.tip(&SPACE, &writer.id()), writer.tip);
            }
            Ok(_) => {
                let mut remove = Commit::new(SPACE);
                remove.settings = vec![("setting".to_owned(), Vec::new())];
                store.commit(remove).unwrap();
                break;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(refused > 10);
    store.database.pragma_update_and_check(None, "max_page_count", 1_000_000, |_| Ok(())).unwrap();
    writer.log(&mut store, titled("after"));
    assert_eq!(store.check(&mut |_| {}).unwrap().damage, []);
    let held = store.entries(&SPACE, &writer.id(), Position(1), usize::MAX).unwrap().len() as u64;
    assert_eq!(Some(held), writer.tip.as_ref().map(|tip| tip.position.0));
    let listed = store.incidents(&IncidentQuery::default()).unwrap().len();
    drop(store);
    assert_eq!(folder.open().incidents(&IncidentQuery::default()).unwrap().len(), listed);
}

/// Bytes that do not compress.
fn random(seed: u32) -> Vec<u8> {
    use rand_chacha::rand_core::Rng;
    let mut bytes = vec![0; 3000];
    crate::common::rng(seed.into()).fill_bytes(&mut bytes);
    bytes
}
