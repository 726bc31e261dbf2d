use std::collections::BTreeMap;

use firsthand_ids::{DocumentId, UnixMillis, WriterId};
use rand_core::Rng;
use serde_json::json;

use super::Generator;
use crate::{
    ClockEvidence, ClockTrust, ConsentWithdrawn, Credibility, Grading, Incident, Link, LinkKind,
    MediationOutcome, Origin, Relation, Reliability, RumourStatus, Sensitivity, Status, Tombstone,
    Verification, VerificationStep,
};

/// The least milliseconds by which a wrong clock of a generated record is wrong.
const HOUR_MS: i64 = 3_600_000;

impl<R: Rng> Generator<R> {
    /// An incident late in its life: besides what people enter at once, whatever else an incident may carry. Each field
    /// of [`Incident`] is there in some of them and absent from others.
    ///
    /// The sources have keys, which the judgements and withdrawals of consent name; a store gives them others.
    pub fn late_incident(&mut self) -> Incident {
        let mut incident = self.incident();
        let writer = WriterId::new(self.dice.bytes());
        for (index, source) in incident.source.iter_mut().enumerate() {
            source.key = format!("{writer}|{}", index + 1);
        }
        self.judged(&mut incident);
        if self.dice.percent(30) {
            self.rumour(&mut incident);
        }
        incident.mediation_outcome = self.dice.percent(30).then(|| self.code::<MediationOutcome>());
        incident.linked = self.some(0, 2, Self::link);
        if self.dice.percent(10) {
            incident.status = Some(Status::MergedInto);
            incident.merged_into = Some(self.document());
        }
        if self.dice.percent(50) {
            let days = self.dice.between(90, 2_000) * 24;
            incident.retention_until = self.ago(-days * 60).map(|end| end.chrono().date_naive());
        }
        if self.dice.percent(80) {
            incident.clock_evidence = Some(self.clock());
        }
        if self.dice.percent(20) {
            incident.origin = Some(self.origin());
            incident.imported = BTreeMap::from([
                ("Which road?".to_owned(), json!(incident.place_text)),
                ("_score".to_owned(), json!(self.dice.between(-3, 9))),
            ]);
        }
        if self.dice.percent(15) {
            incident.tombstone = vec![Tombstone {
                reason: "entered twice".to_owned(),
                by: Some(self.dice.pick(&self.people)),
                ..Tombstone::default()
            }];
        }
        incident.admin_level = self.dice.percent(80).then(|| self.dice.pick(&[1, 2, 3]));
        if self.dice.percent(10) {
            incident.sensitivity = Some(self.code::<Sensitivity>());
        }
        incident
    }

    /// Judgements of sources, consent that was taken back, and steps of verification.
    fn judged(&mut self, incident: &mut Incident) {
        for source in &incident.source {
            let (at, by) = (self.after(), Some(self.dice.pick(&self.people)));
            if self.dice.percent(40) {
                incident.graded_by.push(Grading {
                    source: source.key.clone(),
                    by,
                    reliability: Some(self.code::<Reliability>()),
                    credibility: Some(self.code::<Credibility>()),
                    at,
                    ..Grading::default()
                });
            }
            if let (true, true, Some(at)) = (source.consent.is_some(), self.dice.percent(25), at) {
                let (key, source) = (String::new(), source.key.clone());
                incident.consent_withdrawn.push(ConsentWithdrawn { key, source, at, by });
            }
        }
        incident.verification_log = self.some(0, 2, |own| VerificationStep {
            key: String::new(),
            state: own.code::<Verification>(),
            by: Some(own.dice.pick(&own.people)),
            at: own.after(),
            note: "two who do not know each other say the same".to_owned(),
        });
    }

    fn rumour(&mut self, incident: &mut Incident) {
        let tongue = self.tongue();
        incident.rumour_claim = self.phrase(tongue, |words| words.details);
        incident.rumour_status = Some(self.code::<RumourStatus>());
        incident.rumour_response_message_id = self.dice.percent(50).then(|| self.document());
    }

    fn link(&mut self) -> Link {
        let (kind, relation) = (self.code::<LinkKind>(), self.code::<Relation>());
        Link { key: String::new(), document: self.document(), kind, relation }
    }

    /// A moment up to two hours after the region's time.
    pub(super) fn after(&mut self) -> Option<crate::Moment> {
        let minutes = self.dice.between(1, 120);
        self.ago(-minutes)
    }

    pub(super) fn document(&mut self) -> DocumentId {
        DocumentId::new(self.dice.bytes())
    }

    /// The clock of the phone: mostly right, sometimes wrong by hours.
    fn clock(&mut self) -> ClockEvidence {
        let trust = self.code::<ClockTrust>();
        let ahead = match trust {
            ClockTrust::Suspect => self.dice.pick(&[-5, 1, 24]) * HOUR_MS,
            _ => self.dice.between(-900, 900),
        };
        let true_time = self.now;
        let heard = matches!(trust, ClockTrust::Peer | ClockTrust::Suspect);
        ClockEvidence {
            device_ms: UnixMillis(true_time.0 + ahead),
            monotonic_ms: self.dice.between(60_000, 200 * HOUR_MS) as u64,
            boot_id: format!("{:08x}", self.dice.between(0, i64::from(u32::MAX))),
            gps_time: (trust == ClockTrust::Gps).then_some(true_time),
            last_peer_or_relay_time: heard.then_some(true_time),
            skew_estimate_s: heard.then_some(ahead.div_euclid(1_000)),
            trust,
        }
    }

    fn origin(&mut self) -> Origin {
        let hash: [u8; 32] = self.dice.bytes();
        Origin {
            format: self.dice.pick(&["csv", "geojson", "kobo", "odk"]).to_owned(),
            external_id: self.dice.percent(60).then(|| format!("uuid:{:06}", self.made)),
            row_hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}
