//! People and shifts that are on their way here: somebody's word until they have come.

use firsthand_node::{ExpectedPersonView, ExpectedShiftView};
use firsthand_record::roster::ShiftStatus;
use serde::Serialize;

use crate::show::{table, text, when};

/// A list in machine output, with what is on its way to it.
#[derive(Serialize)]
pub(super) struct Listed<T, E> {
    /// Everything that is here.
    pub(super) items: Vec<T>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) expected: Vec<E>,
}

/// Somebody of whom a record is on its way here, in machine output.
#[derive(Serialize)]
pub(super) struct Somebody {
    person: String,
    name: String,
    callsign: String,
    status: Option<String>,
    languages: Vec<String>,
    skills: Vec<String>,
    told_by: String,
}

impl From<ExpectedPersonView> for Somebody {
    fn from(it: ExpectedPersonView) -> Self {
        Self {
            person: it.told.person.to_string(),
            name: it.told.name,
            callsign: it.told.callsign,
            status: it.told.status,
            languages: it.told.languages,
            skills: it.told.skills,
            told_by: it.told_by,
        }
    }
}

/// A shift that is on its way here, in machine output.
#[derive(Serialize)]
pub(super) struct Shift {
    title: String,
    team: String,
    /// Corners, degrees north and east.
    area: Vec<[f64; 2]>,
    place: String,
    risk: Option<String>,
    status: &'static str,
    start: Option<String>,
    end: Option<String>,
    people: Vec<OnShift>,
    told_by: String,
}

#[derive(Serialize)]
struct OnShift {
    person: String,
    name: String,
    role: String,
    buddy: Option<String>,
}

impl From<ExpectedShiftView> for Shift {
    fn from(it: ExpectedShiftView) -> Self {
        let told = it.told;
        let people = told.assignments.into_iter().zip(it.names).map(|(on, name)| OnShift {
            person: on.person.to_string(),
            name,
            role: on.role,
            buddy: on.buddy.map(|buddy| buddy.to_string()),
        });
        Self {
            people: people.collect(),
            title: told.title,
            team: told.team,
            area: told.area.into_iter().map(|(lat, lon)| [lat, lon]).collect(),
            place: told.place,
            risk: told.risk,
            status: super::shift::STATUSES
                .get(usize::from(told.status))
                .map_or_else(|| ShiftStatus::Planned.code(), |it| it.code()),
            start: when::machine_noted(told.starts),
            end: when::machine_noted(told.ends),
            told_by: it.told_by,
        }
    }
}

/// What a person reads below the list of people.
pub(super) fn people(expected: &[Somebody]) -> String {
    let row = |it: &Somebody| {
        vec![
            text::line(&it.name),
            text::line(&it.callsign),
            it.status.as_deref().map(text::line).unwrap_or_default(),
            text::line(&it.languages.join(", ")),
            text::line(&it.skills.join(", ")),
            text::line(&it.told_by),
        ]
    };
    let headings = ["name", "callsign", "status", "languages", "skills", "told by"];
    below(expected, "person is", "people are", &headings, row)
}

/// What a person reads below the list of shifts.
pub(super) fn shifts(expected: &[Shift]) -> String {
    let row = |it: &Shift| {
        let on = |it: &OnShift| format!("{} ({})", text::line(&it.name), text::line(&it.role));
        vec![
            text::line(&it.title),
            text::line(&it.team),
            super::shift::label(it.status),
            it.start.clone().unwrap_or_default(),
            it.end.clone().unwrap_or_default(),
            text::line(&it.place),
            it.people.iter().map(on).collect::<Vec<_>>().join(", "),
            text::line(&it.told_by),
        ]
    };
    let headings = ["title", "team", "status", "start", "end", "meets", "people", "told by"];
    below(expected, "shift is", "shifts are", &headings, row)
}

fn below<T>(
    expected: &[T],
    one: &str,
    many: &str,
    headings: &[&str],
    row: impl FnMut(&T) -> Vec<String>,
) -> String {
    if expected.is_empty() {
        return String::new();
    }
    let count = text::count(expected.len() as u64, one, many);
    let head = format!("{count} on the way here. This is what others say of them; nothing is verified yet.");
    format!("{head}\n{}", table::render(headings, expected.iter().map(row).collect()))
}

/// A list and what stands below it.
pub(super) fn join(list: String, below: String) -> String {
    if below.is_empty() { list } else { format!("{list}\n\n{below}") }
}
