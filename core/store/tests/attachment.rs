//! Attachments: sealed, read, damaged, received in any order and over any cut.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::fs;
use std::io::{self, Read};

use common::{Folder, SPACE, rng};
use firsthand_ids::{ContentHash, sha256};
use firsthand_record::VariantKind;
use firsthand_store::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

fn bytes(rng: &mut ChaCha8Rng, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn add(store: &Store, plain: &[u8], rng: &mut ChaCha8Rng) -> SealedAttachment {
    store.attachments().seal(&mut &plain[..], &mut |_| true, rng).unwrap()
}

fn read(store: &Store, sealed: &SealedAttachment) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::new();
    let len = store.attachments().read(&sealed.secret, &sealed.hash, &mut out, &mut |_| true)?;
    assert_eq!(len as usize, out.len());
    Ok(out)
}

fn files(folder: &Folder) -> Vec<std::path::PathBuf> {
    let dir = fs::read_dir(folder.home().join("attachments")).unwrap();
    let mut files: Vec<_> = dir.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn whole(receiving: Receiving, hash: &ContentHash) -> SealedAttachment {
    match receiving.finish(hash).unwrap() {
        Arrived::Whole(sealed) => sealed,
        Arrived::Damaged(_) => panic!("nothing was damaged"),
    }
}

fn flip(path: &std::path::Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 4;
    fs::write(path, bytes).unwrap();
}

fn below(rng: &mut ChaCha8Rng, limit: usize) -> usize {
    rng.next_u64() as usize % limit
}

/// Gives a few bytes at a time, as a pipe does.
struct Trickle<'a>(&'a [u8], ChaCha8Rng);

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = (1 + below(&mut self.1, 100_000)).min(out.len());
        if below(&mut self.1, 10) == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.0.read(&mut out[..len])
    }
}

#[test]
fn files_of_every_length_come_back_whole() {
    let (folder, mut rng) = (Folder::new(), rng(1));
    let store = folder.create();
    for len in
        [0, 1, 1000, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 5 * CHUNK_BYTES + 17]
    {
        let plain = bytes(&mut rng, len);
        let mut heard = Vec::new();
        let mut source = Trickle(&plain, rng.clone());
        let sealed = store
            .attachments()
            .seal(
                &mut source,
                &mut |done| {
                    heard.push(done);
                    true
                },
                &mut rng,
            )
            .unwrap();
        assert_eq!((sealed.hash, sealed.byte_len), (ContentHash::new(sha256(&plain)), len as u64));
        assert!(heard.is_sorted() && heard.last() == Some(&(len as u64)));
        assert_eq!(read(&store, &sealed).unwrap(), plain);
        assert_eq!(
            store.attachments().read(&sealed.secret, &sealed.hash, &mut io::sink(), &mut |_| true).unwrap(),
            len as u64
        );
        assert_eq!(store.attachments().state(&sealed.secret).unwrap(), AttachmentState::Complete);
        let table = store.attachments().table(&sealed.secret).unwrap();
        assert_eq!(
            (table.byte_len(), table.chunks() as usize),
            (len as u64, len.div_ceil(CHUNK_BYTES).max(1))
        );
    }
}

#[test]
fn one_content_sealed_twice_shows_nothing_in_common() {
    let (folder, mut rng) = (Folder::new(), rng(2));
    let store = folder.create();
    let (first, second) = (add(&store, b"the same", &mut rng), add(&store, b"the same", &mut rng));
    assert_eq!(first.hash, second.hash);
    let files = files(&folder);
    assert_eq!(files.len(), 2);
    assert_ne!(fs::read(&files[0]).unwrap()[16..], fs::read(&files[1]).unwrap()[16..]);
    let digest = first.hash.to_string();
    assert!(files.iter().all(|file| !digest.starts_with(&file.file_name().unwrap().to_string_lossy()[..8])));
}

#[test]
fn a_reader_that_fails_leaves_nothing() {
    struct Fails(usize);
    impl Read for Fails {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0 -= 1;
            Ok(out.len())
        }
    }
    let folder = Folder::new();
    let store = folder.create();
    let failed = store.attachments().seal(&mut Fails(3), &mut |_| true, &mut rng(3));
    assert!(matches!(failed, Err(StoreError::Full)));
    assert_eq!(files(&folder), [] as [std::path::PathBuf; 0]);
}

#[test]
fn damage_is_never_read_as_content() {
    let (folder, mut rng) = (Folder::new(), rng(4));
    let mut store = folder.create();
    let plain = bytes(&mut rng, 2 * CHUNK_BYTES + 1000);
    let sealed = add(&store, &plain, &mut rng);
    let mut commit = Commit::new(SPACE);
    commit.attachments = vec![sealed.clone()];
    store.commit(commit).unwrap();
    assert_eq!(store.check(&mut |_| {}).unwrap().attachments, 1);
    let path = files(&folder).remove(0);
    let whole = fs::read(&path).unwrap();
    for _ in 0..60 {
        let (at, bit) = (below(&mut rng, whole.len()), below(&mut rng, 8));
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << bit;
        fs::write(&path, &flipped).unwrap();
        assert!(matches!(read(&store, &sealed), Err(StoreError::AttachmentMismatch)), "byte {at}");
        let damage = store.check(&mut |_| {}).unwrap().damage;
        let chunk = (at.saturating_sub(16) / (CHUNK_BYTES + 16)) as u32;
        let named = match &damage[..] {
            [Damage::AttachmentChunks { chunks, .. }] => *chunks == [chunk],
            [Damage::AttachmentUnreadable { .. }] => at < 16 || at >= whole.len() - 3 * 32 - 8,
            _ => false,
        };
        assert!(named, "byte {at}: {damage:?}");
    }
    for len in [0, 1, 16, 24, 1000, CHUNK_BYTES, whole.len() - 1] {
        fs::write(&path, &whole[..len]).unwrap();
        assert!(matches!(read(&store, &sealed), Err(StoreError::AttachmentMismatch)), "{len}");
        assert!(matches!(
            store.check(&mut |_| {}).unwrap().damage[..],
            [Damage::AttachmentUnreadable { .. }]
        ));
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(read(&store, &sealed), Err(StoreError::AttachmentAbsent)));
    assert!(matches!(store.check(&mut |_| {}).unwrap().damage[..], [Damage::AttachmentMissing { .. }]));
    fs::write(&path, &whole).unwrap();
    assert_eq!(store.check(&mut |_| {}).unwrap().damage, []);
    assert_eq!(read(&store, &sealed).unwrap(), plain);

    let mut other = sealed.clone();
    other.secret.table[0] ^= 1;
    assert!(matches!(read(&store, &other), Err(StoreError::AttachmentAbsent)));
    let mut other = sealed.clone();
    other.hash = ContentHash::new([0; 32]);
    assert!(matches!(read(&store, &other), Err(StoreError::AttachmentMismatch)));
    let mut other = sealed;
    other.secret.key[0] ^= 1;
    assert!(matches!(read(&store, &other), Err(StoreError::AttachmentAbsent)));
}

#[test]
fn chunks_arrive_in_any_order_over_any_cut() {
    for seed in 0..12 {
        let mut rng = rng(100 + seed);
        let (folder, other) = (Folder::new(), Folder::new());
        let (sender, mut receiver) = (folder.create(), other.create());
        let len = below(&mut rng, 12 * CHUNK_BYTES);
        let plain = bytes(&mut rng, len);
        let sealed = add(&sender, &plain, &mut rng);
        let secret = &sealed.secret;
        let encoded = sender.attachments().table(secret).unwrap().encode();
        assert_eq!(receiver.attachments().state(secret).unwrap(), AttachmentState::Absent);
        let part = other
            .home()
            .join("attachments")
            .join(files(&folder)[0].file_name().unwrap())
            .with_extension("part");
        let mut cuts = 0;
        loop {
            let table = ChunkTable::decode(&encoded, secret).unwrap();
            let total = table.chunks();
            let mut receiving = receiver.attachments().receive(secret, table).unwrap();
            for _ in 0..below(&mut rng, 6) {
                let chunk = below(&mut rng, total as usize) as u32;
                let mut bytes = sender.attachments().chunk(secret, chunk).unwrap();
                if below(&mut rng, 3) == 0 {
                    let at = below(&mut rng, bytes.len());
                    bytes[at] ^= 1;
                    let refused = receiving.put(chunk, &bytes);
                    assert!(matches!(refused, Err(StoreError::AttachmentMismatch)));
                    continue;
                }
                receiving.put(chunk, &bytes).unwrap();
            }
            let refused = receiving.put(total, b"beyond");
            assert!(matches!(refused, Err(StoreError::AttachmentMismatch)));
            let missing: Vec<_> = receiving.missing().collect();
            let present = total - missing.len() as u32;
            assert_eq!(receiving.state(), AttachmentState::Partial { present, total });
            assert_eq!(receiver.attachments().state(secret).unwrap(), receiving.state());
            if missing.is_empty() || cuts > 40 {
                for chunk in missing {
                    receiving.put(chunk, &sender.attachments().chunk(secret, chunk).unwrap()).unwrap();
                }
                assert_eq!(whole(receiving, &sealed.hash), sealed);
                break;
            }
            match below(&mut rng, 4) {
                0 => assert!(matches!(receiving.finish(&sealed.hash), Err(StoreError::AttachmentAbsent))),
                1 => {
                    drop(receiver);
                    receiver = other.open();
                }
                // The battery was pulled, and what was not synced is garbage.
                2 => {
                    drop(receiving);
                    let mut torn = fs::read(&part).unwrap();
                    let at = below(&mut rng, torn.len());
                    let end = torn.len().min(at + 5000);
                    torn[at..end].fill(0);
                    fs::write(&part, torn).unwrap();
                }
                _ => {}
            }
            cuts += 1;
        }
        assert!(!part.exists());
        assert_eq!(receiver.attachments().state(secret).unwrap(), AttachmentState::Complete);
        assert_eq!(fs::read(&files(&folder)[0]).unwrap(), fs::read(&files(&other)[0]).unwrap());
        assert_eq!(read(&receiver, &sealed).unwrap(), plain);
        // Once more, of what is complete, asks for nothing.
        let table = ChunkTable::decode(&encoded, secret).unwrap();
        let again = receiver.attachments().receive(secret, table).unwrap();
        assert_eq!(again.missing().count(), 0);
        assert_eq!(again.state(), AttachmentState::Complete);
        assert_eq!(whole(again, &sealed.hash), sealed);
    }
}

#[test]
fn a_record_that_lies_about_the_content_is_not_believed() {
    let mut rng = rng(7);
    let (folder, other) = (Folder::new(), Folder::new());
    let (sender, receiver) = (folder.create(), other.create());
    let sealed = add(&sender, b"something else", &mut rng);
    let table = sender.attachments().table(&sealed.secret).unwrap();
    let mut receiving = receiver.attachments().receive(&sealed.secret, table).unwrap();
    receiving.put(0, &sender.attachments().chunk(&sealed.secret, 0).unwrap()).unwrap();
    let finished = receiving.finish(&ContentHash::new([1; 32]));
    assert!(matches!(finished, Err(StoreError::AttachmentMismatch)));
    assert_eq!(receiver.attachments().state(&sealed.secret).unwrap(), AttachmentState::Absent);
    let kept = files(&other);
    assert!(kept.len() == 1 && kept[0].extension().unwrap() == "refused");
}

#[test]
fn tables_from_peers_are_read_or_refused() {
    let (folder, mut rng) = (Folder::new(), rng(8));
    let store = folder.create();
    let plain = bytes(&mut rng, 3 * CHUNK_BYTES);
    let sealed = add(&store, &plain, &mut rng);
    let table = store.attachments().table(&sealed.secret).unwrap();
    let encoded = table.encode();
    assert_eq!(ChunkTable::decode(&encoded, &sealed.secret).unwrap(), table);
    for at in 0..encoded.len() {
        let mut flipped = encoded.clone();
        flipped[at] ^= 1 << below(&mut rng, 8);
        assert!(matches!(ChunkTable::decode(&flipped, &sealed.secret), Err(StoreError::AttachmentMismatch)));
        assert!(ChunkTable::decode(&encoded[..at], &sealed.secret).is_err());
    }
    for len in 0..200 {
        let garbage = bytes(&mut rng, len);
        assert!(ChunkTable::decode(&garbage, &sealed.secret).is_err());
    }
    let huge = u64::MAX.to_le_bytes();
    assert!(ChunkTable::decode(&huge, &sealed.secret).is_err());
}

#[test]
fn what_is_spoilt_on_the_disk_while_a_file_arrives_is_asked_for_again() {
    let mut rng = rng(9);
    let (folder, other) = (Folder::new(), Folder::new());
    let (sender, receiver) = (folder.create(), other.create());
    let plain = bytes(&mut rng, 2 * CHUNK_BYTES + 100);
    let sealed = add(&sender, &plain, &mut rng);
    let encoded = sender.attachments().table(&sealed.secret).unwrap().encode();
    let table = || ChunkTable::decode(&encoded, &sealed.secret).unwrap();
    let mut receiving = receiver.attachments().receive(&sealed.secret, table()).unwrap();
    for chunk in 0..3 {
        for chunk in receiving.missing().collect::<Vec<_>>() {
            receiving.put(chunk, &sender.attachments().chunk(&sealed.secret, chunk).unwrap()).unwrap();
        }
        flip(&files(&other)[0], 16 + chunk as usize * (CHUNK_BYTES + 16) + 50);
        receiving = match receiving.finish(&sealed.hash).unwrap() {
            Arrived::Damaged(again) => again,
            Arrived::Whole(_) => panic!("chunk {chunk} is another"),
        };
        assert_eq!(receiving.missing().collect::<Vec<_>>(), [chunk]);
    }
    // What proves the chunks is known, so nothing need come again.
    receiving.put(2, &sender.attachments().chunk(&sealed.secret, 2).unwrap()).unwrap();
    let part = files(&other).remove(0);
    flip(&part, 3);
    flip(&part, fs::metadata(&part).unwrap().len() as usize - 20);
    assert_eq!(whole(receiving, &sealed.hash), sealed);
    assert_eq!(read(&receiver, &sealed).unwrap(), plain);
    // The same of a file that lay complete here when a crash kept it from being noted.
    flip(&files(&other)[0], 20);
    let receiving = receiver.attachments().receive(&sealed.secret, table()).unwrap();
    let Arrived::Damaged(mut receiving) = receiving.finish(&sealed.hash).unwrap() else {
        panic!("chunk 0 is another")
    };
    receiving.put(0, &sender.attachments().chunk(&sealed.secret, 0).unwrap()).unwrap();
    assert_eq!(whole(receiving, &sealed.hash), sealed);
}

#[test]
fn opening_settles_what_an_interrupted_sealing_left_and_touches_nothing_else() {
    let (folder, mut rng) = (Folder::new(), rng(10));
    let mut store = folder.create();
    let sealed = add(&store, b"recorded", &mut rng);
    let mut commit = Commit::new(SPACE);
    commit.attachments = vec![sealed.clone()];
    store.commit(commit).unwrap();
    let recorded = files(&folder).remove(0);
    assert_eq!(recorded.extension(), None);
    add(&store, b"never recorded", &mut rng);
    // As if the program had ended between the commit and the renaming.
    fs::rename(&recorded, recorded.with_extension("new")).unwrap();
    assert_eq!(read(&store, &sealed).unwrap(), b"recorded");
    assert_eq!(store.check(&mut |_| {}).unwrap().damage, []);
    drop(store);
    let dir = folder.home().join("attachments");
    for name in ["0123.new", "0123.part", "0123.refused", "0123"] {
        fs::write(dir.join(name), b"x").unwrap();
    }
    let store = folder.open();
    let left: Vec<_> = files(&folder).iter().map(|file| dir.join(file.file_name().unwrap())).collect();
    let mut expected = vec![dir.join("0123"), dir.join("0123.part"), dir.join("0123.refused"), recorded];
    expected.sort();
    assert_eq!(left, expected);
    assert_eq!(read(&store, &sealed).unwrap(), b"recorded");
}

#[test]
fn what_nothing_records_stays_while_something_is_missing_here() {
    let (folder, mut rng) = (Folder::new(), rng(11));
    let store = folder.create();
    add(&store, b"recorded by what is gone", &mut rng);
    drop(store);
    fs::remove_file(folder.home().join("head")).unwrap();
    assert!(!folder.open().doubts().is_empty());
    assert_eq!(files(&folder).len(), 1);
}

#[test]
fn sealing_and_reading_stop_when_they_are_told_to() {
    let (folder, mut rng) = (Folder::new(), rng(12));
    let store = folder.create();
    let plain = bytes(&mut rng, 3 * CHUNK_BYTES);
    let stop_at = |at: u64| move |done: u64| done < at;
    for at in [1, CHUNK_BYTES as u64 + 1, plain.len() as u64] {
        let stopped = store.attachments().seal(&mut &plain[..], &mut stop_at(at), &mut rng);
        assert!(matches!(stopped, Err(StoreError::Stopped)));
        assert_eq!(files(&folder), [] as [std::path::PathBuf; 0]);
    }
    let sealed = add(&store, &plain, &mut rng);
    for at in [1, plain.len() as u64] {
        let read = store.attachments().read(&sealed.secret, &sealed.hash, &mut io::sink(), &mut stop_at(at));
        assert!(matches!(read, Err(StoreError::Stopped)));
    }
    store.attachments().discard(&sealed).unwrap();
    store.attachments().discard(&sealed).unwrap();
    assert_eq!(files(&folder), [] as [std::path::PathBuf; 0]);
}

/// Somebody who knows the key of a file seals another one under it.
#[test]
fn a_second_file_under_the_key_of_another_harms_neither() {
    struct SameKey;
    impl rand_chacha::rand_core::TryRng for SameKey {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(7)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(7)
        }
        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
            out.fill(7);
            Ok(())
        }
    }
    impl rand_chacha::rand_core::TryCryptoRng for SameKey {}
    let (honest, hostile, other) = (Folder::new(), Folder::new(), Folder::new());
    let contents: [&[u8]; 2] = [b"the photo", b"another photo"];
    let [first, second] = [&honest, &hostile].map(Folder::create);
    let receiver = other.create();
    let sealed = [(&first, contents[0]), (&second, contents[1])]
        .map(|(store, mut plain)| store.attachments().seal(&mut plain, &mut |_| true, &mut SameKey).unwrap());
    assert_eq!(sealed[0].secret.key, sealed[1].secret.key);
    for (store, sealed) in [(&second, &sealed[1]), (&first, &sealed[0])] {
        let table = store.attachments().table(&sealed.secret).unwrap();
        let mut receiving = receiver.attachments().receive(&sealed.secret, table).unwrap();
        receiving.put(0, &store.attachments().chunk(&sealed.secret, 0).unwrap()).unwrap();
        assert_eq!(whole(receiving, &sealed.hash), *sealed);
    }
    for (sealed, content) in sealed.iter().zip(contents) {
        assert_eq!(read(&receiver, sealed).unwrap(), content);
        // A record that names the true file and another content leaves the file where it is.
        let table = receiver.attachments().table(&sealed.secret).unwrap();
        let again = receiver.attachments().receive(&sealed.secret, table).unwrap();
        let lie = again.finish(&ContentHash::new([1; 32]));
        assert!(matches!(lie, Err(StoreError::AttachmentMismatch)));
        assert_eq!(read(&receiver, sealed).unwrap(), content);
    }
}

#[test]
fn what_opens_a_file_and_its_forms_is_read_as_it_was_written() {
    let secret =
        |number: u8| AttachmentSecret { key: [number; 32], table: [number + 1; 32], root: [number + 2; 32] };
    let (thumb, preview) = ((VariantKind::Thumb, secret(3)), (VariantKind::Preview, secret(5)));
    let alone = FileSecrets::from(secret(1));
    let all = FileSecrets { original: secret(1), forms: vec![thumb.clone(), preview.clone()] };
    // As docs/formats/evidence.md says.
    let three = |number: u8| [[number; 32], [number + 1; 32], [number + 2; 32]].concat();
    let golden = [&[1][..], &three(1), &[1], &three(3), &[2], &three(5)].concat();
    assert_eq!(all.encode(), golden);
    assert_eq!(alone.encode(), golden[..97]);
    assert_eq!(FileSecrets::decode(&golden), Some(all.clone()));
    assert_eq!(FileSecrets::decode(&golden[..97]), Some(alone.clone()));
    assert_eq!(all.form(VariantKind::Original), Some(&secret(1)));
    assert_eq!(all.form(VariantKind::Preview), Some(&secret(5)));
    assert_eq!(alone.form(VariantKind::Preview), None);
    // A form that a newer version knows, what it appended, a second of one kind, and one that was cut off.
    let newer = [&golden[..97], &[9], &[7; 96], &golden[97..], &[1], &[8; 96], &[2, 0, 0]].concat();
    assert_eq!(FileSecrets::decode(&newer), Some(all));
    let original = [&golden[..97], &[0], &[7; 96]].concat();
    assert_eq!(FileSecrets::decode(&original), Some(alone));
    for bytes in [&golden[..96], &[], &[[2].as_slice(), &golden[1..]].concat()] {
        assert_eq!(FileSecrets::decode(bytes), None);
    }
}
