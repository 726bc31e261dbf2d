//! A field of devices without phones: a virtual network, a virtual clock, real ledgers on real encrypted stores.
//!
//! - [`World`] holds devices, cables between them and the time. Everything that happens is drawn from one seed, so a
//!   run that failed can be watched again.
//! - [`Harbour`] adds relays to such a world, which crash and lie as a run wants it.
//! - [`Run`] is a random field day in such a world; [`Expected`] notes what was acknowledged to people, and
//!   [`verdict`] compares the devices with it and with each other.
//! - [`Poison`] makes what only a member who breaks the rules would make.
//! - [`hostile`] builds the bytes that break Automerge when nobody stands before it.
//! - [`decoders`] are all that bytes from outside reach, with true bytes to begin from.
//! - [`disk`] watches everything that is done to the files of a home, lets it fail, and makes what is left of them when
//!   the power goes.
//! - [`net`] makes hosts with real sockets, and a network between them that is slow and loses frames.
//! - [`seeds`] runs many seeds on all cores and says which one failed.
//!
//! Runs are in `tests/`. `FIRSTHAND_SEED=7` replays one seed with its story, `FIRSTHAND_SEEDS=20000` runs more.

// Everything here is test code: a broken assumption ends the run with its seed, which is the wanted outcome.
#![allow(clippy::unwrap_used)]
#![allow(missing_docs, reason = "read beside the tests that use it; what is not plain from its name is said")]

mod act;
mod bring;
mod cable;
pub mod canary;
pub mod crashing;
pub mod decoders;
mod device;
mod dice;
#[cfg(target_os = "linux")]
pub mod disk;
mod expected;
mod folder;
mod harbour;
pub mod hostile;
mod join;
#[cfg(target_os = "linux")]
pub mod memory;
#[cfg(target_os = "linux")]
pub mod net;
mod organise;
mod poison;
mod run;
pub mod seeds;
mod time;
mod upheaval;
pub mod verdict;
mod world;

pub use act::Person;
pub use bring::{bring, try_bring};
pub use cable::{Cable, Taint};
pub use device::{Clock, Crash, Device, Running, State, TestVault, WorldUptime};
pub use dice::Dice;
pub use expected::{Expected, Seen};
pub use folder::{copy_folder, folder};
pub use harbour::{Harbour, Mood, Script};
pub use poison::{Breach, Poison, Tamper, inject, keep};
pub use run::{Run, Size};
pub use time::thread_time;
pub use world::{Codes, Saved, World};
