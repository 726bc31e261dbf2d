//! Warnings as people and scripts read them. How one stands is said in words, never by colour.

use std::collections::BTreeMap;

use firsthand_node::ids::PersonId;
use firsthand_node::{AckView, AlertView, ApprovalView};
use firsthand_record::warning::{Alert, AlertArea, AlertStanding, AlertStatus};
use serde::Serialize;

use super::super::incident::Mark;
use super::super::upkeep;
use crate::show::{table, text, when};

/// A warning in machine output.
#[derive(Serialize)]
pub(super) struct Shown {
    id: String,
    author: String,
    at: Option<String>,
    /// `waiting`, `in_force`, `expired`, `updated` or `cancelled`.
    standing: &'static str,
    approvals_needed: u32,
    /// How many approvals count for what it says now.
    approved: usize,
    approvals: Vec<Approved>,
    /// How many people may approve.
    approvers: u32,
    /// Approvals by people who may not.
    proposals: u32,
    acknowledged: Vec<Acknowledged>,
    unacknowledged: Vec<Person>,
    replaces: Vec<String>,
    replaced_by: Option<String>,
    record: Alert,
    findings: Vec<Mark>,
    conflicts: Vec<String>,
    hidden: bool,
}

#[derive(Serialize)]
struct Approved {
    person: String,
    name: String,
    role: String,
    at: String,
    /// Whether the warning still says what they approved.
    of_this: bool,
}

#[derive(Serialize)]
struct Acknowledged {
    person: String,
    name: String,
    kind: &'static str,
    at: String,
    note: String,
    noted_by: Option<String>,
    counts: bool,
}

#[derive(Serialize)]
struct Person {
    person: String,
    name: String,
}

impl From<&AlertView> for Shown {
    fn from(view: &AlertView) -> Self {
        let approved = |it: &ApprovalView| Approved {
            person: it.person.to_string(),
            name: it.name.clone(),
            role: it.role.clone(),
            at: it.at.to_string(),
            of_this: it.of_this,
        };
        let acknowledged = |it: &AckView| Acknowledged {
            person: it.person.to_string(),
            name: it.name.clone(),
            kind: it.kind.code(),
            at: it.at.to_string(),
            note: it.note.clone(),
            noted_by: it.noted_by.clone(),
            counts: it.counts,
        };
        let person =
            |(person, name): &(PersonId, String)| Person { person: person.to_string(), name: name.clone() };
        Self {
            id: view.id.to_string(),
            author: view.author.clone(),
            at: when::machine_noted(Some(view.local)),
            standing: view.standing.code(),
            approvals_needed: view.approvals_needed,
            approved: approvals(view),
            approvals: view.approvals.iter().map(approved).collect(),
            approvers: view.approvers,
            proposals: view.proposals,
            acknowledged: view.acks.iter().map(acknowledged).collect(),
            unacknowledged: view.unacknowledged.iter().map(person).collect(),
            replaces: view.replaces.iter().map(ToString::to_string).collect(),
            replaced_by: view.replaced_by.map(|id| id.to_string()),
            record: view.record.clone(),
            findings: view.findings.iter().map(Mark::from).collect(),
            conflicts: view.conflicts.clone(),
            hidden: view.hidden,
        }
    }
}

fn approvals(view: &AlertView) -> usize {
    view.approvals.iter().filter(|it| it.of_this).count()
}

/// Whether somebody still has to do something about it.
pub(super) fn is_open(view: &AlertView) -> bool {
    matches!(view.standing, AlertStanding::InForce | AlertStanding::Waiting)
}

/// How it stands, in words.
pub(super) fn standing(view: &AlertView) -> String {
    let end = view.record.expires.map_or_else(String::new, |end| when::with_distance(end.millis()));
    match view.standing {
        AlertStanding::Waiting => {
            format!("waits for approval, {} of {}", approvals(view), view.approvals_needed)
        }
        AlertStanding::InForce => format!("in force until {end}"),
        AlertStanding::Expired => format!("expired {end}"),
        AlertStanding::Updated => replaced("replaced by", view),
        AlertStanding::Cancelled => replaced("cancelled by", view),
    }
}

fn replaced(how: &str, view: &AlertView) -> String {
    format!("{how} {}", view.replaced_by.map(|id| id.short()).unwrap_or_default())
}

/// What nobody may take for a warning that is meant says so before everything else.
fn meant(alert: &Alert) -> &'static str {
    match alert.status {
        Some(AlertStatus::Actual) => "",
        Some(AlertStatus::Exercise) => "EXERCISE: ",
        Some(AlertStatus::Test) => "TEST: ",
        Some(AlertStatus::System) => "SYSTEM: ",
        Some(AlertStatus::Draft) => "DRAFT: ",
        None => "NOT SAID WHETHER MEANT: ",
    }
}

/// Of how many people there is an answer that counts, and of how many there is none.
fn heard(view: &AlertView) -> String {
    let heard: std::collections::BTreeSet<PersonId> =
        view.acks.iter().filter(|it| it.counts).map(|it| it.person).collect();
    format!("{} yes, {} not yet", heard.len(), view.unacknowledged.len())
}

/// A list of warnings.
pub(super) fn list(views: &[&AlertView]) -> String {
    if views.is_empty() {
        return "No warning.".to_owned();
    }
    let row = |view: &&AlertView| {
        let headline = view.record.headline.as_deref().unwrap_or_default();
        vec![
            view.id.short(),
            format!("{}{}", meant(&view.record), text::short(headline, 60)),
            standing(view),
            heard(view),
        ]
    };
    table::render(&["id", "warning", "how it stands", "acknowledged"], views.iter().map(row).collect())
}

/// One warning.
pub(super) fn human(view: &AlertView) -> String {
    let record = &view.record;
    let line = |text: &Option<String>| text::line(text.as_deref().unwrap_or_default());
    let headline = format!("{}{}", meant(record), line(&record.headline));
    let kind = record.msg_type.map_or("", |it| it.label());
    let codes = [
        record.severity.map(|it| format!("severity {it}")),
        record.urgency.map(|it| format!("urgency {it}")),
        record.certainty.map(|it| format!("certainty {it}")),
        record.level.map(|it| format!("level {it} ({})", it.label())),
    ];
    let categories: Vec<_> = record.category.iter().map(|it| it.category.code()).collect();
    let responses: Vec<_> = record.response_type.iter().map(|it| it.response_type.label()).collect();
    let references: Vec<_> = record.references.iter().map(|it| text::line(&it.identifier)).collect();
    let findings: Vec<_> = view.findings.iter().map(ToString::to_string).collect();
    table::pairs(&[
        ("id", view.id.short()),
        ("warning", headline),
        ("how it stands", standing(view)),
        ("message", kind.to_owned()),
        ("refers to", references.join("\n")),
        ("what", format!("{} ({})", line(&record.event), categories.join(", "))),
        ("where", record.area.as_ref().map_or_else(String::new, place)),
        ("how bad", codes.into_iter().flatten().collect::<Vec<_>>().join(", ")),
        ("known", text::lines(&record.description)),
        ("to do", text::lines(&record.instruction)),
        ("asked of people", responses.join("\n")),
        ("begins", record.onset.map_or_else(String::new, when::moment)),
        ("raised by", format!("{}, {}", text::line(&view.author), when::noted(Some(view.local)))),
        ("for", readers(record)),
        ("approved", approved(view)),
        ("acknowledged", acknowledged(view)),
        ("not yet acknowledged", not_yet(view)),
        ("in conflict", upkeep::in_conflict("alert", &view.id.short(), &view.conflicts)),
        ("look at", findings.join("\n")),
        ("hidden", if view.hidden { "yes" } else { "" }.to_owned()),
    ])
}

fn readers(record: &Alert) -> String {
    let said = [&record.restriction, &record.addresses].into_iter().flatten().map(|it| text::line(it));
    let scope = record.scope.map(|it| it.code().to_owned());
    scope.into_iter().chain(said).collect::<Vec<_>>().join(": ")
}

/// Where it holds, in words and numbers.
fn place(area: &AlertArea) -> String {
    let mut lines = Vec::new();
    if !area.text.is_empty() {
        lines.push(text::line(&area.text));
    }
    if let Some(circle) = &area.circle {
        let km = circle.radius.0 / 1_000.0;
        lines.push(format!("within {km} km of {},{}", circle.lat.0, circle.lon.0));
    }
    if let Some(ring) = &area.polygon {
        let corners: Vec<_> = ring.0.iter().map(|it| format!("{},{}", it.lat.0, it.lon.0)).collect();
        lines.push(corners.join("; "));
    }
    if let Some(code) = &area.p_code {
        lines.push(format!("area code {}", text::line(code)));
    }
    lines.join("\n")
}

fn approved(view: &AlertView) -> String {
    let mut lines: Vec<String> =
        vec![format!("{} of {} ({} may)", approvals(view), view.approvals_needed, view.approvers)];
    lines.extend(view.approvals.iter().map(|it| {
        let old = if it.of_this { "" } else { ", of what it said before an edit: does not count any more" };
        format!("{} ({}), {}{old}", text::line(&it.name), text::line(&it.role), when::moment(it.at))
    }));
    if view.proposals > 0 {
        lines.push(format!("{} more by people who may not", view.proposals));
    }
    lines.join("\n")
}

/// The last word of each person that counts, and what does not count.
fn acknowledged(view: &AlertView) -> String {
    let said = |it: &AckView| {
        let note = if it.note.is_empty() { String::new() } else { format!(": {}", text::line(&it.note)) };
        let by =
            it.noted_by.as_ref().map_or_else(String::new, |by| format!(" (noted by {})", text::line(by)));
        let counts = if it.counts { "" } else { " (does not count: not their own words)" };
        format!("{}, {}, {}{note}{by}{counts}", text::line(&it.name), it.kind.label(), when::moment(it.at))
    };
    let mut last: BTreeMap<(PersonId, bool), String> = BTreeMap::new();
    for it in &view.acks {
        last.insert((it.person, it.counts), said(it));
    }
    let mut lines: Vec<String> = last.into_values().collect();
    lines.sort_unstable();
    if lines.is_empty() { "nobody yet".to_owned() } else { lines.join("\n") }
}

fn not_yet(view: &AlertView) -> String {
    let names: Vec<String> = view.unacknowledged.iter().map(|(_, name)| text::line(name)).collect();
    match names.len() {
        0 => "nobody is missing".to_owned(),
        count => format!("{count}: {}", names.join(", ")),
    }
}
