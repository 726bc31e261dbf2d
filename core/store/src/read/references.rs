use firsthand_ids::{ChangeHash, DocumentId, Position, SpaceId, WriterId};
use firsthand_log::{EntryKind, References};
use rusqlite::{Transaction, TransactionBehavior, params};

use crate::cache::position;
use crate::{Store, StoreError};

/// The log of one space as the lean encoding looks it up.
///
/// A lookup that fails on the disk finds nothing: then the hash travels whole, or the batch is refused and asked for
/// again.
#[derive(Debug, Clone, Copy)]
pub struct SpaceReferences<'a> {
    store: &'a Store,
    space: SpaceId,
}

impl Store {
    /// The log of one space as the lean encoding looks it up.
    #[must_use]
    pub const fn references(&self, space: SpaceId) -> SpaceReferences<'_> {
        SpaceReferences { store: self, space }
    }

    /// Looks much up, with SQLite's locks taken once and not for each look-up. Where they cannot be taken, each takes its own.
    pub fn at_once<T>(&self, look_up: impl FnOnce() -> T) -> T {
        let locks = Transaction::new_unchecked(&self.database, TransactionBehavior::Deferred).ok();
        let found = look_up();
        drop(locks);
        found
    }
}

impl SpaceReferences<'_> {
    fn locate(&self, sql: &str, id: &[u8]) -> Option<(WriterId, Position)> {
        let space = self.store.cache.spaces.get(&self.space)?;
        let find = || -> Result<(WriterId, Position), StoreError> {
            let mut select = self.store.database.prepare_cached(sql)?;
            let (writer, position) =
                select.query_row(params![id, space], |row| Ok((row.get(0)?, position(row, 1)?)))?;
            Ok((self.store.cache.writer(writer)?.0, position))
        };
        find().ok()
    }

    fn at<const N: usize>(&self, sql: &str, writer: &WriterId, position: Position) -> Option<[u8; N]> {
        let chain = self.store.cache.chain(&self.space, writer)?;
        let mut select = self.store.database.prepare_cached(sql).ok()?;
        select.query_row(params![chain.number, position.0 as i64], |row| row.get(0)).ok()
    }
}

// Kinds are numbered in `firsthand_log::EntryKind::number`.
const _: () = assert!(EntryKind::Create.number() == 1 && EntryKind::Change.number() == 2);

impl References for SpaceReferences<'_> {
    fn locate_change(&self, change: &ChangeHash) -> Option<(WriterId, Position)> {
        self.locate(
            "SELECT e.writer, e.position FROM entries AS e JOIN writers AS w ON w.number = e.writer
             WHERE substr(e.content, 1, 8) = substr(?1, 1, 8) AND e.content = ?1 AND w.space = ?2
               AND e.kind IN (1, 2)
             ORDER BY e.number LIMIT 1",
            change.as_bytes(),
        )
    }

    fn locate_document(&self, document: &DocumentId) -> Option<(WriterId, Position)> {
        self.locate(
            "SELECT e.writer, e.position FROM documents AS d JOIN entries AS e ON e.number = d.creator
             WHERE d.id = ?1 AND d.space = ?2",
            document.as_bytes(),
        )
    }

    fn change_at(&self, writer: &WriterId, position: Position) -> Option<ChangeHash> {
        let sql = "SELECT content FROM entries WHERE writer = ?1 AND position = ?2 AND kind IN (1, 2)";
        self.at(sql, writer, position).map(ChangeHash::new)
    }

    fn document_at(&self, writer: &WriterId, position: Position) -> Option<DocumentId> {
        let sql = "SELECT d.id FROM entries AS e JOIN documents AS d ON d.number = e.document
                   WHERE e.writer = ?1 AND e.position = ?2";
        self.at(sql, writer, position).map(DocumentId::new)
    }
}
