//! Coordinates as text.

use firsthand_ids::Metres;
use firsthand_record::{Place, PlaceSource};

use crate::grid::is_invisible;

/// A place read from text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) place: Place,
    /// Whether the text said accuracy 0. Forms write that for a point set by hand, where nobody measured anything.
    pub(crate) without_accuracy: bool,
}

/// Digits of other scripts as 0 to 9, without the marks of direction that stand around them and nobody sees.
pub(crate) fn western(text: &str) -> String {
    let digit = |c: char| match c {
        '\u{660}'..='\u{669}' => char::from_digit(u32::from(c) - 0x660, 10).unwrap_or(c),
        '\u{6f0}'..='\u{6f9}' => char::from_digit(u32::from(c) - 0x6f0, 10).unwrap_or(c),
        '\u{2212}' => '-',
        '\u{66b}' => '.',
        _ => c,
    };
    text.chars().filter(|c| !is_invisible(*c)).map(digit).collect()
}

/// A number of metres. Three digits behind a comma could be decimals or thousands.
pub(crate) fn metres(text: &str) -> Result<f64, &'static str> {
    let plain = western(text);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match plain.trim().trim_start_matches(['+', '-']).split_once(',') {
        Some((whole, part))
            if part.len() == 3 && digits(whole) && digits(part) && !whole.starts_with('0') =>
        {
            Err("could be 1,234 as a decimal or in thousands; write it without a comma")
        }
        _ => number(text),
    }
}

/// A decimal number, with a point or a comma; no degrees reach the thousands, so a comma can be nothing else in them.
/// Text is not a number, and neither are `nan` and `inf`.
pub(crate) fn number(text: &str) -> Result<f64, &'static str> {
    let text = western(text);
    let text = text.trim();
    let lower = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if ["nan", "inf", "infinity"].contains(&lower.as_str()) {
        return Err("is not a finite number");
    }
    let text = if text.contains('.') { text.to_owned() } else { text.replacen(',', ".", 1) };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    match text.parse::<f64>() {
        Ok(number) if is_plain && number.is_finite() => Ok(number),
        _ => Err("is not a number"),
    }
}

pub(crate) fn is_wkt(text: &str) -> bool {
    let text = text.trim_start();
    text.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("point")) && text.contains('(')
}

/// Whether text is meant as coordinates: two to four numbers, or WKT.
pub(crate) fn looks_like_one(text: &str) -> bool {
    if is_wkt(text) {
        return true;
    }
    let text = western(text);
    let parts = split(&text).unwrap_or_else(|_| text.split(',').collect());
    (2..=4).contains(&parts.len()) && parts.iter().all(|part| number(part).is_ok())
}

/// Reads `lat lon`, `lat lon alt`, `lat lon alt accuracy`, `lat,lon` or WKT `POINT (lon lat alt)`.
pub(crate) fn parse(text: &str) -> Result<Point, &'static str> {
    if is_wkt(text) {
        let inside = text.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        let Some((inside, "")) = inside.map(|(inside, rest)| (inside, rest.trim())) else {
            return Err("is not a point");
        };
        let parts: Vec<&str> = inside.split_whitespace().collect();
        return match parts.as_slice() {
            [lon, lat] => build(lat, lon, None, None),
            [lon, lat, alt] | [lon, lat, alt, _] => build(lat, lon, Some(alt), None),
            _ => Err("is not a point"),
        };
    }
    let text = western(text);
    match split(&text)?.as_slice() {
        [lat, lon] => build(lat, lon, None, None),
        [lat, lon, alt] => build(lat, lon, Some(alt), None),
        [lat, lon, alt, accuracy] => build(lat, lon, Some(alt), Some(accuracy)),
        _ => Err("is not latitude, longitude, height and accuracy"),
    }
}

/// The numbers between blank space, semicolons or commas. Where commas stand between whole numbers alone they could be
/// decimal ones: `12,5` is a pair or one number, `12,5,13,5` two or four.
fn split(text: &str) -> Result<Vec<&str>, &'static str> {
    if text.contains(';') {
        return Ok(text.trim().trim_end_matches(';').split(';').map(str::trim).collect());
    }
    let parts: Vec<&str> = text.split_whitespace().map(|part| part.trim_end_matches(',')).collect();
    match parts.as_slice() {
        [one] if one.contains(',') && !one.contains('.') => {
            Err("could be decimal commas; write the numbers with points")
        }
        [one] => Ok(one.split(',').collect()),
        _ => Ok(parts),
    }
}

fn build(lat: &str, lon: &str, alt: Option<&str>, accuracy: Option<&str>) -> Result<Point, &'static str> {
    let mut place = Place::new(number(lat)?, number(lon)?, PlaceSource::Import);
    place.alt = alt.map(metres).transpose()?.map(Metres);
    place.accuracy_m = accuracy.map(metres).transpose()?.map(Metres);
    let without_accuracy = place.accuracy_m == Some(Metres(0.0));
    if without_accuracy {
        place.accuracy_m = None;
        place.alt = place.alt.filter(|alt| alt.0 != 0.0);
    }
    Ok(Point { place, without_accuracy })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Numbers = (f64, f64, Option<f64>, Option<f64>);

    fn read(text: &str) -> Result<Numbers, &'static str> {
        parse(text).map(|point| {
            let place = point.place;
            (place.lat.0, place.lon.0, place.alt.map(|m| m.0), place.accuracy_m.map(|m| m.0))
        })
    }

    #[test]
    fn points_in_every_spelling() {
        assert_eq!(read("38.77 -77.18 43.6 4.134"), Ok((38.77, -77.18, Some(43.6), Some(4.134))));
        assert_eq!(read("2.164341 -55.963451 0 0"), Ok((2.164341, -55.963451, None, None)));
        assert_eq!(read(" 1.5, 36.25 "), Ok((1.5, 36.25, None, None)));
        assert_eq!(read("1.5,36.25"), Ok((1.5, 36.25, None, None)));
        assert_eq!(read("48,8566 2,3522"), Ok((48.8566, 2.3522, None, None)));
        assert_eq!(read("48,8566, 2,3522"), Ok((48.8566, 2.3522, None, None)));
        assert_eq!(read("48,8566;2,3522"), Ok((48.8566, 2.3522, None, None)));
        assert_eq!(read("48,8566; 2,3522; 35"), Ok((48.8566, 2.3522, Some(35.0), None)));
        assert_eq!(read("\u{200e}1.5\u{200f}, \u{202a}36.25\u{202c}"), Ok((1.5, 36.25, None, None)));
        assert_eq!(read("POINT (36.25 1.5 20)"), Ok((1.5, 36.25, Some(20.0), None)));
        assert_eq!(read("point(36.25 1.5)"), Ok((1.5, 36.25, None, None)));
        assert_eq!(read("٣٦٫٥ ١٫٥"), Ok((36.5, 1.5, None, None)));
    }

    #[test]
    fn what_is_not_a_point_is_refused() {
        for bad in [
            "",
            "here",
            "1.5",
            "1.5 north",
            "1 2 3 4 5",
            "POINT 1 2",
            "POINT (1)",
            "POINT (1 2",
            "nan nan",
            "12,5",
            "12,5,13,5",
            "1,2,3",
            "1.5 2.5 1,234",
            "0x1 2",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(number("NaN"), Err("is not a finite number"));
        assert_eq!(number("1e999"), Err("is not a number"));
        assert_eq!(number("12,5"), Ok(12.5));
        assert_eq!(number("1.234,5"), Err("is not a number"));
        assert_eq!(number("1,234,5"), Err("is not a number"));
        assert_eq!((metres("0,123"), metres("12,5")), (Ok(0.123), Ok(12.5)));
        assert!(metres("1,234").is_err());
        assert!(!looks_like_one("12 Main Street"));
        assert!(looks_like_one("12.5 30.25"));
    }
}
