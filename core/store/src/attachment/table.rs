use firsthand_ids::{Digest, sha256};

use super::cipher::TAG_BYTES;
use super::{AttachmentSecret, CHUNK_BYTES, MAX_ATTACHMENT_BYTES};
use crate::StoreError;

/// Magic, version, seven bytes of zero.
pub(super) const HEADER_BYTES: u64 = 16;
const HASH_BYTES: usize = 32;
const LEN_BYTES: usize = 8;

/// The length of a file and the SHA-256 of each of its sealed chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkTable {
    byte_len: u64,
    hashes: Vec<[u8; HASH_BYTES]>,
}

/// How many chunks a file has: at least one, empty for an empty file.
fn chunks_for(byte_len: u64) -> u64 {
    byte_len.div_ceil(CHUNK_BYTES as u64).max(1)
}

impl ChunkTable {
    pub(super) fn new(byte_len: u64, hashes: Vec<[u8; HASH_BYTES]>) -> Self {
        Self { byte_len, hashes }
    }

    /// How many plain bytes the file has.
    #[must_use]
    pub const fn byte_len(&self) -> u64 {
        self.byte_len
    }

    /// How many chunks the file has: at least one, which is empty for an empty file.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        // At most 8,192.
        self.hashes.len() as u32
    }

    pub(super) fn chunk_hash(&self, chunk: u32) -> Option<&[u8; HASH_BYTES]> {
        self.hashes.get(chunk as usize)
    }

    pub(super) fn is_last(&self, chunk: u32) -> bool {
        chunk + 1 == self.chunks()
    }

    /// Sealed bytes of a chunk.
    pub(super) fn chunk_len(&self, chunk: u32) -> usize {
        let before = u64::from(chunk) * CHUNK_BYTES as u64;
        let plain = self.byte_len.saturating_sub(before).min(CHUNK_BYTES as u64);
        plain as usize + TAG_BYTES
    }

    /// Where a chunk begins in the file.
    pub(super) fn chunk_at(chunk: u32) -> u64 {
        HEADER_BYTES + u64::from(chunk) * (CHUNK_BYTES + TAG_BYTES) as u64
    }

    /// Where the table begins in the file, which is where the chunks end.
    pub(super) fn table_at(&self) -> u64 {
        HEADER_BYTES + self.byte_len + u64::from(self.chunks()) * TAG_BYTES as u64
    }

    /// The length of the file.
    pub(super) fn file_len(&self) -> u64 {
        self.table_at() + self.encoded_len() as u64
    }

    /// The length of the table of a file, from the length that the file's end states; `None` where it cannot be.
    pub(super) fn len_for(byte_len: u64) -> Option<usize> {
        let chunks = chunks_for(byte_len) as usize;
        (byte_len <= MAX_ATTACHMENT_BYTES).then_some(chunks * HASH_BYTES + LEN_BYTES)
    }

    fn encoded_len(&self) -> usize {
        self.hashes.len() * HASH_BYTES + LEN_BYTES
    }

    /// The bytes that peers send each other, at most 256 KiB: the hashes, then the length of the file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        bytes.extend_from_slice(self.hashes.as_flattened());
        bytes.extend_from_slice(&self.byte_len.to_le_bytes());
        bytes
    }

    /// Reads a table and compares it with the one that the secret names.
    ///
    /// # Errors
    /// [`StoreError::AttachmentMismatch`] where the bytes are no table, or another one.
    pub fn decode(bytes: &[u8], secret: &AttachmentSecret) -> Result<Self, StoreError> {
        let table = Self::read(bytes).ok_or(StoreError::AttachmentMismatch)?;
        if table.hash() == secret.table { Ok(table) } else { Err(StoreError::AttachmentMismatch) }
    }

    /// The table of a file of one sealed chunk, compared with the one that the secret names: the chunk proves itself.
    ///
    /// # Errors
    /// [`StoreError::AttachmentMismatch`] where the secret names another table.
    pub fn of_chunk(sealed: &[u8], secret: &AttachmentSecret) -> Result<Self, StoreError> {
        let byte_len = sealed.len().checked_sub(TAG_BYTES).filter(|len| *len <= CHUNK_BYTES);
        let byte_len = byte_len.ok_or(StoreError::AttachmentMismatch)? as u64;
        let table = Self { byte_len, hashes: vec![sha256(sealed)] };
        if table.hash() == secret.table { Ok(table) } else { Err(StoreError::AttachmentMismatch) }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (hashes, len) = bytes.split_last_chunk::<LEN_BYTES>()?;
        let byte_len = u64::from_le_bytes(*len);
        if Self::len_for(byte_len) != Some(bytes.len()) {
            return None;
        }
        Some(Self { byte_len, hashes: hashes.as_chunks::<HASH_BYTES>().0.to_vec() })
    }

    pub(super) fn hash(&self) -> [u8; 32] {
        let mut digest = Digest::new("firsthand attachment table v1");
        digest.number(self.byte_len).fixed(self.hashes.as_flattened()).finish()
    }
}
