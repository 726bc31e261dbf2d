//! What is kept under its hash: chunks of files, parts of snapshots, boxes.

use firsthand_ids::{ContentHash, UnixMillis};
use firsthand_sync::relay::{BlobKind, Outcome, Refused, UploaderId, rules};
use rusqlite::{OptionalExtension, Transaction, params};

use super::mailbox::{Mailbox, array, charge, purse, uploader};
use crate::RelayError;

pub(super) fn keep(
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

pub(super) fn has_blob(tx: &Transaction<'_>, mailbox: i64, id: &ContentHash) -> Result<bool, RelayError> {
    let mut statement =
        tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM blobs WHERE mailbox = ?1 AND hash = ?2)")?;
    Ok(statement.query_row(params![mailbox, id.as_bytes()], |row| row.get(0))?)
}

/// Removes rows of a table of sealed bytes and pays back what they were charged with.
pub(super) fn remove(
    tx: &Transaction<'_>,
    table: &str,
    condition: &str,
    values: &[i64],
) -> Result<u64, RelayError> {
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

pub(super) fn fetch(tx: &Transaction<'_>, mailbox: i64, id: &ContentHash) -> Result<Outcome, RelayError> {
    let mut statement = tx.prepare_cached("SELECT sealed FROM blobs WHERE mailbox = ?1 AND hash = ?2")?;
    let found = statement.query_row(params![mailbox, id.as_bytes()], |row| row.get(0)).optional()?;
    Ok(found.map_or(Outcome::Missing, Outcome::Blob))
}

pub(super) fn boxes(tx: &Transaction<'_>, mailbox: i64) -> Result<Outcome, RelayError> {
    let mut statement =
        tx.prepare_cached("SELECT hash FROM blobs WHERE mailbox = ?1 AND kind = ?2 ORDER BY id")?;
    let boxes = statement
        .query_map(params![mailbox, BlobKind::Boxes.number()], |row| Ok(ContentHash::new(array(row, 0)?)))?;
    Ok(Outcome::Boxes(boxes.collect::<Result<_, _>>()?))
}
