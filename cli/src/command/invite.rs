use std::io::{IsTerminal, Write};

use firsthand_node::{EndReason, Event, LinkId, Node, NodeError};
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;

use crate::args::InviteArgs;
use crate::fail::Fail;
use crate::home::Session;
use crate::meeting::{Meetings, interrupted, listen_address, next, reachable};
use crate::show::{self, Out, text};

#[derive(Serialize)]
struct Invitation {
    event: &'static str,
    code: String,
    addresses: Vec<String>,
    role: &'static str,
}

#[derive(Serialize)]
struct Words {
    event: &'static str,
    words: [&'static str; 3],
}

#[derive(Serialize)]
struct Joined {
    event: &'static str,
    name: String,
}

/// Brings somebody in, and stays until they hold what the team holds.
pub(super) async fn run(session: &Session, args: &InviteArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            tokio::select! {
                result = invite(session.out, node, args) => result,
                () = interrupted() => {
                    node.uninvite().await;
                    Err(Fail::other("stopped", "stopped; the code no longer works"))
                }
            }
        })
        .await
}

async fn invite(out: Out, node: &Node, args: &InviteArgs) -> Result<(), Fail> {
    let mut events = node.events();
    let mut meetings = Meetings::new(out);
    let bound = node.listen(listen_address(&args.listen).await?, true).await?;
    let addresses = if args.address.is_empty() { reachable(bound) } else { args.address.clone() };
    let role = super::team::role(&args.role)?;
    let code = node.invite(role, addresses.clone()).await?;
    show_code(out, Invitation { event: "invitation", code, addresses, role: role.code() })?;
    loop {
        let event = next(&mut events).await?;
        let ended = meetings.hear(&event)?;
        match &event {
            Event::Words { link, words } => compare(out, node, *link, *words, args.yes).await?,
            Event::Joined { name, .. } => {
                let joined = Joined { event: "joined", name: name.clone() };
                out.event(&joined, |it| format!("joined: {}", text::line(&it.name)))?;
                let result = first_sync(&mut events, &mut meetings, name).await;
                meetings.alarms(node).await?;
                return result;
            }
            // The code is used up by then: a wrong word may mean somebody in between.
            Event::Ended { reason: EndReason::Declined, .. } => {
                return Err(NodeError::Meeting(EndReason::Declined).into());
            }
            _ => {}
        }
        match ended {
            // A member who happened to come by.
            Some(ended) if ended.name.is_some() => meetings.print(&ended)?,
            Some(ended) => meetings.note(&format!("somebody tried and did not join: {}", ended.reason)),
            None => {}
        }
    }
}

/// Waits until the newcomer holds what this device holds.
pub(super) async fn first_sync(
    events: &mut Receiver<Event>,
    meetings: &mut Meetings,
    newcomer: &str,
) -> Result<(), Fail> {
    loop {
        let Some(ended) = meetings.hear(&next(events).await?)? else { continue };
        if ended.name.is_some() {
            meetings.print(&ended)?;
        }
        if ended.name.as_deref() == Some(newcomer) {
            return ended.result();
        }
    }
}

fn show_code(out: Out, invitation: Invitation) -> Result<(), Fail> {
    if !out.json {
        if std::io::stderr().is_terminal()
            && let Some(picture) = picture(&invitation.code)
        {
            show::to_stderr(&picture);
        }
        show::to_stderr(&format!(
            "On the other device: firsthand team join CODE --as NAME\nReached at {}. The code works once, while this runs.",
            invitation.addresses.join(" or ")
        ));
    }
    out.event(&invitation, |it| it.code.clone())
}

/// The code as a picture of half blocks, light on dark, with the margin that cameras need.
pub(super) fn picture(code: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(code, EcLevel::L).ok()?;
    let mut picture = code.render::<Dense1x2>();
    Some(picture.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).quiet_zone(true).build())
}

/// Shows the words and asks whether the other screen shows the same.
pub(super) async fn compare(
    out: Out,
    node: &Node,
    link: LinkId,
    words: [&'static str; 3],
    yes: bool,
) -> Result<(), Fail> {
    let same = ask_same(out, words, yes).await?;
    node.compared(link, same).await;
    Ok(())
}

/// Shows three words; with `yes` takes them for the same.
pub(super) async fn ask_same(out: Out, words: [&'static str; 3], yes: bool) -> Result<bool, Fail> {
    if out.json {
        out.event(&Words { event: "words", words }, |_| String::new())?;
    } else {
        show::to_stderr(&format!("Words: {}", words.join(" ")));
    }
    if yes {
        return Ok(true);
    }
    Ok(ask("Does the other screen show the same three words?".to_owned()).await)
}

/// Asks a question that is answered with yes or no. Whatever is not clearly yes is no.
pub(super) async fn ask(question: String) -> bool {
    let asked = tokio::task::spawn_blocking(move || {
        // Where nobody types, the next line must not begin behind the question.
        let end = if std::io::stdin().is_terminal() { " " } else { "\n" };
        let mut err = std::io::stderr().lock();
        let question = format!("{question} [y/n]{end}");
        let _ = err.write_all(question.as_bytes()).and_then(|()| err.flush());
        drop(err);
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = match asked.await {
        Ok(Ok(answer)) => answer,
        _ => String::new(),
    };
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_fits_a_terminal() {
        let picture = picture(&format!("FH1{}", "ABCDEFGHIJ234567".repeat(12))).unwrap();
        let width = picture.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(width <= 80, "{width} columns");
        assert!(picture.lines().count() <= 40);
    }
}
