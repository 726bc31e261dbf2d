//! Submissions as ODK Central's OData feed gives them.

use serde_json::Value;

use crate::order::KeyOrder;
use crate::table::{Row, Table};
use crate::{ExchangeError, Format, geometry, point};

pub(crate) fn table(json: Value, order: &KeyOrder) -> Result<Table, ExchangeError> {
    let mut table = Table::new(Format::Odk);
    let submissions = match json {
        Value::Array(items) => items,
        Value::Object(mut root) => {
            table.has_more_pages = root.contains_key("@odata.nextLink");
            match root.remove("value") {
                Some(Value::Array(items)) => items,
                _ => return Err(ExchangeError::NotOdk),
            }
        }
        _ => return Err(ExchangeError::NotOdk),
    };
    table.check_size(submissions.len())?;
    for (index, item) in submissions.into_iter().enumerate() {
        add(&mut table, order, index + 1, item);
        table.check_size(0)?;
    }
    Ok(table)
}

fn add(table: &mut Table, order: &KeyOrder, number: usize, item: Value) {
    if !item.is_object() {
        table.refuse(number, "", "is not a submission");
        return;
    }
    let system = |name: &str| item.pointer(&format!("/__system/{name}")).filter(|value| !value.is_null());
    if system("deletedAt").is_some() {
        table.deleted.push(number);
        return;
    }
    let count = |name: &str| system(name).and_then(Value::as_u64);
    if let (Some(present), Some(expected)) = (count("attachmentsPresent"), count("attachmentsExpected"))
        && present < expected
    {
        table.incomplete.push(number);
    }
    let mut row = Row { number, ..Row::default() };
    row.external_id = item.get("__id").and_then(Value::as_str).map(str::to_owned);
    match flatten(table, order, &mut row, "", item) {
        Ok(()) if row.cells.is_empty() && row.place.is_none() => {
            table.empty.push(number);
        }
        Ok(()) => table.push(row),
        Err((column, reason)) => table.refuse(number, column, reason),
    }
}

/// Groups become columns such as `group/question`. The first point is the place; other shapes stay as they are.
fn flatten(
    table: &mut Table,
    order: &KeyOrder,
    row: &mut Row,
    path: &str,
    value: Value,
) -> Result<(), geometry::Fault> {
    let is_shape = |map: &serde_json::Map<String, Value>| {
        map.get("type").and_then(Value::as_str).is_some_and(|kind| geometry::TYPES.contains(&kind))
            && (map.contains_key("coordinates") || map.contains_key("geometries"))
    };
    match value {
        Value::Object(map) if is_shape(&map) => {
            let shape = Value::Object(map);
            let place = geometry::check(&shape, path)?;
            if place.is_some() && row.place.is_none() {
                row.place = place;
                row.place_column = path.to_owned();
                // Points set by hand say accuracy 0, which is no accuracy; the original is kept.
                if place.is_some_and(|place| place.accuracy_m.is_none()) {
                    table.set(row, path, shape);
                }
            } else {
                table.set(row, path, shape);
            }
        }
        Value::Object(map) => {
            for (name, value) in order.sorted(map) {
                let path = if path.is_empty() { name } else { format!("{path}/{name}") };
                flatten(table, order, row, &path, value)?;
            }
        }
        Value::String(text) if row.place.is_none() && point::is_wkt(&text) => {
            let point = point::parse(&text).map_err(|reason| (path.to_owned(), reason.to_owned()))?;
            row.place = Some(point.place);
            row.place_column = path.to_owned();
            if point.without_accuracy {
                table.set(row, path, Value::String(text));
            }
        }
        value if !path.is_empty() => table.set(row, path, value),
        _ => {}
    }
    Ok(())
}
