//! The frame of a bundle: one file of envelopes that any current member of a team can open, and that says nothing to
//! anybody else but how long its pieces are.

use std::collections::BTreeMap;

use firsthand_ids::{DeviceKey, ExchangeKey, TeamId};
use firsthand_log::LogError;
use firsthand_log::codec::Reader;
use firsthand_team::KeyBox;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::boxes::{DeviceExchange, open_bytes, public_of, seal_bytes};
use crate::key::{authenticate, derive};
use crate::{EpochKey, MAX_ENVELOPE_BYTES, SealError};

const MAGIC: [u8; 8] = *b"FHbundle";
const VERSION: u8 = 1;
const SALT_BYTES: usize = 16;
const CHECK_BYTES: usize = 8;
/// The most boxes at the door of a bundle: as many devices can open it without having heard of its epoch.
const MAX_DOOR: usize = 4096;
/// The number of boxes is a power of two of at least this, so that it does not tell the size of a small team.
const LEAST_DOOR: usize = 8;

/// What a bundle begins with. Nothing of it is the same in two bundles of a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleHeader {
    salt: [u8; SALT_BYTES],
    team: [u8; 16],
    epoch: [u8; 16],
    /// The key of the epoch, sealed to each of its devices, without names.
    door: Vec<[u8; KeyBox::BYTES]>,
}

impl BundleHeader {
    /// Bytes of a header without its boxes and its check.
    pub const LEAST: usize = 8 + 1 + SALT_BYTES + 16 + 16 + 2;

    /// Begins a bundle under the key of an epoch whose devices are `readers`.
    ///
    /// # Errors
    /// [`SealError::TooLarge`] for more than 4,096 devices.
    pub fn make(
        team: &TeamId,
        discovery_secret: &[u8; 32],
        key: &EpochKey,
        readers: &BTreeMap<DeviceKey, ExchangeKey>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, SealError> {
        if readers.len() > MAX_DOOR {
            return Err(SealError::TooLarge { limit: MAX_DOOR });
        }
        let mut salt = [0; SALT_BYTES];
        rng.fill_bytes(&mut salt);
        let info = door_info(&salt);
        let mut door = Vec::with_capacity(readers.len().next_power_of_two().max(LEAST_DOOR));
        for exchange in readers.values() {
            let randomness = key.derive("firsthand bundle door randomness v1", &[&salt, exchange.as_bytes()]);
            match seal_bytes(key, &info, &[], exchange, randomness) {
                Ok(sealed) => door.push(sealed),
                // Nothing can be sealed to it, and so nothing else in the bundle either.
                Err(SealError::Recipient) => {}
                Err(error) => return Err(error),
            }
        }
        while door.len() < readers.len().next_power_of_two().max(LEAST_DOOR) {
            let mut secrets = Zeroizing::new([[0; 32]; 2]);
            secrets.iter_mut().for_each(|secret| rng.fill_bytes(secret));
            let nobody = public_of(&DeviceExchange::from_bytes(&secrets[0])?)?;
            let randomness = Zeroizing::new(secrets[1]);
            door.push(seal_bytes(&EpochKey::generate(rng), &info, &[], &nobody, randomness)?);
        }
        // In an order that says nothing of the devices.
        door.sort_unstable();
        let team = pseudonym(team, discovery_secret, &salt);
        Ok(Self { salt, team, epoch: reference(key, &salt, 0), door })
    }

    /// The bytes of the header.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::LEAST + self.door.len() * KeyBox::BYTES + CHECK_BYTES);
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.team);
        out.extend_from_slice(&self.epoch);
        out.extend_from_slice(&(self.door.len() as u16).to_le_bytes());
        self.door.iter().for_each(|sealed| out.extend_from_slice(sealed));
        let check = firsthand_ids::sha256(&out);
        out.extend_from_slice(&check[..CHECK_BYTES]);
        out
    }

    /// How long the header is that begins with these bytes.
    ///
    /// # Errors
    /// [`SealError::Malformed`] where they begin no bundle that this version reads.
    pub fn len_of(bytes: &[u8]) -> Result<usize, SealError> {
        let mut reader = Reader::new(bytes);
        if reader.array("bundle")? != MAGIC {
            return Err(LogError::Malformed { what: "bundle", at: 0 }.into());
        }
        if reader.byte("bundle version")? != VERSION {
            return Err(LogError::Newer { what: "bundle" }.into());
        }
        reader.take(SALT_BYTES + 32, "bundle header")?;
        let count = usize::from(u16::from_le_bytes(reader.array("boxes")?));
        if count > MAX_DOOR {
            return Err(LogError::TooLarge { what: "boxes", limit: MAX_DOOR as u64 }.into());
        }
        Ok(Self::LEAST + count * KeyBox::BYTES + CHECK_BYTES)
    }

    /// Reads a whole header.
    ///
    /// # Errors
    /// As [`BundleHeader::len_of`]; [`SealError::Closed`] where it is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        let len = Self::len_of(bytes)?;
        let mut reader = Reader::new(bytes);
        reader.take(MAGIC.len() + 1, "bundle header")?;
        let (salt, team, epoch) = (reader.array("salt")?, reader.array("team")?, reader.array("epoch")?);
        reader.take(2, "boxes")?;
        let mut door = Vec::new();
        while reader.position() + CHECK_BYTES < len {
            door.push(reader.array("box")?);
        }
        let checked = firsthand_ids::sha256(&bytes[..reader.position()]);
        if reader.array::<CHECK_BYTES>("check")? != checked[..CHECK_BYTES] {
            return Err(SealError::Closed);
        }
        reader.finish("bundle header")?;
        Ok(Self { salt, team, epoch, door })
    }

    /// Whether the bundle is of that team.
    #[must_use]
    pub fn is_of(&self, team: &TeamId, discovery_secret: &[u8; 32]) -> bool {
        self.team == pseudonym(team, discovery_secret, &self.salt)
    }

    /// Whether the bundle was made under that key.
    #[must_use]
    pub fn is_under(&self, key: &EpochKey) -> bool {
        self.epoch == reference(key, &self.salt, 0)
    }

    /// Whether the piece that begins at `offset` in the file and has this mark is sealed under that key.
    #[must_use]
    pub fn is_piece_of(&self, mark: &[u8; 16], offset: u64, key: &EpochKey) -> bool {
        *mark == reference(key, &self.salt, offset)
    }

    /// Opens the key by the boxes at the door: for a device that has not heard of the epoch.
    #[must_use]
    pub fn enter(&self, secret: &DeviceExchange) -> Option<EpochKey> {
        let info = door_info(&self.salt);
        let mut keys = self.door.iter().filter_map(|sealed| open_bytes(secret, &info, &[], sealed).ok());
        keys.find(|key| self.is_under(key))
    }

    /// Whether each of these devices can open it: their boxes are made again and looked for.
    #[must_use]
    pub fn is_for(&self, key: &EpochKey, readers: &BTreeMap<DeviceKey, ExchangeKey>) -> bool {
        let info = door_info(&self.salt);
        readers.values().all(|exchange| {
            let randomness =
                key.derive("firsthand bundle door randomness v1", &[&self.salt, exchange.as_bytes()]);
            match seal_bytes(key, &info, &[], exchange, randomness) {
                Ok(sealed) => self.door.contains(&sealed),
                // Nothing can be sealed to it.
                Err(error) => error == SealError::Recipient,
            }
        })
    }

    /// The bytes of the piece that begins at `offset` in the file.
    #[must_use]
    pub fn piece(&self, offset: u64, key: &EpochKey, envelope: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(PieceHead::BYTES + envelope.len());
        out.extend_from_slice(&PieceHead::MARKER);
        out.extend_from_slice(&reference(key, &self.salt, offset));
        out.extend_from_slice(&(envelope.len() as u32).to_le_bytes());
        out.extend_from_slice(envelope);
        out
    }
}

/// What stands before each envelope of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceHead {
    /// Tells whoever has the key, and nobody else, under which it is sealed.
    pub mark: [u8; 16],
    /// The length of the envelope.
    pub len: usize,
}

impl PieceHead {
    /// What each begins with, so that pieces are found again behind damage.
    pub const MARKER: [u8; 8] = *b"FHsealed";
    /// Its length.
    pub const BYTES: usize = 8 + 16 + 4;

    /// Reads it; `None` where no piece begins.
    #[must_use]
    pub fn decode(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let marker: [u8; 8] = reader.array("marker").ok()?;
        let mark = reader.array("mark").ok()?;
        let len = u32::from_le_bytes(reader.array("length").ok()?) as usize;
        (marker == Self::MARKER && len <= MAX_ENVELOPE_BYTES).then_some(Self { mark, len })
    }
}

fn door_info(salt: &[u8; SALT_BYTES]) -> Vec<u8> {
    [b"firsthand bundle door v1".as_slice(), salt].concat()
}

fn pseudonym(team: &TeamId, discovery_secret: &[u8; 32], salt: &[u8; SALT_BYTES]) -> [u8; 16] {
    let key = derive(discovery_secret, "firsthand bundle team v1", &[team.as_bytes()]);
    half(authenticate(&key, salt))
}

fn reference(key: &EpochKey, salt: &[u8; SALT_BYTES], offset: u64) -> [u8; 16] {
    let key = key.derive("firsthand bundle epoch v1", &[]);
    let mut message = [0; SALT_BYTES + 8];
    message[..SALT_BYTES].copy_from_slice(salt);
    message[SALT_BYTES..].copy_from_slice(&offset.to_le_bytes());
    half(authenticate(&key, &message))
}

fn half(whole: [u8; 32]) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&whole[..16]);
    out
}
