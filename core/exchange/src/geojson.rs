//! GeoJSON (RFC 7946), as CoMapeo and others export it.

use serde_json::{Map, Value};

use crate::ExchangeError;
use crate::geometry::{self, Shape};
use crate::json::Root;
use crate::order::KeyOrder;
use crate::table::{Columns, Row, What};

/// How the items of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As features.
    Features,
    /// As one geometry without properties.
    Bare,
}

/// Judges the top level, and says which member holds the features; none if the whole file is one item.
pub(crate) fn form(root: &Root<'_>) -> Result<(Form, Option<&'static str>), ExchangeError> {
    let not = |reason: &str| Err(ExchangeError::NotGeoJson(reason.to_owned()));
    let Root::Object(_) = root else { return not("the top level is not an object") };
    if let Some(crs) = root.value("crs").filter(|crs| !crs.is_null()) {
        // The 2008 form of GeoJSON could name another system; RFC 7946 removed it.
        let name = crs.pointer("/properties/name").and_then(Value::as_str).unwrap_or_default();
        if !(name.contains("CRS84") || name.ends_with("4326")) {
            return Err(ExchangeError::OtherCoordinates);
        }
    }
    match root.value("type").as_ref().and_then(Value::as_str) {
        None => not("the top level has no type"),
        Some("FeatureCollection") if root.is_list("features") => Ok((Form::Features, Some("features"))),
        Some("FeatureCollection") => not("features is not a list"),
        Some("Feature") => Ok((Form::Features, None)),
        Some(kind) if geometry::TYPES.contains(&kind) => Ok((Form::Bare, None)),
        Some(_) => not("its type is none that GeoJSON has"),
    }
}

pub(crate) fn item(form: Form, columns: &mut Columns, order: &KeyOrder, number: usize, item: Value) -> What {
    let item = match form {
        Form::Features => item,
        Form::Bare => Value::Object(Map::from_iter([
            ("type".to_owned(), Value::from("Feature")),
            ("geometry".to_owned(), item),
        ])),
    };
    match feature(columns, order, number, item) {
        Ok(row) if row.is_empty() => What::Empty,
        Ok(row) => What::Row(Box::new(row)),
        Err((column, reason)) => What::refused(column, reason),
    }
}

fn feature(
    columns: &mut Columns,
    order: &KeyOrder,
    number: usize,
    item: Value,
) -> Result<Row, geometry::Fault> {
    let fault = |member: &str, reason: &str| Err((member.to_owned(), reason.to_owned()));
    let Value::Object(mut feature) = item else { return fault("", "is not a feature") };
    if feature.get("type").and_then(Value::as_str) != Some("Feature") {
        return fault("type", "is not Feature");
    }
    let mut row = Row::new(number);
    row.external_id = match feature.remove("id") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id),
        Some(Value::Number(id)) => Some(id.to_string()),
        Some(_) => return fault("id", "is neither text nor a number"),
    };
    match feature.remove("geometry") {
        None => return fault("geometry", "is missing; a feature without a place says null"),
        Some(Value::Null) => {}
        Some(shape) => {
            row.place_column = "geometry.coordinates".to_owned();
            if !place(&mut row, geometry::check(&shape, "geometry")?) {
                // A line or an area is no place, but it is what the person drew.
                row.aside.insert("geometry".to_owned(), shape);
            }
        }
    }
    match feature.remove("properties") {
        None | Some(Value::Null) => {}
        Some(Value::Object(properties)) => {
            for (name, value) in order.sorted(properties) {
                row.set(columns, &name, value);
            }
        }
        Some(_) => return fault("properties", "is not an object"),
    }
    Ok(row)
}

/// Takes the place of a shape, and says whether that is all there is to it.
pub(crate) fn place(row: &mut Row, shape: Shape) -> bool {
    match shape {
        Shape::Point(place) => {
            row.place = Some(place);
            true
        }
        Shape::Drawn(drawn) => {
            row.place = drawn.place;
            row.marks.shape |= drawn.place.is_some();
            row.marks.shape_without_place |= drawn.place.is_none();
            row.marks.turned |= drawn.turned;
            row.marks.unchecked |= drawn.unchecked;
            false
        }
    }
}
