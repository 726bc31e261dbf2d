//! Rows derived from documents, for lists, maps and searches. They can be rebuilt from the log at any time.

mod query;
mod row;

pub use query::{Area, Cursor, IncidentQuery, Near, Window};
pub use row::{
    EvidenceProjection, EvidenceRow, IncidentProjection, IncidentRow, ProjectedPlace, ProjectedRow,
};

/// What [`crate::Store::rebuild`] does with the rows it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rebuild {
    /// Compares and leaves the store as it was.
    Compare,
    /// Keeps them.
    Replace,
}

/// What a rebuild found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// [`crate::Store::projection_digest`] before.
    pub before: [u8; 32],
    /// And after.
    pub after: [u8; 32],
    /// Documents whose rows came out otherwise than they were.
    pub different: Vec<firsthand_ids::DocumentId>,
}
