//! What RFC 7946 asks of a geometry.

use firsthand_ids::Metres;
use firsthand_record::{Place, PlaceSource};
use serde_json::Value;

/// The member that is wrong, such as `geometry.coordinates[0]`, and why.
pub(crate) type Fault = (String, String);

/// The types of geometry.
pub(crate) const TYPES: [&str; 7] =
    ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"];

/// The place of a sound geometry if it is a point; `None` for any other shape.
pub(crate) fn check(geometry: &Value, path: &str) -> Result<Option<Place>, Fault> {
    let fault = |member: &str, reason: &str| Err((format!("{path}{member}"), reason.to_owned()));
    let Some(map) = geometry.as_object() else { return fault("", "is not a geometry") };
    let kind = match map.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        _ => return fault(".type", "is missing"),
    };
    if kind == "GeometryCollection" {
        let Some(Value::Array(parts)) = map.get("geometries") else {
            return fault(".geometries", "is not a list");
        };
        for (index, part) in parts.iter().enumerate() {
            check(part, &format!("{path}.geometries[{index}]"))?;
        }
        return Ok(None);
    }
    let at = format!("{path}.coordinates");
    let Some(coordinates) = map.get("coordinates") else { return fault(".coordinates", "is missing") };
    match kind {
        "Point" => return point(coordinates, geometry, &at).map(Some),
        "MultiPoint" => each(coordinates, &at, 0, position)?,
        "LineString" => each(coordinates, &at, 2, position)?,
        "MultiLineString" => each(coordinates, &at, 0, |line, at| each(line, at, 2, position))?,
        "Polygon" => each(coordinates, &at, 0, ring)?,
        "MultiPolygon" => each(coordinates, &at, 0, |polygon, at| each(polygon, at, 0, ring))?,
        _ => return fault(".type", "is not a type of geometry"),
    }
    Ok(None)
}

fn point(coordinates: &Value, geometry: &Value, at: &str) -> Result<Place, Fault> {
    position(coordinates, at)?;
    let number = |index: usize| coordinates.get(index).and_then(Value::as_f64);
    let (Some(lon), Some(lat)) = (number(0), number(1)) else {
        return Err((at.to_owned(), "is not a position".to_owned()));
    };
    let mut place = Place::new(lat, lon, PlaceSource::Import);
    place.alt = number(2).map(Metres);
    // ODK puts the accuracy into properties of the geometry.
    let accuracy = geometry.pointer("/properties/accuracy").and_then(Value::as_f64);
    place.accuracy_m = accuracy.filter(|metres| *metres != 0.0).map(Metres);
    Ok(place)
}

fn each(
    list: &Value,
    at: &str,
    least: usize,
    judge: impl Fn(&Value, &str) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Value::Array(items) = list else { return Err((at.to_owned(), "is not a list".to_owned())) };
    if items.len() < least {
        return Err((at.to_owned(), format!("has fewer than {least} positions")));
    }
    items.iter().enumerate().try_for_each(|(index, item)| judge(item, &format!("{at}[{index}]")))
}

fn position(position: &Value, at: &str) -> Result<(), Fault> {
    let Value::Array(numbers) = position else { return Err((at.to_owned(), "is not a position".to_owned())) };
    if let Some(index) = numbers.iter().position(|number| !number.is_number()) {
        return Err((format!("{at}[{index}]"), "is not a number".to_owned()));
    }
    if numbers.len() < 2 {
        return Err((at.to_owned(), "has fewer than two numbers".to_owned()));
    }
    Ok(())
}

fn ring(ring: &Value, at: &str) -> Result<(), Fault> {
    each(ring, at, 4, position)?;
    let closed = ring.as_array().is_some_and(|ring| ring.first() == ring.last());
    if closed {
        Ok(())
    } else {
        Err((at.to_owned(), "is a ring whose last position is not its first".to_owned()))
    }
}
