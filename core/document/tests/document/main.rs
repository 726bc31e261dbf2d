//! Documents: the letters, the guard, the history, and the bytes.
// Helpers outside test functions fail tests too.
#![allow(clippy::unwrap_used)]

mod alerts;
mod basics;
mod common;
mod decided;
mod evidence;
mod golden;
mod guard_letters;
mod guard_structure;
mod history;
mod hostile;
mod merge;
mod orders;
