//! Links between incidents, and marks that hide one.

use firsthand_node::ids::DocumentId;
use firsthand_node::{Edit, Node};
use firsthand_record::{Incident, Link, LinkKind, Tombstone};
use serde_json::Value;

use super::{print_saved, save};
use crate::args::{HideArgs, LinkArgs, UnlinkArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::read;
use crate::read::field::json;

/// `RELATION=CODE` for an incident, `RELATION=KIND:ID` for another record.
pub(super) async fn read(node: &Node, typed: &str) -> Result<Value, Fail> {
    let wrong = |reason: String| Fail::input("link", format!("{reason}; it is typed like same_event=K7-014"));
    let (relation, to) =
        typed.split_once('=').ok_or_else(|| wrong(String::from("has no = after the relation")))?;
    let relation = read::code(relation).map_err(wrong)?;
    let (kind, document) = match to.split_once(':') {
        Some((kind, id)) => {
            let id: Result<DocumentId, _> = id.trim().parse();
            let id = id.map_err(|_| wrong(String::from("names no id of 32 hexadecimal digits")))?;
            (read::code(kind).map_err(wrong)?, id)
        }
        None => (LinkKind::Incident, node.find(to).await?),
    };
    json(Link { key: String::new(), document, kind, relation }).map_err(wrong)
}

/// Links an incident to another one.
pub(super) async fn link(session: &Session, args: &LinkArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = node.find(&args.id).await?;
            let value = read(node, &format!("{}={}", args.relation, args.other)).await?;
            save(session, node, id, vec![Edit::Add { list: String::from("linked"), value }], "linked").await
        })
        .await
}

/// Takes the links between two incidents back, whichever of them has them.
pub(super) async fn unlink(session: &Session, args: &UnlinkArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let (one, other) = (node.find(&args.id).await?, node.find(&args.other).await?);
            let mut last = None;
            for (from, to) in [(other, one), (one, other)] {
                let record = node.incident(from).await?.record;
                let links = record.linked.into_iter().filter(|link| link.document == to);
                let edits = withdraw(links.map(|link| link.key), &args.why.reason);
                if !edits.is_empty() {
                    last = Some(node.edit(from, edits).await?);
                }
            }
            match last {
                Some(saved) => {
                    session.out.note("the links were taken back; they stay readable");
                    print_saved(session, &saved)
                }
                None => Err(Fail::input("unlink", "names incidents that are not linked")),
            }
        })
        .await
}

/// Hides an incident.
pub(super) async fn hide(session: &Session, args: &HideArgs) -> Result<(), Fail> {
    if args.why.reason.trim().is_empty() {
        return Err(Fail::input("reason", "is empty: say with --reason why it is hidden"));
    }
    session
        .with_node(async |node| {
            let id = node.find(&args.id).await?;
            let mark = Tombstone { reason: args.why.reason.clone(), ..Tombstone::default() };
            let value = json(mark).map_err(|reason| Fail::input("reason", reason))?;
            let edits = vec![Edit::Add { list: String::from("tombstone"), value }];
            save(session, node, id, edits, "hidden; nothing was erased (incident list --hidden shows it)")
                .await
        })
        .await
}

/// Takes every mark back that hides an incident.
pub(super) async fn unhide(session: &Session, args: &HideArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = node.find(&args.id).await?;
            let Incident { tombstone, .. } = node.incident(id).await?.record;
            let edits = withdraw(tombstone.into_iter().map(|mark| mark.key), &args.why.reason);
            if edits.is_empty() {
                return Err(Fail::input("incident", "is not hidden"));
            }
            save(session, node, id, edits, "shown in lists again").await
        })
        .await
}

fn withdraw(keys: impl Iterator<Item = String>, reason: &str) -> Vec<Edit> {
    keys.map(|key| Edit::Withdraw { key, reason: reason.to_owned() }).collect()
}
