use firsthand_node::ids::DocumentId;
use firsthand_node::{Edit, Node};
use firsthand_record::Incident;
use serde_json::Value;

use super::{editor, item, link, print_saved, save};
use crate::args::{AddArgs, CloseArgs, EditArgs, FieldArgs, MergeArgs, ReopenArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::read::entered::{Entered, json_record};
use crate::show::text;

/// Records an incident.
pub(super) async fn add(session: &Session, args: AddArgs) -> Result<(), Fail> {
    let base = args.json_file.as_deref().map(json_record).transpose()?.unwrap_or_default();
    let mut entered = Entered::read(&args.fields)?;
    session
        .with_node(async |node| {
            with_names(node, &args.fields, &mut entered).await?;
            let incident = std::mem::take(&mut entered).into_incident(base)?;
            if incident == Incident::default() {
                return Err(Fail::input(
                    "incident",
                    "has nothing in it: give at least a --title or a --narrative",
                ));
            }
            let saved = node.add_incident(incident).await?;
            session.out.note("saved, only on this device until it meets another one");
            print_saved(session, &saved)
        })
        .await
}

/// Changes an incident.
pub(super) async fn edit(session: &Session, args: EditArgs) -> Result<(), Fail> {
    let mut entered = Entered::read(&args.fields)?;
    session
        .with_node(async |node| {
            let id = node.find(&args.id).await?;
            with_names(node, &args.fields, &mut entered).await?;
            let mut edits = std::mem::take(&mut entered).into_edits();
            edits.extend(clears(&args.clear)?);
            if item::are_named(&args) {
                edits.extend(item::edits(&node.incident(id).await?.record, &args)?);
            }
            if let Some(text) = narrative(node, id, &args).await? {
                edits.push(Edit::ReplaceText { field: String::from("narrative"), text });
            }
            if edits.is_empty() && args.editor {
                session.out.note("nothing was changed");
                return Ok(());
            }
            if edits.is_empty() {
                return Err(Fail::input("incident", "was not changed: say what to change"));
            }
            save(session, node, id, edits, "saved").await
        })
        .await
}

/// The narrative as `--append` or `--editor` makes it.
async fn narrative(node: &Node, id: DocumentId, args: &EditArgs) -> Result<Option<String>, Fail> {
    if args.append.is_none() && !args.editor {
        return Ok(None);
    }
    let before = node.incident(id).await?.record.narrative;
    match &args.append {
        Some(more) if before.is_empty() => Ok(Some(more.clone())),
        Some(more) => Ok(Some(format!("{before}\n{more}"))),
        None => {
            let after = editor::edit(before.clone()).await?;
            Ok((after != before).then_some(after))
        }
    }
}

fn clears(fields: &[String]) -> Result<Vec<Edit>, Fail> {
    let edit = |field: &String| {
        let field = field.replace('-', "_");
        if Incident::TEXTS.contains(&field.as_str()) {
            return Ok(Edit::ReplaceText { field, text: String::new() });
        }
        if Incident::SCALARS.contains(&field.as_str()) {
            return Ok(Edit::Set { field, value: Value::Null });
        }
        Err(Fail::input("clear", "names no field that can be emptied; see docs/cli.md for their names"))
    };
    fields.iter().map(edit).collect()
}

/// Options that name a person or another incident, which only the node knows.
async fn with_names(node: &Node, args: &FieldArgs, entered: &mut Entered) -> Result<(), Fail> {
    if let Some(typed) = &args.owner {
        entered.set("owner", Value::String(person(node, typed).await?));
    }
    for typed in &args.link {
        entered.add("linked", link::read(node, typed).await?);
    }
    Ok(())
}

/// The id of a person of the team, by name, `me`, or the beginning of the id.
async fn person(node: &Node, typed: &str) -> Result<String, Fail> {
    let team = node.team().await?;
    if typed == "me" {
        return Ok(team.me.to_string());
    }
    let by_name = |member: &&firsthand_node::MemberView| text::line(&member.name) == text::line(typed);
    let by_id = |member: &&firsthand_node::MemberView| {
        typed.len() >= 4 && member.person.to_string().starts_with(typed)
    };
    let found: Vec<_> = team.members.iter().filter(|member| by_name(member) || by_id(member)).collect();
    match found[..] {
        [one] => Ok(one.person.to_string()),
        [] => Err(Fail::input("owner", "is nobody of the team")),
        _ => Err(Fail::input("owner", "could be several people: give the beginning of the id")),
    }
}

/// Closes an incident.
pub(super) async fn close(session: &Session, args: &CloseArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = node.find(&args.id).await?;
            let target = match &args.merged_into {
                Some(typed) => Some(node.find(typed).await?),
                None => None,
            };
            close_as(session, node, id, target, &args.why.note).await
        })
        .await
}

/// Says that an incident is the same as another one.
pub(super) async fn merge(session: &Session, args: &MergeArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let (id, target) = (node.find(&args.id).await?, node.find(&args.into).await?);
            close_as(session, node, id, Some(target), &args.why.note).await
        })
        .await
}

async fn close_as(
    session: &Session,
    node: &Node,
    id: DocumentId,
    target: Option<DocumentId>,
    note: &str,
) -> Result<(), Fail> {
    let (status, said) = match target {
        Some(_) => ("merged_into", "merged; both are kept, and both still take evidence"),
        None => ("closed", "closed; it still takes evidence"),
    };
    let edit = Edit::Close { status: status.to_owned(), target, note: note.to_owned() };
    decide(session, node, id, edit, said).await
}

/// Opens an incident again.
pub(super) async fn reopen(session: &Session, args: &ReopenArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = node.find(&args.id).await?;
            decide(session, node, id, Edit::Reopen { note: args.why.note.clone() }, "open again").await
        })
        .await
}

/// Makes an edit that needs a right, and says whether it counts or is a proposal.
async fn decide(session: &Session, node: &Node, id: DocumentId, edit: Edit, said: &str) -> Result<(), Fail> {
    let team = node.team().await?;
    let leads = team.members.iter().any(|member| member.me && member.role == "lead");
    let said = if leads { said } else { "saved as a proposal: a lead decides" };
    save(session, node, id, vec![edit], said).await
}
