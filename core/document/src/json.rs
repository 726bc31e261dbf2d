use serde_json::Value;

/// Canonical JSON: members sorted by key, no spaces, numbers and text as `serde_json` writes them.
///
/// Sorted here and not left to the map type, because another crate of the build may switch `serde_json` to maps that
/// keep the order of insertion.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by(|a, b| a.0.cmp(b.0));
            out.push('{');
            for (index, (key, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(member, out);
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
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Reads a stored scalar. Text that is no JSON stands for itself, so that nothing anybody stored is lost.
pub(crate) fn parse(stored: &str) -> Value {
    serde_json::from_str(stored).unwrap_or_else(|_| Value::String(stored.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_survive_storage(value in values()) {
            let stored = canonical(&value);
            prop_assert_eq!(&parse(&stored), &value);
            prop_assert_eq!(canonical(&parse(&stored)), stored);
        }
    }

    #[test]
    fn members_are_sorted_at_every_level() {
        let value = parse(r#"{"b": {"z": 1, "a": [ {"d":1,"c":2} ]}, "a": null}"#);
        assert_eq!(canonical(&value), r#"{"a":null,"b":{"a":[{"c":2,"d":1}],"z":1}}"#);
    }

    #[test]
    fn text_that_is_no_json_is_kept() {
        assert_eq!(parse("{half"), Value::from("{half"));
    }
}
