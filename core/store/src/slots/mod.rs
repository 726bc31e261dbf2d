//! The key of a home: one random data key, wrapped under a passphrase in a *slot*.

mod file;
mod wrap;

use std::path::Path;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::home::{Home, SLOTS};
use crate::{KeyVault, StoreError};
use file::Slots;

pub(crate) use wrap::derive;

/// How many wrong passphrases in a row a home takes.
pub const MAX_TRIES: u8 = 10;

/// What opens a home.
#[derive(Clone, Copy)]
pub enum Unlock<'a> {
    /// The passphrase. It is brought to Unicode's composed form (NFC) first, so that a keyboard that types accents as
    /// separate marks opens the same home. Nothing else is changed: blanks, case and widths count.
    Passphrase(&'a str),
    /// The data key itself, for tests and for recovery. No try is counted.
    RawKey(&'a [u8; 32]),
}

/// How expensive one try of a passphrase is (Argon2id).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotOptions {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u8,
}

impl SlotOptions {
    /// The least that is accepted (OWASP): 19 MiB, 2 passes.
    pub const FLOOR: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };
    /// The most that is accepted: 1 GiB and 64 passes, so that a tampered file cannot take a phone's whole memory.
    pub const CEILING: Self = Self { memory_kib: 1024 * 1024, passes: 64, lanes: 16 };

    fn check(self) -> Result<Self, StoreError> {
        let fits = |value, floor, ceiling| (floor..=ceiling).contains(&value);
        let sound = fits(self.memory_kib, Self::FLOOR.memory_kib, Self::CEILING.memory_kib)
            && fits(self.passes, Self::FLOOR.passes, Self::CEILING.passes)
            && fits(self.lanes.into(), Self::FLOOR.lanes.into(), Self::CEILING.lanes.into());
        if sound { Ok(self) } else { Err(StoreError::Invalid("slot options outside their limits")) }
    }
}

impl Default for SlotOptions {
    /// RFC 9106's second choice, 64 MiB and 3 passes, on one lane: the lanes would run one after the other here.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }
}

/// The data key of a new home, and the slots file for it; the file is not in place yet.
pub(crate) fn create(
    unlock: Unlock<'_>,
    vault: &dyn KeyVault,
    options: SlotOptions,
    rng: &mut dyn CryptoRng,
) -> Result<(Zeroizing<[u8; 32]>, Vec<u8>), StoreError> {
    match unlock {
        Unlock::RawKey(key) => {
            let key = Zeroizing::new(*key);
            let slots = Slots::new(&key);
            Ok((key, slots.encode()))
        }
        Unlock::Passphrase(passphrase) => {
            let mut key = Zeroizing::new([0; 32]);
            rng.fill_bytes(&mut *key);
            let mut slots = Slots::new(&key);
            slots.slots.push(wrap::wrap(&key, passphrase, vault, options.check()?, rng)?);
            Ok((key, slots.encode()))
        }
    }
}

/// Finds the data key. A passphrase is counted as a try, on the disk, before it is evaluated.
pub(crate) fn unlock(
    home: &Home,
    unlock: Unlock<'_>,
    vault: &dyn KeyVault,
) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let path = home.path(SLOTS);
    let slots = Slots::read(&path)?;
    match unlock {
        Unlock::RawKey(key) => {
            if slots.key_check == wrap::key_check(key) {
                Ok(Zeroizing::new(*key))
            } else {
                Err(StoreError::WrongKey)
            }
        }
        Unlock::Passphrase(passphrase) => try_passphrase(&path, &slots, passphrase, vault),
    }
}

fn try_passphrase(
    path: &Path,
    slots: &Slots,
    passphrase: &str,
    vault: &dyn KeyVault,
) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let Some(slot) = slots.slots.first() else {
        return Err(StoreError::WrongPassphrase { tries_left: 0 });
    };
    if slot.tries >= MAX_TRIES {
        return Err(StoreError::NoTriesLeft);
    }
    // The vault first: when it gives no answer, nothing is evaluated and no try is lost.
    let secret = wrap::vault_secret(slot, vault)?;
    let tries = slot.tries + 1;
    file::write_tries(path, tries)?;
    match wrap::unwrap(slot, passphrase, secret) {
        Some(key) if slots.key_check == wrap::key_check(&key) => {
            file::write_tries(path, 0)?;
            Ok(key)
        }
        _ => Err(StoreError::WrongPassphrase { tries_left: MAX_TRIES - tries }),
    }
}

/// Wraps the data key under a new passphrase, in place of the one there was.
pub(crate) fn replace(
    home: &Home,
    key: &[u8; 32],
    passphrase: &str,
    vault: &dyn KeyVault,
    options: SlotOptions,
    rng: &mut dyn CryptoRng,
) -> Result<(), StoreError> {
    let mut slots = Slots::new(key);
    slots.slots.push(wrap::wrap(key, passphrase, vault, options.check()?, rng)?);
    file::replace(home, &slots.encode())
}

/// Puts a new home's slots file where an interrupted creation is told by it.
pub(crate) fn prepare(home: &Home, bytes: &[u8]) -> Result<(), StoreError> {
    file::prepare(home, bytes)
}

/// Makes the prepared file the slots file: from here on the home exists.
pub(crate) fn install(home: &Home) -> Result<(), StoreError> {
    file::install(home)
}
