//! Bundles: what a team entered, as one sealed file that any current member opens, for devices that never meet on a network.
//!
//! A bundle carries the membership operations first, then for each space what its maker holds of it and the entries that
//! the other side lacks, in ranges, then attached files as they are sealed at rest. What stands in a space of few is sealed
//! under that space's key alone. It is taken in the same way as what a peer sends: nothing of it is believed because it
//! opened.

mod holding;
mod read;
mod write;

use firsthand_ids::{PersonId, Position};

pub(super) use holding::Holding;
pub(super) use read::read_operations;
pub(super) use write::operation_pieces;

/// Why a bundle was not made or not read. Messages complete "failed to ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The file does not begin like a bundle.
    #[error("read the file: it is no bundle")]
    NotABundle,
    /// A newer version wrote it.
    #[error("read the bundle: a newer version of Firsthand wrote it")]
    Newer,
    /// Another team's.
    #[error("read the bundle: it belongs to another team")]
    OtherTeam,
    /// This device is none of those that it was sealed for.
    #[error(
        "open the bundle: it was sealed for the members' devices of its day, and this device is none of them"
    )]
    NotForUs,
    /// Its beginning is damaged, and nothing of it opens with the keys that this device has.
    #[error("open the bundle: its beginning is damaged")]
    Damaged,
    /// What the other side holds is not known.
    #[error("find what {0} held: no bundle from them was read here yet; make one of everything instead")]
    NothingKnown(String),
}

/// What a bundle is to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BundleRequest {
    /// Only what this person's devices did not hold when they made the last bundle that was read here; `None`: everything.
    pub since: Option<PersonId>,
    /// Attached files as well, not only their records.
    pub with_files: bool,
}

/// What a bundle that was made holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BundleMade {
    /// Its length.
    pub bytes: u64,
    /// Entries in it.
    pub entries: u64,
    /// Membership operations in it.
    pub operations: u64,
    /// Attached files in it, smaller forms counted for themselves.
    pub files: u64,
    /// For how many devices it is sealed.
    pub devices: u64,
}

/// What was taken in of a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BundleTaken {
    /// Entries that were new here.
    pub entries: u64,
    /// Entries in it that were read, new or not.
    pub read: u64,
    /// Membership operations that were new here.
    pub operations: u64,
    /// Attached files that are complete here now and were not.
    pub files: u64,
    /// Pieces that are sealed for others.
    pub others: u64,
    /// What of it is damaged or refused.
    pub damage: Vec<BundleDamage>,
    /// Entries that follow something that is not here, and so could not be taken in.
    pub gaps: Vec<BundleGap>,
    /// Whether its end is there, and every piece before it.
    pub whole: bool,
}

impl BundleTaken {
    /// Whether everything in it that is for this device is here now.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.whole && self.damage.is_empty() && self.gaps.is_empty()
    }
}

/// A part of a bundle that was not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleDamage {
    /// Where it begins, in bytes from the beginning of the file.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
    /// What is wrong, in words.
    pub what: &'static str,
}

/// Entries of a bundle that follow something that is not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleGap {
    /// Whose; empty where that is not known.
    pub person: String,
    /// The first position that is missing.
    pub from: Position,
    /// The last one.
    pub to: Position,
}
