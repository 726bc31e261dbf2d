//! Snapshots: proposed, confirmed, and put in the place of the ranges that they cover.

use firsthand_ids::{ContentHash, UnixMillis};
use firsthand_log::codec::Writer;
use firsthand_sync::relay::{BlobKind, MailboxBase, Outcome, Pending, Refused, UploaderId, rules};
use rusqlite::{OptionalExtension, Transaction, params};

use super::blobs::{has_blob, remove};
use super::mailbox::{Mailbox, array, base, decode_base, millis, set_base, uploader};
use super::ranges::{place, relist};
use crate::RelayError;

pub(super) fn pending(
    tx: &Transaction<'_>,
    mailbox: i64,
) -> Result<Option<(Pending, i64, UnixMillis)>, RelayError> {
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

pub(super) fn replace(tx: &Transaction<'_>, mailbox: i64) -> Result<u64, RelayError> {
    let Some((pending, _, at)) = pending(tx, mailbox)? else { return Ok(0) };
    set_base(tx, mailbox, &pending.base)?;
    let gone = remove(
        tx,
        "ranges",
        "place > ?1 AND place <= ?2 AND last <= (SELECT base FROM writers WHERE writers.id = ranges.writer)",
        &[place(mailbox, 0), place(mailbox, u64::MAX)],
    )?;
    tx.execute(
        "DELETE FROM ends WHERE writer IN (SELECT id FROM writers WHERE mailbox = ?1)
         AND last <= (SELECT base FROM writers WHERE writers.id = ends.writer)",
        [mailbox],
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

pub(super) fn propose(
    tx: &Transaction<'_>,
    now: UnixMillis,
    mailbox: &Mailbox,
    who: &UploaderId,
    (proposal, snapshot, new): (&[u8; 32], &ContentHash, &MailboxBase),
) -> Result<Outcome, RelayError> {
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
    .execute(params![mailbox.id, proposal, snapshot.as_bytes(), out.as_bytes(), by, now.0])?;
    Ok(Outcome::Done { serial: 0, new: false })
}

pub(super) fn confirm(
    tx: &Transaction<'_>,
    now: UnixMillis,
    mailbox: &Mailbox,
    who: &UploaderId,
    proposal: &[u8; 32],
) -> Result<Outcome, RelayError> {
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
    Ok(Outcome::Done { serial: 0, new: false })
}
