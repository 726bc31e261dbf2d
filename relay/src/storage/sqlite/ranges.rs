//! Sealed ranges, and the list of them.

use firsthand_ids::{Position, WriterPseudonym};
use firsthand_sync::relay::{
    ListDigest, Listed, MAX_PAGE, Order, Outcome, RangeHead, Refused, SealedDigest, UploaderId, rules,
};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::mailbox::{Mailbox, array, base, charge, purse, uploader};
use crate::RelayError;

/// A mailbox has at most so many ranges in its life: the serial is the lower half of a row's number.
pub(super) const SERIALS: i64 = 1 << 32;

/// How many bytes of ranges a page of the list brings along.
pub(super) const INLINE_BYTES: usize = 64 * 1024;

pub(super) fn place(mailbox: i64, serial: u64) -> i64 {
    mailbox
        .saturating_mul(SERIALS)
        .saturating_add(i64::try_from(serial).unwrap_or(SERIALS - 1).min(SERIALS - 1))
}

/// Positions fit: what is read from a client is at most the largest signed number.
pub(super) fn position(value: Position) -> i64 {
    value.0.cast_signed()
}

pub(super) fn head(row: &Row<'_>, serial: u64) -> rusqlite::Result<RangeHead> {
    Ok(RangeHead {
        serial,
        writer: WriterPseudonym::new(array(row, 1)?),
        from: Position(row.get::<_, i64>(2)?.cast_unsigned()),
        to: Position(row.get::<_, i64>(3)?.cast_unsigned()),
        len: row.get(4)?,
        digest: SealedDigest::new(array(row, 5)?),
    })
}

pub(super) const HEAD: &str =
    "SELECT r.place, w.pseudonym, r.first, r.last, length(r.sealed), r.digest, r.list, u.name
     FROM ranges r JOIN writers w ON w.id = r.writer JOIN uploaders u ON u.id = r.uploader";

pub(super) fn list(
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

pub(super) fn put(
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

/// Works the digests of a list out again after ranges of it have gone.
pub(super) fn relist(tx: &Transaction<'_>, mailbox: i64) -> Result<(), RelayError> {
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

pub(super) fn read(tx: &Transaction<'_>, mailbox: i64, serial: u64) -> Result<Outcome, RelayError> {
    let mut statement = tx.prepare_cached(&format!("{HEAD} WHERE r.place = ?1"))?;
    let at = place(mailbox, serial);
    let found =
        (serial < SERIALS.cast_unsigned()).then(|| statement.query_row([at], |row| head(row, serial)));
    Ok(match found.transpose().optional()?.flatten() {
        Some(head) => {
            let mut one = tx.prepare_cached("SELECT sealed FROM ranges WHERE place = ?1")?;
            Outcome::Range(head, one.query_row([at], |row| row.get(0))?)
        }
        None => Outcome::Missing,
    })
}
