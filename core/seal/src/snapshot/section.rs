use firsthand_ids::{ContentHash, sha256};
use firsthand_log::LogError;
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::compress::{Packer, Unpacker};
use firsthand_log::lean::MAX_BATCH_BYTES;
use zeroize::Zeroizing;

use crate::envelope::{Kind, open, seal};
use crate::{ENVELOPE_OVERHEAD, EpochKey, SealError};

/// The kind of an envelope and the length of its content before the content: padded to exactly 256 KiB.
const HEAD_BYTES: usize = 1 + 3;
/// As much of a section as goes into one blob.
const PART_BYTES: usize = 256 * 1024 - HEAD_BYTES;
/// The longest blob, sealed: what a relay keeps.
pub const MAX_BLOB_BYTES: usize = 256 * 1024 + ENVELOPE_OVERHEAD;
/// A page that does not compress is cut into so many.
pub(super) const MAX_SECTION_BLOBS: usize = 17;
/// Where a section ends: more is compressed a little better, and less is lost to a connection that is cut. See ADR 30.
const SECTION_BYTES: usize = 4 * PART_BYTES;

const _: () = assert!(MAX_SECTION_BLOBS * PART_BYTES > MAX_BATCH_BYTES + MAX_BATCH_BYTES / 64);

/// Puts pages into sections.
pub struct SectionWriter {
    packer: Packer,
    bytes: Writer,
}

impl SectionWriter {
    /// Nothing yet.
    ///
    /// # Errors
    /// [`SealError::Malformed`] if the compressor fails to start.
    pub fn new() -> Result<Self, SealError> {
        Ok(Self { packer: Packer::new()?, bytes: Writer::new() })
    }

    /// Adds a page, an encoded batch. Gives the section before it, where that is full.
    ///
    /// # Errors
    /// [`SealError::TooLarge`] for a page that is no batch.
    pub fn page(&mut self, plain: &[u8]) -> Result<Option<Vec<u8>>, SealError> {
        if plain.len() > MAX_BATCH_BYTES {
            return Err(SealError::TooLarge { limit: MAX_BATCH_BYTES });
        }
        let packed = self.packer.pack(plain)?;
        if self.bytes.is_empty() || self.bytes.len() + packed.len() <= SECTION_BYTES {
            self.bytes.number(plain.len() as u64).sized(&packed);
            return Ok(None);
        }
        let full = std::mem::replace(self, Self::new()?);
        self.page(plain)?;
        Ok(Some(full.bytes.into_bytes()))
    }

    /// The last section; empty where there was no page.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes.into_bytes()
    }
}

/// Reads the pages of a section one by one.
pub struct SectionReader<'a> {
    unpacker: Unpacker,
    reader: Reader<'a>,
    left: usize,
}

impl<'a> SectionReader<'a> {
    /// Before the first page.
    ///
    /// # Errors
    /// [`SealError::Malformed`] if the decompressor fails to start.
    pub fn new(section: &'a [u8]) -> Result<Self, SealError> {
        Ok(Self { unpacker: Unpacker::new()?, reader: Reader::new(section), left: section.len() })
    }

    /// The next page; `None` behind the last.
    ///
    /// # Errors
    /// [`SealError::Malformed`]; no page follows then.
    pub fn page(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, SealError> {
        if self.reader.position() == self.left {
            return Ok(None);
        }
        let len = self.reader.count(MAX_BATCH_BYTES, "page")?;
        let packed = self.reader.sized(MAX_SECTION_BLOBS * PART_BYTES, "page")?;
        Ok(Some(Zeroizing::new(self.unpacker.unpack(packed, len)?)))
    }
}

/// Seals a section: its blobs, in order.
///
/// # Errors
/// [`SealError::TooLarge`] beyond what a section holds.
pub fn seal_section(key: &EpochKey, section: &[u8]) -> Result<Vec<Vec<u8>>, SealError> {
    if section.len() > MAX_SECTION_BLOBS * PART_BYTES {
        return Err(SealError::TooLarge { limit: MAX_SECTION_BLOBS * PART_BYTES });
    }
    section.chunks(PART_BYTES).map(|part| seal(key, Kind::SnapshotPart, part)).collect()
}

/// Puts a section together from the blobs that the index names.
///
/// # Errors
/// [`SealError::Blob`] with the number of the first blob that is not the one named, counted from 0.
pub fn open_section(
    key: &EpochKey,
    named: &[ContentHash],
    blobs: &[Vec<u8>],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let mut section = Zeroizing::new(Vec::with_capacity(named.len().min(MAX_SECTION_BLOBS) * PART_BYTES));
    for (number, hash) in named.iter().enumerate() {
        let refused = SealError::Blob { number };
        let blob = blobs.get(number).filter(|blob| check_blob(blob).is_ok()).ok_or(refused.clone())?;
        if sha256(blob) != *hash.as_bytes() {
            return Err(refused);
        }
        match open(key, blob) {
            Ok((Kind::SnapshotPart, part)) if part.len() <= PART_BYTES && number < MAX_SECTION_BLOBS => {
                section.extend_from_slice(&part);
            }
            _ => return Err(refused),
        }
    }
    Ok(section)
}

/// Compares the length with what a relay keeps, before anything is opened.
pub(super) fn check_blob(blob: &[u8]) -> Result<(), SealError> {
    if blob.len() > MAX_BLOB_BYTES {
        return Err(LogError::TooLarge { what: "blob", limit: MAX_BLOB_BYTES as u64 }.into());
    }
    Ok(())
}
