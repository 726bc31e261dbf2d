use std::collections::BTreeMap;

use firsthand_ids::{ChangeHash, DocumentId, Position, UnixMillis, WriterId};

use super::{
    Batch, DETACHED_HASH, DETACHED_PRESENT, HAS_DOCUMENT, HAS_MEMBERSHIP, KIND_OTHER, RAW_BODY, References,
    VERSION,
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
    changes: BTreeMap<ChangeHash, (WriterId, Position)>,
    documents: BTreeMap<DocumentId, (WriterId, Position)>,
    last_millis: UnixMillis,
    last_offset: i16,
    out: Writer,
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

    /// A reference, where the receiver can resolve it: 0, or the writer's index plus one and the position.
    fn reference(&mut self, target: Option<(WriterId, Position)>) -> bool {
        match target.and_then(|(writer, position)| Some((self.writer(&writer)?, position))) {
            Some((index, position)) => {
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
        let lean = match header.kind {
            EntryKind::Create | EntryKind::Change => self.lean_change(writer, &entry.body),
            EntryKind::Bind | EntryKind::Other(_) => None,
        };

        let mut flags = header.kind.number().min(KIND_OTHER);
        flags |= if header.membership.is_some() { HAS_MEMBERSHIP } else { 0 };
        flags |= match entry.detached {
            None => 0,
            Some(Detached::Present(_)) => DETACHED_PRESENT,
            Some(Detached::HashOnly(_)) => DETACHED_HASH,
        };
        flags |= if lean.is_none() { RAW_BODY } else { 0 };
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
        match lean {
            Some(lean) => self.out.fixed(lean),
            None => self.out.sized(&entry.body),
        };

        self.changes.insert(header.content, (*writer, entry.position));
        if let (EntryKind::Create, Some(document)) = (header.kind, header.document) {
            self.documents.insert(document, (*writer, entry.position));
        }
    }

    /// The lean form of a change; `None` sends the bytes as they stand, which only a broken or hostile writer's change
    /// needs: it must reach others unchanged, or they could not verify what follows.
    fn lean_change(&mut self, writer: &WriterId, body: &[u8]) -> Option<Vec<u8>> {
        let (_, parts) = ChangeParts::read(body).ok()?;
        if parts.writer() != Some(*writer) || parts.build() != body {
            return None;
        }
        let before = std::mem::take(&mut self.out);
        self.change(&parts);
        let lean = std::mem::replace(&mut self.out, before).into_bytes();
        (lean.len() <= body.len()).then_some(lean)
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
            match WriterId::from_slice(actor).and_then(|actor| self.writer(&actor)) {
                Some(index) => {
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
