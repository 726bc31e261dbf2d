use std::collections::BTreeMap;

use firsthand_node::ids::{DocumentId, LocalTime};
use firsthand_node::{CandidateView, IncidentView, Node, NodeError};
use firsthand_record::validate::Finding;
use firsthand_record::{ClockEvidence, Incident};
use serde::Serialize;
use serde_json::Value;

use super::attach::{self, Attachment};
use super::conflict::{self, Conflict};
use super::{Mark, offered, only_here, only_here_words};
use crate::command::names;
use crate::fail::Fail;
use crate::home::Session;
use crate::show::items::{self, Names};
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
    /// When it probably was, where the device's clock was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_at: Option<String>,
    record: &'a Incident,
    /// Size, activity, location, unit, time and equipment, as lines for a person.
    salute: BTreeMap<&'static str, Vec<String>>,
    /// What the sources of each kind of count said last, and the range over them.
    counted: Vec<String>,
    /// The incident that counts in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    main: Option<String>,
    /// The short codes of the incidents that were merged into it.
    duplicates: Vec<&'a str>,
    /// People merged incidents in a circle while apart; the one entered first counts.
    in_circle: bool,
    conflicts: Vec<Conflict>,
    /// Choices and closings by people without the right to them, for a lead to look at.
    proposals: Vec<Proposal>,
    findings: Vec<Mark>,
    attachments: Vec<Attachment>,
    /// Entries of this incident that are not part of what is shown: waiting for others, or held back.
    unsettled: u64,
    /// Something of it stands on one branch of a chain that forked.
    disputed: bool,
    /// How much of it no other device has confirmed to hold: `nothing`, `changes` or `all`.
    only_here: &'static str,
    /// `leads`: nobody but whoever entered it and the leads can read it.
    readers: &'static str,
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
            let view = node.incident(id).await?;
            let names = of_ids(node, &view).await?;
            Ok((view, names))
        })
        .await?;
    let shown = Shown {
        id: view.id.to_string(),
        short_code: &view.short_code,
        author: &view.author,
        created_at: when::machine_noted(Some(view.created)),
        estimated_at: when::machine_noted(view.estimated),
        record: &view.record,
        salute: items::salute(&view.record).into_iter().collect(),
        counted: items::counted(&view.record),
        main: view.merged.main.as_ref().map(|(_, code)| code.clone()),
        duplicates: view.merged.duplicates.iter().map(|(_, code)| code.as_str()).collect(),
        in_circle: view.merged.in_circle,
        conflicts: view.conflicts.iter().map(Conflict::from).collect(),
        proposals: view.proposals.iter().map(proposal).collect(),
        findings: view.findings.iter().map(Mark::from).collect(),
        attachments: view.attachments.iter().map(Attachment::from).collect(),
        unsettled: view.unsettled,
        disputed: view.disputed,
        only_here: only_here(view.only_here),
        readers: if view.leads_and.is_some() { "leads" } else { "team" },
    };
    session.out.data(&shown, |_| human(&view, &names))
}

/// Whom and what the ids of a record stand for.
async fn of_ids(node: &Node, view: &IncidentView) -> Result<Names, Fail> {
    let record = &view.record;
    let linked = record.linked.iter().map(|link| link.document).chain(record.merged_into);
    let mut incidents = BTreeMap::new();
    for id in linked {
        if let Some(code) = short_code(node, id).await? {
            incidents.insert(id, code);
        }
    }
    Ok(Names { people: names(node).await?, incidents })
}

/// The short code of an incident; `None` where it is not here.
async fn short_code(node: &Node, id: DocumentId) -> Result<Option<String>, Fail> {
    match node.incident(id).await {
        Ok(view) => Ok(Some(view.short_code)),
        Err(NodeError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn proposal(view: &CandidateView) -> Proposal {
    Proposal {
        field: view.field.clone(),
        value: view.value.clone(),
        person: view.person.clone(),
        at: when::machine_noted(view.when),
    }
}

fn human(view: &IncidentView, names: &Names) -> String {
    let record = &view.record;
    let title = record.title.as_deref().map_or_else(|| String::from("(no title)"), text::line);
    let mut parts = vec![format!("{}  {title}", view.short_code), table::pairs(&fields(view, names))];
    for (name, words) in texts(record) {
        parts.push(format!("{name}:\n{}", indent(&text::lines(words))));
    }
    let salute: Vec<(&str, String)> =
        items::salute(record).into_iter().map(|(name, lines)| (name, lines.join("; "))).collect();
    parts.push(format!("SALUTE:\n{}", indent(&table::pairs(&salute))));
    if !record.counts.is_empty() {
        parts.push(format!("counted:\n{}", indent(&items::counted(record).join("\n"))));
    }
    for (name, lines) in items::lists(record, names) {
        // The numbers are those that `edit --withdraw LIST:N` takes.
        let lines: Vec<String> =
            lines.iter().enumerate().map(|(at, line)| format!("{}. {line}", at + 1)).collect();
        parts.push(format!("{name}:\n{}", indent(&lines.join("\n"))));
    }
    parts.extend(merged(view));
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
        let line = |finding: &Finding| {
            let offer = offered(&view.short_code, finding).map(|offer| format!(" ({offer})"));
            format!("? {finding}{}", offer.unwrap_or_default())
        };
        let lines: Vec<String> = view.findings.iter().map(line).collect();
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

/// What an incident has to do with those it was merged with.
fn merged(view: &IncidentView) -> Vec<String> {
    let mut lines = Vec::new();
    let merged = &view.merged;
    match (&merged.main, merged.in_circle) {
        (Some((_, main)), false) => lines.push(format!("= merged: {main} counts in its place")),
        (Some((_, main)), true) => lines.push(format!(
            "! merged in a circle by people who were apart: {main} was entered first and counts"
        )),
        (None, true) => lines.push(String::from(
            "! merged in a circle by people who were apart: this one was entered first and counts. Open it again \
             (firsthand incident reopen) to settle it.",
        )),
        (None, false) => {}
    }
    if !merged.duplicates.is_empty() {
        let codes: Vec<&str> = merged.duplicates.iter().map(|(_, code)| code.as_str()).collect();
        lines.push(format!("= duplicates merged into it: {}", codes.join(", ")));
    }
    lines
}

fn fields<'a>(view: &IncidentView, names: &Names) -> Vec<(&'a str, String)> {
    let mut out =
        vec![("entered", format!("{} by {}", when::noted(Some(view.created)), text::line(&view.author)))];
    if let Some(clock) = &view.record.clock_evidence {
        out.push(("clock", clock_of(clock, view.estimated)));
    }
    if let Some(words) = only_here_words(view.only_here) {
        out.push(("held", words.to_owned()));
    }
    if let Some(person) = &view.leads_and {
        out.push(("readers", format!("only the leads and {}", text::line(person))));
    }
    let Ok(Value::Object(json)) = serde_json::to_value(&view.record) else { return out };
    for name in Incident::SCALARS.iter().filter(|name| !ELSEWHERE.contains(name)) {
        let Some(it) = json.get(*name) else { continue };
        let record = &view.record;
        let shown = match (*name, &record.owner, &record.merged_into) {
            ("owner", Some(owner), _) => names.person(owner),
            ("merged_into", _, Some(main)) => names.incident(main),
            ("reported_at", ..) => record.reported_at.map(when::moment).unwrap_or_default(),
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

/// What backs the time of entry and, where the clock was wrong, what it probably was.
fn clock_of(clock: &ClockEvidence, estimated: Option<LocalTime>) -> String {
    let trust = clock.trust.label().to_lowercase();
    match (clock.error_ms(), estimated) {
        (Some(ahead), Some(estimated)) => {
            let direction = if ahead > 0 { "ahead" } else { "behind" };
            let off = when::length(ahead.unsigned_abs());
            format!("{trust}: {off} {direction}; it was probably {}", when::noted(Some(estimated)))
        }
        _ => trust,
    }
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

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
