//! Between the record of a file and its document.

use firsthand_record::Evidence;
use serde_json::{Map, Value};

use crate::{DocumentError, View, incident};

/// The fields of a record, for [`crate::Document::create`].
pub fn fields(evidence: &Evidence) -> Result<Map<String, Value>, DocumentError> {
    incident::to_map(evidence)
}

/// The record that a document gives to read, see [`View::shown`]; `None` where this version cannot read it, which leaves
/// the view.
#[must_use]
pub fn read(view: &View) -> Option<Evidence> {
    Evidence::read(view.shown())
}
