//! What a relay brings: opened, and taken in only as far as it verifies.

use firsthand_ids::{MailboxId, Position};
use firsthand_log::MAX_MEMBERSHIP_HEADS;
use firsthand_log::codec::Reader;
use firsthand_seal::{BundleHeader, EpochKey, Kind, OpenedRange, SealError, open, open_range_content};
use firsthand_sync::Refusal;
use firsthand_sync::relay::{Opened, RangeHead};
use firsthand_team::{MAX_OPERATION_BYTES, Operation};

use crate::NodeError;
use crate::ledger::{Ledger, Now, epochs};
use crate::meeting::Change;

/// The most operations of one range of a journal: what fits into it is far less.
const MAX_OPERATIONS: usize = 4096;

/// What became of a range.
pub(super) struct Took {
    pub(super) opened: Opened,
    pub(super) entries: u64,
    /// It leads to a mailbox that was not known.
    pub(super) leads_on: bool,
}

impl Took {
    const fn only(opened: Opened) -> Self {
        Self { opened, entries: 0, leads_on: false }
    }
}

impl Ledger {
    pub(super) fn open_range(
        &mut self,
        mailbox: &MailboxId,
        head: &RangeHead,
        sealed: &[u8],
        now: Now,
        change: &mut Change,
    ) -> Result<Took, NodeError> {
        let Some(known) = self.relays.known.get(mailbox) else { return Ok(Took::only(Opened::Early)) };
        let (kind, content) = match open(&known.key, sealed) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(%error, "a range at a relay cannot be opened");
                return Ok(Took::only(Opened::Garbage));
            }
        };
        let took = match kind {
            Kind::Range => self.open_entries(mailbox, head, &content, now, change)?,
            Kind::Operations => self.open_operations(mailbox, head, &content, change)?,
            Kind::Door => self.open_door(mailbox, head, &content)?,
            _ => Took::only(Opened::Garbage),
        };
        // Under the name of a journal stands nothing that anybody would take for a writer's entries, and the other way about.
        let journal = self.is_journal(mailbox, head);
        if took.opened == Opened::Good && journal == (kind == Kind::Range) {
            return Ok(Took { opened: Opened::Garbage, ..took });
        }
        Ok(took)
    }

    fn is_journal(&self, mailbox: &MailboxId, head: &RangeHead) -> bool {
        let Some(known) = self.relays.known.get(mailbox) else { return false };
        let roster = self.membership.roster();
        let mut devices = roster.devices.keys().chain(roster.removed.keys());
        head.writer == known.journal || devices.any(|device| known.keys.journal(device) == head.writer)
    }

    fn open_entries(
        &mut self,
        mailbox: &MailboxId,
        head: &RangeHead,
        content: &[u8],
        now: Now,
        change: &mut Change,
    ) -> Result<Took, NodeError> {
        let Some(known) = self.relays.known.get_mut(mailbox) else { return Ok(Took::only(Opened::Early)) };
        let space = known.space;
        let Ok(OpenedRange { writer, from, to, batch }) = open_range_content(&space, content) else {
            return Ok(Took::only(Opened::Garbage));
        };
        if known.name(&writer) != head.writer || (from, to) != (head.from, head.to) {
            return Ok(Took::only(Opened::Garbage));
        }
        let held = self.store.tip(&space, &writer);
        let at = held.as_ref().map_or(Position::START, |tip| tip.position);
        if from > at.next() {
            return Ok(Took::only(Opened::Early));
        }
        // Who begins a chain names the operations that admitted them; those may be on their way.
        let named = batch.entries.first().and_then(|(_, entry)| entry.header.membership.clone());
        let admitted = named.unwrap_or_default().iter().all(|hash| self.membership.contains(hash));
        match self.receive_batch(&space, batch, now) {
            Ok(received) => {
                if received.entries > 0 {
                    *change = self.received();
                }
                // Where the chain says something else here, this is not what would be put there.
                let forked = received.committed.forks.contains(&writer);
                let opened = if forked { Opened::Garbage } else { Opened::Good };
                Ok(Took { opened, entries: received.entries, leads_on: false })
            }
            Err(Refusal::Storage) => Ok(Took::only(Opened::Early)),
            Err(_) if held.is_none() && !admitted => Ok(Took::only(Opened::Early)),
            Err(_) => Ok(Took::only(Opened::Garbage)),
        }
    }

    fn open_operations(
        &mut self,
        mailbox: &MailboxId,
        head: &RangeHead,
        content: &[u8],
        change: &mut Change,
    ) -> Result<Took, NodeError> {
        let Ok(operations) = operations(content) else { return Ok(Took::only(Opened::Garbage)) };
        let team = *self.membership.team();
        let mut hashes = Vec::with_capacity(operations.len());
        for bytes in &operations {
            let Ok(operation) = Operation::decode(bytes) else { return Ok(Took::only(Opened::Garbage)) };
            let founds = operation.parents.is_empty();
            hashes.push(operation.hash((!founds).then_some(&team)));
        }
        if hashes.iter().any(|hash| !self.membership.contains(hash)) {
            match self.take_operations(None, &operations, change) {
                Ok(_) => {}
                Err(Refusal::Storage) => return Ok(Took::only(Opened::Early)),
                Err(_) => return Ok(Took::only(Opened::Garbage)),
            }
        }
        let (here, missing): (Vec<_>, Vec<_>) =
            hashes.into_iter().partition(|hash| self.membership.contains(hash));
        if let Some(known) = self.relays.known.get_mut(mailbox) {
            here.into_iter().for_each(|hash| known.seen.operation(hash, head.serial));
        }
        // What precedes them comes in somebody else's journal.
        Ok(Took::only(if missing.is_empty() { Opened::Good } else { Opened::Early }))
    }

    fn open_door(
        &mut self,
        mailbox: &MailboxId,
        head: &RangeHead,
        content: &[u8],
    ) -> Result<Took, NodeError> {
        let (team, secret) = (self.membership.team(), self.membership.discovery_secret());
        let header = BundleHeader::decode(content);
        let Ok(header) = header.map_err(drop).and_then(
            |it: BundleHeader| {
                if it.is_of(team, secret) { Ok(it) } else { Err(()) }
            },
        ) else {
            return Ok(Took::only(Opened::Garbage));
        };
        let exchange = epochs::exchange(&self.keys)?;
        let Some(key) = header.enter(&exchange) else {
            // It is for others: somebody was removed, or an epoch was made that this device is not of.
            return Ok(Took::only(Opened::Good));
        };
        let leads_on = self.take_door(mailbox, head, &header, &key);
        Ok(Took { leads_on, ..Took::only(Opened::Good) })
    }

    fn take_door(
        &mut self,
        mailbox: &MailboxId,
        head: &RangeHead,
        header: &BundleHeader,
        key: &EpochKey,
    ) -> bool {
        let Some(known) = self.relays.known.get_mut(mailbox) else { return false };
        let commitment = key.commitment();
        if header.is_for(key, &self.membership.reading_devices(&known.space)) {
            known.seen.door(commitment, head.serial);
        }
        let relay = known.relay;
        let heard = self.membership.epochs().any(|it| it.epoch.commitment == commitment);
        !heard && self.relays.find(relay, key)
    }
}

fn operations(content: &[u8]) -> Result<Vec<Vec<u8>>, SealError> {
    let mut reader = Reader::new(content);
    let count = reader.count(MAX_OPERATIONS, "operations")?;
    let mut operations = Vec::with_capacity(count.min(MAX_MEMBERSHIP_HEADS));
    for _ in 0..count {
        operations.push(reader.sized(MAX_OPERATION_BYTES, "operation")?.to_vec());
    }
    reader.finish("operations")?;
    Ok(operations)
}
