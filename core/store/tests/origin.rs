//! What a second import asks, and which files a device still lacks.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use common::{Folder, SPACE, Writer, rng, titled};
use firsthand_ids::{ContentHash, DocumentId};
use firsthand_record::Origin;
use firsthand_store::*;

fn origin(id: Option<&str>, row_hash: &str) -> Origin {
    Origin { format: "csv".to_owned(), external_id: id.map(str::to_owned), row_hash: row_hash.to_owned() }
}

#[test]
fn an_imported_row_is_known_again_by_its_id_else_by_its_content() {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    let mut log = |origin: Origin| {
        let row = IncidentProjection { origin: Some(origin), ..titled("imported") };
        writer.log(&mut store, row)
    };
    let (named, nameless) = (log(origin(Some("17"), "aa")), log(origin(None, "bb")));
    let find = |origin: &Origin| store.by_origin(origin).unwrap();
    assert_eq!(find(&origin(Some("17"), "aa")), Some((named, "aa".to_owned())));
    // A changed row: the same id, and the hash it had when it came in.
    assert_eq!(find(&origin(Some("17"), "cc")), Some((named, "aa".to_owned())));
    assert_eq!(find(&origin(None, "bb")), Some((nameless, "bb".to_owned())));
    for unknown in [origin(Some("18"), "aa"), origin(None, "aa"), origin(Some("bb"), "bb")] {
        assert_eq!(find(&unknown), None);
    }
    let other = Origin { format: "geojson".to_owned(), ..origin(Some("17"), "aa") };
    assert_eq!(find(&other), None);
}

#[test]
fn a_file_is_missed_until_it_is_complete_here() {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    let sealed = store.attachments().seal(&mut &b"photo"[..], &mut |_| true, &mut rng(1)).unwrap();
    let mut attach = |store: &mut Store, detached: Option<Vec<u8>>, hidden: bool| {
        let (id, entry) = writer.create(b"record", detached);
        let row = EvidenceProjection {
            incident: DocumentId::new([8; 16]),
            hash: ContentHash::new([4; 32]),
            byte_len: 5,
            mime: "image/jpeg".to_owned(),
            name: String::new(),
            caption: String::new(),
            flags: 0,
            hidden,
            destroyed: false,
            forms: Vec::new(),
        };
        let mut commit = writer.commit(vec![entry.clone()]);
        commit.documents = vec![writer.update(id, entry.entry.position, vec![1], row)];
        store.commit(commit).unwrap();
        id
    };
    let id = attach(&mut store, Some(FileSecrets::from(sealed.secret.clone()).encode()), false);
    // Without a key, or hidden, it is not missed.
    attach(&mut store, None, false);
    attach(
        &mut store,
        Some(FileSecrets::from(AttachmentSecret { key: [1; 32], table: [2; 32], root: [3; 32] }).encode()),
        true,
    );
    let missed =
        |store: &Store| store.missing_evidence().unwrap().iter().map(|row| row.document).collect::<Vec<_>>();
    assert_eq!(missed(&store), [id]);
    let mut commit = Commit::new(SPACE);
    commit.attachments = vec![sealed];
    store.commit(commit).unwrap();
    assert_eq!(missed(&store), []);
}
