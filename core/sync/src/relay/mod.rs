//! A relay carries sealed ranges between members who never meet, and can read none of them.
//!
//! - [`Request`] and [`Answer`] are what a client and a relay say to each other, inside the channel whose handshake hash the
//!   client signs with the key of its mailbox ([`proof`]).
//! - [`RelaySession`] is the relay's side of one connection, [`RelayClient`] the client's. Both are pure: what the disk said
//!   comes back as an input.
//! - [`Order`] and [`Outcome`] are what a session asks of the relay's storage, and [`rules`] decides there, the same whatever
//!   the storage is, what a mailbox takes.
//!
//! A client trusts a relay with nothing: it keeps its own vector, counts a range as there only if it made or opened that very
//! range, and puts again what a relay lost. The bytes are described in `docs/formats/relay.md`.

mod answer;
mod book;
mod client;
mod names;
mod order;
pub mod proof;
mod request;
pub mod rules;
mod server;
mod spending;

pub use answer::{Answer, Closing, Refused};
pub use client::{ClientConfig, ClientEffect, ClientInput, Moment, Opened, Puts, RelayClient, Remembered};
pub use names::{
    BlobKind, Floor, ListDigest, ListPoint, MailboxBase, RangeHead, SealedDigest, Token, UploaderId,
    mailbox_id,
};
pub use order::{Entered, Listed, Order, OrderId, Outcome, Pending, Purse};
pub use request::Request;
pub use server::{RelayEffect, RelayInput, RelaySession, Waits};
pub use spending::{Allowance, Limits};

/// The most bytes of one sealed range. A range ends at a signed head; those stand at most 256 KiB and one entry apart, so a
/// client can always cut one that fits.
pub const MAX_RANGE_BYTES: usize = 1024 * 1024;
/// The most bytes of a blob: a sealed chunk of a file, with its seal.
pub const MAX_BLOB_BYTES: usize = crate::MAX_CHUNK_BYTES;
/// The most bytes of a request: a range and what stands around it.
pub const MAX_REQUEST_BYTES: usize = MAX_RANGE_BYTES + 256;
/// The most bytes of a request of somebody who has not proved a mailbox's key yet.
pub const MAX_FIRST_REQUEST_BYTES: usize = 512;
/// The most bytes of an answer: a range, or a page of a list, and what stands around it.
pub const MAX_ANSWER_BYTES: usize = MAX_RANGE_BYTES + 256;
/// The most writers that a mailbox may begin with.
pub const MAX_WRITERS: usize = firsthand_log::Vector::MAX_WRITERS;
/// The most ranges in one page of a list: some 16 KiB.
pub const MAX_PAGE: usize = 256;
/// The most ranges asked for at once.
pub const MAX_WANTED_RANGES: usize = 64;
/// The most blobs asked after at once.
pub const MAX_SOUGHT: usize = 256;
/// The most places in a list that are asked after at once.
pub const MAX_RECALLED: usize = 64;
/// The most boxes of epochs in one mailbox. Each uploader leaves one.
pub const MAX_BOXES: usize = 64;
