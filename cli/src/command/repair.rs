use firsthand_node::{Environment, LostRange, Node, NodeError, RepairView, StoreError};
use serde::Serialize;

use super::check::{self, Checked};
use crate::fail::{Fail, Status};
use crate::home::{Session, secret};
use crate::show::progress::Bar;
use crate::show::text;

/// What a repair did, in machine output.
#[derive(Serialize)]
struct Repaired {
    /// What was done, one line each; empty where nothing had to be.
    items: Vec<String>,
    /// Something was repaired.
    repaired: bool,
    /// Folders with the damaged files.
    set_aside: Vec<String>,
    entries_read: u64,
    entries_kept: u64,
    /// What is known to be lost here, chain by chain.
    lost: Vec<Lost>,
    entries_lost: u64,
    /// What a check says now.
    check: Checked,
}

#[derive(Serialize)]
struct Lost {
    writer: String,
    person: String,
    own: bool,
    from: u64,
    to: u64,
}

/// Repairs the home.
pub(super) async fn repair(session: &Session) -> Result<(), Fail> {
    if !session.home.is_dir() {
        return Err(NodeError::from(StoreError::NoHome).into());
    }
    let passphrase = session.passphrase()?;
    let bar = Bar::new("checking");
    let (node, view) =
        Node::repair(&session.home, secret(&passphrase), Environment::laptop(), bar.report()).await?;
    drop(bar);
    let repaired = machine(view);
    session.work(node, async |_| session.out.data(&repaired, human)).await?;
    if !repaired.check.ok {
        return Err(Fail::new(Status::Damage, "damaged", "the home could not be repaired altogether"));
    }
    if repaired.entries_lost > 0 {
        let message = format!(
            "the home is repaired; {} lost here",
            text::count(repaired.entries_lost, "entry is", "entries are")
        );
        return Err(Fail::new(Status::Damage, "damaged", message)
            .hint("Meet a device that has them (firsthand sync): they are asked for by themselves."));
    }
    Ok(())
}

fn machine(view: RepairView) -> Repaired {
    let lost = |lost: &LostRange| Lost {
        writer: lost.writer.to_string(),
        person: lost.person.clone(),
        own: lost.own,
        from: lost.from.0,
        to: lost.to.0,
    };
    Repaired {
        repaired: !view.done.is_empty(),
        items: view.done,
        set_aside: view.set_aside.iter().map(|path| path.display().to_string()).collect(),
        entries_read: view.entries_read,
        entries_kept: view.entries_kept,
        entries_lost: view.lost.iter().map(|range| range.to.0 + 1 - range.from.0).sum(),
        lost: view.lost.iter().map(lost).collect(),
        check: check::machine(view.check),
    }
}

fn human(repaired: &Repaired) -> String {
    let mut lines = repaired.items.clone();
    if lines.is_empty() {
        lines.push(String::from("Nothing had to be repaired."));
    }
    if repaired.entries_read > 0 {
        lines.push(format!(
            "{} could be read, {} of them kept.",
            text::count(repaired.entries_read, "entry", "entries"),
            repaired.entries_kept
        ));
    }
    for lost in &repaired.lost {
        let who = match (lost.own, lost.person.is_empty()) {
            (true, _) => String::from("this device"),
            (false, false) => text::line(&lost.person),
            (false, true) => String::from("somebody"),
        };
        let writer: String = lost.writer.chars().take(8).collect();
        lines.push(format!("Lost here: entries {} to {} of {who} (chain {writer}).", lost.from, lost.to));
    }
    for folder in &repaired.set_aside {
        lines.push(format!("The damaged files lie in {folder}. Nothing was deleted."));
    }
    lines.push(check::human(&repaired.check));
    lines.join("\n")
}
