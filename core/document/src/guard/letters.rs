//! What can be said of a change only beside the document that it builds on.
//!
//! Everything is judged at the change's own past, so the judgement is the same on every replica, whatever else it holds.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Automerge, ReadDoc};
use firsthand_ids::ChangeHash;
use serde_json::Value;

use super::Rule;
use super::operations::{Action, Key, Parsed};
use super::structure::rule_of;
use crate::layout::{self, Layout, MapName};
use crate::schema::lists;
use crate::{Authors, GuardError, OpId, document, json};

/// Checks changes that `am` holds, one after the other, each after its dependencies.
pub(super) struct Letters<'a> {
    /// The document before the changes.
    base: &'a Automerge,
    /// The document with them.
    am: &'a Automerge,
    layout: &'a Layout,
    authors: &'a dyn Authors,
    /// The heads of what was checked so far.
    heads: BTreeSet<ChangeHash>,
    /// What stands after it, of the keys that were written.
    standing: BTreeMap<(MapName, &'a str), Vec<(OpId, String)>>,
}

impl<'a> Letters<'a> {
    pub(super) fn new(
        base: &'a Automerge,
        am: &'a Automerge,
        layout: &'a Layout,
        authors: &'a dyn Authors,
    ) -> Self {
        let heads = base.get_heads().into_iter().map(document::ours).collect();
        Self { base, am, layout, authors, heads, standing: BTreeMap::new() }
    }

    /// Checks the next change.
    pub(super) fn check(&mut self, parsed: &'a Parsed<'a>) -> Result<(), GuardError> {
        // A change that builds on everything so far finds what stands now. Anything else has to be asked for what
        // stood at its own past, which costs more the longer the history of the key is.
        let latest = self.heads.iter().all(|head| parsed.dependencies.contains(head));
        let past = (!latest).then(|| parsed.dependencies.iter().map(document::theirs).collect::<Vec<_>>());
        let mut written: BTreeMap<(MapName, &str), (OpId, &str)> = BTreeMap::new();
        let mut result = Ok(());
        for operation in &parsed.operations {
            let object = operation.object.filter(|object| object.writer == self.layout.creator);
            let Some(map) = object.and_then(|object| MapName::from_counter(object.counter)) else {
                continue;
            };
            let Key::Map(key) = operation.key else { continue };
            let found = match (written.get(&(map, key)), &past) {
                (Some((id, value)), _) => vec![(*id, (*value).to_owned())],
                (None, None) => self.latest(map, key).clone(),
                (None, Some(past)) => layout::values_at(self.am, &self.layout.map(map), key, past),
            };
            let value = match operation.action {
                Action::Put(value) => value,
                _ => "",
            };
            if result.is_ok() {
                let resolved = |keeps: Keeps<'_>| {
                    resolved_here(self.layout, self.authors, parsed, keeps)
                        || self.resolved_before(parsed, keeps)
                };
                result = judge_write(map, key, value, &operation.replaced, &found, &resolved);
            }
            let now = self.latest(map, key);
            now.retain(|(id, _)| !operation.replaced.contains(id));
            now.push((operation.id, value.to_owned()));
            written.insert((map, key), (operation.id, value));
        }
        for dependency in &parsed.dependencies {
            self.heads.remove(dependency);
        }
        self.heads.insert(parsed.hash);
        result
    }

    fn latest(&mut self, map: MapName, key: &'a str) -> &mut Vec<(OpId, String)> {
        let read = || layout::values(self.base, &self.layout.map(map), key);
        self.standing.entry((map, key)).or_insert_with(read)
    }

    fn resolved_before(&self, parsed: &Parsed<'_>, keeps: Keeps<'_>) -> bool {
        let past: Vec<_> = parsed.dependencies.iter().map(document::theirs).collect();
        self.am.map_range_at(self.layout.map(MapName::Add), .., &past).any(|item| {
            let by = || self.am.hash_for_opid(&item.id());
            layout::text_of(&item.value).is_some_and(keeps)
                && by().is_some_and(|hash| self.authors.rights(&document::ours(hash)).may_resolve)
        })
    }
}

/// Whether an item is a resolution of the conflict at hand.
pub(crate) type Keeps<'a> = &'a dyn Fn(&str) -> bool;

/// Judges one write over what its author found. `resolved` looks for a resolution that the author had the right to.
pub(crate) fn judge_write(
    map: MapName,
    key: &str,
    value: &str,
    replaced: &[OpId],
    found: &[(OpId, String)],
    resolved: &dyn Fn(Keeps<'_>) -> bool,
) -> Result<(), GuardError> {
    let same = replaced.len() == found.len() && found.iter().all(|(id, _)| replaced.contains(id));
    if !same {
        return Err(rule_of(map).broken("it does not replace exactly what stood there"));
    }
    if matches!(map, MapName::Register | MapName::Safe) && differ(found) {
        let keeps = |item: &str| keeps(item, key, found, value);
        if !resolved(&keeps) {
            return Err(Rule::Conflict.broken("no resolution"));
        }
    }
    Ok(())
}

/// Whether the change itself adds the resolution, with the right to.
pub(crate) fn resolved_here(
    layout: &Layout,
    authors: &dyn Authors,
    parsed: &Parsed<'_>,
    keeps: Keeps<'_>,
) -> bool {
    let items = OpId { counter: MapName::Add.counter(), writer: layout.creator };
    let found = parsed.operations.iter().any(|operation| match operation.action {
        Action::Put(item) => operation.object == Some(items) && keeps(item),
        _ => false,
    });
    found && authors.rights(&parsed.hash).may_resolve
}

fn differ(standing: &[(OpId, String)]) -> bool {
    standing.windows(2).any(|pair| json::parse(&pair[0].1) != json::parse(&pair[1].1))
}

/// Whether an item is a resolution of this conflict: it names every operation that the write replaces, with its value.
/// Values equal to the new one are not lost and need not be named.
fn keeps(item: &str, field: &str, standing: &[(OpId, String)], value: &str) -> bool {
    let item = json::parse(item);
    if item["list"] != lists::RESOLUTIONS || item["field"] != field {
        return false;
    }
    let over = item["over"].as_array().map_or(&[][..], Vec::as_slice);
    let new = json::parse(value);
    standing.iter().all(|(id, old)| {
        let (id, old) = (Value::from(id.to_string()), json::parse(old));
        old == new || over.iter().any(|entry| entry["op"] == id && entry["value"] == old)
    })
}
