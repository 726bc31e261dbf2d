//! People, shifts, check-ins and the board.

use std::sync::Arc;

use firsthand_node::{BoardView, Due};
use firsthand_record::Moment;
use firsthand_record::roster::{
    Assignment, CheckIn, CheckInState, GoNoGo, Person, PersonStatus, RiskLevel, Shift, ShiftStatus,
};
use firsthand_record::uniffi_types::{DocumentId, PersonId};

use crate::changes::{Fields, clears, edits};
use crate::node::Shared;
use crate::runtime::run;
use crate::{ApiError, SavedRecord, Settled, lift};

const PERSON: Fields = Fields { texts: Person::TEXTS, lists: Person::LISTS };
const SHIFT: Fields = Fields { texts: Shift::TEXTS, lists: Shift::LISTS };

/// Somebody in the list of people.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct PersonItem {
    /// Who it is.
    pub person: PersonId,
    /// The record; `null` for a member of whom nobody made one.
    pub id: Option<DocumentId>,
    /// The name that lists show.
    pub name: String,
    /// The name on the radio; empty where there is none.
    pub callsign: String,
    /// Whether they can be put on a shift.
    pub status: Option<PersonStatus>,
    /// Whether they have a device.
    pub member: bool,
    /// Whether it is the person of this phone.
    pub me: bool,
    /// How many fields are in conflict.
    pub conflicts: u32,
}

/// A shift in the list of shifts.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct ShiftItem {
    /// The record.
    pub id: DocumentId,
    /// What people call it.
    pub title: String,
    /// When it is to begin.
    pub starts: Option<Moment>,
    /// When it is to end.
    pub ends: Option<Moment>,
    /// How far it has come.
    pub status: ShiftStatus,
    /// How dangerous it is taken to be.
    pub risk: Option<RiskLevel>,
    /// How many people are on it.
    pub people: u64,
    /// How many fields are in conflict.
    pub conflicts: u32,
}

/// When somebody is to be heard of next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum DueState {
    /// Nobody waits for word of them.
    NotExpected,
    /// In so many milliseconds.
    In {
        /// How many.
        ms: u64,
    },
    /// Late by so many milliseconds, and still within the time of grace.
    Late {
        /// How many.
        ms: u64,
    },
    /// Overdue for so many milliseconds.
    Overdue {
        /// How many.
        ms: u64,
    },
}

impl From<Due> for DueState {
    fn from(due: Due) -> Self {
        match due {
            Due::NotExpected => Self::NotExpected,
            Due::In(ms) => Self::In { ms },
            Due::Late(ms) => Self::Late { ms },
            Due::Overdue(ms) => Self::Overdue { ms },
        }
    }
}

/// Somebody on the board.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct BoardLine {
    /// Who.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Their name on the radio.
    pub callsign: String,
    /// The shift; `null` for somebody about whom an alarm stands and who is on none.
    pub shift: Option<DocumentId>,
    /// What people call it.
    pub shift_title: String,
    /// What they do in it.
    pub role: String,
    /// The name of who looks after them.
    pub buddy: Option<String>,
    /// Whether they said that they go.
    pub go: Option<bool>,
    /// How they are; `null` where nobody ever said.
    pub state: Option<CheckInState>,
    /// Alarms that stand.
    pub open_alarms: Vec<DocumentId>,
    /// Milliseconds since they were last heard of.
    pub last_ms: Option<u64>,
    /// When they are to be heard of next.
    pub due: DueState,
    /// What was said when they were last heard of.
    pub note: String,
}

/// Who is on, how they are, and who has not been heard of for too long: alarms first, then who is overdue.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct BoardState {
    /// A line for each person on each shift, and for everybody about whom an alarm stands.
    pub lines: Vec<BoardLine>,
    /// In how many milliseconds somebody is overdue next; 0: somebody is. `null` where nobody will be.
    pub next_overdue_ms: Option<u64>,
}

/// In how many milliseconds somebody is overdue next; 0 where somebody is.
pub(crate) fn next_overdue_ms(board: &BoardView) -> Option<u64> {
    let overdue = board.lines.iter().any(|line| matches!(line.due, Due::Overdue(_)));
    if overdue { Some(0) } else { board.next_ms }
}

impl From<BoardView> for BoardState {
    fn from(view: BoardView) -> Self {
        let next_overdue_ms = next_overdue_ms(&view);
        let line = |it: firsthand_node::BoardLine| BoardLine {
            person: it.person,
            name: it.name,
            callsign: it.callsign,
            shift: it.shift,
            shift_title: it.shift_title,
            role: it.role,
            buddy: it.buddy,
            go: it.go,
            state: it.state,
            open_alarms: it.open,
            last_ms: it.last_ms,
            due: it.due.into(),
            note: it.note,
        };
        Self { lines: view.lines.into_iter().map(line).collect(), next_overdue_ms }
    }
}

/// The people and shifts of a home.
#[derive(uniffi::Object)]
pub struct Roster {
    pub(crate) shared: Arc<Shared>,
}

#[uniffi::export]
impl Roster {
    /// Everybody.
    ///
    /// # Errors
    /// `Locked`, `HomeFailed`.
    pub async fn people(&self) -> Result<Vec<PersonItem>, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let item = |it: firsthand_node::PersonView| PersonItem {
                person: it.person,
                id: it.id,
                name: it.name,
                callsign: it.callsign,
                status: it.status.parse().ok(),
                member: it.member,
                me: it.me,
                conflicts: it.conflicts,
            };
            Ok(node.people().await?.into_iter().map(item).collect())
        })
        .await
    }

    /// Saves a new record of somebody.
    ///
    /// # Errors
    /// `Invalid`, `StorageFull`, `Refused`.
    pub async fn add_person(&self, person: Person) -> Result<SavedRecord, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.add_person(person).await?.into()) }).await
    }

    /// Saves what `changes` holds of somebody's record and leaves the rest; it is made where a member has none.
    ///
    /// # Errors
    /// As [`Roster::add_person`].
    pub async fn edit_person(&self, person: String, changes: Person) -> Result<SavedRecord, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let person = lift::id("person", &person)?;
            Ok(node.edit_person(person, edits(&PERSON, &changes)?).await?.into())
        })
        .await
    }

    /// All shifts, the latest first.
    ///
    /// # Errors
    /// `Locked`, `HomeFailed`.
    pub async fn shifts(&self, limit: u32) -> Result<Vec<ShiftItem>, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let item = |it: firsthand_node::ShiftRow| ShiftItem {
                id: it.id,
                title: it.row.title,
                starts: it.row.starts.and_then(lift::moment),
                ends: it.row.ends.and_then(lift::moment),
                // A step that only a newer version knows is further than all of these.
                status: ShiftStatus::ALL
                    .get(usize::from(it.row.status))
                    .copied()
                    .unwrap_or(ShiftStatus::Debriefed),
                risk: lift::code(it.row.risk.as_ref()),
                people: lift::count(it.row.assignments.len()),
                conflicts: it.row.conflicts,
            };
            Ok(node.shifts(limit as usize).await?.into_iter().map(item).collect())
        })
        .await
    }

    /// One shift as it counts: of what a lead decides, only what leads noted.
    ///
    /// # Errors
    /// `Refused` with `NOT_FOUND`.
    pub async fn shift(&self, id: String) -> Result<Shift, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.shift(lift::id("id", &id)?).await?.record) }).await
    }

    /// Sets up a shift.
    ///
    /// # Errors
    /// As [`Roster::add_person`].
    pub async fn add_shift(&self, shift: Shift) -> Result<SavedRecord, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.add_shift(shift).await?.into()) }).await
    }

    /// Saves what `changes` holds of a shift and leaves the rest.
    ///
    /// # Errors
    /// As [`Roster::add_person`].
    pub async fn edit_shift(&self, id: String, changes: Shift) -> Result<SavedRecord, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.edit_shift(lift::id("id", &id)?, edits(&SHIFT, &changes)?).await?.into()) })
            .await
    }

    /// Empties fields of one value of a shift, by name.
    ///
    /// # Errors
    /// As [`Roster::add_person`].
    pub async fn clear_shift(&self, id: String, fields: Vec<String>) -> Result<SavedRecord, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.edit_shift(lift::id("id", &id)?, clears(fields)).await?.into()) }).await
    }

    /// Puts somebody on a shift; without the right to it that shows as a proposal.
    ///
    /// # Errors
    /// As [`Roster::add_person`].
    pub async fn assign(&self, shift: String, assignment: Assignment) -> Result<Settled, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(Settled::of(node.assign(lift::id("shift", &shift)?, assignment).await?.counts)) })
            .await
    }

    /// Notes whether somebody goes.
    ///
    /// # Errors
    /// As [`Roster::add_person`].
    pub async fn ready(
        &self,
        shift: String,
        person: String,
        answer: GoNoGo,
        note: String,
    ) -> Result<Settled, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let (shift, person) = (lift::id("shift", &shift)?, lift::id("person", &person)?);
            Ok(Settled::of(node.ready(shift, person, answer, note).await?.counts))
        })
        .await
    }

    /// Moves a shift on; without the right to it that shows as a proposal.
    ///
    /// # Errors
    /// As [`Roster::add_person`].
    pub async fn move_on(&self, shift: String, status: ShiftStatus) -> Result<Settled, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(Settled::of(node.move_on(lift::id("shift", &shift)?, status).await?.counts)) })
            .await
    }

    /// Saves a check-in: of the person of this phone unless it says of whom. What it does not say is filled in: the time, who says
    /// so, the shift, and the alarms that an OK answers.
    ///
    /// # Errors
    /// As [`Roster::add_person`].
    pub async fn check_in(&self, check_in: CheckIn) -> Result<SavedRecord, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.check_in(check_in).await?.into()) }).await
    }

    /// Who is on, how they are, and who has not been heard of for too long.
    ///
    /// # Errors
    /// `Locked`, `HomeFailed`.
    pub async fn board(&self) -> Result<BoardState, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.board().await?.into()) }).await
    }
}
