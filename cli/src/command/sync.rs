use std::net::SocketAddr;
use std::time::Duration;

use firsthand_node::{EndReason, Event, Node, NodeError};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

use super::relay;
use crate::args::SyncArgs;
use crate::fail::{Fail, Status};
use crate::home::Session;
use crate::meeting::{Ended, Meetings, interrupted, listen_address, next, reachable};
use crate::power;

/// How long open meetings get to end well after Ctrl-C.
const FAREWELL: Duration = Duration::from_secs(2);
/// How soon the other device is tried again after a meeting broke off, and after that at most how late.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Where this device waits, in machine output.
#[derive(Serialize)]
pub(super) struct Listening {
    event: &'static str,
    /// The first address under which others reach this device.
    address: String,
    pub(super) addresses: Vec<String>,
}

impl Listening {
    /// What is said of a device that waits at an address.
    pub(super) fn at(bound: SocketAddr) -> Self {
        let addresses = reachable(bound);
        Self { event: "listening", address: addresses.first().cloned().unwrap_or_default(), addresses }
    }
}

/// Exchanges records with other devices.
pub(super) async fn run(session: &Session, args: &SyncArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let mut events = node.events();
            let mut meetings = Meetings::new(session.out);
            let relays = !node.relays().await?.relays.is_empty();
            if !relays && args.listen.is_none() && args.with.is_none() {
                return Err(Fail::new(Status::BadInput, "bad_input", "failed to sync: with whom?").hint(
                    "Give --nearby, --listen or --with; the team has no relays, over which it would go without.",
                ));
            }
            power::tell(node, args.metered).await?;
            node.attach_relays().await;
            let work = async {
                let met = match (&args.listen, &args.with) {
                    (Some(address), _) => {
                        listen(session, args, node, address, &mut events, &mut meetings).await
                    }
                    (None, Some(address)) => meet(args, node, address, &mut events, &mut meetings).await,
                    (None, None) => Ok(()),
                };
                if relays && (met.is_ok() || args.once) {
                    relay::finish(session.out, node).await?;
                    meetings.alarms(node).await?;
                }
                if met.is_ok() && !args.once {
                    stay(&mut events, &mut meetings).await?;
                }
                met
            };
            tokio::select! {
                result = work => return result,
                result = power::follow(node, args.metered) => return result,
                () = interrupted() => {}
            }
            farewell(node, &mut events, &mut meetings).await
        })
        .await
}

async fn listen(
    session: &Session,
    args: &SyncArgs,
    node: &Node,
    address: &str,
    events: &mut Receiver<Event>,
    meetings: &mut Meetings,
) -> Result<(), Fail> {
    let bound = node.listen(listen_address(address).await?, args.once).await?;
    session.out.event(&Listening::at(bound), |it| it.addresses.join("\n"))?;
    loop {
        if meetings.open().is_empty() {
            meetings.waiting();
        }
        let Some(ended) = meetings.hear(&next(events).await?)? else { continue };
        if ended.name.is_none() {
            // Nobody of the team: no meeting came about, and the wait goes on.
            meetings.note(&format!("somebody knocked and was not let in: {}", ended.reason));
            continue;
        }
        meetings.print(&ended)?;
        meetings.alarms(node).await?;
        if args.once {
            return ended.result();
        }
    }
}

async fn meet(
    args: &SyncArgs,
    node: &Node,
    address: &str,
    events: &mut Receiver<Event>,
    meetings: &mut Meetings,
) -> Result<(), Fail> {
    let mut wait = RETRY.0;
    let mut met = false;
    loop {
        match node.meet(address, args.once).await {
            Ok(_) => {
                let ended = until_ended(events, meetings).await?;
                meetings.print(&ended)?;
                meetings.alarms(node).await?;
                if args.once {
                    return ended.result();
                }
                if ended.name.is_some() {
                    (met, wait) = (true, RETRY.0);
                } else if !met {
                    return ended.result();
                }
                if ended.reason == EndReason::Done {
                    wait = RETRY.1;
                }
            }
            // Once the two have met, the other may be away for a while.
            Err(NodeError::NoPeer { .. }) if met => {}
            Err(error) => return Err(error.into()),
        }
        meetings.note(&format!("trying {address} again in {} s (Ctrl-C ends)", wait.as_secs()));
        // Who is overdue meanwhile is said at once.
        if let Ok(ended) = timeout(wait, until_ended(events, meetings)).await {
            meetings.print(&ended?)?;
        }
        wait = (wait * 2).min(RETRY.1);
    }
}

/// Stays with the relays; who is overdue meanwhile is said at once.
async fn stay(events: &mut Receiver<Event>, meetings: &mut Meetings) -> Result<(), Fail> {
    loop {
        let ended = until_ended(events, meetings).await?;
        meetings.print(&ended)?;
    }
}

/// Follows a meeting to its end.
pub(super) async fn until_ended(
    events: &mut Receiver<Event>,
    meetings: &mut Meetings,
) -> Result<Ended, Fail> {
    loop {
        if let Some(ended) = meetings.hear(&next(events).await?)? {
            return Ok(ended);
        }
    }
}

/// Ends what is open, so that both sides know it was meant.
pub(super) async fn farewell(
    node: &Node,
    events: &mut Receiver<Event>,
    meetings: &mut Meetings,
) -> Result<(), Fail> {
    let open = meetings.open();
    for link in &open {
        node.end(*link).await;
    }
    for _ in open {
        match timeout(FAREWELL, until_ended(events, meetings)).await {
            Ok(ended) => meetings.print(&ended?)?,
            Err(_) => break,
        }
    }
    Ok(())
}
