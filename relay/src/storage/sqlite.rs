use std::path::Path;

use firsthand_channel::ExchangeSecret;
use firsthand_ids::{ContentHash, DeviceKey, MailboxId, Position, UnixMillis, WriterPseudonym};
use firsthand_log::codec::{Reader, Writer};
use firsthand_sync::relay::{
    BlobKind, Entered, ListDigest, Listed, MAX_PAGE, MailboxBase, Order, Outcome, Pending, Purse, RangeHead,
    Refused, SealedDigest, UploaderId, rules,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use zeroize::Zeroize;

use super::{Grant, Holdings, Storage, Swept};
use crate::RelayError;

const SCHEMA: &str = include_str!("schema.sql");
const VERSION: i64 = 1;

/// A mailbox has at most so many ranges in its life: the serial is the lower half of a row's number.
const SERIALS: i64 = 1 << 32;

/// How many bytes of ranges a page of the list brings along.
const INLINE_BYTES: usize = 64 * 1024;

/// Storage in one SQLite file. Everything in it is sealed, so the file itself is not.
pub struct SqliteStorage {
    connection: Connection,
}

/// A mailbox's row.
struct Mailbox {
    id: i64,
    leads: DeviceKey,
    quota: u64,
    used: u64,
    serial: u64,
    list: ListDigest,
    snapshot: Option<ContentHash>,
}

/// An uploader's row; 0 for one whom the mailbox has no room for.
#[derive(Clone, Copy)]
struct Uploader {
    id: i64,
    first_seen: UnixMillis,
    used: u64,
}

impl SqliteStorage {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// Any [`RelayError`] of the database.
    pub fn open(path: &Path) -> Result<Self, RelayError> {
        let mut connection = Connection::open(path)?;
        // Pages of 16 KiB: rows of 1 KB leave less of a page empty.
        connection.pragma_update(None, "page_size", 16 * 1024)?;
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

fn array<const N: usize>(row: &Row<'_>, at: usize) -> rusqlite::Result<[u8; N]> {
    row.get(at)
}

fn millis(row: &Row<'_>, at: usize) -> rusqlite::Result<UnixMillis> {
    Ok(UnixMillis(row.get(at)?))
}

fn place(mailbox: i64, serial: u64) -> i64 {
    mailbox
        .saturating_mul(SERIALS)
        .saturating_add(i64::try_from(serial).unwrap_or(SERIALS - 1).min(SERIALS - 1))
}

/// Positions fit: what is read from a client is at most the largest signed number.
fn position(value: Position) -> i64 {
    value.0.cast_signed()
}

fn mailbox(tx: &Transaction<'_>, name: &MailboxId) -> Result<Option<Mailbox>, RelayError> {
    let mut statement = tx.prepare_cached(
        "SELECT id, leads, quota, used, serial, list, snapshot FROM mailboxes WHERE name = ?1",
    )?;
    let found = statement.query_row([name.as_bytes()], |row| {
        Ok(Mailbox {
            id: row.get(0)?,
            leads: DeviceKey::new(array(row, 1)?),
            quota: row.get(2)?,
            used: row.get(3)?,
            serial: row.get(4)?,
            list: ListDigest(array(row, 5)?),
            snapshot: row.get::<_, Option<[u8; 32]>>(6)?.map(ContentHash::new),
        })
    });
    Ok(found.optional()?)
}

fn uploader(tx: &Transaction<'_>, mailbox: i64, name: &UploaderId) -> Result<Option<Uploader>, RelayError> {
    let mut statement =
        tx.prepare_cached("SELECT id, first_seen, used FROM uploaders WHERE mailbox = ?1 AND name = ?2")?;
    let found = statement.query_row(params![mailbox, name.as_bytes()], |row| {
        Ok(Uploader { id: row.get(0)?, first_seen: millis(row, 1)?, used: row.get(2)? })
    });
    Ok(found.optional()?)
}

fn purse(mailbox: &Mailbox, uploader: Option<&Uploader>) -> Purse {
    let own = uploader.map_or(mailbox.quota, |uploader| uploader.used);
    Purse { used: mailbox.used, quota: mailbox.quota, own, share: rules::share(mailbox.quota) }
}

fn charge(tx: &Transaction<'_>, uploader: i64, len: usize) -> Result<(), RelayError> {
    tx.prepare_cached("UPDATE uploaders SET used = used + ?2 WHERE id = ?1")?
        .execute(params![uploader, rules::cost(len)])?;
    Ok(())
}

fn base(tx: &Transaction<'_>, mailbox: i64) -> Result<MailboxBase, RelayError> {
    let mut statement =
        tx.prepare_cached("SELECT pseudonym, base FROM writers WHERE mailbox = ?1 AND base > 0")?;
    let rows = statement.query_map([mailbox], |row| {
        Ok((WriterPseudonym::new(array(row, 0)?), Position(row.get::<_, i64>(1)?.cast_unsigned())))
    })?;
    Ok(MailboxBase(rows.collect::<Result<_, _>>()?))
}

fn set_base(tx: &Transaction<'_>, mailbox: i64, base: &MailboxBase) -> Result<(), RelayError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO writers (mailbox, pseudonym, base) VALUES (?1, ?2, ?3)
         ON CONFLICT (mailbox, pseudonym) DO UPDATE SET base = excluded.base",
    )?;
    for (writer, at) in &base.0 {
        statement.execute(params![mailbox, writer.as_bytes(), position(*at)])?;
    }
    Ok(())
}

fn decode_base(bytes: &[u8]) -> Result<MailboxBase, RelayError> {
    MailboxBase::decode(&mut Reader::new(bytes)).map_err(|_| RelayError::Damaged)
}

fn pending(tx: &Transaction<'_>, mailbox: i64) -> Result<Option<(Pending, i64, UnixMillis)>, RelayError> {
    let mut statement = tx.prepare_cached(
        "SELECT proposal, snapshot, base, due, uploader, at FROM proposals WHERE mailbox = ?1",
    )?;
    let row = statement
        .query_row([mailbox], |row| {
            let (proposal, snapshot) = (array(row, 0)?, ContentHash::new(array(row, 1)?));
            let (bytes, due) = (row.get::<_, Vec<u8>>(2)?, row.get::<_, Option<i64>>(3)?.map(UnixMillis));
            Ok((proposal, snapshot, bytes, due, row.get(4)?, millis(row, 5)?))
        })
        .optional()?;
    let Some((proposal, snapshot, bytes, due, by, at)) = row else { return Ok(None) };
    Ok(Some((Pending { proposal, snapshot, base: decode_base(&bytes)?, due }, by, at)))
}

fn head(row: &Row<'_>, serial: u64) -> rusqlite::Result<RangeHead> {
    Ok(RangeHead {
        serial,
        writer: WriterPseudonym::new(array(row, 1)?),
        from: Position(row.get::<_, i64>(2)?.cast_unsigned()),
        to: Position(row.get::<_, i64>(3)?.cast_unsigned()),
        len: row.get(4)?,
        digest: SealedDigest::new(array(row, 5)?),
    })
}

const HEAD: &str = "SELECT r.place, w.pseudonym, r.first, r.last, length(r.sealed), r.digest, r.list, u.name
     FROM ranges r JOIN writers w ON w.id = r.writer JOIN uploaders u ON u.id = r.uploader";

fn list(
    tx: &Transaction<'_>,
    mailbox: &Mailbox,
    (after, digest): (u64, ListDigest),
    inline: usize,
    asker: &UploaderId,
) -> Result<Listed, RelayError> {
    let seen = match after {
        0 => Some(ListDigest::default()),
        serial if serial == mailbox.serial => Some(mailbox.list),
        serial => tx
            .prepare_cached("SELECT list FROM ranges WHERE place = ?1")?
            .query_row([place(mailbox.id, serial)], |row| Ok(ListDigest(array(row, 0)?)))
            .optional()?,
    };
    let anew = seen != Some(digest);
    let restart = if anew || after == 0 { Some(base(tx, mailbox.id)?) } else { None };
    let begin = if anew { 0 } else { after };
    let mut page =
        Listed { restart, digest: if anew { ListDigest::default() } else { digest }, ..Listed::default() };
    let mut statement =
        tx.prepare_cached(&format!("{HEAD} WHERE r.place > ?1 AND r.place <= ?2 ORDER BY r.place LIMIT ?3"))?;
    let (first, last) = (place(mailbox.id, begin), place(mailbox.id, u64::MAX));
    let mut rows = statement.query(params![first, last, MAX_PAGE + 1])?;
    let mut room = INLINE_BYTES;
    while let Some(row) = rows.next()? {
        if page.ranges.len() == MAX_PAGE {
            page.more = true;
            break;
        }
        let at: i64 = row.get(0)?;
        let head = head(row, (at - place(mailbox.id, 0)).cast_unsigned())?;
        let (list, len) = (ListDigest(array(row, 6)?), head.len as usize);
        let others = UploaderId::new(array(row, 7)?) != *asker;
        let sealed = if others && len <= inline && len <= room {
            room -= len;
            let mut one = tx.prepare_cached("SELECT sealed FROM ranges WHERE place = ?1")?;
            Some(one.query_row([at], |row| row.get(0))?)
        } else {
            None
        };
        page.ranges.push((head, sealed));
        page.digest = list;
    }
    if !page.more {
        page.digest = mailbox.list;
    }
    Ok(page)
}

fn put(
    tx: &Transaction<'_>,
    mailbox: &mut Mailbox,
    who: &UploaderId,
    order: &Order,
) -> Result<Outcome, RelayError> {
    let Order::Put { writer: pseudonym, from, to, sealed, .. } = order else { return Ok(Outcome::Failed) };
    let who_row = uploader(tx, mailbox.id, who)?;
    let digest = SealedDigest::of(sealed);
    let writer: Option<(i64, i64)> = tx
        .prepare_cached("SELECT id, base FROM writers WHERE mailbox = ?1 AND pseudonym = ?2")?
        .query_row(params![mailbox.id, pseudonym.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let before = position(Position(from.0 - 1));
    let mut beginning = Vec::new();
    let mut continues = before == 0;
    if let Some((id, base)) = writer {
        let mut statement = tx.prepare_cached(
            "SELECT r.place, r.last, r.digest, u.name FROM ranges r JOIN uploaders u ON u.id = r.uploader
             WHERE r.writer = ?1 AND r.first = ?2",
        )?;
        let mut rows = statement.query(params![id, position(*from)])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(1)? == position(*to) && SealedDigest::new(array(row, 2)?) == digest {
                let serial = (row.get::<_, i64>(0)? - place(mailbox.id, 0)).cast_unsigned();
                return Ok(Outcome::Done { serial, new: false });
            }
            beginning.push(UploaderId::new(array(row, 3)?));
        }
        continues = base == before
            || tx
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM ranges WHERE writer = ?1 AND last = ?2)")?
                .query_row(params![id, before], |row| row.get(0))?;
    }
    let verdict = rules::put(continues, &beginning, who, &purse(mailbox, who_row.as_ref()), sealed.len());
    let (Some(who_row), Ok(())) = (who_row, verdict) else {
        return Ok(Outcome::Refused(verdict.err().unwrap_or(Refused::ShareUsed)));
    };
    if mailbox.serial.cast_signed() >= SERIALS - 1 {
        return Ok(Outcome::Refused(Refused::MailboxFull));
    }
    let writer = match writer {
        Some((id, _)) => id,
        None => {
            tx.prepare_cached("INSERT INTO writers (mailbox, pseudonym, base) VALUES (?1, ?2, 0)")?
                .execute(params![mailbox.id, pseudonym.as_bytes()])?;
            tx.last_insert_rowid()
        }
    };
    mailbox.serial += 1;
    let head = RangeHead {
        serial: mailbox.serial,
        writer: *pseudonym,
        from: *from,
        to: *to,
        len: sealed.len() as u32,
        digest,
    };
    mailbox.list = mailbox.list.then(&head);
    mailbox.used += rules::cost(sealed.len());
    tx.prepare_cached(
        "INSERT INTO ranges (place, writer, first, last, uploader, digest, list, sealed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        place(mailbox.id, mailbox.serial),
        writer,
        position(*from),
        position(*to),
        who_row.id,
        digest.as_bytes(),
        mailbox.list.0,
        sealed
    ])?;
    tx.prepare_cached("UPDATE mailboxes SET used = ?2, serial = ?3, list = ?4 WHERE id = ?1")?
        .execute(params![mailbox.id, mailbox.used, mailbox.serial, mailbox.list.0])?;
    charge(tx, who_row.id, sealed.len())?;
    Ok(Outcome::Done { serial: mailbox.serial, new: true })
}

fn keep(
    tx: &Transaction<'_>,
    now: UnixMillis,
    mailbox: &Mailbox,
    who: &UploaderId,
    (kind, id, sealed): (BlobKind, &ContentHash, &[u8]),
) -> Result<Outcome, RelayError> {
    let done = Outcome::Done { serial: 0, new: false };
    let there: Option<(i64, u8)> = tx
        .prepare_cached("SELECT id, kind FROM blobs WHERE mailbox = ?1 AND hash = ?2")?
        .query_row(params![mailbox.id, id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let was = there.and_then(|(_, kind)| BlobKind::from_number(kind));
    let becomes = was.is_none_or(|was| rules::becomes(was, kind));
    if becomes && kind == BlobKind::Boxes {
        let mut statement = tx.prepare_cached(
            "SELECT u.name FROM blobs b JOIN uploaders u ON u.id = b.uploader WHERE b.mailbox = ?1 AND b.kind = ?2",
        )?;
        let left = statement
            .query_map(params![mailbox.id, kind.number()], |row| Ok(UploaderId::new(array(row, 0)?)))?;
        if let Err(reason) = rules::leave_boxes(&left.collect::<Result<Vec<_>, _>>()?, who) {
            return Ok(Outcome::Refused(reason));
        }
    }
    if let Some((row, was)) = there {
        let kind = if becomes { kind.number() } else { was };
        tx.prepare_cached("UPDATE blobs SET at = ?2, kind = ?3 WHERE id = ?1")?
            .execute(params![row, now.0, kind])?;
        return Ok(done);
    }
    let who = uploader(tx, mailbox.id, who)?;
    let verdict = rules::afford(&purse(mailbox, who.as_ref()), sealed.len());
    let (Some(who), Ok(())) = (who, verdict) else {
        return Ok(Outcome::Refused(verdict.err().unwrap_or(Refused::ShareUsed)));
    };
    tx.prepare_cached(
        "INSERT INTO blobs (mailbox, hash, kind, uploader, at, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![mailbox.id, id.as_bytes(), kind.number(), who.id, now.0, sealed])?;
    tx.prepare_cached("UPDATE mailboxes SET used = used + ?2 WHERE id = ?1")?
        .execute(params![mailbox.id, rules::cost(sealed.len())])?;
    charge(tx, who.id, sealed.len())?;
    Ok(done)
}

fn register(tx: &Transaction<'_>, now: UnixMillis, order: &Order) -> Result<Outcome, RelayError> {
    let Order::Register { token, mailbox: name, leads } = order else { return Ok(Outcome::Failed) };
    if mailbox(tx, name)?.is_some() {
        return Ok(Outcome::Registered);
    }
    let grant: Option<(u32, u64)> = tx
        .prepare_cached("SELECT mailboxes, bytes FROM tokens WHERE kept = ?1 AND until > ?2")?
        .query_row(params![token, now.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let used: u32 = tx
        .prepare_cached("SELECT count(*) FROM mailboxes WHERE token = ?1")?
        .query_row([token], |row| row.get(0))?;
    let Some((_, quota)) = grant.filter(|(mailboxes, _)| used < *mailboxes) else {
        return Ok(Outcome::TokenRefused);
    };
    tx.prepare_cached(
        "INSERT INTO mailboxes (name, token, leads, quota, used, seen, serial, list) VALUES (?1, ?2, ?3, ?4, 0, ?5, 0, ?6)",
    )?
    .execute(params![name.as_bytes(), token, leads.as_bytes(), quota, now.0, ListDigest::default().0])?;
    Ok(Outcome::Registered)
}

fn enter(
    tx: &Transaction<'_>,
    now: UnixMillis,
    mailbox: &Mailbox,
    who: &UploaderId,
) -> Result<Outcome, RelayError> {
    tx.prepare_cached("UPDATE mailboxes SET seen = ?2 WHERE id = ?1")?.execute(params![mailbox.id, now.0])?;
    let mut row = uploader(tx, mailbox.id, who)?;
    if row.is_none() {
        let count: u64 = tx
            .prepare_cached("SELECT count(*) FROM uploaders WHERE mailbox = ?1")?
            .query_row([mailbox.id], |row| row.get(0))?;
        if count < rules::MAX_UPLOADERS {
            tx.prepare_cached(
                "INSERT INTO uploaders (mailbox, name, first_seen, used) VALUES (?1, ?2, ?3, 0)",
            )?
            .execute(params![mailbox.id, who.as_bytes(), now.0])?;
            row = uploader(tx, mailbox.id, who)?;
        }
    }
    let pending = pending(tx, mailbox.id)?.map(|(pending, ..)| pending);
    let purse = purse(mailbox, row.as_ref());
    let entered = Entered { serial: mailbox.serial, purse, snapshot: mailbox.snapshot, pending };
    Ok(Outcome::Entered { mailbox: entered, leads: mailbox.leads })
}

fn has_blob(tx: &Transaction<'_>, mailbox: i64, id: &ContentHash) -> Result<bool, RelayError> {
    let mut statement =
        tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM blobs WHERE mailbox = ?1 AND hash = ?2)")?;
    Ok(statement.query_row(params![mailbox, id.as_bytes()], |row| row.get(0))?)
}

fn one(tx: &Transaction<'_>, now: UnixMillis, order: &Order) -> Result<Outcome, RelayError> {
    if matches!(order, Order::Register { .. }) {
        return register(tx, now, order);
    }
    let Some(mut mailbox) = mailbox(tx, &order.mailbox())? else { return Ok(Outcome::NoMailbox) };
    let done = Outcome::Done { serial: 0, new: false };
    Ok(match order {
        Order::Register { .. } => Outcome::Failed,
        Order::Enter { uploader, .. } => enter(tx, now, &mailbox, uploader)?,
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
        Order::Propose { uploader: who, proposal, snapshot, base: new, .. } => {
            if !has_blob(tx, mailbox.id, snapshot)? {
                return Ok(Outcome::Refused(Refused::Missing));
            }
            if !new.covers(&base(tx, mailbox.id)?) {
                return Ok(Outcome::Refused(Refused::NotNow));
            }
            let by = uploader(tx, mailbox.id, who)?.map_or(0, |row| row.id);
            let mut out = Writer::new();
            new.encode(&mut out);
            tx.prepare_cached(
                "INSERT OR REPLACE INTO proposals (mailbox, proposal, snapshot, base, uploader, at, due)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL)",
            )?
            .execute(params![
                mailbox.id,
                proposal,
                snapshot.as_bytes(),
                out.as_bytes(),
                by,
                now.0
            ])?;
            done
        }
        Order::Confirm { uploader: who, proposal, .. } => {
            let pending = pending(tx, mailbox.id)?.filter(|(pending, ..)| pending.proposal == *proposal);
            let Some((_, by, at)) = pending else { return Ok(Outcome::Refused(Refused::Missing)) };
            let row = uploader(tx, mailbox.id, who)?;
            let proposer = if row.is_none_or(|row| row.id == by) { *who } else { UploaderId::new([0; 16]) };
            let first_seen = row.map_or(now, |row| row.first_seen);
            if let Err(reason) = rules::confirm(&proposer, at, who, first_seen) {
                return Ok(Outcome::Refused(reason));
            }
            tx.prepare_cached("UPDATE proposals SET due = ?2 WHERE mailbox = ?1 AND due IS NULL")?
                .execute(params![mailbox.id, now.0.saturating_add(rules::GRACE_MS)])?;
            done
        }
        Order::List { after, digest, inline, uploader, .. } => {
            Outcome::Listed(list(tx, &mailbox, (*after, *digest), *inline, uploader)?)
        }
        Order::Read { serial, .. } => {
            let mut statement = tx.prepare_cached(&format!("{HEAD} WHERE r.place = ?1"))?;
            let at = place(mailbox.id, *serial);
            let found = (*serial < SERIALS.cast_unsigned())
                .then(|| statement.query_row([at], |row| head(row, *serial)));
            match found.transpose().optional()?.flatten() {
                Some(head) => {
                    let mut one = tx.prepare_cached("SELECT sealed FROM ranges WHERE place = ?1")?;
                    Outcome::Range(head, one.query_row([at], |row| row.get(0))?)
                }
                None => Outcome::Missing,
            }
        }
        Order::Seek { ids, .. } => {
            let there = ids.iter().map(|id| has_blob(tx, mailbox.id, id));
            Outcome::Found(there.collect::<Result<_, _>>()?)
        }
        Order::Fetch { id, .. } => {
            let mut statement =
                tx.prepare_cached("SELECT sealed FROM blobs WHERE mailbox = ?1 AND hash = ?2")?;
            let found =
                statement.query_row(params![mailbox.id, id.as_bytes()], |row| row.get(0)).optional()?;
            found.map_or(Outcome::Missing, Outcome::Blob)
        }
        Order::Boxes { .. } => {
            let mut statement =
                tx.prepare_cached("SELECT hash FROM blobs WHERE mailbox = ?1 AND kind = ?2 ORDER BY id")?;
            let boxes = statement.query_map(params![mailbox.id, BlobKind::Boxes.number()], |row| {
                Ok(ContentHash::new(array(row, 0)?))
            })?;
            Outcome::Boxes(boxes.collect::<Result<_, _>>()?)
        }
    })
}

/// Removes rows of a table of sealed bytes and pays back what they were charged with.
fn remove(tx: &Transaction<'_>, table: &str, condition: &str, values: &[i64]) -> Result<u64, RelayError> {
    let cost = format!("length(sealed) + {}", rules::ROW_BYTES);
    let owners = format!("SELECT uploader, sum({cost}) FROM {table} WHERE {condition} GROUP BY uploader");
    let mut statement = tx.prepare(&owners)?;
    let refunds =
        statement.query_map(rusqlite::params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (uploader, bytes) in refunds.collect::<Result<Vec<(i64, i64)>, _>>()? {
        tx.execute("UPDATE uploaders SET used = max(0, used - ?2) WHERE id = ?1", [uploader, bytes])?;
        tx.execute(
            "UPDATE mailboxes SET used = max(0, used - ?2) WHERE id = (SELECT mailbox FROM uploaders WHERE id = ?1)",
            [uploader, bytes],
        )?;
    }
    let gone =
        tx.execute(&format!("DELETE FROM {table} WHERE {condition}"), rusqlite::params_from_iter(values))?;
    Ok(gone as u64)
}

/// Works the digests of a list out again after ranges of it have gone.
fn relist(tx: &Transaction<'_>, mailbox: i64) -> Result<(), RelayError> {
    let mut heads = tx.prepare(&format!("{HEAD} WHERE r.place > ?1 AND r.place <= ?2 ORDER BY r.place"))?;
    let mut update = tx.prepare("UPDATE ranges SET list = ?2 WHERE place = ?1")?;
    let mut digest = ListDigest::default();
    let (mut first, last) = (place(mailbox, 0), place(mailbox, u64::MAX));
    loop {
        // In parts: a row that is read is not changed meanwhile.
        let part = heads.query_map([first, last], |row| {
            let at: i64 = row.get(0)?;
            Ok((at, head(row, (at - place(mailbox, 0)).cast_unsigned())?))
        })?;
        let part = part.take(4096).collect::<Result<Vec<_>, _>>()?;
        let Some((end, _)) = part.last() else { break };
        first = *end;
        for (at, head) in &part {
            digest = digest.then(head);
            update.execute(params![at, digest.0])?;
        }
    }
    tx.execute("UPDATE mailboxes SET list = ?2 WHERE id = ?1", params![mailbox, digest.0])?;
    Ok(())
}

fn replace(tx: &Transaction<'_>, mailbox: i64) -> Result<u64, RelayError> {
    let Some((pending, _, at)) = pending(tx, mailbox)? else { return Ok(0) };
    set_base(tx, mailbox, &pending.base)?;
    let gone = remove(
        tx,
        "ranges",
        "writer IN (SELECT id FROM writers WHERE mailbox = ?1 AND base > 0)
         AND last <= (SELECT base FROM writers WHERE writers.id = ranges.writer)",
        &[mailbox],
    )?;
    relist(tx, mailbox)?;
    let before: Option<i64> =
        tx.query_row("SELECT snapshot_at FROM mailboxes WHERE id = ?1", [mailbox], |row| row.get(0))?;
    if let Some(before) = before {
        remove(
            tx,
            "blobs",
            "mailbox = ?1 AND kind = ?2 AND at <= ?3",
            &[mailbox, BlobKind::Snapshot.number().into(), before],
        )?;
    }
    tx.execute(
        "UPDATE mailboxes SET snapshot = ?2, snapshot_at = ?3 WHERE id = ?1",
        params![mailbox, pending.snapshot.as_bytes(), at.0],
    )?;
    tx.execute("DELETE FROM proposals WHERE mailbox = ?1", [mailbox])?;
    Ok(gone)
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
