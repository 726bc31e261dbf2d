//! Observations as CoMapeo keeps them (`observation`, version 1) and as its archive server gives them.

use firsthand_ids::Metres;
use firsthand_record::{Degrees, Moment, Place, PlaceSource};
use serde_json::{Map, Value};

use crate::order::KeyOrder;
use crate::table::{Columns, Row, What};

/// What the program writes for itself: kept with the record, but no answer of a person.
const OWN: [&str; 6] = ["schemaName", "versionId", "originalVersionId", "links", "createdBy", "forks"];

/// Whether a value is an observation of CoMapeo.
pub(crate) fn is_one(value: &Value) -> bool {
    let is_text = |name: &str| value.get(name).is_some_and(Value::is_string);
    value.get("schemaName").and_then(Value::as_str) == Some("observation")
        || is_text("docId")
            && value.get("tags").is_some_and(Value::is_object)
            && value.get("attachments").is_none_or(Value::is_array)
}

pub(crate) fn item(columns: &mut Columns, order: &KeyOrder, number: usize, item: Value) -> What {
    match observation(columns, order, number, item) {
        Ok(Some(row)) if row.is_empty() => What::Empty,
        Ok(Some(row)) => What::Row(Box::new(row)),
        Ok(None) => What::Deleted,
        Err((column, reason)) => What::refused(column, reason),
    }
}

fn observation(
    columns: &mut Columns,
    order: &KeyOrder,
    number: usize,
    item: Value,
) -> Result<Option<Row>, (&'static str, &'static str)> {
    let Value::Object(mut item) = item else { return Err(("", "is not an observation")) };
    if item.get("schemaName").is_some_and(|name| name != "observation") {
        return Err(("schemaName", "is not observation"));
    }
    if item.remove("deleted") == Some(Value::Bool(true)) {
        return Ok(None);
    }
    let mut row = Row::new(number);
    row.external_id = item.get("docId").and_then(Value::as_str).map(str::to_owned);
    row.place_column = "lat".to_owned();
    row.place = place(&mut item)?;
    if let Some(Value::Array(attachments)) = item.get("attachments") {
        row.media.extend(attachments.iter().filter_map(name).map(str::to_owned));
    }
    // What a person answered stands first, so that the first answer can be the title.
    match item.remove("tags") {
        None | Some(Value::Null) => {}
        Some(Value::Object(tags)) => {
            for (name, value) in order.sorted(tags) {
                row.set(columns, &name, value);
            }
        }
        Some(_) => return Err(("tags", "is not an object")),
    }
    for (name, value) in order.sorted(item) {
        let is_empty = value.as_array().is_some_and(Vec::is_empty) || value.is_null();
        if is_empty || name == "docId" || OWN.contains(&name.as_str()) {
            continue;
        }
        if value.is_object() || value.is_array() {
            row.aside.insert(name, value);
        } else {
            row.set(columns, &name, value);
        }
    }
    Ok(Some(row))
}

/// What a photo or a recording is called: its name, or the end of the address it is fetched from.
fn name(attachment: &Value) -> Option<&str> {
    let text = |name: &str| attachment.get(name).and_then(Value::as_str);
    text("name").or_else(|| text("url")?.rsplit('/').next()).filter(|name| !name.is_empty())
}

/// The place, with what the phone said of it where it was the phone that measured it.
fn place(item: &mut Map<String, Value>) -> Result<Option<Place>, (&'static str, &'static str)> {
    let mut degrees = |name: &'static str| match item.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or((name, "is not a number")),
    };
    let (lat, lon) = match (degrees("lat")?, degrees("lon")?) {
        (Some(lat), Some(lon)) => (lat, lon),
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(("lat", "is given without the other coordinate")),
        (None, Some(_)) => return Err(("lon", "is given without the other coordinate")),
    };
    let mut place = Place::new(lat, lon, PlaceSource::Import);
    let metadata = item.get("metadata");
    let manual = metadata.and_then(|it| it.get("manualLocation")).and_then(Value::as_bool) == Some(true);
    let position = metadata.and_then(|it| it.get("position")).filter(|_| !manual);
    if let Some(position) = position {
        let metres = |name: &str| position.get("coords")?.get(name)?.as_f64().map(Metres);
        let at = |name: &str| position.get("coords").and_then(|it| it.get(name)).and_then(Value::as_f64);
        // The position beside it may be one that was measured later, elsewhere.
        if at("latitude").map(Degrees) == Some(place.lat) && at("longitude").map(Degrees) == Some(place.lon) {
            place.alt = metres("altitude");
            place.accuracy_m = metres("accuracy").filter(|metres| metres.0 != 0.0);
            let time = position.get("timestamp").and_then(Value::as_str);
            place.fix_time = time.and_then(|text| text.parse::<Moment>().ok());
        }
        place.mocked = position.get("mocked").and_then(Value::as_bool) == Some(true);
    }
    Ok(Some(place))
}
