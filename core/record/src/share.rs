//! What of an incident other teams may read: less of everything, and nothing of what nobody agreed to.
//!
//! A copy is made of what is named here. So a field that a later version adds stays with the team until somebody decides
//! otherwise.

use std::collections::BTreeMap;

use firsthand_ids::Metres;
use serde::Serialize;

use crate::lists::{DCPT_TACTICS, HARM_TYPES, UCP_METHODS, VULNERABLE_FLAGS};
use crate::validate::mask_numbers;
use crate::{
    Actor, AuthorityPresence, Consent, Count, Evidence, GeoPrecision, Harm, Incident, PeopleVisible, Place,
    PlaceSource, Sensitivity, Source, Tactic, Weapon,
};

/// Stands in texts in the place of what is withheld.
pub const MASK: &str = "[withheld]";
/// The finest administrative level whose code is shared: a district, not a village.
const MAX_ADMIN_LEVEL: u8 = 2;

/// The fields of an incident that a copy can have.
pub const FIELDS: &[&str] = &[
    "actors",
    "admin_level",
    "authority_presence",
    "category",
    "certainty",
    "counts",
    "geo_precision",
    "harm_types",
    "mediation_outcome",
    "narrative",
    "occurred_end",
    "occurred_start",
    "p_code",
    "place",
    "retaliation_risk",
    "rumour_claim",
    "rumour_status",
    "severity",
    "source",
    "tactics_used",
    "title",
    "trajectory",
    "urgency",
    "verification",
    "weapons_seen",
];

/// Why something is not in the copy, or not as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// Only the area is shared, not the place.
    Coarsened,
    /// Free words, which can name anybody; nobody asked for them to be shared.
    Text,
    /// Numbers of phones or identities, and names of the team's people, were taken out of the words.
    Masked,
    /// It is the team's own affair.
    Internal,
    /// The person did not agree to other teams reading it, or nobody asked.
    NoConsent,
    /// The person took back what they had agreed to.
    Withdrawn,
    /// Nobody said who can be seen.
    PeopleUnknown,
    /// What the file says of itself cannot be taken out.
    NotCleaned,
    /// The file is not complete on this device.
    NotHere,
}

impl Withheld {
    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Coarsened => "only the area is shared",
            Self::Text => "free words are not shared unless you ask for it",
            Self::Masked => "phone and identity numbers and the names of your people are taken out",
            Self::Internal => "stays with your team",
            Self::NoConsent => "no consent to share it with other teams is recorded",
            Self::Withdrawn => "consent was taken back",
            Self::PeopleUnknown => "nobody said yet who can be seen",
            Self::NotCleaned => "what the file says of itself cannot be taken out",
            Self::NotHere => "the file is not complete on this device",
        }
    }
}

/// Why an incident is not shared at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotShared {
    /// It is for the team, or for its leads.
    #[error(
        "share the incident: it is not marked for the network (incident edit CODE --sensitivity network)"
    )]
    Sensitivity,
    /// A mark hides it.
    #[error("share the incident: it is hidden")]
    Hidden,
    /// It was merged into another one, which counts in its place.
    #[error("share the incident: it was merged into another one, which can be shared in its place")]
    Merged,
}

/// A copy for other teams.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedIncident {
    /// What they read.
    pub incident: Incident,
    /// The fields that are not there, or not as they were, and why.
    pub withheld: BTreeMap<&'static str, Withheld>,
}

/// What other teams may read of an incident. `names` are those of the team's people; with `texts` the narrative and other free words
/// are shared, without numbers and those names.
///
/// # Errors
/// [`NotShared`].
pub fn for_network(incident: &Incident, names: &[String], texts: bool) -> Result<SharedIncident, NotShared> {
    if !incident.tombstone.is_empty() {
        return Err(NotShared::Hidden);
    }
    if incident.merged_into.is_some() {
        return Err(NotShared::Merged);
    }
    if !matches!(incident.sensitivity, Some(Sensitivity::Network | Sensitivity::Public)) {
        return Err(NotShared::Sensitivity);
    }
    let mut copy = Copy { names, texts, withheld: BTreeMap::new() };
    let mut out = Incident {
        title: incident.title.as_deref().map(|title| copy.masked("title", title)),
        occurred_start: incident.occurred_start,
        occurred_end: incident.occurred_end,
        place: copy.place(incident),
        category: incident.category.as_deref().map(|code| copy.masked("category", code)),
        severity: incident.severity,
        urgency: incident.urgency,
        certainty: incident.certainty,
        trajectory: incident.trajectory,
        verification: incident.verification,
        rumour_status: incident.rumour_status,
        retaliation_risk: incident.retaliation_risk,
        mediation_outcome: incident.mediation_outcome,
        sensitivity: Some(Sensitivity::Network),
        narrative: copy.text("narrative", &incident.narrative),
        rumour_claim: copy.text("rumour_claim", &incident.rumour_claim),
        harm_types: copy.harms(incident),
        actors: incident.actors.iter().map(|actor| copy.actor(actor)).collect(),
        counts: copy.counts(incident),
        tactics_used: copy.tactics(incident),
        weapons_seen: incident.weapons_seen.iter().map(|weapon| copy.weapon(weapon)).collect(),
        authority_presence: incident.authority_presence.iter().map(|it| copy.authority(it)).collect(),
        source: copy.sources(incident),
        ..Incident::default()
    };
    if out.place.is_some() || incident.geo_precision.is_some() {
        out.geo_precision = Some(coarse(incident.geo_precision));
    }
    if incident.admin_level.is_some_and(|level| level <= MAX_ADMIN_LEVEL) {
        (out.p_code, out.admin_level) = (incident.p_code.clone(), incident.admin_level);
    } else if incident.p_code.is_some() {
        copy.withhold("p_code", Withheld::Coarsened);
    }
    if !incident.place_text.is_empty() {
        copy.withhold("place_text", Withheld::Coarsened);
    }
    for (field, has) in [
        ("owner", incident.owner.is_some()),
        ("followup", incident.followup.is_some()),
        ("verification_log", !incident.verification_log.is_empty()),
        ("linked", !incident.linked.is_empty()),
        ("imported", !incident.imported.is_empty()),
        ("retention_until", incident.retention_until.is_some()),
    ] {
        if has {
            copy.withhold(field, Withheld::Internal);
        }
    }
    Ok(SharedIncident { incident: out, withheld: copy.withheld })
}

/// Whether other teams may have a copy of a file; `cleanable`: that what it says of itself can be taken out. A redacted copy is judged by
/// its own record.
///
/// # Errors
/// Why not.
pub fn file_for_network(file: &Evidence) -> Result<(), Withheld> {
    if file.consent.iter().any(|step| step.consent.withdrawn_at.is_some()) {
        return Err(Withheld::Withdrawn);
    }
    let agreed = file.consent.iter().any(|step| agreed(&step.consent));
    match file.people_visible {
        Some(PeopleVisible::None) => Ok(()),
        Some(_) if agreed => Ok(()),
        Some(_) => Err(Withheld::NoConsent),
        None => Err(Withheld::PeopleUnknown),
    }
}

const fn agreed(consent: &Consent) -> bool {
    consent.share_network || consent.share_public
}

fn coarse(precision: Option<GeoPrecision>) -> GeoPrecision {
    match precision {
        Some(GeoPrecision::Region) => GeoPrecision::Region,
        _ => GeoPrecision::Area,
    }
}

/// The middle of the cell of a grid, and half its diagonal at the equator. The same place always gives the same cell, so that sharing
/// again says nothing more: 0.1 degrees (11 km), or a whole degree where only the region is known.
fn coarse_place(place: &Place, precision: GeoPrecision) -> Place {
    let (cells, radius) = if precision == GeoPrecision::Region { (1.0, 78_600.0) } else { (10.0, 7_860.0) };
    let middle = |angle: f64, most: f64| {
        // The edge of the map belongs to the last cell.
        let cell = (angle * cells).floor().clamp(-most * cells, most * cells - 1.0);
        (cell * 2.0 + 1.0) / (cells * 2.0)
    };
    let (lat, lon) = (middle(place.lat.0, 90.0), middle(place.lon.0, 180.0));
    Place { accuracy_m: Some(Metres(radius)), ..Place::new(lat, lon, PlaceSource::Description) }
}

struct Copy<'a> {
    names: &'a [String],
    texts: bool,
    withheld: BTreeMap<&'static str, Withheld>,
}

impl Copy<'_> {
    fn withhold(&mut self, field: &'static str, why: Withheld) {
        self.withheld.insert(field, why);
    }

    /// Words that are shared in any case.
    fn masked(&mut self, field: &'static str, text: &str) -> String {
        let masked = mask_names(&mask_numbers(text, MASK), self.names);
        if masked != text {
            self.withheld.entry(field).or_insert(Withheld::Masked);
        }
        masked
    }

    /// Words that are shared only where somebody asked for it.
    fn text(&mut self, field: &'static str, text: &str) -> String {
        if text.is_empty() || self.texts {
            return self.masked(field, text);
        }
        self.withhold(field, Withheld::Text);
        String::new()
    }

    /// An item of an open list: as it stands where the list begins with it, else words.
    fn code(&mut self, field: &'static str, known: &[&[&str]], code: &str) -> String {
        if known.iter().any(|list| list.contains(&code)) { code.to_owned() } else { self.text(field, code) }
    }

    fn place(&mut self, incident: &Incident) -> Option<Place> {
        let place = incident.place.as_ref()?;
        self.withhold("place", Withheld::Coarsened);
        Some(coarse_place(place, coarse(incident.geo_precision)))
    }

    fn harms(&mut self, incident: &Incident) -> Vec<Harm> {
        let all = incident.harm_types.iter();
        let all =
            all.map(|it| Harm { key: String::new(), harm: self.code("harm_types", &[HARM_TYPES], &it.harm) });
        all.filter(|it| !it.harm.is_empty()).collect()
    }

    fn tactics(&mut self, incident: &Incident) -> Vec<Tactic> {
        let known = [UCP_METHODS, DCPT_TACTICS];
        let all = incident.tactics_used.iter();
        let all = all
            .map(|it| Tactic { key: String::new(), tactic: self.code("tactics_used", &known, &it.tactic) });
        all.filter(|it| !it.tactic.is_empty()).collect()
    }

    fn actor(&mut self, actor: &Actor) -> Actor {
        Actor {
            inter: actor.inter,
            count_low: actor.count_low,
            count_high: actor.count_high,
            description: self.text("actors", &actor.description),
            group_label: self.text("actors", &actor.group_label),
            vulnerable_flags: actor
                .vulnerable_flags
                .iter()
                .map(|flag| self.code("actors", &[VULNERABLE_FLAGS], flag))
                .filter(|flag| !flag.is_empty())
                .collect(),
            ..Actor::new(actor.role)
        }
    }

    fn weapon(&mut self, weapon: &Weapon) -> Weapon {
        Weapon { key: String::new(), kind: self.masked("weapons_seen", &weapon.kind), usage: weapon.usage }
    }

    fn authority(&mut self, it: &AuthorityPresence) -> AuthorityPresence {
        AuthorityPresence {
            agency: self.masked("authority_presence", &it.agency),
            unit_marking: self.text("authority_presence", &it.unit_marking),
            count_low: it.count_low,
            count_high: it.count_high,
            measures: self.text("authority_presence", &it.measures),
            ..AuthorityPresence::default()
        }
    }

    /// The newest count of a source takes the place of its older ones, so sources stay told apart: by numbers.
    fn counts(&mut self, incident: &Incident) -> Vec<Count> {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let all = incident.counts.iter().map(|count| {
            let next = numbers.len() + 1;
            let number = *numbers.entry(&count.source).or_insert(next);
            let at = count.at;
            Count { at, source: format!("source {number}"), ..Count::new(count.what, count.low, count.high) }
        });
        all.collect()
    }

    fn sources(&mut self, incident: &Incident) -> Vec<Source> {
        let mut shared = Vec::new();
        for source in &incident.source {
            match incident.consent_of(source) {
                Some(consent) if consent.withdrawn_at.is_some() => {
                    self.withhold("source", Withheld::Withdrawn);
                }
                Some(consent) if agreed(&consent) => {
                    let (reliability, credibility) = incident.grade_of(source);
                    let consent = Some(Consent { share_network: true, ..Consent::default() });
                    shared.push(Source { reliability, credibility, consent, ..Source::new(source.kind) });
                }
                _ => {
                    self.withheld.entry("source").or_insert(Withheld::NoConsent);
                }
            }
        }
        shared
    }
}

/// The text without these names, nor any of their words of three letters and more, in whatever case they stand.
fn mask_names(text: &str, names: &[String]) -> String {
    let mut words: Vec<String> = Vec::new();
    for name in names {
        let parts = name.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() >= 3);
        words.extend(parts.map(str::to_lowercase));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word_end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        out.push_str(if words.contains(&word.to_lowercase()) { MASK } else { word });
        let next = after.find(char::is_alphanumeric).unwrap_or(after.len());
        out.push_str(&after[..next]);
        rest = &after[next..];
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{ConsentStep, ConsentWithdrawn, SourceKind};
    use firsthand_ids::{ContentHash, DocumentId};

    fn marked() -> Incident {
        Incident {
            title: Some("Amina OTIENO saw a crowd, call 0712 345 678".to_owned()),
            sensitivity: Some(Sensitivity::Network),
            place: Some(Place::new(-1.2864, 36.8172, PlaceSource::Gps)),
            narrative: "Otieno's brother was there".to_owned(),
            place_text: "behind the blue shop".to_owned(),
            ..Incident::default()
        }
    }

    #[test]
    fn a_copy_has_no_other_fields() {
        let mut fields = 0;
        let mut full = marked();
        full.p_code = Some("KE047".to_owned());
        full.admin_level = Some(1);
        full.owner = Some(firsthand_ids::PersonId::new([7; 16]));
        full.geo_precision = Some(GeoPrecision::Town);
        full.imported.insert("phone".to_owned(), serde_json::json!("0712"));
        let shared = for_network(&full, &[], true).unwrap();
        let copy = serde_json::to_value(&shared.incident).unwrap();
        for field in copy.as_object().unwrap().keys() {
            assert!(field == "sensitivity" || FIELDS.contains(&field.as_str()), "{field}");
            fields += 1;
        }
        assert!(fields > 4);
        assert_eq!(shared.withheld["owner"], Withheld::Internal);
    }

    #[test]
    fn only_what_is_marked_is_shared() {
        for (sensitivity, shared) in [
            (None, false),
            (Some(Sensitivity::Leads), false),
            (Some(Sensitivity::Team), false),
            (Some(Sensitivity::Network), true),
            (Some(Sensitivity::Public), true),
        ] {
            let incident = Incident { sensitivity, ..marked() };
            assert_eq!(for_network(&incident, &[], false).is_ok(), shared, "{sensitivity:?}");
        }
    }

    #[test]
    fn places_are_cells_and_words_are_asked_for() {
        let names = ["Amina Otieno".to_owned()];
        let shared = for_network(&marked(), &names, false).unwrap();
        assert_eq!(
            shared.incident.title.as_deref(),
            Some("[withheld] [withheld] saw a crowd, call [withheld]")
        );
        let place = shared.incident.place.unwrap();
        assert_eq!((place.lat.0, place.lon.0, place.accuracy_m), (-1.25, 36.85, Some(Metres(7_860.0))));
        assert_eq!(shared.incident.geo_precision, Some(GeoPrecision::Area));
        assert_eq!((shared.incident.narrative.as_str(), shared.incident.place_text.as_str()), ("", ""));
        let why = |field| shared.withheld.get(field).copied();
        assert_eq!(why("narrative"), Some(Withheld::Text));
        assert_eq!((why("title"), why("place")), (Some(Withheld::Masked), Some(Withheld::Coarsened)));
        let asked = for_network(&marked(), &names, true).unwrap().incident;
        assert_eq!(asked.narrative, "[withheld]'s brother was there");
        // Nothing more can be learnt by moving about in a cell, nor at the edges of the map.
        for (lat, lon) in [(90.0, 180.0), (-90.0, -180.0), (0.0, 0.0), (-1.2001, 36.8999)] {
            let coarse = coarse_place(&Place::new(lat, lon, PlaceSource::Gps), GeoPrecision::Area);
            assert!(coarse.lat.0.abs() < 90.0 && coarse.lon.0.abs() < 180.0);
            assert!((coarse.lat.0 - lat).abs() < 0.051 && (coarse.lon.0 - lon).abs() < 0.051);
        }
    }

    #[test]
    fn a_source_is_shared_as_far_as_it_agreed() {
        let mut incident = marked();
        let said = |key: &str, share_network| Source {
            key: key.to_owned(),
            pseudonym: "the baker".to_owned(),
            consent: Some(Consent { record: true, share_network, ..Consent::default() }),
            ..Source::new(SourceKind::Witness)
        };
        incident.source = vec![said("a|1", true), said("a|2", false), said("a|3", true)];
        incident.consent_withdrawn.push(ConsentWithdrawn {
            key: String::new(),
            source: "a|3".to_owned(),
            at: "2026-05-01T14:30:00+03:00".parse().unwrap(),
            by: None,
        });
        let shared = for_network(&incident, &[], true).unwrap();
        assert_eq!(shared.incident.source.len(), 1);
        assert_eq!(
            (shared.incident.source[0].pseudonym.as_str(), shared.incident.source[0].key.as_str()),
            ("", "")
        );
        assert_eq!(shared.withheld["source"], Withheld::Withdrawn);
    }

    #[test]
    fn a_file_needs_the_consent_of_whom_it_shows() {
        let mut file = Evidence::new(
            DocumentId::new([1; 16]),
            ContentHash::new([2; 32]),
            5,
            "image/jpeg",
            crate::CapturePath::InApp,
        );
        assert_eq!(file_for_network(&file), Err(Withheld::PeopleUnknown));
        file.people_visible = Some(PeopleVisible::None);
        assert_eq!(file_for_network(&file), Ok(()));
        file.people_visible = Some(PeopleVisible::Identifiable);
        assert_eq!(file_for_network(&file), Err(Withheld::NoConsent));
        let step = |consent| ConsentStep { key: String::new(), consent };
        file.consent.push(step(Consent { share_network: true, ..Consent::default() }));
        assert_eq!(file_for_network(&file), Ok(()));
        let withdrawn_at = Some("2026-05-01T14:30:00+03:00".parse().unwrap());
        file.consent.push(step(Consent { withdrawn_at, ..Consent::default() }));
        assert_eq!(file_for_network(&file), Err(Withheld::Withdrawn));
    }
}
