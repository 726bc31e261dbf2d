//! Who noted an item of a list, and when: filled in where the person does not say.

use firsthand_document::Edit;
use firsthand_ids::PersonId;
use firsthand_record::{Incident, Moment};
use serde_json::{Value, json};

use super::Now;

/// Lists whose items say by whom they were noted.
const BY: &[&str] = &[
    "consent_withdrawn",
    "counts",
    "graded_by",
    "status_log",
    "to_change_done",
    "tombstone",
    "verification_log",
];
/// Lists whose items say when.
const AT: &[&str] = &[
    "consent_withdrawn",
    "counts",
    "go_no_go",
    "graded_by",
    "status_log",
    "to_change_done",
    "verification_log",
];

/// An incident as it is entered here.
pub(super) fn incident(mut incident: Incident, person: PersonId, now: Now) -> Incident {
    let at = Moment::from_local(now);
    for count in &mut incident.counts {
        count.by.get_or_insert(person);
        count.at = count.at.or(at);
    }
    for grading in &mut incident.graded_by {
        grading.by.get_or_insert(person);
        grading.at = grading.at.or(at);
    }
    for step in &mut incident.verification_log {
        step.by.get_or_insert(person);
        step.at = step.at.or(at);
    }
    for withdrawn in &mut incident.consent_withdrawn {
        withdrawn.by.get_or_insert(person);
    }
    for mark in &mut incident.tombstone {
        mark.by.get_or_insert(person);
    }
    incident
}

/// An edit as it is entered here.
pub(super) fn edit(edit: &Edit, person: PersonId, now: Now) -> Edit {
    let Edit::Add { list, value: Value::Object(item) } = edit else { return edit.clone() };
    let mut item = item.clone();
    if BY.contains(&list.as_str()) {
        item.entry("by").or_insert_with(|| json!(person));
    }
    if let (true, Some(at)) = (AT.contains(&list.as_str()), Moment::from_local(now)) {
        item.entry("at").or_insert_with(|| json!(at));
    }
    Edit::Add { list: list.clone(), value: Value::Object(item) }
}
