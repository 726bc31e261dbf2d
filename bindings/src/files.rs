//! Photos, recordings and documents. They cross by path; no file is ever whole in memory, but for a preview that is to be shown.

use std::path::PathBuf;
use std::sync::Arc;

use firsthand_node::{AttachmentView, FormView, ManifestState, NewFile};
use firsthand_record::uniffi_types::{ContentHash, DocumentId};
use firsthand_record::{Captured, Consent, Evidence, PeopleVisible, VariantKind};

use crate::cancel::progress;
use crate::node::Shared;
use crate::runtime::run;
use crate::{ApiError, CancelToken, ProgressListener, lift};

/// What a person says about a file that they attach.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct NewAttachment {
    /// Where the file is. It stays there.
    pub path: String,
    /// What it is called; empty: as the file is.
    #[uniffi(default)]
    pub name: String,
    /// What it shows.
    #[uniffi(default)]
    pub caption: String,
    /// Whether the app took it, or somebody brought it in.
    #[uniffi(default = true)]
    pub in_app: bool,
    /// When, where and with what it was made.
    #[uniffi(default)]
    pub captured: Option<Captured>,
    /// Whether people can be recognised.
    #[uniffi(default)]
    pub people_visible: Option<PeopleVisible>,
    /// What they agreed to.
    #[uniffi(default)]
    pub consent: Option<Consent>,
}

impl NewAttachment {
    /// Where the file is, and what is said about it.
    pub(crate) fn into_parts(self) -> (PathBuf, NewFile) {
        let said = NewFile {
            name: self.name,
            caption: self.caption,
            in_app: self.in_app,
            captured: self.captured,
            people_visible: self.people_visible,
            consent: self.consent,
            ..NewFile::default()
        };
        (PathBuf::from(self.path), said)
    }
}

/// A smaller form of a file.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FileForm {
    /// Which.
    pub kind: VariantKind,
    /// Its length in bytes.
    pub byte_len: u64,
    /// Whether it is complete on this phone.
    pub here: bool,
}

impl From<FormView> for FileForm {
    fn from(view: FormView) -> Self {
        Self { kind: view.kind, byte_len: view.byte_len, here: view.here }
    }
}

/// An attached file.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct FileItem {
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
    /// Whether it is complete on this phone.
    pub here: bool,
    /// It came whole, and its content is not what its record says.
    pub refused: bool,
    /// Whether the device that recorded it signed the record as it stands.
    pub signed: bool,
    /// Whether its key was destroyed: nobody opens it any more.
    pub destroyed: bool,
    /// Its smaller forms, the smallest first.
    pub forms: Vec<FileForm>,
    /// Everything that is recorded of it.
    pub record: Evidence,
}

impl From<AttachmentView> for FileItem {
    fn from(view: AttachmentView) -> Self {
        Self {
            document: view.document,
            hash: view.hash,
            byte_len: view.byte_len,
            mime: view.mime,
            name: view.name,
            caption: view.caption,
            here: view.here,
            refused: view.refused,
            signed: view.manifest == ManifestState::Valid,
            destroyed: view.destroyed.is_some(),
            forms: view.forms.into_iter().map(FileForm::from).collect(),
            record: view.record,
        }
    }
}

/// The files of a home.
#[derive(uniffi::Object)]
pub struct Files {
    pub(crate) shared: Arc<Shared>,
}

#[uniffi::export]
impl Files {
    /// Seals a file and records it with an incident. When this returns, it is on the disk.
    ///
    /// # Errors
    /// `Refused` with `EMPTY_FILE` where the camera gave nothing, or `NOT_FOUND`; `StorageFull`; `Cancelled`. Nothing is left then.
    pub async fn attach(
        &self,
        incident: String,
        file: NewAttachment,
        listener: Option<Arc<dyn ProgressListener>>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<FileItem, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let incident = lift::id("incident", &incident)?;
            let (path, said) = file.into_parts();
            Ok(node.attach_file(incident, &path, said, progress(listener, cancel)).await?.into())
        })
        .await
    }

    /// Writes a file of an incident, or a smaller form of it, to a path where nothing is. It appears there only once its hash is
    /// right. Gives its length in bytes.
    ///
    /// # Errors
    /// `Refused` with `NOT_FOUND` where it is not complete here, or `EXISTS`; `StorageFull`; `Cancelled`. Nothing is left then.
    pub async fn save(
        &self,
        incident: String,
        name: String,
        form: VariantKind,
        path: String,
        listener: Option<Arc<dyn ProgressListener>>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<u64, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let (incident, path) = (lift::id("incident", &incident)?, PathBuf::from(path));
            Ok(node.save_attachment(incident, &name, form, &path, progress(listener, cancel)).await?)
        })
        .await
    }

    /// A thumbnail or a preview, to be shown; nothing of it touches the disk. The record notes who saw a preview.
    ///
    /// # Errors
    /// `Refused` with `NOT_FOUND` where the file has none, or it is not here yet; `Invalid` for the original, which is too large
    /// to hold.
    pub async fn show(&self, incident: String, name: String, form: VariantKind) -> Result<Vec<u8>, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let most =
                form.most_bytes().ok_or_else(|| ApiError::unreadable("form", "is too large to hold"))?;
            let incident = lift::id("incident", &incident)?;
            Ok(node.view_attachment(incident, &name, form, most).await?.to_vec())
        })
        .await
    }

    /// Reads a file from end to end, compares everything, and notes in its record that it verified. Gives its length in bytes.
    ///
    /// # Errors
    /// `Refused` with `NOT_FOUND`, `HomeFailed` where it is damaged, `Cancelled`.
    pub async fn verify(
        &self,
        incident: String,
        name: String,
        listener: Option<Arc<dyn ProgressListener>>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<u64, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let incident = lift::id("incident", &incident)?;
            Ok(node.verify_attachment(incident, &name, progress(listener, cancel)).await?)
        })
        .await
    }
}
