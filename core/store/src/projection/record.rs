use firsthand_record::{Evidence, Incident, Moment, Status};

use super::row::{EvidenceProjection, FormProjection, IncidentProjection, ProjectedPlace, ProjectedRow};

impl IncidentProjection {
    /// The row of an incident, as its fields say; how many of them are in conflict and how many findings mark it is
    /// known elsewhere.
    #[must_use]
    pub fn new(incident: &Incident, conflicts: u32, flags: u32) -> Self {
        Self {
            short_code: incident.short_code.as_ref().map(|code| (code.prefix.clone(), code.number)),
            title: incident.title.clone().unwrap_or_default(),
            category: incident.category.clone(),
            severity: incident.severity.map(|it| it.code().to_owned()),
            urgency: incident.urgency.map(|it| it.code().to_owned()),
            certainty: incident.certainty.map(|it| it.code().to_owned()),
            status: incident.status.map(|it| it.code().to_owned()),
            followup: incident.followup.map(|it| it.code().to_owned()),
            verification: incident.verification.map(|it| it.code().to_owned()),
            rumour: incident.rumour_status.map(|it| it.code().to_owned()),
            occurred_start: incident.occurred_start.map(|it| it.time.millis()),
            occurred_end: incident.occurred_end.map(|it| it.time.millis()),
            reported: incident.reported_at.map(Moment::millis),
            place: incident.place.map(|place| ProjectedPlace {
                lat: place.lat.0,
                lon: place.lon.0,
                accuracy: place.accuracy_m,
            }),
            conflicts,
            flags,
            marks: Vec::new(),
            // Without the status it is somebody's wish, or was undone.
            merged_into: incident.merged_into.filter(|_| incident.status == Some(Status::MergedInto)),
            hidden: !incident.tombstone.is_empty(),
            origin: incident.origin.clone(),
            text: words(incident),
        }
    }
}

/// Everything in words that a person may look for, besides the title.
fn words(incident: &Incident) -> String {
    let texts = [&incident.narrative, &incident.place_text, &incident.rumour_claim].map(String::as_str);
    let scalars = [&incident.category, &incident.p_code].map(|it| it.as_deref().unwrap_or_default());
    let actors = incident.actors.iter().flat_map(|it| [it.group_label.as_str(), it.description.as_str()]);
    let authorities = incident.authority_presence.iter();
    let authorities =
        authorities.flat_map(|it| [it.agency.as_str(), it.unit_marking.as_str(), it.measures.as_str()]);
    let tactics = incident.tactics_used.iter().map(|it| it.tactic.as_str());
    let weapons = incident.weapons_seen.iter().map(|it| it.kind.as_str());
    let harms = incident.harm_types.iter().map(|it| it.harm.as_str());
    let sources = incident.source.iter().map(|it| it.pseudonym.as_str());
    let all = texts.into_iter().chain(scalars).chain(actors).chain(authorities).chain(tactics).chain(weapons);
    // A line each, so that no phrase runs from one text into the next by sight; the index itself sees no lines.
    let imported = incident.imported.values().filter_map(|value| value.as_str());
    all.chain(harms)
        .chain(sources)
        .chain(imported)
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

impl EvidenceProjection {
    /// The row of a file, as its fields say; how many findings mark it, and which smaller forms are its own, is known
    /// elsewhere.
    #[must_use]
    pub fn new(evidence: &Evidence, forms: Vec<FormProjection>, flags: u32) -> Self {
        Self {
            incident: evidence.incident,
            hash: evidence.sha256,
            byte_len: evidence.byte_len,
            mime: evidence.mime.clone(),
            name: evidence.original_name.clone().unwrap_or_default(),
            caption: evidence.caption.clone(),
            flags,
            hidden: !evidence.tombstone.is_empty(),
            destroyed: false,
            forms,
        }
    }
}

impl From<IncidentProjection> for ProjectedRow {
    fn from(row: IncidentProjection) -> Self {
        Self::Incident(Box::new(row))
    }
}

impl From<EvidenceProjection> for ProjectedRow {
    fn from(row: EvidenceProjection) -> Self {
        Self::Evidence(Box::new(row))
    }
}
