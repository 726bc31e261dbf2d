//! Files on their way between devices. The sealed chunks travel as they are; a file is named by the document that records
//! it and its form. Part 0 of a file is the table of its chunks, part n its chunk n - 1.

use std::collections::BTreeSet;

use firsthand_ids::{ContentHash, DocumentId};
use firsthand_record::VariantKind;
use firsthand_store::{
    Arrived, AttachmentSecret, Attachments, CHUNK_BYTES, ChunkTable, Commit, FileAt, Receiving, StoreError,
    form_number, form_of_number,
};
use firsthand_sync::{FileId, Input, MAX_WANTED, Pending, Refusal, Wanted};

use super::{FormUse, Ledger, LinkKind};
use crate::NodeError;
use crate::meeting::{Answer, Change};

/// Work on a file that arrives which takes as long as the file is: done beside the ledger's thread, so that nobody waits.
#[derive(Debug)]
pub struct FileWork {
    file: FileId,
    hash: ContentHash,
    step: Step,
}

#[derive(Debug)]
enum Step {
    /// Look what is here of it.
    TakeUp { attachments: Attachments, secret: AttachmentSecret, table: ChunkTable },
    /// A file of one chunk has come: keep it, and compare the whole.
    Take { attachments: Attachments, secret: AttachmentSecret, table: ChunkTable, chunk: Vec<u8> },
    /// Everything has come: compare the whole, and put it in its place.
    Finish(Receiving),
}

/// What came of it.
#[derive(Debug)]
pub struct FileDone {
    file: FileId,
    result: Result<Arrived, StoreError>,
}

impl FileWork {
    /// Which file.
    #[must_use]
    pub const fn file(&self) -> FileId {
        self.file
    }

    /// Does it.
    #[must_use]
    pub fn run(self) -> FileDone {
        let Self { file, hash, step } = self;
        let receiving = match step {
            Step::TakeUp { attachments, secret, table } => attachments.receive(&secret, table),
            Step::Take { attachments, secret, table, chunk } => {
                attachments.receive(&secret, table).and_then(|mut receiving| {
                    receiving.put(0, &chunk)?;
                    Ok(receiving)
                })
            }
            Step::Finish(receiving) => Ok(receiving),
        };
        let result = receiving.and_then(|receiving| {
            let lacks = receiving.missing().next().is_some();
            if lacks { Ok(Arrived::Damaged(receiving)) } else { receiving.finish(&hash) }
        });
        FileDone { file, result }
    }
}

impl FileDone {
    /// Which file.
    pub(super) const fn file(&self) -> FileId {
        self.file
    }

    /// The work on a file was lost with the thread that did it.
    #[must_use]
    pub fn lost(file: FileId) -> Self {
        Self { file, result: Err(StoreError::Stopped) }
    }
}

/// What storing a part of a file led to.
pub(super) enum StoredPart {
    /// The first of the parts that are missing; none: the file is complete and its hash is right.
    Missing(Vec<u32>),
    /// There is work to do first.
    Work(Box<FileWork>),
}

impl Ledger {
    /// The files and smaller forms of files that are recorded and not complete here, most wanted first, whether they are asked for
    /// or not ([`Ledger::may_travel`]).
    pub(super) fn missing_files(&self) -> Result<Vec<FileAt>, NodeError> {
        let files = self.store.attachments();
        let mut missing = self.store.missing_evidence()?;
        missing.retain(|file| {
            !self.untrue.contains(&file_id(file)) && !files.is_refused(&file.secret, &file.hash)
        });
        Ok(missing)
    }

    /// How many of the files that are recorded here are not complete; with its smaller forms a file counts once.
    pub(super) fn count_missing_files(&self) -> Result<u64, NodeError> {
        Ok(count(&self.missing_files()?))
    }

    /// What this device misses besides entries, and what to ask peers for. What the policy does not ask for is not missed: two who hold
    /// all else are complete.
    pub(super) fn missing(&self) -> Result<(Pending, Vec<Wanted>), NodeError> {
        let mut missing = self.missing_files()?;
        missing.retain(|file| self.may_travel(LinkKind::Nearby, file.form, file.byte_len));
        // What there is no room for is missed all the same.
        let files = count(&missing);
        let wanted = self.fitting(missing).into_iter().map(|file| {
            let short = (file.byte_len <= CHUNK_BYTES as u64).then_some(file.byte_len);
            Wanted { space: file.space, file: file_id(&file), from: u32::from(short.is_some()), short }
        });
        Ok((Pending { waiting: self.store.waiting()?, files }, wanted.collect()))
    }

    /// What is asked for from devices nearby and does not fit onto the disk.
    pub(super) fn without_room(&self) -> Result<FormUse, NodeError> {
        let mut missing = self.missing_files()?;
        missing.retain(|file| self.may_travel(LinkKind::Nearby, file.form, file.byte_len));
        let fitting: BTreeSet<_> = self.fitting(missing.clone()).iter().map(file_id).collect();
        missing.retain(|file| !fitting.contains(&file_id(file)));
        let mut left = FormUse::default();
        missing.iter().for_each(|file| left.add(file.byte_len));
        Ok(left)
    }

    /// Of missing files those that the disk has room for, together and in this order.
    pub(super) fn fitting(&self, mut missing: Vec<FileAt>) -> Vec<FileAt> {
        let mut room = self.room();
        missing.retain(|file| {
            let takes = match self.receiving.get(&file_id(file)) {
                Some(receiving) => receiving.missing().count() as u64 * CHUNK_BYTES as u64,
                None => file.byte_len,
            };
            let fits = takes <= room;
            room -= if fits { takes } else { 0 };
            fits
        });
        missing
    }

    /// Part of a file for a peer.
    pub(super) fn load_part(&self, file: &FileId, part: u32) -> Option<(u32, Vec<u8>)> {
        let load = || -> Result<Option<(u32, Vec<u8>)>, NodeError> {
            let secrets = self.secrets(&file.document)?;
            let secret = secrets.as_ref().and_then(|secrets| secrets.form(form_of_number(file.form)?));
            let Some(secret) = secret else { return Ok(None) };
            let files = self.store.attachments();
            let table = files.table(secret)?;
            let total = table.chunks() + 1;
            let bytes = match part.checked_sub(1) {
                None => table.encode(),
                Some(chunk) => files.chunk(secret, chunk)?,
            };
            Ok(Some((total, bytes)))
        };
        load().unwrap_or_else(|error| {
            tracing::info!(%error, "a file that was asked for is not to be had here");
            None
        })
    }

    /// Stores part of a file that a peer sent.
    pub(super) fn store_part(
        &mut self,
        file: &FileId,
        part: u32,
        total: u32,
        bytes: &[u8],
    ) -> Result<StoredPart, Refusal> {
        self.try_store_part(file, part, total, bytes).map_err(|error| refusal(&error))
    }

    fn try_store_part(
        &mut self,
        file: &FileId,
        part: u32,
        total: u32,
        bytes: &[u8],
    ) -> Result<StoredPart, NodeError> {
        let mismatch = || NodeError::Store(StoreError::AttachmentMismatch);
        // What another link is completing is left to it.
        if self.untrue.contains(file) || self.working.contains(file) {
            return Ok(StoredPart::Missing(Vec::new()));
        }
        let Some(form) = form_of_number(file.form) else { return Ok(StoredPart::Missing(Vec::new())) };
        let Some(missing) = self.store.missing_file(&file.document, form)? else {
            return Ok(StoredPart::Missing(Vec::new()));
        };
        let FileAt { hash, byte_len, secret, .. } = missing;
        // Something else has filled the disk meanwhile. What has come stays, and it is asked for again once there is room.
        if self.room() < bytes.len() as u64 {
            tracing::info!("no room for files");
            return Ok(StoredPart::Missing(Vec::new()));
        }
        let begun = self.receiving.contains_key(file);
        let step = match part.checked_sub(1) {
            None => {
                let table = ChunkTable::decode(bytes, &secret)?;
                if table.chunks() + 1 != total {
                    return Err(mismatch());
                }
                if table.byte_len() != byte_len {
                    self.give_up(*file);
                    return Ok(StoredPart::Missing(Vec::new()));
                }
                self.receiving.remove(file);
                Step::TakeUp { attachments: self.store.attachments(), secret, table }
            }
            // The only chunk of a file whose table did not travel.
            Some(0) if !begun && total == 2 => {
                let Ok(table) = ChunkTable::of_chunk(bytes, byte_len, &secret) else {
                    // Not the file's chunk, or not its length: its table will tell whose fault that is.
                    return Ok(StoredPart::Missing(vec![0]));
                };
                let attachments = self.store.attachments();
                Step::Take { attachments, secret, table, chunk: bytes.to_vec() }
            }
            // More chunks than its record says. The table will tell whose fault that is.
            Some(0) if !begun => return Ok(StoredPart::Missing(vec![0])),
            Some(chunk) => {
                let receiving = self.receiving.get_mut(file).ok_or_else(mismatch)?;
                receiving.put(chunk, bytes)?;
                let missing = parts(receiving);
                if !missing.is_empty() {
                    return Ok(StoredPart::Missing(missing));
                }
                Step::Finish(self.receiving.remove(file).ok_or_else(mismatch)?)
            }
        };
        self.working.insert(*file);
        Ok(StoredPart::Work(Box::new(FileWork { file: *file, hash, step })))
    }

    /// Takes in what came of work on a file, and answers the link that sent its last part.
    pub fn file_done(&mut self, done: FileDone) -> Answer {
        let file = done.file;
        let (result, change) = self.file_came(done);
        Answer::Session { input: Input::ChunkStored { file, result }, change, entries: 0 }
    }

    /// The first of the parts that are missing, none where the file is complete or given up; and what changed.
    pub(super) fn file_came(&mut self, done: FileDone) -> (Result<Vec<u32>, Refusal>, Change) {
        self.working.remove(&done.file);
        let result = self.take_file(done).map_err(|error| refusal(&error));
        let complete = result.as_ref().is_ok_and(Vec::is_empty);
        let change = if complete { self.received() } else { Change::default() };
        (result, change)
    }

    fn take_file(&mut self, done: FileDone) -> Result<Vec<u32>, NodeError> {
        match done.result {
            Ok(Arrived::Whole(sealed)) => {
                let mut commit = Commit::new(self.space);
                commit.attachments.push(sealed);
                self.store.commit(commit)?;
                if done.file.form == form_number(VariantKind::Original) {
                    self.telling.arrived(done.file.document);
                }
                Ok(Vec::new())
            }
            Ok(Arrived::Damaged(receiving)) => {
                let missing = parts(&receiving);
                self.receiving.insert(done.file, receiving);
                Ok(missing)
            }
            // Every part was the one that the author sealed, so not the peer but the record is wrong.
            Err(StoreError::AttachmentMismatch) => {
                self.give_up(done.file);
                Ok(Vec::new())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A record that names another content than its file has. The file is not asked for again, and the meeting goes on.
    pub(super) fn give_up(&mut self, file: FileId) {
        tracing::warn!(file = %file.document.short(), form = file.form, "a file is not what its record says");
        self.receiving.remove(&file);
        self.untrue.insert(file);
    }
}

/// The first parts that a file lacks: enough for all who may bring some at once.
fn parts(receiving: &Receiving) -> Vec<u32> {
    receiving.missing().take(MAX_WANTED).map(|chunk| chunk + 1).collect()
}

fn file_id(missing: &FileAt) -> FileId {
    FileId { document: missing.document, form: form_number(missing.form) }
}

/// Of how many files something is missing.
fn count(missing: &[FileAt]) -> u64 {
    missing.iter().map(|file| file.document).collect::<BTreeSet<DocumentId>>().len() as u64
}

fn refusal(error: &NodeError) -> Refusal {
    tracing::warn!(%error, "refused part of a file");
    match error {
        NodeError::Store(StoreError::AttachmentMismatch | StoreError::AttachmentAbsent) => {
            Refusal::Misbehaved
        }
        _ => Refusal::Storage,
    }
}
