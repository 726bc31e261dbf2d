use firsthand_ids::Metres;

use super::{Context, Findings, Rule, limits};
use crate::{Degrees, Place, PlaceSource};

/// Judges a point; says whether it is one.
pub(super) fn degrees(lat: Degrees, lon: Degrees, path: &str, found: &mut Findings) -> bool {
    let at = |name: &str| format!("{path}.{name}");
    let (lat, lon) = (lat.0, lon.0);
    let within = |degrees: f64, limit: f64| (-limit..=limit).contains(&degrees);
    let lat_is_sound = within(lat, 90.0);
    let lon_is_sound = within(lon, 180.0);
    if !lat.is_finite() {
        found.add(at("lat"), Rule::NotFinite);
    } else if !lat_is_sound {
        let swapped = within(lat, 180.0) && within(lon, 90.0);
        found.add(at("lat"), if swapped { Rule::LooksSwapped } else { Rule::LatitudeOutOfRange });
    }
    if !lon.is_finite() {
        found.add(at("lon"), Rule::NotFinite);
    } else if !lon_is_sound {
        found.add(at("lon"), Rule::LongitudeOutOfRange);
    }
    lat_is_sound && lon_is_sound
}

pub(super) fn check(place: &Place, path: &str, context: &Context, found: &mut Findings) {
    let at = |name: &str| format!("{path}.{name}");
    let is_point = degrees(place.lat, place.lon, path, found);
    let broken = |metres: Option<Metres>| metres.is_some_and(|metres| !metres.0.is_finite());
    found.add_if(broken(place.alt), &at("alt"), Rule::NotFinite);
    match place.accuracy_m {
        None => found.add(at("accuracy_m"), Rule::AccuracyMissing),
        Some(Metres(metres)) if !metres.is_finite() => found.add(at("accuracy_m"), Rule::NotFinite),
        Some(Metres(metres)) if metres < 0.0 => found.add(at("accuracy_m"), Rule::NegativeAccuracy),
        Some(Metres(metres)) => {
            found.add_if(metres > limits::ACCURACY_M, &at("accuracy_m"), Rule::AccuracyPoor);
        }
    }
    found.add_if(place.mocked, &at("mocked"), Rule::Mocked);
    if !is_point {
        return;
    }
    found.add_if((place.lat.0, place.lon.0) == (0.0, 0.0), path, Rule::NullIsland);
    if let Some(area) = &context.shift_area {
        let far = area.distance_to(place).0 > limits::SHIFT_DISTANCE_M;
        found.add_if(far, path, Rule::FarFromShift);
    }
    // A pin or a description is not a fix that could have grown old.
    if let (Some(fix), PlaceSource::Gps | PlaceSource::Network) = (place.fix_time, place.source) {
        let age = context.clock().0.saturating_sub(fix.millis().0);
        found.add_if(age > limits::FIX_AGE_MS, &at("fix_time"), Rule::OldFix);
    }
}
