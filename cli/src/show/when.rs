//! Times as people read them.

use chrono::{DateTime, FixedOffset, Local, TimeDelta, TimeZone};
use firsthand_node::ids::{LocalTime, UnixMillis};
use firsthand_record::{Moment, Occurred, Precision};

/// An instant and its distance from now: `2026-11-21 14:30 (2 h ago)`.
pub(crate) fn with_distance(at: UnixMillis) -> String {
    let Some(time) = local(at) else { return String::from("?") };
    let day_and_time = time.format("%Y-%m-%d %H:%M");
    match relative(Local::now().fixed_offset() - time) {
        Some(relative) => format!("{day_and_time} ({relative})"),
        None => day_and_time.to_string(),
    }
}

/// An instant with the offset it was noted in.
pub(crate) fn noted(time: Option<LocalTime>) -> String {
    time.and_then(Moment::from_local).map_or_else(|| String::from("?"), moment)
}

/// A time with its offset.
pub(crate) fn moment(moment: Moment) -> String {
    moment.chrono().format("%Y-%m-%d %H:%M %:z").to_string()
}

/// When something happened, as exactly as it is known.
pub(crate) fn occurred(occurred: &Occurred) -> String {
    let time = occurred.time.chrono();
    match occurred.precision {
        Precision::Exact => time.format("%Y-%m-%d %H:%M:%S %:z").to_string(),
        Precision::Minute => time.format("%Y-%m-%d %H:%M %:z").to_string(),
        Precision::Hour => time.format("%Y-%m-%d about %H:00 %:z").to_string(),
        Precision::PartOfDay => time.format("%Y-%m-%d around %H:00 %:z (part of the day)").to_string(),
        Precision::Day => time.format("%Y-%m-%d").to_string(),
        Precision::Week => time.format("week %G-W%V").to_string(),
        Precision::Unknown => time.format("%Y-%m-%d %H:%M %:z (not known how exactly)").to_string(),
    }
}

/// An instant in machine output: RFC 3339 in UTC, with a numeric offset.
pub(crate) fn machine(at: UnixMillis) -> Option<String> {
    Moment::new(at, 0).map(|moment| moment.to_string())
}

/// A noted time in machine output: RFC 3339 with the offset it was noted in.
pub(crate) fn machine_noted(time: Option<LocalTime>) -> Option<String> {
    time.and_then(Moment::from_local).map(|moment| moment.to_string())
}

/// A length of time, roughly: `25 min`, `3 h`, `1 day`.
pub(crate) fn length(ms: u64) -> String {
    match ms / 60_000 {
        minutes @ 0..60 => format!("{minutes} min"),
        minutes @ 60..1_440 => format!("{} h", minutes / 60),
        minutes => super::text::count(minutes / 1_440, "day", "days"),
    }
}

fn local(at: UnixMillis) -> Option<DateTime<FixedOffset>> {
    Local.timestamp_millis_opt(at.0).single().map(|time| time.fixed_offset())
}

/// How long ago, up to thirty days; beyond that the date says more.
fn relative(ago: TimeDelta) -> Option<String> {
    let minutes = ago.num_minutes();
    let (amount, future) = (minutes.abs(), minutes < 0);
    let text = match amount {
        0 => return Some(String::from("now")),
        1..60 => format!("{amount} min"),
        60..1_440 => format!("{} h", amount / 60),
        1_440..2_880 => String::from("1 day"),
        2_880..43_200 => format!("{} days", amount / 1_440),
        _ => return None,
    };
    Some(if future { format!("in {text}") } else { format!("{text} ago") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_rough_and_short() {
        let of = |minutes| relative(TimeDelta::minutes(minutes));
        assert_eq!(of(0).as_deref(), Some("now"));
        assert_eq!(of(59).as_deref(), Some("59 min ago"));
        assert_eq!(of(125).as_deref(), Some("2 h ago"));
        assert_eq!(of(1_500).as_deref(), Some("1 day ago"));
        assert_eq!(of(-30).as_deref(), Some("in 30 min"));
        assert_eq!(of(50_000), None);
    }

    #[test]
    fn a_time_shows_no_more_than_is_known() {
        let time: Moment = "2026-11-21T14:30:15+03:00".parse().unwrap();
        let shown = |precision| occurred(&Occurred { time, precision });
        assert_eq!(shown(Precision::Exact), "2026-11-21 14:30:15 +03:00");
        assert_eq!(shown(Precision::Hour), "2026-11-21 about 14:00 +03:00");
        assert_eq!(shown(Precision::Day), "2026-11-21");
        assert_eq!(shown(Precision::Week), "week 2026-W47");
    }
}
