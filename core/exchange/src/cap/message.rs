use firsthand_record::roster::Corner;
use firsthand_record::warning::{AlertCategory, AlertScope, AlertStatus, MsgType, ResponseType};
use firsthand_record::{Certainty, Circle, Moment, Severity, Urgency};
use serde::{Deserialize, Serialize};

/// The type of a file of which nobody says more.
pub const ANY_TYPE: &str = "application/octet-stream";

/// A message as CAP 1.2 has it, named as there. What is not said is absent; an empty element says nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// What its sender calls it.
    pub identifier: String,
    /// Who sends it.
    pub sender: String,
    /// When it was sent.
    pub sent: Moment,
    /// Whether it is meant.
    pub status: AlertStatus,
    /// What it does.
    pub msg_type: MsgType,
    /// Where the sender knows it from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Who may read it.
    pub scope: AlertScope,
    /// For `Restricted`: who that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restriction: Option<String>,
    /// For `Private`: to whom it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<String>,
    /// Codes for how it is handled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// What it is for, where it is an exercise or an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The earlier messages that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// Names of incidents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incidents: Option<String>,
    /// What it tells, mostly once for each language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub infos: Vec<Info>,
}

/// An earlier message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Who sent it.
    pub sender: String,
    /// What its sender calls it.
    pub identifier: String,
    /// When it was sent.
    pub sent: Moment,
}

/// What a message tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// The language of its texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What it is about.
    pub categories: Vec<AlertCategory>,
    /// What happens.
    pub event: String,
    /// What people are asked to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_types: Vec<ResponseType>,
    /// How soon.
    pub urgency: Urgency,
    /// How severe.
    pub severity: Severity,
    /// How certain.
    pub certainty: Certainty,
    /// For whom it is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// What happens, by systems' codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_codes: Vec<Named>,
    /// From when on the message holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Moment>,
    /// When what it warns of begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset: Option<Moment>,
    /// Until when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Moment>,
    /// The sender's name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    /// What people read first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
    /// What is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What people are to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
    /// Where more is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<String>,
    /// Whom to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Values by systems' names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Named>,
    /// Files that belong to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resource>,
    /// Where it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<CapArea>,
}

/// A value by a name: `valueName` and `value`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A file that belongs to a message. It is named and never fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// What it is, in words.
    pub text: String,
    /// Its type; [`ANY_TYPE`] where a message of CAP 1.1 does not say, since CAP 1.2 asks for one.
    pub mime: String,
    /// Its size in bytes, as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The file itself in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deref_uri: Option<String>,
    /// SHA-1 of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Where a message holds: in any of these shapes and codes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CapArea {
    /// In words.
    pub text: String,
    /// Rings of corners; the last corner, which is the first, is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub polygons: Vec<Vec<Corner>>,
    /// Circles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub circles: Vec<Circle>,
    /// Official codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub geocodes: Vec<Named>,
    /// Height in feet, as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude: Option<String>,
    /// Up to which height in feet, as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<String>,
}

/// Whether a text is a tag as the schema has it: letters, then letters and digits, at most eight each.
pub(super) fn is_tag(text: &str) -> bool {
    let part = |(index, part): (usize, &str)| {
        let fits = |c: char| c.is_ascii_alphabetic() || (index > 0 && c.is_ascii_digit());
        (1..=8).contains(&part.len()) && part.chars().all(fits)
    };
    text.split('-').enumerate().all(part)
}
