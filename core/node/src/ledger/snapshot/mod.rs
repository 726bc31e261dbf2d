//! Snapshots: everything of a space as sealed blobs, for a device that holds nothing of it yet.
//!
//! A relay keeps one in place of many ranges. What is in it is taken in like what a peer sends, page by page: decoded within the
//! limits, every chain recomputed and its signatures and bindings checked, then committed. Nothing of a page that does not verify is
//! kept; what verified before is true, whoever brought it, and stays.

mod propose;
mod read;
mod write;

use firsthand_ids::ContentHash;
use firsthand_log::Vector;

pub use propose::mailbox_base;
pub use read::SnapshotPlan;
pub use write::BlobSink;

/// Why a snapshot was not taken in. Messages complete "failed to ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// No key that this device has opens it, or it was altered.
    #[error("open the snapshot: it was altered, or sealed under a key that this device does not have")]
    Closed,
    /// A newer version wrote it.
    #[error("read the snapshot: a newer version of Firsthand wrote it")]
    Newer,
    /// A blob is not the one that the index names.
    #[error("read section {section} of the snapshot: its blob {blob} is not the one that was named")]
    Blob {
        /// Which section, from 0.
        section: usize,
        /// Which blob of it, from 0.
        blob: usize,
    },
    /// A page does not verify.
    #[error("read section {section} of the snapshot: its page {page} is not what members' devices make")]
    Page {
        /// Which section, from 0.
        section: usize,
        /// Which page of it, from 0.
        page: usize,
    },
    /// It holds less than it says.
    #[error("read the snapshot: it holds less than it says")]
    Short,
    /// This device's disk did not take it.
    #[error("keep the snapshot: this device's disk could not take it")]
    NoRoom,
    /// It does not stand for what this device holds.
    #[error("confirm the snapshot: it is not what this device holds")]
    Differs,
}

/// A snapshot that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotMade {
    /// SHA-256 over its index: its name.
    pub name: ContentHash,
    /// Up to where it stands for everything.
    pub base: Vector,
    /// Entries in it.
    pub entries: u64,
    /// Blobs, with the index.
    pub blobs: u64,
    /// Their lengths together.
    pub bytes: u64,
}
