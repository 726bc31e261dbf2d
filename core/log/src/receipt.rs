//! What a device signs of another one's chain that it has seen.

use firsthand_ids::{
    DeviceKey, Digest, EntryHash, HybridTime, LocalTime, Position, SpaceId, TeamId, UnixMillis, WriterId,
};

use crate::codec::{Reader, Writer};
use crate::{ChainId, DeviceSecret, LogError, Signature, signed_by};

/// The most receipts that are handed over at once: a device has one chain in a space, and a new one after each restore.
pub const MAX_RECEIPTS: usize = 64;

/// A device says that it held somebody's chain so far, and what its clock showed then. Everything up to that entry was there by that time,
/// if that clock was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The chain.
    pub writer: WriterId,
    /// How far it was held.
    pub position: Position,
    /// The hash of the entry there.
    pub hash: EntryHash,
    /// The signing device's hybrid time.
    pub hybrid: HybridTime,
    /// What its clock showed.
    pub local: LocalTime,
    /// Its signature.
    pub signature: Signature,
}

impl Receipt {
    /// Signs that the entry at `position` of a chain is held here.
    #[must_use]
    pub fn sign(
        secret: &DeviceSecret,
        chain: &ChainId,
        (position, hash): (Position, EntryHash),
        (hybrid, local): (HybridTime, LocalTime),
    ) -> Self {
        let mut receipt = Self { writer: chain.writer, position, hash, hybrid, local, signature: [0; 64] };
        receipt.signature = secret.sign(&receipt.message(&chain.team, &chain.space, &secret.key()));
        receipt
    }

    /// Whether it is `device`'s, of a chain of this team and space.
    #[must_use]
    pub fn is_of(&self, team: &TeamId, space: &SpaceId, device: &DeviceKey) -> bool {
        signed_by(device, &self.message(team, space, device), &self.signature)
    }

    fn message(&self, team: &TeamId, space: &SpaceId, device: &DeviceKey) -> [u8; 32] {
        let mut digest = Digest::new("firsthand receipt v1");
        digest.fixed(team).fixed(space).fixed(self.writer).number(self.position.0).fixed(self.hash);
        digest.fixed(device).number(self.hybrid.packed());
        digest.number(self.local.at.0 as u64).number(i64::from(self.local.offset_minutes) as u64);
        digest.finish()
    }

    /// The bytes of several.
    #[must_use]
    pub fn encode_all(receipts: &[Self]) -> Vec<u8> {
        let mut out = Writer::new();
        out.number(receipts.len() as u64);
        for receipt in receipts {
            out.fixed(receipt.writer).number(receipt.position.0).fixed(receipt.hash);
            out.number(receipt.hybrid.packed());
            out.signed(receipt.local.at.0).signed(i64::from(receipt.local.offset_minutes));
            out.fixed(receipt.signature);
        }
        out.into_bytes()
    }

    /// Reads them; nothing of them is verified.
    ///
    /// # Errors
    /// [`LogError`]: malformed, or more than [`MAX_RECEIPTS`].
    pub fn decode_all(bytes: &[u8]) -> Result<Vec<Self>, LogError> {
        let mut reader = Reader::new(bytes);
        let count = reader.count(MAX_RECEIPTS, "receipts")?;
        let mut receipts = Vec::with_capacity(count);
        for _ in 0..count {
            let writer = WriterId::new(reader.array("writer")?);
            let position = match reader.number("position")? {
                0 => return Err(reader.malformed("position")),
                position => Position(position),
            };
            let hash = EntryHash::new(reader.array("entry hash")?);
            let hybrid = HybridTime::from_packed(reader.number("hybrid time")?);
            let at = UnixMillis(reader.signed("local time")?);
            let offset = reader.signed("local offset")?;
            let offset_minutes = i16::try_from(offset).map_err(|_| reader.malformed("local offset"))?;
            receipts.push(Self {
                writer,
                position,
                hash,
                hybrid,
                local: LocalTime { at, offset_minutes },
                signature: reader.array("signature")?,
            });
        }
        reader.finish("receipts")?;
        Ok(receipts)
    }
}
