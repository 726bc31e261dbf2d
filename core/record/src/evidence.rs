use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use firsthand_ids::{ContentHash, DeviceKey, DocumentId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kinds::readable;
use crate::{
    C2paState, CapturePath, ClockEvidence, Consent, CustodyKind, Fields, Moment, PeopleVisible, Place,
    Tombstone, VariantKind,
};

/// The record of a file: a photo, a recording, a document. Its bytes are kept elsewhere and never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Evidence {
    /// The incident it belongs to.
    pub incident: DocumentId,
    /// SHA-256 of the file's bytes.
    pub sha256: ContentHash,
    /// Length of the file in bytes.
    pub byte_len: u64,
    /// What kind of file it is, found from its bytes.
    pub mime: String,
    /// When, where and with what it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub captured: Option<Captured>,
    /// What the file was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub original_name: Option<String>,
    /// How it came into the app.
    pub capture_path: CapturePath,
    /// What a check of its content credentials said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub c2pa_state: Option<C2paState>,
    /// Smaller forms of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub variants: Vec<Variant>,
    /// The record of the file that this one is a redacted copy of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub redacted_copy_of: Option<DocumentId>,
    /// What it shows, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub caption: String,
    /// Whether people can be recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub people_visible: Option<PeopleVisible>,
    /// What those people agreed to, and took back: each time an item of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub consent: Vec<ConsentStep>,
    /// The device's signature over everything that is written once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub manifest: Option<Manifest>,
    /// What happened to the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub custody_log: Vec<CustodyStep>,
    /// Who destroyed the file's key, or proposed to, and why. Hash, manifest and custody stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub destroyed: Vec<Destruction>,
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

impl Evidence {
    /// A record of which only the file is known.
    #[must_use]
    pub fn new(
        incident: DocumentId,
        sha256: ContentHash,
        byte_len: u64,
        mime: impl Into<String>,
        capture_path: CapturePath,
    ) -> Self {
        Self {
            incident,
            sha256,
            byte_len,
            mime: mime.into(),
            captured: None,
            original_name: None,
            capture_path,
            c2pa_state: None,
            variants: Vec::new(),
            redacted_copy_of: None,
            caption: String::new(),
            people_visible: None,
            consent: Vec::new(),
            manifest: None,
            custody_log: Vec::new(),
            destroyed: Vec::new(),
            schema_version: None,
            tombstone: Vec::new(),
            extra: BTreeMap::new(),
        }
    }

    /// Reads a record from a document's fields, without those, and without those items of lists, that this version cannot
    /// read: nobody can hide a file by adding to its lists what nobody understands. `None` where what says which file it
    /// is cannot be read.
    #[must_use]
    pub fn read(fields: Map<String, Value>) -> Option<Self> {
        readable(fields, &Self::REQUIRED)
    }

    const REQUIRED: [&str; 5] = ["incident", "sha256", "byte_len", "mime", "capture_path"];

    /// Whether the people shown agree to being recorded. One withdrawal is enough against it, whoever agreed before or
    /// after: there may be several people, and phones that met late know no order. A withdrawal noted by mistake is
    /// taken back as any item is.
    #[must_use]
    pub fn is_agreed(&self) -> bool {
        self.consent.iter().any(|step| step.consent.record)
            && self.consent.iter().all(|step| step.consent.withdrawn_at.is_none())
    }
}

/// What people who can be seen agreed to, or that they took it back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ConsentStep {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// What they said.
    #[serde(flatten)]
    pub consent: Consent,
}

/// The signature of the device that recorded a file. docs/formats/evidence.md says over what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Manifest {
    /// The device.
    pub device: DeviceKey,
    /// When it sealed the file, by its clock.
    pub sealed_at: Moment,
    /// Ed25519, 128 hexadecimal digits.
    pub signature: String,
}

/// When, where and with what a file was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Captured {
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub time: Option<Moment>,
    /// When by a clock of which nobody knows the zone: what a camera wrote into the file without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub local_time: Option<NaiveDateTime>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub place: Option<Place>,
    /// What was known about the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub clock_evidence: Option<ClockEvidence>,
    /// The device, as it names itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub device_model: Option<String>,
    /// Which of these nobody said or measured: they stood in the file when it was brought in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub from_file: Vec<String>,
}

/// One form of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Variant {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Which form.
    pub kind: VariantKind,
    /// SHA-256 of its bytes.
    pub sha256: ContentHash,
    /// Its length in bytes.
    pub byte_len: u64,
}

impl VariantKind {
    /// The most bytes that this form of a file may have; `None` for the file itself.
    #[must_use]
    pub const fn most_bytes(self) -> Option<u64> {
        match self {
            Self::Thumb => Some(20_000),
            Self::Preview => Some(200_000),
            Self::Original => None,
        }
    }
}

impl Variant {
    /// Whether it is a smaller form and within its limit.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.kind.most_bytes().is_some_and(|most| self.byte_len <= most)
    }
}

/// That the key of a file is destroyed. It counts if its author had the right to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Destruction {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// The file, by its hash.
    pub sha256: ContentHash,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub reason: String,
}

/// One thing that happened to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct CustodyStep {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// What happened.
    pub event: CustodyKind,
    /// On which device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub device: Option<DeviceKey>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub at: Option<Moment>,
}
