//! Sessions from outside: devices in memory, everything between them seeded, and peers who break the rules.

// Clippy's allow-unwrap-in-tests does not reach functions beside the tests.
#![allow(clippy::unwrap_used)]

mod device;
mod files;
mod forks;
mod golden;
mod hostile;
mod meetings;
mod membership;
mod mesh;
mod relay_golden;
mod removed;
mod spaces;
mod world;
