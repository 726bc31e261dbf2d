//! How this device stands with the team.

use firsthand_ids::{DeviceKey, PersonId, UnixMillis};
use firsthand_sync::Pending;
use tokio::sync::watch;

use super::node::Node;
use crate::{LinkId, NodeError, Seen};

/// How it stands with one other device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceStatus {
    /// The device.
    pub device: DeviceKey,
    /// Whose it is.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// The link to it, where the two are connected now.
    pub link: Option<LinkId>,
    /// How it stands: now where they are connected, else when they last met. `None` where they never told each other anything.
    pub seen: Option<Seen>,
    /// When they last met, by this device's clock; `None` where they never did, or are connected for the first time.
    pub met: Option<UnixMillis>,
    /// When both last held the same and missed nothing, files included, by this device's clock.
    pub complete: Option<UnixMillis>,
}

impl DeviceStatus {
    /// Connected, and both hold the same and miss nothing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.link.is_some() && self.seen.is_some_and(|seen| seen.complete)
    }
}

/// How it stands with the whole team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamStatus {
    /// Entries that this device holds, of all spaces.
    pub has: u64,
    /// What it misses besides entries that only others have.
    pub pending: Pending,
    /// Every other device of the team, by name and key.
    pub devices: Vec<DeviceStatus>,
}

impl TeamStatus {
    /// Somebody is connected, and everybody who is holds the same as this device and misses nothing. Of those who are not here it
    /// says nothing.
    #[must_use]
    pub fn all_here_complete(&self) -> bool {
        let mut here = self.devices.iter().filter(|it| it.link.is_some()).peekable();
        here.peek().is_some() && here.all(DeviceStatus::is_complete)
    }
}

impl Node {
    /// How this device stands with everybody of the team.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn status(&self) -> Result<TeamStatus, NodeError> {
        let peers = self.peers().await;
        let known = self.run(|ledger, _| {
            let (has, pending) = ledger.holding()?;
            let own = ledger.device();
            Ok((has, pending, own, ledger.team_devices(), ledger.peers()))
        });
        let (has, pending, own, devices, mut records) = known.await?;
        let others = devices.into_iter().filter(|(device, _)| *device != own);
        let mut devices: Vec<_> = others
            .map(|(device, (person, name))| {
                let record = records.remove(&device).unwrap_or_default();
                let peer = peers.iter().find(|peer| peer.key == device);
                let then = record.met.map(|_| Seen { complete: false, ..record.seen });
                DeviceStatus {
                    device,
                    person,
                    name,
                    link: peer.map(|peer| peer.link),
                    seen: peer.and_then(|peer| peer.seen).or(then),
                    met: record.met,
                    complete: record.complete,
                }
            })
            .collect();
        devices.sort_by(|one, other| (&one.name, one.device).cmp(&(&other.name, other.device)));
        Ok(TeamStatus { has, pending, devices })
    }

    /// Changes whenever [`Node::status`] may have. Whoever asks again only when it has, and when the last answer is on the screen,
    /// is never behind and has one answer to show, whatever number of changes it stands for.
    #[must_use]
    pub fn status_changes(&self) -> watch::Receiver<u64> {
        self.inner.driving.changes.clone()
    }
}
