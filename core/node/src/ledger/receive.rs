//! Entries that come from others: decoded, verified, applied, and committed in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_document::{Author, Document, Incoming, Outcome};
use firsthand_ids::{
    ChangeHash, DeviceKey, DocumentId, EntryHash, HybridTime, Position, SpaceId, UnixMillis, WriterId,
};
use firsthand_log::lean::{ReceivedBatch, decode_batch};
use firsthand_log::{Entry, EntryKind, Mark, SignedHead, Tip, Vector, verify_run};
use firsthand_store::{Commit, EntryState, HoldReason, NewEntry};
use firsthand_sync::Refusal;

use super::authors::Rosters;
use super::order::dependencies;
use super::own::effective_time;
use super::{CLOCK, Ledger, Now, project};
use crate::NodeError;

/// The most chains of one device in a space. A device opens a new one when its home was copied or restored, which happens
/// a few times in its life; without a limit one member could fill everybody's vector ([`Vector::MAX_WRITERS`]).
const MAX_CHAINS_OF_DEVICE: usize = 64;

/// What taking in a batch left.
pub(super) struct Received {
    pub(super) committed: firsthand_sync::Committed,
    pub(super) entries: u64,
}

/// An entry whose chain and signature verified.
struct Verified {
    writer: WriterId,
    hash: EntryHash,
    entry: Entry,
    author: Author,
    /// The membership heads in force are all here.
    ready: bool,
}

#[derive(Default)]
struct VerifiedBatch {
    entries: Vec<Verified>,
    heads: Vec<(WriterId, SignedHead)>,
    forks: BTreeSet<WriterId>,
}

impl Ledger {
    /// Takes in a batch of a space. Nothing of it reaches Automerge before its signatures and chains verified; what
    /// the guard refuses is kept, proven and quarantined, and the rest goes on.
    pub(super) fn receive(&mut self, space: &SpaceId, plain: &[u8], now: Now) -> Result<Received, Refusal> {
        if *space != self.space {
            return Err(Refusal::Misbehaved);
        }
        let batch = decode_batch(plain, space, &self.store.references(*space)).map_err(|error| {
            tracing::warn!(%error, "refused a batch");
            Refusal::Misbehaved
        })?;
        let writers: Vec<WriterId> = batch.signatures.iter().map(|(writer, _)| *writer).collect();
        let verified = self.verify(batch)?;
        let forks = verified.forks.clone();
        let entries = verified.entries.len() as u64;
        self.apply_and_commit(verified, now).map_err(|error| {
            tracing::error!(%error, "could not keep a batch");
            Refusal::Storage
        })?;
        let vector = self.store.vector(space);
        let mut marks = Vector::new();
        for writer in &writers {
            if let Some(mark) = vector.get(writer).filter(|_| !forks.contains(writer)) {
                marks.set(*writer, *mark);
            }
        }
        Ok(Received { committed: firsthand_sync::Committed { vector, marks, forks }, entries })
    }

    /// Checks chains and signatures; drops what is held already.
    fn verify(&self, batch: ReceivedBatch) -> Result<VerifiedBatch, Refusal> {
        let mut parts: BTreeMap<WriterId, Vec<Entry>> = BTreeMap::new();
        let mut order = Vec::with_capacity(batch.entries.len());
        for (writer, entry) in batch.entries {
            order.push((writer, entry.position));
            parts.entry(writer).or_default().push(entry);
        }
        let rosters = Rosters::new(&self.membership);
        let mut verified = VerifiedBatch::default();
        let mut placed = BTreeMap::new();
        for (writer, signature) in batch.signatures {
            let entries = parts.remove(&writer).ok_or(Refusal::Misbehaved)?;
            let held = self.store.tip(&self.space, &writer);
            let tip = self.tip_before(&writer, held.as_ref(), &entries)?;
            let run =
                verify_run(&self.chain(writer), tip.as_ref(), &entries, &signature).map_err(|error| {
                    tracing::warn!(%error, writer = %writer.short(), "refused a run");
                    Refusal::Misbehaved
                })?;
            let roster = self.membership.roster();
            if roster.member(&run.tip.device).is_none_or(|(person, _)| person != run.tip.person) {
                return Err(Refusal::Misbehaved);
            }
            if held.is_none() && self.chains_of(&run.tip.device) >= MAX_CHAINS_OF_DEVICE {
                return Err(Refusal::Misbehaved);
            }
            if self.forked(&writer, held.as_ref(), &entries, &run.hashes)? {
                verified.forks.insert(writer);
                continue;
            }
            let mut membership = tip.map(|tip| tip.membership).unwrap_or_default();
            let known = held.map_or(Position::START, |tip| tip.position);
            let mut fresh = false;
            let head = run.head(signature);
            for (entry, hash) in entries.into_iter().zip(run.hashes) {
                if let Some(heads) = &entry.header.membership {
                    membership.clone_from(heads);
                }
                if entry.position <= known {
                    continue;
                }
                fresh = true;
                let author = Author {
                    writer,
                    person: run.tip.person,
                    position: entry.position,
                    hybrid: entry.header.hybrid,
                    local: entry.header.local,
                    rights: rosters.rights(&membership, &run.tip.device),
                };
                let ready = membership.iter().all(|head| self.membership.contains(head));
                placed.insert((writer, entry.position), Verified { writer, hash, entry, author, ready });
            }
            if fresh {
                verified.heads.push((writer, head));
            }
        }
        verified.entries = order.iter().filter_map(|place| placed.remove(place)).collect();
        Ok(verified)
    }

    fn chains_of(&self, device: &DeviceKey) -> usize {
        let vector = self.store.vector(&self.space);
        let tips = vector.iter().filter_map(|(writer, _)| self.store.tip(&self.space, writer));
        tips.filter(|tip| tip.device == *device).count()
    }

    /// Where the chain stood before the run begins. A run may begin with entries that are held already: another peer
    /// sent them in the meantime.
    fn tip_before(
        &self,
        writer: &WriterId,
        held: Option<&Tip>,
        entries: &[Entry],
    ) -> Result<Option<Tip>, Refusal> {
        let first = entries.first().ok_or(Refusal::Misbehaved)?.position;
        let Some(held) = held else { return Ok(None) };
        if first == held.position.next() {
            return Ok(Some(held.clone()));
        }
        if first.0 <= 1 {
            return Ok(None);
        }
        let before = Position(first.0 - 1);
        let stored = self.store.entry(writer, before).map_err(|_| Refusal::Storage)?;
        let stored = stored.ok_or(Refusal::Misbehaved)?;
        let (hash, membership) = (stored.info.hash, stored.info.membership);
        Ok(Some(Tip { position: before, hash, membership, ..held.clone() }))
    }

    /// Whether a verified run says something else than what is held at the same position: its device signed both.
    fn forked(
        &self,
        writer: &WriterId,
        held: Option<&Tip>,
        entries: &[Entry],
        hashes: &[EntryHash],
    ) -> Result<bool, Refusal> {
        let Some(held) = held else { return Ok(false) };
        for (entry, hash) in entries.iter().zip(hashes) {
            if entry.position > held.position {
                break;
            }
            let ours = self.store.entry_hash_at(&self.space, writer, entry.position);
            if ours.map_err(|_| Refusal::Storage)? != Some(*hash) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn apply_and_commit(&mut self, batch: VerifiedBatch, now: Now) -> Result<(), NodeError> {
        if batch.entries.is_empty() {
            return Ok(());
        }
        let arriving: BTreeMap<ChangeHash, Author> =
            batch.entries.iter().map(|it| (it.entry.header.content, it.author)).collect();

        // Each document once, with everything that is new for it or has waited.
        let mut by_document: BTreeMap<DocumentId, Vec<usize>> = BTreeMap::new();
        for (index, it) in batch.entries.iter().enumerate() {
            if let (EntryKind::Create | EntryKind::Change, Some(id)) =
                (it.entry.header.kind, it.entry.header.document)
            {
                by_document.entry(id).or_default().push(index);
            }
        }

        let mut states: Vec<EntryState> = batch
            .entries
            .iter()
            .map(|it| match it.entry.header.kind {
                EntryKind::Other(_) => EntryState::NotUnderstood,
                _ => EntryState::Applied,
            })
            .collect();
        let mut commit = Commit::new(self.space);
        let mut opened = Vec::new();
        for (id, indices) in by_document {
            let arrivals: Vec<Arrival<'_>> = indices
                .iter()
                .map(|&index| Arrival {
                    place: Place::New(index),
                    writer: batch.entries[index].writer,
                    position: batch.entries[index].entry.position,
                    create: batch.entries[index].entry.header.kind == EntryKind::Create,
                    created: batch.entries[index].entry.header.local.at,
                    body: &batch.entries[index].entry.body,
                    ready: batch.entries[index].ready,
                })
                .collect();
            let applied = self.apply_document(id, arrivals, &arriving, &mut states, &mut commit)?;
            opened.extend(applied.map(|document| (id, document)));
        }

        let mut effective: BTreeMap<ChangeHash, HybridTime> = BTreeMap::new();
        let mut last: BTreeMap<WriterId, HybridTime> = BTreeMap::new();
        let settled = commit.state_changes.iter().map(|(writer, position, _)| (*writer, *position));
        let mut late: Vec<(WriterId, Position)> = settled.collect();
        for (it, state) in batch.entries.into_iter().zip(states) {
            let (time, complete) = self.effective(&it, &effective, &last)?;
            if !complete {
                late.push((it.writer, it.entry.position));
            }
            effective.insert(it.entry.header.content, time);
            last.insert(it.writer, time);
            self.clock.observe(it.entry.header.hybrid, now.at);
            commit.entries.push(NewEntry {
                writer: it.writer,
                hash: it.hash,
                entry: it.entry,
                state,
                effective: time,
            });
        }
        if !late.is_empty() {
            self.raise(&mut commit, late)?;
        }
        commit.heads = batch.heads;
        commit.settings.push((CLOCK.to_owned(), self.clock.last().packed().to_le_bytes().to_vec()));
        self.keep(commit, opened)
    }

    /// Tries again what waited for membership operations, which have come.
    pub(super) fn settle(&mut self) -> Result<bool, NodeError> {
        let waiting = self.store.unsettled()?.into_iter().filter(|info| info.state == EntryState::Waiting);
        let documents: BTreeSet<DocumentId> = waiting.filter_map(|info| info.document).collect();
        let mut commit = Commit::new(self.space);
        let mut opened = Vec::new();
        for id in documents {
            let applied = self.apply_document(id, Vec::new(), &BTreeMap::new(), &mut [], &mut commit)?;
            opened.extend(applied.map(|document| (id, document)));
        }
        let settled: Vec<_> =
            commit.state_changes.iter().map(|(writer, position, _)| (*writer, *position)).collect();
        let any = !settled.is_empty();
        if any {
            self.raise(&mut commit, settled)?;
            self.keep(commit, opened)?;
        }
        Ok(any)
    }

    fn keep(&mut self, commit: Commit, opened: Vec<(DocumentId, Document)>) -> Result<(), NodeError> {
        let raised = commit.effective.clone();
        self.store.commit(commit)?;
        for (id, document) in opened {
            self.documents.put(id, document);
        }
        let tip =
            self.writer.and_then(|writer| Some((writer, self.store.tip(&self.space, &writer)?.position)));
        for (writer, position, time) in raised {
            if tip == Some((writer, position)) {
                self.own_effective = time;
            }
        }
        Ok(())
    }

    /// Applies what is new for a document and what has waited for it, and adds the result to the commit.
    fn apply_document(
        &mut self,
        id: DocumentId,
        new: Vec<Arrival<'_>>,
        arriving: &BTreeMap<ChangeHash, Author>,
        states: &mut [EntryState],
        commit: &mut Commit,
    ) -> Result<Option<Document>, NodeError> {
        let stored = self.store.document(&id)?;
        let (mut document, mut creator) = match &stored {
            Some(stored) => {
                let cached = self.documents.take(&id);
                let loaded = cached.map_or_else(|| Document::load(&stored.saved), Ok)?;
                (loaded, Some((stored.creator, self.created(&id)?.created)))
            }
            None => (Document::empty(), None),
        };
        // A document without applied entries has no row to say whether something waits.
        let waiting = if stored.as_ref().is_some_and(|stored| stored.unsettled == 0) {
            Vec::new()
        } else {
            self.store.waiting_of(&id)?
        };
        let waited = waiting.iter().map(|change| Arrival {
            place: Place::Waiting(change.info.writer, change.info.position),
            writer: change.info.writer,
            position: change.info.position,
            create: change.info.kind == EntryKind::Create,
            created: change.info.local.at,
            body: &change.body,
            ready: change.info.membership.iter().all(|head| self.membership.contains(head)),
        });
        let arrivals: Vec<Arrival<'_>> = waited.chain(new).collect();

        let (ready, early): (Vec<_>, Vec<_>) = arrivals.into_iter().partition(|arrival| arrival.ready);
        for arrival in early {
            arrival.settle(EntryState::Waiting, states, commit);
        }
        let incoming: Vec<Incoming<'_>> = ready
            .iter()
            .map(|it| Incoming {
                writer: it.writer,
                position: it.position,
                create: it.create,
                change: it.body,
            })
            .collect();
        let authors = super::authors::LogAuthors::new(&self.store, &self.membership, arriving);
        let applied = document.apply(&incoming, &authors);
        let mut changed = false;
        for (arrival, outcome) in ready.iter().zip(applied.outcomes) {
            let state = match outcome {
                Outcome::Applied => {
                    changed = true;
                    if arrival.create {
                        creator = Some(((arrival.writer, arrival.position), arrival.created));
                    }
                    EntryState::Applied
                }
                Outcome::Waiting { .. } => EntryState::Waiting,
                Outcome::Refused(error) => {
                    let writer = arrival.writer.short();
                    tracing::warn!(%error, writer, "quarantined an entry");
                    EntryState::Held(HoldReason::Refused)
                }
            };
            arrival.settle(state, states, commit);
        }
        if let (true, Some((creator, created))) = (changed, creator) {
            let view = self.view(&document, arriving);
            commit.documents.push(project::update(id, &document, &view, creator, created));
        }
        Ok(creator.map(|_| document))
    }

    /// An entry's effective time, and whether everything it builds on is here.
    fn effective(
        &self,
        it: &Verified,
        arrived: &BTreeMap<ChangeHash, HybridTime>,
        last: &BTreeMap<WriterId, HybridTime>,
    ) -> Result<(HybridTime, bool), NodeError> {
        let mut latest = match last.get(&it.writer) {
            Some(time) => *time,
            None if it.entry.position.0 > 1 => {
                let before = Position(it.entry.position.0 - 1);
                self.store.entry(&it.writer, before)?.map_or(HybridTime::ZERO, |it| it.info.effective)
            }
            None => HybridTime::ZERO,
        };
        let mut complete = true;
        for dependency in dependencies(&it.entry) {
            let time = match arrived.get(&dependency) {
                Some(time) => Some(*time),
                None => self.store.author(&dependency)?.map(|info| info.effective),
            };
            complete &= time.is_some();
            latest = latest.max(time.unwrap_or_default());
        }
        Ok((effective_time(it.entry.header.hybrid, latest), complete))
    }

    /// What is held of a writer, for comparing with a peer.
    pub(super) fn mark_at(&self, writer: &WriterId, position: Position) -> Result<Option<Mark>, NodeError> {
        let hash = self.store.entry_hash_at(&self.space, writer, position)?;
        Ok(hash.map(|hash| Mark::new(position, &hash)))
    }
}

/// A change on its way into a document.
struct Arrival<'a> {
    place: Place,
    writer: WriterId,
    position: Position,
    create: bool,
    created: UnixMillis,
    body: &'a [u8],
    ready: bool,
}

enum Place {
    /// In the batch, by index.
    New(usize),
    /// Held already, waiting.
    Waiting(WriterId, Position),
}

impl Arrival<'_> {
    fn settle(&self, state: EntryState, states: &mut [EntryState], commit: &mut Commit) {
        match self.place {
            Place::New(index) => states[index] = state,
            Place::Waiting(writer, position) if state != EntryState::Waiting => {
                commit.state_changes.push((writer, position, state));
            }
            Place::Waiting(..) => {}
        }
    }
}
