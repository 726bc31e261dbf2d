//! Attachments: files sealed in chunks, streamed in and out. docs/formats/home.md describes their bytes.
//!
//! A file is sealed once, by the device that attaches it, under a random key of its own; every other device keeps the
//! same sealed bytes. So a chunk from a peer is checked against the [table](ChunkTable) whose hash stands beside the
//! key in the entry, and no plain byte ever touches the disk.

mod cipher;
mod file;
mod receive;
mod room;
mod seal;
mod secret;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use firsthand_ids::{ContentHash, sha256};
use firsthand_record::VariantKind;
use rand_core::CryptoRng;

use crate::home::ATTACHMENTS;
use crate::{Store, StoreError};
use cipher::ChunkCipher;
use file::SealedFile;

pub(crate) use file::{Checked, check};
pub use receive::{Arrived, Receiving};
pub use room::{DiskUse, FileRow, FileState};
pub use secret::{
    AttachmentSecret, AttachmentState, FileSecrets, SealedAttachment, form_number, form_of_number,
};
pub use table::ChunkTable;

/// Plain bytes in one chunk. Chunks are sealed, hashed and exchanged one by one.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// The longest attachment: 2 GiB, which is 8,192 chunks and a table of 256 KiB.
pub const MAX_ATTACHMENT_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// A file that is being sealed, or is sealed and nothing records it yet. Until its commit its key is in memory only, so after
/// a crash it is of no use.
const SEALING: &str = "new";
/// A file that is being received.
const RECEIVING: &str = "part";
/// A received file whose content is another one than its record says.
const REFUSED: &str = "refused";

/// Where a file is kept that is not what a record says. Another record of the same file may say the truth.
fn refused(dir: &Path, secret: &AttachmentSecret, hash: &ContentHash) -> PathBuf {
    dir.join(hex(&cipher::refused_id(secret, hash))).with_extension(REFUSED)
}

fn hex(id: &[u8; 16]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The name that a file has in `attachments/`: it tells nothing of the content, not even to somebody who has the same
/// file.
pub(crate) fn file_name(secret: &AttachmentSecret) -> String {
    hex(&cipher::name_id(secret))
}

/// What is done with files that nothing records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unrecorded {
    /// They are removed.
    Remove,
    /// They stay: the commit that records one may be among those that are not here.
    Keep,
}

/// Settles what an interrupted sealing left: a file that was recorded gets its name, one that was not is removed.
pub(crate) fn settle_all(
    dir: &Path,
    unrecorded: Unrecorded,
    is_recorded: &mut dyn FnMut(&str) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    for file in fs::read_dir(dir)? {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != SEALING) {
            continue;
        }
        let name = path.file_stem().and_then(|name| name.to_str());
        if name.map_or(Ok(false), &mut *is_recorded)? {
            fs::rename(&path, path.with_extension(""))?;
        } else if unrecorded == Unrecorded::Remove {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Gives a sealed file its name once it is recorded. The name need not be durable: it is given again when the home is
/// opened.
pub(crate) fn settle(dir: &Path, file: &str) {
    let path = dir.join(file);
    let sealed = path.with_extension(SEALING);
    // A file that was received has its name already; one that cannot be renamed is found under either.
    let _ = fs::rename(sealed, path);
}

/// The names under which a file and its smaller forms can lie, also where they came and were not what the record says.
pub(crate) fn names(
    secrets: &FileSecrets,
    hash: ContentHash,
    forms: impl Iterator<Item = (VariantKind, ContentHash)>,
) -> Vec<String> {
    let original = std::iter::once((VariantKind::Original, hash));
    let mut names: Vec<String> = original
        .chain(forms)
        .filter_map(|(form, hash)| Some(hex(&cipher::refused_id(secrets.form(form)?, &hash))))
        .collect();
    let forms = secrets.forms.iter().map(|(_, secret)| secret);
    names.extend(std::iter::once(&secrets.original).chain(forms).map(file_name));
    names
}

/// Removes everything that lies under these names. What cannot be removed is noise without its key, and is tried again when the
/// home is opened.
pub(crate) fn shred(dir: &Path, names: &[String]) {
    for name in names {
        for ending in ["", SEALING, RECEIVING, REFUSED] {
            let _ = fs::remove_file(dir.join(name).with_extension(ending));
        }
    }
}

/// Where a file lies that is complete here.
pub(crate) fn place(dir: &Path, file: &str) -> PathBuf {
    let path = dir.join(file);
    let sealed = path.with_extension(SEALING);
    if !path.exists() && sealed.exists() { sealed } else { path }
}

/// The sealed files that lie in the folder, with their lengths and tables.
pub(crate) fn lying(dir: &Path) -> Result<BTreeMap<String, (u64, [u8; 32])>, StoreError> {
    let mut files = BTreeMap::new();
    for file in fs::read_dir(dir)? {
        let path = file?.path();
        let whole = path.extension().is_none_or(|extension| extension == SEALING);
        let name = path.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
        if let Some(name) = name.filter(|_| whole)
            && let Ok(sealed) = SealedFile::open(&path)
        {
            files.insert(name, (sealed.table().byte_len(), sealed.table().hash()));
        }
    }
    Ok(files)
}

/// Hears how many bytes are done. Answering `false` stops the work; then nothing of it is left.
pub type Done<'a> = &'a mut dyn FnMut(u64) -> bool;

/// The sealed files of a home without its database: for work on other threads, so that a long file keeps nobody waiting.
#[derive(Debug, Clone)]
pub struct Attachments {
    dir: PathBuf,
}

impl Attachments {
    fn path(&self, secret: &AttachmentSecret) -> PathBuf {
        self.dir.join(file_name(secret))
    }

    fn open(&self, secret: &AttachmentSecret) -> Result<SealedFile, StoreError> {
        let file = SealedFile::open(&place(&self.dir, &file_name(secret)))?;
        if file.table().hash() == secret.table { Ok(file) } else { Err(StoreError::AttachmentMismatch) }
    }

    /// Seals what `reader` gives, streamed and in bounded memory; it is durable when this returns. Pass the result to
    /// [`crate::Commit::attachments`], and the encoded secret as the detached part of the entry that records the file; until
    /// that commit nothing records it, and what a crash leaves of it is removed when the home is opened.
    ///
    /// # Errors
    /// [`StoreError::AttachmentTooLarge`], [`StoreError::Stopped`], [`StoreError::Full`], [`StoreError::Io`] (the reader's
    /// errors too); then nothing is left.
    pub fn seal(
        &self,
        reader: &mut dyn Read,
        progress: Done<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<SealedAttachment, StoreError> {
        seal::seal(&self.dir, reader, progress, rng)
    }

    /// Removes a sealed file that no entry will record. Without its key it is of no use to anybody.
    ///
    /// # Errors
    /// From the disk.
    pub fn discard(&self, sealed: &SealedAttachment) -> Result<(), StoreError> {
        match fs::remove_file(self.path(&sealed.secret).with_extension(SEALING)) {
            // Whoever opened the home in the meantime has swept it.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => Ok(removed?),
        }
    }

    /// Writes the plain bytes of a file to `out`; returns how many. Every chunk is authenticated before it is written,
    /// the hash of the whole is compared at the end: on an error discard what was written.
    ///
    /// # Errors
    /// [`StoreError::AttachmentAbsent`], [`StoreError::AttachmentMismatch`], [`StoreError::Stopped`], or from the disk and
    /// `out`.
    pub fn read(
        &self,
        secret: &AttachmentSecret,
        hash: &ContentHash,
        out: &mut dyn Write,
        progress: Done<'_>,
    ) -> Result<u64, StoreError> {
        self.open(secret)?.unseal(secret, hash, out, progress)
    }

    /// Whether a file lies here whole. Its bytes are not looked at.
    #[must_use]
    pub fn is_complete(&self, secret: &AttachmentSecret) -> bool {
        place(&self.dir, &file_name(secret)).exists()
    }

    /// Whether a file arrived whole and was another one than a record says that names this hash.
    #[must_use]
    pub fn is_refused(&self, secret: &AttachmentSecret, hash: &ContentHash) -> bool {
        refused(&self.dir, secret, hash).exists()
    }

    /// How much of a file is here. For a file that is arriving this reads what has arrived.
    ///
    /// # Errors
    /// From the disk.
    pub fn state(&self, secret: &AttachmentSecret) -> Result<AttachmentState, StoreError> {
        if self.is_complete(secret) {
            return Ok(AttachmentState::Complete);
        }
        receive::state(&self.path(secret).with_extension(RECEIVING), secret)
    }

    /// The chunk table of a file that is complete here, for a peer.
    ///
    /// # Errors
    /// [`StoreError::AttachmentAbsent`], or from the disk.
    pub fn table(&self, secret: &AttachmentSecret) -> Result<ChunkTable, StoreError> {
        Ok(self.open(secret)?.into_table())
    }

    /// A sealed chunk of a file that is complete here, for a peer. Chunks are counted from 0.
    ///
    /// # Errors
    /// [`StoreError::AttachmentAbsent`]; [`StoreError::AttachmentMismatch`] where the bytes are damaged.
    pub fn chunk(&self, secret: &AttachmentSecret, chunk: u32) -> Result<Vec<u8>, StoreError> {
        self.open(secret)?.checked_chunk(chunk)
    }

    /// What a file that is complete here is called at relays, part by part: its chunks, part n being chunk n - 1, and for a file of several
    /// chunks its table, part 0, last of all: whoever finds the root there finds the rest.
    ///
    /// # Errors
    /// [`StoreError::AttachmentAbsent`]; [`StoreError::AttachmentMismatch`] where the record names another root, so that nobody would find
    /// it; or from the disk.
    pub fn names_at_relays(&self, secret: &AttachmentSecret) -> Result<Vec<(u32, ContentHash)>, StoreError> {
        let table = self.table(secret)?;
        let chunks = (0..table.chunks()).filter_map(|chunk| Some((chunk + 1, table.chunk_name(chunk)?)));
        let mut names: Vec<_> = chunks.collect();
        if names.len() > 1 {
            names.push((0, ContentHash::new(sha256(&table.root(&ChunkCipher::new(secret)?)?))));
        }
        let named = names.last().is_some_and(|(_, root)| *root.as_bytes() == secret.root);
        if named { Ok(names) } else { Err(StoreError::AttachmentMismatch) }
    }

    /// A part of a file that is complete here, as it lies at relays: part 0 is its root, part n its chunk n - 1.
    ///
    /// # Errors
    /// [`StoreError::AttachmentAbsent`]; [`StoreError::AttachmentMismatch`] where the bytes are damaged; or from the disk.
    pub fn part_at_relays(&self, secret: &AttachmentSecret, part: u32) -> Result<Vec<u8>, StoreError> {
        match part.checked_sub(1) {
            None => self.table(secret)?.root(&ChunkCipher::new(secret)?),
            Some(chunk) => self.chunk(secret, chunk),
        }
    }

    /// Begins to receive a file, or takes it up again, which reads what is here of it. The table is a peer's;
    /// [`ChunkTable::decode`] checks it.
    ///
    /// # Errors
    /// [`StoreError::Full`] and [`StoreError::Io`] from the disk.
    pub fn receive(&self, secret: &AttachmentSecret, table: ChunkTable) -> Result<Receiving, StoreError> {
        Receiving::begin(self.path(secret), secret.clone(), table)
    }
}

impl Store {
    /// Removes sealed files whose keys are gone, and what the write-ahead log still holds of those keys.
    pub(crate) fn shred(&self, names: &[String]) {
        if names.is_empty() {
            return;
        }
        shred(&self.home.path(ATTACHMENTS), names);
        // Where a reader holds it back, it is done when the home is closed.
        let _ = self.database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    /// Removes what lies of sealed files whose keys were destroyed: the program may have ended in between.
    pub(crate) fn finish_shredding(&self) -> Result<(), StoreError> {
        let mut select = self.database.prepare("SELECT file FROM shredded")?;
        let names = select.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        shred(&self.home.path(ATTACHMENTS), &names);
        Ok(())
    }

    /// The sealed files of this home.
    #[must_use]
    pub fn attachments(&self) -> Attachments {
        Attachments { dir: self.home.path(ATTACHMENTS) }
    }
}
