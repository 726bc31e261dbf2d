//! The channel from outside: two links and the bytes between them.

// Clippy's allow-unwrap-in-tests does not reach functions beside the tests.
#![allow(clippy::unwrap_used)]

mod golden;
mod hostile;
mod link;
mod relay;
mod support;
mod words;
