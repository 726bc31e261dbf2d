//! The envelope: whatever is sealed under the key of an epoch.
//!
//! The nonce is made from what is sealed, so that members who seal the same bytes make the same envelope, and no mistake
//! and no faulty random source ever makes one key and nonce serve two texts.

use firsthand_log::LogError;
use firsthand_log::codec::{Reader, Writer};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::key::{authenticate, same};
use crate::{EpochKey, SealError, padme};

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
/// What an envelope has besides the padded bytes.
pub const ENVELOPE_OVERHEAD: usize = 1 + NONCE_BYTES + TAG_BYTES;
/// The most that is sealed in one piece, before padding: the largest batch, which need not be compressible.
pub const MAX_CONTENT_BYTES: usize = firsthand_log::lean::MAX_BATCH_BYTES + 64 * 1024;
/// The longest envelope.
pub const MAX_ENVELOPE_BYTES: usize = padme(MAX_CONTENT_BYTES + HEADER_BYTES) + ENVELOPE_OVERHEAD;
/// The kind, and the longest form of the length.
const HEADER_BYTES: usize = 1 + 4;

/// What is in an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Consecutive entries of one writer, see [`crate::seal_range`].
    Range,
    /// Membership operations.
    Operations,
    /// What the device that sealed it held of a space.
    Holding,
    /// Part of an attached file.
    FilePart,
    /// The end of a bundle.
    End,
    /// The way to a later epoch, left at a relay: a [`crate::BundleHeader`] without a bundle.
    Door,
    /// What a snapshot consists of.
    Snapshot,
    /// Part of a snapshot.
    SnapshotPart,
    /// Something that a newer version defines.
    Other(u8),
}

impl Kind {
    /// The number of the kind.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Range => 1,
            Self::Operations => 2,
            Self::Holding => 3,
            Self::FilePart => 4,
            Self::End => 5,
            Self::Door => 6,
            Self::Snapshot => 7,
            Self::SnapshotPart => 8,
            Self::Other(number) => number,
        }
    }

    /// The kind of a number.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Range,
            2 => Self::Operations,
            3 => Self::Holding,
            4 => Self::FilePart,
            5 => Self::End,
            6 => Self::Door,
            7 => Self::Snapshot,
            8 => Self::SnapshotPart,
            other => Self::Other(other),
        }
    }
}

/// Pads and seals.
///
/// # Errors
/// [`SealError::TooLarge`] beyond [`MAX_CONTENT_BYTES`].
pub fn seal(key: &EpochKey, kind: Kind, content: &[u8]) -> Result<Vec<u8>, SealError> {
    if content.len() > MAX_CONTENT_BYTES {
        return Err(SealError::TooLarge { limit: MAX_CONTENT_BYTES });
    }
    let mut padded = Writer::new();
    padded.byte(kind.number()).number(content.len() as u64).fixed(content);
    let mut padded = padded.into_bytes();
    padded.resize(padme(padded.len()), 0);

    let nonce = authenticate(&key.derive("firsthand envelope nonce v1", &[]), &padded);
    let mut envelope = Vec::with_capacity(padded.len() + ENVELOPE_OVERHEAD);
    envelope.push(VERSION);
    envelope.extend_from_slice(&nonce);
    let tag = cipher(key, &nonce)?
        .seal_in_place_separate_tag(once(), Aad::from([VERSION]), &mut padded)
        .map_err(|_| SealError::Cipher)?;
    envelope.extend_from_slice(&padded);
    envelope.extend_from_slice(tag.as_ref());
    Ok(envelope)
}

/// Opens an envelope. What has another form than the one [`seal`] gives is refused, so that a content has one envelope.
///
/// # Errors
/// [`SealError::Closed`] where it was altered or sealed under another key; [`SealError::Malformed`].
pub fn open(key: &EpochKey, envelope: &[u8]) -> Result<(Kind, Zeroizing<Vec<u8>>), SealError> {
    if envelope.len() > MAX_ENVELOPE_BYTES {
        return Err(LogError::TooLarge { what: "envelope", limit: MAX_ENVELOPE_BYTES as u64 }.into());
    }
    let mut reader = Reader::new(envelope);
    if reader.byte("envelope version")? != VERSION {
        return Err(LogError::Newer { what: "envelope" }.into());
    }
    let nonce: [u8; NONCE_BYTES] = reader.array("envelope nonce")?;
    let mut padded = Zeroizing::new(reader.rest().to_vec());
    let opened = cipher(key, &nonce)?.open_in_place(once(), Aad::from([VERSION]), &mut padded);
    let len = opened.map_err(|_| SealError::Closed)?.len();
    padded.truncate(len);
    // Binds the envelope to the key: ChaCha20-Poly1305 alone can be made to open under two.
    if !same(&authenticate(&key.derive("firsthand envelope nonce v1", &[]), &padded), &nonce) {
        return Err(SealError::Closed);
    }
    let mut reader = Reader::new(&padded);
    let kind = Kind::from_number(reader.byte("kind")?);
    let len = reader.count(MAX_CONTENT_BYTES, "content")?;
    let start = reader.position();
    reader.take(len, "content")?;
    let end = reader.position();
    if padded.len() != padme(end) || reader.rest().iter().any(|byte| *byte != 0) {
        return Err(reader.malformed("padding").into());
    }
    padded.truncate(end);
    padded.drain(..start);
    Ok((kind, padded))
}

fn cipher(key: &EpochKey, nonce: &[u8; NONCE_BYTES]) -> Result<LessSafeKey, SealError> {
    let key = key.derive("firsthand envelope key v1", &[nonce]);
    let key = UnboundKey::new(&CHACHA20_POLY1305, key.as_ref()).map_err(|_| SealError::Cipher)?;
    Ok(LessSafeKey::new(key))
}

/// Each key seals one text, so its nonce need not differ.
pub(crate) fn once() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}
