//! Real changes: what Automerge writes is read, taken apart, sent lean and put together byte for byte.

use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ObjType, ReadDoc};
use firsthand_ids::{ChangeHash, DocumentId};
use firsthand_log::change::{self, ChangeParts};
use firsthand_log::lean::decode_batch;
use firsthand_log::{EntryKind, Vector, document_id};

use crate::support::{Dice, Held, Log, SPACE, encode_for, entry};

/// An empty document of one author.
fn document(log: &Log, author: usize) -> AutoCommit {
    let actor = ActorId::from(*log.authors[author].writer().as_bytes());
    AutoCommit::load(&[]).unwrap().with_actor(actor)
}

/// One edit, as somebody in the field makes it: a field, a word in a text, an item in a list, a counter.
fn edit(dice: &mut Dice, document: &mut AutoCommit) {
    let root = automerge::ROOT;
    let text = match document.get(&root, "text").unwrap() {
        Some((_, id)) => id,
        None => document.put_object(&root, "text", ObjType::Text).unwrap(),
    };
    match dice.below(4) {
        0 => {
            let key = format!("field {}", dice.below(6));
            document.put(&root, key, dice.magnitude()).unwrap();
        }
        1 => {
            let at = dice.below(document.length(&text) as u64 + 1) as usize;
            document.splice_text(&text, at, 0, "سمعت إطلاق نار near the school. ").unwrap();
        }
        2 => {
            let len = document.length(&text);
            let delete = dice.below(len as u64 / 2 + 1) as isize;
            document.splice_text(&text, 0, delete, "é").unwrap();
        }
        _ => {
            let map = document.put_object(&root, format!("map {}", dice.below(3)), ObjType::Map).unwrap();
            document.put(&map, "key", "value ".repeat(dice.below(5) as usize)).unwrap();
            document.put(&map, "number", dice.magnitude() as i64).unwrap();
        }
    }
}

/// Makes the edits since last time one change and gives its bytes.
fn commit(document: &mut AutoCommit) -> Option<(Vec<u8>, [u8; 32])> {
    let hash = document.commit()?;
    // `bytes` would deflate from 256 bytes on; the log takes changes as they are.
    Some((document.get_change_by_hash(&hash)?.raw_bytes().to_vec(), hash.0))
}

#[test]
fn changes_of_several_actors_survive_the_road() {
    const RUNS: u64 = 64;
    let mut mixed = 0;
    for seed in 0..RUNS {
        let mut dice = Dice::new(seed);
        let mut log = Log::random(&mut dice, 3, 0);
        let mut replicas: Vec<AutoCommit> = (0..3).map(|author| document(&log, author)).collect();
        let mut id: Option<DocumentId> = None;
        let mut saw_others = false;
        for _ in 0..30 {
            let author = dice.below(3) as usize;
            if dice.one_in(2) {
                let mut other = replicas[dice.below(3) as usize].fork();
                replicas[author].merge(&mut other).unwrap();
            }
            for _ in 0..=dice.below(3) {
                edit(&mut dice, &mut replicas[author]);
            }
            let Some((bytes, hash)) = commit(&mut replicas[author]) else { continue };

            assert_eq!(change::hash(&bytes), Some(ChangeHash::new(hash)));
            let (read, parts) = ChangeParts::read(&bytes).unwrap();
            assert_eq!(read, ChangeHash::new(hash));
            assert_eq!(parts.build_hashed(), (ChangeHash::new(hash), bytes.clone()));
            assert_eq!(change::dependencies(&bytes), Ok(parts.dependencies.clone()));
            assert_eq!(parts.writer(), Some(log.authors[author].writer()));
            saw_others |= !parts.other_actors.is_empty();
            let change = automerge::Change::from_bytes(bytes.clone()).unwrap();
            let dependencies: Vec<[u8; 32]> = change.deps().iter().map(|hash| hash.0).collect();
            let read: Vec<[u8; 32]> = parts.dependencies.iter().map(|hash| *hash.as_bytes()).collect();
            assert_eq!(dependencies, read);
            assert_eq!((change.seq(), change.start_op().get()), (parts.sequence, parts.start_op));
            assert_eq!(change.timestamp(), parts.time);

            let kind = if id.is_none() { EntryKind::Create } else { EntryKind::Change };
            let nonce = id.is_none().then_some([7; 16]);
            let place = log.authors[author].position().next();
            let document = *id
                .get_or_insert_with(|| document_id(&SPACE, &log.authors[author].writer(), place, &[7; 16]));
            let mut next = entry(&log.authors[author], kind, Some(document), bytes);
            next.nonce = nonce;
            log.append(author, next);
        }
        mixed += u64::from(saw_others);

        for vector in [Vector::new(), log.random_part(&mut dice)] {
            let bytes = encode_for(&log, &vector);
            let received = decode_batch(&bytes, &SPACE, &Held { log: &log, vector: &vector }).unwrap();
            assert_eq!(received.entries, log.lacking(&vector).entries);
        }
        let raw: usize = log.entries.iter().map(|(_, entry)| entry.body.len()).sum();
        let lean = encode_for(&log, &Vector::new()).len();
        assert!(lean < raw, "seed {seed}: {lean} bytes lean, {raw} raw");
    }
    assert!(mixed > RUNS / 2, "too few of the changes name what others made: {mixed}");
}
