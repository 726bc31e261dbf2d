use chrono::NaiveDate;
use firsthand_ids::{DocumentId, PersonId};
use serde::{Deserialize, Serialize};

use super::{GoNoGo, RiskLevel, ShiftStatus};
use crate::kinds::record;
use crate::{ClockEvidence, Moment, Place, Sensitivity, Tombstone};

record! {
    /// A time in which people are out together.
    Shift
    scalars {
        /// The team.
        team: DocumentId,
        /// What people call it, such as "East gate, night".
        title: String,
        /// When it is to begin.
        start: Moment,
        /// When it is to end.
        end: Moment,
        /// Where they meet.
        place: Place,
        /// How dangerous it is taken to be.
        risk_level: RiskLevel,
        /// How often people say how they are.
        check_in_rule: CheckInRule,
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
        /// What everybody must know before they go.
        briefing,
        /// Where they meet, in words.
        place_text,
    }
    lists {
        /// Who does what.
        assignments: Assignment,
        /// Who is ready.
        go_no_go: GoNoGoStep,
        /// How far it has come: each step is noted, and the furthest counts.
        status_log: ShiftStep,
        /// Marks that hide it.
        tombstone: Tombstone,
    }
}

/// How often people say how they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct CheckInRule {
    /// Minutes between two check-ins.
    pub every_min: u32,
    /// Minutes after that before somebody is overdue.
    pub grace_min: u32,
}

impl CheckInRule {
    /// Milliseconds after a check-in at which somebody is overdue.
    #[must_use]
    pub const fn due_ms(self) -> u64 {
        (self.every_min as u64 + self.grace_min as u64) * 60_000
    }
}

/// What somebody does in a shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Assignment {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Who.
    pub person: PersonId,
    /// The role, in the team's own words; the team's `roles_required` names some.
    pub role: String,
    /// Who looks after them, and they after whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub buddy: Option<PersonId>,
    /// From when, where not from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub from: Option<Moment>,
    /// Until when, where not to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub until: Option<Moment>,
}

/// Whether somebody is ready to go. A later answer of the same person takes the place of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct GoNoGoStep {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Who.
    pub person: PersonId,
    /// What they say.
    pub answer: GoNoGo,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub note: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub at: Option<Moment>,
}

/// A step of a shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ShiftStep {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// How far it has come.
    pub status: ShiftStatus,
    /// Who noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub by: Option<PersonId>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub at: Option<Moment>,
}

impl Shift {
    /// How far the shift has come: the furthest that anybody noted.
    #[must_use]
    pub fn status(&self) -> ShiftStatus {
        self.status_log.iter().map(|step| step.status).max().unwrap_or(ShiftStatus::Planned)
    }

    /// The last answer of everybody who gave one, in the order in which they first did.
    #[must_use]
    pub fn answers(&self) -> Vec<&GoNoGoStep> {
        let mut answers: Vec<&GoNoGoStep> = Vec::new();
        for step in &self.go_no_go {
            match answers.iter_mut().find(|held| held.person == step.person) {
                Some(held) => *held = step,
                None => answers.push(step),
            }
        }
        answers
    }

    /// Who is assigned, each once.
    #[must_use]
    pub fn people(&self) -> std::collections::BTreeSet<PersonId> {
        self.assignments.iter().map(|assignment| assignment.person).collect()
    }
}
