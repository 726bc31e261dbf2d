//! Views of incidents as plain values.

use firsthand_node::ids::Digest;
use firsthand_node::{CandidateView, ConflictView, HistoryView, IncidentRow, IncidentView, OnlyHere, Saved};
use firsthand_record::uniffi_types::{DocumentId, Metres, UnixMillis};
use firsthand_record::validate::Finding;
use firsthand_record::{Incident, Moment, Severity, ShortCode, Status};

use crate::FileItem;
use crate::lift::{code, moment};

/// What was saved.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct SavedRecord {
    /// The record.
    pub id: DocumentId,
    /// The name people use, such as `K7-014`.
    pub short_code: String,
    /// What a person should look at.
    pub findings: Vec<Finding>,
}

impl From<Saved> for SavedRecord {
    fn from(saved: Saved) -> Self {
        Self { id: saved.id, short_code: saved.short_code, findings: saved.findings }
    }
}

/// How far something has come on its way to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Reach {
    /// It is only on this phone.
    OnlyHere,
    /// Another device holds an earlier state.
    ChangesOnlyHere,
    /// Another device holds all of it.
    Shared,
}

impl From<OnlyHere> for Reach {
    fn from(only_here: OnlyHere) -> Self {
        match only_here {
            OnlyHere::All => Self::OnlyHere,
            OnlyHere::Changes => Self::ChangesOnlyHere,
            OnlyHere::Nothing => Self::Shared,
        }
    }
}

/// A line of the list of incidents.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct IncidentItem {
    /// The record.
    pub id: DocumentId,
    /// The name people use.
    pub short_code: String,
    /// One line.
    pub title: String,
    /// A code of the team's list.
    pub category: Option<String>,
    /// How severe; in a conflict the protective value.
    pub severity: Option<Severity>,
    /// Where it stands.
    pub status: Option<Status>,
    /// When it began, where somebody said.
    pub occurred: Option<UnixMillis>,
    /// When it was entered, by the clock that orders lists.
    pub entered: UnixMillis,
    /// Degrees north, WGS 84.
    pub lat: Option<f64>,
    /// Degrees east.
    pub lon: Option<f64>,
    /// Radius within which that is right.
    pub accuracy: Option<Metres>,
    /// How many files it has.
    pub files: u32,
    /// How many fields are in conflict.
    pub conflicts: u32,
    /// How many findings mark it.
    pub flags: u32,
    /// Whether a mark hides it.
    pub hidden: bool,
}

impl From<IncidentRow> for IncidentItem {
    fn from(row: IncidentRow) -> Self {
        let (id, entered, files) = (row.id, row.effective.millis(), row.attachments);
        let it = row.incident;
        let short_code = match it.short_code {
            Some((prefix, number)) => ShortCode { prefix, number }.to_string(),
            None => id.short(),
        };
        Self {
            id,
            short_code,
            severity: code(it.severity.as_ref()),
            status: code(it.status.as_ref()),
            title: it.title,
            category: it.category,
            occurred: it.occurred_start,
            entered,
            lat: it.place.map(|place| place.lat),
            lon: it.place.map(|place| place.lon),
            accuracy: it.place.and_then(|place| place.accuracy),
            files,
            conflicts: it.conflicts,
            flags: it.flags,
            hidden: it.hidden,
        }
    }
}

/// One incident with everything.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct IncidentDetail {
    /// The record's id.
    pub id: DocumentId,
    /// The name people use.
    pub short_code: String,
    /// Who entered it.
    pub author: String,
    /// When, as their phone showed it.
    pub created: Option<Moment>,
    /// When it probably was, where that phone's clock was wrong. What it showed stays.
    pub estimated: Option<Moment>,
    /// The record, with the values that are shown and acted on.
    pub record: Incident,
    /// Fields whose values conflict.
    pub conflicts: Vec<Conflict>,
    /// What a person should look at.
    pub findings: Vec<Finding>,
    /// Its files.
    pub files: Vec<FileItem>,
    /// How far it has come on its way to others.
    pub reach: Reach,
    /// Entries of it that are here and wait for others.
    pub waiting: u64,
    /// Something of it stands on one of two histories that a device signed.
    pub disputed: bool,
    /// Who entered it, where only they and the leads ever read it; `null`: the whole team reads it.
    pub leads_and: Option<String>,
}

impl From<IncidentView> for IncidentDetail {
    fn from(view: IncidentView) -> Self {
        Self {
            id: view.id,
            short_code: view.short_code,
            author: view.author,
            created: moment(view.created),
            estimated: view.estimated.and_then(moment),
            record: view.record,
            conflicts: view.conflicts.into_iter().map(Conflict::from).collect(),
            findings: view.findings,
            files: view.attachments.into_iter().map(FileItem::from).collect(),
            reach: view.only_here.into(),
            waiting: view.unsettled,
            disputed: view.disputed,
            leads_and: view.leads_and,
        }
    }
}

/// A field that people set to different values while apart.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Conflict {
    /// The record.
    pub id: DocumentId,
    /// The name people use.
    pub short_code: String,
    /// The field.
    pub field: String,
    /// All values.
    pub candidates: Vec<Candidate>,
}

impl From<ConflictView> for Conflict {
    fn from(view: ConflictView) -> Self {
        let candidates = view.candidates.into_iter().map(Candidate::from).collect();
        Self { id: view.id, short_code: view.short_code, field: view.field, candidates }
    }
}

/// A value and who set it.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Candidate {
    /// Names it, for `Incidents.resolve`.
    pub key: String,
    /// The value, as an incident that holds this field alone.
    pub value: Incident,
    /// Who set it.
    pub person: String,
    /// When, as their phone showed it.
    pub when: Option<Moment>,
}

/// Names a value among those of its conflict.
pub(crate) fn candidate_key(candidate: &CandidateView) -> String {
    let digest = Digest::new("firsthand shell candidate v1")
        .fixed(candidate.change)
        .sized(candidate.field.as_bytes())
        .sized(candidate.value.to_string().as_bytes())
        .finish_short();
    DocumentId::new(digest).to_string()
}

impl From<CandidateView> for Candidate {
    fn from(view: CandidateView) -> Self {
        let key = candidate_key(&view);
        let fields = serde_json::Map::from_iter([(view.field, view.value)]);
        let value = Incident::read(fields).record;
        Self { key, value, person: view.person, when: view.when.and_then(moment) }
    }
}

/// What became of a choice between conflicting values, or of a closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Settled {
    /// It counts.
    Counts,
    /// It shows as a proposal; somebody with the right decides.
    Proposed,
}

impl Settled {
    pub(crate) const fn of(counts: bool) -> Self {
        if counts { Self::Counts } else { Self::Proposed }
    }
}

/// One step of a record's history.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct HistoryStep {
    /// When, as the person's phone showed it.
    pub when: Option<Moment>,
    /// Who.
    pub person: String,
    /// The device: the first digits of its key.
    pub device: String,
    /// Whether this step created the record.
    pub created: bool,
    /// The field.
    pub field: String,
    /// What was done: `set`, `add`, `text`.
    pub what: String,
    /// The value before, as text.
    pub before: Option<String>,
    /// The value after, as text.
    pub after: Option<String>,
}

impl From<HistoryView> for HistoryStep {
    fn from(view: HistoryView) -> Self {
        // A text is shown as it is, without the quotes of JSON.
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        Self {
            when: view.when.and_then(moment),
            person: view.person,
            device: view.device,
            created: view.created,
            field: view.field,
            what: view.what.to_owned(),
            before: view.before.map(text),
            after: view.after.map(text),
        }
    }
}
