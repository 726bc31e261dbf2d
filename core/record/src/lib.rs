//! What a responder enters: types, code lists and validation. No clock, no input or output.
//!
//! Begin with [`Incident`]. Codes are enums that are written exactly as their lists print them ([`Severity`],
//! [`CodeList`]); times carry their offset and precision ([`Moment`], [`Occurred`]); places are degrees and metres
//! ([`Place`]). [`validate::incident`] tells what must not be saved from what is saved and marked.
//!
//! Records are plain values. How two copies merge is not known here: that is the `document` crate's work.

#[cfg(feature = "uniffi")]
uniffi::setup_scaffolding!("firsthand_record");

mod actor;
mod canonical;
pub mod checklist;
mod codes;
mod count;
mod debrief;
mod envelope;
mod evidence;
pub mod expression;
#[cfg(feature = "generate")]
pub mod generate;
mod incident;
mod kinds;
pub mod lists;
mod moment;
mod place;
pub mod roster;
pub mod share;
mod short_code;
mod source;
#[cfg(feature = "uniffi")]
pub mod uniffi_types;
pub mod validate;
pub mod warning;

pub use actor::{Actor, AuthorityPresence, Harm, Tactic, Weapon};
pub use canonical::{canonical, write_canonical};
pub use codes::{
    ActorKind, ActorRole, C2paState, CapturePath, Certainty, ClockTrust, CodeList, CountKind, Credibility,
    CustodyKind, FollowUp, GeoPrecision, LinkKind, MediationOutcome, PeopleVisible, PlaceSource, Precision,
    Relation, Reliability, RetaliationRisk, RumourStatus, Sensitivity, Severity, SourceKind, Status,
    Trajectory, UnknownCode, Urgency, VariantKind, Verification, WeaponUse,
};
pub use count::{Count, CountSummary, summarise};
pub use debrief::{Care, Change, ChangeDone, Debrief, Lesson, MethodGrade, Participant, WantsContact};
pub use envelope::{ClockEvidence, Link, SCHEMA_VERSION, Tombstone};
pub use evidence::{Captured, ConsentStep, CustodyStep, Destruction, Evidence, Manifest, Variant};
pub use incident::{Incident, Origin};
pub use kinds::{Fields, Read, Unread};
pub use moment::{Moment, Occurred, ParseMomentError};
pub use place::{Circle, Degrees, Place};
pub use short_code::{ParseShortCodeError, ShortCode};
pub use source::{Consent, ConsentWithdrawn, Grading, Source, VerificationStep};
