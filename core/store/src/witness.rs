//! What tells that this home is whole and still the newest of its device: the head file, the installation number, and
//! the look at the write-ahead log.

use firsthand_ids::{DeviceKey, EntryHash, OperationHash, Position, SpaceId, WriterId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::cache::Cache;
use crate::head::{Found, Head, HeadFile, MAX_KEPT_BYTES};
use crate::store::{COMMITS, DOUBT};
use crate::{Store, StoreError};

/// Why what is here may not be the newest of this device. Its chains may reach further elsewhere, so none of them is
/// continued: a new writer is opened before the next own entry, in a commit with
/// [`Commit::claim_installation`](crate::Commit::claim_installation).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Doubt {
    /// The home is a copy, or was put back from a backup.
    Restored,
    /// The head file says that more was saved than is here.
    Behind,
    /// The write-ahead log is damaged: commits that were acknowledged are beyond the break.
    LogDamaged,
    /// The head file is missing.
    HeadMissing,
    /// Neither slot of the head file can be read.
    HeadDamaged,
    /// An earlier opening found one of these, or the database was made anew from what could be read of it.
    Noted,
}

/// What is missing of an own chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingTail {
    /// The space.
    pub space: SpaceId,
    /// The chain.
    pub writer: WriterId,
    /// What is here; 0 where nothing is.
    pub held: Position,
    /// How far it reached.
    pub reached: Position,
}

/// The head file as it is to be, and what opening found.
pub(crate) struct Witness {
    pub file: HeadFile,
    pub head: Head,
    pub found: Found,
    pub doubts: Vec<Doubt>,
    /// The device whose chains are its own.
    device: Option<DeviceKey>,
    /// An own chain grew since the last sync.
    own_unsynced: bool,
    /// Something was committed in this session.
    used: bool,
}

impl Witness {
    /// A new home's.
    pub(crate) fn new(file: HeadFile) -> Self {
        Self {
            file,
            head: Head::default(),
            found: Found::Sound,
            doubts: Vec::new(),
            device: None,
            own_unsynced: false,
            used: false,
        }
    }

    /// Compares what the head file says with the database.
    pub(crate) fn judge(
        file: HeadFile,
        head: Option<Head>,
        found: Found,
        database: &Connection,
        cache: &Cache,
    ) -> Result<Self, StoreError> {
        let mut this = Self { found, ..Self::new(file) };
        let number = setting_number(database, COMMITS)?;
        match head {
            Some(head) => {
                if !this.file.is_in_place(&head) {
                    this.doubts.push(Doubt::Restored);
                }
                if head.commits > number || !fits(&head, database, cache)? {
                    this.doubts.push(Doubt::Behind);
                }
                this.head = head;
            }
            None => this.doubts.push(match found {
                Found::Missing => Doubt::HeadMissing,
                _ => Doubt::HeadDamaged,
            }),
        }
        // What is counted from now on is more than anybody counted before.
        this.head.commits = this.head.commits.max(number);
        Ok(this)
    }

    pub(crate) fn doubt(&mut self, doubt: Doubt) {
        if !self.doubts.contains(&doubt) {
            self.doubts.push(doubt);
            self.doubts.sort_unstable();
        }
    }

    /// Takes in what a commit left, and writes it down without waiting for the disk.
    pub(crate) fn committed(&mut self, number: u64, cache: &Cache, touched: &[WriterId]) {
        self.head.commits = number;
        self.used = true;
        self.note(cache, touched);
        self.file.write(&mut self.head);
    }

    fn note(&mut self, cache: &Cache, writers: &[WriterId]) {
        for writer in writers {
            let Some(chain) = cache.chains.get(writer).filter(|chain| Some(chain.device) == self.device)
            else {
                continue;
            };
            let Ok(space) = cache.space(chain.space) else { continue };
            let (place, now) = ((space, *writer), (chain.position, chain.hash));
            if self.head.missed.get(&place).is_some_and(|reached| reached.0 <= now.0) {
                self.head.missed.remove(&place);
            }
            let reach = self.head.chains.entry(place).or_insert((Position::START, EntryHash::ZERO));
            // Until a new writer is opened the head file goes on naming what there was.
            if now.0 >= reach.0 && *reach != now {
                *reach = now;
                self.own_unsynced = true;
            }
        }
    }
}

/// Whether the database holds everything that the head file names.
fn fits(head: &Head, database: &Connection, cache: &Cache) -> Result<bool, StoreError> {
    for ((space, writer), (position, hash)) in &head.chains {
        let Some(chain) = cache.chain(space, writer).filter(|chain| chain.position >= *position) else {
            return Ok(false);
        };
        let mut select =
            database.prepare_cached("SELECT hash FROM entries WHERE writer = ?1 AND position = ?2")?;
        let held: Option<[u8; 32]> =
            select.query_row(params![chain.number, position.0 as i64], |row| row.get(0)).optional()?;
        if held.map(EntryHash::new) != Some(*hash) {
            return Ok(false);
        }
    }
    Ok(missing_operations(head, database)?.is_empty())
}

fn missing_operations(head: &Head, database: &Connection) -> Result<Vec<OperationHash>, StoreError> {
    let mut missing = Vec::new();
    for hash in &head.membership {
        let mut select = database.prepare_cached("SELECT 1 FROM operations WHERE hash = ?1")?;
        if !select.exists([hash.as_bytes()])? {
            missing.push(*hash);
        }
    }
    Ok(missing)
}

fn setting_number(database: &Connection, key: &str) -> Result<u64, StoreError> {
    let mut select = database.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
    let value: Option<Vec<u8>> = select.query_row([key], |row| row.get(0)).optional()?;
    Ok(value.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes))
}

impl Store {
    /// Why what is here may not be the newest of this device; empty where all witnesses agree.
    #[must_use]
    pub fn doubts(&self) -> &[Doubt] {
        &self.witness.doubts
    }

    /// Whether no own chain may be continued: a new writer must be opened before the next own entry, in a commit with
    /// [`Commit::claim_installation`](crate::Commit::claim_installation).
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        !self.witness.doubts.is_empty()
    }

    /// Says which device's chains are its own, and what it needs to begin again should the database be lost, at most 2 KiB
    /// (longer is left out). From now on the head file follows them.
    pub fn follow(&mut self, device: DeviceKey, membership: Vec<OperationHash>, kept: &[u8]) {
        self.witness.device = Some(device);
        if kept.len() <= MAX_KEPT_BYTES {
            kept.clone_into(&mut self.witness.head.kept);
        }
        if !self.is_in_doubt() {
            self.witness.head.membership = membership;
            let own: Vec<WriterId> = self.cache.chains.keys().copied().collect();
            self.witness.note(&self.cache, &own);
        }
    }

    /// The own chains of which more was here than is: what peers are to be asked for.
    #[must_use]
    pub fn missing_tails(&self) -> Vec<MissingTail> {
        let head = &self.witness.head;
        let tails = head.missed.iter().chain(&head.chains).map(|((space, writer), (reached, _))| {
            let held = self.cache.chain(space, writer).map_or(Position::START, |chain| chain.position);
            MissingTail { space: *space, writer: *writer, held, reached: *reached }
        });
        let mut tails: Vec<_> = tails.filter(|tail| tail.held < tail.reached).collect();
        tails.sort_by_key(|tail| (tail.space, tail.writer, std::cmp::Reverse(tail.reached)));
        tails.dedup_by_key(|tail| (tail.space, tail.writer));
        tails
    }

    /// The membership heads that were here and are not.
    ///
    /// # Errors
    /// From the disk.
    pub fn missing_operations(&self) -> Result<Vec<OperationHash>, StoreError> {
        missing_operations(&self.witness.head, &self.database)
    }

    /// Makes durable how far the own chains reach. To be called before an own entry leaves the device: whatever happens
    /// to the database afterwards, this device then knows that it gave out more than it holds. Cheap where nothing was
    /// added since the last time.
    ///
    /// # Errors
    /// [`StoreError::Full`] and [`StoreError::Io`]; then nothing may leave.
    pub fn witness(&mut self) -> Result<(), StoreError> {
        if self.witness.own_unsynced {
            self.witness.file.sync(&mut self.witness.head)?;
            self.witness.own_unsynced = false;
        }
        Ok(())
    }
}

impl Witness {
    /// At closing: the disk has what was written last, and a slot that was damaged is made anew.
    pub(crate) fn close(&mut self) -> Result<(), StoreError> {
        let heal = self.found == Found::OneSlot;
        if (self.used && !self.file.is_synced()) || heal {
            self.file.sync(&mut self.head)?;
        }
        self.file.close(&self.head)
    }

    /// What speaks in a commit of the doubts: the setting to write, empty to remove it.
    pub(crate) fn noted(&self, claims: bool) -> Option<(&'static str, &'static [u8])> {
        if claims {
            return Some((DOUBT, b""));
        }
        (!self.doubts.is_empty()).then_some((DOUBT, b"1"))
    }

    /// The owner has opened a new writer: what the database holds is where this device goes on from, and what the head
    /// file named beyond it is missed from now on.
    pub(crate) fn claimed(&mut self, cache: &Cache, missing: &[OperationHash]) {
        self.doubts.clear();
        self.file.settle(&mut self.head);
        for (place, reach) in std::mem::take(&mut self.head.chains) {
            let chain = cache.chain(&place.0, &place.1);
            if chain.is_none_or(|chain| chain.position < reach.0) {
                let missed = self.head.missed.entry(place).or_insert(reach);
                *missed = (*missed).max(reach);
            }
        }
        self.head.membership.retain(|head| !missing.contains(head));
        let own: Vec<WriterId> = cache.chains.keys().copied().collect();
        self.note(cache, &own);
    }
}
