//! What is sealed for a mailbox: ranges of entries, and this device's journal.
//!
//! A journal carries what entries rest on. Where nobody but readers has the key it holds membership operations; in an earlier
//! mailbox, whose key somebody may have who was removed, it holds a door, which only those can open who read the space now.

use std::collections::BTreeSet;

use firsthand_ids::{ExchangeKey, MailboxId, OperationHash, Position, WriterId, WriterPseudonym};
use firsthand_log::codec::Writer;
use firsthand_log::{Mark, Vector};
use firsthand_seal::{BundleHeader, GroupKeys, Kind, seal, seal_range};
use firsthand_store::BatchLimits;
use firsthand_sync::relay::{MAX_RANGE_BYTES, RangeHead, SealedDigest};
use rand_core::CryptoRng;

use super::known::{Known, Seen, UNLISTED};
use crate::NodeError;
use crate::ledger::Ledger;
use crate::relay::Standing;

/// How much goes into one range, as into a piece of a bundle.
const RANGE: BatchLimits = BatchLimits { entries: 512, weight: 256 * 1024 };
/// The most that a range weighs which somebody else cut.
const OTHERS_WEIGHT: usize = 4 * 1024 * 1024;
/// How many bytes of operations go into one range of a journal.
const OPERATIONS_BYTES: usize = 64 * 1024;

type Range = (Position, Position, Vec<u8>);

impl Ledger {
    /// What follows `after` of a writer's, sealed.
    pub(super) fn seal_for(
        &mut self,
        mailbox: &MailboxId,
        writer: &WriterPseudonym,
        after: Position,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<Range>, NodeError> {
        let Some(known) = self.relays.known.get(mailbox) else { return Ok(None) };
        if *writer == known.journal {
            return self.seal_journal(mailbox, after, rng);
        }
        // The team may have changed since the mailbox was opened: nothing is ever sealed under a key that is not for exactly
        // those who read the space.
        let sealing = self.group.sealing(&self.membership, &known.space).map(|(hash, _)| hash);
        let Some(id) =
            known.writers.get(writer).copied().filter(|_| sealing.is_some() && sealing == known.epoch)
        else {
            return Ok(None);
        };
        if self.is_own(&known.space, &id) {
            // What leaves must not be forgotten here, whatever becomes of the database.
            self.store.witness()?;
        }
        let Some(known) = self.relays.known.get(mailbox) else { return Ok(None) };
        let range = self.range(known, &id, after, RANGE)?;
        Ok(range.filter(|(_, _, sealed)| sealed.len() <= MAX_RANGE_BYTES))
    }

    /// What this device would seal for a range that is listed.
    pub(super) fn sealed_digest(
        &self,
        mailbox: &MailboxId,
        head: &RangeHead,
    ) -> Result<Option<SealedDigest>, NodeError> {
        let Some(known) = self.relays.known.get(mailbox) else { return Ok(None) };
        let Some(id) = known.writers.get(&head.writer) else { return Ok(None) };
        let entries = usize::try_from(head.to.0 - head.from.0 + 1).unwrap_or(usize::MAX);
        let limits = BatchLimits { entries, weight: OTHERS_WEIGHT };
        let range = self.range(known, id, Position(head.from.0 - 1), limits)?;
        Ok(range.filter(|(_, to, _)| *to == head.to).map(|(_, _, sealed)| SealedDigest::of(&sealed)))
    }

    fn range(
        &self,
        known: &Known,
        writer: &WriterId,
        after: Position,
        limits: BatchLimits,
    ) -> Result<Option<Range>, NodeError> {
        let held = self.store.vector(&known.space);
        let others: BTreeSet<WriterId> = held.iter().map(|(it, _)| *it).filter(|it| it != writer).collect();
        let mut receiver = Vector::new();
        if after > Position::START {
            let Some(hash) = self.store.entry_hash_at(&known.space, writer, after)? else { return Ok(None) };
            receiver.set(*writer, Mark::new(after, &hash));
        }
        let Some(batch) = self.store.batch_for(&known.space, &receiver, limits, &others)? else {
            return Ok(None);
        };
        let Some((_, head)) = batch.heads.last().cloned() else { return Ok(None) };
        let entries: Vec<_> = batch.entries.into_iter().map(|(_, entry)| entry).collect();
        let to = head.position;
        Ok(Some((after.next(), to, seal_range(&known.key, *writer, entries, head)?)))
    }

    /// Whether this device's journal has something to say in a mailbox.
    pub(super) fn has_to_say(&self, known: &Known) -> bool {
        if known.space != self.space {
            return false;
        }
        match known.standing {
            Standing::Current | Standing::Beside => self.unsaid(known).next().is_some(),
            Standing::Former => {
                let sealing = self.group.sealing(&self.membership, &known.space);
                sealing.is_some_and(|(epoch, key)| {
                    !known.seen.doors.contains_key(&key.commitment())
                        && self.is_furnished(&known.relay, epoch)
                })
            }
            Standing::Found => false,
        }
    }

    /// Whether the mailbox of an epoch is there, with the operations that lead to it: no door leads to an empty room.
    fn is_furnished(&self, relay: &ExchangeKey, epoch: OperationHash) -> bool {
        let mut there = self.relays.known.values().filter(|it| it.relay == *relay && it.epoch == Some(epoch));
        there.any(|it| it.seen.operations.contains_key(&epoch))
    }

    fn unsaid<'a>(&'a self, known: &'a Known) -> impl Iterator<Item = (OperationHash, Vec<u8>)> + 'a {
        self.membership.all().into_iter().filter(|(hash, _)| !known.seen.operations.contains_key(hash))
    }

    fn seal_journal(
        &mut self,
        mailbox: &MailboxId,
        after: Position,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<Range>, NodeError> {
        let Some(known) = self.relays.known.get(mailbox).filter(|known| self.has_to_say(known)) else {
            return Ok(None);
        };
        let (says, sealed) = match (known.epoch, known.standing) {
            (Some(epoch), Standing::Current | Standing::Beside) => {
                // As above: the team may have changed since.
                if !self.group.safe(&self.membership, &known.space).contains(&epoch) {
                    return Ok(None);
                }
                self.seal_operations(known)?
            }
            (Some(_), Standing::Former) => match self.seal_door(known, rng)? {
                Some(door) => door,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let at = after.next();
        if let Some(known) = self.relays.known.get_mut(mailbox) {
            known.pending = Some((at, says));
        }
        Ok(Some((at, at, sealed)))
    }

    fn seal_operations(&self, known: &Known) -> Result<(Seen, Vec<u8>), NodeError> {
        let (mut says, mut operations, mut bytes) = (Seen::default(), Vec::new(), 0);
        for (hash, operation) in self.unsaid(known) {
            bytes += operation.len();
            if bytes > OPERATIONS_BYTES && !operations.is_empty() {
                break;
            }
            says.operation(hash, UNLISTED);
            operations.push(operation);
        }
        let mut out = Writer::new();
        out.number(operations.len() as u64);
        for operation in &operations {
            out.sized(operation);
        }
        Ok((says, seal(&known.key, Kind::Operations, out.as_bytes())?))
    }

    fn seal_door(
        &self,
        known: &Known,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<(Seen, Vec<u8>)>, NodeError> {
        let Some((_, key)) = self.group.sealing(&self.membership, &known.space) else { return Ok(None) };
        let readers = self.membership.reading_devices(&known.space);
        let (team, secret) = (self.membership.team(), self.membership.discovery_secret());
        let door = BundleHeader::make(team, secret, key, &readers, rng)?.encode();
        let mut says = Seen::default();
        says.door(key.commitment(), UNLISTED);
        Ok(Some((says, seal(&known.key, Kind::Door, &door)?)))
    }
}
