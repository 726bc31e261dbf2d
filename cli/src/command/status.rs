//! Who has what.

use firsthand_node::{DeviceStatus, TeamStatus};
use serde::Serialize;

use super::nearby::verdict;
use super::sync::farewell;
use crate::fail::Fail;
use crate::home::Session;
use crate::meeting::{Meetings, interrupted, next};
use crate::nearby::Around;
use crate::show::{Out, table, text, when};

/// How this device stands with the team, in machine output.
#[derive(Serialize, PartialEq)]
struct Status {
    event: &'static str,
    /// Entries that this device holds.
    has: u64,
    /// Entries here that wait for others.
    waiting: u64,
    /// Files that are not here in full.
    files: u64,
    /// Somebody is connected, and everybody who is holds the same.
    complete: bool,
    items: Vec<Item>,
}

#[derive(Serialize, PartialEq)]
struct Item {
    name: String,
    person: String,
    device: String,
    connected: bool,
    /// Both hold the same now, files included.
    complete: bool,
    /// Entries that it holds; absent where the two never met.
    has: Option<u64>,
    /// Entries that it lacks of what is here.
    lacks: Option<u64>,
    /// Entries of it that are not here.
    to_receive: Option<u64>,
    /// Files that it has not in full.
    files: Option<u64>,
    /// When the two last met.
    met: Option<String>,
    /// When both last held the same, files included.
    last_complete: Option<String>,
}

impl Status {
    fn of(status: &TeamStatus) -> Self {
        let item = |it: &DeviceStatus| Item {
            name: it.name.clone(),
            person: it.person.to_string(),
            device: it.device.short(),
            connected: it.link.is_some(),
            complete: it.is_complete(),
            has: it.seen.map(|seen| seen.has),
            lacks: it.seen.map(|seen| seen.lacks),
            to_receive: it.seen.map(|seen| seen.we_lack),
            files: it.seen.map(|seen| seen.files),
            met: it.met.and_then(when::machine),
            last_complete: it.complete.and_then(when::machine),
        };
        Self {
            event: "status",
            has: status.has,
            waiting: status.pending.waiting,
            files: status.pending.files,
            complete: status.all_here_complete(),
            items: status.devices.iter().map(item).collect(),
        }
    }
}

/// The table for a person.
fn human(status: &TeamStatus) -> String {
    let row = |it: &DeviceStatus| {
        let count = |number: Option<u64>| number.map_or_else(|| String::from("?"), |it| it.to_string());
        let now = match (it.link, it.is_complete()) {
            (Some(_), true) => "here, complete",
            (Some(_), false) => "here",
            (None, _) if it.met.is_some() => "as of the last meeting",
            (None, _) => "never met",
        };
        vec![
            text::line(&it.name),
            it.device.short(),
            now.to_owned(),
            count(it.seen.map(|seen| seen.has)),
            count(it.seen.map(|seen| seen.lacks)),
            count(it.seen.map(|seen| seen.files)),
            it.complete.map_or_else(|| String::from("never"), when::with_distance),
        ]
    };
    let rows: Vec<_> = status.devices.iter().map(row).collect();
    let headings = ["name", "device", "now", "has", "lacks", "files pending", "last complete"];
    let mut here = format!("this device has {}", text::count(status.has, "entry", "entries"));
    if status.pending.waiting > 0 {
        here.push_str(&format!("; {} wait for others", status.pending.waiting));
    }
    if status.pending.files > 0 {
        here.push_str(&format!("; {} pending", text::count(status.pending.files, "file", "files")));
    }
    format!("{}\n{here}; {}", table::render(&headings, rows), verdict(status))
}

/// Prints how it stands, as one of several lines.
pub(super) fn print(out: Out, status: &TeamStatus) -> Result<(), Fail> {
    out.event(&Status::of(status), |_| human(status))
}

/// Shows how it stands as far as it is known without meeting anybody.
pub(super) async fn show(session: &Session) -> Result<(), Fail> {
    let out = session.out;
    session
        .with_node(async |node| {
            let status = node.status().await?;
            out.data(&Status::of(&status), |_| human(&status))
        })
        .await
}

/// Meets whoever is near and shows how it stands, again whenever that changes.
pub(super) async fn watch(session: &Session) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let mut events = node.events();
            let mut meetings = Meetings::quiet(session.out);
            let around = Around::start(session.out, node, None, None).await?;
            let mut changes = node.status_changes();
            let work = async {
                let mut last = None;
                loop {
                    // Asked for only when the last answer was printed: a slow terminal is told less often, not later.
                    changes.borrow_and_update();
                    let status = node.status().await?;
                    let now = Status::of(&status);
                    if last.as_ref() != Some(&now) {
                        print(session.out, &status)?;
                        last = Some(now);
                    }
                    if changes.changed().await.is_err() {
                        return Ok::<(), Fail>(());
                    }
                }
            };
            // Which links are open is known when they are to be ended well.
            let hear = async {
                loop {
                    meetings.hear(&next(&mut events).await?)?;
                }
            };
            let over: Result<(), Fail> = tokio::select! {
                result = work => result,
                result = hear => result,
                () = interrupted() => Ok(()),
            };
            over?;
            drop(around);
            farewell(node, &mut events, &mut meetings).await
        })
        .await
}
