use chrono::NaiveDate;
use firsthand_ids::{DocumentId, PersonId};
use serde::{Deserialize, Serialize};

use crate::kinds::record;
use crate::{
    Actor, AuthorityPresence, Certainty, ClockEvidence, Consent, ConsentWithdrawn, Count, Credibility,
    FollowUp, GeoPrecision, Grading, Harm, Link, MediationOutcome, Moment, Occurred, Place, Reliability,
    RetaliationRisk, RumourStatus, Sensitivity, Severity, ShortCode, Source, Status, Tactic, Tombstone,
    Trajectory, Urgency, Verification, VerificationStep, Weapon,
};

record! {
    /// Something that happened, as the team knows it. `Incident::default()` is the empty draft.
    Incident
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
    maps {
        /// What an imported row said in columns that have no field here, under the names of the columns.
        imported,
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
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Origin {
    /// The format's name, such as `csv`.
    pub format: String,
    /// The id the row has in the other program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub external_id: Option<String>,
    /// SHA-256 of the row in canonical form, 64 hexadecimal digits.
    pub row_hash: String,
}
