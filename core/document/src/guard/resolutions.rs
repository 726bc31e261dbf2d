//! The items that end conflicts, by what they keep.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::schema::lists;
use crate::{OpId, json};

/// A value that a write replaces and does not keep itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loss<'a> {
    /// The field.
    pub(crate) field: &'a str,
    /// The operation that wrote the value.
    pub(crate) id: OpId,
    pub(crate) value: &'a Value,
}

/// Which items keep which values of which fields. Each item is read once, however many conflicts ask for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resolutions(BTreeMap<String, BTreeMap<String, Vec<Kept>>>);

#[derive(Debug, Clone)]
struct Kept {
    item: OpId,
    value: Value,
}

impl Resolutions {
    /// Takes an item in, if it is a resolution.
    pub(crate) fn take(&mut self, id: OpId, item: &str) {
        // Nearly all items are of other lists, and need not be read. Canonical JSON escapes no letter.
        if !item.contains(lists::RESOLUTIONS) {
            return;
        }
        let mut item = json::parse(item);
        if item["list"] != lists::RESOLUTIONS {
            return;
        }
        let (Value::String(field), Value::Array(over)) = (item["field"].take(), item["over"].take()) else {
            return;
        };
        let kept = self.0.entry(field).or_default();
        for mut entry in over {
            if let (Value::String(operation), Some(value)) = (entry["op"].take(), entry.get_mut("value")) {
                kept.entry(operation).or_default().push(Kept { item: id, value: value.take() });
            }
        }
    }

    /// The items that keep a value.
    pub(crate) fn keeping(&self, loss: Loss<'_>) -> impl Iterator<Item = OpId> {
        let of_field = self.0.get(loss.field);
        let kept = of_field.and_then(|kept| kept.get(&loss.id.to_string())).map_or(&[][..], Vec::as_slice);
        kept.iter().filter(move |kept| kept.value == *loss.value).map(|kept| kept.item)
    }
}
