use std::collections::BTreeMap;

use firsthand_ids::{ChangeHash, DocumentId, UnixMillis, WriterId};

use super::{
    Batch, DETACHED_HASH, DETACHED_PRESENT, HAS_MEMBERSHIP, KIND_OTHER, NAMES_DOCUMENT, Place, RAW_BODY,
    References, VERSION,
};
use crate::change::ChangeParts;
use crate::codec::Writer;
use crate::{Detached, Entry, EntryKind, Vector};

/// Encodes a batch for a receiver who holds `receiver`. Writers whose chain the two sides may hold differently (a fork)
/// must not stand in `receiver`: a reference to them could not be resolved.
///
/// The batch must be what [`Batch`] says and within [`MAX_BATCH_ENTRIES`](super::MAX_BATCH_ENTRIES) and
/// [`MAX_BATCH_WEIGHT`](super::MAX_BATCH_WEIGHT), its entries from chains that verified; the receiver refuses anything else.
#[must_use]
pub fn encode_batch(batch: &Batch, receiver: &Vector, references: &dyn References) -> Vec<u8> {
    let mut encoder = Encoder {
        receiver,
        references,
        writers: batch.heads.iter().map(|(writer, _)| *writer).collect(),
        index: BTreeMap::new(),
        changes: BTreeMap::new(),
        documents: BTreeMap::new(),
        about: BTreeMap::new(),
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
        let index = encoder.index.get(&writer).copied().unwrap_or(u64::MAX);
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
    /// The entries of this batch so far, by the change they carry.
    changes: BTreeMap<ChangeHash, Place>,
    /// For each document the first entry of this batch that is about it.
    documents: BTreeMap<DocumentId, Place>,
    /// The document of each entry of this batch so far.
    about: BTreeMap<Place, DocumentId>,
    last_millis: UnixMillis,
    last_offset: i16,
    out: Writer,
}

/// A change without what the receiver knows already.
struct LeanChange<'a> {
    /// What most changes have in common.
    common: Writer,
    columns: &'a [u8],
    /// What differs from change to change.
    own: Writer,
    /// The entry that its first dependency refers to.
    first: Option<Place>,
}

impl Encoder<'_> {
    /// The writer's index, `None` where the table is full: a hostile writer's changes may name any number of actors that
    /// never wrote anything, and must not make the batch one that nobody accepts.
    fn writer(&mut self, writer: &WriterId) -> Option<u64> {
        if let Some(index) = self.index.get(writer) {
            return Some(*index);
        }
        if self.writers.len() >= Vector::MAX_WRITERS {
            return None;
        }
        let index = self.writers.len() as u64;
        self.writers.push(*writer);
        self.index.insert(*writer, index);
        Some(index)
    }

    /// A reference where there is a target that the receiver can find, or else 0 and the bytes themselves. Gives the
    /// target referred to.
    fn reference(&mut self, out: &mut Writer, target: Option<Place>, bytes: &[u8]) -> Option<Place> {
        let found = target.and_then(|target| Some((target, self.writer(&target.0)?)));
        match found {
            Some((target, index)) => {
                out.number(index + 1).number(target.1.0);
                Some(target)
            }
            None => {
                out.number(0).fixed(bytes);
                None
            }
        }
    }

    fn held(&self, target: Option<Place>) -> Option<Place> {
        target.filter(|(writer, position)| *position <= self.receiver.position(writer))
    }

    fn entry(&mut self, writer: &WriterId, entry: &Entry) {
        let header = &entry.header;
        let lean = match header.kind {
            EntryKind::Create | EntryKind::Change => self.lean_change(writer, &entry.body),
            EntryKind::Bind | EntryKind::Other(_) => None,
        };
        let named = self.named_document(entry, lean.as_ref());

        let mut flags = header.kind.number().min(KIND_OTHER);
        flags |= if header.membership.is_some() { HAS_MEMBERSHIP } else { 0 };
        flags |= match entry.detached {
            None => 0,
            Some(Detached::Present(_)) => DETACHED_PRESENT,
            Some(Detached::HashOnly(_)) => DETACHED_HASH,
        };
        flags |= if lean.is_none() { RAW_BODY } else { 0 };
        flags |= if named.is_some() { NAMES_DOCUMENT } else { 0 };

        let mut out = std::mem::take(&mut self.out);
        let content = lean.as_ref().map_or(entry.body.as_slice(), |lean| lean.columns);
        out.number(content.len() as u64).byte(flags);
        if let EntryKind::Other(number) = header.kind {
            out.byte(number);
        }
        out.number(u64::from(header.hybrid.counter()));
        out.signed(i64::from(header.local.offset_minutes) - i64::from(self.last_offset));
        if let Some(lean) = &lean {
            out.fixed(lean.common.as_bytes());
        }
        out.fixed(content);

        let millis = header.hybrid.millis();
        out.signed(millis.0 - self.last_millis.0);
        self.last_millis = millis;
        self.last_offset = header.local.offset_minutes;
        if let Some(lean) = &lean {
            out.fixed(lean.own.as_bytes());
        }
        if let Some(heads) = &header.membership {
            out.number(heads.len() as u64);
            for head in heads {
                out.fixed(head);
            }
        }
        if let Some(nonce) = &entry.nonce {
            out.fixed(nonce);
        }
        if let Some(document) = named {
            let earlier = self.documents.get(&document).copied();
            let target = earlier.or_else(|| self.held(self.references.locate_document(&document)));
            self.reference(&mut out, target, document.as_bytes());
        }
        match &entry.detached {
            Some(Detached::Present(bytes)) => drop(out.sized(bytes)),
            Some(Detached::HashOnly(hash)) => drop(out.fixed(hash)),
            None => {}
        }
        out.signed(header.local.at.0.wrapping_sub(millis.0));
        self.out = out;

        let at = (*writer, entry.position);
        self.changes.insert(header.content, at);
        if let Some(document) = header.document {
            self.documents.entry(document).or_insert(at);
            self.about.insert(at, document);
        }
    }

    /// The document, where it must be named: not where the nonce makes it, nor where it is that of the first dependency.
    fn named_document(&self, entry: &Entry, lean: Option<&LeanChange<'_>>) -> Option<DocumentId> {
        let document = entry.header.document.filter(|_| entry.header.kind != EntryKind::Create)?;
        let implied = lean.and_then(|lean| lean.first).and_then(|first| {
            let earlier = self.about.get(&first).copied();
            earlier.or_else(|| self.references.document_at(&first.0, first.1))
        });
        (implied != Some(document)).then_some(document)
    }

    /// The lean form of a change; `None` sends the bytes as they stand, which only a broken or hostile writer's change
    /// needs: it must reach others unchanged, or they could not verify what follows.
    fn lean_change<'b>(&mut self, writer: &WriterId, body: &'b [u8]) -> Option<LeanChange<'b>> {
        let (_, parts) = ChangeParts::read(body).ok()?;
        if parts.writer() != Some(*writer) || parts.build() != body {
            return None;
        }
        let mut common = Writer::new();
        common.signed(parts.time).sized(parts.message);
        common.number(parts.dependencies.len() as u64).number(parts.sequence);
        common.number(parts.other_actors.len() as u64);
        for actor in &parts.other_actors {
            match WriterId::from_slice(actor).and_then(|actor| self.writer(&actor)) {
                Some(index) => common.number(index + 1),
                None => common.number(0).sized(actor),
            };
        }
        let mut own = Writer::new();
        let mut first = None;
        for (index, dependency) in parts.dependencies.iter().enumerate() {
            let earlier = self.changes.get(dependency).copied();
            let target = earlier.or_else(|| self.held(self.references.locate_change(dependency)));
            let target = self.reference(&mut own, target, dependency.as_bytes());
            first = if index == 0 { target } else { first };
        }
        own.number(parts.start_op);
        let lean = LeanChange { common, columns: parts.columns, own, first };
        (lean.common.len() + lean.columns.len() + lean.own.len() <= body.len()).then_some(lean)
    }
}
