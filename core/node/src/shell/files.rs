use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use firsthand_ids::DocumentId;
use firsthand_record::{CustodyKind, VariantKind};

use zeroize::Zeroizing;

use super::node::{Node, Progress};
use crate::{AttachmentView, FileSealer, NewFile, NodeError, SealedFile, StoredFile, SystemRandom};

impl Node {
    /// Seals a file and records it with an incident. The file itself stays where it is.
    ///
    /// # Errors
    /// As [`Node::attach_file`].
    pub async fn attach(
        &self,
        incident: DocumentId,
        file: &Path,
        caption: &str,
        progress: Progress,
    ) -> Result<AttachmentView, NodeError> {
        let said = NewFile { caption: caption.to_owned(), ..NewFile::default() };
        self.attach_file(incident, file, said, progress).await
    }

    /// Seals a file and records it with what a person says about it. A name that is not given is the file's own.
    ///
    /// The file is sealed, and where it is a photo made smaller, beside the ledger's thread, so that a long one keeps nobody
    /// waiting. Of a redacted copy only the picture is taken, unless `said` asks for everything.
    ///
    /// # Errors
    /// [`NodeError::NotCleaned`] where that cannot be done; [`NodeError::EmptyFile`], [`NodeError::File`], [`NodeError::NotFound`], [`NodeError::Rejected`], [`NodeError::Store`], [`NodeError::Stopped`];
    /// nothing is left then.
    pub async fn attach_file(
        &self,
        incident: DocumentId,
        file: &Path,
        mut said: NewFile,
        progress: Progress,
    ) -> Result<AttachmentView, NodeError> {
        // First of all, so that nothing is sealed for a record that is not here.
        let sealer = self.run(move |ledger, _| ledger.incident(incident).map(|_| ledger.sealer())).await?;
        if said.name.is_empty() {
            said.name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        }
        let clean = said.redacted_copy_of.is_some() && !said.as_it_is;
        let sealed = seal(sealer, file.to_owned(), clean, said.picture.take(), progress).await?;
        self.write(move |ledger, shop| {
            let now = shop.environment.clock.now();
            ledger.record_file(incident, sealed, said, now, &mut shop.random)
        })
        .await
    }

    /// Seals a file and records it with a run as the answer to an item that asks for a photo or a recording. A name that is
    /// not given is the file's own.
    ///
    /// # Errors
    /// [`NodeError::Checklist`] where the run or the item does not take it, and those of [`Node::attach_file`]; nothing is left
    /// then.
    pub async fn answer_with_file(
        &self,
        run: DocumentId,
        item: &str,
        file: &Path,
        mut said: NewFile,
        note: &str,
        progress: Progress,
    ) -> Result<AttachmentView, NodeError> {
        if said.name.is_empty() {
            said.name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        }
        let (item, note) = (item.to_owned(), note.to_owned());
        let (asked, name) = (item.clone(), said.name.clone());
        let sealer = self
            .run(move |ledger, shop| {
                ledger.may_answer_with_file(run, &asked, &name, None, shop.environment.clock.now())?;
                Ok(ledger.sealer())
            })
            .await?;
        let sealed = seal(sealer, file.to_owned(), false, said.picture.take(), progress).await?;
        self.write(move |ledger, shop| {
            let now = shop.environment.clock.now();
            ledger.answer_with_file(run, &item, sealed, said, &note, now, &mut shop.random)
        })
        .await
    }

    /// The record of the file of an incident that a person means by its name or the beginning of its hash.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where the incident has no such file.
    pub async fn find_file(&self, incident: DocumentId, name: &str) -> Result<DocumentId, NodeError> {
        let name = name.to_owned();
        self.run(move |ledger, _| ledger.find_file(&incident, &name)).await
    }

    /// Writes an attached file, or a smaller form of it, to `to`, which must not exist; it appears there only once its hash is right, and once its
    /// record says that it was exported. Both are done beside the ledger's thread.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::NoForm`], [`NodeError::Store`] where it is not complete here,
    /// [`NodeError::File`], [`NodeError::Stopped`]; nothing is left then.
    pub async fn save_attachment(
        &self,
        incident: DocumentId,
        name: &str,
        form: VariantKind,
        to: &Path,
        progress: Progress,
    ) -> Result<u64, NodeError> {
        let stored = self.stored_file(incident, name, form).await?;
        let (document, to) = (stored.document, to.to_owned());
        let writing = tokio::task::spawn_blocking(move || {
            let mut exported = Exported::begin(to)?;
            stored.write_to(&mut exported.file, &mut |done| progress(done, stored.byte_len))?;
            exported.file.sync_all()?;
            Ok::<_, NodeError>((exported, stored.byte_len))
        });
        let (exported, len) = writing.await.map_err(|_| NodeError::Closed)??;
        self.write(move |ledger, shop| {
            let now = shop.environment.clock.now();
            ledger.note_custody(document, CustodyKind::Exported, now, &mut shop.random)?;
            exported.keep()?;
            Ok(len)
        })
        .await
    }

    /// Reads an attached file from end to end, compares everything, and notes in its record that it verified. Its
    /// length in bytes.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::Store`] where it is not complete here or damaged, [`NodeError::Stopped`];
    /// nothing is noted then.
    pub async fn verify_attachment(
        &self,
        incident: DocumentId,
        name: &str,
        progress: Progress,
    ) -> Result<u64, NodeError> {
        let stored = self.stored_file(incident, name, VariantKind::Original).await?;
        let document = stored.document;
        let reading = tokio::task::spawn_blocking(move || {
            stored.write_to(&mut std::io::sink(), &mut |done| progress(done, stored.byte_len))
        });
        let len = reading.await.map_err(|_| NodeError::Closed)??;
        self.write(move |ledger, shop| {
            let now = shop.environment.clock.now();
            ledger.note_custody(document, CustodyKind::Verified, now, &mut shop.random)?;
            Ok(len)
        })
        .await
    }

    /// Reads an attached file, or a smaller form of it, to show it to the person of this device, and notes in its record
    /// that they saw it; once, however often, and not for a thumbnail, which stands in lists. Nothing of it touches the disk.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::NoForm`]; [`NodeError::TooLong`] where it has more than `most` bytes; [`NodeError::Store`] where it
    /// is not complete here or damaged.
    pub async fn view_attachment(
        &self,
        incident: DocumentId,
        name: &str,
        form: VariantKind,
        most: u64,
    ) -> Result<Zeroizing<Vec<u8>>, NodeError> {
        let stored = self.stored_file(incident, name, form).await?;
        let (document, len) = (stored.document, stored.byte_len);
        if len > most {
            return Err(NodeError::TooLong { len, most });
        }
        let reading = tokio::task::spawn_blocking(move || {
            // Room for all of it from the start: a buffer that grows leaves copies behind.
            let mut bytes = Zeroizing::new(Vec::with_capacity(len as usize));
            stored.write_to(&mut *bytes, &mut |done| done <= most)?;
            Ok::<_, NodeError>(bytes)
        });
        let bytes = reading.await.map_err(|_| NodeError::Closed)??;
        if form == VariantKind::Thumb {
            return Ok(bytes);
        }
        self.write(move |ledger, shop| {
            let now = shop.environment.clock.now();
            ledger.note_viewed(document, now, &mut shop.random)?;
            Ok(bytes)
        })
        .await
    }

    pub(super) async fn stored_file(
        &self,
        incident: DocumentId,
        name: &str,
        form: VariantKind,
    ) -> Result<StoredFile, NodeError> {
        let name = name.to_owned();
        self.run(move |ledger, _| ledger.stored_file(&incident, &name, form)).await
    }

    /// Adds to what is said about an attached file: its caption, who can be seen, what they agreed to, a mark that hides
    /// it. The file itself, and everything that was signed when it was recorded, cannot be changed.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::Document`] where an edit does not fit, [`NodeError::Store`].
    pub async fn describe_attachment(
        &self,
        incident: DocumentId,
        name: &str,
        edits: Vec<firsthand_document::Edit>,
    ) -> Result<AttachmentView, NodeError> {
        let name = name.to_owned();
        self.write(move |ledger, shop| {
            let id = ledger.find_file(&incident, &name)?;
            let now = shop.environment.clock.now();
            ledger.edit(id, &edits, now, &mut shop.random)?;
            ledger.file(id)
        })
        .await
    }
}

/// Seals a file beside the ledger's thread.
async fn seal(
    sealer: FileSealer,
    path: PathBuf,
    clean: bool,
    picture: Option<Vec<u8>>,
    progress: Progress,
) -> Result<SealedFile, NodeError> {
    let sealing = tokio::task::spawn_blocking(move || {
        let mut file = File::open(&path)?;
        let total = file.metadata()?.len();
        if total == 0 {
            return Err(NodeError::EmptyFile);
        }
        let mut on = |done| progress(done, total);
        let mut random = SystemRandom::default();
        let mut sealed = if clean {
            sealer.seal_clean(&mut file, &mut random, &mut on)
        } else {
            sealer.seal(&mut file, &mut random, &mut on)
        }?;
        if let Some(picture) = picture {
            sealer.add_picture(&mut sealed, picture, &mut random)?;
        }
        Ok(sealed)
    });
    sealing.await.map_err(|_| NodeError::Closed)?
}

/// A file outside the home that is being written, under a name that says so. Dropped before it is kept, it is gone.
pub(super) struct Exported {
    pub(super) file: File,
    unfinished: PathBuf,
    to: PathBuf,
}

impl Exported {
    pub(super) fn begin(to: PathBuf) -> Result<Self, NodeError> {
        absent(&to)?;
        let mut name = to.file_name().map(OsString::from).unwrap_or_default();
        name.push(".unfinished");
        let unfinished = to.with_file_name(name);
        Ok(Self { file: File::create_new(&unfinished)?, unfinished, to })
    }

    /// Gives it its name.
    pub(super) fn keep(&self) -> Result<(), NodeError> {
        absent(&self.to)?;
        Ok(fs::rename(&self.unfinished, &self.to)?)
    }
}

impl Drop for Exported {
    fn drop(&mut self) {
        match fs::remove_file(&self.unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, "what was written of an exported file stays");
            }
            _ => {}
        }
    }
}

/// Nothing is overwritten.
pub(super) fn absent(path: &Path) -> Result<(), NodeError> {
    if path.exists() { Err(std::io::Error::from(ErrorKind::AlreadyExists).into()) } else { Ok(()) }
}
