//! Copies of files that are made to be given away: the picture, and nothing that the file says of itself.

use std::io::Write;
use std::path::Path;

use firsthand_ids::DocumentId;
use firsthand_photo::{MAX_CLEAN_BYTES, NotCleaned};
use firsthand_record::{CustodyKind, VariantKind};
use zeroize::Zeroizing;

use super::files::Exported;
use super::node::{Node, Progress};
use crate::ledger::cleaned;
use crate::{AttachmentView, NewFile, NodeError, StoredFile, SystemRandom};

impl Node {
    /// Makes a copy of an attached photo without what the file says of itself, and records it beside the original, which stays. A name
    /// that is not given is the original's with `-shared` in it; who can be seen is as in the original's record where `said` does not
    /// say it.
    ///
    /// # Errors
    /// [`NodeError::NotCleaned`] where that cannot be taken out; [`NodeError::NotRedacted`] where the original says nothing of itself;
    /// [`NodeError::NotFound`]; [`NodeError::Store`] where it is not complete here. Nothing is left then.
    pub async fn copy_file(
        &self,
        incident: DocumentId,
        name: &str,
        mut said: NewFile,
        progress: Progress,
    ) -> Result<AttachmentView, NodeError> {
        let stored = self.stored_file(incident, name, VariantKind::Original).await?;
        let document = stored.document;
        let (original, sealer) =
            self.run(move |ledger, _| Ok((ledger.file(document)?, ledger.sealer()))).await?;
        if said.name.is_empty() {
            said.name = shared_name(&original.name);
        }
        said.people_visible = said.people_visible.or(original.record.people_visible);
        said.redacted_copy_of = Some(document);
        said.as_it_is = false;
        let sealing = tokio::task::spawn_blocking(move || {
            let whole = whole(&stored, &progress)?;
            sealer.seal_clean(&mut &whole[..], &mut SystemRandom::default(), &mut |_| true)
        });
        let sealed = sealing.await.map_err(|_| NodeError::Closed)??;
        self.write(move |ledger, shop| {
            let now = shop.environment.clock.now();
            ledger.record_file(incident, sealed, said, now, &mut shop.random)
        })
        .await
    }

    /// Destroys the key of a file, here now and on every device that hears of it. By somebody without a lead's right it is a proposal.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::Destroyed`], [`NodeError::Store`].
    pub async fn destroy_file(
        &self,
        incident: DocumentId,
        name: &str,
        reason: &str,
    ) -> Result<AttachmentView, NodeError> {
        let (name, reason) = (name.to_owned(), reason.to_owned());
        self.write(move |ledger, shop| {
            let file = ledger.find_file(&incident, &name)?;
            let now = shop.environment.clock.now();
            ledger.destroy_file(file, &reason, now, &mut shop.random)
        })
        .await
    }

    /// Writes an attached photo, without what the file says of itself, to `to`, which must not exist. It appears there only once the
    /// original's record says that it was exported. The length of the copy in bytes.
    ///
    /// # Errors
    /// [`NodeError::NotCleaned`] where that cannot be taken out, and those of [`Node::save_attachment`]; nothing is left then.
    pub async fn save_clean(
        &self,
        incident: DocumentId,
        name: &str,
        to: &Path,
        progress: Progress,
    ) -> Result<u64, NodeError> {
        let stored = self.stored_file(incident, name, VariantKind::Original).await?;
        let (document, to) = (stored.document, to.to_owned());
        let writing = tokio::task::spawn_blocking(move || {
            let copy = cleaned(&mut &whole(&stored, &progress)?[..])?;
            let mut exported = Exported::begin(to)?;
            exported.file.write_all(&copy)?;
            exported.file.sync_all()?;
            Ok::<_, NodeError>((exported, copy.len() as u64))
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
}

/// The plain bytes of a file that is short enough to be cleaned.
pub(super) fn whole(stored: &StoredFile, progress: &Progress) -> Result<Zeroizing<Vec<u8>>, NodeError> {
    if stored.byte_len > MAX_CLEAN_BYTES as u64 {
        return Err(NotCleaned::TooLarge.into());
    }
    // Room for all of it from the start: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(stored.byte_len as usize));
    stored.write_to(&mut *bytes, &mut |done| {
        done <= MAX_CLEAN_BYTES as u64 && progress(done, stored.byte_len)
    })?;
    Ok(bytes)
}

/// `bridge.jpg` becomes `bridge-shared.jpg`.
fn shared_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{stem}-shared.{ending}"),
        _ => format!("{name}-shared"),
    }
}
