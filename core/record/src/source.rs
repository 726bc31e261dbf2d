use firsthand_ids::PersonId;
use serde::{Deserialize, Serialize};

use crate::{Credibility, Moment, Reliability, SourceKind, Verification};

/// Where the team knows something from, with its grading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Source {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Who told the team.
    pub kind: SourceKind,
    /// How reliable the source is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub reliability: Option<Reliability>,
    /// How credible what it says is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub credibility: Option<Credibility>,
    /// What the person agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub consent: Option<Consent>,
    /// What the team calls the person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub pseudonym: String,
}

impl Source {
    /// A source of which only the kind is known.
    #[must_use]
    pub const fn new(kind: SourceKind) -> Self {
        Self {
            key: String::new(),
            kind,
            reliability: None,
            credibility: None,
            consent: None,
            pseudonym: String::new(),
        }
    }
}

/// What a person agreed to. What was not asked is `false`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Consent {
    /// To being written down.
    #[serde(default)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub record: bool,
    /// To the team reading it.
    #[serde(default)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub share_team: bool,
    /// To other teams reading it.
    #[serde(default)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub share_network: bool,
    /// To everybody reading it.
    #[serde(default)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub share_public: bool,
    /// When the person took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub withdrawn_at: Option<Moment>,
}

/// A source took back what it had agreed to. What was agreed stays readable; it no longer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ConsentWithdrawn {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// The key of the item of `source`.
    pub source: String,
    /// When it was taken back.
    pub at: Moment,
    /// Who of the team noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub by: Option<PersonId>,
}

/// A person's judgement of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Grading {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// The key of the item of `source` that is judged.
    pub source: String,
    /// Who judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub by: Option<PersonId>,
    /// How reliable the source is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub reliability: Option<Reliability>,
    /// How credible what it says is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub credibility: Option<Credibility>,
    /// When it was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub at: Option<Moment>,
}

/// One step of verification, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct VerificationStep {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// What the step found.
    pub state: Verification,
    /// Who took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub by: Option<PersonId>,
    /// When it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub at: Option<Moment>,
    /// How the team knows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub note: String,
}
