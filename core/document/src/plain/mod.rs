//! A document as its changes, without Automerge.
//!
//! Most documents that a device receives are only listed, searched and passed on. Building an Automerge document for
//! each costs ten times what it costs to read the changes and work out what they say. So a received document is kept
//! as its changes, and is judged and read here. Automerge builds it when somebody edits it, or when it grows.
//!
//! The judgement is the guard's, and stricter than Automerge's own: every reference is looked up. The tests hold both
//! against each other.

mod text;

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::ChangeHash;

use crate::document::Change;
use crate::guard::graph::{Graph, Past};
use crate::guard::letters::{Keeps, judge_write, resolved_here};
use crate::guard::operations::{Action, Key, Operation, Parsed};
use crate::guard::structure::{self, Sound};
use crate::layout::{Layout, MapName, Source};
use crate::{Authors, DocumentError, GuardError, OpId, Rule};
use text::Text;

/// How many changes and operations a document may have to be kept like this. Beyond, Automerge's own form is the
/// smaller, and no slower to read.
const MAX_CHANGES: usize = 64;
const MAX_OPERATIONS: usize = 10_000;

/// What was once written under a key.
#[derive(Debug, Clone)]
struct Written {
    id: OpId,
    value: String,
    /// The operations that replaced it.
    by: Vec<OpId>,
}

/// A document as its changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plain {
    pub(crate) layout: Option<Layout>,
    graph: Graph,
    heads: BTreeSet<ChangeHash>,
    /// Each after those it builds on.
    changes: Vec<Change>,
    keys: BTreeMap<MapName, BTreeMap<String, Vec<Written>>>,
    texts: BTreeMap<OpId, Text>,
    operations: usize,
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
        let mut out = Vec::with_capacity(self.changes.iter().map(|change| change.bytes.len()).sum());
        for change in &self.changes {
            out.extend_from_slice(&change.bytes);
        }
        out
    }

    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes
    }

    pub(crate) fn heads(&self) -> Vec<ChangeHash> {
        self.heads.iter().copied().collect()
    }

    pub(crate) fn has(&self, change: &ChangeHash) -> bool {
        self.graph.has(change)
    }

    /// Whether Automerge should take over.
    pub(crate) fn is_large(&self) -> bool {
        self.changes.len() > MAX_CHANGES || self.operations > MAX_OPERATIONS
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
        let mut written: BTreeMap<(MapName, &str), (OpId, &str)> = BTreeMap::new();
        for operation in &parsed.operations {
            let Some(object) = operation.object else { continue };
            let map = MapName::from_counter(object.counter).filter(|_| object.writer == layout.creator);
            let (map, key) = match (map, operation.key) {
                (Some(map), Key::Map(key)) => (map, key),
                (_, Key::Character(id)) => {
                    self.judge_character(parsed, object, id)?;
                    continue;
                }
                _ => continue,
            };
            let found = match written.get(&(map, key)) {
                Some((id, value)) => vec![(*id, (*value).to_owned())],
                None => self.standing_at(map, key, past),
            };
            let value = value_of(operation);
            let resolved = |keeps: Keeps<'_>| {
                resolved_here(layout, authors, parsed, keeps) || self.resolved_at(past, authors, keeps)
            };
            judge_write(map, key, value, &operation.replaced, &found, &resolved)?;
            written.insert((map, key), (operation.id, value));
        }
        Ok(())
    }

    /// A key or a deletion must name a character of the very text.
    fn judge_character(&self, parsed: &Parsed<'_>, object: OpId, id: OpId) -> Result<(), GuardError> {
        let own = id.counter.checked_sub(parsed.start_op).filter(|_| id.writer == parsed.writer);
        let here = match own {
            Some(index) => usize::try_from(index)
                .ok()
                .and_then(|index| parsed.operations.get(index))
                .is_some_and(|operation| operation.insert && operation.object == Some(object)),
            None => self.texts.get(&object).is_some_and(|text| text.contains(id)),
        };
        if here { Ok(()) } else { Err(Rule::Apply.broken("no character of this text")) }
    }

    /// What stood under a key at some past.
    fn standing_at(&self, map: MapName, key: &str, past: &Past) -> Vec<(OpId, String)> {
        let covered = |id: &OpId| self.graph.covers(past, *id);
        self.written(map, key)
            .iter()
            .filter(|one| covered(&one.id) && !one.by.iter().any(covered))
            .map(|one| (one.id, one.value.clone()))
            .collect()
    }

    fn resolved_at(&self, past: &Past, authors: &dyn Authors, keeps: Keeps<'_>) -> bool {
        let items = self.keys.get(&MapName::Add).into_iter().flat_map(BTreeMap::values).flatten();
        let mut lawful = items.filter(|item| self.graph.covers(past, item.id) && keeps(&item.value));
        lawful.any(|item| {
            self.graph.change_of(item.id).is_some_and(|change| authors.rights(&change).may_resolve)
        })
    }

    fn written(&self, map: MapName, key: &str) -> &[Written] {
        self.keys.get(&map).and_then(|keys| keys.get(key)).map_or(&[], Vec::as_slice)
    }

    fn take(&mut self, parsed: &Parsed<'_>, bytes: &[u8], sound: Sound) {
        sound.take(parsed, &mut self.graph, &mut self.layout);
        for dependency in &parsed.dependencies {
            self.heads.remove(dependency);
        }
        self.heads.insert(parsed.hash);
        self.changes.push(Change { bytes: bytes.to_vec(), hash: parsed.hash });
        self.operations += parsed.operations.len();
        let Some(creator) = self.layout.as_ref().map(|layout| layout.creator) else { return };
        for operation in &parsed.operations {
            let Some(object) = operation.object else { continue };
            let map = MapName::from_counter(object.counter).filter(|_| object.writer == creator);
            match (map, operation.key) {
                (Some(map), Key::Map(key)) => {
                    let keys = self.keys.entry(map).or_default();
                    if !keys.contains_key(key) {
                        keys.insert(key.to_owned(), Vec::new());
                    }
                    let Some(written) = keys.get_mut(key) else { continue };
                    for one in written.iter_mut().filter(|one| operation.replaced.contains(&one.id)) {
                        one.by.push(operation.id);
                    }
                    let value = value_of(operation).to_owned();
                    written.push(Written { id: operation.id, value, by: Vec::new() });
                }
                (Some(_), _) => {}
                (None, key) => {
                    let text = self.texts.entry(object).or_default();
                    match (operation.action, key) {
                        (Action::Put(character), key) => {
                            let after = match key {
                                Key::Character(id) => Some(id),
                                Key::Front | Key::Map(_) => None,
                            };
                            let character = character.chars().next().unwrap_or_default();
                            text.insert(operation.id, after, character);
                        }
                        (_, Key::Character(id)) => text.delete(id),
                        _ => {}
                    }
                }
            }
        }
    }
}

fn value_of<'a>(operation: &Operation<'a>) -> &'a str {
    match operation.action {
        Action::Put(value) => value,
        Action::MakeMap | Action::MakeText | Action::Delete => "",
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
    fn standing(&self, map: MapName) -> Vec<(String, Vec<(OpId, String)>)> {
        let keys = self.keys.get(&map).into_iter().flatten();
        keys.map(|(key, written)| {
            let stands = written.iter().filter(|one| one.by.is_empty());
            let mut standing: Vec<_> = stands.map(|one| (one.id, one.value.clone())).collect();
            standing.sort_unstable_by_key(|(id, _)| *id);
            (key.clone(), standing)
        })
        .collect()
    }

    fn text(&self, object: OpId) -> String {
        self.texts.get(&object).map(Text::read).unwrap_or_default()
    }

    fn change_of(&self, operation: OpId) -> Option<ChangeHash> {
        self.graph.change_of(operation)
    }
}
