//! The board: who is on, with whom, how they are, and who has not been heard of for too long.
//!
//! It is worked out from rows alone; no document is loaded. Time is the steady clock's, so that no clock that is set raises or
//! silences an alarm.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

use firsthand_ids::{DocumentId, LocalTime, PersonId};
use firsthand_record::roster::{CheckInRule, CheckInState, RoleNeed, ShiftStatus};
use firsthand_store::{AssignmentRow, CheckInRow, Heard, Listed, ShiftProjection};

use super::people::Names;
use super::steady::Steady;
use super::{Ledger, Now, field_teams, roster};
use crate::{Event, NodeError};

/// Who is on, and how they are.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardView {
    /// The shifts that are on, in the order in which they begin.
    pub shifts: Vec<BoardShift>,
    /// A line for each person on each shift, and for everybody about whom an alarm stands: alarms first, then who is overdue,
    /// the longest first, then who is due next.
    pub lines: Vec<BoardLine>,
    /// Milliseconds until somebody is overdue next, should nothing be heard; `None` where nobody will be.
    pub next_ms: Option<u64>,
}

/// A shift that is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardShift {
    /// The document.
    pub id: DocumentId,
    /// What people call it.
    pub title: String,
    /// Its team in the field.
    pub team: Option<DocumentId>,
    /// The name of that team; empty where it is not here.
    pub team_name: String,
    /// Roles of that team that too few people have.
    pub needs: Vec<RoleNeed>,
    /// How far it has come.
    pub status: ShiftStatus,
    /// The code of the level of danger.
    pub risk: Option<String>,
    /// When it is to end.
    pub ends: Option<LocalTime>,
    /// How many people are on it.
    pub people: usize,
    /// What others would like.
    pub proposals: u32,
}

/// Somebody on the board.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardLine {
    /// Who.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Their name on the radio; empty where there is none.
    pub callsign: String,
    /// The shift; `None` for somebody about whom an alarm stands and who is on none.
    pub shift: Option<DocumentId>,
    /// What people call it.
    pub shift_title: String,
    /// What they do in it.
    pub role: String,
    /// The name of who looks after them.
    pub buddy: Option<String>,
    /// Whether they said that they go.
    pub go: Option<bool>,
    /// How they are; `None` where nobody ever said. On the device of the person themself covert distress reads as OK.
    pub state: Option<CheckInState>,
    /// The alarms that stand.
    pub open: Vec<DocumentId>,
    /// The check-in that says how they are.
    pub by: Option<DocumentId>,
    /// Milliseconds since they were last heard of.
    pub last_ms: Option<u64>,
    /// Where they were then: degrees north and east.
    pub place: Option<(f64, f64)>,
    /// Where the shift is, in words.
    pub shift_place: String,
    /// What was said then.
    pub note: String,
    /// When they are to be heard of next.
    pub due: Due,
}

/// When somebody is to be heard of next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nobody waits for word of them: there is no rule, or they are off site.
    NotExpected,
    /// In so many milliseconds.
    In(u64),
    /// They are late by so many milliseconds, and still within the time of grace.
    Late(u64),
    /// Overdue for so many milliseconds.
    Overdue(u64),
}

impl BoardLine {
    /// What decides about its place: the smaller is higher up.
    fn rank(&self) -> (u8, u64) {
        match (self.state.filter(|state| state.is_alarm()), self.due) {
            (Some(state), _) => (state.protective(), 0),
            (None, Due::Overdue(ms)) => (10, u64::MAX - ms),
            (None, Due::Late(ms)) => (11, u64::MAX - ms),
            (None, Due::In(ms)) => (12, ms),
            (None, Due::NotExpected) => (13, 0),
        }
    }
}

/// What is known of a person.
struct Known {
    last: Option<CheckInRow>,
    heard: Option<Heard>,
    /// What was said when they were last heard of.
    off_site: bool,
    state: Option<CheckInState>,
    open: Vec<DocumentId>,
    by: Option<DocumentId>,
}

impl BoardView {
    /// Leaves the shifts of one team in the field, and the people on them. An alarm about somebody who is on no shift stays: no
    /// other board would show it.
    pub fn keep_team(&mut self, team: &DocumentId) {
        self.shifts.retain(|shift| shift.team.as_ref() == Some(team));
        let shifts: BTreeSet<DocumentId> = self.shifts.iter().map(|shift| shift.id).collect();
        self.lines.retain(|line| line.shift.is_none_or(|shift| shifts.contains(&shift)));
    }
}

impl Ledger {
    /// Who is on, and how they are.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn board(&mut self, now: Now) -> Result<BoardView, NodeError> {
        self.apply_untried()?;
        let steady = self.note_heard(now)?;
        let names = self.names()?;
        let teams = self.store.field_teams()?;
        let alarmed: BTreeSet<PersonId> = self.store.alarmed()?.into_iter().collect();
        let mut known: BTreeMap<PersonId, Known> = BTreeMap::new();
        let mut board = BoardView { shifts: Vec::new(), lines: Vec::new(), next_ms: None };
        for shift in self.store.running_shifts()? {
            let active = self.store.heard(shift.id.as_bytes())?;
            let mut lines = Vec::new();
            for assigned in &shift.row.assignments {
                let known = match known.entry(assigned.person) {
                    Entry::Occupied(held) => held.into_mut(),
                    Entry::Vacant(free) => free.insert(self.known(&assigned.person, &alarmed)?),
                };
                let wait = wait(&shift.row, assigned, active, known, steady);
                if let Some(ms) = wait.and_then(|wait| wait.next_ms) {
                    board.next_ms = Some(board.next_ms.map_or(ms, |next| next.min(ms)));
                }
                let due = wait.map_or(Due::NotExpected, |wait| wait.due);
                lines.push(line(&names, &shift, assigned, known, steady, due));
            }
            if is_on(&shift.row, steady)
                || lines.iter().any(|it| matches!(it.due, Due::Overdue(_) | Due::Late(_)))
            {
                let team = teams.iter().find(|team| Some(team.id) == shift.row.team);
                let assigned = shift.row.assignments.iter().map(|it| (it.role.as_str(), it.person));
                board.shifts.push(BoardShift {
                    id: shift.id,
                    team: shift.row.team,
                    team_name: team.map_or_else(String::new, |team| team.row.name.clone()),
                    needs: field_teams::needs(team, assigned),
                    status: status(&shift.row),
                    people: shift.row.assignments.iter().map(|it| it.person).collect::<BTreeSet<_>>().len(),
                    risk: shift.row.risk,
                    ends: shift.row.ends,
                    proposals: shift.row.proposals,
                    title: shift.row.title,
                });
                board.lines.extend(lines);
            }
        }
        for person in alarmed {
            let known = self.known(&person, &BTreeSet::from([person]))?;
            if !known.open.is_empty() && !board.lines.iter().any(|line| line.person == person) {
                board.lines.push(off_shift(&names, person, &known, steady));
            }
        }
        board.lines.sort_by_cached_key(|line| (line.rank(), line.name.to_lowercase(), line.person));
        Ok(board)
    }

    fn known(&self, person: &PersonId, alarmed: &BTreeSet<PersonId>) -> Result<Known, NodeError> {
        let last = self.store.check_ins(person, 1)?.pop();
        let heard = self.store.heard(person.as_bytes())?;
        let alarms = if alarmed.contains(person) { self.store.alarms(person)? } else { Vec::new() };
        let standing = last.as_ref().and_then(|last| self.standing_of(person, alarms, last));
        let heard_last = heard.and_then(|heard| heard.check_in);
        let off_site = match (&last, heard_last) {
            (Some(last), Some(id)) if last.id == id => last.row.state == CheckInState::OffSite.code(),
            (_, Some(id)) => {
                self.store.check_in(&id)?.is_some_and(|it| it.row.state == CheckInState::OffSite.code())
            }
            (_, None) => false,
        };
        Ok(Known {
            last,
            heard,
            off_site,
            state: standing.as_ref().map(|it| it.state),
            by: standing.as_ref().map(|it| it.by),
            open: standing.map_or_else(Vec::new, |it| it.open),
        })
    }
}

fn status(shift: &ShiftProjection) -> ShiftStatus {
    roster::STATUSES.get(usize::from(shift.status)).copied().unwrap_or(ShiftStatus::Debriefed)
}

/// Whether a shift shows on the board: a lead moved it on, or its time has come.
fn is_on(shift: &ShiftProjection, steady: Steady) -> bool {
    let begun = shift.starts.is_some_and(|starts| steady.of(starts.at) <= steady.now);
    let over = shift.ends.is_some_and(|ends| steady.of(ends.at) <= steady.now);
    match status(shift) {
        ShiftStatus::Planned => begun && !over,
        ShiftStatus::Briefed => begun,
        ShiftStatus::Active | ShiftStatus::StandingDown => true,
        ShiftStatus::Debriefed => false,
    }
}

/// When word of somebody is waited for.
#[derive(Clone, Copy)]
struct Wait {
    due: Due,
    /// Until they are overdue; `None` where they are.
    next_ms: Option<u64>,
}

/// When word of somebody on a shift is waited for; `None` where nobody waits.
///
/// They are waited for from the beginning of the shift: the planned one, or when this device heard that the shift is active,
/// whichever was first. A shift that nobody moved on is waited for until its planned end, unless somebody was heard of since
/// it began. Who was not overdue when their time ended is not waited for after it; who was, stays so.
fn wait(
    shift: &ShiftProjection,
    assigned: &AssignmentRow,
    active: Option<Heard>,
    known: &Known,
    steady: Steady,
) -> Option<Wait> {
    let (every_min, grace_min) = shift.rule?;
    let rule = CheckInRule { every_min, grace_min };
    let planned = shift.starts.map(|starts| steady.of(starts.at));
    let moved = active.filter(|_| status(shift) >= ShiftStatus::Active).map(|heard| heard.at);
    let begin = match (planned, moved) {
        (Some(planned), Some(moved)) => planned.min(moved),
        (one, other) => one.or(other)?,
    };
    let begin = assigned.begins.map_or(begin, |begins| begin.max(steady.of(begins)));
    let since = known.heard.filter(|heard| heard.at >= begin);
    if since.is_some() && known.off_site {
        return None;
    }
    let from = since.map_or(begin, |heard| heard.at);
    let (every, all) = (i64::from(every_min) * 60_000, i64::try_from(rule.due_ms()).unwrap_or(i64::MAX));
    let (due_at, overdue_at) = (from.saturating_add(every), from.saturating_add(all));
    let unmoved = status(shift) == ShiftStatus::Planned && since.is_none();
    let ends = assigned.ends.or_else(|| shift.ends.filter(|_| unmoved).map(|ends| ends.at));
    if let Some(ends) = ends.map(|ends| steady.of(ends))
        && overdue_at >= ends
        && steady.now >= ends
    {
        return None;
    }
    let past = |at: i64| u64::try_from(steady.now.saturating_sub(at)).ok();
    let until = |at: i64| u64::try_from(at.saturating_sub(steady.now)).unwrap_or(0);
    let due = match (past(overdue_at), past(due_at)) {
        (Some(ms), _) => Due::Overdue(ms),
        (None, Some(ms)) => Due::Late(ms),
        (None, None) if begin > steady.now => Due::NotExpected,
        (None, None) => Due::In(until(due_at)),
    };
    let next_ms = (!matches!(due, Due::Overdue(_))).then(|| until(overdue_at));
    Some(Wait { due, next_ms })
}

fn off_shift(names: &Names, person: PersonId, known: &Known, steady: Steady) -> BoardLine {
    let last = known.last.as_ref();
    BoardLine {
        person,
        name: names.of(&person),
        callsign: names.callsign(&person),
        shift: None,
        shift_title: String::new(),
        role: String::new(),
        buddy: None,
        go: None,
        state: known.state,
        open: known.open.clone(),
        by: known.by,
        last_ms: known.heard.map(|heard| u64::try_from(steady.now.saturating_sub(heard.at)).unwrap_or(0)),
        place: last.and_then(|last| last.row.place),
        shift_place: String::new(),
        note: last.map_or_else(String::new, |last| last.row.note.clone()),
        due: Due::NotExpected,
    }
}

fn line(
    names: &Names,
    shift: &Listed<ShiftProjection>,
    assigned: &AssignmentRow,
    known: &Known,
    steady: Steady,
    due: Due,
) -> BoardLine {
    BoardLine {
        shift: Some(shift.id),
        shift_title: shift.row.title.clone(),
        shift_place: shift.row.place.clone(),
        role: assigned.role.clone(),
        buddy: assigned.buddy.map(|buddy| names.of(&buddy)),
        go: shift.row.go_no_go.iter().find(|(person, _)| *person == assigned.person).map(|(_, go)| *go),
        due,
        ..off_shift(names, assigned.person, known, steady)
    }
}

/// Tells observers what a board newly shows: each alarm once, and each missed check-in once.
#[derive(Debug, Default)]
pub struct Watch {
    alarms: BTreeSet<DocumentId>,
    overdue: BTreeMap<PersonId, Option<DocumentId>>,
}

impl Watch {
    /// What is new since the last look, and in how many milliseconds to look again should nothing happen.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn look(&mut self, ledger: &mut Ledger, now: Now) -> Result<(Vec<Event>, Option<u64>), NodeError> {
        let board = ledger.board(now)?;
        let mut events = Vec::new();
        let mut open = BTreeSet::new();
        let mut overdue = BTreeMap::new();
        for line in &board.lines {
            open.extend(line.open.iter().copied());
            if let (Some(state), Some(check_in)) = (line.state.filter(|state| state.is_alarm()), line.by)
                && line.open.iter().any(|id| !self.alarms.contains(id))
                && !events
                    .iter()
                    .any(|it| matches!(it, Event::Alarm { person, .. } if *person == line.person))
            {
                let (person, name, open) = (line.person, line.name.clone(), line.open.clone());
                events.push(Event::Alarm { person, name, state, check_in, open });
            }
            if let (Due::Overdue(ms), Some(shift)) = (line.due, line.shift) {
                // The same check-in that was not followed by another is missed once, on however many shifts.
                let missed = ledger.store().heard(line.person.as_bytes())?.and_then(|heard| heard.check_in);
                if self.overdue.get(&line.person) != Some(&missed) && !overdue.contains_key(&line.person) {
                    let (person, name) = (line.person, line.name.clone());
                    let shift_title = line.shift_title.clone();
                    events.push(Event::Overdue { person, name, shift, shift_title, ms });
                }
                overdue.insert(line.person, missed);
            }
        }
        if !events.is_empty() {
            // What was raised must not be taken back by a start with another clock.
            ledger.keep_heard(None)?;
        }
        (self.alarms, self.overdue) = (open, overdue);
        Ok((events, board.next_ms))
    }
}
