//! What the Android and iOS shells call: objects, errors and ports over [`firsthand_node`], no logic.
//!
//! Begin with [`Node`]. It holds one home and hands out the objects that screens need: [`Team`], [`Incidents`], [`Roster`],
//! [`Checklists`], [`Files`] and [`Syncing`], each a thin handle on the same home. What the core asks of a phone are the
//! [ports](crate::Platform) that a shell implements. Everything that can fail does so with one [`ApiError`], whose variants are
//! what a shell can do about it.
//!
//! Records cross as they are: `firsthand-record` derives UniFFI. Views of the node are made into plain values here, because they
//! hold what UniFFI cannot express (`docs/adr/0042-bindings.md`).
//!
//! Every asynchronous method hands its work to the core before it waits. Dropping or cancelling the wait loses nothing: what was
//! begun is finished. Long work takes a [`CancelToken`].

mod cancel;
mod changes;
mod checklists;
mod error;
mod files;
mod incident_list;
mod incidents;
mod joining;
mod lift;
mod node;
mod observe;
mod platform;
mod query;
mod roster;
mod runtime;
mod stream;
mod syncing;
mod team;
mod views;

pub use cancel::{CancelToken, ProgressListener};
pub use checklists::{ChecklistItem, Checklists, RunItem, RunState};
pub use error::{ApiError, FieldProblem, Refusal};
pub use files::{FileForm, FileItem, Files, NewAttachment};
pub use incident_list::{IncidentList, IncidentListListener, ListChange};
pub use incidents::{Imported, Incidents};
pub use joining::Joining;
pub use node::{LockReport, Node};
pub use observe::{Happened, Happening};
pub use platform::{
    Discovery, KeyVault, Location, Notice, Notifier, Observer, PeerStream, Platform, PlatformClock,
    PortError, Position, Uptime,
};
pub use query::{IncidentFilter, IncidentPage};
pub use roster::{BoardLine, BoardState, DueState, PersonItem, Roster, ShiftItem};
pub use stream::IncomingBytes;
pub use syncing::{DeviceState, FoundDevice, MeetingSummary, Nearby, SyncState, Syncing};
pub use team::{Member, RemovalReason, Team, TeamDevice, TeamRole, TeamState};
pub use views::{
    Candidate, Conflict, HistoryStep, IncidentDetail, IncidentItem, Reach, SavedRecord, Settled,
};

use firsthand_record::uniffi_types::{ContentHash, DeviceKey, DocumentId, Metres, PersonId, UnixMillis};

uniffi::setup_scaffolding!("firsthand");
uniffi::use_remote_type!(firsthand_record::DocumentId);
uniffi::use_remote_type!(firsthand_record::PersonId);
uniffi::use_remote_type!(firsthand_record::DeviceKey);
uniffi::use_remote_type!(firsthand_record::ContentHash);
uniffi::use_remote_type!(firsthand_record::Metres);
uniffi::use_remote_type!(firsthand_record::UnixMillis);

/// The version of the library, for a screen that says what runs.
#[uniffi::export]
#[must_use]
pub fn library_version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
