//! What of this device's own entries another device has confirmed to hold, so that a person can see what would be lost
//! with this one.
//!
//! Per own chain the highest position that any member's device has said to hold: in its hello, by acknowledging a batch,
//! which it does after its own commit, or by sending the entries itself. It is kept on this device only, and asked for
//! again at every meeting, so losing it makes records look less safe than they are, never safer.

use std::collections::BTreeMap;

use firsthand_ids::{DocumentId, Position, SpaceId, WriterId};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::{LogError, Vector};
use firsthand_store::{Commit, Store, StoredDocument};

use super::Ledger;
use crate::NodeError;

const DELIVERED: &str = "delivered";
const VERSION: u8 = 1;
/// The most own chains: a device opens a new one after each restore.
const MAX_CHAINS: usize = 4096;

/// How far each own chain is known to be held elsewhere.
pub(super) type Delivered = BTreeMap<WriterId, Position>;

/// How much of a record no other device has confirmed to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnlyHere {
    /// Nothing: another device has confirmed everything that was entered here.
    #[default]
    Nothing,
    /// Changes, or records of files; another device holds an earlier state.
    Changes,
    /// The record itself.
    All,
}

impl Ledger {
    /// Whether a chain was begun by this device: the one it writes on, or one from before a restore.
    pub(super) fn is_own(&self, space: &SpaceId, writer: &WriterId) -> bool {
        self.store.tip(space, writer).is_some_and(|tip| tip.device == self.device)
    }

    pub(super) fn read_delivered(store: &Store) -> Result<Delivered, NodeError> {
        // What cannot be read is heard again at the next meeting.
        Ok(store.setting(DELIVERED)?.and_then(|bytes| decode(&bytes).ok()).unwrap_or_default())
    }

    /// Takes note of what a member's device says it holds of a space. Only own chains count, and only a mark that is their own.
    pub(super) fn keep_delivered(&mut self, space: &SpaceId, marks: &Vector) -> Result<(), NodeError> {
        let mut delivered = self.delivered.clone();
        for (writer, mark) in marks.iter().filter(|(writer, _)| self.is_own(space, writer)) {
            let known = delivered.entry(*writer).or_default();
            if mark.position > *known && self.mark_at(space, writer, mark.position)?.as_ref() == Some(mark) {
                *known = mark.position;
            }
        }
        delivered.retain(|_, position| position.0 > 0);
        if delivered == self.delivered {
            return Ok(());
        }
        let mut commit = Commit::new(self.space);
        commit.settings.push((DELIVERED.to_owned(), encode(&delivered)));
        commit.tried = self.untried.is_empty();
        // Should the device lose power before this is on the disk, the next meeting tells again.
        commit.derived = true;
        self.store.commit(commit)?;
        self.delivered = delivered;
        Ok(())
    }

    /// The incidents of which something is on this device only, as far as it knows.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn only_here(&self) -> Result<BTreeMap<DocumentId, OnlyHere>, NodeError> {
        let mut only: BTreeMap<DocumentId, OnlyHere> = BTreeMap::new();
        for space in self.store.spaces() {
            for (writer, _) in
                self.store.vector(&space).iter().filter(|(writer, _)| self.is_own(&space, writer))
            {
                let held = self.delivered.get(writer).copied().unwrap_or_default();
                for (id, created) in self.store.incidents_beyond(&space, writer, held)? {
                    // What somebody notes of themself is to be nowhere else.
                    if space != self.space && self.store.incident(&id)?.is_none() {
                        continue;
                    }
                    let how = if created { OnlyHere::All } else { OnlyHere::Changes };
                    let known = only.entry(id).or_default();
                    *known = how.max(*known);
                }
            }
        }
        Ok(only)
    }

    /// How much of an incident is on this device only: [`Ledger::only_here`] of one.
    pub(super) fn only_here_of(&self, id: &DocumentId) -> Result<OnlyHere, NodeError> {
        let mut only = OnlyHere::Nothing;
        let files = self.store.evidence_of(id)?.into_iter().map(|row| row.id);
        for document in files.chain([*id]) {
            let Some(StoredDocument { space, .. }) = self.store.document(&document)? else { continue };
            let creator = self.store.creator(&document)?;
            for change in self.store.places_of(&document)? {
                let held = self.delivered.get(&change.0).copied().unwrap_or_default();
                if self.is_own(&space, &change.0) && change.1 > held {
                    let whole = document == *id && creator == Some(change);
                    only = only.max(if whole { OnlyHere::All } else { OnlyHere::Changes });
                }
            }
        }
        Ok(only)
    }
}

fn encode(delivered: &Delivered) -> Vec<u8> {
    let mut out = Writer::new();
    out.byte(VERSION).number(delivered.len() as u64);
    for (writer, position) in delivered {
        out.fixed(writer).number(position.0);
    }
    out.into_bytes()
}

fn decode(bytes: &[u8]) -> Result<Delivered, LogError> {
    let mut reader = Reader::new(bytes);
    if reader.byte("version")? != VERSION {
        return Err(LogError::Newer { what: "deliveries" });
    }
    let count = reader.count(MAX_CHAINS, "deliveries")?;
    let mut delivered = Delivered::new();
    for _ in 0..count {
        let writer = WriterId::new(reader.array("writer")?);
        delivered.insert(writer, Position(reader.number("position")?));
    }
    reader.finish("deliveries")?;
    Ok(delivered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_delivered_comes_back() {
        let all =
            Delivered::from([(WriterId::new([1; 16]), Position(7)), (WriterId::new([2; 16]), Position(1))]);
        assert_eq!(decode(&encode(&all)).unwrap(), all);
        assert!(decode(&encode(&all)[..20]).is_err());
    }
}
