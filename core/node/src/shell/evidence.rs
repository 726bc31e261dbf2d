use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use firsthand_ids::DocumentId;
use firsthand_record::CustodyKind;

use super::files::absent;
use super::node::{Node, Progress};
use crate::evidence::{PROOF_NAME, folder_name};
use crate::{NodeError, StoredFile};

/// What anybody who opens the folder reads first.
const README: &str = include_str!("evidence_readme.txt");

impl Node {
    /// Writes files of an incident to a new folder, with what proves who recorded them and when: all that are not hidden, or those
    /// that `names` says by name or the beginning of their hash. The folder appears only once all of it is there, and once each record
    /// says that its file was exported. Of a file whose key was destroyed the record alone is there. How many files it holds.
    ///
    /// # Errors
    /// [`NodeError::NotFound`]; [`NodeError::Store`] where a file is not complete here; [`NodeError::File`]; [`NodeError::Stopped`];
    /// no folder is left then.
    pub async fn export_evidence(
        &self,
        incident: DocumentId,
        names: Vec<String>,
        to: &Path,
        progress: Progress,
    ) -> Result<usize, NodeError> {
        let stored = self.run(move |ledger, _| {
            let files = ledger.evidence_files(&incident, &names)?;
            let stored = files.iter().enumerate().map(|(at, id)| {
                let name = folder_name(at + 1, &ledger.file(*id)?.name);
                match ledger.stored_original(id) {
                    Ok(stored) => Ok((name, *id, Some(stored))),
                    Err(NodeError::Destroyed) => Ok((name, *id, None)),
                    Err(error) => Err(error),
                }
            });
            stored.collect::<Result<Vec<(String, DocumentId, Option<StoredFile>)>, NodeError>>()
        });
        let stored = stored.await?;
        let to = to.to_owned();
        let writing = tokio::task::spawn_blocking(move || {
            let folder = Unfinished::begin(to)?;
            let files = folder.path.join("files");
            fs::create_dir(&files)?;
            let total = stored.iter().filter_map(|(.., file)| Some(file.as_ref()?.byte_len)).sum();
            let mut before = 0;
            let mut written = Vec::new();
            for (name, document, file) in stored {
                let Some(file) = file else {
                    written.push((document, None));
                    continue;
                };
                let mut out = File::create_new(files.join(&name))?;
                file.write_to(&mut out, &mut |done| progress(before + done, total))?;
                out.sync_all()?;
                before += file.byte_len;
                written.push((document, Some(format!("files/{name}"))));
            }
            folder.add("README.txt", README.as_bytes())?;
            Ok::<_, NodeError>((folder, written))
        });
        let (folder, written) = writing.await.map_err(|_| NodeError::Closed)??;
        self.write(move |ledger, shop| {
            let count = written.iter().filter(|(_, path)| path.is_some()).count();
            for (document, _) in written.iter().filter(|(_, path)| path.is_some()) {
                let now = shop.environment.clock.now();
                ledger.note_custody(*document, CustodyKind::Exported, now, &mut shop.random)?;
            }
            let proof = ledger.evidence_proof(incident, written, shop.environment.clock.now())?;
            folder.add(PROOF_NAME, &proof.to_json())?;
            folder.keep()?;
            Ok(count)
        })
        .await
    }
}

/// A folder that is being written, under a name that says so. Dropped before it is kept, it is gone.
struct Unfinished {
    path: PathBuf,
    to: PathBuf,
}

impl Unfinished {
    fn begin(to: PathBuf) -> Result<Self, NodeError> {
        absent(&to)?;
        let mut name = to.file_name().map(OsString::from).unwrap_or_default();
        name.push(".unfinished");
        let path = to.with_file_name(name);
        fs::create_dir(&path)?;
        Ok(Self { path, to })
    }

    fn add(&self, name: &str, bytes: &[u8]) -> Result<(), NodeError> {
        let mut file = File::create_new(self.path.join(name))?;
        file.write_all(bytes)?;
        Ok(file.sync_all()?)
    }

    /// Gives it its name.
    fn keep(&self) -> Result<(), NodeError> {
        absent(&self.to)?;
        Ok(fs::rename(&self.path, &self.to)?)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, "what was written of an evidence folder stays");
            }
            _ => {}
        }
    }
}
