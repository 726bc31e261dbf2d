//! What can be done with every kind of record: hide it, show it again, settle what people set to different values.

use firsthand_node::ids::DocumentId;
use firsthand_node::{Decision, DocumentKind, Edit, Node, NodeError};
use firsthand_record::roster::{Area, CheckInRule, Corner, PersonStatus, RiskLevel};
use firsthand_record::warning::{AlertScope, AlertStatus};
use firsthand_record::{Certainty, Degrees, Sensitivity, Severity, Urgency};
use serde::Serialize;
use serde_json::Value;

use super::List;
use super::incident::conflict::{self, Conflict, Resolved};
use crate::args::{ResolveRecordArgs, UpkeepCommand};
use crate::fail::Fail;
use crate::home::Session;
use crate::read::field::json;
use crate::read::{self, Reason};
use crate::show::{text, value};

/// A kind of record as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noun {
    Person,
    FieldTeam,
    Shift,
    Handoff,
    Checklist,
    Debrief,
    Indicator,
    Alert,
}

#[derive(Serialize)]
struct Saved {
    id: String,
    /// Whether it counts; otherwise somebody with the right has to do the same.
    counts: bool,
}

impl Noun {
    /// The record that is meant.
    async fn find(self, node: &Node, typed: &str) -> Result<DocumentId, Fail> {
        let id = match self {
            Self::Person => {
                let person = node.find_person(typed.to_owned()).await?;
                let people = node.people().await?;
                let record = people.into_iter().find(|it| it.person == person).and_then(|it| it.id);
                record.ok_or_else(|| NodeError::NotFound(typed.to_owned()))?
            }
            Self::FieldTeam => node.find_field_team(typed.to_owned()).await?,
            Self::Shift => node.find_shift(typed.to_owned()).await?,
            Self::Handoff => node.find_handoff(typed.to_owned()).await?,
            // A run is typed by its id, a checklist mostly by its name.
            Self::Checklist => match node.find_record(DocumentKind::Run, typed).await {
                Err(NodeError::NotFound(_)) => node.find_template(typed).await?,
                found => found?,
            },
            Self::Debrief => node.find_record(DocumentKind::Debrief, typed).await?,
            // A reading has no command of its own.
            Self::Indicator => match node.find_record(DocumentKind::Indicator, typed).await {
                Err(NodeError::NotFound(_)) => node.find_record(DocumentKind::Reading, typed).await?,
                found => found?,
            },
            Self::Alert => node.find_record(DocumentKind::Alert, typed).await?,
        };
        Ok(id)
    }

    const fn kinds(self) -> &'static [DocumentKind] {
        match self {
            Self::Person => &[DocumentKind::Person],
            Self::FieldTeam => &[DocumentKind::Team],
            Self::Shift => &[DocumentKind::Shift],
            Self::Handoff => &[DocumentKind::Handoff],
            Self::Checklist => &[DocumentKind::Template, DocumentKind::Run],
            Self::Debrief => &[DocumentKind::Debrief],
            Self::Indicator => &[DocumentKind::Indicator, DocumentKind::Reading],
            Self::Alert => &[DocumentKind::Alert],
        }
    }

    /// Reads the value of a field.
    fn value(self, field: &str, text: &str) -> Result<Value, Reason> {
        match (self, field) {
            (_, "sensitivity") => json(read::code::<Sensitivity>(text)?),
            (_, "retention_until") => json(read::time::day(text)?),
            (Self::Person, "status") => json(read::code::<PersonStatus>(text)?),
            (Self::Person, "display_name" | "callsign")
            | (Self::FieldTeam, "name")
            | (Self::Shift, "title") => json(text.trim()),
            (Self::FieldTeam, "area") => json(area(text)?),
            (Self::Indicator, "name" | "unit")
            | (Self::Alert, "event" | "headline" | "restriction" | "addresses" | "language") => {
                json(text.trim())
            }
            (Self::Indicator, "threshold") => json(read::finite(text)?),
            (Self::Indicator, "window_days") => json(read::people(text)?),
            (Self::Alert, "urgency") => json(read::code::<Urgency>(text)?),
            (Self::Alert, "severity") => json(read::code::<Severity>(text)?),
            (Self::Alert, "certainty") => json(read::code::<Certainty>(text)?),
            (Self::Alert, "scope") => json(read::code::<AlertScope>(text)?),
            (Self::Alert, "status") => json(read::code::<AlertStatus>(text)?),
            (Self::Alert, "level") => json(read::code::<RiskLevel>(text)?),
            (Self::Alert, "onset" | "expires") => json(read::time::moment(text)?),
            (Self::Shift, "start" | "end") => json(read::time::moment(text)?),
            (Self::Shift, "risk_level") => json(read::code::<RiskLevel>(text)?),
            (Self::Shift, "check_in_rule") => json(rule(text)?),
            _ => Err(String::from("cannot be typed; choose one of the values with --pick")),
        }
    }
}

/// Minutes between check-ins, and of grace: `60+15`.
fn rule(text: &str) -> Result<CheckInRule, Reason> {
    let minutes = |text: &str| text.trim().parse::<u32>().ok();
    let parts = text.split_once('+').and_then(|(every, grace)| Some((minutes(every)?, minutes(grace)?)));
    let (every_min, grace_min) = parts.ok_or("is not minutes and minutes of grace, such as 60+15")?;
    Ok(CheckInRule { every_min, grace_min })
}

/// The corners of an area: `LAT,LON; LAT,LON; LAT,LON`.
pub(super) fn area(text: &str) -> Result<Area, Reason> {
    let corners = text.split(';').filter(|corner| !corner.trim().is_empty()).map(|corner| {
        let (lat, lon) = read::place::coordinates(corner, "area")
            .map_err(|detail| format!("{} (the corner {})", detail.reason, corner.trim()))?;
        Ok(Corner { lat: Degrees(lat), lon: Degrees(lon) })
    });
    Ok(Area(corners.collect::<Result<_, Reason>>()?))
}

/// Does what the command line says.
pub(super) async fn run(session: &Session, noun: Noun, command: UpkeepCommand) -> Result<(), Fail> {
    match command {
        UpkeepCommand::Hide(args) => hide(session, noun, &args.record, args.why.reason).await,
        UpkeepCommand::Unhide(args) => unhide(session, noun, &args.record, args.why.reason).await,
        UpkeepCommand::Conflicts { record } => conflicts(session, noun, record.as_deref()).await,
        UpkeepCommand::Resolve(args) => resolve(session, noun, &args).await,
    }
}

async fn hide(session: &Session, noun: Noun, typed: &str, reason: String) -> Result<(), Fail> {
    if reason.trim().is_empty() {
        return Err(Fail::input("reason", "is empty: say with --reason why it is hidden"));
    }
    session
        .with_node(async |node| {
            let id = noun.find(node, typed).await?;
            print(session, &node.hide(id, reason).await?, "hidden; nothing was erased")
        })
        .await
}

async fn unhide(session: &Session, noun: Noun, typed: &str, reason: String) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = noun.find(node, typed).await?;
            match node.unhide(id, reason).await? {
                Some(decision) => print(session, &decision, "shown in lists again"),
                None => Err(Fail::input("record", "is not hidden")),
            }
        })
        .await
}

fn print(session: &Session, decision: &Decision, done: &str) -> Result<(), Fail> {
    let Decision { saved, counts } = decision;
    if !counts {
        session.out.note("Saved, and it does not count: only a lead, or who made the record, decides that.");
    }
    let line = Saved { id: saved.id.to_string(), counts: *counts };
    let done = if *counts { done } else { "noted" };
    session.out.data(&line, |line| format!("{}  {done}", &line.id[..8]))
}

async fn conflicts(session: &Session, noun: Noun, typed: Option<&str>) -> Result<(), Fail> {
    let views = session
        .with_node(async |node| match typed {
            Some(typed) => Ok(node.conflicts_of(noun.find(node, typed).await?).await?),
            None => {
                let mut views = Vec::new();
                for kind in noun.kinds() {
                    views.extend(node.conflicts_of_kind(kind.clone()).await?);
                }
                Ok(views)
            }
        })
        .await?;
    if views.is_empty() && !session.out.json {
        session.out.note("no conflicts");
    }
    let items = views.iter().map(Conflict::from).collect();
    session.out.data(&List { items }, |_| conflict::human(&views))
}

async fn resolve(session: &Session, noun: Noun, args: &ResolveRecordArgs) -> Result<(), Fail> {
    let field = args.field.replace('-', "_");
    let typed = args.value.as_deref().map(|text| noun.value(&field, text)).transpose();
    let typed = typed.map_err(|reason| Fail::input(&field, reason))?;
    session
        .with_node(async |node| {
            let id = noun.find(node, &args.record).await?;
            let views = node.conflicts_of(id).await?;
            let chosen = match &typed {
                Some(value) => value.clone(),
                None => conflict::picked(&views, &field, args.pick)?,
            };
            let settled = node.resolve(id, &field, chosen.clone(), &args.why.note).await?.settled;
            conflict::say_settled(session, settled);
            let resolved = Resolved { id: id.to_string(), field, value: chosen, settled };
            session.out.data(&resolved, |it| format!("{}: {}", it.field, value::line(&it.value)))
        })
        .await
}

/// The edits that take items of a record's lists back, each named by list and number as `show` numbers them, or by its key.
pub(super) fn withdraw(
    record: &impl Serialize,
    lists: &[&str],
    typed: &[String],
    reason: &str,
) -> Result<Vec<Edit>, Fail> {
    let record = serde_json::to_value(record).unwrap_or_default();
    let key = |typed: &String| {
        let all = || lists.iter().filter_map(|list| record[*list].as_array()).flatten();
        let item = match typed.split_once(':') {
            Some((list, number)) => {
                let list = list.trim().replace('-', "_");
                let at = number.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                let known = lists.contains(&list.as_str());
                at.filter(|_| known).and_then(|at| record[list.as_str()].get(at))
            }
            None => all().find(|item| item["key"].as_str() == Some(typed)),
        };
        let key = item.and_then(|item| item["key"].as_str()).ok_or_else(|| {
            let lists = lists.join(" or ");
            Fail::input(
                "withdraw",
                format!(
                    "names no item: give {lists} and its number in `show`, such as {}:1",
                    lists.split(' ').next().unwrap_or_default()
                ),
            )
        })?;
        Ok(Edit::Withdraw { key: key.to_owned(), reason: reason.to_owned() })
    };
    typed.iter().map(key).collect()
}

/// Fields in conflict, and how they are settled.
pub(super) fn in_conflict(noun: &str, id: &str, fields: &[String]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| text::line(field)).collect();
    match fields[..] {
        [] => String::new(),
        _ => format!("{} (firsthand {noun} conflicts {id})", fields.join(", ")),
    }
}
