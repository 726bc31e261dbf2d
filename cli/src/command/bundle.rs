//! What a team entered, as one sealed file.

use firsthand_node::{BundleMade, BundleRequest, BundleTaken};
use serde::Serialize;

use crate::args::{BundleCommand, BundleExportArgs, BundleImportArgs};
use crate::fail::{Fail, Status};
use crate::home::Session;
use crate::show::progress::Bar;
use crate::show::text;

#[derive(Serialize)]
struct Exported {
    file: String,
    bytes: u64,
    entries: u64,
    operations: u64,
    files: u64,
    devices: u64,
}

#[derive(Serialize)]
struct Imported {
    /// What of it is damaged, from where to where.
    items: Vec<Damaged>,
    complete: bool,
    /// Entries that were new here, and all that could be read.
    entries: u64,
    entries_read: u64,
    operations: u64,
    files: u64,
    /// Pieces that are sealed for others.
    others: u64,
    /// Whether the file's end is there.
    whole: bool,
    missing: Vec<Missing>,
}

#[derive(Serialize)]
struct Damaged {
    from: u64,
    to: u64,
    what: &'static str,
}

#[derive(Serialize)]
struct Missing {
    person: String,
    from: u64,
    to: u64,
}

/// Does what the command line says.
pub(super) async fn run(session: &Session, command: BundleCommand) -> Result<(), Fail> {
    match command {
        BundleCommand::Export(args) => export(session, args).await,
        BundleCommand::Import(args) => import(session, args).await,
    }
}

async fn export(session: &Session, args: BundleExportArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let since = match &args.since {
                None => None,
                Some(typed) => Some(node.find_person(typed.clone()).await?),
            };
            let request = BundleRequest { since, with_files: args.with_files };
            let bar = Bar::new("writing");
            let made = node.export_bundle(&args.file, request, bar.report()).await?;
            drop(bar);
            let BundleMade { bytes, entries, operations, files, devices } = made;
            let file = args.file.display().to_string();
            session.out.data(&Exported { file, bytes, entries, operations, files, devices }, |it| {
                let files = match it.files {
                    0 => String::new(),
                    files => format!(" and {}", text::count(files, "file", "files")),
                };
                format!(
                    "{} bytes: {}{files}, sealed for the team's {}.",
                    it.bytes,
                    text::count(it.entries, "entry", "entries"),
                    text::count(it.devices, "device", "devices"),
                )
            })
        })
        .await
}

async fn import(session: &Session, args: BundleImportArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let bar = Bar::of_bytes("reading");
            let taken = node.import_bundle(&args.file, bar.report()).await?;
            drop(bar);
            let complete = taken.is_complete();
            session.out.data(&machine(taken), human)?;
            if complete {
                return Ok(());
            }
            let message = "a part of the bundle could not be taken in; the rest was";
            Err(Fail::new(Status::Damage, "damaged", message)
                .hint("Ask for the file again, or meet a device that has what is missing (firsthand sync)."))
        })
        .await
}

fn machine(taken: BundleTaken) -> Imported {
    let damaged = |it: firsthand_node::BundleDamage| Damaged { from: it.from, to: it.to, what: it.what };
    let missing = |it: firsthand_node::BundleGap| Missing { person: it.person, from: it.from.0, to: it.to.0 };
    Imported {
        complete: taken.is_complete(),
        entries: taken.entries,
        entries_read: taken.read,
        operations: taken.operations,
        files: taken.files,
        others: taken.others,
        whole: taken.whole,
        items: taken.damage.into_iter().map(damaged).collect(),
        missing: taken.gaps.into_iter().map(missing).collect(),
    }
}

fn human(it: &Imported) -> String {
    let mut lines = Vec::new();
    if it.entries + it.operations + it.files == 0 {
        lines.push(format!(
            "Nothing new: {}, held here already.",
            text::count(it.entries_read, "entry", "entries")
        ));
    } else {
        let mut new = vec![text::count(it.entries, "new entry", "new entries")];
        if it.operations > 0 {
            new.push(text::count(it.operations, "change to the team", "changes to the team"));
        }
        if it.files > 0 {
            new.push(text::count(it.files, "file", "files"));
        }
        lines.push(format!("Taken in: {}.", new.join(", ")));
    }
    if it.others > 0 {
        let pieces = text::count(it.others, "piece is", "pieces are");
        lines.push(format!("{pieces} sealed for people who may read what you may not."));
    }
    for damaged in &it.items {
        lines.push(format!("Bytes {} to {}: {}.", damaged.from, damaged.to, damaged.what));
    }
    for missing in &it.missing {
        let who = if missing.person.is_empty() { "somebody".to_owned() } else { text::line(&missing.person) };
        lines.push(format!(
            "Entries {} to {} of {who} are missing, and so what follows them.",
            missing.from, missing.to
        ));
    }
    if !it.whole {
        lines.push("The end of the file, or a piece before it, is missing.".to_owned());
    }
    lines.join("\n")
}
