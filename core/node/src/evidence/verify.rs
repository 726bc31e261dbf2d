use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use firsthand_document::{Author, Authors, Document, DocumentKind, Incoming, Outcome, Rights};
use firsthand_ids::{
    ChangeHash, ContentHash, DeviceKey, DocumentId, EntryHash, LocalTime, PersonId, Position, WriterId,
};
use firsthand_log::{Entry, EntryKind, SignedHead, content_hash, entry_hash, signed_by, writer_id};
use firsthand_record::{Evidence, Moment};
use ring::digest::{Context, SHA256};
use serde_json::{Map, Value};

use super::proof::{
    MAX_DISTANCE, MAX_PROOF_BYTES, PROOF_NAME, Place, Proof, ProofChain, ProofError, ProofFile, ProofReceipt,
};
use crate::ManifestState;
use crate::ledger::check_manifest;

/// The most receipts that are looked at: of a team of 400 devices and 16 chains.
const MAX_PROOF_RECEIPTS: usize = 6_400;

/// What a folder proves.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The code of the incident that the files belong to.
    pub short_code: String,
    /// Each file.
    pub files: Vec<FileVerdict>,
    /// Who wrote the folder.
    pub exported: Signed,
    /// The folder's own signature is that device's, over all that stands in it.
    pub sealed: bool,
    /// Names in the folder that nothing in it speaks of.
    pub others: Vec<String>,
}

impl Verdict {
    /// Whether everything in it verified. A file that was left out on purpose is no failure.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.sealed && self.files.iter().all(|file| file.problems.is_empty())
    }
}

/// Something that a device signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Signed {
    /// The device's key: what proves something.
    pub device: DeviceKey,
    /// Its person's name, as the device that wrote the folder says.
    pub name: String,
    /// When, by that device's clock.
    pub at: Option<Moment>,
}

/// What is known of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileVerdict {
    /// Its record.
    pub document: DocumentId,
    /// Where it stands in the folder; `None` where it was left out.
    pub path: Option<String>,
    /// Everything that is wrong, in words; empty where all of it verified.
    pub problems: Vec<String>,
    /// What its record says, once that is proven.
    pub record: Option<Box<Evidence>>,
    /// Who recorded it.
    pub recorded: Option<Signed>,
    /// Other devices that signed something which builds on that record, each the first time: by their clocks it was there then.
    pub witnesses: Vec<Signed>,
    /// Other devices that signed a receipt of the recording device's chain which covers the record, each the first time: by their clocks it was
    /// there then.
    pub seen: Vec<Signed>,
    /// Who destroyed the file's key, and why. That they signed it is proven; that they had the right to it the device says that wrote the
    /// folder.
    pub destroyed: Option<(Signed, String)>,
}

impl FileVerdict {
    fn of(file: &ProofFile) -> Self {
        Self {
            document: file.document,
            path: file.path.clone(),
            problems: Vec::new(),
            record: None,
            recorded: None,
            witnesses: Vec::new(),
            seen: Vec::new(),
            destroyed: None,
        }
    }
}

/// Checks an evidence folder. `progress` hears how many bytes of how many were read, and says whether to go on.
///
/// # Errors
/// [`ProofError`] where its `evidence.json` cannot be read, or it was stopped. What does not verify is no error but
/// in the [`Verdict`].
pub fn verify(folder: &Path, progress: &mut dyn FnMut(u64, u64) -> bool) -> Result<Verdict, ProofError> {
    let path = folder.join(PROOF_NAME);
    if fs::metadata(&path)?.len() > MAX_PROOF_BYTES {
        return Err(ProofError::TooLong);
    }
    let mut bytes = Vec::new();
    File::open(&path)?.take(MAX_PROOF_BYTES + 1).read_to_end(&mut bytes)?;
    let mut verdict = judge(&Proof::read(&bytes)?);
    let lens = verdict.files.iter().filter_map(|file| Some(file.record.as_ref()?.byte_len));
    let (mut done, total) = (0, lens.fold(0, u64::saturating_add));
    for file in &mut verdict.files {
        let Some(path) = &file.path else { continue };
        let mut on = |bytes: u64| {
            done += bytes;
            progress(done, total)
        };
        match hash_file(folder, path, &mut on)? {
            Err(problem) => file.problems.push(problem),
            Ok((hash, len)) => {
                let said = file.record.as_ref().map(|record| (record.sha256, record.byte_len));
                if said.is_some_and(|said| said != (hash, len)) {
                    file.problems.push("the file is not the one that was recorded".to_owned());
                }
            }
        }
    }
    verdict.others = others(folder, &verdict.files)?;
    Ok(verdict)
}

/// What an `evidence.json` proves by itself, the files left aside.
#[must_use]
pub fn judge(proof: &Proof) -> Verdict {
    let proven = Proven::of(proof);
    let mut seen = BTreeSet::new();
    let files = proof.files.iter().map(|file| {
        if seen.insert(file.document) {
            proven.record(proof, file)
        } else {
            FileVerdict {
                problems: vec!["it stands in evidence.json twice".to_owned()],
                ..FileVerdict::of(file)
            }
        }
    });
    let files = files.collect();
    let exported = &proof.exported;
    let name = proof.people.get(&exported.person).cloned().unwrap_or_default();
    Verdict {
        short_code: proof.short_code.clone(),
        exported: Signed { device: exported.device, name, at: Some(exported.at) },
        sealed: signed_by(&exported.device, &proof.message(), proof.signature.signature()),
        others: Vec::new(),
        files,
    }
}

/// Hashes a file of the folder; the inner error says what is wrong with the file.
fn hash_file(
    folder: &Path,
    path: &str,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<Result<(ContentHash, u64), String>, ProofError> {
    // Anything else could lead out of the folder.
    let plain = path.strip_prefix("files/").filter(|name| {
        !name.is_empty() && !name.contains(['/', '\\', '\0']) && *name != "." && *name != ".."
    });
    let Some(name) = plain else { return Ok(Err("its path does not lead into the folder".to_owned())) };
    let path = folder.join("files").join(name);
    match fs::symlink_metadata(&path) {
        Ok(data) if data.is_file() => {}
        Ok(_) => return Ok(Err("it is no file".to_owned())),
        Err(error) => return Ok(Err(format!("it cannot be read: {error}"))),
    }
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) => return Ok(Err(format!("it cannot be read: {error}"))),
    };
    let (mut context, mut len, mut buffer) = (Context::new(&SHA256), 0, vec![0; 256 * 1024]);
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => return Ok(Err(format!("it cannot be read: {error}"))),
        };
        context.update(&buffer[..read]);
        len += read as u64;
        if !progress(read as u64) {
            return Err(ProofError::Stopped);
        }
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    Ok(Ok((ContentHash::new(hash), len)))
}

/// What lies in the folder besides.
fn others(folder: &Path, files: &[FileVerdict]) -> Result<Vec<String>, ProofError> {
    let known: BTreeSet<&str> = files.iter().filter_map(|file| file.path.as_deref()).collect();
    let mut others = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !matches!(name.as_str(), PROOF_NAME | "README.txt" | "files") {
            others.push(name);
        }
    }
    if let Ok(files) = fs::read_dir(folder.join("files")) {
        for entry in files {
            let name = format!("files/{}", entry?.file_name().to_string_lossy());
            if !known.contains(name.as_str()) {
                others.push(name);
            }
        }
    }
    others.sort();
    Ok(others)
}

/// An entry of which a signed head proves that its device made it.
struct ProvenEntry {
    entry: Entry,
    person: PersonId,
    device: DeviceKey,
}

/// The entries of a proof, those that verified.
#[derive(Default)]
struct Proven {
    entries: BTreeMap<Place, ProvenEntry>,
    /// Of all entries in runs that verified, with their bodies or without: their hashes, and those of the entries before them.
    hashes: BTreeMap<Place, (EntryHash, EntryHash)>,
}

impl Proven {
    fn of(proof: &Proof) -> Self {
        let mut proven = Self::default();
        for chain in &proof.chains {
            // Nobody makes a chain under another device's id.
            if writer_id(&proof.team, &proof.space, &chain.device, &chain.nonce.0) == chain.writer {
                proven.runs(proof, chain);
            }
        }
        proven
    }

    fn runs(&mut self, proof: &Proof, chain: &ProofChain) {
        let id = proof.chain(chain.writer);
        for run in &chain.runs {
            let (mut hash, mut last, mut hashes) = (run.previous, None, Vec::new());
            let starts = run.from == 1;
            if run.from == 0 || starts != (hash == EntryHash::ZERO) {
                continue;
            }
            for (position, entry) in (run.from..).zip(&run.entries) {
                let (position, previous) = (Position(position), hash);
                hash = entry_hash(&id, position, &hash, &entry.header(), entry.detached().as_ref());
                hashes.push((Place { writer: chain.writer, position: position.0 }, (hash, previous)));
                last = Some(position);
            }
            let Some(position) = last else { continue };
            let head = SignedHead { position, hash, signature: run.signature.0 };
            if head.verify(&id, &chain.device).is_err() {
                continue;
            }
            self.hashes.extend(hashes);
            for (position, entry) in (run.from..).zip(&run.entries) {
                let Some(whole) = entry.whole(Position(position)) else { continue };
                let hashed = content_hash(whole.header.kind, &whole.body) == whole.header.content;
                if hashed && whole.check(&id).is_ok() {
                    let place = Place { writer: chain.writer, position };
                    let (person, device) = (chain.person, chain.device);
                    self.entries.insert(place, ProvenEntry { entry: whole, person, device });
                }
            }
        }
    }

    /// Whether a receipt is of the chain that an entry stands in, after it, with nothing missing between.
    fn covers(&self, proof: &Proof, receipt: &ProofReceipt, place: &Place) -> bool {
        let at = |position| Place { writer: place.writer, position };
        let end = self.hashes.get(&at(receipt.position)).map(|(hash, _)| *hash);
        let after = receipt.writer == place.writer && receipt.position >= place.position;
        if receipt.position.saturating_sub(place.position) > MAX_DISTANCE
            || !after
            || end != Some(receipt.hash)
        {
            return false;
        }
        let linked = (place.position + 1..=receipt.position).all(|position| {
            let before = self.hashes.get(&at(position - 1)).map(|(hash, _)| *hash);
            before.is_some() && self.hashes.get(&at(position)).map(|(_, previous)| *previous) == before
        });
        linked && receipt.receipt().is_of(&proof.team, &proof.space, &receipt.device)
    }

    /// Who signed a receipt that covers an entry of a device, each other device the first time by its clock.
    fn seen(&self, proof: &Proof, place: &Place, device: &DeviceKey) -> Vec<Signed> {
        let mut seen: BTreeMap<DeviceKey, &ProofReceipt> = BTreeMap::new();
        for receipt in proof.receipts.iter().take(MAX_PROOF_RECEIPTS) {
            if receipt.device != *device && self.covers(proof, receipt, place) {
                let first = seen.entry(receipt.device).or_insert(receipt);
                if receipt.local.0 < first.local.0 {
                    *first = receipt;
                }
            }
        }
        let mut seen: Vec<&ProofReceipt> = seen.into_values().collect();
        seen.sort_by_key(|receipt| (receipt.local.0, receipt.device));
        seen.into_iter()
            .map(|receipt| Signed {
                device: receipt.device,
                name: proof.people.get(&receipt.person).cloned().unwrap_or_default(),
                at: Moment::from_local(receipt.receipt().local),
            })
            .collect()
    }

    /// What the entries say of a file, the file itself left aside.
    fn record(&self, proof: &Proof, file: &ProofFile) -> FileVerdict {
        let mut verdict = FileVerdict::of(file);
        let mut seen = BTreeSet::new();
        let entries: Vec<(&Place, &ProvenEntry)> = file
            .entries
            .iter()
            .filter(|place| seen.insert(**place))
            .filter_map(|place| self.entries.get_key_value(place))
            .filter(|(_, proven)| proven.entry.header.document == Some(file.document))
            .collect();
        let missing = file.entries.len() - entries.len();
        if missing > 0 || entries.is_empty() {
            let problem = format!("{missing} of {} entries of its record do not verify", file.entries.len());
            verdict.problems.push(problem);
        }
        let creator = entries.iter().find(|(_, proven)| proven.entry.header.kind == EntryKind::Create);
        let Some((place, creator)) = creator else {
            verdict.problems.push("the entry that recorded it is not there".to_owned());
            return verdict;
        };
        let name = |person: &PersonId| proof.people.get(person).cloned().unwrap_or_default();
        let signed = |proven: &ProvenEntry| Signed {
            device: proven.device,
            name: name(&proven.person),
            at: Moment::from_local(proven.entry.header.local),
        };
        verdict.recorded = Some(signed(creator));
        verdict.seen = self.seen(proof, place, &creator.device);
        let mut seen = BTreeSet::from([creator.device]);
        verdict.witnesses =
            entries.iter().filter(|(_, it)| seen.insert(it.device)).map(|(_, it)| signed(it)).collect();

        let authors = Everybody::from_entries(entries.iter().map(|(place, it)| (**place, *it)));
        let incoming: Vec<Incoming<'_>> = entries
            .iter()
            .map(|(place, it)| Incoming {
                writer: place.writer,
                position: Position(place.position),
                create: it.entry.header.kind == EntryKind::Create,
                change: &it.entry.body,
            })
            .collect();
        let mut document = Document::empty();
        let record = record_of(&mut document, &incoming, &authors)
            .filter(|_| document.kind() == Some(&DocumentKind::Evidence));
        let Some(record) = record else {
            verdict.problems.push("its entries do not make a record".to_owned());
            return verdict;
        };
        if record != file.record {
            verdict.problems.push("what the folder says of it is not what its entries say".to_owned());
        }
        let view = document.view(&authors);
        match check_manifest(&view, &proof.chain(place.writer), &creator.device) {
            ManifestState::Valid => {}
            ManifestState::Wrong => verdict.problems.push("its manifest is signed wrongly".to_owned()),
            ManifestState::Absent => verdict.problems.push("its record has no signed manifest".to_owned()),
        }
        let sha256 = view.value("sha256").and_then(Value::as_str).unwrap_or_default();
        for item in view.destructions(sha256).counted {
            let by = entries.iter().find(|(place, it)| {
                it.entry.header.content == item.change && file.destroyed == Some(**place)
            });
            if let Some((_, by)) = by {
                let reason = item.value["reason"].as_str().unwrap_or_default().to_owned();
                verdict.destroyed = Some((signed(by), reason));
            }
        }
        verdict.record = Evidence::read(record).map(Box::new);
        if verdict.record.is_none() {
            verdict.problems.push("its record lacks what every record of a file has".to_owned());
        }
        verdict
    }
}

/// What the entries of a record make, as JSON; `None` where they do not go together.
pub(crate) fn record_of(
    document: &mut Document,
    incoming: &[Incoming<'_>],
    authors: &Everybody,
) -> Option<Map<String, Value>> {
    let outcomes = document.apply(incoming, authors).outcomes;
    let applied = !outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == Outcome::Applied);
    applied.then(|| document.view(authors).shown())
}

/// Who made the changes of a record. Each with every right: whether a mark on it counted in the team, only the team can tell, and
/// what is written once needs no right.
pub(crate) struct Everybody(BTreeMap<ChangeHash, Author>);

impl Everybody {
    pub(crate) fn from_infos<'a>(infos: impl Iterator<Item = &'a firsthand_store::EntryInfo>) -> Self {
        let all = infos.map(|info| {
            let (writer, person, position) = (info.writer, info.person, info.position);
            let (hybrid, local, rights) = (info.hybrid, info.local, Rights::ALL);
            (info.content, Author { writer, person, position, hybrid, local, rights })
        });
        Self(all.collect())
    }

    fn from_entries<'a>(entries: impl Iterator<Item = (Place, &'a ProvenEntry)>) -> Self {
        let all = entries.map(|(place, proven)| {
            let header = &proven.entry.header;
            let (writer, position): (WriterId, _) = (place.writer, Position(place.position));
            let (hybrid, local): (_, LocalTime) = (header.hybrid, header.local);
            let (person, rights) = (proven.person, Rights::ALL);
            (header.content, Author { writer, person, position, hybrid, local, rights })
        });
        Self(all.collect())
    }
}

impl Authors for Everybody {
    fn author(&self, change: &ChangeHash) -> Option<Author> {
        self.0.get(change).copied()
    }
}
