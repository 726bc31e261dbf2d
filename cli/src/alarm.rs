//! Saying that somebody is overdue, or that an alarm about them has come, while a command keeps the node running.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use firsthand_node::Event;
use firsthand_node::ids::{DocumentId, PersonId};
use serde::Serialize;

use crate::fail::Fail;
use crate::show::{Out, text, when};

/// Two counts of how long somebody is overdue mean the same if they begin within so many milliseconds. The shortest rule asks for
/// a check-in each minute.
const SAME_MS: i128 = 30_000;

/// What has been said, so that each is said once, whether the node told it or was asked.
pub(crate) struct Said {
    began: Instant,
    alarms: BTreeSet<DocumentId>,
    /// Since when somebody is overdue, in milliseconds from `began`; before it is below zero.
    overdue: BTreeMap<PersonId, i128>,
}

#[derive(Serialize)]
struct AlarmLine {
    event: &'static str,
    person: String,
    name: String,
    state: &'static str,
    check_in: String,
    /// All alarms about them that stand.
    open: Vec<String>,
}

#[derive(Serialize)]
struct OverdueLine {
    event: &'static str,
    person: String,
    name: String,
    shift: String,
    shift_title: String,
    overdue_s: u64,
}

impl Said {
    /// Nothing has been said.
    pub(crate) fn nothing() -> Self {
        Self { began: Instant::now(), alarms: BTreeSet::new(), overdue: BTreeMap::new() }
    }

    fn since(&self, overdue_ms: u64) -> i128 {
        self.began.elapsed().as_millis() as i128 - i128::from(overdue_ms)
    }

    fn is_said(&self, event: &Event) -> bool {
        match event {
            Event::Alarm { open, .. } => open.iter().all(|alarm| self.alarms.contains(alarm)),
            Event::Overdue { person, ms, .. } => {
                self.overdue.get(person).is_some_and(|said| (self.since(*ms) - said).abs() < SAME_MS)
            }
            _ => true,
        }
    }

    /// Says an event, if it is an alarm or somebody overdue that was not said.
    pub(crate) fn say(&mut self, out: Out, event: &Event) -> Result<(), Fail> {
        if self.is_said(event) {
            return Ok(());
        }
        match event {
            Event::Alarm { person, name, state, check_in, open } => {
                self.alarms.extend(open);
                let line = AlarmLine {
                    event: "alarm",
                    person: person.to_string(),
                    name: name.clone(),
                    state: state.code(),
                    check_in: check_in.to_string(),
                    open: open.iter().map(DocumentId::to_string).collect(),
                };
                out.event(&line, |_| format!("! ALARM: {}: {}", text::line(name), state.label()))
            }
            Event::Overdue { person, name, shift, shift_title, ms } => {
                self.overdue.insert(*person, self.since(*ms));
                let line = OverdueLine {
                    event: "overdue",
                    person: person.to_string(),
                    name: name.clone(),
                    shift: shift.to_string(),
                    shift_title: shift_title.clone(),
                    overdue_s: ms / 1_000,
                };
                out.event(&line, |_| {
                    let title = text::line(shift_title);
                    let on = if title.is_empty() { title } else { format!(" ({title})") };
                    format!(
                        "! OVERDUE: {}{on}: nothing heard, {} too late",
                        text::line(name),
                        when::length(*ms)
                    )
                })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_said_once_and_what_is_new_again() {
        let mut said = Said::nothing();
        let (person, shift, one, other) = (
            PersonId::new([1; 16]),
            DocumentId::new([2; 16]),
            DocumentId::new([3; 16]),
            DocumentId::new([4; 16]),
        );
        let out = Out { json: true };
        let overdue =
            |ms| Event::Overdue { person, name: "Esi".into(), shift, shift_title: "East".into(), ms };
        let alarm = |open: &[DocumentId]| Event::Alarm {
            person,
            name: "Esi".into(),
            state: firsthand_record::roster::CheckInState::Missing,
            check_in: one,
            open: open.to_vec(),
        };
        for event in [overdue(600_000), alarm(&[one])] {
            assert!(!said.is_said(&event));
            said.say(out, &event).unwrap();
            assert!(said.is_said(&event));
        }
        assert!(said.is_said(&overdue(601_000)), "the same, counted a moment later");
        assert!(!said.is_said(&overdue(0)), "another check-in was missed");
        assert!(!said.is_said(&alarm(&[one, other])), "another alarm about the same person");
    }
}
