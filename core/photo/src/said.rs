use std::io::Cursor;

use chrono::{NaiveDate, NaiveDateTime};
use exif::{DateTime, Exif, Field, In, Reader, Tag, Value};
use firsthand_ids::Metres;
use firsthand_record::{Moment, Place, PlaceSource};

use crate::MAX_FILE_BYTES;
use crate::caught::caught;

/// Longer names of cameras are cut: the longest seen has 30 characters.
const MAX_MODEL_CHARS: usize = 80;

/// What a photo's file says of its making (EXIF 2.32). Somebody wrote it into the file; nothing of it was measured here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SaidByFile {
    /// When, where the file says how far its clock was from UTC.
    pub time: Option<Moment>,
    /// When by the camera's own clock, where it does not say in which zone that was.
    pub local_time: Option<NaiveDateTime>,
    /// Where.
    pub place: Option<Place>,
    /// The camera.
    pub device_model: Option<String>,
}

/// Whether files of this kind carry EXIF that can be read here.
pub(crate) fn may_speak(mime: &str) -> bool {
    matches!(mime, "image/jpeg" | "image/png" | "image/webp" | "image/heif" | "image/heic" | "image/avif")
}

/// Reads what a photo's file says of itself. `start` is the file's beginning, all of it where it is short; at most
/// [`MAX_FILE_BYTES`] are looked at. What is broken, or cannot be, is left out.
#[must_use]
pub fn said(mime: &str, start: &[u8]) -> SaidByFile {
    if !may_speak(mime) {
        return SaidByFile::default();
    }
    let start = &start[..start.len().min(MAX_FILE_BYTES)];
    caught(|| read(start).map(|exif| from(&exif))).flatten().unwrap_or_default()
}

/// Which way is up, as EXIF counts it: 1 to 8. Only the beginning of a file is looked at.
pub(crate) fn orientation(file: &[u8]) -> Option<u8> {
    let start = &file[..file.len().min(MAX_FILE_BYTES)];
    let exif = caught(|| read(start)).flatten()?;
    match &exif.get_field(Tag::Orientation, In::PRIMARY)?.value {
        Value::Short(number) => u8::try_from(*number.first()?).ok().filter(|number| (1..=8).contains(number)),
        _ => None,
    }
}

fn read(start: &[u8]) -> Option<Exif> {
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    let read = reader.read_from_container(&mut Cursor::new(start));
    read.or_else(|error| error.distill_partial_result(|_| ())).ok()
}

fn from(exif: &Exif) -> SaidByFile {
    let field = |tag| exif.get_field(tag, In::PRIMARY);
    let mut said =
        SaidByFile { device_model: model(field(Tag::Make), field(Tag::Model)), ..SaidByFile::default() };
    // When it was taken, not when somebody edited it.
    if let Some(local) = field(Tag::DateTimeOriginal).and_then(local_time) {
        let offset = field(Tag::OffsetTimeOriginal).or_else(|| field(Tag::OffsetTime)).and_then(offset);
        match offset.and_then(|offset| moment(local, offset)) {
            Some(time) => said.time = Some(time),
            None => said.local_time = Some(local),
        }
    }
    said.place = place(exif);
    said
}

fn ascii(field: &Field) -> Option<&[u8]> {
    match &field.value {
        Value::Ascii(parts) => parts.first().map(Vec::as_slice),
        _ => None,
    }
}

/// Maker and model, the maker once.
fn model(make: Option<&Field>, model: Option<&Field>) -> Option<String> {
    let text = |field: Option<&Field>| {
        let text = String::from_utf8_lossy(field.and_then(ascii)?).trim().to_owned();
        let fit = !text.is_empty() && !text.chars().any(char::is_control);
        fit.then_some(text)
    };
    let (make, model) = (text(make), text(model)?);
    let named = match make {
        Some(make) if !model.to_lowercase().starts_with(&make.to_lowercase()) => format!("{make} {model}"),
        _ => model,
    };
    Some(named.chars().take(MAX_MODEL_CHARS).collect())
}

fn local_time(field: &Field) -> Option<NaiveDateTime> {
    let time = DateTime::from_ascii(ascii(field)?).ok()?;
    let date = NaiveDate::from_ymd_opt(i32::from(time.year), u32::from(time.month), u32::from(time.day))?;
    let time = date.and_hms_opt(u32::from(time.hour), u32::from(time.minute), u32::from(time.second))?;
    // A camera whose clock was never set begins somewhere before digital cameras did.
    (date >= NaiveDate::from_ymd_opt(1990, 1, 1)?).then_some(time)
}

/// `+03:00`, in minutes.
fn offset(field: &Field) -> Option<i16> {
    let text = std::str::from_utf8(ascii(field)?).ok()?.trim();
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two = |digits: &str| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain { digits.parse::<i16>().ok() } else { None }
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    // From the Line Islands to Baker Island.
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn moment(local: NaiveDateTime, offset_minutes: i16) -> Option<Moment> {
    let offset = chrono::FixedOffset::east_opt(i32::from(offset_minutes) * 60)?;
    Moment::from_chrono(local.and_local_timezone(offset).single()?)
}

/// The numbers of a field, exactly `count`, none without a value: a broken number is never 0.
fn numbers<const COUNT: usize>(exif: &Exif, tag: Tag) -> Option<[f64; COUNT]> {
    let Value::Rational(all) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
    if all.len() != COUNT || all.iter().any(|number| number.denom == 0) {
        return None;
    }
    let all: Vec<f64> = all.iter().map(|number| f64::from(number.num) / f64::from(number.denom)).collect();
    all.try_into().ok()
}

fn place(exif: &Exif) -> Option<Place> {
    let degrees = |value: Tag, side: Tag, plus: &[u8], minus: &[u8], most: f64| {
        let [degrees, minutes, seconds] = numbers::<3>(exif, value)?;
        if minutes >= 60.0 || seconds >= 60.0 {
            return None;
        }
        let angle = degrees + minutes / 60.0 + seconds / 3600.0;
        // Without its side a number is another place.
        let side = ascii(exif.get_field(side, In::PRIMARY)?)?;
        let sign = if side == plus {
            1.0
        } else if side == minus {
            -1.0
        } else {
            return None;
        };
        (angle <= most).then_some(sign * angle)
    };
    let lat = degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, b"N", b"S", 90.0)?;
    let lon = degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, b"E", b"W", 180.0)?;
    // What a phone writes that had no fix.
    if lat == 0.0 && lon == 0.0 {
        return None;
    }
    let mut place = Place::new(lat, lon, PlaceSource::Import);
    place.alt = altitude(exif);
    place.accuracy_m = numbers::<1>(exif, Tag::GPSHPositioningError).map(|[metres]| Metres(metres));
    place.fix_time = fix_time(exif);
    Some(place)
}

fn altitude(exif: &Exif) -> Option<Metres> {
    let [metres] = numbers::<1>(exif, Tag::GPSAltitude)?;
    let below = match &exif.get_field(Tag::GPSAltitudeRef, In::PRIMARY)?.value {
        Value::Byte(side) if side.as_slice() == [0] => false,
        Value::Byte(side) if side.as_slice() == [1] => true,
        _ => return None,
    };
    Some(Metres(if below { -metres } else { metres }))
}

/// By the satellites, which is UTC.
fn fix_time(exif: &Exif) -> Option<Moment> {
    let date = ascii(exif.get_field(Tag::GPSDateStamp, In::PRIMARY)?)?;
    let date = NaiveDate::parse_from_str(std::str::from_utf8(date).ok()?.trim(), "%Y:%m:%d").ok()?;
    let [hours, minutes, seconds] = numbers::<3>(exif, Tag::GPSTimeStamp)?;
    if hours.fract() != 0.0 || hours >= 24.0 || minutes.fract() != 0.0 || minutes >= 60.0 || seconds >= 60.0 {
        return None;
    }
    moment(date.and_hms_opt(hours as u32, minutes as u32, seconds as u32)?, 0)
}
