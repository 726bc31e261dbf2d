//! What need not be kept any longer, and what need not lie at hand.

mod closing;

use firsthand_node::{DueFile, EndReason, NodeError};
use serde::Serialize;

use super::invite::ask;
use crate::args::{ArchiveCommand, RetentionArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::show::{table, text};

#[derive(Serialize)]
struct Due {
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    document: String,
    incident: String,
    code: String,
    name: String,
    byte_len: u64,
    /// The last day on which it was to be kept.
    until: String,
    /// Somebody without the right to it has asked for its end.
    proposed: bool,
    /// Only with `--destroy`: whether its key is gone. Otherwise it was proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    destroyed: Option<bool>,
}

impl From<&DueFile> for Item {
    fn from(file: &DueFile) -> Self {
        Self {
            document: file.document.to_string(),
            incident: file.incident.to_string(),
            code: file.code.clone(),
            name: file.name.clone(),
            byte_len: file.byte_len,
            until: file.until.to_string(),
            proposed: file.proposed,
            destroyed: None,
        }
    }
}

/// Does what was typed.
pub(super) async fn run(session: &Session, command: ArchiveCommand) -> Result<(), Fail> {
    match command {
        ArchiveCommand::Retention(args) => retention(session, &args).await,
        ArchiveCommand::Close(args) => closing::close(session, &args).await,
        ArchiveCommand::List => closing::list(session).await,
    }
}

/// Lists files that are due, and destroys them where that is asked for.
async fn retention(session: &Session, args: &RetentionArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let files = node.due_files().await?;
            let mut due = Due { items: files.iter().map(Item::from).collect() };
            if args.destroy && !files.is_empty() {
                if !args.yes {
                    session.out.note(&listed(&due));
                    let files = text::count(files.len() as u64, "file", "files");
                    if !ask(format!("Destroy {files} for good, on every device that hears of it?")).await {
                        return Err(NodeError::Meeting(EndReason::Declined).into());
                    }
                }
                let documents = files.iter().map(|file| file.document).collect();
                let gone = node.end_retention(documents).await?;
                for (item, file) in due.items.iter_mut().zip(&files) {
                    item.destroyed = Some(gone.contains(&file.document));
                }
            }
            session.out.data(&due, human)
        })
        .await
}

fn human(due: &Due) -> String {
    if due.items.is_empty() {
        return "no file is past the day until which it is to be kept".to_owned();
    }
    let gone = due.items.iter().filter(|item| item.destroyed == Some(true)).count();
    let proposed = due.items.iter().filter(|item| item.destroyed == Some(false)).count();
    let mut lines = vec![listed(due)];
    if gone > 0 {
        lines.push(format!("destroyed: {}", text::count(gone as u64, "file", "files")));
    }
    if proposed > 0 {
        let files = text::count(proposed as u64, "file", "files");
        lines.push(format!("proposed: {files}; a lead destroys them, or lets them be"));
    }
    if gone + proposed == 0 {
        lines.push("nothing was destroyed; firsthand archive retention --destroy does it".to_owned());
    }
    lines.join("\n")
}

fn listed(due: &Due) -> String {
    let row = |item: &Item| {
        let state = match item.destroyed {
            Some(true) => "destroyed",
            _ if item.proposed => "proposed",
            _ => "",
        };
        let name = text::line(&item.name);
        vec![item.code.clone(), name, text::bytes(item.byte_len), item.until.clone(), state.to_owned()]
    };
    table::render(&["incident", "file", "size", "kept until", ""], due.items.iter().map(row).collect())
}
