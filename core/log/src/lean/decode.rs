use std::collections::BTreeMap;

use firsthand_ids::{
    ChangeHash, DocumentId, HybridTime, LocalTime, OperationHash, Position, SpaceId, UnixMillis, WriterId,
};

use super::{
    DETACHED_HASH, DETACHED_PRESENT, HAS_MEMBERSHIP, KIND_OTHER, KNOWN_FLAGS, MAX_BATCH_BYTES,
    MAX_BATCH_ENTRIES, MAX_BATCH_WEIGHT, NAMES_DOCUMENT, Place, RAW_BODY, ReceivedBatch, References, VERSION,
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
        about: BTreeMap::new(),
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
    changes: BTreeMap<Place, ChangeHash>,
    about: BTreeMap<Place, DocumentId>,
    last_millis: UnixMillis,
    last_offset: i16,
}

/// What most changes have in common, and their columns.
struct Common<'a> {
    time: i64,
    message: &'a [u8],
    dependencies: usize,
    sequence: u64,
    other_actors: Vec<&'a [u8]>,
    columns: &'a [u8],
}

/// The content of an entry, as far as it comes before the times.
enum Content<'a> {
    Raw(&'a [u8]),
    Change(Common<'a>),
}

impl<'a> Decoder<'a> {
    fn reference(&self, reader: &mut Reader<'_>) -> Result<Option<Place>, LogError> {
        let index = reader.count(self.writers.len(), "reference")?;
        if index == 0 {
            return Ok(None);
        }
        Ok(Some((self.writers[index - 1], Position(reader.number("reference")?))))
    }

    fn entry(
        &mut self,
        reader: &mut Reader<'a>,
        writer: WriterId,
        position: Position,
    ) -> Result<Entry, LogError> {
        let size = reader.count(MAX_BODY_BYTES, "body")?;
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
        let is_change = matches!(kind, EntryKind::Create | EntryKind::Change);
        let named = flags & NAMES_DOCUMENT != 0;
        if (flags & RAW_BODY == 0 && !is_change) || (named && kind == EntryKind::Create) {
            return Err(reader.malformed("entry flags"));
        }
        let counter = reader.count(usize::from(u16::MAX), "time counter")? as u16;
        let offset = i64::from(self.last_offset).checked_add(reader.signed("offset")?);
        let offset = offset.and_then(|minutes| i16::try_from(minutes).ok());
        let offset_minutes = offset.ok_or_else(|| reader.malformed("offset"))?;
        let content = if flags & RAW_BODY != 0 {
            Content::Raw(reader.take(size, "body")?)
        } else {
            Content::Change(self.common(reader, size)?)
        };

        let millis = self.last_millis.0.checked_add(reader.signed("time")?);
        let millis = millis.filter(|millis| (0..1 << 48).contains(millis));
        let millis = UnixMillis(millis.ok_or_else(|| reader.malformed("time"))?);
        self.last_millis = millis;
        self.last_offset = offset_minutes;
        let (content, body, first) = match content {
            Content::Raw(body) => (content_hash(kind, body), body.to_vec(), None),
            Content::Change(common) => self.change(reader, &writer, common)?,
        };
        let membership = if flags & HAS_MEMBERSHIP != 0 { Some(membership(reader)?) } else { None };
        let nonce = if kind == EntryKind::Create { Some(reader.array("nonce")?) } else { None };
        let document = match (&nonce, kind) {
            (Some(nonce), _) => Some(document_id(self.space, &writer, position, nonce)),
            _ if named => Some(self.document(reader)?),
            (None, EntryKind::Change) => {
                let first = first.ok_or_else(|| reader.malformed("document"))?;
                Some(self.about(first)?)
            }
            _ => None,
        };
        let detached = match (flags & DETACHED_PRESENT != 0, flags & DETACHED_HASH != 0) {
            (true, false) => {
                Some(Detached::Present(reader.sized(MAX_DETACHED_BYTES, "detached part")?.to_vec()))
            }
            (false, true) => Some(Detached::HashOnly(reader.array("detached hash")?)),
            (false, false) => None,
            (true, true) => return Err(reader.malformed("entry flags")),
        };
        let at = UnixMillis(millis.0.wrapping_add(reader.signed("local time")?));

        self.changes.insert((writer, position), content);
        if let Some(document) = document {
            self.about.insert((writer, position), document);
        }
        let hybrid = HybridTime::new(millis, counter);
        let header = EntryHeader {
            kind,
            document,
            content,
            hybrid,
            local: LocalTime { at, offset_minutes },
            membership,
        };
        Ok(Entry { position, header, nonce, body, detached })
    }

    fn about(&self, at: Place) -> Result<DocumentId, LogError> {
        let earlier = self.about.get(&at).copied();
        earlier.or_else(|| self.references.document_at(&at.0, at.1)).ok_or(LogError::MissingReference)
    }

    fn document(&self, reader: &mut Reader<'_>) -> Result<DocumentId, LogError> {
        match self.reference(reader)? {
            Some(at) => self.about(at),
            None => Ok(DocumentId::new(reader.array("document")?)),
        }
    }

    fn common(&self, reader: &mut Reader<'a>, size: usize) -> Result<Common<'a>, LogError> {
        let time = reader.signed("commit time")?;
        let message = reader.sized(change::MAX_MESSAGE_BYTES, "message")?;
        let dependencies = reader.count(change::MAX_DEPENDENCIES, "dependencies")?;
        let sequence = reader.number("sequence")?;
        let count = reader.count(change::MAX_ACTORS, "other actors")?;
        let mut other_actors: Vec<&[u8]> = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            let index = reader.count(self.writers.len(), "other actor")?;
            other_actors.push(match index {
                0 => reader.sized(64, "other actor")?,
                index => self.writers[index - 1].as_bytes(),
            });
        }
        let columns = reader.take(size, "columns")?;
        Ok(Common { time, message, dependencies, sequence, other_actors, columns })
    }

    /// Restores a change, and gives its hash and the entry that its first dependency refers to.
    fn change(
        &self,
        reader: &mut Reader<'_>,
        writer: &WriterId,
        common: Common<'_>,
    ) -> Result<(ChangeHash, Vec<u8>, Option<Place>), LogError> {
        let mut dependencies = Vec::with_capacity(common.dependencies);
        let mut first = None;
        for index in 0..common.dependencies {
            let reference = self.reference(reader)?;
            first = if index == 0 { reference } else { first };
            dependencies.push(match reference {
                None => ChangeHash::new(reader.array("dependency")?),
                Some(at) => {
                    let earlier = self.changes.get(&at).copied();
                    let found = earlier.or_else(|| self.references.change_at(&at.0, at.1));
                    found.ok_or(LogError::MissingReference)?
                }
            });
        }
        let start_op = reader.number("first operation")?;
        let Common { time, message, sequence, other_actors, columns, .. } = common;
        let actor = writer.as_bytes();
        let parts =
            ChangeParts { dependencies, actor, sequence, start_op, time, message, other_actors, columns };
        let (hash, body) = parts.build_hashed();
        if body.len() > MAX_BODY_BYTES {
            return Err(LogError::TooLarge { what: "body", limit: MAX_BODY_BYTES as u64 });
        }
        Ok((hash, body, first))
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
