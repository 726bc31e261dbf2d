use std::collections::BTreeMap;

use firsthand_ids::{
    ChangeHash, DocumentId, HybridTime, LocalTime, OperationHash, Position, SpaceId, UnixMillis, WriterId,
};

use super::{
    DETACHED_HASH, DETACHED_PRESENT, HAS_DOCUMENT, HAS_MEMBERSHIP, KIND_OTHER, KNOWN_FLAGS, MAX_BATCH_BYTES,
    MAX_BATCH_ENTRIES, MAX_BATCH_WEIGHT, RAW_BODY, ReceivedBatch, References, VERSION,
};
use crate::change::{self, ChangeParts};
use crate::codec::Reader;
use crate::{
    Detached, Entry, EntryHeader, EntryKind, LogError, MAX_BODY_BYTES, MAX_DETACHED_BYTES,
    MAX_MEMBERSHIP_HEADS, Vector, content_hash, document_id,
};

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
    let mut weight = 0;
    let mut unused: std::collections::BTreeSet<_> = writers[..parts].iter().copied().collect();
    for _ in 0..reader.count(MAX_BATCH_ENTRIES, "runs")? {
        let index = reader.count(parts.saturating_sub(1), "run writer")?;
        let writer = *writers.get(index).ok_or_else(|| reader.malformed("run writer"))?;
        unused.remove(&writer);
        let len = reader.count(MAX_BATCH_ENTRIES - batch.entries.len(), "entries")?;
        if len == 0 {
            return Err(reader.malformed("entries"));
        }
        for _ in 0..len {
            let position = next.get_mut(&writer).ok_or_else(|| reader.malformed("run writer"))?;
            let entry = decoder.entry(&mut reader, writer, *position)?;
            weight += entry.weight();
            if weight > MAX_BATCH_WEIGHT {
                return Err(LogError::TooLarge { what: "batch", limit: MAX_BATCH_WEIGHT as u64 });
            }
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
            if !matches!(kind, EntryKind::Create | EntryKind::Change) {
                return Err(reader.malformed("entry flags"));
            }
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
