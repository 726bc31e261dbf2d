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

/// Whether `signature` over `message` is `device`'s.
#[must_use]
pub fn signed_by(device: &DeviceKey, message: &[u8; 32], signature: &Signature) -> bool {
    UnparsedPublicKey::new(&ED25519, device).verify(message, signature).is_ok()
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
