use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::Path;

use firsthand_ids::{
    ChangeHash, ContentHash, DocumentId, EntryHash, OperationHash, Position, SpaceId, WriterId,
};
use firsthand_log::{Batch, References, SignedHead, Tip, Vector};
use rand_core::CryptoRng;

use crate::*;

/// An open store.
pub struct Store {
    home: Home,
}

/// How much [`Store::batch_for`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Entries.
    pub entries: usize,
    /// Bytes of bodies and detached parts.
    pub bytes: usize,
}

impl Store {
    /// Makes the store of a new home. With [`Unlock::RawKey`] the home gets no passphrase.
    pub fn create(
        home: Home,
        unlock: Unlock<'_>,
        vault: &dyn KeyVault,
        options: SlotOptions,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, StoreError> {
        todo!()
    }

    /// Opens the store of a home.
    pub fn open(home: Home, unlock: Unlock<'_>, vault: &dyn KeyVault) -> Result<Self, StoreError> {
        todo!()
    }

    /// Closes the database and wipes the keys. The home stays held, so that unlocking needs no second process check.
    pub fn lock(self) -> Result<Home, StoreError> {
        todo!()
    }

    /// Replaces the passphrase; the old one must be right. Adds one to a home that was made with a raw key.
    pub fn change_passphrase(
        &mut self,
        old: Unlock<'_>,
        new: &str,
        vault: &dyn KeyVault,
        options: SlotOptions,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// The home's folder.
    pub fn dir(&self) -> &Path {
        self.home.dir()
    }

    /// Whether this is a copy of the home or one restored from a backup: then a new writer must be opened before the
    /// next edit, in a commit with [`Commit::claim_installation`].
    pub fn is_new_installation(&self) -> bool {
        todo!()
    }

    /// A local setting, never exchanged.
    pub fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        todo!()
    }

    /// Writes a local setting, in a transaction of its own; an empty value removes it.
    pub fn set_setting(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        todo!()
    }

    /// All membership operations in the order in which they were added.
    pub fn operations(&self) -> Result<Vec<(OperationHash, Vec<u8>)>, StoreError> {
        todo!()
    }

    /// What is held of a space. Kept in memory.
    pub fn vector(&self, space: &SpaceId) -> Vector {
        todo!()
    }

    /// The spaces that entries are held of.
    pub fn spaces(&self) -> Vec<SpaceId> {
        todo!()
    }

    /// Where a chain stands. Kept in memory.
    pub fn tip(&self, space: &SpaceId, writer: &WriterId) -> Option<Tip> {
        todo!()
    }

    /// The hash of an entry, for comparing with what a peer claims.
    pub fn entry_hash_at(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        position: Position,
    ) -> Result<Option<EntryHash>, StoreError> {
        todo!()
    }

    /// The kept signature at or next after a position.
    pub fn head_from(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        position: Position,
    ) -> Result<Option<SignedHead>, StoreError> {
        todo!()
    }

    /// Entries that `receiver` lacks, in the order in which they were kept here, each writer's part cut at the last
    /// kept signature within the limits, but at least one such part, however long. `None` where it lacks nothing
    /// (that is not in `exclude`).
    pub fn batch_for(
        &self,
        space: &SpaceId,
        receiver: &Vector,
        limits: BatchLimits,
        exclude: &BTreeSet<WriterId>,
    ) -> Result<Option<Batch>, StoreError> {
        todo!()
    }

    /// How much is here.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        todo!()
    }

    /// The log of one space as the lean encoding looks it up.
    pub fn references(&self, space: &SpaceId) -> SpaceReferences<'_> {
        todo!()
    }

    /// Which entry carries a change, and who made it.
    pub fn author(&self, change: &ChangeHash) -> Result<Option<EntryInfo>, StoreError> {
        todo!()
    }

    /// An entry.
    pub fn entry(&self, writer: &WriterId, position: Position) -> Result<Option<StoredEntry>, StoreError> {
        todo!()
    }

    /// Entries of a chain from a position on, at most `limit`; for reading whole chains piece by piece.
    pub fn entries(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        from: Position,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        todo!()
    }

    /// All kept signatures of a chain from a position on, at most `limit`.
    pub fn heads(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        from: Position,
        limit: usize,
    ) -> Result<Vec<SignedHead>, StoreError> {
        todo!()
    }

    /// A document as it was last saved; `None` where none of its entries was applied.
    pub fn document(&self, id: &DocumentId) -> Result<Option<StoredDocument>, StoreError> {
        todo!()
    }

    /// All changes of a document, applied or not, in the order in which they were kept.
    pub fn changes_of(&self, id: &DocumentId) -> Result<Vec<StoredChange>, StoreError> {
        todo!()
    }

    /// The waiting changes of a document, in that order.
    pub fn waiting_of(&self, id: &DocumentId) -> Result<Vec<StoredChange>, StoreError> {
        todo!()
    }

    /// All entries that are not applied, in that order.
    pub fn unsettled(&self) -> Result<Vec<EntryInfo>, StoreError> {
        todo!()
    }

    /// The documents after `after` in the order of their ids, at most `limit`.
    pub fn documents(&self, after: Option<&DocumentId>, limit: usize) -> Result<Vec<DocumentId>, StoreError> {
        todo!()
    }

    /// Saves: one transaction, one wait for the disk. When this returns, it is on the disk; when it fails, nothing is.
    ///
    /// # Errors
    /// [`StoreError::Full`] and [`StoreError::Io`] from the disk, [`StoreError::Gap`] and [`StoreError::Invalid`]
    /// where the commit does not fit what is held.
    pub fn commit(&mut self, commit: Commit) -> Result<Committed, StoreError> {
        todo!()
    }

    /// A page of the list of incidents.
    pub fn incidents(&self, query: &IncidentQuery) -> Result<Vec<IncidentRow>, StoreError> {
        todo!()
    }

    /// One incident's row.
    pub fn incident(&self, id: &DocumentId) -> Result<Option<IncidentRow>, StoreError> {
        todo!()
    }

    /// Incidents by what a person types: a short code (with any number of its prefix's letters), or the beginning of
    /// an id (at least four digits).
    pub fn find_incident(&self, text: &str) -> Result<Vec<IncidentRow>, StoreError> {
        todo!()
    }

    /// The attachments of an incident, oldest first, hidden ones included.
    pub fn evidence_of(&self, incident: &DocumentId) -> Result<Vec<EvidenceRow>, StoreError> {
        todo!()
    }

    /// The incidents in which every word of `text` is found or begins a word, best match first.
    pub fn search(&self, text: &str, limit: usize) -> Result<Vec<IncidentRow>, StoreError> {
        todo!()
    }

    /// Brings at most `max` documents into the full-text index; returns how many still wait.
    pub fn index_pending(&mut self, max: usize) -> Result<u64, StoreError> {
        todo!()
    }

    /// A hash of all rows, equal where the lists are.
    pub fn projection_digest(&self) -> Result<[u8; 32], StoreError> {
        todo!()
    }

    /// Makes all rows and saved documents anew from the log, in one transaction. `derive` is called for every
    /// document with its changes; it returns what a commit would have said of it, or `None` where nothing is applied.
    pub fn rebuild<E: From<StoreError>>(
        &mut self,
        mode: Rebuild,
        derive: impl FnMut(&DocumentId, Vec<StoredChange>) -> Result<Option<DocumentUpdate>, E>,
    ) -> Result<Rebuilt, E> {
        todo!()
    }

    /// Seals a file: streamed, in bounded memory, durable when this returns. `progress` hears the bytes done.
    pub fn add_attachment(
        &self,
        reader: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
        rng: &mut dyn CryptoRng,
    ) -> Result<SealedAttachment, StoreError> {
        todo!()
    }

    /// Writes a file's plain bytes to `out`. The content's hash is compared at the end: on an error discard `out`.
    pub fn read_attachment(
        &self,
        secret: &AttachmentSecret,
        hash: &ContentHash,
        out: &mut dyn Write,
    ) -> Result<u64, StoreError> {
        todo!()
    }

    /// Reads a file from end to end and compares everything.
    pub fn verify_attachment(
        &self,
        secret: &AttachmentSecret,
        hash: &ContentHash,
    ) -> Result<u64, StoreError> {
        todo!()
    }

    /// How much of a file is here.
    pub fn attachment_state(&self, secret: &AttachmentSecret) -> Result<AttachmentState, StoreError> {
        todo!()
    }

    /// The chunk table of a file that is complete here.
    pub fn attachment_table(&self, secret: &AttachmentSecret) -> Result<ChunkTable, StoreError> {
        todo!()
    }

    /// A sealed chunk of a file that is complete here, for a peer.
    pub fn attachment_chunk(&self, secret: &AttachmentSecret, chunk: u32) -> Result<Vec<u8>, StoreError> {
        todo!()
    }

    /// Begins or takes up receiving a file. The table is a peer's, checked by [`ChunkTable::decode`].
    pub fn receive_attachment(
        &self,
        secret: &AttachmentSecret,
        table: ChunkTable,
    ) -> Result<Receiving, StoreError> {
        todo!()
    }

    /// Checks the stored bytes: every page of the database, its structure, every chunk of every attachment. Chains
    /// are not checked here; read them with [`Store::entries`].
    pub fn check(&self, progress: &mut dyn FnMut(CheckProgress)) -> Result<CheckReport, StoreError> {
        todo!()
    }
}

/// The log of one space as the lean encoding looks it up.
pub struct SpaceReferences<'a> {
    _store: &'a Store,
}

impl References for SpaceReferences<'_> {
    fn locate_change(&self, change: &ChangeHash) -> Option<(WriterId, Position)> {
        todo!()
    }

    fn locate_document(&self, document: &DocumentId) -> Option<(WriterId, Position)> {
        todo!()
    }

    fn change_at(&self, writer: &WriterId, position: Position) -> Option<ChangeHash> {
        todo!()
    }

    fn document_at(&self, writer: &WriterId, position: Position) -> Option<DocumentId> {
        todo!()
    }
}
