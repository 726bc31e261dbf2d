//! Rows made anew from the log, and compared with what was there.

use std::collections::BTreeMap;

use firsthand_ids::{Digest, DocumentId};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, TransactionBehavior};

use crate::entry::StoredChange;
use crate::write::{Additions, Draft};
use crate::{DocumentUpdate, Store, StoreError};

/// What [`Store::rebuild`] does with the rows it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rebuild {
    /// Compares, and leaves the store as it was.
    Compare,
    /// Keeps them.
    Replace,
}

/// What a rebuild found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// [`Store::projection_digest`] before.
    pub before: [u8; 32],
    /// And after.
    pub after: [u8; 32],
    /// Documents whose rows came out otherwise than they were, in the order of their ids.
    pub different: Vec<DocumentId>,
}

type RowHashes = BTreeMap<DocumentId, [u8; 32]>;

impl Store {
    /// A hash of all rows of the lists. It covers nothing that is this device's own, so it is equal on two devices
    /// that show the same.
    ///
    /// # Errors
    /// From the disk.
    pub fn projection_digest(&self) -> Result<[u8; 32], StoreError> {
        Ok(digest(&row_hashes(&self.database)?))
    }

    /// Makes all rows and saved documents anew from the log, in one transaction. `derive` is called for every
    /// document with all its changes, in the order in which they were kept; it says what a commit would have said of
    /// it, or `None` where nothing is applied. It may look things up in the store that it is given, but for saved
    /// documents, which are gone until it made them.
    ///
    /// # Errors
    /// From the disk and from `derive`; then nothing is changed.
    pub fn rebuild<E: From<StoreError>>(
        &mut self,
        mode: Rebuild,
        mut derive: impl FnMut(&Self, &DocumentId, Vec<StoredChange>) -> Result<Option<DocumentUpdate>, E>,
    ) -> Result<Rebuilt, E> {
        let held = row_hashes(&self.database)?;
        // Unchecked, because `derive` reads through the same connection while it runs; nothing else writes.
        let transaction =
            rusqlite::Transaction::new_unchecked(&self.database, TransactionBehavior::Immediate)
                .map_err(StoreError::from)?;
        clear(&transaction)?;
        let mut additions = Additions::default();
        let mut after: Option<DocumentId> = None;
        loop {
            let ids = self.documents(after.as_ref(), 1000)?;
            for id in &ids {
                let changes = self.changes_of(id)?;
                let Some(first) = changes.first() else { continue };
                let space = first.info.space;
                if let Some(update) = derive(self, id, changes)? {
                    let mut draft = Draft::new(&transaction, &self.cache, space);
                    draft.replace(&update)?;
                    additions.merge(draft.finish());
                }
            }
            after = ids.last().copied();
            if after.is_none() {
                break;
            }
        }
        let made = row_hashes(&transaction)?;
        match mode {
            Rebuild::Compare => transaction.rollback().map_err(StoreError::from)?,
            Rebuild::Replace => {
                transaction.commit().map_err(StoreError::from)?;
                additions.enter(&mut self.cache);
            }
        }
        let all: std::collections::BTreeSet<_> = held.keys().chain(made.keys()).copied().collect();
        let different = all.into_iter().filter(|id| held.get(id) != made.get(id)).collect();
        Ok(Rebuilt { before: digest(&held), after: digest(&made), different })
    }
}

/// Empties every table that is derived from documents.
fn clear(database: &Connection) -> Result<(), StoreError> {
    database.execute_batch(
        "DELETE FROM incidents; DELETE FROM evidence; DELETE FROM origins; DELETE FROM incident_places;
         DELETE FROM text_queue;
         INSERT INTO incident_text (incident_text) VALUES ('delete-all');
         UPDATE documents SET kind = NULL, saved = NULL;",
    )?;
    Ok(())
}

fn digest(hashes: &RowHashes) -> [u8; 32] {
    let mut digest = Digest::new("firsthand rows v1");
    for (id, hash) in hashes {
        digest.fixed(id).fixed(hash);
    }
    digest.finish()
}

/// A hash for each document that has a row.
fn row_hashes(database: &Connection) -> Result<RowHashes, StoreError> {
    let mut hashes = RowHashes::new();
    for sql in [
        "SELECT d.id, 'incident', s.id, i.effective, i.entry, w.id, c1.code, c2.code, c3.code, c4.code, i.hidden,
             i.conflicts, i.happened, i.short_number, i.lat, i.lon, i.short_prefix, i.title, c5.code, c6.code,
             i.occurred_start, i.occurred_end, i.reported, i.accuracy, i.flags, i.marks, i.merged_into, i.text_hash,
             c7.code, c8.code,
             EXISTS (SELECT 1 FROM incident_places AS p WHERE p.document = i.document), o.name, o.row_hash
         FROM incidents AS i JOIN documents AS d ON d.number = i.document JOIN spaces AS s ON s.number = i.space
             JOIN writers AS w ON w.number = i.author
             LEFT JOIN origins AS o ON o.document = i.document
             LEFT JOIN codes AS c1 ON c1.number = i.category LEFT JOIN codes AS c2 ON c2.number = i.severity
             LEFT JOIN codes AS c3 ON c3.number = i.status LEFT JOIN codes AS c4 ON c4.number = i.followup
             LEFT JOIN codes AS c5 ON c5.number = i.urgency LEFT JOIN codes AS c6 ON c6.number = i.certainty
             LEFT JOIN codes AS c7 ON c7.number = i.verification LEFT JOIN codes AS c8 ON c8.number = i.rumour",
        "SELECT d.id, 'evidence', s.id, a.effective, w.id, a.incident, a.hash, a.byte_len, a.mime, a.name, a.caption,
             a.hidden, a.flags, a.table_hash
         FROM evidence AS a JOIN documents AS d ON d.number = a.document JOIN spaces AS s ON s.number = d.space
             JOIN writers AS w ON w.number = a.author",
    ] {
        let mut select = database.prepare(sql)?;
        let columns = select.column_count();
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let mut digest = Digest::new("firsthand row v1");
            for column in 1..columns {
                match row.get_ref(column)? {
                    ValueRef::Null => digest.number(0),
                    ValueRef::Integer(number) => digest.number(1).number(number as u64),
                    ValueRef::Real(number) => digest.number(2).number(number.to_bits()),
                    ValueRef::Text(bytes) => digest.number(3).sized(bytes),
                    ValueRef::Blob(bytes) => digest.number(4).sized(bytes),
                };
            }
            hashes.insert(DocumentId::new(row.get(0)?), digest.finish());
        }
    }
    Ok(hashes)
}
