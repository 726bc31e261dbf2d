//! The rows of mailboxes and of those who bring something to them.

use firsthand_ids::{ContentHash, DeviceKey, MailboxId, Position, UnixMillis, WriterPseudonym};
use firsthand_log::codec::Reader;
use firsthand_sync::relay::{
    Entered, ListDigest, ListPoint, MailboxBase, Order, Outcome, Purse, UploaderId, rules,
};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::ranges::{position, was_at};
use super::snapshot::pending;
use crate::RelayError;

/// A mailbox's row.
pub(super) struct Mailbox {
    pub(super) id: i64,
    pub(super) leads: DeviceKey,
    pub(super) quota: u64,
    pub(super) used: u64,
    pub(super) serial: u64,
    pub(super) list: ListDigest,
    pub(super) snapshot: Option<ContentHash>,
}

/// An uploader's row; 0 for one whom the mailbox has no room for.
#[derive(Clone, Copy)]
pub(super) struct Uploader {
    pub(super) id: i64,
    pub(super) first_seen: UnixMillis,
    pub(super) used: u64,
}

pub(super) fn array<const N: usize>(row: &Row<'_>, at: usize) -> rusqlite::Result<[u8; N]> {
    row.get(at)
}

pub(super) fn millis(row: &Row<'_>, at: usize) -> rusqlite::Result<UnixMillis> {
    Ok(UnixMillis(row.get(at)?))
}

pub(super) fn mailbox(tx: &Transaction<'_>, name: &MailboxId) -> Result<Option<Mailbox>, RelayError> {
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

pub(super) fn uploader(
    tx: &Transaction<'_>,
    mailbox: i64,
    name: &UploaderId,
) -> Result<Option<Uploader>, RelayError> {
    let mut statement =
        tx.prepare_cached("SELECT id, first_seen, used FROM uploaders WHERE mailbox = ?1 AND name = ?2")?;
    let found = statement.query_row(params![mailbox, name.as_bytes()], |row| {
        Ok(Uploader { id: row.get(0)?, first_seen: millis(row, 1)?, used: row.get(2)? })
    });
    Ok(found.optional()?)
}

pub(super) fn purse(mailbox: &Mailbox, uploader: Option<&Uploader>) -> Purse {
    let own = uploader.map_or(mailbox.quota, |uploader| uploader.used);
    Purse { used: mailbox.used, quota: mailbox.quota, own, share: rules::share(mailbox.quota) }
}

pub(super) fn charge(tx: &Transaction<'_>, uploader: i64, len: usize) -> Result<(), RelayError> {
    tx.prepare_cached("UPDATE uploaders SET used = used + ?2 WHERE id = ?1")?
        .execute(params![uploader, rules::cost(len)])?;
    Ok(())
}

pub(super) fn base(tx: &Transaction<'_>, mailbox: i64) -> Result<MailboxBase, RelayError> {
    let mut statement =
        tx.prepare_cached("SELECT pseudonym, base FROM writers WHERE mailbox = ?1 AND base > 0")?;
    let rows = statement.query_map([mailbox], |row| {
        Ok((WriterPseudonym::new(array(row, 0)?), Position(row.get::<_, i64>(1)?.cast_unsigned())))
    })?;
    Ok(MailboxBase(rows.collect::<Result<_, _>>()?))
}

pub(super) fn set_base(tx: &Transaction<'_>, mailbox: i64, base: &MailboxBase) -> Result<(), RelayError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO writers (mailbox, pseudonym, base) VALUES (?1, ?2, ?3)
         ON CONFLICT (mailbox, pseudonym) DO UPDATE SET base = excluded.base",
    )?;
    for (writer, at) in &base.0 {
        statement.execute(params![mailbox, writer.as_bytes(), position(*at)])?;
    }
    Ok(())
}

pub(super) fn decode_base(bytes: &[u8]) -> Result<MailboxBase, RelayError> {
    MailboxBase::decode(&mut Reader::new(bytes)).map_err(|_| RelayError::Damaged)
}

pub(super) fn register(tx: &Transaction<'_>, now: UnixMillis, order: &Order) -> Result<Outcome, RelayError> {
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

pub(super) fn enter(
    tx: &Transaction<'_>,
    now: UnixMillis,
    mailbox: &Mailbox,
    who: &UploaderId,
    seen: ListPoint,
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
    let known = was_at(tx, mailbox, seen)?;
    let entered = Entered { serial: mailbox.serial, known, purse, snapshot: mailbox.snapshot, pending };
    Ok(Outcome::Entered { mailbox: entered, leads: mailbox.leads })
}
