//! One checklist, and one run with who did what.

use std::collections::BTreeMap;

use chrono::Local;
use firsthand_node::ids::PersonId;
use firsthand_node::{
    AttachmentView, NodeError, RunStanding, RunView, TemplateState, TemplateView, template_reason,
};
use firsthand_record::Moment;
use firsthand_record::checklist::{
    Answer, Broken, Checklist, Choice, ItemState, ItemType, Localised, Progress, Reader, Section, Template,
    TemplateItem, TimerEntry,
};
use serde::Serialize;
use serde_json::Value;

use super::{find_run, language};
use crate::args::ShowChecklistArgs;
use crate::command::incident::attach::{self, Attachment};
use crate::fail::Fail;
use crate::home::Session;
use crate::show::{table, text, when};

/// What was found under what was typed.
enum Found {
    Published(Box<(TemplateView, Option<Template>)>),
    Draft(Box<Template>),
    Run(Box<RunView>),
}

/// Shows a checklist, a draft or a run.
pub(super) async fn show(session: &Session, args: &ShowChecklistArgs) -> Result<(), Fail> {
    let typed = args.id.trim();
    let found = session
        .with_node(async |node| {
            match node.find_template(typed).await {
                Ok(id) => return Ok(Found::Published(Box::new(node.template(id).await?))),
                Err(NodeError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
            let mut drafts = node.drafts().await?.into_iter();
            if let Some(draft) = drafts.find(|draft| draft.template_id.eq_ignore_ascii_case(typed)) {
                return Ok(Found::Draft(Box::new(draft)));
            }
            let id = find_run(node, typed).await?;
            Ok(Found::Run(Box::new(node.checklist_run(id).await?)))
        })
        .await?;
    let language = language(&args.language);
    match found {
        Found::Draft(draft) => {
            let shown = Shown {
                id: None,
                state: "draft",
                offered: false,
                hidden: false,
                author: None,
                template: Some(&draft),
            };
            session.out.data(&shown, |_| self::template(&draft, &language))
        }
        Found::Published(found) => published(session, &found.0, found.1.as_ref(), &language),
        Found::Run(view) => run(session, &view, &language),
    }
}

/// A checklist in machine output.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    state: &'static str,
    offered: bool,
    hidden: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
    /// What it says, where this version can read it.
    #[serde(flatten)]
    template: Option<&'a Template>,
}

fn published(
    session: &Session,
    view: &TemplateView,
    template: Option<&Template>,
    language: &str,
) -> Result<(), Fail> {
    let state = view.row.row.state;
    if state != TemplateState::Published {
        session.out.note(&format!("? This checklist is not offered: {}.", template_reason(state)));
    }
    let hidden = view.row.row.hidden;
    if hidden {
        session.out.note("? This checklist is hidden and no longer offered; runs of it go on.");
    }
    let id = Some(view.row.id.to_string());
    let shown = Shown {
        id,
        state: state.code(),
        offered: view.offered,
        hidden,
        author: Some(&view.author),
        template,
    };
    session.out.data(&shown, |_| {
        let mut out = table::pairs(&[
            ("by", text::line(&view.author)),
            ("when", when::noted(Some(view.when))),
            ("id", view.row.id.to_string()),
        ]);
        for other in &view.conflicts {
            out.push_str(&format!("\n≠ this version says something else elsewhere: {other}"));
        }
        match template {
            Some(template) => format!("{}\n\n{out}", self::template(template, language)),
            None => out,
        }
    })
}

/// `name version: title`.
pub(super) fn headline(template: &Template, language: &str) -> String {
    let content = &template.content;
    let title = content.title.get(language, content.default_language());
    format!("{} {}: {}", text::line(&template.template_id), template.version, text::line(title))
}

/// A checklist for a person, in its own order.
pub(super) fn template(template: &Template, language: &str) -> String {
    let content = &template.content;
    let default = content.default_language();
    let licence = content.licence.as_deref().unwrap_or_default();
    let mut out = headline(template, language);
    out.push('\n');
    out.push_str(&table::pairs(&[
        ("languages", text::line(&content.languages.join(", "))),
        ("licence", text::line(licence)),
        ("from", text::line(content.attribution.as_deref().unwrap_or_default())),
        ("content", template.content_sha256.to_string()),
    ]));
    out.push('\n');
    let mut section: &[Section] = &[];
    for (number, item) in (1..).zip(&content.items) {
        if item.section != section {
            section = &item.section;
            out.push_str(&format!("\n{}", heading(section, language, default)));
        }
        let label = item.label.get(language, default);
        out.push_str(&format!("\n{}", line(number, "[ ]", item, label)));
        push_help(&mut out, item, language, default);
        if let Some(relevant) = &item.relevant {
            out.push_str(&format!("\n       asked when {}", text::line(relevant)));
        }
        if let Some(constraint) = &item.constraint {
            out.push_str(&format!("\n       answer must be {}", text::line(constraint)));
        }
    }
    out
}

fn heading(section: &[Section], language: &str, default: &str) -> String {
    let names = section.iter().map(|it| it.label.get(language, default)).filter(|it| !it.is_empty());
    let heading = names.map(text::line).collect::<Vec<_>>().join(" / ");
    if heading.is_empty() { String::new() } else { format!("\n{heading}") }
}

fn line(number: usize, state: &str, item: &TemplateItem, label: &str) -> String {
    let state = if item.item_type.is_to_do() { state } else { "   " };
    let critical = if item.critical { "! " } else { "" };
    let kind = match item.item_type {
        ItemType::Check | ItemType::Note => String::new(),
        ItemType::Timer => {
            format!(" (timer, {})", when::length(u64::from(item.timer_s.unwrap_or(0)) * 1000))
        }
        other => format!(" ({})", other.code()),
    };
    let required = if item.required { " *" } else { "" };
    let name = text::line(&item.item_id);
    format!("{number:>2} {state} {critical}{}{kind}{required}  [{name}]", text::lines(label))
}

fn push_help(out: &mut String, item: &TemplateItem, language: &str, default: &str) {
    let hint = item.hint.get(language, default);
    if !hint.is_empty() {
        out.push_str(&format!("\n       {}", text::line(hint)));
    }
    for choice in &item.choices {
        let label = text::line(choice.label.get(language, default));
        out.push_str(&format!("\n       - {}: {label}", text::line(&choice.name)));
    }
}

/// A run in machine output.
#[derive(Serialize)]
struct RunShown<'a> {
    /// Every item, critical ones that are asked first; those that are not asked stand last.
    items: Vec<ItemShown<'a>>,
    id: String,
    template: String,
    template_id: &'a str,
    version: u32,
    title: Option<&'a Localised>,
    /// `open`, `held`, `completed` or `abandoned`.
    standing: &'static str,
    /// What this device makes of the version of the checklist; nothing where it has not come.
    #[serde(skip_serializing_if = "Option::is_none")]
    template_state: Option<&'static str>,
    author: &'a str,
    started: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a firsthand_record::checklist::RunContext>,
    done: usize,
    total: usize,
    critical_done: usize,
    critical_total: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed: Option<Entry<'a>>,
    /// Each time that somebody completed it who did not know of the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    completions: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    abandoned_reason: &'a str,
    /// What was entered for items that are not known here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unplaced: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct ItemShown<'a> {
    item_id: &'a str,
    #[serde(rename = "type")]
    item_type: ItemType,
    /// What it says in the language asked for, with the answers that it names.
    label: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    hint: &'a str,
    critical: bool,
    required: bool,
    asked: bool,
    done: bool,
    #[serde(skip_serializing_if = "<[Choice]>::is_empty")]
    choices: &'a [Choice],
    ticks: Vec<Entry<'a>>,
    unticks: Vec<Entry<'a>>,
    /// The last answer of each person.
    answers: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    timers: Vec<Entry<'a>>,
}

/// Something that somebody entered.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    item_id: Option<&'a str>,
    person: String,
    name: &'a str,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    /// The record of the photo or recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<String>,
    /// That file, as far as it is known here and no mark hides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Attachment>,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'a str,
    /// Who entered it, where that is somebody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    entered_by: Option<&'a str>,
    /// Whether it is the answer that counts for you.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    counts: bool,
    /// Why it does not fit; empty where the trainer says nothing about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<String>,
}

impl<'a> Entry<'a> {
    fn new(view: &'a RunView, key: &str, person: PersonId, at: Moment) -> Self {
        Self {
            item_id: None,
            person: person.to_string(),
            name: name(&view.names, person),
            at: at.to_string(),
            value: None,
            event: None,
            evidence: None,
            file: None,
            note: "",
            entered_by: view.entered_by.get(key).map(|by| name(&view.names, *by)),
            counts: false,
            wrong: None,
        }
    }

    fn answer(view: &'a RunView, answer: &'a Answer) -> Self {
        let entry = Self::new(view, &answer.key, answer.person, answer.at);
        let file = answer.evidence.and_then(|id| view.files.iter().find(|file| file.document == id));
        Self {
            value: Some(&answer.value),
            evidence: answer.evidence.map(|id| id.to_string()),
            file: file.map(Attachment::from),
            note: &answer.note,
            ..entry
        }
    }

    fn timer(view: &'a RunView, timer: &'a TimerEntry) -> Self {
        Self { event: Some(timer.event.code()), ..Self::new(view, &timer.key, timer.person, timer.at) }
    }

    /// Who, and by whose hand.
    fn who(&self) -> String {
        match self.entered_by {
            Some(by) => format!("{} (entered by {})", text::line(self.name), text::line(by)),
            None => text::line(self.name),
        }
    }
}

fn name(names: &BTreeMap<PersonId, String>, person: PersonId) -> &str {
    names.get(&person).map_or("", String::as_str)
}

fn run(session: &Session, view: &RunView, language: &str) -> Result<(), Fail> {
    let now = Moment::from_chrono(Local::now().fixed_offset());
    let now = now.ok_or_else(|| Fail::other("system", "failed to read this machine's clock"))?;
    let content = view.content.clone().unwrap_or_default();
    let checklist = Checklist::new(&content);
    let reader = Reader { person: Some(view.me), language, now };
    let progress = checklist.progress(&view.record, &reader);
    let default = content.default_language();
    let shown = shown(view, &progress, language, default);
    if view.standing == RunStanding::Held {
        session.out.note(match view.template {
            None => "Held: its version of the checklist has not come yet. What was entered is kept, and shows when it comes.",
            Some(_) => "Held: what is here as its version of the checklist is not what the run was begun with.",
        });
    } else if let Some(state) = view.template.filter(|state| *state != TemplateState::Published) {
        session.out.note(&format!("? About the checklist: {}.", template_reason(state)));
    }
    session.out.data(&shown, |shown| human(view, &progress, shown, language, default))
}

fn shown<'a>(view: &'a RunView, progress: &'a Progress<'a>, language: &str, default: &str) -> RunShown<'a> {
    let mut states = progress.critical_first();
    states.extend(progress.items.iter().filter(|state| !state.relevant));
    let record = &view.record;
    let known = |item: &str| progress.items.iter().any(|state| state.item.item_id == item);
    let answers = record.answers.iter().filter(|it| !known(&it.item_id));
    let unplaced = answers.map(|it| Entry { item_id: Some(&it.item_id), ..Entry::answer(view, it) });
    let timers = record.timers.iter().filter(|it| !known(&it.item_id));
    let timers = timers.map(|it| Entry { item_id: Some(&it.item_id), ..Entry::timer(view, it) });
    RunShown {
        items: states.into_iter().map(|state| item(view, state, language, default)).collect(),
        id: view.id.to_string(),
        template: record.template.to_string(),
        template_id: &record.template_id,
        version: record.version,
        title: view.content.as_ref().map(|content| &content.title),
        standing: view.standing.code(),
        template_state: view.template.map(TemplateState::code),
        author: &view.author,
        started: record.started.to_string(),
        context: record.context.as_ref(),
        done: progress.done,
        total: progress.total,
        critical_done: progress.critical_done,
        critical_total: progress.critical_total,
        completed: record.completed.map(|it| Entry::new(view, "", it.by, it.at)),
        completions: view.completions.iter().map(|it| Entry::new(view, "", it.by, it.at)).collect(),
        abandoned_reason: &record.abandoned_reason,
        unplaced: unplaced.chain(timers).collect(),
    }
}

fn item<'a>(view: &'a RunView, state: &'a ItemState<'a>, language: &str, default: &str) -> ItemShown<'a> {
    let entries = |answers: &[&'a Answer]| -> Vec<Entry<'a>> {
        answers.iter().map(|answer| Entry::answer(view, answer)).collect()
    };
    let answers = state.answers.values().map(|answer| {
        let wrong = state.broken.iter().find(|(other, _)| std::ptr::eq(*other, *answer));
        Entry {
            counts: state.counts.is_some_and(|counts| std::ptr::eq(counts, *answer)),
            wrong: wrong.map(|(_, broken)| match broken {
                Broken::Kind => "this is not what the item asks for".to_owned(),
                Broken::Constraint(message) => message.clone(),
            }),
            ..Entry::answer(view, answer)
        }
    });
    ItemShown {
        item_id: &state.item.item_id,
        item_type: state.item.item_type,
        label: &state.label,
        hint: state.item.hint.get(language, default),
        critical: state.item.critical,
        required: state.item.required,
        asked: state.relevant,
        done: state.done,
        choices: &state.item.choices,
        ticks: entries(&state.ticks),
        unticks: entries(&state.unticks),
        answers: answers.collect(),
        timers: state.timers.iter().map(|timer| Entry::timer(view, timer)).collect(),
    }
}

fn human(
    view: &RunView,
    progress: &Progress<'_>,
    shown: &RunShown<'_>,
    language: &str,
    default: &str,
) -> String {
    let title = shown.title.map_or(shown.template_id, |title| title.get(language, default));
    let mut out = format!("{} {}\n", text::line(title), shown.version);
    let critical = format!("! {} of {}", shown.critical_done, shown.critical_total);
    let completed = shown.completions.iter().map(|it| format!("{}, {}", clock(&it.at), it.who()));
    out.push_str(&table::pairs(&[
        ("run", view.id.short()),
        ("state", shown.standing.to_owned()),
        ("done", format!("{} of {}, critical {critical}", shown.done, shown.total)),
        ("began", format!("{}, {}", when::moment(view.record.started), text::line(shown.author))),
        ("completed", completed.collect::<Vec<_>>().join("\n")),
        ("reason", text::lines(shown.abandoned_reason)),
    ]));
    out.push('\n');
    let number = |id: &str| progress.items.iter().position(|state| state.item.item_id == id);
    for (entry, state) in shown.items.iter().filter(|it| it.asked).map(|it| (it, number(it.item_id))) {
        let Some(at) = state else { continue };
        let state = &progress.items[at];
        let mark = if entry.done { "[x]" } else { "[ ]" };
        out.push_str(&format!("\n{}", line(at + 1, mark, state.item, entry.label)));
        if !entry.done {
            push_help(&mut out, state.item, language, default);
        }
        for (what, entries) in [("ticked", &entry.ticks), ("tick taken back", &entry.unticks)] {
            for one in entries {
                out.push_str(&format!("\n       {what}: {}, {}{}", one.who(), clock(&one.at), note(one)));
            }
        }
        for one in &entry.answers {
            let value = one.value.map(answer_text).unwrap_or_default();
            out.push_str(&format!("\n       {}: {value}, {}{}", one.who(), clock(&one.at), note(one)));
            if one.evidence.is_some() {
                out.push_str(&format!("\n       {}", file_text(view, one).replace('\n', "\n       ")));
            }
            if let Some(wrong) = &one.wrong {
                out.push_str(&format!("\n       ? does not fit: {}", text::line(wrong)));
            }
        }
        for one in &entry.timers {
            out.push_str(&format!(
                "\n       timer {}: {}, {}",
                one.event.unwrap_or_default(),
                one.who(),
                clock(&one.at)
            ));
        }
    }
    let hidden = shown.items.iter().filter(|it| !it.asked).count() as u64;
    if hidden > 0 {
        out.push_str(&format!(
            "\n\n{} not asked, as the answers stand",
            text::count(hidden, "item is", "items are")
        ));
    }
    for one in &shown.unplaced {
        let what = one.value.map_or_else(|| one.event.unwrap_or_default().to_owned(), answer_text);
        let item = text::line(one.item_id.unwrap_or_default());
        out.push_str(&format!("\n{item}: {what}, {}, {}", one.who(), clock(&one.at)));
    }
    out
}

/// The file that answers an item.
fn file_text(view: &RunView, entry: &Entry<'_>) -> String {
    let is = |file: &&AttachmentView| entry.evidence.as_deref() == Some(&*file.document.to_string());
    view.files.iter().find(is).map_or_else(
        || "  the file is hidden, or its record has not come yet".to_owned(),
        |file| format!("  {}", attach::human(file).replace('\n', "\n  ")),
    )
}

/// A noted time for a person.
fn clock(at: &str) -> String {
    at.parse::<Moment>().map_or_else(|_| at.to_owned(), when::moment)
}

fn note(entry: &Entry<'_>) -> String {
    if entry.note.is_empty() { String::new() } else { format!(" ({})", text::line(entry.note)) }
}

fn answer_text(value: &Value) -> String {
    match value {
        Value::String(text) => text::line(text),
        Value::Array(names) => names.iter().map(answer_text).collect::<Vec<_>>().join(", "),
        Value::Object(place) => match (place.get("lat"), place.get("lon")) {
            (Some(lat), Some(lon)) => format!("{lat}, {lon}"),
            _ => text::line(&value.to_string()),
        },
        other => text::line(&other.to_string()),
    }
}
