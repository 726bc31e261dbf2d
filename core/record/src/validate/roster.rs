//! People, teams, shifts, check-ins, hand-offs and debriefs.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{PersonId, UnixMillis};
use geo::algorithm::Validation;
use geo::{Coord, LineString, Polygon};

use super::{Context, Finding, Findings, Rule, limits, place, text};
use crate::roster::{
    Area, Assignment, CheckIn, EmergencyContact, FieldTeam, Handoff, Person, Shift, role_needs,
};
use crate::{Care, Debrief, Moment, Tombstone};

/// Corners of an area. A city's border in fair detail has some hundred.
const CORNERS: usize = 1_000;

/// Minutes of a check-in rule: a day.
const RULE_MINUTES: u32 = 24 * 60;

/// The longest shift that is not odd.
const SHIFT_MS: i64 = 24 * 60 * 60 * 1000;

/// Judges the record of a person.
#[must_use]
pub fn person(person: &Person) -> Vec<Finding> {
    let mut found = Findings::default();
    found.add_if(person.person.is_none(), "person", Rule::Missing);
    name(person.display_name.as_deref(), "display_name", true, &mut found);
    name(person.callsign.as_deref(), "callsign", false, &mut found);
    for (index, spoken) in person.languages.iter().enumerate() {
        name(Some(&spoken.language), &format!("languages[{index}].language"), true, &mut found);
    }
    for (index, held) in person.skills.iter().enumerate() {
        text::line(&held.note, limits::NAME, &format!("skills[{index}].note"), &mut found);
    }
    for (index, training) in person.trainings.iter().enumerate() {
        name(Some(&training.course), &format!("trainings[{index}].course"), true, &mut found);
        let backwards = training.expires.is_some_and(|last| last < training.date);
        found.add_if(backwards, &format!("trainings[{index}].expires"), Rule::EndBeforeStart);
    }
    let lists = [
        (person.languages.len(), "languages"),
        (person.skills.len(), "skills"),
        (person.trainings.len(), "trainings"),
    ];
    counts(&lists, &person.tombstone, &mut found);
    found.0
}

/// Judges whom to call.
#[must_use]
pub fn emergency_contact(contact: &EmergencyContact) -> Vec<Finding> {
    let mut found = Findings::default();
    found.add_if(contact.person.is_none(), "person", Rule::Missing);
    name(contact.name.as_deref(), "name", true, &mut found);
    name(contact.phone.as_deref(), "phone", true, &mut found);
    name(contact.relation.as_deref(), "relation", false, &mut found);
    text::check(&contact.note, limits::TEXT, "note", &mut found);
    counts(&[], &contact.tombstone, &mut found);
    found.0
}

/// Judges a team.
#[must_use]
pub fn team(team: &FieldTeam) -> Vec<Finding> {
    let mut found = Findings::default();
    name(team.name.as_deref(), "name", true, &mut found);
    if let Some(ring) = &team.area {
        area(ring, "area", &mut found);
    }
    text::check(&team.comms_plan, limits::TEXT, "comms_plan", &mut found);
    for (index, required) in team.roles_required.iter().enumerate() {
        name(Some(&required.role), &format!("roles_required[{index}].role"), true, &mut found);
        found.add_if(required.min == 0, &format!("roles_required[{index}].min"), Rule::OutOfRange);
    }
    for (index, rule) in team.alert_approvals.iter().enumerate() {
        let possible = (1..=limits::APPROVALS).contains(&rule.required);
        found.add_if(!possible, &format!("alert_approvals[{index}].required"), Rule::OutOfRange);
    }
    let lists =
        [(team.roles_required.len(), "roles_required"), (team.alert_approvals.len(), "alert_approvals")];
    counts(&lists, &team.tombstone, &mut found);
    found.0
}

/// What is known around a shift when it is judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShiftContext {
    /// Roles that its team requires, and how many of each.
    pub roles_required: BTreeMap<String, u32>,
    /// Who may be assigned; `None` where that is not known.
    pub active: Option<BTreeSet<PersonId>>,
}

/// Judges a shift. Who is alone, who is not there any more, and what nobody does, is marked: the lead decides.
#[must_use]
pub fn shift(shift: &Shift, context: &Context, around: &ShiftContext) -> Vec<Finding> {
    let mut found = Findings::default();
    name(shift.title.as_deref(), "title", false, &mut found);
    found.add_if(shift.start.is_none(), "start", Rule::Missing);
    found.add_if(shift.end.is_none(), "end", Rule::Missing);
    if let (Some(start), Some(end)) = (shift.start, shift.end) {
        found.add_if(end.millis() < start.millis(), "end", Rule::EndBeforeStart);
        found.add_if(end.millis().0 - start.millis().0 > SHIFT_MS, "end", Rule::VeryLong);
    }
    if let Some(at) = &shift.place {
        place::check(at, "place", context, &mut found);
    }
    if let Some(rule) = &shift.check_in_rule {
        let possible = (1..=RULE_MINUTES).contains(&rule.every_min) && rule.grace_min <= RULE_MINUTES;
        found.add_if(!possible, "check_in_rule", Rule::OutOfRange);
    }
    text::check(&shift.briefing, limits::TEXT, "briefing", &mut found);
    text::check(&shift.place_text, limits::TEXT, "place_text", &mut found);
    assignments(shift, around, &mut found);
    for (index, step) in shift.go_no_go.iter().enumerate() {
        text::line(&step.note, limits::DESCRIPTION, &format!("go_no_go[{index}].note"), &mut found);
    }
    let lists = [
        (shift.assignments.len(), "assignments"),
        (shift.go_no_go.len(), "go_no_go"),
        (shift.status_log.len(), "status_log"),
    ];
    counts(&lists, &shift.tombstone, &mut found);
    found.0
}

fn assignments(shift: &Shift, around: &ShiftContext, found: &mut Findings) {
    for (index, assigned) in shift.assignments.iter().enumerate() {
        let field = |name: &str| format!("assignments[{index}].{name}");
        name(Some(&assigned.role), &field("role"), true, found);
        let backwards = span(shift, assigned).is_some_and(|(from, until)| until < from);
        found.add_if(backwards, &field("until"), Rule::EndBeforeStart);
        if let Some(active) = &around.active {
            found.add_if(!active.contains(&assigned.person), &field("person"), Rule::NotActive);
        }
        match assigned.buddy {
            None => found.add(field("person"), Rule::NoBuddy),
            Some(buddy) if buddy == assigned.person => found.add(field("buddy"), Rule::OwnBuddy),
            Some(buddy) => {
                let together =
                    shift.assignments.iter().any(|it| it.person == buddy && overlap(shift, it, assigned));
                found.add_if(!together, &field("buddy"), Rule::BuddyElsewhere);
            }
        }
    }
    let required = around.roles_required.iter().map(|(role, min)| (role.as_str(), *min));
    let assigned = shift.assignments.iter().map(|it| (it.role.as_str(), it.person));
    for need in role_needs(required, assigned) {
        found.add(format!("roles_required.{}", need.role), Rule::RoleNotFilled);
    }
}

fn span(shift: &Shift, assigned: &Assignment) -> Option<(UnixMillis, UnixMillis)> {
    let at = |own: Option<Moment>, else_at: Option<Moment>| own.or(else_at).map(Moment::millis);
    Some((at(assigned.from, shift.start)?, at(assigned.until, shift.end)?))
}

fn overlap(shift: &Shift, one: &Assignment, other: &Assignment) -> bool {
    match (span(shift, one), span(shift, other)) {
        (Some((from, until)), Some((from_other, until_other))) => from < until_other && from_other < until,
        _ => true,
    }
}

/// Judges a check-in.
#[must_use]
pub fn check_in(check_in: &CheckIn, context: &Context) -> Vec<Finding> {
    let mut found = Findings::default();
    found.add_if(check_in.person.is_none(), "person", Rule::Missing);
    found.add_if(check_in.state.is_none(), "state", Rule::Missing);
    found.add_if(check_in.at.is_none(), "at", Rule::Missing);
    if let Some(at) = check_in.at {
        found.add_if(at.millis().0 - context.clock().0 > limits::FUTURE_MS, "at", Rule::InTheFuture);
    }
    if let Some(at) = &check_in.place {
        place::check(at, "place", context, &mut found);
    }
    if let Some(note) = &check_in.note {
        text::check(note, limits::DESCRIPTION, "note", &mut found);
    }
    let answers = check_in.answers.as_ref().map_or(0, Vec::len);
    counts(&[(answers, "answers")], &check_in.tombstone, &mut found);
    found.0
}

/// Judges a hand-off.
#[must_use]
pub fn handoff(handoff: &Handoff) -> Vec<Finding> {
    let mut found = Findings::default();
    found.add_if(handoff.from_shift.is_none(), "from_shift", Rule::Missing);
    let same = handoff.from_shift.is_some() && handoff.from_shift == handoff.to_shift;
    found.add_if(same, "to_shift", Rule::LeadsToItself);
    text::check(&handoff.hazards, limits::TEXT, "hazards", &mut found);
    text::check(&handoff.contacts_made, limits::TEXT, "contacts_made", &mut found);
    for (list, items) in
        [("open_incidents", &handoff.open_incidents), ("open_actions", &handoff.open_actions)]
    {
        for (index, item) in items.iter().enumerate() {
            text::check(&item.text, limits::DESCRIPTION, &format!("{list}[{index}].text"), &mut found);
            let says_nothing = item.document.is_none() && item.text.trim().is_empty();
            found.add_if(says_nothing, &format!("{list}[{index}]"), Rule::Empty);
        }
    }
    for (index, thing) in handoff.equipment.iter().enumerate() {
        name(Some(&thing.text), &format!("equipment[{index}].text"), true, &mut found);
    }
    for (index, step) in handoff.accepted_by.iter().enumerate() {
        text::check(&step.note, limits::DESCRIPTION, &format!("accepted_by[{index}].note"), &mut found);
    }
    let lists = [
        (handoff.open_incidents.len(), "open_incidents"),
        (handoff.open_actions.len(), "open_actions"),
        (handoff.equipment.len(), "equipment"),
        (handoff.given_by.len(), "given_by"),
        (handoff.accepted_by.len(), "accepted_by"),
    ];
    counts(&lists, &handoff.tombstone, &mut found);
    found.0
}

/// Judges a debrief.
#[must_use]
pub fn debrief(debrief: &Debrief) -> Vec<Finding> {
    let mut found = Findings::default();
    found.add_if(debrief.shift.is_none() && debrief.incident.is_none(), "shift", Rule::Missing);
    text::check(&debrief.what_planned, limits::TEXT, "what_planned", &mut found);
    text::check(&debrief.what_happened, limits::TEXT, "what_happened", &mut found);
    for (list, items) in [("what_went_well", &debrief.what_went_well), ("near_miss", &debrief.near_miss)] {
        for (index, item) in items.iter().enumerate() {
            sentence(&item.text, &format!("{list}[{index}].text"), &mut found);
        }
    }
    for (index, item) in debrief.to_change.iter().enumerate() {
        sentence(&item.text, &format!("to_change[{index}].text"), &mut found);
    }
    for (index, grade) in debrief.methods_effective.iter().enumerate() {
        name(Some(&grade.method), &format!("methods_effective[{index}].method"), true, &mut found);
        let possible = (-2..=2).contains(&grade.score);
        found.add_if(!possible, &format!("methods_effective[{index}].score"), Rule::OutOfRange);
    }
    let lists = [
        (debrief.participants.len(), "participants"),
        (debrief.what_went_well.len(), "what_went_well"),
        (debrief.to_change.len(), "to_change"),
        (debrief.to_change_done.len(), "to_change_done"),
        (debrief.methods_effective.len(), "methods_effective"),
        (debrief.near_miss.len(), "near_miss"),
    ];
    counts(&lists, &debrief.tombstone, &mut found);
    found.0
}

/// Judges a care check.
#[must_use]
pub fn care(care: &Care) -> Vec<Finding> {
    let mut found = Findings::default();
    found.add_if(care.person.is_none(), "person", Rule::Missing);
    let says_nothing = care.wellbeing.is_none() && care.wants_contact.is_none() && care.note.is_none();
    found.add_if(says_nothing, "wellbeing", Rule::Missing);
    let possible = care.wellbeing.is_none_or(|wellbeing| (1..=5).contains(&wellbeing));
    found.add_if(!possible, "wellbeing", Rule::OutOfRange);
    if let Some(note) = &care.note {
        text::check(note, limits::TEXT, "note", &mut found);
    }
    counts(&[], &care.tombstone, &mut found);
    found.0
}

pub(super) fn name(name: Option<&str>, field: &str, required: bool, found: &mut Findings) {
    let text = name.unwrap_or_default();
    text::line(text, limits::NAME, field, found);
    found.add_if(required && text.trim().is_empty(), field, Rule::Missing);
}

fn sentence(words: &str, field: &str, found: &mut Findings) {
    text::check(words, limits::DESCRIPTION, field, found);
    found.add_if(words.trim().is_empty(), field, Rule::Empty);
}

pub(super) fn counts(lists: &[(usize, &str)], tombstone: &[Tombstone], found: &mut Findings) {
    let all = lists.iter().copied().chain([(tombstone.len(), "tombstone")]);
    for (count, field) in all {
        found.add_if(count > limits::LIST_ITEMS, field, Rule::TooMany);
    }
}

pub(super) fn area(area: &Area, field: &str, found: &mut Findings) {
    let corners = &area.0;
    found.add_if(corners.len() > CORNERS, field, Rule::TooMany);
    for (index, corner) in corners.iter().enumerate().take(CORNERS) {
        let _ = place::degrees(corner.lat, corner.lon, &format!("{field}[{index}]"), found);
    }
    let mut different: Vec<Coord<f64>> =
        corners.iter().map(|it| Coord { x: it.lon.0, y: it.lat.0 }).collect();
    different.dedup();
    if different.len() > 1 && different.first() == different.last() {
        different.pop();
    }
    found.add_if(different.len() < 3, field, Rule::TooFewCorners);
    if (3..=CORNERS).contains(&different.len()) && !super::is_rejected(&found.0) {
        found.add_if(
            !Polygon::new(LineString::new(different), Vec::new()).is_valid(),
            field,
            Rule::CrossesItself,
        );
    }
}
