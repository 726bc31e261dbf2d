//! Entries that come from others: decoded, verified, and committed in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use firsthand_document::Author;
use firsthand_ids::{ChangeHash, DeviceKey, DocumentId, EntryHash, HybridTime, Position, SpaceId, WriterId};
use firsthand_log::lean::{ReceivedBatch, decode_batch};
use firsthand_log::{Entry, EntryKind, Mark, SignedHead, Tip, Vector, verify_run};
use firsthand_store::{AsideRun, Commit, EntryState, HoldReason, NewEntry};
use firsthand_sync::Refusal;

use super::apply::Arrival;
use super::authors::PastRights;
use super::order::dependencies;
use super::own::effective_time;
use super::unkept::Unkept;
use super::{CLOCK, Ledger, Now};
use crate::NodeError;

/// The most chains of one device in a space. A device opens a new one when its home was copied or restored, which happens
/// a few times in its life; without a limit one member could fill everybody's vector ([`Vector::MAX_WRITERS`]).
const MAX_CHAINS_OF_DEVICE: usize = 64;

/// What taking in a batch left.
pub(super) struct Received {
    pub(super) committed: firsthand_sync::Committed,
    pub(super) entries: u64,
}

/// Whether a commit waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durable {
    Yes,
    /// The whole database is made durable before it is used.
    Later,
}

/// An entry whose chain and signature verified.
struct Verified {
    writer: WriterId,
    hash: EntryHash,
    entry: Entry,
    author: Author,
    /// The membership heads in force are all here.
    ready: bool,
    /// Its author may enter records.
    writes: bool,
    /// It lies beyond the cut of its chain.
    beyond: bool,
}

/// What of a batch is new here, once its chains and signatures verified.
#[derive(Default)]
pub(super) struct VerifiedBatch {
    entries: Vec<Verified>,
    heads: Vec<(WriterId, SignedHead)>,
    /// How far each part goes.
    shown: Vector,
    forks: BTreeSet<WriterId>,
    /// The other branches of forked chains.
    aside: Vec<AsideRun>,
    /// Something of it is of a chain that is cut.
    cut: bool,
}

impl VerifiedBatch {
    /// How many entries are new.
    pub(super) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Those entries, in the order in which they came.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&WriterId, &Entry)> {
        self.entries.iter().map(|it| (&it.writer, &it.entry))
    }

    /// Adds one that came after it.
    pub(super) fn append(&mut self, next: Self) {
        let Self { entries, heads, shown, forks, aside, cut } = next;
        self.entries.extend(entries);
        self.heads.extend(heads);
        for (writer, mark) in shown.iter() {
            self.shown.set(*writer, *mark);
        }
        self.forks.extend(forks);
        self.aside.extend(aside);
        self.cut |= cut;
    }
}

impl Ledger {
    /// Takes in a batch of a space. Nothing of it reaches Automerge before its signatures and chains verified, and
    /// nothing is acknowledged before it is on the disk.
    pub(super) fn receive(&mut self, space: &SpaceId, plain: &[u8], now: Now) -> Result<Received, Refusal> {
        if !self.takes_part(space) {
            // It was on its way when this device heard that it was removed.
            return Err(if self.is_admitted() { Refusal::Misbehaved } else { Refusal::NotAMember });
        }
        let references = self.store.references(*space);
        let batch = self.store.at_once(|| decode_batch(plain, space, &references)).map_err(|error| {
            tracing::warn!(%error, "refused a batch");
            Refusal::Misbehaved
        })?;
        self.receive_batch(space, batch, now)
    }

    /// The same with entries that were restored already.
    pub(super) fn receive_batch(
        &mut self,
        space: &SpaceId,
        batch: ReceivedBatch,
        now: Now,
    ) -> Result<Received, Refusal> {
        if !self.takes_part(space) {
            return Err(Refusal::Misbehaved);
        }
        let writers: Vec<WriterId> = batch.signatures.iter().map(|(writer, _)| *writer).collect();
        let (mut verified, _) = self.verify(space, batch, &Unkept::default())?;
        let forks = verified.forks.clone();
        let shown = std::mem::take(&mut verified.shown);
        let entries = verified.len();
        self.keep_batch(space, verified, now, Durable::Yes).map_err(|error| {
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
        // The marks say what the batch brought; what it made provable here comes on top.
        if let Err(error) = self.join_tails(now) {
            tracing::error!(%error, "what lies beyond a gap waits for the next time");
        }
        let vector = self.store.vector(space);
        Ok(Received { committed: firsthand_sync::Committed { vector, marks, shown, forks }, entries })
    }

    /// Whether a batch says nothing but what is held here already. Its chains and signatures are checked all the same.
    pub(super) fn is_held_batch(&self, space: &SpaceId, batch: ReceivedBatch) -> Result<bool, Refusal> {
        let (verified, _) = self.verify(space, batch, &Unkept::default())?;
        Ok(verified.entries.is_empty() && verified.forks.is_empty())
    }

    /// Takes in one signed run of a chain that was read from a damaged database; says whether it verifies.
    pub(super) fn take_run(
        &mut self,
        space: &SpaceId,
        writer: WriterId,
        entries: Vec<Entry>,
        signature: firsthand_log::Signature,
        now: Now,
        durable: Durable,
    ) -> Result<bool, NodeError> {
        let entries = entries.into_iter().map(|entry| (writer, entry)).collect();
        let batch = ReceivedBatch { entries, signatures: vec![(writer, signature)] };
        match self.verify(space, batch, &Unkept::default()) {
            Ok((verified, _)) if verified.forks.is_empty() => {
                self.keep_batch(space, verified, now, durable)?;
                Ok(true)
            }
            Ok(_) | Err(Refusal::Misbehaved | Refusal::NotAMember) => Ok(false),
            Err(Refusal::Storage) => Err(NodeError::Inconsistent("the new database")),
        }
    }

    /// Checks chains and signatures, on top of what is held and of what is not kept yet; drops what is held already. Also says where
    /// each chain then stands.
    pub(super) fn verify(
        &self,
        space: &SpaceId,
        batch: ReceivedBatch,
        unkept: &Unkept,
    ) -> Result<(VerifiedBatch, BTreeMap<WriterId, Tip>), Refusal> {
        let mut parts: BTreeMap<WriterId, Vec<Entry>> = BTreeMap::new();
        let mut order = Vec::with_capacity(batch.entries.len());
        for (writer, entry) in batch.entries {
            order.push((writer, entry.position));
            parts.entry(writer).or_default().push(entry);
        }
        let past_rights = PastRights::new(&self.membership);
        let mut verified = VerifiedBatch::default();
        let (mut fresh_of, mut tips) = (BTreeMap::new(), BTreeMap::new());
        for (writer, signature) in batch.signatures {
            let entries = parts.remove(&writer).ok_or(Refusal::Misbehaved)?;
            let held = unkept.tip(&writer).cloned().or_else(|| self.store.tip(space, &writer));
            let tip = self.tip_before(&writer, held.as_ref(), &entries)?;
            let run = verify_run(&self.chain_in(space, writer), tip.as_ref(), &entries, &signature).map_err(
                |error| {
                    tracing::warn!(%error, writer = %writer.short(), "refused a run");
                    Refusal::Misbehaved
                },
            )?;
            if self.membership.signs_for(&run.tip.device) != Some(run.tip.person)
                || !self.membership.may_have_written(space, &run.tip.person)
            {
                return Err(Refusal::Misbehaved);
            }
            if held.is_none() && self.chains_of(space, &run.tip.device, unkept) >= MAX_CHAINS_OF_DEVICE {
                return Err(Refusal::Misbehaved);
            }
            if let Some(differs) = self.forked(space, &writer, held.as_ref(), &entries, &run.hashes)? {
                verified.forks.insert(writer);
                verified.aside.push(self.branch(space, writer, differs, entries, run.head(signature)));
                continue;
            }
            let stays = self.stays(space, &writer, &run.tip.device, &entries)?;
            verified.cut |= stays.is_some();
            let mut membership = tip.map(|tip| tip.membership).unwrap_or_default();
            let known = held.map_or(Position::START, |tip| tip.position);
            let mut fresh = VecDeque::new();
            let head = run.head(signature);
            verified.shown.set(writer, Mark::new(head.position, &head.hash));
            for (entry, hash) in entries.into_iter().zip(run.hashes) {
                if let Some(heads) = &entry.header.membership {
                    membership.clone_from(heads);
                }
                if entry.position <= known {
                    continue;
                }
                let author = Author {
                    writer,
                    person: run.tip.person,
                    position: entry.position,
                    hybrid: entry.header.hybrid,
                    local: entry.header.local,
                    rights: past_rights.rights(&membership, &run.tip.device),
                };
                let ready = membership.iter().all(|head| self.membership.contains(head));
                let beyond = stays.is_some_and(|stays| entry.position > stays);
                let writes = past_rights.writes(&membership, &run.tip.device);
                fresh.push_back(Verified { writer, hash, entry, author, ready, writes, beyond });
            }
            if !fresh.is_empty() {
                verified.heads.push((writer, head));
                tips.insert(writer, run.tip);
                fresh_of.insert(writer, fresh);
            }
        }
        // Each writer's part is consecutive.
        let next = |(writer, position): &(WriterId, Position)| {
            fresh_of.get_mut(writer)?.pop_front_if(|it| it.entry.position == *position)
        };
        verified.entries = order.iter().filter_map(next).collect();
        Ok((verified, tips))
    }

    /// How far a chain stays that may be cut; its first entry is held or in the run.
    fn stays(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        device: &DeviceKey,
        entries: &[Entry],
    ) -> Result<Option<Position>, Refusal> {
        if !self.membership.is_cut(device) {
            return Ok(None);
        }
        let first = Position::START.next();
        let begins = entries.first().filter(|entry| entry.position == first);
        let heads = match begins.and_then(|entry| entry.header.membership.clone()) {
            Some(heads) => heads,
            None => {
                let held = self.store.entry_info(writer, first).map_err(|_| Refusal::Storage)?;
                held.map(|info| info.membership).unwrap_or_default()
            }
        };
        self.stays_to(space, writer, device, &heads).map_err(|_| Refusal::Storage)
    }

    /// Whether this device's person reads a space.
    pub(super) fn takes_part(&self, space: &SpaceId) -> bool {
        self.membership.reads(space, &self.person)
    }

    fn chains_of(&self, space: &SpaceId, device: &DeviceKey, unkept: &Unkept) -> usize {
        let vector = self.store.vector(space);
        let tips = vector.iter().filter_map(|(writer, _)| self.store.tip(space, writer));
        let new =
            unkept.tips().filter(|(writer, _)| vector.get(writer).is_none()).map(|(_, tip)| tip.clone());
        tips.chain(new).filter(|tip| tip.device == *device).count()
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

    /// Where a verified run says something else than what is held at the same position: its device signed both.
    fn forked(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        held: Option<&Tip>,
        entries: &[Entry],
        hashes: &[EntryHash],
    ) -> Result<Option<Position>, Refusal> {
        let Some(held) = held else { return Ok(None) };
        for (entry, hash) in entries.iter().zip(hashes) {
            if entry.position > held.position {
                break;
            }
            let ours = self.store.entry_hash_at(space, writer, entry.position);
            if ours.map_err(|_| Refusal::Storage)? != Some(*hash) {
                return Ok(Some(entry.position));
            }
        }
        Ok(None)
    }

    /// Keeps what verified; from then on it may be acknowledged. What it changes in documents comes after.
    pub(super) fn keep_batch(
        &mut self,
        space: &SpaceId,
        batch: VerifiedBatch,
        now: Now,
        durable: Durable,
    ) -> Result<(), NodeError> {
        let known = self.store.aside()?;
        let new = |run: &AsideRun| !known.iter().any(|it| (it.writer, it.hash) == (run.writer, run.hash));
        let aside: Vec<AsideRun> = batch.aside.into_iter().filter(new).collect();
        if batch.entries.is_empty() && aside.is_empty() {
            return Ok(());
        }
        let mut commit = Commit::new(*space);
        commit.aside = aside;
        let mut untried = Vec::new();
        let hybrid_now = self.hybrid_now(now.at);
        let mut effective = HashMap::new();
        let mut last: BTreeMap<WriterId, HybridTime> = BTreeMap::new();
        let mut incomplete = BTreeSet::new();
        for it in batch.entries {
            let (time, complete) = self.effective(&it, &effective, &last)?;
            if let Some(document) = it.entry.header.document {
                effective.insert((document, it.entry.header.content), time);
                if !complete {
                    incomplete.insert(document);
                }
            }
            last.insert(it.writer, time);
            self.clock.observe(it.entry.header.hybrid, hybrid_now);
            let state = match it.entry.header.kind {
                EntryKind::Other(_) => EntryState::NotUnderstood,
                EntryKind::Create | EntryKind::Change if it.beyond => EntryState::Held(HoldReason::Cut),
                EntryKind::Create | EntryKind::Change if !it.ready => EntryState::Waiting,
                EntryKind::Create | EntryKind::Change if !it.writes => EntryState::Held(HoldReason::Refused),
                _ => EntryState::Applied,
            };
            if let (EntryState::Applied, Some(id), EntryKind::Create | EntryKind::Change) =
                (state, it.entry.header.document, it.entry.header.kind)
            {
                let arrival = Arrival {
                    writer: it.writer,
                    position: it.entry.position,
                    content: it.entry.header.content,
                    create: it.entry.header.kind == EntryKind::Create,
                    created: it.entry.header.local.at,
                    body: it.entry.body.clone(),
                    state,
                };
                untried.push((id, it.author, arrival));
            }
            commit.entries.push(NewEntry {
                writer: it.writer,
                hash: it.hash,
                entry: it.entry,
                state,
                effective: time,
            });
        }
        self.raise(&mut commit, incomplete)?;
        commit.heads = batch.heads;
        commit.derived = durable == Durable::Later;
        commit.settings.push((CLOCK.to_owned(), self.clock.last().packed().to_le_bytes().to_vec()));
        commit.tried = self.untried.is_empty() && untried.is_empty();
        let places: HashMap<ChangeHash, HybridTime> =
            commit.entries.iter().map(|new| (new.entry.header.content, new.effective)).collect();
        self.keep(commit)?;
        for (id, author, arrival) in untried {
            let place = places.get(&arrival.content).copied();
            self.untried.add((*space, id), author, arrival, place);
        }
        if self.untried.is_full() {
            self.apply_untried()?;
        }
        if batch.cut { self.look_at_cuts() } else { Ok(()) }
    }

    /// Commits, and follows an own entry that moved in the order for people.
    pub(super) fn keep(&mut self, commit: Commit) -> Result<(), NodeError> {
        let (space, raised) = (commit.space, commit.effective.clone());
        if let Err(error) = self.store.commit(commit) {
            // Nothing of it came, so what was placed early may still be.
            self.early = None;
            return Err(error.into());
        }
        if !raised.is_empty() {
            self.untried.forget_places();
        }
        if let Some(own) = self.own.get_mut(&space) {
            let tip = self.store.tip(&space, &own.writer).map(|tip| tip.position);
            for (writer, position, time) in raised {
                if (writer, Some(position)) == (own.writer, tip) {
                    own.effective = time;
                }
            }
        }
        Ok(())
    }

    /// An entry's effective time, and whether everything it builds on is here.
    fn effective(
        &self,
        it: &Verified,
        arrived: &HashMap<(DocumentId, ChangeHash), HybridTime>,
        last: &BTreeMap<WriterId, HybridTime>,
    ) -> Result<(HybridTime, bool), NodeError> {
        let mut latest = match last.get(&it.writer) {
            Some(time) => *time,
            None if it.entry.position.0 > 1 => {
                let before = Position(it.entry.position.0 - 1);
                self.store.entry_info(&it.writer, before)?.map_or(HybridTime::ZERO, |info| info.effective)
            }
            None => HybridTime::ZERO,
        };
        let mut complete = true;
        let Some(document) = it.entry.header.document else {
            return Ok((effective_time(it.entry.header.hybrid, latest), complete));
        };
        for dependency in dependencies(&it.entry) {
            let known = arrived.get(&(document, dependency)).copied();
            let time = match known.or_else(|| self.untried.place(&document, &dependency)) {
                Some(time) => Some(time),
                None => self.store.author(&dependency)?.map(|info| {
                    // A change of another document is no predecessor (see `Ledger::raise`).
                    if info.document == Some(document) { info.effective } else { HybridTime::ZERO }
                }),
            };
            complete &= time.is_some();
            latest = latest.max(time.unwrap_or_default());
        }
        Ok((effective_time(it.entry.header.hybrid, latest), complete))
    }

    /// What is held of a writer, for comparing with a peer.
    pub(super) fn mark_at(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        position: Position,
    ) -> Result<Option<Mark>, NodeError> {
        let hash = self.store.entry_hash_at(space, writer, position)?;
        Ok(hash.map(|hash| Mark::new(position, &hash)))
    }
}
