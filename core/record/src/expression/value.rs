use std::borrow::Cow;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use crate::Moment;

const DAY_S: f64 = 86_400.0;

/// What an answer is, or an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text; empty where there is no answer. Several choices stand one after the other, with spaces between.
    Text(String),
    /// A number, which may be NaN or infinite.
    Number(f64),
    /// True or false.
    Truth(bool),
    /// A day, a time of day, or both.
    Time {
        /// As it was written.
        text: String,
        /// Days since 1970-01-01 by local time; of a time of day, the part of a day.
        days: f64,
    },
}

impl Value {
    /// No answer.
    pub const EMPTY: Self = Self::Text(String::new());

    /// Text that is a day or a time, as ISO 8601 writes it; other text as it stands.
    #[must_use]
    pub fn time(text: impl Into<String>) -> Self {
        let text = text.into();
        match days(&text) {
            Some(days) => Self::Time { text, days },
            None => Self::Text(text),
        }
    }

    /// As a number.
    #[must_use]
    pub fn number(&self) -> f64 {
        self.held().number()
    }

    /// As true or false.
    #[must_use]
    pub fn truth(&self) -> bool {
        self.held().truth()
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Time { text, .. } => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number_text(*number)),
            Self::Truth(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        }
    }

    pub(super) fn held(&self) -> Held<'_> {
        match self {
            Self::Text(text) => Held::Text(Cow::Borrowed(text)),
            Self::Number(number) => Held::Number(*number),
            Self::Truth(truth) => Held::Truth(*truth),
            Self::Time { text, days } => Held::Time(Cow::Borrowed(text), *days),
        }
    }
}

/// A value that need not be copied.
#[derive(Debug, Clone)]
pub(super) enum Held<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    Truth(bool),
    Time(Cow<'a, str>, f64),
}

impl Held<'_> {
    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Text(text) => number(text),
            Self::Number(number) => *number,
            Self::Truth(truth) => f64::from(u8::from(*truth)),
            Self::Time(_, days) => *days,
        }
    }

    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Truth(truth) => *truth,
            Self::Time(..) => true,
        }
    }

    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Time(text, _) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number_text(*number)),
            Self::Truth(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        }
    }

    /// As a number beside a day or a time: text may then be one too.
    pub(super) fn days(&self) -> f64 {
        match self {
            Self::Text(text) => days(text).unwrap_or_else(|| number(text)),
            other => other.number(),
        }
    }

    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::Text(text.into_owned()),
            Self::Number(number) => Value::Number(number),
            Self::Truth(truth) => Value::Truth(truth),
            Self::Time(text, days) => Value::Time { text: text.into_owned(), days },
        }
    }
}

/// As XPath 1.0 reads a number: digits with a point among them and a minus before, nothing else.
fn number(text: &str) -> f64 {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let points = digits.bytes().filter(|byte| *byte == b'.').count();
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && points <= 1
        && digits.len() > points;
    if is_number { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
}

/// As XPath 1.0 writes a number: no exponent, no minus before zero.
fn number_text(number: f64) -> String {
    match number {
        _ if number.is_nan() => "NaN".to_owned(),
        _ if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        0.0 => "0".to_owned(),
        _ => number.to_string(),
    }
}

/// Days since 1970-01-01, by the local time that is written.
pub(super) fn days(text: &str) -> Option<f64> {
    let text = text.trim();
    // The longest has nanoseconds and an offset; nothing else needs to be looked at.
    if text.len() > 40 || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(day_days(day));
    }
    let time = |text: &str| {
        ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok())
    };
    if let Ok(both) = DateTime::<FixedOffset>::parse_from_rfc3339(text) {
        return Some(both_days(both.naive_local()));
    }
    if let Some((day, rest)) = text.split_once('T') {
        let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
        return Some(both_days(day.and_time(time(rest)?)));
    }
    // A time of day may have an offset, as ODK writes it: it is local time all the same.
    let bare = text.find(['+', 'Z']).map_or(text, |at| &text[..at]);
    time(bare).map(time_days)
}

fn day_days(day: NaiveDate) -> f64 {
    (day - NaiveDate::default()).num_days() as f64
}

fn time_days(time: NaiveTime) -> f64 {
    (f64::from(time.num_seconds_from_midnight()) + f64::from(time.nanosecond()) / 1e9) / DAY_S
}

fn both_days(both: NaiveDateTime) -> f64 {
    day_days(both.date()) + time_days(both.time())
}

pub(super) fn today(now: Moment) -> Value {
    Value::time(now.chrono().format("%Y-%m-%d").to_string())
}

pub(super) fn now(now: Moment) -> Value {
    Value::time(now.to_string())
}
