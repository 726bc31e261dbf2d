use std::collections::BTreeMap;
use std::sync::Arc;

use firsthand_ids::{ExchangeKey, MailboxId, OperationHash, Position, SpaceId, WriterId, WriterPseudonym};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::{DeviceSecret, LogError, Vector};
use firsthand_seal::{EpochKey, MailboxKeys};
use firsthand_sync::relay::{Floor, ListDigest, ListPoint, MAX_RECALLED, Moment, Remembered};

use super::files::FilesThere;
use super::shelf::{Shelf, decode_floor, encode_floor};
use super::snapshots::Work;
use crate::relay::{SnapshotPolicy, Standing};

const VERSION: u8 = 3;
/// The most operations and doors that are noted of one mailbox: a team's history has no more.
const MAX_SEEN: usize = 4096;
/// The most mailboxes that doors lead to and nothing else is known of.
const MAX_FOUND: usize = 16;

/// The setting that holds how far a mailbox was read.
pub(super) fn setting(mailbox: &MailboxId) -> String {
    format!("relay.{mailbox}")
}

/// Where in the list something of this device's own journal stands, until the list accounts for it.
pub(super) const UNLISTED: u64 = u64::MAX;

/// What the journals in a mailbox hold, as far as this device opened them; with the serial of the list up to which it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Membership operations.
    pub(super) operations: BTreeMap<OperationHash, u64>,
    /// Commitments of the epochs to which a door leads for everybody who reads the space.
    pub(super) doors: BTreeMap<[u8; 32], u64>,
}

impl Seen {
    pub(super) fn operation(&mut self, hash: OperationHash, serial: u64) {
        self.operations.entry(hash).and_modify(|it| *it = serial.min(*it)).or_insert(serial);
    }

    pub(super) fn door(&mut self, commitment: [u8; 32], serial: u64) {
        self.doors.entry(commitment).and_modify(|it| *it = serial.min(*it)).or_insert(serial);
    }

    fn extend(&mut self, more: Self) {
        more.operations.into_iter().for_each(|(hash, serial)| self.operation(hash, serial));
        more.doors.into_iter().for_each(|(commitment, serial)| self.door(commitment, serial));
    }

    /// Everything that was brought is in the list up to here.
    fn listed(&mut self, serial: u64) {
        for at in self.operations.values_mut().chain(self.doors.values_mut()) {
            *at = if *at == UNLISTED { serial } else { *at };
        }
    }

    /// What comes after this place of the list has gone.
    fn set_back(&mut self, serial: u64) {
        self.operations.retain(|_, at| *at <= serial);
        self.doors.retain(|_, at| *at <= serial);
    }
}

/// A mailbox of which this device has the key.
pub(super) struct Known {
    pub(super) relay: ExchangeKey,
    pub(super) space: SpaceId,
    pub(super) key: EpochKey,
    /// The operation that made its epoch; `None` while only a door told of it.
    pub(super) epoch: Option<OperationHash>,
    pub(super) standing: Standing,
    pub(super) keys: MailboxKeys,
    /// What opens it, and what this device signs with in it.
    pub(super) secret: Arc<DeviceSecret>,
    pub(super) uploader: Arc<DeviceSecret>,
    /// What this device's journal is called.
    pub(super) journal: WriterPseudonym,
    /// What writers are called, both ways.
    pub(super) writers: BTreeMap<WriterPseudonym, WriterId>,
    pub(super) pseudonyms: BTreeMap<WriterId, WriterPseudonym>,
    pub(super) seen: Seen,
    /// What this device's journal says at a position, once the relay has it.
    pub(super) pending: Option<(Position, Seen)>,
    pub(super) remembered: Remembered,
    /// How far everybody's entries are there, as far as this device made or opened them.
    pub(super) reach: BTreeMap<WriterPseudonym, Position>,
    /// Files that are there, and what is kept of that.
    pub(super) files: FilesThere,
    pub(super) files_kept: FilesThere,
    /// How far this device is with snapshots there, and what is kept of that.
    pub(super) shelf: Shelf,
    pub(super) shelf_kept: Shelf,
    pub(super) work: Option<Work>,
    /// Where the mailbox is said to begin, behind a snapshot that it does not have.
    pub(super) wrong: Option<Floor>,
}

impl Known {
    /// What a writer is called here.
    pub(super) fn name(&mut self, writer: &WriterId) -> WriterPseudonym {
        if let Some(known) = self.pseudonyms.get(writer) {
            return *known;
        }
        let name = self.keys.writer(writer);
        self.pseudonyms.insert(*writer, name);
        self.writers.insert(name, *writer);
        name
    }

    /// How far this device's journal goes there.
    pub(super) fn journal_reach(&self) -> Position {
        self.reach.get(&self.journal).copied().unwrap_or_default()
    }

    /// Takes note of how far the connection has come.
    pub(super) fn reached(&mut self, reach: BTreeMap<WriterPseudonym, Position>) {
        self.reach = reach;
        let there = self.journal_reach();
        if let Some((_, said)) = self.pending.take_if(|(position, _)| *position <= there) {
            self.seen.extend(said);
        }
    }
}

/// All mailboxes that this device knows of.
#[derive(Default)]
pub(crate) struct Relays {
    pub(super) known: BTreeMap<MailboxId, Known>,
    /// Keys that doors gave, by relay and commitment.
    pub(super) found: BTreeMap<(ExchangeKey, [u8; 32]), EpochKey>,
    /// The heads of the membership when the last plan was made.
    pub(super) heads: Vec<OperationHash>,
    /// When a snapshot is proposed.
    pub(super) policy: SnapshotPolicy,
}

impl Relays {
    /// Takes note of a door; whether it leads somewhere new.
    pub(super) fn find(&mut self, relay: ExchangeKey, key: &EpochKey) -> bool {
        let at = (relay, key.commitment());
        let new = !self.found.contains_key(&at) && self.found.len() < MAX_FOUND;
        if new {
            self.found.insert(at, key.clone());
        }
        new
    }

    /// Takes note of how far a connection has come.
    pub(super) fn reached(&mut self, mailbox: &MailboxId, reach: BTreeMap<WriterPseudonym, Position>) {
        if let Some(known) = self.known.get_mut(mailbox) {
            known.reached(reach);
        }
    }

    pub(super) fn anew(&mut self, mailbox: &MailboxId) {
        if let Some(known) = self.known.get_mut(mailbox) {
            known.seen = Seen::default();
            known.pending = None;
            known.reach.clear();
            known.files = FilesThere::default();
            // Who asked for the list from its start, for want of having seen it whole, was contradicted by nothing.
            if known.remembered != Remembered::default() {
                known.shelf.forget();
                known.work = None;
            }
        }
    }

    pub(super) fn set_back(&mut self, mailbox: &MailboxId, moment: Moment) {
        if let Some(known) = self.known.get_mut(mailbox) {
            known.seen.set_back(moment.point.serial);
            known.pending = None;
            known.reach = moment.reach;
            known.files = FilesThere::default();
            known.shelf.forget();
            known.work = None;
        }
    }

    pub(super) fn gone(&mut self, mailbox: &MailboxId) {
        self.anew(mailbox);
        if let Some(known) = self.known.get_mut(mailbox) {
            known.remembered = Remembered::default();
            known.shelf.forget();
            known.work = None;
        }
    }

    /// The bytes to keep of a mailbox, where they changed.
    pub(super) fn remember(
        &mut self,
        mailbox: &MailboxId,
        remembered: Option<Remembered>,
    ) -> Option<Vec<u8>> {
        let known = self.known.get_mut(mailbox)?;
        let Some(remembered) = remembered else { return Some(Vec::new()) };
        if known.remembered == remembered {
            return None;
        }
        // The list accounts for what is remembered: for all of this device's journal, if that is.
        if remembered.reach.get(&known.journal).copied().unwrap_or_default() >= known.journal_reach() {
            known.seen.listed(remembered.serial);
        }
        known.remembered = remembered;
        Some(encode(&known.remembered, &known.seen))
    }
}

fn encode(remembered: &Remembered, seen: &Seen) -> Vec<u8> {
    let mut out = Writer::new();
    out.byte(VERSION).number(remembered.serial).fixed(remembered.digest.0);
    encode_floor(&mut out, &remembered.floor);
    out.number(remembered.reach.len() as u64);
    for (writer, position) in &remembered.reach {
        out.fixed(writer).number(position.0);
    }
    out.number(seen.operations.len() as u64);
    for (hash, serial) in &seen.operations {
        out.fixed(hash).number(*serial);
    }
    out.number(seen.doors.len() as u64);
    for (commitment, serial) in &seen.doors {
        out.fixed(commitment).number(*serial);
    }
    // Of each earlier moment, what differs from the one before it.
    out.number(remembered.earlier.len() as u64);
    let mut before: &BTreeMap<WriterPseudonym, Position> = &BTreeMap::new();
    for Moment { point, reach } in &remembered.earlier {
        out.number(point.serial).fixed(point.digest.0);
        let changed = reach.iter().filter(|(writer, position)| before.get(*writer) != Some(*position));
        out.number(changed.clone().count() as u64);
        for (writer, position) in changed {
            out.fixed(writer).number(position.0);
        }
        before = reach;
    }
    out.into_bytes()
}

/// Reads it; what cannot be read is read at the relay again.
pub(super) fn decode(bytes: &[u8]) -> Option<(Remembered, Seen)> {
    let read = || -> Result<(Remembered, Seen), LogError> {
        let mut reader = Reader::new(bytes);
        if reader.byte("version")? != VERSION {
            return Err(LogError::Newer { what: "mailbox" });
        }
        let mut remembered = Remembered {
            serial: reader.number("serial")?,
            digest: ListDigest(reader.array("digest")?),
            floor: decode_floor(&mut reader)?,
            ..Remembered::default()
        };
        for _ in 0..reader.count(2 * Vector::MAX_WRITERS, "writers")? {
            let writer = WriterPseudonym::new(reader.array("writer")?);
            remembered.reach.insert(writer, Position(reader.number("position")?));
        }
        let mut seen = Seen::default();
        for _ in 0..reader.count(MAX_SEEN, "operations")? {
            seen.operations.insert(OperationHash::new(reader.array("operation")?), reader.number("serial")?);
        }
        for _ in 0..reader.count(MAX_SEEN, "doors")? {
            seen.doors.insert(reader.array("door")?, reader.number("serial")?);
        }
        let mut reach = BTreeMap::new();
        for _ in 0..reader.count(MAX_RECALLED, "moments")? {
            let point =
                ListPoint { serial: reader.number("serial")?, digest: ListDigest(reader.array("digest")?) };
            for _ in 0..reader.count(2 * Vector::MAX_WRITERS, "writers")? {
                let writer = WriterPseudonym::new(reader.array("writer")?);
                reach.insert(writer, Position(reader.number("position")?));
            }
            remembered.earlier.push(Moment { point, reach: reach.clone() });
        }
        reader.finish("mailbox")?;
        Ok((remembered, seen))
    };
    read().ok()
}

#[cfg(test)]
mod tests {
    use firsthand_ids::ContentHash;
    use firsthand_sync::relay::MailboxBase;

    use super::*;

    fn moment(serial: u64, reach: &[(u8, u64)]) -> Moment {
        let reach = reach.iter().map(|(writer, at)| (WriterPseudonym::new([*writer; 16]), Position(*at)));
        Moment { point: ListPoint { serial, digest: ListDigest([serial as u8; 8]) }, reach: reach.collect() }
    }

    #[test]
    fn what_was_remembered_comes_back() {
        let remembered = Remembered {
            serial: 900,
            digest: ListDigest([7; 8]),
            floor: Floor {
                snapshot: Some(ContentHash::new([5; 32])),
                base: MailboxBase(BTreeMap::from([(WriterPseudonym::new([1; 16]), Position(200))])),
            },
            reach: BTreeMap::from([(WriterPseudonym::new([1; 16]), Position(300))]),
            earlier: vec![
                moment(700, &[(1, 250)]),
                moment(850, &[(1, 250), (2, 9)]),
                moment(880, &[(1, 280), (2, 9)]),
            ],
        };
        let seen = Seen {
            operations: BTreeMap::from([(OperationHash::new([2; 32]), 12)]),
            doors: BTreeMap::from([([3; 32], 850), ([4; 32], UNLISTED)]),
        };
        let bytes = encode(&remembered, &seen);
        assert_eq!(decode(&bytes), Some((remembered, seen)));
        for len in 0..bytes.len() {
            assert_eq!(decode(&bytes[..len]), None, "{len}");
        }
    }
}
