//! What was ever written under the keys of the five maps, and what of it stood at some past.

use std::collections::BTreeMap;

use firsthand_ids::WriterId;

use super::graph::{Graph, Past};
use super::operations::{Action, Key, Operation, Parsed};
use super::resolutions::{Loss, Resolutions};
use crate::layout::{Layout, MapName, Standing};
use crate::{Authors, OpId};

/// So many writers under one key are looked through, whoever they are.
const FEW: usize = 64;

/// One write.
#[derive(Debug, Clone)]
struct Written {
    counter: u64,
    value: String,
    /// The operations that replaced it: of each writer the first, as whoever has seen a later one has seen that too.
    by: BTreeMap<WriterId, u64>,
}

/// The writes under one key, by their writer, each one's in their order.
type Writes = BTreeMap<WriterId, Vec<Written>>;

/// All writes of a document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    maps: BTreeMap<MapName, BTreeMap<String, Writes>>,
    resolutions: Resolutions,
}

impl Keys {
    /// Takes in the writes of a change that kept the rules. Changes come after those they build on.
    pub(crate) fn take(&mut self, parsed: &Parsed<'_>, layout: &Layout) {
        for (map, key, operation) in writes(parsed, layout) {
            if map == MapName::Add {
                self.resolutions.take(operation.id, operation.value());
            }
            let keys = self.maps.entry(map).or_default();
            if !keys.contains_key(key) {
                keys.insert(key.to_owned(), Writes::new());
            }
            let Some(writes) = keys.get_mut(key) else { continue };
            for id in &operation.replaced {
                let Some(theirs) = writes.get_mut(&id.writer) else { continue };
                if let Ok(place) = theirs.binary_search_by_key(&id.counter, |one| one.counter) {
                    theirs[place].by.entry(operation.id.writer).or_insert(operation.id.counter);
                }
            }
            let value = operation.value().to_owned();
            let written = Written { counter: operation.id.counter, value, by: BTreeMap::new() };
            writes.entry(operation.id.writer).or_default().push(written);
        }
    }

    /// What stood under a key at some past.
    ///
    /// A write replaces exactly what stood for its author, an earlier write of the same author included. So of each
    /// writer only the last write in the past can have stood, and the length of the history does not matter.
    pub(crate) fn standing_at(&self, graph: &Graph, past: &Past, map: MapName, key: &str) -> Standing {
        let covered = |writer: &WriterId, counter: u64| graph.covers(past, OpId { counter, writer: *writer });
        let Some(writes) = self.maps.get(&map).and_then(|keys| keys.get(key)) else { return Vec::new() };
        // Where thousands wrote apart, each had seen few.
        let was_replaced = |one: &Written| {
            if one.by.len() <= FEW {
                return one.by.iter().any(|(writer, counter)| covered(writer, *counter));
            }
            graph.writers_of(past).any(|it| one.by.get(&it).is_some_and(|counter| covered(&it, *counter)))
        };
        let mut out = Vec::new();
        let mut look = |writer: &WriterId, mine: &[Written]| {
            let count = mine.partition_point(|one| covered(writer, one.counter));
            if let Some(last) = mine[..count].last()
                && !was_replaced(last)
            {
                out.push((OpId { counter: last.counter, writer: *writer }, last.value.clone()));
            }
        };
        if writes.len() <= FEW {
            writes.iter().for_each(|(writer, mine)| look(writer, mine));
        } else {
            let seen = graph.writers_of(past);
            seen.for_each(|writer| writes.get(&writer).into_iter().for_each(|mine| look(&writer, mine)));
        }
        out
    }

    /// Every key of a map with the values that stand now, smallest operation first.
    pub(crate) fn standing(&self, map: MapName) -> Vec<(String, Standing)> {
        let read = |(key, writes): (&String, &Writes)| {
            let last = |(writer, mine): (&WriterId, &Vec<Written>)| {
                let last = mine.last().filter(|one| one.by.is_empty())?;
                Some((OpId { counter: last.counter, writer: *writer }, last.value.clone()))
            };
            let mut standing: Vec<_> = writes.iter().filter_map(last).collect();
            standing.sort_unstable_by_key(|(id, _)| *id);
            (key.clone(), standing)
        };
        self.maps.get(&map).into_iter().flatten().map(read).collect()
    }

    /// Whether an item in the past keeps the value, whose author had the right to.
    pub(crate) fn kept_at(&self, graph: &Graph, past: &Past, authors: &dyn Authors, loss: Loss<'_>) -> bool {
        let rightful = |id| graph.change_of(id).is_some_and(|change| authors.rights(&change).may_resolve);
        self.resolutions.keeping(loss).any(|id| graph.covers(past, id) && rightful(id))
    }
}

/// The operations of a change on the five maps.
pub(crate) fn writes<'a, 'b>(
    parsed: &'b Parsed<'a>,
    layout: &Layout,
) -> impl Iterator<Item = (MapName, &'a str, &'b Operation<'a>)> {
    let creator = layout.creator;
    parsed.operations.iter().filter_map(move |operation| {
        let object = operation.object.filter(|object| object.writer == creator)?;
        let map = MapName::from_counter(object.counter)?;
        match operation.key {
            Key::Map(key) => Some((map, key, operation)),
            Key::Front | Key::Character(_) => None,
        }
    })
}

impl<'a> Operation<'a> {
    /// The string it writes; nothing where it makes or deletes.
    pub(crate) const fn value(&self) -> &'a str {
        match self.action {
            Action::Put(value) => value,
            Action::MakeMap | Action::MakeText | Action::Delete => "",
        }
    }
}
