//! Where a relay keeps mailboxes.
//!
//! What is kept and refused is decided by `firsthand_sync::relay::rules`, the same for every backend; a backend brings the
//! facts together and makes a group of orders durable at once. `tests/relay/conformance.rs` is what each has to pass.

mod memory;
mod sqlite;

use firsthand_ids::UnixMillis;
use firsthand_sync::relay::{Order, Outcome};

pub use memory::MemoryStorage;
pub use sqlite::{SqliteStorage, backup};

use crate::RelayError;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// How many mailboxes may be registered with it at a time. A team needs one for each space and epoch in use.
    pub mailboxes: u32,
    /// How many bytes each may hold.
    pub bytes: u64,
    /// Until when mailboxes may be registered.
    pub until: UnixMillis,
}

/// What a relay holds, in sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Mailboxes.
    pub mailboxes: u64,
    /// Ranges in them.
    pub ranges: u64,
    /// Blobs in them.
    pub blobs: u64,
    /// What all that is charged with, in bytes.
    pub bytes: u64,
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Mailboxes that nobody entered for too long.
    pub mailboxes: u64,
    /// Ranges that a snapshot replaced.
    pub ranges: u64,
    /// Blobs whose time was up.
    pub blobs: u64,
}

/// A relay's storage. One thread owns it.
pub trait Storage: Send {
    /// Carries out a group of orders, one after the other, and returns only when all of it is durable. The outcomes stand in
    /// the same order.
    ///
    /// # Errors
    /// Nothing of the group was kept.
    fn carry_out(&mut self, now: UnixMillis, orders: &[Order]) -> Result<Vec<Outcome>, RelayError>;

    /// Lets whoever holds the token of which `kept` is kept register mailboxes.
    ///
    /// # Errors
    /// It was not noted.
    fn grant(&mut self, kept: [u8; 32], grant: Grant) -> Result<(), RelayError>;

    /// Removes what has expired and carries out proposals whose time has come.
    ///
    /// # Errors
    /// Nothing was removed.
    fn sweep(&mut self, now: UnixMillis) -> Result<Swept, RelayError>;

    /// What is held.
    ///
    /// # Errors
    /// It could not be read.
    fn holdings(&mut self) -> Result<Holdings, RelayError>;
}
