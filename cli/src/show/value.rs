//! A field's value as a person reads it.

use firsthand_record::{Occurred, Place};
use serde::Deserialize;
use serde_json::Value;

use super::{text, when};

/// Shown for a value that was emptied or never given.
pub(crate) const NOTHING: &str = "(nothing)";

/// Members that only the program reads.
const INNER: &[&str] = &["key", "list", "over"];

/// Members that say what an item of a list is.
const MAIN: &[&str] = &[
    "field", "value", "what", "role", "kind", "type", "use", "agency", "harm", "tactic", "relation", "state",
];

/// The value as one line.
pub(crate) fn line(value: &Value) -> String {
    text::line(&plain(value))
}

/// The value as one line of at most `max` characters.
pub(crate) fn short(value: &Value, max: usize) -> String {
    text::short(&plain(value), max)
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) if text.is_empty() => NOTHING.to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(_) => composite(value),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn composite(value: &Value) -> String {
    if let Ok(it) = Place::deserialize(value) {
        return place(&it);
    }
    if let Ok(occurred) = Occurred::deserialize(value) {
        return when::occurred(&occurred);
    }
    let Value::Object(map) = value else { return value.to_string() };
    // What an item is comes first, without a name; the rest follows with its names.
    let first = MAIN.iter().filter_map(|name| map.get(*name)).map(plain);
    let rest =
        map.iter().filter(|(name, _)| !MAIN.contains(&name.as_str()) && !INNER.contains(&name.as_str()));
    let rest = rest.map(|(name, value)| format!("{} {}", name.replace('_', " "), plain(value)));
    first.chain(rest).collect::<Vec<_>>().join(", ")
}

/// A place on one line.
pub(crate) fn place(place: &Place) -> String {
    let mut out = format!("{:.5}, {:.5}", place.lat.0, place.lon.0);
    if let Some(accuracy) = place.accuracy_m {
        out.push_str(&format!(" ± {:.0} m", accuracy.0));
    }
    if let Some(height) = place.alt {
        out.push_str(&format!(", {:.0} m high", height.0));
    }
    out.push_str(&format!(" ({})", place.source.label().to_lowercase()));
    if let Some(fixed) = place.fix_time {
        out.push_str(&format!(", fixed {}", when::moment(fixed)));
    }
    if place.mocked {
        out.push_str(", made up by an app");
    }
    out
}

/// Before and after of a change. Of a text only what went and what came is given, with the words `around` it.
pub(crate) fn change(
    before: Option<&Value>,
    after: Option<&Value>,
    around: Option<&(String, String)>,
) -> String {
    let shown =
        |value: Option<&Value>| value.map_or_else(|| NOTHING.to_owned(), |value| short(value, CHANGE));
    let Some((left, right)) = around else {
        return format!("{} -> {}", shown(before), shown(after));
    };
    let part = |sign: &str, value: Option<&Value>| {
        let text = value.filter(|value| value.as_str() != Some(""));
        text.map(|value| format!("[{sign} {}]", short(value, CHANGE))).unwrap_or_default()
    };
    let side = |words: &str, shown: String| if words.trim().is_empty() { String::new() } else { shown };
    let parts = [
        side(left, format!("…{}", text::line(left))),
        part("-", before),
        part("+", after),
        side(right, format!("{}…", text::line(right))),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Characters of a value that a line of history shows.
const CHANGE: usize = 80;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_in_words() {
        assert_eq!(line(&json!("Severe")), "Severe");
        assert_eq!(line(&Value::Null), NOTHING);
        assert_eq!(
            line(&json!({"lat": -1.5, "lon": 36.25, "source": "gps", "accuracy_m": 12.0})),
            "-1.50000, 36.25000 ± 12 m (satellite fix)"
        );
        assert_eq!(
            line(&json!({"time": "2026-11-21T14:30:00+03:00", "precision": "minute"})),
            "2026-11-21 14:30 +03:00"
        );
        assert_eq!(line(&json!({"what": "injured", "low": 2, "key": "ab|1"})), "injured, low 2");
    }

    #[test]
    fn a_change_shows_before_and_after() {
        assert_eq!(change(None, Some(&json!("Minor")), None), "(nothing) -> Minor");
        let around = ("the crowd".to_owned(), "left".to_owned());
        assert_eq!(
            change(Some(&json!("slowly")), Some(&json!("quickly")), Some(&around)),
            "…the crowd [- slowly] [+ quickly] left…"
        );
        let end = ("they wait".to_owned(), String::new());
        assert_eq!(change(None, Some(&json!("and leave")), Some(&end)), "…they wait [+ and leave]");
    }
}
