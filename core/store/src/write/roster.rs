use firsthand_ids::{DocumentId, LocalTime, PersonId};
use rusqlite::{OptionalExtension, params};

use super::document::Creation;
use crate::cache::ordered;
use crate::{
    CheckInProjection, FieldTeamProjection, HandoffProjection, Heard, PersonProjection, ShiftProjection,
    StoreError,
};

/// The status from which on a shift is active.
const ACTIVE: u8 = 2;

impl super::Draft<'_> {
    pub(super) fn person(&mut self, creation: &Creation, new: &PersonProjection) -> Result<(), StoreError> {
        let status = self.code(new.status.as_deref())?;
        self.forget("DELETE FROM trainings WHERE document = ?1", creation)?;
        let mut upsert = self.transaction.prepare_cached(
            "INSERT INTO people (document, id, effective, person, name, callsign, status, languages, skills, conflicts, hidden)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (document) DO UPDATE SET effective = ?3, person = ?4, name = ?5, callsign = ?6, status = ?7,
                 languages = ?8, skills = ?9, conflicts = ?10, hidden = ?11",
        )?;
        upsert.execute(params![
            creation.document,
            creation.id.as_bytes(),
            ordered(creation.effective),
            new.person.as_bytes(),
            new.name,
            new.callsign,
            status,
            new.languages.join(" "),
            new.skills.join(" "),
            new.conflicts,
            new.hidden,
        ])?;
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO trainings (document, number, course, template_id, version, day, expires, trainer, run)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        for (number, it) in (0i64..).zip(&new.trainings) {
            insert.execute(params![
                creation.document,
                number,
                it.course,
                it.template_id,
                it.version,
                it.day,
                it.expires,
                it.by.as_ref().map(PersonId::as_bytes),
                it.run.as_ref().map(DocumentId::as_bytes),
            ])?;
        }
        Ok(())
    }

    pub(super) fn field_team(
        &self,
        creation: &Creation,
        new: &FieldTeamProjection,
    ) -> Result<(), StoreError> {
        self.forget("DELETE FROM roles_required WHERE document = ?1", creation)?;
        let mut upsert = self.transaction.prepare_cached(
            "INSERT INTO field_teams (document, id, effective, name, hidden) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (document) DO UPDATE SET effective = ?3, name = ?4, hidden = ?5",
        )?;
        upsert.execute(params![
            creation.document,
            creation.id.as_bytes(),
            ordered(creation.effective),
            new.name,
            new.hidden
        ])?;
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO roles_required (document, number, role, least) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for (number, (role, least)) in (0i64..).zip(&new.roles_required) {
            insert.execute(params![creation.document, number, role, least])?;
        }
        Ok(())
    }

    pub(super) fn shift(&mut self, creation: &Creation, new: &ShiftProjection) -> Result<(), StoreError> {
        let risk = self.code(new.risk.as_deref())?;
        let mut held = self.transaction.prepare_cached("SELECT status FROM shifts WHERE document = ?1")?;
        let held = held.query_row([creation.document], |row| row.get::<_, u8>(0)).optional()?;
        if new.status >= ACTIVE && held.is_none_or(|held| held < ACTIVE) {
            self.queue_unheard(creation)?;
        }
        self.forget("DELETE FROM assignments WHERE document = ?1", creation)?;
        self.forget("DELETE FROM go_no_go WHERE document = ?1", creation)?;
        let at = |time: Option<LocalTime>| time.map(|time| time.at.0);
        let offset = |time: Option<LocalTime>| time.map_or(0, |time| time.offset_minutes);
        let mut upsert = self.transaction.prepare_cached(
            "INSERT INTO shifts (document, id, effective, team, title, starts, starts_offset, ends, ends_offset, status,
                 every_min, grace_min, risk, place, conflicts, proposals, hidden)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
             ON CONFLICT (document) DO UPDATE SET effective = ?3, team = ?4, title = ?5, starts = ?6, starts_offset = ?7,
                 ends = ?8, ends_offset = ?9, status = ?10, every_min = ?11, grace_min = ?12, risk = ?13, place = ?14,
                 conflicts = ?15, proposals = ?16, hidden = ?17",
        )?;
        upsert.execute(params![
            creation.document,
            creation.id.as_bytes(),
            ordered(creation.effective),
            new.team.as_ref().map(DocumentId::as_bytes),
            new.title,
            at(new.starts),
            offset(new.starts),
            at(new.ends),
            offset(new.ends),
            new.status,
            new.rule.map(|rule| rule.0),
            new.rule.map(|rule| rule.1),
            risk,
            new.place,
            new.conflicts,
            new.proposals,
            new.hidden,
        ])?;
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO assignments (document, number, item, person, role, buddy, begins, ends)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for (number, it) in (0i64..).zip(&new.assignments) {
            insert.execute(params![
                creation.document,
                number,
                it.item,
                it.person.as_bytes(),
                it.role,
                it.buddy.as_ref().map(PersonId::as_bytes),
                it.begins.map(|at| at.0),
                it.ends.map(|at| at.0),
            ])?;
        }
        let mut insert = self
            .transaction
            .prepare_cached("INSERT OR REPLACE INTO go_no_go (document, person, go) VALUES (?1, ?2, ?3)")?;
        for (person, go) in &new.go_no_go {
            insert.execute(params![creation.document, person.as_bytes(), go])?;
        }
        Ok(())
    }

    pub(super) fn check_in(
        &mut self,
        creation: &Creation,
        new: &CheckInProjection,
    ) -> Result<(), StoreError> {
        let state = self.code(Some(&new.state))?;
        let by_whom = self.code(new.by_whom.as_deref())?;
        let answers: Vec<u8> = new.answers.iter().flat_map(|id| *id.as_bytes()).collect();
        // What is no point on the globe is no place.
        let place = new.place.filter(|(lat, lon)| lat.abs() <= 90.0 && lon.abs() <= 180.0);
        let mut held = self.transaction.prepare_cached("SELECT 1 FROM check_ins WHERE document = ?1")?;
        if !held.exists([creation.document])? {
            self.queue_unheard(creation)?;
        }
        let mut upsert = self.transaction.prepare_cached(
            "INSERT OR REPLACE INTO check_ins (document, id, effective, entry, author, person, shift, at, at_offset, best,
                 ticks, boot, state, alarm, by_whom, answers, lat, lon, note)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        )?;
        upsert.execute(params![
            creation.document,
            creation.id.as_bytes(),
            ordered(creation.effective),
            creation.entry.as_bytes(),
            creation.author,
            new.person.as_bytes(),
            new.shift.as_ref().map(DocumentId::as_bytes),
            new.at.at.0,
            new.at.offset_minutes,
            new.best.0,
            new.ticks.as_ref().map(|(_, ticks)| *ticks as i64),
            new.ticks.as_ref().map(|(boot, _)| boot),
            state,
            new.alarm,
            by_whom,
            answers,
            place.map(|(lat, _)| lat),
            place.map(|(_, lon)| lon),
            new.note,
        ])?;
        Ok(())
    }

    pub(super) fn handoff(&self, creation: &Creation, new: &HandoffProjection) -> Result<(), StoreError> {
        let mut upsert = self.transaction.prepare_cached(
            "INSERT OR REPLACE INTO handoffs
                 (document, id, effective, from_shift, to_shift, given, taken, items, unsettled, hidden)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        upsert.execute(params![
            creation.document,
            creation.id.as_bytes(),
            ordered(creation.effective),
            new.from_shift.as_ref().map(DocumentId::as_bytes),
            new.to_shift.as_ref().map(DocumentId::as_bytes),
            new.given,
            new.taken,
            new.items,
            new.unsettled,
            new.hidden,
        ])?;
        Ok(())
    }

    /// Takes note of what this device has heard; after that nothing waits to be noted.
    pub(super) fn note_heard(&self, heard: &[Heard]) -> Result<(), StoreError> {
        let mut upsert = self
            .transaction
            .prepare_cached("INSERT OR REPLACE INTO heard (subject, at, check_in) VALUES (?1, ?2, ?3)")?;
        for it in heard {
            upsert.execute(params![it.subject, it.at, it.check_in.as_ref().map(DocumentId::as_bytes)])?;
        }
        self.transaction.execute("DELETE FROM unheard", [])?;
        Ok(())
    }

    /// A row that is new, or says something new, is noted as heard soon.
    fn queue_unheard(&self, creation: &Creation) -> Result<(), StoreError> {
        let mut insert =
            self.transaction.prepare_cached("INSERT OR IGNORE INTO unheard (document) VALUES (?1)")?;
        insert.execute([creation.document])?;
        Ok(())
    }

    fn forget(&self, sql: &str, creation: &Creation) -> Result<(), StoreError> {
        self.transaction.prepare_cached(sql)?.execute([creation.document])?;
        Ok(())
    }
}
