use std::collections::BTreeMap;

use firsthand_node::ids::PersonId;
use firsthand_node::{CandidateView, IncidentView};
use firsthand_record::{Incident, summarise};
use serde::Serialize;
use serde_json::Value;

use super::Mark;
use super::attach::{self, Attachment};
use super::conflict::{self, Conflict};
use crate::command::names;
use crate::fail::Fail;
use crate::home::Session;
use crate::show::{table, text, value, when};

/// Fields that the heading shows, or that say nothing to a person.
const ELSEWHERE: &[&str] = &["short_code", "title", "schema_version", "clock_evidence", "origin"];

/// An incident, in machine output.
#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    short_code: &'a str,
    author: &'a str,
    created_at: Option<String>,
    record: &'a Incident,
    conflicts: Vec<Conflict>,
    /// Choices and closings by people without the right to them, for a lead to look at.
    proposals: Vec<Proposal>,
    findings: Vec<Mark>,
    attachments: Vec<Attachment>,
    /// Entries of this incident that are not part of what is shown: waiting for others, or held back.
    unsettled: u64,
    /// Something of it stands on one branch of a chain that forked.
    disputed: bool,
}

/// What somebody without the right to it would do.
#[derive(Serialize)]
struct Proposal {
    field: String,
    value: Value,
    person: String,
    at: Option<String>,
}

/// Shows everything about an incident.
pub(super) async fn show(session: &Session, typed: &str) -> Result<(), Fail> {
    let (view, names) = session
        .with_node(async |node| {
            let id = node.find(typed).await?;
            Ok((node.incident(id).await?, names(node).await?))
        })
        .await?;
    let shown = Shown {
        id: view.id.to_string(),
        short_code: &view.short_code,
        author: &view.author,
        created_at: when::machine_noted(Some(view.created)),
        record: &view.record,
        conflicts: view.conflicts.iter().map(Conflict::from).collect(),
        proposals: view.proposals.iter().map(proposal).collect(),
        findings: view.findings.iter().map(Mark::from).collect(),
        attachments: view.attachments.iter().map(Attachment::from).collect(),
        unsettled: view.unsettled,
        disputed: view.disputed,
    };
    session.out.data(&shown, |_| human(&view, &names))
}

fn proposal(view: &CandidateView) -> Proposal {
    Proposal {
        field: view.field.clone(),
        value: view.value.clone(),
        person: view.person.clone(),
        at: when::machine_noted(view.when),
    }
}

fn human(view: &IncidentView, names: &BTreeMap<PersonId, String>) -> String {
    let record = &view.record;
    let title = record.title.as_deref().map_or_else(|| String::from("(no title)"), text::line);
    let mut parts = vec![format!("{}  {title}", view.short_code), table::pairs(&fields(view, names))];
    for (name, words) in texts(record) {
        parts.push(format!("{name}:\n{}", indent(&text::lines(words))));
    }
    if !record.counts.is_empty() {
        parts.push(format!("counts:\n{}", indent(&counts(record))));
    }
    for (name, items) in lists(record) {
        parts.push(format!("{}:\n{}", name.replace('_', " "), indent(&items.join("\n"))));
    }
    if !view.conflicts.is_empty() {
        parts.push(format!(
            "! conflicts, until somebody with the right picks one:\n{}",
            conflict::human(&view.conflicts)
        ));
    }
    if !view.proposals.is_empty() {
        let line = |it: &CandidateView| {
            format!(
                "{}: {}, by {}",
                text::line(&it.field),
                value::short(&it.value, 80),
                text::line(&it.person)
            )
        };
        let lines: Vec<String> = view.proposals.iter().map(line).collect();
        parts.push(format!("proposed, for a lead to decide:\n{}", indent(&lines.join("\n"))));
    }
    if !view.findings.is_empty() {
        let lines: Vec<String> = view.findings.iter().map(|finding| format!("? {finding}")).collect();
        parts.push(format!("look again:\n{}", indent(&lines.join("\n"))));
    }
    if !view.attachments.is_empty() {
        let lines: Vec<String> =
            view.attachments.iter().map(|it| format!("+ {}", attach::human(it))).collect();
        parts.push(format!("files:\n{}", indent(&lines.join("\n"))));
    }
    if !record.imported.is_empty() {
        let line = |(name, it): (&String, &Value)| format!("{}: {}", text::line(name), value::short(it, 200));
        let lines: Vec<String> = record.imported.iter().map(line).collect();
        parts.push(format!("as it was imported:\n{}", indent(&lines.join("\n"))));
    }
    if view.disputed {
        parts.push(String::from(
            "! Disputed: a device that wrote here signed two different histories. Shown is the one that came first; the other \
             one is kept (firsthand team show).",
        ));
    }
    if view.unsettled > 0 {
        let entries = text::count(view.unsettled, "entry", "entries");
        parts.push(format!(
            "{entries} of it cannot be shown yet: another entry is missing, or it is held back"
        ));
    }
    parts.join("\n\n")
}

fn fields<'a>(view: &IncidentView, names: &BTreeMap<PersonId, String>) -> Vec<(&'a str, String)> {
    let mut out =
        vec![("entered", format!("{} by {}", when::noted(Some(view.created)), text::line(&view.author)))];
    let Ok(Value::Object(json)) = serde_json::to_value(&view.record) else { return out };
    for name in Incident::SCALARS.iter().filter(|name| !ELSEWHERE.contains(name)) {
        let Some(it) = json.get(*name) else { continue };
        let shown = match (*name, &view.record.owner) {
            ("owner", Some(owner)) => names.get(owner).map_or_else(|| owner.short(), |name| text::line(name)),
            ("reported_at", _) => view.record.reported_at.map(when::moment).unwrap_or_default(),
            _ => value::line(it),
        };
        let conflict = view.conflicts.iter().any(|conflict| conflict.field == *name);
        out.push((label(name), if conflict { format!("{shown}  ! in conflict, see below") } else { shown }));
    }
    if let Some(origin) = &view.record.origin {
        out.push(("from", format!("a file ({})", text::line(&origin.format))));
    }
    out.push(("id", view.id.to_string()));
    out
}

/// What a field is called on a screen.
fn label(name: &'static str) -> &'static str {
    match name {
        "occurred_start" => "happened",
        "occurred_end" => "until",
        "reported_at" => "reported",
        "p_code" => "area code",
        "admin_level" => "area level",
        "geo_precision" => "place precision",
        "rumour_status" => "rumour",
        "rumour_response_message_id" => "rumour answer",
        "retaliation_risk" => "retaliation risk",
        "mediation_outcome" => "mediation",
        "followup" => "follow-up",
        "merged_into" => "merged into",
        "retention_until" => "keep until",
        other => other,
    }
}

fn texts(record: &Incident) -> Vec<(&'static str, &str)> {
    let all = [
        ("narrative", record.narrative.as_str()),
        ("place in words", record.place_text.as_str()),
        ("the rumour says", record.rumour_claim.as_str()),
    ];
    all.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// Counts: the range over the sources, then what each source said last.
fn counts(record: &Incident) -> String {
    let number = |number: Option<u32>| number.map_or_else(|| String::from("?"), |number| number.to_string());
    let range = |low: Option<u32>, high: Option<u32>| {
        if low == high { number(low) } else { format!("{} to {}", number(low), number(high)) }
    };
    let mut lines = Vec::new();
    for (kind, summary) in summarise(&record.counts) {
        lines.push(format!("{}: {}", kind.code(), range(summary.low, summary.high)));
        for count in record.counts.iter().filter(|count| count.what == kind) {
            let source = record
                .source
                .iter()
                .find(|source| !source.key.is_empty() && source.key == count.source)
                .map_or(count.source.as_str(), |source| source.kind.label());
            let source = if source.is_empty() { "no source given" } else { source };
            lines.push(format!("  {} ({})", range(count.low, count.high), text::line(source)));
        }
    }
    lines.join("\n")
}

/// The other lists, one line per item.
fn lists(record: &Incident) -> Vec<(&'static str, Vec<String>)> {
    let Ok(Value::Object(json)) = serde_json::to_value(record) else { return Vec::new() };
    let of = |name: &&'static str| {
        let Some(Value::Array(items)) = json.get(*name) else { return None };
        Some((*name, items.iter().map(value::line).collect()))
    };
    Incident::LISTS.iter().filter(|name| **name != "counts").filter_map(of).collect()
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
