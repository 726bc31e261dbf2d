//! The lean encoding: entries on the road.
//!
//! What the receiver can work out is not sent: positions, predecessors, hashes, the actor of a change. Hashes of things
//! the receiver holds, or finds earlier in the same batch, travel as (writer, position). The receiver restores the
//! exact bytes; the signature at each writer's head then proves them, so a wrong reference can only fail. `docs/formats/log.md`
//! gives every byte.

mod decode;
mod encode;

use firsthand_ids::{ChangeHash, DocumentId, Position, WriterId};

use crate::{Entry, Signature, SignedHead};

pub use decode::decode_batch;
pub use encode::encode_batch;

const VERSION: u8 = 1;

/// The most entries of one batch: what a receiver holds unverified from one peer (design.md, "Guard").
pub const MAX_BATCH_ENTRIES: usize = 1000;
/// The most bytes of one batch before compression: 4 MiB, for the same reason.
pub const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;
/// The most that the [weights](Entry::weight) of one batch may add up to. A receiver refuses more, because a reference of
/// two bytes restores up to 32; and less than [`MAX_BATCH_BYTES`] by more than the ids of all writers, so that
/// what was accepted from one peer always fits into one batch for the next.
pub const MAX_BATCH_WEIGHT: usize = MAX_BATCH_BYTES - 128 * 1024;

const KIND_OTHER: u8 = 3;
const HAS_MEMBERSHIP: u8 = 1 << 2;
const DETACHED_PRESENT: u8 = 1 << 3;
const DETACHED_HASH: u8 = 1 << 4;
const RAW_BODY: u8 = 1 << 5;
const NAMES_DOCUMENT: u8 = 1 << 6;
const KNOWN_FLAGS: u8 = 0x7f;

/// Where an entry stands: what a reference names.
type Place = (WriterId, Position);

/// Entries of several writers in the order their holder committed them, each writer's part consecutive in itself and
/// ending at a signed head.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The entries, dependencies first wherever the sender held them.
    pub entries: Vec<(WriterId, Entry)>,
    /// For each writer in `entries` its signed head.
    pub heads: Vec<(WriterId, SignedHead)>,
}

impl Batch {
    /// The weights of its entries together; at most [`MAX_BATCH_WEIGHT`], or no receiver takes it.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.entries.iter().map(|(_, entry)| entry.weight()).sum()
    }
}

/// A decoded batch, nothing of it verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceivedBatch {
    /// The entries in the order they came.
    pub entries: Vec<(WriterId, Entry)>,
    /// For each writer in `entries` the signature under its last entry.
    pub signatures: Vec<(WriterId, Signature)>,
}

/// What this device can look up of the log it holds, so that hashes travel as references.
pub trait References {
    /// Which entry carries this change.
    fn locate_change(&self, change: &ChangeHash) -> Option<(WriterId, Position)>;
    /// An entry that is about this document, best the one that created it.
    fn locate_document(&self, document: &DocumentId) -> Option<(WriterId, Position)>;
    /// The change that an entry carries.
    fn change_at(&self, writer: &WriterId, position: Position) -> Option<ChangeHash>;
    /// The document that an entry is about, whether it creates or changes it.
    fn document_at(&self, writer: &WriterId, position: Position) -> Option<DocumentId>;
}
