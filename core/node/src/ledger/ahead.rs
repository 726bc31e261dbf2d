//! Rows of the list that go ahead of the entries, and those that came ahead.
//!
//! A device that lacks much sees what is on its way as soon as the meeting has begun. What it sees so far is somebody's
//! word: it is shown apart, and replaced by the record once that has come and verified.

use firsthand_ids::{DeviceKey, Position, SpaceId, UnixMillis, WriterId};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::compress::{compress_document, decompress_document};
use firsthand_log::{LogError, Vector};
use firsthand_record::ShortCode;
use firsthand_store::ExpectedRow;
use firsthand_sync::MAX_ROWS_BYTES;

use super::Ledger;
use crate::NodeError;

const VERSION: u8 = 1;
/// What the rows of one frame may take when they are not compressed.
const MAX_PLAIN_BYTES: usize = 8 * MAX_ROWS_BYTES;
/// More rows than [`MAX_ROWS_BYTES`] hold of the shortest that make sense.
const MAX_ROWS: usize = 8192;
/// A title has at most 120 characters of at most 4 bytes.
const MAX_TITLE_BYTES: usize = 480;
const MAX_CODE_BYTES: usize = 64;

/// An incident that is on its way here, as somebody who holds it tells. Not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedView {
    /// Its short code, as it is shown where no other one clashes.
    pub short_code: Option<String>,
    /// One line.
    pub title: String,
    /// The code of the category.
    pub category: Option<String>,
    /// The code of the severity.
    pub severity: Option<String>,
    /// The code of the status.
    pub status: Option<String>,
    /// When it began, or else when the team was told.
    pub happened: Option<UnixMillis>,
    /// Who told.
    pub told_by: String,
}

impl Ledger {
    /// Incidents that are on their way here and have not come yet, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn expected(&self, limit: usize) -> Result<Vec<ExpectedView>, NodeError> {
        let roster = self.membership.roster();
        let rows = self.store.expected(limit)?.into_iter().map(|(row, teller)| ExpectedView {
            short_code: row.short_code.map(|(prefix, number)| ShortCode { prefix, number }.to_string()),
            title: row.title,
            category: row.category,
            severity: row.severity,
            status: row.status,
            happened: row.happened,
            told_by: roster.member(&teller).map_or_else(|| teller.short(), |(_, member)| member.name.clone()),
        });
        Ok(rows.collect())
    }

    /// Rows for a receiver, compressed; fewer where they would take too much.
    pub(super) fn load_rows(
        &self,
        space: &SpaceId,
        receiver: &Vector,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        let mut rows = self.store.rows_ahead(space, receiver, limit.min(MAX_ROWS))?;
        while !rows.is_empty() {
            let plain = encode_rows(&rows);
            if plain.len() <= MAX_PLAIN_BYTES {
                let packed = compress_document(&plain)?;
                if packed.len() <= MAX_ROWS_BYTES {
                    return Ok(Some(packed));
                }
            }
            rows.truncate(rows.len() / 2);
        }
        Ok(None)
    }

    /// Keeps rows that a member sent. Rows that cannot be read are left out, all of them.
    pub(super) fn keep_rows(
        &mut self,
        space: &SpaceId,
        teller: &DeviceKey,
        packed: &[u8],
    ) -> Result<(), NodeError> {
        let rows = decode_rows(&decompress_document(packed, MAX_PLAIN_BYTES)?)?;
        Ok(self.store.expect(space, teller, &rows)?)
    }

    /// Whatever a device told of and did not bring is no longer on its way.
    pub(super) fn forget_rows(&mut self, teller: &DeviceKey) -> Result<(), NodeError> {
        let space = self.space;
        if self.store.expects() { Ok(self.store.expect(&space, teller, &[])?) } else { Ok(()) }
    }
}

/// The bytes of rows before compression, see docs/formats/sync.md.
#[must_use]
pub fn encode_rows(rows: &[ExpectedRow]) -> Vec<u8> {
    let mut writers: Vec<WriterId> = rows.iter().map(|row| row.writer).collect();
    writers.sort_unstable();
    writers.dedup();
    let mut out = Writer::new();
    out.byte(VERSION).number(writers.len() as u64);
    for writer in &writers {
        out.fixed(writer);
    }
    out.number(rows.len() as u64);
    let mut last = 0;
    for row in rows {
        let index = writers.binary_search(&row.writer).unwrap_or_default();
        out.number(index as u64).number(row.position.0);
        for code in [&row.severity, &row.status, &row.category] {
            out.sized(code.as_deref().unwrap_or_default().as_bytes());
        }
        match &row.short_code {
            Some((prefix, number)) => out.sized(prefix.as_bytes()).number(u64::from(*number)),
            None => out.sized(b""),
        };
        // Minutes are enough for a list.
        match row.happened.map(|at| at.0.div_euclid(60_000)) {
            Some(minute) => {
                out.byte(1).signed(minute - last);
                last = minute;
            }
            None => {
                out.byte(0);
            }
        }
        out.sized(row.title.as_bytes());
    }
    out.into_bytes()
}

/// Reads what [`encode_rows`] wrote; anybody may have written it.
///
/// # Errors
/// Any [`LogError`].
pub fn decode_rows(plain: &[u8]) -> Result<Vec<ExpectedRow>, LogError> {
    let mut reader = Reader::new(plain);
    if reader.byte("version")? != VERSION {
        return Err(LogError::Newer { what: "rows" });
    }
    let count = reader.count(Vector::MAX_WRITERS, "writers")?;
    let mut writers = Vec::with_capacity(count.min(64));
    for _ in 0..count {
        writers.push(WriterId::new(reader.array("writer")?));
    }
    let count = reader.count(MAX_ROWS, "rows")?;
    let mut rows = Vec::with_capacity(count.min(1024));
    let mut last = 0i64;
    for _ in 0..count {
        let index = reader.count(writers.len(), "writer")?;
        let writer = *writers.get(index).ok_or_else(|| reader.malformed("writer"))?;
        let position = Position(reader.number("position")?);
        if position == Position::START || i64::try_from(position.0).is_err() {
            return Err(reader.malformed("position"));
        }
        let [severity, status, category] = [(); 3].map(|()| code(&mut reader));
        let prefix = code(&mut reader)?;
        let short_code = match prefix {
            Some(prefix) => Some((prefix, reader.count(u32::MAX as usize, "number")? as u32)),
            None => None,
        };
        let happened = match reader.byte("time")? {
            0 => None,
            1 => {
                last = last.checked_add(reader.signed("time")?).ok_or_else(|| reader.malformed("time"))?;
                Some(UnixMillis(last.checked_mul(60_000).ok_or_else(|| reader.malformed("time"))?))
            }
            _ => return Err(reader.malformed("time")),
        };
        let title = reader.text(MAX_TITLE_BYTES, "title")?.to_owned();
        rows.push(ExpectedRow {
            writer,
            position,
            short_code,
            title,
            category: category?,
            severity: severity?,
            status: status?,
            happened,
        });
    }
    reader.finish("rows")?;
    Ok(rows)
}

fn code(reader: &mut Reader<'_>) -> Result<Option<String>, LogError> {
    let code = reader.text(MAX_CODE_BYTES, "code")?;
    Ok((!code.is_empty()).then(|| code.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<ExpectedRow> {
        let row = |writer, position, title: &str| ExpectedRow {
            writer: WriterId::new([writer; 16]),
            position: Position(position),
            short_code: Some(("K7".to_owned(), 14)),
            title: title.to_owned(),
            category: None,
            severity: Some("Severe".to_owned()),
            status: Some("open".to_owned()),
            happened: Some(UnixMillis(1_700_000_000_000 / 60_000 * 60_000)),
        };
        let bare = ExpectedRow { short_code: None, happened: None, severity: None, ..row(1, 3, "") };
        vec![row(2, 812, "Crowd at the bridge"), bare, row(1, 2, "تجمع عند الجسر")]
    }

    #[test]
    fn rows_have_these_bytes() {
        let bytes = encode_rows(&rows()[..1]);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let parts = [
            "01",                                       // version
            "01",                                       // one writer
            "02020202020202020202020202020202",         // its id
            "01",                                       // one row
            "00ac06",                                   // first writer, position 812
            "06536576657265",                           // severity
            "046f70656e",                               // status
            "00",                                       // no category
            "024b370e",                                 // K7, 14
            "01aad4821b",                               // the minute
            "1343726f77642061742074686520627269646765", // title
        ];
        assert_eq!(hex, parts.concat());
    }

    #[test]
    fn rows_come_back_and_every_cut_is_refused() {
        let bytes = encode_rows(&rows());
        assert_eq!(decode_rows(&bytes).unwrap(), rows());
        for end in 0..bytes.len() {
            assert!(decode_rows(&bytes[..end]).is_err(), "{end}");
        }
    }
}
