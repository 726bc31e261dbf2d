//! A team at work: several devices that write incidents, evidence and edits into one log.

use std::collections::BTreeMap;

use firsthand_document::{Document, DocumentKind, Edit, Rights};
use firsthand_ids::{
    ChangeHash, DocumentId, HybridTime, LocalTime, OperationHash, PersonId, Position, SpaceId, TeamId,
    UnixMillis, WriterId,
};
use firsthand_log::lean::encode_batch;
use firsthand_log::{
    Batch, Bind, ChainId, Detached, DeviceSecret, Entry, EntryHeader, EntryKind, Mark, Nonce, References,
    SignedHead, Tip, Vector, content_hash, document_id, hash_run, writer_id,
};
use firsthand_record::generate::{GeneratedEdit, Generator};
use firsthand_record::{Evidence, Incident};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Map, Value};

use super::words::{Rewriter, Words};
use crate::Failure;

/// One device.
struct Author {
    secret: DeviceSecret,
    chain: ChainId,
    tip: Option<Tip>,
}

/// An incident and what it says now.
struct Case {
    id: DocumentId,
    document: Document,
    incident: Incident,
}

/// A team with everything it wrote.
pub(crate) struct Team {
    rng: ChaCha8Rng,
    records: Generator<ChaCha8Rng>,
    rewriter: Rewriter,
    authors: Vec<Author>,
    cases: Vec<Case>,
    evidence: Vec<Document>,
    entries: Vec<(WriterId, Entry)>,
    /// The hash of each entry, for the signed heads.
    hashes: Vec<firsthand_ids::EntryHash>,
    changes: BTreeMap<ChangeHash, (WriterId, Position)>,
    creators: BTreeMap<DocumentId, (WriterId, Position)>,
    about: BTreeMap<(WriterId, Position), (ChangeHash, Option<DocumentId>)>,
    now: UnixMillis,
    offset_minutes: i16,
}

impl Team {
    /// A team of two to six devices, bound and with nothing written.
    pub(crate) fn new(seed: u64, words: Words) -> Result<Self, Failure> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let records = Generator::new(ChaCha8Rng::from_seed(bytes(&mut rng)));
        let rewriter = Rewriter::new(words, &mut rng);
        let now = records.now();
        let mut team = Self {
            rng,
            records,
            rewriter,
            authors: Vec::new(),
            cases: Vec::new(),
            evidence: Vec::new(),
            entries: Vec::new(),
            hashes: Vec::new(),
            changes: BTreeMap::new(),
            creators: BTreeMap::new(),
            about: BTreeMap::new(),
            now,
            offset_minutes: 0,
        };
        team.offset_minutes = [-300, 0, 60, 120, 180, 345][team.below(6)];
        let (id, space) = (TeamId::new(bytes(&mut team.rng)), SpaceId::new(bytes(&mut team.rng)));
        let heads = vec![OperationHash::new(bytes(&mut team.rng))];
        for index in 0..2 + team.below(5) {
            let secret = DeviceSecret::from_seed(bytes(&mut team.rng))?;
            let nonce = bytes(&mut team.rng);
            let writer = writer_id(&id, &space, &secret.key(), &nonce);
            let person = PersonId::new(bytes(&mut team.rng));
            let bind = Bind { device: secret.key(), person, nonce, app_version: "0.1.0".to_owned() };
            team.authors.push(Author { secret, chain: ChainId { team: id, space, writer }, tip: None });
            let entry = team.entry(index, EntryKind::Bind, None, bind.encode());
            let header = EntryHeader { membership: Some(heads.clone()), ..entry.header };
            team.append(index, Entry { header, ..entry })?;
        }
        Ok(team)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.rng.next_u64() % end.max(1) as u64) as usize
    }

    /// How many entries were written.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Writes about `entries` entries as teams do: new incidents, photos of some, edits of all.
    pub(crate) fn work(&mut self, entries: usize) -> Result<(), Failure> {
        let end = self.len() + entries;
        while self.len() < end {
            match self.below(6) {
                0 => self.create()?,
                1 if !self.cases.is_empty() => self.attach()?,
                _ if self.cases.is_empty() => self.create()?,
                _ => {
                    let case = self.below(self.cases.len());
                    self.edit(case)?;
                }
            }
        }
        Ok(())
    }

    /// Writes a new incident.
    pub(crate) fn create(&mut self) -> Result<(), Failure> {
        let author = self.below(self.authors.len());
        let mut json = serde_json::to_value(self.records.incident())?;
        self.rewriter.value(&mut json, &mut self.rng);
        let incident = Incident::read(object(json)).record;
        let fields = firsthand_document::incident::fields(&incident)?;
        let (id, document) = self.create_document(author, DocumentKind::Incident, &fields, false)?;
        self.cases.push(Case { id, document, incident });
        Ok(())
    }

    /// Adds a photo or a recording to some incident.
    pub(crate) fn attach(&mut self) -> Result<(), Failure> {
        let (author, case) = (self.below(self.authors.len()), self.below(self.cases.len()));
        let mut json = serde_json::to_value(self.records.evidence(self.cases[case].id))?;
        self.rewriter.value(&mut json, &mut self.rng);
        let evidence: Evidence = serde_json::from_value(json)?;
        let fields = firsthand_document::evidence::fields(&evidence)?;
        let (_, document) = self.create_document(author, DocumentKind::Evidence, &fields, true)?;
        self.evidence.push(document);
        Ok(())
    }

    fn create_document(
        &mut self,
        author: usize,
        kind: DocumentKind,
        fields: &Map<String, Value>,
        has_file: bool,
    ) -> Result<(DocumentId, Document), Failure> {
        let writer = self.authors[author].chain.writer;
        let (document, changes) = Document::create(kind, writer, fields)?;
        let nonce: Nonce = bytes(&mut self.rng);
        let position = self.position(author).next();
        let id = document_id(&self.authors[author].chain.space, &writer, position, &nonce);
        let key: [u8; 32] = bytes(&mut self.rng);
        for (index, change) in changes.into_iter().enumerate() {
            let kind = if index == 0 { EntryKind::Create } else { EntryKind::Change };
            let mut entry = self.entry(author, kind, Some(id), change.bytes);
            entry.nonce = (index == 0).then_some(nonce);
            entry.detached = (has_file && index == 0).then(|| Detached::Present(key.to_vec()));
            self.append(author, entry)?;
        }
        Ok((id, document))
    }

    /// Edits one incident, as somebody of the team.
    pub(crate) fn edit(&mut self, case: usize) -> Result<(), Failure> {
        let author = self.below(self.authors.len());
        let writer = self.authors[author].chain.writer;
        let mut edit = self.records.edit(&self.cases[case].incident);
        match &mut edit {
            GeneratedEdit::Text { insert, .. } => *insert = self.rewriter.text(insert, &mut self.rng),
            GeneratedEdit::Set { value, .. } | GeneratedEdit::Add { value, .. } => {
                self.rewriter.value(value, &mut self.rng);
            }
        }
        let Case { id, document, incident } = &mut self.cases[case];
        let id = *id;
        *incident = edit.apply(incident);
        for change in document.edit(writer, Rights::ALL, &[translate(edit)])? {
            let entry = self.entry(author, EntryKind::Change, Some(id), change.bytes);
            self.append(author, entry)?;
        }
        Ok(())
    }

    fn position(&self, author: usize) -> Position {
        self.authors[author].tip.as_ref().map_or(Position::START, |tip| tip.position)
    }

    /// The next entry of a device, some seconds or minutes after the one before it.
    fn entry(
        &mut self,
        author: usize,
        kind: EntryKind,
        document: Option<DocumentId>,
        body: Vec<u8>,
    ) -> Entry {
        self.now.0 += 1_000 + (self.rng.next_u64() % 240_000) as i64;
        // Every other device follows a clock that is ahead of its own.
        let behind = if author.is_multiple_of(2) { 0 } else { (self.rng.next_u64() % 2_000) as i64 };
        let at = UnixMillis(self.now.0 - behind);
        Entry {
            position: self.position(author).next(),
            header: EntryHeader {
                kind,
                document,
                content: content_hash(kind, &body),
                hybrid: HybridTime::new(self.now, 0),
                local: LocalTime { at, offset_minutes: self.offset_minutes },
                membership: None,
            },
            nonce: None,
            body,
            detached: None,
        }
    }

    fn append(&mut self, author: usize, entry: Entry) -> Result<(), Failure> {
        let Author { chain, tip, .. } = &mut self.authors[author];
        let run = hash_run(chain, tip.as_ref(), std::slice::from_ref(&entry))?;
        let at = (chain.writer, entry.position);
        self.hashes.extend(run.hashes);
        *tip = Some(run.tip);
        self.changes.insert(entry.header.content, at);
        if let (EntryKind::Create, Some(document)) = (entry.header.kind, entry.header.document) {
            self.creators.insert(document, at);
        }
        self.about.insert(at, (entry.header.content, entry.header.document));
        self.entries.push((at.0, entry));
        Ok(())
    }

    /// The entries from `from` to before `to`, encoded for somebody who holds all before them.
    pub(crate) fn encoded(&self, from: usize, to: usize) -> Vec<u8> {
        let mut held = Vector::new();
        for ((writer, entry), hash) in self.entries.iter().zip(&self.hashes).take(from) {
            held.set(*writer, Mark::new(entry.position, hash));
        }
        let mut heads = Vec::new();
        for Author { secret, chain, .. } in &self.authors {
            let last = self.entries[from..to].iter().rposition(|(writer, _)| *writer == chain.writer);
            if let Some(last) = last.map(|index| from + index) {
                let position = self.entries[last].1.position;
                heads.push((chain.writer, SignedHead::sign(secret, chain, position, self.hashes[last])));
            }
        }
        let batch = Batch { entries: self.entries[from..to].to_vec(), heads };
        encode_batch(&batch, &held, self)
    }

    /// The bytes of the changes from `from` on, as Automerge has them.
    pub(crate) fn raw_bytes(&self, from: usize) -> usize {
        self.entries[from..].iter().map(|(_, entry)| entry.body.len()).sum()
    }

    /// How many incidents there are.
    pub(crate) fn incidents(&self) -> usize {
        self.cases.len()
    }

    /// The incidents' documents as they are stored, then the photos'.
    pub(crate) fn saved(&self) -> Vec<Vec<u8>> {
        let incidents = self.cases.iter().map(|case| &case.document);
        incidents.chain(&self.evidence).map(Document::save).collect()
    }
}

/// What a person would do in the app.
fn translate(edit: GeneratedEdit) -> Edit {
    match edit {
        GeneratedEdit::Text { field, at_char, insert } => {
            Edit::Splice { field, at: at_char, delete: 0, insert }
        }
        GeneratedEdit::Set { field, value } if field == "status" && value == "closed" => {
            Edit::Close { status: "closed".to_owned(), target: None, note: String::new() }
        }
        GeneratedEdit::Set { field, value } => Edit::Set { field, value },
        GeneratedEdit::Add { list, value } => Edit::Add { list, value },
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn bytes<const N: usize>(rng: &mut ChaCha8Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

impl References for Team {
    fn locate_change(&self, change: &ChangeHash) -> Option<(WriterId, Position)> {
        self.changes.get(change).copied()
    }

    fn locate_document(&self, document: &DocumentId) -> Option<(WriterId, Position)> {
        self.creators.get(document).copied()
    }

    fn change_at(&self, writer: &WriterId, position: Position) -> Option<ChangeHash> {
        self.about.get(&(*writer, position)).map(|(change, _)| *change)
    }

    fn document_at(&self, writer: &WriterId, position: Position) -> Option<DocumentId> {
        self.about.get(&(*writer, position)).and_then(|(_, document)| *document)
    }
}
