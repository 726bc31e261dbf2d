//! The board.

use firsthand_node::{BoardLine, BoardView, Due};
use firsthand_record::roster::CheckInState;
use serde::Serialize;

use super::field_team::{Need, needed};
use crate::fail::Fail;
use crate::home::Session;
use crate::show::{table, text, when};

/// The board in machine output.
#[derive(Serialize)]
struct Board {
    /// A line for each person on each shift, and for each alarm: alarms first, then who is overdue.
    items: Vec<Line>,
    shifts: Vec<Shift>,
    /// Seconds until somebody is overdue next, should nothing be heard.
    next_s: Option<u64>,
}

#[derive(Serialize)]
struct Line {
    person: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    callsign: String,
    shift: Option<String>,
    shift_title: String,
    role: String,
    buddy: Option<String>,
    go: Option<bool>,
    state: Option<&'static str>,
    /// The alarms that stand.
    open: Vec<String>,
    /// Seconds since they were last heard of.
    last_s: Option<u64>,
    /// `not_expected`, `in`, `late` or `overdue`.
    due: &'static str,
    /// Seconds that go with it.
    due_s: Option<u64>,
    place: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
}

#[derive(Serialize)]
struct Shift {
    id: String,
    title: String,
    /// Its team in the field: the id and the name.
    team: Option<String>,
    team_name: String,
    /// Roles of that team that too few people have.
    needs: Vec<Need>,
    status: &'static str,
    risk: Option<String>,
    ends: Option<String>,
    people: usize,
    proposals: u32,
}

/// Shows the board.
pub(super) async fn show(session: &Session, team: Option<String>) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let mut view = node.board().await?;
            if let Some(team) = &team {
                view.keep_team(&node.find_field_team(team.clone()).await?);
            }
            let human = human(&view, team.is_some());
            session.out.data(&machine(view), |_| human)
        })
        .await
}

fn machine(view: BoardView) -> Board {
    let shift = |it: firsthand_node::BoardShift| Shift {
        id: it.id.to_string(),
        title: it.title,
        team: it.team.map(|id| id.to_string()),
        team_name: it.team_name,
        needs: it.needs.iter().map(Need::from).collect(),
        status: it.status.code(),
        risk: it.risk,
        ends: when::machine_noted(it.ends),
        people: it.people,
        proposals: it.proposals,
    };
    Board {
        items: view.lines.into_iter().map(line).collect(),
        shifts: view.shifts.into_iter().map(shift).collect(),
        next_s: view.next_ms.map(|ms| ms / 1_000),
    }
}

fn line(it: BoardLine) -> Line {
    let (due, due_ms) = match it.due {
        Due::NotExpected => ("not_expected", None),
        Due::In(ms) => ("in", Some(ms)),
        Due::Late(ms) => ("late", Some(ms)),
        Due::Overdue(ms) => ("overdue", Some(ms)),
    };
    Line {
        person: it.person.to_string(),
        name: it.name,
        callsign: it.callsign,
        shift: it.shift.map(|id| id.to_string()),
        shift_title: it.shift_title,
        role: it.role,
        buddy: it.buddy,
        go: it.go,
        state: it.state.map(CheckInState::code),
        open: it.open.iter().map(ToString::to_string).collect(),
        last_s: it.last_ms.map(|ms| ms / 1_000),
        due,
        due_s: due_ms.map(|ms| ms / 1_000),
        place: it.place.map(|(lat, lon)| [lat, lon]),
        note: it.note,
    }
}

fn human(view: &BoardView, of_team: bool) -> String {
    if view.lines.is_empty() && view.shifts.is_empty() {
        if of_team {
            return "No shift of this team is on now.".to_owned();
        }
        return "Nobody is on a shift now. Set one up with `firsthand shift add`.".to_owned();
    }
    let shifts = view.shifts.iter().map(|it| {
        let ends = it.ends.map(|ends| format!(", until {}", when::noted(Some(ends)))).unwrap_or_default();
        let proposals = match it.proposals {
            0 => String::new(),
            number => format!(", {}", text::count(u64::from(number), "proposal", "proposals")),
        };
        let people = text::count(it.people as u64, "person", "people");
        let needs = it.needs.iter().map(|need| format!("\n  {}", needed(need))).collect::<String>();
        let team = text::line(&it.team_name);
        let team = if team.is_empty() { team } else { format!(" ({team})") };
        format!("{}{team}: {}, {people}{ends}{proposals}{needs}", title(&it.title), it.status.label())
    });
    let shifts = shifts.collect::<Vec<_>>().join("\n");
    let headings = ["", "who", "how", "last heard", "next", "shift", "role", "buddy", "where, note"];
    let rows = view.lines.iter().map(row).collect();
    let table = table::render(&headings, rows);
    if shifts.is_empty() { table } else { format!("{shifts}\n\n{table}") }
}

fn title(title: &str) -> String {
    if title.is_empty() { "(no title)".to_owned() } else { text::line(title) }
}

fn row(it: &BoardLine) -> Vec<String> {
    // A word, not a colour: it must be read in the sun and aloud.
    let mark = match (it.state.is_some_and(CheckInState::is_alarm), it.due) {
        (true, _) => "ALARM",
        (false, Due::Overdue(_)) => "OVERDUE",
        (false, Due::Late(_)) => "late",
        _ => "",
    };
    let name = text::line(&it.name);
    let who = if it.callsign.is_empty() { name } else { format!("{name} ({})", text::line(&it.callsign)) };
    let next = match it.due {
        Due::NotExpected => String::new(),
        Due::In(ms) => format!("in {}", when::length(ms)),
        Due::Late(ms) => format!("{} late", when::length(ms)),
        Due::Overdue(ms) => format!("overdue {}", when::length(ms)),
    };
    let point = it.place.map(|(lat, lon)| format!("{lat:.4},{lon:.4}"));
    let place = point.or_else(|| Some(text::line(&it.shift_place)).filter(|it| !it.is_empty()));
    let note = Some(text::short(&it.note, 40)).filter(|it| !it.is_empty());
    vec![
        mark.to_owned(),
        who,
        it.state.map_or_else(|| "not heard of".to_owned(), |state| state.label().to_owned()),
        it.last_ms.map_or_else(String::new, |ms| format!("{} ago", when::length(ms))),
        next,
        if it.shift.is_some() { title(&it.shift_title) } else { String::new() },
        text::line(&it.role),
        it.buddy.as_deref().map(text::line).unwrap_or_default(),
        place.into_iter().chain(note).collect::<Vec<_>>().join(" · "),
    ]
}
