use rusqlite::params;

use super::document::Creation;
use crate::cache::ordered;
use crate::{EvidenceProjection, StoreError, form_number};

impl super::Draft<'_> {
    pub(super) fn evidence(
        &self,
        creation: &Creation,
        evidence: &EvidenceProjection,
    ) -> Result<(), StoreError> {
        let secrets = creation.secrets.as_ref();
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
