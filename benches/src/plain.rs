//! The same tables in a database that is not encrypted, and the same statements on it.

use std::path::Path;

use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::Outcome;
use crate::device::KEY;

/// Bytes in a page, here and in the store.
const PAGE_BYTES: u32 = 4096;

/// The row of the list for a document, as the store reads it.
const ROW: &str = "SELECT i.id, i.space, i.effective, i.entry, i.author, i.short_prefix, i.short_number, i.title, \
     i.category, i.severity, i.urgency, i.certainty, i.status, i.followup, i.occurred_start, i.occurred_end, \
     i.reported, i.lat, i.lon, i.accuracy, i.conflicts, i.flags, i.hidden, \
     (SELECT count(*) FROM evidence AS a WHERE a.incident = i.id AND a.hidden = 0) \
     FROM incidents AS i WHERE i.document = ?1";

/// A filter of the list.
#[derive(Debug, Clone)]
pub(crate) enum Filter {
    None,
    /// From one instant until before another.
    Happened(i64, i64),
    /// South, north, west, east.
    Within(f64, f64, f64, f64),
    /// A query of the full-text index.
    Text(String),
}

/// A database opened beside the store.
pub(crate) struct Database(Connection);

impl Database {
    /// A home's database, through the same library and with its key.
    pub(crate) fn sealed(home: &Path) -> Outcome<Self> {
        let connection = Connection::open(home.join("store.db"))?;
        let key: String = database_key()?.iter().map(|byte| format!("{byte:02x}")).collect();
        connection.query_row(&format!("PRAGMA key = \"x'{key}'\""), [], |_| Ok(()))?;
        let page =
            format!("PRAGMA cipher_page_size = {PAGE_BYTES}; PRAGMA cipher_hmac_algorithm = HMAC_SHA256");
        connection.execute_batch(&page)?;
        Ok(Self(connection).settle()?)
    }

    /// A copy of it that is not encrypted, with pages of the same size.
    pub(crate) fn export(&self, to: &Path) -> Outcome<Self> {
        self.0.execute("ATTACH ?1 AS plain KEY ''", [to.to_str().ok_or("name a file")?])?;
        self.0.execute_batch(&format!("PRAGMA plain.page_size = {PAGE_BYTES}"))?;
        self.0.query_row("SELECT sqlcipher_export('plain')", [], |_| Ok(()))?;
        self.0.execute_batch("DETACH plain")?;
        let connection = Connection::open(to)?;
        let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        if page != PAGE_BYTES {
            return Err("export the database with its page size".into());
        }
        Ok(Self(connection).settle()?)
    }

    /// What the store sets that bears on reading.
    fn settle(self) -> rusqlite::Result<Self> {
        self.0.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        self.0.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192")?;
        Ok(self)
    }

    /// Reads a page of the list, newest first, and says how many rows it has. Every column is read.
    pub(crate) fn page(&self, filter: &Filter, limit: usize) -> Outcome<usize> {
        let (lead, condition, mut values) = match filter {
            Filter::None => ("INDEXED BY incidents_in_order", "", Vec::new()),
            Filter::Happened(from, until) => (
                "INDEXED BY incidents_by_happened",
                "AND i.happened >= ? AND i.happened < ?",
                vec![Value::from(*from), Value::from(*until)],
            ),
            Filter::Within(south, north, west, east) => (
                "NOT INDEXED",
                "AND i.document IN (SELECT document FROM incident_places
                     WHERE north >= ? AND south <= ? AND east >= ? AND west <= ?)
                 AND i.lat BETWEEN ? AND ? AND i.lon BETWEEN ? AND ?",
                [south, north, west, east, south, north, west, east].map(|it| Value::from(*it)).to_vec(),
            ),
            Filter::Text(words) => (
                "NOT INDEXED",
                "AND i.document IN (SELECT rowid FROM incident_text WHERE incident_text MATCH ?)",
                vec![Value::from(words.clone())],
            ),
        };
        values.push(Value::from(limit as i64));
        let mut find = self.0.prepare_cached(&format!(
            "SELECT i.document FROM incidents AS i {lead}
             WHERE true {condition} AND i.hidden = 0 ORDER BY i.effective DESC, i.entry DESC LIMIT ?"
        ))?;
        let mut row = self.0.prepare_cached(ROW)?;
        let columns = row.column_count();
        let mut page = Vec::new();
        let mut found = find.query(rusqlite::params_from_iter(values))?;
        while let Some(one) = found.next()? {
            let document: i64 = one.get(0)?;
            page.push(row.query_row([document], |row| {
                (0..columns).map(|column| row.get::<_, Value>(column)).collect::<Result<Vec<_>, _>>()
            })?);
        }
        Ok(page.len())
    }
}

/// The key of the database, derived from the home's data key as docs/formats/home.md says.
fn database_key() -> Outcome<[u8; 32]> {
    struct Len;
    impl KeyType for Len {
        fn len(&self) -> usize {
            32
        }
    }
    let mut key = [0; 32];
    let filled = Salt::new(HKDF_SHA256, b"firsthand data key v1")
        .extract(&KEY)
        .expand(&[b"database"], Len)
        .and_then(|okm| okm.fill(&mut key));
    filled.map_err(|_| "derive the key of the database")?;
    Ok(key)
}
