//! From the documents of people, teams, shifts, check-ins and hand-offs to what counts of them, and to their rows.
//!
//! Of a shift and a hand-off not everybody's items count: leads plan a shift and move it on, each person says themself whether
//! they go, and leads give and take over. Whether somebody led is judged at the membership heads that their entry names, so
//! every device decides the same.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};
use firsthand_document::{Author, Decided, Item, View};
use firsthand_ids::{LocalTime, PersonId, UnixMillis};
use firsthand_record::Moment;
use firsthand_record::roster::{
    CheckIn, CheckInState, FieldTeam, GoNoGo, Handoff, HandoffStanding, Person, Shift, ShiftStatus,
};
use firsthand_store::{
    AssignmentRow, CheckInProjection, FieldTeamProjection, HandoffProjection, PersonProjection,
    ShiftProjection, TrainingRow,
};
use serde_json::{Map, Value};

use super::project::shown;

/// Whether somebody led the team when they made a change: who may close an incident decides in the field.
const fn leads(author: &Author) -> bool {
    author.rights.may_close
}

/// A shift as it counts, and what others would like.
pub(super) struct CountedShift<'a> {
    /// Only with what counts.
    pub(super) shift: Shift,
    /// Assignments by people who do not lead.
    pub(super) assignments: Vec<&'a Item>,
    /// Steps by people who do not lead.
    pub(super) steps: Vec<&'a Item>,
}

pub(super) fn shift(view: &View) -> CountedShift<'_> {
    let mut fields = shown(view);
    let assignments = view.decided("assignments", |author, _| leads(author));
    let steps = view.decided("status_log", |author, _| leads(author));
    let answers = view.decided("go_no_go", |author, item| {
        leads(author) || named(item, "person").is_some_and(|person| person == author.person)
    });
    keep(&mut fields, "assignments", &assignments.counted);
    keep(&mut fields, "status_log", &steps.counted);
    keep(&mut fields, "go_no_go", &answers.counted);
    CountedShift {
        shift: Shift::read(fields).record,
        assignments: assignments.proposed,
        steps: steps.proposed,
    }
}

/// A hand-off as it counts, how far it has come, and the keys of the steps that count because a lead signed them.
pub(super) fn handoff(view: &View) -> (Handoff, HandoffStanding, BTreeSet<String>) {
    let mut fields = shown(view);
    // Anybody may add what is open; only a lead, or who added it, takes it off again.
    for list in ["open_incidents", "open_actions"] {
        let Decided { mut counted, proposed } = view.decided(list, |author, _| leads(author));
        counted.extend(proposed);
        counted.sort_unstable_by_key(|item| item.op);
        keep(&mut fields, list, &counted);
    }
    let by_lead = |list| {
        view.decided(list, |author, item| leads(author) && named(item, "by") == Some(author.person)).counted
    };
    let signed = ["given_by", "accepted_by"].into_iter().flat_map(by_lead).map(|item| item.key.clone());
    let signed: BTreeSet<String> = signed.collect();
    let handoff = Handoff::read(fields).record;
    let standing = handoff.standing(|key| signed.contains(key));
    (handoff, standing, signed)
}

fn named(item: &Item, member: &str) -> Option<PersonId> {
    item.value[member].as_str()?.parse().ok()
}

/// Leaves of a list only these items.
fn keep(fields: &mut Map<String, Value>, list: &str, items: &[&Item]) {
    let items = items.iter().map(|item| {
        let mut value = item.value.clone();
        if let Some(members) = value.as_object_mut() {
            members.insert("key".to_owned(), Value::from(item.key.as_str()));
        }
        value
    });
    fields.insert(list.to_owned(), items.collect());
}

/// Days since 1970-01-01.
pub(super) fn day_number(day: NaiveDate) -> i32 {
    day.num_days_from_ce() - NaiveDate::default().num_days_from_ce()
}

/// `None` where the record does not say who it is.
pub(super) fn person_row(view: &View) -> Option<PersonProjection> {
    let person = Person::read(shown(view)).record;
    let row = PersonProjection {
        person: person.person?,
        name: person.display_name.unwrap_or_default(),
        callsign: person.callsign.unwrap_or_default(),
        status: code(view, "status"),
        languages: person.languages.into_iter().map(|it| it.language).collect(),
        skills: person.skills.into_iter().map(|it| it.skill.code().to_owned()).collect(),
        trainings: person
            .trainings
            .into_iter()
            .map(|it| TrainingRow {
                course: it.course,
                template_id: it.template_id,
                version: it.version,
                day: day_number(it.date),
                expires: it.expires.map(day_number),
                by: it.by,
                run: it.run,
            })
            .collect(),
        conflicts: view.conflicts().count() as u32,
        hidden: view.is_hidden(),
    };
    Some(row)
}

/// A team as it counts: leads say which roles a shift must fill, and how many approve a warning.
pub(super) fn field_team(view: &View) -> FieldTeam {
    let mut fields = shown(view);
    let roles = view.decided("roles_required", |author, _| leads(author));
    keep(&mut fields, "roles_required", &roles.counted);
    let approvals = view.decided("alert_approvals", |author, _| leads(author));
    keep(&mut fields, "alert_approvals", &approvals.counted);
    FieldTeam::read(fields).record
}

pub(super) fn team_row(view: &View) -> FieldTeamProjection {
    let team = field_team(view);
    FieldTeamProjection {
        name: team.name.unwrap_or_default(),
        roles_required: team.roles_required.into_iter().map(|it| (it.role, it.min)).collect(),
        hidden: view.is_hidden(),
    }
}

pub(super) fn shift_row(view: &View) -> ShiftProjection {
    let counted = shift(view);
    let shift = counted.shift;
    let instant = |time: Option<Moment>| time.map(Moment::local_time);
    ShiftProjection {
        team: shift.team,
        starts: instant(shift.start),
        ends: instant(shift.end),
        status: STATUSES.iter().position(|it| *it == shift.status()).unwrap_or(0) as u8,
        rule: shift.check_in_rule.map(|rule| (rule.every_min, rule.grace_min)),
        risk: code(view, "risk_level"),
        place: shift.place_text.clone(),
        go_no_go: shift.answers().into_iter().map(|it| (it.person, it.answer == GoNoGo::Yes)).collect(),
        conflicts: view.conflicts().count() as u32,
        proposals: (counted.assignments.len() + counted.steps.len()) as u32,
        hidden: view.is_hidden(),
        assignments: shift
            .assignments
            .into_iter()
            .map(|it| AssignmentRow {
                item: it.key,
                person: it.person,
                role: it.role,
                buddy: it.buddy,
                begins: it.from.map(Moment::millis),
                ends: it.until.map(Moment::millis),
            })
            .collect(),
        title: shift.title.unwrap_or_default(),
    }
}

/// `None` where it does not say who it is about, or how they are.
pub(super) fn check_in_row(view: &View, created: UnixMillis) -> Option<CheckInProjection> {
    let check_in = CheckIn::read(shown(view)).record;
    let evidence = check_in.clock_evidence.as_ref();
    let at = check_in.at.map_or(LocalTime { at: created, offset_minutes: 0 }, Moment::local_time);
    Some(CheckInProjection {
        person: check_in.person?,
        shift: check_in.shift,
        at,
        best: evidence.and_then(firsthand_record::ClockEvidence::best).unwrap_or(created),
        ticks: evidence.map(|it| (it.boot_id.clone(), it.monotonic_ms)),
        state: code(view, "state")?,
        alarm: check_in.state.is_some_and(CheckInState::is_alarm),
        by_whom: code(view, "by_whom"),
        answers: check_in.answers.unwrap_or_default(),
        place: check_in.place.map(|place| (place.lat.0, place.lon.0)),
        note: check_in.note.unwrap_or_default(),
    })
}

pub(super) fn handoff_row(view: &View) -> HandoffProjection {
    let (handoff, standing, _) = handoff(view);
    HandoffProjection {
        from_shift: handoff.from_shift,
        to_shift: handoff.to_shift,
        given: standing.given,
        taken: standing.taken,
        items: standing.items.len() as u32,
        unsettled: standing.unsettled() as u32,
        hidden: view.is_hidden(),
    }
}

/// The code that is shown, also one that only a newer version knows.
fn code(view: &View, field: &str) -> Option<String> {
    view.value(field).and_then(Value::as_str).map(str::to_owned)
}

/// The statuses of a shift by the number in its row.
pub(super) const STATUSES: [ShiftStatus; 5] = [
    ShiftStatus::Planned,
    ShiftStatus::Briefed,
    ShiftStatus::Active,
    ShiftStatus::StandingDown,
    ShiftStatus::Debriefed,
];
