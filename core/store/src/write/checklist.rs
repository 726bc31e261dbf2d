use firsthand_ids::{ContentHash, DocumentId};
use rusqlite::params;

use super::document::Creation;
use crate::cache::ordered;
use crate::{RunProjection, StoreError, TemplateProjection};

impl super::Draft<'_> {
    pub(super) fn template(&self, creation: &Creation, new: &TemplateProjection) -> Result<(), StoreError> {
        let mut upsert = self.transaction.prepare_cached(
            "INSERT OR REPLACE INTO templates (document, id, effective, author, template_id, version, title, languages,
                 sha256, items, critical, state, hidden)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?;
        upsert.execute(params![
            creation.document,
            creation.id.as_bytes(),
            ordered(creation.effective),
            creation.author,
            new.template_id,
            new.version,
            new.title,
            new.languages.join("\n"),
            new.content_sha256.as_ref().map(ContentHash::as_bytes),
            new.items,
            new.critical,
            new.state.number(),
            new.hidden,
        ])?;
        Ok(())
    }

    pub(super) fn run(&mut self, creation: &Creation, new: &RunProjection) -> Result<(), StoreError> {
        let context = self.code(new.context.as_deref())?;
        let mut upsert = self.transaction.prepare_cached(
            "INSERT OR REPLACE INTO runs (document, id, effective, author, template, template_id, version, sha256, context,
                 about, started, started_offset, completed, abandoned, entries, conflicts, hidden)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?;
        upsert.execute(params![
            creation.document,
            creation.id.as_bytes(),
            ordered(creation.effective),
            creation.author,
            new.template.as_bytes(),
            new.template_id,
            new.version,
            new.content_sha256.as_ref().map(ContentHash::as_bytes),
            context,
            new.about.as_ref().map(DocumentId::as_bytes),
            new.started.at.0,
            new.started.offset_minutes,
            new.completed.map(|at| at.0),
            new.abandoned,
            new.entries,
            new.conflicts,
            new.hidden,
        ])?;
        Ok(())
    }
}
