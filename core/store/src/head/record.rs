//! The bytes of a slot of the file `head`; docs/formats/home.md describes them.

use std::collections::BTreeMap;

use firsthand_ids::{EntryHash, OperationHash, Position, SpaceId, WriterId};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;
use zeroize::{Zeroize, Zeroizing};

use crate::StoreError;
use crate::slots::derive;

const LABEL: &str = "firsthand head v1";
const MAGIC: &[u8; 7] = b"FHhead\0";
const VERSION: u8 = 1;
/// Magic, version, and the hash from which the slot's own key comes.
const HEADER_BYTES: usize = 40;
const TAG_BYTES: usize = 16;
/// Slots are whole sectors of every disk, so that a torn write of one leaves the other alone.
pub(super) const SLOT_BYTES: usize = 4096;
/// Room for some 850 chains, which no device comes near.
pub(super) const MAX_SLOT_BYTES: usize = 65_536;
/// Chains and membership heads that are written down at most; a device has a chain more after each restore.
const MAX_LISTED: usize = 256;
/// The longest word that the owner of the store can leave in the file.
pub(crate) const MAX_KEPT_BYTES: usize = 2048;

/// How far a chain reaches: its last position and the hash there.
pub(crate) type Reach = (Position, EntryHash);

/// What the head file says: how far this device had come.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// How many commits the store had seen.
    pub commits: u64,
    /// Which file these bytes were written to ([`crate::vault::file_place`]); zeros where that is not told.
    pub place: [u8; 16],
    /// How far each own chain reaches.
    pub chains: BTreeMap<(SpaceId, WriterId), Reach>,
    /// How far own chains reached of which the end was lost since.
    pub missed: BTreeMap<(SpaceId, WriterId), Reach>,
    /// The membership heads.
    pub membership: Vec<OperationHash>,
    /// What the store's owner needs to begin again if the database is lost.
    pub kept: Zeroizing<Vec<u8>>,
}

/// The keys of the file, from the data key.
pub(super) struct HeadKeys {
    hash: hmac::Key,
    seal: Zeroizing<[u8; 32]>,
}

impl HeadKeys {
    pub(super) fn new(data_key: &[u8; 32]) -> Self {
        let hash = derive(data_key, LABEL, b"hash");
        Self { hash: hmac::Key::new(hmac::HMAC_SHA256, &*hash), seal: derive(data_key, LABEL, b"seal") }
    }

    /// Every content has a key of its own, which seals one message: the nonce is zero. A counter would repeat itself
    /// after a restore, and a store draws no randomness.
    fn cipher(&self, hash: &[u8; 32]) -> Result<LessSafeKey, StoreError> {
        let mut both = Zeroizing::new([0; 64]);
        both[..32].copy_from_slice(&*self.seal);
        both[32..].copy_from_slice(hash);
        let key = derive(&*both, LABEL, b"slot");
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*key);
        Ok(LessSafeKey::new(key.map_err(|_| StoreError::Invalid("a cipher key"))?))
    }
}

/// What a slot turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Slot {
    /// Sound: its number and what it says.
    Sound(u64, Head),
    /// Written by a newer version, or its version is damaged.
    Newer(u8),
    /// Torn, flipped, or of another home.
    Damaged,
}

impl Head {
    /// The length of a slot that holds it.
    pub(super) fn slot_bytes(&self) -> usize {
        let mut plain = Zeroizing::new(Vec::with_capacity(SLOT_BYTES));
        self.plain(0, &mut plain);
        (HEADER_BYTES + plain.len() + TAG_BYTES).next_power_of_two().max(SLOT_BYTES)
    }

    fn plain(&self, number: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&self.commits.to_le_bytes());
        out.extend_from_slice(&self.place);
        for chains in [&self.chains, &self.missed] {
            let listed = chains.len().min(MAX_LISTED);
            out.extend_from_slice(&(listed as u16).to_le_bytes());
            for ((space, writer), (position, hash)) in chains.iter().take(listed) {
                out.extend_from_slice(space.as_bytes());
                out.extend_from_slice(writer.as_bytes());
                out.extend_from_slice(&position.0.to_le_bytes());
                out.extend_from_slice(hash.as_bytes());
            }
        }
        let heads = self.membership.len().min(MAX_LISTED);
        out.extend_from_slice(&(heads as u16).to_le_bytes());
        for head in self.membership.iter().take(heads) {
            out.extend_from_slice(head.as_bytes());
        }
        let kept = if self.kept.len() <= MAX_KEPT_BYTES { self.kept.as_slice() } else { &[] };
        out.extend_from_slice(&(kept.len() as u16).to_le_bytes());
        out.extend_from_slice(kept);
    }

    /// The slot, sealed whole, so that no bit of it can change unnoticed. `None` where it does not fit.
    pub(super) fn seal(
        &self,
        keys: &HeadKeys,
        number: u64,
        len: usize,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        // Room for any head, so that the buffer does not move and leave plain bytes behind; it is sealed in place.
        let mut out = Vec::with_capacity(MAX_SLOT_BYTES);
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        out.resize(HEADER_BYTES, 0);
        self.plain(number, &mut out);
        let fits = out.len() + TAG_BYTES <= len;
        if !fits {
            out.zeroize();
            return Ok(None);
        }
        out.resize(len - TAG_BYTES, 0);
        let mut hash = [0; 32];
        hash.copy_from_slice(hmac::sign(&keys.hash, &out[HEADER_BYTES..]).as_ref());
        out[HEADER_BYTES - hash.len()..HEADER_BYTES].copy_from_slice(&hash);
        let (header, plain) = out.split_at_mut(HEADER_BYTES);
        let cipher = keys.cipher(&hash)?;
        let Ok(tag) = cipher.seal_in_place_separate_tag(once(), Aad::from(&*header), plain) else {
            plain.zeroize();
            return Err(StoreError::Invalid("a head that cannot be sealed"));
        };
        out.extend_from_slice(tag.as_ref());
        Ok(Some(out))
    }
}

impl Slot {
    pub(super) fn open(keys: &HeadKeys, bytes: &[u8]) -> Result<Self, StoreError> {
        let Some((header, sealed)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(Self::Damaged);
        };
        let Some((magic, rest)) = header.split_first_chunk::<7>() else { return Ok(Self::Damaged) };
        let Some((version, hash)) = rest.split_first() else { return Ok(Self::Damaged) };
        let Ok(hash) = <&[u8; 32]>::try_from(hash) else { return Ok(Self::Damaged) };
        if magic != MAGIC {
            return Ok(Self::Damaged);
        }
        if *version > VERSION {
            return Ok(Self::Newer(*version));
        }
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let cipher = keys.cipher(hash)?;
        let Ok(plain) = cipher.open_in_place(once(), Aad::from(header), &mut sealed) else {
            return Ok(Self::Damaged);
        };
        Ok(read(plain).map_or(Self::Damaged, |(number, head)| Self::Sound(number, head)))
    }
}

fn read(plain: &[u8]) -> Option<(u64, Head)> {
    let mut rest = plain;
    let number = u64::from_le_bytes(take(&mut rest)?);
    let commits = u64::from_le_bytes(take(&mut rest)?);
    let mut head = Head { commits, place: take(&mut rest)?, ..Head::default() };
    for chains in [&mut head.chains, &mut head.missed] {
        for _ in 0..u16::from_le_bytes(take(&mut rest)?) {
            let (space, writer) = (SpaceId::new(take(&mut rest)?), WriterId::new(take(&mut rest)?));
            let position = Position(u64::from_le_bytes(take(&mut rest)?));
            chains.insert((space, writer), (position, EntryHash::new(take(&mut rest)?)));
        }
    }
    for _ in 0..u16::from_le_bytes(take(&mut rest)?) {
        head.membership.push(OperationHash::new(take(&mut rest)?));
    }
    let kept = usize::from(u16::from_le_bytes(take(&mut rest)?));
    head.kept = Zeroizing::new(rest.get(..kept)?.to_vec());
    Some((number, head))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

fn once() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head")
            .field("commits", &self.commits)
            .field("chains", &self.chains)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::KEY;

    fn head() -> Head {
        let chain = (SpaceId::new([1; 16]), WriterId::new([2; 16]));
        Head {
            commits: 812,
            place: [3; 16],
            chains: BTreeMap::from([(chain, (Position(77), EntryHash::new([4; 32])))]),
            missed: BTreeMap::from([(chain, (Position(78), EntryHash::new([6; 32])))]),
            membership: vec![OperationHash::new([5; 32])],
            kept: Zeroizing::new(b"kept".to_vec()),
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_bytes_of_a_slot_stay_what_they_are() {
        let mut plain = Vec::new();
        head().plain(9, &mut plain);
        assert_eq!(hex(&plain[..8]), "0900000000000000", "number of the slot");
        assert_eq!(hex(&plain[8..16]), "2c03000000000000", "commits");
        assert_eq!(hex(&plain[16..32]), "03".repeat(16), "which file");
        assert_eq!(hex(&plain[32..34]), "0100", "chains");
        assert_eq!(hex(&plain[34..66]), "01".repeat(16) + &"02".repeat(16), "space, writer");
        assert_eq!(hex(&plain[66..74]), "4d00000000000000", "position");
        assert_eq!(hex(&plain[74..106]), "04".repeat(32), "hash of the entry there");
        assert_eq!(hex(&plain[106..108]), "0100", "chains whose end is missed");
        assert_eq!(hex(&plain[108..140]), "01".repeat(16) + &"02".repeat(16), "space, writer");
        assert_eq!(hex(&plain[140..148]), "4e00000000000000", "position it reached");
        assert_eq!(hex(&plain[148..180]), "06".repeat(32), "hash of the entry there");
        assert_eq!(hex(&plain[180..182]), "0100", "membership heads");
        assert_eq!(hex(&plain[182..214]), "05".repeat(32), "a head");
        assert_eq!(hex(&plain[214..]), "04006b657074", "length, what is kept");

        let keys = HeadKeys::new(&KEY);
        let slot = head().seal(&keys, 9, SLOT_BYTES).unwrap().unwrap();
        assert_eq!(slot.len(), SLOT_BYTES);
        assert_eq!(hex(&slot[..8]), "4648686561640001", "magic, version");
        assert_eq!(hex(&slot[8..40]), GOLDEN_HASH, "hash of the plain bytes");
        assert_eq!(hex(&slot[40..56]), GOLDEN_SEALED, "the first sealed bytes");
        assert_eq!(hex(&slot[4080..]), GOLDEN_TAG, "tag");
        assert_eq!(Slot::open(&keys, &slot).unwrap(), Slot::Sound(9, head()));
    }

    const GOLDEN_HASH: &str = "7268bcbb81ed774a255f2f47fb7f874fe2adb32ada1ec7b133619f5b0d49b8bd";
    const GOLDEN_SEALED: &str = "dcc7a547d84eec073cc00732b793aca3";
    const GOLDEN_TAG: &str = "6d3efc111e28c8c1805efd041ee657a9";

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let keys = HeadKeys::new(&KEY);
        let slot = head().seal(&keys, 9, SLOT_BYTES).unwrap().unwrap();
        for at in (0..slot.len()).filter(|at| at % 7 == 0 || *at < 64) {
            let mut flipped = slot.clone();
            flipped[at] ^= 1 << (at % 8);
            assert!(!matches!(Slot::open(&keys, &flipped).unwrap(), Slot::Sound(..)), "byte {at}");
        }
        for len in (0..slot.len()).step_by(61) {
            assert_eq!(Slot::open(&keys, &slot[..len]).unwrap(), Slot::Damaged);
        }
        assert_eq!(Slot::open(&HeadKeys::new(&[1; 32]), &slot).unwrap(), Slot::Damaged, "another home");
    }

    #[test]
    fn many_chains_take_a_longer_slot() {
        let mut head = head();
        for number in 0..90u8 {
            head.chains
                .insert((SpaceId::new([1; 16]), WriterId::new([number; 16])), (Position(1), EntryHash::ZERO));
        }
        let keys = HeadKeys::new(&KEY);
        assert_eq!(head.seal(&keys, 1, SLOT_BYTES).unwrap(), None);
        assert_eq!(head.slot_bytes(), 8192);
        let slot = head.seal(&keys, 1, 8192).unwrap().unwrap();
        assert_eq!(Slot::open(&keys, &slot).unwrap(), Slot::Sound(1, head));
    }
}
