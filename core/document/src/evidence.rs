//! Between the record of a file and its document.

use firsthand_record::Evidence;
use serde_json::{Map, Value, json};

use crate::{DocumentError, View, incident};

/// The fields of a record, for [`crate::Document::create`].
pub fn fields(evidence: &Evidence) -> Result<Map<String, Value>, DocumentError> {
    match serde_json::to_value(evidence) {
        Ok(Value::Object(mut fields)) => {
            fields.remove("schema_version");
            Ok(fields)
        }
        _ => Err(DocumentError::Internal),
    }
}

/// The record that a document gives to read; `None` where this version cannot read it, which leaves the [`View`].
#[must_use]
pub fn read(view: &View) -> Option<Evidence> {
    let mut json = incident::to_json(view);
    json.insert("schema_version".to_owned(), json!(view.schema));
    serde_json::from_value(Value::Object(json)).ok()
}
