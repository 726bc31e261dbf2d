use std::collections::BTreeMap;

use firsthand_ids::{ContentHash, DocumentId, PersonId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{RunContextKind, TimerEvent};
use crate::kinds::readable;
use crate::{Fields, Moment, Tombstone};

/// Somebody, or a team, working through one version of a checklist.
///
/// It can be read before its template has arrived: what was answered stands here, and only what is missing is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Run {
    /// Which checklist.
    pub template_id: String,
    /// Which version of it.
    pub version: u32,
    /// The record of that version.
    pub template: DocumentId,
    /// What that version says, so that no other can take its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub content_sha256: Option<ContentHash>,
    /// When it began.
    pub started: Moment,
    /// What it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub context: Option<RunContext>,
    /// Ticks and answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub answers: Vec<Answer>,
    /// What happened to timers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub timers: Vec<TimerEntry>,
    /// That, when and by whom it was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub completed: Option<Completion>,
    /// Why it was abandoned; empty if it was not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub abandoned_reason: String,
    /// The version of the types it was written with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub schema_version: Option<u32>,
    /// Marks that hide it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub tombstone: Vec<Tombstone>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub extra: Fields,
}

impl Run {
    /// A run that begins.
    #[must_use]
    pub fn new(template_id: impl Into<String>, version: u32, template: DocumentId, started: Moment) -> Self {
        Self {
            template_id: template_id.into(),
            version,
            template,
            content_sha256: None,
            started,
            context: None,
            answers: Vec::new(),
            timers: Vec::new(),
            completed: None,
            abandoned_reason: String::new(),
            schema_version: None,
            tombstone: Vec::new(),
            extra: BTreeMap::new(),
        }
    }

    const REQUIRED: [&str; 4] = ["template_id", "version", "template", "started"];

    /// Reads a run from a document's fields, without those, and without those items of lists, that this version cannot
    /// read. `None` where what says which checklist it is of cannot be read.
    #[must_use]
    pub fn read(fields: Map<String, Value>) -> Option<Self> {
        readable(fields, &Self::REQUIRED)
    }
}

/// What a run belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct RunContext {
    /// What kind of thing.
    pub kind: RunContextKind,
    /// Its record, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub document: Option<DocumentId>,
}

/// What one person answered to one item, or that they ticked it or took ticks back. Entries are added and stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Answer {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Which item.
    pub item_id: String,
    /// Whose answer it is.
    pub person: PersonId,
    /// `true` ticks an item, `false` takes ticks back. Of other items: text; the name of the choice; a list of names; a
    /// number; a day as `2026-05-01`, a time as `14:30`; a [place](crate::Place). `null` clears an earlier answer.
    pub value: Value,
    /// When.
    pub at: Moment,
    /// Of a tick taken back: the keys of the ticks that are meant, all that the person saw. A tick they did not know of
    /// stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub takes_back: Vec<String>,
    /// The record of the photo or recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub evidence: Option<DocumentId>,
    /// A word of explanation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub note: String,
}

impl Answer {
    /// A tick.
    #[must_use]
    pub fn tick(item_id: impl Into<String>, person: PersonId, at: Moment) -> Self {
        Self::new(item_id, person, Value::Bool(true), at)
    }

    /// An answer.
    #[must_use]
    pub fn new(item_id: impl Into<String>, person: PersonId, value: Value, at: Moment) -> Self {
        Self {
            key: String::new(),
            item_id: item_id.into(),
            person,
            value,
            at,
            takes_back: Vec::new(),
            evidence: None,
            note: String::new(),
        }
    }
}

/// Something that happened to a timer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TimerEntry {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Which item.
    pub item_id: String,
    /// Who did it.
    pub person: PersonId,
    /// What happened.
    pub event: TimerEvent,
    /// When.
    pub at: Moment,
}

/// That a run was completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Completion {
    /// When.
    pub at: Moment,
    /// By whom.
    pub by: PersonId,
}
