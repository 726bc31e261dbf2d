//! The bytes of the file `slots`; docs/formats/home.md describes them.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::Path;

use firsthand_ids::Digest;

use super::{SlotOptions, StoreError, wrap};
use crate::home::{Home, SLOTS, SLOTS_NEW, sync_dir};

const MAGIC: &[u8; 8] = b"FHslots\0";
const VERSION: u8 = 1;
/// Magic, version, number of slots, key check.
const HEADER_BYTES: usize = 18;
const SLOT_BYTES: usize = 92;
const CHECKSUM_BYTES: usize = 8;
/// Bytes of a slot before the wrapped key.
const BOUND_BYTES: usize = 44;
/// Where the counter of tries stands in a slot: one byte, so that writing it is all or nothing.
const TRIES_AT: usize = 2;
const PASSPHRASE: u8 = 1;
const WITH_VAULT: u8 = 1;
/// Room for the slots of later versions: recovery, a second person.
const MAX_SLOTS: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slots {
    pub key_check: [u8; 8],
    pub slots: Vec<Slot>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub options: SlotOptions,
    pub salt: [u8; 32],
    /// Whether a secret of the platform's key store is mixed in.
    pub with_vault: bool,
    pub tries: u8,
    /// The data key and its tag.
    pub sealed: [u8; 48],
}

impl Slot {
    fn encode(&self) -> [u8; SLOT_BYTES] {
        let mut out = [0; SLOT_BYTES];
        out[0] = PASSPHRASE;
        out[1] = if self.with_vault { WITH_VAULT } else { 0 };
        out[TRIES_AT] = self.tries;
        out[3] = self.options.lanes;
        out[4..8].copy_from_slice(&self.options.memory_kib.to_le_bytes());
        out[8..12].copy_from_slice(&self.options.passes.to_le_bytes());
        out[12..BOUND_BYTES].copy_from_slice(&self.salt);
        out[BOUND_BYTES..].copy_from_slice(&self.sealed);
        out
    }

    /// What the wrapped key is bound to: the file's magic and version, and the slot without its counter.
    pub(super) fn bound(&self) -> [u8; MAGIC.len() + 1 + BOUND_BYTES] {
        let mut out = [0; MAGIC.len() + 1 + BOUND_BYTES];
        out[..8].copy_from_slice(MAGIC);
        out[8] = VERSION;
        out[9..].copy_from_slice(&self.encode()[..BOUND_BYTES]);
        out[9 + TRIES_AT] = 0;
        out
    }

    fn decode(bytes: &[u8; SLOT_BYTES]) -> Result<Self, StoreError> {
        const DAMAGED: StoreError = StoreError::Damaged { what: "the slots" };
        let number = |at: usize| -> u32 {
            bytes[at..at + 4].iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
        };
        let (kind, flags) = (bytes[0], bytes[1]);
        if kind != PASSPHRASE || flags & !WITH_VAULT != 0 {
            return Err(StoreError::Newer { what: "slot", found: kind.into(), known: PASSPHRASE.into() });
        }
        let options = SlotOptions { memory_kib: number(4), passes: number(8), lanes: bytes[3] };
        let mut slot = Self {
            options: options.check().map_err(|_| DAMAGED)?,
            salt: [0; 32],
            with_vault: flags & WITH_VAULT != 0,
            tries: bytes[TRIES_AT],
            sealed: [0; 48],
        };
        slot.salt.copy_from_slice(&bytes[12..BOUND_BYTES]);
        slot.sealed.copy_from_slice(&bytes[BOUND_BYTES..]);
        Ok(slot)
    }
}

impl Slots {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self { key_check: wrap::key_check(key), slots: Vec::new() }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + SLOT_BYTES * self.slots.len() + CHECKSUM_BYTES);
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        out.push(self.slots.len() as u8);
        out.extend_from_slice(&self.key_check);
        for slot in &self.slots {
            out.extend_from_slice(&slot.encode());
        }
        out.extend_from_slice(&checksum(&out));
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        const DAMAGED: StoreError = StoreError::Damaged { what: "the slots" };
        let header = bytes.first_chunk::<HEADER_BYTES>().ok_or(DAMAGED)?;
        if header[..8] != *MAGIC {
            return Err(DAMAGED);
        }
        let count = usize::from(header[9]);
        let (body, check) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(DAMAGED)?;
        if header[8] > VERSION {
            return Err(StoreError::Newer {
                what: "slots file",
                found: header[8].into(),
                known: VERSION.into(),
            });
        }
        if count > MAX_SLOTS || body.len() != HEADER_BYTES + count * SLOT_BYTES || checksum(body) != *check {
            return Err(DAMAGED);
        }
        let mut key_check = [0; 8];
        key_check.copy_from_slice(&header[10..]);
        let slots = body[HEADER_BYTES..].as_chunks::<SLOT_BYTES>().0.iter().map(Slot::decode);
        Ok(Self { key_check, slots: slots.collect::<Result<_, _>>()? })
    }

    pub(super) fn read(path: &Path) -> Result<Self, StoreError> {
        match fs::read(path) {
            Ok(bytes) => Self::decode(&bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(StoreError::NoHome),
            Err(error) => Err(error.into()),
        }
    }
}

/// Tells a damaged file from a wrong passphrase. The counters are left out, since they change by themselves.
fn checksum(body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut fixed = body.to_vec();
    for tries in (HEADER_BYTES + TRIES_AT..fixed.len()).step_by(SLOT_BYTES) {
        fixed[tries] = 0;
    }
    let mut out = [0; CHECKSUM_BYTES];
    out.copy_from_slice(&Digest::new("firsthand slots v1").fixed(&fixed).finish()[..CHECKSUM_BYTES]);
    out
}

/// Writes the counter of the first slot, and waits for the disk.
pub(super) fn write_tries(path: &Path, tries: u8) -> Result<(), StoreError> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start((HEADER_BYTES + TRIES_AT) as u64))?;
    file.write_all(&[tries])?;
    file.sync_all()?;
    Ok(())
}

pub(super) fn prepare(home: &Home, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = File::create(home.path(SLOTS_NEW))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    sync_dir(home.dir())?;
    Ok(())
}

pub(super) fn install(home: &Home) -> Result<(), StoreError> {
    fs::rename(home.path(SLOTS_NEW), home.path(SLOTS))?;
    sync_dir(home.dir())?;
    Ok(())
}

/// Replaces the file as one step. The bytes of the old one are not wiped: flash storage keeps copies anyway, and an
/// old copy opens with the old passphrase. Whoever fears that makes a new home.
pub(super) fn replace(home: &Home, bytes: &[u8]) -> Result<(), StoreError> {
    prepare(home, bytes)?;
    install(home)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LaptopVault;
    use crate::common::{KEY, rng};

    #[test]
    fn the_bytes_of_the_file_stay_what_they_are() {
        let mut slots = Slots::new(&KEY);
        let options = SlotOptions { memory_kib: 19 * 1024, passes: 2, lanes: 1 };
        slots.slots.push(wrap::wrap(&KEY, "caf\u{e9}", &LaptopVault, options, &mut rng(1)).unwrap());
        slots.slots[0].tries = 3;
        let bytes = slots.encode();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(&bytes[..8]), "4648736c6f747300", "magic");
        assert_eq!(hex(&bytes[8..10]), "0101", "version, number of slots");
        assert_eq!(hex(&bytes[10..18]), "39750311112b4cfb", "key check");
        assert_eq!(hex(&bytes[18..22]), "01000301", "kind, flags, tries, lanes");
        assert_eq!(hex(&bytes[22..26]), "004c0000", "memory in KiB");
        assert_eq!(hex(&bytes[26..30]), "02000000", "passes");
        assert_eq!(
            hex(&bytes[30..62]),
            "b10da48cea4c09676b8e0efcd806941465060736032bb898420d0863dca72538",
            "salt"
        );
        assert_eq!(
            hex(&bytes[62..110]),
            "be2877ccf63ecfc8b7f85baf2abd1342e53117fff3e7cee41e41f27b680081948fd88e3ab1a6f78396f257cb9ee86e72",
            "wrapped key and tag"
        );
        assert_eq!(hex(&bytes[110..]), "87a4ec6ec7c6f7cd", "checksum");
        assert_eq!(Slots::decode(&bytes).unwrap(), slots);
        let key = wrap::unwrap(&slots.slots[0], "cafe\u{301}", None).unwrap();
        assert_eq!(*key, KEY);
    }

    #[test]
    fn a_slot_is_bound_to_its_parameters() {
        let mut slot = wrap::wrap(&KEY, "x", &LaptopVault, SlotOptions::FLOOR, &mut rng(1)).unwrap();
        slot.tries = 9;
        assert!(wrap::unwrap(&slot, "x", None).is_some());
        slot.options.passes += 1;
        assert!(wrap::unwrap(&slot, "x", None).is_none());
        slot.options.passes -= 1;
        slot.with_vault = true;
        assert!(wrap::unwrap(&slot, "x", None).is_none());
    }
}
