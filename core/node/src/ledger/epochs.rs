//! The keys of epochs on this device: opened from membership operations, kept in the store, and renewed when the devices
//! of a space have changed.

use std::collections::BTreeMap;

use firsthand_ids::{DeviceKey, OperationHash, PersonId, SpaceId};
use firsthand_seal::{DeviceExchange, EpochKey, EpochKeys, EpochStanding, EpochUse, GroupKeys, Kept};
use firsthand_store::{Commit, Store};
use firsthand_team::{EpochOperation, Membership, Space, Target};
use rand_core::CryptoRng;

use super::{DeviceKeys, Ledger};
use crate::NodeError;

/// A local setting to write.
type Setting = (String, Vec<u8>);

fn setting(operation: &OperationHash) -> String {
    format!("epoch.{operation}")
}

/// The keys that the store holds for the operations of `membership`. What is not there is opened again.
pub(super) fn read(
    store: &Store,
    keys: &DeviceKeys,
    membership: &Membership,
) -> Result<EpochKeys, NodeError> {
    let mut known = BTreeMap::new();
    let epochs = membership.epochs().map(|it| it.hash);
    for hash in epochs.chain(membership.epoch_boxes().map(|it| it.hash)) {
        let kept = store.setting(&setting(&hash))?.map(zeroize::Zeroizing::new);
        if let Some(kept) = kept.and_then(|bytes| Kept::decode(&bytes)) {
            known.insert(hash, kept);
        }
    }
    Ok(EpochKeys::new(keys.signing.key(), exchange(keys)?, known))
}

/// The channel secret, as boxes are opened with it.
pub(super) fn exchange(keys: &DeviceKeys) -> Result<DeviceExchange, NodeError> {
    Ok(DeviceExchange::from_bytes(keys.exchange.as_bytes())?)
}

/// Opens what is new, for the store to keep.
pub(super) fn follow(group: &mut EpochKeys, membership: &Membership) -> Vec<Setting> {
    let new = group.follow(membership).into_iter();
    new.map(|(hash, kept)| (setting(&hash), kept.encode().to_vec())).collect()
}

/// Makes the first epoch of a new team.
pub(super) fn begin(
    keys: &DeviceKeys,
    membership: &mut Membership,
    space: &SpaceId,
    rng: &mut dyn CryptoRng,
) -> Result<(), NodeError> {
    let group = EpochKeys::new(keys.signing.key(), exchange(keys)?, BTreeMap::new());
    let epoch = group.rotate(membership, space, rng)?;
    membership.publish(&keys.signing, epoch)?;
    Ok(())
}

impl Ledger {
    /// What newly added devices need so that they have the key of a space, if that is enough: goes into the commit that adds
    /// them.
    pub(super) fn welcome(&mut self, space: &SpaceId, commit: &mut Commit) -> Result<(), NodeError> {
        commit.settings.extend(follow(&mut self.group, &self.membership));
        // Each operation has room for so many.
        while let Some(more) = self.group.welcome(&self.membership, space)? {
            self.publish(more, commit)?;
        }
        Ok(())
    }

    fn publish(&mut self, operation: EpochOperation, commit: &mut Commit) -> Result<(), NodeError> {
        commit.operations.push(self.membership.publish(&self.keys.signing, operation)?);
        commit.settings.extend(follow(&mut self.group, &self.membership));
        commit.membership = Some(self.membership.heads());
        Ok(())
    }

    /// The key under which to seal for a space now. Where the devices that read it have changed, they are given one first.
    pub(super) fn sealing_key(
        &mut self,
        space: &SpaceId,
        rng: &mut dyn CryptoRng,
    ) -> Result<EpochKey, NodeError> {
        let before = self.membership.clone();
        let mut commit = Commit::new(*space);
        let result = match self.renew(space, &mut commit, rng) {
            Ok(key) if commit.operations.is_empty() => return Ok(key),
            Ok(key) => self.store.commit(commit).map(|_| key).map_err(NodeError::from),
            Err(error) => Err(error),
        };
        match result {
            Ok(_) => self.renamed = true,
            // What is not on the disk was not said.
            Err(_) => self.membership = before,
        }
        result
    }

    fn renew(
        &mut self,
        space: &SpaceId,
        commit: &mut Commit,
        rng: &mut dyn CryptoRng,
    ) -> Result<EpochKey, NodeError> {
        self.welcome(space, commit)?;
        if self.group.sealing(&self.membership, space).is_none() {
            let epoch = self.group.rotate(&self.membership, space, rng)?;
            self.publish(epoch, commit)?;
            self.welcome(space, commit)?;
        }
        let (_, key) =
            self.group.sealing(&self.membership, space).ok_or(NodeError::Inconsistent("the new key"))?;
        Ok(key.clone())
    }

    /// Makes new keys, after a removal, for the spaces that have one and whose present key the removed devices have too. What fails is
    /// done by whoever seals next.
    pub fn renew_keys(&mut self, rng: &mut dyn CryptoRng) {
        if !self.is_admitted() {
            return;
        }
        for space in self.membership.spaces_of(&self.person).into_keys() {
            let sealed = self.membership.epochs().any(|it| it.epoch.space == space);
            if sealed && let Err(error) = self.sealing_key(&space, rng) {
                tracing::error!(%error, "there is no new key yet");
            }
        }
    }

    /// The keys of each space that this device's person reads and that has any: who made them, who has them, which is in use. The space
    /// of the whole team first, keys in the order in which they were made.
    #[must_use]
    pub fn epochs(&self) -> Vec<SpaceEpochs> {
        let mut spaces: Vec<(Space, SpaceId)> =
            self.membership.spaces_of(&self.person).into_iter().map(|(id, space)| (space, id)).collect();
        spaces.sort();
        let of = |(space, id): (Space, SpaceId)| {
            let epochs = self.group.standings(&self.membership, &id);
            let epochs: Vec<_> = epochs.into_iter().map(|it| self.epoch_view(it)).collect();
            let (kind, whose, contact) = match space {
                Space::Team => ("team", None, None),
                Space::Leads => ("leads", None, None),
                Space::Contact { person } => ("contact", Some(person), None),
                Space::Care { person, contact } => ("care", Some(person), contact),
            };
            let name = |person: Option<PersonId>| person.map(|person| self.name(&person));
            SpaceEpochs { space: id, kind, whose: name(whose), contact: name(contact), epochs }
        };
        spaces.into_iter().map(of).filter(|it| !it.epochs.is_empty()).collect()
    }

    fn epoch_view(&self, it: EpochStanding) -> EpochView {
        let name = |device: &DeviceKey| self.target_name(&Target::Device(*device));
        EpochView {
            epoch: it.epoch,
            by: name(&it.author),
            state: match it.used {
                EpochUse::Sealing => EpochState::Sealing,
                EpochUse::Void => EpochState::Void,
                EpochUse::NotHere => EpochState::NotHere,
                EpochUse::Opening if !it.followed_by.is_empty() => EpochState::Superseded,
                EpochUse::Opening if !it.follows_removals => EpochState::BeforeRemoval,
                EpochUse::Opening if !it.fits => EpochState::OtherDevices,
                EpochUse::Opening => EpochState::Superseded,
            },
            superseded_by: it.followed_by,
            readers: it.recipients.iter().map(|device| (name(device), *device)).collect(),
        }
    }
}

/// The keys of one space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceEpochs {
    /// The space.
    pub space: SpaceId,
    /// What it is for: `team`, `leads`, `contact` or `care`.
    pub kind: &'static str,
    /// Whose records it holds, where it is not the whole team's.
    pub whose: Option<String>,
    /// The care contact who reads it.
    pub contact: Option<String>,
    /// Its keys.
    pub epochs: Vec<EpochView>,
}

/// One key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochView {
    /// The operation that made it.
    pub epoch: OperationHash,
    /// Who made it, by name.
    pub by: String,
    /// What it is good for.
    pub state: EpochState,
    /// The keys that were made next after it.
    pub superseded_by: Vec<OperationHash>,
    /// The devices that have it, with the names of their people, as far as this device can tell.
    pub readers: Vec<(String, DeviceKey)>,
}

/// What a key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochState {
    /// What is sealed now is sealed under it.
    Sealing,
    /// A later key took its place; it opens what was sealed under it.
    Superseded,
    /// Somebody was removed since; whoever seals next makes a new one.
    BeforeRemoval,
    /// The devices that read the space are not the ones that have it; whoever seals next sees to it.
    OtherDevices,
    /// This device does not have it.
    NotHere,
    /// Something in it is not what it should be: it counts for nobody.
    Void,
}

impl EpochState {
    /// The word in machine output.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sealing => "sealing",
            Self::Superseded => "superseded",
            Self::BeforeRemoval => "before_removal",
            Self::OtherDevices => "other_devices",
            Self::NotHere => "not_here",
            Self::Void => "void",
        }
    }
}
