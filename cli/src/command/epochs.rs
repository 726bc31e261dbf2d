//! Which keys there are, without the keys.

use firsthand_node::{EpochState, EpochView, SpaceEpochs};
use serde::Serialize;

use super::List;
use crate::fail::Fail;
use crate::home::Session;
use crate::show::{table, text};

/// The keys of a space in machine output.
#[derive(Serialize)]
struct Space {
    space: String,
    /// `team`, `contact` or `care`.
    kind: &'static str,
    /// Whose records; absent for the whole team's.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    /// The care contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    epochs: Vec<Epoch>,
}

#[derive(Serialize)]
struct Epoch {
    epoch: String,
    by: String,
    state: &'static str,
    #[serde(skip)]
    shown: &'static str,
    superseded_by: Vec<String>,
    readers: Vec<Reader>,
}

#[derive(Serialize)]
struct Reader {
    name: String,
    device: String,
}

/// Shows the keys of each space.
pub(super) async fn show(session: &Session) -> Result<(), Fail> {
    let spaces = session.with_node(async |node| Ok(node.epochs().await?)).await?;
    let list = List { items: spaces.into_iter().map(space).collect() };
    session.out.data(&list, |list| {
        if list.items.is_empty() {
            return "There are no keys yet; the first bundle makes one.".to_owned();
        }
        list.items.iter().map(human).collect::<Vec<_>>().join("\n\n")
    })
}

fn space(it: SpaceEpochs) -> Space {
    let epochs = it.epochs.into_iter().map(epoch).collect();
    Space { space: it.space.to_string(), kind: it.kind, of: it.whose, contact: it.contact, epochs }
}

fn epoch(it: EpochView) -> Epoch {
    let reader = |(name, device): (String, firsthand_node::ids::DeviceKey)| Reader {
        name,
        device: device.to_string(),
    };
    Epoch {
        epoch: it.epoch.to_string(),
        by: it.by,
        state: it.state.code(),
        shown: match it.state {
            EpochState::Sealing => "in use",
            EpochState::Superseded => "superseded",
            EpochState::BeforeRemoval => "out of use: somebody was removed since",
            EpochState::OtherDevices => "out of use: devices came or went since",
            EpochState::NotHere => "not on this device",
            EpochState::Void => "void: it was not made as it should be",
        },
        superseded_by: it.superseded_by.iter().map(ToString::to_string).collect(),
        readers: it.readers.into_iter().map(reader).collect(),
    }
}

fn human(space: &Space) -> String {
    let of = space.of.as_deref().map(text::line).unwrap_or_default();
    let whose = match (space.kind, &space.contact) {
        ("team", _) => "The whole team".to_owned(),
        ("leads", _) => "The leads".to_owned(),
        ("contact", _) => format!("Emergency contacts of {of}"),
        (_, Some(contact)) => format!("Care checks of {of}, for {}", text::line(contact)),
        (_, None) => format!("Care checks of {of}"),
    };
    let row = |it: &Epoch| {
        let mut names: Vec<_> = it.readers.iter().map(|reader| text::line(&reader.name)).collect();
        names.sort();
        let mut state = it.shown.to_owned();
        if let Some(by) = it.superseded_by.first() {
            state.push_str(&format!(", later {}", short(by)));
        }
        vec![short(&it.epoch), text::line(&it.by), state, names.join(", ")]
    };
    let rows = space.epochs.iter().map(row).collect();
    format!("{whose}\n{}", table::render(&["key", "made by", "is", "devices of"], rows))
}

fn short(id: &str) -> String {
    id.chars().take(8).collect()
}
