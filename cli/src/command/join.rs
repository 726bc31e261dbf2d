use std::collections::BTreeMap;

use firsthand_node::{EndReason, Environment, Event, Invitation, Node, NodeError, Reason};
use serde::Serialize;

use crate::args::JoinArgs;
use crate::command::{invite, sync};
use crate::fail::Fail;
use crate::home::{Session, secret};
use crate::meeting::{Meetings, next};
use crate::read::entered::standard_input;
use crate::show::text;

#[derive(Serialize)]
struct Joined {
    event: &'static str,
    team: String,
    name: String,
    home: String,
}

#[derive(Serialize)]
struct TookOver {
    event: &'static str,
    device: String,
}

/// Joins a team, and takes over what it holds.
pub(super) async fn run(session: &Session, args: &JoinArgs) -> Result<(), Fail> {
    let (code, invitation) = read(&args.code)?;
    let name = match (&args.name, invitation.device_of) {
        (Some(name), None) => name.as_str(),
        (None, Some(_)) => "",
        (None, None) => return Err(Fail::input("--as", "is needed: your name, as the team will know you")),
        (Some(_), Some(_)) => {
            return Err(Fail::input("--as", "is not for a further device: it joins as you"));
        }
    };
    let (node, address) = join(session, &code, name, args.yes).await?;
    session
        .work(node, async |node| {
            let ended = first_meeting(session, node, &address).await;
            say_joined(session, node).await?;
            ended.inspect_err(|_| {
                session.out.note(
                    "You belong to the team. Get its records with `firsthand sync` as soon as you can.",
                );
            })
        })
        .await
}

/// Joins as the device that takes another's place: once this one holds everything, it takes the other out of the team, which then
/// hears so at once.
pub(super) async fn take_over(session: &Session, code: &str, yes: bool) -> Result<(), Fail> {
    let (code, invitation) = read(code)?;
    if invitation.device_of.is_none() {
        return Err(Fail::input("--from", "is the code of an invitation: it is for `firsthand team join`"));
    }
    let (node, address) = join(session, &code, "", yes).await?;
    session
        .work(node, async |node| {
            say_joined(session, node).await?;
            let taken = hold_everything(session, node, &address).await;
            taken.map_err(|fail| {
                fail.hint(
                    "This device belongs to the team. Let it meet the old one (firsthand sync) until both hold the same, then take that one out \
                     with `firsthand team revoke --device`.",
                )
            })
        })
        .await
}

async fn hold_everything(session: &Session, node: &Node, address: &str) -> Result<(), Fail> {
    let mut events = node.events();
    node.meet(address, true).await?;
    let mut meetings = Meetings::new(session.out);
    let (mut old, mut equal, mut old_misses) = (None, BTreeMap::new(), 0);
    let ended = loop {
        let event = next(&mut events).await?;
        let ended = meetings.hear(&event)?;
        match event {
            Event::Met { device, .. } => old = Some(device),
            Event::Progress { space, standing, peer_pending, .. } => {
                equal.insert(space, standing.equal);
                old_misses = peer_pending.map_or(old_misses, |pending| pending.files);
            }
            _ => {}
        }
        if let Some(ended) = ended {
            break ended;
        }
    };
    meetings.print(&ended)?;
    meetings.alarms(node).await?;
    ended.result()?;
    // What the old one never had cannot come from it.
    let misses = node.team().await?.counts.attachments_missing;
    let same = !equal.is_empty() && equal.values().all(|equal| *equal);
    let all = ended.complete || (same && misses <= old_misses);
    let Some(old) = old.filter(|_| all) else {
        return Err(Fail::other("incomplete", "this device does not hold everything yet"));
    };
    // Somebody else of the team may answer at that address by now.
    let (devices, _) = node.devices().await?;
    let me = devices.iter().find(|device| device.this).map(|device| device.person);
    if !devices.iter().any(|device| device.device == old && Some(device.person) == me) {
        return Err(Fail::other("incomplete", "it was not your old device that answered"));
    }
    node.revoke(None, Some(old.to_string()), Reason::Left).await?;
    let said = TookOver { event: "replaced", device: old.short() };
    session.out.event(&said, |_| {
        "this device holds all that your old one held, and has taken its place in the team".to_owned()
    })?;
    // The old one hears of it now, or from whomever it meets next.
    if node.meet(address, true).await.is_ok() {
        sync::until_ended(&mut events, &mut meetings).await?;
    }
    Ok(())
}

/// The code as it was typed, and what it says.
fn read(code: &str) -> Result<(String, Invitation), Fail> {
    let code = if code == "-" { standard_input()? } else { code.to_owned() };
    let invitation = Invitation::from_code(code.trim()).map_err(NodeError::from)?;
    Ok((code.trim().to_owned(), invitation))
}

/// Joins, once both screens show the same; gives the node and where the other device is.
async fn join(session: &Session, code: &str, name: &str, yes: bool) -> Result<(Node, String), Fail> {
    let passphrase = session.new_passphrase()?;
    let env = Environment::laptop();
    let joining = Node::join(&session.home, secret(&passphrase), code, name, env).await?;
    if !invite::ask_same(session.out, joining.words, yes).await? {
        joining.decline().await;
        return Err(NodeError::Meeting(EndReason::Declined).into());
    }
    if joining.is_further_device() {
        session.out.note("Waiting until a lead has added this device. Leave your other device as it is.");
    }
    let address = joining.address().to_owned();
    Ok((joining.confirm().await?, address))
}

async fn say_joined(session: &Session, node: &Node) -> Result<(), Fail> {
    let team = node.team().await?;
    let home = session.home.display().to_string();
    let joined = Joined { event: "joined", team: team.team.to_string(), name: team.name, home };
    session.out.event(&joined, |it| format!("joined {}; home {}", text::line(&it.name), it.home))
}

/// Takes over what the inviter's device holds.
async fn first_meeting(session: &Session, node: &Node, address: &str) -> Result<(), Fail> {
    let mut events = node.events();
    node.meet(address, true).await?;
    let mut meetings = Meetings::new(session.out);
    let ended = sync::until_ended(&mut events, &mut meetings).await?;
    meetings.print(&ended)?;
    meetings.alarms(node).await?;
    ended.result()
}
