//! Rows derived from documents, for lists, maps and searches. They can be made anew from the log at any time.

mod area;
mod checklist;
mod find;
mod list;
mod query;
mod rebuild;
mod record;
mod roster;
mod row;
pub(crate) mod text;

pub use checklist::{RunProjection, RunRow, TemplateProjection, TemplateRow, TemplateState};
pub use query::{Area, Cursor, IncidentQuery, Near, Window};
pub use rebuild::{Rebuild, Rebuilt};
pub use roster::{
    AssignmentRow, CheckInProjection, CheckInRow, FieldTeamProjection, HandoffProjection, Heard, Listed,
    PersonProjection, ShiftProjection, TrainingRow, Unheard,
};
pub use row::{
    EvidenceProjection, EvidenceRow, FileAt, FormProjection, IncidentProjection, IncidentRow, ProjectedPlace,
    ProjectedRow,
};

/// What names a row of a file in its own program: its format, and the id it has there, else its content.
pub(crate) fn origin_name(origin: &firsthand_record::Origin) -> [u8; 16] {
    let mut digest = firsthand_ids::Digest::new("firsthand origin v1");
    digest.sized(origin.format.as_bytes());
    match &origin.external_id {
        Some(id) => digest.number(1).sized(id.as_bytes()),
        None => digest.number(0).sized(origin.row_hash.as_bytes()),
    };
    digest.finish_short()
}
