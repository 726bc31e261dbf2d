//! The team's relays.

use std::time::Duration;

use firsthand_node::ids::ExchangeKey;
use firsthand_node::relay::{Queue, RelayState, RelayView, SnapshotView};
use firsthand_node::{Node, RelaysView, TeamRelay};
use serde::Serialize;

use super::List;
use crate::args::{RelayAddArgs, RelayCommand};
use crate::fail::{Fail, Status};
use crate::home::Session;
use crate::show::{Out, text, when};

/// A relay in machine output.
#[derive(Serialize)]
pub(super) struct RelayLine {
    address: String,
    key: String,
    /// `idle`, `connecting`, `exchanging`, `up_to_date` or `waiting`.
    state: &'static str,
    /// Until it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<SnapshotLine>,
}

/// How the snapshot of a mailbox is doing.
#[derive(Serialize)]
struct SnapshotLine {
    /// `fetching`, `checking`, `bringing`, `proposed`, `due` or `wrong`.
    state: &'static str,
    /// Blobs that are left, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<usize>,
}

impl SnapshotLine {
    const fn of(view: SnapshotView) -> Self {
        let (state, left) = match view {
            SnapshotView::Fetching(left) => ("fetching", Some(left)),
            SnapshotView::Checking(left) => ("checking", Some(left)),
            SnapshotView::Bringing(left) => ("bringing", Some(left)),
            SnapshotView::Proposed => ("proposed", None),
            SnapshotView::Due(_) => ("due", None),
            SnapshotView::Wrong => ("wrong", None),
        };
        Self { state, left }
    }
}

#[derive(Serialize)]
pub(super) struct StatusLine {
    items: Vec<RelayLine>,
    queue: QueueLine,
}

/// What has not reached any relay.
#[derive(Serialize)]
struct QueueLine {
    own: u64,
    others: u64,
    /// When the oldest was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<String>,
    /// Files that are here and at no relay, and their bytes.
    files: u64,
    file_bytes: u64,
    /// Files that may come from relays and are not here, and their bytes.
    files_wanted: u64,
    wanted_bytes: u64,
}

impl QueueLine {
    fn of(queue: &Queue) -> Self {
        Self {
            own: queue.own,
            others: queue.others,
            oldest: queue.oldest.and_then(when::machine),
            files: queue.files,
            file_bytes: queue.file_bytes,
            files_wanted: queue.files_wanted,
            wanted_bytes: queue.wanted_bytes,
        }
    }
}

#[derive(Serialize)]
struct Done {
    relay: &'static str,
    address: String,
    key: String,
}

pub(super) async fn run(session: &Session, command: RelayCommand) -> Result<(), Fail> {
    match command {
        RelayCommand::Add(args) => add(session, args).await,
        RelayCommand::List => list(session).await,
        RelayCommand::Remove { relay } => remove(session, relay).await,
        RelayCommand::Status { reach } => status(session, reach).await,
        RelayCommand::Own(_) => Ok(()),
    }
}

async fn add(session: &Session, args: RelayAddArgs) -> Result<(), Fail> {
    let bad =
        |what: &str| Fail::new(Status::BadInput, "bad_input", format!("failed to read the relay's {what}"));
    let key: ExchangeKey = args.key.trim().to_ascii_lowercase().parse().map_err(|_| {
        bad("key").hint("It has 64 hexadecimal digits; whoever runs the relay sees it at its start.")
    })?;
    let token = firsthand_relay::read_token(&args.token).ok_or_else(|| {
        bad("token").hint("It has 26 letters and digits; `firsthand-relay token` prints one.")
    })?;
    let relay = TeamRelay { address: args.address, key, token: *token.as_bytes() };
    session
        .with_node(async |node| {
            node.add_relay(relay.clone()).await?;
            let done = Done { relay: "added", address: relay.address.clone(), key: key.to_string() };
            session.out.data(&done, |it| {
                format!(
                    "{} is a relay of the team now. The others hear of it when you meet; `firsthand sync` uses it.",
                    text::line(&it.address)
                )
            })
        })
        .await
}

async fn remove(session: &Session, relay: String) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let relay = node.drop_relay(relay).await?;
            let done = Done { relay: "removed", address: relay.address, key: relay.key.to_string() };
            session.out.data(&done, |it| {
                format!(
                    "{} is no relay of the team any more. What it holds stays sealed.",
                    text::line(&it.address)
                )
            })
        })
        .await
}

async fn list(session: &Session) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let relays = node.relays().await?.relays;
            let items: Vec<RelayLine> = relays.iter().map(line).collect();
            session.out.data(&List { items }, |list| {
                if list.items.is_empty() {
                    return "The team has no relays.".to_owned();
                }
                let lines =
                    list.items.iter().map(|it| format!("{}  key {}", text::line(&it.address), it.key));
                lines.collect::<Vec<_>>().join("\n")
            })
        })
        .await
}

async fn status(session: &Session, reach: Option<u64>) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let view = match reach {
                Some(seconds) => node.background(Duration::from_secs(seconds)).await?,
                None => node.relays().await?,
            };
            print(session.out, &view)
        })
        .await
}

/// Says how relays are.
pub(super) fn print(out: Out, view: &RelaysView) -> Result<(), Fail> {
    let items = view.relays.iter().map(line).collect();
    let queue = QueueLine::of(&view.queue);
    out.data(&StatusLine { items, queue }, |_| words(view))
}

fn words(view: &RelaysView) -> String {
    if view.relays.is_empty() {
        return "The team has no relays.".to_owned();
    }
    let mut lines: Vec<String> = view.relays.iter().map(relay_words).collect();
    let Queue { own, others, oldest, files, file_bytes, files_wanted, wanted_bytes } = view.queue;
    lines.push(match (own + others, oldest) {
        (0, _) if files > 0 => "Every change that is here has reached a relay.".to_owned(),
        (0, _) => "Everything that is here has reached a relay.".to_owned(),
        (_, oldest) => {
            let since =
                oldest.map(|at| format!(", the oldest of {}", when::with_distance(at))).unwrap_or_default();
            let own = text::count(own, "change made here", "changes made here");
            let others = text::count(others, "of somebody else", "of others");
            format!("Not at any relay yet: {own}, {others}{since}.")
        }
    });
    if files > 0 {
        let files = text::count(files, "file", "files");
        lines.push(format!("Files not at any relay yet: {files}, {file_bytes} bytes."));
    }
    if files_wanted > 0 {
        let files = text::count(files_wanted, "file", "files");
        lines.push(format!("Files that are not here yet: {files}, {wanted_bytes} bytes."));
    }
    lines.join("\n")
}

fn relay_words(view: &RelayView) -> String {
    let state = match view.state {
        RelayState::Idle => "not connected".to_owned(),
        RelayState::Connecting => "connecting".to_owned(),
        RelayState::Exchanging => "connected, exchanging".to_owned(),
        RelayState::UpToDate => "connected, nothing left to exchange".to_owned(),
        RelayState::Waiting { ms } => format!("tried again in {}", when::length(ms)),
    };
    let trouble = view.trouble.map(|it| format!("; {it}")).unwrap_or_default();
    let snapshot = view.snapshot.map(|it| format!("; {}", snapshot_words(it))).unwrap_or_default();
    format!("{}: {state}{trouble}{snapshot}", text::line(&view.address))
}

fn snapshot_words(view: SnapshotView) -> String {
    let pieces = |left| text::count(left as u64, "piece", "pieces");
    match view {
        SnapshotView::Fetching(left) => format!("fetching what was before, {} left", pieces(left)),
        SnapshotView::Checking(left) => format!("looking whether everything is there, {} left", pieces(left)),
        SnapshotView::Bringing(left) => format!("packing up what is there, {} left", pieces(left)),
        SnapshotView::Proposed => "packed up; another device has to look at it".to_owned(),
        SnapshotView::Due(_) => "packed up and looked at; the relay makes room in a week at most".to_owned(),
        SnapshotView::Wrong => {
            "what was packed up is not there; a lead's device packs it up again".to_owned()
        }
    }
}

fn line(view: &RelayView) -> RelayLine {
    let (state, wait_s) = match view.state {
        RelayState::Idle => ("idle", None),
        RelayState::Connecting => ("connecting", None),
        RelayState::Exchanging => ("exchanging", None),
        RelayState::UpToDate => ("up_to_date", None),
        RelayState::Waiting { ms } => ("waiting", Some(ms / 1000)),
    };
    RelayLine {
        address: view.address.clone(),
        key: view.key.to_string(),
        state,
        wait_s,
        trouble: view.trouble.map(|it| it.to_string()),
        snapshot: view.snapshot.map(SnapshotLine::of),
    }
}

/// How relays are, one object a line.
#[derive(Serialize)]
struct Event {
    event: &'static str,
    #[serde(flatten)]
    status: StatusLine,
}

/// Waits until nothing is left to exchange with any relay that can be reached, and says how they are.
pub(super) async fn finish(out: Out, node: &Node) -> Result<(), Fail> {
    node.relays_quiet().await;
    let view = node.relays().await?;
    if view.relays.is_empty() {
        return Ok(());
    }
    let items = view.relays.iter().map(line).collect();
    let queue = QueueLine::of(&view.queue);
    let event = Event { event: "relays", status: StatusLine { items, queue } };
    out.event(&event, |_| words(&view))
}
