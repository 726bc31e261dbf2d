//! Files that show something: sealed at rest ([`super::sealed`]), recorded as documents of kind `evidence`.
//!
//! The keys of a file and of its smaller forms stand in the detached part of the entry that records it. How files travel:
//! [`super::transfer`].

use std::collections::BTreeMap;
use std::io::{Read, Write};

use firsthand_document::{Document, DocumentKind, Edit};
use firsthand_ids::{ContentHash, DeviceKey, DocumentId};
use firsthand_log::Detached;
use firsthand_photo::NoForms;
use firsthand_record::validate::{self, Context, Finding, is_rejected};
use firsthand_record::{
    CapturePath, Captured, Consent, ConsentStep, CustodyKind, CustodyStep, Evidence, Moment, PeopleVisible,
    VariantKind,
};
use firsthand_store::{Done, EvidenceRow, FileSecrets, form_number};
use rand_core::CryptoRng;
use serde_json::Value;

use super::destroy::DestroyedView;
use super::manifest::{self, ManifestState};
use super::records::object;
use super::sealed::{FileSealer, SealedFile, StoredFile};
use super::{Ledger, Now, project};
use crate::NodeError;

/// A file of an incident.
#[derive(Debug, Clone, PartialEq)]
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
    /// It came whole, and its content is not what the record says. It is set aside and not asked for again.
    pub refused: bool,
    /// Its smaller forms, the smallest first.
    pub forms: Vec<FormView>,
    /// Why it got none, where somebody looks for them in vain; known only to who has just attached it.
    pub no_forms: Option<NoForms>,
    /// Everything that is recorded of it.
    pub record: Evidence,
    /// What the signature of the device that recorded it says.
    pub manifest: ManifestState,
    /// Who did what with it, oldest first.
    pub custody: Vec<CustodyView>,
    /// Fields that people set to different values while apart. The more protective value is in the record.
    pub conflicts: Vec<String>,
    /// That its key was destroyed, by whom, and why. The record stays.
    pub destroyed: Option<DestroyedView>,
    /// Who would have it destroyed and had not the right to, first of all.
    pub destroy_proposals: Vec<DestroyedView>,
    /// What a person should look at.
    pub findings: Vec<Finding>,
}

/// A smaller form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormView {
    /// Which.
    pub kind: VariantKind,
    /// SHA-256 of its bytes.
    pub hash: ContentHash,
    /// Its length in bytes.
    pub byte_len: u64,
    /// Whether it is complete on this device.
    pub here: bool,
    /// It is longer than its kind may be, or it came and is not what the record says. It is not asked for.
    pub refused: bool,
}

/// One thing that happened to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustodyView {
    /// What happened.
    pub event: CustodyKind,
    /// Whose device it says it was; the first digits of its key where it is nobody's of the team.
    pub person: String,
    /// When, by that device's clock.
    pub at: Option<Moment>,
}

/// What a person says about a file that they attach.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewFile {
    /// What it is called.
    pub name: String,
    /// What it shows.
    pub caption: String,
    /// Whether the app took it, or somebody brought it in.
    pub in_app: bool,
    /// When, where and with what it was made.
    pub captured: Option<Captured>,
    /// Whether people can be recognised.
    pub people_visible: Option<PeopleVisible>,
    /// What they agreed to.
    pub consent: Option<Consent>,
    /// The record of the file that this is a redacted copy of. That one stays as it is.
    pub redacted_copy_of: Option<DocumentId>,
    /// A redacted copy is to be kept with everything that the file says of itself. Otherwise that is taken out, and a file of
    /// which it cannot be taken out is refused.
    pub as_it_is: bool,
    /// For a film or a sound: a picture of it (JPEG, PNG, WebP, GIF), of which its thumbnail and preview are made. A photo makes its own.
    pub picture: Option<Vec<u8>>,
}

impl Ledger {
    /// What seals files into this home.
    #[must_use]
    pub fn sealer(&self) -> FileSealer {
        FileSealer::new(self.store.attachments(), self.room())
    }

    /// Seals a file that was brought in and records it with an incident. `progress` hears the bytes done.
    ///
    /// # Errors
    /// As [`Ledger::record_file`].
    #[expect(clippy::too_many_arguments, reason = "each describes the file")]
    pub fn attach(
        &mut self,
        incident: DocumentId,
        file: &mut dyn Read,
        name: &str,
        caption: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
        progress: Done<'_>,
    ) -> Result<AttachmentView, NodeError> {
        self.created(&incident)?;
        let sealed = self.sealer().seal(file, rng, progress)?;
        let said = NewFile { name: name.to_owned(), caption: caption.to_owned(), ..NewFile::default() };
        self.record_file(incident, sealed, said, now, rng)
    }

    /// Records a sealed file with an incident, signed by this device.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where the incident, or the file that this is a redacted copy of, is not here;
    /// [`NodeError::Rejected`]; [`NodeError::StillSpeaks`] where a redacted copy was not sealed as one; [`NodeError::Store`] from the
    /// disk. The sealed file is gone then.
    pub fn record_file(
        &mut self,
        incident: DocumentId,
        mut file: SealedFile,
        said: NewFile,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AttachmentView, NodeError> {
        // Whoever may read the incident may have its files, and nobody else.
        let space = self.created(&incident)?.info.space;
        if let Some(original) = said.redacted_copy_of {
            let of = self.store.evidence(&original)?.filter(|row| row.evidence.incident == incident);
            let of = of.ok_or_else(|| NodeError::NotFound(original.short()))?;
            if of.evidence.hash == file.original().hash {
                return Err(NodeError::NotRedacted);
            }
            if !file.is_cleaned() && !said.as_it_is {
                return Err(NodeError::StillSpeaks);
            }
        }
        let at = Moment::from_local(now).ok_or(NodeError::Inconsistent("the clock"))?;
        let evidence = self.describe(incident, &file, said, at);
        let findings = validate::evidence(&evidence, &Context::at(now.at));
        if is_rejected(&findings) {
            return Err(NodeError::Rejected(findings));
        }
        let mut fields = object(&evidence)?;
        let mut draft = self.draft_in(space, now, rng)?;
        let signed = manifest::sign(&fields, &self.chain_in(&space, draft.writer), &self.keys.signing, at);
        fields.insert("manifest".to_owned(), serde_json::json!(signed));
        let detached = Detached::Present(file.secrets().encode());
        let (id, document, creator) =
            self.add_document(&mut draft, now, Some(detached), rng, |_, writer| {
                Ok(Document::create(DocumentKind::Evidence, writer, &fields)?)
            })?;
        let update = self.update(id, &document, creator, now.at);
        draft.commit.attachments.extend(file.all().cloned());
        self.commit_own(draft, vec![update])?;
        file.is_recorded();
        self.documents.put(id, document);
        Ok(AttachmentView { no_forms: file.no_forms(), ..self.file(id)? })
    }

    fn describe(&self, incident: DocumentId, file: &SealedFile, said: NewFile, at: Moment) -> Evidence {
        let path = if said.in_app { CapturePath::InApp } else { CapturePath::Imported };
        let sealed = file.original();
        let mut evidence = Evidence::new(incident, sealed.hash, sealed.byte_len, file.mime(), path);
        evidence.original_name = Some(said.name).filter(|name| !name.is_empty());
        evidence.caption = said.caption;
        evidence.captured = file.captured(said.captured);
        evidence.c2pa_state = Some(file.c2pa());
        evidence.variants = file.variants();
        evidence.people_visible = said.people_visible;
        evidence.consent = said
            .consent
            .into_iter()
            .map(|consent| ConsentStep { consent, ..ConsentStep::default() })
            .collect();
        evidence.redacted_copy_of = said.redacted_copy_of;
        // A file that was brought in comes into the team's hands here; who made it, and how, is only said.
        let event = if said.in_app { CustodyKind::Captured } else { CustodyKind::Received };
        evidence.custody_log.push(self.custody_step(event, at));
        evidence.schema_version = Some(firsthand_record::SCHEMA_VERSION);
        evidence
    }

    fn custody_step(&self, event: CustodyKind, at: Moment) -> CustodyStep {
        CustodyStep { key: String::new(), event, device: Some(self.device), at: Some(at) }
    }

    /// Notes in a file's record what this device's person did with it.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where there is no such record, [`NodeError::Store`] from the disk.
    pub fn note_custody(
        &mut self,
        file: DocumentId,
        event: CustodyKind,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), NodeError> {
        self.store.evidence(&file)?.ok_or_else(|| NodeError::NotFound(file.short()))?;
        let at = Moment::from_local(now).ok_or(NodeError::Inconsistent("the clock"))?;
        let value = Value::Object(object(&self.custody_step(event, at))?);
        self.edit(file, &[Edit::Add { list: "custody_log".to_owned(), value }], now, rng)?;
        Ok(())
    }

    /// Notes that a file was shown to the person of this device; once, however often they look at it.
    ///
    /// # Errors
    /// As [`Ledger::note_custody`].
    pub fn note_viewed(
        &mut self,
        file: DocumentId,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), NodeError> {
        let me = Some(self.device);
        let seen = |step: &CustodyStep| step.event == CustodyKind::Viewed && step.device == me;
        if self.file(file)?.record.custody_log.iter().any(seen) {
            return Ok(());
        }
        self.note_custody(file, CustodyKind::Viewed, now, rng)
    }

    /// The files of an incident, oldest first, without those that a mark hides.
    pub(super) fn attachments(&mut self, incident: &DocumentId) -> Result<Vec<AttachmentView>, NodeError> {
        self.shown_files(incident)?.into_iter().map(|row| self.attachment(row)).collect()
    }

    pub(super) fn shown_files(&self, incident: &DocumentId) -> Result<Vec<EvidenceRow>, NodeError> {
        let rows = self.store.evidence_of(incident)?;
        Ok(rows.into_iter().filter(|row| !row.evidence.hidden).collect())
    }

    /// One file, hidden or not.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where its record is not here.
    pub fn file(&mut self, id: DocumentId) -> Result<AttachmentView, NodeError> {
        let row = self.store.evidence(&id)?.ok_or_else(|| NodeError::NotFound(id.short()))?;
        self.attachment(row)
    }

    fn attachment(&mut self, row: EvidenceRow) -> Result<AttachmentView, NodeError> {
        let created = self.created(&row.id)?;
        let document = self.load(&row.id)?;
        let view = self.view(&document, &BTreeMap::new());
        self.documents.put(row.id, document);
        let record = project::evidence(&view).ok_or(NodeError::Inconsistent("the record of a file"))?;
        let files = self.store.attachments();
        let secrets = self.secrets(&row.id)?;
        let state = |form: VariantKind, hash: &ContentHash| {
            let secret = secrets.as_ref().and_then(|secrets| secrets.form(form));
            secret
                .map_or((false, false), |secret| (files.is_complete(secret), files.is_refused(secret, hash)))
        };
        let (here, refused) = state(VariantKind::Original, &row.evidence.hash);
        let forms = project::forms(&view, created.creator.0).into_iter().map(|form| {
            let (here, refused) = state(form.kind, &form.sha256);
            let refused = refused || !form.fits();
            FormView { kind: form.kind, hash: form.sha256, byte_len: form.byte_len, here, refused }
        });
        let mut forms: Vec<_> = forms.collect();
        forms.sort_by_key(|form| form_number(form.kind));
        let custody = record.custody_log.iter().map(|step| CustodyView {
            event: step.event,
            person: step.device.map_or_else(String::new, |device| self.name_of_device(&device)),
            at: step.at,
        });
        Ok(AttachmentView {
            document: row.id,
            hash: record.sha256,
            byte_len: record.byte_len,
            mime: record.mime.clone(),
            name: record.original_name.clone().unwrap_or_default(),
            caption: record.caption.clone(),
            here,
            refused,
            forms,
            no_forms: None,
            manifest: manifest::check(
                &view,
                &self.chain_in(&created.info.space, created.creator.0),
                &created.info.device,
            ),
            custody: custody.collect(),
            destroyed: self.destroyed(&view, &record, secrets.is_some()),
            destroy_proposals: self.destroy_proposals(&view, &record),
            conflicts: view.conflicts().map(|(name, _)| name.to_owned()).collect(),
            findings: validate::evidence(&record, &Context::at(created.created)),
            record,
        })
    }

    fn name_of_device(&self, device: &DeviceKey) -> String {
        let member = self.membership.roster().member(device);
        member.map_or_else(|| device.short(), |(person, _)| self.name(&person))
    }

    /// The record of the file of an incident that a person means by its name or the beginning of its hash.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where the incident has no such file.
    pub fn find_file(&self, incident: &DocumentId, name: &str) -> Result<DocumentId, NodeError> {
        Ok(self.find_row(incident, name)?.id)
    }

    fn find_row(&self, incident: &DocumentId, name: &str) -> Result<EvidenceRow, NodeError> {
        let typed = name.to_ascii_lowercase();
        let rows = self.shown_files(incident)?;
        let by_hash =
            |row: &EvidenceRow| typed.len() >= 4 && row.evidence.hash.to_string().starts_with(&typed);
        let at =
            rows.iter().position(|row| row.evidence.name == name).or_else(|| rows.iter().position(by_hash));
        let found = at.and_then(|at| rows.into_iter().nth(at));
        found.ok_or_else(|| NodeError::NotFound(name.to_owned()))
    }

    /// A file of an incident, or a smaller form of it, to be read wherever the caller likes.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where the incident has no such file, [`NodeError::Destroyed`] where its key was destroyed,
    /// [`NodeError::NoForm`] where it has no such form.
    pub fn stored_file(
        &self,
        incident: &DocumentId,
        name: &str,
        form: VariantKind,
    ) -> Result<StoredFile, NodeError> {
        self.stored(self.find_row(incident, name)?, form)
    }

    /// The same by its record.
    pub(crate) fn stored_original(&self, file: &DocumentId) -> Result<StoredFile, NodeError> {
        let row = self.store.evidence(file)?.ok_or_else(|| NodeError::NotFound(file.short()))?;
        self.stored(row, VariantKind::Original)
    }

    fn stored(&self, row: EvidenceRow, form: VariantKind) -> Result<StoredFile, NodeError> {
        let secrets = self.secrets(&row.id)?.ok_or(NodeError::Destroyed)?;
        let (hash, byte_len) = if form == VariantKind::Original {
            (row.evidence.hash, row.evidence.byte_len)
        } else {
            let form = self.store.evidence_form(&row.id, form)?.ok_or(NodeError::NoForm(form))?;
            (form.hash, form.byte_len)
        };
        let secret = secrets.form(form).ok_or(NodeError::NoForm(form))?.clone();
        let attachments = self.store.attachments();
        Ok(StoredFile { document: row.id, byte_len, hash, secret, attachments })
    }

    /// Writes a file's plain bytes to `out`.
    ///
    /// # Errors
    /// As [`Ledger::stored_file`] and [`StoredFile::write_to`].
    pub fn read_attachment(
        &self,
        incident: &DocumentId,
        name: &str,
        out: &mut dyn Write,
    ) -> Result<u64, NodeError> {
        self.stored_file(incident, name, VariantKind::Original)?.write_to(out, &mut |_| true)
    }

    /// What opens the file that a document records, and its smaller forms; `None` where that was destroyed.
    pub(super) fn secrets(&self, evidence: &DocumentId) -> Result<Option<FileSecrets>, NodeError> {
        let Some((writer, position)) = self.store.creator(evidence)? else { return Ok(None) };
        let entry = self.store.entry(&writer, position)?;
        Ok(entry.and_then(|stored| match stored.entry.detached {
            Some(Detached::Present(bytes)) => FileSecrets::decode(&bytes),
            _ => None,
        }))
    }
}
