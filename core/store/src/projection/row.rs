use firsthand_ids::{
    ContentHash, DocumentId, EntryHash, HybridTime, Metres, PersonId, SpaceId, UnixMillis, WriterId,
};
use firsthand_record::{Origin, VariantKind};

use crate::AttachmentSecret;

use super::checklist::{RunProjection, TemplateProjection};
use super::roster::{
    CheckInProjection, FieldTeamProjection, HandoffProjection, PersonProjection, ShiftProjection,
};

/// The row that a document has in the lists.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ProjectedRow {
    /// An incident.
    Incident(Box<IncidentProjection>),
    /// An attached file.
    Evidence(Box<EvidenceProjection>),
    /// Somebody of the team.
    Person(Box<PersonProjection>),
    /// A team in the field.
    FieldTeam(Box<FieldTeamProjection>),
    /// A shift.
    Shift(Box<ShiftProjection>),
    /// How somebody is.
    CheckIn(Box<CheckInProjection>),
    /// What one shift leaves to the next.
    Handoff(Box<HandoffProjection>),
    /// One version of a checklist.
    Template(Box<TemplateProjection>),
    /// A checklist that is being worked through.
    Run(Box<RunProjection>),
}

/// What the lists hold of an incident. The store adds what the creating entry says: effective time, hash, author.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IncidentProjection {
    /// The short code's prefix and number.
    pub short_code: Option<(String, u32)>,
    /// One line.
    pub title: String,
    /// A code of the team's list.
    pub category: Option<String>,
    /// The code of the severity that is shown: in a conflict the protective one.
    pub severity: Option<String>,
    /// The code of the urgency.
    pub urgency: Option<String>,
    /// The code of the certainty.
    pub certainty: Option<String>,
    /// The code of the status that is shown.
    pub status: Option<String>,
    /// The code of the follow-up.
    pub followup: Option<String>,
    /// The code of the verification.
    pub verification: Option<String>,
    /// The code of what is known of the rumour.
    pub rumour: Option<String>,
    /// When it began.
    pub occurred_start: Option<UnixMillis>,
    /// When it ended.
    pub occurred_end: Option<UnixMillis>,
    /// When the team was told.
    pub reported: Option<UnixMillis>,
    /// Where.
    pub place: Option<ProjectedPlace>,
    /// How many fields are in conflict.
    pub conflicts: u32,
    /// How many findings mark it.
    pub flags: u32,
    /// The names of the rules that do so, each once; without spaces.
    pub marks: Vec<String>,
    /// The incident it was merged into, which need not be here.
    pub merged_into: Option<DocumentId>,
    /// Whether a mark hides it. Lists leave it out unless asked.
    pub hidden: bool,
    /// The row of a file that it was imported from.
    pub origin: Option<Origin>,
    /// Everything that the full-text search is to find besides the title.
    pub text: String,
}

/// A point on the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProjectedPlace {
    /// Degrees north, WGS 84.
    pub lat: f64,
    /// Degrees east, WGS 84.
    pub lon: f64,
    /// Radius within which the point is right.
    pub accuracy: Option<Metres>,
}

/// What the lists hold of an attached file.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceProjection {
    /// The incident it belongs to, which need not be here.
    pub incident: DocumentId,
    /// SHA-256 of the file.
    pub hash: ContentHash,
    /// Length of the file in bytes.
    pub byte_len: u64,
    /// What kind of file it is.
    pub mime: String,
    /// What the file was called.
    pub name: String,
    /// What it shows.
    pub caption: String,
    /// How many findings mark it.
    pub flags: u32,
    /// Whether it is marked as hidden.
    pub hidden: bool,
    /// Whether its key is to be destroyed. Read back it is `false`: the row does not keep it.
    pub destroyed: bool,
    /// Its smaller forms, each kind once. Those whose key the entry does not hold that created the record are not kept.
    pub forms: Vec<FormProjection>,
}

/// A smaller form of an attached file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormProjection {
    /// Which form.
    pub kind: VariantKind,
    /// SHA-256 of its bytes.
    pub hash: ContentHash,
    /// Its length in bytes.
    pub byte_len: u64,
}

/// A file, or a smaller form of one, that is recorded here: complete, or missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAt {
    /// The space in which it is recorded.
    pub space: SpaceId,
    /// The document that records it.
    pub document: DocumentId,
    /// Which form of the file.
    pub form: VariantKind,
    /// SHA-256 of its bytes.
    pub hash: ContentHash,
    /// Its length in bytes, as the record says.
    pub byte_len: u64,
    /// What opens it.
    pub secret: AttachmentSecret,
}

/// An incident in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentRow {
    /// The document.
    pub id: DocumentId,
    /// The space it is in.
    pub space: SpaceId,
    /// Effective time of the entry that created it.
    pub effective: HybridTime,
    /// The hash of that entry, which decides between equal times.
    pub entry: EntryHash,
    /// The chain of that entry.
    pub writer: WriterId,
    /// Who created it.
    pub author: PersonId,
    /// How many files are attached, hidden ones left out.
    pub attachments: u32,
    /// How many of those are marked by a finding.
    pub flagged_attachments: u32,
    /// The rest. `origin` and `text` are empty here: the rows do not keep them.
    pub incident: IncidentProjection,
}

/// An attached file in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceRow {
    /// The document that records it.
    pub id: DocumentId,
    /// The space it is in.
    pub space: SpaceId,
    /// Effective time of the entry that created the record.
    pub effective: HybridTime,
    /// The chain of that entry.
    pub writer: WriterId,
    /// Who attached it.
    pub author: PersonId,
    /// The rest. `forms` is empty here.
    pub evidence: EvidenceProjection,
}
