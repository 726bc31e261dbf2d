//! One person or one shift that goes ahead.

use firsthand_ids::{LocalTime, PersonId, UnixMillis};
use firsthand_log::LogError;
use firsthand_log::codec::{Reader, Writer};

const PERSON: u8 = 1;
const SHIFT: u8 = 2;

/// The longest row: a shift with as much of everything as is read.
pub(super) const MAX_ROW_BYTES: usize = 16 * 1024;
/// Names, titles and places: 120 characters of at most 4 bytes.
const MAX_TEXT_BYTES: usize = 480;
const MAX_CODE_BYTES: usize = 64;
const MAX_CODES: usize = 16;
/// Corners of an area; of one with more, none go ahead, since fewer corners are another area.
const MAX_CORNERS: usize = 64;
const MAX_ASSIGNMENTS: usize = 100;
/// The furthest that a shift comes.
const DEBRIEFED: u8 = 4;
const MICRODEGREES: f64 = 1_000_000.0;

/// A row of people or shifts that goes ahead. Proves nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum RosterRow {
    /// Somebody.
    Person(ExpectedPerson),
    /// A shift that runs or comes next.
    Shift(ExpectedShift),
}

/// Somebody, as a device that holds the record tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedPerson {
    /// Who it is.
    pub person: PersonId,
    /// The name that lists show.
    pub name: String,
    /// The name on the radio; empty where there is none.
    pub callsign: String,
    /// The code of the status.
    pub status: Option<String>,
    /// Language tags.
    pub languages: Vec<String>,
    /// Codes of skills.
    pub skills: Vec<String>,
}

/// A shift, as a device that holds it tells.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedShift {
    /// What people call it.
    pub title: String,
    /// The name of its team in the field; empty where it has none.
    pub team: String,
    /// The corners of the area where that team works, degrees north and east, WGS 84; empty where none is known.
    pub area: Vec<(f64, f64)>,
    /// Where they meet, in words.
    pub place: String,
    /// The code of the level of danger.
    pub risk: Option<String>,
    /// How far it has come: 0 planned, 1 briefed, 2 active, 3 standing down, 4 debriefed.
    pub status: u8,
    /// When it is to begin, to the minute.
    pub starts: Option<LocalTime>,
    /// When it is to end, to the minute.
    pub ends: Option<LocalTime>,
    /// Minutes between two check-ins, and of grace after that.
    pub rule: Option<(u32, u32)>,
    /// Who does what.
    pub assignments: Vec<ExpectedAssignment>,
}

/// What somebody does in a shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedAssignment {
    /// Who.
    pub person: PersonId,
    /// The role, in the team's own words.
    pub role: String,
    /// Who looks after them.
    pub buddy: Option<PersonId>,
}

impl RosterRow {
    /// The bytes, see docs/formats/sync.md. What is longer than is read is cut.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Self::Person(it) => {
                out.byte(PERSON).fixed(it.person);
                out.sized(cut(&it.name, MAX_TEXT_BYTES)).sized(cut(&it.callsign, MAX_TEXT_BYTES));
                out.sized(cut(it.status.as_deref().unwrap_or_default(), MAX_CODE_BYTES));
                for codes in [&it.languages, &it.skills] {
                    let codes = &codes[..codes.len().min(MAX_CODES)];
                    out.number(codes.len() as u64);
                    for code in codes {
                        out.sized(cut(code, MAX_CODE_BYTES));
                    }
                }
            }
            Self::Shift(it) => {
                out.byte(SHIFT).sized(cut(&it.title, MAX_TEXT_BYTES)).sized(cut(&it.team, MAX_TEXT_BYTES));
                out.sized(cut(&it.place, MAX_TEXT_BYTES));
                out.sized(cut(it.risk.as_deref().unwrap_or_default(), MAX_CODE_BYTES));
                out.byte(it.status.min(DEBRIEFED));
                write_time(&mut out, it.starts);
                write_time(&mut out, it.ends);
                match it.rule {
                    Some((every, grace)) => out.byte(1).number(every.into()).number(grace.into()),
                    None => out.byte(0),
                };
                let area = if it.area.len() <= MAX_CORNERS { it.area.as_slice() } else { &[] };
                out.number(area.len() as u64);
                for (lat, lon) in area {
                    out.signed(microdegrees(*lat)).signed(microdegrees(*lon));
                }
                let on_it = &it.assignments[..it.assignments.len().min(MAX_ASSIGNMENTS)];
                out.number(on_it.len() as u64);
                for it in on_it {
                    out.fixed(it.person).sized(cut(&it.role, MAX_CODE_BYTES));
                    match &it.buddy {
                        Some(buddy) => out.byte(1).fixed(buddy),
                        None => out.byte(0),
                    };
                }
            }
        }
        out.into_bytes()
    }

    /// Reads what [`RosterRow::encode`] wrote; anybody may have written it.
    ///
    /// # Errors
    /// Any [`LogError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        if bytes.len() > MAX_ROW_BYTES {
            return Err(LogError::TooLarge { what: "row", limit: MAX_ROW_BYTES as u64 });
        }
        let mut reader = Reader::new(bytes);
        let row = match reader.byte("row")? {
            PERSON => Self::Person(ExpectedPerson {
                person: PersonId::new(reader.array("person")?),
                name: reader.text(MAX_TEXT_BYTES, "name")?.to_owned(),
                callsign: reader.text(MAX_TEXT_BYTES, "callsign")?.to_owned(),
                status: code(&mut reader)?,
                languages: codes(&mut reader)?,
                skills: codes(&mut reader)?,
            }),
            SHIFT => Self::Shift(shift(&mut reader)?),
            _ => return Err(LogError::Newer { what: "row" }),
        };
        reader.finish("row")?;
        Ok(row)
    }
}

fn shift(reader: &mut Reader<'_>) -> Result<ExpectedShift, LogError> {
    let title = reader.text(MAX_TEXT_BYTES, "title")?.to_owned();
    let team = reader.text(MAX_TEXT_BYTES, "team")?.to_owned();
    let place = reader.text(MAX_TEXT_BYTES, "place")?.to_owned();
    let risk = code(reader)?;
    let status = reader.byte("status")?;
    if status > DEBRIEFED {
        return Err(reader.malformed("status"));
    }
    let (starts, ends) = (read_time(reader)?, read_time(reader)?);
    let rule = if flag(reader)? { Some((minutes(reader)?, minutes(reader)?)) } else { None };
    let count = reader.count(MAX_CORNERS, "corners")?;
    let mut area = Vec::with_capacity(count);
    for _ in 0..count {
        area.push((degrees(reader, 90)?, degrees(reader, 180)?));
    }
    let count = reader.count(MAX_ASSIGNMENTS, "assignments")?;
    let mut assignments = Vec::with_capacity(count);
    for _ in 0..count {
        let person = PersonId::new(reader.array("person")?);
        let role = reader.text(MAX_CODE_BYTES, "role")?.to_owned();
        let buddy = if flag(reader)? { Some(PersonId::new(reader.array("buddy")?)) } else { None };
        assignments.push(ExpectedAssignment { person, role, buddy });
    }
    Ok(ExpectedShift { title, team, area, place, risk, status, starts, ends, rule, assignments })
}

fn write_time(out: &mut Writer, time: Option<LocalTime>) {
    match time {
        // Minutes are enough for a list.
        Some(time) => {
            out.byte(1).signed(time.at.0.div_euclid(60_000)).signed(time.offset_minutes.into());
        }
        None => {
            out.byte(0);
        }
    }
}

fn read_time(reader: &mut Reader<'_>) -> Result<Option<LocalTime>, LogError> {
    if !flag(reader)? {
        return Ok(None);
    }
    let minute = reader.signed("time")?;
    let offset = i16::try_from(reader.signed("time")?).map_err(|_| reader.malformed("time"))?;
    let at = minute.checked_mul(60_000).ok_or_else(|| reader.malformed("time"))?;
    Ok(Some(LocalTime { at: UnixMillis(at), offset_minutes: offset }))
}

fn microdegrees(degrees: f64) -> i64 {
    (degrees * MICRODEGREES).round() as i64
}

fn degrees(reader: &mut Reader<'_>, most: i64) -> Result<f64, LogError> {
    let read = reader.signed("degrees")?;
    if read.unsigned_abs() > most.unsigned_abs() * 1_000_000 {
        return Err(reader.malformed("degrees"));
    }
    Ok(read as f64 / MICRODEGREES)
}

fn minutes(reader: &mut Reader<'_>) -> Result<u32, LogError> {
    Ok(reader.count(u32::MAX as usize, "minutes")? as u32)
}

fn codes(reader: &mut Reader<'_>) -> Result<Vec<String>, LogError> {
    let count = reader.count(MAX_CODES, "codes")?;
    let mut codes = Vec::with_capacity(count);
    for _ in 0..count {
        codes.push(reader.text(MAX_CODE_BYTES, "code")?.to_owned());
    }
    Ok(codes)
}

fn code(reader: &mut Reader<'_>) -> Result<Option<String>, LogError> {
    let code = reader.text(MAX_CODE_BYTES, "code")?;
    Ok((!code.is_empty()).then(|| code.to_owned()))
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, LogError> {
    match reader.byte("flag")? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(reader.malformed("flag")),
    }
}

/// As much of a text as fits, up to the end of a character.
pub(super) fn cut(text: &str, most: usize) -> &[u8] {
    &text.as_bytes()[..text.floor_char_boundary(most)]
}
