use firsthand_log::Detached;
use rusqlite::params;

use super::document::Creation;
use crate::attachment::names;
use crate::cache::ordered;
use crate::{EvidenceProjection, StoreError, form_number};

impl super::Draft<'_> {
    /// Destroys what opens a file and its smaller forms; the entry keeps the hash of it, so that its chain verifies as before. What lies
    /// sealed is removed after the commit: the key goes first.
    fn destroy_key(&self, creation: &Creation, evidence: &EvidenceProjection) -> Result<(), StoreError> {
        let mut select = self.transaction.prepare_cached("SELECT detached FROM entries WHERE number = ?1")?;
        let part: Option<Vec<u8>> = select.query_row([creation.number], |row| row.get(0))?;
        let Some(part) = part else { return Ok(()) };
        let mut erase = self
            .transaction
            .prepare_cached("UPDATE entries SET detached = NULL, detached_hash = ?2 WHERE number = ?1")?;
        erase.execute(params![creation.number, Detached::Present(part).hash()])?;
        let Some(secrets) = &creation.secrets else { return Ok(()) };
        let hashes = evidence.forms.iter().map(|form| (form.kind, form.hash));
        for name in names(secrets, evidence.hash, hashes) {
            let mut shred = self
                .transaction
                .prepare_cached("INSERT INTO shredded (file) VALUES (?1) ON CONFLICT DO NOTHING")?;
            shred.execute([&name])?;
            self.transaction.prepare_cached("DELETE FROM attachments WHERE file = ?1")?.execute([&name])?;
            self.shredded.borrow_mut().push(name);
        }
        Ok(())
    }

    pub(super) fn evidence(
        &self,
        creation: &Creation,
        evidence: &EvidenceProjection,
    ) -> Result<(), StoreError> {
        let secrets = creation.secrets.as_ref();
        if evidence.destroyed {
            self.destroy_key(creation, evidence)?;
        }
        let secrets = secrets.filter(|_| !evidence.destroyed);
        let mut upsert = self.transaction.prepare_cached(
            "INSERT OR REPLACE INTO evidence
                 (document, effective, author, incident, hash, byte_len, mime, name, caption, flags, hidden,
                  table_hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?;
        upsert.execute(params![
            creation.document,
            ordered(creation.effective),
            creation.author,
            evidence.incident.as_bytes(),
            evidence.hash.as_bytes(),
            evidence.byte_len as i64,
            evidence.mime,
            evidence.name,
            evidence.caption,
            evidence.flags,
            evidence.hidden,
            secrets.map(|secrets| secrets.original.table),
        ])?;
        drop(upsert);
        let mut old = self.transaction.prepare_cached("DELETE FROM evidence_forms WHERE document = ?1")?;
        old.execute([creation.document])?;
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO evidence_forms (document, form, byte_len, hash, table_hash) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )?;
        for form in &evidence.forms {
            if let Some(secret) = secrets.and_then(|secrets| secrets.form(form.kind)) {
                let number = form_number(form.kind);
                let (byte_len, hash) = (form.byte_len as i64, form.hash);
                insert.execute(params![
                    creation.document,
                    number,
                    byte_len,
                    hash.as_bytes(),
                    secret.table
                ])?;
            }
        }
        Ok(())
    }
}
