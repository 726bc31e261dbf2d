use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use firsthand_ids::Digest;
use zeroize::Zeroizing;

/// Why the platform's key store gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The key store refuses for now, for example because the phone is locked.
    #[error("use the key store: not available now")]
    Unavailable,
    /// The secret this home was made with is gone, for example after the phone's screen lock was removed.
    #[error("use the key store: its secret for this home is gone")]
    Gone,
    /// The system failed.
    #[error("use the key store: {0}")]
    System(String),
}

/// Where secrets of the platform come from, and what tells this installation from a copy of it.
pub trait KeyVault: Send + Sync {
    /// The secret mixed into the key of the home, from the phone's key store; `None` on a laptop, which has none.
    ///
    /// # Errors
    /// [`VaultError`] where there is a key store and it gives no answer.
    fn secret(&self) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;

    /// A number that a copy of the home, or a home restored from a backup, does not share. `home` is its folder.
    ///
    /// # Errors
    /// [`VaultError`] where it cannot be read.
    fn installation(&self, home: &Path) -> Result<[u8; 16], VaultError>;

    /// Whether inode number and birth time of a file tell it from a copy on this platform. Then bytes of a backup that
    /// were copied over the files of the home are noticed, too.
    fn files_tell_copies(&self) -> bool {
        false
    }
}

/// Inode number and birth time of a file, hashed: what its bytes take along nowhere. `None` where the system does not
/// tell.
pub(crate) fn file_place(path: &Path) -> Option<[u8; 16]> {
    let metadata = fs::metadata(path).ok()?;
    let mut digest = Digest::new("firsthand file v1");
    digest.number(inode(&metadata));
    let birth = metadata.created().ok().and_then(|birth| birth.duration_since(UNIX_EPOCH).ok());
    digest.fixed(birth.map_or(0, |since| since.as_nanos()).to_le_bytes());
    // Windows lends a new file the birth time of one of the same name that was there a moment ago.
    cfg!(unix).then(|| digest.finish_short())
}

/// The vault of a laptop: no secret beside the passphrase; the installation is told from the file system.
///
/// The installation number hashes the inode number and the birth time of `store.db`: a copy or a restored backup is a
/// new file and has others. Where the file system keeps no birth time, an inode number alone would not do (a file
/// restored after deletion often gets the same one), so the inode number and the change time of the file `lock` are
/// taken as well. That file is written once, at creation, and no backup program can set a change time; `chmod -R` or
/// `chown -R` moves it too and costs a new writer, which is harmless. The change time of `store.db` itself is never
/// used: it moves with every save.
#[derive(Debug, Clone, Copy, Default)]
pub struct LaptopVault;

impl KeyVault for LaptopVault {
    fn secret(&self) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(None)
    }

    fn installation(&self, home: &Path) -> Result<[u8; 16], VaultError> {
        let system = |error: std::io::Error| VaultError::System(error.kind().to_string());
        let database = fs::metadata(home.join(crate::home::DATABASE)).map_err(system)?;
        let mut digest = Digest::new("firsthand installation v1");
        digest.number(inode(&database));
        match database.created() {
            Ok(birth) => {
                let nanos = birth.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
                digest.number(1).fixed(nanos.to_le_bytes());
            }
            Err(_) => {
                let lock = fs::metadata(home.join(crate::home::LOCK)).map_err(system)?;
                digest.number(2).number(inode(&lock)).fixed(changed(&lock));
            }
        }
        Ok(digest.finish_short())
    }

    fn files_tell_copies(&self) -> bool {
        true
    }
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(unix)]
fn changed(metadata: &fs::Metadata) -> [u8; 16] {
    use std::os::unix::fs::MetadataExt;
    (i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec())).to_le_bytes()
}

// Windows gives every file a creation time, which alone tells a copy.
#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

#[cfg(not(unix))]
fn changed(_: &fs::Metadata) -> [u8; 16] {
    [0; 16]
}
