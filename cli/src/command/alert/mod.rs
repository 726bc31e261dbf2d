//! Warnings: raised, approved, acknowledged, replaced and called off.

mod cap;
mod raise;
mod show;

use firsthand_node::ids::DocumentId;
use firsthand_node::{AlertView, DocumentKind, Node};
use firsthand_record::warning::AckKind;
use serde::Serialize;

use super::List;
use super::upkeep::{self, Noun};
use crate::args::{AckArgs, AlertCommand, AlertListArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::read;

/// What a command did to a warning, in machine output.
#[derive(Serialize)]
struct Done {
    id: String,
    /// Whether what was saved counts; otherwise somebody with the right has to do the same.
    counts: bool,
    /// How the warning stands now.
    standing: &'static str,
}

/// Does what the command line says.
pub(super) async fn run(session: &Session, command: AlertCommand) -> Result<(), Fail> {
    match command {
        AlertCommand::New(args) => raise::new(session, *args).await,
        AlertCommand::Update(args) => raise::update(session, *args).await,
        AlertCommand::Cancel(args) => raise::cancel(session, args).await,
        AlertCommand::List(args) => list(session, &args).await,
        AlertCommand::Show { id } => show(session, &id).await,
        AlertCommand::Approve { id, withdraw, reason } => approve(session, &id, withdraw, reason).await,
        AlertCommand::Ack(args) => acknowledge(session, args).await,
        AlertCommand::Export(args) => cap::export(session, &args).await,
        AlertCommand::Import { file } => cap::import(session, &file).await,
        AlertCommand::Upkeep(command) => upkeep::run(session, Noun::Alert, command).await,
    }
}

async fn find(node: &Node, typed: &str) -> Result<DocumentId, Fail> {
    Ok(node.find_record(DocumentKind::Alert, typed).await?)
}

async fn list(session: &Session, args: &AlertListArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let views = node.alerts().await?;
            let wanted = |it: &&AlertView| !it.hidden && (!args.current || show::is_open(it));
            let views: Vec<&AlertView> = views.iter().filter(wanted).collect();
            let items = views.iter().map(|view| show::Shown::from(*view)).collect();
            session.out.data(&List { items }, |_| show::list(&views))
        })
        .await
}

async fn show(session: &Session, typed: &str) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = find(node, typed).await?;
            print(session, &node.alert(id).await?)
        })
        .await
}

fn print(session: &Session, view: &AlertView) -> Result<(), Fail> {
    session.out.data(&show::Shown::from(view), |_| show::human(view))
}

async fn approve(session: &Session, typed: &str, withdraw: bool, reason: String) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = find(node, typed).await?;
            let decision = if withdraw {
                node.unapprove_alert(id, reason).await?
            } else {
                node.approve_alert(id).await?
            };
            if !decision.counts {
                session
                    .out
                    .note("Saved, and it does not count: only a lead or coordinator approves warnings.");
            }
            done(session, node, id, decision.counts).await
        })
        .await
}

async fn acknowledge(session: &Session, args: AckArgs) -> Result<(), Fail> {
    let kind: AckKind = read::code(&args.kind).map_err(|reason| Fail::input("kind", reason))?;
    session
        .with_node(async |node| {
            let id = find(node, &args.id).await?;
            let person = match &args.person {
                Some(typed) => Some(node.find_person(typed.clone()).await?),
                None => None,
            };
            let counts = node.acknowledge_alert(id, person, kind, args.note).await?.counts;
            if !counts {
                session.out.note("Saved, and it does not count: for somebody else only a lead acknowledges.");
            }
            done(session, node, id, counts).await
        })
        .await
}

async fn done(session: &Session, node: &Node, id: DocumentId, counts: bool) -> Result<(), Fail> {
    let view = node.alert(id).await?;
    let line = Done { id: id.to_string(), counts, standing: view.standing.code() };
    session.out.data(&line, |_| format!("{}  {}", id.short(), show::standing(&view)))
}
