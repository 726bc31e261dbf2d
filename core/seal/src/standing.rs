//! What became of each epoch of a space, for people who look. No key material.

use std::collections::BTreeSet;

use firsthand_ids::{DeviceKey, OperationHash, SpaceId};
use firsthand_team::Membership;

use crate::group::readers;
use crate::{EpochKeys, GroupKeys, Kept};

/// What an epoch is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochUse {
    /// What is sealed now is sealed under it.
    Sealing,
    /// It only opens what was sealed under it: devices were removed or added since, or a later one is used.
    Opening,
    /// This device does not have its key.
    NotHere,
    /// Something in it is not what it should be: it counts for nobody.
    Void,
}

/// One epoch of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochStanding {
    /// The operation that made it.
    pub epoch: OperationHash,
    /// The device that signed it.
    pub author: DeviceKey,
    /// What it is good for.
    pub used: EpochUse,
    /// The devices that were given its key, as far as this device can tell.
    pub recipients: BTreeSet<DeviceKey>,
    /// Whether exactly the devices have it that read the space now.
    pub fits: bool,
    /// Whether its author had heard of every removal that stands.
    pub follows_removals: bool,
    /// The epochs made next after it.
    pub followed_by: Vec<OperationHash>,
}

impl EpochKeys {
    /// The epochs of a space, those made first first.
    #[must_use]
    pub fn standings(&self, membership: &Membership, space: &SpaceId) -> Vec<EpochStanding> {
        let sealing = self.sealing(membership, space).map(|(hash, _)| hash);
        let readers: BTreeSet<DeviceKey> = readers(membership, space).into_keys().collect();
        let all: Vec<_> = membership.epochs().filter(|it| it.epoch.space == *space).collect();
        let standing = all.iter().map(|it| {
            let recipients = self.recipients(membership, it);
            let later: Vec<_> =
                all.iter().filter(|other| membership.follows(&other.hash, &it.hash)).collect();
            let next = |other: &&&firsthand_team::PlacedEpoch<'_>| {
                !later.iter().any(|between| membership.follows(&other.hash, &between.hash))
            };
            EpochStanding {
                epoch: it.hash,
                author: it.author,
                used: match self.known.get(&it.hash) {
                    _ if sealing == Some(it.hash) => EpochUse::Sealing,
                    Some(Kept::Key(_)) => EpochUse::Opening,
                    Some(Kept::Void | Kept::Boxes) => EpochUse::Void,
                    None => EpochUse::NotHere,
                },
                fits: recipients == readers,
                recipients,
                follows_removals: membership.follows_removals(&it.hash),
                followed_by: later.iter().filter(next).map(|other| other.hash).collect(),
            }
        });
        standing.collect()
    }
}
