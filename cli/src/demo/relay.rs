//! The chapter of somebody who meets only the relay.

use std::path::{Path, PathBuf};
use std::time::Duration;

use firsthand_node::ids::UnixMillis;
use firsthand_node::{IncidentQuery, Node, Reason, Role, TeamRelay};
use firsthand_record::Incident;
use firsthand_relay::{Config, Data, Grant, Relay, Storage, SystemRandom, random_token};
use serde::Serialize;

use super::Narrator;
use super::day::LEAD;
use super::device::{Device, wrong};
use crate::fail::Fail;
use crate::show::text;

/// Who is away.
pub(super) const AWAY: &str = "Esra";
/// What a phone is given in the background.
const BUDGET: Duration = Duration::from_secs(20);

/// What came of it, in machine output.
#[derive(Serialize)]
pub(super) struct Carried {
    /// Incidents that the one who is away got over the relay.
    incidents: u64,
    /// How many bytes the relay held that were searched.
    searched_bytes: u64,
    /// How many words of the team's records stood in them.
    words_found: usize,
}

/// A relay of this process, on a socket of this machine.
struct Running {
    stop: tokio::sync::oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<Result<(), firsthand_relay::RelayError>>,
}

fn relay_failed(error: &firsthand_relay::RelayError) -> Fail {
    wrong(format!("the relay could not {error}"))
}

async fn start(folder: &Path) -> Result<(Running, TeamRelay), Fail> {
    let failed = |error: firsthand_relay::RelayError| relay_failed(&error);
    let (mut storage, secret) =
        Data::create(folder.to_owned()).and_then(|data| data.open()).map_err(failed)?;
    let (token, _) = random_token(&mut SystemRandom::new().map_err(failed)?);
    let grant = Grant { mailboxes: 16, bytes: 64 * 1024 * 1024, until: UnixMillis(i64::MAX) };
    storage.grant(token.kept(), grant).map_err(failed)?;
    let config = Config::at(([127, 0, 0, 1], 0).into());
    let relay = Relay::bind(config, Box::new(storage), secret).await.map_err(failed)?;
    let address = format!("ws://{}/relay", relay.address().map_err(failed)?);
    let team = TeamRelay { address, key: relay.key().map_err(failed)?, token: *token.as_bytes() };
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let ended = tokio::spawn(relay.run(async { drop(stopped.await) }));
    Ok((Running { stop, ended }, team))
}

/// Plays the chapter.
pub(super) async fn carry(tell: Narrator, dir: &Path, lead: &Device) -> Result<Carried, Fail> {
    let folder = dir.join("relay");
    let (running, relay) = start(&folder).await?;
    lead.node.add_relay(relay).await?;
    tell.step(&format!(
        "{LEAD} adds a relay. It has no key of the team's, and keeps what it is given in one file."
    ))?;
    let (away, _) = lead.bring_in(dir, AWAY, Role::Observer).await?;
    tell.step(&format!("{AWAY} joins, and leaves for the next town. From now on she meets nobody."))?;

    exchange(&lead.node).await?;
    exchange(&away.node).await?;
    let incidents = count(&away.node).await?;
    if incidents != count(&lead.node).await? {
        return Err(wrong("the relay did not bring everything"));
    }
    tell.step(&format!(
        "In 20 seconds of background time {AWAY}'s phone gets all {incidents} incidents from the relay."
    ))?;
    let seen = "Trucks wait at the northern road";
    add(&away.node, seen).await?;
    exchange(&away.node).await?;
    exchange(&lead.node).await?;
    if count(&lead.node).await? != incidents + 1 {
        return Err(wrong("the relay did not bring what was seen"));
    }
    tell.step(&format!("What she logs there, \"{seen}\", reaches {LEAD} the same way."))?;

    lead.node.revoke(Some(AWAY.to_owned()), None, Reason::Seized).await?;
    let after = "New meeting place for the morning";
    add(&lead.node, after).await?;
    exchange(&lead.node).await?;
    exchange(&away.node).await?;
    if count(&away.node).await? != incidents + 1 {
        return Err(wrong("a removed device got something"));
    }
    tell.step(&format!(
        "{AWAY}'s phone is taken. {LEAD} removes it, which makes a new key and a new mailbox; \"{after}\" never gets there."
    ))?;

    let words = words(&lead.node).await?;
    away.node.shutdown().await?;
    lead.node.detach_relays().await;
    // An error says that it has ended.
    let _ = running.stop.send(());
    let ended = running.ended.await.map_err(|_| wrong("the relay broke off"))?;
    ended.map_err(|error| relay_failed(&error))?;
    let (searched_bytes, words_found) = search(&folder, &words)?;
    if words_found > 0 || searched_bytes == 0 {
        return Err(wrong(format!("{words_found} words stand in the relay's files")));
    }
    tell.step(&format!(
        "{} words of all records, looked for in the {} that the relay holds: {words_found} found.",
        words.len(),
        text::bytes(searched_bytes)
    ))?;
    Ok(Carried { incidents, searched_bytes, words_found })
}

async fn exchange(node: &Node) -> Result<(), Fail> {
    let view = node.background(BUDGET).await?;
    match view.relays.first().map(|relay| relay.trouble) {
        Some(None) => Ok(()),
        Some(Some(trouble)) => Err(wrong(format!("of the relay: {trouble}"))),
        None => Err(wrong("there is no relay")),
    }
}

async fn count(node: &Node) -> Result<u64, Fail> {
    Ok(node.team().await?.counts.incidents)
}

async fn add(node: &Node, title: &str) -> Result<(), Fail> {
    node.add_incident(Incident { title: Some(title.to_owned()), ..Incident::default() }).await?;
    Ok(())
}

/// Words of seven letters and more from what people wrote: long enough not to stand in random bytes.
async fn words(node: &Node) -> Result<Vec<String>, Fail> {
    let rows = node.incidents(IncidentQuery::default()).await?;
    let mut words: Vec<String> = Vec::new();
    for row in rows {
        let long =
            row.incident.title.split(|it: char| !it.is_alphabetic()).filter(|word| word.chars().count() >= 7);
        words.extend(long.map(str::to_owned));
    }
    words.sort();
    words.dedup();
    Ok(words)
}

/// How many bytes the files in a folder have, and how many of these words stand in them.
fn search(folder: &Path, words: &[String]) -> Result<(u64, usize), Fail> {
    let unread = |error: std::io::Error| wrong(format!("the relay's files cannot be read: {}", error.kind()));
    let (mut bytes, mut found) = (0, 0);
    let files: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(unread)?
        .filter_map(|file| file.ok().map(|file| file.path()))
        .collect();
    for file in files {
        let content = std::fs::read(file).map_err(unread)?;
        bytes += content.len() as u64;
        let stands = |word: &&String| content.windows(word.len()).any(|it| it == word.as_bytes());
        found += words.iter().filter(stands).count();
    }
    Ok((bytes, found))
}
