mod blobs;
mod mailbox;
mod ranges;
mod snapshot;

use std::path::Path;

use firsthand_channel::ExchangeSecret;
use firsthand_ids::UnixMillis;
use firsthand_sync::relay::{BlobKind, Order, Outcome, Refused, rules};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use zeroize::Zeroize;

use self::blobs::{has_blob, keep, remove};
use self::mailbox::{base, enter, mailbox, register, set_base};
use self::ranges::{list, place, put, was_at};
use self::snapshot::replace;
use super::{Grant, Holdings, Storage, Swept};
use crate::RelayError;

const SCHEMA: &str = include_str!("../schema.sql");

const VERSION: i64 = 1;

/// Storage in one SQLite file. Everything in it is sealed, so the file itself is not.
pub struct SqliteStorage {
    connection: Connection,
}

impl SqliteStorage {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// Any [`RelayError`] of the database.
    pub fn open(path: &Path) -> Result<Self, RelayError> {
        let mut connection = Connection::open(path)?;
        // Pages of 32 KiB: rows of 1 KB leave less of a page empty.
        connection.pragma_update(None, "page_size", 32 * 1024)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        for (pragma, value) in [
            ("synchronous", "FULL"),
            ("fullfsync", "ON"),
            ("checkpoint_fullfsync", "ON"),
            ("foreign_keys", "OFF"),
            ("trusted_schema", "OFF"),
            ("cell_size_check", "ON"),
            ("secure_delete", "ON"),
            ("temp_store", "MEMORY"),
            ("busy_timeout", "5000"),
        ] {
            connection.execute_batch(&format!("PRAGMA {pragma} = {value}"))?;
        }
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > VERSION {
            return Err(RelayError::Newer);
        }
        if version == 0 {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
        }
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self { connection })
    }

    /// The relay's key, made at the first start and kept ever after: clients have pinned it.
    ///
    /// # Errors
    /// Any [`RelayError`] of the database.
    pub fn key(&mut self, make: impl FnOnce() -> ExchangeSecret) -> Result<ExchangeSecret, RelayError> {
        let kept: Option<Vec<u8>> = self
            .connection
            .query_row("SELECT secret FROM relay WHERE only = 1", [], |row| row.get(0))
            .optional()?;
        if let Some(mut kept) = kept {
            let bytes: Result<[u8; 32], _> = kept.as_slice().try_into();
            kept.zeroize();
            return Ok(ExchangeSecret::from_bytes(bytes.map_err(|_| RelayError::Damaged)?));
        }
        let secret = make();
        self.connection.execute("INSERT INTO relay (only, secret) VALUES (1, ?1)", [secret.as_bytes()])?;
        Ok(secret)
    }

    /// Whether anybody could register a mailbox already.
    ///
    /// # Errors
    /// Any [`RelayError`] of the database.
    pub fn has_tokens(&self) -> Result<bool, RelayError> {
        Ok(self.connection.query_row("SELECT EXISTS (SELECT 1 FROM tokens)", [], |row| row.get(0))?)
    }
}

/// Writes a copy of a relay's file, while the relay goes on: all that was acknowledged when it began.
///
/// # Errors
/// Any [`RelayError`]; a file that is there already is not overwritten.
pub fn backup(from: &Path, to: &Path) -> Result<(), RelayError> {
    if to.exists() {
        let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(RelayError::Io { what: "write the backup", source });
    }
    let text = to.to_str().ok_or(RelayError::Damaged)?;
    // The copy holds the relay's key: nobody else may read it, from its first byte on.
    crate::data::create_private(to)?;
    let connection = Connection::open_with_flags(from, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch("PRAGMA busy_timeout = 5000")?;
    connection.execute("VACUUM INTO ?1", [text])?;
    let file = std::fs::File::open(to).map_err(RelayError::io("write the backup"))?;
    file.sync_all().map_err(RelayError::io("write the backup"))
}

fn one(tx: &Transaction<'_>, now: UnixMillis, order: &Order) -> Result<Outcome, RelayError> {
    if matches!(order, Order::Register { .. }) {
        return register(tx, now, order);
    }
    let Some(mut mailbox) = mailbox(tx, &order.mailbox())? else { return Ok(Outcome::NoMailbox) };
    let done = Outcome::Done { serial: 0, new: false };
    Ok(match order {
        Order::Register { .. } => Outcome::Failed,
        Order::Enter { uploader, seen, .. } => enter(tx, now, &mailbox, uploader, *seen)?,
        Order::SetBase { base: new, .. } => {
            if mailbox.serial > 0 || mailbox.snapshot.is_some() || !base(tx, mailbox.id)?.0.is_empty() {
                return Ok(Outcome::Refused(Refused::NotNow));
            }
            set_base(tx, mailbox.id, new)?;
            done
        }
        Order::Put { uploader, .. } => put(tx, &mut mailbox, uploader, order)?,
        Order::Keep { uploader, kind, id, sealed, .. } => {
            keep(tx, now, &mailbox, uploader, (*kind, id, sealed))?
        }
        Order::Propose { uploader, proposal, snapshot, base, .. } => {
            snapshot::propose(tx, now, &mailbox, uploader, (proposal, snapshot, base))?
        }
        Order::Confirm { uploader, proposal, .. } => {
            snapshot::confirm(tx, now, &mailbox, uploader, proposal)?
        }
        Order::List { after, digest, inline, uploader, .. } => {
            Outcome::Listed(list(tx, &mailbox, (*after, *digest), *inline, uploader)?)
        }
        Order::Recall { points, .. } => {
            let there = points.iter().map(|point| was_at(tx, &mailbox, *point));
            Outcome::Found(there.collect::<Result<_, _>>()?)
        }
        Order::Read { serial, .. } => ranges::read(tx, mailbox.id, *serial)?,
        Order::Seek { ids, .. } => {
            let there = ids.iter().map(|id| has_blob(tx, mailbox.id, id));
            Outcome::Found(there.collect::<Result<_, _>>()?)
        }
        Order::Fetch { id, .. } => blobs::fetch(tx, mailbox.id, id)?,
        Order::Boxes { .. } => blobs::boxes(tx, mailbox.id)?,
    })
}

fn ids(tx: &Transaction<'_>, query: &str, value: i64) -> Result<Vec<i64>, RelayError> {
    let mut statement = tx.prepare(query)?;
    let ids = statement.query_map([value], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

impl Storage for SqliteStorage {
    fn carry_out(&mut self, now: UnixMillis, orders: &[Order]) -> Result<Vec<Outcome>, RelayError> {
        // Orders that only read take no lock that a backup would wait for.
        let writes = orders.iter().any(Order::writes);
        let behavior = if writes { TransactionBehavior::Immediate } else { TransactionBehavior::Deferred };
        let tx = self.connection.transaction_with_behavior(behavior)?;
        let outcomes = orders.iter().map(|order| one(&tx, now, order)).collect::<Result<_, _>>()?;
        tx.commit()?;
        Ok(outcomes)
    }

    fn grant(&mut self, kept: [u8; 32], grant: Grant) -> Result<(), RelayError> {
        let Grant { mailboxes, bytes, until } = grant;
        self.connection.execute(
            "INSERT OR REPLACE INTO tokens (kept, mailboxes, bytes, until) VALUES (?1, ?2, ?3, ?4)",
            params![kept, mailboxes, i64::try_from(bytes).unwrap_or(i64::MAX), until.0],
        )?;
        Ok(())
    }

    fn sweep(&mut self, now: UnixMillis) -> Result<Swept, RelayError> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut swept = Swept::default();
        let ago = |kept: i64| now.0.saturating_sub(kept);
        for id in ids(&tx, "SELECT id FROM mailboxes WHERE seen <= ?1", ago(rules::IDLE_MS))? {
            tx.execute(
                "DELETE FROM ranges WHERE place > ?1 AND place <= ?2",
                [place(id, 0), place(id, u64::MAX)],
            )?;
            tx.execute("DELETE FROM ends WHERE writer IN (SELECT id FROM writers WHERE mailbox = ?1)", [id])?;
            for table in ["blobs", "writers", "uploaders", "proposals"] {
                tx.execute(&format!("DELETE FROM {table} WHERE mailbox = ?1"), [id])?;
            }
            tx.execute("DELETE FROM mailboxes WHERE id = ?1", [id])?;
            swept.mailboxes += 1;
        }
        for id in ids(&tx, "SELECT mailbox FROM proposals WHERE due <= ?1", now.0)? {
            swept.ranges += replace(&tx, id)?;
        }
        for (kind, kept) in [(BlobKind::Chunk, rules::CHUNK_MS), (BlobKind::Boxes, rules::BOXES_MS)] {
            swept.blobs +=
                remove(&tx, "blobs", "kind = ?1 AND at <= ?2", &[kind.number().into(), ago(kept)])?;
        }
        tx.commit()?;
        Ok(swept)
    }

    fn holdings(&mut self) -> Result<Holdings, RelayError> {
        let held = self.connection.query_row(
            "SELECT (SELECT count(*) FROM mailboxes), (SELECT count(*) FROM ranges),
                    (SELECT count(*) FROM blobs), (SELECT coalesce(sum(used), 0) FROM mailboxes)",
            [],
            |row| {
                Ok(Holdings {
                    mailboxes: row.get(0)?,
                    ranges: row.get(1)?,
                    blobs: row.get(2)?,
                    bytes: row.get(3)?,
                })
            },
        )?;
        Ok(held)
    }
}
