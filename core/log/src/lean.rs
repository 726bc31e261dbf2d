//! stub
use firsthand_ids::{ChangeHash, DocumentId, Position, WriterId};
use crate::{Entry, SignedHead};
/// Entries of several writers in the order their holder committed them, each writer's part consecutive in itself and
/// ending at a signed head.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The entries, dependencies first wherever the sender held them.
    pub entries: Vec<(WriterId, Entry)>,
    /// For each writer in `entries` its signed head.
    pub heads: Vec<(WriterId, SignedHead)>,
}
/// What this device can look up of the log it holds, so that hashes travel as references.
pub trait References {
    /// Which entry carries this change.
    fn locate_change(&self, change: &ChangeHash) -> Option<(WriterId, Position)>;
    /// Which entry created this document.
    fn locate_document(&self, document: &DocumentId) -> Option<(WriterId, Position)>;
    /// The change that an entry carries.
    fn change_at(&self, writer: &WriterId, position: Position) -> Option<ChangeHash>;
    /// The document that an entry created.
    fn document_at(&self, writer: &WriterId, position: Position) -> Option<DocumentId>;
}
