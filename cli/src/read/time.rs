//! Times as people type them.

use chrono::{DateTime, Days, FixedOffset, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use firsthand_node::ids::UnixMillis;
use firsthand_record::{Moment, Occurred, Precision};

use super::Reason;

/// Reads a time by the system's clock and zone.
pub(crate) fn occurred(text: &str) -> Result<Occurred, Reason> {
    occurred_at(text, &Local::now())
}

/// Reads a time whose precision does not matter.
pub(crate) fn moment(text: &str) -> Result<Moment, Reason> {
    occurred(text).map(|occurred| occurred.time)
}

/// Reads a time that comes after another one: a time of day alone is the next one after that, so that what begins in the
/// evening can end in the small hours.
pub(crate) fn moment_after(text: &str, after: Option<Moment>) -> Result<Moment, Reason> {
    next_at(text, after, false, &Local::now())
}

/// The same of a time that may be that other one.
pub(crate) fn moment_from(text: &str, from: Option<Moment>) -> Result<Moment, Reason> {
    next_at(text, from, true, &Local::now())
}

fn next_at<Tz: TimeZone>(
    text: &str,
    after: Option<Moment>,
    or_equal: bool,
    now: &DateTime<Tz>,
) -> Result<Moment, Reason> {
    let Some((after, time)) = after.zip(time_of_day(text.trim())) else {
        return occurred_at(text, now).map(|occurred| occurred.time);
    };
    let zone = now.timezone();
    let first = zone.timestamp_millis_opt(after.millis().0).single();
    let first = first.ok_or_else(|| String::from("is outside the years 0 to 9999"))?;
    let day = first.date_naive();
    let mut found = resolve(day.and_time(time), now);
    let too_soon = |found: &DateTime<Tz>| *found < first || (*found == first && !or_equal);
    if found.as_ref().is_ok_and(too_soon) {
        let next = day.succ_opt().ok_or_else(|| String::from("is outside the years 0 to 9999"))?;
        found = resolve(next.and_time(time), now);
    }
    keep(found?, Precision::Minute).map(|occurred| occurred.time)
}

fn time_of_day(text: &str) -> Option<NaiveTime> {
    ["%H:%M", "%H:%M:%S"].iter().find_map(|format| NaiveTime::parse_from_str(text, format).ok())
}

/// The first and the last instant that a typed time can mean.
pub(crate) fn span(text: &str) -> Result<(UnixMillis, UnixMillis), Reason> {
    let occurred = occurred(text)?;
    let exact = occurred.time.millis();
    Ok(occurred.span().unwrap_or((exact, exact)))
}

/// A day, as `2026-11-21`.
pub(crate) fn day(text: &str) -> Result<NaiveDate, Reason> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d")
        .map_err(|_| String::from("is not a day like 2026-11-21"))
}

fn occurred_at<Tz: TimeZone>(text: &str, now: &DateTime<Tz>) -> Result<Occurred, Reason> {
    let text = text.trim();
    if text.is_empty() {
        return Err(String::from("is empty"));
    }
    if text.eq_ignore_ascii_case("now") {
        return keep(now.clone(), Precision::Exact);
    }
    if let Ok(time) = text.parse::<Moment>() {
        return Ok(Occurred::exact(time));
    }
    for format in ["%Y-%m-%dT%H:%M%:z", "%Y-%m-%d %H:%M %:z"] {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return keep(time, Precision::Minute);
        }
    }
    let today = now.date_naive();
    let (date, rest) = date_first(text, today).unwrap_or((today, text));
    let rest = rest.trim_start_matches('T').trim();
    if rest.is_empty() {
        return keep(resolve(date.and_time(NaiveTime::MIN), now)?, Precision::Day);
    }
    let (time, precision) = if let Ok(time) = NaiveTime::parse_from_str(rest, "%H:%M") {
        (time, Precision::Minute)
    } else if let Ok(time) = NaiveTime::parse_from_str(rest, "%H:%M:%S") {
        (time, Precision::Exact)
    } else {
        return Err(String::from(
            "is not a time like 14:30, 2026-11-21, 2026-11-21 14:30 or 2026-11-21T14:30:00+03:00",
        ));
    };
    keep(resolve(date.and_time(time), now)?, precision)
}

/// Takes a day off the front.
fn date_first(text: &str, today: NaiveDate) -> Option<(NaiveDate, &str)> {
    for (word, back) in [("today", 0), ("yesterday", 1)] {
        if let Some(rest) = text.strip_prefix(word) {
            return Some((today.checked_sub_days(Days::new(back))?, rest));
        }
    }
    let (date, rest) = text.split_at_checked(10)?;
    Some((NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?, rest))
}

/// Gives local time its offset. When clocks went back, the earlier of two instants is meant; a time that clocks jumped
/// over does not exist, except midnight, which then stands for the beginning of the day.
fn resolve<Tz: TimeZone>(time: NaiveDateTime, now: &DateTime<Tz>) -> Result<DateTime<Tz>, Reason> {
    let zone = now.timezone();
    let found = zone.from_local_datetime(&time).earliest();
    let begins = || {
        let jumped = time.time() == NaiveTime::MIN;
        let later = time.checked_add_signed(chrono::TimeDelta::hours(1)).filter(|_| jumped)?;
        zone.from_local_datetime(&later).earliest()
    };
    found.or_else(begins).ok_or_else(|| String::from("does not exist: clocks were put forward over it"))
}

fn keep<Tz: TimeZone>(time: DateTime<Tz>, precision: Precision) -> Result<Occurred, Reason> {
    let fixed: DateTime<FixedOffset> = time.fixed_offset();
    // Records keep milliseconds and whole minutes of offset.
    let millis = UnixMillis(fixed.timestamp_millis());
    let time = Moment::new(millis, (fixed.offset().local_minus_utc() / 60) as i16)
        .ok_or_else(|| String::from("is outside the years 0 to 9999"))?;
    Ok(Occurred { time, precision })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Precision), Reason> {
        let now = DateTime::parse_from_rfc3339("2026-11-21T16:05:30+03:00").unwrap();
        occurred_at(text, &now).map(|occurred| (occurred.time.to_string(), occurred.precision))
    }

    #[test]
    fn times_are_taken_as_exactly_as_they_are_typed() {
        let cases = [
            ("14:30", "2026-11-21T14:30:00+03:00", Precision::Minute),
            ("14:30:05", "2026-11-21T14:30:05+03:00", Precision::Exact),
            ("2026-11-20 09:15", "2026-11-20T09:15:00+03:00", Precision::Minute),
            ("2026-11-20T09:15", "2026-11-20T09:15:00+03:00", Precision::Minute),
            ("2026-11-20", "2026-11-20T00:00:00+03:00", Precision::Day),
            ("yesterday 23:59", "2026-11-20T23:59:00+03:00", Precision::Minute),
            ("today", "2026-11-21T00:00:00+03:00", Precision::Day),
            ("2026-05-01T14:30:00-05:00", "2026-05-01T14:30:00-05:00", Precision::Exact),
            ("2026-05-01T14:30+05:30", "2026-05-01T14:30:00+05:30", Precision::Minute),
            ("2026-05-01 14:30 -03:00", "2026-05-01T14:30:00-03:00", Precision::Minute),
            ("2026-05-01T14:30:00Z", "2026-05-01T14:30:00+00:00", Precision::Exact),
            ("now", "2026-11-21T16:05:30+03:00", Precision::Exact),
        ];
        for (text, expected, precision) in cases {
            assert_eq!(read(text), Ok((expected.to_owned(), precision)), "{text}");
        }
    }

    #[test]
    fn a_time_of_day_alone_is_the_next_one_after_another_time() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T16:05:30+03:00").unwrap();
        let start: Moment = "2026-12-31T20:00:00+03:00".parse().unwrap();
        let next = |text: &str, or_equal| {
            next_at(text, Some(start), or_equal, &now).map(|moment| moment.to_string())
        };
        for (text, or_equal, expected) in [
            ("23:30", false, "2026-12-31T23:30:00+03:00"),
            ("02:00", false, "2027-01-01T02:00:00+03:00"),
            ("20:00", false, "2027-01-01T20:00:00+03:00"),
            ("20:00", true, "2026-12-31T20:00:00+03:00"),
            ("19:59:59", true, "2027-01-01T19:59:59+03:00"),
            // What names its day is that day.
            ("2026-12-30 02:00", false, "2026-12-30T02:00:00+03:00"),
        ] {
            assert_eq!(next(text, or_equal), Ok(expected.to_owned()), "{text}");
        }
        assert!(next("25:00", false).is_err());
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "soon", "25:00", "2026-13-01", "2026-02-30", "21/11/2026", "14.30", "14:30 tomorrow", "NaN"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
