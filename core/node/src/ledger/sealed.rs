//! Files on their way into the home and out of it. Nothing here needs the ledger, so that a long file keeps nobody waiting.

use std::io::{Read, Write};

use firsthand_ids::{ContentHash, DocumentId};
use firsthand_photo::{MAX_CLEAN_BYTES, NoForms, SaidByFile};
use firsthand_record::{C2paState, Captured, Variant, VariantKind};
use firsthand_store::{AttachmentSecret, Attachments, Done, FileSecrets, SealedAttachment, StoreError};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::sniff::{Looking, mime};
use crate::NodeError;

/// A file, with its smaller forms, that is sealed in the home and not yet recorded. Dropped before it is, it is removed.
#[derive(Debug)]
pub struct SealedFile {
    attachments: Attachments,
    original: SealedAttachment,
    forms: Vec<(VariantKind, SealedAttachment)>,
    no_forms: Option<NoForms>,
    said: SaidByFile,
    mime: &'static str,
    c2pa: C2paState,
    cleaned: bool,
    recorded: bool,
}

impl Drop for SealedFile {
    fn drop(&mut self) {
        if self.recorded {
            return;
        }
        for sealed in self.all() {
            if let Err(error) = self.attachments.discard(sealed) {
                tracing::warn!(%error, "a sealed file that nothing records stays until the home is opened again");
            }
        }
    }
}

impl SealedFile {
    pub(super) const fn original(&self) -> &SealedAttachment {
        &self.original
    }

    /// The file and its smaller forms.
    pub(super) fn all(&self) -> impl Iterator<Item = &SealedAttachment> {
        std::iter::once(&self.original).chain(self.forms.iter().map(|(_, sealed)| sealed))
    }

    pub(super) const fn mime(&self) -> &'static str {
        self.mime
    }

    /// Whether what the file said of itself was taken out before it was sealed.
    pub(super) const fn is_cleaned(&self) -> bool {
        self.cleaned
    }

    pub(super) const fn c2pa(&self) -> C2paState {
        self.c2pa
    }

    /// Why there are no smaller forms, where a person would look for them.
    pub(super) const fn no_forms(&self) -> Option<NoForms> {
        self.no_forms
    }

    pub(super) fn variants(&self) -> Vec<Variant> {
        let variant = |(kind, sealed): &(VariantKind, SealedAttachment)| Variant {
            key: String::new(),
            kind: *kind,
            sha256: sealed.hash,
            byte_len: sealed.byte_len,
        };
        self.forms.iter().map(variant).collect()
    }

    pub(super) fn secrets(&self) -> FileSecrets {
        let forms = self.forms.iter().map(|(kind, sealed)| (*kind, sealed.secret.clone()));
        FileSecrets { original: self.original.secret.clone(), forms: forms.collect() }
    }

    /// What is known of its making: what a person said, and where they said nothing, what stands in the file.
    pub(super) fn captured(&self, given: Option<Captured>) -> Option<Captured> {
        let mut captured = given.unwrap_or_default();
        let mut from_file = Vec::new();
        if captured.time.is_none() && captured.local_time.is_none() {
            (captured.time, captured.local_time) = (self.said.time, self.said.local_time);
            from_file.extend(captured.time.map(|_| "time"));
            from_file.extend(captured.local_time.map(|_| "local_time"));
        }
        if captured.place.is_none() {
            captured.place = self.said.place;
            from_file.extend(captured.place.map(|_| "place"));
        }
        if captured.device_model.is_none() {
            captured.device_model.clone_from(&self.said.device_model);
            from_file.extend(captured.device_model.as_ref().map(|_| "device_model"));
        }
        captured.from_file = from_file.into_iter().map(str::to_owned).collect();
        Some(captured).filter(|captured| *captured != Captured::default())
    }

    pub(super) fn is_recorded(&mut self) {
        self.recorded = true;
    }
}

/// Seals files into a home; needs no ledger, so that a long file keeps nobody waiting.
#[derive(Debug, Clone)]
pub struct FileSealer {
    attachments: Attachments,
    /// The bytes that it may take.
    room: u64,
}

impl FileSealer {
    pub(super) const fn new(attachments: Attachments, room: u64) -> Self {
        Self { attachments, room }
    }

    /// Seals a file for [`Ledger::record_file`](super::Ledger::record_file), and smaller forms of it where it is a photo.
    /// `progress` hears the bytes done.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk, which is full for files before it is for words; [`NodeError::File`] from the file,
    /// [`NodeError::Stopped`]; nothing is left then.
    pub fn seal(
        &self,
        file: &mut dyn Read,
        rng: &mut dyn CryptoRng,
        progress: Done<'_>,
    ) -> Result<SealedFile, NodeError> {
        let mut looking = Looking::new(file)?;
        let mut fits = true;
        let mut within = |done| {
            fits = done <= self.room;
            fits && progress(done)
        };
        let original = self.attachments.seal(&mut looking, &mut within, rng);
        let original = original.map_err(|error| if fits { error } else { StoreError::Full })?;
        let (mime, c2pa) = (looking.mime(), looking.c2pa());
        let mut sealed = SealedFile {
            attachments: self.attachments.clone(),
            original,
            forms: Vec::new(),
            no_forms: None,
            said: SaidByFile::default(),
            mime,
            c2pa,
            cleaned: false,
            recorded: false,
        };
        if let Some((photo, goes_on)) = looking.into_photo() {
            sealed.said = firsthand_photo::said(mime, &photo);
            let forms = if goes_on { Err(NoForms::TooLarge) } else { firsthand_photo::forms(mime, photo) };
            match forms {
                Ok(forms) => {
                    for form in forms {
                        let small = self.attachments.seal(&mut &form.jpeg[..], &mut |_| true, rng)?;
                        sealed.forms.push((form.kind, small));
                    }
                }
                Err(why) => sealed.no_forms = Some(why),
            }
        }
        Ok(sealed)
    }

    /// Adds the forms that travel ahead of a file that is no photo, made from a picture of it. Where the file has forms, or is shorter than
    /// a thumbnail may be, nothing is added; where the picture is of no use, [`AttachmentView::no_forms`](super::AttachmentView) says why.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub fn add_picture(
        &self,
        sealed: &mut SealedFile,
        picture: Vec<u8>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), NodeError> {
        if !sealed.forms.is_empty() || sealed.original.byte_len <= firsthand_photo::THUMB_BYTES {
            return Ok(());
        }
        match firsthand_photo::forms_of_picture(mime(&picture), picture) {
            Ok(forms) => {
                for form in forms.into_iter().filter(|it| (it.jpeg.len() as u64) < sealed.original.byte_len) {
                    let small = self.attachments.seal(&mut &form.jpeg[..], &mut |_| true, rng)?;
                    sealed.forms.push((form.kind, small));
                }
                sealed.no_forms = None;
            }
            Err(why) => sealed.no_forms = Some(why),
        }
        Ok(())
    }

    /// Seals a copy that is to be given away: the picture alone ([`firsthand_photo::clean`]). What the file says of itself never
    /// reaches the home.
    ///
    /// # Errors
    /// [`NodeError::NotCleaned`] where that cannot be taken out, and those of [`FileSealer::seal`].
    pub fn seal_clean(
        &self,
        file: &mut dyn Read,
        rng: &mut dyn CryptoRng,
        progress: Done<'_>,
    ) -> Result<SealedFile, NodeError> {
        let copy = cleaned(file)?;
        let mut sealed = self.seal(&mut &copy[..], rng, progress)?;
        sealed.cleaned = true;
        Ok(sealed)
    }
}

/// The picture that a file holds, and nothing else that the file says.
///
/// # Errors
/// [`NodeError::NotCleaned`], [`NodeError::File`].
pub(crate) fn cleaned(file: &mut dyn Read) -> Result<Zeroizing<Vec<u8>>, NodeError> {
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_CLEAN_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Zeroizing::new(firsthand_photo::clean(mime(&bytes), &bytes)?))
}

/// An attached file, or a smaller form of it, that is to be read; needs no ledger, so that a long file keeps nobody waiting.
#[derive(Debug, Clone)]
pub struct StoredFile {
    /// The document that records it.
    pub document: DocumentId,
    /// Its length in bytes, as its record says.
    pub byte_len: u64,
    pub(super) hash: ContentHash,
    pub(super) secret: AttachmentSecret,
    pub(super) attachments: Attachments,
}

impl StoredFile {
    /// Writes the plain bytes to `out`; the hash is compared at the end, and after an error `out` is worthless.
    ///
    /// # Errors
    /// [`NodeError::Store`] where it is not complete here or damaged, [`NodeError::Stopped`].
    pub fn write_to(&self, out: &mut dyn Write, progress: Done<'_>) -> Result<u64, NodeError> {
        Ok(self.attachments.read(&self.secret, &self.hash, out, progress)?)
    }
}
