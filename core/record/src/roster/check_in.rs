use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use firsthand_ids::{DocumentId, PersonId};

use super::{ByWhom, CheckInState};
use crate::kinds::record;
use crate::{ClockEvidence, Moment, Place, Sensitivity, Tombstone};

record! {
    /// How somebody is, as somebody says. Everything is written once: who was wrong checks in again.
    CheckIn
    scalars {
        /// Who it is about.
        person: PersonId,
        /// The shift, where there is one.
        shift: DocumentId,
        /// When, by the clock of the device.
        at: Moment,
        /// Where they are.
        place: Place,
        /// How they are.
        state: CheckInState,
        /// A word more.
        note: String,
        /// Who says so.
        by_whom: ByWhom,
        /// The alarms about this person that whoever says so had seen.
        answers: Vec<DocumentId>,
        /// How widely it may be shared.
        sensitivity: Sensitivity,
        /// The day after which it is to be destroyed.
        retention_until: NaiveDate,
        /// What was known about the device's clock when it was made.
        clock_evidence: ClockEvidence,
        /// The version of the types it was written with.
        schema_version: u32,
    }
    texts {}
    lists {
        /// Marks that hide it.
        tombstone: Tombstone,
    }
}

/// A check-in as [`standing`] needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<'a> {
    /// Its record.
    pub id: DocumentId,
    /// Whose device made it: the log knows, whatever the check-in says.
    pub author: PersonId,
    /// How the person is.
    pub state: CheckInState,
    /// The alarms that the author had seen.
    pub answers: &'a [DocumentId],
}

/// How somebody stands by all that was said of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonStanding {
    /// What is shown and acted on: the most protective of the open alarms, else what was said last.
    pub state: CheckInState,
    /// The check-in that says so.
    pub by: DocumentId,
    /// Alarms that nobody, or too few, have cleared, in the order in which they were raised.
    pub open: Vec<DocumentId>,
}

/// How a person stands, by the check-ins about them in the order for people; `None` where there are none.
///
/// An alarm stands until it is cleared by somebody who knew of it: an "ok" that was said elsewhere meanwhile clears nothing,
/// whatever its clock says. Missing or in need of support is cleared by the person's own device, or by two other people; covert
/// distress by two others only, since whoever holds the person's device may be the danger. A new alarm clears nothing.
#[must_use]
pub fn standing(person: PersonId, said: &[Said<'_>]) -> Option<PersonStanding> {
    let last = said.last()?;
    let mut cleared: BTreeMap<DocumentId, BTreeSet<PersonId>> = BTreeMap::new();
    for it in said.iter().filter(|it| !it.state.is_alarm()) {
        for alarm in it.answers {
            cleared.entry(*alarm).or_default().insert(it.author);
        }
    }
    let open: Vec<&Said<'_>> = said
        .iter()
        .filter(|it| it.state.is_alarm())
        .filter(|alarm| {
            let by = cleared.get(&alarm.id);
            let own =
                by.is_some_and(|by| by.contains(&person)) && alarm.state != CheckInState::CovertDistress;
            let others = by.map_or(0, |by| by.iter().filter(|author| **author != person).count());
            !own && others < 2
        })
        .collect();
    let shown = open.iter().min_by_key(|alarm| alarm.state.protective()).copied().unwrap_or(last);
    // What was said last may be an alarm that was cleared since.
    let state = match shown.state {
        state if state.is_alarm() && open.is_empty() => CheckInState::Ok,
        state => state,
    };
    Some(PersonStanding { state, by: shown.id, open: open.iter().map(|alarm| alarm.id).collect() })
}

/// The same on the device of `viewer`. On that of the person themself covert distress reads as the "ok" that it looks like,
/// with all that follows from that: whoever holds the device must not be able to tell.
#[must_use]
pub fn standing_on(viewer: PersonId, person: PersonId, said: &[Said<'_>]) -> Option<PersonStanding> {
    if viewer != person {
        return standing(person, said);
    }
    let overt: Vec<Said<'_>> = said.iter().map(|it| Said { state: it.state.overt(), ..it.clone() }).collect();
    standing(person, &overt)
}
