//! What can be said of a change only beside the document that it builds on.
//!
//! Everything is judged at the change's own past, so the judgement is the same on every replica, whatever else it holds.

use std::collections::BTreeMap;

use automerge::{Automerge, ReadDoc};
use serde_json::Value;

use super::Rule;
use super::operations::{Action, Key, Parsed};
use super::structure::rule_of;
use crate::layout::{self, Layout, MapName};
use crate::schema::lists;
use crate::{Authors, GuardError, OpId, document, json};

/// Checks a change that `am` holds.
pub(super) fn check(
    am: &Automerge,
    layout: &Layout,
    parsed: &Parsed<'_>,
    authors: &dyn Authors,
) -> Result<(), GuardError> {
    let heads: Vec<_> = parsed.dependencies.iter().map(document::theirs).collect();
    let mut written: BTreeMap<(MapName, &str), (OpId, &str)> = BTreeMap::new();
    for operation in &parsed.operations {
        let object = operation.object.filter(|object| object.writer == layout.creator);
        let Some(map) = object.and_then(|object| MapName::from_counter(object.counter)) else { continue };
        let Key::Map(key) = operation.key else { continue };
        let standing = match written.get(&(map, key)) {
            Some((id, value)) => vec![(*id, (*value).to_owned())],
            None => layout::values_at(am, &layout.map(map), key, &heads),
        };
        let mut replaced = operation.replaced.clone();
        replaced.sort_unstable();
        if !replaced.iter().eq(standing.iter().map(|(id, _)| id)) {
            return Err(rule_of(map).broken("it does not replace exactly what stood there"));
        }
        let value = match operation.action {
            Action::Put(value) => value,
            _ => "",
        };
        if matches!(map, MapName::Register | MapName::Safe) && differ(&standing) {
            let keeps = |item: &str| keeps(item, key, &standing, value);
            if !resolved_here(layout, parsed, authors, &keeps)
                && !resolved_before(am, layout, &heads, authors, &keeps)
            {
                return Err(Rule::Conflict.broken("no resolution"));
            }
        }
        written.insert((map, key), (operation.id, value));
    }
    Ok(())
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

fn resolved_here(
    layout: &Layout,
    parsed: &Parsed<'_>,
    authors: &dyn Authors,
    keeps: &dyn Fn(&str) -> bool,
) -> bool {
    let items = OpId { counter: MapName::Add.counter(), writer: layout.creator };
    let found = parsed.operations.iter().any(|operation| match operation.action {
        Action::Put(item) => operation.object == Some(items) && keeps(item),
        _ => false,
    });
    found && authors.rights(&parsed.hash).may_resolve
}

fn resolved_before(
    am: &Automerge,
    layout: &Layout,
    heads: &[automerge::ChangeHash],
    authors: &dyn Authors,
    keeps: &dyn Fn(&str) -> bool,
) -> bool {
    am.map_range_at(layout.map(MapName::Add), .., heads).any(|item| {
        layout::text_of(&item.value).is_some_and(keeps)
            && am
                .hash_for_opid(&item.id())
                .is_some_and(|hash| authors.rights(&document::ours(hash)).may_resolve)
    })
}
