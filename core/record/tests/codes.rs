//! Every code list against the codes of the standard or program that it comes from.
#![allow(clippy::unwrap_used, reason = "a code that cannot be written is a failure")]

use std::fmt::Debug;
use std::str::FromStr;

use firsthand_record::warning::*;
use firsthand_record::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn holds<C>(codes: &[&str])
where
    C: CodeList + Debug + PartialEq + FromStr<Err = UnknownCode> + Serialize + DeserializeOwned,
{
    assert_eq!(C::CODES, codes, "{}", C::NAME);
    assert_eq!(C::ALL.len(), codes.len());
    for (value, code) in C::ALL.iter().zip(codes) {
        assert_eq!(value.code(), *code);
        assert_eq!(code.parse::<C>(), Ok(*value));
        assert_eq!(serde_json::to_string(value).unwrap(), format!("\"{code}\""));
        assert_eq!(serde_json::from_str::<C>(&format!("\"{code}\"")).unwrap(), *value);
        assert_eq!(C::from_loose(&code.to_uppercase().replace('_', " ")), Some(*value));
        assert_eq!(C::from_loose(value.label()), Some(*value), "labels are distinct");
        assert!(!value.label().is_empty());
    }
    assert!("no such code".parse::<C>().is_err());
    assert!("".parse::<C>().is_err());
    assert_eq!(C::from_loose(" - "), None);
}

#[test]
fn cap() {
    holds::<Severity>(&["Extreme", "Severe", "Moderate", "Minor", "Unknown"]);
    holds::<Urgency>(&["Immediate", "Expected", "Future", "Past", "Unknown"]);
    holds::<Certainty>(&["Observed", "Likely", "Possible", "Unlikely", "Unknown"]);
    holds::<AlertStatus>(&["Actual", "Exercise", "System", "Test", "Draft"]);
    holds::<MsgType>(&["Alert", "Update", "Cancel", "Ack", "Error"]);
    holds::<AlertScope>(&["Public", "Restricted", "Private"]);
    holds::<AlertCategory>(&[
        "Geo",
        "Met",
        "Safety",
        "Security",
        "Rescue",
        "Fire",
        "Health",
        "Env",
        "Transport",
        "Infra",
        "CBRNE",
        "Other",
    ]);
    holds::<ResponseType>(&[
        "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None",
    ]);
}

#[test]
fn early_warning() {
    holds::<AckKind>(&["received", "read", "will_act", "cannot_act", "false_alarm"]);
    holds::<AlertStanding>(&["waiting", "in_force", "expired", "updated", "cancelled"]);
    holds::<Polarity>(&["peace", "conflict"]);
    holds::<Direction>(&["above", "below"]);
    holds::<IndicatorFamily>(&[
        "Alliance Formation",
        "Exchange Behavior",
        "Mitigating Behavior",
        "Peace Initiatives",
        "Armed Intervention",
        "Aggravating Behaviors",
        "Provocative Behavior",
        "Environmental Pressure",
    ]);
    let peace = IndicatorFamily::ALL.iter().filter(|family| family.polarity() == Polarity::Peace);
    assert_eq!(peace.count(), 4);
}

#[test]
fn acled() {
    holds::<ActorKind>(&["1", "2", "3", "4", "5", "6", "7", "8"]);
    holds::<GeoPrecision>(&["1", "2", "3"]);
    assert_eq!(ActorKind::IdentityMilitias.label(), "Identity Militias");
    let categories: Vec<_> = lists::categories().collect();
    assert_eq!(
        categories,
        [
            "Armed clash",
            "Government regains territory",
            "Non-state actor overtakes territory",
            "Chemical weapon",
            "Air/drone strike",
            "Suicide bomb",
            "Shelling/artillery/missile attack",
            "Remote explosive/landmine/IED",
            "Grenade",
            "Peaceful protest",
            "Protest with intervention",
            "Excessive force against protesters",
            "Violent demonstration",
            "Mob violence",
            "Agreement",
            "Arrests",
            "Change to group/activity",
            "Disrupted weapons use",
            "Headquarters or base established",
            "Looting/property destruction",
            "Non-violent transfer of territory",
            "Other",
            "Sexual violence",
            "Attack",
            "Abduction/forced disappearance",
        ]
    );
    assert_eq!(lists::event_type("Mob violence"), Some("Riots"));
    assert_eq!(lists::event_type("mob violence"), None);
}

#[test]
fn admiralty() {
    holds::<Reliability>(&["A", "B", "C", "D", "E", "F"]);
    holds::<Credibility>(&["1", "2", "3", "4", "5", "6"]);
    assert_eq!(Reliability::F.label(), "Reliability cannot be judged");
    assert_eq!(Credibility::CannotBeJudged.label(), "Truth cannot be judged");
}

#[test]
fn methods_and_outcomes() {
    holds::<MediationOutcome>(&[
        "resolved",
        "resolved_temporarily",
        "ongoing",
        "not_resolved_violence_followed",
        "unknown",
    ]);
    assert_eq!(
        lists::UCP_METHODS,
        [
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
        ]
    );
    assert_eq!(
        lists::DCPT_TACTICS,
        [
            "accompaniment",
            "proactive_presence",
            "monitoring",
            "distraction",
            "delegation",
            "physical_interpositioning",
            "dignity_phrase",
            "interconnectedness_phrase",
            "listening",
        ]
    );
}

#[test]
fn election_platforms() {
    holds::<FollowUp>(&["NotApplicable", "NeedsFollowUp", "Resolved"]);
    holds::<Verification>(&["Unmarked", "Citizen Report", "Confirmed", "Rejected"]);
}

#[test]
fn our_own() {
    holds::<Trajectory>(&["escalating", "stable", "de-escalating", "over", "unknown"]);
    holds::<Status>(&["draft", "open", "monitoring", "closed", "merged_into"]);
    holds::<RetaliationRisk>(&["none", "low", "medium", "high", "unknown"]);
    holds::<RumourStatus>(&["circulating", "checking", "confirmed", "refuted", "unresolved"]);
    holds::<Precision>(&["exact", "minute", "hour", "part_of_day", "day", "week", "unknown"]);
    holds::<PlaceSource>(&["gps", "network", "map_pin", "description", "import"]);
    holds::<ActorRole>(&["initiator", "target", "both", "bystander", "authority", "responder"]);
    holds::<CountKind>(&["present", "injured", "arrested", "dead", "displaced"]);
    holds::<WeaponUse>(&["displayed", "used", "reported"]);
    holds::<SourceKind>(&[
        "direct_observation",
        "victim",
        "witness",
        "key_group",
        "media",
        "social",
        "rumour",
    ]);
    holds::<LinkKind>(&["incident", "alert", "action", "shift", "checklist_run"]);
    holds::<Relation>(&["same_event", "possible_duplicate", "caused_by", "follows"]);
    holds::<Sensitivity>(&["team", "leads", "network", "public"]);
    holds::<ClockTrust>(&["gps", "peer", "device_only", "suspect"]);
    holds::<CapturePath>(&["in_app", "imported"]);
    holds::<C2paState>(&["none", "valid", "invalid", "unknown"]);
    holds::<PeopleVisible>(&["none", "crowd", "identifiable"]);
    holds::<VariantKind>(&["thumb", "preview", "original"]);
    holds::<CustodyKind>(&["captured", "received", "viewed", "exported", "verified", "quarantined"]);
}

#[test]
fn checklists() {
    use firsthand_record::checklist::{ItemType, RunContextKind, TemplateKind, TimerEvent};

    holds::<ItemType>(&[
        "check",
        "note",
        "select_one",
        "select_multiple",
        "integer",
        "decimal",
        "text",
        "date",
        "time",
        "geopoint",
        "image",
        "audio",
        "timer",
    ]);
    holds::<TemplateKind>(&["xlsform", "markdown", "json", "other"]);
    holds::<RunContextKind>(&["incident", "shift", "training"]);
    holds::<TimerEvent>(&["started", "stopped", "finished"]);
}
