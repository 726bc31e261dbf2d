//! People, teams in the field, shifts, check-ins, hand-offs and the board, from any thread.

use firsthand_document::{DocumentKind, Edit};
use firsthand_ids::{DocumentId, PersonId};
use firsthand_record::roster::{
    Assignment, CheckIn, FieldTeam, GoNoGo, Handoff, HandoffAnswer, Person, Shift, ShiftStatus,
};

use crate::{
    BoardView, CheckInView, ConflictView, Decision, Event, ExpectedPersonView, ExpectedShiftView,
    FieldTeamRow, FieldTeamView, HandoffRow, HandoffView, Ledger, Node, NodeError, PersonView, Saved,
    ShiftRow, ShiftView, Watch,
};

/// A method of the ledger that writes, from any thread.
macro_rules! writes {
    ($($(#[doc = $doc:literal])+ $name:ident($($arg:ident: $type:ty => $pass:expr),*) -> $out:ty;)+) => {
        $(
            $(#[doc = $doc])+
            ///
            /// # Errors
            /// Those of the method of the same name of [`crate::Ledger`]; nothing is saved then.
            pub async fn $name(&self, $($arg: $type),*) -> Result<$out, NodeError> {
                self.write(move |ledger, shop| {
                    let now = shop.environment.clock.now();
                    ledger.$name($($pass,)* now, &mut shop.random)
                })
                .await
            }
        )+
    };
}

/// A method of the ledger that reads, from any thread.
macro_rules! reads {
    ($($(#[doc = $doc:literal])+ $name:ident($($arg:ident: $type:ty => $pass:expr),*) -> $out:ty;)+) => {
        $(
            $(#[doc = $doc])+
            ///
            /// # Errors
            /// Those of the method of the same name of [`crate::Ledger`].
            pub async fn $name(&self, $($arg: $type),*) -> Result<$out, NodeError> {
                self.run(move |ledger, _| ledger.$name($($pass),*)).await
            }
        )+
    };
}

impl Node {
    writes! {
        /// Saves a new record of somebody.
        add_person(person: Person => person) -> Saved;
        /// Edits somebody's record, which is made where a member has none.
        edit_person(person: PersonId => person, edits: Vec<Edit> => &edits) -> Saved;
        /// Sets up a shift.
        add_shift(shift: Shift => &shift) -> Saved;
        /// Edits what a shift says.
        edit_shift(id: DocumentId => id, edits: Vec<Edit> => &edits) -> Saved;
        /// Puts somebody on a shift.
        assign(id: DocumentId => id, assignment: Assignment => &assignment) -> Decision;
        /// Takes somebody off a shift.
        unassign(id: DocumentId => id, person: PersonId => person, reason: String => &reason) -> Decision;
        /// Notes whether somebody is ready to go.
        ready(
            id: DocumentId => id, person: PersonId => person, answer: GoNoGo => answer, note: String => &note
        ) -> Decision;
        /// Takes back what somebody said about whether they go.
        unready(id: DocumentId => id, person: PersonId => person, reason: String => &reason) -> Decision;
        /// Saves a team in the field.
        add_field_team(team: FieldTeam => &team) -> Saved;
        /// Edits what a team in the field says.
        edit_field_team(id: DocumentId => id, edits: Vec<Edit> => &edits) -> Saved;
        /// Hides a record from lists, with the reason.
        hide(id: DocumentId => id, reason: String => &reason) -> Decision;
        /// Shows a hidden record again; `None` where nothing hides it.
        unhide(id: DocumentId => id, reason: String => &reason) -> Option<Decision>;
        /// Moves a shift on.
        move_on(id: DocumentId => id, status: ShiftStatus => status) -> Decision;
        /// Saves a check-in.
        check_in(check_in: CheckIn => check_in) -> Saved;
        /// Starts a hand-off with the incidents that are open.
        start_handoff(handoff: Handoff => handoff) -> Saved;
        /// Gives a hand-off as it stands.
        give_handoff(id: DocumentId => id) -> Decision;
        /// Says something to items of a hand-off.
        answer_handoff(
            id: DocumentId => id, items: Vec<String> => &items, answer: HandoffAnswer => answer,
            note: String => &note
        ) -> Decision;
        /// Takes a hand-off over as a whole.
        take_handoff(id: DocumentId => id, note: String => &note) -> Decision;
    }

    reads! {
        /// People of whom a record is on its way here, as others tell.
        expected_people() -> Vec<ExpectedPersonView>;
        /// Shifts that are on their way here, as others tell: those that run, then those that come next.
        expected_shifts() -> Vec<ExpectedShiftView>;
        /// Everybody: who has a record, then members who have none.
        people() -> Vec<PersonView>;
        /// What stands in the oldest record of somebody, if there is one.
        person(person: PersonId => person) -> Option<Person>;
        /// Who is meant by a name, a callsign, `me`, or the beginning of an id.
        find_person(typed: String => &typed) -> PersonId;
        /// All shifts, the latest first.
        shifts(limit: usize => limit) -> Vec<ShiftRow>;
        /// One shift with everything.
        shift(id: DocumentId => id) -> ShiftView;
        /// The shift that is meant by a title or the beginning of an id.
        find_shift(typed: String => &typed) -> DocumentId;
        /// All teams in the field, oldest first.
        field_teams() -> Vec<FieldTeamRow>;
        /// One team in the field with everything.
        field_team(id: DocumentId => id) -> FieldTeamView;
        /// The team in the field that is meant by its name or the beginning of an id.
        find_field_team(typed: String => &typed) -> DocumentId;
        /// What people set to different values of a record while apart.
        conflicts_of(id: DocumentId => id) -> Vec<ConflictView>;
        /// The same of all records of a kind, oldest first.
        conflicts_of_kind(kind: DocumentKind => &kind) -> Vec<ConflictView>;
        /// The last check-ins about a person, the last first.
        check_ins(person: PersonId => person, limit: usize => limit) -> Vec<CheckInView>;
        /// All hand-offs, the latest first.
        handoffs(limit: usize => limit) -> Vec<HandoffRow>;
        /// One hand-off with everything.
        handoff(id: DocumentId => id) -> HandoffView;
        /// The hand-off that is meant by the beginning of an id, or `last`.
        find_handoff(typed: String => &typed) -> DocumentId;
    }

    /// Who is on, how they are, and who has not been heard of for too long.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn board(&self) -> Result<BoardView, NodeError> {
        self.run(|ledger, shop| ledger.board(shop.environment.clock.now())).await
    }

    /// The alarms that stand and who is overdue, as [`Node::events`] would tell them to a first observer.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn alarms(&self) -> Result<Vec<Event>, NodeError> {
        let look = |ledger: &mut Ledger, now| Watch::default().look(ledger, now);
        self.run(move |ledger, shop| Ok(look(ledger, shop.environment.clock.now())?.0)).await
    }
}
