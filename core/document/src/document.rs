use automerge::{Automerge, LoadOptions, ReadDoc, TextEncoding};
use firsthand_ids::{ChangeHash, WriterId};

use crate::guard::caught::caught;
use crate::layout::{self, Layout, MapName, Source, Standing};
use crate::plain::Plain;
use crate::{DocumentError, DocumentKind, OpId, Schema, op_id};

/// One uncompressed Automerge change: the content of one log entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Automerge's hash of them.
    pub hash: ChangeHash,
}

/// The most that a document may take, saved: 8 MiB, five thousand times an incident with its history. Without an end one
/// member could make a record that no phone can open.
///
/// Where writers who are apart fill a document beyond it, replicas hold back what came to each of them last, so that such a
/// document may stay different on them: a record that cannot be opened would be worse.
pub const MAX_DOCUMENT_BYTES: usize = 8 * 1024 * 1024;

/// One record with its whole history.
///
/// Made by [`Document::create`], or [`Document::empty`] and [`Document::apply`]; kept as [`Document::save`] gives it.
/// The log holds the truth; this can be built from it again at any time.
#[derive(Debug, Clone)]
pub struct Document {
    pub(crate) body: Body,
    pub(crate) schema: Option<Schema>,
}

/// How a document is kept.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// As its changes.
    Plain(Box<Plain>),
    /// In Automerge, because it is edited or has outgrown the other form.
    Loaded(Box<Loaded>),
}

/// A document in Automerge.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) am: Automerge,
    pub(crate) layout: Option<Layout>,
    /// How long it is when it is saved, or more by what its changes take before that.
    pub(crate) size: usize,
    /// The same document as its changes, while it is small enough to be kept like that.
    pub(crate) plain: Option<Box<Plain>>,
}

/// Every position in a text counts Unicode scalar values, whatever another crate of the build makes Automerge's default.
pub(crate) const ENCODING: TextEncoding = TextEncoding::UnicodeCodePoint;

impl Document {
    /// A document of which nothing is here yet.
    #[must_use]
    pub fn empty() -> Self {
        Self { body: Body::Plain(Box::default()), schema: None }
    }

    /// Reads what [`Document::save`] wrote.
    pub fn load(saved: &[u8]) -> Result<Self, DocumentError> {
        // The ninth byte says what the first chunk is: a change, or a document of Automerge.
        let body = match saved.get(8) {
            None | Some(1) => Body::Plain(Box::new(Plain::read(saved)?)),
            Some(0) => Body::Loaded(Box::new(Loaded::read(saved)?)),
            // Automerge has kinds that are never saved here; over some it panics.
            Some(_) => return Err(DocumentError::Damaged),
        };
        Ok(Self { body, schema: None })
    }

    /// The bytes to keep: not compressed, so that they compress well together with others.
    ///
    /// Two replicas that hold the same may save different bytes: the changes stand in the order they came in, and
    /// a large document is kept in another form. Compare [`Document::heads`] and [`crate::View::to_canonical`].
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        match &self.body {
            Body::Plain(plain) => plain.save(),
            Body::Loaded(loaded) => {
                loaded.plain.as_ref().map_or_else(|| loaded.am.save_nocompress(), |plain| plain.save())
            }
        }
    }

    /// Reads and edits the document with another table than that of this version.
    #[must_use]
    pub fn with_schema(mut self, schema: Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// The changes that no other change builds on, sorted.
    #[must_use]
    pub fn heads(&self) -> Vec<ChangeHash> {
        match &self.body {
            Body::Plain(plain) => plain.heads(),
            Body::Loaded(loaded) => loaded.am.get_heads().into_iter().map(ours).collect(),
        }
    }

    /// Whether the document holds a change.
    #[must_use]
    pub fn has(&self, change: &ChangeHash) -> bool {
        match &self.body {
            Body::Plain(plain) => plain.has(change),
            Body::Loaded(loaded) => loaded.am.get_missing_deps(&[theirs(change)]).is_empty(),
        }
    }

    /// Those of `changes` that the document does not hold, sorted.
    #[must_use]
    pub fn missing(&self, changes: &[ChangeHash]) -> Vec<ChangeHash> {
        let mut missing: Vec<_> = changes.iter().filter(|change| !self.has(change)).copied().collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// How much more the document may hold, in bytes of changes.
    pub(crate) fn room(&self) -> usize {
        let size = match &self.body {
            Body::Plain(plain) => plain.size(),
            Body::Loaded(loaded) => loaded.size,
        };
        MAX_DOCUMENT_BYTES.saturating_sub(size)
    }

    /// Whether the first change is not here yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layout().is_none()
    }

    /// What the document is about; `None` until its first change is here.
    #[must_use]
    pub fn kind(&self) -> Option<&DocumentKind> {
        self.layout().map(|layout| &layout.kind)
    }

    /// Who made the first change.
    #[must_use]
    pub fn creator(&self) -> Option<WriterId> {
        self.layout().map(|layout| layout.creator)
    }

    /// Every change, each after those it builds on.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        match &self.body {
            Body::Plain(plain) => plain.changes().to_vec(),
            Body::Loaded(loaded) => loaded.am.get_changes(&[]).iter().map(change).collect(),
        }
    }

    pub(crate) fn layout(&self) -> Option<&Layout> {
        match &self.body {
            Body::Plain(plain) => plain.layout.as_ref(),
            Body::Loaded(loaded) => loaded.layout.as_ref(),
        }
    }

    pub(crate) fn source(&self) -> &dyn Source {
        match &self.body {
            Body::Plain(plain) => plain.as_ref(),
            Body::Loaded(loaded) => loaded.as_ref(),
        }
    }

    /// The table that edits and readings go by.
    pub(crate) fn table(&self) -> Schema {
        self.schema
            .unwrap_or_else(|| self.layout().map_or(Schema { version: 0, fields: &[] }, Layout::schema))
    }

    /// The document in Automerge, which is built where it was not needed before.
    pub(crate) fn loaded(&mut self) -> Result<&mut Loaded, DocumentError> {
        if let Body::Plain(plain) = &mut self.body {
            let mut loaded = Loaded::build(plain)?;
            loaded.plain = Some(std::mem::take(plain));
            self.body = Body::Loaded(Box::new(loaded));
        }
        match &mut self.body {
            Body::Loaded(loaded) => Ok(loaded),
            Body::Plain(_) => Err(DocumentError::Internal),
        }
    }

    /// Goes back to its changes, before others come, where they and those are few.
    pub(crate) fn as_changes(&mut self, coming: usize) {
        let Body::Loaded(loaded) = &mut self.body else { return };
        if let Some(plain) = loaded.plain.take_if(|plain| !plain.outgrown_by(coming)) {
            self.body = Body::Plain(plain);
        }
    }
}

impl Loaded {
    /// A document to be written.
    pub(crate) fn blank() -> Self {
        // Automerge has no constructor that takes an actor: each draws a random one. It is never used, because
        // `become_writer` replaces it before anything is written.
        Self {
            am: Automerge::new_with_encoding(ENCODING),
            layout: None,
            size: 0,
            plain: Some(Box::default()),
        }
    }

    /// Keeps the form as changes in step with what was written here.
    pub(crate) fn follow(&mut self, changes: &[Change]) {
        self.size += changes.iter().map(|change| change.bytes.len()).sum::<usize>();
        if let Some(plain) = &mut self.plain
            && (plain.outgrown_by(changes.len()) || !changes.iter().all(|change| plain.follow(&change.bytes)))
        {
            self.plain = None;
        }
    }

    fn read(saved: &[u8]) -> Result<Self, DocumentError> {
        let options = LoadOptions::new().text_encoding(ENCODING);
        // The bytes come out of the encrypted store, so a panic here means a defect and not an attack; one record that
        // cannot be read must still not end the program.
        let load = || Automerge::load_with_options(saved, options);
        let loaded = caught(load).ok_or(DocumentError::Damaged)?;
        let am = loaded.map_err(|_| DocumentError::Damaged)?;
        let layout = Layout::read(&am)?;
        Ok(Self { am, layout, size: saved.len(), plain: None })
    }

    fn build(plain: &Plain) -> Result<Self, DocumentError> {
        if plain.changes().is_empty() {
            return Ok(Self::blank());
        }
        let loaded = Self::read(&plain.save())?;
        if loaded.am.get_heads().into_iter().map(ours).eq(plain.heads()) {
            Ok(loaded)
        } else {
            Err(DocumentError::Damaged)
        }
    }

    /// Writes as `writer` from here on.
    pub(crate) fn become_writer(&mut self, writer: WriterId) {
        self.am.set_actor(op_id::actor(writer));
    }
}

impl Source for Loaded {
    fn standing(&self, map: MapName) -> Vec<(String, Standing)> {
        let Some(layout) = &self.layout else { return Vec::new() };
        let object = layout.map(map);
        let read = |item: automerge::iter::MapRangeItem<'_>| {
            let values = if item.conflict {
                layout::values(&self.am, &object, &item.key)
            } else {
                let text = layout::text_of(&item.value).unwrap_or_default().to_owned();
                OpId::from_automerge(&item.id()).map(|id| (id, text)).into_iter().collect()
            };
            (item.key.into_owned(), values)
        };
        self.am.map_range(&object, ..).map(read).collect()
    }

    fn text(&self, object: OpId) -> String {
        self.am.text(object.object()).unwrap_or_default()
    }

    fn change_of(&self, operation: OpId) -> Option<ChangeHash> {
        self.am.hash_for_opid(&operation.object()).map(ours)
    }
}

pub(crate) fn change(change: &automerge::Change) -> Change {
    Change { bytes: change.raw_bytes().to_vec(), hash: ours(change.hash()) }
}

pub(crate) fn ours(hash: automerge::ChangeHash) -> ChangeHash {
    ChangeHash::new(hash.0)
}

pub(crate) fn theirs(hash: &ChangeHash) -> automerge::ChangeHash {
    automerge::ChangeHash(*hash.as_bytes())
}
