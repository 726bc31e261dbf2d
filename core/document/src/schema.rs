use std::fmt;
use std::str::FromStr;

/// How concurrent edits of a field merge (`model.md`): the letter decides in which of a document's five maps it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letter {
    /// W: written by the author at creation, never again.
    Once,
    /// A: items that are added and never changed or removed.
    Add,
    /// T: running text, merged character by character.
    Text,
    /// R: one value; concurrent different values are all kept and shown until a person picks one.
    Register,
    /// S: as R, but while values conflict the most protective one is shown and acted on. The codes are listed most
    /// protective first; a code that is not listed comes after all that are.
    Safe(&'static [&'static str]),
    /// C: computed from other fields, never stored.
    Derived,
}

/// One field of a kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpec {
    /// Its name, as in `model.md`.
    pub name: &'static str,
    /// Its letter.
    pub letter: Letter,
}

/// What a document is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentKind {
    /// Something that happened.
    Incident,
    /// A file that shows something.
    Evidence,
    /// Somebody of the team.
    Person,
    /// Whom to call when something happens to somebody.
    EmergencyContact,
    /// A team in the field.
    Team,
    /// A time in which people are out together.
    Shift,
    /// How somebody is, as somebody says.
    CheckIn,
    /// What one shift leaves to the next.
    Handoff,
    /// One version of a checklist.
    Template,
    /// A checklist that is being worked through.
    Run,
    /// What a team learnt from a shift or an incident.
    Debrief,
    /// How somebody is after a shift.
    Care,
    /// A sign that a team watches.
    Indicator,
    /// What somebody read of a sign.
    Reading,
    /// A warning that people raise.
    Alert,
    /// A kind that a newer version defines: kept, passed on and shown as it stands.
    Other(String),
}

impl DocumentKind {
    /// The kinds that this version knows.
    pub const KNOWN: [Self; 15] = [
        Self::Incident,
        Self::Evidence,
        Self::Person,
        Self::EmergencyContact,
        Self::Team,
        Self::Shift,
        Self::CheckIn,
        Self::Handoff,
        Self::Template,
        Self::Run,
        Self::Debrief,
        Self::Care,
        Self::Indicator,
        Self::Reading,
        Self::Alert,
    ];

    /// The name that a document carries.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Incident => "incident",
            Self::Evidence => "evidence",
            Self::Person => "person",
            Self::EmergencyContact => "emergency_contact",
            Self::Team => "team",
            Self::Shift => "shift",
            Self::CheckIn => "check_in",
            Self::Handoff => "handoff",
            Self::Template => "checklist_template",
            Self::Run => "checklist_run",
            Self::Debrief => "debrief",
            Self::Care => "care",
            Self::Indicator => "indicator",
            Self::Reading => "reading",
            Self::Alert => "alert",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<&str> for DocumentKind {
    fn from(name: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|kind| kind.name() == name);
        known.unwrap_or_else(|| Self::Other(name.to_owned()))
    }
}

impl FromStr for DocumentKind {
    type Err = std::convert::Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(name.into())
    }
}

/// The fields of one kind of document, as one version of the program knows them.
///
/// Fields that are not in the table are kept and shown too: their letter is the map they stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The version of the table; a document notes with which it was made.
    pub version: u32,
    /// The fields.
    pub fields: &'static [FieldSpec],
}

impl Schema {
    /// The table of a kind. A kind this version does not know has the fields that every document has.
    #[must_use]
    pub const fn of(kind: &DocumentKind) -> Self {
        let fields = match kind {
            DocumentKind::Incident => INCIDENT,
            DocumentKind::Evidence => EVIDENCE,
            DocumentKind::Person => PERSON,
            DocumentKind::EmergencyContact => EMERGENCY_CONTACT,
            DocumentKind::Team => TEAM,
            DocumentKind::Shift => SHIFT,
            DocumentKind::CheckIn => CHECK_IN,
            DocumentKind::Handoff => HANDOFF,
            DocumentKind::Template => TEMPLATE,
            DocumentKind::Run => RUN,
            DocumentKind::Debrief => DEBRIEF,
            DocumentKind::Care => CARE,
            DocumentKind::Indicator => INDICATOR,
            DocumentKind::Reading => READING,
            DocumentKind::Alert => ALERT,
            DocumentKind::Other(_) => ENVELOPE,
        };
        Self { version: firsthand_record::SCHEMA_VERSION, fields }
    }

    /// The letter of a field, if the table has it.
    #[must_use]
    pub fn letter(&self, field: &str) -> Option<Letter> {
        self.fields.iter().find(|spec| spec.name == field).map(|spec| spec.letter)
    }

    /// The names of the text fields.
    pub fn texts(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().filter(|spec| spec.letter == Letter::Text).map(|spec| spec.name)
    }
}

/// Lists that every document has besides those of its table. They are the marks that people put on other items.
pub(crate) mod lists {
    /// Items that pick a value for a field whose values conflict.
    pub(crate) const RESOLUTIONS: &str = "resolutions";
    /// Items that close an incident, or open it again.
    pub(crate) const CLOSINGS: &str = "closings";
    /// Items that take another item back.
    pub(crate) const WITHDRAWALS: &str = "withdrawals";
    #[cfg(test)]
    pub(crate) const ALL: [&str; 3] = [RESOLUTIONS, CLOSINGS, WITHDRAWALS];
}

const SEVERITY: Letter = Letter::Safe(&["Extreme", "Severe", "Moderate", "Unknown", "Minor"]);
const RISK: Letter = Letter::Safe(&["high", "medium", "unknown", "low", "none"]);
const SENSITIVITY: Letter = Letter::Safe(&["leads", "team", "network", "public"]);
const VISIBLE: Letter = Letter::Safe(&["identifiable", "crowd", "none"]);
const DANGER: Letter = Letter::Safe(&["red", "yellow", "green"]);
/// Of warnings; of an incident the soonest and the surest is no more protective than another.
const URGENCY: Letter = Letter::Safe(&["Immediate", "Expected", "Future", "Unknown", "Past"]);
const CERTAINTY: Letter = Letter::Safe(&["Observed", "Likely", "Possible", "Unknown", "Unlikely"]);
const SCOPE: Letter = Letter::Safe(&["Private", "Restricted", "Public"]);

macro_rules! table {
    ($($name:ident: $letter:expr,)*) => {
        &[
            // Section 0 of model.md. The author, the device and the times of creation stand in the log entry.
            FieldSpec { name: "clock_evidence", letter: Letter::Once },
            FieldSpec { name: "retention_until", letter: Letter::Register },
            FieldSpec { name: "sensitivity", letter: SENSITIVITY },
            FieldSpec { name: "tombstone", letter: Letter::Add },
            $(FieldSpec { name: stringify!($name), letter: $letter },)*
        ]
    };
}

const ENVELOPE: &[FieldSpec] = table! {};

const INCIDENT: &[FieldSpec] = table! {
    actors: Letter::Add,
    admin_level: Letter::Register,
    authority_presence: Letter::Add,
    category: Letter::Register,
    certainty: Letter::Register,
    consent_withdrawn: Letter::Add,
    count_summary: Letter::Derived,
    counts: Letter::Add,
    followup: Letter::Register,
    geo_precision: Letter::Register,
    graded_by: Letter::Add,
    harm_types: Letter::Add,
    imported: Letter::Once,
    linked: Letter::Add,
    mediation_outcome: Letter::Register,
    merged_into: Letter::Register,
    narrative: Letter::Text,
    occurred_end: Letter::Register,
    occurred_start: Letter::Register,
    origin: Letter::Once,
    owner: Letter::Register,
    p_code: Letter::Register,
    place: Letter::Register,
    place_text: Letter::Text,
    reported_at: Letter::Once,
    retaliation_risk: RISK,
    rumour_claim: Letter::Text,
    rumour_response_message_id: Letter::Register,
    rumour_status: Letter::Register,
    severity: SEVERITY,
    short_code: Letter::Once,
    source: Letter::Add,
    status: Letter::Register,
    tactics_used: Letter::Add,
    title: Letter::Register,
    trajectory: Letter::Register,
    urgency: Letter::Register,
    verification: Letter::Register,
    verification_log: Letter::Add,
    weapons_seen: Letter::Add,
};

const EVIDENCE: &[FieldSpec] = table! {
    byte_len: Letter::Once,
    c2pa_state: Letter::Once,
    caption: Letter::Text,
    capture_path: Letter::Once,
    captured: Letter::Once,
    consent: Letter::Add,
    custody_log: Letter::Add,
    destroyed: Letter::Add,
    incident: Letter::Once,
    manifest: Letter::Once,
    mime: Letter::Once,
    original_name: Letter::Once,
    people_visible: VISIBLE,
    redacted_copy_of: Letter::Once,
    sha256: Letter::Once,
    variants: Letter::Add,
};

const PERSON: &[FieldSpec] = table! {
    callsign: Letter::Register,
    display_name: Letter::Register,
    languages: Letter::Add,
    person: Letter::Once,
    skills: Letter::Add,
    status: Letter::Register,
    trainings: Letter::Add,
};

const EMERGENCY_CONTACT: &[FieldSpec] = table! {
    checked_at: Letter::Register,
    name: Letter::Register,
    note: Letter::Text,
    person: Letter::Once,
    phone: Letter::Register,
    relation: Letter::Register,
};

const TEAM: &[FieldSpec] = table! {
    alert_approvals: Letter::Add,
    area: Letter::Register,
    comms_plan: Letter::Text,
    name: Letter::Register,
    roles_required: Letter::Add,
};

const SHIFT: &[FieldSpec] = table! {
    assignments: Letter::Add,
    briefing: Letter::Text,
    check_in_rule: Letter::Register,
    end: Letter::Register,
    go_no_go: Letter::Add,
    place: Letter::Register,
    place_text: Letter::Text,
    risk_level: DANGER,
    start: Letter::Register,
    // Only ever added to, so that the furthest step wins whoever notes what while apart.
    status_log: Letter::Add,
    team: Letter::Once,
    title: Letter::Register,
};

const CHECK_IN: &[FieldSpec] = table! {
    answers: Letter::Once,
    at: Letter::Once,
    by_whom: Letter::Once,
    note: Letter::Once,
    person: Letter::Once,
    place: Letter::Once,
    shift: Letter::Once,
    state: Letter::Once,
};

const HANDOFF: &[FieldSpec] = table! {
    accepted_by: Letter::Add,
    contacts_made: Letter::Text,
    equipment: Letter::Add,
    from_shift: Letter::Once,
    given_by: Letter::Add,
    hazards: Letter::Text,
    open_actions: Letter::Add,
    open_incidents: Letter::Add,
    to_shift: Letter::Once,
};

const TEMPLATE: &[FieldSpec] = table! {
    attribution: Letter::Once,
    content_sha256: Letter::Once,
    items: Letter::Add,
    languages: Letter::Once,
    licence: Letter::Once,
    signed_by: Letter::Once,
    source: Letter::Once,
    template_id: Letter::Once,
    title: Letter::Once,
    version: Letter::Once,
};

const RUN: &[FieldSpec] = table! {
    abandoned_reason: Letter::Text,
    answers: Letter::Add,
    completed: Letter::Register,
    content_sha256: Letter::Once,
    context: Letter::Once,
    started: Letter::Once,
    template: Letter::Once,
    template_id: Letter::Once,
    timers: Letter::Add,
    version: Letter::Once,
};

const DEBRIEF: &[FieldSpec] = table! {
    incident: Letter::Once,
    methods_effective: Letter::Add,
    near_miss: Letter::Add,
    participants: Letter::Add,
    shift: Letter::Once,
    to_change: Letter::Add,
    to_change_done: Letter::Add,
    what_happened: Letter::Text,
    what_planned: Letter::Text,
    what_went_well: Letter::Add,
};

const CARE: &[FieldSpec] = table! {
    at: Letter::Once,
    debrief: Letter::Once,
    note: Letter::Once,
    person: Letter::Once,
    wants_contact: Letter::Once,
    wellbeing: Letter::Once,
};

const INDICATOR: &[FieldSpec] = table! {
    area: Letter::Register,
    direction: Letter::Register,
    family: Letter::Register,
    name: Letter::Register,
    polarity: Letter::Register,
    threshold: Letter::Register,
    unit: Letter::Register,
    window_days: Letter::Register,
};

const READING: &[FieldSpec] = table! {
    at: Letter::Once,
    indicator: Letter::Once,
    note: Letter::Once,
    place: Letter::Once,
    source: Letter::Once,
    value: Letter::Once,
};

const ALERT: &[FieldSpec] = table! {
    acks: Letter::Add,
    addresses: Letter::Register,
    approvals: Letter::Add,
    // What the team's rule was when it was raised: nobody lowers it afterwards.
    approvals_required: Letter::Once,
    area: Letter::Register,
    category: Letter::Add,
    certainty: CERTAINTY,
    description: Letter::Text,
    event: Letter::Register,
    evidence: Letter::Add,
    expires: Letter::Register,
    headline: Letter::Register,
    identifier: Letter::Once,
    imported: Letter::Once,
    incidents: Letter::Add,
    instruction: Letter::Text,
    language: Letter::Register,
    level: DANGER,
    // A warning never turns into a cancellation: that is a warning of its own, with approvals of its own.
    msg_type: Letter::Once,
    onset: Letter::Register,
    origin: Letter::Once,
    parameters: Letter::Add,
    references: Letter::Add,
    response_type: Letter::Add,
    restriction: Letter::Register,
    scope: SCOPE,
    sender: Letter::Once,
    sent: Letter::Once,
    severity: SEVERITY,
    status: Letter::Register,
    threshold_trigger: Letter::Register,
    urgency: URGENCY,
};

#[cfg(test)]
mod tests {
    use super::*;
    use firsthand_record::roster::{CheckIn, EmergencyContact, FieldTeam, Handoff, Person, RiskLevel, Shift};
    use firsthand_record::warning::{Alert, AlertScope, Indicator, Reading};
    use firsthand_record::{
        Care, Certainty, CodeList, Debrief, Incident, PeopleVisible, RetaliationRisk, Sensitivity, Severity,
        Urgency,
    };

    /// That the table of a kind and the record have the same fields, each in the shape that its letter needs.
    fn fits(kind: &DocumentKind, scalars: &[&str], texts: &[&str], lists: &[&str]) {
        let schema = Schema::of(kind);
        for name in scalars {
            // The version stands in every document beside its kind.
            if *name != "schema_version" {
                let letter = schema.letter(name);
                assert!(
                    matches!(letter, Some(Letter::Once | Letter::Register | Letter::Safe(_))),
                    "{kind} {name}"
                );
            }
        }
        for name in texts {
            assert_eq!(schema.letter(name), Some(Letter::Text), "{kind} {name}");
        }
        for name in lists {
            assert_eq!(schema.letter(name), Some(Letter::Add), "{kind} {name}");
        }
        // What a table has and its record lacks would be kept and never shown.
        for spec in schema.fields {
            let all = [scalars, texts, lists].concat();
            let held = all.contains(&spec.name) || spec.letter == Letter::Derived;
            assert!(held || ["imported", "sensitivity"].contains(&spec.name), "{kind} {}", spec.name);
        }
    }

    #[test]
    fn every_field_of_a_record_has_a_letter_that_fits_its_shape() {
        macro_rules! fit {
            ($($kind:ident: $record:ident,)+) => {
                $(fits(&DocumentKind::$kind, $record::SCALARS, $record::TEXTS, $record::LISTS);)+
            };
        }
        fit! {
            Incident: Incident,
            Person: Person,
            EmergencyContact: EmergencyContact,
            Team: FieldTeam,
            Shift: Shift,
            CheckIn: CheckIn,
            Handoff: Handoff,
            Debrief: Debrief,
            Care: Care,
            Indicator: Indicator,
            Reading: Reading,
            Alert: Alert,
        }
    }

    #[test]
    fn names_are_unique_and_lists_are_no_fields() {
        for kind in DocumentKind::KNOWN.into_iter().chain([DocumentKind::Other("x".into())]) {
            assert_eq!(DocumentKind::from(kind.name()), kind);
            let mut names: Vec<_> = Schema::of(&kind).fields.iter().map(|spec| spec.name).collect();
            names.extend(lists::ALL);
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }

    #[test]
    fn protective_orders_name_every_code() {
        fn check<C: CodeList>(letter: Letter) {
            let Letter::Safe(order) = letter else { panic!("no order") };
            let mut order = order.to_vec();
            let mut codes = C::CODES.to_vec();
            order.sort_unstable();
            codes.sort_unstable();
            assert_eq!(order, codes);
        }
        check::<Severity>(SEVERITY);
        check::<RetaliationRisk>(RISK);
        check::<Sensitivity>(SENSITIVITY);
        check::<PeopleVisible>(VISIBLE);
        check::<RiskLevel>(DANGER);
        check::<Urgency>(URGENCY);
        check::<Certainty>(CERTAINTY);
        check::<AlertScope>(SCOPE);
    }
}
