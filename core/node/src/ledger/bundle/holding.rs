//! What the maker of a bundle says to hold, so that the other side can answer with the difference.

use firsthand_ids::{DeviceKey, Digest, OperationHash, SpaceId, TeamId};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::{DeviceSecret, LogError, MAX_MEMBERSHIP_HEADS, Signature, Vector, signed_by};

const VERSION: u8 = 1;

/// What a device held of a space, and of the membership, when it made a bundle. Signed, so that nobody can make records look
/// safe elsewhere that are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ledger) struct Holding {
    pub(in crate::ledger) device: DeviceKey,
    pub(in crate::ledger) heads: Vec<OperationHash>,
    pub(in crate::ledger) vector: Vector,
}

impl Holding {
    fn unsigned(&self) -> Writer {
        let mut out = Writer::new();
        out.byte(VERSION).fixed(self.device).number(self.heads.len() as u64);
        for head in &self.heads {
            out.fixed(head);
        }
        self.vector.encode(&mut out);
        out
    }

    fn message(team: &TeamId, space: &SpaceId, unsigned: &[u8]) -> [u8; 32] {
        Digest::new("firsthand holding v1").fixed(team).fixed(space).sized(unsigned).finish()
    }

    pub(in crate::ledger) fn sign(&self, secret: &DeviceSecret, team: &TeamId, space: &SpaceId) -> Vec<u8> {
        let mut out = self.unsigned();
        let signature = secret.sign(&Self::message(team, space, out.as_bytes()));
        out.fixed(signature);
        out.into_bytes()
    }

    /// Reads it and checks the signature.
    pub(in crate::ledger) fn read(bytes: &[u8], team: &TeamId, space: &SpaceId) -> Result<Self, LogError> {
        let mut reader = Reader::new(bytes);
        if reader.byte("holding version")? != VERSION {
            return Err(LogError::Newer { what: "holding" });
        }
        let device = DeviceKey::new(reader.array("device")?);
        let count = reader.count(MAX_MEMBERSHIP_HEADS, "membership heads")?;
        let mut heads = Vec::with_capacity(count);
        for _ in 0..count {
            heads.push(OperationHash::new(reader.array("membership head")?));
        }
        let vector = Vector::decode(&mut reader)?;
        let message = Self::message(team, space, &bytes[..reader.position()]);
        let signature: Signature = reader.array("signature")?;
        reader.finish("holding")?;
        if !signed_by(&device, &message, &signature) {
            return Err(LogError::Signature);
        }
        Ok(Self { device, heads, vector })
    }
}

#[cfg(test)]
mod tests {
    use firsthand_ids::{Position, WriterId};
    use firsthand_log::Mark;

    use super::*;

    #[test]
    fn it_is_read_as_it_was_signed_and_not_otherwise() {
        let secret = DeviceSecret::from_seed([3; 32]).unwrap();
        let mut vector = Vector::new();
        vector.set(WriterId::new([4; 16]), Mark { position: Position(300), prefix: [5; 8] });
        let holding = Holding { device: secret.key(), heads: vec![OperationHash::new([6; 32])], vector };
        let (team, space) = (TeamId::new([1; 32]), SpaceId::new([2; 16]));
        let bytes = holding.sign(&secret, &team, &space);
        assert_eq!(Holding::read(&bytes, &team, &space), Ok(holding));
        assert!(Holding::read(&bytes, &team, &SpaceId::new([3; 16])).is_err());
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(Holding::read(&altered, &team, &space).is_err(), "byte {at}");
        }
    }
}
