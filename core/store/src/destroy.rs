//! The end of a home on purpose: keys first, then everything else.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::Path;

use rand_core::CryptoRng;

use crate::home::{
    ATTACHMENTS, DATABASE, HEAD, HEAD_NEW, HOLDER, LOCK, SET_ASIDE, SHM, SLOTS, SLOTS_NEW, WAL, sync_dir,
};
use crate::{Home, StoreError};

/// What became of a home that was to be destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destroyed {
    /// The key slots are overwritten and gone: no passphrase opens what may be left.
    pub keys: bool,
    /// Names in the folder that could not be removed.
    pub left: Vec<String>,
}

impl Home {
    /// Destroys a home that no process has open. The key slots come first: they are overwritten, on the disk, and removed;
    /// without them the rest is noise. Then everything else that is the program's. What cannot be removed stops nothing.
    ///
    /// Flash memory may keep old copies of overwritten bytes for a while, and so may backups; both are useless only as far as
    /// the passphrase is strong.
    ///
    /// # Errors
    /// [`StoreError::NoHome`] where there is none, [`StoreError::InUse`]; nothing is destroyed then.
    pub fn destroy(dir: &Path, rng: &mut dyn CryptoRng) -> Result<Destroyed, StoreError> {
        let ours = [SLOTS, SLOTS_NEW, DATABASE, HEAD];
        if !ours.iter().any(|name| dir.join(name).exists()) {
            return Err(StoreError::NoHome);
        }
        let home = Self::take(dir.to_owned())?;
        let mut left = Vec::new();
        for name in [SLOTS, SLOTS_NEW] {
            note(&mut left, name, shred(&home.path(name), rng));
        }
        let keys = left.is_empty() && sync_dir(dir).is_ok();
        for name in [HEAD, HEAD_NEW, DATABASE, WAL, SHM, HOLDER] {
            note(&mut left, name, fs::remove_file(home.path(name)));
        }
        for name in [ATTACHMENTS, SET_ASIDE] {
            note(&mut left, name, fs::remove_dir_all(home.path(name)));
        }
        note(&mut left, LOCK, fs::remove_file(home.path(LOCK)));
        drop(home);
        // Only where nothing else lies in it.
        let _ = fs::remove_dir(dir);
        Ok(Destroyed { keys, left })
    }
}

fn note(left: &mut Vec<String>, name: &str, result: io::Result<()>) {
    match result {
        Err(error) if error.kind() != ErrorKind::NotFound => left.push(name.to_owned()),
        _ => {}
    }
}

/// Overwrites a file in its place, waits for the disk, and removes it.
fn shred(path: &Path, rng: &mut dyn CryptoRng) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let mut noise = vec![0; usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX).min(1024 * 1024)];
    rng.fill_bytes(&mut noise);
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&noise)?;
    file.sync_all()?;
    fs::remove_file(path)
}
