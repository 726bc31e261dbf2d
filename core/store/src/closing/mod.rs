//! Closing a period: the contents of old entries, and the documents made of them, are compressed many together, and what they took is
//! free.
//!
//! Nothing that anybody reads changes by it. An entry keeps its row, with every field that its hash covers, its signature and its
//! detached part; only the body moves into a [section](section). So it is a matter of this device alone.

mod section;

use std::collections::BTreeMap;
use std::sync::Arc;

use firsthand_ids::{ChangeHash, DocumentId, UnixMillis};
use firsthand_log::compress::decompress_document;
use firsthand_log::{EntryKind, content_hash};
use rusqlite::{OptionalExtension, Row, Transaction, TransactionBehavior, params};

use crate::read::{MAX_DOCUMENT_BYTES, unpack};
use crate::store::COMMITS;
use crate::write::write_setting;
use crate::{Store, StoreError, cache, database};
pub(crate) use section::Shelf;
pub use section::{ContentName, Section};
use section::{MAX_CONTENT_BYTES, SECTION_BYTES};

const DAMAGED: StoreError = StoreError::Damaged { what: "a section of a closed period" };

/// The rows that [`closed`] reads.
macro_rules! periods {
    () => {
        "SELECT number, until, begun, documents, entries, content_before, database_before, database_after,
             (SELECT coalesce(sum(length(bytes)), 0) FROM sections WHERE closing = c.number)
         FROM closings AS c"
    };
}

/// A period that was closed, or is being closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClosedPeriod {
    /// Everything about a closed document is from before this time, by the order for people.
    pub until: UnixMillis,
    /// When it was begun, by this device's clock.
    pub begun: UnixMillis,
    /// Documents that were closed.
    pub documents: u64,
    /// Their entries.
    pub entries: u64,
    /// Bytes that the contents took in rows of their own.
    pub content_before: u64,
    /// Bytes that they take together.
    pub content_after: u64,
    /// Bytes of the whole database before.
    pub database_before: u64,
    /// And after; `None`: nothing was closed, or it was not finished.
    pub database_after: Option<u64>,
}

/// Whether a period is closed, or only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// Nothing is written; what is found says what would be.
    Preview,
    /// It is.
    Now,
}

/// A period that is being closed. Dropping it leaves what was closed closed.
#[derive(Debug)]
pub struct Closing {
    close: Close,
    /// Its row, once there is one.
    number: Option<i64>,
    /// What was done.
    period: ClosedPeriod,
    /// The document that was looked at last.
    after: i64,
    documents: i64,
}

impl Closing {
    /// What was done so far.
    #[must_use]
    pub const fn period(&self) -> &ClosedPeriod {
        &self.period
    }

    /// Whether nothing is written.
    #[must_use]
    pub fn is_preview(&self) -> bool {
        self.close == Close::Preview
    }

    /// How many documents were looked at, of how many.
    #[must_use]
    pub const fn progress(&self) -> (u64, u64) {
        (self.after as u64, self.documents as u64)
    }
}

/// What of one document moves into a section.
#[derive(Default)]
struct Moving {
    contents: Vec<(ContentName, Vec<u8>)>,
    entries: u64,
    /// Bytes in their rows.
    stored: u64,
}

impl Moving {
    fn plain(&self) -> usize {
        self.contents.iter().map(|(_, bytes)| bytes.len()).sum()
    }
}

/// What a section should have: whose content, and of an entry its kind and the hash of its body.
type Expected = (ContentName, Option<(u8, [u8; 32])>);

/// An entry of a document that may be closed.
struct Held {
    prior: Option<i64>,
    state: u8,
    effective: i64,
    kind: u8,
    content: [u8; 32],
    section: Option<i64>,
    packed: bool,
    body: Vec<u8>,
}

impl Held {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            prior: row.get(0)?,
            state: row.get(1)?,
            effective: row.get(2)?,
            kind: row.get(3)?,
            content: row.get(4)?,
            section: row.get(5)?,
            packed: row.get(6)?,
            body: row.get(7)?,
        })
    }
}

/// Whether a body is the one that the entry's hash covers.
fn is_body(kind: u8, content: &[u8; 32], body: &[u8]) -> bool {
    content_hash(EntryKind::from_number(kind), body) == ChangeHash::new(*content)
}

impl Store {
    /// Begins to close everything up to `until`, or goes on where that was not finished. Nothing is written yet.
    ///
    /// # Errors
    /// From the disk.
    pub fn begin_closing(
        &self,
        until: UnixMillis,
        now: UnixMillis,
        close: Close,
    ) -> Result<Closing, StoreError> {
        let documents =
            self.database
                .query_row("SELECT coalesce(max(number), 0) FROM documents", [], |row| row.get(0))?;
        let mut last = self.database.prepare_cached(concat!(
            periods!(),
            " WHERE until = ?1 AND database_after IS NULL ORDER BY number DESC LIMIT 1"
        ))?;
        let unfinished = last.query_row([until.0], |row| Ok((row.get(0)?, closed(row)?))).optional()?;
        let (number, period) = match unfinished.filter(|_| close == Close::Now) {
            Some((number, period)) => (Some(number), period),
            None => {
                let database_before = self.database_bytes()?;
                (None, ClosedPeriod { until, begun: now, database_before, ..ClosedPeriod::default() })
            }
        };
        Ok(Closing { close, number, period, after: 0, documents })
    }

    /// Closes some fifty documents, in one transaction. `false` once there are no more: then call [`Store::finish_closing`].
    ///
    /// A document is left as it is where something about it is from later, waits, is held or cannot be read.
    ///
    /// # Errors
    /// From the disk; what was closed before stays closed.
    pub fn close_next(&mut self, closing: &mut Closing) -> Result<bool, StoreError> {
        let mut moving = Moving::default();
        let (mut documents, mut plain, mut after) = (0, 0, closing.after);
        {
            let mut next = self.database.prepare_cached(
                "SELECT number, last_entry, saved, section FROM documents
                 WHERE number > ?1 AND kind IS NOT NULL AND creator IS NOT NULL ORDER BY number",
            )?;
            let mut rows = next.query([after])?;
            while let Some(row) = rows.next()? {
                let number: i64 = row.get(0)?;
                if let Some(found) = self.closable(closing.period.until, row)? {
                    if plain + found.plain() > SECTION_BYTES && plain > 0 {
                        break;
                    }
                    plain += found.plain();
                    documents += 1;
                    moving.entries += found.entries;
                    moving.stored += found.stored;
                    moving.contents.extend(found.contents);
                }
                after = number;
            }
        }
        closing.after = if documents == 0 { closing.documents.max(after) } else { after };
        if documents == 0 {
            return Ok(false);
        }
        let bytes = section::encode(&moving.contents)?;
        let mut period = closing.period;
        period.documents += documents;
        period.entries += moving.entries;
        period.content_before += moving.stored;
        period.content_after += bytes.len() as u64;
        if closing.close == Close::Now {
            // A battery pulled now takes it back whole, and nothing is lost: so it need not wait for the disk.
            database::wait_for_disk(&self.database, false)?;
            let written = self.move_contents(closing.number, &period, &moving.contents, &bytes);
            database::wait_for_disk(&self.database, true)?;
            closing.number = Some(written?);
        }
        closing.period = period;
        Ok(true)
    }

    /// What of a document is to move; `None` where it stays as it is.
    fn closable(&self, until: UnixMillis, row: &Row<'_>) -> Result<Option<Moving>, StoreError> {
        let (number, mut next): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
        let saved: Option<Vec<u8>> = row.get(2)?;
        let mut select = self.database.prepare_cached(
            "SELECT prior, state, effective, kind, content, section, packed, body FROM entries WHERE number = ?1",
        )?;
        let mut moving = Moving::default();
        while let Some(entry) = next {
            let held = select.query_row([entry], Held::read)?;
            if held.state != 0 || cache::from_ordered(held.effective).millis() >= until {
                return Ok(None);
            }
            next = held.prior.filter(|prior| *prior < entry);
            if held.section.is_some() {
                continue;
            }
            moving.stored += held.body.len() as u64;
            moving.entries += 1;
            let body = if held.packed { unpack(&held.body) } else { Ok(held.body) };
            // Where it is not what was written a check names it; nothing is moved that would hide it.
            let body = body.ok().filter(|body| is_body(held.kind, &held.content, body));
            let Some(body) = body else { return Ok(None) };
            moving.contents.push((ContentName::Entry(entry), body));
        }
        moving.contents.reverse();
        if let Some(saved) = saved {
            moving.stored += saved.len() as u64;
            let Ok(saved) = decompress_document(&saved, MAX_DOCUMENT_BYTES) else { return Ok(None) };
            moving.contents.push((ContentName::Document(number), saved));
        }
        let fits = moving.plain() <= MAX_CONTENT_BYTES && !moving.contents.is_empty();
        Ok(fits.then_some(moving))
    }

    /// Writes a section, reads it back, and only then empties the rows whose contents it has. Gives the number of the closing's row.
    fn move_contents(
        &mut self,
        closing: Option<i64>,
        period: &ClosedPeriod,
        contents: &[(ContentName, Vec<u8>)],
        bytes: &[u8],
    ) -> Result<i64, StoreError> {
        let transaction = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let closing = note(&transaction, closing, period)?;
        transaction
            .execute("INSERT INTO sections (closing, bytes) VALUES (?1, ?2)", params![closing, bytes])?;
        let number = transaction.last_insert_rowid();
        let section = load(&transaction, number)?;
        for (name, bytes) in contents {
            if section.content(*name) != Some(bytes) {
                return Err(DAMAGED);
            }
            let (update, row) = match name {
                ContentName::Entry(entry) => (
                    "UPDATE entries SET body = x'', packed = 0, section = ?1 WHERE number = ?2 AND section IS NULL",
                    entry,
                ),
                ContentName::Document(document) => {
                    ("UPDATE documents SET saved = NULL, section = ?1 WHERE number = ?2", document)
                }
            };
            if transaction.prepare_cached(update)?.execute(params![number, row])? != 1 {
                return Err(DAMAGED);
            }
        }
        transaction.commit()?;
        Ok(closing)
    }

    /// Makes the database as small as what it holds, where something was closed, and notes that the period is closed. All that is left is
    /// written anew, in memory first; for a moment the disk holds it twice.
    ///
    /// # Errors
    /// From the disk, [`StoreError::Full`] among them: the period is closed all the same, and the next closing does this.
    pub fn finish_closing(&mut self, closing: Closing) -> Result<ClosedPeriod, StoreError> {
        let Closing { close, number, mut period, .. } = closing;
        // Where nothing was closed there is nothing to free and nothing to list.
        if close == Close::Preview || number.is_none() {
            return Ok(period);
        }
        // No list of free pages tells what is to be gained: rows that were emptied leave pages that are not full.
        database::compact(&self.database)?;
        // The file becomes shorter once the log is moved into it.
        self.database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        period.database_after = Some(self.database_bytes()?);
        let commits = self.witness.head.commits + 1;
        let transaction = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write_setting(&transaction, COMMITS, &commits.to_le_bytes())?;
        if let Some((key, value)) = self.witness.noted(false) {
            write_setting(&transaction, key, value)?;
        }
        note(&transaction, number, &period)?;
        transaction.commit()?;
        self.witness.committed(commits, &self.cache, &[]);
        Ok(period)
    }

    /// The periods that were closed, in the order in which that was done.
    ///
    /// # Errors
    /// From the disk.
    pub fn closed_periods(&self) -> Result<Vec<ClosedPeriod>, StoreError> {
        let mut select = self.database.prepare_cached(concat!(periods!(), " ORDER BY number"))?;
        let rows = select.query_map([], closed)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a document is closed: nothing of it lies in rows of its own.
    ///
    /// # Errors
    /// From the disk.
    pub fn is_closed(&self, id: &DocumentId) -> Result<bool, StoreError> {
        let mut select = self.database.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM documents WHERE id = ?1 AND section IS NOT NULL)",
        )?;
        Ok(select.query_row([id.as_bytes()], |row| row.get(0))?)
    }

    /// Bytes of the database, whatever of it lies in the write-ahead log.
    fn database_bytes(&self) -> Result<u64, StoreError> {
        let pages: i64 = self.database.pragma_query_value(None, "page_count", |row| row.get(0))?;
        Ok(pages as u64 * u64::from(database::PAGE_BYTES))
    }

    /// A content that lies in a section.
    pub(crate) fn content(&self, section: i64, name: ContentName) -> Result<Vec<u8>, StoreError> {
        let section: Arc<Section> = self.shelf.section(section, || load(&self.database, section))?;
        section.content(name).map(<[u8]>::to_vec).ok_or(DAMAGED)
    }

    /// Reads every section and looks for everything that should lie in it. How many are wrong.
    pub(crate) fn check_sections(&self) -> Result<u64, StoreError> {
        let mut expected: BTreeMap<i64, Vec<Expected>> = BTreeMap::new();
        let mut entries = self
            .database
            .prepare("SELECT section, number, kind, content FROM entries WHERE section IS NOT NULL")?;
        let mut rows = entries.query([])?;
        while let Some(row) = rows.next()? {
            let (section, number): (i64, i64) = (row.get(0)?, row.get(1)?);
            let hash = Some((row.get(2)?, row.get(3)?));
            expected.entry(section).or_default().push((ContentName::Entry(number), hash));
        }
        let mut documents =
            self.database.prepare("SELECT section, number FROM documents WHERE section IS NOT NULL")?;
        let mut rows = documents.query([])?;
        while let Some(row) = rows.next()? {
            expected.entry(row.get(0)?).or_default().push((ContentName::Document(row.get(1)?), None));
        }
        let mut wrong = 0;
        for (number, contents) in expected {
            let sound = load(&self.database, number).is_ok_and(|section| {
                contents.iter().all(|(name, hash)| {
                    let content = section.content(*name);
                    content.is_some_and(|body| hash.is_none_or(|(kind, hash)| is_body(kind, &hash, body)))
                })
            });
            wrong += u64::from(!sound);
        }
        Ok(wrong)
    }
}

/// Writes the row of a closing; gives its number.
fn note(
    transaction: &Transaction<'_>,
    number: Option<i64>,
    period: &ClosedPeriod,
) -> Result<i64, StoreError> {
    let values = params![
        number,
        period.until.0,
        period.begun.0,
        period.documents as i64,
        period.entries as i64,
        period.content_before as i64,
        period.database_before as i64,
        period.database_after.map(|bytes| bytes as i64),
    ];
    transaction.execute(
        "INSERT INTO closings
             (number, until, begun, documents, entries, content_before, database_before, database_after)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (number) DO UPDATE SET documents = excluded.documents, entries = excluded.entries,
             content_before = excluded.content_before, database_after = excluded.database_after",
        values,
    )?;
    Ok(number.unwrap_or_else(|| transaction.last_insert_rowid()))
}

fn closed(row: &Row<'_>) -> rusqlite::Result<ClosedPeriod> {
    let number = |column: usize| row.get::<_, i64>(column).map(|number| number as u64);
    Ok(ClosedPeriod {
        until: UnixMillis(row.get(1)?),
        begun: UnixMillis(row.get(2)?),
        documents: number(3)?,
        entries: number(4)?,
        content_before: number(5)?,
        database_before: number(6)?,
        database_after: row.get::<_, Option<i64>>(7)?.map(|bytes| bytes as u64),
        content_after: number(8)?,
    })
}

/// Reads a section.
fn load(database: &rusqlite::Connection, number: i64) -> Result<Section, StoreError> {
    let mut select = database.prepare_cached("SELECT bytes FROM sections WHERE number = ?1")?;
    let bytes: Option<Vec<u8>> = select.query_row([number], |row| row.get(0)).optional()?;
    Section::decode(&bytes.ok_or(DAMAGED)?).map_err(|_| DAMAGED)
}
