//! The relay: what every storage does, what a client's and a relay's machines do with each other and with liars, and a real
//! relay on a loopback socket.

// Clippy's allow-unwrap-in-tests does not reach functions beside the tests.
#![allow(clippy::unwrap_used)]

mod conformance;
mod hostile;
#[cfg(target_os = "linux")]
mod idle;
mod kill;
mod machines;
mod sockets;
mod support;
