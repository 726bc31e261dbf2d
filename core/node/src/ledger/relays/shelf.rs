//! What a device keeps of the snapshots of one mailbox: how far it looked at one, and how far it brought its own.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{ContentHash, MailboxId, Position, WriterId};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::{LogError, Vector};
use firsthand_seal::MAX_SNAPSHOT_BLOBS;
use firsthand_sync::relay::{Floor, MailboxBase};

const VERSION: u8 = 1;

/// The setting that holds it.
pub(super) fn setting(mailbox: &MailboxId) -> String {
    format!("relay.snapshots.{mailbox}")
}

/// How far this device has looked at a snapshot that it fetched from the mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Looked {
    /// Which, and for what it is said to stand.
    pub(super) floor: Floor,
    /// How many sections were fetched here and hold what is held here.
    pub(super) sections: u32,
    /// Up to where they hold every entry.
    pub(super) seen: BTreeMap<WriterId, Position>,
    /// That was all of it.
    pub(super) whole: bool,
}

/// A snapshot of this device's that is being brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Attempt {
    /// Up to where it stands for everything.
    pub(super) base: Vector,
    /// Blobs that the relay said it has kept.
    pub(super) brought: BTreeSet<ContentHash>,
}

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shelf {
    pub(super) looked: Option<Looked>,
    pub(super) attempt: Option<Attempt>,
    /// What this device proposed last, and on which day, counted from 1970.
    pub(super) proposed: Option<(ContentHash, u16)>,
    /// A proposal that is not looked at before some days have passed: it is not what is held here, or the relay does not take this
    /// device's word on it.
    pub(super) passed: Option<([u8; 32], u16)>,
    /// The mailbox was registered with another leads' key than the team's.
    pub(super) foreign: bool,
}

impl Shelf {
    /// The relay is not as it was: what was fetched from it and brought to it is not known to be there any more.
    pub(super) fn forget(&mut self) {
        (self.looked, self.attempt, self.proposed) = (None, None, None);
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.byte(VERSION).byte(u8::from(self.foreign));
        out.byte(u8::from(self.looked.is_some()));
        if let Some(Looked { floor, sections, seen, whole }) = &self.looked {
            encode_floor(&mut out, floor);
            out.number(u64::from(*sections)).byte(u8::from(*whole)).number(seen.len() as u64);
            for (writer, position) in seen {
                out.fixed(writer).number(position.0);
            }
        }
        out.byte(u8::from(self.attempt.is_some()));
        if let Some(Attempt { base, brought }) = &self.attempt {
            base.encode(&mut out);
            out.number(brought.len() as u64);
            for blob in brought {
                out.fixed(blob);
            }
        }
        out.byte(u8::from(self.proposed.is_some()));
        if let Some((snapshot, day)) = &self.proposed {
            out.fixed(snapshot).number(u64::from(*day));
        }
        out.byte(u8::from(self.passed.is_some()));
        if let Some((proposal, day)) = &self.passed {
            out.fixed(proposal).number(u64::from(*day));
        }
        out.into_bytes()
    }

    /// Reads it; what cannot be read is fetched and brought again.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let read = || -> Result<Self, LogError> {
            let mut reader = Reader::new(bytes);
            if reader.byte("version")? != VERSION {
                return Err(LogError::Newer { what: "snapshots of a mailbox" });
            }
            let mut shelf = Self { foreign: flag(&mut reader)?, ..Self::default() };
            if flag(&mut reader)? {
                let floor = decode_floor(&mut reader)?;
                let sections = reader.count(MAX_SNAPSHOT_BLOBS, "sections")? as u32;
                let whole = flag(&mut reader)?;
                let mut seen = BTreeMap::new();
                for _ in 0..reader.count(Vector::MAX_WRITERS, "writers")? {
                    let writer = WriterId::new(reader.array("writer")?);
                    seen.insert(writer, Position(reader.number("position")?));
                }
                shelf.looked = Some(Looked { floor, sections, seen, whole });
            }
            if flag(&mut reader)? {
                let base = Vector::decode(&mut reader)?;
                let mut brought = BTreeSet::new();
                for _ in 0..reader.count(MAX_SNAPSHOT_BLOBS + 1, "blobs")? {
                    brought.insert(ContentHash::new(reader.array("blob")?));
                }
                shelf.attempt = Some(Attempt { base, brought });
            }
            if flag(&mut reader)? {
                shelf.proposed = Some((ContentHash::new(reader.array("snapshot")?), day(&mut reader)?));
            }
            if flag(&mut reader)? {
                shelf.passed = Some((reader.array("proposal")?, day(&mut reader)?));
            }
            reader.finish("snapshots of a mailbox")?;
            Ok(shelf)
        };
        read().ok()
    }
}

pub(super) fn encode_floor(out: &mut Writer, floor: &Floor) {
    out.byte(u8::from(floor.snapshot.is_some()));
    if let Some(snapshot) = &floor.snapshot {
        out.fixed(snapshot);
    }
    floor.base.encode(out);
}

pub(super) fn decode_floor(reader: &mut Reader<'_>) -> Result<Floor, LogError> {
    let snapshot = if flag(reader)? { Some(ContentHash::new(reader.array("snapshot")?)) } else { None };
    Ok(Floor { snapshot, base: MailboxBase::decode(reader)? })
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, LogError> {
    match reader.byte("flag")? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(LogError::Malformed { what: "flag", at: reader.position() }),
    }
}

fn day(reader: &mut Reader<'_>) -> Result<u16, LogError> {
    Ok(reader.number("day")?.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use firsthand_ids::{EntryHash, WriterPseudonym};
    use firsthand_log::Mark;

    use super::*;

    #[test]
    fn what_was_kept_comes_back() {
        let (writer, blob) = (WriterId::new([1; 16]), ContentHash::new([2; 32]));
        let base = MailboxBase(BTreeMap::from([(WriterPseudonym::new([3; 16]), Position(300))]));
        let floor = Floor { snapshot: Some(blob), base };
        let seen = BTreeMap::from([(writer, Position(200))]);
        let mut vector = Vector::new();
        vector.set(writer, Mark::new(Position(300), &EntryHash::new([4; 32])));
        let shelf = Shelf {
            looked: Some(Looked { floor, sections: 3, seen, whole: false }),
            attempt: Some(Attempt { base: vector, brought: BTreeSet::from([blob]) }),
            proposed: Some((blob, 20_000)),
            passed: Some(([5; 32], 20_001)),
            foreign: true,
        };
        // As docs/formats/attach.md has it, with a base that names nobody.
        let attempt = Some(Attempt { base: Vector::new(), brought: BTreeSet::from([blob]) });
        let golden = [
            &[1, 1][..],
            &[1, 1],
            &[2; 32],
            &[1],
            &[3; 16],
            &[0xac, 2, 3, 0, 1],
            &[1; 16],
            &[0xc8, 1],
            &[1, 0, 1],
            &[2; 32],
            &[1],
            &[2; 32],
            &[0xa0, 0x9c, 1],
            &[1],
            &[5; 32],
            &[0xa1, 0x9c, 1],
        ];
        assert_eq!(Shelf { attempt, ..shelf.clone() }.encode(), golden.concat());
        for shelf in [shelf, Shelf::default()] {
            let bytes = shelf.encode();
            assert_eq!(Shelf::decode(&bytes), Some(shelf));
            for len in 0..bytes.len() {
                assert_eq!(Shelf::decode(&bytes[..len]), None, "{len}");
            }
        }
    }
}
