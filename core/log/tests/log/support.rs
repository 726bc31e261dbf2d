//! A log that several writers wrote, built from a seed, and devices that hold all or a part of it.

use std::collections::BTreeMap;

use firsthand_ids::{
    ChangeHash, DocumentId, EntryHash, HybridTime, LocalTime, OperationHash, PersonId, Position, SpaceId,
    TeamId, UnixMillis, WriterId,
};
use firsthand_log::change::ChangeParts;
use firsthand_log::lean::{decode_batch, encode_batch};
use firsthand_log::{
    Batch, Bind, ChainId, Detached, DeviceSecret, Entry, EntryHeader, EntryKind, LogError, Mark,
    ReceivedBatch, References, SignedHead, Tip, Vector, VerifiedRun, content_hash, document_id, hash_run,
    verify_run, writer_id,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub(crate) const TEAM: TeamId = TeamId::new([0x11; 32]);
pub(crate) const SPACE: SpaceId = SpaceId::new([0x22; 16]);

/// Random choices from a seed.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    /// True once in `times`.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A number of any magnitude, so that short and long encodings are as frequent.
    pub(crate) fn magnitude(&mut self) -> u64 {
        let bits = self.below(65) as u32;
        self.0.next_u64().checked_shr(64 - bits).unwrap_or(0)
    }
}

/// A device with its chain.
pub(crate) struct Author {
    pub(crate) secret: DeviceSecret,
    pub(crate) chain: ChainId,
    pub(crate) tip: Option<Tip>,
}

impl Author {
    pub(crate) fn new(number: u8) -> Self {
        let secret = DeviceSecret::from_seed([number; 32]).unwrap();
        let writer = writer_id(&TEAM, &SPACE, &secret.key(), &[number; 16]);
        Self { secret, chain: ChainId { team: TEAM, space: SPACE, writer }, tip: None }
    }

    pub(crate) fn writer(&self) -> WriterId {
        self.chain.writer
    }

    pub(crate) fn position(&self) -> Position {
        self.tip.as_ref().map_or(Position::START, |tip| tip.position)
    }

    /// The first entry of the chain.
    pub(crate) fn binding(&self, number: u8) -> Entry {
        let bind = Bind {
            device: self.secret.key(),
            person: PersonId::new([0xa0 ^ number; 16]),
            nonce: [number; 16],
            app_version: "0.1.0".to_owned(),
        };
        entry(self, EntryKind::Bind, None, bind.encode())
    }

    /// Takes the next entry into the chain.
    pub(crate) fn append(&mut self, entry: &Entry) -> EntryHash {
        let run = hash_run(&self.chain, self.tip.as_ref(), std::slice::from_ref(entry)).unwrap();
        self.tip = Some(run.tip);
        run.hashes[0]
    }

    pub(crate) fn sign(&self) -> SignedHead {
        let tip = self.tip.as_ref().unwrap();
        SignedHead::sign(&self.secret, &self.chain, tip.position, tip.hash)
    }
}

/// The next entry of `author`, at noon of 2026-01-01 UTC.
pub(crate) fn entry(author: &Author, kind: EntryKind, document: Option<DocumentId>, body: Vec<u8>) -> Entry {
    let at = UnixMillis(1_767_268_800_000);
    let membership = (kind == EntryKind::Bind).then(|| vec![OperationHash::new([0x44; 32])]);
    Entry {
        position: author.position().next(),
        header: EntryHeader {
            kind,
            document,
            content: content_hash(kind, &body),
            hybrid: HybridTime::new(at, 0),
            local: LocalTime { at, offset_minutes: 120 },
            membership,
        },
        nonce: None,
        body,
        detached: None,
    }
}

/// Everything that was ever written in a space, in the order it was written.
pub(crate) struct Log {
    pub(crate) authors: Vec<Author>,
    pub(crate) entries: Vec<(WriterId, Entry)>,
    pub(crate) hashes: BTreeMap<(WriterId, Position), EntryHash>,
    changes: BTreeMap<ChangeHash, (WriterId, Position)>,
    documents: BTreeMap<DocumentId, (WriterId, Position)>,
    heads: BTreeMap<DocumentId, Vec<ChangeHash>>,
}

impl Log {
    /// The bindings of `writers` devices and `len` entries of every sort after them.
    pub(crate) fn random(dice: &mut Dice, writers: u8, len: usize) -> Self {
        let mut log = Self {
            authors: (0..writers).map(|number| Author::new(number + 1)).collect(),
            entries: Vec::new(),
            hashes: BTreeMap::new(),
            changes: BTreeMap::new(),
            documents: BTreeMap::new(),
            heads: BTreeMap::new(),
        };
        for index in 0..usize::from(writers) {
            let binding = log.authors[index].binding(index as u8 + 1);
            log.append(index, binding);
        }
        for _ in 0..len {
            log.append_random(dice);
        }
        log
    }

    pub(crate) fn append(&mut self, author: usize, entry: Entry) {
        let hash = self.authors[author].append(&entry);
        let at = (self.authors[author].writer(), entry.position);
        self.hashes.insert(at, hash);
        self.changes.insert(entry.header.content, at);
        if let Some(document) = entry.header.document {
            if entry.header.kind == EntryKind::Create {
                self.documents.insert(document, at);
            }
            self.heads.entry(document).or_default().push(entry.header.content);
        }
        self.entries.push((at.0, entry));
    }

    fn append_random(&mut self, dice: &mut Dice) {
        let index = dice.below(self.authors.len() as u64) as usize;
        let author = &self.authors[index];
        let known: Vec<DocumentId> = self.documents.keys().copied().collect();
        let kind = match dice.below(10) {
            0 => EntryKind::Other(3 + dice.below(253) as u8),
            1..4 => EntryKind::Create,
            _ if known.is_empty() => EntryKind::Create,
            _ => EntryKind::Change,
        };
        let nonce: Option<[u8; 16]> = (kind == EntryKind::Create).then(|| dice.array());
        let document = match (kind, nonce) {
            (_, Some(nonce)) => Some(document_id(&SPACE, &author.writer(), author.position().next(), &nonce)),
            (EntryKind::Other(_), _) if known.is_empty() || dice.one_in(2) => None,
            // Sometimes a document whose creation nobody here has seen.
            _ if dice.one_in(20) => Some(DocumentId::new(dice.array())),
            _ => Some(known[dice.below(known.len() as u64) as usize]),
        };
        let body = if matches!(kind, EntryKind::Other(_)) || dice.one_in(12) {
            let len = dice.below(80) as usize;
            dice.bytes(len)
        } else {
            self.random_change(dice, index, document)
        };
        let mut next = entry(&self.authors[index], kind, document, body);
        next.nonce = nonce;
        next.header.hybrid = HybridTime::from_packed(dice.magnitude());
        next.header.local =
            LocalTime { at: UnixMillis(dice.magnitude() as i64), offset_minutes: dice.magnitude() as i16 };
        next.header.membership = dice.one_in(6).then(|| {
            let heads: std::collections::BTreeSet<OperationHash> =
                (0..=dice.below(3)).map(|_| OperationHash::new(dice.array())).collect();
            heads.into_iter().collect()
        });
        next.detached = match dice.below(6) {
            0 => {
                let len = dice.below(65) as usize;
                Some(Detached::Present(dice.bytes(len)))
            }
            1 => Some(Detached::HashOnly(dice.array())),
            _ => None,
        };
        self.append(index, next);
    }

    fn random_change(&self, dice: &mut Dice, author: usize, document: Option<DocumentId>) -> Vec<u8> {
        let heads = document.and_then(|document| self.heads.get(&document)).map_or(&[][..], Vec::as_slice);
        let mut dependencies: Vec<ChangeHash> =
            heads.iter().rev().take(dice.below(4) as usize).copied().collect();
        if dice.one_in(10) {
            dependencies.push(ChangeHash::new(dice.array()));
        }
        let stranger: [u8; 16] = dice.array();
        let mut other_actors: Vec<&[u8]> = Vec::new();
        for other in &self.authors {
            if dice.one_in(3) {
                other_actors.push(other.chain.writer.as_bytes());
            }
        }
        if dice.one_in(8) {
            other_actors.push(&stranger);
        }
        if dice.one_in(8) {
            other_actors.push(&stranger[..dice.below(16) as usize]);
        }
        // Somebody else's actor: a forger's change, which travels as it stands.
        let forged = dice.one_in(15);
        let actor: &[u8] = if forged { &stranger } else { self.authors[author].chain.writer.as_bytes() };
        let len = dice.below(200) as usize;
        let columns = dice.bytes(len);
        let message = if dice.one_in(10) { &b"message"[..] } else { b"" };
        let time = if dice.one_in(5) { dice.magnitude() as i64 } else { 0 };
        ChangeParts {
            dependencies,
            actor,
            sequence: dice.magnitude(),
            start_op: dice.magnitude(),
            time,
            message,
            other_actors,
            columns: &columns,
        }
        .build()
    }

    /// What a device holds that has everything.
    pub(crate) fn vector(&self) -> Vector {
        let mut vector = Vector::new();
        for author in &self.authors {
            if let Some(tip) = &author.tip {
                vector.set(author.writer(), Mark::new(tip.position, &tip.hash));
            }
        }
        vector
    }

    /// What a device holds that has some of it: of each writer nothing, a part, or all.
    pub(crate) fn random_part(&self, dice: &mut Dice) -> Vector {
        let mut vector = Vector::new();
        for author in &self.authors {
            let end = author.position().0;
            let position = match dice.below(4) {
                0 => continue,
                1 => end,
                _ => 1 + dice.below(end),
            };
            let hash = &self.hashes[&(author.writer(), Position(position))];
            vector.set(author.writer(), Mark::new(Position(position), hash));
        }
        vector
    }

    /// What the holder of `vector` lacks, as one batch.
    pub(crate) fn lacking(&self, vector: &Vector) -> Batch {
        let lacks = |(writer, entry): &&(WriterId, Entry)| entry.position > vector.position(writer);
        let entries: Vec<_> = self.entries.iter().filter(lacks).cloned().collect();
        let writes = |author: &&Author| entries.iter().any(|(writer, _)| *writer == author.writer());
        let heads =
            self.authors.iter().filter(writes).map(|author| (author.writer(), author.sign())).collect();
        Batch { entries, heads }
    }

    /// Where the chain of `writer` stands for the holder of `vector`.
    pub(crate) fn tip_at(&self, vector: &Vector, writer: &WriterId) -> Option<Tip> {
        let author = self.authors.iter().find(|author| author.writer() == *writer)?;
        let held: Vec<Entry> = self
            .entries
            .iter()
            .filter(|(other, entry)| other == writer && entry.position <= vector.position(writer))
            .map(|(_, entry)| entry.clone())
            .collect();
        if held.is_empty() { None } else { Some(hash_run(&author.chain, None, &held).unwrap().tip) }
    }
}

/// The part of a log that one device can look up.
pub(crate) struct Held<'a> {
    pub(crate) log: &'a Log,
    pub(crate) vector: &'a Vector,
}

impl Held<'_> {
    fn holds(&self, at: &(WriterId, Position)) -> bool {
        at.1 <= self.vector.position(&at.0)
    }

    fn entry(&self, writer: &WriterId, position: Position) -> Option<&Entry> {
        let found =
            self.log.entries.iter().find(|(other, entry)| other == writer && entry.position == position);
        found.filter(|_| self.holds(&(*writer, position))).map(|(_, entry)| entry)
    }
}

impl References for Held<'_> {
    fn locate_change(&self, change: &ChangeHash) -> Option<(WriterId, Position)> {
        self.log.changes.get(change).copied().filter(|at| self.holds(at))
    }

    fn locate_document(&self, document: &DocumentId) -> Option<(WriterId, Position)> {
        self.log.documents.get(document).copied().filter(|at| self.holds(at))
    }

    fn change_at(&self, writer: &WriterId, position: Position) -> Option<ChangeHash> {
        self.entry(writer, position).map(|entry| entry.header.content)
    }

    fn document_at(&self, writer: &WriterId, position: Position) -> Option<DocumentId> {
        self.entry(writer, position).and_then(|entry| entry.header.document)
    }
}

/// A device that can look up nothing.
pub(crate) struct Nothing;

impl References for Nothing {
    fn locate_change(&self, _: &ChangeHash) -> Option<(WriterId, Position)> {
        None
    }

    fn locate_document(&self, _: &DocumentId) -> Option<(WriterId, Position)> {
        None
    }

    fn change_at(&self, _: &WriterId, _: Position) -> Option<ChangeHash> {
        None
    }

    fn document_at(&self, _: &WriterId, _: Position) -> Option<DocumentId> {
        None
    }
}

/// Encodes what the holder of `vector` lacks.
pub(crate) fn encode_for(log: &Log, vector: &Vector) -> Vec<u8> {
    let all = log.vector();
    encode_batch(&log.lacking(vector), vector, &Held { log, vector: &all })
}

/// Receives bytes as the holder of `vector`: decodes them and verifies every writer's run.
pub(crate) fn receive(log: &Log, vector: &Vector, bytes: &[u8]) -> Result<Vec<VerifiedRun>, LogError> {
    let batch = decode_batch(bytes, &SPACE, &Held { log, vector })?;
    verify(&batch, |writer| log.tip_at(vector, writer))
}

/// Verifies every writer's run of a batch against the tips that are held.
pub(crate) fn verify(
    batch: &ReceivedBatch,
    tip: impl Fn(&WriterId) -> Option<Tip>,
) -> Result<Vec<VerifiedRun>, LogError> {
    let mut runs = Vec::new();
    for (writer, signature) in &batch.signatures {
        let chain = ChainId { team: TEAM, space: SPACE, writer: *writer };
        let run: Vec<Entry> = batch
            .entries
            .iter()
            .filter(|(other, _)| other == writer)
            .map(|(_, entry)| entry.clone())
            .collect();
        runs.push(verify_run(&chain, tip(writer).as_ref(), &run, signature)?);
    }
    Ok(runs)
}
