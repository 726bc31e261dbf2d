//! The keys of epochs on this device: opened from membership operations, kept in the store, and renewed when the devices
//! of a space have changed.

use std::collections::BTreeMap;

use firsthand_ids::{OperationHash, SpaceId};
use firsthand_seal::{DeviceExchange, EpochKey, EpochKeys, GroupKeys, Kept};
use firsthand_store::{Commit, Store};
use firsthand_team::{EpochOperation, Membership};
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
}
