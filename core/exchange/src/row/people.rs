//! People of an incident: how many, who they were, and answers of repeated groups that tell of them.

use std::collections::BTreeMap;

use firsthand_record::{Actor, ActorRole, CodeList, Count, CountKind};
use serde_json::Value;

use super::Draft;
use crate::fields::Field;
use crate::value::{plain, range};

/// The fields that count people.
const COUNTS: [(Field, CountKind); 5] = [
    (Field::Present, CountKind::Present),
    (Field::Injured, CountKind::Injured),
    (Field::Arrested, CountKind::Arrested),
    (Field::Dead, CountKind::Dead),
    (Field::Displaced, CountKind::Displaced),
];

const NO_RANGE: &str = "is not a number or a range like 3-5";

impl Draft<'_> {
    pub(super) fn counts(&mut self) {
        for (field, what) in COUNTS {
            let Some((at, text)) = self.text(field) else { continue };
            match range(&text) {
                Some((low, high)) => {
                    self.take(at, "counts");
                    self.incident.counts.push(Count::new(what, low, high));
                }
                None => self.misfit(at, NO_RANGE),
            }
        }
    }

    /// One group of people, where a map says which columns tell of it.
    pub(super) fn actors(&mut self) {
        let Some(role) = self.code::<ActorRole>(Field::ActorRole, CodeList::from_loose) else { return };
        let mut actor = Actor::new(role);
        actor.group_label = self.line(Field::ActorLabel, "actors").unwrap_or_default();
        actor.description = self.line(Field::ActorDescription, "actors").unwrap_or_default();
        if let Some((at, text)) = self.text(Field::ActorCount) {
            match range(&text) {
                Some((low, high)) => {
                    self.take(at, "actors");
                    (actor.count_low, actor.count_high) = (low, high);
                }
                None => self.misfit(at, NO_RANGE),
            }
        }
        self.incident.actors.push(actor);
    }

    /// Answers of repeated groups, where a map says what they are. The group itself is kept whole.
    pub(super) fn repeated(&mut self) {
        let plan = self.setting.plan;
        for (at, fields) in &plan.inner {
            let Some(Value::Array(items)) = self.row.cells.get(at) else { continue };
            for (number, item) in items.iter().enumerate() {
                if let Err((question, reason)) = self.answers(fields, item) {
                    let column = format!("{}[{number}]/{question}", self.name(*at));
                    self.problems.push((column, reason));
                }
            }
        }
    }

    fn answers(&mut self, fields: &BTreeMap<String, Field>, item: &Value) -> Result<(), (String, String)> {
        let mut role = None;
        let (mut label, mut description, mut count) = (String::new(), String::new(), None);
        for (question, field) in fields {
            let Some(text) = item.get(question).and_then(plain).filter(|text| !text.trim().is_empty()) else {
                continue;
            };
            let fault = |reason: String| Err((question.clone(), reason));
            match field {
                Field::ActorRole => match ActorRole::from_loose(&text) {
                    Some(found) => role = Some(found),
                    None => return fault(format!("is none of {}", ActorRole::CODES.join(", "))),
                },
                Field::ActorLabel => text.trim().clone_into(&mut label),
                Field::ActorDescription => text.trim().clone_into(&mut description),
                field => {
                    let Some((low, high)) = range(&text) else { return fault(NO_RANGE.to_owned()) };
                    match COUNTS.iter().find(|(own, _)| own == field) {
                        Some((_, what)) => self.incident.counts.push(Count::new(*what, low, high)),
                        None => count = Some((low, high)),
                    }
                }
            }
        }
        // What a group did is never a guess; without it the answers stay in the list they came in.
        if let Some(role) = role {
            let (count_low, count_high) = count.unwrap_or_default();
            let actor = Actor { group_label: label, description, count_low, count_high, ..Actor::new(role) };
            self.incident.actors.push(actor);
        }
        Ok(())
    }
}
