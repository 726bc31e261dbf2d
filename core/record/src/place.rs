use firsthand_ids::Metres;
use geo::{Distance, Haversine, Point};
use serde::{Deserialize, Serialize};

use crate::{Moment, PlaceSource};

/// An angle in degrees (WGS 84): latitude north or longitude east of zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Degrees(#[serde(serialize_with = "finite")] pub f64);

/// Where something happened. One value: a person who corrects a place replaces all of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Place {
    /// Latitude, -90 to 90.
    pub lat: Degrees,
    /// Longitude, -180 to 180.
    pub lon: Degrees,
    /// Height above the ellipsoid.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "finite_metres")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub alt: Option<Metres>,
    /// Radius within which the place lies; absent when nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "finite_metres")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub accuracy_m: Option<Metres>,
    /// Where the coordinates come from.
    pub source: PlaceSource,
    /// Whether the phone said that an app made the position up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub mocked: bool,
    /// When the position was fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub fix_time: Option<Moment>,
}

impl Place {
    /// A place with nothing but its coordinates; [`crate::validate::incident`] says whether they can be.
    #[must_use]
    pub const fn new(lat: f64, lon: f64, source: PlaceSource) -> Self {
        Self {
            lat: Degrees(lat),
            lon: Degrees(lon),
            alt: None,
            accuracy_m: None,
            source,
            mocked: false,
            fix_time: None,
        }
    }

    /// The distance along the ground to another place, on a sphere of Earth's mean radius: up to 0.5 % off.
    #[must_use]
    pub fn distance(&self, other: &Self) -> Metres {
        Metres(Haversine.distance(Point::new(self.lon.0, self.lat.0), Point::new(other.lon.0, other.lat.0)))
    }
}

/// A circle on the ground, such as the area of a shift.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Circle {
    /// Latitude of the centre.
    pub lat: Degrees,
    /// Longitude of the centre.
    pub lon: Degrees,
    /// Distance from the centre to the edge.
    pub radius: Metres,
}

impl Circle {
    /// How far outside the circle a place lies; 0 inside it.
    #[must_use]
    pub fn distance_to(&self, place: &Place) -> Metres {
        let centre = Place::new(self.lat.0, self.lon.0, PlaceSource::Description);
        Metres((centre.distance(place).0 - self.radius.0).max(0.0))
    }
}

/// JSON has no NaN; serde_json would write `null` in its place, and the number would be lost without a word.
pub(crate) fn finite<S: serde::Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.is_finite() {
        serializer.serialize_f64(*number)
    } else {
        Err(serde::ser::Error::custom("a number that is not finite"))
    }
}

fn finite_metres<S: serde::Serializer>(metres: &Option<Metres>, serializer: S) -> Result<S::Ok, S::Error> {
    match metres {
        Some(metres) => finite(&metres.0, serializer),
        None => serializer.serialize_none(),
    }
}
