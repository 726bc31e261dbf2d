//! Batches that are verified one after the other and kept in one commit.
//!
//! A commit for each page of a snapshot would write every page of the database's indexes again and again, and wait for the disk each time.

use std::collections::BTreeMap;

use firsthand_ids::{ChangeHash, DocumentId, Position, SpaceId, WriterId};
use firsthand_log::lean::{ReceivedBatch, decode_batch};
use firsthand_log::{Entry, EntryKind, References, Tip};
use firsthand_store::SpaceReferences;
use firsthand_sync::Refusal;

use super::receive::{Durable, VerifiedBatch};
use super::{Ledger, Now};

/// What may gather before it is kept, as entries [weigh](Entry::weight), in bytes: what a section of a snapshot of ordinary records
/// holds. Hostile pages compress better.
const MAX_WEIGHT: usize = 8 * 1024 * 1024;

/// What verified and is not kept yet. What comes next builds on it.
#[derive(Default)]
pub(super) struct Unkept {
    batch: VerifiedBatch,
    weight: usize,
    tips: BTreeMap<WriterId, Tip>,
    /// What the lean encoding refers to, for each chain from a position on.
    known: BTreeMap<WriterId, (Position, Vec<Known>)>,
}

/// What an entry is about.
#[derive(Debug, Clone, Copy)]
struct Known {
    change: Option<ChangeHash>,
    document: Option<DocumentId>,
}

impl Unkept {
    /// Where a chain stands with what is not kept yet; `None` where nothing of it has come.
    pub(super) fn tip(&self, writer: &WriterId) -> Option<&Tip> {
        self.tips.get(writer)
    }

    pub(super) fn tips(&self) -> impl Iterator<Item = (&WriterId, &Tip)> {
        self.tips.iter()
    }

    fn add(&mut self, verified: VerifiedBatch, tips: BTreeMap<WriterId, Tip>) {
        for (writer, entry) in verified.entries() {
            self.weight += entry.weight();
            let is_change = matches!(entry.header.kind, EntryKind::Create | EntryKind::Change);
            let known =
                Known { change: is_change.then_some(entry.header.content), document: entry.header.document };
            self.known.entry(*writer).or_insert_with(|| (entry.position, Vec::new())).1.push(known);
        }
        self.batch.append(verified);
        self.tips.extend(tips);
    }

    fn at(&self, writer: &WriterId, position: Position) -> Option<Known> {
        let (first, known) = self.known.get(writer)?;
        known.get(usize::try_from(position.0.checked_sub(first.0)?).ok()?).copied()
    }
}

/// What is held, and what is not kept yet.
struct Together<'a> {
    unkept: &'a Unkept,
    held: SpaceReferences<'a>,
}

impl References for Together<'_> {
    fn locate_change(&self, change: &ChangeHash) -> Option<(WriterId, Position)> {
        self.held.locate_change(change)
    }

    fn locate_document(&self, document: &DocumentId) -> Option<(WriterId, Position)> {
        self.held.locate_document(document)
    }

    fn change_at(&self, writer: &WriterId, position: Position) -> Option<ChangeHash> {
        match self.unkept.at(writer, position) {
            Some(known) => known.change,
            None => self.held.change_at(writer, position),
        }
    }

    fn document_at(&self, writer: &WriterId, position: Position) -> Option<DocumentId> {
        match self.unkept.at(writer, position) {
            Some(known) => known.document,
            None => self.held.document_at(writer, position),
        }
    }
}

impl Ledger {
    /// Verifies a batch that comes after those in `unkept`, and adds it to them. They are kept when they are many, and where this
    /// one does not simply go on from them. Says how many entries were new.
    pub(super) fn receive_next(
        &mut self,
        space: &SpaceId,
        plain: &[u8],
        unkept: &mut Unkept,
        now: Now,
    ) -> Result<u64, Refusal> {
        if !self.takes_part(space) {
            return Err(Refusal::NotAMember);
        }
        let references = Together { unkept, held: self.store.references(*space) };
        let batch = self.store.at_once(|| decode_batch(plain, space, &references)).map_err(|error| {
            tracing::warn!(%error, "refused a batch");
            Refusal::Misbehaved
        })?;
        if !self.goes_on_from(unkept, &batch) {
            self.keep_unkept(space, unkept, now)?;
        }
        let (verified, tips) = self.verify(space, batch, unkept)?;
        let entries = verified.len();
        unkept.add(verified, tips);
        if unkept.weight > MAX_WEIGHT {
            self.keep_unkept(space, unkept, now)?;
        }
        Ok(entries)
    }

    /// Keeps what verified; from then on it may be acknowledged.
    pub(super) fn keep_unkept(
        &mut self,
        space: &SpaceId,
        unkept: &mut Unkept,
        now: Now,
    ) -> Result<(), Refusal> {
        let batch = std::mem::take(unkept).batch;
        self.keep_batch(space, batch, now, Durable::Yes).map_err(|error| {
            tracing::error!(%error, "could not keep a batch");
            Refusal::Storage
        })?;
        // It is kept: what it made provable here comes on top.
        if let Err(error) = self.join_tails(now) {
            tracing::error!(%error, "what lies beyond a gap waits for the next time");
        }
        Ok(())
    }

    /// Whether each part of a batch begins where its chain ends, kept or not, or in a chain of which nothing waits to be kept. What
    /// repeats something has to be compared with it, and so have cuts.
    fn goes_on_from(&self, unkept: &Unkept, batch: &ReceivedBatch) -> bool {
        batch.signatures.iter().all(|(writer, _)| match unkept.tip(writer) {
            None => true,
            Some(tip) => {
                let first = batch.entries.iter().find(|(of, _)| of == writer);
                !self.membership.is_cut(&tip.device)
                    && first
                        .is_some_and(|(_, entry): &(WriterId, Entry)| entry.position == tip.position.next())
            }
        })
    }
}
