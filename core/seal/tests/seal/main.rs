//! Sealing: its bytes, its limits, and who can open what.
#![allow(clippy::unwrap_used)]

mod boxes;
mod bundles;
mod envelopes;
mod golden;
mod mailboxes;
mod ranges;
mod snapshots;
mod support;
