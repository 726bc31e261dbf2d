//! The lean encoding: entries on the road.
//!
//! What the receiver can work out is not sent: positions, predecessors, hashes, the actor of a change. Hashes of things
//! the receiver holds, or finds earlier in the same batch, travel as (writer, position). The receiver restores the
//! exact bytes; the signature at each writer's head then proves them, so a wrong reference can only fail. `docs/formats.md`
//! gives every byte.

use std::collections::BTreeMap;

use firsthand_ids::{
    ChangeHash, DocumentId, HybridTime, LocalTime, OperationHash, Position, SpaceId, UnixMillis, WriterId,
};

use crate::change::{self, ChangeParts};
use crate::codec::{Reader, Writer};
use crate::{
    Detached, Entry, EntryHeader, EntryKind, LogError, MAX_BODY_BYTES, MAX_DETACHED_BYTES, MAX_MEMBERSHIP_HEADS,
    Signature, SignedHead, Vector, content_hash, document_id,
};

const VERSION: u8 = 1;

/// The most entries of one batch: what a receiver holds unverified from one peer (design.md, "Guard").
pub const MAX_BATCH_ENTRIES: usize = 1000;
/// The most bytes of one batch before compression: 4 MiB, for the same reason.
pub const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

const KIND_OTHER: u8 = 3;
const HAS_MEMBERSHIP: u8 = 1 << 2;
const DETACHED_PRESENT: u8 = 1 << 3;
const DETACHED_HASH: u8 = 1 << 4;
const RAW_BODY: u8 = 1 << 5;
const HAS_DOCUMENT: u8 = 1 << 6;
const KNOWN_FLAGS: u8 = 0x7f;

/// Entries of several writers in the order their holder committed them, each writer's part consecutive in itself and
/// ending at a signed head.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The entries, dependencies first wherever the sender held them.
    pub entries: Vec<(WriterId, Entry)>,
    /// For each writer in `entries` its signed head.
    pub heads: Vec<(WriterId, SignedHead)>,
}

/// A decoded batch, nothing of it verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceivedBatch {
    /// The entries in the order they came.
    pub entries: Vec<(WriterId, Entry)>,
    /// For each writer in `entries` the signature under its last entry.
    pub signatures: Vec<(WriterId, Signature)>,
}

/// What this device can look up of the log it holds, so that hashes travel as references.
pub trait References {
    /// Which entry carries this change.
    fn locate_change(&self, change: &ChangeHash) -> Option<(WriterId, Position)>;
    /// Which entry created this document.
    fn locate_document(&self, document: &DocumentId) -> Option<(WriterId, Position)>;
    /// The change that an entry carries.
    fn change_at(&self, writer: &WriterId, position: Position) -> Option<ChangeHash>;
    /// The document that an entry created.
    fn document_at(&self, writer: &WriterId, position: Position) -> Option<DocumentId>;
}

/// Encodes a batch for a receiver who holds `receiver`. Writers whose chain the two sides may hold differently (a fork)
/// must not stand in `receiver`: a reference to them could not be resolved.
#[must_use]
pub fn encode_batch(batch: &Batch, receiver: &Vector, references: &dyn References) -> Vec<u8> {
    let mut encoder = Encoder {
        receiver,
        references,
        writers: batch.heads.iter().map(|(writer, _)| *writer).collect(),
        index: BTreeMap::new(),
        changes: BTreeMap::new(),
        documents: BTreeMap::new(),
        last_millis: UnixMillis(0),
        last_offset: 0,
        out: Writer::new(),
    };
    for (index, writer) in encoder.writers.iter().enumerate() {
        encoder.index.insert(*writer, index as u64);
    }

    let mut at = 0;
    let mut runs = 0u64;
    while at < batch.entries.len() {
        let writer = batch.entries[at].0;
        let len = batch.entries[at..].iter().take_while(|(other, _)| *other == writer).count();
        let index = encoder.writer(&writer);
        encoder.out.number(index).number(len as u64);
        for (_, entry) in &batch.entries[at..at + len] {
            encoder.entry(&writer, entry);
        }
        at += len;
        runs += 1;
    }

    let mut out = Writer::new();
    out.byte(VERSION).number(encoder.writers.len() as u64);
    for writer in &encoder.writers {
        out.fixed(writer);
    }
    out.number(batch.heads.len() as u64);
    for (writer, _) in &batch.heads {
        let first = batch.entries.iter().find(|(other, _)| other == writer);
        out.number(first.map_or(0, |(_, entry)| entry.position.0));
    }
    out.number(runs).fixed(encoder.out.into_bytes());
    for (_, head) in &batch.heads {
        out.fixed(head.signature);
    }
    out.into_bytes()
}

struct Encoder<'a> {
    receiver: &'a Vector,
    references: &'a dyn References,
    writers: Vec<WriterId>,
    index: BTreeMap<WriterId, u64>,
    changes: BTreeMap<ChangeHash, (WriterId, Position)>,
    documents: BTreeMap<DocumentId, (WriterId, Position)>,
    last_millis: UnixMillis,
    last_offset: i16,
    out: Writer,
}

impl Encoder<'_> {
    fn writer(&mut self, writer: &WriterId) -> u64 {
        *self.index.entry(*writer).or_insert_with(|| {
            self.writers.push(*writer);
            self.writers.len() as u64 - 1
        })
    }

    /// A reference, where the receiver can resolve it: 0, or the writer's index plus one and the position.
    fn reference(&mut self, target: Option<(WriterId, Position)>) -> bool {
        match target {
            Some((writer, position)) => {
                let index = self.writer(&writer);
                self.out.number(index + 1).number(position.0);
                true
            }
            None => {
                self.out.number(0);
                false
            }
        }
    }

    fn held(&self, target: Option<(WriterId, Position)>) -> Option<(WriterId, Position)> {
        target.filter(|(writer, position)| *position <= self.receiver.position(writer))
    }

    fn entry(&mut self, writer: &WriterId, entry: &Entry) {
        let header = &entry.header;
        let parts = match header.kind {
            EntryKind::Create | EntryKind::Change => lean_parts(writer, &entry.body),
            EntryKind::Bind | EntryKind::Other(_) => None,
        };

        let mut flags = header.kind.number().min(KIND_OTHER);
        flags |= if header.membership.is_some() { HAS_MEMBERSHIP } else { 0 };
        flags |= match entry.detached {
            None => 0,
            Some(Detached::Present(_)) => DETACHED_PRESENT,
            Some(Detached::HashOnly(_)) => DETACHED_HASH,
        };
        flags |= if parts.is_none() { RAW_BODY } else { 0 };
        let named = header.kind != EntryKind::Create && header.document.is_some();
        flags |= if named { HAS_DOCUMENT } else { 0 };
        self.out.byte(flags);
        if let EntryKind::Other(number) = header.kind {
            self.out.byte(number);
        }

        let millis = header.hybrid.millis();
        self.out.signed(millis.0 - self.last_millis.0).number(u64::from(header.hybrid.counter()));
        self.out.signed(header.local.at.0.wrapping_sub(millis.0));
        self.out.signed(i64::from(header.local.offset_minutes) - i64::from(self.last_offset));
        self.last_millis = millis;
        self.last_offset = header.local.offset_minutes;

        if let Some(heads) = &header.membership {
            self.out.number(heads.len() as u64);
            for head in heads {
                self.out.fixed(head);
            }
        }
        if let Some(nonce) = &entry.nonce {
            self.out.fixed(nonce);
        }
        if let (true, Some(document)) = (named, &header.document) {
            let target = self
                .documents
                .get(document)
                .copied()
                .or_else(|| self.held(self.references.locate_document(document)));
            if !self.reference(target) {
                self.out.fixed(document);
            }
        }
        match &entry.detached {
            Some(Detached::Present(bytes)) => {
                self.out.sized(bytes);
            }
            Some(Detached::HashOnly(hash)) => {
                self.out.fixed(hash);
            }
            None => {}
        }
        match parts {
            Some(parts) => self.change(&parts),
            None => {
                self.out.sized(&entry.body);
            }
        }

        self.changes.insert(header.content, (*writer, entry.position));
        if let (EntryKind::Create, Some(document)) = (header.kind, header.document) {
            self.documents.insert(document, (*writer, entry.position));
        }
    }

    fn change(&mut self, parts: &ChangeParts<'_>) {
        self.out.number(parts.dependencies.len() as u64);
        for dependency in &parts.dependencies {
            let target = self
                .changes
                .get(dependency)
                .copied()
                .or_else(|| self.held(self.references.locate_change(dependency)));
            if !self.reference(target) {
                self.out.fixed(dependency);
            }
        }
        self.out.number(parts.sequence).number(parts.start_op).signed(parts.time).sized(parts.message);
        self.out.number(parts.other_actors.len() as u64);
        for actor in &parts.other_actors {
            match WriterId::from_slice(actor) {
                Some(actor) => {
                    let index = self.writer(&actor);
                    self.out.number(index + 1);
                }
                None => {
                    self.out.number(0).sized(actor);
                }
            }
        }
        self.out.sized(parts.columns);
    }
}

/// The parts of a change that the lean form restores byte for byte; `None` sends the bytes as they stand, which only
/// a broken or hostile writer's change needs: it must reach others unchanged, or they could not verify what follows.
fn lean_parts<'a>(writer: &WriterId, body: &'a [u8]) -> Option<ChangeParts<'a>> {
    let (_, parts) = ChangeParts::read(body).ok()?;
    (parts.writer() == Some(*writer) && parts.build() == body).then_some(parts)
}

/// Decodes a batch of `space`, restoring every entry. Nothing of it is verified yet.
///
/// # Errors
/// Any [`LogError`]; [`LogError::MissingReference`] where the sender assumed an entry that is not here.
pub fn decode_batch(
    bytes: &[u8],
    space: &SpaceId,
    references: &dyn References,
) -> Result<ReceivedBatch, LogError> {
    if bytes.len() > MAX_BATCH_BYTES {
        return Err(LogError::TooLarge { what: "batch", limit: MAX_BATCH_BYTES as u64 });
    }
    let mut reader = Reader::new(bytes);
    if reader.byte("batch version")? != VERSION {
        return Err(LogError::Newer { what: "batch" });
    }
    let count = reader.count(Vector::MAX_WRITERS, "writers")?;
    let mut writers = Vec::with_capacity(count.min(64));
    for _ in 0..count {
        writers.push(WriterId::new(reader.array("writer")?));
    }
    let parts = reader.count(writers.len(), "parts")?;
    let mut next = BTreeMap::new();
    for writer in &writers[..parts] {
        let from = reader.number("first position")?;
        if from == 0 || next.insert(*writer, Position(from)).is_some() {
            return Err(reader.malformed("first position"));
        }
    }

    let mut decoder = Decoder {
        space,
        references,
        writers: &writers,
        changes: BTreeMap::new(),
        documents: BTreeMap::new(),
        last_millis: UnixMillis(0),
        last_offset: 0,
    };
    let mut batch = ReceivedBatch::default();
    let mut unused: std::collections::BTreeSet<_> = writers[..parts].iter().copied().collect();
    for _ in 0..reader.count(MAX_BATCH_ENTRIES, "runs")? {
        let index = reader.count(parts.saturating_sub(1), "run writer")?;
        let writer = *writers.get(index).ok_or_else(|| reader.malformed("run writer"))?;
        unused.remove(&writer);
        for _ in 0..reader.count(MAX_BATCH_ENTRIES - batch.entries.len(), "entries")? {
            let position = next.get_mut(&writer).ok_or_else(|| reader.malformed("run writer"))?;
            let entry = decoder.entry(&mut reader, writer, *position)?;
            *position = position.next();
            batch.entries.push((writer, entry));
        }
    }
    if !unused.is_empty() {
        return Err(reader.malformed("writer without entries"));
    }
    for writer in &writers[..parts] {
        batch.signatures.push((*writer, reader.array("signature")?));
    }
    reader.finish("batch")?;
    Ok(batch)
}

struct Decoder<'a> {
    space: &'a SpaceId,
    references: &'a dyn References,
    writers: &'a [WriterId],
    changes: BTreeMap<(WriterId, Position), ChangeHash>,
    documents: BTreeMap<(WriterId, Position), DocumentId>,
    last_millis: UnixMillis,
    last_offset: i16,
}

impl Decoder<'_> {
    fn reference(&self, reader: &mut Reader<'_>) -> Result<Option<(WriterId, Position)>, LogError> {
        let index = reader.count(self.writers.len(), "reference")?;
        if index == 0 {
            return Ok(None);
        }
        Ok(Some((self.writers[index - 1], Position(reader.number("reference")?))))
    }

    fn entry(
        &mut self,
        reader: &mut Reader<'_>,
        writer: WriterId,
        position: Position,
    ) -> Result<Entry, LogError> {
        let flags = reader.byte("entry flags")?;
        if flags & !KNOWN_FLAGS != 0 {
            return Err(LogError::Newer { what: "entry" });
        }
        let kind = match flags & 3 {
            KIND_OTHER => match EntryKind::from_number(reader.byte("entry kind")?) {
                kind @ EntryKind::Other(_) => kind,
                _ => return Err(reader.malformed("entry kind")),
            },
            number => EntryKind::from_number(number),
        };

        let millis = self.last_millis.0.checked_add(reader.signed("time")?);
        let millis = millis.filter(|millis| (0..1 << 48).contains(millis));
        let millis = UnixMillis(millis.ok_or_else(|| reader.malformed("time"))?);
        let counter = reader.count(usize::from(u16::MAX), "time counter")? as u16;
        let local = UnixMillis(millis.0.wrapping_add(reader.signed("local time")?));
        let offset = i64::from(self.last_offset).checked_add(reader.signed("offset")?);
        let offset = offset.and_then(|minutes| i16::try_from(minutes).ok());
        let offset = offset.ok_or_else(|| reader.malformed("offset"))?;
        self.last_millis = millis;
        self.last_offset = offset;

        let membership = if flags & HAS_MEMBERSHIP != 0 { Some(membership(reader)?) } else { None };
        let nonce = if kind == EntryKind::Create { Some(reader.array("nonce")?) } else { None };
        let document = match (&nonce, flags & HAS_DOCUMENT != 0) {
            (Some(nonce), false) => Some(document_id(self.space, &writer, position, nonce)),
            (Some(_), true) => return Err(reader.malformed("entry flags")),
            (None, true) => Some(self.document(reader)?),
            (None, false) => None,
        };
        let detached = match (flags & DETACHED_PRESENT != 0, flags & DETACHED_HASH != 0) {
            (true, false) => {
                Some(Detached::Present(reader.sized(MAX_DETACHED_BYTES, "detached part")?.to_vec()))
            }
            (false, true) => Some(Detached::HashOnly(reader.array("detached hash")?)),
            (false, false) => None,
            (true, true) => return Err(reader.malformed("entry flags")),
        };
        let body = if flags & RAW_BODY != 0 {
            reader.sized(MAX_BODY_BYTES, "body")?.to_vec()
        } else {
            self.change(reader, &writer)?
        };

        let content = content_hash(kind, &body);
        self.changes.insert((writer, position), content);
        if let (EntryKind::Create, Some(document)) = (kind, document) {
            self.documents.insert((writer, position), document);
        }
        let hybrid = HybridTime::new(millis, counter);
        let local = LocalTime { at: local, offset_minutes: offset };
        let header = EntryHeader { kind, document, content, hybrid, local, membership };
        Ok(Entry { position, header, nonce, body, detached })
    }

    fn document(&self, reader: &mut Reader<'_>) -> Result<DocumentId, LogError> {
        let Some((writer, position)) = self.reference(reader)? else {
            return Ok(DocumentId::new(reader.array("document")?));
        };
        let earlier = self.documents.get(&(writer, position)).copied();
        earlier.or_else(|| self.references.document_at(&writer, position)).ok_or(LogError::MissingReference)
    }

    fn change(&self, reader: &mut Reader<'_>, writer: &WriterId) -> Result<Vec<u8>, LogError> {
        let count = reader.count(change::MAX_DEPENDENCIES, "dependencies")?;
        let mut dependencies = Vec::with_capacity(count);
        for _ in 0..count {
            dependencies.push(match self.reference(reader)? {
                None => ChangeHash::new(reader.array("dependency")?),
                Some((writer, position)) => {
                    let earlier = self.changes.get(&(writer, position)).copied();
                    earlier
                        .or_else(|| self.references.change_at(&writer, position))
                        .ok_or(LogError::MissingReference)?
                }
            });
        }
        let sequence = reader.number("sequence")?;
        let start_op = reader.number("first operation")?;
        let time = reader.signed("commit time")?;
        let message = reader.sized(change::MAX_MESSAGE_BYTES, "message")?;
        let count = reader.count(change::MAX_ACTORS, "other actors")?;
        let mut other_actors: Vec<&[u8]> = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            let index = reader.count(self.writers.len(), "other actor")?;
            other_actors.push(match index {
                0 => reader.sized(64, "other actor")?,
                index => self.writers[index - 1].as_bytes(),
            });
        }
        let columns = reader.sized(MAX_BODY_BYTES, "columns")?;
        let actor = writer.as_bytes();
        let parts =
            ChangeParts { dependencies, actor, sequence, start_op, time, message, other_actors, columns };
        let body = parts.build();
        if body.len() > MAX_BODY_BYTES {
            return Err(LogError::TooLarge { what: "body", limit: MAX_BODY_BYTES as u64 });
        }
        Ok(body)
    }
}

fn membership(reader: &mut Reader<'_>) -> Result<Vec<OperationHash>, LogError> {
    let count = reader.count(MAX_MEMBERSHIP_HEADS, "membership heads")?;
    let mut heads = Vec::with_capacity(count);
    for _ in 0..count {
        let head = OperationHash::new(reader.array("membership head")?);
        if heads.last().is_some_and(|last| *last >= head) {
            return Err(reader.malformed("membership heads"));
        }
        heads.push(head);
    }
    Ok(heads)
}
