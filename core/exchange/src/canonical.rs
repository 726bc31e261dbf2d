use std::collections::BTreeMap;

use firsthand_ids::sha256;
use serde_json::Value;

/// SHA-256, as hexadecimal digits, of a row: JSON with sorted keys, without blank space, without empty values.
///
/// The order of columns and empty ones that another program adds do not make another row, nor does whether it writes a
/// number as a number or as text.
pub(crate) fn row_hash(members: &BTreeMap<&str, &Value>) -> String {
    let mut out = String::from("{");
    for (name, value) in members {
        match value {
            Value::Number(number) => member(name, &Value::from(number.to_string()), &mut out),
            value if is_empty(value) => {}
            value => member(name, value, &mut out),
        }
    }
    out.push('}');
    sha256(out.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a value says nothing: null, or text without letters.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn member(name: &str, value: &Value, out: &mut String) {
    if !out.ends_with('{') {
        out.push(',');
    }
    out.push_str(&Value::from(name).to_string());
    out.push(':');
    write(value, out);
}

/// Sorts keys itself: whether serde_json's own map does depends on a feature that any crate of a build may turn on.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, &Value> = map.iter().collect();
            out.push('{');
            for (name, value) in sorted {
                member(name, value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hash(value: &Value) -> String {
        row_hash(&value.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value)).collect())
    }

    #[test]
    fn the_hash_is_of_sorted_json_without_what_is_empty() {
        let json = json!({"b": [1, {"z": 1.5, "y": null}], "a": "x\n", "c": null, "d": " "});
        let text = r#"{"a":"x\n","b":[1,{"y":null,"z":1.5}]}"#;
        let wanted: String = sha256(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash(&json), wanted);
        // One export writes a table's numbers as text, another does not; what they say is the same.
        assert_eq!(hash(&json!({"a": "1", "b": "-2.5"})), hash(&json!({"a": 1, "b": -2.5})));
        assert_ne!(hash(&json!({"a": "1"})), hash(&json!({"a": [1]})));
        assert_ne!(hash(&json!({"a": "01"})), hash(&json!({"a": 1})));
        assert_ne!(hash(&json!({"a": "true"})), hash(&json!({"a": true})));
    }
}
