//! Chains that forked: one device signed two entries for the same position, because its home was copied or somebody forges.
//!
//! Each device goes on with the branch it applied first and keeps the end of the other one, which its device signed as
//! well: the two prove the fork. Until a lead chooses, what stands beyond the fork is shown as disputed.

use std::collections::BTreeSet;

use firsthand_ids::{DeviceKey, DocumentId, Position, SpaceId, WriterId};
use firsthand_log::lean::encode_batch;
use firsthand_log::{Batch, Entry, SignedHead, Vector};
use firsthand_store::{AsideReason, AsideRun};
use firsthand_sync::BATCH_BYTES;

use super::Ledger;
use crate::NodeError;

/// How many entries of the end of a chain are sent as a branch: a fork lies near the end, since what follows it is made by
/// hand. Where it lies deeper a shorter chain is sent whole.
const BRANCH_ENTRIES: u64 = 256;

/// A chain that forked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkView {
    /// The space that the chain is of.
    pub space: SpaceId,
    /// The chain.
    pub writer: WriterId,
    /// Whose.
    pub person: String,
    /// The device that signed both.
    pub device: DeviceKey,
    /// The first position at which the branches differ.
    pub from: Position,
    /// How far the branch goes that is shown here.
    pub shown_to: Position,
    /// How far the branch goes that is kept aside.
    pub aside_to: Position,
}

impl Ledger {
    /// The chains that forked, as far as this device has seen both branches.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn forks(&self) -> Result<Vec<ForkView>, NodeError> {
        let mut forks: Vec<ForkView> = Vec::new();
        for run in self.store.aside()?.into_iter().filter(|run| run.reason == AsideReason::Fork) {
            let Some(tip) = self.store.tip(&run.space, &run.writer) else { continue };
            let found = forks.iter_mut().find(|fork| fork.writer == run.writer);
            if let Some(fork) = found {
                fork.from = fork.from.min(run.first);
                fork.aside_to = fork.aside_to.max(run.last);
                continue;
            }
            forks.push(ForkView {
                space: run.space,
                writer: run.writer,
                person: self.name(&tip.person),
                device: tip.device,
                from: run.first,
                shown_to: tip.position,
                aside_to: run.last,
            });
        }
        Ok(forks)
    }

    /// Whether something of a document stands beyond a fork.
    pub(super) fn is_disputed(&self, id: &DocumentId) -> Result<bool, NodeError> {
        let forks = self.forks()?;
        if forks.is_empty() {
            return Ok(false);
        }
        let changes = self.store.changes_of(id)?;
        Ok(changes.iter().any(|change| {
            forks.iter().any(|fork| fork.writer == change.info.writer && change.info.position >= fork.from)
        }))
    }

    /// Every document of which something stands beyond a fork.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn disputed(&self) -> Result<BTreeSet<DocumentId>, NodeError> {
        let mut disputed = BTreeSet::new();
        for fork in self.forks()? {
            disputed.extend(self.store.documents_changed_since(&fork.space, &fork.writer, fork.from)?);
        }
        Ok(disputed)
    }

    /// A verified run of another branch, as it is kept.
    pub(super) fn branch(
        &self,
        space: &SpaceId,
        writer: WriterId,
        differs: Position,
        entries: Vec<Entry>,
        head: SignedHead,
    ) -> AsideRun {
        let entries = entries.into_iter().map(|entry| (writer, entry)).collect();
        let batch = Batch { entries, heads: vec![(writer, head)] };
        let run = encode_batch(&batch, &Vector::new(), &self.store.references(*space));
        let (reason, space) = (AsideReason::Fork, *space);
        AsideRun { reason, space, writer, first: differs, last: head.position, hash: head.hash, run }
    }

    /// The end of a chain, for a device that holds another branch of it.
    pub(super) fn load_branch(
        &mut self,
        space: &SpaceId,
        writer: &WriterId,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        let Some(tip) = self.store.tip(space, writer) else { return Ok(None) };
        if tip.device == self.device {
            self.store.witness()?;
        }
        let from = match tip.position.0.checked_sub(BRANCH_ENTRIES).filter(|from| *from > 0) {
            // A run begins behind a signature.
            Some(after) => {
                self.store.heads(space, writer, Position(after), 1)?.first().map(|it| it.position.next())
            }
            None => Some(Position::START.next()),
        };
        let Some(from) = from.filter(|from| *from <= tip.position) else { return Ok(None) };
        let stored = self.store.entries(space, writer, from, BRANCH_ENTRIES as usize)?;
        let Some(head) = stored.last().and_then(firsthand_store::StoredEntry::head) else { return Ok(None) };
        let entries = stored.into_iter().map(|stored| (*writer, stored.entry)).collect();
        let batch = Batch { entries, heads: vec![(*writer, head)] };
        if batch.weight() > BATCH_BYTES {
            return Ok(None);
        }
        Ok(Some(encode_batch(&batch, &Vector::new(), &self.store.references(*space))))
    }
}
