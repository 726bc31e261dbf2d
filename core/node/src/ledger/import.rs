//! Rows of files people already have, as incidents.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::DocumentId;
use firsthand_record::validate::Finding;
use firsthand_record::validate::{Context, incident as judge, is_rejected};
use firsthand_record::{Incident, Sensitivity};
use firsthand_store::StoreError;
use rand_core::CryptoRng;

use super::{Ledger, Now, ProgressFn};
use crate::NodeError;

/// Incidents per commit: enough that the wait for the disk no longer counts, few enough that stopping loses little.
const GROUP: usize = 200;

/// A row that was read.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// The row as a person counts it.
    pub row: usize,
    /// What it says, with `origin` set.
    pub incident: Incident,
}

/// What became of the rows.
#[derive(Debug, Clone, Default)]
pub struct ImportReport {
    /// Rows that became incidents, with their short codes.
    pub added: Vec<(usize, DocumentId, String)>,
    /// Rows that were imported before and have not changed.
    pub already: Vec<usize>,
    /// Of those, the ones that an earlier import brought in, with their incidents.
    pub held: Vec<(usize, DocumentId)>,
    /// Rows that were imported before and have changed since; nothing was done with them.
    pub changed: Vec<(usize, DocumentId, String)>,
    /// Rows that cannot be saved, and why.
    pub rejected: Vec<(usize, Vec<Finding>)>,
    /// Rows that do not fit into a document, for example because one value is too large, and why.
    pub failed: Vec<(usize, String)>,
    /// Of the added, how many a person should look at.
    pub flagged: usize,
    /// The person stopped it: the rows after the last added one were not looked at.
    pub stopped: bool,
}

/// The settings that hold column maps, by the fingerprint of the columns they are for.
const COLUMN_MAP: &str = "import.map.";

/// The most bytes of a column map: far above a name and a field for each of the most columns that are used.
const MAX_COLUMN_MAP: usize = 1024 * 1024;

/// What names a row in its own program: the id it has there, else its content.
type RowKey = (String, String);

impl Ledger {
    /// Saves rows as incidents, in groups: what was saved stays saved if a later group fails or is stopped. With
    /// `dry_run` nothing is saved.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub fn import(
        &mut self,
        rows: Vec<ImportRow>,
        dry_run: bool,
        now: Now,
        rng: &mut dyn CryptoRng,
        progress: ProgressFn<'_>,
    ) -> Result<ImportReport, NodeError> {
        let mut report = ImportReport::default();
        let mut new = Vec::new();
        let mut in_file: BTreeMap<RowKey, String> = BTreeMap::new();
        for row in rows {
            if let Some(origin) = &row.incident.origin {
                let held = self.store.by_origin(origin)?;
                if let Some((id, hash)) = held {
                    if hash == origin.row_hash {
                        report.already.push(row.row);
                        report.held.push((row.row, id));
                    } else {
                        let code = self.store.incident(&id)?.map(|row| super::read::short_code(&row));
                        report.changed.push((row.row, id, code.unwrap_or_else(|| id.short())));
                    }
                    continue;
                }
                let name = origin.external_id.clone().unwrap_or_else(|| origin.row_hash.clone());
                let key = (origin.format.clone(), name);
                if in_file.insert(key, origin.row_hash.clone()).is_some() {
                    report.already.push(row.row);
                    continue;
                }
            }
            let findings = judge(&row.incident, &Context::at(now.at));
            if is_rejected(&findings) {
                report.rejected.push((row.row, findings));
                continue;
            }
            report.flagged += usize::from(!findings.is_empty());
            new.push(row);
        }
        if !dry_run {
            self.import_new(new, &mut report, now, rng, progress)?;
        }
        Ok(report)
    }

    /// The names of all files that were ever recorded with an incident, hidden ones too: what an import need not attach
    /// again.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn recorded_files(&self, incident: &DocumentId) -> Result<BTreeSet<String>, NodeError> {
        Ok(self.store.evidence_of(incident)?.into_iter().map(|row| row.evidence.name).collect())
    }

    /// The column map that was kept for files with these columns. It stays on this device.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub fn column_map(&self, fingerprint: &str) -> Result<Option<Vec<u8>>, NodeError> {
        Ok(self.store.setting(&format!("{COLUMN_MAP}{fingerprint}"))?)
    }

    /// Keeps a column map for files with these columns, in place of an earlier one.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk, and for a map of more than 1 MiB.
    pub fn keep_column_map(&mut self, fingerprint: &str, map: &[u8]) -> Result<(), NodeError> {
        if map.len() > MAX_COLUMN_MAP {
            return Err(StoreError::Invalid("a column map of more than 1 MiB").into());
        }
        Ok(self.store.set_setting(&format!("{COLUMN_MAP}{fingerprint}"), map)?)
    }

    fn import_new(
        &mut self,
        rows: Vec<ImportRow>,
        report: &mut ImportReport,
        now: Now,
        rng: &mut dyn CryptoRng,
        progress: ProgressFn<'_>,
    ) -> Result<(), NodeError> {
        let total = rows.len() as u64;
        let mut rows = rows.into_iter().peekable();
        while let Some(ImportRow { incident, .. }) = rows.peek() {
            // A commit is of one space.
            let for_leads = is_for_leads(incident);
            let space = self.space_for(incident.sensitivity)?;
            let mut number = self.next_short_code()?;
            let mut draft = self.draft_in(space, now, rng)?;
            let mut documents = Vec::new();
            let mut group = Vec::new();
            let same = std::iter::from_fn(|| rows.next_if(|row| is_for_leads(&row.incident) == for_leads));
            for ImportRow { row, incident } in same.take(GROUP) {
                match self.draft_incident(&mut draft, &mut documents, incident, &mut number, now, rng) {
                    Ok(saved) => group.push((row, saved.id, saved.short_code)),
                    Err(NodeError::Rejected(findings)) => report.rejected.push((row, findings)),
                    Err(NodeError::Document(error)) => report.failed.push((row, error.to_string())),
                    Err(error) => return Err(error),
                }
            }
            self.save_short_code(&mut draft, number);
            self.commit_own(draft, documents)?;
            report.added.extend(group);
            if !progress(report.added.len() as u64, total) {
                report.stopped = rows.peek().is_some();
                return Ok(());
            }
        }
        Ok(())
    }
}

fn is_for_leads(incident: &Incident) -> bool {
    incident.sensitivity == Some(Sensitivity::Leads)
}
