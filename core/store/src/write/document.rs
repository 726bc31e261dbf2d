use firsthand_ids::{DocumentId, EntryHash, HybridTime, UnixMillis};
use rusqlite::{OptionalExtension, params};

use crate::cache;
use crate::commit::DocumentUpdate;
use crate::{FileSecrets, ProjectedRow, StoreError};

/// Every table that is derived from documents, those first that refer to others.
const ROW_TABLES: [&str; 18] = [
    "trainings",
    "people",
    "roles_required",
    "field_teams",
    "assignments",
    "go_no_go",
    "shifts",
    "check_ins",
    "handoffs",
    "unheard",
    "origins",
    "incident_places",
    "text_queue",
    "incidents",
    "evidence_forms",
    "evidence",
    "templates",
    "runs",
];

/// A document that the commit touches.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub number: i64,
    pub is_new: bool,
    pub last_entry: Option<i64>,
    pub creator: Option<i64>,
    /// Its kind and its compressed bytes.
    pub saved: Option<(String, Vec<u8>)>,
}

/// What the entry that created a document says for its row.
pub(super) struct Creation {
    pub document: i64,
    pub id: DocumentId,
    /// The entry's number.
    pub number: i64,
    pub effective: HybridTime,
    pub entry: EntryHash,
    pub author: i64,
    pub local: UnixMillis,
    /// Of the attachment whose secrets stand in the entry's detached part.
    pub secrets: Option<FileSecrets>,
}

impl super::Draft<'_> {
    /// The document, which gets its number here when it is new.
    pub(super) fn document(&mut self, id: &DocumentId) -> Result<&mut Draft, StoreError> {
        if !self.documents.contains_key(id) {
            let draft = self.load_document(id)?;
            self.documents.insert(*id, draft);
        }
        self.documents.get_mut(id).ok_or(StoreError::Invalid("a document that is not held"))
    }

    fn load_document(&mut self, id: &DocumentId) -> Result<Draft, StoreError> {
        let space = self.space()?;
        let mut select = self.transaction.prepare_cached(
            "SELECT number, last_entry, creator FROM documents WHERE id = ?1 AND space = ?2",
        )?;
        let found = select.query_row(params![id.as_bytes(), space], |row| {
            let (last_entry, creator) = (Some(row.get(1)?), row.get(2)?);
            Ok(Draft { number: row.get(0)?, is_new: false, last_entry, creator, saved: None })
        });
        if let Some(draft) = found.optional()? {
            return Ok(draft);
        }
        let number = match self.next_document {
            Some(number) => number,
            None => {
                let mut max =
                    self.transaction.prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM documents")?;
                max.query_row([], |row| row.get(0))?
            }
        };
        self.next_document = Some(number + 1);
        Ok(Draft { number, is_new: true, ..Draft::default() })
    }

    /// Takes note of a document's new bytes.
    pub(super) fn update(&mut self, update: &DocumentUpdate) -> Result<(), StoreError> {
        let (writer, position) = &update.creator;
        let creator = self.number(writer, *position)?;
        let creator = creator.ok_or(StoreError::Invalid("a document whose creating entry is not held"))?;
        let packed = self.packer()?.pack(&update.saved);
        let packed = packed.map_err(|_| StoreError::Invalid("a document too large"))?;
        let draft = self.document(&update.id)?;
        if draft.creator != Some(creator) {
            return Err(StoreError::Invalid("a document that another entry created"));
        }
        draft.saved = Some((update.kind.clone(), packed));
        Ok(())
    }

    /// Forgets how a document stood, and its rows.
    pub(super) fn reset(&mut self, id: &DocumentId) -> Result<(), StoreError> {
        let number = self.document(id)?.number;
        for table in ROW_TABLES {
            let delete = format!("DELETE FROM {table} WHERE document = ?1");
            self.transaction.prepare_cached(&delete)?.execute([number])?;
        }
        self.transaction.prepare_cached("DELETE FROM incident_text WHERE rowid = ?1")?.execute([number])?;
        let mut forget = self.transaction.prepare_cached(
            "UPDATE documents SET kind = NULL, saved = NULL, section = NULL WHERE number = ?1",
        )?;
        forget.execute([number])?;
        Ok(())
    }

    /// Writes each touched document once.
    pub(super) fn flush_documents(&mut self) -> Result<(), StoreError> {
        let space = self.space_number;
        for (id, draft) in &self.documents {
            let Draft { number, last_entry, creator, .. } = draft;
            let saved = draft.saved.as_ref();
            let (kind, packed) = (saved.map(|saved| &saved.0), saved.map(|saved| &saved.1));
            if draft.is_new {
                let mut insert = self.transaction.prepare_cached(
                    "INSERT INTO documents (number, id, space, last_entry, creator, kind, saved)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?;
                insert.execute(params![number, id.as_bytes(), space, last_entry, creator, kind, packed])?;
            } else if saved.is_some() {
                let mut update = self.transaction.prepare_cached(
                    "UPDATE documents SET last_entry = ?2, creator = ?3, kind = ?4, saved = ?5, section = NULL
                     WHERE number = ?1",
                )?;
                update.execute(params![number, last_entry, creator, kind, packed])?;
            } else {
                let mut update = self
                    .transaction
                    .prepare_cached("UPDATE documents SET last_entry = ?2, creator = ?3 WHERE number = ?1")?;
                update.execute(params![number, last_entry, creator])?;
            }
        }
        Ok(())
    }

    /// Writes one document and its row, outside of a commit.
    pub(crate) fn replace(&mut self, update: &DocumentUpdate) -> Result<(), StoreError> {
        self.update(update)?;
        self.flush_documents()?;
        self.project(update)
    }

    /// Writes the row that a document has in the lists.
    pub(super) fn project(&mut self, update: &DocumentUpdate) -> Result<(), StoreError> {
        let Some(row) = &update.row else { return Ok(()) };
        let (writer, position) = &update.creator;
        let document = self.document(&update.id)?.number;
        let number = self.number(writer, *position)?;
        let number = number.ok_or(StoreError::Invalid("a document whose creating entry is not held"))?;
        let mut select = self.transaction.prepare_cached(
            "SELECT effective, hash, writer, local_at, detached FROM entries WHERE number = ?1",
        )?;
        let creation = select.query_row([number], |row| {
            Ok(Creation {
                document,
                id: update.id,
                number,
                effective: cache::time(row, 0)?,
                entry: EntryHash::new(row.get(1)?),
                author: row.get(2)?,
                local: UnixMillis(row.get(3)?),
                secrets: row
                    .get::<_, Option<Vec<u8>>>(4)?
                    .and_then(|detached| FileSecrets::decode(&detached)),
            })
        })?;
        drop(select);
        match row {
            ProjectedRow::Incident(incident) => self.incident(&creation, incident),
            ProjectedRow::Evidence(evidence) => self.evidence(&creation, evidence),
            ProjectedRow::Person(person) => self.person(&creation, person),
            ProjectedRow::FieldTeam(team) => self.field_team(&creation, team),
            ProjectedRow::Shift(shift) => self.shift(&creation, shift),
            ProjectedRow::CheckIn(check_in) => self.check_in(&creation, check_in),
            ProjectedRow::Handoff(handoff) => self.handoff(&creation, handoff),
            ProjectedRow::Template(template) => self.template(&creation, template),
            ProjectedRow::Run(run) => self.run(&creation, run),
        }
    }
}
