//! The kinds of records besides incidents and files: how each is judged, and how a new one is saved.

use firsthand_document::{Document, DocumentKind, View};
use firsthand_ids::{DocumentId, PersonId, SpaceId, UnixMillis};
use firsthand_record::roster::{CheckIn, EmergencyContact, FieldTeam, Handoff, Person, Shift};
use firsthand_record::validate::roster::ShiftContext;
use firsthand_record::validate::{self, Context, Finding, is_rejected};
use firsthand_record::warning::{Alert, Indicator, Reading};
use firsthand_record::{Care, ClockEvidence, Debrief, SCHEMA_VERSION, Sensitivity};
use rand_core::CryptoRng;
use serde_json::{Map, Value, json};

use super::records::object;
use super::{Ledger, Now, Saved, project};
use crate::NodeError;

/// A record that is saved as it is entered: nothing else has to be known or done.
pub trait Entered: serde::Serialize {
    /// Its kind.
    const KIND: DocumentKind;
}

impl Entered for FieldTeam {
    const KIND: DocumentKind = DocumentKind::Team;
}

impl Entered for Shift {
    const KIND: DocumentKind = DocumentKind::Shift;
}

impl Entered for Debrief {
    const KIND: DocumentKind = DocumentKind::Debrief;
}

impl Entered for Indicator {
    const KIND: DocumentKind = DocumentKind::Indicator;
}

impl Entered for Reading {
    const KIND: DocumentKind = DocumentKind::Reading;
}

/// Judges the fields of a record on their own. What depends on other records, such as whether somebody is still of the team, is
/// judged where those are at hand.
pub(super) fn judge(kind: &DocumentKind, fields: Map<String, Value>, context: &Context) -> Vec<Finding> {
    use validate::{roster, warning};
    match kind {
        DocumentKind::Person => roster::person(&Person::read(fields).record),
        DocumentKind::EmergencyContact => roster::emergency_contact(&EmergencyContact::read(fields).record),
        DocumentKind::Team => roster::team(&FieldTeam::read(fields).record),
        DocumentKind::Shift => roster::shift(&Shift::read(fields).record, context, &ShiftContext::default()),
        DocumentKind::CheckIn => roster::check_in(&CheckIn::read(fields).record, context),
        DocumentKind::Handoff => roster::handoff(&Handoff::read(fields).record),
        DocumentKind::Debrief => roster::debrief(&Debrief::read(fields).record),
        DocumentKind::Care => roster::care(&Care::read(fields).record),
        DocumentKind::Indicator => warning::indicator(&Indicator::read(fields).record),
        DocumentKind::Reading => warning::reading(&Reading::read(fields).record, context),
        DocumentKind::Alert => warning::alert(&Alert::read(fields).record),
        _ => Vec::new(),
    }
}

/// The same of a record as it stands, by what was known when it was made.
pub(super) fn judge_view(view: &View, id: DocumentId, created: UnixMillis) -> Vec<Finding> {
    let fields = view.shown();
    let best_clock = fields
        .get("clock_evidence")
        .and_then(|value| serde_json::from_value::<ClockEvidence>(value.clone()).ok())
        .and_then(|evidence| evidence.best());
    let context = Context { best_clock, document: Some(id), ..Context::at(created) };
    judge(&view.kind, fields, &context)
}

impl Ledger {
    /// Saves a new record.
    ///
    /// # Errors
    /// [`NodeError::Rejected`] with every field to put right; [`NodeError::Store`] from the disk. Nothing is saved then.
    pub fn add<R: Entered>(
        &mut self,
        record: &R,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        self.add_record(R::KIND, object(record)?, now, rng)
    }

    /// Saves a new record of any kind but incidents and files, which have more to them.
    ///
    /// # Errors
    /// [`NodeError::Rejected`] with every field to put right; [`NodeError::Store`] from the disk. Nothing is saved then.
    pub(super) fn add_record(
        &mut self,
        kind: DocumentKind,
        fields: Map<String, Value>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        self.add_record_in(self.space, kind, fields, now, rng)
    }

    /// The same in a space of few.
    pub(super) fn add_record_in(
        &mut self,
        space: SpaceId,
        kind: DocumentKind,
        mut fields: Map<String, Value>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        let evidence = self.clock_evidence(now);
        let best_clock = evidence.as_ref().and_then(ClockEvidence::best);
        let mut judged = fields.clone();
        if kind == DocumentKind::Person {
            judged.entry("person").or_insert_with(|| json!(self.person));
        }
        if kind == DocumentKind::Alert {
            // Its name will be that of the record, which it does not have yet.
            judged.entry("identifier").or_insert_with(|| json!(self.person));
        }
        let findings = judge(&kind, judged, &Context { best_clock, ..Context::at(now.at) });
        if is_rejected(&findings) {
            return Err(NodeError::Rejected(findings));
        }
        fields.insert("schema_version".to_owned(), json!(SCHEMA_VERSION));
        fields.insert("clock_evidence".to_owned(), json!(evidence));
        // Who reads the spaces of few is what makes them.
        if space == self.space {
            fields.entry("sensitivity").or_insert_with(|| json!(Sensitivity::Team));
        }
        let mut draft = self.draft_in(space, now, rng)?;
        let mut made = Vec::new();
        let (id, document, creator) = self.add_document(&mut draft, now, None, rng, |id, writer| {
            if kind == DocumentKind::Person {
                // Who has no device is named by the record.
                fields.entry("person").or_insert_with(|| json!(PersonId::new(*id.as_bytes())));
            }
            if kind == DocumentKind::Alert {
                fields.entry("identifier").or_insert_with(|| json!(id));
            }
            let (document, changes) = Document::create(kind, writer, &fields)?;
            made.extend(changes.iter().map(|change| change.hash));
            Ok((document, changes))
        })?;
        // Whether an item counts depends on who made it, and the log does not have these entries yet.
        let own = made.into_iter().map(|change| (change, self.own_author(&draft, now))).collect();
        let view = self.view(&document, &own);
        let update = project::update(id, &document, &view, creator, now.at);
        self.commit_own(draft, vec![update])?;
        self.documents.put(id, document);
        Ok(Saved { id, short_code: id.short(), findings })
    }
}
