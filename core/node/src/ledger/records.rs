//! What people do to records: new incidents, and edits of any kind of record.

use std::collections::BTreeMap;

use firsthand_document::{Authors, Document, DocumentKind, Edit, View};
use firsthand_ids::{ChangeHash, DocumentId, Position, SpaceId, UnixMillis, WriterId};
use firsthand_record::validate::{self, Context, Finding, Rule, is_rejected};
use firsthand_record::{ClockEvidence, Incident, Moment, SCHEMA_VERSION, Sensitivity, ShortCode, Status};
use rand_core::CryptoRng;
use serde_json::{Map, Value, json};

use super::authors::LogAuthors;
use super::own::Draft;
use super::{Ledger, NEXT_SHORT_CODE, Now, document_rights, noted, project};
use crate::NodeError;

const SENSITIVITY: &str = "sensitivity";

/// A record that is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The document.
    pub id: DocumentId,
    /// The name people use.
    pub short_code: String,
    /// What a person should look at.
    pub findings: Vec<Finding>,
}

/// What became of a choice between conflicting values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// The conflict is settled; otherwise the choice shows as a proposal for somebody with the right.
    pub settled: bool,
}

/// Knows only this device's own change in the making: what the row needs before the log has it.
struct OwnAuthors<'a> {
    log: LogAuthors<'a>,
}

impl Authors for OwnAuthors<'_> {
    fn author(&self, change: &ChangeHash) -> Option<firsthand_document::Author> {
        self.log.author(change)
    }
}

impl Ledger {
    /// Saves a new incident.
    ///
    /// # Errors
    /// [`NodeError::Rejected`] with every field to put right; [`NodeError::Store`] from the disk. Nothing is saved
    /// then.
    pub fn add_incident(
        &mut self,
        incident: Incident,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        let incident = noted::incident(incident, self.person, now);
        let space = self.space_for(incident.sensitivity)?;
        let mut number = self.next_short_code()?;
        let mut draft = self.draft_in(space, now, rng)?;
        let mut documents = Vec::new();
        let saved = self.draft_incident(&mut draft, &mut documents, incident, &mut number, now, rng)?;
        self.save_short_code(&mut draft, number);
        self.commit_own(draft, documents)?;
        Ok(saved)
    }

    /// Where an incident of this sensitivity is kept. What only leads are to read is kept where nobody else's phone ever receives it: in
    /// the space of the leads and of whoever enters it.
    pub(super) fn space_for(&self, sensitivity: Option<Sensitivity>) -> Result<SpaceId, NodeError> {
        match sensitivity {
            Some(Sensitivity::Leads) => self.own_space_with_leads(),
            _ => Ok(self.space),
        }
    }

    pub(super) fn next_short_code(&self) -> Result<u32, NodeError> {
        let bytes = self.store.setting(NEXT_SHORT_CODE)?.and_then(|bytes| bytes.try_into().ok());
        Ok(bytes.map_or(1, u32::from_le_bytes))
    }

    pub(super) fn save_short_code(&self, draft: &mut Draft, next: u32) {
        draft.commit.settings.push((NEXT_SHORT_CODE.to_owned(), next.to_le_bytes().to_vec()));
    }

    /// Judges an incident and adds it to a draft.
    pub(super) fn draft_incident(
        &mut self,
        draft: &mut Draft,
        documents: &mut Vec<firsthand_store::DocumentUpdate>,
        mut incident: Incident,
        next_number: &mut u32,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        let code = ShortCode { prefix: draft.prefix.clone(), number: *next_number };
        incident.short_code = Some(code.clone());
        incident.schema_version = Some(SCHEMA_VERSION);
        incident.clock_evidence = self.clock_evidence(now);
        incident.reported_at = incident.reported_at.or_else(|| Moment::from_local(now));
        incident.status = incident.status.or(Some(Status::Open));
        incident.sensitivity = incident.sensitivity.or(Some(Sensitivity::Team));
        let best_clock = incident.clock_evidence.as_ref().and_then(ClockEvidence::best);
        let findings = validate::incident(&incident, &Context { best_clock, ..Context::at(now.at) });
        if is_rejected(&findings) {
            return Err(NodeError::Rejected(findings));
        }
        let fields = object(&incident)?;
        let (id, document, creator) = self.add_document(draft, now, None, rng, |_, writer| {
            Ok(Document::create(DocumentKind::Incident, writer, &fields)?)
        })?;
        *next_number += 1;
        documents.push(self.update(id, &document, creator, now.at));
        self.documents.put(id, document);
        Ok(Saved { id, short_code: code.to_string(), findings })
    }

    /// A document's bytes and row as they are to be saved.
    pub(super) fn update(
        &self,
        id: DocumentId,
        document: &Document,
        creator: (WriterId, Position),
        created: UnixMillis,
    ) -> firsthand_store::DocumentUpdate {
        let none = BTreeMap::new();
        let view = self.view(document, &none);
        project::update(id, document, &view, creator, created)
    }

    pub(super) fn view(
        &self,
        document: &Document,
        arriving: &BTreeMap<ChangeHash, firsthand_document::Author>,
    ) -> View {
        document.view(&OwnAuthors { log: LogAuthors::new(&self.store, &self.membership, arriving) })
    }

    /// What a document gives to read now.
    pub(super) fn read_view(&mut self, id: &DocumentId) -> Result<View, NodeError> {
        let document = self.load(id)?;
        let view = self.view(&document, &BTreeMap::new());
        self.documents.put(*id, document);
        Ok(view)
    }

    /// Saves an edit of a document.
    ///
    /// # Errors
    /// [`NodeError::Rejected`] where the record would no longer be sound, [`NodeError::Document`] where the edit does
    /// not fit; nothing is saved then.
    pub fn edit(
        &mut self,
        id: DocumentId,
        edits: &[Edit],
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        let info = self.created(&id)?;
        let edits: Vec<Edit> = edits.iter().map(|edit| noted::edit(edit, self.person, now)).collect();
        self.refuse_widening(&info.info.space, &edits)?;
        self.refuse_circles(&id, &edits)?;
        let mut document = self.load(&id)?;
        self.leave_unclean_chain(&id)?;
        let mut draft = self.draft_in(info.info.space, now, rng)?;
        let rights = document_rights(self.rights());
        let changes = document.edit(draft.writer, rights, &edits)?;
        if changes.is_empty() {
            self.documents.put(id, document);
            return self.saved(id);
        }
        // The view needs to know that the new changes are this person's: resolutions and closings depend on it.
        let own = changes.iter().map(|change| (change.hash, self.own_author(&draft, now))).collect();
        let view = self.view(&document, &own);
        self.add_changes(&mut draft, now, id, changes);
        let findings = match document.kind() {
            Some(DocumentKind::Incident) => {
                let mut findings =
                    self.judge_edit(id, &view, |view| project::incident(id, view, info.created).1)?;
                findings.extend(self.judge_readers(&info.info.space, &view));
                findings
            }
            Some(DocumentKind::Evidence) => {
                self.judge_edit(id, &view, |view| project::file_findings(view, info.created))?
            }
            Some(_) => self.judge_edit(id, &view, |view| super::kinds::judge_view(view, id, info.created))?,
            None => Vec::new(),
        };
        let update = project::update(id, &document, &view, info.creator, info.created);
        self.commit_own(draft, vec![update])?;
        self.documents.put(id, document);
        Ok(Saved { findings, ..self.saved(id)? })
    }

    /// What is to be said of who can read an incident that is meant for the leads.
    pub(super) fn judge_readers(&self, space: &SpaceId, view: &View) -> Option<Finding> {
        let for_leads = view.shown().get(SENSITIVITY) == Some(&json!(Sensitivity::Leads));
        (for_leads && *space == self.space).then(|| Finding::new(SENSITIVITY, Rule::TeamHasIt))
    }

    /// Refuses to open to more readers what only few have: that takes a copy of its own.
    fn refuse_widening(&self, space: &SpaceId, edits: &[Edit]) -> Result<(), NodeError> {
        let widens = |edit: &Edit| matches!(edit, Edit::Set { field, value } if field == SENSITIVITY && *value != json!(Sensitivity::Leads));
        if *space != self.space && edits.iter().any(widens) {
            return Err(NodeError::Rejected(vec![Finding::new(SENSITIVITY, Rule::StaysWithLeads)]));
        }
        Ok(())
    }

    /// Refuses an edit that leaves a record unsound, unless it was so before: then the rest can still be put right.
    fn judge_edit(
        &mut self,
        id: DocumentId,
        after: &View,
        judge: impl Fn(&View) -> Vec<Finding>,
    ) -> Result<Vec<Finding>, NodeError> {
        let findings = judge(after);
        if is_rejected(&findings) {
            let before = self.store.document(&id)?.ok_or_else(|| NodeError::NotFound(id.short()))?;
            let before = Document::load(&before.saved)?;
            let earlier = judge(&self.view(&before, &BTreeMap::new()));
            if findings.iter().any(|finding| !earlier.contains(finding)) {
                return Err(NodeError::Rejected(findings));
            }
        }
        Ok(findings)
    }

    pub(super) fn own_author(&self, draft: &Draft, now: Now) -> firsthand_document::Author {
        firsthand_document::Author {
            writer: draft.writer,
            person: self.person,
            position: Position::START,
            hybrid: self.clock.last(),
            local: now,
            rights: document_rights(self.rights()),
        }
    }

    fn saved(&self, id: DocumentId) -> Result<Saved, NodeError> {
        let row = self.store.incident(&id)?;
        let short_code = row.map_or_else(|| id.short(), |row| super::read::short_code(&row));
        Ok(Saved { id, short_code, findings: Vec::new() })
    }

    /// Picks a value where values conflict, or says what the value should be.
    ///
    /// # Errors
    /// [`NodeError::Document`] where the field is not in conflict.
    pub fn resolve(
        &mut self,
        id: DocumentId,
        field: &str,
        value: Value,
        note: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Resolved, NodeError> {
        let edit = Edit::Resolve { field: field.to_owned(), value, note: note.to_owned() };
        self.edit(id, &[edit], now, rng)?;
        Ok(Resolved { settled: self.rights().resolve })
    }

    /// The entry that created a document.
    pub(super) fn created(&self, id: &DocumentId) -> Result<Created, NodeError> {
        let creator = self.store.creator(id)?.ok_or_else(|| NodeError::NotFound(id.short()))?;
        let info = self.store.entry_info(&creator.0, creator.1)?;
        let info = info.ok_or(NodeError::Inconsistent("the entry that created a document"))?;
        Ok(Created { creator, created: info.local.at, info })
    }
}

/// The entry that created a document.
pub(super) struct Created {
    pub(super) creator: (WriterId, Position),
    /// By the writer's clock.
    pub(super) created: UnixMillis,
    pub(super) info: firsthand_store::EntryInfo,
}

/// A record as the JSON object that documents are made of.
pub(super) fn object(record: &impl serde::Serialize) -> Result<Map<String, Value>, NodeError> {
    match serde_json::to_value(record) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(NodeError::Inconsistent("a record's own JSON")),
    }
}
