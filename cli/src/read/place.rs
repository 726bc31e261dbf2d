//! Places as people type them.

use firsthand_node::ids::Metres;
use firsthand_node::{Area, Near};
use firsthand_record::{Place, PlaceSource};

use super::{Reason, finite};
use crate::fail::Detail;

fn detail(field: &str, reason: impl Into<Reason>) -> Detail {
    Detail { field: field.to_owned(), reason: reason.into() }
}

/// `LAT,LON`. Whether the numbers can be a place is for validation to say, which also sees that they look swapped.
pub(crate) fn coordinates(text: &str, field: &str) -> Result<(f64, f64), Detail> {
    let parts: Vec<&str> =
        if text.contains(',') { text.split(',').collect() } else { text.split_whitespace().collect() };
    let [lat, lon] = parts[..] else {
        return Err(detail(field, "needs a latitude and a longitude, such as -1.2864,36.8172"));
    };
    let lat = finite(lat).map_err(|reason| detail(&format!("{field}.lat"), reason))?;
    let lon = finite(lon).map_err(|reason| detail(&format!("{field}.lon"), reason))?;
    Ok((lat, lon))
}

/// What is known about coordinates besides themselves.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub(crate) accuracy: Option<&'a str>,
    pub(crate) altitude: Option<&'a str>,
    pub(crate) source: Option<&'a str>,
    pub(crate) mocked: bool,
    pub(crate) fix_time: Option<&'a str>,
}

/// A place with what is known about it.
pub(crate) fn place(text: &str, about: &About<'_>) -> Result<Place, Detail> {
    let (lat, lon) = coordinates(text, "place")?;
    let source = match about.source {
        Some(code) => super::code(code).map_err(|reason| detail("place.source", reason))?,
        None => PlaceSource::MapPin,
    };
    let mut place = Place::new(lat, lon, source);
    let metres = |text: Option<&str>, field: &str| {
        text.map(|text| metres(text).map(Metres).map_err(|reason| detail(field, reason))).transpose()
    };
    place.accuracy_m = metres(about.accuracy, "place.accuracy_m")?;
    place.alt = metres(about.altitude, "place.alt")?;
    place.mocked = about.mocked;
    let fixed = about.fix_time.map(super::time::moment).transpose();
    place.fix_time = fixed.map_err(|reason| detail("place.fix_time", reason))?;
    Ok(place)
}

/// A length: `500`, `500m`, `2km`.
fn metres(text: &str) -> Result<f64, Reason> {
    let text = text.trim();
    if let Some(number) = text.strip_suffix("km") {
        return finite(number).map(|km| km * 1_000.0);
    }
    finite(text.strip_suffix('m').unwrap_or(text))
}

/// The filter of a list around a point.
pub(crate) fn near(point: &str, radius: &str) -> Result<Near, Detail> {
    let (lat, lon) = coordinates(point, "near")?;
    on_earth(lat, lon, "near")?;
    let metres = metres(radius).map_err(|reason| detail("radius", reason))?;
    if metres <= 0.0 {
        return Err(detail("radius", "is not above zero"));
    }
    Ok(Near { lat, lon, radius: Metres(metres) })
}

/// The filter of a list by latitudes and longitudes: `S,W,N,E`.
pub(crate) fn within(text: &str) -> Result<Area, Detail> {
    let parts: Vec<&str> = text.split(',').collect();
    let [south, west, north, east] = parts[..] else {
        return Err(detail("within", "needs four numbers: south, west, north, east"));
    };
    let number =
        |text: &str, side: &str| finite(text).map_err(|reason| detail(&format!("within.{side}"), reason));
    let (south, west) = (number(south, "south")?, number(west, "west")?);
    let (north, east) = (number(north, "north")?, number(east, "east")?);
    on_earth(south, west, "within")?;
    on_earth(north, east, "within")?;
    if south > north {
        return Err(detail("within", "has its south above its north"));
    }
    Ok(Area::Box { south, west, north, east })
}

fn on_earth(lat: f64, lon: f64, field: &str) -> Result<(), Detail> {
    if !(-90.0..=90.0).contains(&lat) {
        return Err(detail(&format!("{field}.lat"), "is outside -90 to 90 degrees"));
    }
    if !(-180.0..=180.0).contains(&lon) {
        return Err(detail(&format!("{field}.lon"), "is outside -180 to 180 degrees"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_numbers_or_refused() {
        assert_eq!(coordinates("-1.2864,36.8172", "place"), Ok((-1.2864, 36.8172)));
        assert_eq!(coordinates(" -1.5  36 ", "place"), Ok((-1.5, 36.0)));
        for (text, field) in [
            ("NaN,36", "place.lat"),
            ("1,inf", "place.lon"),
            ("1,", "place.lon"),
            ("here,there", "place.lat"),
            ("1", "place"),
            ("1,2,3", "place"),
            ("", "place"),
            ("1,2864 36,8172", "place"),
        ] {
            assert_eq!(coordinates(text, "place").unwrap_err().field, field, "{text}");
        }
    }

    #[test]
    fn coordinates_out_of_range_are_left_to_validation() {
        assert_eq!(coordinates("120.5,14.2", "place"), Ok((120.5, 14.2)));
    }

    #[test]
    fn filters_are_checked_here() {
        assert_eq!(near("1,2", "2km").map(|near| near.radius), Ok(Metres(2_000.0)));
        assert_eq!(near("1,2", "300m").map(|near| near.radius), Ok(Metres(300.0)));
        assert_eq!(near("91,2", "1").unwrap_err().field, "near.lat");
        assert_eq!(near("1,2", "-5").unwrap_err().field, "radius");
        assert_eq!(near("1,2", "NaN").unwrap_err().field, "radius");
        assert!(within("-1.4,36.6,-1.1,37.0").is_ok());
        assert_eq!(within("2,0,1,0").unwrap_err().field, "within");
        assert_eq!(within("1,2,3").unwrap_err().field, "within");
    }
}
