use firsthand_ids::{ContentHash, Digest, padme, sha256};

use super::cipher::{ChunkCipher, TAG_BYTES};
use super::{AttachmentSecret, CHUNK_BYTES, MAX_ATTACHMENT_BYTES};
use crate::StoreError;

/// Magic, version, seven bytes of zero.
pub(super) const HEADER_BYTES: u64 = 16;
const HASH_BYTES: usize = 32;
const LEN_BYTES: usize = 8;
/// The longest root: of the longest file.
const MAX_ROOT_BYTES: usize =
    (MAX_ATTACHMENT_BYTES as usize / CHUNK_BYTES) * HASH_BYTES + LEN_BYTES + TAG_BYTES;

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

    /// Plain bytes of a chunk.
    pub(super) fn plain_len(&self, chunk: u32) -> usize {
        let before = u64::from(chunk) * CHUNK_BYTES as u64;
        self.byte_len.saturating_sub(before).min(CHUNK_BYTES as u64) as usize
    }

    /// Sealed bytes of a chunk. The last one is padded, so that nobody who sees it learns the length of the file; whole ones have a length
    /// that stays as it is.
    pub(super) fn chunk_len(&self, chunk: u32) -> usize {
        padme(self.plain_len(chunk)) + TAG_BYTES
    }

    /// What a chunk is called at relays.
    #[must_use]
    pub fn chunk_name(&self, chunk: u32) -> Option<ContentHash> {
        self.chunk_hash(chunk).copied().map(ContentHash::new)
    }

    /// Where a chunk begins in the file.
    pub(super) fn chunk_at(chunk: u32) -> u64 {
        HEADER_BYTES + u64::from(chunk) * (CHUNK_BYTES + TAG_BYTES) as u64
    }

    /// Where the table begins in the file, which is where the chunks end.
    pub(super) fn table_at(&self) -> u64 {
        let last = self.chunks().saturating_sub(1);
        Self::chunk_at(last) + self.chunk_len(last) as u64
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

    /// The table of a file of one sealed chunk that is said to have this length, compared with the one that the secret names: together
    /// they prove themselves.
    ///
    /// # Errors
    /// [`StoreError::AttachmentMismatch`] where the secret names another table: the chunk is not the file's, or the length is not.
    pub fn of_chunk(sealed: &[u8], byte_len: u64, secret: &AttachmentSecret) -> Result<Self, StoreError> {
        let table = Self { byte_len, hashes: vec![sha256(sealed)] };
        let fits = byte_len <= CHUNK_BYTES as u64 && table.chunk_len(0) == sealed.len();
        if fits && table.hash() == secret.table { Ok(table) } else { Err(StoreError::AttachmentMismatch) }
    }

    /// The root of a file of several chunks, as it lies at relays: the table, padded and sealed under the file's key, at most 262,168
    /// bytes. The same for everybody who has the file.
    pub(super) fn root(&self, cipher: &ChunkCipher) -> Result<Vec<u8>, StoreError> {
        let hashes = self.hashes.as_flattened();
        let padded = padme(hashes.len());
        let mut root = Vec::with_capacity(padded + LEN_BYTES + TAG_BYTES);
        root.extend_from_slice(hashes);
        root.resize(padded, 0);
        root.extend_from_slice(&self.byte_len.to_le_bytes());
        cipher.seal_root(&mut root)?;
        Ok(root)
    }

    /// Reads the root of a file of several chunks, which a relay brought, and compares its table with the one that the secret names.
    ///
    /// # Errors
    /// [`StoreError::AttachmentMismatch`] where it is not this file's.
    pub fn of_root(sealed: &[u8], secret: &AttachmentSecret) -> Result<Self, StoreError> {
        if sealed.len() > MAX_ROOT_BYTES {
            return Err(StoreError::AttachmentMismatch);
        }
        let mut bytes = sealed.to_vec();
        let opened = ChunkCipher::new(secret)?.open_root(&mut bytes)?;
        let read = || {
            let (padded, len) = opened.split_last_chunk::<LEN_BYTES>()?;
            let byte_len = u64::from_le_bytes(*len);
            let hashes = Self::len_for(byte_len)? - LEN_BYTES;
            let (hashes, rest) = padded.split_at_checked(hashes)?;
            let sound = padded.len() == padme(hashes.len()) && rest.iter().all(|byte| *byte == 0);
            sound.then(|| Self { byte_len, hashes: hashes.as_chunks::<HASH_BYTES>().0.to_vec() })
        };
        let table = read().ok_or(StoreError::AttachmentMismatch)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(table: &ChunkTable) -> AttachmentSecret {
        AttachmentSecret { key: [1; 32], table: table.hash(), root: [0; 32] }
    }

    #[test]
    fn a_root_is_read_as_it_was_written_and_no_other() {
        for chunks in [2_u64, 3, 5, 100, 8192] {
            let len = chunks * CHUNK_BYTES as u64 - 7;
            let table = ChunkTable::new(len, (0..chunks).map(|n| [n as u8; 32]).collect());
            let secret = secret(&table);
            let root = table.root(&ChunkCipher::new(&secret).unwrap()).unwrap();
            assert!(root.len() <= MAX_ROOT_BYTES);
            assert_eq!(ChunkTable::of_root(&root, &secret).unwrap(), table);
            let other = AttachmentSecret { table: [9; 32], ..secret.clone() };
            assert!(ChunkTable::of_root(&root, &other).is_err());
            for at in [0, root.len() / 2, root.len() - 1] {
                let mut flipped = root.clone();
                flipped[at] ^= 1;
                assert!(ChunkTable::of_root(&flipped, &secret).is_err());
            }
        }
    }

    #[test]
    fn a_root_by_somebody_with_the_key_is_read_strictly() {
        let table = ChunkTable::new(65 * CHUNK_BYTES as u64, vec![[4; 32]; 65]);
        let secret = secret(&table);
        let cipher = ChunkCipher::new(&secret).unwrap();
        let root = |hashes: usize, padding: &[u8], len: u64| {
            let mut root = [&vec![4; hashes * 32], padding, &len.to_le_bytes()].concat();
            cipher.seal_root(&mut root).unwrap();
            ChunkTable::of_root(&root, &secret)
        };
        let len = table.byte_len();
        let padding = [0; 96];
        assert_eq!(root(65, &padding, len).unwrap(), table);
        assert!(root(65, &[0; 97], len).is_err(), "too much of it");
        assert!(root(65, &[0; 95], len).is_err(), "too little");
        let mut spoilt = padding;
        spoilt[95] = 1;
        assert!(root(65, &spoilt, len).is_err(), "not zeros");
        assert!(root(64, &[], len).is_err(), "a hash is missing");
        for wrong in [0, len - 1, len + 1, u64::MAX] {
            assert!(root(65, &padding, wrong).is_err(), "{wrong}");
        }
        let mut short = vec![0; 3];
        cipher.seal_root(&mut short).unwrap();
        assert!(ChunkTable::of_root(&short, &secret).is_err());
        assert!(ChunkTable::of_root(&[], &secret).is_err());
        assert!(ChunkTable::of_root(&vec![0; MAX_ROOT_BYTES + 1], &secret).is_err());
    }
}
