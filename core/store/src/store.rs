use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use firsthand_ids::{EntryHash, OperationHash, Position, SpaceId, WriterId};
use firsthand_log::{Tip, Vector};
use rand_core::CryptoRng;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use zeroize::Zeroizing;

use crate::attachment::Unrecorded;
use crate::cache::{self, Cache};
use crate::closing::Shelf;
use crate::head::{Head, HeadFile};
use crate::home::{ATTACHMENTS, DATABASE, HEAD, Home, SHM, WAL};
use crate::wal::{self, Wal};
use crate::witness::{Doubt, Witness};
use crate::write::write_setting;
use crate::{
    AsideReason, AsideRun, Damage, KeyVault, SlotOptions, StoreError, Unlock, aside, attachment, database,
    slots,
};

/// Settings under this beginning are the store's own.
pub(crate) const OWN_SETTINGS: &str = "store.";
/// The installation that the home belongs to.
pub(crate) const INSTALLATION: &str = "store.installation";
/// How many commits there were, so that the head file tells when some are gone.
pub(crate) const COMMITS: &str = "store.commits";
/// Set while own chains must not be continued because of something that an earlier opening found.
pub(crate) const DOUBT: &str = "store.doubt";

/// The number of the last entry of which it is known that all up to it have been tried on their documents.
pub(crate) const TRIED: &str = "store.tried";

/// An open store: the database of one home, unlocked.
///
/// It is used from one thread at a time; reads take `&self`, writes `&mut self`. Dropping it closes the database
/// and gives the home free; [`Store::lock`] closes it and keeps the home held.
pub struct Store {
    pub(crate) database: Connection,
    pub(crate) cache: Cache,
    pub(crate) installation: [u8; 16],
    pub(crate) witness: Witness,
    pub(crate) roster_changes: u64,
    pub(crate) shelf: Shelf,
    // Last, so that the home is given free after the database was closed.
    pub(crate) home: Home,
}

impl Store {
    /// Makes the store of a new home. With [`Unlock::RawKey`] the home gets no passphrase.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Io`] from the disk; then there is no home, and creating can be repeated.
    pub fn create(
        home: Home,
        unlock: Unlock<'_>,
        vault: &dyn KeyVault,
        options: SlotOptions,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, StoreError> {
        let (key, slots) = slots::create(unlock, vault, options, rng)?;
        slots::prepare(&home, &slots)?;
        for left_over in [DATABASE, WAL, SHM, HEAD] {
            let path = home.path(left_over);
            if path.exists() {
                std::fs::remove_file(path)?;
            }
        }
        let store = Self::make(home, &key, vault, &mut Head::default())?;
        slots::install(&store.home)?;
        Ok(store)
    }

    /// Makes the database and the head file, where there are none.
    pub(crate) fn make(
        home: Home,
        key: &Zeroizing<[u8; 32]>,
        vault: &dyn KeyVault,
        head: &mut Head,
    ) -> Result<Self, StoreError> {
        let mut create = OpenOptions::new();
        create.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut create, 0o600);
        create.open(home.path(DATABASE))?;
        HeadFile::new(&home, key, vault.files_tell_copies()).replace(head)?;
        let mut store = Self::connect(home, key, vault, database::State::New)?;
        store.claim_installation()?;
        Ok(store)
    }

    /// Opens the store of a home.
    ///
    /// # Errors
    /// [`StoreError::WrongPassphrase`], [`StoreError::NoTriesLeft`] and [`StoreError::WrongKey`] where the key is not
    /// found, [`StoreError::Newer`] where a newer program wrote the home, [`StoreError::Damaged`] where it cannot be
    /// read.
    pub fn open(home: Home, unlock: Unlock<'_>, vault: &dyn KeyVault) -> Result<Self, StoreError> {
        let key = slots::unlock(&home, unlock, vault)?;
        Self::connect(home, &key, vault, database::State::Existing)
    }

    fn connect(
        home: Home,
        key: &Zeroizing<[u8; 32]>,
        vault: &dyn KeyVault,
        state: database::State,
    ) -> Result<Self, StoreError> {
        let log = home.path(WAL);
        let broken = wal::inspect(&log)? == Wal::Broken;
        if broken {
            // SQLite writes its next commit over what is beyond the break.
            aside::keep_copy(&home, WAL)?;
        }
        let (file, head, found) = HeadFile::open(&home, key, vault.files_tell_copies())?;
        let cipher_key = slots::derive(&**key, "firsthand data key v1", b"database");
        let mut database = database::open(&home.path(DATABASE), &cipher_key)?;
        database::migrate(&mut database, state)?;
        let cache = Cache::load(&database)?;
        let installation = vault.installation(home.dir())?;
        let mut witness = Witness::judge(file, head, found, &database, &cache)?;
        if broken {
            witness.doubt(Doubt::LogDamaged);
        } else if witness.doubts.contains(&Doubt::Behind) {
            aside::keep_copy(&home, WAL)?;
        }
        // From here on nothing of the log is missed when closing moves it into the database.
        database.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        let mut store =
            Self { database, cache, installation, witness, roster_changes: 0, shelf: Shelf::default(), home };
        if store.setting(INSTALLATION)?.as_deref() != Some(&installation) {
            store.witness.doubt(Doubt::Restored);
        }
        if store.setting(DOUBT)?.is_some() {
            store.witness.doubt(Doubt::Noted);
        }
        store.settle_attachments()?;
        store.finish_shredding()?;
        store.finish_freeing()?;
        Ok(store)
    }

    /// What an interrupted sealing left. Nobody is sealing: the home was opened just now.
    fn settle_attachments(&self) -> Result<(), StoreError> {
        let unrecorded = if self.doubts().is_empty() { Unrecorded::Remove } else { Unrecorded::Keep };
        let mut select =
            self.database.prepare("SELECT EXISTS (SELECT 1 FROM attachments WHERE file = ?1)")?;
        let mut is_recorded = |file: &str| Ok(select.query_row([file], |row| row.get(0))?);
        attachment::settle_all(&self.home.path(ATTACHMENTS), unrecorded, &mut is_recorded)
    }

    /// Closes the database, makes the head file durable and wipes the keys. The home stays held, so no other process can
    /// take it meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Io`] and [`StoreError::Full`] where that could not be done in order; nothing that was saved is lost
    /// by it.
    pub fn lock(self) -> Result<Home, StoreError> {
        let Self { database, home, mut witness, .. } = self;
        let closed = database.close().map_err(|(_, error)| StoreError::from(error));
        witness.close()?;
        closed?;
        Ok(home)
    }

    /// Replaces the passphrase; `old` must be right. Gives one to a home that was made with a raw key.
    ///
    /// # Errors
    /// As [`Store::open`] for the old one; on any error the old one stays.
    pub fn change_passphrase(
        &mut self,
        old: Unlock<'_>,
        new: &str,
        vault: &dyn KeyVault,
        options: SlotOptions,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), StoreError> {
        let key = slots::unlock(&self.home, old, vault)?;
        slots::replace(&self.home, &key, new, vault, options, rng)
    }

    /// The home's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.home.dir()
    }

    /// Whether this is a copy of the home, or one restored from a backup: one of the [`Store::doubts`].
    #[must_use]
    pub fn is_new_installation(&self) -> bool {
        self.doubts().contains(&Doubt::Restored)
    }

    /// From now on what was found here is known: it stays a reason for a new writer, and is no damage any more. What the head
    /// file names and is not here is missed from now on.
    ///
    /// # Errors
    /// From the disk.
    pub fn note_doubt(&mut self) -> Result<(), StoreError> {
        let transaction = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let number = self.witness.head.commits + 1;
        write_setting(&transaction, COMMITS, &number.to_le_bytes())?;
        write_setting(&transaction, DOUBT, b"1")?;
        write_setting(&transaction, INSTALLATION, &self.installation)?;
        transaction.commit()?;
        let missing = self.missing_operations().unwrap_or_default();
        self.witness.claimed(&self.cache, &missing);
        self.witness.doubt(Doubt::Noted);
        self.witness.committed(number, &self.cache, &[]);
        Ok(())
    }

    /// Lists attachments as complete here that the list of a rescued database named, and those that lie here whole.
    ///
    /// # Errors
    /// From the disk.
    pub fn adopt_attachments(&mut self, listed: &[(String, u64, [u8; 32])]) -> Result<(), StoreError> {
        let mut all = attachment::lying(&self.home.path(ATTACHMENTS))?;
        all.extend(listed.iter().map(|(file, len, table)| (file.clone(), (*len, *table))));
        let transaction = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (file, (len, table)) in all {
            transaction.execute(
                "INSERT INTO attachments (file, byte_len, table_hash) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![file, len as i64, table],
            )?;
        }
        transaction.commit()?;
        self.settle_attachments()
    }

    /// Moves the damaged files of attachments to `set-aside/`, so that they are asked for again; gives the folder and the
    /// names.
    ///
    /// # Errors
    /// From the disk.
    pub fn set_aside_attachments(&mut self) -> Result<Option<(PathBuf, Vec<String>)>, StoreError> {
        let mut report = crate::CheckReport::default();
        self.check_attachments(&mut report, &mut |_| ())?;
        let mut moved = Vec::new();
        let mut folder = None;
        for damage in report.damage {
            let (Damage::AttachmentMissing { file }
            | Damage::AttachmentUnreadable { file }
            | Damage::AttachmentChunks { file, .. }) = damage
            else {
                continue;
            };
            let dir = match &folder {
                Some(dir) => dir,
                None => folder.insert(aside::folder(&self.home)?),
            };
            let from = attachment::place(&self.home.path(ATTACHMENTS), &file);
            if from.exists() {
                std::fs::rename(from, dir.join(&file))?;
            }
            self.database.execute("DELETE FROM attachments WHERE file = ?1", [&file])?;
            moved.push(file);
        }
        Ok(folder.map(|folder| (folder, moved)))
    }

    fn claim_installation(&mut self) -> Result<(), StoreError> {
        write_setting(&self.database, INSTALLATION, &self.installation)?;
        self.witness.doubts.clear();
        Ok(())
    }

    /// Rises whenever a row of a person, a shift or a check-in is saved while the store is open.
    #[must_use]
    pub const fn roster_changes(&self) -> u64 {
        self.roster_changes
    }

    /// How many commits there were that waited for the disk.
    #[must_use]
    pub const fn commits(&self) -> u64 {
        self.witness.head.commits
    }

    /// A local setting, never exchanged.
    ///
    /// # Errors
    /// From the disk.
    pub fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut select = self.database.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
        Ok(select.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Writes a local setting, in a transaction of its own; an empty value removes it.
    ///
    /// # Errors
    /// From the disk; [`StoreError::Invalid`] for a name that begins with `store.`.
    pub fn set_setting(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        if key.starts_with(OWN_SETTINGS) {
            return Err(StoreError::Invalid("a setting with a name that the store keeps for itself"));
        }
        let transaction = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let number = self.witness.head.commits + 1;
        write_setting(&transaction, COMMITS, &number.to_le_bytes())?;
        if let Some((key, value)) = self.witness.noted(false) {
            write_setting(&transaction, key, value)?;
        }
        write_setting(&transaction, key, value)?;
        transaction.commit()?;
        self.witness.committed(number, &self.cache, &[]);
        Ok(())
    }

    /// All membership operations in the order in which they were added.
    ///
    /// # Errors
    /// From the disk.
    pub fn operations(&self) -> Result<Vec<(OperationHash, Vec<u8>)>, StoreError> {
        let mut select =
            self.database.prepare_cached("SELECT hash, bytes FROM operations ORDER BY number")?;
        let rows = select.query_map([], |row| Ok((OperationHash::new(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The runs that are kept beside the log, in the order in which they came.
    ///
    /// # Errors
    /// From the disk.
    pub fn aside(&self) -> Result<Vec<AsideRun>, StoreError> {
        let mut select = self.database.prepare_cached(
            "SELECT reason, space, writer, first, last, hash, run FROM aside ORDER BY number",
        )?;
        let rows = select.query_map([], |row| {
            Ok(AsideRun {
                reason: if row.get::<_, i64>(0)? == 1 { AsideReason::Fork } else { AsideReason::Gap },
                space: SpaceId::new(row.get(1)?),
                writer: WriterId::new(row.get(2)?),
                first: cache::position(row, 3)?,
                last: cache::position(row, 4)?,
                hash: EntryHash::new(row.get(5)?),
                run: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The spaces that entries are held of.
    pub fn spaces(&self) -> impl Iterator<Item = SpaceId> + '_ {
        self.cache.spaces.keys().copied()
    }

    /// What is held of a space. Kept in memory.
    #[must_use]
    pub fn vector(&self, space: &SpaceId) -> Vector {
        let number = self.cache.spaces.get(space);
        number.and_then(|number| self.cache.vectors.get(number)).cloned().unwrap_or_default()
    }

    /// Where a chain stands. Kept in memory.
    #[must_use]
    pub fn tip(&self, space: &SpaceId, writer: &WriterId) -> Option<Tip> {
        self.cache.chain(space, writer).map(|chain| self.cache.tip(chain))
    }

    /// The hash of an entry, for comparing with what a peer claims to hold there.
    ///
    /// # Errors
    /// From the disk.
    pub fn entry_hash_at(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        position: Position,
    ) -> Result<Option<EntryHash>, StoreError> {
        let Some(chain) = self.cache.chain(space, writer) else { return Ok(None) };
        if chain.position == position {
            return Ok(Some(chain.hash));
        }
        let mut select =
            self.database.prepare_cached("SELECT hash FROM entries WHERE writer = ?1 AND position = ?2")?;
        let hash = select.query_row(params![chain.number, position.0 as i64], |row| row.get(0)).optional()?;
        Ok(hash.map(EntryHash::new))
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("home", &self.home).finish_non_exhaustive()
    }
}
