//! What screens and commands show.

use std::collections::BTreeMap;

use firsthand_document::{Author, Authors, Document, FieldView, What};
use firsthand_ids::{
    ChangeHash, DeviceKey, DocumentId, LocalTime, PersonId, Position, TeamId, UnixMillis, WriterId,
};
use firsthand_record::validate::Finding;
use firsthand_record::{Incident, ShortCode};
use firsthand_store::{Doubt, IncidentQuery, IncidentRow};
use serde_json::Value;

use super::authors::LogAuthors;
use super::{AttachmentView, ForkView, Ledger, MergeView, OnlyHere, project};
use crate::NodeError;

/// The team as this device knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamView {
    /// The team's id.
    pub team: TeamId,
    /// Its name.
    pub name: String,
    /// Whether it is a network of teams.
    pub network: bool,
    /// The person of this device.
    pub me: PersonId,
    /// This device.
    pub device: DeviceKey,
    /// Everybody, in the order of their names.
    pub members: Vec<MemberView>,
    /// How much is here.
    pub counts: CountsView,
    /// What this device has lost and asks its peers for.
    pub recovery: RecoveryView,
    /// Chains that forked.
    pub forks: Vec<ForkView>,
}

/// What this device knows it has lost. Empty on a home that is whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryView {
    /// Why what is here may not be the newest of this device, in words that complete "because"; empty where nothing
    /// speaks for that.
    pub reasons: Vec<&'static str>,
    /// The next own entry begins a new chain, so that no position is used twice.
    pub new_writer: bool,
    /// The ends of own chains that are missing here and come back from peers that have them.
    pub missing: Vec<MissingRange>,
    /// How many membership heads are missing.
    pub missing_operations: u64,
}

/// Positions of a chain that are missing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingRange {
    /// The chain.
    pub writer: WriterId,
    /// The first position.
    pub from: Position,
    /// The last position.
    pub to: Position,
}

impl RecoveryView {
    /// How many own entries are missing.
    #[must_use]
    pub fn missing_entries(&self) -> u64 {
        self.missing.iter().map(|range| range.to.0 + 1 - range.from.0).sum()
    }

    /// Whether there is anything to say.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        self.new_writer || !self.missing.is_empty() || self.missing_operations > 0
    }
}

/// Completes "because".
const fn reason(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Restored => "this home is a copy, or was put back from a backup",
        Doubt::Behind => "more was saved on this device than is here",
        Doubt::LogDamaged => "the database's log is damaged, and what was saved last is gone from it",
        Doubt::HeadMissing => "the head file, which says how far this device had come, is missing",
        Doubt::HeadDamaged => "the head file, which says how far this device had come, is damaged",
        Doubt::Noted => "damage was found here earlier",
        _ => "something speaks against what is here",
    }
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// Their id.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// The code of their role.
    pub role: &'static str,
    /// Whether it is the person of this device.
    pub me: bool,
    /// How many devices they have.
    pub devices: usize,
}

/// How much is here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CountsView {
    /// Log entries.
    pub entries: u64,
    /// Documents.
    pub documents: u64,
    /// Incidents.
    pub incidents: u64,
    /// Entries that wait for something that has not come.
    pub waiting: u64,
    /// Entries in quarantine.
    pub held: u64,
    /// Attached files that are not complete here.
    pub attachments_missing: u64,
}

/// One incident with everything.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentView {
    /// The document.
    pub id: DocumentId,
    /// The name people use.
    pub short_code: String,
    /// Who created it.
    pub author: String,
    /// When, as their phone showed it.
    pub created: LocalTime,
    /// When it probably was, where the phone's clock was wrong by more than is let pass. What the phone showed stays.
    pub estimated: Option<LocalTime>,
    /// The record, with the values that are shown and acted on.
    pub record: Incident,
    /// The same as JSON, with everything this version does not know.
    pub json: Value,
    /// Fields whose values conflict.
    pub conflicts: Vec<ConflictView>,
    /// What it has to do with incidents it was merged with.
    pub merged: MergeView,
    /// Choices and closings by people without the right to them.
    pub proposals: Vec<CandidateView>,
    /// What a person should look at.
    pub findings: Vec<Finding>,
    /// Files.
    pub attachments: Vec<AttachmentView>,
    /// Entries of it that are here and not applied.
    pub unsettled: u64,
    /// Something of it stands on one branch of a chain that forked.
    pub disputed: bool,
    /// How much of it no other device has confirmed to hold.
    pub only_here: OnlyHere,
    /// Who entered it, where only they and the leads can ever read it; `None`: the whole team.
    pub leads_and: Option<String>,
}

/// A field that people set to different values while apart.
#[derive(Debug, Clone, PartialEq)]
pub struct ConflictView {
    /// The document.
    pub id: DocumentId,
    /// The name people use.
    pub short_code: String,
    /// The field.
    pub field: String,
    /// The value that is shown and acted on meanwhile.
    pub shown: Value,
    /// All values.
    pub candidates: Vec<CandidateView>,
}

/// A value and who set it.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateView {
    /// The field.
    pub field: String,
    /// The value.
    pub value: Value,
    /// Who.
    pub person: String,
    /// When, as their phone showed it.
    pub when: Option<LocalTime>,
    /// The change that set it.
    pub change: ChangeHash,
}

/// One step of a document's history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryView {
    /// When, as the person's phone showed it.
    pub when: Option<LocalTime>,
    /// Who.
    pub person: String,
    /// The device: the first digits of its key.
    pub device: String,
    /// Whether this step created the record.
    pub created: bool,
    /// The field.
    pub field: String,
    /// What was done: `set` a value, `add` an item, edit a `text`.
    pub what: &'static str,
    /// The value before, or several that were in conflict; of a text what was removed.
    pub before: Option<Value>,
    /// The value after; of a text what was inserted.
    pub after: Option<Value>,
    /// Of a text the words on either side.
    pub around: Option<(String, String)>,
}

/// The short code of a row with two letters.
pub(super) fn short_code(row: &IncidentRow) -> String {
    match &row.incident.short_code {
        Some((prefix, number)) => ShortCode { prefix: prefix.clone(), number: *number }.to_string(),
        None => row.id.short(),
    }
}

impl Ledger {
    /// The team and how much is here.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn team(&self) -> Result<TeamView, NodeError> {
        let roster = self.membership.roster();
        let mut members: Vec<_> = roster
            .members
            .iter()
            .map(|(person, member)| MemberView {
                person: *person,
                name: member.name.clone(),
                role: member.role.code(),
                me: *person == self.person,
                devices: roster.devices.values().filter(|device| device.person == *person).count(),
            })
            .collect();
        members.sort_by(|a, b| (&a.name, a.person).cmp(&(&b.name, b.person)));
        let counts = self.store.counts()?;
        let counts = CountsView {
            entries: counts.entries,
            documents: counts.documents,
            incidents: counts.incidents,
            waiting: counts.waiting + counts.not_understood,
            held: counts.held,
            attachments_missing: self.count_missing_files()?,
        };
        let (team, name) = (*self.membership.team(), roster.name.clone());
        let recovery = self.recovery()?;
        Ok(TeamView {
            team,
            name,
            network: roster.network,
            me: self.person,
            device: self.device,
            members,
            counts,
            recovery,
            forks: self.forks()?,
        })
    }

    /// What this device has lost and asks its peers for.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn recovery(&self) -> Result<RecoveryView, NodeError> {
        let missing = self.store.missing_tails().into_iter().map(|tail| MissingRange {
            writer: tail.writer,
            from: tail.held.next(),
            to: tail.reached,
        });
        Ok(RecoveryView {
            reasons: self.store.doubts().iter().map(|doubt| reason(*doubt)).collect(),
            new_writer: self.store.is_in_doubt(),
            missing: missing.collect(),
            missing_operations: self.store.missing_operations()?.len() as u64,
        })
    }

    /// A person's name.
    pub(super) fn name(&self, person: &PersonId) -> String {
        match self.membership.roster().known(person) {
            Some(member) => member.name.clone(),
            None => person.short(),
        }
    }

    /// A page of the list of incidents.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn incidents(&self, query: &IncidentQuery) -> Result<Vec<IncidentRow>, NodeError> {
        Ok(self.store.incidents(query)?)
    }

    /// The incidents in which every word is found.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn search(&mut self, text: &str, limit: usize) -> Result<Vec<IncidentRow>, NodeError> {
        while self.index_text()? {}
        Ok(self.store.search(text, limit)?)
    }

    /// The incident that a person means.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], or [`NodeError::Ambiguous`] with the short codes that fit.
    pub fn find(&self, typed: &str) -> Result<DocumentId, NodeError> {
        let rows = self.store.find_incident(typed)?;
        match rows.as_slice() {
            [] => Err(NodeError::NotFound(typed.to_owned())),
            [row] => Ok(row.id),
            rows => {
                let full = |row: &IncidentRow| match &row.incident.short_code {
                    Some((prefix, number)) => {
                        ShortCode { prefix: prefix.clone(), number: *number }.display_with(prefix.len())
                    }
                    None => row.id.short(),
                };
                // Two that have the very same code, which takes a forger, are told apart by their ids.
                let named = |row| {
                    let code = full(row);
                    let alike = rows.iter().filter(|other| full(other) == code).count();
                    if alike > 1 { row.id.short() } else { code }
                };
                let candidates = rows.iter().map(named).collect();
                Err(NodeError::Ambiguous { typed: typed.to_owned(), candidates })
            }
        }
    }

    /// One incident with everything.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here.
    pub fn incident(&mut self, id: DocumentId) -> Result<IncidentView, NodeError> {
        let created = self.created(&id)?;
        let unsettled = self.store.document(&id)?.map_or(0, |stored| stored.unsettled);
        let row = self.store.incident(&id)?.ok_or_else(|| NodeError::NotFound(id.short()))?;
        let document = self.load(&id)?;
        let none = BTreeMap::new();
        let authors = LogAuthors::new(&self.store, &self.membership, &none);
        let view = document.view(&authors);
        let (read, mut findings) = project::incident(id, &view, created.created);
        findings.extend(self.judge_readers(&created.info.space, &view));
        let conflicts = self.conflict_views(id, &short_code(&row), &view, &authors);
        let mut proposals = Vec::new();
        for (field, field_view) in &view.fields {
            let FieldView::Register(register) = field_view else { continue };
            let candidate = |value: &Value, change: &ChangeHash| {
                self.candidate(field, value, change, authors.author(change))
            };
            proposals.extend(register.proposals.iter().map(|it| candidate(&it.value, &it.change)));
        }
        proposals.extend(self.status_proposals(&view, &authors));
        let merged = self.merged(&id)?;
        let mut attachments = self.attachments(&id)?;
        let none = BTreeMap::new();
        let authors = LogAuthors::new(&self.store, &self.membership, &none);
        self.mark_late(&mut attachments, &view, &authors)?;
        let view = IncidentView {
            id,
            short_code: short_code(&row),
            author: self.name(&created.info.person),
            created: created.info.local,
            estimated: estimated(&read.record, created.info.local),
            json: view.to_json(),
            record: read.record,
            conflicts,
            proposals,
            findings,
            attachments,
            merged,
            unsettled,
            disputed: self.is_disputed(&id)?,
            only_here: self.only_here_of(&id)?,
            leads_and: self.leads_and(&created.info.space),
        };
        self.documents.put(id, document);
        Ok(view)
    }

    pub(super) fn candidate(
        &self,
        field: &str,
        value: &Value,
        change: &ChangeHash,
        author: Option<Author>,
    ) -> CandidateView {
        CandidateView {
            field: field.to_owned(),
            value: value.clone(),
            person: author.map_or_else(String::new, |author| self.name(&author.person)),
            when: author.map(|author| author.local),
            change: *change,
        }
    }

    /// Every conflict there is.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn conflicts(&mut self) -> Result<Vec<ConflictView>, NodeError> {
        let query = IncidentQuery { in_conflict: true, ..IncidentQuery::default() };
        let mut conflicts = Vec::new();
        for row in self.store.incidents(&query)? {
            conflicts.extend(self.incident(row.id)?.conflicts);
        }
        Ok(conflicts)
    }

    /// Who changed what, when, on which device, oldest first.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here.
    pub fn history(&mut self, id: DocumentId) -> Result<Vec<HistoryView>, NodeError> {
        let document: Document = self.load(&id)?;
        let none = BTreeMap::new();
        let authors = LogAuthors::new(&self.store, &self.membership, &none);
        let mut history = Vec::new();
        for item in document.history(&authors) {
            let device = self.store.author(&item.change)?.map(|info| info.device.short());
            let step = HistoryView {
                when: item.author.map(|author| author.local),
                person: item.author.map_or_else(String::new, |author| self.name(&author.person)),
                device: device.unwrap_or_default(),
                created: item.created,
                field: String::new(),
                what: "set",
                before: None,
                after: None,
                around: None,
            };
            for change in item.fields {
                let step = HistoryView { field: change.field, ..step.clone() };
                history.extend(field_steps(&step, change.what));
            }
        }
        self.documents.put(id, document);
        Ok(history)
    }
}

/// When a record was probably made, where the clock that it was made by was wrong.
fn estimated(incident: &Incident, created: LocalTime) -> Option<LocalTime> {
    let ahead = incident.clock_evidence.as_ref()?.error_ms()?;
    Some(LocalTime { at: UnixMillis(created.at.0.checked_sub(ahead)?), ..created })
}

/// What one change did to one field, as lines of the history.
fn field_steps(step: &HistoryView, what: What) -> Vec<HistoryView> {
    match what {
        What::Set { mut before, after } => {
            let before = if before.len() > 1 { Some(Value::from(before)) } else { before.pop() };
            vec![HistoryView { before, after: Some(after), ..step.clone() }]
        }
        What::Added { value, .. } => vec![HistoryView { what: "add", after: Some(value), ..step.clone() }],
        What::Spliced(splices) => splices
            .into_iter()
            .map(|splice| HistoryView {
                what: "text",
                before: (!splice.removed.is_empty()).then(|| splice.removed.into()),
                after: (!splice.inserted.is_empty()).then(|| splice.inserted.into()),
                around: Some((splice.before, splice.after)),
                ..step.clone()
            })
            .collect(),
    }
}
