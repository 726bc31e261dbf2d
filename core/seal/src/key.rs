//! The key of an epoch, and what is derived from it. Every use has a label of its own.

use std::fmt;

use rand_core::CryptoRng;
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A random key that the devices that read a space share for a time. Wiped from memory when dropped, never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct EpochKey([u8; 32]);

impl EpochKey {
    /// Draws a new key.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        let key = Self(bytes);
        bytes.zeroize();
        key
    }

    /// Restores a key from storage.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw key, for storage inside something encrypted.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What the operation that makes the epoch shows of its key: it fits this key and no other.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        *self.derive("firsthand epoch commitment v1", &[])
    }

    /// A secret for one use. The parts have lengths that the label fixes.
    pub(crate) fn derive(&self, label: &'static str, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        derive(&self.0, label, parts)
    }
}

impl fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EpochKey(..)")
    }
}

/// HKDF-SHA256 (RFC 5869) with the label as salt and the parts as info: 32 bytes.
///
/// ring wipes neither its HMAC state nor its cipher keys when they are dropped; they live for the length of one call.
pub(crate) fn derive(secret: &[u8], label: &'static str, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    struct Len;
    impl KeyType for Len {
        fn len(&self) -> usize {
            32
        }
    }
    let mut out = Zeroizing::new([0; 32]);
    let pseudorandom = Salt::new(HKDF_SHA256, label.as_bytes()).extract(secret);
    let filled = pseudorandom.expand(parts, Len).and_then(|okm| okm.fill(&mut *out));
    // HKDF gives up to 255 times 32 bytes, and 32 are asked for.
    debug_assert!(filled.is_ok());
    out
}

/// HMAC-SHA256 (RFC 2104).
pub(crate) fn authenticate(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref());
    out
}

/// Whether two values are equal, in a time that does not depend on where they differ.
pub(crate) fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.iter().zip(other).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}
