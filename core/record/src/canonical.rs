use serde_json::Value;

/// Canonical JSON: members sorted by key, no spaces, numbers and text as `serde_json` writes them. The same value is always the
/// same bytes.
///
/// Sorted here and not left to the map type, because another crate of the build may switch `serde_json` to maps that
/// keep the order of insertion.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

/// The same behind what is written already.
pub fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by(|a, b| a.0.cmp(b.0));
            out.push('{');
            for (index, (key, member)) in sorted.into_iter().enumerate() {
                separate(index, out);
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_canonical(member, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, out);
                write_canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// What stands before all but the first member.
fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}
