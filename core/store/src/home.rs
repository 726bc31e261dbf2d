use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::{StoreError, rescue};

pub(crate) const DATABASE: &str = "store.db";
pub(crate) const WAL: &str = "store.db-wal";
pub(crate) const SHM: &str = "store.db-shm";
pub(crate) const HEAD: &str = "head";
pub(crate) const HEAD_NEW: &str = "head.new";
/// Where files go that are damaged: nothing of them is ever deleted by the program.
pub(crate) const SET_ASIDE: &str = "set-aside";
pub(crate) const SLOTS: &str = "slots";
pub(crate) const SLOTS_NEW: &str = "slots.new";
pub(crate) const LOCK: &str = "lock";
/// The number of the process that had the home open last.
pub(crate) const HOLDER: &str = "holder";
pub(crate) const ATTACHMENTS: &str = "attachments";

/// The folder of one team on this device, held by this process alone.
///
/// It holds `store.db` (with its `-wal` and `-shm` beside it), `head`, `slots`, `attachments/`, `lock` and `holder`, and after
/// damage `set-aside/`. The file `lock` is locked for as long as the value lives; the system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
    _lock: File,
}

impl Home {
    /// Takes a folder for a new home and creates what is missing of it. The home exists once
    /// [`Store::create`](crate::Store::create) succeeded; until then this may be called again.
    ///
    /// # Errors
    /// [`StoreError::HomeExists`] where the folder holds a home, [`StoreError::InUse`] where another process has it.
    pub fn create(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let dir = dir.into();
        create_private_dir(&dir)?;
        let home = Self::take(dir)?;
        // Slots come last (see `Store::create`): without them no key for the database was ever given out.
        let unfinished = home.path(SLOTS_NEW).exists();
        if home.path(SLOTS).exists() || (home.path(DATABASE).exists() && !unfinished) {
            return Err(StoreError::HomeExists);
        }
        create_private_dir(&home.path(ATTACHMENTS))?;
        Ok(home)
    }

    /// Takes the home in a folder. A repair that was complete but for moving the files is finished.
    ///
    /// # Errors
    /// [`StoreError::NoHome`] where there is none, [`StoreError::InUse`] where another process has it open,
    /// [`StoreError::Damaged`] where a part of it is missing.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let home = Self::open_damaged(dir)?;
        if home.path(DATABASE).exists() {
            Ok(home)
        } else {
            Err(StoreError::Damaged { what: "the home, its database is missing" })
        }
    }

    /// The same for a repair: the database may be missing.
    ///
    /// # Errors
    /// As [`Home::open`].
    pub fn open_damaged(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let dir = dir.into();
        match (dir.join(SLOTS).exists(), dir.join(DATABASE).exists(), dir.join(SLOTS_NEW).exists()) {
            (true, ..) => {}
            (false, true, false) => {
                return Err(StoreError::Damaged { what: "the home, its slots are missing" });
            }
            (false, ..) => return Err(StoreError::NoHome),
        }
        let home = Self::take(dir)?;
        // Left by a change of the passphrase that was cut off. It must not stay: beside a database without slots it
        // would look like a creation that was cut off.
        if home.path(SLOTS_NEW).exists() {
            fs::remove_file(home.path(SLOTS_NEW))?;
        }
        rescue::resume(&home)?;
        create_private_dir(&home.path(ATTACHMENTS))?;
        Ok(home)
    }

    pub(crate) fn take(dir: PathBuf) -> Result<Self, StoreError> {
        let lock =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(dir.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {
                // For whoever wants this process to end. Not into the lock file, whose times say whether the home is a copy.
                let _ = fs::write(dir.join(HOLDER), std::process::id().to_string());
                Ok(Self { dir, _lock: lock })
            }
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// The process that has the home in a folder open, as it says itself; `None` where none has.
    ///
    /// # Errors
    /// From the disk.
    pub fn holder(dir: &Path) -> io::Result<Option<u32>> {
        let lock = match OpenOptions::new().read(true).write(true).open(dir.join(LOCK)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(fs::read_to_string(dir.join(HOLDER))?.trim().parse().ok()),
            Err(TryLockError::Error(error)) => Err(error),
            Ok(()) => Ok(None),
        }
    }

    /// Waits until no process has the home in a folder open.
    ///
    /// # Errors
    /// From the disk.
    pub fn wait(dir: &Path) -> io::Result<()> {
        OpenOptions::new().read(true).write(true).open(dir.join(LOCK))?.lock()
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Makes the names in `dir` durable: a rename is on the disk only when its folder is.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    // Windows has no way to open a folder for this and journals its names by itself.
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}
