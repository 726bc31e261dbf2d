use firsthand_node::{EndReason, Environment, Invitation, Node, NodeError};
use serde::Serialize;

use crate::args::JoinArgs;
use crate::command::{invite, sync};
use crate::fail::Fail;
use crate::home::{Session, secret};
use crate::meeting::Meetings;
use crate::read::entered::standard_input;
use crate::show::text;

#[derive(Serialize)]
struct Joined {
    event: &'static str,
    team: String,
    name: String,
    home: String,
}

/// Joins a team, and takes over what it holds.
pub(super) async fn run(session: &Session, args: &JoinArgs) -> Result<(), Fail> {
    let code = if args.code == "-" { standard_input()? } else { args.code.clone() };
    let invitation = Invitation::from_code(code.trim()).map_err(NodeError::from)?;
    let name = match (&args.name, invitation.device_of) {
        (Some(name), None) => name.as_str(),
        (None, Some(_)) => "",
        (None, None) => return Err(Fail::input("--as", "is needed: your name, as the team will know you")),
        (Some(_), Some(_)) => {
            return Err(Fail::input("--as", "is not for a further device: it joins as you"));
        }
    };
    let passphrase = session.new_passphrase()?;
    let env = Environment::laptop();
    let joining = Node::join(&session.home, secret(&passphrase), code.trim(), name, env).await?;
    if !invite::ask_same(session.out, joining.words, args.yes).await? {
        joining.decline().await;
        return Err(NodeError::Meeting(EndReason::Declined).into());
    }
    if joining.is_further_device() {
        session.out.note("Waiting until a lead has added this device. Leave your other device as it is.");
    }
    let address = joining.address().to_owned();
    let node = joining.confirm().await?;
    session
        .work(node, async |node| {
            let ended = first_meeting(session, node, &address).await;
            let team = node.team().await?;
            let home = session.home.display().to_string();
            let joined = Joined { event: "joined", team: team.team.to_string(), name: team.name, home };
            session.out.event(&joined, |it| format!("joined {}; home {}", text::line(&it.name), it.home))?;
            ended.inspect_err(|_| {
                session.out.note(
                    "You belong to the team. Get its records with `firsthand sync` as soon as you can.",
                );
            })
        })
        .await
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
