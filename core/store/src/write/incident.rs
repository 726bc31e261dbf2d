use firsthand_ids::Digest;
use rusqlite::{OptionalExtension, params};

use super::document::Creation;
use crate::cache::ordered;
use crate::projection::origin_name;
use crate::{IncidentProjection, StoreError};

/// The columns that an index holds, apart from those that the creating entry fixes.
#[derive(Debug, PartialEq)]
struct Indexed {
    category: Option<i64>,
    severity: Option<i64>,
    status: Option<i64>,
    followup: Option<i64>,
    verification: Option<i64>,
    rumour: Option<i64>,
    hidden: bool,
    conflicts: u32,
    flags: u32,
    happened: i64,
    short_number: Option<u32>,
}

/// The other columns.
#[derive(Debug, PartialEq)]
struct Plain {
    lat: Option<f64>,
    lon: Option<f64>,
    short_prefix: Option<String>,
    title: String,
    urgency: Option<i64>,
    certainty: Option<i64>,
    occurred_start: Option<i64>,
    occurred_end: Option<i64>,
    reported: Option<i64>,
    accuracy: Option<f64>,
    marks: String,
    merged_into: Option<[u8; 16]>,
    text_hash: [u8; 16],
}

impl super::Draft<'_> {
    /// Writes an incident's row, and only those indexes of it whose columns changed: each costs a page.
    pub(super) fn incident(
        &mut self,
        creation: &Creation,
        new: &IncidentProjection,
    ) -> Result<(), StoreError> {
        let happened = new.occurred_start.or(new.reported).unwrap_or(creation.local);
        let indexed = Indexed {
            category: self.code(new.category.as_deref())?,
            severity: self.code(new.severity.as_deref())?,
            status: self.code(new.status.as_deref())?,
            followup: self.code(new.followup.as_deref())?,
            verification: self.code(new.verification.as_deref())?,
            rumour: self.code(new.rumour.as_deref())?,
            hidden: new.hidden,
            conflicts: new.conflicts,
            flags: new.flags,
            happened: happened.0,
            short_number: new.short_code.as_ref().map(|(_, number)| *number),
        };
        // What is no point on the globe is no place: SQLite would store NaN as NULL, and no query finds the rest.
        let place = new.place.filter(|place| place.lat.abs() <= 90.0 && place.lon.abs() <= 180.0);
        let plain = Plain {
            lat: place.map(|place| place.lat),
            lon: place.map(|place| place.lon),
            short_prefix: new.short_code.as_ref().map(|(prefix, _)| prefix.clone()),
            title: new.title.clone(),
            urgency: self.code(new.urgency.as_deref())?,
            certainty: self.code(new.certainty.as_deref())?,
            occurred_start: new.occurred_start.map(|at| at.0),
            occurred_end: new.occurred_end.map(|at| at.0),
            reported: new.reported.map(|at| at.0),
            accuracy: place.and_then(|place| place.accuracy).map(|metres| metres.0),
            marks: new.marks.join(" "),
            merged_into: new.merged_into.map(|id| *id.as_bytes()),
            text_hash: text_hash(new),
        };
        let document = creation.document;
        let held = self.held_incident(document)?;
        match &held {
            Some((held_indexed, held_plain)) => {
                if *held_indexed != indexed {
                    self.update_indexed(document, &indexed)?;
                }
                if *held_plain != plain {
                    self.update_plain(document, &plain)?;
                }
            }
            None => {
                self.insert_incident(creation, &indexed, &plain)?;
                self.has_come(creation)?;
                self.set_origin(document, new)?;
            }
        }
        let held = held.map(|(_, plain)| plain);
        if held.as_ref().map(|held| (held.lat, held.lon)).unwrap_or_default() != (plain.lat, plain.lon) {
            self.set_place(document, plain.lat.zip(plain.lon))?;
        }
        if held.is_none_or(|held| held.text_hash != plain.text_hash) {
            self.queue_text(document, new)?;
        }
        Ok(())
    }

    fn held_incident(&self, document: i64) -> Result<Option<(Indexed, Plain)>, StoreError> {
        let mut select = self.transaction.prepare_cached(
            "SELECT category, severity, status, followup, verification, rumour, hidden, conflicts, flags, happened,
                 short_number, lat, lon, short_prefix, title, urgency, certainty, occurred_start, occurred_end, reported,
                 accuracy, marks, merged_into, text_hash
             FROM incidents WHERE document = ?1",
        )?;
        let held = select.query_row([document], |row| {
            let indexed = Indexed {
                category: row.get(0)?,
                severity: row.get(1)?,
                status: row.get(2)?,
                followup: row.get(3)?,
                verification: row.get(4)?,
                rumour: row.get(5)?,
                hidden: row.get(6)?,
                conflicts: row.get(7)?,
                flags: row.get(8)?,
                happened: row.get(9)?,
                short_number: row.get(10)?,
            };
            let plain = Plain {
                lat: row.get(11)?,
                lon: row.get(12)?,
                short_prefix: row.get(13)?,
                title: row.get(14)?,
                urgency: row.get(15)?,
                certainty: row.get(16)?,
                occurred_start: row.get(17)?,
                occurred_end: row.get(18)?,
                reported: row.get(19)?,
                accuracy: row.get(20)?,
                marks: row.get(21)?,
                merged_into: row.get(22)?,
                text_hash: row.get(23)?,
            };
            Ok((indexed, plain))
        });
        Ok(held.optional()?)
    }

    fn insert_incident(
        &self,
        creation: &Creation,
        indexed: &Indexed,
        plain: &Plain,
    ) -> Result<(), StoreError> {
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO incidents (document, id, effective, entry, author, space, category, severity, status, followup,
                 verification, rumour, hidden, conflicts, flags, happened, short_number, lat, lon,
                 short_prefix, title, urgency, certainty, occurred_start, occurred_end, reported,
                 accuracy, marks, merged_into, text_hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                 ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)",
        )?;
        insert.execute(params![
            creation.document,
            creation.id.as_bytes(),
            ordered(creation.effective),
            creation.entry.as_bytes(),
            creation.author,
            self.space_number,
            indexed.category,
            indexed.severity,
            indexed.status,
            indexed.followup,
            indexed.verification,
            indexed.rumour,
            indexed.hidden,
            indexed.conflicts,
            indexed.flags,
            indexed.happened,
            indexed.short_number,
            plain.lat,
            plain.lon,
            plain.short_prefix,
            plain.title,
            plain.urgency,
            plain.certainty,
            plain.occurred_start,
            plain.occurred_end,
            plain.reported,
            plain.accuracy,
            plain.marks,
            plain.merged_into,
            plain.text_hash,
        ])?;
        Ok(())
    }

    /// The row that was sent ahead of it has served.
    fn has_come(&self, creation: &Creation) -> Result<(), StoreError> {
        if self.cache.expects {
            let mut delete = self.transaction.prepare_cached(
                "DELETE FROM expected WHERE (space, writer, position) =
                     (SELECT s.id, w.id, e.position FROM documents AS d JOIN entries AS e ON e.number = d.creator
                          JOIN writers AS w ON w.number = e.writer JOIN spaces AS s ON s.number = w.space
                      WHERE d.number = ?1)",
            )?;
            delete.execute([creation.document])?;
        }
        Ok(())
    }

    fn update_indexed(&self, document: i64, new: &Indexed) -> Result<(), StoreError> {
        let mut update = self.transaction.prepare_cached(
            "UPDATE incidents SET category = ?2, severity = ?3, status = ?4, followup = ?5, verification = ?6,
                 rumour = ?7, hidden = ?8, conflicts = ?9, flags = ?10, happened = ?11,
                 short_number = ?12
             WHERE document = ?1",
        )?;
        update.execute(params![
            document,
            new.category,
            new.severity,
            new.status,
            new.followup,
            new.verification,
            new.rumour,
            new.hidden,
            new.conflicts,
            new.flags,
            new.happened,
            new.short_number,
        ])?;
        Ok(())
    }

    fn update_plain(&self, document: i64, new: &Plain) -> Result<(), StoreError> {
        let mut update = self.transaction.prepare_cached(
            "UPDATE incidents SET lat = ?2, lon = ?3, short_prefix = ?4, title = ?5, urgency = ?6, certainty = ?7,
                 occurred_start = ?8, occurred_end = ?9, reported = ?10, accuracy = ?11, marks = ?12,
                 merged_into = ?13, text_hash = ?14
             WHERE document = ?1",
        )?;
        update.execute(params![
            document,
            new.lat,
            new.lon,
            new.short_prefix,
            new.title,
            new.urgency,
            new.certainty,
            new.occurred_start,
            new.occurred_end,
            new.reported,
            new.accuracy,
            new.marks,
            new.merged_into,
            new.text_hash,
        ])?;
        Ok(())
    }

    fn set_place(&self, document: i64, place: Option<(f64, f64)>) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached("DELETE FROM incident_places WHERE document = ?1")?
            .execute([document])?;
        if let Some((lat, lon)) = place {
            // The R*Tree keeps single precision and rounds the box outwards, so a search may find a place just
            // outside, never miss one; the exact coordinates decide.
            let mut insert = self.transaction.prepare_cached(
                "INSERT INTO incident_places (document, south, north, west, east) VALUES (?1, ?2, ?2, ?3, ?3)",
            )?;
            insert.execute(params![document, lat, lon])?;
        }
        Ok(())
    }

    /// Written once: a record's origin never changes.
    fn set_origin(&self, document: i64, new: &IncidentProjection) -> Result<(), StoreError> {
        let Some(origin) = &new.origin else { return Ok(()) };
        let mut insert = self
            .transaction
            .prepare_cached("INSERT INTO origins (document, name, row_hash) VALUES (?1, ?2, ?3)")?;
        insert.execute(params![document, origin_name(origin), origin.row_hash])?;
        Ok(())
    }

    fn queue_text(&self, document: i64, new: &IncidentProjection) -> Result<(), StoreError> {
        let mut queue = self.transaction.prepare_cached(
            "INSERT OR REPLACE INTO text_queue (document, title, body) VALUES (?1, ?2, ?3)",
        )?;
        let mut body = new.text.clone();
        if let Some((prefix, number)) = &new.short_code {
            body.push_str(&format!("\n{prefix}-{number:03}"));
        }
        queue.execute(params![document, new.title, body])?;
        Ok(())
    }
}

fn text_hash(new: &IncidentProjection) -> [u8; 16] {
    let mut digest = Digest::new("firsthand text v1");
    digest.sized(new.title.as_bytes()).sized(new.text.as_bytes());
    if let Some((prefix, number)) = &new.short_code {
        digest.sized(prefix.as_bytes()).number(u64::from(*number));
    }
    digest.finish_short()
}
