//! What RFC 7946 asks of a geometry, and the place that stands for one that is no point.

use firsthand_ids::Metres;
use firsthand_record::{Place, PlaceSource};
use geo::{Coord, LineString};
use serde_json::Value;

use crate::ring;

/// The member that is wrong, such as `geometry.coordinates[0]`, and why.
pub(crate) type Fault = (String, String);

/// The types of geometry.
pub(crate) const TYPES: [&str; 7] =
    ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"];

/// How deep collections may stand in collections. RFC 7946 advises against any at all.
const DEEPEST: usize = 8;

/// A sound geometry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    Point(Place),
    Drawn(Drawn),
}

/// A geometry that is no point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Drawn {
    /// A point on the line or inside the area, accurate to the farthest corner.
    pub(crate) place: Option<Place>,
    /// A ring runs the other way round than RFC 7946 asks for.
    pub(crate) turned: bool,
    /// An area too large to look for crossings in.
    pub(crate) unchecked: bool,
}

/// What is found while a geometry is read.
#[derive(Default)]
struct Found {
    turned: bool,
    unchecked: bool,
    corners: Vec<Coord>,
    /// A point inside the widest area, and how wide that is.
    inside: Option<(f64, Coord)>,
}

/// Judges a geometry; the fault names the member under `path`.
pub(crate) fn check(geometry: &Value, path: &str) -> Result<Shape, Fault> {
    if geometry.get("type").and_then(Value::as_str) == Some("Point") {
        return point(geometry, path).map(Shape::Point);
    }
    let mut found = Found::default();
    read(geometry, path, 0, &mut found)?;
    let place = stand_in(&found);
    Ok(Shape::Drawn(Drawn { place, turned: found.turned, unchecked: found.unchecked }))
}

/// A point of the shape: inside its widest area, else the corner in the middle of its lines or points. A shape across
/// the date line that was not cut there has none.
fn stand_in(found: &Found) -> Option<Place> {
    let corners = &found.corners;
    let (west, east) = corners
        .iter()
        .fold((f64::MAX, f64::MIN), |(west, east), corner| (west.min(corner.x), east.max(corner.x)));
    if east - west > 180.0 {
        return None;
    }
    let inside = found.inside.map(|(_, point)| point);
    let point = inside.or_else(|| corners.get(corners.len() / 2).copied())?;
    let mut place = Place::new(point.y, point.x, PlaceSource::Import);
    let away = |corner: &Coord| place.distance(&Place::new(corner.y, corner.x, PlaceSource::Import)).0;
    let farthest = corners.iter().map(away).fold(0.0, f64::max);
    // A shape of one corner says nothing of how exact it is.
    place.accuracy_m = (farthest > 0.0).then(|| Metres(farthest.ceil()));
    Some(place)
}

fn point(geometry: &Value, path: &str) -> Result<Place, Fault> {
    let at = format!("{path}.coordinates");
    let Some(coordinates) = geometry.get("coordinates") else { return Err((at, "is missing".to_owned())) };
    let corner = position(coordinates, &at, false)?;
    let mut place = Place::new(corner.y, corner.x, PlaceSource::Import);
    place.alt = coordinates.get(2).and_then(Value::as_f64).map(Metres);
    // ODK puts the accuracy into properties of the geometry.
    let accuracy = geometry.pointer("/properties/accuracy").and_then(Value::as_f64);
    place.accuracy_m = accuracy.filter(|metres| *metres != 0.0).map(Metres);
    Ok(place)
}

fn read(geometry: &Value, path: &str, depth: usize, found: &mut Found) -> Result<(), Fault> {
    let fault = |member: &str, reason: &str| Err((format!("{path}{member}"), reason.to_owned()));
    let Some(map) = geometry.as_object() else { return fault("", "is not a geometry") };
    let Some(Value::String(kind)) = map.get("type") else { return fault(".type", "is missing") };
    if kind == "GeometryCollection" {
        if depth == DEEPEST {
            return fault("", "stands too deep in other geometries");
        }
        let Some(Value::Array(parts)) = map.get("geometries") else {
            return fault(".geometries", "is not a list");
        };
        for (index, part) in parts.iter().enumerate() {
            read(part, &format!("{path}.geometries[{index}]"), depth + 1, found)?;
        }
        return Ok(());
    }
    if !TYPES.contains(&kind.as_str()) {
        return fault(".type", "is not a type of geometry");
    }
    let at = &format!("{path}.coordinates");
    let Some(coordinates) = map.get("coordinates") else { return fault(".coordinates", "is missing") };
    match kind.as_str() {
        "Point" => corner(coordinates, at, found),
        "MultiPoint" => each(coordinates, at, 0, |it, at| corner(it, at, found)).map(drop),
        "LineString" => line(coordinates, at, found),
        "MultiLineString" => each(coordinates, at, 0, |it, at| line(it, at, found)).map(drop),
        "Polygon" => polygon(coordinates, at, found),
        _ => each(coordinates, at, 0, |it, at| polygon(it, at, found)).map(drop),
    }
}

fn each<T>(
    list: &Value,
    at: &str,
    least: usize,
    mut judge: impl FnMut(&Value, &str) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let Value::Array(items) = list else { return Err((at.to_owned(), "is not a list".to_owned())) };
    if items.len() < least {
        return Err((at.to_owned(), format!("has fewer than {least} positions")));
    }
    items.iter().enumerate().map(|(index, item)| judge(item, &format!("{at}[{index}]"))).collect()
}

fn corner(value: &Value, at: &str, found: &mut Found) -> Result<(), Fault> {
    found.corners.push(position(value, at, true)?);
    Ok(())
}

fn line(value: &Value, at: &str, found: &mut Found) -> Result<(), Fault> {
    each(value, at, 2, |it, at| corner(it, at, found)).map(drop)
}

/// Longitude, then latitude. The range of a point's is for the rules of a record to judge, with the column's name.
fn position(position: &Value, at: &str, in_range: bool) -> Result<Coord, Fault> {
    let fault = |member: &str, reason: &str| Err((format!("{at}{member}"), reason.to_owned()));
    let Value::Array(numbers) = position else { return fault("", "is not a position") };
    if let Some(index) = numbers.iter().position(|number| !number.is_number()) {
        return fault(&format!("[{index}]"), "is not a number");
    }
    let (Some(x), Some(y)) =
        (numbers.first().and_then(Value::as_f64), numbers.get(1).and_then(Value::as_f64))
    else {
        return fault("", "has fewer than two numbers");
    };
    if in_range && x.abs() > 180.0 {
        return fault("[0]", "is outside -180 to 180 degrees");
    }
    if in_range && y.abs() > 90.0 {
        let swapped = if x.abs() <= 90.0 { "; latitude and longitude look swapped" } else { "" };
        return fault("[1]", &format!("is outside -90 to 90 degrees{swapped}"));
    }
    Ok(Coord { x, y })
}

/// The first ring is the edge of the area, those after it are its holes.
fn polygon(value: &Value, at: &str, found: &mut Found) -> Result<(), Fault> {
    let rings = each(value, at, 0, |it, at| {
        let ring = line_of_ring(it, at)?;
        if ring.0.first() == ring.0.last() {
            Ok(ring)
        } else {
            Err((at.to_owned(), "is a ring whose last position is not its first".to_owned()))
        }
    })?;
    let checked =
        ring::check(&rings).map_err(|(ring, reason)| (format!("{at}[{ring}]"), reason.to_owned()))?;
    found.turned |= checked.turned;
    found.unchecked |= checked.unchecked;
    let inside = ring::inside(&rings);
    if inside.map(|it| it.0) > found.inside.map(|it| it.0) {
        found.inside = inside;
    }
    for ring in &rings {
        found.corners.extend(&ring.0);
    }
    Ok(())
}

fn line_of_ring(value: &Value, at: &str) -> Result<LineString, Fault> {
    each(value, at, 4, |it, at| position(it, at, true)).map(LineString)
}
