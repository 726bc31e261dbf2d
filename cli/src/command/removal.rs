//! Roles, devices, removal and return.

use firsthand_node::{DeviceView, Reason, RemovalView, Role};
use serde::Serialize;

use super::List;
use super::team::{print, role};
use crate::fail::Fail;
use crate::home::Session;
use crate::show::{Out, table, text};

/// A role in machine output.
#[derive(Serialize)]
struct RoleLine {
    role: &'static str,
    /// Of `write`, `resolve`, `close`, `publish`, `add` and `remove` those that it has.
    rights: Vec<&'static str>,
}

/// Devices and removals in machine output.
#[derive(Serialize)]
struct Devices {
    items: Vec<Device>,
    removals: Vec<Removal>,
}

#[derive(Serialize)]
struct Device {
    device: String,
    person: String,
    name: String,
    role: &'static str,
    /// Whether it belongs to the team.
    admitted: bool,
    this: bool,
}

#[derive(Serialize)]
struct Removal {
    removal: String,
    name: String,
    /// The one device; absent where the person was removed with all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    reason: &'static str,
    by: String,
    confirmed: Vec<String>,
}

/// Shows the roles.
pub(super) fn roles(out: Out) -> Result<(), Fail> {
    let line = |role: Role| {
        let rights = role.rights();
        let all = [
            (rights.write, "write"),
            (rights.resolve, "resolve"),
            (rights.close, "close"),
            (rights.publish, "publish"),
            (rights.add, "add"),
            (rights.remove, "remove"),
            (rights.destroy, "destroy"),
        ];
        let rights = all.into_iter().filter(|(has, _)| *has).map(|(_, word)| word).collect();
        RoleLine { role: role.code(), rights }
    };
    let list = List { items: Role::ALL.map(line).into() };
    out.data(&list, |list| {
        let row = |line: &RoleLine| vec![line.role.to_owned(), in_words(&line.rights)];
        table::render(&["role", "may"], list.items.iter().map(row).collect())
    })
}

fn in_words(rights: &[&str]) -> String {
    let words = rights.iter().map(|right| match *right {
        "write" => "enter and change records",
        "resolve" => "settle conflicts",
        "close" => "close incidents",
        "publish" => "publish checklists",
        "add" => "let people in",
        "destroy" => "destroy files for good",
        _ => "remove people, give roles, release what is held back",
    });
    let words: Vec<_> = words.collect();
    if words.is_empty() { "read".to_owned() } else { words.join("; ") }
}

/// Shows every device and removal.
pub(super) async fn devices(session: &Session) -> Result<(), Fail> {
    let (devices, removals) = session.with_node(async |node| Ok(node.devices().await?)).await?;
    let devices = Devices {
        items: devices.into_iter().map(device).collect(),
        removals: removals.into_iter().map(removal).collect(),
    };
    session.out.data(&devices, |devices| {
        let row = |it: &Device| {
            let name = text::line(&it.name);
            let name = if it.this { format!("{name} (this device)") } else { name };
            let standing = if it.admitted { it.role } else { "removed" };
            vec![short(&it.device), name, standing.to_owned()]
        };
        let mut shown = table::render(&["device", "whose", "role"], devices.items.iter().map(row).collect());
        for it in &devices.removals {
            let what = it.device.as_ref().map_or_else(String::new, |key| format!(", device {}", short(key)));
            let also = if it.confirmed.is_empty() {
                "confirmed by nobody yet".to_owned()
            } else {
                format!("confirmed by {}", text::line(&it.confirmed.join(", ")))
            };
            let (name, by) = (text::line(&it.name), text::line(&it.by));
            shown.push_str(&format!(
                "\nRemoved: {name}{what} ({}), by {by}; {also}. Removal {}",
                it.reason,
                short(&it.removal)
            ));
        }
        shown
    })
}

fn device(view: DeviceView) -> Device {
    Device {
        device: view.device.to_string(),
        person: view.person.to_string(),
        name: view.name,
        role: view.role.code(),
        admitted: view.admitted,
        this: view.this,
    }
}

fn removal(view: RemovalView) -> Removal {
    Removal {
        removal: view.hash.to_string(),
        name: view.name,
        device: view.device.map(|device| device.to_string()),
        reason: view.reason,
        by: view.by,
        confirmed: view.confirmed,
    }
}

fn short(id: &str) -> String {
    id.chars().take(8).collect()
}

/// Gives a role.
pub(super) async fn grant(session: &Session, who: &str, code: &str) -> Result<(), Fail> {
    let role = role(code)?;
    session
        .with_node(async |node| {
            node.grant(who.to_owned(), role).await?;
            print(session, node).await
        })
        .await
}

/// Takes somebody out.
pub(super) async fn revoke(
    session: &Session,
    who: Option<String>,
    device: Option<String>,
    reason: &str,
) -> Result<(), Fail> {
    let reason = self::reason(reason);
    session
        .with_node(async |node| {
            let name = node.find_to_revoke(who.clone(), device.clone()).await?;
            let what = if device.is_some() { "a device of " } else { "" };
            session.out.note(&format!(
                "Removing {what}{}. What came in from there later is taken out of every record; this can take a moment.",
                text::line(&name)
            ));
            let removal = node.revoke(who, device, reason).await?;
            print(session, node).await?;
            session.out.note(&format!(
                "Removed. Others hear of it when they meet this device; until then they go on exchanging with the removed one. A second \
                 person can confirm it: firsthand team confirm {}",
                short(&removal.to_string())
            ));
            Ok(())
        })
        .await
}

/// The reason that somebody typed.
pub(super) fn reason(code: &str) -> Reason {
    match code {
        "left" => Reason::Left,
        "lost" => Reason::Lost,
        "seized" => Reason::Seized,
        _ => Reason::Removed,
    }
}

/// Stands behind a removal.
pub(super) async fn confirm(session: &Session, removal: &str) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            node.confirm_removal(removal.to_owned()).await?;
            print(session, node).await
        })
        .await
}

/// Releases an entry.
pub(super) async fn adopt(session: &Session, chain: &str, position: u64) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            node.adopt(chain.to_owned(), position).await?;
            print(session, node).await
        })
        .await
}
