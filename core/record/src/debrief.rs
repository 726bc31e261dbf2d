use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use firsthand_ids::{DocumentId, PersonId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codes::code_list;
use crate::kinds::record;
use crate::{ClockEvidence, CodeList, Moment, Sensitivity, Tombstone, UnknownCode};

code_list!(
    /// Whether somebody wants to be called after a shift.
    WantsContact, "care.wants_contact" {
        Yes = "yes", "Yes";
        No = "no", "No";
        Later = "later", "Later";
    }
);

record! {
    /// What a team learnt from a shift or an incident.
    Debrief
    scalars {
        /// The shift.
        shift: DocumentId,
        /// The incident.
        incident: DocumentId,
        /// How widely it may be shared.
        sensitivity: Sensitivity,
        /// The day after which it is to be destroyed.
        retention_until: NaiveDate,
        /// What was known about the device's clock when it was made.
        clock_evidence: ClockEvidence,
        /// The version of the types it was written with.
        schema_version: u32,
    }
    texts {
        /// What was planned.
        what_planned,
        /// What happened.
        what_happened,
    }
    lists {
        /// Who took part.
        participants: Participant,
        /// What went well.
        what_went_well: Lesson,
        /// What should change.
        to_change: Change,
        /// Which of those were done.
        to_change_done: ChangeDone,
        /// How well methods worked.
        methods_effective: MethodGrade,
        /// What nearly went wrong.
        near_miss: Lesson,
        /// Marks that hide it.
        tombstone: Tombstone,
    }
}

/// Somebody who took part in a debrief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Participant {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Who.
    pub person: PersonId,
}

/// One thing that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Lesson {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// What.
    pub text: String,
}

/// One thing that should change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Change {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// What.
    pub text: String,
    /// Who sees to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub owner: Option<PersonId>,
    /// By which day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub due: Option<NaiveDate>,
}

/// That something was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ChangeDone {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// The key of the item of `to_change`.
    pub item: String,
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub by: Option<PersonId>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub at: Option<Moment>,
}

/// How well a method worked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct MethodGrade {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// The method, of [`crate::lists::UCP_METHODS`] or the team's own.
    pub method: String,
    /// From -2, made it worse, to 2, helped much.
    pub score: i8,
}

impl Debrief {
    /// What should change and is not done.
    pub fn still_to_change(&self) -> impl Iterator<Item = &Change> {
        let done = |change: &&Change| !self.to_change_done.iter().any(|done| done.item == change.key);
        self.to_change.iter().filter(done)
    }
}

record! {
    /// How somebody is after a shift. Its readers are that person and the care contact they named. Everything is written once.
    Care
    scalars {
        /// Who.
        person: PersonId,
        /// When.
        at: Moment,
        /// The debrief that it belongs to.
        debrief: DocumentId,
        /// From 1, badly, to 5, well.
        wellbeing: u8,
        /// Whether they want to be called.
        wants_contact: WantsContact,
        /// A word more.
        note: String,
        /// The day after which it is to be destroyed.
        retention_until: NaiveDate,
        /// What was known about the device's clock when it was made.
        clock_evidence: ClockEvidence,
        /// The version of the types it was written with.
        schema_version: u32,
    }
    texts {}
    lists {
        /// Marks that hide it.
        tombstone: Tombstone,
    }
}
