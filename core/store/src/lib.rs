//! The encrypted store of one home: entries, documents, the rows that lists read, attachments.
//!
//! Begin with [`Home`] (the folder, held by one process), then [`Store`]. Everything is saved by [`Store::commit`]:
//! one transaction, one wait for the disk; "saved" is said after it. The log is the truth; documents are a cache of
//! it, and [rows](IncidentRow) are derived from documents.
//!
//! The store knows no Automerge and no rights: the `node` crate turns documents into [rows](ProjectedRow) and decides
//! what becomes of an entry ([`EntryState`]). It reads no clock and draws no randomness: callers pass both.

// The tests inside the crate share their helpers with those beside it, which know it by its name.
#[cfg(test)]
extern crate self as firsthand_store;
#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;

mod aside;
mod attachment;
mod cache;
mod check;
mod closing;
mod commit;
mod database;
mod destroy;
mod entry;
mod error;
mod expected;
mod head;
mod home;
mod projection;
mod read;
mod rescue;
mod slots;
mod store;
mod vault;
mod wal;
mod witness;
mod write;

pub use attachment::{
    Arrived, AttachmentSecret, AttachmentState, Attachments, CHUNK_BYTES, ChunkTable, DiskUse, Done, FileRow,
    FileSecrets, FileState, MAX_ATTACHMENT_BYTES, Receiving, SealedAttachment, form_number, form_of_number,
};
pub use check::{CheckProgress, CheckReport, Damage};
pub use closing::{Close, ClosedPeriod, Closing, ContentName, Section};
pub use commit::{
    AsideReason, AsideRun, Commit, Committed, DocumentUpdate, EntryState, HoldReason, NewEntry,
};
pub use destroy::Destroyed;
pub use entry::{Counts, EntryInfo, StoredChange, StoredDocument, StoredEntry};
pub use error::StoreError;
pub use expected::{ExpectedRosterRow, ExpectedRow};
pub use home::Home;
pub use projection::{
    Area, AssignmentRow, CheckInProjection, CheckInRow, Cursor, EvidenceProjection, EvidenceRow,
    FieldTeamProjection, FileAt, FormProjection, HandoffProjection, Heard, IncidentProjection, IncidentQuery,
    IncidentRow, Listed, Near, PersonProjection, ProjectedPlace, ProjectedRow, Rebuild, Rebuilt,
    RunProjection, RunRow, ShiftProjection, TemplateProjection, TemplateRow, TemplateState, TrainingRow,
    Unheard, Window,
};
pub use read::{BatchLimits, SpaceReferences};
pub use rescue::{Rescue, RescuedEntry, RescuedSettings};
pub use slots::{MAX_TRIES, SlotOptions, Unlock};
pub use store::Store;
pub use vault::{KeyVault, LaptopVault, VaultError};
pub use witness::{Doubt, MissingTail};
