use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ExchangeError;

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Values between commas, semicolons, tabs or bars, with a header.
    Csv,
    /// CSV or XLSX as KoboToolbox exports it.
    Kobo,
    /// A workbook (XLSX), each sheet with a header.
    Xlsx,
    /// A table whose hashtags say what its columns are (HXL): CSV, XLSX or JSON.
    Hxl,
    /// GeoJSON (RFC 7946), as CoMapeo, Mapeo and others export it.
    GeoJson,
    /// JSON as ODK Central's OData feed gives it.
    Odk,
    /// Observations as CoMapeo keeps them, in JSON.
    CoMapeo,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Self] =
        &[Self::Csv, Self::Kobo, Self::Xlsx, Self::Hxl, Self::GeoJson, Self::Odk, Self::CoMapeo];

    /// The name a person types.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Kobo => "kobo",
            Self::Xlsx => "xlsx",
            Self::Hxl => "hxl",
            Self::GeoJson => "geojson",
            Self::Odk => "odk",
            Self::CoMapeo => "comapeo",
        }
    }

    /// What a row is called where it has no title.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Csv | Self::Kobo | Self::Xlsx | Self::Hxl => "Line",
            Self::GeoJson => "Feature",
            Self::Odk => "Submission",
            Self::CoMapeo => "Observation",
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
