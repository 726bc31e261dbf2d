//! Which keys a device holds, and under which to seal.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash, SpaceId};
use firsthand_team::{
    EpochBoxes, EpochOperation, KeyBox, MAX_BOXES, MAX_EARLIER, Membership, NewEpoch, PlacedEpoch, SealedKey,
};
use rand_core::CryptoRng;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, UnboundKey};
use zeroize::Zeroizing;

use crate::boxes::{Binding, DeviceExchange, open_box, seal_to};
use crate::envelope::once;
use crate::{EpochKey, SealError};

/// How the devices that read a space come to share a key, and no other device does.
///
/// [`EpochKeys`] is the plain implementation; another one, when there is one that is audited and made for partitions, can
/// stand in its place.
pub trait GroupKeys {
    /// Takes in what the membership says now; returns what is to be kept in storage with it.
    fn follow(&mut self, membership: &Membership) -> Vec<(OperationHash, Kept)>;

    /// The key under which to seal for a space now, and the operation that made it; `None` where there is none that
    /// exactly the devices have that read the space.
    fn sealing(&self, membership: &Membership, space: &SpaceId) -> Option<(OperationHash, &EpochKey)>;

    /// All keys of a space that this device holds, those made last first: what was sealed under any of them can be opened.
    fn opening(&self, membership: &Membership, space: &SpaceId) -> Vec<(OperationHash, &EpochKey)>;

    /// The epochs of a space whose key nobody has but devices that read it, and that follow every removal: what is sealed under
    /// one of them reaches no one else.
    fn safe(&self, membership: &Membership, space: &SpaceId) -> BTreeSet<OperationHash>;

    /// What has to be said so that newly added devices have the key, if that is enough for there to be one to seal under.
    /// Draws no randomness.
    ///
    /// # Errors
    /// [`SealError`] from the ciphers.
    fn welcome(&self, membership: &Membership, space: &SpaceId) -> Result<Option<EpochOperation>, SealError>;

    /// What has to be said so that there is a new key which exactly the devices have that read the space now. A team of more
    /// than [`MAX_BOXES`] devices needs [`GroupKeys::welcome`] after it.
    ///
    /// # Errors
    /// [`SealError`] from the ciphers.
    fn rotate(
        &self,
        membership: &Membership,
        space: &SpaceId,
        rng: &mut dyn CryptoRng,
    ) -> Result<EpochOperation, SealError>;
}

/// What became of an operation that carries keys. Found once; kept, because to find it again takes a multiplication on a
/// curve for each device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// The key of an epoch that holds together.
    Key(EpochKey),
    /// Further boxes that all hold the key.
    Boxes,
    /// Something in it is not what it should be: it counts for nobody.
    Void,
}

impl Kept {
    /// Its bytes. They are a secret.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(33));
        match self {
            Self::Void => out.push(0),
            Self::Key(key) => {
                out.push(1);
                out.extend_from_slice(key.as_bytes());
            }
            Self::Boxes => out.push(2),
        }
        out
    }

    /// Reads it; what cannot be read is found again.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(Self::Void),
            [1, key @ ..] => Some(Self::Key(EpochKey::from_bytes(key.try_into().ok()?))),
            [2] => Some(Self::Boxes),
            _ => None,
        }
    }
}

/// Plain epoch keys: one random key for the devices that read a space, sealed to each.
#[derive(Debug)]
pub struct EpochKeys {
    device: DeviceKey,
    secret: DeviceExchange,
    pub(crate) known: BTreeMap<OperationHash, Kept>,
}

impl EpochKeys {
    /// The keys of a device, with what [`GroupKeys::follow`] gave to keep.
    #[must_use]
    pub const fn new(
        device: DeviceKey,
        secret: DeviceExchange,
        known: BTreeMap<OperationHash, Kept>,
    ) -> Self {
        Self { device, secret, known }
    }

    pub(crate) fn key(&self, epoch: &OperationHash) -> Option<&EpochKey> {
        match self.known.get(epoch) {
            Some(Kept::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// Opens an epoch by any way there is: this device's box, one that was sealed to it later, or a later epoch's key.
    fn find(&self, membership: &Membership, it: &PlacedEpoch<'_>) -> Option<EpochKey> {
        let (team, NewEpoch { space, commitment, .. }) = (*membership.team(), it.epoch);
        let binding = Binding { team, space: *space, commitment: *commitment };
        let more = membership.epoch_boxes().filter(|more| more.boxes.epoch == it.hash);
        let boxes = more.flat_map(|more| more.boxes.boxes.iter()).chain(&it.epoch.boxes);
        let mut own = boxes.filter(|each| each.device == self.device);
        own.find_map(|each| open_box(&self.secret, &binding, each).ok()).or_else(|| {
            let later = membership.epochs().filter(|later| later.epoch.space == *space);
            later.into_iter().find_map(|later| {
                let sealed = later.epoch.earlier.iter().find(|earlier| earlier.epoch == it.hash)?;
                let key = open_earlier(self.key(&later.hash)?, sealed)?;
                (key.commitment() == *commitment).then_some(key)
            })
        })
    }

    /// Whether every box and every earlier key of an epoch is what its own key makes of it.
    fn holds_together(membership: &Membership, it: &PlacedEpoch<'_>, key: &EpochKey) -> bool {
        let binding = Binding::new(*membership.team(), it.epoch.space, key);
        let epochs: BTreeMap<_, _> = membership.epochs().map(|other| (other.hash, other.epoch)).collect();
        let earlier = |sealed: &SealedKey| {
            let named = epochs.get(&sealed.epoch).filter(|named| named.space == it.epoch.space);
            let opened = open_earlier(key, sealed);
            membership.follows(&it.hash, &sealed.epoch)
                && opened.zip(named).is_some_and(|(key, named)| key.commitment() == named.commitment)
        };
        are_right(membership, &it.hash, &it.epoch.boxes, key, &binding)
            && it.epoch.earlier.iter().all(earlier)
    }

    /// Who has the key of an epoch, as far as everybody who has it can tell.
    pub(crate) fn recipients(&self, membership: &Membership, it: &PlacedEpoch<'_>) -> BTreeSet<DeviceKey> {
        let more = membership
            .epoch_boxes()
            .filter(|more| more.boxes.epoch == it.hash && self.known.get(&more.hash) == Some(&Kept::Boxes));
        let boxes = more.flat_map(|more| more.boxes.boxes.iter()).chain(&it.epoch.boxes);
        boxes.map(|each| each.device).collect()
    }

    /// The epochs of a space whose author is still a reader and that follow every removal, each with those who have its key,
    /// where that includes no other device than those that read the space.
    fn standing<'a>(
        &self,
        membership: &'a Membership,
        space: &SpaceId,
        readers: &BTreeMap<DeviceKey, ExchangeKey>,
    ) -> Vec<(PlacedEpoch<'a>, BTreeSet<DeviceKey>)> {
        let held = membership.epochs().filter(|it| it.epoch.space == *space && self.key(&it.hash).is_some());
        let standing =
            held.filter(|it| readers.contains_key(&it.author) && membership.follows_removals(&it.hash));
        let with = standing.map(|it| (it, self.recipients(membership, &it)));
        with.filter(|(_, recipients)| recipients.iter().all(|device| readers.contains_key(device))).collect()
    }
}

impl GroupKeys for EpochKeys {
    fn follow(&mut self, membership: &Membership) -> Vec<(OperationHash, Kept)> {
        let mut new = Vec::new();
        // Later epochs open earlier ones, and those earlier ones still.
        loop {
            let before = new.len();
            let epochs: Vec<_> = membership.epochs().collect();
            for it in epochs.iter().rev().filter(|it| !self.known.contains_key(&it.hash)).collect::<Vec<_>>()
            {
                let Some(key) = self.find(membership, it) else { continue };
                let sound = Self::holds_together(membership, it, &key);
                let kept = if sound { Kept::Key(key) } else { Kept::Void };
                self.known.insert(it.hash, kept.clone());
                new.push((it.hash, kept));
            }
            if new.len() == before {
                break;
            }
        }
        for more in membership.epoch_boxes() {
            if self.known.contains_key(&more.hash) {
                continue;
            }
            let epoch = membership.epochs().find(|it| it.hash == more.boxes.epoch);
            let (Some(key), Some(epoch)) = (self.key(&more.boxes.epoch), epoch) else { continue };
            let binding = Binding::new(*membership.team(), epoch.epoch.space, key);
            let right = are_right(membership, &more.hash, &more.boxes.boxes, key, &binding);
            let kept = if right { Kept::Boxes } else { Kept::Void };
            self.known.insert(more.hash, kept.clone());
            new.push((more.hash, kept));
        }
        new
    }

    fn sealing(&self, membership: &Membership, space: &SpaceId) -> Option<(OperationHash, &EpochKey)> {
        let readers = readers(membership, space);
        let mut usable = self.standing(membership, space, &readers);
        usable.retain(|(_, recipients)| recipients.len() == readers.len());
        let hash = first(membership, &usable)?.hash;
        Some((hash, self.key(&hash)?))
    }

    fn opening(&self, membership: &Membership, space: &SpaceId) -> Vec<(OperationHash, &EpochKey)> {
        let epochs: Vec<_> = membership.epochs().filter(|it| it.epoch.space == *space).collect();
        epochs.iter().rev().filter_map(|it| Some((it.hash, self.key(&it.hash)?))).collect()
    }

    fn safe(&self, membership: &Membership, space: &SpaceId) -> BTreeSet<OperationHash> {
        let readers = readers(membership, space);
        self.standing(membership, space, &readers).into_iter().map(|(it, _)| it.hash).collect()
    }

    fn welcome(&self, membership: &Membership, space: &SpaceId) -> Result<Option<EpochOperation>, SealError> {
        let readers = readers(membership, space);
        let standing = self.standing(membership, space, &readers);
        if standing.iter().any(|(_, recipients)| recipients.len() == readers.len()) {
            return Ok(None);
        }
        let Some(it) = first(membership, &standing) else { return Ok(None) };
        let (Some(key), recipients) = (self.key(&it.hash), self.recipients(membership, it)) else {
            return Ok(None);
        };
        let binding = Binding::new(*membership.team(), *space, key);
        let lacking = readers.iter().filter(|(device, _)| !recipients.contains(device)).take(MAX_BOXES);
        let boxes: Result<Vec<_>, _> =
            lacking.map(|(device, exchange)| seal_to(key, &binding, *device, exchange)).collect();
        Ok(Some(EpochOperation::More(EpochBoxes { epoch: it.hash, boxes: boxes? })))
    }

    fn rotate(
        &self,
        membership: &Membership,
        space: &SpaceId,
        rng: &mut dyn CryptoRng,
    ) -> Result<EpochOperation, SealError> {
        let key = EpochKey::generate(rng);
        let binding = Binding::new(*membership.team(), *space, &key);
        let readers = readers(membership, space);
        let recipients = readers.iter().take(MAX_BOXES);
        let boxes: Result<Vec<_>, _> =
            recipients.map(|(device, exchange)| seal_to(&key, &binding, *device, exchange)).collect();
        let mut earlier = Vec::new();
        let mut covered = BTreeSet::new();
        let held: Vec<_> = membership
            .epochs()
            .filter(|it| it.epoch.space == *space && self.key(&it.hash).is_some())
            .collect();
        // Those made last open the others.
        for it in held.iter().rev() {
            if covered.insert(it.hash)
                && earlier.len() < MAX_EARLIER
                && let Some(old) = self.key(&it.hash)
            {
                earlier.push(seal_earlier(&key, it.hash, old)?);
                self.cover(&held, &it.hash, &mut covered);
            }
        }
        earlier.sort_by_key(|sealed| sealed.epoch);
        Ok(EpochOperation::New(NewEpoch {
            space: *space,
            commitment: binding.commitment,
            earlier,
            boxes: boxes?,
        }))
    }
}

impl EpochKeys {
    /// Adds every epoch that the key of `from` opens, step by step.
    fn cover(&self, held: &[PlacedEpoch<'_>], from: &OperationHash, covered: &mut BTreeSet<OperationHash>) {
        let mut next = vec![*from];
        while let Some(hash) = next.pop() {
            let Some(it) = held.iter().find(|it| it.hash == hash) else { continue };
            for earlier in &it.epoch.earlier {
                if covered.insert(earlier.epoch) {
                    next.push(earlier.epoch);
                }
            }
        }
    }
}

/// The devices that read a space and can be given a key. One whose exchange key is of small order shares a secret with
/// nobody: it reads nothing that is sealed, and must not keep the others from sealing.
pub(crate) fn readers(membership: &Membership, space: &SpaceId) -> BTreeMap<DeviceKey, ExchangeKey> {
    let mut readers = membership.reading_devices(space);
    readers.retain(|_, exchange| !has_small_order(exchange));
    readers
}

/// The points of X25519 whose order divides 8, in every encoding (RFC 7748 takes the top bit as zero, and numbers beyond the
/// prime).
fn has_small_order(key: &ExchangeKey) -> bool {
    const ORDER_8: [[u8; 32]; 2] = [
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
            0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
        ],
        [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
            0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
        ],
    ];
    let mut bytes = *key.as_bytes();
    bytes[31] &= 0x7f;
    let middle = &bytes[1..31];
    let near_zero_or_prime = match bytes[31] {
        0x00 => bytes[0] <= 1 && middle.iter().all(|byte| *byte == 0),
        0x7f => (0xec..=0xee).contains(&bytes[0]) && middle.iter().all(|byte| *byte == 0xff),
        _ => false,
    };
    near_zero_or_prime || ORDER_8.contains(&bytes)
}

/// Of several epochs those that no other of them follows, and of those the one with the smallest hash.
fn first<'a, 'b>(
    membership: &Membership,
    among: &'b [(PlacedEpoch<'a>, BTreeSet<DeviceKey>)],
) -> Option<&'b PlacedEpoch<'a>> {
    let followed =
        |it: &PlacedEpoch<'_>| among.iter().any(|(other, _)| membership.follows(&other.hash, &it.hash));
    among.iter().map(|(it, _)| it).filter(|it| !followed(it)).min_by_key(|it| it.hash)
}

/// Whether boxes are exactly those that the key makes for the devices, as their operation's own past knows them.
fn are_right(
    membership: &Membership,
    operation: &OperationHash,
    boxes: &[KeyBox],
    key: &EpochKey,
    binding: &Binding,
) -> bool {
    boxes.iter().all(|each| {
        membership.exchange_at(operation, &each.device).is_some_and(|exchange| {
            seal_to(key, binding, each.device, &exchange).is_ok_and(|made| made == *each)
        })
    })
}

fn earlier_cipher(key: &EpochKey, epoch: &OperationHash) -> Option<LessSafeKey> {
    let key = key.derive("firsthand earlier epoch v1", &[epoch.as_bytes()]);
    Some(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key.as_ref()).ok()?))
}

fn seal_earlier(key: &EpochKey, epoch: OperationHash, old: &EpochKey) -> Result<SealedKey, SealError> {
    let cipher = earlier_cipher(key, &epoch).ok_or(SealError::Cipher)?;
    let mut sealed = [0; SealedKey::BYTES];
    let (body, tail) = sealed.split_at_mut(32);
    body.copy_from_slice(old.as_bytes());
    let tag = cipher.seal_in_place_separate_tag(once(), Aad::empty(), body).map_err(|_| SealError::Cipher)?;
    tail.copy_from_slice(tag.as_ref());
    Ok(SealedKey { epoch, sealed })
}

fn open_earlier(key: &EpochKey, sealed: &SealedKey) -> Option<EpochKey> {
    let mut bytes = Zeroizing::new(sealed.sealed);
    let opened = earlier_cipher(key, &sealed.epoch)?.open_in_place(once(), Aad::empty(), bytes.as_mut());
    let key = <[u8; 32]>::try_from(&*opened.ok()?).ok()?;
    Some(EpochKey::from_bytes(key))
}

#[cfg(test)]
mod tests {
    use firsthand_ids::TeamId;

    use super::*;

    #[test]
    fn nothing_is_sealed_to_a_key_of_small_order() {
        let binding =
            Binding { team: TeamId::new([1; 32]), space: SpaceId::new([2; 16]), commitment: [3; 32] };
        let key = EpochKey::from_bytes([4; 32]);
        let mut small = vec![[0; 32], [0; 32]];
        small[1][0] = 1;
        for low in 0xec..=0xee {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, 0x7f);
            small.push(bytes);
        }
        for mut bytes in small {
            for top in [0, 0x80] {
                bytes[31] |= top;
                let exchange = ExchangeKey::new(bytes);
                assert!(has_small_order(&exchange));
                let sealed = seal_to(&key, &binding, DeviceKey::new([5; 32]), &exchange);
                assert_eq!(sealed, Err(SealError::Recipient));
            }
        }
        assert!(!has_small_order(&ExchangeKey::new([9; 32])));
    }
}
