use argon2::{Algorithm, Argon2, Params, Version};
use rand_core::CryptoRng;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::file::Slot;
use super::{SlotOptions, StoreError};
use crate::{KeyVault, VaultError};

/// HKDF-SHA256 (RFC 5869) with our label as salt and purpose as info: 32 bytes.
///
/// ring wipes neither its HMAC state nor its cipher keys when they are dropped; they live for the length of one call.
pub(crate) fn derive(secret: &[u8], label: &'static str, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
    struct Len;
    impl KeyType for Len {
        fn len(&self) -> usize {
            32
        }
    }
    let mut out = Zeroizing::new([0; 32]);
    let pseudorandom = Salt::new(HKDF_SHA256, label.as_bytes()).extract(secret);
    let info = [purpose];
    let filled = pseudorandom.expand(&info, Len).and_then(|okm| okm.fill(&mut *out));
    // HKDF gives up to 255 times 32 bytes, and 32 are asked for.
    debug_assert!(filled.is_ok());
    out
}

/// Eight bytes that tell a wrong raw key from a damaged database. They say nothing else of a random key.
pub(super) fn key_check(key: &[u8; 32]) -> [u8; 8] {
    let check = derive(key, "firsthand data key v1", b"check");
    let mut out = [0; 8];
    out.copy_from_slice(&check[..8]);
    out
}

pub(super) fn wrap(
    key: &[u8; 32],
    passphrase: &str,
    vault: &dyn KeyVault,
    options: SlotOptions,
    rng: &mut dyn CryptoRng,
) -> Result<Slot, StoreError> {
    let secret = vault.secret()?;
    let mut slot = Slot { options, salt: [0; 32], with_vault: secret.is_some(), tries: 0, sealed: [0; 48] };
    rng.fill_bytes(&mut slot.salt);
    let cipher =
        cipher(&slot, passphrase, secret).ok_or(StoreError::Invalid("slot options outside their limits"))?;
    let bound = Aad::from(slot.bound());
    let (wrapped, tag) = slot.sealed.split_at_mut(32);
    wrapped.copy_from_slice(key);
    let sealed = cipher.seal_in_place_separate_tag(once(), bound, wrapped);
    let sealed = sealed.map_err(|_| StoreError::Invalid("a key that cannot be sealed"))?;
    tag.copy_from_slice(sealed.as_ref());
    Ok(slot)
}

/// The vault's secret, where the slot needs one.
pub(super) fn vault_secret(
    slot: &Slot,
    vault: &dyn KeyVault,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    if !slot.with_vault {
        return Ok(None);
    }
    match vault.secret()? {
        Some(secret) => Ok(Some(secret)),
        None => Err(VaultError::Gone.into()),
    }
}

pub(super) fn unwrap(
    slot: &Slot,
    passphrase: &str,
    secret: Option<Zeroizing<Vec<u8>>>,
) -> Option<Zeroizing<[u8; 32]>> {
    let cipher = cipher(slot, passphrase, secret)?;
    let mut sealed = Zeroizing::new(slot.sealed);
    let opened = cipher.open_in_place(once(), Aad::from(slot.bound()), &mut *sealed).ok()?;
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(opened);
    Some(key)
}

/// HKDF(Argon2id(passphrase) | secret of the vault).
fn cipher(slot: &Slot, passphrase: &str, secret: Option<Zeroizing<Vec<u8>>>) -> Option<LessSafeKey> {
    let SlotOptions { memory_kib, passes, lanes } = slot.options;
    let composed: Zeroizing<String> = Zeroizing::new(passphrase.nfc().collect());
    let params = Params::new(memory_kib, passes, lanes.into(), Some(32)).ok()?;
    let mut both = Zeroizing::new(vec![0; 32]);
    // Room for the secret now: growing later would leave a copy behind.
    both.reserve_exact(secret.as_ref().map_or(0, |secret| secret.len()));
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(composed.as_bytes(), &slot.salt, &mut both)
        .ok()?;
    if let Some(secret) = secret {
        both.extend_from_slice(&secret);
    }
    let key = derive(&both, "firsthand slot v1", b"wrap");
    Some(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &*key).ok()?))
}

/// Every wrapping has a fresh salt and so a key of its own, which seals one message: the nonce is zero.
fn once() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}
