use chrono::NaiveDate;
use firsthand_ids::{ContentHash, DocumentId, PersonId};
use serde::{Deserialize, Serialize};

use super::{PersonStatus, Skill};
use crate::kinds::record;
use crate::{ClockEvidence, Moment, Sensitivity, Tombstone};

record! {
    /// Somebody of the team, with or without a device.
    Person
    scalars {
        /// Who it is: of a member, the id in the membership; of somebody without a device, the bytes of this record's id.
        person: PersonId,
        /// The name that lists show.
        display_name: String,
        /// The name on the radio.
        callsign: String,
        /// Whether they can be put on a shift.
        status: PersonStatus,
        /// How widely it may be shared.
        sensitivity: Sensitivity,
        /// The day after which it is to be destroyed.
        retention_until: NaiveDate,
        /// What was known about the device's clock when it was made.
        clock_evidence: ClockEvidence,
        /// The version of the types it was written with.
        schema_version: u32,
    }
    texts {}
    lists {
        /// Languages they speak.
        languages: SpokenLanguage,
        /// What they can do.
        skills: HeldSkill,
        /// What they were trained in.
        trainings: Training,
        /// Marks that hide it.
        tombstone: Tombstone,
    }
}

/// A language that somebody speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SpokenLanguage {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// A language tag, such as `ar` or `es-MX`.
    pub language: String,
}

/// A skill that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct HeldSkill {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Which.
    pub skill: Skill,
    /// What more there is to say, such as which languages.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub note: String,
}

/// A training that somebody took part in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Training {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// What it was called.
    pub course: String,
    /// The checklist that was trained on, by the name that its versions share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub template_id: Option<String>,
    /// Which version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub version: Option<u32>,
    /// The run in which it was practised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub run: Option<DocumentId>,
    /// The day.
    pub date: NaiveDate,
    /// The last day on which it counts; `None` where it does not lapse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub expires: Option<NaiveDate>,
    /// Who trained them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub by: Option<PersonId>,
    /// SHA-256 of a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub certificate: Option<ContentHash>,
}

impl Training {
    /// Whether it counts on a day.
    #[must_use]
    pub fn counts_on(&self, day: NaiveDate) -> bool {
        self.date <= day && self.expires.is_none_or(|last| day <= last)
    }
}

impl Person {
    /// Whether a skill was noted and not taken back.
    #[must_use]
    pub fn has(&self, skill: Skill) -> bool {
        self.skills.iter().any(|held| held.skill == skill)
    }
}

record! {
    /// Whom to call when something happens to somebody. Its readers are that person and the leads.
    EmergencyContact
    scalars {
        /// Of whom.
        person: PersonId,
        /// Whom to call.
        name: String,
        /// How to reach them.
        phone: String,
        /// What they are to the person.
        relation: String,
        /// When it was last known to be right.
        checked_at: Moment,
        /// The day after which it is to be destroyed.
        retention_until: NaiveDate,
        /// What was known about the device's clock when it was made.
        clock_evidence: ClockEvidence,
        /// The version of the types it was written with.
        schema_version: u32,
    }
    texts {
        /// What those who call should know.
        note,
    }
    lists {
        /// Marks that hide it.
        tombstone: Tombstone,
    }
}
