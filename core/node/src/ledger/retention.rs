//! The end of the time for which files are kept. Nothing ends by itself: a person looks at what is due, and says so under their name.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use firsthand_document::{FieldView, View};
use firsthand_ids::DocumentId;
use rand_core::CryptoRng;
use serde_json::Value;

use super::read::short_code;
use super::{Ledger, Now};
use crate::NodeError;

/// The field of an incident with the day until which it is kept.
const UNTIL: &str = "retention_until";

/// A file whose incident was to be kept until a day that has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueFile {
    /// Its record.
    pub document: DocumentId,
    /// The incident.
    pub incident: DocumentId,
    /// What people call that: its short code.
    pub code: String,
    /// What the file is called.
    pub name: String,
    /// Its length in bytes.
    pub byte_len: u64,
    /// The last day on which it was to be kept.
    pub until: NaiveDate,
    /// Somebody without the right to it has asked for its end already.
    pub proposed: bool,
}

impl Ledger {
    /// The files that were to be kept until a day before `today`, hidden ones and those of hidden incidents too; those first that are due
    /// for longest. Where people set different days while apart, the last one counts.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub fn due_files(&mut self, today: NaiveDate) -> Result<Vec<DueFile>, NodeError> {
        let mut of_incident: BTreeMap<DocumentId, Option<(String, NaiveDate)>> = BTreeMap::new();
        let mut due = Vec::new();
        for row in self.store.kept_evidence()? {
            let incident = row.evidence.incident;
            let known = match of_incident.get(&incident) {
                Some(known) => known.clone(),
                None => {
                    let read = self.kept_until(&incident)?;
                    of_incident.insert(incident, read.clone());
                    read
                }
            };
            let Some((code, until)) = known.filter(|(_, until)| *until < today) else { continue };
            let proposed = !self.file(row.id)?.destroy_proposals.is_empty();
            let (name, byte_len) = (row.evidence.name, row.evidence.byte_len);
            due.push(DueFile { document: row.id, incident, code, name, byte_len, until, proposed });
        }
        due.sort_by(|one, other| {
            (one.until, &one.code, &one.name).cmp(&(other.until, &other.code, &other.name))
        });
        Ok(due)
    }

    /// Destroys the keys of files that are due, with the day as the reason. Says which are gone; the others were only proposed, because this
    /// person has not the right to more. What was destroyed, or given more time, since somebody looked is passed over.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk: what was done before stands.
    pub fn end_retention(
        &mut self,
        files: &[DocumentId],
        today: NaiveDate,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<DocumentId>, NodeError> {
        let mut gone = Vec::new();
        let may = self.rights().destroy;
        let due = self.due_files(today)?.into_iter().filter(|due| files.contains(&due.document));
        // To ask a second time adds nothing.
        for file in due.filter(|due| may || !due.proposed) {
            let reason = format!("kept until {}", file.until);
            let view = self.destroy_file(file.document, &reason, now, rng)?;
            if view.destroyed.is_some() {
                gone.push(file.document);
            }
        }
        Ok(gone)
    }

    /// An incident's code and the day until which it is kept, where it is here and has one.
    fn kept_until(&mut self, incident: &DocumentId) -> Result<Option<(String, NaiveDate)>, NodeError> {
        // What a run of a checklist holds has no day of its own.
        let Some(row) = self.store.incident(incident)? else { return Ok(None) };
        let until = latest(&self.read_view(incident)?);
        Ok(until.map(|until| (short_code(&row), until)))
    }
}

/// The last of the days that people set.
fn latest(view: &View) -> Option<NaiveDate> {
    let Some(FieldView::Register(register)) = view.fields.get(UNTIL) else { return None };
    let days = register.values.iter().map(|candidate| &candidate.value);
    days.filter_map(Value::as_str).filter_map(|day| day.parse().ok()).max()
}
