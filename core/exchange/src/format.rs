use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ExchangeError;

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Values between commas, semicolons or tabs, with a header.
    Csv,
    /// CSV as KoboToolbox exports it.
    Kobo,
    /// GeoJSON (RFC 7946), as CoMapeo and others export it.
    GeoJson,
    /// JSON as ODK Central's OData feed gives it.
    Odk,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Self] = &[Self::Csv, Self::Kobo, Self::GeoJson, Self::Odk];

    /// The name a person types.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Kobo => "kobo",
            Self::GeoJson => "geojson",
            Self::Odk => "odk",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = ExchangeError;

    fn from_str(text: &str) -> Result<Self, ExchangeError> {
        Self::ALL.iter().copied().find(|format| format.name() == text).ok_or(ExchangeError::NoSuchFormat)
    }
}

/// What a file is, with what was parsed to find out.
pub(crate) enum Detected {
    Csv { format: Format, delimiter: u8 },
    GeoJson(Value),
    Odk(Value),
}

/// The file as text, without a byte order mark.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, ExchangeError> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(ExchangeError::Packed);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| ExchangeError::NotUtf8 {
        line: 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count(),
    })?;
    if text.trim().is_empty() { Err(ExchangeError::Empty) } else { Ok(text) }
}

pub(crate) fn detect(text: &str, file_name: &str, forced: Option<Format>) -> Result<Detected, ExchangeError> {
    let name = file_name.to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    match forced {
        Some(Format::GeoJson) => return Ok(Detected::GeoJson(parse(text)?)),
        Some(Format::Odk) => return Ok(Detected::Odk(parse(text)?)),
        Some(format) => return Ok(Detected::Csv { format, delimiter: delimiter(text).0 }),
        None => {}
    }
    if text.trim_start().starts_with(['{', '[']) || ends(&[".json", ".geojson"]) {
        let json = parse(text)?;
        let is_odk = match &json {
            Value::Array(items) => {
                !ends(&[".geojson"]) && (items.is_empty() || items.iter().any(Value::is_object))
            }
            Value::Object(map) => {
                map.get("value").is_some_and(Value::is_array) && !map.contains_key("features")
            }
            _ => false,
        };
        let is_geojson = ends(&[".geojson"])
            || ["type", "features", "geometry", "coordinates"].iter().any(|key| json.get(key).is_some());
        return match (is_odk, is_geojson) {
            (true, _) => Ok(Detected::Odk(json)),
            (false, true) => Ok(Detected::GeoJson(json)),
            (false, false) => Err(ExchangeError::UnknownFormat),
        };
    }
    let (delimiter, header) = delimiter(text);
    if header.len() < 2 && !ends(&[".csv", ".tsv"]) || text.trim_start().starts_with('<') {
        return Err(ExchangeError::UnknownFormat);
    }
    let has = |column: &str| header.iter().any(|name| name == column);
    let is_kobo = has("_uuid") && (has("_id") || has("_submission_time"));
    Ok(Detected::Csv { format: if is_kobo { Format::Kobo } else { Format::Csv }, delimiter })
}

fn parse(text: &str) -> Result<Value, ExchangeError> {
    serde_json::from_str(text)
        .map_err(|error| ExchangeError::Json { line: error.line(), column: error.column() })
}

/// The delimiter that cuts the first line into most columns, and those columns.
fn delimiter(text: &str) -> (u8, Vec<String>) {
    let mut best = (b',', Vec::new());
    for delimiter in *b",;\t|" {
        let header = crate::csv::header(text, delimiter);
        if header.len() > best.1.len() {
            best = (delimiter, header);
        }
    }
    best
}
