//! Files that show something: sealed at rest, recorded as documents of kind `evidence`.
//!
//! A file's own key stands in the detached part of the entry that records it. Between devices the sealed chunks travel
//! as they are; a file is named by the document that records it. Part 0 of a file is that table, part n its chunk n - 1.

use std::io::{Read, Write};

use firsthand_document::{Document, DocumentKind};
use firsthand_ids::{ContentHash, DocumentId};
use firsthand_log::Detached;
use firsthand_record::{CapturePath, Evidence};
use firsthand_store::{AttachmentSecret, AttachmentState, ChunkTable, Commit, EvidenceRow, StoreError};
use firsthand_sync::{Pending, Refusal};
use rand_core::CryptoRng;

use super::records::object;
use super::{Ledger, Now};
use crate::NodeError;

/// A file of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentView {
    /// The document that records it.
    pub document: DocumentId,
    /// SHA-256 of its bytes.
    pub hash: ContentHash,
    /// Its length in bytes.
    pub byte_len: u64,
    /// What kind of file it is, found from its first bytes.
    pub mime: String,
    /// What it was called.
    pub name: String,
    /// What it shows.
    pub caption: String,
    /// Whether it is complete on this device.
    pub here: bool,
}

/// What is needed to find the kind of a file: the longest signature looked at ends at byte 12.
const SIGNATURE_BYTES: usize = 16;

impl Ledger {
    /// Seals a file and records it with an incident. `progress` hears the bytes done.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where the incident is not here, [`NodeError::Store`] from the disk.
    #[expect(clippy::too_many_arguments, reason = "each describes the file")]
    pub fn attach(
        &mut self,
        incident: DocumentId,
        file: &mut dyn Read,
        name: &str,
        caption: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
        progress: &mut dyn FnMut(u64),
    ) -> Result<AttachmentView, NodeError> {
        self.created(&incident)?;
        let mut start = Vec::new();
        file.take(SIGNATURE_BYTES as u64).read_to_end(&mut start)?;
        let mime = sniff(&start);
        let sealed = self.store.add_attachment(&mut start.as_slice().chain(file), progress, rng)?;
        let mut evidence = Evidence::new(incident, sealed.hash, sealed.byte_len, mime, CapturePath::Imported);
        evidence.original_name = Some(name.to_owned()).filter(|name| !name.is_empty());
        caption.clone_into(&mut evidence.caption);
        evidence.schema_version = Some(firsthand_record::SCHEMA_VERSION);
        let fields = object(&evidence)?;

        let mut draft = self.draft(now, rng)?;
        let detached = Detached::Present(sealed.secret.encode());
        let (id, document, creator) =
            self.add_document(&mut draft, now, Some(detached), rng, |_, writer| {
                Ok(Document::create(DocumentKind::Evidence, writer, &fields)?)
            })?;
        let update = self.update(id, &document, creator, now.at);
        draft.commit.attachments.push(sealed.clone());
        self.commit_own(draft, vec![update])?;
        self.documents.put(id, document);
        Ok(AttachmentView {
            document: id,
            hash: sealed.hash,
            byte_len: sealed.byte_len,
            mime: mime.to_owned(),
            name: name.to_owned(),
            caption: caption.to_owned(),
            here: true,
        })
    }

    /// The files of an incident, oldest first, without those that a mark hides.
    pub(super) fn attachments(&self, incident: &DocumentId) -> Result<Vec<AttachmentView>, NodeError> {
        let mut views = Vec::new();
        for row in self.store.evidence_of(incident)?.into_iter().filter(|row| !row.evidence.hidden) {
            let here = match self.secret(&row.id)? {
                Some(secret) => {
                    matches!(self.store.attachment_state(&secret)?, AttachmentState::Complete)
                }
                None => false,
            };
            views.push(AttachmentView {
                document: row.id,
                hash: row.evidence.hash,
                byte_len: row.evidence.byte_len,
                mime: row.evidence.mime,
                name: row.evidence.name,
                caption: row.evidence.caption,
                here,
            });
        }
        Ok(views)
    }

    /// Writes a file's plain bytes to `out`; its hash is compared at the end, and after an error `out` is worthless.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where the incident has no such file, [`NodeError::Store`] where it is not complete here
    /// or damaged.
    pub fn read_attachment(
        &self,
        incident: &DocumentId,
        name: &str,
        out: &mut dyn Write,
    ) -> Result<u64, NodeError> {
        let typed = name.to_ascii_lowercase();
        let views = self.attachments(incident)?;
        let found = views.iter().find(|view| view.name == name).or_else(|| {
            views.iter().find(|view| typed.len() >= 4 && view.hash.to_string().starts_with(&typed))
        });
        let view = found.ok_or_else(|| NodeError::NotFound(name.to_owned()))?;
        let secret = self.secret(&view.document)?.ok_or_else(|| NodeError::NotFound(name.to_owned()))?;
        Ok(self.store.read_attachment(&secret, &view.hash, out)?)
    }

    /// What opens the file that a document records; `None` where that was destroyed.
    pub(super) fn secret(&self, evidence: &DocumentId) -> Result<Option<AttachmentSecret>, NodeError> {
        let Some((writer, position)) = self.store.creator(evidence)? else { return Ok(None) };
        let entry = self.store.entry(&writer, position)?;
        Ok(entry.and_then(|stored| match stored.entry.detached {
            Some(Detached::Present(bytes)) => AttachmentSecret::decode(&bytes),
            _ => None,
        }))
    }

    /// The files that are recorded and not complete here, newest first.
    pub(super) fn missing_files(&self) -> Result<Vec<(EvidenceRow, AttachmentSecret)>, NodeError> {
        let mut missing = Vec::new();
        for row in self.store.missing_evidence()? {
            if self.untrue.contains(&row.id) {
                continue;
            }
            if let Some(secret) = self.secret(&row.id)? {
                missing.push((row, secret));
            }
        }
        Ok(missing)
    }

    /// What this device misses besides entries, and what to ask peers for.
    pub(super) fn missing(&self) -> Result<(Pending, Vec<(DocumentId, u32)>), NodeError> {
        let wanted: Vec<_> = self.missing_files()?.into_iter().map(|(row, _)| (row.id, 0)).collect();
        Ok((Pending { waiting: self.store.waiting()?, files: wanted.len() as u64 }, wanted))
    }

    /// Part of a file for a peer.
    pub(super) fn load_part(&self, file: &DocumentId, part: u32) -> Option<(u32, Vec<u8>)> {
        let load = || -> Result<Option<(u32, Vec<u8>)>, NodeError> {
            let Some(secret) = self.secret(file)? else { return Ok(None) };
            let table = self.store.attachment_table(&secret)?;
            let total = table.chunks() + 1;
            let bytes = match part.checked_sub(1) {
                None => table.encode(),
                Some(chunk) => self.store.attachment_chunk(&secret, chunk)?,
            };
            Ok(Some((total, bytes)))
        };
        load().unwrap_or_else(|error| {
            tracing::info!(%error, "a file that was asked for is not to be had here");
            None
        })
    }

    /// Stores part of a file that a peer sent. `Some`: the part wanted next; `None`: the file is complete and its hash
    /// is right.
    pub(super) fn store_part(
        &mut self,
        file: &DocumentId,
        part: u32,
        total: u32,
        bytes: &[u8],
    ) -> Result<Option<u32>, Refusal> {
        self.try_store_part(file, part, total, bytes).map_err(|error| {
            tracing::warn!(%error, "refused part of a file");
            match error {
                NodeError::Store(StoreError::AttachmentMismatch | StoreError::AttachmentAbsent) => {
                    Refusal::Misbehaved
                }
                _ => Refusal::Storage,
            }
        })
    }

    fn try_store_part(
        &mut self,
        file: &DocumentId,
        part: u32,
        total: u32,
        bytes: &[u8],
    ) -> Result<Option<u32>, NodeError> {
        let mismatch = || NodeError::Store(StoreError::AttachmentMismatch);
        let missing = self.missing_files()?;
        let wanted = missing.into_iter().find(|(row, _)| row.id == *file);
        let Some((row, secret)) = wanted else { return Ok(None) };
        match part.checked_sub(1) {
            None => {
                let table = ChunkTable::decode(bytes, &secret)?;
                if table.chunks() + 1 != total {
                    return Err(mismatch());
                }
                if table.byte_len() != row.evidence.byte_len {
                    return Ok(self.give_up(*file));
                }
                let receiving = self.store.receive_attachment(&secret, table)?;
                self.receiving.insert(*file, receiving);
            }
            Some(chunk) => {
                self.receiving.get_mut(file).ok_or_else(mismatch)?.put(chunk, bytes)?;
            }
        }
        let next = self.receiving.get(file).and_then(|it| it.missing().next());
        if let Some(chunk) = next {
            return Ok(Some(chunk + 1));
        }
        let receiving = self.receiving.remove(file).ok_or_else(mismatch)?;
        let sealed = match receiving.finish(&row.evidence.hash) {
            Err(StoreError::AttachmentMismatch) => return Ok(self.give_up(*file)),
            sealed => sealed?,
        };
        let mut commit = Commit::new(self.space);
        commit.attachments.push(sealed);
        self.store.commit(commit)?;
        Ok(None)
    }

    /// Every part was the one that the author sealed, so not the peer but the record is wrong: it names another content.
    /// The file is not asked for again, and the meeting goes on.
    fn give_up(&mut self, file: DocumentId) -> Option<u32> {
        tracing::warn!(file = %file.short(), "a file is not what its record says");
        self.receiving.remove(&file);
        self.untrue.insert(file);
        None
    }
}

/// The kind of a file, from its first bytes: what the phone calls it may be wrong or a lie.
fn sniff(start: &[u8]) -> &'static str {
    let at = |from: usize, bytes: &[u8]| start.get(from..from + bytes.len()) == Some(bytes);
    match start {
        _ if at(0, b"\xff\xd8\xff") => "image/jpeg",
        _ if at(0, b"\x89PNG\r\n\x1a\n") => "image/png",
        _ if at(0, b"GIF8") => "image/gif",
        _ if at(0, b"RIFF") && at(8, b"WEBP") => "image/webp",
        _ if at(4, b"ftypheic") || at(4, b"ftypmif1") => "image/heic",
        _ if at(4, b"ftyp") => "video/mp4",
        _ if at(0, b"\x1aE\xdf\xa3") => "video/webm",
        _ if at(0, b"OggS") => "audio/ogg",
        _ if at(0, b"RIFF") && at(8, b"WAVE") => "audio/wav",
        _ if at(0, b"ID3") || at(0, b"\xff\xfb") => "audio/mpeg",
        _ if at(0, b"%PDF-") => "application/pdf",
        _ => "application/octet-stream",
    }
}
