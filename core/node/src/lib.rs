//! A device of a team: the one place where records, log, store and sync are driven together.
//!
//! - [`Node`] is what an app or the command line holds: asynchronous, cheap to clone.
//! - [`Ledger`] is the device's own copy of the records and runs on one thread. The line that writes an entry is in
//!   `ledger/own.rs`, [`Ledger::add_incident`] leads there.
//! - [`Meetings`] decides everything that happens on links to other devices. It is a state machine without sockets,
//!   clock or store, so tests drive it over a virtual network.
//! - `shell` is the rest: one thread for the ledger, one task for the meetings, sockets.

mod environment;
mod error;
pub mod evidence;
mod ledger;
pub mod meeting;
pub mod nearby;
pub mod relay;
mod shell;

pub use environment::{
    Clock, Disk, Environment, SystemClock, SystemDisk, SystemRandom, SystemUptime, Ticks, Uptime,
};
pub use error::NodeError;
pub use firsthand_document::{DocumentError, DocumentKind, Edit};
pub use firsthand_ids as ids;
pub use firsthand_photo::NoForms;
pub use firsthand_store::{
    Area, AssignmentRow, Close, ClosedPeriod, Closing, Cursor, Destroyed, DiskUse, HandoffProjection, Home,
    IncidentQuery, IncidentRow, KeyVault, LaptopVault, Listed, Near, RunProjection, RunRow, ShiftProjection,
    SlotOptions, StoreError, TemplateProjection, TemplateRow, TemplateState, TrainingRow, VaultError, Window,
};
pub use firsthand_sync::{Pending, Standing};
pub use firsthand_team::{
    DeviceProposal, Invitation, MAX_RELAYS, Reason, Role, Target, TeamError, TeamRelay,
};
pub use ledger::{
    AckView, AheadRows, AlertView, Answering, ApprovalView, AttachmentView, BlobSink, BoardLine, BoardShift,
    BoardView, BundleDamage, BundleError, BundleGap, BundleMade, BundleRequest, BundleTaken, CandidateView,
    CareView, CheckInView, CheckView, ChecklistError, ClosedView, Conditions, ConflictView, ContactView,
    CopiesTold, CountsView, CustodyView, DebriefView, Decision, DestroyedView, DeviceKeys, DeviceView, Due,
    DueFile, Entered, EpochState, EpochView, ExpectedAssignment, ExpectedPerson, ExpectedPersonView,
    ExpectedShift, ExpectedShiftView, ExpectedView, FieldTeamRow, FieldTeamView, FileDone, FilePolicy,
    FileSealer, FileWork, ForkView, FormSpace, FormUse, FormView, Forms, FreeRequest, FreedFile, FreedView,
    HandoffItem, HandoffRow, HandoffView, HeldView, HistoryView, ImportReport, ImportRow, IncidentView,
    IndicatorView, Kept, Ledger, LinkKind, LostRange, ManifestState, MemberView, MergeView, MissingRange,
    NewFile, Now, Offer, OfferedFile, OnlyHere, Opening, Part, PeerRecord, PersonView, PlaceView, ProgressFn,
    ProposedAssignment, QuarantineView, ReadingView, RecoveryKeys, RecoveryView, RelayAnswering, RelayDone,
    RelayWork, RemovalView, RepairView, Resolved, RosterRow, RunCounts, RunListed, RunStanding, RunStep,
    RunView, Saved, SealedFile, Seen, SharedView, ShiftRow, ShiftView, SnapshotError, SnapshotMade,
    SnapshotPlan, SpaceEpochs, SpaceView, StateDigest, StoredFile, TeamView, TemplateView, WaitingView,
    Watch, decode_rows, encode_rows, mailbox_base, template_reason,
};
pub use meeting::{EndReason, Event, Identity, LinkId, Meetings, Summary};
pub use shell::{
    DeviceStatus, Joining, Nearby, Node, Passphrase, PeerView, Progress, RelaysView, TeamStatus,
    keep_caught_panics_quiet, reachable,
};
