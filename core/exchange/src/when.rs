//! Dates and times as people and programs write them.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use firsthand_record::{Moment, Occurred, Precision};

use crate::point::western;

/// Which comes first in a date such as 03/04/2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    DayFirst,
    MonthFirst,
    /// No date of the column tells.
    Unknown,
}

/// What a text says of date, time and offset; each may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) date: Option<NaiveDate>,
    pub(crate) time: Option<(NaiveTime, Precision)>,
    pub(crate) offset: Option<FixedOffset>,
}

impl Stamp {
    /// The moment of date and time in a zone; without a time, the noon of a day known to the day.
    ///
    /// Noon and not midnight, so that the day stays the same wherever somebody reads it.
    pub(crate) fn occurred(&self, offset: FixedOffset) -> Result<Occurred, &'static str> {
        let date = self.date.ok_or("has no date")?;
        let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap_or(NaiveTime::MIN);
        let (time, precision) = self.time.unwrap_or((noon, Precision::Day));
        let local = self.offset.unwrap_or(offset).from_local_datetime(&date.and_time(time)).single();
        let time = local.and_then(Moment::from_chrono).ok_or("is not a time")?;
        Ok(Occurred { time, precision })
    }
}

/// Whether `format` is one that chrono reads.
pub(crate) fn is_format(format: &str) -> bool {
    !StrftimeItems::new(format).any(|item| item == Item::Error)
}

/// Reads text in a format that a column map gives.
pub(crate) fn parse_as(text: &str, format: &str) -> Option<Stamp> {
    let text = western(text.trim());
    let precision = if ["%S", "%T", "%X", "%s"].iter().any(|part| format.contains(part)) {
        Precision::Exact
    } else {
        Precision::Minute
    };
    if format.contains("%s") {
        let at = NaiveDateTime::parse_from_str(&text, format).ok()?;
        return Some(Stamp {
            date: Some(at.date()),
            time: Some((at.time(), precision)),
            offset: FixedOffset::east_opt(0),
        });
    }
    if let Ok(at) = DateTime::parse_from_str(&text, format) {
        let local = at.naive_local();
        return Some(Stamp {
            date: Some(local.date()),
            time: Some((local.time(), precision)),
            offset: Some(*at.offset()),
        });
    }
    if let Ok(at) = NaiveDateTime::parse_from_str(&text, format) {
        return Some(Stamp { date: Some(at.date()), time: Some((at.time(), precision)), offset: None });
    }
    if let Ok(date) = NaiveDate::parse_from_str(&text, format) {
        return Some(Stamp { date: Some(date), time: None, offset: None });
    }
    let time = NaiveTime::parse_from_str(&text, format).ok()?;
    Some(Stamp { date: None, time: Some((time, precision)), offset: None })
}

/// Reads `2026-05-01`, `2026-05-01T14:30:00+03:00`, `01/05/2026 14:30`, `14:30` and the like.
pub(crate) fn parse(text: &str, order: Order) -> Result<Stamp, &'static str> {
    let text = western(text.trim());
    if let Some((date, rest)) = in_words(&text) {
        let rest = rest.trim_start_matches([',', ' ']);
        let (time, offset) = if rest.is_empty() {
            (None, None)
        } else {
            clock(rest).map(|(time, offset)| (Some(time), offset))?
        };
        return Ok(Stamp { date: Some(date), time, offset });
    }
    let date_end = text.find(['T', ' ', 't']).unwrap_or(text.len());
    let (first, rest) = text.split_at(date_end);
    if first.contains(':') {
        let (time, offset) = clock(&text)?;
        return Ok(Stamp { date: None, time: Some(time), offset });
    }
    let date = Some(day(first, order)?);
    let rest = rest.trim_start_matches(['T', 't', ' ']);
    if rest.is_empty() {
        return Ok(Stamp { date, time: None, offset: None });
    }
    let (time, offset) = clock(rest)?;
    Ok(Stamp { date, time: Some(time), offset })
}

/// Three groups of digits, or nothing.
fn groups(text: &str) -> Option<([u32; 3], [usize; 3], char)> {
    let sign = text.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
    let mut numbers = [0; 3];
    let mut lengths = [0; 3];
    let mut parts = text.split(sign);
    for index in 0..3 {
        let part =
            parts.next().filter(|part| part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        numbers[index] = part.parse().ok()?;
        lengths[index] = part.len();
    }
    parts.next().is_none().then_some((numbers, lengths, sign))
}

/// The beginnings of the names of months, at least three letters each, in English, Spanish, French and Portuguese.
const MONTHS: [&[&str]; 12] = [
    &["january", "enero", "janvier", "janeiro"],
    &["february", "febrero", "fevrier", "fevereiro"],
    &["march", "marzo", "mars", "marco"],
    &["april", "abril", "avril"],
    &["may", "mayo", "mai", "maio"],
    &["june", "junio", "juin", "junho"],
    &["july", "julio", "juillet", "julho"],
    &["august", "agosto", "aout"],
    &["september", "septiembre", "septembre", "setembro"],
    &["october", "octubre", "octobre", "outubro"],
    &["november", "noviembre", "novembre", "novembro"],
    &["december", "diciembre", "decembre", "dezembro"],
];

fn month(word: &str) -> Option<u32> {
    let word = crate::fields::normal(word);
    if word.chars().count() < 3 {
        return None;
    }
    let begins = |names: &&[&str]| names.iter().any(|name| name.starts_with(&word));
    let mut found = MONTHS.iter().zip(1..).filter(|(names, _)| begins(names)).map(|(_, number)| number);
    // `jui` is June or July.
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// `1 March 2015`, `March 1, 2015`, `1-Mar-2015` or `1 de marzo de 2015`, and what stands behind.
fn in_words(text: &str) -> Option<(NaiveDate, &str)> {
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = text;
    while parts.len() < 3 {
        rest = rest.trim_start_matches([' ', ',', '-', '/', '.']);
        let digits = rest.starts_with(|c: char| c.is_ascii_digit());
        let fits = |c: char| if digits { c.is_ascii_digit() } else { c.is_alphabetic() };
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        let (part, behind) = rest.split_at(end);
        if part.is_empty() {
            return None;
        }
        rest = behind;
        if !["de", "of", "the", "del", "st", "nd", "rd", "th", "er"].contains(&part.to_lowercase().as_str()) {
            parts.push(part);
        }
    }
    let number = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        text.parse::<u32>().ok().filter(|_| lengths.contains(&text.len()))
    };
    let (day, month, year) = match month(parts[1]) {
        Some(month) => (number(parts[0], 1..=2)?, month, number(parts[2], 4..=4)?),
        None => (number(parts[1], 1..=2)?, month(parts[0])?, number(parts[2], 4..=4)?),
    };
    Some((NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?, rest))
}

fn day(text: &str, order: Order) -> Result<NaiveDate, &'static str> {
    let ([a, b, c], lengths, sign) = groups(text).ok_or("is not a date")?;
    let ymd = |year: u32, month, day| NaiveDate::from_ymd_opt(year as i32, month, day).ok_or("is not a date");
    match lengths {
        [4, 1 | 2, 1 | 2] => ymd(a, b, c),
        [1 | 2, 1 | 2, 4] => match order {
            // Dates with points put the day first wherever they are in use.
            _ if sign == '.' || a == b => ymd(c, b, a),
            Order::DayFirst => ymd(c, b, a),
            Order::MonthFirst => ymd(c, a, b),
            Order::Unknown => Err("could be day/month or month/day; give date_format in a column map"),
        },
        [1 | 2, 1 | 2, 2] => Err("has a year of two digits"),
        _ => Err("is not a date"),
    }
}

type Clock = ((NaiveTime, Precision), Option<FixedOffset>);

fn clock(text: &str) -> Result<Clock, &'static str> {
    const NOT: &str = "is not a time";
    let upper = text.trim().to_ascii_uppercase();
    let (upper, offset) = offset(&upper)?;
    let (upper, half) = match (upper.strip_suffix("AM"), upper.strip_suffix("PM")) {
        (Some(rest), _) => (rest.trim(), Some(0)),
        (_, Some(rest)) => (rest.trim(), Some(12)),
        _ => (upper, None),
    };
    let mut parts = upper.split(':');
    let mut number = |most: u32| -> Result<Option<u32>, &'static str> {
        let Some(part) = parts.next() else { return Ok(None) };
        let sound = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|number| sound && *number <= most).map(Some).ok_or(NOT)
    };
    let hour = number(23)?.ok_or(NOT)?;
    let minute = number(59)?.ok_or(NOT)?;
    let seconds = parts.next();
    if parts.next().is_some() {
        return Err(NOT);
    }
    let hour = match half {
        Some(add) if (1..=12).contains(&hour) => hour % 12 + add,
        Some(_) => return Err(NOT),
        None => hour,
    };
    let Some(seconds) = seconds else {
        let time = NaiveTime::from_hms_opt(hour, minute, 0).ok_or(NOT)?;
        return Ok(((time, Precision::Minute), offset));
    };
    let (whole, fraction) = seconds.split_once(['.', ',']).unwrap_or((seconds, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 2 || !digits(whole) || !digits(fraction) {
        return Err(NOT);
    }
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let (Ok(second), Ok(nano)) = (whole.parse(), nanos.parse()) else { return Err(NOT) };
    let time = NaiveTime::from_hms_nano_opt(hour, minute, second, nano).ok_or(NOT)?;
    Ok(((time, Precision::Exact), offset))
}

/// Cuts an offset off the end of a time.
fn offset(text: &str) -> Result<(&str, Option<FixedOffset>), &'static str> {
    let utc = FixedOffset::east_opt(0);
    for suffix in ["Z", "UTC", "GMT"] {
        if let Some(rest) = text.strip_suffix(suffix) {
            return Ok((rest.trim(), utc));
        }
    }
    let Some(at) = text.rfind(['+', '-']) else { return Ok((text, None)) };
    let offset = fixed(&text[at..]).ok_or("has an offset that is not like +03:00")?;
    Ok((text[..at].trim(), Some(offset)))
}

/// `+03:00`, `+0300` or `+03`.
pub(crate) fn fixed(text: &str) -> Option<FixedOffset> {
    let digits = text.get(1..)?.replacen(':', "", 1);
    if !(digits.len() == 2 || digits.len() == 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits.get(2..4).map_or(Ok(0), str::parse).ok()?;
    let seconds = (hours * 60 + minutes) * 60;
    let in_use = minutes < 60 && seconds <= 14 * 3600;
    match text.chars().next()? {
        '+' if in_use => FixedOffset::east_opt(seconds),
        '-' if in_use => FixedOffset::west_opt(seconds),
        _ => None,
    }
}

/// What the dates of a column tell of their order: a number above 12 is a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Hint {
    day_first: bool,
    month_first: bool,
}

impl Hint {
    pub(crate) fn see(&mut self, text: &str) {
        let text = western(text.trim());
        let first = text.split(['T', ' ']).next().unwrap_or_default();
        if let Some(([a, b, _], [_, _, 4], '/' | '-')) = groups(first) {
            self.day_first |= a > 12;
            self.month_first |= b > 12;
        }
    }

    pub(crate) const fn order(self) -> Order {
        match (self.day_first, self.month_first) {
            (true, false) => Order::DayFirst,
            (false, true) => Order::MonthFirst,
            _ => Order::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, order: Order) -> Result<String, &'static str> {
        let stamp = parse(text, order)?;
        let at = stamp.occurred(FixedOffset::east_opt(2 * 3600).unwrap())?;
        Ok(format!("{} {}", at.time, at.precision))
    }

    #[test]
    fn dates_and_times_in_many_spellings() {
        for (text, wanted) in [
            ("2023-07-19 14:30:12.239000-04:00", "2023-07-19T14:30:12.239-04:00 exact"),
            ("2025-02-12T08:42:13.587-05:00", "2025-02-12T08:42:13.587-05:00 exact"),
            ("2021-10-11T18:33:21.059Z", "2021-10-11T18:33:21.059+00:00 exact"),
            ("2023-07-19 18:33:06", "2023-07-19T18:33:06+02:00 exact"),
            ("2023-07-19 18:33", "2023-07-19T18:33:00+02:00 minute"),
            ("2023-7-9", "2023-07-09T12:00:00+02:00 day"),
            ("19.07.2023 6:05 PM", "2023-07-19T18:05:00+02:00 minute"),
            ("2023/07/19 12:05 am", "2023-07-19T00:05:00+02:00 minute"),
            ("2023-07-19T18:33:06+0300", "2023-07-19T18:33:06+03:00 exact"),
            ("2023-07-19 18:33 UTC", "2023-07-19T18:33:00+00:00 minute"),
            ("٢٠٢٣-٠٧-١٩", "2023-07-19T12:00:00+02:00 day"),
            ("05/05/2023", "2023-05-05T12:00:00+02:00 day"),
            ("\u{200f}2023-07-19\u{200e}", "2023-07-19T12:00:00+02:00 day"),
            ("1 March 2015", "2015-03-01T12:00:00+02:00 day"),
            ("Mar 1st, 2015 6:05 pm", "2015-03-01T18:05:00+02:00 minute"),
            ("1-sept-2015", "2015-09-01T12:00:00+02:00 day"),
            ("1 de Marzo de 2015, 14:30", "2015-03-01T14:30:00+02:00 minute"),
            ("14 août 2015", "2015-08-14T12:00:00+02:00 day"),
        ] {
            assert_eq!(read(text, Order::Unknown).as_deref(), Ok(wanted), "{text}");
        }
        assert_eq!(read("03/04/2026", Order::DayFirst).unwrap(), "2026-04-03T12:00:00+02:00 day");
        assert_eq!(read("03/04/2026", Order::MonthFirst).unwrap(), "2026-03-04T12:00:00+02:00 day");
        assert!(read("03/04/2026", Order::Unknown).is_err());
        assert_eq!(parse("14:30", Order::Unknown).unwrap().date, None);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for bad in [
            "",
            "yesterday",
            "2023-13-01",
            "2023-02-30",
            "19/07/23",
            "31/31/2023",
            "45123.5",
            "2023-07-19 25:00",
            "2023-07-19 14",
            "2023-07-19T14:30:61",
            "2023-07-19 13:00 PM",
            "2023-07-19 14:30 +99:00",
            "2023-07-19 x",
            "1:2:3:4",
            "--",
            "14:3o",
            "1 Ma 2015",
            "3 jui 2015",
            "31 February 2015",
            "1 March 15",
            "1 March 2015 x",
            "March 2015",
        ] {
            assert!(parse(bad, Order::DayFirst).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_column_tells_its_order() {
        let order = |texts: &[&str]| {
            let mut hint = Hint::default();
            texts.iter().for_each(|text| hint.see(text));
            hint.order()
        };
        assert_eq!(order(&["03/04/2026", "25/04/2026 10:00"]), Order::DayFirst);
        assert_eq!(order(&["03/04/2026", "04/25/2026"]), Order::MonthFirst);
        assert_eq!(order(&["03/04/2026", "x", "2026-04-25"]), Order::Unknown);
        assert_eq!(order(&["25/04/2026", "04/25/2026"]), Order::Unknown);
    }

    #[test]
    fn a_format_can_be_given() {
        let read = |text, format| {
            let at = parse_as(text, format)?.occurred(FixedOffset::east_opt(0).unwrap()).ok()?;
            Some(format!("{} {}", at.time, at.precision))
        };
        assert_eq!(read("4 Mar 2026", "%d %b %Y").unwrap(), "2026-03-04T12:00:00+00:00 day");
        assert_eq!(read("03/04/26 1430", "%m/%d/%y %H%M").unwrap(), "2026-03-04T14:30:00+00:00 minute");
        assert_eq!(read("1772341200", "%s").unwrap(), "2026-03-01T05:00:00+00:00 exact");
        assert_eq!(
            read("2026-03-01 05:00:00 +0300", "%Y-%m-%d %T %z").unwrap(),
            "2026-03-01T05:00:00+03:00 exact"
        );
        assert_eq!(read("x", "%d %b %Y"), None);
        assert!(is_format("%d/%m/%Y") && !is_format("%d/%Q"));
    }
}
