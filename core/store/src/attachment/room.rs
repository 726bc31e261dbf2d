//! What files take, and room made by letting go of some that others have.

use std::fs;
use std::path::Path;

use firsthand_ids::DocumentId;
use firsthand_record::VariantKind;
use rusqlite::params;

use super::{AttachmentSecret, RECEIVING, file_name, shred};
use crate::home::ATTACHMENTS;
use crate::{Store, StoreError};

/// Where a file that is recorded here stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileState {
    /// Complete here.
    Here,
    /// Not complete here.
    Missing,
    /// It was here, and was let go of since others have it.
    Freed,
    /// Its key was destroyed.
    Destroyed,
}

/// A file, or a smaller form of one, that is recorded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRow {
    /// The document that records it.
    pub document: DocumentId,
    /// Which form of the file.
    pub form: VariantKind,
    /// Its length in bytes, as the record says.
    pub byte_len: u64,
    /// Where it stands.
    pub state: FileState,
}

/// What lies on the disk, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskUse {
    /// Files that are complete.
    pub files: u64,
    /// What has come of files that are on their way.
    pub arriving: u64,
    /// Everything else in the home: records above all.
    pub rest: u64,
}

impl Store {
    /// Removes a file that is complete here and notes that it is not missed. `false` where it is not complete here.
    ///
    /// # Errors
    /// From the disk. Then nothing has changed, or the file is noted as let go of and goes when the home is opened.
    pub fn free(&mut self, secret: &AttachmentSecret) -> Result<bool, StoreError> {
        let file = file_name(secret);
        let transaction = self.database.transaction()?;
        let here = transaction.execute("DELETE FROM attachments WHERE file = ?1", [&file])?;
        if here == 0 {
            return Ok(false);
        }
        transaction.execute(
            "INSERT INTO freed (file, table_hash) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![file, secret.table],
        )?;
        transaction.commit()?;
        shred(&self.home.path(ATTACHMENTS), &[file]);
        Ok(true)
    }

    /// A file that was let go of is missed again. `false` where it was not let go of.
    ///
    /// # Errors
    /// From the disk.
    pub fn want_again(&mut self, secret: &AttachmentSecret) -> Result<bool, StoreError> {
        let mut delete = self.database.prepare_cached("DELETE FROM freed WHERE file = ?1")?;
        Ok(delete.execute([file_name(secret)])? > 0)
    }

    /// Removes what still lies of files that were let go of: the program may have ended in between.
    pub(crate) fn finish_freeing(&self) -> Result<(), StoreError> {
        let mut select = self.database.prepare("SELECT file FROM freed")?;
        let names = select.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        shred(&self.home.path(ATTACHMENTS), &names);
        Ok(())
    }

    /// The folder of this home.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.home.dir()
    }

    /// What lies on the disk of this home.
    ///
    /// # Errors
    /// From the disk.
    pub fn disk_use(&self) -> Result<DiskUse, StoreError> {
        let mut found = DiskUse::default();
        let files = self.home.path(ATTACHMENTS);
        for entry in fs::read_dir(&files)? {
            let entry = entry?;
            let arriving = entry.path().extension().is_some_and(|ending| ending == RECEIVING);
            let bytes = entry.metadata()?.len();
            *(if arriving { &mut found.arriving } else { &mut found.files }) += bytes;
        }
        for entry in fs::read_dir(files.parent().unwrap_or(&files))? {
            let about = entry?.metadata()?;
            found.rest += if about.is_file() { about.len() } else { 0 };
        }
        Ok(found)
    }
}
