//! What the team learnt.

use firsthand_node::ids::PersonId;
use firsthand_node::{DebriefView, DocumentKind, Edit, Node, Saved};
use firsthand_record::{Change, ChangeDone, Debrief, Lesson, MethodGrade, Participant};
use serde::Serialize;

use super::List;
use super::upkeep::{self, Noun};
use crate::args::{DebriefAddArgs, DebriefCommand, DebriefEditArgs, SaidArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::read::field::json;
use crate::show::{table, text, when};

/// A debrief in machine output.
#[derive(Serialize)]
struct Shown {
    id: String,
    author: String,
    at: Option<String>,
    record: Debrief,
    /// Keys of what should change and has not.
    still_to_change: Vec<String>,
    hidden: bool,
}

#[derive(Serialize)]
struct SavedLine {
    id: String,
}

/// Does what the command line says.
pub(super) async fn run(session: &Session, command: DebriefCommand) -> Result<(), Fail> {
    match command {
        DebriefCommand::Add(args) => add(session, *args).await,
        DebriefCommand::Edit(args) => edit(session, *args).await,
        DebriefCommand::List => list(session).await,
        DebriefCommand::Show { id } => show(session, &id).await,
        DebriefCommand::Done { id, number } => done(session, &id, number).await,
        DebriefCommand::Upkeep(command) => upkeep::run(session, Noun::Debrief, command).await,
    }
}

async fn add(session: &Session, args: DebriefAddArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let incident = match &args.incident {
                Some(typed) => Some(node.find(typed).await?),
                None => None,
            };
            let shift = match &args.shift {
                Some(typed) => Some(node.find_shift(typed.clone()).await?),
                None => None,
            };
            let said = said(node, args.said).await?;
            let saved = node.add_debrief(Debrief { incident, shift, ..said }).await?;
            print_saved(session, &saved)
        })
        .await
}

async fn edit(session: &Session, args: DebriefEditArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = node.find_record(DocumentKind::Debrief, &args.id).await?;
            let edits = edits(said(node, args.said).await?)?;
            if edits.is_empty() {
                return Err(Fail::input("debrief", "is given nothing to add"));
            }
            let saved = node.edit(id, edits).await?;
            print_saved(session, &saved)
        })
        .await
}

async fn done(session: &Session, typed: &str, number: usize) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = node.find_record(DocumentKind::Debrief, typed).await?;
            let record = node.debrief(id).await?.record;
            let change = number.checked_sub(1).and_then(|at| record.to_change.get(at));
            let change = change.ok_or_else(|| {
                let count = record.to_change.len();
                Fail::input("number", format!("is not from 1 to {count}, which this debrief has"))
            })?;
            let done = ChangeDone { key: String::new(), item: change.key.clone(), by: None, at: None };
            let value = json(done).map_err(|reason| Fail::input("number", reason))?;
            let edit = Edit::Add { list: String::from("to_change_done"), value };
            let saved = node.edit(id, vec![edit]).await?;
            print_saved(session, &saved)
        })
        .await
}

async fn list(session: &Session) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let items = node.debriefs().await?.into_iter().map(machine).collect();
            session.out.data(&List { items }, |list| human_list(&list.items))
        })
        .await
}

async fn show(session: &Session, typed: &str) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = node.find_record(DocumentKind::Debrief, typed).await?;
            let shown = machine(node.debrief(id).await?);
            let names = super::names(node).await?;
            let named =
                |person: &PersonId| names.get(person).map_or_else(|| person.short(), |name| text::line(name));
            session.out.data(&shown, |shown| human(shown, named))
        })
        .await
}

/// What was typed, as a debrief.
async fn said(node: &Node, args: SaidArgs) -> Result<Debrief, Fail> {
    let lessons = |texts: Vec<String>| {
        texts.into_iter().map(|text| Lesson { key: String::new(), text }).collect::<Vec<_>>()
    };
    let owner = match &args.owner {
        Some(typed) => Some(node.find_person(typed.to_owned()).await?),
        None => None,
    };
    let day =
        |typed: &String| typed.trim().parse().map_err(|_| Fail::input("due", "is not a day like 2026-12-01"));
    let due = args.due.as_ref().map(day).transpose()?;
    let mut participants = Vec::new();
    for typed in &args.participant {
        let person = node.find_person(typed.to_owned()).await?;
        participants.push(Participant { key: String::new(), person });
    }
    let change = |text| Change { key: String::new(), text, owner, due };
    Ok(Debrief {
        what_planned: args.planned.unwrap_or_default(),
        what_happened: args.happened.unwrap_or_default(),
        what_went_well: lessons(args.well),
        near_miss: lessons(args.near_miss),
        to_change: args.change.into_iter().map(change).collect(),
        methods_effective: args.method.iter().map(|typed| method(typed)).collect::<Result<_, _>>()?,
        participants,
        ..Debrief::default()
    })
}

fn method(typed: &str) -> Result<MethodGrade, Fail> {
    let wrong = || Fail::input("method", "is not typed like interpositioning=1, with a score from -2 to 2");
    let (method, score) = typed.rsplit_once('=').ok_or_else(wrong)?;
    let score = score.trim().parse().map_err(|_| wrong())?;
    Ok(MethodGrade { key: String::new(), method: method.trim().to_owned(), score })
}

/// What is added to a debrief that is there: texts take the place of those that stand, lists grow.
fn edits(said: Debrief) -> Result<Vec<Edit>, Fail> {
    let mut edits = Vec::new();
    for (field, text) in [("what_planned", said.what_planned), ("what_happened", said.what_happened)] {
        if !text.is_empty() {
            edits.push(Edit::ReplaceText { field: field.to_owned(), text });
        }
    }
    let mut add = |list: &str, item: Result<serde_json::Value, String>| -> Result<(), Fail> {
        let value = item.map_err(|reason| Fail::input(list, reason))?;
        edits.push(Edit::Add { list: list.to_owned(), value });
        Ok(())
    };
    said.what_went_well.into_iter().try_for_each(|item| add("what_went_well", json(item)))?;
    said.near_miss.into_iter().try_for_each(|item| add("near_miss", json(item)))?;
    said.to_change.into_iter().try_for_each(|item| add("to_change", json(item)))?;
    said.methods_effective.into_iter().try_for_each(|item| add("methods_effective", json(item)))?;
    said.participants.into_iter().try_for_each(|item| add("participants", json(item)))?;
    Ok(edits)
}

fn print_saved(session: &Session, saved: &Saved) -> Result<(), Fail> {
    session.out.data(&SavedLine { id: saved.id.to_string() }, |_| saved.id.short())
}

fn machine(view: DebriefView) -> Shown {
    let DebriefView { id, author, local, record, hidden } = view;
    let still_to_change = record.still_to_change().map(|change| change.key.clone()).collect();
    Shown {
        id: id.to_string(),
        author,
        at: when::machine_noted(Some(local)),
        record,
        still_to_change,
        hidden,
    }
}

fn human_list(items: &[Shown]) -> String {
    if items.is_empty() {
        return "No debrief was written.".to_owned();
    }
    let row = |shown: &Shown| {
        vec![
            shown.id.chars().take(8).collect(),
            text::line(&shown.author),
            text::short(&shown.record.what_happened, 60),
            shown.still_to_change.len().to_string(),
        ]
    };
    table::render(&["id", "by", "what happened", "still to change"], items.iter().map(row).collect())
}

fn human(shown: &Shown, named: impl Fn(&PersonId) -> String) -> String {
    let Shown { record, .. } = shown;
    let each = |texts: Vec<String>| texts.join("\n");
    let lessons = |lessons: &[Lesson]| each(lessons.iter().map(|it| text::line(&it.text)).collect());
    let change = |(number, change): (usize, &Change)| {
        let open = shown.still_to_change.contains(&change.key);
        let owner = change.owner.as_ref().map(|owner| format!(", {}", named(owner))).unwrap_or_default();
        let due = change.due.map(|due| format!(", by {due}")).unwrap_or_default();
        let state = if open { "" } else { "done: " };
        format!("{number}. {state}{}{owner}{due}", text::line(&change.text))
    };
    let grade = |it: &MethodGrade| format!("{}: {:+}", text::line(&it.method), it.score);
    table::pairs(&[
        ("id", shown.id.clone()),
        ("by", text::line(&shown.author)),
        ("incident", record.incident.map(|id| id.short()).unwrap_or_default()),
        ("shift", record.shift.map(|id| id.short()).unwrap_or_default()),
        ("took part", each(record.participants.iter().map(|it| named(&it.person)).collect())),
        ("planned", text::lines(&record.what_planned)),
        ("happened", text::lines(&record.what_happened)),
        ("went well", lessons(&record.what_went_well)),
        ("nearly went wrong", lessons(&record.near_miss)),
        ("should change", each((1..).zip(&record.to_change).map(change).collect())),
        ("methods", each(record.methods_effective.iter().map(grade).collect())),
    ])
}
