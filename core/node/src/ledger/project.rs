//! From a document to the row that lists read.

use std::collections::BTreeSet;

use firsthand_document::{Document, DocumentKind, FieldView, View};
use firsthand_ids::{DocumentId, Position, UnixMillis, WriterId};
use firsthand_record::validate::{self, Context, Finding};
use firsthand_record::{Evidence, Incident, Read, Variant, VariantKind};
use firsthand_store::{DocumentUpdate, EvidenceProjection, FormProjection, IncidentProjection, ProjectedRow};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{checklists, roster, runs};

/// A record as the lists and screens need it: the values shown, as JSON.
pub(super) fn shown(view: &View) -> Map<String, Value> {
    view.shown()
}

/// What a save leaves of a document: its bytes and its row. `created` is when its creating entry was made, by the
/// writer's clock; rows depend on the log alone, so that a rebuild gives the same.
pub(super) fn update(
    id: DocumentId,
    document: &Document,
    view: &View,
    creator: (WriterId, Position),
    created: UnixMillis,
) -> DocumentUpdate {
    let kind = document.kind().map_or_else(String::new, |kind| kind.name().to_owned());
    DocumentUpdate {
        id,
        kind,
        creator,
        saved: document.save(),
        row: row(id, document, view, creator.0, created),
    }
}

fn row(
    id: DocumentId,
    document: &Document,
    view: &View,
    creator: WriterId,
    created: UnixMillis,
) -> Option<ProjectedRow> {
    match document.kind()? {
        DocumentKind::Incident => Some(incident_row(id, view, created).into()),
        DocumentKind::Evidence => evidence(view).map(|evidence| {
            let findings = validate::evidence(&evidence, &Context::at(created));
            let forms = forms(view, creator).into_iter().filter(Variant::fits);
            let forms = forms.map(|form| FormProjection {
                kind: form.kind,
                hash: form.sha256,
                byte_len: form.byte_len,
            });
            let mut row = EvidenceProjection::new(&evidence, forms.collect(), findings.len() as u32);
            row.destroyed = !view.destructions(&evidence.sha256.to_string()).counted.is_empty();
            row.into()
        }),
        DocumentKind::Person => roster::person_row(view).map(|row| ProjectedRow::Person(Box::new(row))),
        DocumentKind::Team => Some(ProjectedRow::FieldTeam(Box::new(roster::team_row(view)))),
        DocumentKind::Shift => Some(ProjectedRow::Shift(Box::new(roster::shift_row(view)))),
        DocumentKind::CheckIn => {
            roster::check_in_row(view, created).map(|row| ProjectedRow::CheckIn(Box::new(row)))
        }
        DocumentKind::Handoff => Some(ProjectedRow::Handoff(Box::new(roster::handoff_row(view)))),
        DocumentKind::Template => Some(ProjectedRow::Template(Box::new(checklists::template_row(view)))),
        DocumentKind::Run => runs::run_row(view).map(|row| ProjectedRow::Run(Box::new(row))),
        _ => None,
    }
}

/// Reads an incident out of a view, and judges it as of its creation.
pub(super) fn incident(id: DocumentId, view: &View, created: UnixMillis) -> (Read<Incident>, Vec<Finding>) {
    let read = Incident::read(shown(view));
    let best_clock = read.record.clock_evidence.as_ref().and_then(firsthand_record::ClockEvidence::best);
    let late = view.after_closing();
    let context = Context { best_clock, document: Some(id), late, ..Context::at(created) };
    let findings = validate::incident(&read.record, &context);
    (read, findings)
}

fn incident_row(id: DocumentId, view: &View, created: UnixMillis) -> IncidentProjection {
    let (Read { record: incident, .. }, findings) = incident(id, view, created);
    let mut row = IncidentProjection::new(&incident, view.conflicts().count() as u32, findings.len() as u32);
    row.marks = marks(&findings);
    // A code that only a newer version knows is still shown and filtered by.
    let codes = [
        ("severity", &mut row.severity),
        ("urgency", &mut row.urgency),
        ("certainty", &mut row.certainty),
        ("status", &mut row.status),
        ("followup", &mut row.followup),
        ("verification", &mut row.verification),
        ("rumour_status", &mut row.rumour),
    ];
    for (field, code) in codes {
        if code.is_none() {
            *code = shown(view).get(field).and_then(Value::as_str).map(str::to_owned);
        }
    }
    row
}

/// The names of the rules that mark a record, each once, in the order of the rules.
fn marks(findings: &[Finding]) -> Vec<String> {
    let rules: BTreeSet<_> = findings.iter().map(|finding| finding.rule).collect();
    rules.into_iter().map(|rule| rule.code().to_owned()).collect()
}

/// Reads the record of a file; `None` where it lacks what every such record has.
pub(super) fn evidence(view: &View) -> Option<Evidence> {
    Evidence::read(shown(view))
}

/// The smaller forms of a file: of each kind the first that the writer named who created the record. What others add to the
/// list, or take out of it, is no form of the file: its key stands in the creating entry.
pub(super) fn forms(view: &View, creator: WriterId) -> Vec<Variant> {
    let Some(FieldView::Items(items)) = view.fields.get("variants") else { return Vec::new() };
    let mut own: Vec<_> = items.iter().filter(|item| item.op.writer == creator).collect();
    own.sort_by_key(|item| item.op.counter);
    let mut forms: Vec<Variant> = Vec::new();
    for item in own {
        let form = Variant::deserialize(&item.value).ok();
        if let Some(form) = form.filter(|form| form.kind != VariantKind::Original)
            && forms.iter().all(|other| other.kind != form.kind)
        {
            forms.push(form);
        }
    }
    forms
}

/// What an edit of a file's record is judged by. What was done with a file is always noted, however much that is.
pub(super) fn file_findings(view: &View, created: UnixMillis) -> Vec<Finding> {
    let Some(evidence) = evidence(view) else { return Vec::new() };
    let mut findings = validate::evidence(&evidence, &Context::at(created));
    findings.retain(|finding| finding.field != "custody_log");
    findings
}
