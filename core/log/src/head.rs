use firsthand_ids::{DeviceKey, Digest, EntryHash, Position};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroize;

use crate::{ChainId, LogError};

/// An Ed25519 signature.
pub type Signature = [u8; 64];

/// Inside a long commit the head is signed at least every 256 entries, so that an import of 10,000 rows resumes in
/// the middle.
pub const SIGN_EVERY_ENTRIES: usize = 256;

/// Inside a long commit the head is signed at least every 256 KiB of bodies.
pub const SIGN_EVERY_BYTES: usize = 256 * 1024;

/// A device's Ed25519 secret.
pub struct DeviceSecret {
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

impl DeviceSecret {
    /// Builds the key from its 32-byte seed.
    ///
    /// # Errors
    /// [`LogError::Malformed`] if ring refuses the seed, which no 32 bytes are known to cause.
    pub fn from_seed(mut seed: [u8; 32]) -> Result<Self, LogError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
            .map_err(|_| LogError::Malformed { what: "device key seed", at: 0 });
        let kept = seed;
        seed.zeroize();
        Ok(Self { seed: kept, pair: pair? })
    }

    /// The public key.
    #[must_use]
    pub fn key(&self) -> DeviceKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        DeviceKey::new(bytes)
    }

    /// The seed, for storing it sealed.
    #[must_use]
    pub const fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// Signs `message`; callers sign labelled hashes only, so that no signature serves two purposes.
    #[must_use]
    pub fn sign(&self, message: &[u8; 32]) -> Signature {
        let mut out = [0; 64];
        out.copy_from_slice(self.pair.sign(message).as_ref());
        out
    }
}

impl Drop for DeviceSecret {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

impl std::fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeviceSecret({:?})", self.key())
    }
}

/// The points of order 8, of which there are four: these two, and the same with the sign bit set.
const ORDER_8: [[u8; 32]; 2] = [
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// Whether a key is a point of small order, in any of its encodings. A signature under such a key fits many messages,
/// so it would prove nothing; ring does not refuse them.
fn has_small_order(key: &DeviceKey) -> bool {
    let mut bytes = *key.as_bytes();
    bytes[31] &= 0x7f;
    let middle = &bytes[1..31];
    let order_1_2_or_4 = match bytes[31] {
        0x00 => bytes[0] <= 1 && middle.iter().all(|byte| *byte == 0),
        0x7f => bytes[0] >= 0xec && bytes[0] <= 0xee && middle.iter().all(|byte| *byte == 0xff),
        _ => false,
    };
    order_1_2_or_4 || ORDER_8.contains(&bytes)
}

/// Whether `signature` over `message` is `device`'s.
#[must_use]
pub fn signed_by(device: &DeviceKey, message: &[u8; 32], signature: &Signature) -> bool {
    !has_small_order(device) && UnparsedPublicKey::new(&ED25519, device).verify(message, signature).is_ok()
}

/// A device's signature under the hash of one entry: proof of that entry and all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedHead {
    /// The position of the entry.
    pub position: Position,
    /// Its hash.
    pub hash: EntryHash,
    /// The signature.
    pub signature: Signature,
}

impl SignedHead {
    /// Signs the head of a chain.
    #[must_use]
    pub fn sign(secret: &DeviceSecret, chain: &ChainId, position: Position, hash: EntryHash) -> Self {
        let signature = secret.sign(&Self::message(chain, position, &hash));
        Self { position, hash, signature }
    }

    /// Checks the signature against the device that the chain is bound to.
    pub fn verify(&self, chain: &ChainId, device: &DeviceKey) -> Result<(), LogError> {
        let message = Self::message(chain, self.position, &self.hash);
        if signed_by(device, &message, &self.signature) { Ok(()) } else { Err(LogError::Signature) }
    }

    fn message(chain: &ChainId, position: Position, hash: &EntryHash) -> [u8; 32] {
        let mut digest = Digest::new("firsthand head v1");
        digest
            .fixed(chain.team)
            .fixed(chain.space)
            .fixed(chain.writer)
            .number(position.0)
            .fixed(hash)
            .finish()
    }
}
