//! What people agreed to, against who may read the record.

use super::{Findings, Rule};
use crate::{Consent, Incident, Sensitivity, Source, SourceKind};

pub(super) fn incident(incident: &Incident, found: &mut Findings) {
    for (index, source) in incident.source.iter().enumerate() {
        let field = format!("source[{index}].consent");
        let consent = incident.consent_of(source);
        if consent.is_some_and(|consent| consent.withdrawn_at.is_some()) {
            found.add(field, Rule::ConsentTakenBack);
        } else if is_a_person(source) {
            found.add_if(!reaches(consent, incident.sensitivity), &field, Rule::ConsentTooNarrow);
        }
    }
}

/// Whether the source is somebody who could be harmed by being known.
fn is_a_person(source: &Source) -> bool {
    matches!(source.kind, SourceKind::Victim | SourceKind::Witness) || !source.pseudonym.is_empty()
}

/// Whether everybody who may read the record may. Within the team, nobody need have been asked.
fn reaches(consent: Option<Consent>, sensitivity: Option<Sensitivity>) -> bool {
    match sensitivity {
        Some(Sensitivity::Network) => consent.is_some_and(|it| it.share_network || it.share_public),
        Some(Sensitivity::Public) => consent.is_some_and(|it| it.share_public),
        Some(Sensitivity::Team | Sensitivity::Leads) | None => true,
    }
}
