//! Two devices that meet exchange what each lacks.
//!
//! A [`Session`] is a pure state machine: an [`Input`] goes in, [`Effect`]s come out. It owns no socket, no store and
//! no clock, so that a test can drop, delay, repeat and reorder everything around it. It knows entries only as bytes
//! and positions; whoever carries out [`Effect::Commit`] verifies and applies them, and only then does the session
//! acknowledge them to the peer.
//!
//! The order of a session: membership operations until both hold the same and each knows the other; then per space a
//! [`Frame::Hello`] with the vector; where much is lacking, the newest rows of the list; then batches both ways, each acknowledged after its commit; then files. It stays
//! open, and what either side enters afterwards follows at once.
//!
//! A device with several sessions lends each of them its [`Claims`]: then entries that several peers hold are asked for in one of
//! the sessions, as the parts of files are.

mod claims;
mod frame;
mod membership;
mod pieces;
pub mod relay;
mod session;
mod space;
mod takes;
mod talk;
mod transfer;

pub use claims::Claims;
pub use frame::{
    FileId, Frame, GoodbyeReason, MAX_CHUNK_BYTES, MAX_FRAME_BYTES, MAX_OPERATIONS_BYTES, MAX_RECEIPTS_BYTES,
    MAX_ROWS_BYTES, MAX_WANTED,
};
pub use pieces::PIECE_BYTES;
pub use session::Session;
pub use space::{BATCH_BYTES, BATCH_ENTRIES, Standing};
pub use talk::{Committed, Config, Effect, Input, LoadedBatch, Pending, Refusal};
pub use transfer::Wanted;
