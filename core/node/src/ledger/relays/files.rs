//! Files at relays: which are to be fetched and brought, and which are known to be there.

use std::collections::BTreeMap;

use firsthand_ids::{ContentHash, DocumentId, MailboxId};
use firsthand_log::LogError;
use firsthand_log::codec::{Reader, Writer};
use firsthand_store::{CHUNK_BYTES, ChunkTable, FileAt, StoreError, form_number, form_of_number};
use firsthand_sync::FileId;
use rand_core::CryptoRng;

use crate::NodeError;
use crate::ledger::transfer::{FileDone, FileWork, StoredPart};
use crate::ledger::{Forms, Ledger, LinkKind, Now};
use crate::meeting::Change;
use crate::relay::{Answer, Question, RelayFile, Standing, Took, Way};

const VERSION: u8 = 1;
/// The most files that are noted of one mailbox.
const MAX_FILES: usize = 1 << 20;
const DAY_MS: i64 = 24 * 60 * 60_000;
/// A file that was brought so many days ago or less is looked for on each connection: a relay that comes back from a backup has lost
/// what is newest.
const NEW_DAYS: u16 = 1;
/// After so many days it is looked for again: a relay drops chunks after 90.
const OLD_DAYS: u16 = 30;

/// The setting that holds which files are at a mailbox.
pub(super) fn setting(mailbox: &MailboxId) -> String {
    format!("relay.files.{mailbox}")
}

/// Files that are known to be at a mailbox, and the day on which that was found, counted from 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FilesThere(BTreeMap<FileId, u16>);

impl FilesThere {
    pub(super) fn contains(&self, file: &FileId) -> bool {
        self.0.contains_key(file)
    }

    /// Takes note of files; a day that was noted stays until it is old.
    fn note(&mut self, files: &[FileId], today: u16) {
        for file in files {
            let day = self.0.entry(*file).or_insert(today);
            if today.saturating_sub(*day) >= OLD_DAYS {
                *day = today;
            }
        }
    }

    /// Whether it is certain enough that a file is there that it is not looked for.
    fn is_certain(&self, file: &FileId, today: u16) -> bool {
        self.0.get(file).is_some_and(|day| (NEW_DAYS + 1..OLD_DAYS).contains(&today.saturating_sub(*day)))
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.byte(VERSION).number(self.0.len() as u64);
        for (file, day) in &self.0 {
            out.fixed(file.document).byte(file.form).number((*day).into());
        }
        out.into_bytes()
    }

    /// Reads it; what cannot be read is looked for at the relay again.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let read = || -> Result<Self, LogError> {
            let mut reader = Reader::new(bytes);
            if reader.byte("version")? != VERSION {
                return Err(LogError::Newer { what: "files at a mailbox" });
            }
            let mut files = BTreeMap::new();
            for _ in 0..reader.count(MAX_FILES, "files")? {
                let document = DocumentId::new(reader.array("document")?);
                let file = FileId { document, form: reader.byte("form")? };
                files.insert(file, reader.number("day")?.try_into().unwrap_or_default());
            }
            reader.finish("files at a mailbox")?;
            Ok(Self(files))
        };
        read().ok()
    }
}

/// The day, counted from 1970.
pub(super) fn day(now: Now) -> u16 {
    (now.at.0 / DAY_MS).clamp(0, u16::MAX.into()) as u16
}

/// An answer to attachments, or what has to be done before there is one.
pub enum RelayAnswering {
    /// The answer, where there is one.
    Now(Option<Answer>),
    /// Long work on a file. Do it beside the ledger's thread and hand what comes of it to [`Ledger::relay_work_done`].
    After(RelayWork),
}

/// Long work on a file that came from a relay.
#[derive(Debug)]
pub struct RelayWork {
    work: Box<FileWork>,
    name: ContentHash,
}

/// What came of it.
#[derive(Debug)]
pub struct RelayDone {
    done: FileDone,
    name: ContentHash,
}

impl RelayWork {
    /// Does it.
    #[must_use]
    pub fn run(self) -> RelayDone {
        RelayDone { done: self.work.run(), name: self.name }
    }

    /// The file, and the name of the part that came.
    #[must_use]
    pub const fn named(&self) -> (FileId, ContentHash) {
        (self.work.file(), self.name)
    }
}

impl RelayDone {
    /// The work was lost with the thread that did it.
    #[must_use]
    pub fn lost((file, name): (FileId, ContentHash)) -> Self {
        Self { done: FileDone::lost(file), name }
    }
}

impl Ledger {
    /// Answers a question of attachments, however long that takes; some need no answer.
    pub fn answer_relay(&mut self, question: Question, now: Now, rng: &mut dyn CryptoRng) -> Option<Answer> {
        match self.begin_answer_relay(question, now, rng) {
            RelayAnswering::Now(answer) => answer,
            RelayAnswering::After(work) => Some(self.relay_work_done(work.run())),
        }
    }

    /// Answers a question of attachments, or says what is to be done first.
    pub fn begin_answer_relay(
        &mut self,
        question: Question,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> RelayAnswering {
        RelayAnswering::Now(match question {
            Question::Files(mailbox) => {
                let files = self.relay_files(&mailbox, now);
                let files =
                    files.inspect_err(|error| tracing::error!(%error, "which files matter is unknown"));
                Some(Answer::Files(files.unwrap_or_default()))
            }
            Question::NameParts(mailbox, file) => {
                let names = self.name_parts(&mailbox, &file).unwrap_or_else(|error| {
                    tracing::info!(%error, "a file cannot be brought to a relay");
                    Vec::new()
                });
                Some(Answer::Named(file, names))
            }
            Question::LoadPart { mailbox, file, part, name } => {
                let loaded = self.load_for_relay(&mailbox, &file, part);
                let loaded = loaded.inspect_err(
                    |error| tracing::info!(%error, "part of a file cannot be brought to a relay"),
                );
                Some(Answer::Loaded(name, loaded.ok().flatten()))
            }
            Question::TakePart { file, part, name, sealed, .. } => {
                let took = match self.take_part(&file, part, &sealed) {
                    Ok(Ok(took)) => took,
                    Ok(Err(work)) => return RelayAnswering::After(RelayWork { work, name }),
                    Err(error) => {
                        tracing::warn!(%error, "part of a file from a relay could not be kept");
                        Took::Failed
                    }
                };
                Some(Answer::Took { name, took, change: Change::default() })
            }
            Question::AtRelay(mailbox, files) => {
                if let Some(known) = self.relays.known.get_mut(&mailbox) {
                    known.files.note(&files, day(now));
                }
                self.keep_files(&mailbox);
                None
            }
            Question::Floor(..)
            | Question::Snapshot { .. }
            | Question::TakeBlob(..)
            | Question::LoadBlob(..)
            | Question::Brought(..)
            | Question::Settled(..) => self.answer_about_snapshots(question, now),
            question => self.answer_about_words(question, now, rng),
        })
    }

    /// Takes in what came of work on a file.
    pub fn relay_work_done(&mut self, done: RelayDone) -> Answer {
        let RelayDone { done, name } = done;
        let file = done.file();
        let (result, change) = self.file_came(done);
        let took = match result {
            Ok(missing) if !missing.is_empty() => self.missing_parts(&file),
            Ok(_) if self.untrue.contains(&file) => Took::NotWanted,
            Ok(_) => Took::Whole,
            Err(_) => Took::Failed,
        };
        Answer::Took { name, took, change }
    }

    /// Which files are to be fetched from a mailbox, and brought to it, in the order in which they matter: short forms before long ones,
    /// and of those what is held here first, since here alone it may be.
    fn relay_files(&self, mailbox: &MailboxId, now: Now) -> Result<Vec<RelayFile>, NodeError> {
        let Some(known) = self.relays.known.get(mailbox) else { return Ok(Vec::new()) };
        let space = known.space;
        let travels = |form, byte_len| self.may_travel(LinkKind::Relay, form, byte_len);
        let mut files = Vec::new();
        if known.standing == Standing::Current {
            for held in self.store.held_files()? {
                let file = FileId { document: held.document, form: form_number(held.form) };
                if held.space == space
                    && travels(held.form, held.byte_len)
                    && !known.files.is_certain(&file, day(now))
                {
                    files.push((held.form, relay_file(&held, Way::Up)));
                }
            }
        }
        let mut missing = self.missing_files()?;
        missing.retain(|file| travels(file.form, file.byte_len));
        for missing in self.fitting(missing) {
            let file = FileId { document: missing.document, form: form_number(missing.form) };
            if missing.space == space && !self.working.contains(&file) {
                files.push((missing.form, relay_file(&missing, Way::Down)));
            }
        }
        files.sort_by_key(|(form, it)| (Forms::of(*form, it.byte_len), it.way));
        Ok(files.into_iter().map(|(_, it)| it).collect())
    }

    /// What the parts of a file are called that is to be brought: none where it is not held whole, or is of another space.
    fn name_parts(&self, mailbox: &MailboxId, file: &FileId) -> Result<Vec<(u32, ContentHash)>, NodeError> {
        let Some(secrets) = self.secrets_for(mailbox, file)? else { return Ok(Vec::new()) };
        let secret = form_of_number(file.form).and_then(|form| secrets.form(form));
        let Some(secret) = secret else { return Ok(Vec::new()) };
        Ok(self.store.attachments().names_at_relays(secret)?)
    }

    fn load_for_relay(
        &self,
        mailbox: &MailboxId,
        file: &FileId,
        part: u32,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        let Some(secrets) = self.secrets_for(mailbox, file)? else { return Ok(None) };
        let secret = form_of_number(file.form).and_then(|form| secrets.form(form));
        let Some(secret) = secret else { return Ok(None) };
        Ok(Some(self.store.attachments().part_at_relays(secret, part)?))
    }

    /// What opens a file, if it belongs to the space of a mailbox.
    fn secrets_for(
        &self,
        mailbox: &MailboxId,
        file: &FileId,
    ) -> Result<Option<firsthand_store::FileSecrets>, NodeError> {
        let Some(known) = self.relays.known.get(mailbox) else { return Ok(None) };
        let row = self.store.evidence(&file.document)?;
        if row.is_none_or(|row| row.space != known.space) {
            return Ok(None);
        }
        self.secrets(&file.document)
    }

    /// Keeps part of a file that came from a relay and has the name that its root, or its record, gives it. `Err`: there is work to do
    /// first.
    fn take_part(
        &mut self,
        file: &FileId,
        part: u32,
        sealed: &[u8],
    ) -> Result<Result<Took, Box<FileWork>>, NodeError> {
        let missing = match form_of_number(file.form) {
            Some(form) => self.store.missing_file(&file.document, form)?,
            None => None,
        };
        // It came meanwhile, from a device that was met, or its key was destroyed.
        let Some(missing) = missing else { return Ok(Ok(Took::NotWanted)) };
        if self.working.contains(file) {
            return Ok(Ok(Took::Failed));
        }
        let stored = if part == 0 {
            match ChunkTable::of_root(sealed, &missing.secret) {
                Ok(table) => self.store_part(file, 0, table.chunks() + 1, &table.encode()),
                Err(StoreError::AttachmentMismatch) => {
                    // The record names this root, so it is the record that is wrong.
                    self.give_up(*file);
                    return Ok(Ok(Took::NotWanted));
                }
                Err(error) => return Err(error.into()),
            }
        } else if let Some(receiving) = self.receiving.get(file) {
            let total = receiving.chunks() + 1;
            self.store_part(file, part, total, sealed)
        } else if missing.byte_len <= CHUNK_BYTES as u64 {
            self.store_part(file, part, 2, sealed)
        } else {
            // A device that was met began with it anew.
            return Ok(Ok(Took::Failed));
        };
        Ok(match stored {
            Ok(StoredPart::Work(work)) => Err(work),
            // It has the name that the record gives it, so it is the record that is wrong.
            Ok(StoredPart::Missing(missing)) if missing.first() == Some(&0) => {
                self.give_up(*file);
                Ok(Took::NotWanted)
            }
            Ok(StoredPart::Missing(missing)) if missing.is_empty() => Ok(Took::NotWanted),
            Ok(StoredPart::Missing(_)) => Ok(Took::Kept),
            Err(_) => Ok(Took::Failed),
        })
    }

    fn missing_parts(&self, file: &FileId) -> Took {
        let Some(receiving) = self.receiving.get(file) else { return Took::Failed };
        Took::Missing(receiving.missing_names().map(|(chunk, name)| (chunk + 1, name)).collect())
    }

    /// Keeps which files are at a mailbox.
    pub(super) fn keep_files(&mut self, mailbox: &MailboxId) {
        let Some(known) = self.relays.known.get_mut(mailbox) else { return };
        if known.files == known.files_kept {
            return;
        }
        known.files_kept = known.files.clone();
        let bytes = known.files.encode();
        if let Err(error) = self.keep_setting(setting(mailbox), bytes) {
            // Only time is lost: the relay is asked again.
            tracing::warn!(%error, "which files a relay has is forgotten");
        }
    }
}

fn relay_file(it: &FileAt, way: Way) -> RelayFile {
    let file = FileId { document: it.document, form: form_number(it.form) };
    RelayFile { file, root: ContentHash::new(it.secret.root), byte_len: it.byte_len, way }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_comes_back_and_grows_old() {
        let file = |number: u8| FileId { document: DocumentId::new([number; 16]), form: number };
        let mut there = FilesThere::default();
        there.note(&[file(1), file(2)], 20_000);
        let bytes = there.encode();
        assert_eq!(FilesThere::decode(&bytes), Some(there.clone()));
        for len in 0..bytes.len() {
            assert_eq!(FilesThere::decode(&bytes[..len]), None, "{len}");
        }
        // While it is new it may be lost with a backup, and when it is old it may have been dropped.
        for (today, certain) in
            [(20_000, false), (20_001, false), (20_002, true), (20_029, true), (20_030, false)]
        {
            assert_eq!(there.is_certain(&file(1), today), certain, "{today}");
        }
        there.note(&[file(1)], 20_010);
        assert!(!there.is_certain(&file(1), 20_030), "found again, it is not any newer");
        there.note(&[file(1)], 20_030);
        assert!(there.is_certain(&file(1), 20_040));
        assert!(!there.is_certain(&file(3), 20_010));
    }
}
