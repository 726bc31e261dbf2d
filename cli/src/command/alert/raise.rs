//! What is typed of a warning, and how it becomes one.

use firsthand_node::ids::Metres;
use firsthand_node::{AlertView, DocumentKind, Node};
use firsthand_record::warning::{
    Alert, AlertArea, AlertIncident, AlertScope, AlertStatus, CategoryItem, MsgType, ParameterItem,
    ResponseItem,
};
use firsthand_record::{Certainty, Circle, CodeList, Degrees, Severity, Urgency};

use super::super::upkeep;
use super::{find, print};
use crate::args::{AlertFields, CancelArgs, NewAlertArgs, UpdateArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::read::{self, Reason, time};

/// The restriction of a warning of which nobody says who may read it.
const OWN_TEAM: &str = "the team";

/// `alert new`.
pub(super) async fn new(session: &Session, args: NewAlertArgs) -> Result<(), Fail> {
    let status: Option<AlertStatus> = code("status", Some(&args.status))?;
    if matches!(status, Some(AlertStatus::System | AlertStatus::Draft)) {
        return Err(Fail::input("status", "is not what people raise: say Actual, Exercise or Test"));
    }
    session
        .with_node(async |node| {
            let blank = Alert {
                status,
                event: Some(args.event),
                headline: Some(args.headline),
                category: category(&[String::from("Safety")])?,
                urgency: Some(Urgency::Unknown),
                severity: Some(Severity::Unknown),
                certainty: Some(Certainty::Unknown),
                scope: Some(AlertScope::Restricted),
                ..Alert::default()
            };
            let mut alert = with_fields(node, blank, &args.fields).await?;
            if alert.scope == Some(AlertScope::Restricted) && alert.restriction.is_none() {
                alert.restriction = Some(OWN_TEAM.to_owned());
            }
            raise(session, node, alert).await
        })
        .await
}

/// `alert update`.
pub(super) async fn update(session: &Session, args: UpdateArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = find(node, &args.id).await?;
            let mut alert = instead_of(&node.alert(id).await?, MsgType::Update)?;
            alert.event = args.event.or(alert.event);
            alert.headline = args.headline.or(alert.headline);
            let alert = with_fields(node, alert, &args.fields).await?;
            raise(session, node, alert).await
        })
        .await
}

/// `alert cancel`.
pub(super) async fn cancel(session: &Session, args: CancelArgs) -> Result<(), Fail> {
    if args.reason.trim().is_empty() {
        return Err(Fail::input("reason", "is empty: say why it is called off"));
    }
    session
        .with_node(async |node| {
            let id = find(node, &args.id).await?;
            let mut alert = instead_of(&node.alert(id).await?, MsgType::Cancel)?;
            let earlier = alert.headline.unwrap_or_default();
            let said = args.headline.unwrap_or_else(|| shortened(&format!("Called off: {earlier}")));
            alert.headline = Some(said);
            alert.description = args.reason;
            alert.instruction = String::new();
            alert.response_type = Vec::new();
            raise(session, node, alert).await
        })
        .await
}

/// A headline of at most as many characters as one may have.
fn shortened(headline: &str) -> String {
    const MOST: usize = firsthand_record::validate::limits::HEADLINE;
    if headline.chars().count() <= MOST {
        return headline.to_owned();
    }
    headline.chars().take(MOST - 1).chain(['…']).collect()
}

/// A warning that says what another says and refers to it. Whether it is meant stays as somebody chose.
fn instead_of(view: &AlertView, msg_type: MsgType) -> Result<Alert, Fail> {
    let reference = view.record.reference();
    let reference =
        reference.ok_or_else(|| Fail::input("id", "names a warning that lacks a sender or a name"))?;
    Ok(Alert {
        msg_type: Some(msg_type),
        references: vec![reference],
        identifier: None,
        sender: None,
        sent: None,
        onset: None,
        expires: None,
        approvals_required: None,
        origin: None,
        clock_evidence: None,
        schema_version: None,
        approvals: Vec::new(),
        acks: Vec::new(),
        tombstone: Vec::new(),
        imported: Default::default(),
        extra: Default::default(),
        ..view.record.clone()
    })
}

async fn raise(session: &Session, node: &Node, alert: Alert) -> Result<(), Fail> {
    let saved = node.raise_alert(alert).await?;
    print(session, &node.alert(saved.id).await?)
}

fn code<C: CodeList>(field: &str, typed: Option<&String>) -> Result<Option<C>, Fail> {
    typed.map(|typed| read::code(typed)).transpose().map_err(|reason| Fail::input(field, reason))
}

fn category(typed: &[String]) -> Result<Vec<CategoryItem>, Fail> {
    let item = |typed: &String| {
        let category = read::code(typed).map_err(|reason| Fail::input("category", reason))?;
        Ok(CategoryItem { key: String::new(), category })
    };
    typed.iter().map(item).collect()
}

/// A warning with what was typed in the place of what it said.
async fn with_fields(node: &Node, mut alert: Alert, fields: &AlertFields) -> Result<Alert, Fail> {
    if !fields.category.is_empty() {
        alert.category = category(&fields.category)?;
    }
    if !fields.response.is_empty() {
        let item = |typed: &String| {
            let response_type = read::code(typed).map_err(|reason| Fail::input("response", reason))?;
            Ok(ResponseItem { key: String::new(), response_type })
        };
        alert.response_type = fields.response.iter().map(item).collect::<Result<_, Fail>>()?;
    }
    alert.urgency = code("urgency", fields.urgency.as_ref())?.or(alert.urgency);
    alert.severity = code("severity", fields.severity.as_ref())?.or(alert.severity);
    alert.certainty = code("certainty", fields.certainty.as_ref())?.or(alert.certainty);
    alert.level = code("level", fields.level.as_ref())?.or(alert.level);
    alert.scope = code("scope", fields.scope.as_ref())?.or(alert.scope);
    let typed = |own: &Option<String>, stands: Option<String>| own.clone().or(stands);
    alert.restriction = typed(&fields.restriction, alert.restriction);
    alert.addresses = typed(&fields.addresses, alert.addresses);
    alert.language = typed(&fields.language, alert.language);
    if let Some(text) = &fields.description {
        alert.description.clone_from(text);
    }
    if let Some(text) = &fields.instruction {
        alert.instruction.clone_from(text);
    }
    for (field, typed, at) in
        [("onset", &fields.onset, &mut alert.onset), ("expires", &fields.expires, &mut alert.expires)]
    {
        if let Some(typed) = typed {
            *at = Some(time::moment(typed).map_err(|reason| Fail::input(field, reason))?);
        }
    }
    if let Some(area) = area(fields)? {
        alert.area = Some(area);
    }
    for typed in &fields.incident {
        let document = node.find(typed).await?;
        alert.incidents.push(AlertIncident { key: String::new(), document });
    }
    for typed in &fields.parameter {
        let (name, value) = typed
            .split_once('=')
            .ok_or_else(|| Fail::input("parameter", "is not a name, an equals sign and a value"))?;
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        alert.parameters.push(ParameterItem { key: String::new(), name, value });
    }
    if let Some(typed) = &fields.indicator {
        alert.threshold_trigger = Some(node.find_record(DocumentKind::Indicator, typed).await?);
    }
    alert.approvals_required = fields.approvals.or(alert.approvals_required);
    Ok(alert)
}

/// Where it holds, as far as anything of it was typed: a new place takes the whole of the old one's.
fn area(fields: &AlertFields) -> Result<Option<AlertArea>, Fail> {
    let circle = fields.circle.as_deref().map(circle).transpose();
    let polygon = fields.polygon.as_deref().map(upkeep::area).transpose();
    let area = AlertArea {
        text: fields.area.clone().unwrap_or_default(),
        polygon: polygon.map_err(|reason| Fail::input("polygon", reason))?,
        circle: circle.map_err(|reason| Fail::input("circle", reason))?,
        p_code: fields.p_code.clone(),
    };
    Ok((area != AlertArea::default()).then_some(area))
}

/// `LAT,LON,KM`.
fn circle(typed: &str) -> Result<Circle, Reason> {
    let (middle, radius) = typed
        .rsplit_once(',')
        .ok_or("is not a latitude, a longitude and kilometres, such as 0.51,35.27,2")?;
    let (lat, lon) = read::place::coordinates(middle, "circle").map_err(|detail| detail.reason)?;
    let km = read::finite(radius)?;
    Ok(Circle { lat: Degrees(lat), lon: Degrees(lon), radius: Metres(km * 1_000.0) })
}
