//! What can be said of a change only beside what it builds on.
//!
//! Everything is judged at the change's own past, so the judgement is the same on every replica, whatever else it holds.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use automerge::Automerge;
use firsthand_ids::ChangeHash;
use serde_json::Value;

use super::Rule;
use super::graph::Graph;
use super::keys::{Keys, writes};
use super::operations::{Action, Parsed};
use super::structure::rule_of;
use crate::layout::{self, Layout, MapName, Standing};
use crate::schema::lists;
use crate::{Authors, GuardError, OpId, document, json};

/// Judges what a change writes in the five maps. `found` says what its author found under a key, `resolved` whether
/// the author had seen a resolution.
pub(crate) fn judge(
    parsed: &Parsed<'_>,
    layout: &Layout,
    authors: &dyn Authors,
    found: &dyn Fn(MapName, &str) -> Standing,
    resolved: &dyn Fn(Keeps<'_>) -> bool,
) -> Result<(), GuardError> {
    let mut written: BTreeMap<(MapName, &str), (OpId, &str)> = BTreeMap::new();
    for (map, key, operation) in writes(parsed, layout) {
        let found = match written.get(&(map, key)) {
            Some((id, value)) => vec![(*id, (*value).to_owned())],
            None => found(map, key),
        };
        let replaced = &operation.replaced;
        if replaced.len() != found.len() || !found.iter().all(|(id, _)| replaced.contains(id)) {
            return Err(rule_of(map).broken("it does not replace exactly what stood there"));
        }
        let value = operation.value();
        if matches!(map, MapName::Register | MapName::Safe) && differ(&found) {
            let keeps = |item: &str| keeps(item, key, &found, value);
            if !resolved_here(layout, authors, parsed, &keeps) && !resolved(&keeps) {
                return Err(Rule::Conflict.broken("no resolution"));
            }
        }
        written.insert((map, key), (operation.id, value));
    }
    Ok(())
}

/// Judges changes of a document in Automerge, one after the other, each after its dependencies.
pub(super) struct Letters<'a> {
    /// The document before the changes.
    base: &'a Automerge,
    layout: &'a Layout,
    /// The past of every change, those to be judged included.
    graph: &'a Graph,
    authors: &'a dyn Authors,
    /// The heads of what was judged so far.
    heads: BTreeSet<ChangeHash>,
    /// What stands after it, of the keys that were written.
    standing: BTreeMap<(MapName, &'a str), Standing>,
    /// What was judged so far.
    judged: Vec<&'a Parsed<'a>>,
    /// All writes of the document and of what was judged so far, once they were needed.
    keys: OnceCell<Keys>,
}

impl<'a> Letters<'a> {
    pub(super) fn new(
        base: &'a Automerge,
        layout: &'a Layout,
        graph: &'a Graph,
        authors: &'a dyn Authors,
    ) -> Self {
        Self {
            base,
            layout,
            graph,
            authors,
            heads: base.get_heads().into_iter().map(document::ours).collect(),
            standing: BTreeMap::new(),
            judged: Vec::new(),
            keys: OnceCell::new(),
        }
    }

    /// Judges the next change.
    pub(super) fn judge(&mut self, parsed: &'a Parsed<'a>) -> Result<(), GuardError> {
        // A change that builds on everything so far finds what stands now, which Automerge says at once. Only for
        // others the whole history has to be read, once for all of them.
        let latest = self.heads.iter().all(|head| parsed.dependencies.contains(head));
        let past = self.graph.past(&parsed.dependencies);
        let this = &*self;
        let result = judge(
            parsed,
            this.layout,
            this.authors,
            &|map, key| match this.standing.get(&(map, key)) {
                _ if !latest => this.keys().standing_at(this.graph, &past, map, key),
                Some(standing) => standing.clone(),
                None => layout::values(this.base, &this.layout.map(map), key),
            },
            &|keeps| this.keys().resolved_at(this.graph, &past, this.authors, keeps),
        );
        for (map, key, operation) in writes(parsed, self.layout) {
            let read = || layout::values(self.base, &self.layout.map(map), key);
            let standing = self.standing.entry((map, key)).or_insert_with(read);
            standing.retain(|(id, _)| !operation.replaced.contains(id));
            standing.push((operation.id, operation.value().to_owned()));
        }
        if let Some(keys) = self.keys.get_mut() {
            keys.take(parsed, self.layout);
        }
        self.judged.push(parsed);
        for dependency in &parsed.dependencies {
            self.heads.remove(dependency);
        }
        self.heads.insert(parsed.hash);
        result
    }

    fn keys(&self) -> &Keys {
        self.keys.get_or_init(|| {
            let mut keys = Keys::default();
            for change in self.base.get_changes(&[]) {
                if let Ok(parsed) = Parsed::read(change.raw_bytes()) {
                    keys.take(&parsed, self.layout);
                }
            }
            for parsed in &self.judged {
                keys.take(parsed, self.layout);
            }
            keys
        })
    }
}

/// Whether an item is a resolution of the conflict at hand.
pub(crate) type Keeps<'a> = &'a dyn Fn(&str) -> bool;

/// Whether the change itself adds the resolution, with the right to.
fn resolved_here(layout: &Layout, authors: &dyn Authors, parsed: &Parsed<'_>, keeps: Keeps<'_>) -> bool {
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
    // Nearly all items are of other lists, and need not be read. Canonical JSON escapes no letter.
    if !item.contains(lists::RESOLUTIONS) {
        return false;
    }
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
