use firsthand_ids::{DeviceKey, DocumentId, LocalTime, PersonId, UnixMillis};

/// The row of a person's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonProjection {
    /// Who it is.
    pub person: PersonId,
    /// The name that lists show.
    pub name: String,
    /// The name on the radio.
    pub callsign: String,
    /// The code of the status that is shown.
    pub status: Option<String>,
    /// Language tags.
    pub languages: Vec<String>,
    /// Codes of skills.
    pub skills: Vec<String>,
    /// What they were trained in.
    pub trainings: Vec<TrainingRow>,
    /// How many fields are in conflict.
    pub conflicts: u32,
    /// Whether a mark hides it.
    pub hidden: bool,
}

/// A training in a list. Days are counted from 1970-01-01.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingRow {
    /// What it was called.
    pub course: String,
    /// The checklist that was trained on.
    pub template_id: Option<String>,
    /// Which version of it.
    pub version: Option<u32>,
    /// The day.
    pub day: i32,
    /// The last day on which it counts; `None` where it does not lapse.
    pub expires: Option<i32>,
    /// Who trained them.
    pub by: Option<PersonId>,
    /// The run in which it was practised.
    pub run: Option<DocumentId>,
}

/// The row of a team in the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldTeamProjection {
    /// What it is called.
    pub name: String,
    /// Roles that a shift must fill, and how many of each.
    pub roles_required: Vec<(String, u32)>,
    /// Whether a mark hides it.
    pub hidden: bool,
}

/// The row of a shift. Of what a lead decides, only what leads noted is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShiftProjection {
    /// The team.
    pub team: Option<DocumentId>,
    /// What people call it.
    pub title: String,
    /// When it is to begin.
    pub starts: Option<LocalTime>,
    /// When it is to end.
    pub ends: Option<LocalTime>,
    /// How far it has come: 0 planned, 1 briefed, 2 active, 3 standing down, 4 debriefed.
    pub status: u8,
    /// Minutes between two check-ins, and of grace after that.
    pub rule: Option<(u32, u32)>,
    /// The code of the level of danger.
    pub risk: Option<String>,
    /// Where they meet, in words.
    pub place: String,
    /// Who does what.
    pub assignments: Vec<AssignmentRow>,
    /// The last answer of each person: whether they go.
    pub go_no_go: Vec<(PersonId, bool)>,
    /// How many fields are in conflict.
    pub conflicts: u32,
    /// How many items are only proposed.
    pub proposals: u32,
    /// Whether a lead's mark hides it.
    pub hidden: bool,
}

/// What somebody does in a shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentRow {
    /// The key of the item.
    pub item: String,
    /// Who.
    pub person: PersonId,
    /// The role.
    pub role: String,
    /// Who looks after them.
    pub buddy: Option<PersonId>,
    /// From when, where not from the beginning.
    pub begins: Option<UnixMillis>,
    /// Until when, where not to the end.
    pub ends: Option<UnixMillis>,
}

/// The row of a check-in.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckInProjection {
    /// Who it is about.
    pub person: PersonId,
    /// The shift.
    pub shift: Option<DocumentId>,
    /// When, as the device that made it showed it.
    pub at: LocalTime,
    /// When, by the best that device knew.
    pub best: UnixMillis,
    /// The name of that device's start, and milliseconds since it.
    pub ticks: Option<(String, u64)>,
    /// The code of the state.
    pub state: String,
    /// Whether it stands until it is cleared.
    pub alarm: bool,
    /// The code of who says so.
    pub by_whom: Option<String>,
    /// The alarms that its author had seen.
    pub answers: Vec<DocumentId>,
    /// Degrees north and east.
    pub place: Option<(f64, f64)>,
    /// A word more.
    pub note: String,
}

/// The row of a hand-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoffProjection {
    /// The shift that ends.
    pub from_shift: Option<DocumentId>,
    /// The shift that begins.
    pub to_shift: Option<DocumentId>,
    /// Given by a lead as it stands.
    pub given: bool,
    /// Taken over by another lead as a whole.
    pub taken: bool,
    /// Open incidents and actions.
    pub items: u32,
    /// Those that nobody accepted, declined or closed.
    pub unsettled: u32,
    /// Whether a mark hides it.
    pub hidden: bool,
}

/// A row as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<R> {
    /// The document.
    pub id: DocumentId,
    /// The row.
    pub row: R,
}

/// A check-in and who made it.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckInRow {
    /// The document.
    pub id: DocumentId,
    /// Whose device made it.
    pub author: PersonId,
    /// That device.
    pub device: DeviceKey,
    /// What it says.
    pub row: CheckInProjection,
}

/// When this device last heard of a person, or that a shift is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// The bytes of a person's id, or of a shift's document.
    pub subject: [u8; 16],
    /// When, by this device's steady clock, in milliseconds.
    pub at: i64,
    /// Of a person: the check-in.
    pub check_in: Option<DocumentId>,
}

/// What has come and is not noted as heard yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Unheard {
    /// A check-in.
    CheckIn(Box<CheckInRow>),
    /// A shift that is active.
    Shift(DocumentId),
}
