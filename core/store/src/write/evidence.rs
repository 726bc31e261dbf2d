use rusqlite::params;

use super::document::Creation;
use crate::cache::ordered;
use crate::{EvidenceProjection, StoreError};

impl super::Draft<'_> {
    pub(super) fn evidence(
        &self,
        creation: &Creation,
        evidence: &EvidenceProjection,
    ) -> Result<(), StoreError> {
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
            creation.table_hash,
        ])?;
        Ok(())
    }
}
