use super::{Findings, Rule, limits};
use crate::{Evidence, Incident};

/// Counts characters, not bytes: a limit in bytes would give Arabic half the room of English.
pub(super) fn check(text: &str, limit: usize, field: &str, found: &mut Findings) {
    // A text of no more bytes than the limit has no more characters either.
    found.add_if(text.len() > limit && text.chars().nth(limit).is_some(), field, Rule::TooLong);
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    found.add_if(text.contains(odd), field, Rule::ControlCharacter);
}

pub(super) fn line(text: &str, limit: usize, field: &str, found: &mut Findings) {
    check(text, limit, field, found);
    found.add_if(text.contains(['\n', '\r']), field, Rule::MoreThanOneLine);
}

pub(super) fn incident(incident: &Incident, found: &mut Findings) {
    if let Some(title) = &incident.title {
        line(title, limits::TITLE, "title", found);
    }
    for (field, code) in [("p_code", &incident.p_code), ("category", &incident.category)] {
        if let Some(code) = code {
            line(code, limits::NAME, field, found);
        }
    }
    check(&incident.narrative, limits::NARRATIVE, "narrative", found);
    check(&incident.place_text, limits::TEXT, "place_text", found);
    check(&incident.rumour_claim, limits::TEXT, "rumour_claim", found);
    let beyond = incident.admin_level.is_some_and(|level| level > limits::ADMIN_LEVEL);
    found.add_if(beyond, "admin_level", Rule::NoSuchAdminLevel);
    let imported = serde_json::to_vec(&incident.imported).map_or(usize::MAX, |json| json.len());
    found.add_if(imported > limits::IMPORTED_BYTES, "imported", Rule::TooLarge);
    if let Some(origin) = &incident.origin {
        line(&origin.format, limits::NAME, "origin.format", found);
        line(&origin.row_hash, limits::NAME, "origin.row_hash", found);
        if let Some(id) = &origin.external_id {
            line(id, limits::NAME, "origin.external_id", found);
        }
    }
}

pub(super) fn evidence(evidence: &Evidence, found: &mut Findings) {
    line(&evidence.mime, limits::NAME, "mime", found);
    found.add_if(evidence.mime.is_empty(), "mime", Rule::Empty);
    if let Some(name) = &evidence.original_name {
        line(name, limits::DESCRIPTION, "original_name", found);
    }
    check(&evidence.caption, limits::TEXT, "caption", found);
    if let Some(model) = evidence.captured.as_ref().and_then(|captured| captured.device_model.as_ref()) {
        line(model, limits::NAME, "captured.device_model", found);
    }
    for (count, field) in [
        (evidence.variants.len(), "variants"),
        (evidence.consent.len(), "consent"),
        (evidence.custody_log.len(), "custody_log"),
        (evidence.tombstone.len(), "tombstone"),
    ] {
        found.add_if(count > limits::LIST_ITEMS, field, Rule::TooMany);
    }
}
