//! How types that UniFFI cannot express cross to the shells of phones (`docs/adr/0042-bindings.md`).
//!
//! What a shell hands in is read totally: what lies outside what can be written is brought to the nearest that can. Identifiers
//! are the exception, since there is no nearest one: the call fails before anything is done.

#![allow(clippy::disallowed_types, reason = "UniFFI knows no other map, and nothing here is stored or sent")]

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta};
pub use chrono::{NaiveDate, NaiveDateTime};
pub use firsthand_ids::{ContentHash, DeviceKey, DocumentId, Metres, PersonId, UnixMillis};

use crate::checklist::Localised;
use crate::roster::{Area, Corner};
use crate::warning::Amount;
use crate::{Degrees, Fields, Moment};

/// A JSON value, for what has no type of its own.
pub type Json = serde_json::Value;

/// An instant together with the offset of the local time it was noted in.
#[derive(Debug, Clone, Copy, uniffi::Record)]
pub struct LocalMoment {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub at_ms: i64,
    /// Local time minus UTC, in minutes.
    #[uniffi(default = 0)]
    pub offset_minutes: i16,
}

/// The years 0 and 9999, which RFC 3339 can write with any offset.
const FIRST_MS: i64 = -62_167_219_200_000 + DAY_MS;
const LAST_MS: i64 = 253_402_300_799_999 - DAY_MS;
const DAY_MS: i64 = 86_400_000;
/// An offset is less than a day.
const MOST_OFFSET: i16 = 1439;

fn to_moment(parts: LocalMoment) -> Moment {
    let offset = parts.offset_minutes.clamp(-MOST_OFFSET, MOST_OFFSET);
    let moment = Moment::new(UnixMillis(parts.at_ms.clamp(FIRST_MS, LAST_MS)), offset);
    // Within those limits there always is one.
    moment.unwrap_or_default()
}

fn day_of(days: i32) -> NaiveDate {
    let epoch = NaiveDate::default();
    let end = if days < 0 { NaiveDate::MIN } else { NaiveDate::MAX };
    epoch.checked_add_signed(TimeDelta::days(days.into())).unwrap_or(end)
}

fn days_to(day: NaiveDate) -> i32 {
    // chrono's years have six digits, so the days fit.
    (day - NaiveDate::default()).num_days() as i32
}

fn local_time(ms: i64) -> NaiveDateTime {
    let end = if ms < 0 { NaiveDateTime::MIN } else { NaiveDateTime::MAX };
    DateTime::from_timestamp_millis(ms).map_or(end, |time| time.naive_utc())
}

/// A text that is no JSON stands for itself.
fn json(text: String) -> Json {
    serde_json::from_str(&text).unwrap_or(Json::String(text))
}

uniffi::custom_type!(
    /// Names a record: 32 hexadecimal digits.
    DocumentId, String, { remote, lower: |id| id.to_string(), try_lift: |text| Ok(text.parse()?) }
);
uniffi::custom_type!(
    /// Names a person: 32 hexadecimal digits.
    PersonId, String, { remote, lower: |id| id.to_string(), try_lift: |text| Ok(text.parse()?) }
);
uniffi::custom_type!(
    /// Names a device: its public key, 64 hexadecimal digits.
    DeviceKey, String, { remote, lower: |id| id.to_string(), try_lift: |text| Ok(text.parse()?) }
);
uniffi::custom_type!(
    /// SHA-256 of a file: 64 hexadecimal digits.
    ContentHash, String, { remote, lower: |id| id.to_string(), try_lift: |text| Ok(text.parse()?) }
);
uniffi::custom_type!(
    /// A length or distance on the ground, in metres.
    Metres, f64, { remote, lower: |metres| metres.0, try_lift: |metres| Ok(Metres(metres)) }
);
uniffi::custom_type!(
    /// Milliseconds since 1970-01-01T00:00:00Z.
    UnixMillis, i64, { remote, lower: |at| at.0, try_lift: |at| Ok(UnixMillis(at)) }
);
uniffi::custom_type!(
    /// An angle in degrees (WGS 84).
    Degrees, f64, { lower: |degrees| degrees.0, try_lift: |degrees| Ok(Degrees(degrees)) }
);
uniffi::custom_type!(
    /// A number that was counted or measured.
    Amount, f64, { lower: |amount| amount.0, try_lift: |amount| Ok(Amount(amount)) }
);
uniffi::custom_type!(
    /// An instant together with the offset of the local time it was noted in.
    Moment, LocalMoment, {
        lower: |moment| LocalMoment { at_ms: moment.millis().0, offset_minutes: moment.offset_minutes() },
        try_lift: |parts| Ok(to_moment(parts)),
    }
);
uniffi::custom_type!(
    /// A day: how many after 1970-01-01.
    NaiveDate, i32, { remote, lower: |day| days_to(day), try_lift: |days| Ok(day_of(days)) }
);
uniffi::custom_type!(
    /// A time of which nobody knows the zone: as if it was UTC, in milliseconds since 1970.
    NaiveDateTime, i64, {
        remote, lower: |time| time.and_utc().timestamp_millis(), try_lift: |ms| Ok(local_time(ms)),
    }
);
uniffi::custom_type!(
    /// A JSON value as text.
    Json, String, { remote, lower: |value| value.to_string(), try_lift: |text| Ok(json(text)) }
);
uniffi::custom_type!(
    /// Fields by name that have no place of their own, each a JSON value as text.
    Fields, HashMap<String, String>, {
        remote,
        lower: |fields| fields.into_iter().map(|(name, value)| (name, value.to_string())).collect(),
        try_lift: |fields| Ok(fields.into_iter().map(|(name, text)| (name, json(text))).collect()),
    }
);
uniffi::custom_type!(
    /// A text in several languages, by language tag.
    Localised, HashMap<String, String>, {
        lower: |text| text.0.into_iter().collect(),
        try_lift: |text| Ok(Localised(text.into_iter().collect())),
    }
);
uniffi::custom_type!(
    /// An area on the ground: one ring of corners, which closes by itself.
    Area, Vec<Corner>, { lower: |area| area.0, try_lift: |corners| Ok(Area(corners)) }
);
