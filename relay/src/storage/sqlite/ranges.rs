//! Sealed ranges, and the list of them.

use firsthand_ids::{Position, WriterPseudonym};
use firsthand_sync::relay::{
    ListDigest, ListPoint, Listed, MAX_PAGE, Order, Outcome, RangeHead, Refused, SealedDigest, UploaderId,
    rules,
};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::mailbox::{Mailbox, array, base, charge, purse, uploader};
use crate::RelayError;

/// A mailbox has at most so many ranges in its life: the serial is the lower half of a row's number.
pub(super) const SERIALS: i64 = 1 << 32;

/// A row keeps the digest of a range larger than this. A smaller one lies in the page that is read for its row, and a digest
/// beside each would be a sixtieth of a relay that is full of them.
const DIGEST_KEPT: usize = 4 * 1024;

/// One of so many rows keeps the digest of the list up to it. From there it is worked out.
const LIST_KEPT: u64 = 16;

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
        digest: digest(row, 5)?,
    })
}

/// A range's digest, of the column that keeps it and of the one behind that, which has the range where it is not kept.
fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<SealedDigest> {
    match row.get(column)? {
        Some(kept) => Ok(SealedDigest::new(kept)),
        None => Ok(SealedDigest::of(row.get_ref(column + 1)?.as_blob()?)),
    }
}

pub(super) const HEAD: &str = "SELECT r.place, w.pseudonym, r.first, r.last, length(r.sealed), r.digest,
            CASE WHEN r.digest IS NULL THEN r.sealed END, u.name
     FROM ranges r JOIN writers w ON w.id = r.writer JOIN uploaders u ON u.id = r.uploader";

pub(super) fn list(
    tx: &Transaction<'_>,
    mailbox: &Mailbox,
    (after, digest): (u64, ListDigest),
    inline: usize,
    asker: &UploaderId,
) -> Result<Listed, RelayError> {
    let anew = !was_at(tx, mailbox, ListPoint { serial: after, digest })?;
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
        let len = head.len as usize;
        let others = UploaderId::new(array(row, 7)?) != *asker;
        let sealed = if others && len <= inline && len <= room {
            room -= len;
            let mut one = tx.prepare_cached("SELECT sealed FROM ranges WHERE place = ?1")?;
            Some(one.query_row([at], |row| row.get(0))?)
        } else {
            None
        };
        page.digest = page.digest.then(&head);
        page.ranges.push((head, sealed));
    }
    Ok(page)
}

/// Whether the list has been at a place.
pub(super) fn was_at(tx: &Transaction<'_>, mailbox: &Mailbox, point: ListPoint) -> Result<bool, RelayError> {
    let digest = match point.serial {
        0 => Some(ListDigest::default()),
        serial if serial == mailbox.serial => Some(mailbox.list),
        serial if serial > mailbox.serial => None,
        serial => list_up_to(tx, mailbox, serial)?,
    };
    Ok(digest == Some(point.digest))
}

/// The digest of the list up to a range; nothing where that is not there.
fn list_up_to(
    tx: &Transaction<'_>,
    mailbox: &Mailbox,
    serial: u64,
) -> Result<Option<ListDigest>, RelayError> {
    let (start, end) = (place(mailbox.id, 0), place(mailbox.id, serial));
    let kept: Option<(i64, [u8; 8])> = tx
        .prepare_cached(
            "SELECT place, list FROM ranges WHERE place > ?1 AND place <= ?2 AND list IS NOT NULL
             ORDER BY place DESC LIMIT 1",
        )?
        .query_row([start, end], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (mut at, mut digest) =
        kept.map_or((start, ListDigest::default()), |(place, list)| (place, ListDigest(list)));
    let mut heads =
        tx.prepare_cached(&format!("{HEAD} WHERE r.place > ?1 AND r.place <= ?2 ORDER BY r.place"))?;
    let mut rows = heads.query([at, end])?;
    while let Some(row) = rows.next()? {
        at = row.get(0)?;
        digest = digest.then(&head(row, (at - start).cast_unsigned())?);
    }
    Ok((at == end).then_some(digest))
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
            "SELECT r.place, r.last, u.name, r.digest, CASE WHEN r.digest IS NULL THEN r.sealed END
             FROM ranges r JOIN uploaders u ON u.id = r.uploader WHERE r.writer = ?1 AND r.first = ?2",
        )?;
        let mut rows = statement.query(params![id, position(*from)])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(1)? == position(*to) && self::digest(row, 3)? == digest {
                let serial = (row.get::<_, i64>(0)? - place(mailbox.id, 0)).cast_unsigned();
                return Ok(Outcome::Done { serial, new: false });
            }
            beginning.push(UploaderId::new(array(row, 2)?));
        }
        continues = base == before
            || base < before
                && (!beginning.is_empty()
                    || tx
                        .prepare_cached("SELECT EXISTS (SELECT 1 FROM ends WHERE writer = ?1 AND last = ?2)")?
                        .query_row(params![id, before], |row| row.get(0))?);
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
        (sealed.len() > DIGEST_KEPT).then(|| digest.as_bytes()),
        mailbox.serial.is_multiple_of(LIST_KEPT).then_some(mailbox.list.0),
        sealed
    ])?;
    tx.prepare_cached("DELETE FROM ends WHERE writer = ?1 AND last = ?2")?.execute([writer, before])?;
    tx.prepare_cached(
        "INSERT OR IGNORE INTO ends (writer, last)
         SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM ranges WHERE writer = ?1 AND first = ?2 + 1)",
    )?
    .execute([writer, position(*to)])?;
    tx.prepare_cached("UPDATE mailboxes SET used = ?2, serial = ?3, list = ?4 WHERE id = ?1")?
        .execute(params![mailbox.id, mailbox.used, mailbox.serial, mailbox.list.0])?;
    charge(tx, who_row.id, sealed.len())?;
    Ok(Outcome::Done { serial: mailbox.serial, new: true })
}

/// Works the digests of a list out again after ranges of it have gone.
pub(super) fn relist(tx: &Transaction<'_>, mailbox: i64) -> Result<(), RelayError> {
    let mut heads = tx.prepare(&format!("{HEAD} WHERE r.place > ?1 AND r.place <= ?2 ORDER BY r.place"))?;
    let mut update = tx.prepare("UPDATE ranges SET list = ?2 WHERE place = ?1")?;
    let (mut digest, mut count) = (ListDigest::default(), 0_u64);
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
            count += 1;
            update.execute(params![at, count.is_multiple_of(LIST_KEPT).then_some(digest.0)])?;
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
