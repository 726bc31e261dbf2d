use std::fmt;

use firsthand_ids::ExchangeKey;
use rand_core::CryptoRng;
use snow::resolvers::{CryptoResolver, DefaultResolver};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::ChannelError;
use crate::resolver::x25519;

/// A device's X25519 secret key. Wiped from memory when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ExchangeSecret([u8; 32]);

impl ExchangeSecret {
    /// Makes a new key from the given randomness.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        let secret = Self(bytes);
        bytes.zeroize();
        secret
    }

    /// Restores a key from storage. Any 32 bytes are a key.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw key, for storage inside something encrypted.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public key that belongs to it.
    ///
    /// # Errors
    /// [`ChannelError::Unsupported`] if the build lacks X25519.
    pub fn public(&self) -> Result<ExchangeKey, ChannelError> {
        let mut dh = DefaultResolver.resolve_dh(&x25519()).ok_or(ChannelError::Unsupported)?;
        dh.set(&self.0);
        let public = ExchangeKey::from_slice(dh.pubkey());
        // snow keeps the secret in memory that it does not wipe.
        dh.set(&[0; 32]);
        public.ok_or(ChannelError::Unsupported)
    }
}

impl fmt::Debug for ExchangeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExchangeSecret(..)")
    }
}
