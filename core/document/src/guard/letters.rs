//! What can be said of a change only beside what it builds on.
//!
//! Everything is judged at the change's own past, so the judgement is the same on every replica, whatever else it holds.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use automerge::Automerge;
use firsthand_ids::ChangeHash;

use super::Rule;
use super::graph::Graph;
use super::keys::{Keys, writes};
use super::operations::Parsed;
use super::resolutions::{Loss, Resolutions};
use super::structure::rule_of;
use crate::layout::{self, Layout, MapName, Standing};
use crate::{Authors, GuardError, OpId, document, json};

/// Judges what a change writes in the five maps. `found` says what its author found under a key, `kept` whether the author
/// had seen a resolution that keeps a value.
pub(crate) fn judge(
    parsed: &Parsed<'_>,
    layout: &Layout,
    authors: &dyn Authors,
    found: &dyn Fn(MapName, &str) -> Standing,
    kept: &dyn Fn(Loss<'_>) -> bool,
) -> Result<(), GuardError> {
    let mut written: BTreeMap<(MapName, &str), (OpId, &str)> = BTreeMap::new();
    let own = OnceCell::new();
    for (map, key, operation) in writes(parsed, layout) {
        let found = match written.get(&(map, key)) {
            Some((id, value)) => vec![(*id, (*value).to_owned())],
            None => found(map, key),
        };
        // In order, as `operation.replaced` is; else a wide conflict would be compared each with each.
        let found: BTreeMap<OpId, String> = found.into_iter().collect();
        if !operation.replaced.iter().eq(found.keys()) {
            return Err(rule_of(map).broken("it does not replace exactly what stood there"));
        }
        let value = operation.value();
        if matches!(map, MapName::Register | MapName::Safe) && found.len() > 1 {
            let own = || own.get_or_init(|| own_resolutions(parsed, layout, authors));
            let kept = |loss: Loss<'_>| own().keeping(loss).next().is_some() || kept(loss);
            if !keeps_all(key, &found, value, &kept) {
                return Err(Rule::Conflict.broken("no resolution"));
            }
        }
        written.insert((map, key), (operation.id, value));
    }
    Ok(())
}

/// Whether a write over several values loses none of them: they are equal, or are the new value, or a resolution keeps
/// them.
fn keeps_all(
    field: &str,
    found: &BTreeMap<OpId, String>,
    value: &str,
    kept: &dyn Fn(Loss<'_>) -> bool,
) -> bool {
    let found: Vec<_> = found.iter().map(|(id, text)| (*id, json::parse(text))).collect();
    if found.windows(2).all(|pair| pair[0].1 == pair[1].1) {
        return true;
    }
    let new = json::parse(value);
    found.iter().all(|(id, old)| *old == new || kept(Loss { field, id: *id, value: old }))
}

/// The resolutions that a change itself adds, if its author had the right to.
fn own_resolutions(parsed: &Parsed<'_>, layout: &Layout, authors: &dyn Authors) -> Resolutions {
    let mut own = Resolutions::default();
    if authors.rights(&parsed.hash).may_resolve {
        for (map, _, operation) in writes(parsed, layout) {
            if map == MapName::Add {
                own.take(operation.id, operation.value());
            }
        }
    }
    own
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
            &|loss| this.keys().kept_at(this.graph, &past, this.authors, loss),
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
