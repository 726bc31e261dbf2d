//! The rows of people, teams, shifts, check-ins and hand-offs, and how a board reads them.

mod row;

use firsthand_ids::{DocumentId, LocalTime, PersonId, UnixMillis};
use rusqlite::{OptionalExtension, Row, params};

pub use row::{
    AssignmentRow, CheckInProjection, CheckInRow, FieldTeamProjection, HandoffProjection, Heard, Listed,
    PersonProjection, ShiftProjection, TrainingRow, Unheard,
};

use crate::{Store, StoreError};

const PERSON: &str =
    "p.document, p.id, p.person, p.name, p.callsign, p.status, p.languages, p.skills, p.conflicts, p.hidden";
const SHIFT: &str =
    "h.document, h.id, h.team, h.title, h.starts, h.starts_offset, h.ends, h.ends_offset, h.status,
    h.every_min, h.grace_min, h.risk, h.place, h.conflicts, h.proposals, h.hidden";
const CHECK_IN: &str =
    "c.id, c.author, c.person, c.shift, c.at, c.at_offset, c.best, c.ticks, c.boot, c.state, c.alarm,
    c.by_whom, c.answers, c.lat, c.lon, c.note";
const HANDOFF: &str = "id, from_shift, to_shift, given, taken, items, unsettled, hidden";

impl Store {
    /// Everybody of whom there is a record, oldest record first.
    ///
    /// # Errors
    /// From the disk.
    pub fn people(&self, with_trainings: bool) -> Result<Vec<Listed<PersonProjection>>, StoreError> {
        let sql = format!("SELECT {PERSON} FROM people AS p ORDER BY p.effective, p.id");
        self.person_rows(&sql, &[], with_trainings)
    }

    /// The records of one person, oldest first.
    ///
    /// # Errors
    /// From the disk.
    pub fn people_of(&self, person: &PersonId) -> Result<Vec<Listed<PersonProjection>>, StoreError> {
        let sql = format!("SELECT {PERSON} FROM people AS p WHERE p.person = ?1 ORDER BY p.effective, p.id");
        self.person_rows(&sql, &[person.as_bytes()], true)
    }

    fn person_rows(
        &self,
        sql: &str,
        values: &[&[u8; 16]],
        with_trainings: bool,
    ) -> Result<Vec<Listed<PersonProjection>>, StoreError> {
        let mut select = self.database.prepare_cached(sql)?;
        let mut rows = select.query(rusqlite::params_from_iter(values))?;
        let mut people = Vec::new();
        while let Some(row) = rows.next()? {
            let words = |column| -> rusqlite::Result<Vec<String>> {
                Ok(row.get::<_, String>(column)?.split_whitespace().map(str::to_owned).collect())
            };
            let trainings = if with_trainings { self.trainings(row.get(0)?)? } else { Vec::new() };
            people.push(Listed {
                id: DocumentId::new(row.get(1)?),
                row: PersonProjection {
                    person: PersonId::new(row.get(2)?),
                    name: row.get(3)?,
                    callsign: row.get(4)?,
                    status: self.cache.code(row.get(5)?)?,
                    languages: words(6)?,
                    skills: words(7)?,
                    trainings,
                    conflicts: row.get(8)?,
                    hidden: row.get(9)?,
                },
            });
        }
        Ok(people)
    }

    fn trainings(&self, document: i64) -> Result<Vec<TrainingRow>, StoreError> {
        let mut select = self.database.prepare_cached(
            "SELECT course, template_id, version, day, expires, trainer, run FROM trainings
             WHERE document = ?1 ORDER BY number",
        )?;
        let rows = select.query_map([document], |row| {
            Ok(TrainingRow {
                course: row.get(0)?,
                template_id: row.get(1)?,
                version: row.get(2)?,
                day: row.get(3)?,
                expires: row.get(4)?,
                by: row.get::<_, Option<[u8; 16]>>(5)?.map(PersonId::new),
                run: row.get::<_, Option<[u8; 16]>>(6)?.map(DocumentId::new),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The teams in the field, oldest first.
    ///
    /// # Errors
    /// From the disk.
    pub fn field_teams(&self) -> Result<Vec<Listed<FieldTeamProjection>>, StoreError> {
        let mut select = self
            .database
            .prepare_cached("SELECT document, id, name, hidden FROM field_teams ORDER BY effective, id")?;
        let mut roles = self
            .database
            .prepare_cached("SELECT role, least FROM roles_required WHERE document = ?1 ORDER BY number")?;
        let mut rows = select.query([])?;
        let mut teams = Vec::new();
        while let Some(row) = rows.next()? {
            let required = roles.query_map([row.get::<_, i64>(0)?], |row| Ok((row.get(0)?, row.get(1)?)))?;
            teams.push(Listed {
                id: DocumentId::new(row.get(1)?),
                row: FieldTeamProjection {
                    name: row.get(2)?,
                    roles_required: required.collect::<Result<_, _>>()?,
                    hidden: row.get(3)?,
                },
            });
        }
        Ok(teams)
    }

    /// The shifts that are not over: neither debriefed nor hidden by a lead. In the order in which they begin.
    ///
    /// # Errors
    /// From the disk.
    pub fn running_shifts(&self) -> Result<Vec<Listed<ShiftProjection>>, StoreError> {
        let sql = format!(
            "SELECT {SHIFT} FROM shifts AS h INDEXED BY shifts_running WHERE h.status < 4 AND h.hidden = 0
             ORDER BY h.starts, h.id"
        );
        self.shift_rows(&sql, [])
    }

    /// All shifts, the latest first.
    ///
    /// # Errors
    /// From the disk.
    pub fn shifts(&self, limit: usize) -> Result<Vec<Listed<ShiftProjection>>, StoreError> {
        let sql = format!("SELECT {SHIFT} FROM shifts AS h ORDER BY h.starts DESC, h.id LIMIT ?1");
        self.shift_rows(&sql, [i64::try_from(limit).unwrap_or(i64::MAX)])
    }

    fn shift_rows(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<Listed<ShiftProjection>>, StoreError> {
        let mut select = self.database.prepare_cached(sql)?;
        let mut rows = select.query(values)?;
        let mut shifts = Vec::new();
        while let Some(row) = rows.next()? {
            let document: i64 = row.get(0)?;
            let time = |at: usize| -> rusqlite::Result<Option<LocalTime>> {
                let offset_minutes = row.get(at + 1)?;
                Ok(row.get::<_, Option<i64>>(at)?.map(|at| LocalTime { at: UnixMillis(at), offset_minutes }))
            };
            let rule = row.get::<_, Option<u32>>(9)?.zip(row.get::<_, Option<u32>>(10)?);
            shifts.push(Listed {
                id: DocumentId::new(row.get(1)?),
                row: ShiftProjection {
                    team: row.get::<_, Option<_>>(2)?.map(DocumentId::new),
                    title: row.get(3)?,
                    starts: time(4)?,
                    ends: time(6)?,
                    status: row.get(8)?,
                    rule,
                    risk: self.cache.code(row.get(11)?)?,
                    place: row.get(12)?,
                    assignments: self.assignments(document)?,
                    go_no_go: self.go_no_go(document)?,
                    conflicts: row.get(13)?,
                    proposals: row.get(14)?,
                    hidden: row.get(15)?,
                },
            });
        }
        Ok(shifts)
    }

    fn assignments(&self, document: i64) -> Result<Vec<AssignmentRow>, StoreError> {
        let mut select = self.database.prepare_cached(
            "SELECT item, person, role, buddy, begins, ends FROM assignments WHERE document = ?1 ORDER BY number",
        )?;
        let rows = select.query_map([document], |row| {
            Ok(AssignmentRow {
                item: row.get(0)?,
                person: PersonId::new(row.get(1)?),
                role: row.get(2)?,
                buddy: row.get::<_, Option<_>>(3)?.map(PersonId::new),
                begins: row.get::<_, Option<_>>(4)?.map(UnixMillis),
                ends: row.get::<_, Option<_>>(5)?.map(UnixMillis),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn go_no_go(&self, document: i64) -> Result<Vec<(PersonId, bool)>, StoreError> {
        let mut select =
            self.database.prepare_cached("SELECT person, go FROM go_no_go WHERE document = ?1")?;
        let rows = select.query_map([document], |row| Ok((PersonId::new(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The last check-ins about a person in the order for people, the last first.
    ///
    /// # Errors
    /// From the disk.
    pub fn check_ins(&self, person: &PersonId, limit: usize) -> Result<Vec<CheckInRow>, StoreError> {
        let mut select = self.database.prepare_cached(&format!(
            "SELECT {CHECK_IN} FROM check_ins AS c INDEXED BY check_ins_of_person WHERE c.person = ?1
             ORDER BY c.effective DESC, c.entry DESC LIMIT ?2"
        ))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = select.query(params![person.as_bytes(), limit])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(self.check_in_row(row)?);
        }
        Ok(found)
    }

    /// One check-in.
    ///
    /// # Errors
    /// From the disk.
    pub fn check_in(&self, id: &DocumentId) -> Result<Option<CheckInRow>, StoreError> {
        let mut select = self.database.prepare_cached(&format!(
            "SELECT {CHECK_IN} FROM documents AS d JOIN check_ins AS c ON c.document = d.number WHERE d.id = ?1"
        ))?;
        let mut rows = select.query([id.as_bytes()])?;
        rows.next()?.map(|row| self.check_in_row(row)).transpose()
    }

    /// The people about whom an alarm was ever raised.
    ///
    /// # Errors
    /// From the disk.
    pub fn alarmed(&self) -> Result<Vec<PersonId>, StoreError> {
        let mut select = self.database.prepare_cached(
            "SELECT DISTINCT person FROM check_ins INDEXED BY check_ins_alarms WHERE alarm = 1",
        )?;
        let rows = select.query_map([], |row| Ok(PersonId::new(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Of the check-ins about a person, those that decide about alarms: the alarms, and what answers any. In the order for
    /// people.
    ///
    /// # Errors
    /// From the disk.
    pub fn alarms(&self, person: &PersonId) -> Result<Vec<CheckInRow>, StoreError> {
        let mut select = self.database.prepare_cached(&format!(
            "SELECT {CHECK_IN} FROM check_ins AS c WHERE c.document IN
                 (SELECT document FROM check_ins INDEXED BY check_ins_alarms WHERE person = ?1 AND alarm = 1
                  UNION SELECT document FROM check_ins INDEXED BY check_ins_answering
                  WHERE person = ?1 AND length(answers) > 0)
             ORDER BY c.effective, c.entry"
        ))?;
        let mut rows = select.query([person.as_bytes()])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(self.check_in_row(row)?);
        }
        Ok(found)
    }

    fn check_in_row(&self, row: &Row<'_>) -> Result<CheckInRow, StoreError> {
        let (_, chain) = self.cache.writer(row.get(1)?)?;
        let at = LocalTime { at: UnixMillis(row.get(4)?), offset_minutes: row.get(5)? };
        let boot: Option<String> = row.get(8)?;
        let ticks = boot.zip(row.get::<_, Option<i64>>(7)?.map(|ticks| ticks as u64));
        let answers: Vec<u8> = row.get(12)?;
        Ok(CheckInRow {
            id: DocumentId::new(row.get(0)?),
            author: chain.person,
            device: chain.device,
            row: CheckInProjection {
                person: PersonId::new(row.get(2)?),
                shift: row.get::<_, Option<_>>(3)?.map(DocumentId::new),
                at,
                best: UnixMillis(row.get(6)?),
                ticks,
                state: self.cache.code(Some(row.get(9)?))?.unwrap_or_default(),
                alarm: row.get(10)?,
                by_whom: self.cache.code(row.get(11)?)?,
                answers: answers.chunks_exact(16).filter_map(DocumentId::from_slice).collect(),
                place: row.get::<_, Option<f64>>(13)?.zip(row.get(14)?),
                note: row.get(15)?,
            },
        })
    }

    /// All hand-offs, the latest first.
    ///
    /// # Errors
    /// From the disk.
    pub fn handoffs(&self, limit: usize) -> Result<Vec<Listed<HandoffProjection>>, StoreError> {
        let mut select = self.database.prepare_cached(&format!(
            "SELECT {HANDOFF} FROM handoffs ORDER BY effective DESC, id LIMIT ?1"
        ))?;
        let rows = select.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok(Listed {
                id: DocumentId::new(row.get(0)?),
                row: HandoffProjection {
                    from_shift: row.get::<_, Option<_>>(1)?.map(DocumentId::new),
                    to_shift: row.get::<_, Option<_>>(2)?.map(DocumentId::new),
                    given: row.get(3)?,
                    taken: row.get(4)?,
                    items: row.get(5)?,
                    unsettled: row.get(6)?,
                    hidden: row.get(7)?,
                },
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When this device last heard of a person, or that a shift is active.
    ///
    /// # Errors
    /// From the disk.
    pub fn heard(&self, subject: &[u8; 16]) -> Result<Option<Heard>, StoreError> {
        let mut select = self.database.prepare_cached("SELECT at, check_in FROM heard WHERE subject = ?1")?;
        let found = select.query_row([subject], |row| {
            let check_in = row.get::<_, Option<_>>(1)?.map(DocumentId::new);
            Ok(Heard { subject: *subject, at: row.get(0)?, check_in })
        });
        Ok(found.optional()?)
    }

    /// What has come and is not noted as heard yet.
    ///
    /// # Errors
    /// From the disk.
    pub fn unheard(&self) -> Result<Vec<Unheard>, StoreError> {
        let mut select = self.database.prepare_cached(&format!(
            "SELECT {CHECK_IN} FROM unheard AS u JOIN check_ins AS c ON c.document = u.document ORDER BY u.document"
        ))?;
        let mut rows = select.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(Unheard::CheckIn(Box::new(self.check_in_row(row)?)));
        }
        let mut select = self.database.prepare_cached(
            "SELECT h.id FROM unheard AS u JOIN shifts AS h ON h.document = u.document ORDER BY u.document",
        )?;
        let shifts = select.query_map([], |row| Ok(Unheard::Shift(DocumentId::new(row.get(0)?))))?;
        for shift in shifts {
            found.push(shift?);
        }
        Ok(found)
    }
}
