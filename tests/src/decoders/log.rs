use automerge::{Automerge, LoadOptions, TextEncoding};
use firsthand_document::{Document, Incoming, NoAuthors, Outcome};
use firsthand_ids::{Position, SpaceId};
use firsthand_log::change::ChangeParts;
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::compress::{Unpacker, decompress_document};
use firsthand_log::lean::decode_batch;
use firsthand_log::{Bind, Vector};
use firsthand_store::Section;

use super::samples::{base_document, first_writer};
use crate::poison::Nothing;

pub(super) fn batch(bytes: &[u8]) {
    let space = SpaceId::new([1; 16]);
    if let Ok(batch) = decode_batch(bytes, &space, &Nothing) {
        assert!(batch.entries.len() <= bytes.len(), "an entry takes at least a byte");
    }
}

pub(super) fn vector(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    if let Ok(vector) = Vector::decode(&mut reader) {
        let mut out = Writer::new();
        vector.encode(&mut out);
        let again = out.into_bytes();
        assert_eq!(Vector::decode(&mut Reader::new(&again)).unwrap(), vector);
    }
}

pub(super) fn bind(bytes: &[u8]) {
    if let Ok(bind) = Bind::decode(bytes) {
        assert_eq!(Bind::decode(&bind.encode()).unwrap(), bind);
    }
}

pub(super) fn change(bytes: &[u8]) {
    if let Ok((hash, parts)) = ChangeParts::read(bytes) {
        let again = parts.build();
        let (other, _) = ChangeParts::read(&again).unwrap();
        assert_eq!(again == bytes, other == hash, "one hash, one change");
    }
}

/// A change for a document that is there. Whatever is applied can be saved and loaded again, and Automerge agrees.
pub(super) fn guard(bytes: &[u8]) {
    for (create, mut document) in [(true, Document::empty()), (false, base_document())] {
        let position = Position(if create { 2 } else { 9 });
        let incoming = Incoming { writer: first_writer(), position, create, change: bytes };
        let applied = document.apply(&[incoming], &NoAuthors);
        if applied.outcomes == [Outcome::Applied] {
            same_as_automerge(&document);
        }
    }
}

/// A saved document, as a damaged or altered home could hold it.
pub(super) fn document(bytes: &[u8]) {
    if let Ok(document) = Document::load(bytes) {
        same_as_automerge(&document);
    }
}

fn same_as_automerge(document: &Document) {
    let saved = document.save();
    let again = Document::load(&saved).unwrap();
    assert_eq!(again.heads(), document.heads());
    let options = LoadOptions::new().text_encoding(TextEncoding::UnicodeCodePoint);
    let automerge = Automerge::load_with_options(&saved, options).unwrap();
    let mut heads: Vec<[u8; 32]> = automerge.get_heads().iter().map(|head| head.0).collect();
    heads.sort_unstable();
    let mut own: Vec<[u8; 32]> = document.heads().iter().map(|head| *head.as_bytes()).collect();
    own.sort_unstable();
    assert_eq!(own, heads);
    assert_eq!(format!("{:?}", again.view(&NoAuthors)), format!("{:?}", document.view(&NoAuthors)));
}

/// A compressed batch with the length that it claims, and a compressed document.
pub(super) fn packed(bytes: &[u8]) {
    const MOST: usize = 4 * 1024 * 1024;
    if let Some((len, packed)) = bytes.split_first_chunk::<4>() {
        let len = u32::from_le_bytes(*len) as usize % MOST;
        if let Ok(plain) = Unpacker::new().unwrap().unpack(packed, len) {
            assert_eq!(plain.len(), len);
        }
    }
    if let Ok(plain) = decompress_document(bytes, MOST) {
        assert!(plain.len() <= MOST);
    }
}

/// A section of a closed period, as a damaged home could hold it.
pub(super) fn closed(bytes: &[u8]) {
    const MOST: usize = 2 * 1024 * 1024;
    if let Ok(section) = Section::decode(bytes) {
        let contents = section.names().map(|name| section.content(name).unwrap().len());
        assert!(contents.sum::<usize>() <= MOST);
    }
}
