//! Closing a period, and what was closed.

use firsthand_node::ids::UnixMillis;
use firsthand_node::{Close, ClosedPeriod, ClosedView, EndReason, NodeError};
use serde::Serialize;

use crate::args::ClosePeriodArgs;
use crate::command::List;
use crate::command::invite::ask;
use crate::fail::Fail;
use crate::home::Session;
use crate::show::progress::Bar;
use crate::show::{table, text, when};

/// What closing did, in machine output.
#[derive(Serialize)]
struct Closed {
    /// Files from that time that are here.
    items: Vec<Item>,
    /// The last day that is closed.
    until: String,
    documents: u64,
    entries: u64,
    /// Bytes that their contents took, and take together.
    content_before: u64,
    content_after: u64,
    /// Bytes of the whole database; `database_after` is absent where nothing was written.
    database_before: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    database_after: Option<u64>,
    file_bytes: u64,
    dry_run: bool,
}

#[derive(Serialize)]
struct Item {
    document: String,
    name: String,
    byte_len: u64,
    /// Why it stays; absent where it went.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<&'static str>,
}

impl Closed {
    fn new(view: ClosedView, args: &ClosePeriodArgs, dry_run: bool) -> Self {
        let ClosedView { period, files, file_bytes } = view;
        let item = |file: firsthand_node::FreedFile| Item {
            document: file.document.to_string(),
            name: file.name,
            byte_len: file.byte_len,
            kept: file.kept.map(firsthand_node::Kept::code),
        };
        Self {
            items: files.into_iter().map(item).collect(),
            until: args.until.to_string(),
            documents: period.documents,
            entries: period.entries,
            content_before: period.content_before,
            content_after: period.content_after,
            database_before: period.database_before,
            database_after: period.database_after,
            file_bytes,
            dry_run,
        }
    }

    /// Nothing is left to close.
    const fn is_empty(&self) -> bool {
        self.documents == 0 && self.file_bytes == 0
    }
}

/// Closes a period, after showing what that frees.
pub(super) async fn close(session: &Session, args: &ClosePeriodArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let bar = Bar::new("looking");
            let found = node.close_period(args.until, Close::Preview, bar.report()).await?;
            drop(bar);
            let preview = Closed::new(found, args, true);
            if args.dry_run {
                return session.out.data(&preview, human);
            }
            // What was stopped before its end may have nothing left to close, and still goes on.
            if !args.yes && !preview.is_empty() {
                session.out.note(&human(&preview));
                if !ask(format!("Close everything until {}?", args.until)).await {
                    return Err(NodeError::Meeting(EndReason::Declined).into());
                }
            }
            let bar = Bar::new("closing");
            let done = node.close_period(args.until, Close::Now, bar.report()).await?;
            drop(bar);
            session.out.data(&Closed::new(done, args, false), human)
        })
        .await
}

fn human(closed: &Closed) -> String {
    if closed.is_empty() && closed.database_after.is_none() {
        return format!("nothing until {} is left to close", closed.until);
    }
    let (takes, goes) = if closed.dry_run { ("would take", "would go") } else { ("now take", "went") };
    let records = text::count(closed.documents, "record", "records");
    let entries = text::count(closed.entries, "entry", "entries");
    let mut lines = vec![format!(
        "{records} with {entries}: their contents took {} and {takes} {}",
        text::bytes(closed.content_before),
        text::bytes(closed.content_after)
    )];
    if let Some(after) = closed.database_after {
        lines.push(format!(
            "the database took {} and now takes {}",
            text::bytes(closed.database_before),
            text::bytes(after)
        ));
    }
    let gone = closed.items.iter().filter(|item| item.kept.is_none()).count() as u64;
    let stay = closed.items.len() as u64 - gone;
    if gone > 0 {
        let files = text::count(gone, "file", "files");
        lines.push(format!("{files} that two other devices keep {goes}: {}", text::bytes(closed.file_bytes)));
    }
    if stay > 0 {
        let files = text::count(stay, "file stays", "files stay");
        lines.push(format!("{files}; firsthand attachments free --dry-run says why"));
    }
    lines.join("\n")
}

/// A closed period in machine output.
#[derive(Serialize)]
struct Period {
    /// Everything about a closed record is from before this time.
    before: Option<String>,
    /// When it was closed.
    closed: Option<String>,
    documents: u64,
    entries: u64,
    content_before: u64,
    content_after: u64,
    database_before: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    database_after: Option<u64>,
    /// False: it was stopped, and the same command goes on.
    finished: bool,
    /// The two instants.
    #[serde(skip)]
    shown: [UnixMillis; 2],
}

impl From<ClosedPeriod> for Period {
    fn from(it: ClosedPeriod) -> Self {
        Self {
            before: when::machine(it.until),
            closed: when::machine(it.begun),
            documents: it.documents,
            entries: it.entries,
            content_before: it.content_before,
            content_after: it.content_after,
            database_before: it.database_before,
            database_after: it.database_after,
            finished: it.database_after.is_some(),
            shown: [it.until, it.begun],
        }
    }
}

/// Lists closed periods.
pub(super) async fn list(session: &Session) -> Result<(), Fail> {
    let periods = session.with_node(async |node| Ok(node.closed_periods().await?)).await?;
    let list = List { items: periods.into_iter().map(Period::from).collect() };
    session.out.data(&list, |list| {
        if list.items.is_empty() {
            return "nothing is closed on this device".to_owned();
        }
        let row = |it: &Period| {
            vec![
                when::with_distance(it.shown[0]),
                when::with_distance(it.shown[1]),
                it.documents.to_string(),
                it.entries.to_string(),
                format!("{} -> {}", text::bytes(it.content_before), text::bytes(it.content_after)),
                match it.database_after {
                    Some(after) => format!("{} -> {}", text::bytes(it.database_before), text::bytes(after)),
                    None => "stopped; the same command goes on".to_owned(),
                },
            ]
        };
        table::render(
            &["before", "closed", "records", "entries", "contents", "database"],
            list.items.iter().map(row).collect(),
        )
    })
}
