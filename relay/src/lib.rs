//! `firsthand-relay`: carries sealed ranges between members who never meet, and can read none of them.
//!
//! A relay trusts nobody and knows nobody. It sees mailboxes, which are keys; pseudonyms of writers; and sealed bytes. What a
//! mailbox takes is decided in `firsthand_sync::relay`, where both sides of a connection are plain state machines; this crate
//! is the sockets and the disk around the relay's side.
//!
//! - [`Storage`] keeps mailboxes: [`SqliteStorage`] in one file, [`MemoryStorage`] as long as the process lives.
//! - [`Worker`] is the one thread that owns it. What waits when a commit ends is the next commit, so that one wait for the disk
//!   serves everybody who waited.
//! - [`Relay`] listens, and serves each connection within [`Limits`](firsthand_sync::relay::Limits).
//! - [`command`] is the command line, of `firsthand-relay` and of `firsthand relay`.
//!
//! `docs/relay.md` says how to run one and what its operator can see; `docs/formats/relay.md` has the bytes.

pub mod command;
mod connection;
mod data;
mod error;
mod hub;
mod logs;
mod metrics;
mod random;
mod serve;
mod storage;
mod tls;
mod worker;

pub use data::{Data, random_token, read_token};
pub use error::RelayError;
pub use random::SystemRandom;
pub use serve::{Config, Relay};
pub use storage::{Grant, Holdings, MemoryStorage, SqliteStorage, Storage, Swept, backup};
pub use worker::{Done, Worker};
