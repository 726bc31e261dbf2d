//! Between the record of an incident and its document.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_record::{Incident, Read, Status};
use serde_json::{Map, Value, json};

use crate::layout::SCHEMA_VERSION;
use crate::schema::Letter;
use crate::{DocumentError, DocumentKind, Edit, Schema, View};

/// The fields of a record, for [`crate::Document::create`].
pub fn fields(incident: &Incident) -> Result<Map<String, Value>, DocumentError> {
    to_map(incident)
}

/// The record that a document gives to read, see [`View::shown`].
///
/// What this version cannot read of a known field stands in `extra` under the field's name.
#[must_use]
pub fn read(view: &View) -> Incident {
    let Read { record: mut incident, unread } = Incident::read(view.shown());
    for unread in unread {
        incident.extra.entry(unread.field).or_insert(unread.value);
    }
    incident
}

/// The edits that turn one state of a record into another, for a form that a person filled in. Items without a key are
/// added, items that are gone are withdrawn, and an item that differs is withdrawn and added anew.
///
/// Fields that did not change are left alone, also where their values are in conflict.
pub fn edits(before: &Incident, after: &Incident) -> Result<Vec<Edit>, DocumentError> {
    let (old, new) = (fields(before)?, fields(after)?);
    let schema = Schema::of(&DocumentKind::Incident);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut out = Vec::new();
    for name in names {
        let (old, new) = (old.get(name), new.get(name));
        if old == new || name == SCHEMA_VERSION {
            continue;
        }
        match schema.letter(name) {
            Some(Letter::Once) => return Err(DocumentError::WriteOnce { field: name.clone() }),
            Some(Letter::Derived) => return Err(DocumentError::WrongLetter { field: name.clone() }),
            Some(Letter::Text) => out.push(Edit::ReplaceText {
                field: name.clone(),
                text: new.and_then(Value::as_str).unwrap_or_default().to_owned(),
            }),
            Some(Letter::Add) => list_edits(name, old, new, &mut out),
            Some(Letter::Register | Letter::Safe(_)) | None => {
                if name != "status" && name != "merged_into" {
                    out.push(Edit::Set { field: name.clone(), value: new.cloned().unwrap_or_default() });
                }
            }
        }
    }
    status_edits(before, after, &mut out);
    Ok(out)
}

fn list_edits(list: &str, old: Option<&Value>, new: Option<&Value>, out: &mut Vec<Edit>) {
    let items = |value: Option<&'_ Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let key = |item: &Value| item["key"].as_str().map(str::to_owned);
    let mut old: BTreeMap<String, Value> =
        items(old).into_iter().filter_map(|item| Some((key(&item)?, item))).collect();
    let mut added = Vec::new();
    for item in items(new) {
        let same = key(&item).is_some_and(|key| {
            let same = old.get(&key) == Some(&item);
            if same {
                old.remove(&key);
            }
            same
        });
        if !same {
            added.push(Edit::Add { list: list.to_owned(), value: item });
        }
    }
    out.extend(old.into_keys().map(|key| Edit::Withdraw { key, reason: String::new() }));
    out.extend(added);
}

/// Closing and opening again are items, everything else is the register.
fn status_edits(before: &Incident, after: &Incident, out: &mut Vec<Edit>) {
    let closed = |status: Option<Status>| matches!(status, Some(Status::Closed | Status::MergedInto));
    let same = before.status == after.status && before.merged_into == after.merged_into;
    if same {
        return;
    }
    if closed(before.status) && before.status != after.status {
        out.push(Edit::Reopen { note: String::new() });
    }
    match after.status {
        Some(status) if closed(after.status) => out.push(Edit::Close {
            status: status.code().to_owned(),
            target: after.merged_into,
            note: String::new(),
        }),
        status => out.push(Edit::Set { field: "status".to_owned(), value: json!(status) }),
    }
}

pub(crate) fn to_map(record: &impl serde::Serialize) -> Result<Map<String, Value>, DocumentError> {
    match serde_json::to_value(record) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(DocumentError::Internal),
    }
}
