//! Sealed ranges: consecutive entries of one writer that are restored from nothing but themselves.

use firsthand_ids::{ChangeHash, DocumentId, Position, SpaceId, WriterId};
use firsthand_log::compress::{compress_entries, decompress_entries};
use firsthand_log::lean::{MAX_BATCH_BYTES, ReceivedBatch, decode_batch, encode_batch};
use firsthand_log::{Batch, Entry, LogError, References, SignedHead, Vector};
use zeroize::Zeroizing;

use crate::envelope::{Kind, open, seal};
use crate::{EpochKey, SealError};

/// Nothing can be looked up: whoever opens a range may hold nothing else.
struct Nothing;

impl References for Nothing {
    fn locate_change(&self, _: &ChangeHash) -> Option<(WriterId, Position)> {
        None
    }

    fn locate_document(&self, _: &DocumentId) -> Option<(WriterId, Position)> {
        None
    }

    fn change_at(&self, _: &WriterId, _: Position) -> Option<ChangeHash> {
        None
    }

    fn document_at(&self, _: &WriterId, _: Position) -> Option<DocumentId> {
        None
    }
}

/// A range that was opened. Nothing of it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedRange {
    /// Whose entries they are said to be.
    pub writer: WriterId,
    /// Position of the first.
    pub from: Position,
    /// Position of the last, which is signed.
    pub to: Position,
    /// What is in it.
    pub batch: ReceivedBatch,
}

/// Seals consecutive entries of one writer. They must end at the head, and be within the limits of a
/// [batch](firsthand_log::lean).
///
/// # Errors
/// [`SealError::TooLarge`] beyond those limits.
pub fn seal_range(
    key: &EpochKey,
    writer: WriterId,
    entries: Vec<Entry>,
    head: SignedHead,
) -> Result<Vec<u8>, SealError> {
    let entries = entries.into_iter().map(|entry| (writer, entry)).collect();
    let batch = Batch { entries, heads: vec![(writer, head)] };
    let plain = Zeroizing::new(encode_batch(&batch, &Vector::new(), &Nothing));
    if plain.len() > MAX_BATCH_BYTES {
        return Err(SealError::TooLarge { limit: MAX_BATCH_BYTES });
    }
    seal(key, Kind::Range, &Zeroizing::new(compress_entries(&plain)?))
}

/// Opens a range of `space`.
///
/// # Errors
/// As [`open_range_content`], and [`SealError::Closed`].
pub fn open_range(key: &EpochKey, space: &SpaceId, envelope: &[u8]) -> Result<OpenedRange, SealError> {
    match open(key, envelope)? {
        (Kind::Range, content) => open_range_content(space, &content),
        _ => Err(LogError::Malformed { what: "range", at: 0 }.into()),
    }
}

/// Reads what was in an envelope of kind [`Kind::Range`].
///
/// # Errors
/// [`SealError::Malformed`] where it is no range of one writer.
pub fn open_range_content(space: &SpaceId, content: &[u8]) -> Result<OpenedRange, SealError> {
    let plain = Zeroizing::new(decompress_entries(content, MAX_BATCH_BYTES)?);
    let batch = decode_batch(&plain, space, &Nothing)?;
    let (Some((_, first)), Some((_, last)), [(writer, _)]) =
        (batch.entries.first(), batch.entries.last(), batch.signatures.as_slice())
    else {
        return Err(LogError::Malformed { what: "range", at: 0 }.into());
    };
    let (writer, from, to) = (*writer, first.position, last.position);
    Ok(OpenedRange { writer, from, to, batch })
}
