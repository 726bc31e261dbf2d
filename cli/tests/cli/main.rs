//! The real program, run as a person or a script runs it: its answers, its exit statuses, its JSON.

#![allow(clippy::unwrap_used)] // a test fails by panicking, in its helpers too

mod alert;
mod archive;
mod attachments;
mod care;
mod checklist;
mod damage;
mod demo;
mod devices;
mod evidence;
mod fields;
mod import;
mod incident;
mod kill;
mod meet;
mod merge;
mod network;
mod panic;
mod recovery;
mod relay;
mod removal;
mod roster;
mod seized;
mod status;
mod support;
mod upkeep;
