//! Checklists and their runs, from any thread.

use firsthand_ids::DocumentId;
use firsthand_record::checklist::{RunContext, Template};

use crate::{Node, NodeError, RunListed, RunStep, RunView, Saved, TemplateView};

impl Node {
    /// Publishes a version of a checklist. The same content a second time is the one that is there.
    ///
    /// # Errors
    /// [`NodeError::Team`] for who has not the right; [`NodeError::Rejected`]; [`NodeError::Checklist`] where the version says
    /// something else here; [`NodeError::Store`].
    pub async fn publish_template(&self, template: Template) -> Result<Saved, NodeError> {
        self.write(move |ledger, shop| {
            ledger.publish_template(template, shop.environment.clock.now(), &mut shop.random)
        })
        .await
    }

    /// Keeps checklists to publish later, each in place of an earlier draft of its name.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub async fn keep_drafts(&self, templates: Vec<Template>) -> Result<(), NodeError> {
        self.run(move |ledger, _| ledger.keep_drafts(&templates)).await
    }

    /// The drafts, those that were loaded last first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn drafts(&self) -> Result<Vec<Template>, NodeError> {
        self.run(|ledger, _| ledger.drafts()).await
    }

    /// All checklists that are not hidden, by what they are called, the newest version first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn templates(&self) -> Result<Vec<TemplateView>, NodeError> {
        self.run(|ledger, _| ledger.templates()).await
    }

    /// One checklist, and what it says as far as this version can read it.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here.
    pub async fn template(&self, id: DocumentId) -> Result<(TemplateView, Option<Template>), NodeError> {
        self.run(move |ledger, _| ledger.template(id)).await
    }

    /// The checklist that is meant: what it is called, with `@` and a version or the newest, or the beginning of its id.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::Ambiguous`].
    pub async fn find_template(&self, typed: &str) -> Result<DocumentId, NodeError> {
        let typed = typed.to_owned();
        self.run(move |ledger, _| ledger.find_template(&typed)).await
    }

    /// Begins a run of a version of a checklist.
    ///
    /// # Errors
    /// [`NodeError::Checklist`] where no trainer published it; [`NodeError::NotFound`]; [`NodeError::Store`].
    pub async fn start_run(
        &self,
        template: DocumentId,
        context: Option<RunContext>,
    ) -> Result<Saved, NodeError> {
        self.write(move |ledger, shop| {
            ledger.start_run(template, context, shop.environment.clock.now(), &mut shop.random)
        })
        .await
    }

    /// Enters something into a run.
    ///
    /// # Errors
    /// [`NodeError::Checklist`] where the item, the answer or the run does not take it; [`NodeError::Rejected`];
    /// [`NodeError::Store`].
    pub async fn enter(
        &self,
        run: DocumentId,
        item: &str,
        step: RunStep,
        note: &str,
    ) -> Result<Saved, NodeError> {
        let (item, note) = (item.to_owned(), note.to_owned());
        self.write(move |ledger, shop| {
            ledger.enter(run, &item, step, &note, shop.environment.clock.now(), &mut shop.random)
        })
        .await
    }

    /// Completes a run.
    ///
    /// # Errors
    /// [`NodeError::Checklist`] with the items that are missing; [`NodeError::Store`].
    pub async fn complete_run(&self, run: DocumentId, language: &str) -> Result<Saved, NodeError> {
        let language = language.to_owned();
        self.write(move |ledger, shop| {
            ledger.complete_run(run, &language, shop.environment.clock.now(), &mut shop.random)
        })
        .await
    }

    /// Abandons a run.
    ///
    /// # Errors
    /// [`NodeError::Checklist`] without a reason, or where it is over; [`NodeError::Store`].
    pub async fn abandon_run(&self, run: DocumentId, reason: &str) -> Result<Saved, NodeError> {
        let reason = reason.to_owned();
        self.write(move |ledger, shop| {
            ledger.abandon_run(run, &reason, shop.environment.clock.now(), &mut shop.random)
        })
        .await
    }

    /// One run with everything.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here.
    pub async fn checklist_run(&self, run: DocumentId) -> Result<RunView, NodeError> {
        self.run(move |ledger, _| ledger.run(run)).await
    }

    /// Runs that are not hidden: those that are not over first, otherwise the latest first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn runs(&self, limit: usize) -> Result<Vec<RunListed>, NodeError> {
        self.run(move |ledger, shop| ledger.runs(limit, shop.environment.clock.now())).await
    }
}
