//! Signs, readings and warnings.

use super::roster::{area as ring, counts, name};
use super::{Context, Finding, Findings, Rule, limits, personal, place, text};
use crate::warning::{Alert, AlertArea, AlertScope, Indicator, MsgType, Reading};
use crate::{Certainty, Sensitivity, Severity};

/// Judges a sign that a team watches.
#[must_use]
pub fn indicator(indicator: &Indicator) -> Vec<Finding> {
    let mut found = Findings::default();
    name(indicator.name.as_deref(), "name", true, &mut found);
    name(indicator.unit.as_deref(), "unit", false, &mut found);
    found.add_if(indicator.polarity.is_none(), "polarity", Rule::Missing);
    if let (Some(polarity), Some(family)) = (indicator.polarity, indicator.family) {
        found.add_if(family.polarity() != polarity, "family", Rule::FamilyOfOtherPolarity);
    }
    let finite = indicator.threshold.is_none_or(|threshold| threshold.0.is_finite());
    found.add_if(!finite, "threshold", Rule::NotFinite);
    let window = indicator.window_days.is_none_or(|days| (1..=limits::WINDOW_DAYS).contains(&days));
    found.add_if(!window, "window_days", Rule::OutOfRange);
    if let Some(area) = &indicator.area {
        where_it_holds(area, &mut found);
    }
    counts(&[], &indicator.tombstone, &mut found);
    found.0
}

/// Judges a reading of a sign.
#[must_use]
pub fn reading(reading: &Reading, context: &Context) -> Vec<Finding> {
    let mut found = Findings::default();
    found.add_if(reading.indicator.is_none(), "indicator", Rule::Missing);
    match reading.value {
        None => found.add("value", Rule::Missing),
        Some(value) => found.add_if(!value.0.is_finite(), "value", Rule::NotFinite),
    }
    match reading.at {
        None => found.add("at", Rule::Missing),
        Some(at) => {
            let ahead = at.millis().0.saturating_sub(context.clock().0);
            found.add_if(ahead > limits::FUTURE_MS, "at", Rule::InTheFuture);
            found.add_if(ahead < -limits::BACKDATED_MS, "at", Rule::Backdated);
        }
    }
    if let Some(at) = &reading.place {
        place::check(at, "place", context, &mut found);
    }
    if let Some(note) = &reading.note {
        text::check(note, limits::DESCRIPTION, "note", &mut found);
    }
    counts(&[], &reading.tombstone, &mut found);
    found.0
}

/// Judges a warning. Whether it is meant is for a person to say, so a missing status is refused and never filled in.
#[must_use]
pub fn alert(alert: &Alert) -> Vec<Finding> {
    let mut found = Findings::default();
    for (field, missing) in [
        ("sent", alert.sent.is_none()),
        ("status", alert.status.is_none()),
        ("msg_type", alert.msg_type.is_none()),
        ("scope", alert.scope.is_none()),
        ("category", alert.category.is_empty()),
        ("urgency", alert.urgency.is_none()),
        ("severity", alert.severity.is_none()),
        ("certainty", alert.certainty.is_none()),
        ("expires", alert.expires.is_none()),
        ("area", alert.area.is_none()),
    ] {
        found.add_if(missing, field, Rule::Missing);
    }
    identifier(alert.identifier.as_deref().unwrap_or_default(), "identifier", &mut found);
    identifier(alert.sender.as_deref().unwrap_or_default(), "sender", &mut found);
    name(alert.event.as_deref(), "event", true, &mut found);
    name(alert.language.as_deref(), "language", false, &mut found);
    let headline = alert.headline.as_deref().unwrap_or_default();
    text::line(headline, limits::HEADLINE, "headline", &mut found);
    found.add_if(headline.trim().is_empty(), "headline", Rule::Missing);
    text::check(&alert.description, limits::TEXT, "description", &mut found);
    text::check(&alert.instruction, limits::TEXT, "instruction", &mut found);
    readers(alert, &mut found);
    if let (Some(sent), Some(expires)) = (alert.sent, alert.expires) {
        found.add_if(expires.millis() <= sent.millis(), "expires", Rule::EndBeforeStart);
    }
    if let (Some(onset), Some(expires)) = (alert.onset, alert.expires) {
        found.add_if(expires.millis() < onset.millis(), "expires", Rule::EndBeforeStart);
    }
    if let Some(area) = &alert.area {
        where_it_holds(area, &mut found);
    }
    let possible = alert.approvals_required.is_none_or(|least| (1..=limits::APPROVALS).contains(&least));
    found.add_if(!possible, "approvals_required", Rule::OutOfRange);
    let unsure = matches!(alert.certainty, None | Some(Certainty::Unknown));
    found.add_if(alert.severity == Some(Severity::Extreme) && unsure, "certainty", Rule::ExtremeButUncertain);
    items(alert, &mut found);
    found.0
}

/// A name that systems split lists of at spaces and commas.
fn identifier(id: &str, field: &str, found: &mut Findings) {
    text::line(id, limits::NAME, field, found);
    found.add_if(id.is_empty(), field, Rule::Missing);
    let odd = |c: char| c.is_whitespace() || matches!(c, ',' | '<' | '&');
    found.add_if(id.contains(odd), field, Rule::NotAnIdentifier);
}

/// Who may read it, and what nobody else is to.
fn readers(alert: &Alert, found: &mut Findings) {
    for (field, needed, said) in [
        ("restriction", AlertScope::Restricted, &alert.restriction),
        ("addresses", AlertScope::Private, &alert.addresses),
    ] {
        let said = said.as_deref().unwrap_or_default();
        text::line(said, limits::DESCRIPTION, field, found);
        found.add_if(alert.scope == Some(needed) && said.trim().is_empty(), field, Rule::Missing);
    }
    let wide = matches!(alert.sensitivity, Some(Sensitivity::Network | Sensitivity::Public));
    if wide || alert.scope == Some(AlertScope::Public) {
        let texts = [
            ("headline", alert.headline.as_deref().unwrap_or_default()),
            ("description", alert.description.as_str()),
            ("instruction", alert.instruction.as_str()),
        ];
        personal::texts_for_others(&texts, found);
    }
}

fn where_it_holds(area: &AlertArea, found: &mut Findings) {
    text::line(&area.text, limits::DESCRIPTION, "area.text", found);
    name(area.p_code.as_deref(), "area.p_code", false, found);
    let nowhere = area.text.trim().is_empty()
        && area.polygon.is_none()
        && area.circle.is_none()
        && area.p_code.as_deref().unwrap_or_default().trim().is_empty();
    found.add_if(nowhere, "area", Rule::Empty);
    if let Some(polygon) = &area.polygon {
        ring(polygon, "area.polygon", found);
    }
    if let Some(circle) = &area.circle {
        let _ = place::degrees(circle.lat, circle.lon, "area.circle", found);
        let km = circle.radius.0 / 1_000.0;
        if km.is_finite() {
            found.add_if(!(0.0..=limits::RADIUS_KM).contains(&km), "area.circle.radius", Rule::OutOfRange);
        } else {
            found.add("area.circle.radius", Rule::NotFinite);
        }
    }
}

fn items(alert: &Alert, found: &mut Findings) {
    for (index, it) in alert.references.iter().enumerate() {
        identifier(&it.identifier, &format!("references[{index}].identifier"), found);
        identifier(&it.sender, &format!("references[{index}].sender"), found);
        let own =
            Some(&it.identifier) == alert.identifier.as_ref() && Some(&it.sender) == alert.sender.as_ref();
        found.add_if(own, &format!("references[{index}]"), Rule::LeadsToItself);
    }
    // A first warning may name others that it has to do with; one that replaces or answers must say what.
    let first = matches!(alert.msg_type, None | Some(MsgType::Alert));
    found.add_if(!first && alert.references.is_empty(), "references", Rule::Missing);
    for (index, it) in alert.parameters.iter().enumerate() {
        name(Some(&it.name), &format!("parameters[{index}].name"), true, found);
        text::check(&it.value, limits::DESCRIPTION, &format!("parameters[{index}].value"), found);
    }
    for (index, it) in alert.acks.iter().enumerate() {
        text::check(&it.note, limits::DESCRIPTION, &format!("acks[{index}].note"), found);
    }
    let imported = serde_json::to_vec(&alert.imported).map_or(usize::MAX, |json| json.len());
    found.add_if(imported > limits::IMPORTED_BYTES, "imported", Rule::TooLarge);
    found.add_if(alert.acks.len() > limits::ACKS, "acks", Rule::TooMany);
    let lists = [
        (alert.category.len(), "category"),
        (alert.response_type.len(), "response_type"),
        (alert.evidence.len(), "evidence"),
        (alert.incidents.len(), "incidents"),
        (alert.references.len(), "references"),
        (alert.parameters.len(), "parameters"),
        (alert.approvals.len(), "approvals"),
    ];
    counts(&lists, &alert.tombstone, found);
}
