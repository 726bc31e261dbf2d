//! Attachments: files sealed in chunks, streamed in and out. docs/formats/home.md describes their bytes.
//!
//! A file is sealed once, by the device that attaches it, under a random key of its own; every other device keeps the
//! same sealed bytes. So a chunk from a peer is checked against the [table](ChunkTable) whose hash stands beside the
//! key in the entry, and no plain byte ever touches the disk.

mod cipher;
mod file;
mod receive;
mod seal;
mod secret;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use firsthand_ids::ContentHash;
use rand_core::CryptoRng;

use crate::home::ATTACHMENTS;
use crate::{Store, StoreError};
use file::SealedFile;

pub(crate) use file::{Checked, check};
pub use receive::Receiving;
pub use secret::{AttachmentSecret, AttachmentState, SealedAttachment};
pub use table::ChunkTable;

/// Plain bytes in one chunk. Chunks are sealed, hashed and exchanged one by one.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// The longest attachment: 2 GiB, which is 8,192 chunks and a table of 256 KiB.
pub const MAX_ATTACHMENT_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// A file that is being sealed. Its key is in memory only, so after a crash it is of no use.
const SEALING: &str = "new";
/// A file that is being received.
const RECEIVING: &str = "part";
/// A received file whose content is another one than its record says.
const REFUSED: &str = "refused";

/// The name that a file has in `attachments/`: it tells nothing of the content, not even to somebody who has the same
/// file.
pub(crate) fn file_name(secret: &AttachmentSecret) -> String {
    cipher::file_id(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Removes what an interrupted sealing left.
pub(crate) fn sweep(dir: &Path) -> Result<(), StoreError> {
    for file in fs::read_dir(dir)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == SEALING) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// The sealed files that lie in the folder, with their lengths and tables.
pub(crate) fn lying(dir: &Path) -> Result<BTreeMap<String, (u64, [u8; 32])>, StoreError> {
    let mut files = BTreeMap::new();
    for file in fs::read_dir(dir)? {
        let path = file?.path();
        let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        if let (Some(name), None) = (name, path.extension())
            && let Ok(sealed) = SealedFile::open(&path)
        {
            files.insert(name, (sealed.table().byte_len(), sealed.table().hash()));
        }
    }
    Ok(files)
}

/// Seals files into a home without the store: on another thread, so that a long file keeps nobody waiting.
#[derive(Debug, Clone)]
pub struct Sealer {
    dir: PathBuf,
}

impl Sealer {
    /// Seals what `reader` gives, as [`Store::add_attachment`] does.
    ///
    /// # Errors
    /// As [`Store::add_attachment`].
    pub fn seal(
        &self,
        reader: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
        rng: &mut dyn CryptoRng,
    ) -> Result<SealedAttachment, StoreError> {
        seal::seal(&self.dir, reader, progress, rng)
    }

    /// Removes a sealed file that no entry will record. Without its key it is of no use to anybody.
    ///
    /// # Errors
    /// From the disk.
    pub fn discard(&self, sealed: &SealedAttachment) -> Result<(), StoreError> {
        Ok(fs::remove_file(self.dir.join(file_name(&sealed.secret)))?)
    }
}

impl Store {
    /// What seals files into this home.
    #[must_use]
    pub fn sealer(&self) -> Sealer {
        Sealer { dir: self.home.path(ATTACHMENTS) }
    }

    fn attachment_path(&self, secret: &AttachmentSecret) -> PathBuf {
        self.home.path(ATTACHMENTS).join(file_name(secret))
    }

    fn open_attachment(&self, secret: &AttachmentSecret) -> Result<SealedFile, StoreError> {
        let file = SealedFile::open(&self.attachment_path(secret))?;
        if file.table().hash() == secret.table { Ok(file) } else { Err(StoreError::AttachmentMismatch) }
    }

    /// Seals what `reader` gives, streamed and in bounded memory; it is durable when this returns. `progress` hears
    /// how many bytes are done. Pass the result to [`crate::Commit::attachments`], and the encoded secret as the
    /// detached part of the entry that records the file.
    ///
    /// # Errors
    /// [`StoreError::AttachmentTooLarge`], [`StoreError::Full`], [`StoreError::Io`] (the reader's errors too); then
    /// nothing is left.
    pub fn add_attachment(
        &self,
        reader: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
        rng: &mut dyn CryptoRng,
    ) -> Result<SealedAttachment, StoreError> {
        self.sealer().seal(reader, progress, rng)
    }

    /// Writes the plain bytes of a file to `out`; returns how many. Every chunk is authenticated before it is written,
    /// the hash of the whole is compared at the end: on an error discard what was written.
    ///
    /// # Errors
    /// [`StoreError::AttachmentAbsent`], [`StoreError::AttachmentMismatch`], or from the disk and `out`.
    pub fn read_attachment(
        &self,
        secret: &AttachmentSecret,
        hash: &ContentHash,
        out: &mut dyn Write,
    ) -> Result<u64, StoreError> {
        self.open_attachment(secret)?.unseal(secret, hash, out)
    }

    /// Reads a file from end to end and compares everything; returns its length in bytes.
    ///
    /// # Errors
    /// As [`Store::read_attachment`].
    pub fn verify_attachment(
        &self,
        secret: &AttachmentSecret,
        hash: &ContentHash,
    ) -> Result<u64, StoreError> {
        self.read_attachment(secret, hash, &mut std::io::sink())
    }

    /// How much of a file is here. For a file that is arriving this reads what has arrived.
    ///
    /// # Errors
    /// From the disk.
    pub fn attachment_state(&self, secret: &AttachmentSecret) -> Result<AttachmentState, StoreError> {
        let path = self.attachment_path(secret);
        if path.exists() {
            return Ok(AttachmentState::Complete);
        }
        receive::state(&path.with_extension(RECEIVING), secret)
    }

    /// The chunk table of a file that is complete here, for a peer.
    ///
    /// # Errors
    /// [`StoreError::AttachmentAbsent`], or from the disk.
    pub fn attachment_table(&self, secret: &AttachmentSecret) -> Result<ChunkTable, StoreError> {
        Ok(self.open_attachment(secret)?.into_table())
    }

    /// A sealed chunk of a file that is complete here, for a peer. Chunks are counted from 0.
    ///
    /// # Errors
    /// [`StoreError::AttachmentAbsent`]; [`StoreError::AttachmentMismatch`] where the bytes are damaged.
    pub fn attachment_chunk(&self, secret: &AttachmentSecret, chunk: u32) -> Result<Vec<u8>, StoreError> {
        self.open_attachment(secret)?.checked_chunk(chunk)
    }

    /// Begins to receive a file, or takes it up again. The table is a peer's; [`ChunkTable::decode`] checks it.
    ///
    /// # Errors
    /// [`StoreError::Full`] and [`StoreError::Io`] from the disk.
    pub fn receive_attachment(
        &self,
        secret: &AttachmentSecret,
        table: ChunkTable,
    ) -> Result<Receiving, StoreError> {
        Receiving::begin(self.attachment_path(secret), secret.clone(), table)
    }
}
