//! What every kind of record carries besides its own fields.
//!
//! Author, device and times of creation stand in the log entry that creates a document and are not repeated here.

use firsthand_ids::{DocumentId, PersonId, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{ClockTrust, LinkKind, Relation};

/// The version of the record types here. A record of a higher version is read, and its unknown keys are kept.
pub const SCHEMA_VERSION: u32 = 1;

/// What was known about the device's clock when a record was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ClockEvidence {
    /// The device's own clock.
    pub device_ms: UnixMillis,
    /// Milliseconds since the device started, which nobody can set.
    pub monotonic_ms: u64,
    /// Names the start that `monotonic_ms` counts from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub boot_id: String,
    /// Satellite time at the same moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub gps_time: Option<UnixMillis>,
    /// The last time heard from a peer or a relay, brought forward to this moment by the monotonic clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub last_peer_or_relay_time: Option<UnixMillis>,
    /// How many seconds the device's clock is believed to be ahead of true time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub skew_estimate_s: Option<i64>,
    /// What backs the device's clock.
    pub trust: ClockTrust,
}

impl ClockEvidence {
    /// The best other clock: satellites before peers.
    #[must_use]
    pub fn other_clock(&self) -> Option<UnixMillis> {
        self.gps_time.or(self.last_peer_or_relay_time)
    }

    /// What the time probably was: by another clock, else by what is believed of the device's own. `None` where nothing
    /// but the device's clock is known.
    #[must_use]
    pub fn best(&self) -> Option<UnixMillis> {
        let corrected = || {
            let ahead = self.skew_estimate_s?.checked_mul(1000)?;
            Some(UnixMillis(self.device_ms.0.checked_sub(ahead)?))
        };
        self.other_clock().or_else(corrected)
    }
}

impl ClockEvidence {
    /// How far the device's clock was ahead of the best other one, where that is more than validation lets pass.
    #[must_use]
    pub fn error_ms(&self) -> Option<i64> {
        let ahead = self.device_ms.0.checked_sub(self.best()?.0)?;
        (ahead.unsigned_abs() > crate::validate::limits::SKEW_MS as u64).then_some(ahead)
    }
}

/// A mark that hides a record. The record stays, and so does all evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Tombstone {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Why it is hidden.
    pub reason: String,
    /// Who hid it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub by: Option<PersonId>,
}

/// A link to another record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Link {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// The other record.
    pub document: DocumentId,
    /// What kind of record that is.
    pub kind: LinkKind,
    /// How it relates to this one.
    pub relation: Relation,
}
