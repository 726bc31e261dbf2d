//! Places: the boxes that the R*Tree is asked for, and the exact tests afterwards.

use firsthand_ids::Metres;
use firsthand_record::{Place, PlaceSource};

use super::query::{Area, Near};
use crate::StoreError;

/// Metres in a degree of latitude on the sphere that distances are measured on, a little less, so that boxes are
/// rather too large.
const METRES_PER_DEGREE: f64 = 111_000.0;

/// A box of degrees with `west <= east`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub south: f64,
    pub west: f64,
    pub north: f64,
    pub east: f64,
}

impl Near {
    /// The boxes that hold everything within the radius: one, or two where it crosses the 180th meridian.
    pub(super) fn bounds(&self) -> Result<Vec<Bounds>, StoreError> {
        let Metres(radius) = self.radius;
        let sound = self.lat.abs() <= 90.0 && self.lon.abs() <= 180.0 && radius >= 0.0;
        if !sound {
            return Err(StoreError::Invalid("a search around no place on the globe"));
        }
        let reach = radius / METRES_PER_DEGREE;
        let (south, north) = (self.lat - reach, self.lat + reach);
        // The circle reaches furthest east and west where it touches a meridian. Around a pole it touches none.
        let sine = (reach.to_radians().sin() / self.lat.to_radians().cos()).abs();
        if south <= -90.0 || north >= 90.0 || reach >= 90.0 || sine >= 1.0 {
            return Ok(vec![Bounds { south, west: -180.0, north, east: 180.0 }]);
        }
        let aside = sine.asin().to_degrees();
        Ok(split(south, self.lon - aside, north, self.lon + aside))
    }

    pub(super) fn holds(&self, lat: f64, lon: f64) -> bool {
        let place = |lat, lon| Place::new(lat, lon, PlaceSource::MapPin);
        place(self.lat, self.lon).distance(&place(lat, lon)).0 <= self.radius.0
    }
}

impl Area {
    /// The boxes that hold the area.
    pub(super) fn bounds(&self) -> Result<Vec<Bounds>, StoreError> {
        match self {
            Self::Box { south, west, north, east } => {
                let sound = south <= north && west.abs() <= 180.0 && east.abs() <= 180.0;
                if !sound {
                    return Err(StoreError::Invalid("a search in a box that is none"));
                }
                let east = if west <= east { *east } else { east + 360.0 };
                Ok(split(*south, *west, *north, east))
            }
            Self::Polygon(ring) => {
                let sound =
                    ring.len() >= 3 && ring.iter().all(|(lat, lon)| lat.is_finite() && lon.is_finite());
                if !sound {
                    return Err(StoreError::Invalid("a search in a polygon with fewer than three corners"));
                }
                let bounds = |pick: fn(&(f64, f64)) -> f64| {
                    let values = ring.iter().map(pick);
                    values.clone().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                        (low.min(value), high.max(value))
                    })
                };
                let ((south, north), (west, east)) = (bounds(|corner| corner.0), bounds(|corner| corner.1));
                Ok(split(south, west, north, east))
            }
        }
    }

    pub(super) fn holds(&self, lat: f64, lon: f64) -> bool {
        match self {
            Self::Box { south, west, north, east } => {
                let beside =
                    if west <= east { *west <= lon && lon <= *east } else { lon >= *west || lon <= *east };
                *south <= lat && lat <= *north && beside
            }
            Self::Polygon(ring) => {
                [lon, lon - 360.0, lon + 360.0].into_iter().any(|lon| inside(ring, lat, lon))
            }
        }
    }
}

/// Cuts a box at the 180th meridian, which `west` or `east` may lie beyond.
fn split(south: f64, west: f64, north: f64, east: f64) -> Vec<Bounds> {
    if east - west >= 360.0 {
        return vec![Bounds { south, west: -180.0, north, east: 180.0 }];
    }
    let piece = |west: f64, east: f64| Bounds { south, west, north, east };
    if west < -180.0 {
        vec![piece(west + 360.0, 180.0), piece(-180.0, east)]
    } else if east > 180.0 {
        vec![piece(west, 180.0), piece(-180.0, east - 360.0)]
    } else {
        vec![piece(west, east)]
    }
}

/// Whether a ray to the east crosses the ring an odd number of times.
fn inside(ring: &[(f64, f64)], lat: f64, lon: f64) -> bool {
    let mut inside = false;
    let Some(mut last) = ring.last() else { return false };
    for corner in ring {
        let ((lat_a, lon_a), (lat_b, lon_b)) = (*last, *corner);
        if (lat_a > lat) != (lat_b > lat) && lon < (lon_b - lon_a) * (lat - lat_a) / (lat_b - lat_a) + lon_a {
            inside = !inside;
        }
        last = corner;
    }
    inside
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn in_bounds(bounds: &[Bounds], lat: f64, lon: f64) -> bool {
        bounds.iter().any(|it| it.south <= lat && lat <= it.north && it.west <= lon && lon <= it.east)
    }

    proptest! {
        #[test]
        fn boxes_miss_nothing(
            lat in -90.0..=90.0, lon in -180.0..=180.0, radius in 0.0..3_000_000.0,
            other_lat in -90.0..=90.0, other_lon in -180.0..=180.0, close in 0.0..0.1,
        ) {
            let near = Near { lat, lon, radius: Metres(radius) };
            let bounds = near.bounds().unwrap();
            // A far point is rarely inside, so one that is close is tried as well.
            let around = (lat + (other_lat - lat) * close, lon + (other_lon - lon) * close);
            for (lat, lon) in [(other_lat, other_lon), around] {
                prop_assert!(!near.holds(lat, lon) || in_bounds(&bounds, lat, lon));
            }
        }

        #[test]
        fn a_box_is_the_polygon_of_its_corners(
            south in -80.0..80.0, height in 0.1..9.0, west in -180.0..180.0, width in 0.1..90.0,
            lat in -90.0..90.0, lon in -180.0..180.0,
        ) {
            let (north, past) = (south + height, west + width);
            let ring = vec![(south, west), (north, west), (north, past), (south, past)];
            let east = if past > 180.0 { past - 360.0 } else { past };
            let (square, polygon) = (Area::Box { south, west, north, east }, Area::Polygon(ring));
            prop_assert_eq!(square.holds(lat, lon), polygon.holds(lat, lon));
            prop_assert!(!square.holds(lat, lon) || in_bounds(&square.bounds().unwrap(), lat, lon));
            prop_assert!(!polygon.holds(lat, lon) || in_bounds(&polygon.bounds().unwrap(), lat, lon));
        }
    }

    #[test]
    fn circles_cross_the_180th_meridian_and_hold_the_poles() {
        let fiji = Near { lat: -17.0, lon: 179.9, radius: Metres(50_000.0) };
        assert!(fiji.holds(-17.0, -179.9));
        assert!(in_bounds(&fiji.bounds().unwrap(), -17.0, -179.9));
        let pole = Near { lat: 89.9, lon: 0.0, radius: Metres(50_000.0) };
        assert!(pole.holds(89.9, 180.0));
        assert!(in_bounds(&pole.bounds().unwrap(), 89.9, 180.0));
    }

    #[test]
    fn nonsense_is_refused() {
        for (lat, lon, radius) in
            [(f64::NAN, 0.0, 1.0), (91.0, 0.0, 1.0), (0.0, 181.0, 1.0), (0.0, 0.0, -1.0)]
        {
            assert!(Near { lat, lon, radius: Metres(radius) }.bounds().is_err());
        }
        assert!(Area::Polygon(vec![(0.0, 0.0), (1.0, 1.0)]).bounds().is_err());
        assert!(Area::Box { south: 2.0, west: 0.0, north: 1.0, east: 1.0 }.bounds().is_err());
    }
}
