use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use firsthand_ids::{ContentHash, sha256};

use super::file::{HEADER, SealedFile};
use super::table::ChunkTable;
use super::{AttachmentSecret, AttachmentState, RECEIVING, REFUSED, SealedAttachment};
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
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.with_extension(RECEIVING))?;
        let found = SealedFile::read(file.try_clone()?)?.filter(|found| *found.table() == table);
        let present = match found {
            Some(mut found) => found.sound_chunks()?,
            None => {
                file.set_len(0)?;
                file.set_len(table.file_len())?;
                file.seek(SeekFrom::Start(0))?;
                file.write_all(&HEADER)?;
                file.seek(SeekFrom::Start(table.table_at()))?;
                file.write_all(&table.encode())?;
                vec![false; chunks]
            }
        };
        Ok(Self { path, secret, table, file: Some(file), present })
    }

    /// The chunks that are missing, in order, counted from 0.
    pub fn missing(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.table.chunks()).zip(&self.present).filter(|(_, present)| !**present).map(|(chunk, _)| chunk)
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

    /// Opens every chunk, compares the content with `hash`, and only then puts the file into its place, durably. Pass
    /// the result to [`crate::Commit::attachments`].
    ///
    /// # Errors
    /// [`StoreError::AttachmentAbsent`] while chunks are missing. [`StoreError::AttachmentMismatch`] where the content
    /// is another one: the author's record lies; the file is kept aside under the ending `.refused`.
    pub fn finish(self, hash: &ContentHash) -> Result<SealedAttachment, StoreError> {
        if self.missing().next().is_some() {
            return Err(StoreError::AttachmentAbsent);
        }
        let arrived = match &self.file {
            Some(_) => self.path.with_extension(RECEIVING),
            None => self.path.clone(),
        };
        let unsealed = SealedFile::open(&arrived)?.unseal(&self.secret, hash, &mut std::io::sink());
        if let Some(file) = self.file {
            match unsealed {
                Ok(_) => {
                    file.sync_all()?;
                    fs::rename(&arrived, &self.path)?;
                    sync_dir(self.path.parent().unwrap_or(Path::new(".")))?;
                }
                Err(StoreError::AttachmentMismatch) => {
                    fs::rename(&arrived, self.path.with_extension(REFUSED))?;
                }
                Err(_) => {}
            }
        }
        Ok(SealedAttachment { hash: *hash, byte_len: unsealed?, secret: self.secret })
    }
}
