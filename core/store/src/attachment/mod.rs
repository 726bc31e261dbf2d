//! Attachments: files sealed in chunks, streamed in and out.

mod secret;

pub use secret::{AttachmentSecret, AttachmentState, ChunkTable, SealedAttachment};

/// Plain bytes in one chunk. Chunks are sealed, hashed and exchanged one by one.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// The longest attachment: 2 GiB, which is 8,192 chunks and a table of 256 KiB.
pub const MAX_ATTACHMENT_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// A file that is arriving from a peer, chunk by chunk in any order.
///
/// What was written stays when the value is dropped or the program ends; taking the file up again checks which
/// chunks are sound.
#[derive(Debug)]
pub struct Receiving {}

impl Receiving {
    /// Chunks that are still missing, in order, counted from 0.
    #[must_use]
    pub fn missing(&self) -> Vec<u32> {
        todo!()
    }

    /// How much is here.
    #[must_use]
    pub fn state(&self) -> AttachmentState {
        todo!()
    }

    /// Writes a sealed chunk, once it has the hash that the table names.
    ///
    /// # Errors
    /// [`crate::StoreError::AttachmentMismatch`] where it has not.
    pub fn put(&mut self, _chunk: u32, _sealed: &[u8]) -> Result<AttachmentState, crate::StoreError> {
        todo!()
    }

    /// Opens every chunk, compares the content with `hash`, and only then makes the file durable under its name.
    /// Pass the result to [`crate::Commit::attachments`].
    ///
    /// # Errors
    /// [`crate::StoreError::AttachmentAbsent`] while chunks are missing, [`crate::StoreError::AttachmentMismatch`]
    /// where the content is another one: then the file is kept aside as it is, under the ending `.refused`.
    pub fn finish(self, _hash: &firsthand_ids::ContentHash) -> Result<SealedAttachment, crate::StoreError> {
        todo!()
    }
}
