//! Between a message and a warning of the team.

use firsthand_ids::Digest;
use firsthand_record::Origin;
use firsthand_record::roster::{Area, RiskLevel};
use firsthand_record::validate::limits;
use firsthand_record::warning::{
    Alert, AlertArea, AlertReference, CategoryItem, MsgType, ParameterItem, ResponseItem,
};
use serde_json::json;

use super::{CapArea, Info, Message, Named, Reference};
use crate::ExchangeError;

/// Where a warning keeps the message that it came from.
const MESSAGE: &str = "cap";

/// The name of the parameter that carries ISO 22324's level, which CAP has no element for.
const LEVEL: &str = "ISO 22324 level";

/// The name of the code that carries the official code of an area.
const P_CODE: &str = "P-code";

/// A warning made of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct CapDraft {
    /// The draft, with `origin` and the whole message in `imported`.
    pub alert: Alert,
    /// What a person should know: what a warning of the team has no place for.
    pub notes: Vec<String>,
}

/// Makes a warning of a message: of its first block, which is in its first language. Everything else is kept with it.
///
/// The warning is to be approved like any other. One without an end ends as its own do.
///
/// # Errors
///
/// [`ExchangeError::NotCap`] for a message that tells nothing, and for acknowledgements and errors between systems.
pub fn to_alert(message: &Message) -> Result<CapDraft, ExchangeError> {
    let wrong = |element, reason| ExchangeError::NotCap { line: 1, element, reason };
    if matches!(message.msg_type, MsgType::Ack | MsgType::Error) {
        return Err(wrong("msgType", "is an answer between systems and no warning"));
    }
    let info = message.infos.first();
    let info = info.ok_or_else(|| wrong("info", "is missing: the message warns of nothing"))?;
    let mut notes = Vec::new();
    if message.infos.len() > 1 {
        notes.push(format!("shows the first of {} blocks; the others are kept", message.infos.len()));
    }
    let whole = info.headline.clone().unwrap_or_else(|| info.event.clone());
    let whole = whole.split_whitespace().collect::<Vec<_>>().join(" ");
    let headline = shortened(&whole);
    let mut description = info.description.clone().unwrap_or_default();
    if headline != whole {
        description = format!("{whole}\n\n{description}").trim_end().to_owned();
        notes
            .push("the headline has more than 160 characters; the whole of it begins the description".into());
    }
    let mut level = None;
    let mut parameters = Vec::new();
    for Named { name, value } in &info.parameters {
        match value.parse::<RiskLevel>() {
            Ok(said) if name == LEVEL => level = Some(said),
            _ => {
                let (name, value) = (name.clone(), value.clone());
                parameters.push(ParameterItem { key: String::new(), name, value });
            }
        }
    }
    let mut hash = Digest::new("firsthand cap message v1");
    let content = json!(message);
    let row_hash = hash.sized(firsthand_record::canonical(&content).as_bytes()).finish();
    let key = String::new;
    let alert = Alert {
        identifier: Some(message.identifier.clone()),
        sender: Some(message.sender.clone()),
        sent: Some(message.sent),
        status: Some(message.status),
        msg_type: Some(message.msg_type),
        scope: Some(message.scope),
        restriction: message.restriction.clone(),
        addresses: message.addresses.clone(),
        language: info.language.clone(),
        event: Some(info.event.clone()),
        urgency: Some(info.urgency),
        severity: Some(info.severity),
        certainty: Some(info.certainty),
        headline: Some(headline),
        onset: info.onset,
        expires: info.expires.or_else(|| Alert::default_expires(message.sent)),
        area: Some(area_of(&info.areas, &mut notes)),
        level,
        origin: Some(Origin {
            format: MESSAGE.to_owned(),
            external_id: Some(message.identifier.clone()),
            row_hash: row_hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }),
        description,
        instruction: info.instruction.clone().unwrap_or_default(),
        category: info.categories.iter().map(|it| CategoryItem { key: key(), category: *it }).collect(),
        response_type: info
            .response_types
            .iter()
            .map(|it| ResponseItem { key: key(), response_type: *it })
            .collect(),
        references: message.references.iter().map(reference).collect(),
        parameters,
        imported: [(MESSAGE.to_owned(), content)].into(),
        ..Alert::default()
    };
    Ok(CapDraft { alert, notes })
}

fn reference(it: &Reference) -> AlertReference {
    let Reference { sender, identifier, sent } = it.clone();
    AlertReference { key: String::new(), sender, identifier, sent }
}

/// A headline of at most as many characters as one may have.
fn shortened(headline: &str) -> String {
    if headline.chars().count() <= limits::HEADLINE {
        return headline.to_owned();
    }
    headline.chars().take(limits::HEADLINE - 1).chain(['…']).collect()
}

/// Where it holds, as far as a warning of the team can say: one shape and one code, and all words.
fn area_of(areas: &[CapArea], notes: &mut Vec<String>) -> AlertArea {
    let polygons: Vec<_> = areas.iter().flat_map(|it| &it.polygons).collect();
    let circles: Vec<_> = areas.iter().flat_map(|it| &it.circles).collect();
    let codes: Vec<_> = areas.iter().flat_map(|it| &it.geocodes).filter(|it| it.name == P_CODE).collect();
    let shapes = polygons.len() + circles.len();
    if shapes > 1 {
        notes.push(format!("holds in {shapes} areas, which are shown in words; their shapes are kept"));
    }
    let words: Vec<&str> = areas.iter().map(|it| it.text.as_str()).collect();
    let text = if words.is_empty() { "not said".to_owned() } else { words.join("; ") };
    // A word for each area of a country would be a page.
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    AlertArea {
        text: text.chars().take(limits::DESCRIPTION).collect(),
        polygon: polygons.first().filter(|_| shapes == 1).map(|ring| Area(ring.to_vec())),
        circle: circles.first().filter(|_| shapes == 1).map(|circle| **circle),
        p_code: codes.first().filter(|_| codes.len() == 1).map(|code| code.value.clone()),
    }
}

/// Makes a message of a warning. One that came from a file gives that file's message again, with what people changed since.
///
/// # Errors
///
/// [`ExchangeError::Unfinished`] with the first field that a message needs and the warning lacks.
pub fn from_alert(alert: &Alert) -> Result<Message, ExchangeError> {
    let own = plain(alert)?;
    let kept = alert.imported.get(MESSAGE).and_then(|json| serde_json::from_value(json.clone()).ok());
    let Some(mut message) = kept else { return Ok(own) };
    let was = to_alert(&message)?;
    let was = plain(&was.alert)?;
    changed(&mut message, &was, own);
    Ok(message)
}

/// Puts into a message what differs between two readings of it.
fn changed(message: &mut Message, was: &Message, now: Message) {
    macro_rules! take {
        ($of:expr, $was:expr, $now:expr, $($field:ident)+) => {
            $(if $was.$field != $now.$field { $of.$field = $now.$field; })+
        };
    }
    take!(message, was, now, status scope restriction addresses references);
    if let (Some(info), Some(was), Some(now)) =
        (message.infos.first_mut(), was.infos.first(), now.infos.into_iter().next())
    {
        take!(
            info, was, now,
            language categories event response_types urgency severity certainty onset expires headline
            description instruction parameters areas
        );
    }
}

/// The message that a warning's own fields make.
fn plain(alert: &Alert) -> Result<Message, ExchangeError> {
    fn must<T: Clone>(field: &'static str, value: &Option<T>) -> Result<T, ExchangeError> {
        value.clone().ok_or(ExchangeError::Unfinished { field })
    }
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    let mut parameters: Vec<Named> =
        alert.parameters.iter().map(|it| Named { name: it.name.clone(), value: it.value.clone() }).collect();
    if let Some(level) = alert.level {
        parameters.push(Named { name: LEVEL.to_owned(), value: level.code().to_owned() });
    }
    let mut categories: Vec<_> = alert.category.iter().map(|it| it.category).collect();
    categories.dedup();
    if categories.is_empty() {
        return Err(ExchangeError::Unfinished { field: "category" });
    }
    let info = Info {
        language: alert.language.clone(),
        categories,
        event: must("event", &alert.event)?,
        response_types: alert.response_type.iter().map(|it| it.response_type).collect(),
        urgency: must("urgency", &alert.urgency)?,
        severity: must("severity", &alert.severity)?,
        certainty: must("certainty", &alert.certainty)?,
        audience: None,
        event_codes: Vec::new(),
        effective: None,
        onset: alert.onset,
        expires: alert.expires,
        sender_name: None,
        headline: alert.headline.clone(),
        description: text(&alert.description),
        instruction: text(&alert.instruction),
        web: None,
        contact: None,
        parameters,
        resources: Vec::new(),
        areas: vec![cap_area(&must("area", &alert.area)?)],
    };
    Ok(Message {
        identifier: must("identifier", &alert.identifier)?,
        sender: must("sender", &alert.sender)?,
        sent: must("sent", &alert.sent)?,
        status: must("status", &alert.status)?,
        msg_type: must("msg_type", &alert.msg_type)?,
        source: None,
        scope: must("scope", &alert.scope)?,
        restriction: alert.restriction.clone(),
        addresses: alert.addresses.clone(),
        codes: Vec::new(),
        note: None,
        references: alert
            .references
            .iter()
            .map(|it| Reference {
                sender: it.sender.clone(),
                identifier: it.identifier.clone(),
                sent: it.sent,
            })
            .collect(),
        incidents: None,
        infos: vec![info],
    })
}

fn cap_area(area: &AlertArea) -> CapArea {
    let p_code = area.p_code.iter().map(|code| Named { name: P_CODE.to_owned(), value: code.clone() });
    // The schema asks for words, and a code says something to those who know it.
    let words = [area.text.clone(), area.p_code.clone().unwrap_or_default()];
    let text = words.into_iter().find(|it| !it.trim().is_empty()).unwrap_or_else(|| "as drawn".to_owned());
    let ring = |ring: &Area| {
        let mut corners = ring.0.clone();
        if corners.len() > 1 && corners.first() == corners.last() {
            corners.pop();
        }
        corners
    };
    CapArea {
        text,
        polygons: area.polygon.iter().map(ring).collect(),
        circles: area.circle.into_iter().collect(),
        geocodes: p_code.collect(),
        altitude: None,
        ceiling: None,
    }
}
