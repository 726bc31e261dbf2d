//! The one write path: everything of a [`Commit`] in one transaction.

mod checklist;
mod document;
mod entry;
mod evidence;
mod incident;
mod roster;

use std::cell::RefCell;
use std::collections::BTreeMap;

use firsthand_ids::{DocumentId, Position, SpaceId, WriterId};
use firsthand_log::SignedHead;
use firsthand_log::compress::DocumentPacker;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use crate::cache::{Cache, Chain};
use crate::commit::{AsideReason, Commit, Committed};
use crate::home::ATTACHMENTS;
use crate::store::{COMMITS, INSTALLATION, OWN_SETTINGS, TRIED};
use crate::{Store, StoreError, attachment, database};

/// What a running transaction adds to the [`Cache`], which must not change before it succeeded.
pub(crate) struct Draft<'a> {
    transaction: &'a Transaction<'a>,
    cache: &'a Cache,
    space: SpaceId,
    space_number: Option<i64>,
    chains: BTreeMap<WriterId, (Chain, Signed)>,
    memberships: BTreeMap<i64, Vec<firsthand_ids::OperationHash>>,
    codes: BTreeMap<String, i64>,
    documents: BTreeMap<DocumentId, document::Draft>,
    next_document: Option<i64>,
    numbers: BTreeMap<(WriterId, Position), i64>,
    /// Names of sealed files that go once the transaction is through.
    shredded: RefCell<Vec<String>>,
    packer: Option<DocumentPacker>,
}

/// Whether the newest entry of a chain has a kept signature. Every commit leaves every chain signed, because what is
/// handed to a peer must end at a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signed {
    Yes,
    No,
}

/// The parts of a draft that outlive the transaction.
#[derive(Default)]
pub(crate) struct Additions {
    space: Option<(SpaceId, i64)>,
    chains: BTreeMap<WriterId, (Chain, Signed)>,
    memberships: BTreeMap<i64, Vec<firsthand_ids::OperationHash>>,
    codes: BTreeMap<String, i64>,
    pub(crate) shredded: Vec<String>,
}

impl Store {
    /// Saves: one transaction, one wait for the disk. When this returns, it is on the disk; when it fails, nothing of
    /// it is. A [derived](Commit::derived) commit does not wait: a battery pulled then takes it back, whole.
    ///
    /// # Errors
    /// [`StoreError::Full`] and [`StoreError::Io`] from the disk, [`StoreError::Gap`] and [`StoreError::Invalid`]
    /// where the commit does not fit what is held.
    pub fn commit(&mut self, commit: Commit) -> Result<Committed, StoreError> {
        if !commit.derived {
            return self.write(commit);
        }
        database::wait_for_disk(&self.database, false)?;
        let written = self.write(commit);
        database::wait_for_disk(&self.database, true)?;
        written
    }

    fn write(&mut self, commit: Commit) -> Result<Committed, StoreError> {
        let entries = commit.entries.len();
        let claims = commit.claim_installation;
        let sealed: Vec<_> =
            commit.attachments.iter().map(|sealed| attachment::file_name(&sealed.secret)).collect();
        let membership = commit.membership.clone();
        // What may vanish in a power cut must not be missed: only what waits for the disk is counted.
        let number = (!commit.derived).then_some(self.witness.head.commits + 1);
        let of_roster = commit.documents.iter().any(|update| {
            use crate::ProjectedRow::{CheckIn, Person, Shift};
            matches!(update.row, Some(Person(_) | Shift(_) | CheckIn(_)))
        }) || !commit.reset.is_empty();
        let transaction = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(number) = number {
            write_setting(&transaction, COMMITS, &number.to_le_bytes())?;
        }
        if let Some((key, value)) = self.witness.noted(claims) {
            write_setting(&transaction, key, value)?;
        }
        let mut draft = Draft::new(&transaction, &self.cache, commit.space);
        draft.write(commit, &self.installation)?;
        let mut additions = draft.finish();
        transaction.commit()?;
        let shredded = std::mem::take(&mut additions.shredded);
        self.roster_changes += u64::from(of_roster);
        let touched: Vec<WriterId> = additions.chains.keys().copied().collect();
        additions.enter(&mut self.cache);
        for file in &sealed {
            attachment::settle(&self.home.path(ATTACHMENTS), file);
        }
        self.shred(&shredded);
        if claims {
            // It is saved: what cannot be read now is no failure of the commit.
            let missing = self.missing_operations().unwrap_or_default();
            self.witness.claimed(&self.cache, &missing);
        }
        if let Some(membership) = membership {
            // What is missing of the membership stays named until it has come back.
            if self.missing_operations().is_ok_and(|missing| missing.is_empty()) {
                self.witness.head.membership = membership;
            }
        }
        if let Some(number) = number {
            self.witness.committed(number, &self.cache, &touched);
        }
        Ok(Committed { entries })
    }
}

impl<'a> Draft<'a> {
    pub(crate) fn new(transaction: &'a Transaction<'a>, cache: &'a Cache, space: SpaceId) -> Self {
        Self {
            transaction,
            cache,
            space,
            space_number: cache.spaces.get(&space).copied(),
            chains: BTreeMap::new(),
            memberships: BTreeMap::new(),
            codes: BTreeMap::new(),
            documents: BTreeMap::new(),
            next_document: None,
            numbers: BTreeMap::new(),
            shredded: RefCell::default(),
            packer: None,
        }
    }

    /// What compresses the rows of this transaction. It goes with it, and with it what it has seen.
    fn packer(&mut self) -> Result<&mut DocumentPacker, StoreError> {
        const NO_MEMORY: StoreError = StoreError::Invalid("no memory to compress in");
        match &mut self.packer {
            Some(packer) => Ok(packer),
            none => Ok(none.insert(DocumentPacker::new().map_err(|_| NO_MEMORY)?)),
        }
    }

    fn write(&mut self, commit: Commit, installation: &[u8; 16]) -> Result<(), StoreError> {
        self.operations(&commit.operations)?;
        let mut heads: BTreeMap<(WriterId, Position), SignedHead> =
            commit.heads.into_iter().map(|(writer, head)| ((writer, head.position), head)).collect();
        for new in &commit.entries {
            let head = heads.remove(&(new.writer, new.entry.position));
            self.append(new, head)?;
        }
        for ((writer, _), head) in heads {
            self.sign(&writer, &head)?;
        }
        if self.chains.values().any(|(_, signed)| *signed == Signed::No) {
            return Err(StoreError::Invalid("a chain would end without a signature"));
        }
        for (writer, position, state) in commit.state_changes {
            self.set_state(&writer, position, state)?;
        }
        for (writer, position, effective) in commit.effective {
            self.set_effective(&writer, position, effective)?;
        }
        for id in &commit.reset {
            self.reset(id)?;
        }
        for update in &commit.documents {
            self.update(update)?;
        }
        self.flush_documents()?;
        for update in &commit.documents {
            self.project(update)?;
        }
        for (key, value) in commit.settings {
            self.setting(&key, &value)?;
        }
        for sealed in &commit.attachments {
            let mut insert = self.transaction.prepare_cached(
                "INSERT INTO attachments (file, byte_len, table_hash)
                 SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM shredded WHERE file = ?1) ON CONFLICT DO NOTHING",
            )?;
            let file = attachment::file_name(&sealed.secret);
            let kept = insert.execute(params![file, sealed.byte_len as i64, sealed.secret.table])?;
            // It arrived while its key was destroyed.
            if kept == 0 && self.is_shredded(&file)? {
                self.shredded.borrow_mut().push(file);
            }
        }
        if commit.tried {
            let newest: i64 = self
                .transaction
                .prepare_cached("SELECT coalesce(max(number), 0) FROM entries")?
                .query_row([], |row| row.get(0))?;
            write_setting(self.transaction, TRIED, &newest.to_le_bytes())?;
        }
        for run in &commit.aside {
            self.set_aside(run)?;
        }
        if let Some(heard) = &commit.heard {
            self.note_heard(heard)?;
        }
        if commit.claim_installation {
            write_setting(self.transaction, INSTALLATION, installation)?;
        }
        Ok(())
    }

    /// Keeps a run of another branch. A device that forks without end fills nobody's disk: after so many runs of a chain no
    /// more are kept, since one proves the fork.
    fn set_aside(&self, run: &crate::AsideRun) -> Result<(), StoreError> {
        const MAX_RUNS_OF_WRITER: i64 = 8;
        let reason = match run.reason {
            AsideReason::Fork => 1,
            AsideReason::Gap => 2,
        };
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO aside (reason, space, writer, first, last, hash, run)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
             WHERE ?1 = 2 OR (SELECT count(*) FROM aside WHERE writer = ?3 AND reason = 1) < ?8
             ON CONFLICT DO NOTHING",
        )?;
        insert.execute(params![
            reason,
            run.space.as_bytes(),
            run.writer.as_bytes(),
            run.first.0 as i64,
            run.last.0 as i64,
            run.hash.as_bytes(),
            run.run,
            MAX_RUNS_OF_WRITER
        ])?;
        Ok(())
    }

    fn operations(&self, operations: &[(firsthand_ids::OperationHash, Vec<u8>)]) -> Result<(), StoreError> {
        for (hash, bytes) in operations {
            let mut insert = self.transaction.prepare_cached(
                "INSERT INTO operations (hash, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?;
            insert.execute(params![hash.as_bytes(), bytes])?;
        }
        Ok(())
    }

    fn setting(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        if key.starts_with(OWN_SETTINGS) {
            return Err(StoreError::Invalid("a setting with a name that the store keeps for itself"));
        }
        write_setting(self.transaction, key, value)
    }

    /// The number of the space, which is added with its first entry.
    fn space(&mut self) -> Result<i64, StoreError> {
        if let Some(number) = self.space_number {
            return Ok(number);
        }
        self.transaction.execute("INSERT INTO spaces (id) VALUES (?1)", [self.space.as_bytes()])?;
        let number = self.transaction.last_insert_rowid();
        self.space_number = Some(number);
        Ok(number)
    }

    /// The number of a code, which is added when it is new.
    fn code(&mut self, code: Option<&str>) -> Result<Option<i64>, StoreError> {
        let Some(code) = code else { return Ok(None) };
        if let Some(number) = self.cache.codes.get(code).or_else(|| self.codes.get(code)) {
            return Ok(Some(*number));
        }
        // A draft made earlier in the same transaction may have added it.
        let mut select = self.transaction.prepare_cached("SELECT number FROM codes WHERE code = ?1")?;
        let number = match select.query_row([code], |row| row.get(0)).optional()? {
            Some(number) => number,
            None => {
                self.transaction.prepare_cached("INSERT INTO codes (code) VALUES (?1)")?.insert([code])?
            }
        };
        self.codes.insert(code.to_owned(), number);
        Ok(Some(number))
    }

    /// The number of an entry of this commit or one held before.
    fn number(&self, writer: &WriterId, position: Position) -> Result<Option<i64>, StoreError> {
        if let Some(number) = self.numbers.get(&(*writer, position)) {
            return Ok(Some(*number));
        }
        let Some(chain) = self.cache.chains.get(writer) else { return Ok(None) };
        let mut select = self
            .transaction
            .prepare_cached("SELECT number FROM entries WHERE writer = ?1 AND position = ?2")?;
        Ok(select.query_row(params![chain.number, position.0 as i64], |row| row.get(0)).optional()?)
    }

    pub(crate) fn finish(self) -> Additions {
        Additions {
            space: self.space_number.map(|number| (self.space, number)),
            chains: self.chains,
            memberships: self.memberships,
            codes: self.codes,
            shredded: self.shredded.into_inner(),
        }
    }

    fn is_shredded(&self, file: &str) -> Result<bool, StoreError> {
        let mut select =
            self.transaction.prepare_cached("SELECT EXISTS (SELECT 1 FROM shredded WHERE file = ?1)")?;
        Ok(select.query_row([file], |row| row.get(0))?)
    }
}

impl Additions {
    pub(crate) fn merge(&mut self, later: Self) {
        self.space = later.space.or(self.space);
        self.chains.extend(later.chains);
        self.memberships.extend(later.memberships);
        self.codes.extend(later.codes);
        self.shredded.extend(later.shredded);
    }

    pub(crate) fn enter(self, cache: &mut Cache) {
        cache.spaces.extend(self.space);
        cache.memberships.extend(self.memberships);
        for (code, number) in self.codes {
            cache.add_code(code, number);
        }
        for (writer, (chain, _)) in self.chains {
            cache.set_chain(writer, chain);
        }
    }
}

/// Writes a setting, the store's own included; an empty value removes it.
pub(crate) fn write_setting(
    database: &rusqlite::Connection,
    key: &str,
    value: &[u8],
) -> Result<(), StoreError> {
    if value.is_empty() {
        database.prepare_cached("DELETE FROM settings WHERE key = ?1")?.execute([key])?;
    } else {
        let mut upsert = database.prepare_cached(
            "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?;
        upsert.execute(params![key, value])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
