//! What each change of a document builds on.

use std::collections::BTreeMap;

use automerge::Automerge;
use firsthand_ids::{ChangeHash, WriterId};

use super::clock::Clock;
use crate::OpId;

#[derive(Debug, Clone)]
struct Node {
    /// What it builds on, itself included.
    clock: Clock,
    /// The highest counter of it and of all it builds on.
    top: u64,
}

/// The changes of a document and their causal past.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    writers: BTreeMap<WriterId, usize>,
    /// The writers by their numbers.
    names: Vec<WriterId>,
    /// Of each writer, the first and last operation of each of its changes, and its hash.
    chains: Vec<Vec<(u64, u64, ChangeHash)>>,
    nodes: BTreeMap<ChangeHash, Node>,
}

/// What a new change would build on.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    clock: Clock,
    /// The highest counter in it.
    pub(crate) top: u64,
}

impl Graph {
    /// Reads the changes a document holds.
    pub(crate) fn read(am: &Automerge) -> Self {
        let mut graph = Self::default();
        for meta in am.get_changes_meta(&[]) {
            let Some(writer) = WriterId::from_slice(meta.actor.to_bytes()) else { continue };
            let dependencies: Vec<_> = meta.deps.iter().map(|hash| ChangeHash::new(hash.0)).collect();
            let past = graph.past(&dependencies);
            graph.add(ChangeHash::new(meta.hash.0), writer, meta.start_op..=meta.max_op, &past);
        }
        graph
    }

    pub(crate) fn has(&self, change: &ChangeHash) -> bool {
        self.nodes.contains_key(change)
    }

    /// What a change with these dependencies builds on.
    pub(crate) fn past(&self, dependencies: &[ChangeHash]) -> Past {
        let mut past = Past { clock: Clock::default(), top: 0 };
        for node in dependencies.iter().filter_map(|dependency| self.nodes.get(dependency)) {
            past.top = past.top.max(node.top);
            past.clock.merge(&node.clock);
        }
        past
    }

    /// How many changes of a writer are in the past.
    pub(crate) fn sequence(&self, past: &Past, writer: WriterId) -> u64 {
        let number = self.writers.get(&writer);
        number.map_or(0, |number| past.clock.get(*number))
    }

    /// Who made changes in the past.
    pub(crate) fn writers_of(&self, past: &Past) -> impl Iterator<Item = WriterId> {
        past.clock.numbers().filter_map(|number| self.names.get(number).copied())
    }

    /// How many changes of a writer there are.
    pub(crate) fn length(&self, writer: WriterId) -> u64 {
        self.writers.get(&writer).map_or(0, |number| self.chains[*number].len() as u64)
    }

    /// Whether an operation is in the past.
    pub(crate) fn covers(&self, past: &Past, operation: OpId) -> bool {
        let Some(number) = self.writers.get(&operation.writer) else { return false };
        let count = past.clock.get(*number) as usize;
        let chain = self.chains[*number].get(..count).unwrap_or_default();
        let place = chain.partition_point(|(_, last, _)| *last < operation.counter);
        chain.get(place).is_some_and(|(first, _, _)| *first <= operation.counter)
    }

    /// The change that made an operation.
    pub(crate) fn change_of(&self, operation: OpId) -> Option<ChangeHash> {
        let chain = &self.chains[*self.writers.get(&operation.writer)?];
        let place = chain.partition_point(|(_, last, _)| *last < operation.counter);
        let (first, _, hash) = chain.get(place)?;
        (*first <= operation.counter).then_some(*hash)
    }

    /// Takes a change in. Its sequence number is the next of its writer.
    pub(crate) fn add(
        &mut self,
        hash: ChangeHash,
        writer: WriterId,
        operations: std::ops::RangeInclusive<u64>,
        past: &Past,
    ) {
        let next = self.writers.len();
        let number = *self.writers.entry(writer).or_insert(next);
        if number == self.chains.len() {
            self.chains.push(Vec::new());
            self.names.push(writer);
        }
        self.chains[number].push((*operations.start(), *operations.end(), hash));
        let mut clock = past.clock.clone();
        clock.set(number, self.chains[number].len() as u64);
        self.nodes.insert(hash, Node { clock, top: past.top.max(*operations.end()) });
    }
}
