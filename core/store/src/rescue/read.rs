use std::collections::BTreeMap;

use firsthand_ids::{ChangeHash, DocumentId, LocalTime, OperationHash, SpaceId, UnixMillis, WriterId};
use firsthand_log::compress::decompress_document;
use firsthand_log::{Detached, Entry, EntryHeader, EntryKind, MAX_BODY_BYTES, Nonce, Signature, document_id};
use rusqlite::Row;

use super::scan::Reader;
use super::{Rescue, RescuedEntry, RescuedSettings};
use crate::cache::{heads, position, time};
use crate::closing::{ContentName, Section};
use crate::store::OWN_SETTINGS;

/// A row of entries before its numbers are replaced.
struct Raw {
    number: i64,
    writer: i64,
    document: Option<i64>,
    membership: i64,
    names_membership: bool,
    section: Option<i64>,
    entry: Entry,
    signature: Option<Signature>,
}

impl Raw {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let detached: Option<Vec<u8>> = row.get(11)?;
        let detached_hash: Option<[u8; 32]> = row.get(12)?;
        let mut body: Vec<u8> = row.get(13)?;
        if row.get(14)? {
            body = decompress_document(&body, MAX_BODY_BYTES).map_err(|_| rusqlite::Error::InvalidQuery)?;
        }
        let header = EntryHeader {
            kind: EntryKind::from_number(row.get(3)?),
            document: None,
            content: ChangeHash::new(row.get(9)?),
            hybrid: time(row, 5)?,
            local: LocalTime { at: UnixMillis(row.get(6)?), offset_minutes: row.get(7)? },
            membership: None,
        };
        Ok(Self {
            number: row.get(0)?,
            writer: row.get(1)?,
            document: row.get(4)?,
            membership: row.get(8)?,
            names_membership: row.get(15)?,
            section: row.get(17)?,
            entry: Entry {
                position: position(row, 2)?,
                header,
                nonce: row.get::<_, Option<Nonce>>(10)?,
                body,
                detached: detached.map(Detached::Present).or_else(|| detached_hash.map(Detached::HashOnly)),
            },
            signature: row.get(16)?,
        })
    }
}

impl Rescue {
    /// The settings that can be read, without the store's own.
    #[must_use]
    pub fn settings(&mut self) -> RescuedSettings {
        let Some(reader) = &mut self.reader else { return RescuedSettings::new() };
        let sql = "SELECT rowid, key, value FROM settings WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid";
        let rows = reader.scan("settings", "sqlite_autoindex_settings_1", sql, |row| {
            Ok((row.get::<_, String>(1)?, row.get(2)?))
        });
        rows.into_iter().filter(|(key, _)| !key.starts_with(OWN_SETTINGS)).collect()
    }

    /// The membership operations that can be read, in order.
    #[must_use]
    pub fn operations(&mut self) -> Vec<Vec<u8>> {
        let Some(reader) = &mut self.reader else { return Vec::new() };
        let sql = "SELECT number, bytes FROM operations WHERE number BETWEEN ?1 AND ?2 ORDER BY number";
        reader.scan("operations", "sqlite_autoindex_operations_1", sql, |row| row.get(1))
    }

    /// The entries that can be read, in the order in which they were kept. `space` is taken for the first space where the
    /// list of spaces cannot be read.
    #[must_use]
    pub fn entries(&mut self, space: &SpaceId) -> Vec<RescuedEntry> {
        let Some(reader) = &mut self.reader else { return Vec::new() };
        let mut spaces: BTreeMap<i64, SpaceId> = pairs(reader, "spaces", "id")
            .into_iter()
            .filter_map(|(number, id)| Some((number, SpaceId::from_slice(&id)?)))
            .collect();
        spaces.entry(1).or_insert(*space);
        let memberships: BTreeMap<i64, Vec<OperationHash>> = pairs(reader, "memberships", "heads")
            .into_iter()
            .map(|(number, bytes)| (number, heads(&bytes)))
            .collect();
        let mut documents: BTreeMap<i64, DocumentId> = pairs(reader, "documents", "id")
            .into_iter()
            .filter_map(|(number, id)| Some((number, DocumentId::from_slice(&id)?)))
            .collect();
        let sql = "SELECT number, id, space FROM writers WHERE number BETWEEN ?1 AND ?2 ORDER BY number";
        let rows = reader.scan("writers", "sqlite_autoindex_writers_1", sql, |row| {
            let (number, space): (i64, i64) = (row.get(0)?, row.get(2)?);
            Ok((number, (WriterId::new(row.get(1)?), space)))
        });
        let writers: BTreeMap<i64, (WriterId, i64)> = rows.into_iter().collect();

        let sql = "SELECT number, writer, position, kind, document, hybrid, local_at, local_offset, membership, content,
                       nonce, detached, detached_hash, body, packed, names_membership, signature, section
                   FROM entries WHERE number BETWEEN ?1 AND ?2 ORDER BY number";
        let mut raws = reader.scan("entries", "entries_by_position", sql, Raw::read);
        let sql = "SELECT number, bytes FROM sections WHERE number BETWEEN ?1 AND ?2 ORDER BY number";
        let sections = reader
            .scan("sections", "sections_of_closing", sql, |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)));
        fill(&mut raws, sections);
        // The id of a document follows from the entry that creates it.
        for raw in &raws {
            if let (EntryKind::Create, Some(document), Some(nonce), Some((writer, space))) =
                (raw.entry.header.kind, raw.document, &raw.entry.nonce, writers.get(&raw.writer))
                && let Some(space) = spaces.get(space)
            {
                let id = document_id(space, writer, raw.entry.position, nonce);
                documents.entry(document).or_insert(id);
            }
        }
        let mut entries = Vec::with_capacity(raws.len());
        for mut raw in raws {
            let Some((writer, space)) = writers.get(&raw.writer) else { continue };
            let Some(space) = spaces.get(space) else { continue };
            if let Some(number) = raw.document {
                let Some(id) = documents.get(&number) else { continue };
                raw.entry.header.document = Some(*id);
            }
            if raw.names_membership {
                let Some(heads) = memberships.get(&raw.membership) else { continue };
                raw.entry.header.membership = Some(heads.clone());
            }
            entries.push(RescuedEntry {
                number: raw.number as u64,
                space: *space,
                writer: *writer,
                entry: raw.entry,
                signature: raw.signature,
            });
        }
        entries
    }

    /// The attachments that were complete, as far as the list can be read.
    #[must_use]
    pub fn attachments(&mut self) -> Vec<(String, u64, [u8; 32])> {
        let Some(reader) = &mut self.reader else { return Vec::new() };
        let sql = "SELECT rowid, file, byte_len, table_hash FROM attachments
                   WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid";
        reader.scan("attachments", "sqlite_autoindex_attachments_1", sql, |row| {
            let len: i64 = row.get(2)?;
            Ok((row.get(1)?, len as u64, row.get(3)?))
        })
    }
}

/// Gives entries of closed periods their bodies. What lies in a section that cannot be read is lost, and left out.
fn fill(raws: &mut Vec<Raw>, sections: Vec<(i64, Vec<u8>)>) {
    let mut closed: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (index, raw) in raws.iter().enumerate() {
        if let Some(section) = raw.section {
            closed.entry(section).or_default().push(index);
        }
    }
    for (number, bytes) in sections {
        let Some(indexes) = closed.get(&number) else { continue };
        let Ok(section) = Section::decode(&bytes) else { continue };
        for index in indexes {
            let raw = &mut raws[*index];
            if let Some(body) = section.content(ContentName::Entry(raw.number)) {
                raw.entry.body = body.to_vec();
                raw.section = None;
            }
        }
    }
    raws.retain(|raw| raw.section.is_none());
}

/// A column of bytes by number.
fn pairs(reader: &mut Reader, table: &str, column: &str) -> BTreeMap<i64, Vec<u8>> {
    let sql = format!("SELECT number, {column} FROM {table} WHERE number BETWEEN ?1 AND ?2 ORDER BY number");
    let index = format!("sqlite_autoindex_{table}_1");
    reader.scan(table, &index, &sql, |row| Ok((row.get(0)?, row.get(1)?))).into_iter().collect()
}
