//! Finding single incidents: by id, by short code, by words; and the attachments of one.

use firsthand_ids::{ContentHash, DocumentId};
use firsthand_record::{Origin, ShortCode, VariantKind};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Params, params, params_from_iter};

use super::list::COLUMNS;
use super::row::{EvidenceProjection, EvidenceRow, FileAt, FormProjection, IncidentRow};
use super::{origin_name, text};
use crate::cache::time;
use crate::{FileRow, FileSecrets, FileState, Store, StoreError, form_number, form_of_number};

/// Fewer digits of an id would name half the list.
const MIN_ID_DIGITS: usize = 4;

const BY_ID: &str = "i.document IN (SELECT number FROM documents WHERE id = ?)";

/// Files and smaller forms of files, each with the detached part of the entry that created its record.
const FORMS: &str = "
    SELECT d.space AS space, d.id AS id, 0 AS form, a.hash AS hash, a.byte_len AS byte_len, a.effective AS effective, a.hidden AS hidden,
        a.table_hash AS table_hash, e.detached AS detached
    FROM evidence AS a JOIN documents AS d ON d.number = a.document JOIN entries AS e ON e.number = d.creator
    UNION ALL
    SELECT d.space, d.id, f.form, f.hash, f.byte_len, a.effective, a.hidden, f.table_hash, e.detached
    FROM evidence_forms AS f JOIN evidence AS a ON a.document = f.document
        JOIN documents AS d ON d.number = f.document JOIN entries AS e ON e.number = d.creator";

/// What makes one of those one that is complete here.
const HELD: &str =
    "NOT hidden AND table_hash IS NOT NULL AND table_hash IN (SELECT table_hash FROM attachments)";

/// What makes one of those one that is missed here.
const MISSED: &str =
    "NOT hidden AND table_hash IS NOT NULL AND table_hash NOT IN (SELECT table_hash FROM attachments)
        AND table_hash NOT IN (SELECT table_hash FROM freed)";

impl Store {
    /// One incident's row, hidden or not.
    ///
    /// # Errors
    /// From the disk.
    pub fn incident(&self, id: &DocumentId) -> Result<Option<IncidentRow>, StoreError> {
        Ok(self.rows_where(BY_ID, vec![Value::from(id.as_bytes().to_vec())])?.pop())
    }

    /// Incidents by what a person types, hidden ones too: a short code with two to four letters of its prefix
    /// (`K7-014`), its number alone (`14`), or the beginning of an id, at least four digits. Newest first.
    ///
    /// # Errors
    /// From the disk.
    pub fn find_incident(&self, typed: &str) -> Result<Vec<IncidentRow>, StoreError> {
        let typed = typed.trim();
        let code = typed.parse::<ShortCode>().ok();
        let number = code.as_ref().map(|code| code.number).or_else(|| {
            let digits = typed.bytes().all(|byte| byte.is_ascii_digit());
            if digits { typed.parse().ok() } else { None }
        });
        let mut found = match number {
            Some(number) => self.rows_where("i.short_number = ?", vec![Value::from(number)])?,
            None => Vec::new(),
        };
        if let Some(code) = code {
            found.retain(|row| {
                let prefix = row.incident.short_code.as_ref().map_or("", |(prefix, _)| prefix.as_str());
                prefix.starts_with(&code.prefix)
            });
        }
        if let Some((from, to)) = id_range(typed) {
            let ids = "i.document IN (SELECT number FROM documents WHERE id >= ? AND id <= ?)";
            for row in self.rows_where(ids, vec![Value::from(from.to_vec()), Value::from(to.to_vec())])? {
                if found.iter().all(|other| other.id != row.id) {
                    found.push(row);
                }
            }
        }
        found.sort_by_key(|row| std::cmp::Reverse((row.effective, row.entry)));
        Ok(found)
    }

    /// The incidents that hold every word of `text`, or a word that begins with it, best match first; hidden ones are
    /// left out. What [`Store::index_pending`] has not reached yet is not found.
    ///
    /// # Errors
    /// From the disk.
    pub fn search(&self, text: &str, limit: usize) -> Result<Vec<IncidentRow>, StoreError> {
        let Some(words) = text::query(text) else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT {COLUMNS} FROM incident_text AS t CROSS JOIN incidents AS i ON i.document = t.rowid
             WHERE t.incident_text MATCH ?1 AND i.hidden = 0 ORDER BY t.rank LIMIT ?2"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.rows(&sql, vec![Value::from(words), Value::from(limit)])
    }

    fn rows_where(&self, condition: &str, values: Vec<Value>) -> Result<Vec<IncidentRow>, StoreError> {
        let order = "ORDER BY i.effective DESC, i.entry DESC";
        self.rows(&format!("SELECT {COLUMNS} FROM incidents AS i WHERE {condition} {order}"), values)
    }

    fn rows(&self, sql: &str, values: Vec<Value>) -> Result<Vec<IncidentRow>, StoreError> {
        let mut select = self.database.prepare_cached(sql)?;
        let mut rows = select.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(self.incident_row(row)?);
        }
        Ok(found)
    }

    /// The incidents that were merged into another one, hidden ones too, newest first.
    ///
    /// # Errors
    /// From the disk.
    pub fn merged_into(&self, main: &DocumentId) -> Result<Vec<IncidentRow>, StoreError> {
        self.rows_where("i.merged_into = ?", vec![Value::from(main.as_bytes().to_vec())])
    }

    /// The attachments of an incident, oldest first, hidden ones included.
    ///
    /// # Errors
    /// From the disk.
    pub fn evidence_of(&self, incident: &DocumentId) -> Result<Vec<EvidenceRow>, StoreError> {
        self.evidence_where("a.incident = ?1 ORDER BY a.effective, d.id", Some(incident))
    }

    /// The attached files whose keys are kept, hidden ones included, by incident.
    ///
    /// # Errors
    /// From the disk.
    pub fn kept_evidence(&self) -> Result<Vec<EvidenceRow>, StoreError> {
        self.evidence_where("a.table_hash IS NOT NULL AND ?1 IS NULL ORDER BY a.incident, d.id", None)
    }

    /// The row of one attached file.
    ///
    /// # Errors
    /// From the disk.
    pub fn evidence(&self, id: &DocumentId) -> Result<Option<EvidenceRow>, StoreError> {
        Ok(self.evidence_where("d.id = ?1", Some(id))?.pop())
    }

    /// A smaller form of an attached file.
    ///
    /// # Errors
    /// From the disk.
    pub fn evidence_form(
        &self,
        id: &DocumentId,
        form: VariantKind,
    ) -> Result<Option<FormProjection>, StoreError> {
        let mut select = self.database.prepare_cached(
            "SELECT f.hash, f.byte_len FROM evidence_forms AS f JOIN documents AS d ON d.number = f.document
             WHERE d.id = ?1 AND f.form = ?2",
        )?;
        let found = select.query_row(params![id.as_bytes(), form_number(form)], |row| {
            let (hash, byte_len) = (ContentHash::new(row.get(0)?), row.get::<_, i64>(1)? as u64);
            Ok(FormProjection { kind: form, hash, byte_len })
        });
        Ok(found.optional()?)
    }

    /// Every record of a file, hidden ones included.
    ///
    /// # Errors
    /// From the disk.
    pub fn evidence_ids(&self) -> Result<Vec<DocumentId>, StoreError> {
        let mut select = self.database.prepare_cached(
            "SELECT d.id FROM evidence AS a JOIN documents AS d ON d.number = a.document ORDER BY d.id",
        )?;
        let ids = select.query_map([], |row| Ok(DocumentId::new(row.get(0)?)))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// The attached files and smaller forms of files that are recorded here, not complete and not [let go of](Store::free), in the order in which they are
    /// wanted: thumbnails, previews, files; of those the newest first. A file that is as short as a thumbnail or a preview
    /// goes with those. Those whose key was destroyed, and hidden ones, are not missed.
    ///
    /// # Errors
    /// From the disk.
    pub fn missing_evidence(&self) -> Result<Vec<FileAt>, StoreError> {
        let most = |form: VariantKind| form.most_bytes().unwrap_or(0) as i64;
        let sql = format!(
            "SELECT id, form, hash, byte_len, detached, space FROM ({FORMS}) WHERE {MISSED}
             ORDER BY CASE WHEN form > 0 THEN form WHEN byte_len <= ?1 THEN 1 WHEN byte_len <= ?2 THEN 2 ELSE 3 END,
                 effective DESC, id, form"
        );
        self.files_where(&sql, params![most(VariantKind::Thumb), most(VariantKind::Preview)])
    }

    /// Every file and smaller form of a file that is recorded here, hidden ones included, oldest record first.
    ///
    /// # Errors
    /// From the disk.
    pub fn recorded_files(&self) -> Result<Vec<FileRow>, StoreError> {
        let mut select = self.database.prepare_cached(&format!(
            "SELECT id, form, byte_len, CASE WHEN table_hash IS NULL THEN 0
                 WHEN table_hash IN (SELECT table_hash FROM attachments) THEN 1
                 WHEN table_hash IN (SELECT table_hash FROM freed) THEN 2 ELSE 3 END
             FROM ({FORMS}) ORDER BY effective, id, form"
        ))?;
        let mut rows = select.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let Some(form) = form_of_number(row.get(1)?) else { continue };
            let state = match row.get(3)? {
                0 => FileState::Destroyed,
                1 => FileState::Here,
                2 => FileState::Freed,
                _ => FileState::Missing,
            };
            let (document, byte_len) = (DocumentId::new(row.get(0)?), row.get::<_, i64>(2)? as u64);
            found.push(FileRow { document, form, byte_len, state });
        }
        Ok(found)
    }

    /// One of them; `None` where it is complete, or not missed for another reason.
    ///
    /// # Errors
    /// From the disk.
    pub fn missing_file(&self, id: &DocumentId, form: VariantKind) -> Result<Option<FileAt>, StoreError> {
        let sql = format!(
            "SELECT id, form, hash, byte_len, detached, space FROM ({FORMS}) WHERE id = ?1 AND form = ?2 AND {MISSED}"
        );
        Ok(self.files_where(&sql, params![id.as_bytes(), form_number(form)])?.pop())
    }

    /// The attached files and smaller forms of files that are complete here, the newest first. Those whose key was destroyed, and hidden
    /// ones, are left out.
    ///
    /// # Errors
    /// From the disk.
    pub fn held_files(&self) -> Result<Vec<FileAt>, StoreError> {
        let sql = format!(
            "SELECT id, form, hash, byte_len, detached, space FROM ({FORMS}) WHERE {HELD}
             ORDER BY effective DESC, id, form"
        );
        self.files_where(&sql, params![])
    }

    fn files_where(&self, sql: &str, values: impl Params) -> Result<Vec<FileAt>, StoreError> {
        let mut select = self.database.prepare_cached(sql)?;
        let mut rows = select.query(values)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let detached: Option<Vec<u8>> = row.get(4)?;
            let form = form_of_number(row.get(1)?);
            let secrets = detached.and_then(|detached| FileSecrets::decode(&detached));
            if let (Some(form), Some(secrets)) = (form, secrets)
                && let Some(secret) = secrets.form(form)
            {
                found.push(FileAt {
                    space: self.cache.space(row.get(5)?)?,
                    document: DocumentId::new(row.get(0)?),
                    form,
                    hash: ContentHash::new(row.get(2)?),
                    byte_len: row.get::<_, i64>(3)? as u64,
                    secret: secret.clone(),
                });
            }
        }
        Ok(found)
    }

    /// The document that was made of a row of a file, and the hash the row had then.
    ///
    /// # Errors
    /// From the disk.
    pub fn by_origin(&self, origin: &Origin) -> Result<Option<(DocumentId, String)>, StoreError> {
        let mut select = self.database.prepare_cached(
            "SELECT d.id, o.row_hash FROM origins AS o JOIN documents AS d ON d.number = o.document
             WHERE o.name = ?1 ORDER BY (o.row_hash <> ?2), d.id LIMIT 1",
        )?;
        let found = select.query_row(params![origin_name(origin), origin.row_hash], |row| {
            Ok((DocumentId::new(row.get(0)?), row.get(1)?))
        });
        Ok(found.optional()?)
    }

    fn evidence_where(
        &self,
        condition: &str,
        id: Option<&DocumentId>,
    ) -> Result<Vec<EvidenceRow>, StoreError> {
        let mut select = self.database.prepare_cached(&format!(
            "SELECT d.id, d.space, a.effective, a.author, a.incident, a.hash, a.byte_len, a.mime, a.name, a.caption,
                 a.flags, a.hidden
             FROM evidence AS a JOIN documents AS d ON d.number = a.document WHERE {condition}"
        ))?;
        let mut rows = select.query([id.map(DocumentId::as_bytes)])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (writer, chain) = self.cache.writer(row.get(3)?)?;
            found.push(EvidenceRow {
                id: DocumentId::new(row.get(0)?),
                space: self.cache.space(row.get(1)?)?,
                effective: time(row, 2)?,
                writer,
                author: chain.person,
                evidence: EvidenceProjection {
                    incident: DocumentId::new(row.get(4)?),
                    hash: ContentHash::new(row.get(5)?),
                    byte_len: row.get::<_, i64>(6)? as u64,
                    mime: row.get(7)?,
                    name: row.get(8)?,
                    caption: row.get(9)?,
                    flags: row.get(10)?,
                    hidden: row.get(11)?,
                    destroyed: false,
                    forms: Vec::new(),
                },
            });
        }
        Ok(found)
    }

    /// Brings at most `max` documents into the full-text index, in a transaction of its own; returns how many still
    /// wait. The queue is part of the commits that filled it, so nothing is lost between.
    ///
    /// # Errors
    /// From the disk; then all of them still wait.
    pub fn index_pending(&mut self, max: usize) -> Result<u64, StoreError> {
        let transaction = self.database.transaction()?;
        {
            let mut queued = transaction
                .prepare_cached("SELECT document, title, body FROM text_queue ORDER BY document LIMIT ?1")?;
            let mut index = transaction.prepare_cached(
                "INSERT OR REPLACE INTO incident_text (rowid, title, body) VALUES (?1, ?2, ?3)",
            )?;
            let mut done = transaction.prepare_cached("DELETE FROM text_queue WHERE document = ?1")?;
            let mut rows = queued.query([i64::try_from(max).unwrap_or(i64::MAX)])?;
            let mut taken = Vec::new();
            while let Some(row) = rows.next()? {
                let document: i64 = row.get(0)?;
                let (title, body): (String, String) = (row.get(1)?, row.get(2)?);
                index.execute(params![document, text::fold(&title), text::fold(&body)])?;
                taken.push(document);
            }
            for document in taken {
                done.execute([document])?;
            }
        }
        let left = transaction.query_row("SELECT count(*) FROM text_queue", [], |row| row.get::<_, i64>(0));
        let left = left.optional()?.unwrap_or_default();
        transaction.commit()?;
        Ok(left as u64)
    }
}

/// The lowest and highest id that begin with these hexadecimal digits.
fn id_range(digits: &str) -> Option<([u8; 16], [u8; 16])> {
    let sound = (MIN_ID_DIGITS..=2 * DocumentId::LEN).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !sound {
        return None;
    }
    let filled = |with: &str| {
        let all = format!("{digits}{}", with.repeat(2 * DocumentId::LEN - digits.len()));
        all.parse::<DocumentId>().ok().map(|id| *id.as_bytes())
    };
    Some((filled("0")?, filled("f")?))
}
