use chrono::NaiveDate;
use firsthand_ids::{ContentHash, Digest, DocumentId, PersonId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{AckKind, AlertCategory, AlertScope, AlertStatus, MsgType, ResponseType};
use crate::kinds::record;
use crate::roster::{Area, RiskLevel};
use crate::{
    Certainty, Circle, ClockEvidence, Fields, Moment, Origin, Sensitivity, Severity, Tombstone, Urgency,
    canonical,
};

record! {
    /// A warning that people raise, with the fields of the Common Alerting Protocol (CAP 1.2).
    ///
    /// An update or a cancellation is a warning of its own that refers to what it replaces.
    Alert
    scalars {
        /// What its sender calls it; no two warnings of one sender have the same.
        identifier: String,
        /// Who sends it, by a name that no other sender has.
        sender: String,
        /// When it was raised.
        sent: Moment,
        /// Whether it is meant. Chosen by a person.
        status: AlertStatus,
        /// What it does.
        msg_type: MsgType,
        /// Who may read it.
        scope: AlertScope,
        /// For [`AlertScope::Restricted`]: who that is, in words.
        restriction: String,
        /// For [`AlertScope::Private`]: to whom it goes, with spaces between.
        addresses: String,
        /// The language of its texts, as a tag such as `ar` or `en-US`.
        language: String,
        /// What happens, in a few words.
        event: String,
        /// How soon people have to act.
        urgency: Urgency,
        /// How severe it is.
        severity: Severity,
        /// How certain it is.
        certainty: Certainty,
        /// What people read first, at most 160 characters.
        headline: String,
        /// When what it warns of begins.
        onset: Moment,
        /// Until when it holds.
        expires: Moment,
        /// Where.
        area: AlertArea,
        /// ISO 22324's level of danger.
        level: RiskLevel,
        /// The sign whose threshold was crossed.
        threshold_trigger: DocumentId,
        /// How many people have to approve it, as the team's rule was when it was raised.
        approvals_required: u32,
        /// The file it came from.
        origin: Origin,
        /// How widely it may be shared.
        sensitivity: Sensitivity,
        /// The day after which it is to be destroyed.
        retention_until: NaiveDate,
        /// What was known about the device's clock when it was made.
        clock_evidence: ClockEvidence,
        /// The version of the types it was written with.
        schema_version: u32,
    }
    texts {
        /// What is known.
        description,
        /// What people are to do.
        instruction,
    }
    lists {
        /// What it is about.
        category: CategoryItem,
        /// What people are asked to do, as codes.
        response_type: ResponseItem,
        /// Files that show what it rests on.
        evidence: EvidenceItem,
        /// Incidents that it rests on.
        incidents: AlertIncident,
        /// The warnings that it replaces or calls off.
        references: AlertReference,
        /// What a system besides wants to know, by name.
        parameters: ParameterItem,
        /// Who approves it.
        approvals: Approval,
        /// Who says what to it. Never taken away.
        acks: Acknowledgement,
        /// Marks that hide it.
        tombstone: Tombstone,
    }
    maps {
        /// What of the file it came from has no field here.
        imported,
    }
}

macro_rules! item {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $fdoc:literal])+ $field:ident: $type:ty,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
        pub struct $name {
            /// `writer|counter`; empty until saved.
            #[serde(default, skip_serializing_if = "String::is_empty")]
            #[cfg_attr(feature = "uniffi", uniffi(default))]
            pub key: String,
            $($(#[doc = $fdoc])+ pub $field: $type,)+
        }
    };
}

item! {
    /// One thing that a warning is about.
    CategoryItem {
        /// The code.
        category: AlertCategory,
    }
}
item! {
    /// One thing that people are asked to do.
    ResponseItem {
        /// The code.
        response_type: ResponseType,
    }
}
item! {
    /// A file that shows what a warning rests on.
    EvidenceItem {
        /// The file's record.
        document: DocumentId,
    }
}
item! {
    /// An incident that a warning rests on.
    AlertIncident {
        /// Its record.
        document: DocumentId,
    }
}
item! {
    /// A warning that another one replaces or calls off, as CAP names it.
    AlertReference {
        /// Who sent it.
        sender: String,
        /// What its sender calls it.
        identifier: String,
        /// When it was sent.
        sent: Moment,
    }
}
item! {
    /// A value by a name that a system gave it.
    ParameterItem {
        /// The name.
        name: String,
        /// The value.
        value: String,
    }
}

/// That somebody approves a warning as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Approval {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Who.
    pub by: PersonId,
    /// Their role at the time, for people to read. What they had the right to, the log says.
    pub role: String,
    /// When.
    pub at: Moment,
    /// [`Alert::content_sha256`] of what they read: an approval does not hold for what it says after an edit.
    pub content_sha256: ContentHash,
}

/// What somebody says to a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Acknowledgement {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Who acknowledges. Another than its author where that one has no device at hand and said so by radio.
    pub person: PersonId,
    /// What they say.
    pub kind: AckKind,
    /// When.
    pub at: Moment,
    /// A word more.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub note: String,
}

/// Where a warning holds: in words, and as an area, a circle or an official code, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct AlertArea {
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub text: String,
    /// A ring of corners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub polygon: Option<Area>,
    /// A circle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub circle: Option<Circle>,
    /// The official code of the area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub p_code: Option<String>,
}

impl Alert {
    /// How long a warning holds of which nobody says so, in milliseconds: 4 hours, which is half a shift.
    pub const HOLDS_MS: i64 = 4 * 60 * 60 * 1000;

    /// Fields that do not tell people what to do: who approved and acknowledged it, what it rests on, how it is kept.
    const AROUND: &[&str] = &[
        "acks",
        "approvals",
        "approvals_required",
        "clock_evidence",
        "evidence",
        "imported",
        "incidents",
        "origin",
        "retention_until",
        "schema_version",
        "sensitivity",
        "threshold_trigger",
        "tombstone",
    ];

    /// When a warning that was sent then ends, where nobody says so; `None` beyond the year 9999.
    #[must_use]
    pub fn default_expires(sent: Moment) -> Option<Moment> {
        let end = sent.millis().0.checked_add(Self::HOLDS_MS)?;
        Moment::new(firsthand_ids::UnixMillis(end), sent.offset_minutes())
    }

    /// The hash of what a warning tells people, for approvals: every field that this version knows but those around it. The
    /// order and the keys of items do not count, and neither does what only a newer version knows.
    #[must_use]
    pub fn content_sha256(&self) -> ContentHash {
        let known = Self { extra: Fields::new(), ..self.clone() };
        let mut content: Map<String, Value> = match json!(known) {
            Value::Object(content) => content,
            // A number that is not finite cannot be written, and validation lets none in.
            _ => Map::new(),
        };
        content.retain(|name, _| Self::tells(name));
        for items in content.values_mut().filter_map(Value::as_array_mut) {
            for item in items.iter_mut().filter_map(Value::as_object_mut) {
                item.remove("key");
            }
            items.sort_by_cached_key(canonical);
            items.dedup();
        }
        let mut digest = Digest::new("firsthand alert content v1");
        ContentHash::new(digest.sized(canonical(&Value::Object(content)).as_bytes()).finish())
    }

    /// Whether a field tells people what happens and what to do, and so belongs to [`Alert::content_sha256`].
    #[must_use]
    pub fn tells(field: &str) -> bool {
        !Self::AROUND.contains(&field)
    }

    /// Whether another warning names this one among those that it replaces.
    #[must_use]
    pub fn is_referred_to_by(&self, other: &Self) -> bool {
        let same = |it: &AlertReference| {
            Some(&it.identifier) == self.identifier.as_ref()
                && Some(&it.sender) == self.sender.as_ref()
                && Some(it.sent.millis()) == self.sent.map(Moment::millis)
        };
        other.references.iter().any(same)
    }

    /// This warning as another one refers to it; `None` where it lacks what that takes.
    #[must_use]
    pub fn reference(&self) -> Option<AlertReference> {
        Some(AlertReference {
            key: String::new(),
            sender: self.sender.clone()?,
            identifier: self.identifier.clone()?,
            sent: self.sent?,
        })
    }
}
