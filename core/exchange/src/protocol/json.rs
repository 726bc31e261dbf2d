//! Our own JSON: the fields of a template.

use firsthand_record::checklist::{TemplateContent, TemplateItem};
use firsthand_record::validate::limits;
use serde_json::{Map, Value, json};

use super::Protocol;
use super::error::{Place, ProtocolError};
use super::finish::Draft;
use crate::ExchangeError;
use crate::json::{self, Root};

/// Members of the whole; those of the second line are printed with a template and say nothing of its content.
const KNOWN: &[&str] = &[
    "template_id",
    "version",
    "title",
    "languages",
    "licence",
    "attribution",
    "items",
    "content_sha256",
    "source",
    "signed_by",
    "schema_version",
    "tombstone",
];

/// Whether JSON is a template.
pub(super) fn is_template(root: &Root<'_>) -> bool {
    root.is_list("items") && root.member("languages").is_some()
}

pub(super) fn read(text: &str, root: &Root<'_>) -> Result<Draft, ProtocolError> {
    let Root::Object(members) = root else { return Err(ExchangeError::UnknownFormat.into()) };
    let mut draft = Draft { paths: true, ..Draft::default() };
    let mut head = Map::new();
    for (name, member) in members {
        if !KNOWN.contains(&name.as_str()) {
            draft.problems.add(draft.head.problem(name, "is no member of a checklist"));
        } else if name != "items" {
            match json::parse(member) {
                Ok(value) => {
                    if head.insert(name.clone(), value).is_some() {
                        draft.problems.add(draft.head.problem(name, "stands twice"));
                    }
                }
                Err(reason) => draft.problems.add(draft.head.problem(name, reason)),
            }
        }
    }
    let mut get = |name: &str| head.remove(name).unwrap_or(Value::Null);
    let content = json!({
        "title": get("title"), "languages": get("languages"),
        "licence": get("licence"), "attribution": get("attribution"),
    });
    match get("template_id") {
        Value::String(id) => draft.template_id = id,
        _ => draft.problems.add(draft.head.problem("template_id", "must be text")),
    }
    match get("version").as_u64().and_then(|version| u32::try_from(version).ok()) {
        Some(version) => draft.version = version,
        None => draft.problems.add(draft.head.problem("version", "must be a whole number")),
    }
    match serde_json::from_value::<TemplateContent>(content) {
        Ok(content) => draft.content = content,
        Err(error) => draft.problems.add(draft.head.problem("", error.to_string())),
    }
    let places = json::items(root.member("items").unwrap_or("[]"), text)?;
    let (mut counted, mut line) = (0, 1);
    for (range, index) in places.into_iter().zip(0..) {
        line += text[counted..range.start].matches('\n').count();
        counted = range.start;
        if draft.content.items.len() > limits::ITEMS {
            break;
        }
        let place = Place { line: Some(line), ..Place::default() };
        let path = format!("items[{index}]");
        let item = json::parse(&text[range]).map_err(str::to_owned).and_then(|value| {
            serde_json::from_value::<TemplateItem>(value).map_err(|error| error.to_string())
        });
        match item {
            Ok(item) => {
                if let Some(unknown) = item.extra.keys().next() {
                    let column = format!("{path}.{unknown}");
                    draft.problems.add(place.problem(column, "is no member of an item"));
                }
                // What a document gave it is not part of what it says.
                draft.content.items.push(TemplateItem { key: String::new(), ..item });
                draft.places.push(place);
            }
            Err(reason) => draft.problems.add(place.problem(path, reason)),
        }
    }
    Ok(draft)
}

/// A protocol as our JSON, indented.
#[must_use]
pub fn to_json(protocol: &Protocol) -> String {
    let mut value = json!(protocol.content);
    value["template_id"] = json!(protocol.template_id);
    value["version"] = json!(protocol.version);
    if let Some(items) = value.get_mut("items").and_then(Value::as_array_mut) {
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            item.remove("order");
            item.remove("key");
        }
    }
    format!("{value:#}\n")
}
