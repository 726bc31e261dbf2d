//! The log: append-only chains of signed entries, and how two devices compare and exchange them.
//!
//! Every change anybody makes is one [`Entry`] in the hash chain of the device that made it, its *writer*. An
//! [entry's hash](entry_hash) covers its content and its predecessor's hash, so one [signature](SignedHead) at the
//! head proves everything before it. Two devices compare [vectors](Vector), not documents: "writer A up to 812".
//! What one lacks travels as a [`Batch`] in the [lean encoding](lean), from which the exact bytes are restored and
//! [verified](verify_run).
//!
//! Nothing here reads a clock, a file or an ambient random source, and nothing knows what a document means.

mod chain;
pub mod change;
pub mod codec;
pub mod compress;
mod entry;
mod error;
mod head;
pub mod lean;
mod receipt;
mod vector;

pub use chain::{Tip, VerifiedRun, hash_run, verify_run};
pub use entry::{
    Bind, ChainId, Detached, Entry, EntryHeader, EntryKind, MAX_BODY_BYTES, MAX_DETACHED_BYTES,
    MAX_MEMBERSHIP_HEADS, Nonce, content_hash, document_id, entry_hash, writer_id,
};
pub use error::LogError;
pub use head::{DeviceSecret, SIGN_EVERY_BYTES, SIGN_EVERY_ENTRIES, Signature, SignedHead, signed_by};
pub use lean::{Batch, ReceivedBatch, References};
pub use receipt::{MAX_RECEIPTS, Receipt};
pub use vector::{Mark, Standing, Vector};
