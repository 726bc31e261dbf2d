use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use firsthand_ids::{ContentHash, sha256};
use ring::digest::{Context, SHA256};
use zeroize::{Zeroize, Zeroizing};

use super::cipher::ChunkCipher;
use super::table::{ChunkTable, HEADER_BYTES};
use super::{AttachmentSecret, CHUNK_BYTES, Done};
use crate::StoreError;

pub(super) const HEADER: [u8; HEADER_BYTES as usize] = *b"FHattach\x01\0\0\0\0\0\0\0";

/// A sealed file: header, chunks, table.
#[derive(Debug)]
pub(super) struct SealedFile {
    file: File,
    table: ChunkTable,
}

impl SealedFile {
    /// Opens a file and reads its table, without comparing it with anything.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        match File::open(path) {
            Ok(file) => Self::read(file)?.ok_or(StoreError::AttachmentMismatch),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(StoreError::AttachmentAbsent),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the table at the end of a file; `None` where there is none that fits the file.
    pub(super) fn read(mut file: File) -> Result<Option<Self>, StoreError> {
        let len = file.metadata()?.len();
        let mut header = HEADER;
        let mut byte_len = [0; 8];
        if len < HEADER_BYTES + byte_len.len() as u64 {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut header)?;
        file.seek(SeekFrom::End(-(byte_len.len() as i64)))?;
        file.read_exact(&mut byte_len)?;
        let Some(table_len) = ChunkTable::len_for(u64::from_le_bytes(byte_len)) else { return Ok(None) };
        let Some(table_at) = len.checked_sub(table_len as u64) else { return Ok(None) };
        file.seek(SeekFrom::Start(table_at))?;
        let mut table = vec![0; table_len];
        file.read_exact(&mut table)?;
        let table = ChunkTable::read(&table).filter(|table| header == HEADER && table.file_len() == len);
        Ok(table.map(|table| Self { file, table }))
    }

    /// A file whose table is known.
    pub(super) const fn with_table(file: File, table: ChunkTable) -> Self {
        Self { file, table }
    }

    pub(super) const fn table(&self) -> &ChunkTable {
        &self.table
    }

    pub(super) fn into_table(self) -> ChunkTable {
        self.table
    }

    fn chunk(&mut self, chunk: u32, bytes: &mut Vec<u8>) -> Result<(), StoreError> {
        bytes.resize(self.table.chunk_len(chunk), 0);
        self.file.seek(SeekFrom::Start(ChunkTable::chunk_at(chunk)))?;
        self.file.read_exact(bytes)?;
        Ok(())
    }

    /// A sealed chunk with the hash that the table names.
    pub(super) fn checked_chunk(&mut self, chunk: u32) -> Result<Vec<u8>, StoreError> {
        let expected = *self.table.chunk_hash(chunk).ok_or(StoreError::AttachmentAbsent)?;
        let mut bytes = Vec::new();
        self.chunk(chunk, &mut bytes)?;
        if sha256(&bytes) == expected { Ok(bytes) } else { Err(StoreError::AttachmentMismatch) }
    }

    /// The chunks whose bytes are what the table says.
    pub(super) fn sound_chunks(&mut self) -> Result<Vec<bool>, StoreError> {
        let mut bytes = Vec::new();
        let mut sound = Vec::with_capacity(self.table.chunks() as usize);
        for chunk in 0..self.table.chunks() {
            self.chunk(chunk, &mut bytes)?;
            sound.push(self.table.chunk_hash(chunk) == Some(&sha256(&bytes)));
        }
        Ok(sound)
    }

    /// Writes the plain bytes to `out`, one chunk in memory at a time.
    pub(super) fn unseal(
        &mut self,
        secret: &AttachmentSecret,
        hash: &ContentHash,
        out: &mut dyn Write,
        progress: Done<'_>,
    ) -> Result<u64, StoreError> {
        let cipher = ChunkCipher::new(secret)?;
        let mut context = Context::new(&SHA256);
        let mut done = 0;
        let mut bytes = Zeroizing::new(Vec::with_capacity(CHUNK_BYTES + super::cipher::TAG_BYTES));
        for chunk in 0..self.table.chunks() {
            self.chunk(chunk, &mut bytes)?;
            let opened = cipher.open(chunk, self.table.is_last(chunk), &mut bytes)?;
            let len = self.table.plain_len(chunk);
            let (plain, padding) = opened.split_at_checked(len).ok_or(StoreError::AttachmentMismatch)?;
            if padding.iter().any(|byte| *byte != 0) {
                return Err(StoreError::AttachmentMismatch);
            }
            context.update(plain);
            out.write_all(plain)?;
            done += plain.len() as u64;
            bytes.zeroize();
            if !progress(done) {
                return Err(StoreError::Stopped);
            }
        }
        if context.finish().as_ref() == hash.as_bytes() {
            Ok(self.table.byte_len())
        } else {
            Err(StoreError::AttachmentMismatch)
        }
    }
}

/// What a look at a sealed file without its key says.
pub(crate) enum Checked {
    /// No file.
    Missing,
    /// No sealed file, or not the one it was.
    Unreadable,
    /// These chunks are damaged.
    Read {
        /// Counted from 0; empty where all is well.
        damaged: Vec<u32>,
        /// Length of the file.
        bytes: u64,
    },
}

/// Checks every chunk of a file against its table, and the table against its hash where that is known.
pub(crate) fn check(path: &Path, table_hash: Option<&[u8; 32]>) -> Result<Checked, StoreError> {
    let mut file = match SealedFile::open(path) {
        Ok(file) => file,
        Err(StoreError::AttachmentAbsent) => return Ok(Checked::Missing),
        Err(StoreError::AttachmentMismatch) => return Ok(Checked::Unreadable),
        Err(error) => return Err(error),
    };
    if table_hash.is_some_and(|hash| file.table.hash() != *hash) {
        return Ok(Checked::Unreadable);
    }
    let sound = file.sound_chunks()?;
    let damaged = (0..file.table.chunks()).zip(sound).filter(|(_, sound)| !sound).map(|(chunk, _)| chunk);
    Ok(Checked::Read { damaged: damaged.collect(), bytes: file.table.file_len() })
}
