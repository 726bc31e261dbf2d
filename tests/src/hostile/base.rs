use std::collections::BTreeMap;

use automerge::transaction::Transaction;
use automerge::{ActorId, Automerge, ExpandedChange, LoadOptions, ObjId, ROOT, ReadDoc, TextEncoding};
use firsthand_document::{Author, Authors, Document, DocumentKind, Edit, Incoming, Outcome, Rights};
use firsthand_ids::{ChangeHash, HybridTime, LocalTime, PersonId, Position, UnixMillis, WriterId};
use serde_json::{Map, Value, json};

/// The number of the writer who attacks.
pub(super) const HOSTILE: u16 = 4;

/// The writer with this number.
#[must_use]
pub fn writer(number: u16) -> WriterId {
    let mut bytes = [7; 16];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    WriterId::new(bytes)
}

/// A change, and the entry's part that the guard looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Whose entry it is.
    pub writer: u16,
    pub create: bool,
    pub bytes: Vec<u8>,
}

impl Sent {
    #[must_use]
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming {
            writer: writer(self.writer),
            position: Position(2),
            create: self.create,
            change: &self.bytes,
        }
    }
}

impl Sent {
    /// The same change as another writer would have made it, with its parts altered.
    pub(super) fn by(&self, number: u16, alter: impl FnOnce(&mut ExpandedChange)) -> Self {
        let mut change = automerge::Change::try_from(&self.bytes[..]).unwrap().decode();
        change.actor_id = ActorId::from(writer(number).as_bytes());
        alter(&mut change);
        let bytes = automerge::Change::from(change).raw_bytes().to_vec();
        Self { writer: number, create: self.create, bytes }
    }
}

/// Knows the writer of each change, all with every right.
#[derive(Debug, Clone, Default)]
pub struct Leads(BTreeMap<ChangeHash, WriterId>);

impl Leads {
    /// The authors of these changes.
    pub fn of<'a>(sent: impl IntoIterator<Item = &'a Sent>) -> Self {
        let hash = |sent: &Sent| Some((firsthand_log::change::hash(&sent.bytes)?, writer(sent.writer)));
        Self(sent.into_iter().filter_map(hash).collect())
    }
}

impl Authors for Leads {
    fn author(&self, change: &ChangeHash) -> Option<Author> {
        let writer = *self.0.get(change)?;
        let at = UnixMillis(1_700_000_000_000);
        Some(Author {
            writer,
            person: PersonId::new(*writer.as_bytes()),
            position: Position(2),
            hybrid: HybridTime::new(at, 0),
            local: LocalTime { at, offset_minutes: 0 },
            rights: Rights::ALL,
        })
    }
}

/// An incident that two people have written, and what they sent for it.
#[derive(Debug, Clone)]
pub struct Base {
    pub sent: Vec<Sent>,
    pub document: Document,
}

impl Default for Base {
    fn default() -> Self {
        Self::new()
    }
}

impl Base {
    #[must_use]
    pub fn new() -> Self {
        let fields = json!({
            "title": "Men at the gate", "severity": "Severe", "short_code": "K7-014", "urgency": "Past",
            "place": { "lat": -1.28, "lon": 36.81, "source": "map_pin" },
            "narrative": "Two men stood at the gate from ten to noon. One had a radio. 🚌 رجلان",
            "counts": [{ "what": "injured", "low": 1 }, { "what": "detained", "low": 0, "high": 2 }],
        });
        let Value::Object(fields) = fields else { unreachable!("an object") };
        Self::with(&fields)
    }

    fn with(fields: &Map<String, Value>) -> Self {
        let (document, changes) = Document::create(DocumentKind::Incident, writer(1), fields).unwrap();
        let mut sent = Vec::new();
        for (index, change) in changes.into_iter().enumerate() {
            sent.push(Sent { writer: 1, create: index == 0, bytes: change.bytes });
        }
        let mut base = Self { sent, document };
        let set = |field: &str, value: &str| Edit::Set { field: field.into(), value: value.into() };
        base.edit(2, &[set("title", "Two men at the gate"), set("severity", "Moderate")]);
        base.edit(
            1,
            &[Edit::Splice { field: "narrative".into(), at: 8, delete: 5, insert: "waited".into() }],
        );
        base.edit(2, &[Edit::Add { list: "counts".into(), value: json!({ "low": 2 }) }]);
        base
    }

    fn edit(&mut self, number: u16, edits: &[Edit]) {
        for change in self.document.edit(writer(number), Rights::ALL, edits).unwrap() {
            self.sent.push(Sent { writer: number, create: false, bytes: change.bytes });
        }
    }

    /// The document with these changes as well, kept as its changes where it can be, and in Automerge.
    ///
    /// # Panics
    /// Where one of them is not taken.
    #[must_use]
    pub fn forms(&self, more: &[Sent]) -> [Document; 2] {
        let all: Vec<&Sent> = self.sent.iter().chain(more).collect();
        let incoming: Vec<_> = all.iter().map(|sent| sent.incoming()).collect();
        let mut plain = Document::empty();
        let applied = plain.apply(&incoming, &Leads::of(all.iter().copied()));
        for (sent, outcome) in all.iter().zip(applied.outcomes) {
            assert_eq!(outcome, Outcome::Applied, "a lawful change of {}", sent.writer);
        }
        let loaded = in_automerge(&plain);
        [plain, loaded]
    }

    /// A change that a writer makes with bare Automerge, after these.
    pub fn change(
        &self,
        before: &[Sent],
        number: u16,
        make: impl FnOnce(&mut Transaction<'_>, &Places),
    ) -> Sent {
        let mut am = am(&self.document.save());
        let changes = before.iter().map(|sent| automerge::Change::try_from(&sent.bytes[..]).unwrap());
        am.apply_changes(changes).unwrap();
        let mut am = am.with_actor(ActorId::from(writer(number).as_bytes()));
        let places = places(&am);
        let mut transaction = am.transaction();
        make(&mut transaction, &places);
        let hash = transaction.commit().0.expect("a change");
        let bytes = am.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec();
        Sent { writer: number, create: false, bytes }
    }
}

/// The same document as Automerge saves it, which is how large ones are kept.
///
/// # Panics
/// Where Automerge cannot read it.
#[must_use]
pub fn in_automerge(document: &Document) -> Document {
    let loaded = Document::load(&am(&document.save()).save_nocompress()).unwrap();
    assert_eq!(loaded.save()[8], 0, "a document of Automerge, not a change");
    loaded
}

/// A saved document in bare Automerge.
///
/// # Panics
/// Where Automerge cannot read it.
#[must_use]
pub fn am(saved: &[u8]) -> Automerge {
    let options = LoadOptions::new().text_encoding(TextEncoding::UnicodeCodePoint);
    Automerge::load_with_options(saved, options).unwrap()
}

/// The five maps, and the narrative.
#[derive(Debug, Clone)]
pub struct Places {
    pub a: ObjId,
    pub r: ObjId,
    pub s: ObjId,
    pub t: ObjId,
    pub w: ObjId,
    pub narrative: ObjId,
}

/// Where everything is.
///
/// # Panics
/// Where the document is no incident.
#[must_use]
pub fn places(am: &Automerge) -> Places {
    let find = |key| am.get(ROOT, key).unwrap().unwrap().1;
    let t = find("t");
    let narrative = am.get(&t, "narrative").unwrap().unwrap().1;
    Places { a: find("a"), r: find("r"), s: find("s"), t, w: find("w"), narrative }
}
