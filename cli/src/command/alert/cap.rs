//! Warnings as files of the Common Alerting Protocol.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use firsthand_exchange::cap;
use firsthand_record::warning::{AlertStanding, AlertStatus};
use serde::Serialize;

use super::{find, show};
use crate::args::ExportAlertArgs;
use crate::fail::Fail;
use crate::home::Session;

#[derive(Serialize)]
struct Exported {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// The message, where it went to no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    cap: Option<String>,
}

#[derive(Serialize)]
struct Imported {
    id: String,
    /// Whether it was here already; nothing was saved then.
    known: bool,
    standing: &'static str,
    notes: Vec<String>,
}

/// `alert export`.
pub(super) async fn export(session: &Session, args: &ExportAlertArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let view = node.alert(find(node, &args.id).await?).await?;
            let mut message = cap::from_alert(&view.record)?;
            if view.standing == AlertStanding::Waiting {
                // Whoever gets the file cannot see that nobody approved it.
                if !args.draft {
                    let reason = "waits for approval; --draft writes it with the status Draft";
                    return Err(Fail::input("id", reason));
                }
                message.status = AlertStatus::Draft;
            }
            if !matches!(view.standing, AlertStanding::Waiting | AlertStanding::InForce) {
                session.out.note(&format!("This warning is not in force: {}.", show::standing(&view)));
            }
            let xml = cap::write(&message).map_err(|_| Fail::input("id", "cannot be written as CAP"))?;
            let id = view.id.to_string();
            match &args.out {
                None => {
                    let line = Exported { id, file: None, cap: Some(xml.clone()) };
                    session.out.data(&line, |_| xml.trim_end().to_owned())
                }
                Some(file) => {
                    save(file, &xml)?;
                    let line = Exported { id, file: Some(file.display().to_string()), cap: None };
                    session.out.data(&line, |_| format!("{}  written", view.id.short()))
                }
            }
        })
        .await
}

/// Writes a file that is not there yet.
fn save(file: &Path, xml: &str) -> Result<(), Fail> {
    let wrong = |error: &std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Fail::input("out", "is there already, and is not written over"),
        kind => Fail::input("out", format!("cannot be written: {kind}")),
    };
    let mut made = OpenOptions::new().write(true).create_new(true).open(file).map_err(|it| wrong(&it))?;
    made.write_all(xml.as_bytes()).and_then(|()| made.sync_all()).map_err(|it| wrong(&it))
}

/// `alert import`.
pub(super) async fn import(session: &Session, file: &Path) -> Result<(), Fail> {
    let unreadable = |error: std::io::Error| Fail::input("file", format!("cannot be read: {}", error.kind()));
    let opened = File::open(file).map_err(unreadable)?;
    if opened.metadata().map_err(unreadable)?.is_dir() {
        return Err(Fail::input("file", "is a folder"));
    }
    let message = cap::read(opened)?;
    let draft = cap::to_alert(&message)?;
    session
        .with_node(async |node| {
            let here = node.alert_named(message.sender.clone(), message.identifier.clone()).await?;
            let known = here.is_some();
            let id = match here {
                Some(id) => id,
                None => node.propose_alert(draft.alert.clone()).await?.id,
            };
            if known {
                session.out.note("This warning is here already; nothing was saved.");
            }
            for note in &draft.notes {
                session.out.note(note);
            }
            let view = node.alert(id).await?;
            let standing = view.standing.code();
            let line = Imported { id: id.to_string(), known, standing, notes: draft.notes.clone() };
            session.out.data(&line, |_| format!("{}  {}", id.short(), show::standing(&view)))
        })
        .await
}
