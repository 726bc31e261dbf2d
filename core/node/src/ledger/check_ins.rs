//! How people are, as they and others say.

use firsthand_document::DocumentKind;
use firsthand_ids::{DocumentId, LocalTime, PersonId};
use firsthand_record::Moment;
use firsthand_record::roster::{ByWhom, CheckIn, CheckInState, PersonStanding, Said, standing_on};
use firsthand_store::CheckInRow;
use rand_core::CryptoRng;

use super::records::object;
use super::{Ledger, Now, Saved};
use crate::NodeError;

/// A check-in in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckInView {
    /// The document.
    pub id: DocumentId,
    /// Who it is about.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Whose device made it.
    pub author: String,
    /// The code of the state. On the device of the person themself covert distress reads `ok`.
    pub state: String,
    /// The code of who says so.
    pub by_whom: Option<String>,
    /// When, as that device showed it.
    pub at: LocalTime,
    /// The shift.
    pub shift: Option<DocumentId>,
    /// Degrees north and east.
    pub place: Option<(f64, f64)>,
    /// A word more.
    pub note: String,
    /// Whether it is an alarm that still stands.
    pub open: bool,
}

impl Ledger {
    /// Saves a check-in: of the person of this device, unless it says of whom. What it does not say is filled in: the time, who
    /// says so, the shift that the person is on, and the alarms about them that this device knows of, which an "ok" answers.
    ///
    /// # Errors
    /// [`NodeError::Rejected`] with every field to put right; [`NodeError::Store`] from the disk. Nothing is saved then.
    pub fn check_in(
        &mut self,
        mut check_in: CheckIn,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        let person = *check_in.person.get_or_insert(self.person);
        let shifts = self.store.running_shifts()?;
        let assigned =
            shifts.iter().flat_map(|shift| shift.row.assignments.iter().map(move |it| (shift, it)));
        if check_in.by_whom.is_none() {
            let buddy = assigned.clone().any(|(_, it)| it.person == person && it.buddy == Some(self.person));
            check_in.by_whom = Some(if person == self.person {
                ByWhom::Own
            } else if !buddy && self.rights().close {
                ByWhom::Lead
            } else {
                ByWhom::Buddy
            });
        }
        if check_in.shift.is_none() {
            // The one that has come furthest; of several the first to begin.
            let mut on: Vec<_> = assigned.filter(|(_, it)| it.person == person).collect();
            on.sort_by_key(|(shift, _)| std::cmp::Reverse(shift.row.status));
            check_in.shift = on.first().map(|(shift, _)| shift.id);
        }
        check_in.at = check_in.at.or_else(|| Moment::from_local(now));
        let says = check_in.state.map(CheckInState::overt);
        if check_in.answers.is_none() && says.is_some_and(|state| !state.is_alarm()) {
            // What this device shows: whoever reads the record on it must not find that an "ok" was an alarm.
            let open = self.person_standing(&person)?.map_or_else(Vec::new, |standing| standing.open);
            check_in.answers = Some(open).filter(|open| !open.is_empty());
        }
        let saved = self.add_record(DocumentKind::CheckIn, object(&check_in)?, now, rng)?;
        self.note_heard(now)?;
        Ok(saved)
    }

    /// How a person stands, as this device shows it; `None` where nobody ever said.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub(super) fn person_standing(&self, person: &PersonId) -> Result<Option<PersonStanding>, NodeError> {
        let Some(last) = self.store.check_ins(person, 1)?.pop() else { return Ok(None) };
        Ok(self.standing_of(person, self.store.alarms(person)?, &last))
    }

    /// The same from what decides about alarms, and what was said last.
    pub(super) fn standing_of(
        &self,
        person: &PersonId,
        mut alarms: Vec<CheckInRow>,
        last: &CheckInRow,
    ) -> Option<PersonStanding> {
        if alarms.last().is_none_or(|it| it.id != last.id) {
            alarms.push(last.clone());
        }
        let said: Vec<Said<'_>> = alarms.iter().filter_map(said).collect();
        standing_on(self.person, *person, &said)
    }

    /// The last check-ins about a person, the last first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn check_ins(&self, person: PersonId, limit: usize) -> Result<Vec<CheckInView>, NodeError> {
        let names = self.names()?;
        let open = self.person_standing(&person)?.map_or_else(Vec::new, |standing| standing.open);
        let view = |it: CheckInRow| CheckInView {
            id: it.id,
            person,
            name: names.of(&person),
            author: names.of(&it.author),
            state: self.state_shown(&person, &it.row.state).to_owned(),
            by_whom: it.row.by_whom,
            at: it.row.at,
            shift: it.row.shift,
            place: it.row.place,
            note: it.row.note,
            open: open.contains(&it.id),
        };
        Ok(self.store.check_ins(&person, limit)?.into_iter().map(view).collect())
    }

    /// The code of a state as this device shows it.
    pub(super) fn state_shown<'a>(&self, person: &PersonId, code: &'a str) -> &'a str {
        match code.parse::<CheckInState>() {
            Ok(state) if *person == self.person => state.overt().code(),
            _ => code,
        }
    }
}

/// A check-in as the rule needs it; `None` for a state that only a newer version knows.
fn said(row: &CheckInRow) -> Option<Said<'_>> {
    let state = row.row.state.parse().ok()?;
    Some(Said { id: row.id, author: row.author, state, answers: &row.row.answers })
}
