use std::fs::{self, File};
use std::path::{Path, PathBuf};

use firsthand_ids::DocumentId;
use firsthand_record::CustodyKind;

use super::node::{Node, Progress};
use crate::{AttachmentView, NewFile, NodeError, SystemRandom};

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
    /// The file is sealed beside the ledger's thread, so that a long one keeps nobody waiting.
    ///
    /// # Errors
    /// [`NodeError::File`], [`NodeError::NotFound`], [`NodeError::Rejected`], [`NodeError::Store`]; nothing is left then.
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
        let path = file.to_owned();
        let sealing = tokio::task::spawn_blocking(move || {
            let mut file = File::open(&path)?;
            let total = file.metadata()?.len();
            let mut hear = |done| {
                progress(done, total);
            };
            sealer.seal(&mut file, &mut SystemRandom::default(), &mut hear)
        });
        let sealed = sealing.await.map_err(|_| NodeError::Closed)??;
        self.write(move |ledger, shop| {
            let now = shop.environment.clock.now();
            ledger.record_file(incident, sealed, said, now, &mut shop.random)
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

    /// Writes an attached file to `to`, which must not exist; it appears there only once its hash is right, and once its
    /// record says that it was exported.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::Store`] where it is not complete here, [`NodeError::File`].
    pub async fn save_attachment(
        &self,
        incident: DocumentId,
        name: &str,
        to: &Path,
    ) -> Result<u64, NodeError> {
        let (name, to): (String, PathBuf) = (name.to_owned(), to.to_owned());
        self.write(move |ledger, shop| {
            let id = ledger.find_file(&incident, &name)?;
            let mut file = File::create_new(&to)?;
            let written = ledger.read_attachment(&incident, &name, &mut file);
            let written = written.and_then(|len| Ok(file.sync_all().map(|()| len)?)).and_then(|len| {
                let now = shop.environment.clock.now();
                ledger.note_custody(id, CustodyKind::Exported, now, &mut shop.random)?;
                Ok(len)
            });
            if written.is_err() {
                fs::remove_file(&to)?;
            }
            written
        })
        .await
    }

    /// Reads an attached file from end to end, compares everything, and notes in its record that it verified. Its
    /// length in bytes.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::Store`] where it is not complete here or damaged; nothing is noted then.
    pub async fn verify_attachment(&self, incident: DocumentId, name: &str) -> Result<u64, NodeError> {
        let name = name.to_owned();
        self.write(move |ledger, shop| {
            let id = ledger.find_file(&incident, &name)?;
            let len = ledger.read_attachment(&incident, &name, &mut std::io::sink())?;
            let now = shop.environment.clock.now();
            ledger.note_custody(id, CustodyKind::Verified, now, &mut shop.random)?;
            Ok(len)
        })
        .await
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
