//! What of a chain lies behind a position that somebody else holds.

use firsthand_ids::{DocumentId, Position, SpaceId, WriterId};
use rusqlite::{OptionalExtension, params};

use crate::cache::position;
use crate::{Store, StoreError};

impl Store {
    /// The incidents that a chain creates or changes after a position, by their own entries or by those of their files'
    /// records; with each whether the entry that creates the incident itself is among them.
    ///
    /// # Errors
    /// From the disk.
    pub fn incidents_beyond(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        after: Position,
    ) -> Result<Vec<(DocumentId, bool)>, StoreError> {
        let Some(chain) = self.cache.chain(space, writer) else { return Ok(Vec::new()) };
        let mut select = self.database.prepare_cached(
            "SELECT coalesce(v.incident, d.id), max(v.incident IS NULL AND e.number = d.creator)
             FROM entries AS e JOIN documents AS d ON d.number = e.document
                 LEFT JOIN evidence AS v ON v.document = d.number
             WHERE e.writer = ?1 AND e.position > ?2 GROUP BY 1",
        )?;
        let rows = select.query_map(params![chain.number, after.0 as i64], |row| {
            Ok((DocumentId::new(row.get(0)?), row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Where the entries about a document stand, newest first, applied or not.
    ///
    /// # Errors
    /// From the disk.
    pub fn places_of(&self, id: &DocumentId) -> Result<Vec<(WriterId, Position)>, StoreError> {
        // As in `changes_of`: the row with the creating entry is the true one, and its entries form a list.
        let mut select = self.database.prepare_cached(
            "SELECT last_entry FROM documents WHERE id = ?1 ORDER BY creator IS NULL, number LIMIT 1",
        )?;
        let mut next: Option<i64> = select.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
        let mut entry =
            self.database.prepare_cached("SELECT writer, position, prior FROM entries WHERE number = ?1")?;
        let mut places = Vec::new();
        while let Some(number) = next {
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, position(row, 1)?, row.get(2)?));
            let (writer, position, prior) = entry.query_row([number], read)?;
            places.push((self.cache.writer(writer)?.0, position));
            next = prior;
            if next.is_some_and(|next| next >= number) {
                return Err(StoreError::Damaged { what: "the changes of a document" });
            }
        }
        Ok(places)
    }
}
