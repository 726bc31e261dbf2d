//! Shifts: who plans them, who is on them, and what a lead should look at.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use firsthand_document::{DocumentKind, Edit, Item};
use firsthand_ids::{DocumentId, PersonId, UnixMillis};
use firsthand_record::roster::{Assignment, GoNoGo, GoNoGoStep, RoleNeed, Shift, ShiftStatus, ShiftStep};
use firsthand_record::validate::roster::ShiftContext;
use firsthand_record::validate::{self, Context, Finding, Kind, Rule};
use firsthand_record::{ClockEvidence, Moment};
use firsthand_store::{Listed, ShiftProjection};
use firsthand_team::TeamError;
use rand_core::CryptoRng;

use super::people::{Decision, is_active};
use super::{Ledger, Now, Saved, field_teams, roster};
use crate::NodeError;

/// One shift with everything.
#[derive(Debug, Clone, PartialEq)]
pub struct ShiftView {
    /// The document.
    pub id: DocumentId,
    /// The shift as it counts: of what a lead decides, only what leads noted.
    pub record: Shift,
    /// How far it has come.
    pub status: ShiftStatus,
    /// The name of its team; empty where that is not here.
    pub team: String,
    /// Roles of its team that too few people have.
    pub needs: Vec<RoleNeed>,
    /// The names of everybody in it.
    pub names: BTreeMap<PersonId, String>,
    /// Assignments that others would like.
    pub proposed: Vec<ProposedAssignment>,
    /// Steps that others would like.
    pub proposed_steps: Vec<ShiftStatus>,
    /// What a lead should look at.
    pub findings: Vec<Finding>,
    /// Fields whose values conflict.
    pub conflicts: Vec<String>,
}

/// An assignment by somebody who does not lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedAssignment {
    /// The key of the item.
    pub key: String,
    /// Who would be assigned.
    pub person: PersonId,
    /// Their role.
    pub role: String,
}

/// A shift in a list.
pub type ShiftRow = Listed<ShiftProjection>;

impl Ledger {
    /// Sets up a shift.
    ///
    /// # Errors
    /// [`NodeError::Team`] for who does not lead; [`NodeError::Rejected`] with every field to put right.
    pub fn add_shift(
        &mut self,
        shift: &Shift,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        self.must_lead()?;
        let mut saved = self.add(shift, now, rng)?;
        saved.findings = self.shift(saved.id)?.findings;
        Ok(saved)
    }

    /// Edits what a shift says: times, place, rule, briefing.
    ///
    /// # Errors
    /// As [`Ledger::edit`]; [`NodeError::Team`] for who does not lead.
    pub fn edit_shift(
        &mut self,
        id: DocumentId,
        edits: &[Edit],
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        self.must_lead()?;
        self.edit_of(id, &DocumentKind::Shift, edits, now, rng)
    }

    pub(super) fn must_lead(&self) -> Result<(), NodeError> {
        if self.rights().close { Ok(()) } else { Err(TeamError::NotAllowed.into()) }
    }

    /// Edits a document that must be of a kind.
    pub(super) fn edit_of(
        &mut self,
        id: DocumentId,
        kind: &DocumentKind,
        edits: &[Edit],
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        let document = self.load(&id)?;
        let fits = document.kind() == Some(kind);
        self.documents.put(id, document);
        if !fits {
            return Err(NodeError::NotFound(id.short()));
        }
        self.edit(id, edits, now, rng)
    }

    /// Puts somebody on a shift. A buddy who is on it without a buddy gets this one in return. What somebody says who does not
    /// lead is a proposal.
    ///
    /// # Errors
    /// As [`Ledger::edit`].
    pub fn assign(
        &mut self,
        id: DocumentId,
        assignment: &Assignment,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        let counts = self.rights().close;
        let mut edits = Vec::new();
        let standing = self.shift(id)?.record.assignments;
        // Who is assigned anew with the same times is not on it twice.
        let same = |it: &&Assignment| {
            it.person == assignment.person && (it.from, it.until) == (assignment.from, assignment.until)
        };
        for old in standing.iter().filter(same).filter(|_| counts) {
            edits.push(Edit::Withdraw { key: old.key.clone(), reason: "assigned anew".to_owned() });
        }
        edits.push(add("assignments", assignment)?);
        let alone = standing.iter().find(|it| Some(it.person) == assignment.buddy && it.buddy.is_none());
        if let Some(alone) = alone.filter(|_| counts) {
            edits.push(Edit::Withdraw { key: alone.key.clone(), reason: "has a buddy now".to_owned() });
            edits.push(add("assignments", &Assignment { buddy: Some(assignment.person), ..alone.clone() })?);
        }
        self.decide(id, &edits, counts, now, rng)
    }

    /// Takes somebody off a shift.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where they are not on it; as [`Ledger::edit`].
    pub fn unassign(
        &mut self,
        id: DocumentId,
        person: PersonId,
        reason: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        self.must_lead()?;
        let view = self.shift(id)?;
        let counted = view.record.assignments.into_iter().filter(|it| it.person == person).map(|it| it.key);
        let proposed = view.proposed.into_iter().filter(|it| it.person == person).map(|it| it.key);
        let withdraw = |key| Edit::Withdraw { key, reason: reason.to_owned() };
        let edits: Vec<Edit> = counted.chain(proposed).map(withdraw).collect();
        if edits.is_empty() {
            return Err(NodeError::NotFound(self.names()?.of(&person)));
        }
        self.decide(id, &edits, true, now, rng)
    }

    /// Notes whether somebody is ready to go. It counts from themselves and from a lead.
    ///
    /// # Errors
    /// As [`Ledger::edit`].
    pub fn ready(
        &mut self,
        id: DocumentId,
        person: PersonId,
        answer: GoNoGo,
        note: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        let at = Moment::from_local(now);
        let step = GoNoGoStep { key: String::new(), person, answer, note: note.to_owned(), at };
        let counts = person == self.person || self.rights().close;
        self.decide(id, &[add("go_no_go", &step)?], counts, now, rng)
    }

    /// Takes back what somebody said about whether they go. It counts from themselves and from a lead.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where they said nothing; as [`Ledger::edit`].
    pub fn unready(
        &mut self,
        id: DocumentId,
        person: PersonId,
        reason: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        let answers = self.shift(id)?.record.go_no_go.into_iter().filter(|it| it.person == person);
        let edits: Vec<Edit> =
            answers.map(|it| Edit::Withdraw { key: it.key, reason: reason.to_owned() }).collect();
        if edits.is_empty() {
            return Err(NodeError::NotFound(self.names()?.of(&person)));
        }
        let counts = person == self.person || self.rights().close;
        self.decide(id, &edits, counts, now, rng)
    }

    /// Moves a shift on. The furthest step counts, so it never goes back.
    ///
    /// # Errors
    /// As [`Ledger::edit`].
    pub fn move_on(
        &mut self,
        id: DocumentId,
        status: ShiftStatus,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        let (by, at) = (Some(self.person), Moment::from_local(now));
        let step = ShiftStep { key: String::new(), status, by, at };
        self.decide(id, &[add("status_log", &step)?], self.rights().close, now, rng)
    }

    fn decide(
        &mut self,
        id: DocumentId,
        edits: &[Edit],
        counts: bool,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        let mut saved = self.edit_of(id, &DocumentKind::Shift, edits, now, rng)?;
        saved.findings = self.shift(id)?.findings;
        Ok(Decision { saved, counts })
    }

    /// One shift with everything.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here.
    pub fn shift(&mut self, id: DocumentId) -> Result<ShiftView, NodeError> {
        let created = self.created(&id)?;
        let document = self.load(&id)?;
        let view = self.view(&document, &BTreeMap::new());
        if view.kind != DocumentKind::Shift {
            self.documents.put(id, document);
            return Err(NodeError::NotFound(id.short()));
        }
        let counted = roster::shift(&view);
        let proposed = counted.assignments.iter().filter_map(|item| proposed(item)).collect();
        let steps = counted
            .steps
            .iter()
            .filter_map(|item| serde_json::from_value::<ShiftStatus>(item.value["status"].clone()).ok());
        let proposed_steps = steps.collect();
        let conflicts = view.conflicts().map(|(field, _)| field.to_owned()).collect();
        let record = counted.shift;
        let findings = self.shift_findings(&record, created.created)?;
        let teams = self.store.field_teams()?;
        let team = teams.into_iter().find(|team| Some(team.id) == record.team);
        let names = self.names()?;
        let buddies = record.assignments.iter().filter_map(|it| it.buddy);
        let answers = record.go_no_go.iter().map(|it| it.person);
        let people = record.people().into_iter().chain(buddies).chain(answers);
        let view = ShiftView {
            id,
            status: record.status(),
            needs: field_teams::needs(
                team.as_ref(),
                record.assignments.iter().map(|it| (it.role.as_str(), it.person)),
            ),
            team: team.map_or_else(String::new, |team| team.row.name),
            names: people.map(|person| (person, names.of(&person))).collect(),
            proposed,
            proposed_steps,
            findings,
            conflicts,
            record,
        };
        self.documents.put(id, document);
        Ok(view)
    }

    /// What a lead should look at, with what other records say: who is not active, which role is not filled, whose buddy is
    /// elsewhere, whose training has lapsed by the day.
    fn shift_findings(&self, shift: &Shift, created: UnixMillis) -> Result<Vec<Finding>, NodeError> {
        let best_clock = shift.clock_evidence.as_ref().and_then(ClockEvidence::best);
        let context = Context { best_clock, ..Context::at(created) };
        let teams = self.store.field_teams()?;
        let team = teams.into_iter().find(|team| Some(team.id) == shift.team);
        let mut active = BTreeSet::new();
        let mut lapsed = Vec::new();
        let day = shift.end.or(shift.start).map(|end| end.chrono().date_naive());
        for person in shift.people() {
            let rows = self.store.people_of(&person)?;
            let known = !rows.is_empty() || self.membership.roster().members.contains_key(&person);
            let oldest = rows.first();
            let removed = self.membership.roster().former.contains_key(&person);
            if known && !removed && oldest.is_none_or(|it| is_active(it.row.status.as_deref())) {
                active.insert(person);
            }
            let (Some(oldest), Some(day)) = (oldest, day) else { continue };
            for course in lapsed_by(&oldest.row.trainings, day) {
                let places = shift.assignments.iter().enumerate().filter(|(_, it)| it.person == person);
                lapsed.extend(places.map(|(index, _)| Finding {
                    field: format!("assignments[{index}].trainings.{course}"),
                    rule: Rule::TrainingLapsed,
                    kind: Kind::Flag,
                }));
            }
        }
        let mut roles_required: BTreeMap<String, u32> = BTreeMap::new();
        for (role, min) in team.into_iter().flat_map(|team| team.row.roles_required) {
            let least = roles_required.entry(role).or_insert(min);
            *least = min.max(*least);
        }
        let around = ShiftContext { roles_required, active: Some(active) };
        let mut findings = validate::roster::shift(shift, &context, &around);
        findings.extend(lapsed);
        Ok(findings)
    }

    /// All shifts, the latest first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn shifts(&self, limit: usize) -> Result<Vec<ShiftRow>, NodeError> {
        Ok(self.store.shifts(limit)?)
    }

    /// The shift that is meant: its title, the beginning of its title, or the beginning of its id.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], or [`NodeError::Ambiguous`] with the titles that fit.
    pub fn find_shift(&self, typed: &str) -> Result<DocumentId, NodeError> {
        let wanted = typed.trim().to_lowercase();
        let shifts = self.store.shifts(usize::MAX)?;
        let title = |it: &&ShiftRow| it.row.title.to_lowercase() == wanted;
        let begins = |it: &&ShiftRow| !wanted.is_empty() && it.row.title.to_lowercase().starts_with(&wanted);
        let id = |it: &&ShiftRow| wanted.len() >= 4 && it.id.to_string().starts_with(&wanted);
        let tries: [Vec<&ShiftRow>; 3] = [
            shifts.iter().filter(id).collect(),
            shifts.iter().filter(title).collect(),
            shifts.iter().filter(begins).collect(),
        ];
        match tries.iter().find(|found| !found.is_empty()).map(Vec::as_slice) {
            None | Some([]) => Err(NodeError::NotFound(typed.to_owned())),
            Some([one]) => Ok(one.id),
            Some(several) => {
                let candidates = several.iter().map(|it| format!("{} ({})", it.row.title, it.id.short()));
                Err(NodeError::Ambiguous { typed: typed.to_owned(), candidates: candidates.collect() })
            }
        }
    }
}

/// The edit that adds an item.
pub(super) fn add(list: &str, item: &impl serde::Serialize) -> Result<Edit, NodeError> {
    let value = serde_json::to_value(item).map_err(|_| NodeError::Inconsistent("an item's own JSON"))?;
    Ok(Edit::Add { list: list.to_owned(), value })
}

fn proposed(item: &Item) -> Option<ProposedAssignment> {
    let person = item.value["person"].as_str()?.parse().ok()?;
    let role = item.value["role"].as_str().unwrap_or_default().to_owned();
    Some(ProposedAssignment { key: item.key.clone(), person, role })
}

/// Courses that somebody took and whose last one no longer counts on a day.
fn lapsed_by(trainings: &[firsthand_store::TrainingRow], day: NaiveDate) -> BTreeSet<String> {
    let day = roster::day_number(day);
    let counts =
        |it: &&firsthand_store::TrainingRow| it.day <= day && it.expires.is_none_or(|last| day <= last);
    let held: BTreeSet<String> = trainings.iter().filter(counts).map(|it| it.course.to_lowercase()).collect();
    let lapsed = trainings.iter().filter(|it| it.expires.is_some_and(|last| last < day));
    lapsed.filter(|it| !held.contains(&it.course.to_lowercase())).map(|it| it.course.clone()).collect()
}
