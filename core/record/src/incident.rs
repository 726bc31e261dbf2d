use std::collections::BTreeMap;

use chrono::NaiveDate;
use firsthand_ids::{DocumentId, PersonId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Actor, AuthorityPresence, Certainty, ClockEvidence, Consent, ConsentWithdrawn, Count, Credibility,
    FollowUp, GeoPrecision, Grading, Harm, Link, MediationOutcome, Moment, Occurred, Place, Reliability,
    RetaliationRisk, RumourStatus, Sensitivity, Severity, ShortCode, Source, Status, Tactic, Tombstone,
    Trajectory, Urgency, Verification, VerificationStep, Weapon,
};

/// Declares [`Incident`] and the list of its fields together, so that the two cannot drift apart.
macro_rules! incident {
    (
        scalars { $($(#[doc = $sdoc:literal])+ $scalar:ident: $stype:ty,)+ }
        texts { $($(#[doc = $tdoc:literal])+ $text:ident,)+ }
        lists { $($(#[doc = $ldoc:literal])+ $list:ident: $ltype:ty,)+ }
    ) => {
        /// Something that happened, as the team knows it. `Incident::default()` is the empty draft.
        ///
        /// What is not known is absent, never zero or an empty guess. In JSON, fields that are absent or empty are
        /// left out.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        pub struct Incident {
            $(
                $(#[doc = $sdoc])+
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $scalar: Option<$stype>,
            )+
            $(
                $(#[doc = $tdoc])+
                #[serde(default, skip_serializing_if = "String::is_empty")]
                pub $text: String,
            )+
            $(
                $(#[doc = $ldoc])+
                #[serde(default, skip_serializing_if = "Vec::is_empty")]
                pub $list: Vec<$ltype>,
            )+
            /// What an imported row said in columns that have no field here, under the names of the columns.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            pub imported: BTreeMap<String, Value>,
            /// Keys that this version does not know, kept as they came.
            #[serde(flatten)]
            pub extra: BTreeMap<String, Value>,
        }

        impl Incident {
            /// Fields with one value.
            pub const SCALARS: &'static [&'static str] = &[$(stringify!($scalar)),+];
            /// Fields of running text.
            pub const TEXTS: &'static [&'static str] = &[$(stringify!($text)),+];
            /// Fields that are lists of items.
            pub const LISTS: &'static [&'static str] = &[$(stringify!($list)),+];

            /// Reads JSON that another version may have written. A value that this version cannot read, such as a
            /// code of a longer list, is set aside by name instead of making the whole record unreadable.
            #[must_use]
            pub fn read(json: serde_json::Map<String, Value>) -> Read {
                let mut read = Read::default();
                for (key, value) in json {
                    match key.as_str() {
                        $(stringify!($scalar) => {
                            read.incident.$scalar = one(value, &key, &mut read.unread);
                        })+
                        $(stringify!($text) => {
                            read.incident.$text = one(value, &key, &mut read.unread).unwrap_or_default();
                        })+
                        $(stringify!($list) => {
                            read.incident.$list = many(value, &key, &mut read.unread);
                        })+
                        "imported" => {
                            read.incident.imported = one(value, &key, &mut read.unread).unwrap_or_default();
                        }
                        _ => {
                            read.incident.extra.insert(key, value);
                        }
                    }
                }
                read
            }
        }
    };
}

incident! {
    scalars {
        /// The name people use, such as `K7-014`.
        short_code: ShortCode,
        /// One line, at most 120 characters.
        title: String,
        /// When it began.
        occurred_start: Occurred,
        /// When it ended.
        occurred_end: Occurred,
        /// When the team was told.
        reported_at: Moment,
        /// Where it happened.
        place: Place,
        /// The official code of the area.
        p_code: String,
        /// The level of that area: 0 is the country.
        admin_level: u8,
        /// How exactly the place is known.
        geo_precision: GeoPrecision,
        /// What kind of incident: a code of the team's list, by default an ACLED sub-event type.
        category: String,
        /// How severe it is.
        severity: Severity,
        /// How soon a response is needed.
        urgency: Urgency,
        /// How certain it is.
        certainty: Certainty,
        /// Where it is heading.
        trajectory: Trajectory,
        /// Whether it has been verified.
        verification: Verification,
        /// What is known of the rumour that the incident is about.
        rumour_status: RumourStatus,
        /// The prepared message that answers the rumour.
        rumour_response_message_id: DocumentId,
        /// How likely somebody is to strike back.
        retaliation_risk: RetaliationRisk,
        /// How a mediation ended.
        mediation_outcome: MediationOutcome,
        /// Whether something must still be done.
        followup: FollowUp,
        /// Who of the team looks after it.
        owner: PersonId,
        /// Where it stands in the team's work.
        status: Status,
        /// The incident that this one was merged into, when `status` says so.
        merged_into: DocumentId,
        /// How widely it may be shared.
        sensitivity: Sensitivity,
        /// The day after which it is to be destroyed.
        retention_until: NaiveDate,
        /// What was known about the device's clock when it was made.
        clock_evidence: ClockEvidence,
        /// The version of the types it was written with.
        schema_version: u32,
        /// The file it was imported from.
        origin: Origin,
    }
    texts {
        /// What happened, in as many words as it takes.
        narrative,
        /// Where it happened, in words.
        place_text,
        /// What the rumour says.
        rumour_claim,
    }
    lists {
        /// What harm people suffered.
        harm_types: Harm,
        /// Who took part.
        actors: Actor,
        /// How many people; see [`crate::summarise`].
        counts: Count,
        /// What the team did to protect.
        tactics_used: Tactic,
        /// Weapons in the incident.
        weapons_seen: Weapon,
        /// Authorities at the scene.
        authority_presence: AuthorityPresence,
        /// Where the team knows it from.
        source: Source,
        /// Which sources took back what they had agreed to.
        consent_withdrawn: ConsentWithdrawn,
        /// How its sources were judged.
        graded_by: Grading,
        /// How it was verified.
        verification_log: VerificationStep,
        /// Other records it has to do with.
        linked: Link,
        /// Marks that hide it.
        tombstone: Tombstone,
    }
}

impl Incident {
    /// What a source agreed to, as it stands. Once taken back it stays so, whoever noted what first on phones that were
    /// apart; to agree again is a new source.
    #[must_use]
    pub fn consent_of(&self, source: &Source) -> Option<Consent> {
        let mut consent = source.consent?;
        let withdrawn = self.consent_withdrawn.iter().filter(|it| !it.source.is_empty());
        let first =
            withdrawn.filter(|it| it.source == source.key).map(|it| it.at).min_by_key(|at| at.millis());
        consent.withdrawn_at = consent.withdrawn_at.or(first);
        Some(consent)
    }

    /// The last judgement of a source: that of the people who looked at it later, else its own.
    #[must_use]
    pub fn grade_of(&self, source: &Source) -> (Option<Reliability>, Option<Credibility>) {
        let last = self.graded_by.iter().rev().find(|it| !it.source.is_empty() && it.source == source.key);
        last.map_or((source.reliability, source.credibility), |it| (it.reliability, it.credibility))
    }
}

/// Where an imported record came from. It stops the same row from coming in twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The format's name, such as `csv`.
    pub format: String,
    /// The id the row has in the other program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// SHA-256 of the row in canonical form, 64 hexadecimal digits.
    pub row_hash: String,
}

/// A record as far as this version can read it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read {
    /// What could be read; unknown keys are in `extra`.
    pub incident: Incident,
    /// What could not.
    pub unread: Vec<Unread>,
}

/// A value under a known key that this version cannot read.
#[derive(Debug, Clone, PartialEq)]
pub struct Unread {
    /// Where it stands, such as `severity` or `counts[1]`.
    pub field: String,
    /// The value as it came.
    pub value: Value,
}

fn one<T: DeserializeOwned>(value: Value, field: &str, unread: &mut Vec<Unread>) -> Option<T> {
    if value.is_null() { None } else { item(value, || field.to_owned(), unread) }
}

fn item<T: DeserializeOwned>(
    value: Value,
    field: impl Fn() -> String,
    unread: &mut Vec<Unread>,
) -> Option<T> {
    let read = T::deserialize(&value).ok();
    if read.is_none() {
        unread.push(Unread { field: field(), value });
    }
    read
}

fn many<T: DeserializeOwned>(value: Value, field: &str, unread: &mut Vec<Unread>) -> Vec<T> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => {
            let read = |(index, value)| item(value, || format!("{field}[{index}]"), unread);
            items.into_iter().enumerate().filter_map(read).collect()
        }
        value => {
            unread.push(Unread { field: field.to_owned(), value });
            Vec::new()
        }
    }
}
