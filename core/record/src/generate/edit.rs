use rand_core::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Generator;
use super::words::capital;
use crate::{CodeList, CountKind, Incident, Severity, Status};

/// A change that somebody makes to an incident later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum GeneratedEdit {
    /// Words put into a running text.
    Text {
        /// The text.
        field: String,
        /// Before which character, counted from 0.
        at_char: usize,
        /// The words.
        insert: String,
    },
    /// One value replaced.
    Set {
        /// The field.
        field: String,
        /// Its new value, as the record's JSON has it.
        value: Value,
    },
    /// One item added.
    Add {
        /// The list.
        list: String,
        /// The item, as the record's JSON has it.
        value: Value,
    },
}

impl GeneratedEdit {
    /// The incident after the edit.
    #[must_use]
    pub fn apply(&self, incident: &Incident) -> Incident {
        let mut json = match serde_json::to_value(incident) {
            Ok(Value::Object(json)) => json,
            _ => Map::new(),
        };
        match self {
            Self::Text { field, at_char, insert } => {
                let text = json.get(field).and_then(Value::as_str).unwrap_or_default();
                let at = text.char_indices().nth(*at_char).map_or(text.len(), |(byte, _)| byte);
                let text = format!("{}{insert}{}", &text[..at], &text[at..]);
                json.insert(field.clone(), text.into());
            }
            Self::Set { field, value } => {
                json.insert(field.clone(), value.clone());
            }
            Self::Add { list, value } => {
                let items = json.entry(list.clone()).or_insert_with(|| json!([]));
                if let Value::Array(items) = items {
                    items.push(value.clone());
                }
            }
        }
        Incident::read(json).record
    }
}

impl<R: Rng> Generator<R> {
    /// A plausible later edit of an incident; half of them add to the narrative.
    pub fn edit(&mut self, incident: &Incident) -> GeneratedEdit {
        match self.dice.below(100) {
            0..55 => self.addition(incident),
            55..70 => self.count_added(),
            70..80 => self.set_other("severity", incident.severity, &Severity::ALL[..4]),
            80..92 => {
                self.set_other("status", incident.status, &[Status::Open, Status::Monitoring, Status::Closed])
            }
            _ => self.title_fix(),
        }
    }

    fn addition(&mut self, incident: &Incident) -> GeneratedEdit {
        let tongue = self.tongue();
        let pattern = self.dice.pick(self.tongues[tongue].words.notes);
        let insert = self.tongues[tongue].fill(pattern, &mut self.dice);
        let chars: Vec<char> = incident.narrative.chars().collect();
        // Most people write on; some put it behind the sentence that it belongs to.
        let ends: Vec<usize> = chars
            .windows(2)
            .enumerate()
            .filter(|(_, pair)| pair[0] == '.' && pair[1].is_whitespace())
            .map(|(at, _)| at + 1)
            .collect();
        let at_char =
            if ends.is_empty() || self.dice.percent(60) { chars.len() } else { self.dice.pick(&ends) };
        GeneratedEdit::Text { field: "narrative".to_owned(), at_char, insert }
    }

    fn count_added(&mut self) -> GeneratedEdit {
        let count = self.count(&[]);
        let value = serde_json::to_value(count)
            .unwrap_or_else(|_| json!({"what": CountKind::Present.code(), "low": 1}));
        GeneratedEdit::Add { list: "counts".to_owned(), value }
    }

    fn set_other<C: CodeList + PartialEq>(
        &mut self,
        field: &str,
        now: Option<C>,
        codes: &[C],
    ) -> GeneratedEdit {
        let others: Vec<C> = codes.iter().copied().filter(|code| Some(*code) != now).collect();
        GeneratedEdit::Set { field: field.to_owned(), value: self.dice.pick(&others).code().into() }
    }

    fn title_fix(&mut self) -> GeneratedEdit {
        let tongue = self.tongue();
        let title = self.title(tongue);
        GeneratedEdit::Set { field: "title".to_owned(), value: capital(&title).into() }
    }
}
