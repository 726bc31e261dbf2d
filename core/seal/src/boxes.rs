//! Keys sealed to devices: HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.
//!
//! The encapsulation's randomness is derived from the sealed key and the device, so whoever opens one box can make all
//! others again, and sees whether each device was given the same key. Base mode, because in auth mode only the sender could
//! do that; who made the boxes is proven by the signature under the operation that carries them.

use firsthand_ids::{DeviceKey, ExchangeKey, SpaceId, TeamId};
use firsthand_team::KeyBox;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{Infallible, TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::Zeroizing;

use crate::key::derive;
use crate::{EpochKey, SealError};

const ENCAPSULATED_BYTES: usize = 32;

/// The channel secret of a device, as HPKE takes it. Wiped from memory when dropped (the type inside does), never printed.
pub struct DeviceExchange(<X25519HkdfSha256 as Kem>::PrivateKey);

impl DeviceExchange {
    /// Any 32 bytes are a secret.
    ///
    /// # Errors
    /// [`SealError::Cipher`], which no 32 bytes are known to cause.
    pub fn from_bytes(secret: &[u8; 32]) -> Result<Self, SealError> {
        let secret = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(secret);
        Ok(Self(secret.map_err(|_| SealError::Cipher)?))
    }
}

impl std::fmt::Debug for DeviceExchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceExchange(..)")
    }
}

/// What a box is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// The team.
    pub team: TeamId,
    /// The space whose key it is.
    pub space: SpaceId,
    /// The key's [commitment](EpochKey::commitment).
    pub commitment: [u8; 32],
}

impl Binding {
    /// The binding of a key.
    #[must_use]
    pub fn new(team: TeamId, space: SpaceId, key: &EpochKey) -> Self {
        Self { team, space, commitment: key.commitment() }
    }

    fn info(&self) -> Vec<u8> {
        let label = b"firsthand epoch box v1";
        [label.as_slice(), self.team.as_bytes(), self.space.as_bytes(), &self.commitment].concat()
    }
}

/// Seals the key of an epoch to a device.
///
/// # Errors
/// [`SealError::Recipient`] for an exchange key of small order, with which nothing can be shared.
pub fn seal_to(
    key: &EpochKey,
    binding: &Binding,
    device: DeviceKey,
    exchange: &ExchangeKey,
) -> Result<KeyBox, SealError> {
    let parts: [&[u8]; 4] =
        [binding.team.as_bytes(), binding.space.as_bytes(), device.as_bytes(), exchange.as_bytes()];
    let randomness = key.derive("firsthand epoch box randomness v1", &parts);
    Ok(KeyBox { device, sealed: seal_bytes(key, &binding.info(), device.as_bytes(), exchange, randomness)? })
}

/// Opens the box of a device.
///
/// # Errors
/// [`SealError::Closed`] where it is not sealed to that device under that binding.
pub fn open_box(secret: &DeviceExchange, binding: &Binding, of: &KeyBox) -> Result<EpochKey, SealError> {
    let key = open_bytes(secret, &binding.info(), of.device.as_bytes(), &of.sealed)?;
    if key.commitment() == binding.commitment { Ok(key) } else { Err(SealError::Closed) }
}

/// The public key of a secret.
pub(crate) fn public_of(secret: &DeviceExchange) -> Result<ExchangeKey, SealError> {
    let public = X25519HkdfSha256::sk_to_pk(&secret.0).to_bytes();
    ExchangeKey::from_slice(&public).ok_or(SealError::Cipher)
}

/// HPKE's single-shot seal of a key; `randomness` stands for what a sender would draw.
pub(crate) fn seal_bytes(
    key: &EpochKey,
    info: &[u8],
    bound: &[u8],
    exchange: &ExchangeKey,
    randomness: Zeroizing<[u8; 32]>,
) -> Result<[u8; KeyBox::BYTES], SealError> {
    let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(exchange.as_bytes());
    let recipient = recipient.map_err(|_| SealError::Recipient)?;
    let (encapsulated, sealed) =
        hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &recipient,
            info,
            key.as_bytes(),
            bound,
            &mut Derived { seed: randomness, drawn: 0 },
        )
        .map_err(|_| SealError::Recipient)?;
    let mut out = [0; KeyBox::BYTES];
    out[..ENCAPSULATED_BYTES].copy_from_slice(&encapsulated.to_bytes());
    if sealed.len() != KeyBox::BYTES - ENCAPSULATED_BYTES {
        return Err(SealError::Cipher);
    }
    out[ENCAPSULATED_BYTES..].copy_from_slice(&sealed);
    Ok(out)
}

pub(crate) fn open_bytes(
    secret: &DeviceExchange,
    info: &[u8],
    bound: &[u8],
    sealed: &[u8; KeyBox::BYTES],
) -> Result<EpochKey, SealError> {
    let (encapsulated, sealed) = sealed.split_at(ENCAPSULATED_BYTES);
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated);
    let encapsulated = encapsulated.map_err(|_| SealError::Closed)?;
    let opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &secret.0,
        &encapsulated,
        info,
        sealed,
        bound,
    );
    let opened = Zeroizing::new(opened.map_err(|_| SealError::Closed)?);
    let key = <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| SealError::Closed)?;
    Ok(EpochKey::from_bytes(key))
}

/// A random source that gives the derived bytes first, and beyond them, which HPKE with X25519 never asks for, bytes
/// derived from them.
struct Derived {
    seed: Zeroizing<[u8; 32]>,
    drawn: u64,
}

impl TryRng for Derived {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for block in out.chunks_mut(32) {
            let bytes = match self.drawn {
                0 => self.seed.clone(),
                drawn => derive(&*self.seed, "firsthand further randomness v1", &[&drawn.to_le_bytes()]),
            };
            block.copy_from_slice(&bytes[..block.len()]);
            self.drawn += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Derived {}
