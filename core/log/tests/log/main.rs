//! The log from outside: chains, vectors and batches, with honest, damaged and hostile bytes.

// Clippy's allow-unwrap-in-tests does not reach functions beside the tests.
#![allow(clippy::unwrap_used)]

mod automerge;
mod batches;
mod chains;
mod golden;
mod hostile;
mod limits;
mod receipts;
mod support;
mod vectors;
