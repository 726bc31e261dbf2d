//! Sealing: what leaves a device for relays and files, so that only the devices that may read it can.
//!
//! An *epoch* is a random [key](EpochKey) that the devices that read a space share until their number changes. It is made
//! and handed to them by membership operations ([`firsthand_team::NewEpoch`], [`firsthand_team::EpochBoxes`]); which epochs
//! count, and under which to seal now, is for [`GroupKeys`] to say. What is sealed under one is an [envelope](seal()): padded,
//! with a nonce made from the content, so that equal bytes give equal envelopes. Entries travel in [ranges](seal_range); a
//! [bundle](BundleHeader) is a file of envelopes, and a [snapshot](SnapshotIndex) everything of a space in as few bytes as can be.
//!
//! Nothing here reads a clock, a file or an ambient random source. Keys are wiped from memory and never printed.

mod boxes;
mod bundle;
mod envelope;
mod error;
mod group;
mod key;
mod mailbox;
mod range;
mod snapshot;
mod standing;

pub use boxes::{Binding, DeviceExchange, open_box, seal_to};
pub use bundle::{BundleHeader, PieceHead};
pub use envelope::{ENVELOPE_OVERHEAD, Kind, MAX_CONTENT_BYTES, MAX_ENVELOPE_BYTES, open, seal};
pub use error::SealError;
pub use firsthand_ids::padme;
pub use group::{EpochKeys, GroupKeys, Kept};
pub use key::EpochKey;
pub use mailbox::MailboxKeys;
pub use range::{OpenedRange, open_range, open_range_content, seal_range};
pub use snapshot::{
    MAX_BLOB_BYTES, MAX_SNAPSHOT_BLOBS, SectionKind, SectionReader, SectionWriter, SnapshotIndex,
    SnapshotSection, leads_key, open_section, seal_section,
};
pub use standing::{EpochStanding, EpochUse};
