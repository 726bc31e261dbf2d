use firsthand_ids::ContentHash;
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::{LogError, Vector};

use super::section::{MAX_SECTION_BLOBS, check_blob};
use crate::envelope::{Kind, open, seal};
use crate::{EpochKey, SealError};

const VERSION: u8 = 1;
/// The most blobs of one snapshot besides its index: 900 MiB. With as many writers as a vector has, the index is a blob itself.
pub const MAX_SNAPSHOT_BLOBS: usize = 3600;

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SectionKind {
    /// Rows that are shown before the records they tell of are here. They prove nothing.
    Rows,
    /// Membership operations.
    Operations,
    /// Entries.
    Entries,
    /// Other branches of chains that forked.
    Branches,
    /// Something that a newer version defines.
    Other(u8),
}

impl SectionKind {
    /// The number of the kind.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Rows => 1,
            Self::Operations => 2,
            Self::Entries => 3,
            Self::Branches => 4,
            Self::Other(number) => number,
        }
    }

    /// The kind of a number.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Rows,
            2 => Self::Operations,
            3 => Self::Entries,
            4 => Self::Branches,
            other => Self::Other(other),
        }
    }
}

/// What is compressed together, and the blobs that it was cut into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSection {
    /// What it holds.
    pub kind: SectionKind,
    /// SHA-256 of its blobs, in order.
    pub blobs: Vec<ContentHash>,
}

/// What a snapshot consists of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotIndex {
    /// Up to where it stands for everything.
    pub base: Vector,
    /// What is in it, in the order in which it is taken in.
    pub sections: Vec<SnapshotSection>,
}

impl SnapshotIndex {
    /// The blob, sealed. SHA-256 over it names the snapshot.
    ///
    /// # Errors
    /// [`SealError::TooLarge`] beyond [`MAX_SNAPSHOT_BLOBS`].
    pub fn seal(&self, key: &EpochKey) -> Result<Vec<u8>, SealError> {
        if self.sections.iter().map(|section| section.blobs.len()).sum::<usize>() > MAX_SNAPSHOT_BLOBS {
            return Err(SealError::TooLarge { limit: MAX_SNAPSHOT_BLOBS });
        }
        seal(key, Kind::Snapshot, &self.encode())
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`SealError::Closed`] where it was altered or sealed under another key; [`SealError::Malformed`].
    pub fn open(key: &EpochKey, blob: &[u8]) -> Result<Self, SealError> {
        check_blob(blob)?;
        match open(key, blob)? {
            (Kind::Snapshot, content) => Ok(Self::decode(&content)?),
            _ => Err(LogError::Malformed { what: "snapshot", at: 0 }.into()),
        }
    }

    /// The bytes that are sealed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.byte(VERSION);
        self.base.encode(&mut out);
        out.number(self.sections.len() as u64);
        for section in &self.sections {
            out.byte(section.kind.number()).number(section.blobs.len() as u64);
            for blob in &section.blobs {
                out.fixed(blob);
            }
        }
        out.into_bytes()
    }

    /// Reads them.
    ///
    /// # Errors
    /// Any [`LogError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        let mut reader = Reader::new(bytes);
        if reader.byte("snapshot version")? != VERSION {
            return Err(LogError::Newer { what: "snapshot" });
        }
        let base = Vector::decode(&mut reader)?;
        let count = reader.count(MAX_SNAPSHOT_BLOBS, "sections")?;
        let mut sections = Vec::with_capacity(count.min(64));
        let mut room = MAX_SNAPSHOT_BLOBS;
        for _ in 0..count {
            let kind = SectionKind::from_number(reader.byte("section")?);
            let len = reader.count(room.min(MAX_SECTION_BLOBS), "blobs")?;
            if len == 0 {
                return Err(reader.malformed("section"));
            }
            room -= len;
            let mut blobs = Vec::with_capacity(len);
            for _ in 0..len {
                blobs.push(ContentHash::new(reader.array("blob")?));
            }
            sections.push(SnapshotSection { kind, blobs });
        }
        reader.finish("snapshot")?;
        Ok(Self { base, sections })
    }
}
