//! What is kept in memory beside the database: where every chain stands, and the numbers of writers, spaces and codes.
//!
//! It changes only after a commit succeeded, so it never runs ahead of the disk.

use std::collections::BTreeMap;

use firsthand_ids::{DeviceKey, EntryHash, HybridTime, OperationHash, PersonId, Position, SpaceId, WriterId};
use firsthand_log::{Mark, Tip, Vector};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::StoreError;

/// A chain as it is held.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub number: i64,
    pub space: i64,
    pub device: DeviceKey,
    pub person: PersonId,
    pub position: Position,
    pub hash: EntryHash,
    pub membership: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Cache {
    pub chains: BTreeMap<WriterId, Chain>,
    pub writers: BTreeMap<i64, WriterId>,
    pub spaces: BTreeMap<SpaceId, i64>,
    pub vectors: BTreeMap<i64, Vector>,
    pub memberships: BTreeMap<i64, Vec<OperationHash>>,
    pub codes: BTreeMap<String, i64>,
    pub code_names: BTreeMap<i64, String>,
    /// Rows were sent ahead of entries that are not here yet.
    pub expects: bool,
}

impl Cache {
    /// Reads it all. The work grows with the writers and codes, not with the entries.
    pub(crate) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let expects = connection.query_row(crate::expected::ANY, [], |row| row.get(0))?;
        let mut cache = Self { expects, ..Self::default() };
        let mut spaces = connection.prepare("SELECT number, id FROM spaces")?;
        let mut rows = spaces.query([])?;
        while let Some(row) = rows.next()? {
            cache.spaces.insert(SpaceId::new(row.get(1)?), row.get(0)?);
        }
        let mut codes = connection.prepare("SELECT number, code FROM codes")?;
        let mut rows = codes.query([])?;
        while let Some(row) = rows.next()? {
            cache.add_code(row.get(1)?, row.get(0)?);
        }
        let mut memberships = connection.prepare("SELECT number, heads FROM memberships")?;
        let mut rows = memberships.query([])?;
        while let Some(row) = rows.next()? {
            cache
                .memberships
                .insert(row.get(0)?, heads(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?));
        }
        let mut writers = connection.prepare("SELECT number, id, space, device, person FROM writers")?;
        let mut last = connection.prepare(
            "SELECT position, hash, membership FROM entries WHERE writer = ?1 ORDER BY position DESC LIMIT 1",
        )?;
        let mut rows = writers.query([])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            let tip = last
                .query_row([number], |row| Ok((position(row, 0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            let (position, hash, membership) = tip.ok_or(StoreError::Damaged { what: "a chain" })?;
            cache.set_chain(
                WriterId::new(row.get(1)?),
                Chain {
                    number,
                    space: row.get(2)?,
                    device: DeviceKey::new(row.get(3)?),
                    person: PersonId::new(row.get(4)?),
                    position,
                    hash: EntryHash::new(hash),
                    membership,
                },
            );
        }
        Ok(cache)
    }

    pub(crate) fn set_chain(&mut self, writer: WriterId, chain: Chain) {
        let vector = self.vectors.entry(chain.space).or_default();
        vector.set(writer, Mark::new(chain.position, &chain.hash));
        self.writers.insert(chain.number, writer);
        self.chains.insert(writer, chain);
    }

    pub(crate) fn add_code(&mut self, code: String, number: i64) {
        self.code_names.insert(number, code.clone());
        self.codes.insert(code, number);
    }

    /// The chain of a writer, if it is in that space.
    pub(crate) fn chain(&self, space: &SpaceId, writer: &WriterId) -> Option<&Chain> {
        let chain = self.chains.get(writer)?;
        (self.spaces.get(space) == Some(&chain.space)).then_some(chain)
    }

    pub(crate) fn tip(&self, chain: &Chain) -> Tip {
        Tip {
            position: chain.position,
            hash: chain.hash,
            device: chain.device,
            person: chain.person,
            membership: self.membership(chain.membership),
        }
    }

    pub(crate) fn membership(&self, number: i64) -> Vec<OperationHash> {
        self.memberships.get(&number).cloned().unwrap_or_default()
    }

    pub(crate) fn space(&self, number: i64) -> Result<SpaceId, StoreError> {
        let found = self.spaces.iter().find(|(_, known)| **known == number);
        found.map(|(id, _)| *id).ok_or(StoreError::Damaged { what: "the number of a space" })
    }

    pub(crate) fn writer(&self, number: i64) -> Result<(WriterId, &Chain), StoreError> {
        let writer = self.writers.get(&number);
        let chain = writer.and_then(|writer| Some((*writer, self.chains.get(writer)?)));
        chain.ok_or(StoreError::Damaged { what: "the number of a writer" })
    }

    pub(crate) fn code(&self, number: Option<i64>) -> Result<Option<String>, StoreError> {
        let Some(number) = number else { return Ok(None) };
        let code = self.code_names.get(&number).cloned();
        code.map(Some).ok_or(StoreError::Damaged { what: "the number of a code" })
    }
}

/// Membership heads as they are stored: 32 bytes each, end to end.
pub(crate) fn heads(bytes: &[u8]) -> Vec<OperationHash> {
    bytes.as_chunks::<32>().0.iter().map(|head| OperationHash::new(*head)).collect()
}

pub(crate) fn position(row: &Row<'_>, column: usize) -> rusqlite::Result<Position> {
    row.get::<_, i64>(column).map(|position| Position(position as u64))
}

/// Unsigned numbers keep their order as SQLite's signed ones with the top bit flipped.
pub(crate) const fn ordered(time: HybridTime) -> i64 {
    (time.packed() ^ (1 << 63)) as i64
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<HybridTime> {
    row.get::<_, i64>(column).map(from_ordered)
}

pub(crate) const fn from_ordered(stored: i64) -> HybridTime {
    HybridTime::from_packed(stored as u64 ^ (1 << 63))
}
