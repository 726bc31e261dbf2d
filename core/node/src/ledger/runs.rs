//! Runs of checklists: begun on one published version, and on that one until they are over.
//!
//! What is entered is judged before it is saved: by the item's type, its choices and its constraint, and by whether the item is
//! asked at all. What others enter while apart is taken as it comes, and what does not fit is marked where it is shown.

use std::collections::BTreeMap;

use firsthand_document::{DocumentKind, Edit, FieldView, View};
use firsthand_ids::{DocumentId, PersonId};
use firsthand_record::Moment;
use firsthand_record::checklist::{
    Answer, Broken, Checklist, Completion, ItemState, ItemType, Reader, Run, RunContext, TemplateContent,
    TimerEntry, TimerEvent, typed_answer,
};
use firsthand_record::validate::{self, Context, is_rejected};
use firsthand_store::{RunProjection, RunRow, TemplateState};
use rand_core::CryptoRng;
use serde_json::{Value, json};

use super::checklists::whole;
use super::records::object;
use super::{AttachmentView, ChecklistError, Ledger, NewFile, Now, Saved, SealedFile};
use crate::NodeError;

/// How many runs that are not over are opened for a list, to count what is done.
const COUNTED: usize = 50;

/// What somebody enters into a run.
#[derive(Debug, Clone, PartialEq)]
pub enum RunStep {
    /// Ticks an item.
    Tick,
    /// Takes back the ticks that are here. One that comes later stays.
    Untick,
    /// Answers an item with what a person typed.
    Answer(String),
    /// Answers an item that asks for a photo or a recording with a file of the run, by the record of that file.
    File(DocumentId),
    /// Clears one's own answer.
    Clear,
    /// Something happened to a timer.
    Timer(TimerEvent),
}

/// What is known of a file that is to be an answer.
struct FileSaid<'a> {
    name: &'a str,
    mime: Option<&'a str>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStanding {
    /// It goes on.
    Open,
    /// Its version of the checklist has not come yet, or is not what the run was begun with.
    Held,
    /// Completed.
    Completed,
    /// Abandoned.
    Abandoned,
}

impl RunStanding {
    /// The word in machine output.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Held => "held",
            Self::Completed => "completed",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether nothing more is entered.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Abandoned)
    }
}

/// One run with everything.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// The document.
    pub id: DocumentId,
    /// The name of whoever began it.
    pub author: String,
    /// What stands in it, every entry that was ever made included.
    pub record: Run,
    /// That it was completed, once for each time that somebody completed it who did not know of the others.
    pub completions: Vec<Completion>,
    /// What its version of the checklist says, once that is here.
    pub content: Option<TemplateContent>,
    /// What this device makes of that version; `None` where it is not here.
    pub template: Option<TemplateState>,
    /// Where it stands.
    pub standing: RunStanding,
    /// Its files that no mark hides, oldest first.
    pub files: Vec<AttachmentView>,
    /// The names of everybody in it.
    pub names: BTreeMap<PersonId, String>,
    /// By the key of an entry, who made it, where that is not the person whom it names.
    pub entered_by: BTreeMap<String, PersonId>,
    /// The person of this device.
    pub me: PersonId,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Items that are done.
    pub done: usize,
    /// Items to do.
    pub total: usize,
    /// Critical items that are not done.
    pub critical_open: usize,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct RunListed {
    /// Its row.
    pub row: RunRow,
    /// The name of whoever began it.
    pub author: String,
    /// Where it stands.
    pub standing: RunStanding,
    /// How far it is; only of the first fifty that are open.
    pub counts: Option<RunCounts>,
}

/// The register that says that a run was completed. People who complete it while apart do not disagree: it is completed, and
/// each of them says so. So its values are never in conflict.
pub(super) const COMPLETED: &str = "completed";

/// Every completion of a run, in the order of their writes, the same everywhere.
fn completions(view: &View) -> Vec<Completion> {
    let Some(FieldView::Register(register)) = view.fields.get(COMPLETED) else { return Vec::new() };
    let read = |value: &Value| serde_json::from_value(value.clone()).ok();
    register.values.iter().rev().filter_map(|it| read(&it.value)).collect()
}

/// The entries of a run stay, whatever anybody marks on them: a tick is taken back by an entry that names it.
fn record(view: &View) -> Option<Run> {
    Run::read(whole(view, &["answers", "timers"]))
}

pub(super) fn run_row(view: &View) -> Option<RunProjection> {
    let run = record(view)?;
    let context = view.value("context").and_then(|context| context["kind"].as_str()).map(str::to_owned);
    Some(RunProjection {
        template: run.template,
        template_id: run.template_id,
        version: run.version,
        content_sha256: run.content_sha256,
        context,
        about: run.context.and_then(|context| context.document),
        started: run.started.local_time(),
        completed: run.completed.map(|it| it.at.millis()),
        abandoned: !run.abandoned_reason.trim().is_empty(),
        entries: (run.answers.len() + run.timers.len()) as u32,
        conflicts: view.conflicts().filter(|(field, _)| *field != COMPLETED).count() as u32,
        hidden: view.is_hidden(),
    })
}

impl Ledger {
    /// Begins a run of a version of a checklist.
    ///
    /// # Errors
    /// [`ChecklistError::Unusable`] where no trainer published it; [`NodeError::NotFound`] where it, or what the run belongs
    /// to, is not here; [`NodeError::Rejected`]; [`NodeError::Store`].
    pub fn start_run(
        &mut self,
        template: DocumentId,
        context: Option<RunContext>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        let (view, read) = self.template(template)?;
        if view.row.row.hidden {
            return Err(ChecklistError::Hidden.into());
        }
        let Some(read) = read.filter(|_| view.offered) else {
            return Err(ChecklistError::Unusable(view.row.row.state).into());
        };
        if let Some(about) = context.and_then(|context| context.document) {
            self.created(&about)?;
        }
        let mut run = Run::new(read.template_id, read.version, template, moment(now)?);
        run.content_sha256 = Some(read.content_sha256);
        run.context = context;
        let findings = validate::run(&run, Some(&read.content), &Context::at(now.at));
        if is_rejected(&findings) {
            return Err(NodeError::Rejected(findings));
        }
        self.add_record(DocumentKind::Run, object(&run)?, now, rng)
    }

    /// Enters something into a run.
    ///
    /// # Errors
    /// [`ChecklistError`] where the item, the answer or the run does not take it; [`NodeError::Rejected`]; nothing is saved
    /// then.
    pub fn enter(
        &mut self,
        id: DocumentId,
        item_id: &str,
        step: RunStep,
        note: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        let (run, content) = self.open_run(id)?;
        let file = match step {
            RunStep::File(file) => Some(self.file(file)?).filter(|file| file.record.incident == id),
            _ => None,
        };
        let said = file.as_ref().map(|file| FileSaid { name: &file.name, mime: Some(&file.mime) });
        let edit = self.step(&run, &content, item_id, step, said, note, now)?;
        match edit {
            Some(edit) => self.edit(id, &[edit], now, rng),
            None => Ok(Saved { id, short_code: id.short(), findings: Vec::new() }),
        }
    }

    /// Judges whether an item of a run takes a file as its answer, before anything is done with the file. `mime` is what its
    /// first bytes say, once that is known.
    ///
    /// # Errors
    /// As [`Ledger::enter`].
    pub fn may_answer_with_file(
        &mut self,
        id: DocumentId,
        item_id: &str,
        name: &str,
        mime: Option<&str>,
        now: Now,
    ) -> Result<(), NodeError> {
        let (run, content) = self.open_run(id)?;
        let said = Some(FileSaid { name, mime });
        // Which record it will have is not known yet, and no rule asks.
        self.step(&run, &content, item_id, RunStep::File(id), said, "", now)?;
        Ok(())
    }

    /// Records a sealed file with a run, signed by this device, as the answer to an item.
    ///
    /// # Errors
    /// As [`Ledger::enter`] and [`Ledger::record_file`]; nothing is saved then.
    #[expect(clippy::too_many_arguments, reason = "each describes the answer")]
    pub fn answer_with_file(
        &mut self,
        id: DocumentId,
        item_id: &str,
        file: SealedFile,
        said: NewFile,
        note: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AttachmentView, NodeError> {
        self.may_answer_with_file(id, item_id, &said.name, Some(file.mime()), now)?;
        let view = self.record_file(id, file, said, now, rng)?;
        self.enter(id, item_id, RunStep::File(view.document), note, now, rng)?;
        Ok(view)
    }

    /// The edit that a step becomes; none where it says what stands already.
    #[expect(clippy::too_many_arguments, reason = "each is part of the step")]
    fn step(
        &self,
        run: &Run,
        content: &TemplateContent,
        item_id: &str,
        step: RunStep,
        file: Option<FileSaid<'_>>,
        note: &str,
        now: Now,
    ) -> Result<Option<Edit>, NodeError> {
        let at = moment(now)?;
        let reader = Reader { person: Some(self.person), language: content.default_language(), now: at };
        let checklist = Checklist::new(content);
        let progress = checklist.progress(run, &reader);
        let state = progress.items.iter().find(|state| state.item.item_id == item_id);
        let state = state.ok_or_else(|| ChecklistError::NoItem(item_id.to_owned()))?;
        if !state.relevant {
            return Err(ChecklistError::NotAsked(item_id.to_owned()).into());
        }
        let item = state.item;
        let ticked = matches!(item.item_type, ItemType::Check | ItemType::Timer);
        let fits = match step {
            RunStep::Tick | RunStep::Untick => ticked,
            RunStep::Answer(_) if item.item_type.is_file() => {
                return Err(ChecklistError::AsksForFile(item_id.to_owned()).into());
            }
            RunStep::Answer(_) | RunStep::Clear => !ticked && item.item_type != ItemType::Note,
            RunStep::File(_) => item.item_type.is_file(),
            RunStep::Timer(_) => item.item_type == ItemType::Timer,
        };
        if !fits {
            return Err(ChecklistError::OtherType(item_id.to_owned(), item.item_type.code()).into());
        }
        let mut answer = match step {
            RunStep::Tick => {
                if note.is_empty() && state.ticks.iter().any(|tick| tick.person == self.person) {
                    return Ok(None);
                }
                Answer::tick(item_id, self.person, at)
            }
            RunStep::Untick => {
                if state.ticks.is_empty() {
                    return Err(ChecklistError::NotTicked(item_id.to_owned()).into());
                }
                let takes_back = state.ticks.iter().map(|tick| tick.key.clone()).collect();
                Answer { takes_back, ..Answer::new(item_id, self.person, json!(false), at) }
            }
            RunStep::Answer(typed) => {
                let value = typed_answer(item, &typed).map_err(ChecklistError::Wrong)?;
                Answer::new(item_id, self.person, value, at)
            }
            RunStep::File(evidence) => {
                let file = file.ok_or_else(|| NodeError::NotFound(evidence.short()))?;
                if file.mime.is_some_and(|mime| !item.item_type.takes_file(mime)) {
                    let kind = item.item_type.code();
                    return Err(ChecklistError::OtherFile(item_id.to_owned(), kind).into());
                }
                let answer = Answer::new(item_id, self.person, json!(file.name), at);
                Answer { evidence: Some(evidence), ..answer }
            }
            RunStep::Clear => {
                if !state.answers.contains_key(&self.person) {
                    return Ok(None);
                }
                Answer::new(item_id, self.person, Value::Null, at)
            }
            RunStep::Timer(event) => {
                may_time(state, event, at)?;
                let entry = TimerEntry {
                    key: String::new(),
                    item_id: item_id.to_owned(),
                    person: self.person,
                    event,
                    at,
                };
                let mut after = run.clone();
                after.timers.push(entry.clone());
                must_be_sound(run, &after, content, now)?;
                return Ok(Some(add("timers", &entry)?));
            }
        };
        note.trim().clone_into(&mut answer.note);
        let mut after = run.clone();
        after.answers.push(answer.clone());
        must_be_sound(run, &after, content, now)?;
        let then = checklist.progress(&after, &reader);
        let new = after.answers.last();
        let broken = then.items.iter().flat_map(|state| &state.broken);
        let broken =
            broken.filter(|(other, _)| new.is_some_and(|new| std::ptr::eq(*other, new))).map(|it| &it.1);
        if let Some(Broken::Constraint(message)) = broken.into_iter().next() {
            return Err(ChecklistError::Constraint(message.clone()).into());
        }
        Ok(Some(add("answers", &answer)?))
    }

    /// Completes a run.
    ///
    /// # Errors
    /// [`ChecklistError::Missing`] where required or critical items are not done, or answers do not fit.
    pub fn complete_run(
        &mut self,
        id: DocumentId,
        language: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        let (run, content) = self.open_run(id)?;
        let at = moment(now)?;
        let reader = Reader { person: Some(self.person), language, now: at };
        let checklist = Checklist::new(&content);
        let progress = checklist.progress(&run, &reader);
        let needed = |state: &&&ItemState<'_>| {
            let open = state.item.item_type.is_to_do() && state.item.critical && !state.done;
            // An answer of somebody else that does not fit is no reason: one's own comes before it.
            let wrong =
                |counts: &Answer| state.broken.iter().any(|(answer, _)| std::ptr::eq(*answer, counts));
            state.is_missing() || open || state.counts.is_some_and(wrong)
        };
        let asked = progress.critical_first();
        let missing: Vec<_> = asked
            .iter()
            .filter(needed)
            .map(|state| (state.item.item_id.clone(), state.label.clone()))
            .collect();
        if !missing.is_empty() {
            return Err(ChecklistError::Missing(missing).into());
        }
        let value = json!(Completion { at, by: self.person });
        self.edit(id, &[Edit::Set { field: COMPLETED.to_owned(), value }], now, rng)
    }

    /// Abandons a run.
    ///
    /// # Errors
    /// [`ChecklistError::NoReason`]; [`ChecklistError::Over`].
    pub fn abandon_run(
        &mut self,
        id: DocumentId,
        reason: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        if reason.trim().is_empty() {
            return Err(ChecklistError::NoReason.into());
        }
        if self.run(id)?.standing.is_over() {
            return Err(ChecklistError::Over.into());
        }
        let text = reason.trim().to_owned();
        self.edit(id, &[Edit::ReplaceText { field: "abandoned_reason".to_owned(), text }], now, rng)
    }

    /// A run that goes on, and its checklist.
    fn open_run(&mut self, id: DocumentId) -> Result<(Run, TemplateContent), NodeError> {
        let view = self.run(id)?;
        if view.standing.is_over() {
            return Err(ChecklistError::Over.into());
        }
        let content = view.content.ok_or(ChecklistError::NotHere)?;
        Ok((view.record, content))
    }

    /// One run with everything.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here, or is something else.
    pub fn run(&mut self, id: DocumentId) -> Result<RunView, NodeError> {
        let info = self.created(&id)?.info;
        let view = self.read_view(&id)?;
        let record = Some(&view).filter(|view| view.kind == DocumentKind::Run).and_then(record);
        let record = record.ok_or_else(|| NodeError::NotFound(id.short()))?;
        let (content, template) = self.content_of(&record)?;
        let mut entered_by = BTreeMap::new();
        for list in ["answers", "timers"] {
            let Some(FieldView::Items(items)) = view.fields.get(list) else { continue };
            for item in items {
                let named = item.value["person"].as_str().and_then(|id| id.parse::<PersonId>().ok());
                let author = self.store.author(&item.change)?.map(|info| info.person);
                if let Some(author) = author.filter(|author| Some(*author) != named) {
                    entered_by.insert(item.key.clone(), author);
                }
            }
        }
        let people =
            record.answers.iter().map(|it| it.person).chain(record.timers.iter().map(|it| it.person));
        let completions = completions(&view);
        let people = people.chain(completions.iter().map(|it| it.by)).chain(entered_by.values().copied());
        let names = people.map(|person| (person, self.name(&person))).collect();
        Ok(RunView {
            id,
            author: self.name(&info.person),
            standing: standing(
                record.completed.is_some(),
                !record.abandoned_reason.trim().is_empty(),
                content.is_some(),
            ),
            names,
            entered_by,
            files: self.attachments(&id)?,
            me: self.person,
            completions,
            record,
            content,
            template,
        })
    }

    /// What the version says that a run is of. Nothing where it is not here, or not what the run was begun with.
    fn content_of(
        &mut self,
        run: &Run,
    ) -> Result<(Option<TemplateContent>, Option<TemplateState>), NodeError> {
        self.apply_untried_of(&run.template)?;
        if self.store.template(&run.template)?.is_none() {
            return Ok((None, None));
        }
        let (template, state) = self.read_template(run.template)?;
        let same = template.filter(|it| {
            (&it.template_id, it.version) == (&run.template_id, run.version)
                && run.content_sha256.is_none_or(|hash| hash == it.content_sha256)
        });
        Ok((same.map(|it| it.content), Some(state)))
    }

    /// Runs that are not hidden: those that are not over first, otherwise the latest first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn runs(&mut self, limit: usize, now: Now) -> Result<Vec<RunListed>, NodeError> {
        self.apply_untried()?;
        let rows = self.store.runs(limit)?.into_iter().filter(|row| !row.row.hidden);
        let mut counted = 0;
        let mut listed = Vec::new();
        for row in rows {
            let over = row.row.completed.is_some() || row.row.abandoned;
            let mut counts = None;
            let mut is_here = row.template.is_some();
            if !over && counted < COUNTED {
                counted += 1;
                let view = self.run(row.id)?;
                is_here = view.content.is_some();
                counts = view.content.as_ref().map(|content| count(content, &view, now)).transpose()?;
            }
            let standing = standing(row.row.completed.is_some(), row.row.abandoned, is_here);
            listed.push(RunListed { author: self.name(&row.author), standing, counts, row });
        }
        Ok(listed)
    }
}

fn count(content: &TemplateContent, view: &RunView, now: Now) -> Result<RunCounts, NodeError> {
    let reader = Reader { person: Some(view.me), language: content.default_language(), now: moment(now)? };
    let checklist = Checklist::new(content);
    let progress = checklist.progress(&view.record, &reader);
    Ok(RunCounts {
        done: progress.done,
        total: progress.total,
        critical_open: progress.critical_total - progress.critical_done,
    })
}

const fn standing(completed: bool, abandoned: bool, is_here: bool) -> RunStanding {
    match (completed, abandoned, is_here) {
        (true, _, _) => RunStanding::Completed,
        (false, true, _) => RunStanding::Abandoned,
        (false, false, true) => RunStanding::Open,
        (false, false, false) => RunStanding::Held,
    }
}

/// Whether a timer is where an event can happen: it is started once at a time, and has run out when its time is over.
fn may_time(state: &ItemState<'_>, event: TimerEvent, at: Moment) -> Result<(), ChecklistError> {
    let running = state.timers.last().filter(|entry| entry.event == TimerEvent::Started);
    match (event, running) {
        (TimerEvent::Started, None) | (TimerEvent::Stopped, Some(_)) => Ok(()),
        (TimerEvent::Stopped | TimerEvent::Finished, None) => Err(ChecklistError::Timer(None)),
        (TimerEvent::Started | TimerEvent::Finished, Some(started)) => {
            let ran = at.millis().0.saturating_sub(started.at.millis().0) / 1000;
            let length = i64::from(state.item.timer_s.unwrap_or(0));
            let left = length.saturating_sub(ran).clamp(0, length);
            match (event, u64::try_from(left)) {
                (TimerEvent::Finished, Ok(0)) => Ok(()),
                (_, left) => Err(ChecklistError::Timer(Some(left.unwrap_or(0)))),
            }
        }
    }
}

/// Refuses what would leave a run unsound that was not so before.
fn must_be_sound(before: &Run, after: &Run, content: &TemplateContent, now: Now) -> Result<(), NodeError> {
    let context = Context::at(now.at);
    let findings = validate::run(after, Some(content), &context);
    if is_rejected(&findings) {
        let earlier = validate::run(before, Some(content), &context);
        if findings.iter().any(|finding| !earlier.contains(finding)) {
            return Err(NodeError::Rejected(findings));
        }
    }
    Ok(())
}

fn add(list: &str, item: &impl serde::Serialize) -> Result<Edit, NodeError> {
    Ok(Edit::Add { list: list.to_owned(), value: Value::Object(object(item)?) })
}

fn moment(now: Now) -> Result<Moment, NodeError> {
    Moment::from_local(now).ok_or(NodeError::Inconsistent("this device's clock"))
}
