use chrono::NaiveDate;
use firsthand_ids::DocumentId;
use serde::{Deserialize, Serialize};

use super::{AlertArea, Direction, IndicatorFamily, Polarity};
use crate::kinds::record;
use crate::place::finite;
use crate::{ClockEvidence, Credibility, Moment, Place, Reliability, Sensitivity, SourceKind, Tombstone};

/// A number that was counted or measured, in the unit of its [`Indicator`]. JSON has no other than finite ones.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(#[serde(serialize_with = "finite")] pub f64);

record! {
    /// A sign that a team watches, because it comes before violence or before peace.
    Indicator
    scalars {
        /// What people call it.
        name: String,
        /// Whether it speaks for peace or for conflict.
        polarity: Polarity,
        /// Which of CEWARN's families it belongs to.
        family: IndicatorFamily,
        /// What is counted, such as "cattle raids".
        unit: String,
        /// From where on it warns, in its unit.
        threshold: Amount,
        /// On which side of the threshold it warns.
        direction: Direction,
        /// Over how many days readings are taken together.
        window_days: u32,
        /// Where it is watched.
        area: AlertArea,
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
        /// Marks that hide it.
        tombstone: Tombstone,
    }
}

record! {
    /// What somebody read of an [`Indicator`]. Everything is written once: a wrong reading is hidden and a right one made.
    Reading
    scalars {
        /// The sign.
        indicator: DocumentId,
        /// How much, in the sign's unit.
        value: Amount,
        /// When it was so.
        at: Moment,
        /// Where.
        place: Place,
        /// Where it is known from, and how good that is.
        source: ReadingSource,
        /// A word more.
        note: String,
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
        /// Marks that hide it.
        tombstone: Tombstone,
    }
}

/// Where a reading is known from, with its grade (the Admiralty code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ReadingSource {
    /// What kind of source.
    pub kind: SourceKind,
    /// How far the source can be relied on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub reliability: Option<Reliability>,
    /// How far what it says can be believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub credibility: Option<Credibility>,
}

impl Indicator {
    /// Whether a value is on the side of the threshold that warns; `None` where nobody set one.
    #[must_use]
    pub fn warns_at(&self, value: Amount) -> Option<bool> {
        let threshold = self.threshold?;
        Some(match self.direction.unwrap_or(Direction::Above) {
            Direction::Above => value.0 >= threshold.0,
            Direction::Below => value.0 <= threshold.0,
        })
    }
}
