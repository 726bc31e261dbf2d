//! Who is near, and meeting them all.

use std::future::pending;
use std::time::Duration;

use firsthand_node::nearby::{FoundState, FoundView};
use firsthand_node::{Event, Node, TeamStatus};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::time::{Instant, sleep_until};

use super::status;
use super::sync::{Listening, farewell};
use crate::args::{NearbyArgs, SyncArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::meeting::{Meetings, interrupted, next};
use crate::nearby::Around;
use crate::power;
use crate::show::text;

/// How long nobody new is found before everybody who is here counts as everybody: announcements take up to three seconds.
const QUIET: Duration = Duration::from_secs(5);

/// Everybody who was found, in machine output.
#[derive(Serialize, PartialEq)]
struct Found {
    event: &'static str,
    items: Vec<Item>,
}

#[derive(Serialize, PartialEq)]
struct Item {
    /// `met`, `trying`, `found` or `not_met`.
    state: &'static str,
    /// The member's name, once met.
    name: Option<String>,
    /// The member's device, its first digits, once met.
    device: Option<String>,
    addresses: Vec<String>,
}

async fn found(node: &Node, all: &[FoundView]) -> Found {
    let peers = node.peers().await;
    let item = |it: &FoundView| {
        let peer = it.link.and_then(|link| peers.iter().find(|peer| peer.link == link));
        Item {
            state: match it.state {
                FoundState::Met => "met",
                FoundState::Trying => "trying",
                FoundState::Found => "found",
                FoundState::NotMet => "not_met",
            },
            name: peer.map(|peer| peer.name.clone()),
            device: peer.map(|peer| peer.device.clone()),
            addresses: it.addresses.iter().map(ToString::to_string).collect(),
        }
    };
    // A neighbour that is no device of ours, and an address where a device was once, are nobody who was found.
    let shown = all.iter().filter(|it| it.name.is_some() || it.state == FoundState::Met);
    let mut items: Vec<_> = shown.map(item).collect();
    // Somebody who came in without being found is here as well.
    let linked = |link| all.iter().any(|it| it.link == Some(link));
    for peer in peers.iter().filter(|peer| !linked(peer.link)) {
        let (name, device) = (Some(peer.name.clone()), Some(peer.device.clone()));
        items.push(Item { state: "met", name, device, addresses: Vec::new() });
    }
    items.sort_by(|one, other| {
        (&one.name, &one.device, &one.addresses).cmp(&(&other.name, &other.device, &other.addresses))
    });
    // A device that was announced and is known by its address too is one.
    items.dedup_by(|one, other| one.device.is_some() && one.device == other.device);
    Found { event: "nearby", items }
}

impl Found {
    fn human(&self) -> String {
        if self.items.is_empty() {
            return String::from("nobody is near");
        }
        let line = |item: &Item| {
            let what = match (item.state, &item.name, &item.device) {
                (_, Some(name), Some(device)) => format!("{} ({device})", text::line(name)),
                ("not_met", ..) => String::from("somebody who is not of this team, or does not answer"),
                _ => String::from("somebody, not met yet"),
            };
            format!("{what}  {}", item.addresses.join(" ")).trim_end().to_owned()
        };
        self.items.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Shows who is near, again whenever that changes.
pub(super) async fn show(session: &Session, args: &NearbyArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let mut events = node.events();
            let mut meetings = Meetings::new(session.out);
            let around = Around::start(session.out, node, args.listen.as_deref(), None).await?;
            session.out.event(&Listening::at(around.bound), |it| it.addresses.join("\n"))?;
            let mut seen = around.nearby.found();
            let work = async {
                let mut last = None;
                loop {
                    let all = seen.borrow_and_update().clone();
                    let now = found(node, &all).await;
                    if last.as_ref() != Some(&now) {
                        session.out.event(&now, Found::human)?;
                        last = Some(now);
                    }
                    tokio::select! {
                        changed = seen.changed() => if changed.is_err() { return Ok(()) },
                        event = next(&mut events) => drop(meetings.hear(&event?)?),
                    }
                }
            };
            let end = async {
                match args.seconds {
                    Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                result = work => return result,
                () = interrupted() => {}
                () = end => {}
            }
            drop(around);
            farewell(node, &mut events, &mut meetings).await
        })
        .await
}

/// Meets everybody who is near, until interrupted, or with `--once` until all who are here hold the same.
pub(super) async fn sync(session: &Session, args: &SyncArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let mut events = node.events();
            let mut meetings = Meetings::new(session.out);
            power::tell(node, args.metered).await?;
            node.attach_relays().await;
            let around =
                Around::start(session.out, node, args.listen.as_deref(), args.with.as_deref()).await?;
            session.out.event(&Listening::at(around.bound), |it| it.addresses.join("\n"))?;
            meetings.waiting();
            tokio::select! {
                result = follow(node, &around, &mut events, &mut meetings, args.once) => result?,
                result = power::follow(node, args.metered) => result?,
                () = interrupted() => {}
            }
            drop(around);
            farewell(node, &mut events, &mut meetings).await?;
            meetings.alarms(node).await?;
            status::print(session.out, &node.status().await?)
        })
        .await
}

/// Follows what happens; ends only with `once`.
async fn follow(
    node: &Node,
    around: &Around,
    events: &mut Receiver<Event>,
    meetings: &mut Meetings,
    once: bool,
) -> Result<(), Fail> {
    let mut found = around.nearby.found();
    let mut quiet = Instant::now() + QUIET;
    loop {
        let over =
            once && nobody_is_tried(&found.borrow_and_update()) && node.status().await?.all_here_complete();
        tokio::select! {
            event = next(events) => {
                if let Some(ended) = meetings.hear(&event?)?
                    && ended.name.is_some()
                {
                    meetings.print(&ended)?;
                    meetings.alarms(node).await?;
                }
            }
            changed = found.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                quiet = Instant::now() + QUIET;
            }
            () = sleep_until(quiet), if over => return Ok(()),
        }
    }
}

/// Whether everybody who was announced was met, or could not be.
fn nobody_is_tried(found: &[FoundView]) -> bool {
    let announced = found.iter().filter(|it| it.name.is_some());
    announced.map(|it| it.state).all(|state| matches!(state, FoundState::Met | FoundState::NotMet))
}

/// Whether everybody who is here holds the same, for a person.
pub(super) fn verdict(status: &TeamStatus) -> String {
    let here = status.devices.iter().filter(|it| it.link.is_some()).count() as u64;
    match here {
        0 => String::from("nobody is connected"),
        here if status.all_here_complete() => {
            format!("complete with {}", text::count(here, "device that is here", "devices that are here"))
        }
        _ => String::from("not complete yet"),
    }
}
