use firsthand_node::{Environment, Node, Role, TeamView};
use serde::Serialize;

use crate::args::CreateArgs;
use crate::fail::Fail;
use crate::home::{Session, secret};
use crate::show::fork::{self, Fork};
use crate::show::quarantine;
use crate::show::recovery::{self, Recovery};
use crate::show::{table, text};

/// The team in machine output.
#[derive(Serialize)]
struct Team {
    /// Its people.
    items: Vec<Person>,
    name: String,
    /// Whether it is a network of teams.
    network: bool,
    team: String,
    me: String,
    device: String,
    home: String,
    counts: Counts,
    /// What this device has lost; absent where nothing is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery: Option<Recovery>,
    /// Chains that forked; absent where none did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forks: Vec<Fork>,
    /// The recovery codes, when the team is made, and never again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recovery_codes: Vec<String>,
    /// How many of them are needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_needed: Option<u8>,
}

#[derive(Serialize)]
struct Person {
    person: String,
    name: String,
    role: String,
    me: bool,
    devices: u64,
}

#[derive(Serialize)]
struct Counts {
    entries: u64,
    documents: u64,
    incidents: u64,
    waiting: u64,
    held: u64,
    attachments_missing: u64,
}

/// Makes a team and a home for it.
pub(super) async fn create(session: &Session, args: &CreateArgs) -> Result<(), Fail> {
    let passphrase = session.new_passphrase()?;
    let env = Environment::laptop();
    let (home, words) = (&session.home, secret(&passphrase));
    let (node, codes) = match args.recovery {
        Some(keys) => Node::create_team_with_recovery(home, words, &args.team, &args.name, keys, env).await?,
        None => (Node::create_team(home, words, &args.team, &args.name, env).await?, Vec::new()),
    };
    session
        .work(node, async |node| {
            let mut team = machine(node.team().await?, session);
            team.recovery_codes = codes.iter().map(|code| grouped(code)).collect();
            team.recovery_needed = args.recovery.map(|keys| keys.needed);
            session.out.data(&team, human)
        })
        .await?;
    if let Some(keys) = args.recovery {
        session.out.note(&format!(
            "Hand each code to another person, on paper, away from the phones; they are shown this once and kept nowhere. Any {} of \
             them together make a new lead (firsthand team recover), so no fewer than that should ever lie in one place.",
            keys.needed
        ));
    }
    session.out.note(
        "The team is made, and you lead it. Without the passphrase nobody can read this home, you included.",
    );
    Ok(())
}

/// A code as people copy it by hand.
fn grouped(code: &str) -> String {
    let groups: Vec<&[u8]> = code.as_bytes().chunks(4).collect();
    let groups: Vec<_> = groups.into_iter().map(String::from_utf8_lossy).collect();
    groups.join("-")
}

/// The role that somebody typed.
pub(super) fn role(code: &str) -> Result<Role, Fail> {
    let known = Role::ALL.into_iter().find(|role| role.code() == code);
    known.ok_or_else(|| Fail::other("role", "there is no such role"))
}

/// Shows the team.
pub(super) async fn show(session: &Session) -> Result<(), Fail> {
    session.with_node(async |node| print(session, node).await).await
}

/// Shows what is held back and what waits.
pub(super) async fn quarantine(session: &Session) -> Result<(), Fail> {
    let held = session.with_node(async |node| Ok(quarantine::machine(node.quarantine().await?))).await?;
    session.out.data(&held, |held| match quarantine::lines(held) {
        lines if lines.is_empty() => "Nothing is held back, and nothing waits.".to_owned(),
        lines => lines.join("\n"),
    })
}

/// Prints what the home holds.
pub(super) async fn print(session: &Session, node: &Node) -> Result<(), Fail> {
    let team = machine(node.team().await?, session);
    session.out.data(&team, human)
}

fn machine(team: TeamView, session: &Session) -> Team {
    let person = |member: firsthand_node::MemberView| Person {
        person: member.person.to_string(),
        name: member.name,
        role: member.role.to_owned(),
        me: member.me,
        devices: member.devices as u64,
    };
    let counts = team.counts;
    let recovery = recovery::machine(&team.recovery);
    let forks = fork::machine(&team.forks);
    Team {
        recovery,
        forks,
        recovery_codes: Vec::new(),
        recovery_needed: None,
        items: team.members.into_iter().map(person).collect(),
        name: team.name,
        network: team.network,
        team: team.team.to_string(),
        me: team.me.to_string(),
        device: team.device.to_string(),
        home: session.home.display().to_string(),
        counts: Counts {
            entries: counts.entries,
            documents: counts.documents,
            incidents: counts.incidents,
            waiting: counts.waiting,
            held: counts.held,
            attachments_missing: counts.attachments_missing,
        },
    }
}

fn human(team: &Team) -> String {
    let counts = &team.counts;
    let mut holds = vec![text::count(counts.incidents, "incident", "incidents")];
    for (number, what) in [
        (counts.waiting, "waiting for an entry that is not here yet, see `firsthand team quarantine`"),
        (counts.held, "held back, see `firsthand team quarantine`"),
        (counts.attachments_missing, "attached files not here yet"),
    ] {
        if number > 0 {
            holds.push(format!("{number} {what}"));
        }
    }
    let head = table::pairs(&[
        ("team", text::line(&team.name)),
        ("home", team.home.clone()),
        ("device", team.device.chars().take(8).collect()),
        ("holds", holds.join("; ")),
    ]);
    let row = |person: &Person| {
        let name = text::line(&person.name);
        let name = if person.me { format!("{name} (you)") } else { name };
        vec![name, person.role.clone(), text::count(person.devices, "device", "devices")]
    };
    let lines = team.recovery.as_ref().map(recovery::lines).unwrap_or_default();
    let head = lines
        .into_iter()
        .chain(fork::lines(&team.forks))
        .fold(head, |head, line| format!("{head}\n! {line}"));
    let people = table::render(&["who", "role", "devices"], team.items.iter().map(row).collect());
    let codes = team.recovery_codes.iter().enumerate();
    let codes = codes.map(|(at, code)| format!("\nrecovery code {}  {code}", at + 1));
    format!("{head}\n{people}{}", codes.collect::<String>())
}
