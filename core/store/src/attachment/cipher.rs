use firsthand_ids::ContentHash;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::AttachmentSecret;
use crate::StoreError;
use crate::slots::derive;

pub(super) const TAG_BYTES: usize = 16;
const LABEL: &str = "firsthand attachment v1";

/// What the chunks of a file are bound to.
fn file_id(secret: &AttachmentSecret) -> [u8; 16] {
    derived_id(secret, b"name")
}

/// What a file is called. Whoever has read a record knows its key, and may record another file under it: the table is part
/// of the name, so that neither file ever lies in the other's place.
pub(super) fn name_id(secret: &AttachmentSecret) -> [u8; 16] {
    derived_id(secret, &[b"file".as_slice(), &secret.table].concat())
}

/// What a file is called that is not what a record says which names this hash.
pub(super) fn refused_id(secret: &AttachmentSecret, hash: &ContentHash) -> [u8; 16] {
    derived_id(secret, &[b"refused".as_slice(), &secret.table, hash.as_bytes()].concat())
}

fn derived_id(secret: &AttachmentSecret, what: &[u8]) -> [u8; 16] {
    let derived = derive(&secret.key, LABEL, what);
    let mut id = [0; 16];
    id.copy_from_slice(&derived[..16]);
    id
}

/// The cipher of one file. Its key seals this file only and each chunk once, so a chunk's number is its nonce.
pub(super) struct ChunkCipher {
    key: LessSafeKey,
    /// Seals one thing: the file's table.
    root: LessSafeKey,
    id: [u8; 16],
}

impl ChunkCipher {
    pub(super) fn new(secret: &AttachmentSecret) -> Result<Self, StoreError> {
        let key = |what: &[u8]| {
            let key = derive(&secret.key, LABEL, what);
            let key = UnboundKey::new(&CHACHA20_POLY1305, &*key);
            key.map(LessSafeKey::new).map_err(|_| StoreError::Invalid("a cipher key"))
        };
        Ok(Self { key: key(b"chunks")?, root: key(b"root")?, id: file_id(secret) })
    }

    /// Seals a chunk in place: the plain bytes become sealed ones, the tag is appended.
    pub(super) fn seal(&self, chunk: u32, is_last: bool, bytes: &mut Vec<u8>) -> Result<(), StoreError> {
        let sealed = self.key.seal_in_place_append_tag(nonce(chunk), self.bound(chunk, is_last), bytes);
        sealed.map_err(|_| StoreError::Invalid("a chunk that cannot be sealed"))
    }

    /// Opens a chunk in place; returns the plain bytes.
    pub(super) fn open<'a>(
        &self,
        chunk: u32,
        is_last: bool,
        bytes: &'a mut [u8],
    ) -> Result<&'a [u8], StoreError> {
        let opened = self.key.open_in_place(nonce(chunk), self.bound(chunk, is_last), bytes);
        opened.map(|plain| &*plain).map_err(|_| StoreError::AttachmentMismatch)
    }

    /// Seals what the root of a longer file says.
    pub(super) fn seal_root(&self, bytes: &mut Vec<u8>) -> Result<(), StoreError> {
        let sealed = self.root.seal_in_place_append_tag(nonce(0), Aad::from(self.id), bytes);
        sealed.map_err(|_| StoreError::Invalid("a root that cannot be sealed"))
    }

    /// Opens a root in place; returns what it says.
    pub(super) fn open_root<'a>(&self, bytes: &'a mut [u8]) -> Result<&'a [u8], StoreError> {
        let opened = self.root.open_in_place(nonce(0), Aad::from(self.id), bytes);
        opened.map(|plain| &*plain).map_err(|_| StoreError::AttachmentMismatch)
    }

    /// The file, the chunk's place, and whether the file ends with it: chunks cannot be moved, and none left away.
    fn bound(&self, chunk: u32, is_last: bool) -> Aad<[u8; 21]> {
        let mut bound = [0; 21];
        bound[..16].copy_from_slice(&self.id);
        bound[16..20].copy_from_slice(&chunk.to_le_bytes());
        bound[20] = is_last.into();
        Aad::from(bound)
    }
}

fn nonce(chunk: u32) -> Nonce {
    let mut nonce = [0; 12];
    nonce[..4].copy_from_slice(&chunk.to_le_bytes());
    Nonce::assume_unique_for_key(nonce)
}
