//! Saying that somebody is overdue, or that an alarm about them has come, while a command keeps the node running.

use std::collections::BTreeSet;

use firsthand_node::ids::{DocumentId, PersonId};
use firsthand_node::{Event, Node};
use serde::Serialize;

use crate::fail::Fail;
use crate::show::{Out, text, when};

/// What has been said, so that what the node tells late is said once.
#[derive(Default)]
pub(crate) struct Said {
    alarms: BTreeSet<DocumentId>,
    overdue: BTreeSet<PersonId>,
}

#[derive(Serialize)]
struct AlarmLine {
    event: &'static str,
    person: String,
    name: String,
    state: &'static str,
    check_in: String,
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
    /// Says an event, if it is an alarm or somebody overdue. The node tells each once.
    pub(crate) fn say(&mut self, out: Out, event: &Event) -> Result<(), Fail> {
        match event {
            Event::Alarm { person, name, state, check_in } => {
                self.alarms.insert(*check_in);
                let line = AlarmLine {
                    event: "alarm",
                    person: person.to_string(),
                    name: name.clone(),
                    state: state.code(),
                    check_in: check_in.to_string(),
                };
                out.event(&line, |_| format!("! ALARM: {}: {}", text::line(name), state.label()))
            }
            Event::Overdue { person, name, shift, shift_title, ms } => {
                self.overdue.insert(*person);
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

    /// What stands and was not said: the node tells what a meeting brought only after its end, when the program may end too.
    pub(crate) async fn unsaid(&self, node: &Node) -> Result<Vec<Event>, Fail> {
        let mut standing = node.alarms().await?;
        standing.retain(|event| match event {
            Event::Alarm { check_in, .. } => !self.alarms.contains(check_in),
            Event::Overdue { person, .. } => !self.overdue.contains(person),
            _ => false,
        });
        Ok(standing)
    }
}
