//! The operations that carry keys, as the others have to see them.

use std::collections::BTreeMap;

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash, SpaceId};
use firsthand_log::DeviceSecret;

use super::Membership;
use crate::{Body, EpochBoxes, NewEpoch, TeamError};

/// The most keys sealed in all operations of a team: 112 bytes each make 28 MiB, a rotation a day of a team of 100
/// devices for seven years.
const MAX_SEALED_KEYS: usize = 256 * 1024;

/// An operation that makes an epoch.
#[derive(Debug, Clone, Copy)]
pub struct PlacedEpoch<'a> {
    /// The operation.
    pub hash: OperationHash,
    /// The device that signed it.
    pub author: DeviceKey,
    /// What it says.
    pub epoch: &'a NewEpoch,
}

/// An operation that seals the key of an epoch to further devices.
#[derive(Debug, Clone, Copy)]
pub struct PlacedBoxes<'a> {
    /// The operation.
    pub hash: OperationHash,
    /// What it says.
    pub boxes: &'a EpochBoxes,
}

/// Where the operations that carry keys are, in the order in which they arrived.
#[derive(Clone, Default)]
pub(super) struct Sealed {
    epochs: Vec<usize>,
    boxes: Vec<usize>,
    keys: usize,
}

impl Sealed {
    /// Takes note of an operation that is about to stand at `index`.
    pub(super) fn add(&mut self, index: usize, body: &Body) -> Result<(), TeamError> {
        let (list, keys) = match body {
            Body::Epoch(epoch) => (&mut self.epochs, epoch.boxes.len() + epoch.earlier.len()),
            Body::Boxes(boxes) => (&mut self.boxes, boxes.boxes.len()),
            _ => return Ok(()),
        };
        if self.keys + keys > MAX_SEALED_KEYS {
            return Err(TeamError::TooMany { limit: MAX_SEALED_KEYS });
        }
        self.keys += keys;
        list.push(index);
        Ok(())
    }
}

impl Membership {
    /// The operations that make epochs, parents before children.
    pub fn epochs(&self) -> impl Iterator<Item = PlacedEpoch<'_>> {
        self.sealed.epochs.iter().filter_map(|index| {
            let placed = &self.operations[*index];
            let Body::Epoch(epoch) = &placed.operation.body else { return None };
            Some(PlacedEpoch { hash: placed.hash, author: placed.operation.author, epoch })
        })
    }

    /// The operations that seal keys of epochs to further devices, parents before children.
    pub fn epoch_boxes(&self) -> impl Iterator<Item = PlacedBoxes<'_>> {
        self.sealed.boxes.iter().filter_map(|index| {
            let placed = &self.operations[*index];
            let Body::Boxes(boxes) = &placed.operation.body else { return None };
            Some(PlacedBoxes { hash: placed.hash, boxes })
        })
    }

    /// Whether `earlier` is in the past of `later`.
    #[must_use]
    pub fn follows(&self, later: &OperationHash, earlier: &OperationHash) -> bool {
        let at = |hash: &OperationHash| self.index.get(hash).copied();
        let (Some(later), Some(earlier)) = (at(later), at(earlier)) else { return false };
        later != earlier && self.operations[later].past.contains(earlier)
    }

    /// Whether every revocation that stands is in the past of an operation: what is sealed under the key of an epoch of which
    /// this holds cannot have been meant for those who were removed.
    #[must_use]
    pub fn follows_removals(&self, operation: &OperationHash) -> bool {
        let placed = self.place_of(operation).map(|index| &self.operations[index]);
        placed.is_some_and(|placed| self.fold.accepted().iter().all(|removal| placed.past.contains(*removal)))
    }

    /// The channel key that a device had in the past of an operation, removed or not. It never changes, whatever else arrives.
    #[must_use]
    pub fn exchange_at(&self, operation: &OperationHash, device: &DeviceKey) -> Option<ExchangeKey> {
        let past = &self.operations[self.place_of(operation)?].past;
        Some(self.plain.ever(device, past)?.exchange)
    }

    /// The devices that read a space now, with the keys that secrets are sealed to.
    #[must_use]
    pub fn reading_devices(&self, space: &SpaceId) -> BTreeMap<DeviceKey, ExchangeKey> {
        let Some(kind) = self.space(space) else { return BTreeMap::new() };
        let devices = self.roster.devices.iter().filter(|(_, device)| self.is_reader(&kind, &device.person));
        devices.map(|(key, device)| (*key, device.exchange)).collect()
    }

    /// Signs an operation that carries keys, takes it in, and returns its bytes.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] where the device is no member's.
    pub fn publish(
        &mut self,
        secret: &DeviceSecret,
        operation: EpochOperation,
    ) -> Result<(OperationHash, Vec<u8>), TeamError> {
        self.sign(secret, operation.into())
    }
}

/// An operation that carries keys, before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EpochOperation {
    /// Makes an epoch.
    New(NewEpoch),
    /// Seals the key of one to further devices.
    More(EpochBoxes),
}

impl From<EpochOperation> for Body {
    fn from(operation: EpochOperation) -> Self {
        match operation {
            EpochOperation::New(epoch) => Self::Epoch(epoch),
            EpochOperation::More(boxes) => Self::Boxes(boxes),
        }
    }
}
