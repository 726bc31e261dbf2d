//! A further device of one person: the device they have brings it in, and a lead adds it.

use std::io::IsTerminal;
use std::time::Duration;

use firsthand_node::{DeviceProposal, EndReason, Event, LinkId, Node, NodeError, TeamError};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

use super::invite::{ask, compare, first_sync, picture};
use crate::args::AddDeviceArgs;
use crate::fail::Fail;
use crate::home::Session;
use crate::meeting::{Meetings, interrupted, listen_address, next, reachable};
use crate::read::entered::standard_input;
use crate::show::{self, Out, text};

/// How long the new device may take to come back and say that it holds everything.
const WORD: Duration = Duration::from_secs(60);

#[derive(Serialize)]
struct Code {
    /// `invitation`, for the new device, or `proposal`, for a lead.
    event: &'static str,
    code: String,
    addresses: Vec<String>,
}

#[derive(Serialize)]
struct Replaced {
    event: &'static str,
}

#[derive(Serialize)]
struct Added {
    event: &'static str,
    name: String,
}

/// What another device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To be used beside this one.
    Beside,
    /// To take this one's place.
    Instead,
}

/// Brings in another device of this device's person, and stays until it holds what this one holds.
pub(super) async fn add(session: &Session, args: &AddDeviceArgs) -> Result<(), Fail> {
    with(session, args, Purpose::Beside).await
}

/// Brings in the device that takes this one's place, and stays until it has done so.
pub(super) async fn hand_over(session: &Session, args: &AddDeviceArgs) -> Result<(), Fail> {
    with(session, args, Purpose::Instead).await
}

async fn with(session: &Session, args: &AddDeviceArgs, purpose: Purpose) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            tokio::select! {
                result = bring_in(session.out, node, args, purpose) => result,
                () = interrupted() => {
                    node.uninvite().await;
                    Err(Fail::other("stopped", "stopped; the code no longer works"))
                }
            }
        })
        .await
}

async fn bring_in(out: Out, node: &Node, args: &AddDeviceArgs, purpose: Purpose) -> Result<(), Fail> {
    let mut events = node.events();
    let mut meetings = Meetings::new(out);
    let bound = node.listen(listen_address(&args.listen).await?, true).await?;
    let addresses = if args.address.is_empty() { reachable(bound) } else { args.address.clone() };
    let code = node.invite_device(addresses.clone()).await?;
    let invitation = Code { event: "invitation", code, addresses: addresses.clone() };
    let command = match purpose {
        Purpose::Beside => "On your other device: firsthand team join CODE",
        Purpose::Instead => "On your new device: firsthand device transfer --from CODE",
    };
    show_code(out, &invitation, command)?;
    let mut joining: Option<LinkId> = None;
    loop {
        let event = next(&mut events).await?;
        let ended = meetings.hear(&event)?;
        match &event {
            Event::Words { link, words } => {
                joining = Some(*link);
                compare(out, node, *link, *words, args.yes).await?;
            }
            Event::Proposed { proposal, .. } => {
                let proposal = DeviceProposal { addresses: addresses.clone(), ..(**proposal).clone() };
                let code = proposal.to_code();
                let shown = Code { event: "proposal", code, addresses: addresses.clone() };
                show_code(out, &shown, "A lead adds it, on their device: firsthand team admit-device CODE")?;
            }
            Event::Joined { name, .. } => {
                let added = Added { event: "joined", name: name.clone() };
                out.event(&added, |_| "added: your other device".to_owned())?;
                let result = first_sync(&mut events, &mut meetings, name).await;
                meetings.alarms(node).await?;
                return match purpose {
                    Purpose::Beside => result,
                    Purpose::Instead => replaced(out, node, &mut events, &mut meetings, result).await,
                };
            }
            Event::Ended { link, reason, .. } if joining == Some(*link) => return Err(broken_off(*reason)),
            _ => {}
        }
        match ended {
            Some(ended) if ended.name.is_some() => meetings.print(&ended)?,
            Some(ended) => meetings.note(&format!("somebody tried and did not join: {}", ended.reason)),
            None => {}
        }
    }
}

/// Waits until the new device has taken this one's place: it comes back to say so.
async fn replaced(
    out: Out,
    node: &Node,
    events: &mut Receiver<Event>,
    meetings: &mut Meetings,
    first: Result<(), Fail>,
) -> Result<(), Fail> {
    let again = async {
        while belongs(node).await? {
            super::sync::until_ended(events, meetings).await?;
        }
        Ok::<_, Fail>(())
    };
    let result = match first {
        Ok(()) => timeout(WORD, again).await.unwrap_or_else(|_| {
            Err(Fail::other("incomplete", "the new device has not taken the place of this one"))
        }),
        Err(fail) => Err(fail),
    };
    result.map_err(|fail| {
        fail.hint(
            "Nothing is lost: both devices belong to the team. Let them meet (firsthand sync) until both hold the same, then take this one out on \
             the new one with `firsthand team revoke --device`.",
        )
    })?;
    out.event(&Replaced { event: "replaced" }, |_| {
        "your new device holds everything and has taken the place of this one; `firsthand panic` destroys what is still here".to_owned()
    })
}

/// Whether this device belongs to the team.
async fn belongs(node: &Node) -> Result<bool, Fail> {
    let (devices, _) = node.devices().await?;
    Ok(devices.iter().any(|device| device.this && device.admitted))
}

/// The new device went away, or the words were not the same.
fn broken_off(reason: EndReason) -> Fail {
    let fail = Fail::from(NodeError::Meeting(reason));
    match reason {
        EndReason::Declined => fail,
        _ => fail.hint(
            "Begin again on both devices. If a lead has added the new one meanwhile, it stands in `firsthand team devices` and no \
             device has its keys: take it out with `firsthand team revoke --device`.",
        ),
    }
}

fn show_code(out: Out, code: &Code, what: &str) -> Result<(), Fail> {
    if !out.json {
        if std::io::stderr().is_terminal()
            && let Some(picture) = picture(&code.code)
        {
            show::to_stderr(&picture);
        }
        show::to_stderr(&format!(
            "{what}\nReached at {}. The code is good once, while this runs.",
            code.addresses.join(" or ")
        ));
    }
    out.event(code, |it| it.code.clone())
}

#[derive(Serialize)]
struct Admitted {
    event: &'static str,
    name: String,
    device: String,
    /// Whether the person's device has heard of it.
    told: bool,
}

/// Adds the device of a proposal, and tells the one that proposed it.
pub(super) async fn admit(session: &Session, code: &str, yes: bool) -> Result<(), Fail> {
    let code = if code == "-" { standard_input()? } else { code.to_owned() };
    let proposal = DeviceProposal::from_code(code.trim()).map_err(NodeError::from)?;
    session
        .with_node(async |node| {
            let name = node.proposed_for(proposal.clone()).await.map_err(unknown)?;
            let shown = text::line(&name);
            let question = format!(
                "Add another device of {shown}? It reads what {shown} reads. Are you sure that it is {shown} who asks?"
            );
            if !yes && !ask(question).await {
                return Err(NodeError::Meeting(EndReason::Declined).into());
            }
            node.admit_device(proposal.clone()).await?;
            let told = tell(session.out, node, &proposal.addresses).await?;
            let device = proposal.device.short();
            let admitted = Admitted { event: "admitted", name, device, told };
            session.out.event(&admitted, |it| format!("added: a device of {}", text::line(&it.name)))?;
            if !told {
                session.out.note(
                    "The device that asked was not reached. It goes on as soon as it has heard of it: let it meet this one (firsthand sync).",
                );
            }
            Ok(())
        })
        .await
}

/// A lead who has never met the device that asks cannot know whose it is.
fn unknown(error: NodeError) -> Fail {
    let stranger = matches!(error, NodeError::Team(TeamError::NotFound));
    let fail = Fail::from(error);
    if stranger { fail.hint("Meet the device that shows the code first (firsthand sync).") } else { fail }
}

/// Meets the device that asks, at the first address that answers; says whether it has heard.
async fn tell(out: Out, node: &Node, addresses: &[String]) -> Result<bool, Fail> {
    for address in addresses {
        let mut events = node.events();
        if node.meet(address, true).await.is_err() {
            continue;
        }
        let mut meetings = Meetings::new(out);
        let ended = super::sync::until_ended(&mut events, &mut meetings).await?;
        meetings.print(&ended)?;
        meetings.alarms(node).await?;
        if ended.name.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
