//! Identifiers, hashes, units and hybrid time: the words every other crate speaks in.
//!
//! Nothing here reads a clock, a file or a random source.

mod bytes;
mod hash;
mod padding;
mod time;
mod unit;

pub use bytes::{
    ChangeHash, ContentHash, DeviceKey, DocumentId, EntryHash, ExchangeKey, MailboxId, OperationHash,
    ParseIdError, PersonId, SpaceId, TeamId, WriterId, WriterPseudonym,
};
pub use hash::{Digest, sha256};
pub use padding::padme;
pub use time::{HybridClock, HybridTime, LocalTime, MAX_CLOCK_LEAD_MS, UnixMillis};
pub use unit::{Metres, Position};
