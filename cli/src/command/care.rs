//! How oneself is.

use firsthand_node::{CareView, DocumentKind, Node};
use firsthand_record::{Care, Moment, WantsContact};
use serde::Serialize;

use super::List;
use crate::args::{CareCommand, CareContactArgs, NoteArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::read;
use crate::show::{table, text, when};

/// A care check in machine output.
#[derive(Serialize)]
struct Check {
    id: String,
    person: String,
    own: bool,
    shared_with: Option<String>,
    at: Option<String>,
    wellbeing: Option<u8>,
    wants_contact: Option<&'static str>,
    note: Option<String>,
}

#[derive(Serialize)]
struct Contact {
    person: Option<String>,
    name: Option<String>,
}

#[derive(Serialize)]
struct Noted {
    id: String,
    shared_with: Option<String>,
}

/// Does what the command line says.
pub(super) async fn run(session: &Session, command: CareCommand) -> Result<(), Fail> {
    match command {
        CareCommand::Note(args) => note(session, args).await,
        CareCommand::List => list(session).await,
        CareCommand::Contact(args) => contact(session, &args).await,
    }
}

async fn note(session: &Session, args: NoteArgs) -> Result<(), Fail> {
    let wants = |typed: &String| read::code(typed).map_err(|reason| Fail::input("wants_contact", reason));
    let wants_contact = args.wants_contact.as_ref().map(wants).transpose()?;
    session
        .with_node(async |node| {
            let debrief = match &args.debrief {
                Some(typed) => Some(node.find_record(DocumentKind::Debrief, typed).await?),
                None => None,
            };
            let note = args.text;
            let care = Care { wellbeing: args.wellbeing, wants_contact, note, debrief, ..Care::default() };
            let saved = node.add_care(care).await?;
            let shared_with = node.care_contact().await?.map(|(_, name)| name);
            let noted = Noted { id: saved.id.to_string(), shared_with };
            session.out.data(&noted, |noted| match &noted.shared_with {
                Some(name) => format!("Noted. You and {} can read it, nobody else.", text::line(name)),
                None => "Noted. Only you can read it (firsthand care contact NAME lets one person read what follows)."
                    .to_owned(),
            })
        })
        .await
}

async fn list(session: &Session) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let items = node.care_checks().await?.into_iter().map(machine).collect();
            session.out.data(&List { items }, |list| human(&list.items))
        })
        .await
}

async fn contact(session: &Session, args: &CareContactArgs) -> Result<(), Fail> {
    session
        .with_node(async |node: &Node| {
            if args.nobody {
                node.name_care_contact(None).await?;
            } else if let Some(name) = &args.name {
                let person = node.find_person(name.to_owned()).await?;
                node.name_care_contact(Some(person)).await?;
            }
            let named = node.care_contact().await?;
            let (person, name) = named.map(|(person, name)| (person.to_string(), name)).unzip();
            session.out.data(&Contact { person, name }, |contact| match &contact.name {
                Some(name) => format!("{} can read what you note from now on.", text::line(name)),
                None => "Nobody but you can read what you note from now on.".to_owned(),
            })
        })
        .await
}

fn machine(view: CareView) -> Check {
    let CareView { id, person, own, shared_with, care, .. } = view;
    Check {
        id: id.to_string(),
        person,
        own,
        shared_with,
        at: care.at.map(|at| at.to_string()),
        wellbeing: care.wellbeing,
        wants_contact: care.wants_contact.map(WantsContact::code),
        note: care.note,
    }
}

fn human(checks: &[Check]) -> String {
    if checks.is_empty() {
        return "Nothing was noted.".to_owned();
    }
    let row = |check: &Check| {
        let at = check.at.as_deref().and_then(|at| at.parse::<Moment>().ok()).map(when::moment);
        let readers = match (check.own, &check.shared_with) {
            (false, _) => "you".to_owned(),
            (true, Some(name)) => text::line(name),
            (true, None) => "nobody else".to_owned(),
        };
        vec![
            at.unwrap_or_default(),
            text::line(&check.person),
            check.wellbeing.map(|wellbeing| format!("{wellbeing} of 5")).unwrap_or_default(),
            check.wants_contact.unwrap_or_default().to_owned(),
            text::short(check.note.as_deref().unwrap_or_default(), 60),
            readers,
        ]
    };
    let headings = ["when", "who", "how", "wants a call", "note", "also read by"];
    table::render(&headings, checks.iter().map(row).collect())
}
