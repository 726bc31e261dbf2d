use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use firsthand_ids::{ContentHash, sha256};

use super::file::{HEADER, SealedFile};
use super::table::ChunkTable;
use super::{AttachmentSecret, AttachmentState, RECEIVING, SealedAttachment, refused};
use crate::StoreError;
use crate::home::sync_dir;

/// A file that is arriving from a peer, chunk by chunk in any order.
///
/// What was written stays when the value is dropped or the program ends; whoever takes the file up again checks which
/// chunks are sound, so nothing need be synced in between.
#[derive(Debug)]
pub struct Receiving {
    path: PathBuf,
    secret: AttachmentSecret,
    table: ChunkTable,
    /// `None` once the file is in place.
    file: Option<File>,
    present: Vec<bool>,
}

/// How much of a file has arrived.
pub(super) fn state(path: &Path, secret: &AttachmentSecret) -> Result<AttachmentState, StoreError> {
    let found = match File::open(path) {
        Ok(file) => SealedFile::read(file)?,
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    match found.filter(|found| found.table().hash() == secret.table) {
        Some(mut found) => Ok(partial(&found.sound_chunks()?)),
        None => Ok(AttachmentState::Absent),
    }
}

fn partial(present: &[bool]) -> AttachmentState {
    let sound = present.iter().filter(|present| **present).count();
    AttachmentState::Partial { present: sound as u32, total: present.len() as u32 }
}

impl Receiving {
    pub(super) fn begin(
        path: PathBuf,
        secret: AttachmentSecret,
        table: ChunkTable,
    ) -> Result<Self, StoreError> {
        if table.hash() != secret.table {
            return Err(StoreError::AttachmentMismatch);
        }
        let chunks = table.chunks() as usize;
        if path.exists() {
            return Ok(Self { path, secret, table, file: None, present: vec![true; chunks] });
        }
        Self::take_up(path, secret, table)
    }

    /// Takes up what has arrived, chunk by chunk as far as it is what the table says.
    fn take_up(path: PathBuf, secret: AttachmentSecret, table: ChunkTable) -> Result<Self, StoreError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.with_extension(RECEIVING))?;
        let is_new = file.metadata()?.len() == 0;
        let found = SealedFile::read(file.try_clone()?)?.filter(|found| *found.table() == table);
        if found.is_none() {
            // Each chunk is proven by itself, so what cannot be read is put right and the chunks stay.
            file.set_len(table.file_len())?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&HEADER)?;
            file.seek(SeekFrom::Start(table.table_at()))?;
            file.write_all(&table.encode())?;
        }
        let present = if is_new {
            vec![false; table.chunks() as usize]
        } else {
            SealedFile::with_table(file.try_clone()?, table.clone()).sound_chunks()?
        };
        Ok(Self { path, secret, table, file: Some(file), present })
    }

    /// The chunks that are missing, in order, counted from 0.
    pub fn missing(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.table.chunks()).zip(&self.present).filter(|(_, present)| !**present).map(|(chunk, _)| chunk)
    }

    /// How many chunks the file has.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        self.table.chunks()
    }

    /// What the chunks that are missing are called at relays, in order, counted from 0.
    pub fn missing_names(&self) -> impl Iterator<Item = (u32, ContentHash)> + '_ {
        self.missing().filter_map(|chunk| Some((chunk, self.table.chunk_name(chunk)?)))
    }

    /// How much is here. [`AttachmentState::Complete`] only after [`Receiving::finish`].
    #[must_use]
    pub fn state(&self) -> AttachmentState {
        if self.file.is_none() { AttachmentState::Complete } else { partial(&self.present) }
    }

    /// Keeps a sealed chunk that has the hash that the table names.
    ///
    /// # Errors
    /// [`StoreError::AttachmentMismatch`] where it has not; [`StoreError::Full`] and [`StoreError::Io`] from the disk.
    pub fn put(&mut self, chunk: u32, sealed: &[u8]) -> Result<(), StoreError> {
        if self.table.chunk_hash(chunk) != Some(&sha256(sealed)) {
            return Err(StoreError::AttachmentMismatch);
        }
        let present = self.present.get_mut(chunk as usize).filter(|present| !**present);
        if let (Some(file), Some(present)) = (&mut self.file, present) {
            file.seek(SeekFrom::Start(ChunkTable::chunk_at(chunk)))?;
            file.write_all(sealed)?;
            *present = true;
        }
        Ok(())
    }

    /// Opens every chunk, compares the content with `hash`, and only then puts the file into its place, durably. Reads
    /// all of it: not for a thread on which somebody waits.
    ///
    /// # Errors
    /// [`StoreError::AttachmentAbsent`] while chunks are missing. [`StoreError::AttachmentMismatch`] where the content
    /// is another one: the author's record lies; the file is kept aside under the ending `.refused`.
    pub fn finish(self, hash: &ContentHash) -> Result<Arrived, StoreError> {
        if self.missing().next().is_some() {
            return Err(StoreError::AttachmentAbsent);
        }
        let part = self.path.with_extension(RECEIVING);
        let byte_len = match self.unseal(hash) {
            Err(StoreError::AttachmentMismatch) => {
                // The disk may have changed what was verified when it came.
                if self.file.is_none() {
                    if SealedFile::open(&self.path).is_ok_and(|mut file| {
                        file.sound_chunks().is_ok_and(|sound| sound.iter().all(|sound| *sound))
                    }) {
                        // Another record of it may say the truth.
                        return Err(StoreError::AttachmentMismatch);
                    }
                    fs::rename(&self.path, &part)?;
                }
                let again = Self::take_up(self.path, self.secret, self.table)?;
                if again.missing().next().is_some() {
                    return Ok(Arrived::Damaged(again));
                }
                let byte_len = again.unseal(hash);
                if matches!(byte_len, Err(StoreError::AttachmentMismatch)) {
                    let dir = again.path.parent().unwrap_or(Path::new("."));
                    fs::rename(&part, refused(dir, &again.secret, hash))?;
                }
                return again.keep(hash, byte_len?);
            }
            byte_len => byte_len?,
        };
        self.keep(hash, byte_len)
    }

    fn unseal(&self, hash: &ContentHash) -> Result<u64, StoreError> {
        let part = self.path.with_extension(RECEIVING);
        let mut file = SealedFile::open(if self.file.is_some() { &part } else { &self.path })?;
        if *file.table() != self.table {
            return Err(StoreError::AttachmentMismatch);
        }
        file.unseal(&self.secret, hash, &mut io::sink(), &mut |_| true)
    }

    fn keep(self, hash: &ContentHash, byte_len: u64) -> Result<Arrived, StoreError> {
        if let Some(file) = self.file {
            file.sync_all()?;
            fs::rename(self.path.with_extension(RECEIVING), &self.path)?;
            sync_dir(self.path.parent().unwrap_or(Path::new(".")))?;
        }
        Ok(Arrived::Whole(SealedAttachment { hash: *hash, byte_len, secret: self.secret }))
    }
}

/// What became of a file of which every chunk had come.
#[derive(Debug)]
pub enum Arrived {
    /// It is complete, and what its record says. Pass it to [`crate::Commit::attachments`].
    Whole(SealedAttachment),
    /// Chunks were sound when they came and are not any more; they are missing again.
    Damaged(Receiving),
}
