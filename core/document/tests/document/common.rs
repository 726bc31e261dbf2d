//! What the tests of this crate share.

pub(crate) mod forge;

use std::collections::BTreeMap;

use automerge::{Automerge, LoadOptions, TextEncoding};
use firsthand_document::{Author, Authors, Change, Document, DocumentKind, Edit, Incoming, Outcome, Rights};
use firsthand_ids::{ChangeHash, HybridTime, LocalTime, PersonId, Position, UnixMillis, WriterId};
use serde_json::{Map, Value};

/// The writer with this number.
pub(crate) fn writer(number: u8) -> WriterId {
    WriterId::new([number; 16])
}

/// The object of a `json!` literal.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("no object: {other}"),
    }
}

/// A change as a log entry would carry it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) writer: WriterId,
    pub(crate) position: Position,
    pub(crate) create: bool,
    pub(crate) change: Change,
}

impl Entry {
    pub(crate) fn incoming(&self) -> Incoming<'_> {
        Incoming {
            writer: self.writer,
            position: self.position,
            create: self.create,
            change: &self.change.bytes,
        }
    }
}

/// A log of one document, and who wrote what with which rights.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
    pub(crate) rights: BTreeMap<WriterId, Rights>,
    authors: BTreeMap<ChangeHash, Author>,
}

impl Authors for Log {
    fn author(&self, change: &ChangeHash) -> Option<Author> {
        self.authors.get(change).copied()
    }
}

impl Log {
    /// A log in which the writers with these numbers hold every right.
    pub(crate) fn with_leads(numbers: &[u8]) -> Self {
        let rights = numbers.iter().map(|number| (writer(*number), Rights::ALL)).collect();
        Self { rights, ..Self::default() }
    }

    pub(crate) fn rights_of(&self, writer: WriterId) -> Rights {
        self.rights.get(&writer).copied().unwrap_or(Rights::NONE)
    }

    pub(crate) fn push(&mut self, writer: WriterId, create: bool, change: Change) {
        let position = Position(self.entries.len() as u64 + 2);
        let rights = self.rights_of(writer);
        let at = UnixMillis(1_700_000_000_000 + 1_000 * self.entries.len() as i64);
        let author = Author {
            writer,
            person: PersonId::new(*writer.as_bytes()),
            position,
            hybrid: HybridTime::new(at, 0),
            local: LocalTime { at, offset_minutes: 180 },
            rights,
        };
        self.authors.insert(change.hash, author);
        self.entries.push(Entry { writer, position, create, change });
    }

    /// Makes a document and notes its changes.
    pub(crate) fn create(&mut self, number: u8, fields: Value) -> Document {
        self.create_kind(DocumentKind::Incident, number, fields)
    }

    /// The same of another kind.
    pub(crate) fn create_kind(&mut self, kind: DocumentKind, number: u8, fields: Value) -> Document {
        let (document, changes) = Document::create(kind, writer(number), &object(fields)).unwrap();
        for (index, change) in changes.into_iter().enumerate() {
            self.push(writer(number), index == 0, change);
        }
        document
    }

    /// Edits a document and notes the changes.
    pub(crate) fn edit(&mut self, document: &mut Document, number: u8, edits: &[Edit]) -> Vec<ChangeHash> {
        let changes = document.edit(writer(number), self.rights_of(writer(number)), edits).unwrap();
        let hashes = changes.iter().map(|change| change.hash).collect();
        for change in changes {
            self.push(writer(number), false, change);
        }
        hashes
    }

    /// Gives a document everything of the log, and expects it to take it.
    pub(crate) fn bring(&self, document: &mut Document) {
        let incoming: Vec<_> = self.entries.iter().map(Entry::incoming).collect();
        let applied = document.apply(&incoming, self);
        for (entry, outcome) in self.entries.iter().zip(&applied.outcomes) {
            assert_eq!(*outcome, Outcome::Applied, "entry {:?} of {:?}", entry.position, entry.writer);
        }
    }

    /// A document that has everything of the log.
    pub(crate) fn replica(&self) -> Document {
        let mut document = Document::empty();
        self.bring(&mut document);
        document
    }
}

/// The document as its changes, and in Automerge.
pub(crate) fn both_forms(changes: &[Entry], log: &Log) -> [Document; 2] {
    let mut plain = Document::empty();
    let incoming: Vec<_> = changes.iter().map(Entry::incoming).collect();
    plain.apply(&incoming, log);
    let loaded = in_automerge(&plain);
    [plain, loaded]
}

/// The same document as Automerge saves it, which is how large ones are kept.
pub(crate) fn in_automerge(document: &Document) -> Document {
    if document.is_empty() {
        return document.clone();
    }
    let options = LoadOptions::new().text_encoding(TextEncoding::UnicodeCodePoint);
    let am = Automerge::load_with_options(&document.save(), options).unwrap();
    let loaded = Document::load(&am.save_nocompress()).unwrap();
    assert_eq!(loaded.save()[8], 0, "a document of Automerge, not a change");
    loaded
}

pub(crate) fn set(field: &str, value: Value) -> Edit {
    Edit::Set { field: field.into(), value }
}
