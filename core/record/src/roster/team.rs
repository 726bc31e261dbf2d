use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use firsthand_ids::PersonId;
use serde::{Deserialize, Serialize};

use crate::kinds::record;
use crate::{ClockEvidence, Degrees, Sensitivity, Tombstone};

record! {
    /// A team in the field: where it works, how it talks, and whom a shift of it needs.
    FieldTeam
    scalars {
        /// What it is called.
        name: String,
        /// Where it works.
        area: Area,
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
        /// Channels, signals, whom to call first.
        comms_plan,
    }
    lists {
        /// Roles that a shift must fill.
        roles_required: RoleRequired,
        /// How many people have to approve a warning.
        alert_approvals: ApprovalRule,
        /// Marks that hide it.
        tombstone: Tombstone,
    }
}

/// An area on the ground: one ring of corners, not crossing itself. The last corner is joined to the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Area(pub Vec<Corner>);

/// A corner of an [`Area`], in degrees, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Corner {
    /// Degrees north.
    pub lat: Degrees,
    /// Degrees east.
    pub lon: Degrees,
}

/// A role that a shift must fill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct RoleRequired {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// The role, in the team's own words.
    pub role: String,
    /// How many people at least.
    pub min: u32,
}

/// How many people have to approve a warning before it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ApprovalRule {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// How many, whoever raises it included.
    pub required: u32,
}

impl FieldTeam {
    /// How many people have to approve a warning: the greatest number that stands, where leads who were apart set several.
    #[must_use]
    pub fn approvals_required(&self) -> Option<u32> {
        self.alert_approvals.iter().map(|rule| rule.required).max()
    }
}

/// A role that too few people of a shift have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleNeed {
    /// The role, as the team wrote it.
    pub role: String,
    /// How many people at least.
    pub min: u32,
    /// How many have it.
    pub filled: u32,
}

impl RoleNeed {
    /// How many more are needed.
    #[must_use]
    pub const fn missing(&self) -> u32 {
        self.min.saturating_sub(self.filled)
    }
}

/// The roles of `required` that too few of the `assigned` people have, in the order of their names. A role is the same in
/// capitals or not, in any script; where it is required twice, as by two leads who were apart, the greater number counts.
#[must_use]
pub fn role_needs<'a>(
    required: impl IntoIterator<Item = (&'a str, u32)>,
    assigned: impl IntoIterator<Item = (&'a str, PersonId)>,
) -> Vec<RoleNeed> {
    let same = |role: &str| role.trim().to_lowercase();
    let mut needs: BTreeMap<String, RoleNeed> = BTreeMap::new();
    for (role, min) in required {
        let need =
            needs.entry(same(role)).or_insert_with(|| RoleNeed { role: role.to_owned(), min, filled: 0 });
        need.min = need.min.max(min);
    }
    let mut people: BTreeSet<(String, PersonId)> = BTreeSet::new();
    for (role, person) in assigned {
        people.insert((same(role), person));
    }
    for (role, _) in &people {
        if let Some(need) = needs.get_mut(role) {
            need.filled = need.filled.saturating_add(1);
        }
    }
    needs.into_values().filter(|need| need.missing() > 0).collect()
}
