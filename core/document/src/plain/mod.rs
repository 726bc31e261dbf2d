//! A document as its changes, without Automerge.
//!
//! Most documents that a device holds are only listed, searched and passed on. Building an Automerge document for
//! each costs ten times what it costs to read the changes and work out what they say. So a document is kept as its
//! changes, and is judged and read here. Automerge builds it when somebody edits it, or when it grows.
//!
//! The judgement is the guard's, and stricter than Automerge's own: every reference is looked up. The tests hold both
//! against each other.

use std::collections::BTreeSet;

use firsthand_ids::ChangeHash;

use crate::document::Change;
use crate::guard::characters::Texts;
use crate::guard::graph::{Graph, Past};
use crate::guard::keys::Keys;
use crate::guard::letters;
use crate::guard::operations::Parsed;
use crate::guard::structure::{self, Sound};
use crate::layout::{Layout, MapName, Source, Standing};
use crate::{Authors, DocumentError, GuardError, OpId};

/// How many changes and operations a document may have to be kept like this. Beyond, Automerge's own form is the
/// smaller, and no slower to read; and a write costs as much as its key has seen before, which must stay little.
const MAX_CHANGES: usize = 64;
const MAX_OPERATIONS: usize = 10_000;

/// A document as its changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plain {
    pub(crate) layout: Option<Layout>,
    graph: Graph,
    heads: BTreeSet<ChangeHash>,
    /// Each after those it builds on.
    changes: Vec<Change>,
    keys: Keys,
    texts: Texts,
    operations: usize,
    size: usize,
}

impl Plain {
    /// Reads what [`Plain::save`] wrote.
    pub(crate) fn read(saved: &[u8]) -> Result<Self, DocumentError> {
        let mut plain = Self::default();
        let mut rest = saved;
        while !rest.is_empty() {
            let length = chunk_length(rest).ok_or(DocumentError::Damaged)?;
            let (bytes, behind) = rest.split_at(length);
            let parsed = Parsed::read(bytes).map_err(|_| DocumentError::Damaged)?;
            if parsed.dependencies.iter().any(|dependency| !plain.graph.has(dependency)) {
                return Err(DocumentError::Damaged);
            }
            let sound = structure::check(&parsed, &plain.graph, plain.layout.as_ref())
                .map_err(|_| DocumentError::Damaged)?;
            plain.take(&parsed, bytes, sound);
            rest = behind;
        }
        plain.name();
        Ok(plain)
    }

    /// The changes, one after the other; Automerge reads them as well.
    pub(crate) fn save(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size);
        for change in &self.changes {
            out.extend_from_slice(&change.bytes);
        }
        out
    }

    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// How long it is when it is saved.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn heads(&self) -> Vec<ChangeHash> {
        self.heads.iter().copied().collect()
    }

    pub(crate) fn has(&self, change: &ChangeHash) -> bool {
        self.graph.has(change)
    }

    /// Whether Automerge should take over before so many more changes come.
    pub(crate) fn outgrown_by(&self, more: usize) -> bool {
        self.changes.len().saturating_add(more) > MAX_CHANGES || self.operations > MAX_OPERATIONS
    }

    /// Takes in a change that was written here, through Automerge; `false` where it cannot be kept like this.
    pub(crate) fn follow(&mut self, bytes: &[u8]) -> bool {
        let Ok(parsed) = Parsed::read(bytes) else { return false };
        let Ok(sound) = structure::check(&parsed, &self.graph, self.layout.as_ref()) else { return false };
        let first = self.layout.is_none();
        self.take(&parsed, bytes, sound);
        if first {
            self.name();
        }
        self.operations <= MAX_OPERATIONS
    }

    /// Judges a change whose dependencies are here, and takes it in.
    pub(crate) fn admit(
        &mut self,
        parsed: &Parsed<'_>,
        bytes: &[u8],
        authors: &dyn Authors,
    ) -> Result<(), GuardError> {
        let sound = structure::check(parsed, &self.graph, self.layout.as_ref())?;
        self.judge(parsed, &sound.past, authors)?;
        let first = self.layout.is_none();
        self.take(parsed, bytes, sound);
        if first {
            self.name();
        }
        Ok(())
    }

    /// Takes note of the document's kind, once its first change is here.
    fn name(&mut self) {
        let Some(mut layout) = self.layout.take() else { return };
        layout.read_kind(self);
        self.layout = Some(layout);
    }

    fn judge(&self, parsed: &Parsed<'_>, past: &Past, authors: &dyn Authors) -> Result<(), GuardError> {
        let new = parsed.dependencies.is_empty().then(|| Layout::new(parsed.writer));
        let Some(layout) = new.as_ref().or(self.layout.as_ref()) else { return Ok(()) };
        self.texts.judge(parsed)?;
        letters::judge(
            parsed,
            layout,
            authors,
            &|map, key| self.keys.standing_at(&self.graph, past, map, key),
            &|loss| self.keys.kept_at(&self.graph, past, authors, loss),
        )
    }

    fn take(&mut self, parsed: &Parsed<'_>, bytes: &[u8], sound: Sound) {
        sound.take(parsed, &mut self.graph, &mut self.layout);
        for dependency in &parsed.dependencies {
            self.heads.remove(dependency);
        }
        self.heads.insert(parsed.hash);
        self.changes.push(Change { bytes: bytes.to_vec(), hash: parsed.hash });
        self.operations += parsed.operations.len();
        self.size += bytes.len();
        if let Some(layout) = &self.layout {
            self.keys.take(parsed, layout);
        }
        self.texts.take(parsed);
    }
}

/// The length of the chunk that the bytes begin with.
fn chunk_length(bytes: &[u8]) -> Option<usize> {
    let mut reader = firsthand_log::codec::Reader::new(bytes);
    reader.take(9, "chunk").ok()?;
    reader.sized(firsthand_log::MAX_BODY_BYTES, "chunk").ok()?;
    Some(reader.position())
}

impl Source for Plain {
    fn standing(&self, map: MapName) -> Vec<(String, Standing)> {
        self.keys.standing(map)
    }

    fn text(&self, object: OpId) -> String {
        self.texts.read(object)
    }

    fn change_of(&self, operation: OpId) -> Option<ChangeHash> {
        self.graph.change_of(operation)
    }
}
