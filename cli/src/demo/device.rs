//! A device of the demo: a home of its own, with its own passphrase, and how two of them meet.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use firsthand_node::{Environment, Event, Node, Passphrase, Role};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

use crate::fail::Fail;
use crate::meeting::{Ended, Meetings, next};
use crate::show::{Out, text};

/// The longest wait for anything between two devices on one machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What went against the story.
pub(super) fn wrong(what: impl Into<String>) -> Fail {
    Fail::other("demo", format!("the demo failed: {}", what.into()))
}

/// Waits for something that must come soon.
pub(super) async fn soon<T>(what: &str, work: impl Future<Output = Result<T, Fail>>) -> Result<T, Fail> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(wrong(format!("nothing came of {what}"))))
}

/// A device, open.
pub(super) struct Device {
    /// Whose it is.
    pub(super) name: &'static str,
    /// The node.
    pub(super) node: Node,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

/// The home of a person in the demo's folder.
pub(super) fn home(dir: &Path, name: &str) -> PathBuf {
    dir.join(name.to_lowercase())
}

/// Each device has a passphrase of its own. They guard nothing: the demo prints them.
pub(super) fn passphrase(name: &str) -> String {
    format!("the demo passphrase of {name}")
}

fn secret(name: &str) -> Passphrase {
    Passphrase::new(passphrase(name))
}

impl Device {
    /// Founds a team.
    pub(super) async fn found(dir: &Path, team: &str, name: &'static str) -> Result<Self, Fail> {
        let node =
            Node::create_team(&home(dir, name), secret(name), team, name, Environment::laptop()).await?;
        Self::listening(name, node).await
    }

    /// Opens a home again.
    pub(super) async fn open(dir: &Path, name: &'static str) -> Result<Self, Fail> {
        let node = Node::open(&home(dir, name), secret(name), Environment::laptop()).await?;
        Self::listening(name, node).await
    }

    async fn listening(name: &'static str, node: Node) -> Result<Self, Fail> {
        let address = node.listen(SocketAddr::from(([127, 0, 0, 1], 0)), true).await?;
        Ok(Self { name, node, address })
    }

    /// Brings a person in with a real code. Both screens show the same three words, which are returned.
    pub(super) async fn bring_in(
        &self,
        dir: &Path,
        name: &'static str,
        role: Role,
    ) -> Result<(Self, String), Fail> {
        let mut events = self.node.events();
        let code = self.node.invite(role, vec![self.address.to_string()]).await?;
        let home = home(dir, name);
        let joining = Node::join(&home, secret(name), &code, name, Environment::laptop()).await?;
        let (link, words) = soon("an invitation", words(&mut events)).await?;
        let same = words == joining.words;
        self.node.compared(link, same).await;
        if !same {
            joining.decline().await;
            return Err(wrong("the two screens showed different words"));
        }
        let node = joining.confirm().await?;
        Ok((Self::listening(name, node).await?, words.join(" ")))
    }
}

async fn words(events: &mut Receiver<Event>) -> Result<(firsthand_node::LinkId, [&'static str; 3]), Fail> {
    loop {
        match next(events).await? {
            Event::Words { link, words } => return Ok((link, words)),
            Event::Ended { reason, .. } => return Err(wrong(format!("nobody joined: {reason}"))),
            _ => {}
        }
    }
}

/// A meeting of two devices, and what it cost.
#[derive(Debug, Serialize)]
pub(super) struct Meeting {
    /// Who met.
    pub(super) between: [&'static str; 2],
    /// Why.
    pub(super) why: &'static str,
    /// Bytes on the wire, both ways, handshake included.
    pub(super) bytes: u64,
    /// Round trips, halves included.
    pub(super) round_trips: f64,
    /// Entries that each of the two received.
    pub(super) entries_received: [u64; 2],
}

/// Lets two devices meet until neither lacks anything.
pub(super) async fn meet(calling: &Device, waiting: &Device, why: &'static str) -> Result<Meeting, Fail> {
    let (mut heard_there, mut heard_here) = (waiting.node.events(), calling.node.events());
    calling.node.meet(&waiting.address.to_string(), true).await?;
    let both = async { tokio::try_join!(ended(&mut heard_here), ended(&mut heard_there)) };
    let (here, there) = soon("a meeting", both).await?;
    for (name, side) in [(calling.name, &here), (waiting.name, &there)] {
        side.result()?;
        if !side.complete {
            return Err(wrong(format!("{name} still lacked something after a meeting")));
        }
    }
    Ok(Meeting {
        between: [calling.name, waiting.name],
        why,
        bytes: here.summary.bytes_sent + here.summary.bytes_received,
        round_trips: here.summary.round_trips(),
        entries_received: [here.summary.entries_received, there.summary.entries_received],
    })
}

async fn ended(events: &mut Receiver<Event>) -> Result<Ended, Fail> {
    let mut meetings = Meetings::quiet(Out { json: false });
    loop {
        if let Some(ended) = meetings.hear(&next(events).await?)?
            && ended.name.is_some()
        {
            return Ok(ended);
        }
    }
}

impl Meeting {
    /// The meeting on one line.
    pub(super) fn line(&self) -> String {
        let [first, second] = self.between;
        let [to_first, to_second] = self.entries_received;
        format!(
            "{first} and {second} meet: {} to {first}, {to_second} to {second}; {} on the wire, {} round trips",
            text::count(to_first, "entry", "entries"),
            text::bytes(self.bytes),
            self.round_trips
        )
    }
}
