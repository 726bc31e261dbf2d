//! Between teams. A network is a group with a membership chain, a space and a home of its own; who shares something with it belongs to both, and
//! nothing goes over but what they make here: a *copy*, with less in it, that knows its origin by a mark which only its own
//! team can compute. Sharing again changes that copy; there is never a second one by the same device.

use std::collections::BTreeMap;

use firsthand_document::{Authors, DocumentKind, Edit, FieldView, Letter, Schema, View};
use firsthand_ids::{Digest, DocumentId, PersonId, TeamId};
use firsthand_record::share::{self, FIELDS, NotShared, SharedIncident, Withheld, file_for_network};
use firsthand_record::{Consent, Incident, Origin, PeopleVisible, Sensitivity, Tombstone};
use rand_core::CryptoRng;
use serde_json::{Map, Value};

use super::authors::LogAuthors;
use super::records::object;
use super::sealed::{SealedFile, StoredFile};
use super::{AttachmentView, Ledger, NewFile, Now};
use crate::NodeError;

/// The format in the origin of a copy.
const FORMAT: &str = "firsthand network";
/// Why a copy is hidden whose origin is shared no more.
const TAKEN_BACK: &str = "its team shares it no more";
/// How the names of shared files begin: what people call files can name anybody.
const FILE: &str = "shared-";

/// What a team would give to a network of one incident, and what it would not.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The incident.
    pub incident: DocumentId,
    /// Its short code in the team.
    pub short_code: String,
    /// The copy; or why there is none, and one that was shared before is taken back.
    pub copy: Result<SharedIncident, NotShared>,
    /// Files that go with it.
    pub files: Vec<OfferedFile>,
    /// Names of files that do not, and why.
    pub withheld_files: Vec<(String, Withheld)>,
    link: String,
}

/// A file that goes with a copy, without what it says of itself.
#[derive(Debug, Clone)]
pub struct OfferedFile {
    /// What the team calls it.
    pub name: String,
    /// What the network calls it.
    pub shared_name: String,
    pub(crate) document: DocumentId,
    /// The file as the team keeps it, with everything that it says of itself.
    pub stored: StoredFile,
    people_visible: Option<PeopleVisible>,
}

/// What sharing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedView {
    /// The copy.
    pub document: DocumentId,
    /// Its short code in the network.
    pub short_code: String,
    /// It is new; otherwise it was there before.
    pub created: bool,
    /// Its origin is shared no more, and the copy is hidden.
    pub taken_back: bool,
    /// How many of its fields changed, or got other items.
    pub changed: usize,
    /// Files that were added, by what the team calls them.
    pub files: Vec<String>,
    /// Files that were there and are not shared any more: hidden, and their keys destroyed.
    pub files_taken_back: usize,
    /// The records of the added files in the team.
    pub(crate) origins: Vec<DocumentId>,
}

impl Ledger {
    /// The mark of a record in a network. It is made of the team's secret: everybody in the team computes the same one, and nobody else
    /// learns from it what it stands for.
    fn link(&self, network: &TeamId, record: &DocumentId) -> String {
        let mut digest = Digest::new("firsthand network link v1");
        let mark = digest.fixed(self.membership.discovery_secret()).fixed(network).fixed(record).finish();
        mark.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What this team would give to a network of an incident: nothing is written. With `texts` free words are shared too, without numbers and
    /// without the names of the team's people.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::Store`].
    pub fn offer(&mut self, incident: DocumentId, network: &TeamId, texts: bool) -> Result<Offer, NodeError> {
        let view = self.incident(incident)?;
        let mut names: Vec<String> = Vec::new();
        for person in self.people()? {
            names.extend([person.name, person.callsign]);
        }
        names.extend(self.membership.roster().former.values().map(|member| member.name.clone()));
        let copy = share::for_network(&view.record, &names, texts);
        let (mut files, mut withheld_files) = (Vec::new(), Vec::new());
        for file in view.attachments.iter().filter(|file| copy.is_ok() && file.destroyed.is_none()) {
            match self.offer_file(network, file, &view.attachments) {
                Ok(offered) => files.push(offered),
                Err(why) => withheld_files.push((file.name.clone(), why)),
            }
        }
        let link = self.link(network, &incident);
        Ok(Offer { incident, short_code: view.short_code, copy, files, withheld_files, link })
    }

    fn offer_file(
        &self,
        network: &TeamId,
        file: &AttachmentView,
        all: &[AttachmentView],
    ) -> Result<OfferedFile, Withheld> {
        file_for_network(&file.record)?;
        // Whoever made a redacted copy wants that to be seen.
        let redacted = |other: &&AttachmentView| other.record.redacted_copy_of == Some(file.document);
        if all.iter().filter(redacted).any(|copy| file_for_network(&copy.record).is_ok()) {
            return Err(Withheld::Internal);
        }
        let ending = match file.mime.as_str() {
            "image/jpeg" => "jpg",
            "image/png" => "png",
            "image/webp" => "webp",
            "image/gif" => "gif",
            _ => return Err(Withheld::NotCleaned),
        };
        let stored = self.stored_original(&file.document).map_err(|_| Withheld::NotHere)?;
        if !file.here {
            return Err(Withheld::NotHere);
        }
        let link = self.link(network, &file.document);
        Ok(OfferedFile {
            name: file.name.clone(),
            shared_name: format!("{FILE}{}.{ending}", &link[..16]),
            document: file.document,
            stored,
            people_visible: file.record.people_visible,
        })
    }

    /// The copy of an offer that is here already.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub fn shared_copy(&self, offer: &Offer) -> Result<Option<(DocumentId, String)>, NodeError> {
        let Some((id, _)) = self.store.by_origin(&origin(offer, String::new()))? else { return Ok(None) };
        let row = self.store.incident(&id)?;
        Ok(row.map(|row| (id, super::read::short_code(&row))))
    }

    /// Takes an offer into this network: makes the copy, or changes the one that is here. `files` are those of the offer, sealed here
    /// without what they say of themselves.
    ///
    /// # Errors
    /// [`NodeError::NotNetwork`] where this is a team; [`NodeError::NotShared`] where there is nothing to share and nothing to take
    /// back; [`NodeError::Rejected`]; [`NodeError::Store`] from the disk.
    pub fn take_offer(
        &mut self,
        offer: &Offer,
        files: Vec<(OfferedFile, SealedFile)>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<SharedView, NodeError> {
        if !self.membership.roster().network {
            return Err(NodeError::NotNetwork);
        }
        let held = self.shared_copy(offer)?;
        let (document, short_code, created, changed) = match (&offer.copy, held) {
            (Err(why), None) => return Err((*why).into()),
            (Err(_), Some((id, code))) => (id, code, false, self.take_back(id, now, rng)?),
            (Ok(copy), None) => {
                let mut incident = copy.incident.clone();
                let canonical = firsthand_document::canonical(&Value::Object(object(&incident)?));
                let hash = Digest::new("firsthand network copy v1").sized(canonical.as_bytes()).finish();
                let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
                incident.origin = Some(origin(offer, hash));
                let saved = self.add_incident(incident, now, rng)?;
                (saved.id, saved.short_code, true, 0)
            }
            (Ok(copy), Some((id, code))) => {
                let edits = self.differences(id, &copy.incident)?;
                if !edits.is_empty() {
                    self.edit(id, &edits, now, rng)?;
                }
                (id, code, false, edits.len())
            }
        };
        let mut shared = SharedView {
            document,
            short_code,
            created,
            taken_back: offer.copy.is_err(),
            changed,
            files: Vec::new(),
            files_taken_back: self.take_files_back(document, offer, now, rng)?,
            origins: Vec::new(),
        };
        let held = self.shown_files(&document)?;
        for (file, sealed) in files {
            if held.iter().any(|row| row.evidence.name == file.shared_name) {
                continue;
            }
            // Agreed by all who are shown, or the file would not be here; what they agreed to in words stays with their team.
            let consent = Consent { record: true, share_network: true, ..Consent::default() };
            let said = NewFile {
                name: file.shared_name,
                people_visible: file.people_visible,
                consent: Some(consent).filter(|_| file.people_visible != Some(PeopleVisible::None)),
                ..NewFile::default()
            };
            self.record_file(document, sealed, said, now, rng)?;
            shared.files.push(file.name);
            shared.origins.push(file.document);
        }
        Ok(shared)
    }

    /// Hides a copy whose origin is shared no more.
    fn take_back(&mut self, id: DocumentId, now: Now, rng: &mut dyn CryptoRng) -> Result<usize, NodeError> {
        let hidden = self.incident(id)?.record.tombstone.iter().any(|mark| mark.reason == TAKEN_BACK);
        if hidden {
            return Ok(0);
        }
        let mark = Tombstone { reason: TAKEN_BACK.to_owned(), by: Some(self.person), ..Tombstone::default() };
        let value = Value::Object(object(&mark)?);
        self.edit(id, &[Edit::Add { list: "tombstone".to_owned(), value }], now, rng)?;
        Ok(1)
    }

    /// Hides the files that this person's devices shared and that the offer does not have any more, and destroys their keys.
    fn take_files_back(
        &mut self,
        copy: DocumentId,
        offer: &Offer,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<usize, NodeError> {
        let mut count = 0;
        for row in self.shown_files(&copy)? {
            let name = &row.evidence.name;
            let kept = offer.files.iter().any(|file| file.shared_name == *name);
            if kept || !name.starts_with(FILE) || row.author != self.person {
                continue;
            }
            if self.file(row.id)?.destroyed.is_none() {
                self.destroy_file(row.id, TAKEN_BACK, now, rng)?;
            }
            let mark =
                Tombstone { reason: TAKEN_BACK.to_owned(), by: Some(self.person), ..Tombstone::default() };
            let value = Value::Object(object(&mark)?);
            self.edit(row.id, &[Edit::Add { list: "tombstone".to_owned(), value }], now, rng)?;
            count += 1;
        }
        Ok(count)
    }

    /// What makes a copy say what its origin says now. What others of the network added to its lists stays.
    fn differences(&mut self, id: DocumentId, incident: &Incident) -> Result<Vec<Edit>, NodeError> {
        let view = self.read_view(&id)?;
        let old = view.shown();
        let new = object(incident)?;
        let schema = Schema::of(&DocumentKind::Incident);
        let mut edits = Vec::new();
        for mark in view.items("tombstone").iter().filter(|mark| mark.withdrawn.is_none()) {
            if mark.value["reason"].as_str() == Some(TAKEN_BACK) {
                edits.push(Edit::Withdraw { key: mark.key.clone(), reason: "it is shared again".to_owned() });
            }
        }
        for field in FIELDS {
            let value = |from: &Map<String, Value>| from.get(*field).cloned().unwrap_or_default();
            let (was, is) = (value(&old), value(&new));
            match schema.letter(field) {
                Some(Letter::Text) => {
                    let text = is.as_str().unwrap_or_default().to_owned();
                    if was.as_str().unwrap_or_default() != text {
                        edits.push(Edit::ReplaceText { field: (*field).to_owned(), text });
                    }
                }
                Some(Letter::Add) => self.other_items(&view, field, &is, &mut edits),
                Some(Letter::Register | Letter::Safe(_)) => {
                    let conflict =
                        matches!(view.fields.get(*field), Some(FieldView::Register(it)) if it.in_conflict());
                    if conflict {
                        let (field, note) = ((*field).to_owned(), "as its team says".to_owned());
                        edits.push(Edit::Resolve { field, value: is, note });
                    } else if was != is {
                        edits.push(Edit::Set { field: (*field).to_owned(), value: is });
                    }
                }
                _ => {}
            }
        }
        Ok(edits)
    }

    /// Items that are missing, and items of this person that are too many. Who noted them, and when, is the network's own.
    fn other_items(&self, view: &View, list: &str, is: &Value, edits: &mut Vec<Edit>) {
        let bare = |item: &Value| {
            let mut item = item.clone();
            if let Some(members) = item.as_object_mut() {
                for name in ["key", "by", "at"] {
                    members.remove(name);
                }
            }
            firsthand_document::canonical(&item)
        };
        let mut wanted: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for item in is.as_array().into_iter().flatten() {
            wanted.entry(bare(item)).or_default().push(item);
        }
        let none = BTreeMap::new();
        let authors = LogAuthors::new(&self.store, &self.membership, &none);
        let mine = |person: PersonId| person == self.person;
        for item in view.items(list).iter().filter(|item| item.withdrawn.is_none()) {
            let there = wanted.get_mut(&bare(&item.value)).and_then(Vec::pop).is_some();
            if !there && authors.author(&item.change).is_some_and(|author| mine(author.person)) {
                let reason = "its team shares it no more".to_owned();
                edits.push(Edit::Withdraw { key: item.key.clone(), reason });
            }
        }
        for item in wanted.into_values().flatten() {
            edits.push(Edit::Add { list: list.to_owned(), value: item.clone() });
        }
    }

    /// The incidents of this team that are marked for other teams, newest first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn marked_for_network(&mut self) -> Result<Vec<DocumentId>, NodeError> {
        let rows =
            self.store.incidents(&firsthand_store::IncidentQuery { hidden: true, ..Default::default() })?;
        let mut marked = Vec::new();
        for row in rows {
            let view = self.read_view(&row.id)?;
            let sensitivity = view.value("sensitivity").and_then(Value::as_str).unwrap_or_default();
            if [Sensitivity::Network, Sensitivity::Public].iter().any(|it| it.code() == sensitivity) {
                marked.push(row.id);
            }
        }
        Ok(marked)
    }
}

fn origin(offer: &Offer, row_hash: String) -> Origin {
    Origin { format: FORMAT.to_owned(), external_id: Some(offer.link.clone()), row_hash }
}
