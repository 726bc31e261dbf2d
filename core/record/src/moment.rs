use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Timelike,
};
use firsthand_ids::{LocalTime, UnixMillis};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Precision;

/// Text that is not a time as RFC 3339 writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time like 2026-05-01T14:30:00+03:00")]
pub struct ParseMomentError;

/// An instant together with the offset of the local time it was noted in.
///
/// Written as RFC 3339 with a numeric offset (`+00:00`, never `Z`). Two moments are equal only if instant and
/// offset both are; to compare instants, compare [`Moment::millis`].
/// The default is 1970-01-01T00:00:00+00:00.
#[derive(Clone, Copy, Default)]
pub struct Moment(DateTime<FixedOffset>);

impl Moment {
    /// The instant `at` in a zone `offset_minutes` ahead of UTC.
    ///
    /// `None` when the year is outside 0 to 9999 or the offset is a day or more: RFC 3339 cannot write those.
    #[must_use]
    pub fn new(at: UnixMillis, offset_minutes: i16) -> Option<Self> {
        let offset = FixedOffset::east_opt(i32::from(offset_minutes) * 60)?;
        Self::from_chrono(DateTime::from_timestamp_millis(at.0)?.with_timezone(&offset))
    }

    /// Takes the instant and offset of a log entry; `None` as for [`Moment::new`].
    #[must_use]
    pub fn from_local(time: LocalTime) -> Option<Self> {
        Self::new(time.at, time.offset_minutes)
    }

    /// Takes a chrono time; `None` when its year is outside 0 to 9999 or its offset is not whole minutes.
    #[must_use]
    pub fn from_chrono(time: DateTime<FixedOffset>) -> Option<Self> {
        let writable = (0..=9999).contains(&time.year()) && time.offset().local_minus_utc() % 60 == 0;
        writable.then_some(Self(time))
    }

    /// The chrono form.
    #[must_use]
    pub const fn chrono(self) -> DateTime<FixedOffset> {
        self.0
    }

    /// The instant.
    #[must_use]
    pub const fn millis(self) -> UnixMillis {
        UnixMillis(self.0.timestamp_millis())
    }

    /// Local time minus UTC, in minutes.
    #[must_use]
    pub fn offset_minutes(self) -> i16 {
        // Offsets are below a day, so whole minutes fit.
        (self.0.offset().local_minus_utc() / 60) as i16
    }

    /// The instant and offset, as entries of the log carry them.
    #[must_use]
    pub fn local_time(self) -> LocalTime {
        LocalTime { at: self.millis(), offset_minutes: self.offset_minutes() }
    }
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 && self.0.offset() == other.0.offset()
    }
}

impl Eq for Moment {}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, false))
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Moment {
    type Err = ParseMomentError;

    fn from_str(text: &str) -> Result<Self, ParseMomentError> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| ParseMomentError)?;
        Self::from_chrono(time).ok_or(ParseMomentError)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// When something happened, and how exactly that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Occurred {
    /// A moment inside the span that is meant.
    pub time: Moment,
    /// How wide that span is.
    pub precision: Precision,
}

impl Occurred {
    /// A time known exactly.
    #[must_use]
    pub const fn exact(time: Moment) -> Self {
        Self { time, precision: Precision::Exact }
    }

    /// The first and the last instant this can mean, by local time: an hour from :00 to :59, a day from midnight, a
    /// week from Monday, a part of the day one of four times six hours. `None` when the precision is unknown.
    #[must_use]
    pub fn span(&self) -> Option<(UnixMillis, UnixMillis)> {
        let exact = self.time.millis();
        let local = self.time.chrono().naive_local();
        let midnight = local.date().and_time(NaiveTime::MIN);
        let hours = |from: NaiveDateTime, count: i64| (from, count * 3_600_000 - 1);
        let (from, length) = match self.precision {
            Precision::Unknown => return None,
            Precision::Exact => return Some((exact, exact)),
            Precision::Minute => (at_hour(midnight, local.hour(), local.minute()), 59_999),
            Precision::Hour => hours(at_hour(midnight, local.hour(), 0), 1),
            Precision::PartOfDay => hours(at_hour(midnight, local.hour() / 6 * 6, 0), 6),
            Precision::Day => hours(midnight, 24),
            Precision::Week => hours(monday(local.date()).and_time(NaiveTime::MIN), 7 * 24),
        };
        let offset_ms = i64::from(self.time.offset_minutes()) * 60_000;
        let first = from.and_utc().timestamp_millis() - offset_ms;
        Some((UnixMillis(first), UnixMillis(first + length)))
    }
}

fn at_hour(midnight: NaiveDateTime, hour: u32, minute: u32) -> NaiveDateTime {
    midnight + chrono::TimeDelta::minutes(i64::from(hour * 60 + minute))
}

fn monday(day: NaiveDate) -> NaiveDate {
    let since = Days::new(u64::from(day.weekday().num_days_from_monday()));
    day.checked_sub_days(since).unwrap_or(day)
}
