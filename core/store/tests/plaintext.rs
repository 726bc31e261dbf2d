//! Nothing that was entered can be read from the files of a home, in whatever form.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use common::{Folder, KEY, SPACE, Writer, rng, titled};
use firsthand_ids::{ContentHash, DocumentId, OperationHash};
use firsthand_store::*;
use rand_chacha::rand_core::Rng;

/// Letters that no file holds by chance.
fn canaries() -> Vec<String> {
    let mut rng = rng(77);
    let word = |_| (0..20).map(|_| char::from(b'a' + (rng.next_u32() % 26) as u8)).collect();
    (0..50).map(word).collect()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let six =
        bits.chunks_exact(6).map(|six| six.iter().fold(0, |number, bit| number << 1 | usize::from(*bit)));
    six.map(|number| char::from(LETTERS[number])).collect()
}

/// A canary in every form that it might stand in a file.
fn forms(canary: &str) -> Vec<Vec<u8>> {
    let hex: String = canary.bytes().map(|byte| format!("{byte:02x}")).collect();
    let wide: Vec<u16> = canary.encode_utf16().collect();
    let mut forms = vec![
        canary.as_bytes().to_vec(),
        canary.to_uppercase().into_bytes(),
        hex.clone().into_bytes(),
        hex.to_uppercase().into_bytes(),
        wide.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
        wide.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
    ];
    // In base64 a text looks differently at each of three places.
    forms.extend((0..3).map(|skip| base64(&canary.as_bytes()[skip..]).into_bytes()));
    forms
}

/// The forms by their first eight bytes, so that a file is read once; most places are passed over by their first two.
struct Search {
    forms: HashMap<[u8; 8], Vec<Vec<u8>>>,
    starts: Vec<bool>,
}

impl Search {
    fn new(canaries: &[String]) -> Self {
        let mut search = Self { forms: HashMap::new(), starts: vec![false; 1 << 16] };
        for form in canaries.iter().flat_map(|canary| forms(canary)) {
            search.starts[usize::from(form[0]) << 8 | usize::from(form[1])] = true;
            search.forms.entry(*form.first_chunk().unwrap()).or_default().push(form);
        }
        search
    }

    fn hits(&self, bytes: &[u8]) -> usize {
        let found = |at: usize| {
            let start = bytes[at..].first_chunk::<8>().and_then(|start| self.forms.get(start));
            start.is_some_and(|forms| forms.iter().any(|form| bytes[at..].starts_with(form)))
        };
        let pairs = bytes.windows(2).enumerate();
        let likely = pairs.filter(|(_, pair)| self.starts[usize::from(pair[0]) << 8 | usize::from(pair[1])]);
        likely.filter(|(at, _)| found(*at)).count()
    }

    /// Every file under a folder, and the names of the files.
    fn assert_clean(&self, dir: &Path) -> u64 {
        let mut read = 0;
        for file in fs::read_dir(dir).unwrap() {
            let path = file.unwrap().path();
            assert_eq!(self.hits(path.to_string_lossy().as_bytes()), 0);
            if path.is_dir() {
                read += self.assert_clean(&path);
            } else {
                let bytes = fs::read(&path).unwrap();
                assert_eq!(self.hits(&bytes), 0, "{}", path.display());
                read += bytes.len() as u64;
            }
        }
        read
    }
}

#[test]
fn canaries_are_found_where_they_are() {
    let canaries = canaries();
    let search = Search::new(&canaries);
    for form in canaries.iter().flat_map(|canary| forms(canary)) {
        assert_eq!(search.hits(&[b"before ".as_slice(), &form, b" after"].concat()), 1);
    }
    for lead in 0..3 {
        let text = format!("{}{}..", "x".repeat(lead), canaries[0]);
        assert!(search.hits(base64(text.as_bytes()).as_bytes()) > 0);
    }
}

#[test]
fn a_home_holds_no_plaintext() {
    let canaries = canaries();
    let search = Search::new(&canaries);
    let folder = Folder::new();
    let mut rng = rng(5);
    let home = Home::create(folder.home()).unwrap();
    let unlock = Unlock::Passphrase(&canaries[0]);
    let mut store = Store::create(home, unlock, &LaptopVault, SlotOptions::FLOOR, &mut rng).unwrap();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    let mut words = canaries[1..].iter();
    let mut word = || words.next().cloned().unwrap();
    for _ in 0..9 {
        let row = IncidentProjection {
            text: format!("The narrative says {}.", word()),
            category: Some(word()),
            ..titled(&word())
        };
        writer.log(&mut store, row);
        let mut plain = word().into_bytes().repeat(30_000);
        plain.truncate(300_000);
        let sealed = store.attachments().seal(&mut &plain[..], &mut |_| true, &mut rng).unwrap();
        let name = word();
        let (id, entry) =
            writer.create(name.as_bytes(), Some(FileSecrets::from(sealed.secret.clone()).encode()));
        let row = EvidenceProjection {
            incident: DocumentId::new([1; 16]),
            hash: ContentHash::new([2; 32]),
            byte_len: sealed.byte_len,
            mime: "text/plain".to_owned(),
            name: name.clone(),
            caption: name,
            flags: 0,
            hidden: false,
            destroyed: false,
            forms: Vec::new(),
        };
        let mut commit = writer.commit(vec![entry.clone()]);
        commit.documents = vec![writer.update(id, entry.entry.position, plain, row)];
        commit.attachments = vec![sealed];
        store.commit(commit).unwrap();
    }
    let mut commit = Commit::new(SPACE);
    commit.settings = vec![(word(), word().into_bytes())];
    commit.operations = vec![(OperationHash::new([1; 32]), word().into_bytes())];
    store.commit(commit).unwrap();

    // While it is open, with the write-ahead log full of it, before and after the words are indexed.
    search.assert_clean(&folder.home());
    store.index_pending(1000).unwrap();
    assert_eq!(store.search(&canaries[1], 10).unwrap().len(), 1);
    let read = search.assert_clean(&folder.home());
    assert!(read > 9 * 300_000);
    // As a pulled battery leaves it, closed, and opened again.
    search.assert_clean(&folder.pulled().home());
    drop(store);
    search.assert_clean(&folder.home());
    let store = Store::open(Home::open(folder.home()).unwrap(), unlock, &LaptopVault).unwrap();
    assert_eq!(store.incidents(&IncidentQuery::default()).unwrap().len(), 9);
    search.assert_clean(&folder.home());
    assert!(!fs::read(folder.home().join("slots")).unwrap().windows(32).any(|window| window == KEY));
}
