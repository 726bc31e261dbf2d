//! What a shell changes of a record, as edits. It hands in a record of the same kind that holds what changes and leaves out the
//! rest, so that there is no second description of any field.

use firsthand_node::Edit;
use serde::Serialize;
use serde_json::Value;

use crate::ApiError;

/// The fields of a kind of record, by how they are edited.
pub(crate) struct Fields {
    pub(crate) texts: &'static [&'static str],
    pub(crate) lists: &'static [&'static str],
}

/// Sets each field of one value that `changes` holds, replaces each text, and adds each item.
pub(crate) fn edits(fields: &Fields, changes: &impl Serialize) -> Result<Vec<Edit>, ApiError> {
    // Only a number that is not finite cannot be written.
    let json = serde_json::to_value(changes)
        .map_err(|_| ApiError::unreadable("place", "has a number that is not finite"))?;
    let Value::Object(members) = json else { return Ok(Vec::new()) };
    let mut edits = Vec::new();
    for (field, value) in members {
        match value {
            Value::Array(items) if fields.lists.contains(&field.as_str()) => {
                edits.extend(items.into_iter().map(|value| Edit::Add { list: field.clone(), value }));
            }
            Value::String(text) if fields.texts.contains(&field.as_str()) => {
                edits.push(Edit::ReplaceText { field, text });
            }
            value => edits.push(Edit::Set { field, value }),
        }
    }
    Ok(edits)
}

/// Empties fields of one value.
pub(crate) fn clears(fields: Vec<String>) -> Vec<Edit> {
    fields.into_iter().map(|field| Edit::Set { field, value: Value::Null }).collect()
}

#[cfg(test)]
mod tests {
    use firsthand_record::{Count, CountKind, Incident, Severity};

    use super::*;

    #[test]
    fn what_is_left_out_stays() {
        let fields = Fields { texts: Incident::TEXTS, lists: Incident::LISTS };
        assert_eq!(edits(&fields, &Incident::default()).unwrap(), []);
        let changes = Incident {
            severity: Some(Severity::Severe),
            narrative: "They have gone.".to_owned(),
            counts: vec![Count::new(CountKind::Injured, Some(2), Some(2))],
            ..Incident::default()
        };
        let edits = edits(&fields, &changes).unwrap();
        assert_eq!(edits.len(), 3);
        assert!(edits.contains(&Edit::Set { field: "severity".to_owned(), value: "Severe".into() }));
        let text = Edit::ReplaceText { field: "narrative".to_owned(), text: "They have gone.".to_owned() };
        assert!(edits.contains(&text));
        assert!(edits.iter().any(|edit| matches!(edit, Edit::Add { list, .. } if list == "counts")));
    }
}
