use std::collections::BTreeMap;
use std::fmt;

use firsthand_ids::{ContentHash, DeviceKey, Digest, MailboxId, Position, WriterPseudonym, sha256};
use firsthand_log::LogError;
use firsthand_log::codec::{Reader, Writer};

use super::{MAX_RANGE_BYTES, MAX_WRITERS};

/// What a relay's operator gives a team so that it may register mailboxes. Never printed by accident.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token([u8; 16]);

impl Token {
    /// Wraps the bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// What a relay keeps of it: whoever reads the relay's file cannot register with it.
    #[must_use]
    pub fn kept(&self) -> [u8; 32] {
        Digest::new("firsthand relay token v1").fixed(self.0).finish()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Whom an upload is charged to: the hash of a key that a device makes for one mailbox and uses nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UploaderId([u8; 16]);

impl UploaderId {
    /// The uploader who signs with `key`.
    #[must_use]
    pub fn of(key: &DeviceKey) -> Self {
        Self(Digest::new("firsthand uploader v1").fixed(key).finish_short())
    }

    /// Restores it from storage.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// The mailbox that `key` opens. The name follows from the key, so nobody can claim another's.
#[must_use]
pub fn mailbox_id(key: &DeviceKey) -> MailboxId {
    MailboxId::new(Digest::new("firsthand mailbox v1").fixed(key).finish_short())
}

/// The first 16 bytes of SHA-256 over a range as it is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SealedDigest([u8; 16]);

impl SealedDigest {
    /// That of these bytes.
    #[must_use]
    pub fn of(sealed: &[u8]) -> Self {
        let mut short = [0; 16];
        short.copy_from_slice(&sha256(sealed)[..16]);
        Self(short)
    }

    /// Restores it from storage.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// One range as a relay lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RangeHead {
    /// Its number in the mailbox, in the order of arrival, from 1.
    pub serial: u64,
    /// Whose entries.
    pub writer: WriterPseudonym,
    /// The first position.
    pub from: Position,
    /// The last position.
    pub to: Position,
    /// How many bytes it has, sealed.
    pub len: u32,
    /// Which bytes.
    pub digest: SealedDigest,
}

impl RangeHead {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.number(self.serial).fixed(self.writer).number(self.from.0).number(self.to.0 - self.from.0);
        out.number(u64::from(self.len)).fixed(self.digest.as_bytes());
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, LogError> {
        let serial = reader.number("serial")?;
        let (writer, from, to) = read_positions(reader)?;
        let len = reader.count(MAX_RANGE_BYTES, "range")? as u32;
        if serial == 0 || len == 0 {
            return Err(reader.malformed("range"));
        }
        Ok(Self { serial, writer, from, to, len, digest: SealedDigest(reader.array("digest")?) })
    }
}

/// The last position that a relay takes: storage counts with signed numbers, and no chain is ever as long.
const MAX_POSITION: u64 = i64::MAX as u64;

/// Whose entries from where to where.
pub(super) fn read_positions(
    reader: &mut Reader<'_>,
) -> Result<(WriterPseudonym, Position, Position), LogError> {
    let writer = WriterPseudonym::new(reader.array("writer")?);
    let from = reader.number("position")?;
    let to = from.checked_add(reader.number("position")?);
    match to {
        Some(to) if from > 0 && to <= MAX_POSITION => Ok((writer, Position(from), Position(to))),
        _ => Err(reader.malformed("position")),
    }
}

/// Eight bytes over the ranges of a mailbox's list up to some serial: whoever has the same ones has seen the same list. A client
/// works them out from what it was told. So a relay that lost its newest ranges, or left some out, cannot go on where that client
/// was, and lists anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListDigest(pub [u8; 8]);

impl ListDigest {
    /// The digest with one more range in the list.
    #[must_use]
    pub fn then(&self, head: &RangeHead) -> Self {
        let mut out = Writer::new();
        head.encode(&mut out);
        let digest = Digest::new("firsthand relay list v1").fixed(self.0).sized(out.as_bytes()).finish();
        let mut short = [0; 8];
        short.copy_from_slice(&digest[..8]);
        Self(short)
    }
}

/// A place in a mailbox's list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListPoint {
    /// The serial of the range there, or of an earlier one's that has gone; 0 is the list's start.
    pub serial: u64,
    /// Over the list up to there.
    pub digest: ListDigest,
}

/// Where a mailbox begins: what members hold already, from a snapshot or an earlier mailbox. A writer that is not named begins
/// at its first entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailboxBase(pub BTreeMap<WriterPseudonym, Position>);

impl MailboxBase {
    /// The position behind which a writer's ranges begin.
    #[must_use]
    pub fn position(&self, writer: &WriterPseudonym) -> Position {
        self.0.get(writer).copied().unwrap_or(Position::START)
    }

    /// Whether no writer begins earlier here than in `other`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|(writer, position)| self.position(writer) >= *position)
    }

    /// Appends the bytes: how many, then per writer its pseudonym and position.
    pub fn encode(&self, out: &mut Writer) {
        out.number(self.0.len() as u64);
        for (writer, position) in &self.0 {
            out.fixed(writer).number(position.0);
        }
    }

    /// Reads it; writers come in strictly rising order.
    ///
    /// # Errors
    /// Any [`LogError`].
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, LogError> {
        let count = reader.count(MAX_WRITERS, "mailbox base")?;
        let mut base = Self::default();
        for _ in 0..count {
            let writer = WriterPseudonym::new(reader.array("writer")?);
            let position = reader.number("position")?;
            let rises = base.0.last_key_value().is_none_or(|(last, _)| *last < writer);
            if position == 0 || position > MAX_POSITION || !rises {
                return Err(reader.malformed("mailbox base"));
            }
            base.0.insert(writer, Position(position));
        }
        Ok(base)
    }
}

/// What lies before the ranges of a mailbox: a snapshot stands for everything up to the base. Where the base is empty the ranges
/// hold everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Floor {
    /// The snapshot's index; `None` where none was ever put in the place of ranges.
    pub snapshot: Option<ContentHash>,
    /// Where each writer's ranges begin.
    pub base: MailboxBase,
}

impl Floor {
    /// Whether the ranges hold everything.
    #[must_use]
    pub fn is_ground(&self) -> bool {
        self.base.0.is_empty()
    }
}

/// What a blob is, which says how long it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlobKind {
    /// A sealed chunk of a file, or the table of its chunks.
    Chunk,
    /// A part of a snapshot.
    Snapshot,
    /// The boxes of the next epoch.
    Boxes,
}

impl BlobKind {
    /// The number on the wire and in storage.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Chunk => 0,
            Self::Snapshot => 1,
            Self::Boxes => 2,
        }
    }

    /// Reads the number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Chunk),
            1 => Some(Self::Snapshot),
            2 => Some(Self::Boxes),
            _ => None,
        }
    }
}
