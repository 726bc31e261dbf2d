use automerge::{Automerge, LoadOptions, ReadDoc, TextEncoding};
use firsthand_ids::{ChangeHash, WriterId};

use crate::layout::Layout;
use crate::{DocumentError, DocumentKind, Schema, op_id};

/// One uncompressed Automerge change: the content of one log entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Automerge's hash of them.
    pub hash: ChangeHash,
}

/// One record with its whole history.
///
/// Made by [`Document::create`], or [`Document::empty`] and [`Document::apply`]; kept as [`Document::save`] gives it.
/// The log holds the truth; this can be built from it again at any time.
#[derive(Debug, Clone)]
pub struct Document {
    pub(crate) am: Automerge,
    pub(crate) layout: Option<Layout>,
    pub(crate) schema: Option<Schema>,
}

/// Every position in a text counts Unicode scalar values, whatever another crate of the build makes Automerge's default.
pub(crate) const ENCODING: TextEncoding = TextEncoding::UnicodeCodePoint;

impl Document {
    /// A document of which nothing is here yet.
    #[must_use]
    pub fn empty() -> Self {
        // Automerge has no constructor that takes an actor: each draws a random one. It is never used, because
        // `become_writer` replaces it before anything is written.
        Self { am: Automerge::new_with_encoding(ENCODING), layout: None, schema: None }
    }

    /// Reads what [`Document::save`] wrote.
    pub fn load(saved: &[u8]) -> Result<Self, DocumentError> {
        let options = LoadOptions::new().text_encoding(ENCODING);
        // The bytes come out of the encrypted store, so a panic here means a defect and not an attack; one record that
        // cannot be read must still not end the program.
        let load = || Automerge::load_with_options(saved, options);
        let am = std::panic::catch_unwind(std::panic::AssertUnwindSafe(load))
            .map_err(|_| DocumentError::Damaged)?
            .map_err(|_| DocumentError::Damaged)?;
        let layout = Layout::read(&am)?;
        Ok(Self { am, layout, schema: None })
    }

    /// The bytes to keep: not compressed, so that they compress well together with others.
    ///
    /// Two replicas that hold the same may save different bytes, since the changes stand in the order they came in.
    /// Compare [`Document::heads`] and [`crate::View::to_canonical`].
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        self.am.save_nocompress()
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
        self.am.get_heads().into_iter().map(ours).collect()
    }

    /// Whether the document holds a change.
    #[must_use]
    pub fn has(&self, change: &ChangeHash) -> bool {
        self.am.get_missing_deps(&[theirs(change)]).is_empty()
    }

    /// Those of `changes` that the document does not hold, sorted.
    #[must_use]
    pub fn missing(&self, changes: &[ChangeHash]) -> Vec<ChangeHash> {
        let mut missing: Vec<_> = changes.iter().filter(|change| !self.has(change)).copied().collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Whether the first change is not here yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.layout.is_none()
    }

    /// What the document is about; `None` until its first change is here.
    #[must_use]
    pub fn kind(&self) -> Option<&DocumentKind> {
        self.layout.as_ref().map(|layout| &layout.kind)
    }

    /// Who made the first change.
    #[must_use]
    pub fn creator(&self) -> Option<WriterId> {
        self.layout.as_ref().map(|layout| layout.creator)
    }

    /// Every change, each after those it builds on.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        self.am.get_changes(&[]).iter().map(change).collect()
    }

    /// The table that edits and readings go by.
    pub(crate) fn table(&self) -> Schema {
        self.schema.unwrap_or_else(|| {
            self.layout.as_ref().map_or(Schema { version: 0, fields: &[] }, Layout::schema)
        })
    }

    /// Writes as `writer` from here on.
    pub(crate) fn become_writer(&mut self, writer: WriterId) {
        self.am.set_actor(op_id::actor(writer));
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
