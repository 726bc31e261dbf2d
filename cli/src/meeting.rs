//! Following a meeting with another device: what is said while it runs, and what it came to.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use firsthand_node::{EndReason, Event, LinkId, Node, NodeError, Pending, Standing, Summary};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::alarm::Said;
use crate::fail::{Fail, end_code};
use crate::show::progress::Bar;
use crate::show::{Out, text};

/// A meeting that is over.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    /// The other side's name, if it was let in.
    pub(crate) name: Option<String>,
    /// Why it ended.
    pub(crate) reason: EndReason,
    /// Both hold the same and miss nothing.
    pub(crate) complete: bool,
    /// What it cost and brought.
    pub(crate) summary: Summary,
}

/// A meeting in machine output.
#[derive(Debug, Serialize)]
pub(crate) struct EndedLine {
    event: &'static str,
    /// The other side's name, if it was let in.
    peer: Option<String>,
    reason: &'static str,
    /// Both hold the same and miss nothing.
    complete: bool,
    entries_received: u64,
    entries_sent: u64,
    bytes_received: u64,
    bytes_sent: u64,
    round_trips: f64,
}

impl Ended {
    /// The meeting in machine output.
    pub(crate) fn line(&self) -> EndedLine {
        EndedLine {
            event: "ended",
            peer: self.name.clone(),
            reason: end_code(self.reason),
            complete: self.complete,
            entries_received: self.summary.entries_received,
            entries_sent: self.summary.entries_sent,
            bytes_received: self.summary.bytes_received,
            bytes_sent: self.summary.bytes_sent,
            round_trips: self.summary.round_trips(),
        }
    }

    /// The meeting for a person.
    fn human(&self) -> String {
        let name = self.name.as_deref().map_or_else(|| String::from("somebody"), text::line);
        let Summary { entries_received, entries_sent, bytes_received, bytes_sent, .. } = self.summary;
        let state = if self.complete { "both hold the same" } else { "not yet the same" };
        format!(
            "met {name}: {state}; received {}, sent {}; {} in, {} out, {} round trips",
            text::count(entries_received, "entry", "entries"),
            text::count(entries_sent, "entry", "entries"),
            text::bytes(bytes_received),
            text::bytes(bytes_sent),
            self.summary.round_trips(),
        )
    }

    /// Whether it went well.
    pub(crate) fn result(&self) -> Result<(), Fail> {
        match self.reason {
            EndReason::Done => Ok(()),
            reason => Err(NodeError::Meeting(reason).into()),
        }
    }
}

/// What is known of a link while it lasts.
#[derive(Default)]
struct Peer {
    name: Option<String>,
    complete: bool,
    /// How the two stood when it was last said.
    said: String,
}

/// Tells a person, and a script, how meetings go.
pub(crate) struct Meetings {
    out: Out,
    bar: Bar,
    open: BTreeMap<LinkId, Peer>,
    /// Which alarms were said; nothing where none are to be said.
    alarms: Option<Said>,
}

impl Meetings {
    /// Nothing has happened yet.
    pub(crate) fn new(out: Out) -> Self {
        Self { out, bar: Bar::spinner(), open: BTreeMap::new(), alarms: Some(Said::nothing()) }
    }

    /// Follows meetings without a word.
    pub(crate) fn quiet(out: Out) -> Self {
        Self { out, bar: Bar::none(), open: BTreeMap::new(), alarms: None }
    }

    /// Says that this side waits for others.
    pub(crate) fn waiting(&self) {
        self.bar.say(String::from("waiting for another device (Ctrl-C ends)"));
    }

    /// The links that are open.
    pub(crate) fn open(&self) -> Vec<LinkId> {
        self.open.keys().copied().collect()
    }

    /// Says a line that is no data, clear of the moving line.
    pub(crate) fn note(&self, text: &str) {
        self.bar.note(text);
    }

    /// Takes an event in. Returns the meeting that it ended.
    pub(crate) fn hear(&mut self, event: &Event) -> Result<Option<Ended>, Fail> {
        match event {
            Event::Met { link, name, .. } => {
                self.open.entry(*link).or_default().name = Some(name.clone());
                self.bar.note(&format!("meeting {}", text::line(name)));
            }
            Event::Progress { link, standing, peer_pending, .. } => {
                let peer = self.open.entry(*link).or_default();
                let name = peer.name.as_deref().map(text::line).unwrap_or_default();
                let line = format!("{name}: {}", standing_line(standing, *peer_pending));
                let is_new = peer.said != line;
                peer.said.clone_from(&line);
                if !self.bar.say(line.clone()) && is_new {
                    self.bar.note(&line);
                }
            }
            Event::Complete { link } => {
                self.open.entry(*link).or_default().complete = true;
                self.bar.say(String::from("both hold the same"));
            }
            Event::Forked { .. } => self.bar.note(
                "! The two devices hold different histories of one device. Both are kept; a lead has to look at it.",
            ),
            Event::Ended { link, reason, summary } => {
                let peer = self.open.remove(link).unwrap_or_default();
                let (name, complete) = (peer.name, peer.complete);
                return Ok(Some(Ended { name, reason: *reason, complete, summary: *summary }));
            }
            Event::Alarm { .. } | Event::Overdue { .. } => {
                if let Some(said) = &mut self.alarms {
                    self.bar.aside(|| said.say(self.out, event))?;
                }
            }
            _ => {}
        }
        Ok(None)
    }

    /// Says the alarms that stand and were not said: the node tells what a meeting brought only after its end, when the program
    /// may end too.
    pub(crate) async fn alarms(&mut self, node: &Node) -> Result<(), Fail> {
        let Some(said) = &mut self.alarms else { return Ok(()) };
        for event in node.alarms().await? {
            self.bar.aside(|| said.say(self.out, &event))?;
        }
        Ok(())
    }

    /// Prints a meeting that is over.
    pub(crate) fn print(&self, ended: &Ended) -> Result<(), Fail> {
        if ended.reason != EndReason::Done {
            self.bar.note(&format!("the meeting ended: {}", ended.reason));
        }
        self.bar.aside(|| self.out.event(&ended.line(), |_| ended.human()))
    }
}

/// Has, lacks, pending, as a person understands it.
fn standing_line(standing: &Standing, pending: Option<Pending>) -> String {
    let Standing { have, we_lack, they_lack, .. } = standing;
    let mut out = format!("has {have}, lacks {we_lack}, to send {they_lack}");
    if let Some(Pending { waiting, files }) = pending {
        if waiting > 0 {
            out.push_str(&format!("; there {waiting} wait for others"));
        }
        if files > 0 {
            out.push_str(&format!("; there {} pending", text::count(files, "file", "files")));
        }
    }
    if standing.equal {
        out.push_str("; the entries are the same");
    }
    out
}

/// The next event; what was missed because this side was slow is skipped.
pub(crate) async fn next(events: &mut Receiver<Event>) -> Result<Event, Fail> {
    loop {
        match events.recv().await {
            Ok(event) => return Ok(event),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Err(NodeError::Closed.into()),
        }
    }
}

/// Ends when the person presses Ctrl-C or the system asks the program to end.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut ended) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = ended.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Reads an address to wait at: `HOST:PORT`, or a port alone.
pub(crate) async fn listen_address(text: &str) -> Result<SocketAddr, Fail> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([0, 0, 0, 0], port)));
    }
    let bad = || Fail::input("listen", "is not an address with a port, such as 0.0.0.0:4700");
    tokio::net::lookup_host(text).await.map_err(|_| bad())?.next().ok_or_else(bad)
}

/// Addresses under which others reach a device that waits at one, as text.
pub(crate) fn reachable(bound: SocketAddr) -> Vec<String> {
    firsthand_node::reachable(bound).iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_is_said_in_counts() {
        let standing = Standing { have: 12, we_lack: 3, they_lack: 4, ..Standing::default() };
        assert_eq!(standing_line(&standing, None), "has 12, lacks 3, to send 4");
        let pending = Some(Pending { waiting: 0, files: 1 });
        assert_eq!(
            standing_line(&Standing { equal: true, ..standing }, pending),
            "has 12, lacks 3, to send 4; there 1 file pending; the entries are the same"
        );
    }
}
