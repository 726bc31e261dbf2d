//! Fields with one value: how text becomes the value of each.

use firsthand_node::ids::DocumentId;
use firsthand_record::{
    Certainty, FollowUp, GeoPrecision, Incident, MediationOutcome, RetaliationRisk, RumourStatus,
    Sensitivity, Severity, Status, Trajectory, Urgency, Verification,
};
use serde::Serialize;
use serde_json::Value;

use super::{Reason, code, people, place, time};

/// Reads the value of the field named `field`: what `--value` takes, and what the option of the field takes.
pub(crate) fn value(field: &str, text: &str) -> Result<Value, Reason> {
    match field {
        "severity" => json(code::<Severity>(text)?),
        "urgency" => json(code::<Urgency>(text)?),
        "certainty" => json(code::<Certainty>(text)?),
        "trajectory" => json(code::<Trajectory>(text)?),
        "status" => json(code::<Status>(text)?),
        "verification" => json(code::<Verification>(text)?),
        "followup" => json(code::<FollowUp>(text)?),
        "sensitivity" => json(code::<Sensitivity>(text)?),
        "retaliation_risk" => json(code::<RetaliationRisk>(text)?),
        "mediation_outcome" => json(code::<MediationOutcome>(text)?),
        "rumour_status" => json(code::<RumourStatus>(text)?),
        "geo_precision" => json(code::<GeoPrecision>(text)?),
        "occurred_start" | "occurred_end" if !text.starts_with('{') => json(time::occurred(text)?),
        "reported_at" => json(time::moment(text)?),
        "retention_until" => json(time::day(text)?),
        "owner" | "rumour_response_message_id" | "merged_into" => id(text),
        "place" if !text.starts_with('{') => {
            json(place::place(text, &place::About::default()).map_err(|detail| detail.reason)?)
        }
        "admin_level" => json(people(text)?),
        "place" | "occurred_start" | "occurred_end" => composite(field, text),
        _ => Ok(Value::String(text.trim().to_owned())),
    }
}

/// The id of a record or a person.
fn id(text: &str) -> Result<Value, Reason> {
    let id: Result<DocumentId, _> = text.trim().parse();
    json(id.map_err(|_| String::from("is not an id of 32 hexadecimal digits"))?)
}

/// A value typed as JSON.
fn composite(field: &str, text: &str) -> Result<Value, Reason> {
    let parsed: Value = serde_json::from_str(text).map_err(|_| String::from("is not JSON"))?;
    let record = serde_json::Map::from_iter([(field.to_owned(), parsed.clone())]);
    if Incident::read(record).unread.is_empty() {
        Ok(parsed)
    } else {
        Err(String::from("has not the right members"))
    }
}

/// A value in the form a record stores it in.
pub(crate) fn json(value: impl Serialize) -> Result<Value, Reason> {
    serde_json::to_value(value).map_err(|_| String::from("is not a finite number"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_becomes_what_the_field_holds() {
        assert_eq!(value("severity", "severe"), Ok(json!("Severe")));
        assert_eq!(value("title", " The bridge "), Ok(json!("The bridge")));
        assert_eq!(value("admin_level", "2"), Ok(json!(2)));
        assert_eq!(value("place", "1.5,2"), Ok(json!({"lat": 1.5, "lon": 2.0, "source": "map_pin"})));
        let place = r#"{"lat":1.5,"lon":2.0,"source":"gps"}"#;
        assert_eq!(value("place", place), Ok(serde_json::from_str(place).unwrap()));
        assert!(value("place", r#"{"lat":"1"}"#).is_err());
        assert!(value("severity", "bad").unwrap_err().contains("Extreme, Severe"));
        assert!(value("occurred_start", "soon").is_err());
    }
}
