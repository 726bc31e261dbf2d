//! Hand-offs.

use firsthand_node::{Decision, HandoffItem, HandoffRow, HandoffView, Node};
use firsthand_record::roster::{Equipment, Handoff, HandoffAnswer, OpenItem};
use serde::Serialize;

use super::List;
use super::upkeep::{self, Noun};
use crate::args::{HandoffAnswerArgs, HandoffCommand, HandoffStartArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::read;
use crate::show::{table, text};

/// A hand-off of a list in machine output.
#[derive(Serialize)]
struct Row {
    id: String,
    from_shift: Option<String>,
    to_shift: Option<String>,
    given: bool,
    taken: bool,
    items: u32,
    unsettled: u32,
    complete: bool,
    hidden: bool,
}

/// A hand-off in machine output.
#[derive(Serialize)]
struct Shown {
    /// Open incidents, then actions.
    items: Vec<Item>,
    id: String,
    from: String,
    to: String,
    given: bool,
    taken: bool,
    unsettled: usize,
    /// Given, each item settled, and taken over.
    complete: bool,
    given_by: Vec<String>,
    /// Steps that do not count, because their author did not lead.
    proposals: usize,
    /// Whether what this command saved counts; absent where it saved nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<bool>,
    record: Handoff,
}

#[derive(Serialize)]
struct Item {
    number: usize,
    key: String,
    document: Option<String>,
    short_code: Option<String>,
    text: String,
    /// What counts as the answer.
    answer: Option<&'static str>,
    said: Vec<Said>,
}

#[derive(Serialize)]
struct Said {
    by: String,
    answer: &'static str,
    note: String,
}

/// Does what the command line says.
pub(super) async fn run(session: &Session, command: HandoffCommand) -> Result<(), Fail> {
    match command {
        HandoffCommand::Start(args) => start(session, *args).await,
        HandoffCommand::List => list(session).await,
        HandoffCommand::Show { id } => {
            session
                .with_node(async |node| {
                    let id = node.find_handoff(id).await?;
                    print(session, &node.handoff(id).await?, None)
                })
                .await
        }
        HandoffCommand::Give { id } => {
            session
                .with_node(async |node| {
                    let id = node.find_handoff(id).await?;
                    let decision = node.give_handoff(id).await?;
                    done(session, node, &decision).await
                })
                .await
        }
        HandoffCommand::Answer(args) => answer(session, &args).await,
        HandoffCommand::Take { id, note } => {
            session
                .with_node(async |node| {
                    let id = node.find_handoff(id).await?;
                    let decision = node.take_handoff(id, note).await?;
                    done(session, node, &decision).await
                })
                .await
        }
        HandoffCommand::Upkeep(command) => upkeep::run(session, Noun::Handoff, command).await,
    }
}

async fn start(session: &Session, args: HandoffStartArgs) -> Result<(), Fail> {
    let equipment = args.equipment.iter().map(|typed| equipment(typed)).collect::<Result<_, _>>()?;
    let action = |text| OpenItem { key: String::new(), document: None, text };
    session
        .with_node(async |node| {
            let from = node.find_shift(args.from).await?;
            let to = match args.to {
                Some(typed) => Some(node.find_shift(typed).await?),
                None => None,
            };
            let handoff = Handoff {
                from_shift: Some(from),
                to_shift: to,
                open_actions: args.action.into_iter().map(action).collect(),
                equipment,
                hazards: args.hazards,
                contacts_made: args.contacts,
                ..Handoff::default()
            };
            let saved = node.start_handoff(handoff).await?;
            print(session, &node.handoff(saved.id).await?, None)
        })
        .await
}

fn equipment(typed: &str) -> Result<Equipment, Fail> {
    let (text, count) = match typed.rsplit_once('=') {
        Some((thing, count)) => {
            let count = read::people(count).map_err(|reason| Fail::input("equipment", reason))?;
            (thing.trim().to_owned(), Some(count))
        }
        None => (typed.trim().to_owned(), None),
    };
    Ok(Equipment { key: String::new(), text, count })
}

async fn answer(session: &Session, args: &HandoffAnswerArgs) -> Result<(), Fail> {
    let answer: HandoffAnswer = read::code(&args.answer).map_err(|reason| Fail::input("answer", reason))?;
    session
        .with_node(async |node| {
            let id = node.find_handoff(args.id.clone()).await?;
            let view = node.handoff(id).await?;
            let mut keys = Vec::new();
            for typed in &args.items {
                if typed == "all" {
                    keys.extend(view.items.iter().map(|item| item.key.clone()));
                    continue;
                }
                let item = view.items.iter().find(|item| item.number.to_string() == typed.trim());
                let item = item.ok_or_else(|| {
                    Fail::input("items", format!("has no number {typed}; there are {}", view.items.len()))
                })?;
                keys.push(item.key.clone());
            }
            let decision = node.answer_handoff(id, keys, answer, args.note.clone()).await?;
            done(session, node, &decision).await
        })
        .await
}

async fn done(session: &Session, node: &Node, decision: &Decision) -> Result<(), Fail> {
    if !decision.counts {
        session.out.note("Saved, but it does not count: a lead decides.");
    }
    print(session, &node.handoff(decision.saved.id).await?, Some(decision.counts))
}

async fn list(session: &Session) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let items = node.handoffs(50).await?.into_iter().map(row).collect();
            session.out.data(&List { items }, |list| human_list(&list.items))
        })
        .await
}

fn row(it: HandoffRow) -> Row {
    Row {
        id: it.id.to_string(),
        from_shift: it.row.from_shift.map(|id| id.to_string()),
        to_shift: it.row.to_shift.map(|id| id.to_string()),
        given: it.row.given,
        taken: it.row.taken,
        items: it.row.items,
        unsettled: it.row.unsettled,
        complete: it.row.given && it.row.taken && it.row.unsettled == 0,
        hidden: it.row.hidden,
    }
}

fn stands(given: bool, taken: bool, unsettled: usize) -> String {
    match (given, taken, unsettled) {
        (false, ..) => "not given yet".to_owned(),
        (true, true, 0) => "complete".to_owned(),
        (true, false, 0) => "each item is settled, not taken over yet".to_owned(),
        (true, taken, open) => {
            let open = text::count(open as u64, "item is", "items are");
            format!("{}{open} open", if taken { "taken over, " } else { "" })
        }
    }
}

fn human_list(items: &[Row]) -> String {
    if items.is_empty() {
        return "No hand-off was started.".to_owned();
    }
    let row = |it: &Row| {
        vec![it.id[..8].to_owned(), it.items.to_string(), stands(it.given, it.taken, it.unsettled as usize)]
    };
    let rows = items.iter().filter(|it| !it.hidden).map(row).collect();
    table::render(&["id", "items", "how it stands"], rows)
}

fn print(session: &Session, view: &HandoffView, counts: Option<bool>) -> Result<(), Fail> {
    let by = |person: &firsthand_node::ids::PersonId| view.names.get(person).cloned().unwrap_or_default();
    let item = |it: &HandoffItem| Item {
        number: it.number,
        key: it.key.clone(),
        document: it.document.map(|id| id.to_string()),
        short_code: it.short_code.clone(),
        text: it.text.clone(),
        answer: it.answer.map(HandoffAnswer::code),
        said: it
            .said
            .iter()
            .map(|it| Said { by: by(&it.by), answer: it.answer.code(), note: it.note.clone() })
            .collect(),
    };
    let shown = Shown {
        items: view.items.iter().map(item).collect(),
        id: view.id.to_string(),
        from: view.from_title.clone(),
        to: view.to_title.clone(),
        given: view.standing.given,
        taken: view.standing.taken,
        unsettled: view.standing.unsettled(),
        complete: view.standing.complete(),
        given_by: view.given_by.clone(),
        proposals: view.proposals,
        counts,
        record: view.record.clone(),
    };
    session.out.data(&shown, |_| human(view))
}

fn human(view: &HandoffView) -> String {
    let equipment = view.record.equipment.iter().map(|it| {
        let count = it.count.map(|count| format!("{count} × ")).unwrap_or_default();
        format!("{count}{}", text::line(&it.text))
    });
    let standing = &view.standing;
    let head = table::pairs(&[
        ("id", view.id.short()),
        ("from", text::line(&view.from_title)),
        ("to", text::line(&view.to_title)),
        ("stands", stands(standing.given, standing.taken, standing.unsettled())),
        ("given by", view.given_by.iter().map(|name| text::line(name)).collect::<Vec<_>>().join(", ")),
        ("hazards", text::lines(&view.record.hazards)),
        ("spoke with", text::lines(&view.record.contacts_made)),
        ("equipment", equipment.collect::<Vec<_>>().join(", ")),
    ]);
    let row = |it: &HandoffItem| {
        let code = it.short_code.clone().or_else(|| it.document.map(|id| id.short())).unwrap_or_default();
        let notes = it.said.iter().filter(|said| !said.note.is_empty()).map(|said| {
            let by = view.names.get(&said.by).map(|name| text::line(name)).unwrap_or_default();
            format!("{by}: {}", text::line(&said.note))
        });
        vec![
            it.number.to_string(),
            text::line(&code),
            text::short(&it.text, 60),
            it.answer.map_or_else(|| "open".to_owned(), |answer| answer.label().to_owned()),
            notes.collect::<Vec<_>>().join("; "),
        ]
    };
    if view.items.is_empty() {
        return format!("{head}\n\nNothing is open.");
    }
    let rows = view.items.iter().map(row).collect();
    format!("{head}\n\n{}", table::render(&["", "incident", "what", "answer", "notes"], rows))
}
