//! Submissions as ODK Central's OData feed gives them.

use serde_json::{Map, Value};

use crate::geometry::{self, Shape};
use crate::order::KeyOrder;
use crate::table::{Columns, Row, What};
use crate::{geojson, point};

/// What the feed writes in place of the answers of a repeated group that was not asked for.
const LINK: &str = "@odata.navigationLink";

pub(crate) fn item(columns: &mut Columns, order: &KeyOrder, number: usize, item: Value) -> What {
    if !item.is_object() {
        return What::refused("", "is not a submission");
    }
    let system = |name: &str| item.pointer(&format!("/__system/{name}")).filter(|value| !value.is_null());
    if system("deletedAt").is_some() {
        return What::Deleted;
    }
    let count = |name: &str| system(name).and_then(Value::as_u64);
    let mut row = Row::new(number);
    if let (Some(present), Some(expected)) = (count("attachmentsPresent"), count("attachmentsExpected")) {
        row.marks.incomplete = present < expected;
    }
    row.external_id = item.get("__id").and_then(Value::as_str).map(str::to_owned);
    match flatten(columns, order, &mut row, "", item) {
        Ok(()) if row.is_empty() => What::Empty,
        Ok(()) => What::Row(Box::new(row)),
        Err((column, reason)) => What::refused(column, reason),
    }
}

/// Groups become columns such as `group/question`. The first point is the place; for want of one, a line or an area
/// gives it. Every shape but that point stays as it is.
fn flatten(
    columns: &mut Columns,
    order: &KeyOrder,
    row: &mut Row,
    path: &str,
    value: Value,
) -> Result<(), geometry::Fault> {
    let is_shape = |map: &Map<String, Value>| {
        map.get("type").and_then(Value::as_str).is_some_and(|kind| geometry::TYPES.contains(&kind))
            && (map.contains_key("coordinates") || map.contains_key("geometries"))
    };
    match value {
        Value::Object(map) if is_shape(&map) => {
            let shape = Value::Object(map);
            match geometry::check(&shape, path)? {
                Shape::Point(place) if row.place.is_none() || row.marks.shape => {
                    row.marks.shape = false;
                    row.place = Some(place);
                    row.place_column = path.to_owned();
                    // Points set by hand say accuracy 0, which is no accuracy; the original is kept.
                    if place.accuracy_m.is_none() {
                        row.set(columns, path, shape);
                    }
                }
                drawn @ Shape::Drawn(_) if row.place.is_none() => {
                    geojson::place(row, drawn);
                    row.place_column = path.to_owned();
                    row.set(columns, path, shape);
                }
                _ => row.set(columns, path, shape),
            }
        }
        Value::Object(map) => {
            for (name, value) in order.sorted(map) {
                if name.ends_with(LINK) {
                    row.marks.without_repeats = true;
                    continue;
                }
                let path = if path.is_empty() { name } else { format!("{path}/{name}") };
                flatten(columns, order, row, &path, value)?;
            }
        }
        Value::String(text) if point::is_wkt(&text) && (row.place.is_none() || row.marks.shape) => {
            let point = point::parse(&text).map_err(|reason| (path.to_owned(), reason.to_owned()))?;
            row.marks.shape = false;
            row.place = Some(point.place);
            row.place_column = path.to_owned();
            if point.without_accuracy {
                row.set(columns, path, Value::String(text));
            }
        }
        value if !path.is_empty() => row.set(columns, path, value),
        _ => {}
    }
    Ok(())
}
