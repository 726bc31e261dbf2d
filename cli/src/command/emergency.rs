//! Whom to call when something happens to somebody.

use firsthand_node::ContactView;
use firsthand_record::roster::EmergencyContact;
use serde::Serialize;

use super::List;
use crate::args::{EmergencyArgs, EmergencyCommand};
use crate::fail::Fail;
use crate::home::Session;
use crate::show::{table, text};

/// An emergency contact in machine output.
#[derive(Serialize)]
struct Contact {
    id: String,
    of: String,
    name: Option<String>,
    phone: Option<String>,
    relation: Option<String>,
    note: String,
}

#[derive(Serialize)]
struct Saved {
    id: String,
}

/// Does what the command line says.
pub(super) async fn run(session: &Session, command: EmergencyCommand) -> Result<(), Fail> {
    match command {
        EmergencyCommand::Set(args) => set(session, args).await,
        EmergencyCommand::List => list(session).await,
    }
}

async fn set(session: &Session, args: EmergencyArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let person = match &args.person {
                Some(typed) => Some(node.find_person(typed.to_owned()).await?),
                None => None,
            };
            let contact = EmergencyContact {
                person,
                name: Some(args.name),
                phone: Some(args.phone),
                relation: args.relation,
                note: args.note,
                ..EmergencyContact::default()
            };
            let saved = Saved { id: node.set_emergency_contact(contact).await?.id.to_string() };
            session.out.data(&saved, |_| "Saved. That person and the leads can read it.".to_owned())
        })
        .await
}

async fn list(session: &Session) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let items = node.emergency_contacts().await?.into_iter().map(machine).collect();
            session.out.data(&List { items }, |list| human(&list.items))
        })
        .await
}

fn machine(view: ContactView) -> Contact {
    let ContactView { id, person, contact } = view;
    let EmergencyContact { name, phone, relation, note, .. } = contact;
    Contact { id: id.to_string(), of: person, name, phone, relation, note }
}

fn human(contacts: &[Contact]) -> String {
    if contacts.is_empty() {
        return "Nobody has said whom to call.".to_owned();
    }
    let row = |contact: &Contact| {
        let line = |text: &Option<String>| text::line(text.as_deref().unwrap_or_default());
        let Contact { name, phone, relation, .. } = contact;
        vec![text::line(&contact.of), line(name), line(phone), line(relation), text::short(&contact.note, 60)]
    };
    table::render(&["of", "call", "phone", "who is", "note"], contacts.iter().map(row).collect())
}
