//! Open lists: a team edits them, so records hold plain text and these are only where the lists start.

/// ACLED's event types, each with its sub-event types. An incident's `category` is a sub-event type unless the
/// team has a list of its own.
pub const ACLED_EVENTS: &[(&str, &[&str])] = &[
    ("Battles", &["Armed clash", "Government regains territory", "Non-state actor overtakes territory"]),
    (
        "Explosions/Remote violence",
        &[
            "Chemical weapon",
            "Air/drone strike",
            "Suicide bomb",
            "Shelling/artillery/missile attack",
            "Remote explosive/landmine/IED",
            "Grenade",
        ],
    ),
    ("Protests", &["Peaceful protest", "Protest with intervention", "Excessive force against protesters"]),
    ("Riots", &["Violent demonstration", "Mob violence"]),
    (
        "Strategic developments",
        &[
            "Agreement",
            "Arrests",
            "Change to group/activity",
            "Disrupted weapons use",
            "Headquarters or base established",
            "Looting/property destruction",
            "Non-violent transfer of territory",
            "Other",
        ],
    ),
    ("Violence against civilians", &["Sexual violence", "Attack", "Abduction/forced disappearance"]),
];

/// The default categories: every ACLED sub-event type.
pub fn categories() -> impl Iterator<Item = &'static str> {
    ACLED_EVENTS.iter().flat_map(|(_, subs)| subs.iter().copied())
}

/// The ACLED event type that a sub-event type belongs to.
#[must_use]
pub fn event_type(category: &str) -> Option<&'static str> {
    ACLED_EVENTS.iter().find(|(_, subs)| subs.contains(&category)).map(|(event, _)| *event)
}

/// Methods of unarmed civilian protection.
pub const UCP_METHODS: &[&str] = &[
    "protective_presence",
    "protective_accompaniment",
    "interpositioning",
    "ceasefire_monitoring",
    "rumour_control",
    "early_warning_early_response",
    "event_monitoring",
    "proceedings_monitoring",
    "confidence_building",
    "multitrack_dialogue",
    "local_mediation",
    "ucp_training",
    "local_protection_infrastructure",
];

/// Tactics of the DC Peace Team.
pub const DCPT_TACTICS: &[&str] = &[
    "accompaniment",
    "proactive_presence",
    "monitoring",
    "distraction",
    "delegation",
    "physical_interpositioning",
    "dignity_phrase",
    "interconnectedness_phrase",
    "listening",
];

/// Kinds of harm.
pub const HARM_TYPES: &[&str] = &[
    "death",
    "injury",
    "threat",
    "harassment",
    "sexual_violence",
    "detention",
    "abduction",
    "displacement",
    "property_damage",
    "denied_access",
    "denied_vote",
    "livelihood",
];

/// People who need special care.
pub const VULNERABLE_FLAGS: &[&str] = &[
    "children",
    "older_people",
    "disabled_people",
    "pregnant_women",
    "displaced_people",
    "minority",
    "journalists",
    "human_rights_defenders",
    "medical_staff",
];
