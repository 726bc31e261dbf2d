//! Working through a checklist.

use firsthand_node::ids::DocumentId;
use firsthand_node::{NewFile, Node, RunStep, Saved};
use firsthand_record::checklist::{RunContext, RunContextKind, TimerEvent};
use serde::Serialize;

use super::{find_run, item, language};
use crate::args::{AbandonArgs, AnswerArgs, CompleteArgs, RunArgs, TickArgs, TimerArgs, TimerWord};
use crate::command::incident::attach;
use crate::fail::Fail;
use crate::home::Session;
use crate::show::progress::Bar;

/// A run that something was saved of, in machine output.
#[derive(Serialize)]
struct Line {
    id: String,
    run: String,
}

fn print(session: &Session, id: DocumentId) -> Result<(), Fail> {
    session.out.data(&Line { id: id.to_string(), run: id.short() }, |line| line.run.clone())
}

/// Begins a run.
pub(super) async fn start(session: &Session, args: &RunArgs) -> Result<(), Fail> {
    let saved = session
        .with_node(async |node| {
            let template = node.find_template(&args.checklist).await?;
            let context = context(node, args).await?;
            Ok(node.start_run(template, context).await?)
        })
        .await?;
    print(session, saved.id)
}

async fn context(node: &Node, args: &RunArgs) -> Result<Option<RunContext>, Fail> {
    let (kind, document) = match (&args.incident, &args.shift, args.training) {
        (Some(code), _, _) => (RunContextKind::Incident, Some(node.find(code).await?)),
        (_, Some(id), _) => (RunContextKind::Shift, Some(node.find_shift(id.clone()).await?)),
        (_, _, true) => (RunContextKind::Training, None),
        (None, None, false) => return Ok(None),
    };
    Ok(Some(RunContext { kind, document }))
}

/// Ticks items, or takes ticks back.
pub(super) async fn tick(session: &Session, args: &TickArgs, tick: bool) -> Result<(), Fail> {
    let step = if tick { RunStep::Tick } else { RunStep::Untick };
    enter(session, &args.run, &args.items, &step, &args.note).await
}

/// Answers an item.
pub(super) async fn answer(session: &Session, args: &AnswerArgs) -> Result<(), Fail> {
    let said = attach::said(&args.said)?;
    if let Some(file) = &args.file {
        let id = session
            .with_node(async |node| {
                let id = find_run(node, &args.run).await?;
                let item = item(&node.checklist_run(id).await?, &args.item)?;
                let bar = Bar::of_bytes("sealing");
                let file = node.answer_with_file(id, &item, file, said, &args.note, bar.report()).await?;
                for finding in &file.findings {
                    session.out.note(&format!("? {finding}"));
                }
                Ok(id)
            })
            .await?;
        return print(session, id);
    }
    if said != NewFile::default() {
        return Err(Fail::input("file", "is not given: what is said of a file needs --file"));
    }
    let step = args.value.clone().map_or(RunStep::Clear, RunStep::Answer);
    enter(session, &args.run, std::slice::from_ref(&args.item), &step, &args.note).await
}

/// Notes what happened to a timer.
pub(super) async fn timer(session: &Session, args: &TimerArgs) -> Result<(), Fail> {
    let event = match args.event {
        TimerWord::Start => TimerEvent::Started,
        TimerWord::Stop => TimerEvent::Stopped,
        TimerWord::Finish => TimerEvent::Finished,
    };
    enter(session, &args.run, std::slice::from_ref(&args.item), &RunStep::Timer(event), "").await
}

async fn enter(
    session: &Session,
    run: &str,
    items: &[String],
    step: &RunStep,
    note: &str,
) -> Result<(), Fail> {
    let id = session
        .with_node(async |node| {
            let id = find_run(node, run).await?;
            let view = node.checklist_run(id).await?;
            // All names are understood before anything is saved.
            let items = items.iter().map(|typed| item(&view, typed)).collect::<Result<Vec<_>, _>>()?;
            for item in items {
                node.enter(id, &item, step.clone(), note).await?;
            }
            Ok(id)
        })
        .await?;
    print(session, id)
}

/// Completes a run.
pub(super) async fn complete(session: &Session, args: &CompleteArgs) -> Result<(), Fail> {
    let language = language(&args.language);
    let saved: Saved = session
        .with_node(async |node| {
            let id = find_run(node, &args.run).await?;
            Ok(node.complete_run(id, &language).await?)
        })
        .await?;
    print(session, saved.id)
}

/// Abandons a run.
pub(super) async fn abandon(session: &Session, args: &AbandonArgs) -> Result<(), Fail> {
    let saved: Saved = session
        .with_node(async |node| {
            let id = find_run(node, &args.run).await?;
            Ok(node.abandon_run(id, &args.reason).await?)
        })
        .await?;
    print(session, saved.id)
}
