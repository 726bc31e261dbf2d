//! The bytes of rows that go ahead, see docs/formats/sync.md.

use firsthand_ids::{Position, UnixMillis, WriterId};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::{LogError, Vector};
use firsthand_store::{ExpectedRosterRow, ExpectedRow};

use super::roster::{MAX_ROW_BYTES, RosterRow, cut};

const VERSION: u8 = 1;
/// More incidents than one frame holds of the shortest that make sense.
pub(super) const MAX_INCIDENTS: usize = 8192;
/// More people and shifts than a sender puts into one frame.
const MAX_ROSTER: usize = 1024;
/// A title has at most 120 characters of at most 4 bytes.
const MAX_TITLE_BYTES: usize = 480;
const MAX_CODE_BYTES: usize = 64;

/// Rows that go ahead in one frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AheadRows {
    /// Shifts and people, each a [`RosterRow`] in its bytes.
    pub roster: Vec<ExpectedRosterRow>,
    /// Incidents.
    pub incidents: Vec<ExpectedRow>,
}

impl AheadRows {
    pub(super) const fn is_empty(&self) -> bool {
        self.roster.is_empty() && self.incidents.is_empty()
    }
}

/// The bytes of rows before compression, see docs/formats/sync.md.
#[must_use]
pub fn encode_rows(rows: &AheadRows) -> Vec<u8> {
    let incidents = rows.incidents.iter().map(|row| row.writer);
    let mut writers: Vec<WriterId> = rows.roster.iter().map(|row| row.writer).chain(incidents).collect();
    writers.sort_unstable();
    writers.dedup();
    let mut out = Writer::new();
    out.byte(VERSION).number(writers.len() as u64);
    for writer in &writers {
        out.fixed(writer);
    }
    out.number(rows.roster.len() as u64);
    for row in &rows.roster {
        let index = writers.binary_search(&row.writer).unwrap_or_default();
        out.number(index as u64).number(row.position.0).sized(&row.row);
    }
    out.number(rows.incidents.len() as u64);
    let mut last = 0;
    for row in &rows.incidents {
        let index = writers.binary_search(&row.writer).unwrap_or_default();
        out.number(index as u64).number(row.position.0);
        for code in [&row.severity, &row.status, &row.category] {
            out.sized(cut(code.as_deref().unwrap_or_default(), MAX_CODE_BYTES));
        }
        match &row.short_code {
            Some((prefix, number)) => out.sized(cut(prefix, MAX_CODE_BYTES)).number(u64::from(*number)),
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
        out.sized(cut(&row.title, MAX_TITLE_BYTES));
    }
    out.into_bytes()
}

/// Reads what [`encode_rows`] wrote; anybody may have written it.
///
/// # Errors
/// Any [`LogError`].
pub fn decode_rows(plain: &[u8]) -> Result<AheadRows, LogError> {
    let mut reader = Reader::new(plain);
    if reader.byte("version")? != VERSION {
        return Err(LogError::Newer { what: "rows" });
    }
    let count = reader.count(Vector::MAX_WRITERS, "writers")?;
    let mut writers = Vec::with_capacity(count.min(64));
    for _ in 0..count {
        writers.push(WriterId::new(reader.array("writer")?));
    }
    let count = reader.count(MAX_ROSTER, "rows")?;
    let mut rows = AheadRows::default();
    for _ in 0..count {
        let (writer, position) = place(&mut reader, &writers)?;
        let row = reader.sized(MAX_ROW_BYTES, "row")?;
        RosterRow::decode(row)?;
        rows.roster.push(ExpectedRosterRow { writer, position, row: row.to_vec() });
    }
    let count = reader.count(MAX_INCIDENTS, "rows")?;
    let mut last = 0i64;
    for _ in 0..count {
        let (writer, position) = place(&mut reader, &writers)?;
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
        rows.incidents.push(ExpectedRow {
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

fn place(reader: &mut Reader<'_>, writers: &[WriterId]) -> Result<(WriterId, Position), LogError> {
    let index = reader.count(writers.len(), "writer")?;
    let writer = *writers.get(index).ok_or_else(|| reader.malformed("writer"))?;
    let position = Position(reader.number("position")?);
    if position == Position::START || i64::try_from(position.0).is_err() {
        return Err(reader.malformed("position"));
    }
    Ok((writer, position))
}

fn code(reader: &mut Reader<'_>) -> Result<Option<String>, LogError> {
    let code = reader.text(MAX_CODE_BYTES, "code")?;
    Ok((!code.is_empty()).then(|| code.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::{ExpectedAssignment, ExpectedPerson, ExpectedShift};
    use super::*;
    use firsthand_ids::{LocalTime, PersonId};

    fn incidents() -> Vec<ExpectedRow> {
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

    fn person() -> RosterRow {
        RosterRow::Person(ExpectedPerson {
            person: PersonId::new([7; 16]),
            name: "Amina".to_owned(),
            callsign: "K7".to_owned(),
            status: Some("active".to_owned()),
            languages: vec!["ar".to_owned()],
            skills: vec!["medic".to_owned()],
        })
    }

    fn shift() -> RosterRow {
        let at = |minute: i64| Some(LocalTime { at: UnixMillis(minute * 60_000), offset_minutes: 120 });
        let on = |person, buddy: Option<u8>| ExpectedAssignment {
            person: PersonId::new([person; 16]),
            role: "observer".to_owned(),
            buddy: buddy.map(|buddy| PersonId::new([buddy; 16])),
        };
        RosterRow::Shift(ExpectedShift {
            title: "East gate".to_owned(),
            team: "Harbour".to_owned(),
            area: vec![(1.5, -2.25), (0.0, 0.0)],
            place: "at the kiosk".to_owned(),
            risk: Some("yellow".to_owned()),
            status: 2,
            starts: at(28_333_333),
            ends: None,
            rule: Some((30, 15)),
            assignments: vec![on(7, Some(8)), on(8, None)],
        })
    }

    fn rows() -> AheadRows {
        let row = |position, row: &RosterRow| ExpectedRosterRow {
            writer: WriterId::new([1; 16]),
            position: Position(position),
            row: row.encode(),
        };
        AheadRows { roster: vec![row(40, &shift()), row(2, &person())], incidents: incidents() }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn rows_have_these_bytes() {
        let mut rows = rows();
        rows.roster.remove(0);
        rows.incidents.truncate(1);
        let parts = [
            "01",                                       // version
            "02",                                       // two writers
            "01010101010101010101010101010101",         // their ids
            "02020202020202020202020202020202",         //
            "01",                                       // one row of people and shifts
            "00022c",                                   // first writer, position 2, 44 bytes
            "01",                                       // a person
            "07070707070707070707070707070707",         // who
            "05416d696e61",                             // name
            "024b37",                                   // callsign
            "06616374697665",                           // status
            "01026172",                                 // one language
            "01056d65646963",                           // one skill
            "01",                                       // one incident
            "01ac06",                                   // second writer, position 812
            "06536576657265",                           // severity
            "046f70656e",                               // status
            "00",                                       // no category
            "024b370e",                                 // K7, 14
            "01aad4821b",                               // the minute
            "1343726f77642061742074686520627269646765", // title
        ];
        assert_eq!(hex(&encode_rows(&rows)), parts.concat());
    }

    #[test]
    fn a_shift_has_these_bytes() {
        let parts = [
            "02",                                 // a shift
            "09456173742067617465",               // title
            "07486172626f7572",                   // team
            "0c617420746865206b696f736b",         // place
            "0679656c6c6f77",                     // risk
            "02",                                 // active
            "01aad4821bf001",                     // starts: minute, offset
            "00",                                 // no end
            "011e0f",                             // every 30 minutes, 15 of grace
            "02c08db7019fd4920200",               // two corners, microdegrees
            "00",                                 //
            "02",                                 // two people
            "07070707070707070707070707070707",   //
            "086f62736572766572",                 // role
            "0108080808080808080808080808080808", // buddy
            "08080808080808080808080808080808",   //
            "086f6273657276657200",               // role, no buddy
        ];
        assert_eq!(hex(&shift().encode()), parts.concat());
    }

    #[test]
    fn rows_come_back_and_every_cut_is_refused() {
        let bytes = encode_rows(&rows());
        assert_eq!(decode_rows(&bytes).unwrap(), rows());
        for end in 0..bytes.len() {
            assert!(decode_rows(&bytes[..end]).is_err(), "{end}");
        }
        for row in [person(), shift()] {
            let bytes = row.encode();
            assert_eq!(RosterRow::decode(&bytes).unwrap(), row);
            for end in 0..bytes.len() {
                assert!(RosterRow::decode(&bytes[..end]).is_err(), "{end}");
            }
        }
    }

    #[test]
    fn what_is_too_long_is_cut_where_a_character_ends() {
        let long = "ب".repeat(400);
        let mut rows = AheadRows { roster: Vec::new(), incidents: incidents() };
        rows.incidents[0].title.clone_from(&long);
        let read = decode_rows(&encode_rows(&rows)).unwrap();
        assert_eq!(read.incidents[0].title, "ب".repeat(240));
        let RosterRow::Person(mut person) = person() else { unreachable!() };
        person.name = long;
        person.languages = vec!["ar".to_owned(); 100];
        let RosterRow::Person(read) = RosterRow::decode(&RosterRow::Person(person).encode()).unwrap() else {
            unreachable!()
        };
        assert_eq!((read.name.len(), read.languages.len()), (480, 16));
    }
}
