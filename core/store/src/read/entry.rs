use firsthand_ids::{
    ChangeHash, DocumentId, EntryHash, HybridTime, LocalTime, Position, SpaceId, UnixMillis, WriterId,
};
use firsthand_log::compress::decompress_document;
use firsthand_log::{Detached, Entry, EntryHeader, EntryKind, MAX_BODY_BYTES, SignedHead};
use rusqlite::{OptionalExtension, Params, Row, params};

use crate::cache::{position, time};
use crate::closing::ContentName;
use crate::entry::{EntryInfo, StoredChange, StoredEntry};
use crate::store::TRIED;
use crate::{EntryState, Store, StoreError};

/// The columns that [`Raw`] reads, in its order.
macro_rules! columns {
    () => {
        "e.number, e.writer, e.position, e.kind, e.state, d.id, e.hybrid, e.effective, e.local_at, e.local_offset,
         e.membership, e.names_membership, e.hash, e.content, e.nonce, e.detached, e.detached_hash, e.body, e.signature, e.packed,
         e.section"
    };
}
macro_rules! entries_where {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            $crate::read::entry::columns!(),
            " FROM entries AS e LEFT JOIN documents AS d ON d.number = e.document WHERE ",
            $condition
        )
    };
}
/// The same without content: for [`EntryInfo`].
macro_rules! infos_where {
    ($condition:literal) => {
        concat!(
            "SELECT e.number, e.writer, e.position, e.kind, e.state, d.id, e.hybrid, e.effective, e.local_at,
                 e.local_offset, e.membership, e.names_membership, e.hash, e.content, NULL, NULL, NULL, x'', NULL, 0, NULL
             FROM entries AS e LEFT JOIN documents AS d ON d.number = e.document WHERE ",
            $condition
        )
    };
}
pub(super) use {columns, entries_where};

/// An entry as its row has it, before numbers are replaced.
pub(super) struct Raw {
    number: i64,
    writer: i64,
    position: Position,
    kind: u8,
    state: u8,
    document: Option<[u8; 16]>,
    hybrid: HybridTime,
    effective: HybridTime,
    local: LocalTime,
    membership: i64,
    names_membership: bool,
    hash: [u8; 32],
    content: [u8; 32],
    nonce: Option<[u8; 16]>,
    detached: Option<Vec<u8>>,
    detached_hash: Option<[u8; 32]>,
    body: Vec<u8>,
    signature: Option<[u8; 64]>,
    packed: bool,
    section: Option<i64>,
}

impl Raw {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            writer: row.get(1)?,
            position: position(row, 2)?,
            kind: row.get(3)?,
            state: row.get(4)?,
            document: row.get(5)?,
            hybrid: time(row, 6)?,
            effective: time(row, 7)?,
            local: LocalTime { at: UnixMillis(row.get(8)?), offset_minutes: row.get(9)? },
            membership: row.get(10)?,
            names_membership: row.get(11)?,
            hash: row.get(12)?,
            content: row.get(13)?,
            nonce: row.get(14)?,
            detached: row.get(15)?,
            detached_hash: row.get(16)?,
            body: row.get(17)?,
            signature: row.get(18)?,
            packed: row.get(19)?,
            section: row.get(20)?,
        })
    }
}

pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<u8>, StoreError> {
    decompress_document(packed, MAX_BODY_BYTES).map_err(|_| StoreError::Damaged { what: "an entry" })
}

impl Store {
    pub(super) fn stored(&self, raw: Raw) -> Result<StoredEntry, StoreError> {
        let (writer, chain) = self.cache.writer(raw.writer)?;
        let info = EntryInfo {
            number: raw.number as u64,
            space: self.cache.space(chain.space)?,
            writer,
            device: chain.device,
            person: chain.person,
            position: raw.position,
            hash: EntryHash::new(raw.hash),
            kind: EntryKind::from_number(raw.kind),
            document: raw.document.map(DocumentId::new),
            content: ChangeHash::new(raw.content),
            hybrid: raw.hybrid,
            effective: raw.effective,
            local: raw.local,
            membership: self.cache.membership(raw.membership),
            state: EntryState::from_number(raw.state),
        };
        let header = EntryHeader {
            kind: info.kind,
            document: info.document,
            content: info.content,
            hybrid: info.hybrid,
            local: info.local,
            membership: raw.names_membership.then(|| info.membership.clone()),
        };
        let detached = raw.detached.map(Detached::Present);
        let detached = detached.or_else(|| raw.detached_hash.map(Detached::HashOnly));
        let body = match raw.section {
            Some(section) => self.content(section, ContentName::Entry(raw.number))?,
            None if raw.packed => unpack(&raw.body)?,
            None => raw.body,
        };
        let entry = Entry { position: info.position, header, nonce: raw.nonce, body, detached };
        Ok(StoredEntry { info, entry, signature: raw.signature })
    }

    pub(super) fn stored_entry(
        &self,
        sql: &str,
        parameters: impl Params,
    ) -> Result<Option<StoredEntry>, StoreError> {
        let mut select = self.database.prepare_cached(sql)?;
        let raw = select.query_row(parameters, Raw::read).optional()?;
        raw.map(|raw| self.stored(raw)).transpose()
    }

    pub(super) fn stored_entries(
        &self,
        sql: &str,
        parameters: impl Params,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let mut select = self.database.prepare_cached(sql)?;
        let mut entries = Vec::new();
        for raw in select.query_map(parameters, Raw::read)? {
            entries.push(self.stored(raw?)?);
        }
        Ok(entries)
    }

    /// An entry.
    ///
    /// # Errors
    /// From the disk.
    pub fn entry(&self, writer: &WriterId, position: Position) -> Result<Option<StoredEntry>, StoreError> {
        let Some(chain) = self.cache.chains.get(writer) else { return Ok(None) };
        let sql = entries_where!("e.writer = ?1 AND e.position = ?2");
        self.stored_entry(sql, params![chain.number, position.0 as i64])
    }

    /// What is known of an entry, without its content.
    ///
    /// # Errors
    /// From the disk.
    pub fn entry_info(&self, writer: &WriterId, position: Position) -> Result<Option<EntryInfo>, StoreError> {
        let Some(chain) = self.cache.chains.get(writer) else { return Ok(None) };
        let sql = infos_where!("e.writer = ?1 AND e.position = ?2");
        Ok(self.stored_entry(sql, params![chain.number, position.0 as i64])?.map(|stored| stored.info))
    }

    /// The entry that carries a change: who made it, when, under which membership heads. Of several (only a forger
    /// makes a second, which the guard refuses) the one that is applied.
    ///
    /// # Errors
    /// From the disk.
    pub fn author(&self, change: &ChangeHash) -> Result<Option<EntryInfo>, StoreError> {
        let sql = infos_where!(
            "substr(e.content, 1, 8) = substr(?1, 1, 8) AND e.content = ?1 ORDER BY (e.state <> 0), e.number LIMIT 1"
        );
        Ok(self.stored_entry(sql, [change.as_bytes()])?.map(|stored| stored.info))
    }

    /// Entries of a chain from a position on, at most `limit`: for reading whole chains piece by piece.
    ///
    /// # Errors
    /// From the disk.
    pub fn entries(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        from: Position,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let Some(chain) = self.cache.chain(space, writer) else { return Ok(Vec::new()) };
        let sql = entries_where!("e.writer = ?1 AND e.position >= ?2 ORDER BY e.position LIMIT ?3");
        self.stored_entries(
            sql,
            params![chain.number, from.0 as i64, i64::try_from(limit).unwrap_or(i64::MAX)],
        )
    }

    /// The signatures kept of a chain from a position on, at most `limit`.
    ///
    /// # Errors
    /// From the disk.
    pub fn heads(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        from: Position,
        limit: usize,
    ) -> Result<Vec<SignedHead>, StoreError> {
        let Some(chain) = self.cache.chain(space, writer) else { return Ok(Vec::new()) };
        let mut select = self.database.prepare_cached(
            "SELECT position, hash, signature FROM entries
             WHERE writer = ?1 AND position >= ?2 AND signature IS NOT NULL ORDER BY position LIMIT ?3",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(params![chain.number, from.0 as i64, limit], |row| {
            Ok(SignedHead {
                position: position(row, 0)?,
                hash: EntryHash::new(row.get(1)?),
                signature: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All entries that are not applied, in the order in which they were kept.
    ///
    /// # Errors
    /// From the disk.
    pub fn unsettled(&self) -> Result<Vec<EntryInfo>, StoreError> {
        let sql = infos_where!("e.state <> 0 ORDER BY e.number");
        Ok(self.stored_entries(sql, [])?.into_iter().map(|stored| stored.info).collect())
    }

    /// The changes that were kept and, as far as is known, not tried on their documents: the program ended before. In
    /// the order in which they were kept; those that wait or are in quarantine are left out.
    ///
    /// # Errors
    /// From the disk.
    pub fn untried(&self) -> Result<Vec<StoredChange>, StoreError> {
        let tried = self.setting(TRIED)?.and_then(|bytes| bytes.try_into().ok());
        let tried = tried.map_or(0, i64::from_le_bytes);
        let sql =
            entries_where!("e.number > ?1 AND e.state = 0 AND e.document IS NOT NULL ORDER BY e.number");
        Ok(self.stored_entries(sql, [tried])?.into_iter().map(StoredChange::from).collect())
    }
}
