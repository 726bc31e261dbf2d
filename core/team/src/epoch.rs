//! The two operations that carry keys. What is in them is made and opened by the crate `seal`; here they are bytes of a
//! known form.

use firsthand_ids::{DeviceKey, OperationHash, SpaceId};
use firsthand_log::codec::{Reader, Writer};

use crate::TeamError;

/// The kind of an operation that makes an epoch.
pub(crate) const EPOCH: u8 = 10;
/// The kind of one that seals its key to further devices.
pub(crate) const BOXES: u8 = 11;
/// The largest body of either.
pub(crate) const MAX_EPOCH_BODY_BYTES: usize = 47 * 1024;

/// The most keys sealed in one operation: 112 bytes each, so that an operation fits into one frame. A larger team takes
/// several operations.
pub const MAX_BOXES: usize = 400;

/// The most earlier keys sealed in one operation: that many people making epochs while apart.
pub const MAX_EARLIER: usize = 32;

/// The key of an epoch, sealed to one device: HPKE's encapsulated key (32 bytes), and the sealed key with its tag (48).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyBox {
    /// To which device.
    pub device: DeviceKey,
    /// The sealed key.
    pub sealed: [u8; Self::BYTES],
}

/// The key of an earlier epoch, sealed under that of a later one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealedKey {
    /// The operation that made the earlier one.
    pub epoch: OperationHash,
    /// The sealed key with its tag.
    pub sealed: [u8; Self::BYTES],
}

/// A new key for the devices that read a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEpoch {
    /// The space.
    pub space: SpaceId,
    /// What the key is bound to before anybody opens it.
    pub commitment: [u8; 32],
    /// The keys that it replaces, so that whoever joins later reads history; strictly rising.
    pub earlier: Vec<SealedKey>,
    /// The key, sealed to each device; strictly rising.
    pub boxes: Vec<KeyBox>,
}

/// The key of an epoch, sealed to devices that were added after it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochBoxes {
    /// The operation that made the epoch.
    pub epoch: OperationHash,
    /// The key, sealed to each device; at least one, strictly rising.
    pub boxes: Vec<KeyBox>,
}

impl KeyBox {
    /// The length of a sealed key with what opens it.
    pub const BYTES: usize = 80;
}

impl SealedKey {
    /// The length of a sealed key.
    pub const BYTES: usize = 48;
}

impl std::fmt::Debug for KeyBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyBox({:?})", self.device)
    }
}

impl std::fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedKey({:?})", self.epoch)
    }
}

impl NewEpoch {
    pub(crate) fn encode(&self, out: &mut Writer) {
        out.fixed(self.space).fixed(self.commitment).number(self.earlier.len() as u64);
        for earlier in &self.earlier {
            out.fixed(earlier.epoch).fixed(earlier.sealed);
        }
        encode_boxes(&self.boxes, out);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, TeamError> {
        let space = SpaceId::new(reader.array("space")?);
        let commitment = reader.array("commitment")?;
        let count = reader.count(MAX_EARLIER, "earlier keys")?;
        let mut earlier: Vec<SealedKey> = Vec::with_capacity(count);
        for _ in 0..count {
            let epoch = OperationHash::new(reader.array("earlier epoch")?);
            if earlier.last().is_some_and(|last| last.epoch >= epoch) {
                return Err(reader.malformed("earlier keys").into());
            }
            earlier.push(SealedKey { epoch, sealed: reader.array("earlier key")? });
        }
        Ok(Self { space, commitment, earlier, boxes: decode_boxes(reader)? })
    }
}

impl EpochBoxes {
    pub(crate) fn encode(&self, out: &mut Writer) {
        out.fixed(self.epoch);
        encode_boxes(&self.boxes, out);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, TeamError> {
        let epoch = OperationHash::new(reader.array("epoch")?);
        Ok(Self { epoch, boxes: decode_boxes(reader)? })
    }
}

fn encode_boxes(boxes: &[KeyBox], out: &mut Writer) {
    out.number(boxes.len() as u64);
    for each in boxes {
        out.fixed(each.device).fixed(each.sealed);
    }
}

fn decode_boxes(reader: &mut Reader<'_>) -> Result<Vec<KeyBox>, TeamError> {
    let count = reader.count(MAX_BOXES, "boxes")?;
    if count == 0 {
        return Err(reader.malformed("boxes").into());
    }
    let mut boxes: Vec<KeyBox> = Vec::with_capacity(count);
    for _ in 0..count {
        let device = DeviceKey::new(reader.array("device key")?);
        if boxes.last().is_some_and(|last| last.device >= device) {
            return Err(reader.malformed("boxes").into());
        }
        boxes.push(KeyBox { device, sealed: reader.array("sealed key")? });
    }
    Ok(boxes)
}
