//! Checklists and their runs.

use std::sync::Arc;

use firsthand_node::{RunListed, RunStanding, RunStep, RunView, TemplateView};
use firsthand_record::checklist::{
    Checklist, ItemState, ItemType, Localised, Reader, Run, RunContext, Template, TemplateContent, TimerEvent,
};
use firsthand_record::uniffi_types::DocumentId;

use crate::cancel::progress;
use crate::node::Shared;
use crate::runtime::{self, run};
use crate::{ApiError, CancelToken, FileItem, NewAttachment, ProgressListener, SavedRecord, lift};

/// A checklist in the list of checklists.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct ChecklistItem {
    /// The record.
    pub id: DocumentId,
    /// What all its versions are called by programs.
    pub template_id: String,
    /// What it is called, by language.
    pub title: Localised,
    /// Its version.
    pub version: u32,
    /// How many items it has.
    pub items: u32,
    /// How many of them are critical.
    pub critical: u32,
    /// The name of whoever made it.
    pub author: String,
    /// Whether runs can be begun.
    pub offered: bool,
}

impl From<TemplateView> for ChecklistItem {
    fn from(view: TemplateView) -> Self {
        let row = view.row.row;
        Self {
            id: view.row.id,
            template_id: row.template_id,
            title: titles(&row.title),
            version: row.version,
            items: row.items,
            critical: row.critical,
            author: view.author,
            offered: view.offered,
        }
    }
}

/// A run in the list of runs.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct RunListItem {
    /// The record.
    pub id: DocumentId,
    /// What all versions of its checklist are called by programs.
    pub template_id: String,
    /// What its checklist is called, by language.
    pub title: Localised,
    /// The version it was begun with, and stays with.
    pub version: u32,
    /// The name of whoever began it.
    pub author: String,
    /// When it began, in milliseconds since 1970.
    pub started_ms: i64,
    /// Whether nothing more is entered.
    pub over: bool,
    /// Its version of the checklist is not here, or is not what the run was begun with.
    pub held: bool,
    /// How many of the items that are asked are done; only of the first fifty that are open.
    pub done: Option<u64>,
    /// How many there are to do.
    pub total: Option<u64>,
    /// How many critical ones are not done.
    pub critical_open: Option<u64>,
}

impl From<RunListed> for RunListItem {
    fn from(listed: RunListed) -> Self {
        let (row, counts) = (listed.row.row, listed.counts);
        Self {
            id: listed.row.id,
            template_id: row.template_id,
            title: titles(&listed.row.title),
            version: row.version,
            author: listed.author,
            started_ms: row.started.at.0,
            over: listed.standing.is_over(),
            held: listed.standing == RunStanding::Held,
            done: counts.map(|counts| lift::count(counts.done)),
            total: counts.map(|counts| lift::count(counts.total)),
            critical_open: counts.map(|counts| lift::count(counts.critical_open)),
        }
    }
}

/// The title of a row, which has all languages in it.
fn titles(row: &str) -> Localised {
    serde_json::from_str(row).unwrap_or_default()
}

/// One item of a run.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct RunItem {
    /// What answers call it.
    pub item_id: String,
    /// What it asks for.
    pub item_type: ItemType,
    /// What it says, in the reader's language.
    pub label: String,
    /// Whether lives may depend on it.
    pub critical: bool,
    /// Whether the run is not complete without it.
    pub required: bool,
    /// Whether it is asked, as answers stand.
    pub relevant: bool,
    /// Whether it is done.
    pub done: bool,
    /// The answer that counts for the reader: words as they are, anything else as a JSON value.
    pub answer: Option<String>,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct RunState {
    /// The record.
    pub id: DocumentId,
    /// The name of whoever began it.
    pub author: String,
    /// Whether nothing more is entered.
    pub over: bool,
    /// Its version of the checklist is not here, or is not what the run was begun with.
    pub held: bool,
    /// Its items, in order; empty while it is held.
    pub items: Vec<RunItem>,
    /// How many of the items that are asked are done.
    pub done: u64,
    /// How many there are to do.
    pub total: u64,
    /// Its files that no mark hides, oldest first.
    pub files: Vec<FileItem>,
    /// Everything that stands in it.
    pub record: Run,
}

fn item(state: &ItemState<'_>) -> RunItem {
    RunItem {
        item_id: state.item.item_id.clone(),
        item_type: state.item.item_type,
        label: state.label.clone(),
        critical: state.item.critical,
        required: state.item.required,
        relevant: state.relevant,
        done: state.done,
        answer: state.counts.map(|answer| match answer.value.as_str() {
            Some(words) => words.to_owned(),
            None => answer.value.to_string(),
        }),
    }
}

fn state(view: RunView, language: &str, now: firsthand_record::Moment) -> RunState {
    let reader = Reader { person: Some(view.me), language, now };
    let checklist = view.content.as_ref().map(Checklist::new);
    let progress = checklist.as_ref().map(|checklist| checklist.progress(&view.record, &reader));
    let (items, done, total) = progress.map_or_else(Default::default, |progress| {
        (progress.items.iter().map(item).collect(), progress.done, progress.total)
    });
    RunState {
        id: view.id,
        author: view.author,
        over: view.standing.is_over(),
        held: view.standing == RunStanding::Held,
        items,
        done: lift::count(done),
        total: lift::count(total),
        files: view.files.into_iter().map(FileItem::from).collect(),
        record: view.record,
    }
}

/// The checklists of a home.
#[derive(uniffi::Object)]
pub struct Checklists {
    pub(crate) shared: Arc<Shared>,
}

impl Checklists {
    async fn enter_step(
        &self,
        run_id: String,
        item: String,
        step: RunStep,
        note: String,
    ) -> Result<SavedRecord, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.enter(lift::id("run", &run_id)?, &item, step, &note).await?.into()) }).await
    }
}

#[uniffi::export]
impl Checklists {
    /// All checklists that are not hidden, by what they are called, the newest version first.
    ///
    /// # Errors
    /// `Locked`, `HomeFailed`.
    pub async fn all(&self) -> Result<Vec<ChecklistItem>, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.templates().await?.into_iter().map(ChecklistItem::from).collect()) }).await
    }

    /// Publishes a version of a checklist. Its number rises with each; the same content a second time is the one that is there.
    ///
    /// # Errors
    /// `Refused` with `NOT_ALLOWED` for who may not, or with `OTHER` where that version says something else here; `Invalid`.
    pub async fn publish(
        &self,
        template_id: String,
        version: u32,
        content: TemplateContent,
    ) -> Result<SavedRecord, ApiError> {
        let node = self.shared.node()?;
        let template = Template::new(template_id, version, content, None);
        run(async move { Ok(node.publish_template(template).await?.into()) }).await
    }

    /// The runs, open ones first, then those that began last.
    ///
    /// # Errors
    /// `Locked`, `HomeFailed`.
    pub async fn runs(&self, limit: u32) -> Result<Vec<RunListItem>, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.runs(limit as usize).await?.into_iter().map(RunListItem::from).collect()) })
            .await
    }

    /// What a checklist says; `null` where this version cannot read it.
    ///
    /// # Errors
    /// `Refused` with `NOT_FOUND`.
    pub async fn template(&self, id: String) -> Result<Option<Template>, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.template(lift::id("id", &id)?).await?.1) }).await
    }

    /// Begins a run of a version of a checklist.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn start(
        &self,
        template: String,
        context: Option<RunContext>,
    ) -> Result<SavedRecord, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.start_run(lift::id("template", &template)?, context).await?.into()) }).await
    }

    /// Where a run stands for a reader of a language, such as `ar`.
    ///
    /// # Errors
    /// `Refused` with `NOT_FOUND`.
    pub async fn state(&self, id: String, language: String) -> Result<RunState, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let now = lift::moment(node.environment().clock.now()).unwrap_or_default();
            Ok(state(node.checklist_run(lift::id("id", &id)?).await?, &language, now))
        })
        .await
    }

    /// Ticks an item.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn tick(&self, run: String, item: String) -> Result<SavedRecord, ApiError> {
        self.enter_step(run, item, RunStep::Tick, String::new()).await
    }

    /// Takes back the ticks that are here.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn untick(&self, run: String, item: String) -> Result<SavedRecord, ApiError> {
        self.enter_step(run, item, RunStep::Untick, String::new()).await
    }

    /// Answers an item with what a person typed.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn answer(
        &self,
        run: String,
        item: String,
        typed: String,
        note: String,
    ) -> Result<SavedRecord, ApiError> {
        self.enter_step(run, item, RunStep::Answer(typed), note).await
    }

    /// Seals a file and records it with a run as the answer to an item that asks for a photo or a recording. When this returns, it
    /// is on the disk.
    ///
    /// # Errors
    /// `Refused` with `EMPTY_FILE` where the camera gave nothing, with `NOT_FOUND`, or where the item takes no such file;
    /// `StorageFull`; `Cancelled`. Nothing is left then.
    pub async fn answer_with_file(
        &self,
        run: String,
        item: String,
        file: NewAttachment,
        note: String,
        listener: Option<Arc<dyn ProgressListener>>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<FileItem, ApiError> {
        let node = self.shared.node()?;
        runtime::run(async move {
            let run = lift::id("run", &run)?;
            let (path, said) = file.into_parts();
            Ok(node
                .answer_with_file(run, &item, &path, said, &note, progress(listener, cancel))
                .await?
                .into())
        })
        .await
    }

    /// Clears one's own answer.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn clear(&self, run: String, item: String) -> Result<SavedRecord, ApiError> {
        self.enter_step(run, item, RunStep::Clear, String::new()).await
    }

    /// Something happened to a timer.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn timer(&self, run: String, item: String, event: TimerEvent) -> Result<SavedRecord, ApiError> {
        self.enter_step(run, item, RunStep::Timer(event), String::new()).await
    }

    /// Completes a run.
    ///
    /// # Errors
    /// `Invalid`, naming the items that must be done first; `Refused`.
    pub async fn complete(&self, id: String, language: String) -> Result<SavedRecord, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.complete_run(lift::id("id", &id)?, &language).await?.into()) }).await
    }

    /// Abandons a run, with the reason.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn abandon(&self, id: String, reason: String) -> Result<SavedRecord, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.abandon_run(lift::id("id", &id)?, &reason).await?.into()) }).await
    }
}
