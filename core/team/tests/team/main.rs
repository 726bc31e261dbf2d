//! Membership from outside: operation graphs in every order, hostile operations, invitations and golden bytes.

// Clippy's allow-unwrap-in-tests does not reach functions beside the tests.
#![allow(clippy::unwrap_used)]

mod devices;
mod epochs;
mod examples;
mod golden;
mod golden_removals;
mod graphs;
mod hostile;
mod invitations;
mod model;
mod networks;
mod reconcile;
mod relays;
mod removal_schedules;
mod removals;
mod schedule;
mod spaces;
mod support;
