//! Everything that options say about an incident, as it goes into a new record or becomes edits of one.

use std::io::Read;

use firsthand_node::Edit;
use firsthand_record::{Incident, Precision};
use serde_json::{Map, Value};

use super::{Reason, field, items, place, time};
use crate::args::FieldArgs;
use crate::fail::{Detail, Fail};

/// The largest text taken from standard input or a file: what a narrative may have, at four bytes a character.
const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// What was typed about an incident.
#[derive(Debug, Default)]
pub(crate) struct Entered {
    scalars: Vec<(&'static str, Value)>,
    texts: Vec<(&'static str, String)>,
    items: Vec<(&'static str, Value)>,
    wrong: Vec<Detail>,
}

impl Entered {
    /// Reads the options. All that is wrong is told at once.
    pub(crate) fn read(args: &FieldArgs) -> Result<Self, Fail> {
        let mut entered = Self::default();
        entered.take_scalars(args);
        entered.take_times(args);
        entered.take_place(args);
        entered.take_texts(args)?;
        entered.take_items(args);
        if entered.wrong.is_empty() { Ok(entered) } else { Err(Fail::inputs(entered.wrong)) }
    }

    /// Sets a field that needs the node to be understood.
    pub(crate) fn set(&mut self, field: &'static str, value: Value) {
        self.scalars.push((field, value));
    }

    /// Adds an item that needs the node to be understood.
    pub(crate) fn add(&mut self, list: &'static str, value: Value) {
        self.items.push((list, value));
    }

    fn take_scalars(&mut self, args: &FieldArgs) {
        for (name, text) in [
            ("title", &args.title),
            ("severity", &args.severity),
            ("urgency", &args.urgency),
            ("certainty", &args.certainty),
            ("trajectory", &args.trajectory),
            ("category", &args.category),
            ("status", &args.status),
            ("followup", &args.followup),
            ("sensitivity", &args.sensitivity),
            ("retaliation_risk", &args.retaliation_risk),
            ("mediation_outcome", &args.mediation_outcome),
            ("reported_at", &args.reported),
            ("p_code", &args.p_code),
            ("admin_level", &args.admin_level),
            ("geo_precision", &args.geo_precision),
            ("rumour_status", &args.rumour_status),
            ("rumour_response_message_id", &args.rumour_answer),
            ("retention_until", &args.retention_until),
        ] {
            if let Some(text) = text {
                let value = field::value(name, text);
                self.scalar(name, value);
            }
        }
    }

    fn take_times(&mut self, args: &FieldArgs) {
        let mut read = |field: &str, typed: &Option<String>| {
            let read = typed.as_deref().map(super::code::<Precision>).transpose();
            read.unwrap_or_else(|reason| {
                self.wrong(field, reason);
                None
            })
        };
        let precision = read("precision", &args.precision);
        let of_end = read("until_precision", &args.until_precision).or(precision);
        if precision.is_some() && args.at.is_none() && args.until.is_none() {
            self.wrong(
                "precision",
                String::from("says how exactly a time is known: give --at or --until as well"),
            );
        }
        for (name, text, precision) in
            [("occurred_start", &args.at, precision), ("occurred_end", &args.until, of_end)]
        {
            if let Some(text) = text {
                let read = time::occurred(text).map(|mut occurred| {
                    occurred.precision = precision.unwrap_or(occurred.precision);
                    occurred
                });
                self.scalar(name, read.and_then(field::json));
            }
        }
    }

    fn take_place(&mut self, args: &FieldArgs) {
        let Some(text) = &args.place else { return };
        let about = place::About {
            accuracy: args.accuracy.as_deref(),
            altitude: args.altitude.as_deref(),
            source: args.place_source.as_deref(),
            mocked: args.mocked,
            fix_time: args.fix_time.as_deref(),
        };
        match place::place(text, &about) {
            Ok(place) => self.scalar("place", field::json(place)),
            Err(detail) => self.wrong.push(detail),
        }
    }

    fn take_texts(&mut self, args: &FieldArgs) -> Result<(), Fail> {
        for (name, text) in
            [("narrative", &args.narrative), ("place_text", &args.place_text), ("rumour_claim", &args.rumour)]
        {
            match text.as_deref() {
                Some("-") => self.texts.push((name, standard_input()?)),
                Some(text) => self.texts.push((name, text.to_owned())),
                None => {}
            }
        }
        Ok(())
    }

    fn take_items(&mut self, args: &FieldArgs) {
        for text in &args.count {
            self.item("counts", items::count(text).and_then(field::json));
        }
        for text in &args.actor {
            self.item("actors", items::actor(text).and_then(field::json));
        }
        for text in &args.source {
            self.item("source", items::source(text).and_then(field::json));
        }
        for text in &args.harm {
            self.item("harm_types", field::json(items::harm(text)));
        }
        for text in &args.tactic {
            self.item("tactics_used", field::json(items::tactic(text)));
        }
        if let Some(text) = &args.verification {
            // The field says how it stands, the log how it came to that.
            match items::verification(text) {
                Ok(step) => {
                    self.scalar("verification", field::json(step.state));
                    self.item("verification_log", field::json(step));
                }
                Err(reason) => self.wrong("verification", reason),
            }
        }
        for text in &args.weapon {
            self.item("weapons_seen", items::weapon(text).and_then(field::json));
        }
        for text in &args.authority {
            self.item("authority_presence", items::authority(text).and_then(field::json));
        }
    }

    fn scalar(&mut self, name: &'static str, value: Result<Value, Reason>) {
        match value {
            Ok(value) => self.scalars.push((name, value)),
            Err(reason) => self.wrong(name, reason),
        }
    }

    fn item(&mut self, list: &'static str, value: Result<Value, Reason>) {
        match value {
            Ok(value) => self.items.push((list, value)),
            Err(reason) => self.wrong(list, reason),
        }
    }

    fn wrong(&mut self, field: &str, reason: Reason) {
        self.wrong.push(Detail { field: field.to_owned(), reason });
    }

    /// A new record: `base` and what was typed, which wins.
    pub(crate) fn into_incident(self, mut base: Map<String, Value>) -> Result<Incident, Fail> {
        for (name, value) in self.scalars {
            base.insert(name.to_owned(), value);
        }
        for (name, text) in self.texts {
            base.insert(name.to_owned(), Value::String(text));
        }
        for (list, value) in self.items {
            let items = base.entry(list).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(items) = items {
                items.push(value);
            }
        }
        let read = Incident::read(base);
        let unread = |unread: firsthand_record::Unread| Detail {
            field: unread.field,
            reason: String::from("cannot be read: not the right shape, or a code that does not exist"),
        };
        if read.unread.is_empty() {
            Ok(read.record)
        } else {
            Err(Fail::inputs(read.unread.into_iter().map(unread).collect()))
        }
    }

    /// The edits that make an existing record say what was typed.
    pub(crate) fn into_edits(self) -> Vec<Edit> {
        let set = |(field, value): (&str, _)| Edit::Set { field: field.to_owned(), value };
        let replace = |(field, text): (&str, _)| Edit::ReplaceText { field: field.to_owned(), text };
        let add = |(list, value): (&str, _)| Edit::Add { list: list.to_owned(), value };
        let mut edits: Vec<Edit> = self.scalars.into_iter().map(set).collect();
        edits.extend(self.texts.into_iter().map(replace));
        edits.extend(self.items.into_iter().map(add));
        edits
    }
}

/// Text from standard input, without its last end of line.
pub(crate) fn standard_input() -> Result<String, Fail> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(MAX_TEXT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Fail::other("input", format!("failed to read standard input: {}", error.kind())))?;
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        return Err(Fail::input("standard input", format!("is larger than {MAX_TEXT_BYTES} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| Fail::input("standard input", "is not text in UTF-8"))?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// A record from a JSON file, or from standard input for `-`.
pub(crate) fn json_record(file: &std::path::Path) -> Result<Map<String, Value>, Fail> {
    let text = if file.as_os_str() == "-" {
        standard_input()?
    } else {
        std::fs::read_to_string(file)
            .map_err(|error| Fail::input("json-file", format!("cannot be read: {}", error.kind())))?
    };
    // The parser's own message may quote what it read.
    let wrong = |error: serde_json::Error| {
        Fail::input(
            "json-file",
            format!("is not a JSON object (line {}, column {})", error.line(), error.column()),
        )
    };
    let mut record: Map<String, Value> = serde_json::from_str(&text).map_err(wrong)?;
    // What the device itself says about a record it makes.
    for own in ["short_code", "schema_version", "clock_evidence", "origin"] {
        record.remove(own);
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use firsthand_record::{CountKind, Severity};

    use super::*;

    #[test]
    fn options_become_a_record() {
        let args = FieldArgs {
            title: Some("A title".into()),
            narrative: Some("What happened".into()),
            severity: Some("severe".into()),
            place: Some("1,2".into()),
            count: vec!["injured=2".into()],
            ..FieldArgs::default()
        };
        let base = serde_json::from_str(
            r#"{"title":"Other","category":"Mob violence","counts":[{"what":"dead","low":1}]}"#,
        );
        let incident = Entered::read(&args).unwrap().into_incident(base.unwrap()).unwrap();
        assert_eq!(incident.title.as_deref(), Some("A title"));
        assert_eq!(incident.category.as_deref(), Some("Mob violence"));
        assert_eq!(incident.severity, Some(Severity::Severe));
        let kinds: Vec<CountKind> = incident.counts.iter().map(|count| count.what).collect();
        assert_eq!(kinds, [CountKind::Dead, CountKind::Injured]);
    }

    #[test]
    fn everything_wrong_is_told_at_once_and_nothing_of_it_repeated() {
        let args = FieldArgs {
            severity: Some("terrible secret".into()),
            place: Some("NaN,2".into()),
            at: Some("some day".into()),
            count: vec!["injured=many".into()],
            ..FieldArgs::default()
        };
        let fail = Entered::read(&args).unwrap_err();
        let fields: Vec<&str> = fail.details.iter().map(|detail| detail.field.as_str()).collect();
        assert_eq!(fields, ["severity", "occurred_start", "place.lat", "counts"]);
        assert!(fail.details.iter().all(|detail| !detail.reason.contains("secret")));
    }

    #[test]
    fn a_record_of_the_wrong_shape_names_its_fields() {
        let base =
            serde_json::from_str(r#"{"severity":"Bad","counts":[{"what":"injured"},{"low":2}]}"#).unwrap();
        let fail = Entered::default().into_incident(base).unwrap_err();
        let fields: Vec<&str> = fail.details.iter().map(|detail| detail.field.as_str()).collect();
        assert_eq!(fields, ["counts[1]", "severity"]);
    }
}
