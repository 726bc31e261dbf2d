#![warn(missing_docs)]
//! Records as documents that several people can edit while apart.
//!
//! A [`Document`] is one Automerge document per record; a small one is kept as its changes, and judged
//! and read without Automerge. Each field of a record has a *merge letter* ([`Letter`]) in the
//! table of its kind ([`Schema`]); the letter says how concurrent edits merge, in which of five maps the field stands,
//! and what the [guard](Document::apply) lets through. Fields and letters that a newer version brings are kept.
//!
//! What a person does is an [`Edit`]; it becomes a small [`Change`], the content of one log entry. Changes of others
//! come in through [`Document::apply`]. What stands in the end is a [`View`]: values, conflicts, proposals. Who did
//! what is in the log; this crate asks for it through [`Authors`].
//!
//! Nothing here reads a clock or a file, and the same changes give the same document on every replica.

mod author;
mod document;
mod edit;
mod error;
pub mod evidence;
mod guard;
mod history;
pub mod incident;
mod json;
mod layout;
mod op_id;
mod plain;
mod schema;
mod text;
mod view;

pub use author::{Author, Authors, NoAuthors, Rights};
pub use document::{Change, Document, MAX_DOCUMENT_BYTES};
pub use edit::{Edit, MAX_VALUE_BYTES};
pub use error::DocumentError;
pub use guard::{
    Applied, GuardError, Incoming, MAX_OPERATIONS, MAX_START_GAP, Outcome, Rule, catches_panics,
};
pub use history::{FieldChange, HistoryItem, TextSplice, What};
pub use json::canonical;
pub use op_id::{OpId, ParseOpIdError};
pub use schema::{DocumentKind, FieldSpec, Letter, Schema};
pub use view::{
    Candidate, Decided, FieldView, Item, Proposal, Register, Status, StatusProposal, View, Withdrawal,
};
