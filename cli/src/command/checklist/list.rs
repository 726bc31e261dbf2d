//! Lists of checklists and of runs.

use firsthand_exchange::protocol;
use firsthand_node::ids::DocumentId;
use firsthand_node::{RunListed, TemplateState, TemplateView, template_reason};
use firsthand_record::checklist::{Localised, Template};
use serde::Serialize;

use super::language;
use crate::args::{ListChecklistsArgs, RunsArgs};
use crate::command::List;
use crate::fail::Fail;
use crate::home::Session;
use crate::show::{table, text, when};

/// A checklist in machine output.
#[derive(Serialize)]
struct Item {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    template_id: String,
    version: u32,
    title: Localised,
    languages: Vec<String>,
    items: u32,
    critical: u32,
    content_sha256: Option<String>,
    /// `published`, `draft`, `shipped`, or why it is not offered.
    state: &'static str,
    /// Whether runs can be begun.
    offered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<String>,
    /// Others of the same version with other content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conflicts: Vec<String>,
}

impl Item {
    fn of(template: &Template, state: &'static str) -> Self {
        let items = &template.content.items;
        Self {
            id: None,
            template_id: template.template_id.clone(),
            version: template.version,
            title: template.content.title.clone(),
            languages: template.content.languages.clone(),
            items: items.len() as u32,
            critical: items.iter().filter(|item| item.critical).count() as u32,
            content_sha256: Some(template.content_sha256.to_string()),
            state,
            offered: false,
            author: None,
            published_at: None,
            conflicts: Vec::new(),
        }
    }

    fn listed(view: &TemplateView) -> Self {
        let row = &view.row.row;
        Self {
            id: Some(view.row.id.to_string()),
            template_id: row.template_id.clone(),
            version: row.version,
            title: titles(&row.title),
            languages: row.languages.clone(),
            items: row.items,
            critical: row.critical,
            content_sha256: row.content_sha256.map(|hash| hash.to_string()),
            state: row.state.code(),
            offered: view.offered,
            author: Some(view.author.clone()),
            published_at: when::machine_noted(Some(view.when)),
            conflicts: view.conflicts.iter().map(DocumentId::to_string).collect(),
        }
    }
}

/// The titles of a row. What another program wrote there may be no text.
pub(super) fn titles(json: &str) -> Localised {
    serde_json::from_str(json).unwrap_or_default()
}

/// Lists checklists.
pub(super) async fn list(session: &Session, args: &ListChecklistsArgs) -> Result<(), Fail> {
    let items = if args.shipped {
        let shipped = protocol::shipped().iter();
        let loaded: Result<Vec<_>, _> = shipped.map(protocol::Shipped::load).collect();
        loaded?.into_iter().map(|it| Item::of(&it.into_template(), "shipped")).collect()
    } else {
        session
            .with_node(async |node| {
                let mut items: Vec<Item> = node.templates().await?.iter().map(Item::listed).collect();
                items.extend(node.drafts().await?.iter().map(|draft| Item::of(draft, "draft")));
                Ok(items)
            })
            .await?
    };
    let language = language(&args.language);
    session.out.data(&List { items }, |list| human(&list.items, &language))
}

fn human(items: &[Item], language: &str) -> String {
    if items.is_empty() {
        return "No checklists yet. `firsthand checklist import --shipped` loads those that come with the program."
            .to_owned();
    }
    let row = |item: &Item| {
        let default = item.languages.first().map_or("", String::as_str);
        vec![
            text::short(&item.template_id, 30),
            item.version.to_string(),
            text::short(item.title.get(language, default), 40),
            format!("{} (! {})", item.items, item.critical),
            text::short(&item.languages.join(", "), 20),
            mark(item),
        ]
    };
    table::render(
        &["name", "version", "title", "items", "languages", "state"],
        items.iter().map(row).collect(),
    )
}

fn mark(item: &Item) -> String {
    if !item.conflicts.is_empty() {
        return format!(
            "≠ this version says something else elsewhere: {}",
            item.id.as_deref().unwrap_or_default()
        );
    }
    match (item.state, &item.author) {
        ("published", Some(author)) => format!("published by {}", text::line(author)),
        (state, Some(author)) => format!("? {}, from {}", reason(state), text::line(author)),
        (state, None) => state.to_owned(),
    }
}

/// A state in words.
fn reason(code: &str) -> &'static str {
    let states = [
        TemplateState::NotByTrainer,
        TemplateState::Misattributed,
        TemplateState::Unreadable,
        TemplateState::NotWhole,
        TemplateState::Unsound,
    ];
    states.into_iter().find(|state| state.code() == code).map_or("", template_reason)
}

/// A run in machine output.
#[derive(Serialize)]
struct RunItem {
    id: String,
    template: String,
    template_id: String,
    version: u32,
    title: Localised,
    /// `open`, `held`, `completed` or `abandoned`.
    standing: &'static str,
    author: String,
    started: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    critical_open: Option<usize>,
}

impl From<&RunListed> for RunItem {
    fn from(listed: &RunListed) -> Self {
        let row = &listed.row.row;
        Self {
            id: listed.row.id.to_string(),
            template: row.template.to_string(),
            template_id: row.template_id.clone(),
            version: row.version,
            title: titles(&listed.row.title),
            standing: listed.standing.code(),
            author: listed.author.clone(),
            started: when::machine_noted(Some(row.started)),
            completed: row.completed.and_then(when::machine),
            context: row.context.clone(),
            about: row.about.as_ref().map(DocumentId::to_string),
            done: listed.counts.map(|counts| counts.done),
            total: listed.counts.map(|counts| counts.total),
            critical_open: listed.counts.map(|counts| counts.critical_open),
        }
    }
}

/// Lists runs.
pub(super) async fn runs(session: &Session, args: &RunsArgs) -> Result<(), Fail> {
    let limit = args.limit.unwrap_or(usize::MAX);
    let runs = session.with_node(async |node| Ok(node.runs(limit).await?)).await?;
    let language = language(&args.language);
    session.out.data(&List { items: runs.iter().map(RunItem::from).collect() }, |list| {
        if list.items.is_empty() {
            return "No runs yet.".to_owned();
        }
        let rows = runs.iter().map(|run| human_run(run, &language)).collect();
        table::render(&["run", "checklist", "began", "by", "done", "state"], rows)
    })
}

fn human_run(run: &RunListed, language: &str) -> Vec<String> {
    let row = &run.row.row;
    let title = titles(&run.row.title);
    let title = title.get(language, &run.row.language);
    let name = if title.is_empty() { &row.template_id } else { title };
    let done = run.counts.map_or_else(String::new, |counts| {
        let critical = if counts.critical_open > 0 {
            format!(" (! {} open)", counts.critical_open)
        } else {
            String::new()
        };
        format!("{} of {}{critical}", counts.done, counts.total)
    });
    let state = match run.standing.code() {
        "held" => "held: its version of the checklist has not come yet".to_owned(),
        code => code.to_owned(),
    };
    vec![
        run.row.id.short(),
        format!("{} {}", text::short(name, 40), row.version),
        when::with_distance(row.started.at),
        text::short(&run.author, 20),
        done,
        state,
    ]
}
