//! Where things stand in a document.

use std::collections::BTreeMap;

use automerge::{Automerge, ObjId, ROOT, ReadDoc, ScalarValueRef, ValueRef};
use firsthand_ids::{ChangeHash, WriterId};

use crate::{DocumentError, OpId, json};
use crate::{DocumentKind, Schema};

/// One of the five maps at the root of a document. The first five operations of a document make them, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MapName {
    Add,
    Register,
    Safe,
    Text,
    Once,
}

impl MapName {
    /// In the order of their making.
    pub(crate) const ALL: [Self; 5] = [Self::Add, Self::Register, Self::Safe, Self::Text, Self::Once];

    /// The key at the root.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Add => "a",
            Self::Register => "r",
            Self::Safe => "s",
            Self::Text => "t",
            Self::Once => "w",
        }
    }

    /// The counter of the operation that makes it.
    pub(crate) const fn counter(self) -> u64 {
        match self {
            Self::Add => 1,
            Self::Register => 2,
            Self::Safe => 3,
            Self::Text => 4,
            Self::Once => 5,
        }
    }

    pub(crate) fn from_counter(counter: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|map| map.counter() == counter)
    }
}

/// What a change in the map `w` calls the document's kind.
pub(crate) const KIND: &str = "kind";
/// What a change in the map `w` calls the version of the table the document was made with.
pub(crate) const SCHEMA: &str = "schema";

/// What records call that version.
pub(crate) const SCHEMA_VERSION: &str = "schema_version";

/// The values that stand under a key, each with the operation that wrote it.
pub(crate) type Standing = Vec<(OpId, String)>;

/// What can be read of a document, however it is kept.
pub(crate) trait Source {
    /// Every key of a map with the values that stand under it, smallest operation first.
    fn standing(&self, map: MapName) -> Vec<(String, Standing)>;
    /// A text as it stands.
    fn text(&self, object: OpId) -> String;
    /// The change that made an operation.
    fn change_of(&self, operation: OpId) -> Option<ChangeHash>;
}

/// The fixed points of a document that has its first change.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Whose change created the document.
    pub(crate) creator: WriterId,
    /// What the document is about.
    pub(crate) kind: DocumentKind,
    /// The version of the table the document was made with.
    pub(crate) version: u32,
    /// The text objects, and the fields they belong to.
    pub(crate) texts: BTreeMap<OpId, String>,
}

impl Layout {
    /// Reads it from a document; `None` where the document is empty.
    pub(crate) fn read(am: &Automerge) -> Result<Option<Self>, DocumentError> {
        let Ok(Some((_, first))) = am.get(ROOT, MapName::Add.key()) else {
            return if am.is_empty() { Ok(None) } else { Err(DocumentError::Damaged) };
        };
        let first = OpId::from_automerge(&first).ok_or(DocumentError::Damaged)?;
        if first.counter != MapName::Add.counter() {
            return Err(DocumentError::Damaged);
        }
        let mut layout = Self::new(first.writer);
        for map in MapName::ALL {
            if am.object_type(layout.map(map)) != Ok(automerge::ObjType::Map) {
                return Err(DocumentError::Damaged);
            }
        }
        let once = layout.map(MapName::Once);
        layout.set_kind(|key| values(am, &once, key).pop().map(|(_, text)| text));
        layout.read_texts(am);
        Ok(Some(layout))
    }

    /// Takes note of what the document is about.
    pub(crate) fn read_kind(&mut self, source: &dyn Source) {
        let once: BTreeMap<String, Standing> = source.standing(MapName::Once).into_iter().collect();
        self.set_kind(|key| once.get(key)?.last().map(|(_, text)| text.clone()));
    }

    fn set_kind(&mut self, stored: impl Fn(&str) -> Option<String>) {
        let read = |key| stored(key).map(|text| json::parse(&text)).unwrap_or_default();
        self.kind = read(KIND).as_str().unwrap_or_default().into();
        self.version = read(SCHEMA).as_u64().and_then(|number| number.try_into().ok()).unwrap_or(0);
    }

    /// The layout of a document that `creator` is about to make.
    pub(crate) fn new(creator: WriterId) -> Self {
        Self { creator, kind: DocumentKind::Other(String::new()), version: 0, texts: BTreeMap::new() }
    }

    /// Takes note of every text object.
    pub(crate) fn read_texts(&mut self, am: &Automerge) {
        let map = self.map(MapName::Text);
        let fields: Vec<String> = am.keys(&map).collect();
        for field in fields {
            for (_, id) in am.get_all(&map, field.as_str()).unwrap_or_default() {
                if let Some(id) = OpId::from_automerge(&id) {
                    self.texts.insert(id, field.clone());
                }
            }
        }
    }

    /// One of the five maps.
    pub(crate) fn map(&self, map: MapName) -> ObjId {
        OpId { counter: map.counter(), writer: self.creator }.object()
    }

    /// The text objects of a field, oldest first: one, or one per replica that made the field while apart.
    pub(crate) fn texts_of(&self, field: &str) -> Vec<OpId> {
        self.texts.iter().filter(|(_, name)| *name == field).map(|(id, _)| *id).collect()
    }

    pub(crate) fn schema(&self) -> Schema {
        Schema::of(&self.kind)
    }
}

/// The text of a scalar; `None` for anything that is not ours.
pub(crate) fn text_of<'a>(value: &'a ValueRef<'_>) -> Option<&'a str> {
    match value {
        ValueRef::Scalar(ScalarValueRef::Str(text)) => Some(text),
        _ => None,
    }
}

/// The values that stand under a key, smallest operation first.
pub(crate) fn values(am: &Automerge, map: &ObjId, key: &str) -> Standing {
    read_values(am.get_all(map, key))
}

fn read_values(found: Result<Vec<(automerge::Value<'_>, ObjId)>, automerge::AutomergeError>) -> Standing {
    let read = |(value, id): (automerge::Value<'_>, ObjId)| {
        Some((OpId::from_automerge(&id)?, value.as_str().unwrap_or_default().to_owned()))
    };
    found.unwrap_or_default().into_iter().filter_map(read).collect()
}
