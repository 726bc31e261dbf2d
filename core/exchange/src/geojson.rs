//! GeoJSON (RFC 7946), as CoMapeo and others export it.

use serde_json::{Map, Value};

use crate::order::KeyOrder;
use crate::table::{Row, Table};
use crate::{ExchangeError, Format, geometry};

pub(crate) fn table(json: Value, order: &KeyOrder) -> Result<Table, ExchangeError> {
    let not = |reason: &str| Err(ExchangeError::NotGeoJson(reason.to_owned()));
    let Value::Object(mut root) = json else { return not("the top level is not an object") };
    if let Some(crs) = root.get("crs").filter(|crs| !crs.is_null()) {
        // The 2008 form of GeoJSON could name another system; RFC 7946 removed it.
        let name = crs.pointer("/properties/name").and_then(Value::as_str).unwrap_or_default();
        if !(name.contains("CRS84") || name.ends_with("4326")) {
            return Err(ExchangeError::OtherCoordinates);
        }
    }
    let mut table = Table::new(Format::GeoJson);
    match root.get("type").and_then(Value::as_str) {
        None => return not("the top level has no type"),
        Some("FeatureCollection") => {
            let Some(Value::Array(features)) = root.remove("features") else {
                return not("features is not a list");
            };
            table.check_size(features.len())?;
            for (index, item) in features.into_iter().enumerate() {
                add(&mut table, order, index + 1, item);
                table.check_size(0)?;
            }
        }
        Some("Feature") => add(&mut table, order, 1, Value::Object(root)),
        Some(kind) if geometry::TYPES.contains(&kind) => {
            let bare = Map::from_iter([
                ("type".to_owned(), Value::from("Feature")),
                ("geometry".to_owned(), Value::Object(root)),
            ]);
            add(&mut table, order, 1, Value::Object(bare));
        }
        Some(_) => return not("its type is none that GeoJSON has"),
    }
    Ok(table)
}

fn add(table: &mut Table, order: &KeyOrder, number: usize, item: Value) {
    match feature(table, order, number, item) {
        Ok(row) if row.cells.is_empty() && row.place.is_none() && row.aside.is_empty() => {
            table.empty.push(number);
        }
        Ok(row) => table.push(row),
        Err((column, reason)) => table.refuse(number, column, reason),
    }
}

fn feature(table: &mut Table, order: &KeyOrder, number: usize, item: Value) -> Result<Row, geometry::Fault> {
    let fault = |member: &str, reason: &str| Err((member.to_owned(), reason.to_owned()));
    let Value::Object(mut feature) = item else { return fault("", "is not a feature") };
    if feature.get("type").and_then(Value::as_str) != Some("Feature") {
        return fault("type", "is not Feature");
    }
    let mut row = Row { number, ..Row::default() };
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
            row.place = geometry::check(&shape, "geometry")?;
            row.place_column = "geometry.coordinates".to_owned();
            // A line or an area is no place, but it is what the person drew.
            if row.place.is_none() {
                row.aside.insert("geometry".to_owned(), shape);
            }
        }
    }
    match feature.remove("properties") {
        None | Some(Value::Null) => {}
        Some(Value::Object(properties)) => {
            for (name, value) in order.sorted(properties) {
                table.set(&mut row, &name, value);
            }
        }
        Some(_) => return fault("properties", "is not an object"),
    }
    Ok(row)
}
