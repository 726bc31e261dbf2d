use firsthand_ids::{DeviceKey, DocumentId, OperationHash, Position, SpaceId, WriterId};
use firsthand_log::compress::decompress_document;
use rusqlite::{OptionalExtension, params};

use super::entry::{Raw, entries_where};
use crate::cache::position;
use crate::closing::ContentName;
use crate::entry::{Counts, StoredChange, StoredDocument, StoredEntry};
use crate::{EntryState, Store, StoreError};

/// The longest saved document, in bytes: the longest value that the database takes. An incident has some thousand.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 64 * 1024 * 1024;

impl From<StoredEntry> for StoredChange {
    fn from(stored: StoredEntry) -> Self {
        Self { info: stored.info, nonce: stored.entry.nonce, body: stored.entry.body }
    }
}

impl Store {
    /// A document as it was last saved; `None` where nothing of it was applied.
    ///
    /// # Errors
    /// From the disk; [`StoreError::Damaged`] where its bytes cannot be read: then make it anew from
    /// [`Store::changes_of`].
    pub fn document(&self, id: &DocumentId) -> Result<Option<StoredDocument>, StoreError> {
        const DAMAGED: StoreError = StoreError::Damaged { what: "a saved document" };
        let mut select = self.database.prepare_cached(
            "SELECT d.space, d.kind, d.saved, d.section, d.number, e.writer, e.position,
                 (SELECT count(*) FROM entries AS u WHERE u.document = d.number AND u.state <> 0)
             FROM documents AS d JOIN entries AS e ON e.number = d.creator
             WHERE d.id = ?1 AND (d.saved IS NOT NULL OR d.section IS NOT NULL)",
        )?;
        let row = select.query_row([id.as_bytes()], |row| {
            let place: (Option<Vec<u8>>, Option<i64>, i64) = (row.get(2)?, row.get(3)?, row.get(4)?);
            Ok((row.get(0)?, row.get(1)?, place, row.get(5)?, position(row, 6)?, row.get(7)?))
        });
        let Some((space, kind, place, writer, position, unsettled)) = row.optional()? else {
            return Ok(None);
        };
        let saved = match place {
            (Some(packed), _, _) => decompress_document(&packed, MAX_DOCUMENT_BYTES).map_err(|_| DAMAGED)?,
            (None, Some(section), number) => self.content(section, ContentName::Document(number))?,
            (None, None, _) => return Ok(None),
        };
        let (writer, _) = self.cache.writer(writer)?;
        let unsettled: i64 = unsettled;
        Ok(Some(StoredDocument {
            id: *id,
            space: self.cache.space(space)?,
            kind,
            creator: (writer, position),
            saved,
            unsettled: unsettled as u64,
        }))
    }

    /// All changes of a document, applied or not, in the order in which they were kept.
    ///
    /// # Errors
    /// From the disk.
    pub fn changes_of(&self, id: &DocumentId) -> Result<Vec<StoredChange>, StoreError> {
        // A member could name this id in another space; the row with the creating entry is the true one, since the id
        // covers the space. Entries about one document form a list from the newest back, which costs a commit nothing; an index would
        // cost it a page.
        let mut select = self.database.prepare_cached(
            "SELECT last_entry FROM documents WHERE id = ?1 ORDER BY creator IS NULL, number LIMIT 1",
        )?;
        let mut next: Option<i64> = select.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
        let mut prior = self.database.prepare_cached("SELECT prior FROM entries WHERE number = ?1")?;
        let mut by_number = self.database.prepare_cached(entries_where!("e.number = ?1"))?;
        let mut changes = Vec::new();
        while let Some(number) = next {
            let raw = by_number.query_row([number], Raw::read)?;
            changes.push(StoredChange::from(self.stored(raw)?));
            next = prior.query_row([number], |row| row.get(0))?;
            if next.is_some_and(|next| next >= number) {
                return Err(StoreError::Damaged { what: "the changes of a document" });
            }
        }
        changes.reverse();
        Ok(changes)
    }

    /// Changes of a document that wait for something, in the order in which they were kept: those after the entry with
    /// the number `after`, until their bodies take `most` bytes together. At least one, where there is one.
    ///
    /// # Errors
    /// From the disk.
    pub fn waiting_of(
        &self,
        space: &SpaceId,
        id: &DocumentId,
        after: u64,
        most: usize,
    ) -> Result<Vec<StoredChange>, StoreError> {
        let mut select = self.database.prepare_cached(entries_where!(
            "e.document = (SELECT d.number FROM documents AS d JOIN spaces AS s ON s.number = d.space
                           WHERE d.id = ?1 AND s.id = ?4)
             AND e.state <> 0 AND e.state = ?2 AND e.number > ?3
             ORDER BY e.number"
        ))?;
        let (mut changes, mut bytes) = (Vec::new(), 0);
        let waiting = EntryState::Waiting.number();
        for raw in
            select.query_map(params![id.as_bytes(), waiting, after as i64, space.as_bytes()], Raw::read)?
        {
            let change = StoredChange::from(self.stored(raw?)?);
            bytes += change.body.len();
            if bytes > most && !changes.is_empty() {
                break;
            }
            changes.push(change);
        }
        Ok(changes)
    }

    /// The ids of documents after `after` in the order of ids, at most `limit`, applied or not.
    ///
    /// # Errors
    /// From the disk.
    pub fn documents(&self, after: Option<&DocumentId>, limit: usize) -> Result<Vec<DocumentId>, StoreError> {
        let mut select = self
            .database
            .prepare_cached("SELECT DISTINCT id FROM documents WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let after = after.map_or(&[][..], |id| id.as_bytes());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(params![after, limit], |row| row.get(0).map(DocumentId::new))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The documents of a kind in a space, applied at least in part, each with its number in the order in which this device came
    /// to hold them. For kinds of which a space has few.
    ///
    /// # Errors
    /// From the disk.
    pub fn documents_of_kind(
        &self,
        space: &SpaceId,
        kind: &str,
    ) -> Result<Vec<(u64, DocumentId)>, StoreError> {
        let mut select = self.database.prepare_cached(
            "SELECT d.number, d.id FROM documents AS d JOIN spaces AS s ON s.number = d.space
             WHERE s.id = ?1 AND d.kind = ?2 ORDER BY d.number",
        )?;
        let rows = select.query_map(params![space.as_bytes(), kind], |row| {
            Ok((row.get::<_, i64>(0)? as u64, DocumentId::new(row.get(1)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The documents that a chain creates or changes from a position on.
    ///
    /// # Errors
    /// From the disk.
    pub fn documents_changed_since(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        from: Position,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let Some(chain) = self.cache.chain(space, writer) else { return Ok(Vec::new()) };
        let mut select = self.database.prepare_cached(
            "SELECT DISTINCT d.id FROM entries AS e JOIN documents AS d ON d.number = e.document
             WHERE e.writer = ?1 AND e.position >= ?2",
        )?;
        let rows =
            select.query_map(params![chain.number, from.0 as i64], |row| row.get(0).map(DocumentId::new))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The documents about which a chain says something under membership heads for which `differs` answers that it is to be
    /// judged anew, with the space in which it does. Goes through all entries.
    ///
    /// # Errors
    /// From the disk.
    pub fn documents_judged_under(
        &self,
        differs: &mut dyn FnMut(&DeviceKey, &[OperationHash]) -> bool,
    ) -> Result<Vec<(SpaceId, DocumentId)>, StoreError> {
        let mut select = self.database.prepare(
            "SELECT DISTINCT writer, membership FROM entries WHERE document IS NOT NULL ORDER BY writer, membership",
        )?;
        let pairs = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let pairs: Vec<(i64, i64)> = pairs.collect::<Result<_, _>>()?;
        let mut documents = self.database.prepare(
            "SELECT DISTINCT d.id, d.space FROM entries AS e JOIN documents AS d ON d.number = e.document
             WHERE e.writer = ?1 AND e.membership = ?2 ORDER BY d.id",
        )?;
        let mut found = Vec::new();
        for (writer, membership) in pairs {
            let (_, chain) = self.cache.writer(writer)?;
            let heads = self.cache.memberships.get(&membership).map_or(&[][..], Vec::as_slice);
            if differs(&chain.device, heads) {
                let read =
                    |row: &rusqlite::Row<'_>| Ok((DocumentId::new(row.get(0)?), row.get::<_, i64>(1)?));
                for row in documents.query_map([writer, membership], read)? {
                    let (id, space) = row?;
                    found.push((self.cache.space(space)?, id));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The entry that created a document.
    ///
    /// # Errors
    /// From the disk.
    pub fn creator(&self, id: &DocumentId) -> Result<Option<(WriterId, Position)>, StoreError> {
        let mut select = self.database.prepare_cached(
            "SELECT e.writer, e.position FROM documents AS d JOIN entries AS e ON e.number = d.creator
             WHERE d.id = ?1",
        )?;
        let found =
            select.query_row([id.as_bytes()], |row| Ok((row.get(0)?, position(row, 1)?))).optional()?;
        let Some((writer, position)) = found else { return Ok(None) };
        Ok(Some((self.cache.writer(writer)?.0, position)))
    }

    /// How many entries wait for something. Cheap, unlike [`Store::counts`].
    ///
    /// # Errors
    /// From the disk.
    pub fn waiting(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM entries WHERE state <> 0 AND state = 1";
        let count: i64 = self.database.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(count as u64)
    }

    /// How much is here.
    ///
    /// # Errors
    /// From the disk.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let count = |sql: &str| -> Result<u64, StoreError> {
            let count: i64 = self.database.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
            Ok(count as u64)
        };
        let waiting = self.waiting()?;
        let not_understood = count("SELECT count(*) FROM entries WHERE state <> 0 AND state = 2")?;
        let unsettled = count("SELECT count(*) FROM entries WHERE state <> 0")?;
        Ok(Counts {
            entries: self.cache.vectors.values().map(firsthand_log::Vector::entries).sum(),
            documents: count("SELECT count(*) FROM documents")?,
            incidents: count("SELECT count(*) FROM incidents")?,
            waiting,
            held: unsettled - waiting - not_understood,
            not_understood,
            text_pending: count("SELECT count(*) FROM text_queue")?,
        })
    }
}
