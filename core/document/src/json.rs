pub use firsthand_record::canonical;
pub(crate) use firsthand_record::write_canonical as write;
use serde_json::Value;

pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push_str(&Value::from(text).to_string());
}

/// What stands before all but the first member.
pub(crate) fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}

/// How many arrays a text may have whatever its length; an object, which takes more memory, counts three times. The
/// record that a person enters has some tens.
const FREE_PARTS: usize = 384;
/// Beyond those, one for so many bytes. In memory an object of a few characters takes a hundred times its text; so what
/// somebody writes takes at most some twenty-five times its length to read.
const BYTES_FOR_PART: usize = 8;

/// Whether a text has more arrays and objects than its length allows.
pub(crate) fn is_dense(stored: &str) -> bool {
    let allowed = FREE_PARTS + stored.len() / BYTES_FOR_PART;
    // Two characters are the shortest of them.
    if stored.len() / 2 * 3 <= allowed {
        return false;
    }
    let (mut parts, mut quoted, mut escaped) = (0, false, false);
    for byte in stored.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => parts += 3,
            b'[' if !quoted => parts += 1,
            _ => {}
        }
    }
    parts > allowed
}

/// Reads a stored scalar. Text that is no JSON, or too [dense](is_dense), stands for itself, so that nothing anybody stored is
/// lost.
pub(crate) fn parse(stored: &str) -> Value {
    let as_it_stands = || Value::String(stored.to_owned());
    if is_dense(stored) {
        as_it_stands()
    } else {
        serde_json::from_str(stored).unwrap_or_else(|_| as_it_stands())
    }
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
    fn text_that_would_take_much_memory_is_kept_as_text() {
        let people: Vec<Value> = (0..120).map(|age| serde_json::json!({ "name": "A", "age": age })).collect();
        let place: Vec<Value> =
            (0..5_000).map(|at| serde_json::json!([36.8 + f64::from(at) / 1e5, -1.25])).collect();
        let braces = Value::from("{[{[".repeat(1_000));
        for value in [Value::from(people), Value::from(place), braces] {
            assert_eq!(parse(&canonical(&value)), value);
        }
        for dense in [r#"{"":0}"#, "[[]]", "{}", "[0]"] {
            let text = format!("[{}]", [dense; 2_000].join(","));
            assert!(serde_json::from_str::<Value>(&text).is_ok());
            assert_eq!(parse(&text), Value::from(text.as_str()));
        }
    }

    #[test]
    fn text_that_is_no_json_is_kept() {
        assert_eq!(parse("{half"), Value::from("{half"));
    }
}
