//! Rows derived from documents, for lists, maps and searches. They can be made anew from the log at any time.

mod area;
mod find;
mod list;
mod query;
mod rebuild;
mod row;
pub(crate) mod text;

pub use query::{Area, Cursor, IncidentQuery, Near, Window};
pub use rebuild::{Rebuild, Rebuilt};
pub use row::{
    EvidenceProjection, EvidenceRow, IncidentProjection, IncidentRow, ProjectedPlace, ProjectedRow,
};
