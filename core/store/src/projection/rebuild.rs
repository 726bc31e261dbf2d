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
        // What was heard long ago is not heard anew because its row is.
        let waiting = "CREATE TEMP TABLE waiting AS SELECT document FROM unheard";
        transaction.execute_batch(waiting).map_err(StoreError::from)?;
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
        let heard =
            "DELETE FROM unheard WHERE document NOT IN (SELECT document FROM waiting); DROP TABLE waiting";
        transaction.execute_batch(heard).map_err(StoreError::from)?;
        let made = row_hashes(&transaction)?;
        match mode {
            Rebuild::Compare => transaction.rollback().map_err(StoreError::from)?,
            Rebuild::Replace => {
                transaction.commit().map_err(StoreError::from)?;
                let shredded = std::mem::take(&mut additions.shredded);
                additions.enter(&mut self.cache);
                self.shred(&shredded);
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
        "DELETE FROM trainings; DELETE FROM people; DELETE FROM roles_required; DELETE FROM field_teams;
         DELETE FROM assignments; DELETE FROM go_no_go; DELETE FROM shifts; DELETE FROM check_ins; DELETE FROM handoffs;
         DELETE FROM incidents; DELETE FROM evidence; DELETE FROM evidence_forms; DELETE FROM origins; DELETE FROM incident_places;
         DELETE FROM templates; DELETE FROM runs;
         DELETE FROM text_queue;
         INSERT INTO incident_text (incident_text) VALUES ('delete-all');
         UPDATE documents SET kind = NULL, saved = NULL, section = NULL;",
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
    for sql in ROWS {
        let mut select = database.prepare(sql)?;
        let columns = select.column_count();
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let id = DocumentId::new(row.get(0)?);
            let mut digest = Digest::new("firsthand row v1");
            if let Some(before) = hashes.get(&id) {
                // The items of a record follow it one by one.
                digest.fixed(before);
            }
            for column in 1..columns {
                match row.get_ref(column)? {
                    ValueRef::Null => digest.number(0),
                    ValueRef::Integer(number) => digest.number(1).number(number as u64),
                    ValueRef::Real(number) => digest.number(2).number(number.to_bits()),
                    ValueRef::Text(bytes) => digest.number(3).sized(bytes),
                    ValueRef::Blob(bytes) => digest.number(4).sized(bytes),
                };
            }
            hashes.insert(id, digest.finish());
        }
    }
    Ok(hashes)
}

/// All that the rows say, with nothing that is this device's own. The items of a record come after it, in their order.
const ROWS: &[&str] = &[
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
             a.hidden, a.flags, a.table_hash,
             (SELECT group_concat(form || ' ' || byte_len || ' ' || hex(hash) || ' ' || hex(table_hash), ',' ORDER BY form)
              FROM evidence_forms AS f WHERE f.document = a.document)
         FROM evidence AS a JOIN documents AS d ON d.number = a.document JOIN spaces AS s ON s.number = d.space
             JOIN writers AS w ON w.number = a.author",
    "SELECT p.id, 'person', p.effective, p.person, p.name, p.callsign, c.code, p.languages, p.skills, p.conflicts, p.hidden
     FROM people AS p LEFT JOIN codes AS c ON c.number = p.status",
    "SELECT p.id, t.number, t.course, t.template_id, t.version, t.day, t.expires, t.trainer, t.run
     FROM trainings AS t JOIN people AS p ON p.document = t.document ORDER BY t.document, t.number",
    "SELECT id, 'team', effective, name, hidden FROM field_teams",
    "SELECT f.id, r.number, r.role, r.least
     FROM roles_required AS r JOIN field_teams AS f ON f.document = r.document ORDER BY r.document, r.number",
    "SELECT h.id, 'shift', h.effective, h.team, h.title, h.starts, h.starts_offset, h.ends, h.ends_offset, h.status,
         h.every_min, h.grace_min, c.code, h.place, h.conflicts, h.proposals, h.hidden
     FROM shifts AS h LEFT JOIN codes AS c ON c.number = h.risk",
    "SELECT h.id, a.number, a.item, a.person, a.role, a.buddy, a.begins, a.ends
     FROM assignments AS a JOIN shifts AS h ON h.document = a.document ORDER BY a.document, a.number",
    "SELECT h.id, g.person, g.go
     FROM go_no_go AS g JOIN shifts AS h ON h.document = g.document ORDER BY g.document, g.person",
    "SELECT c.id, 'check_in', c.effective, c.entry, w.id, c.person, c.shift, c.at, c.at_offset, c.best, c.ticks, c.boot,
         c1.code, c.alarm, c2.code, c.answers, c.lat, c.lon, c.note
     FROM check_ins AS c JOIN writers AS w ON w.number = c.author LEFT JOIN codes AS c1 ON c1.number = c.state
         LEFT JOIN codes AS c2 ON c2.number = c.by_whom",
    "SELECT id, 'handoff', effective, from_shift, to_shift, given, taken, items, unsettled, hidden FROM handoffs",
    "SELECT t.id, 'template', t.effective, w.id, t.template_id, t.version, t.title, t.languages, t.sha256, t.items,
         t.critical, t.state, t.hidden
     FROM templates AS t JOIN writers AS w ON w.number = t.author",
    "SELECT r.id, 'run', r.effective, w.id, r.template, r.template_id, r.version, r.sha256, c.code, r.about, r.started,
         r.started_offset, r.completed, r.abandoned, r.entries, r.conflicts, r.hidden
     FROM runs AS r JOIN writers AS w ON w.number = r.author LEFT JOIN codes AS c ON c.number = r.context",
];
