//! What snow is given instead of its defaults: injected randomness, and keys that are wiped.

use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use zeroize::Zeroizing;

/// The only curve we use.
pub(crate) const fn x25519() -> DHChoice {
    DHChoice::Curve25519
}

/// The ephemeral key of one handshake, drawn from the caller's randomness.
pub(crate) type EphemeralSeed = Zeroizing<[u8; 32]>;

/// Resolves snow's own primitives, wrapped, and hands out the injected ephemeral key.
pub(crate) struct Resolver {
    pub(crate) seed: EphemeralSeed,
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(OneDraw(Some(self.seed.clone()))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        Some(Box::new(WipedDh(DefaultResolver.resolve_dh(choice)?)))
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        Some(Box::new(WipedCipher(DefaultResolver.resolve_cipher(choice)?)))
    }
}

/// Randomness for exactly one draw of 32 bytes: XX and NK ask once, for the ephemeral key. A second request is an
/// error rather than a key that somebody has seen before.
struct OneDraw(Option<EphemeralSeed>);

impl Random for OneDraw {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        let seed = self.0.take().ok_or(Error::Rng)?;
        if dest.len() != seed.len() {
            return Err(Error::Rng);
        }
        dest.copy_from_slice(seed.as_ref());
        Ok(())
    }
}

/// X25519 that refuses points of low order and wipes its secret when dropped; snow does neither.
struct WipedDh(Box<dyn Dh>);

impl Dh for WipedDh {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn pub_len(&self) -> usize {
        self.0.pub_len()
    }

    fn priv_len(&self) -> usize {
        self.0.priv_len()
    }

    fn set(&mut self, privkey: &[u8]) {
        self.0.set(privkey);
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), Error> {
        self.0.generate(rng)
    }

    fn pubkey(&self) -> &[u8] {
        self.0.pubkey()
    }

    fn privkey(&self) -> &[u8] {
        self.0.privkey()
    }

    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), Error> {
        self.0.dh(pubkey, out)?;
        // An all-zero result means a point of low order: the other side would have contributed nothing.
        let seen = out.iter().fold(0, |seen, byte| seen | byte);
        if seen == 0 { Err(Error::Dh) } else { Ok(()) }
    }
}

impl Drop for WipedDh {
    fn drop(&mut self) {
        self.0.set(&[0; 32]);
    }
}

/// ChaCha20-Poly1305 that wipes its key when dropped.
struct WipedCipher(Box<dyn Cipher>);

impl Cipher for WipedCipher {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn set(&mut self, key: &[u8; 32]) {
        self.0.set(key);
    }

    fn encrypt(&self, nonce: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        self.0.encrypt(nonce, authtext, plaintext, out)
    }

    fn decrypt(
        &self,
        nonce: u64,
        authtext: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        self.0.decrypt(nonce, authtext, ciphertext, out)
    }
}

impl Drop for WipedCipher {
    fn drop(&mut self) {
        self.0.set(&[0; 32]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_low_order_are_refused() {
        let mut dh = WipedDh(DefaultResolver.resolve_dh(&x25519()).unwrap());
        dh.set(&[9; 32]);
        let mut one = [0; 32];
        one[0] = 1;
        // RFC 7748, section 6.1: 0 and 1 are two of the points whose result is zero for every key.
        for point in [[0; 32], one] {
            assert_eq!(dh.dh(&point, &mut [0; 32]), Err(Error::Dh));
        }
        assert_eq!(dh.dh(&{ [9; 32] }, &mut [0; 32]), Ok(()));
    }

    #[test]
    fn randomness_is_given_once() {
        let resolver = Resolver { seed: Zeroizing::new([5; 32]) };
        let mut random = resolver.resolve_rng().unwrap();
        let mut out = [0; 32];
        assert_eq!(random.try_fill_bytes(&mut out), Ok(()));
        assert_eq!(out, [5; 32]);
        assert_eq!(random.try_fill_bytes(&mut out), Err(Error::Rng));
    }
}
