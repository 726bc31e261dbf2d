//! What can be done with every kind of record: hide it and show it again, and settle what people set to different values.

use std::collections::BTreeMap;

use firsthand_document::{Authors, DocumentKind, Edit, FieldView, View};
use firsthand_ids::{ChangeHash, DocumentId};
use rand_core::CryptoRng;
use serde_json::{Value, json};

use super::authors::LogAuthors;
use super::{ConflictView, Decision, Ledger, Now};
use crate::NodeError;

/// The list of marks that hide a record.
const TOMBSTONE: &str = "tombstone";

impl Ledger {
    /// Hides a record from lists, with the reason. Nothing of it is erased, and what refers to it keeps it. Who had no right to
    /// that leaves a mark that does not count.
    ///
    /// # Errors
    /// As [`Ledger::edit`].
    pub fn hide(
        &mut self,
        id: DocumentId,
        reason: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        let edit = Edit::Add { list: TOMBSTONE.to_owned(), value: json!({ "reason": reason.trim() }) };
        let saved = self.edit(id, &[edit], now, rng)?;
        Ok(Decision { saved, counts: self.read_view(&id)?.is_hidden() })
    }

    /// Shows a hidden record again; `None` where nothing hides it. Marks that this person has no right to take back stay, and
    /// then it does not count.
    ///
    /// # Errors
    /// As [`Ledger::edit`].
    pub fn unhide(
        &mut self,
        id: DocumentId,
        reason: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<Decision>, NodeError> {
        let view = self.read_view(&id)?;
        if !view.is_hidden() {
            return Ok(None);
        }
        let withdraw = |key: &str| Edit::Withdraw { key: key.to_owned(), reason: reason.trim().to_owned() };
        let edits: Vec<Edit> = view.items(TOMBSTONE).iter().map(|mark| withdraw(&mark.key)).collect();
        let saved = self.edit(id, &edits, now, rng)?;
        Ok(Some(Decision { saved, counts: !self.read_view(&id)?.is_hidden() }))
    }

    /// What people set to different values of a record while apart.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here.
    pub fn conflicts_of(&mut self, id: DocumentId) -> Result<Vec<ConflictView>, NodeError> {
        let name = match self.store.incident(&id)? {
            Some(row) => super::read::short_code(&row),
            None => id.short(),
        };
        let view = self.read_view(&id)?;
        let none = BTreeMap::new();
        let authors = LogAuthors::new(&self.store, &self.membership, &none);
        Ok(self.conflict_views(id, &name, &view, &authors))
    }

    /// The same of all records of a kind, oldest first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn conflicts_of_kind(&mut self, kind: &DocumentKind) -> Result<Vec<ConflictView>, NodeError> {
        self.apply_untried()?;
        let mut conflicts = Vec::new();
        for (_, id) in self.store.documents_of_kind(&self.space, kind.name())? {
            conflicts.extend(self.conflicts_of(id)?);
        }
        Ok(conflicts)
    }

    pub(super) fn conflict_views(
        &self,
        id: DocumentId,
        name: &str,
        view: &View,
        authors: &LogAuthors<'_>,
    ) -> Vec<ConflictView> {
        let mut conflicts = Vec::new();
        for (field, field_view) in &view.fields {
            let FieldView::Register(register) = field_view else { continue };
            let agreed = view.kind == DocumentKind::Run && field == super::runs::COMPLETED;
            if agreed || !register.in_conflict() {
                continue;
            }
            let candidate = |value: &Value, change: &ChangeHash| {
                self.candidate(field, value, change, authors.author(change))
            };
            conflicts.push(ConflictView {
                id,
                short_code: name.to_owned(),
                field: field.clone(),
                shown: register.shown().clone(),
                candidates: register.values.iter().map(|it| candidate(&it.value, &it.change)).collect(),
            });
        }
        conflicts
    }
}
