//! Reading what can still be read of a damaged database, and putting one made anew in its place.
//!
//! Nothing of the old files is written or deleted. The reading works on a copy in `repair/old`, the new database is made in
//! `repair/new`; when it is complete, `repair/ready` is written, the old files are moved to `set-aside/`, and the new
//! ones into their places. A program that ends in the middle leaves either the old home, or one whose next opening
//! finishes the moving.

mod read;
mod scan;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use firsthand_ids::{SpaceId, WriterId};
use firsthand_log::{Entry, Signature};
use zeroize::Zeroizing;

use crate::head::{Head, HeadFile};
use crate::home::{DATABASE, HEAD, Home, SHM, WAL, sync_dir};
use crate::{KeyVault, Store, StoreError, Unlock, aside, database, slots, wal};
use scan::Reader;

const REPAIR: &str = "repair";
const OLD: &str = "old";
const NEW: &str = "new";
const READY: &str = "ready";

/// An entry as it could be read; nothing of it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RescuedEntry {
    /// Its number in the order in which this device kept entries.
    pub number: u64,
    /// The space.
    pub space: SpaceId,
    /// Whose chain.
    pub writer: WriterId,
    /// The entry.
    pub entry: Entry,
    /// The signature under it, where one was kept.
    pub signature: Option<Signature>,
}

/// A damaged home whose database is being read.
pub struct Rescue {
    home: Home,
    key: Zeroizing<[u8; 32]>,
    head: Option<Head>,
    /// `None` where not even its first page can be made out.
    reader: Option<Reader>,
}

impl Rescue {
    /// Whether opening the home in the ordinary way would lose what a rescue can still read: the database is missing, or its
    /// log is broken and SQLite would write over what is beyond the break.
    ///
    /// # Errors
    /// From the disk.
    pub fn is_called_for(home: &Home) -> Result<bool, StoreError> {
        Ok(!home.path(DATABASE).exists() || wal::inspect(&home.path(WAL))? == wal::Wal::Broken)
    }

    /// Copies the database and its log and opens the copy, its log mended.
    ///
    /// # Errors
    /// Where the key is not found, as [`Store::open`]; [`StoreError::Full`] and [`StoreError::Io`]: a copy of the
    /// database needs room for a while.
    pub fn begin(home: Home, unlock: Unlock<'_>, vault: &dyn KeyVault) -> Result<Self, StoreError> {
        let key = slots::unlock(&home, unlock, vault)?;
        let head = HeadFile::open(&home, &key, vault.files_tell_copies())?.1;
        let dir = home.path(REPAIR);
        remove(&dir)?;
        create_dir(&dir)?;
        create_dir(&dir.join(OLD))?;
        let copy = dir.join(OLD).join(DATABASE);
        let mut pages = 0;
        if home.path(DATABASE).exists() {
            fs::copy(home.path(DATABASE), &copy)?;
            pages = fs::metadata(&copy)?.len() / u64::from(database::PAGE_BYTES);
        } else {
            File::create(&copy)?;
        }
        if let Some(log) = wal::mend(&home.path(WAL))? {
            pages += log.len() as u64 / u64::from(database::PAGE_BYTES);
            fs::write(dir.join(OLD).join(WAL), log)?;
        }
        let cipher_key = slots::derive(&*key, "firsthand data key v1", b"database");
        let reader = Reader::open(copy, cipher_key, pages)?;
        Ok(Self { home, key, head, reader })
    }

    /// What the owner of the store left in the head file; empty where that cannot be read.
    #[must_use]
    pub fn kept(&self) -> Zeroizing<Vec<u8>> {
        self.head.as_ref().map(|head| head.kept.clone()).unwrap_or_default()
    }

    /// Makes a new, empty store, with what the head file said is missed. No own chain is continued in it.
    ///
    /// # Errors
    /// From the disk.
    pub fn new_store(&self, vault: &dyn KeyVault) -> Result<Store, StoreError> {
        let dir = self.home.path(REPAIR).join(NEW);
        let home = Home::create(dir)?;
        let mut head = Head::default();
        if let Some(old) = &self.head {
            head.commits = old.commits;
            head.kept = old.kept.clone();
            head.missed = old.chains.clone();
            for (place, reach) in &old.missed {
                let missed = head.missed.entry(*place).or_insert(*reach);
                *missed = (*missed).max(*reach);
            }
        }
        let mut store = Store::make(home, &self.key, vault, &mut head)?;
        store.note_doubt()?;
        Ok(store)
    }

    /// Moves the old files to `set-aside/` and the new ones, which were closed, into their places. Gives the home and the
    /// folder with the old files.
    ///
    /// # Errors
    /// From the disk; the next [`Home::open`] goes on from there.
    pub fn finish(self) -> Result<(Home, PathBuf), StoreError> {
        let Self { home, reader, .. } = self;
        drop(reader);
        let dir = home.path(REPAIR);
        sync_dir(&dir.join(NEW))?;
        File::create(dir.join(READY))?.sync_all()?;
        sync_dir(&dir)?;
        let aside = resume(&home)?.ok_or(StoreError::Invalid("a repair without a new database"))?;
        Ok((home, aside))
    }

    /// Gives up: the home is as it was.
    ///
    /// # Errors
    /// From the disk.
    pub fn abandon(self) -> Result<Home, StoreError> {
        let Self { home, reader, .. } = self;
        drop(reader);
        remove(&home.path(REPAIR))?;
        Ok(home)
    }
}

/// Finishes a repair that was complete; gives the folder with the old files, where there was something to move.
pub(crate) fn resume(home: &Home) -> Result<Option<PathBuf>, StoreError> {
    let dir = home.path(REPAIR);
    if !dir.join(READY).exists() {
        return Ok(None);
    }
    let mut folder = None;
    // The database comes last: once it is in place, nothing is left to do.
    if dir.join(NEW).join(DATABASE).exists() {
        let aside = aside::folder(home)?;
        for name in [WAL, SHM, DATABASE] {
            aside::move_to(home, name, &aside)?;
        }
        if dir.join(NEW).join(HEAD).exists() {
            aside::move_to(home, HEAD, &aside)?;
            fs::rename(dir.join(NEW).join(HEAD), home.path(HEAD))?;
        }
        fs::rename(dir.join(NEW).join(DATABASE), home.path(DATABASE))?;
        sync_dir(home.dir())?;
        folder = Some(aside);
    }
    // The mark goes first: without it the rest is of no account.
    fs::remove_file(dir.join(READY))?;
    sync_dir(&dir)?;
    remove(&dir)?;
    Ok(folder)
}

fn remove(dir: &Path) -> Result<(), StoreError> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    Ok(())
}

fn create_dir(dir: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    Ok(())
}

/// Settings by name, as they could be read.
pub type RescuedSettings = BTreeMap<String, Vec<u8>>;
