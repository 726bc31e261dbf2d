use chrono::NaiveDate;
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
pub struct Corner {
    /// Degrees north.
    pub lat: Degrees,
    /// Degrees east.
    pub lon: Degrees,
}

/// A role that a shift must fill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRequired {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The role, in the team's own words.
    pub role: String,
    /// How many people at least.
    pub min: u32,
}
