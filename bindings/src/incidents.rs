//! Incidents: entering, reading, editing, resolving.

use std::sync::Arc;

use firsthand_node::{Edit, ImportRow, NodeError};
use firsthand_record::Incident;
use firsthand_record::uniffi_types::DocumentId;

use crate::cancel::progress;
use crate::changes::{Fields, clears, edits};
use crate::node::Shared;
use crate::query::{cursor, cursor_text};
use crate::runtime::run;
use crate::views::candidate_key;
use crate::{
    ApiError, CancelToken, Conflict, HistoryStep, IncidentDetail, IncidentFilter, IncidentItem, IncidentList,
    IncidentListListener, IncidentPage, ProgressListener, Refusal, SavedRecord, Settled, lift,
};

const FIELDS: Fields = Fields { texts: Incident::TEXTS, lists: Incident::LISTS };

/// What became of incidents that were brought in.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Imported {
    /// How many were saved.
    pub added: u64,
    /// How many were here before.
    pub already: u64,
    /// How many cannot be saved.
    pub rejected: u64,
    /// It was cancelled; what was saved before stays.
    pub stopped: bool,
}

/// The incidents of a home.
#[derive(uniffi::Object)]
pub struct Incidents {
    pub(crate) shared: Arc<Shared>,
}

impl Incidents {
    async fn write(
        &self,
        id: String,
        edits: impl FnOnce() -> Result<Vec<Edit>, ApiError> + Send + 'static,
    ) -> Result<SavedRecord, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let id: DocumentId = lift::id("id", &id)?;
            Ok(node.edit(id, edits()?).await?.into())
        })
        .await
    }
}

#[uniffi::export]
impl Incidents {
    /// Saves a new incident. When this returns, it is on the disk.
    ///
    /// # Errors
    /// `Invalid` with every field to put right, `StorageFull`, `Refused`.
    pub async fn add(&self, incident: Incident) -> Result<SavedRecord, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.add_incident(incident).await?.into()) }).await
    }

    /// Saves what `changes` holds and leaves the rest as it is: each field of one value is set, each text replaced (only what
    /// differs is written), each item of a list added.
    ///
    /// # Errors
    /// `Invalid`, `Refused` with `CONFLICT` where a field's values conflict: resolve it first.
    pub async fn edit(&self, id: String, changes: Incident) -> Result<SavedRecord, ApiError> {
        self.write(id, move || edits(&FIELDS, &changes)).await
    }

    /// Empties fields of one value, by name.
    ///
    /// # Errors
    /// As [`Incidents::edit`].
    pub async fn clear(&self, id: String, fields: Vec<String>) -> Result<SavedRecord, ApiError> {
        self.write(id, move || Ok(clears(fields))).await
    }

    /// Replaces a part of a text, as somebody types: from `at`, `delete` characters go and `insert` comes. Characters are Unicode
    /// scalar values.
    ///
    /// # Errors
    /// `Invalid` for a place outside the text.
    pub async fn splice(
        &self,
        id: String,
        field: String,
        at: u64,
        delete: u64,
        insert: String,
    ) -> Result<SavedRecord, ApiError> {
        let most = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        self.write(id, move || Ok(vec![Edit::Splice { field, at: most(at), delete: most(delete), insert }]))
            .await
    }

    /// Takes an item of a list back, by its key. It stays readable, with the reason.
    ///
    /// # Errors
    /// `Refused` where there is no such item.
    pub async fn withdraw(&self, id: String, key: String, reason: String) -> Result<SavedRecord, ApiError> {
        self.write(id, move || Ok(vec![Edit::Withdraw { key, reason }])).await
    }

    /// Closes an incident; without the right to it that shows as a proposal.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn close_incident(&self, id: String, note: String) -> Result<SavedRecord, ApiError> {
        self.write(id, move || Ok(vec![Edit::Close { status: "closed".to_owned(), target: None, note }]))
            .await
    }

    /// Opens an incident again; without the right to it that shows as a proposal.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn reopen(&self, id: String, note: String) -> Result<SavedRecord, ApiError> {
        self.write(id, move || Ok(vec![Edit::Reopen { note }])).await
    }

    /// One incident with everything.
    ///
    /// # Errors
    /// `Refused` with `NOT_FOUND`.
    pub async fn get(&self, id: String) -> Result<IncidentDetail, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.incident(lift::id("id", &id)?).await?.into()) }).await
    }

    /// The incident that a person means by a short code or the beginning of an id.
    ///
    /// # Errors
    /// `Refused` with `NOT_FOUND` or `AMBIGUOUS`.
    pub async fn find(&self, typed: String) -> Result<DocumentId, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.find(&typed).await?) }).await
    }

    /// A page of the list. `after` is where the page before says that the next one begins.
    ///
    /// # Errors
    /// `Invalid` for a place in the list that is none.
    pub async fn page(
        &self,
        filter: IncidentFilter,
        limit: u32,
        after: Option<String>,
    ) -> Result<IncidentPage, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let after = after.map(|text| cursor(&text)).transpose()?;
            let rows = node.incidents(filter.query(limit, after)).await?;
            let is_full = rows.len() >= limit as usize;
            let next = rows.last().filter(|_| is_full).map(|row| cursor_text(row.cursor()));
            Ok(IncidentPage { rows: rows.into_iter().map(IncidentItem::from).collect(), next })
        })
        .await
    }

    /// Watches the list: the listener gets its first `page` lines, and then what becomes different.
    ///
    /// # Errors
    /// `Locked`.
    pub async fn watch(
        &self,
        filter: IncidentFilter,
        page: u32,
        listener: Arc<dyn IncidentListListener>,
    ) -> Result<Arc<IncidentList>, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(IncidentList::start(&node, filter, page, listener)) }).await
    }

    /// Who changed what, when, on which device, oldest first.
    ///
    /// # Errors
    /// `Refused` with `NOT_FOUND`.
    pub async fn history(&self, id: String) -> Result<Vec<HistoryStep>, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let steps = node.history(lift::id("id", &id)?).await?;
            Ok(steps.into_iter().map(HistoryStep::from).collect())
        })
        .await
    }

    /// Every conflict there is.
    ///
    /// # Errors
    /// `Locked`, `HomeFailed`.
    pub async fn conflicts(&self) -> Result<Vec<Conflict>, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.conflicts().await?.into_iter().map(Conflict::from).collect()) }).await
    }

    /// Picks one of the values of a conflict, by its key; without the right to it that shows as a proposal.
    ///
    /// # Errors
    /// `Refused` with `CONFLICT` where the field is not in conflict any more, or that value is not among those.
    pub async fn resolve(
        &self,
        id: String,
        field: String,
        candidate: String,
        note: String,
    ) -> Result<Settled, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let id: DocumentId = lift::id("id", &id)?;
            let conflicts = node.incident(id).await?.conflicts;
            let mut candidates =
                conflicts.into_iter().filter(|it| it.field == field).flat_map(|it| it.candidates);
            let picked = candidates.find(|it| candidate_key(it) == candidate);
            let gone = || ApiError::refused(Refusal::Conflict, &"resolve it: the values have changed");
            let value = picked.ok_or_else(gone)?.value;
            Ok(Settled::of(node.resolve(id, &field, value, &note).await?.settled))
        })
        .await
    }

    /// The incidents in which every word is found, best first.
    ///
    /// # Errors
    /// `Locked`, `HomeFailed`.
    pub async fn search(&self, text: String, limit: u32) -> Result<Vec<IncidentItem>, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let rows = node.search(&text, limit as usize).await?;
            Ok(rows.into_iter().map(IncidentItem::from).collect())
        })
        .await
    }

    /// Saves many incidents, some hundred for each wait for the disk. One that names in `origin` the row of a file it came from is
    /// brought in once.
    ///
    /// # Errors
    /// `StorageFull`; what was saved before stays.
    pub async fn import_all(
        &self,
        incidents: Vec<Incident>,
        listener: Option<Arc<dyn ProgressListener>>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Imported, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let row = |(at, incident)| ImportRow { row: at + 1, incident };
            let rows = incidents.into_iter().enumerate().map(row).collect();
            let report = node.import(rows, false, progress(listener, cancel)).await?;
            Ok::<_, NodeError>(Imported {
                added: lift::count(report.added.len()),
                already: lift::count(report.already.len() + report.changed.len()),
                rejected: lift::count(report.rejected.len() + report.failed.len()),
                stopped: report.stopped,
            })
            .map_err(ApiError::from)
        })
        .await
    }
}
