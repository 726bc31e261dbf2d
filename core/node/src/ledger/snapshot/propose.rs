//! Agreeing that a snapshot takes the place of ranges at a relay: a lead proposes it, and a second member looks at all of it
//! before confirming.

use firsthand_ids::{ContentHash, ExchangeKey, MailboxId, SpaceId, WriterId, WriterPseudonym};
use firsthand_log::lean::decode_batch;
use firsthand_log::{DeviceSecret, Signature, Standing, Vector};
use firsthand_seal::{GroupKeys, SectionKind, SectionReader, leads_key};
use firsthand_sync::relay::{MailboxBase, proof};
use firsthand_team::{TeamError, leads_space};
use rand_core::CryptoRng;

use super::read::{open_blobs, why};
use super::{SnapshotError, SnapshotPlan};
use crate::NodeError;
use crate::ledger::Ledger;

/// The base of a mailbox that a snapshot stands for, by the names that writers have there.
#[must_use]
pub fn mailbox_base(base: &Vector, name: impl Fn(&WriterId) -> WriterPseudonym) -> MailboxBase {
    MailboxBase(base.iter().map(|(writer, mark)| (name(writer), mark.position)).collect())
}

impl Ledger {
    /// The key with which leads register mailboxes at a relay and propose snapshots there; makes the leads' first epoch where there is
    /// none for exactly them.
    ///
    /// # Errors
    /// [`NodeError::Team`] for who does not lead; [`NodeError::Store`].
    pub fn leads_key(
        &mut self,
        relay: &ExchangeKey,
        rng: &mut dyn CryptoRng,
    ) -> Result<DeviceSecret, NodeError> {
        // As in `Space::Leads`: a coordinator closes incidents, and is no lead.
        if !self.rights().remove {
            return Err(TeamError::NotAllowed.into());
        }
        let space = leads_space(self.membership.team());
        let epoch = self.sealing_key(&space, rng)?;
        Ok(leads_key(&epoch, relay)?)
    }

    /// The leads' keys of a relay that this device can make, of all epochs of the leads. A mailbox takes the one that it
    /// was registered with.
    ///
    /// # Errors
    /// [`NodeError::Inconsistent`] if the library refuses a seed.
    pub fn leads_keys(&self, relay: &ExchangeKey) -> Result<Vec<DeviceSecret>, NodeError> {
        let space = leads_space(self.membership.team());
        let opening = self.group.opening(&self.membership, &space).into_iter();
        opening.map(|(_, epoch)| Ok(leads_key(epoch, relay)?)).collect()
    }

    /// Proposes that a snapshot stand for everything of a mailbox up to `base`: what the relay is told in `Replace`.
    #[must_use]
    pub fn propose_snapshot(
        &self,
        leads: &DeviceSecret,
        mailbox: &MailboxId,
        snapshot: &ContentHash,
        base: &MailboxBase,
    ) -> Signature {
        leads.sign(&proof::replace(mailbox, snapshot, base))
    }

    /// Begins to look at a snapshot that somebody proposed: whether it stands for what this device holds, and for nothing less
    /// than the base in the proposal. Every section is to be brought to [`Ledger::compare_section`]; after the last one the
    /// proposal may be confirmed.
    ///
    /// # Errors
    /// [`NodeError::Snapshot`].
    pub fn compare_snapshot(
        &mut self,
        space: &SpaceId,
        index: &[u8],
        proposed: &MailboxBase,
        name: impl Fn(&WriterId) -> WriterPseudonym,
    ) -> Result<SnapshotPlan, NodeError> {
        let plan = self.open_index(space, index)?;
        let held = self.store.vector(space);
        let beyond = held
            .compare(plan.base())
            .any(|(_, standing)| matches!(standing, Standing::WeLack(_) | Standing::Fork));
        let mut same = true;
        for (writer, mark) in plan.base().iter() {
            same &= self.mark_at(space, writer, mark.position)? == Some(*mark);
        }
        if beyond || !same || mailbox_base(plan.base(), name) != *proposed {
            return Err(SnapshotError::Differs.into());
        }
        Ok(plan)
    }

    /// Looks at the section of which [`SnapshotPlan::wanted`] named the blobs. Every chain is recomputed, and every entry must be
    /// the one that is held here; nothing is kept.
    ///
    /// # Errors
    /// [`NodeError::Snapshot`] naming what is wrong.
    pub fn compare_section(&self, plan: &mut SnapshotPlan, blobs: &[Vec<u8>]) -> Result<(), NodeError> {
        let section = plan.next;
        let Some(kind) = plan.index.sections.get(section).map(|section| section.kind) else { return Ok(()) };
        let bytes = open_blobs(plan, section, blobs)?;
        if kind == SectionKind::Entries {
            let refused = |page| SnapshotError::Page { section, page };
            let references = self.store.references(plan.space);
            let mut reader = SectionReader::new(&bytes)?;
            let mut page = 0;
            while let Some(plain) = reader.page().map_err(|_| refused(page))? {
                let batch = decode_batch(&plain, &plan.space, &references).map_err(|_| refused(page))?;
                for (writer, entry) in &batch.entries {
                    let seen = plan.seen.entry(*writer).or_default();
                    // A hole would be filled by nobody once the ranges are gone.
                    if entry.position > seen.next() {
                        return Err(refused(page).into());
                    }
                    *seen = entry.position.max(*seen);
                }
                let held = self.is_held_batch(&plan.space, batch).map_err(|it| why(&it, refused(page)))?;
                if !held {
                    return Err(SnapshotError::Differs.into());
                }
                page += 1;
            }
        }
        plan.next += 1;
        let all = plan
            .base()
            .iter()
            .all(|(writer, mark)| plan.seen.get(writer).is_some_and(|it| *it >= mark.position));
        if plan.wanted().is_none() && !all { Err(SnapshotError::Short.into()) } else { Ok(()) }
    }
}
