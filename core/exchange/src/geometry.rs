//! What RFC 7946 asks of a geometry, and the place that stands for one that is no point.

use firsthand_ids::Metres;
use firsthand_record::{Place, PlaceSource};
use geo::{
    Coord, Geometry, GeometryCollection, InteriorPoint, LineString, MultiPoint, MultiPolygon, Polygon,
};
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
}

/// Judges a geometry; the fault names the member under `path`.
pub(crate) fn check(geometry: &Value, path: &str) -> Result<Shape, Fault> {
    if geometry.get("type").and_then(Value::as_str) == Some("Point") {
        return point(geometry, path).map(Shape::Point);
    }
    let mut found = Found::default();
    let shape = read(geometry, path, 0, &mut found)?;
    let Found { turned, unchecked, corners } = found;
    Ok(Shape::Drawn(Drawn { place: stand_in(&shape, &corners), turned, unchecked }))
}

/// A point of the shape, if one can be told. A shape across the date line that was not cut there has none.
fn stand_in(shape: &Geometry, corners: &[Coord]) -> Option<Place> {
    let (west, east) = corners
        .iter()
        .fold((f64::MAX, f64::MIN), |(west, east), corner| (west.min(corner.x), east.max(corner.x)));
    if east - west > 180.0 {
        return None;
    }
    let point = shape.interior_point().filter(|point| point.x().is_finite() && point.y().is_finite())?;
    let mut place = Place::new(point.y(), point.x(), PlaceSource::Import);
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

fn read(geometry: &Value, path: &str, depth: usize, found: &mut Found) -> Result<Geometry, Fault> {
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
        let parts = parts.iter().enumerate();
        let parts =
            parts.map(|(index, part)| read(part, &format!("{path}.geometries[{index}]"), depth + 1, found));
        return Ok(Geometry::GeometryCollection(GeometryCollection(parts.collect::<Result<_, _>>()?)));
    }
    if !TYPES.contains(&kind.as_str()) {
        return fault(".type", "is not a type of geometry");
    }
    let at = &format!("{path}.coordinates");
    let Some(coordinates) = map.get("coordinates") else { return fault(".coordinates", "is missing") };
    Ok(match kind.as_str() {
        "Point" => geo::Point(corner(coordinates, at, found)?).into(),
        "MultiPoint" => {
            let points = each(coordinates, at, 0, |it, at| corner(it, at, found))?;
            MultiPoint(points.into_iter().map(geo::Point).collect()).into()
        }
        "LineString" => line(coordinates, at, found)?.into(),
        "MultiLineString" => {
            let lines = each(coordinates, at, 0, |it, at| line(it, at, found))?;
            geo::MultiLineString(lines).into()
        }
        "Polygon" => polygon(coordinates, at, found)?.into(),
        _ => MultiPolygon(each(coordinates, at, 0, |it, at| polygon(it, at, found))?).into(),
    })
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

fn corner(value: &Value, at: &str, found: &mut Found) -> Result<Coord, Fault> {
    let corner = position(value, at, true)?;
    found.corners.push(corner);
    Ok(corner)
}

fn line(value: &Value, at: &str, found: &mut Found) -> Result<LineString, Fault> {
    each(value, at, 2, |it, at| corner(it, at, found)).map(LineString)
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
fn polygon(value: &Value, at: &str, found: &mut Found) -> Result<Polygon, Fault> {
    let mut rings = each(value, at, 0, |it, at| {
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
    for ring in &rings {
        found.corners.extend(&ring.0);
    }
    let holes = if rings.is_empty() { Vec::new() } else { rings.split_off(1) };
    Ok(Polygon::new(rings.pop().unwrap_or_else(|| LineString(Vec::new())), holes))
}

fn line_of_ring(value: &Value, at: &str) -> Result<LineString, Fault> {
    each(value, at, 4, |it, at| position(it, at, true)).map(LineString)
}
