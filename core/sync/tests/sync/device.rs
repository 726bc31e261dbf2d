//! What stands around a session in these tests: a store in memory with chains, membership operations and files.
//!
//! The session takes entries and operations as bytes, so these have an encoding of their own, simpler than the log's.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{Digest, DocumentId, EntryHash, OperationHash, Position, SpaceId, WriterId};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::{LogError, Mark, Vector};
use firsthand_sync::{
    BATCH_BYTES, BATCH_ENTRIES, Committed, FileId, Input, LoadedBatch, MAX_WANTED, PIECE_BYTES, Pending,
    Refusal, Wanted,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

pub(crate) const SPACE: SpaceId = SpaceId::new([0x51; 16]);

pub(crate) fn below(rng: &mut ChaCha8Rng, end: usize) -> usize {
    (rng.next_u64() % end as u64) as usize
}

/// Once in `times`.
pub(crate) fn rarely(rng: &mut ChaCha8Rng, times: usize) -> bool {
    below(rng, times) == 0
}

pub(crate) fn writer(number: u16) -> WriterId {
    WriterId::new(Digest::new("writer").number(number.into()).finish_short())
}

pub(crate) fn file(number: u16) -> FileId {
    FileId {
        document: DocumentId::new(Digest::new("file").number(number.into()).finish_short()),
        form: (number % 3) as u8,
    }
}

pub(crate) fn operation(number: u64) -> OperationHash {
    OperationHash::new(Digest::new("operation").number(number).finish())
}

/// An entry: what makes it different from others, and how many bytes it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) id: u64,
    pub(crate) size: usize,
}

/// One writer's chain and the hash at each position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) facts: Vec<Fact>,
    hashes: Vec<EntryHash>,
}

impl Chain {
    pub(crate) fn push(&mut self, fact: Fact) {
        let before = self.hashes.last().copied().unwrap_or(EntryHash::ZERO);
        self.hashes.push(EntryHash::new(Digest::new("fact").fixed(before).number(fact.id).finish()));
        self.facts.push(fact);
    }

    pub(crate) fn mark(&self, position: u64) -> Option<Mark> {
        let at = usize::try_from(position).ok()?.checked_sub(1)?;
        self.hashes.get(at).map(|hash| Mark::new(Position(position), hash))
    }
}

/// Added to a member's number in an operation that removes them.
pub(crate) const REMOVES: u8 = 0x80;

/// Added to a member's number in an operation that lets them return.
pub(crate) const RETURNS: u8 = 0x40;

/// A membership operation: whom it admits, or removes, and the operations before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Admission {
    pub(crate) member: u8,
    pub(crate) parents: Vec<u64>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Device {
    pub(crate) chains: BTreeMap<WriterId, Chain>,
    pub(crate) admissions: BTreeMap<u64, Admission>,
    /// The parts of the files that are here, and how many each has.
    pub(crate) files: BTreeMap<FileId, (u32, BTreeMap<u32, Vec<u8>>)>,
    /// Files of one chunk, and how long that is.
    pub(crate) short: BTreeMap<FileId, u64>,
    /// Files that are recorded in another space than the one of the whole team.
    pub(crate) elsewhere: BTreeMap<FileId, SpaceId>,
    /// How many of the next commits the disk has no room for.
    pub(crate) failing: u32,
    /// Something was committed and not applied yet.
    pub(crate) unapplied: bool,
    /// How many entries came that were here before.
    pub(crate) twice: usize,
    /// Each chain has one signature, at its end: a batch takes whole chains, one at a time.
    pub(crate) whole_chains: bool,
}

impl Device {
    pub(crate) fn vector(&self) -> Vector {
        let mut vector = Vector::new();
        for (writer, chain) in &self.chains {
            if let Some(mark) = chain.mark(chain.facts.len() as u64) {
                vector.set(*writer, mark);
            }
        }
        vector
    }

    pub(crate) fn append(&mut self, writer: WriterId, fact: Fact) {
        self.chains.entry(writer).or_default().push(fact);
    }

    /// Takes over what another device holds of a writer, as if a third one had brought it. A fork is left alone.
    pub(crate) fn receive_from(&mut self, other: &Self, writer: WriterId) {
        let Some(theirs) = other.chains.get(&writer) else { return };
        let ours = self.chains.entry(writer).or_default();
        let held = ours.facts.len();
        if theirs.facts.len() > held && theirs.facts[..held] == ours.facts[..] {
            *ours = theirs.clone();
        }
    }

    /// These devices keep no branches, and what they do not know they do not send.
    pub(crate) fn load_branch(&self, space: SpaceId, writer: WriterId) -> Input {
        assert!(self.chains.contains_key(&writer));
        Input::BranchLoaded { space, batch: Ok(None) }
    }

    pub(crate) fn heads(&self) -> Vec<OperationHash> {
        let parents: BTreeSet<_> = self.admissions.values().flat_map(|it| &it.parents).collect();
        let heads = self.admissions.keys().filter(|id| !parents.contains(id));
        let heads: BTreeSet<_> = heads.map(|id| operation(*id)).collect();
        heads.into_iter().collect()
    }

    pub(crate) fn admit(&mut self, id: u64, member: u8) {
        let parents: BTreeSet<_> = self.admissions.values().flat_map(|it| it.parents.clone()).collect();
        let parents = self.admissions.keys().filter(|id| !parents.contains(id)).copied().collect();
        self.admissions.insert(id, Admission { member, parents });
    }

    pub(crate) fn knows(&self, member: u8) -> bool {
        self.admissions.values().any(|it| it.member == member) && !self.removed(member)
    }

    pub(crate) fn removed(&self, member: u8) -> bool {
        let any = |number| self.admissions.values().any(|it| it.member == number);
        any(member | REMOVES) && !any(member | RETURNS)
    }

    /// What a device that was removed is told.
    fn notice(&self, peer: u8) -> BTreeSet<u64> {
        let removals = self.admissions.iter().filter(|(_, it)| it.member == peer | REMOVES);
        let heads: Vec<_> = removals.map(|(id, _)| operation(*id)).collect();
        self.past(&heads)
    }

    fn past(&self, heads: &[OperationHash]) -> BTreeSet<u64> {
        let mut past = BTreeSet::new();
        let mut open: Vec<u64> =
            self.admissions.keys().filter(|id| heads.contains(&operation(**id))).copied().collect();
        while let Some(id) = open.pop() {
            if past.insert(id) {
                open.extend(&self.admissions[&id].parents);
            }
        }
        past
    }

    pub(crate) fn load_operations(&self, peer: u8, heads: &[OperationHash]) -> Input {
        let past = self.past(heads);
        let all = !self.removed(peer);
        let notice = self.notice(peer);
        let lacking =
            self.admissions.iter().filter(|(id, _)| !past.contains(id) && (all || notice.contains(id)));
        let operations = lacking.map(|(id, admission)| {
            let mut out = Writer::new();
            out.number(*id).byte(admission.member).number(admission.parents.len() as u64);
            admission.parents.iter().for_each(|parent| {
                out.number(*parent);
            });
            // As large as a real one.
            out.fixed([0xab; 200]);
            out.into_bytes()
        });
        Input::OperationsLoaded { heads: self.heads(), operations: operations.collect(), all }
    }

    fn read_operation(bytes: &[u8]) -> Result<(u64, Admission), LogError> {
        let mut reader = Reader::new(bytes);
        let (id, member) = (reader.number("id")?, reader.byte("member")?);
        let mut parents = Vec::new();
        for _ in 0..reader.count(64, "parents")? {
            parents.push(reader.number("parent")?);
        }
        reader.array::<200>("filler")?;
        reader.finish("operation")?;
        Ok((id, Admission { member, parents }))
    }

    pub(crate) fn take_operations(&mut self, peer: u8, operations: &[Vec<u8>]) -> Input {
        let mut peer_known = Ok(());
        for bytes in operations {
            match Self::read_operation(bytes) {
                Ok((id, admission)) => {
                    if admission.parents.iter().all(|parent| self.admissions.contains_key(parent)) {
                        self.admissions.insert(id, admission);
                    }
                }
                Err(_) => peer_known = Err(Refusal::Misbehaved),
            }
        }
        // Who was removed has nothing more to meet for.
        let peer_known = peer_known.map(|()| self.knows(peer) && !self.removed(1 - peer));
        Input::OperationsTaken { heads: self.heads(), peer_known }
    }

    /// As a store does: in pieces, each writer's part consecutive, forks found where the receiver's mark is not ours.
    pub(crate) fn load(
        &self,
        rng: &mut ChaCha8Rng,
        receiver: &Vector,
        told: &BTreeSet<WriterId>,
        only: Option<&BTreeSet<WriterId>>,
    ) -> Input {
        let mut forks = BTreeSet::new();
        let (mut marks, mut runs, mut out) = (Vector::new(), 0, Writer::new());
        let (mut entries, mut bytes) = (0, 0);
        let most = 1 + below(rng, BATCH_ENTRIES);
        for (writer, chain) in &self.chains {
            let from = receiver.position(writer).0;
            if told.contains(writer) || from >= chain.facts.len() as u64 {
                continue;
            }
            if from > 0 && chain.mark(from).as_ref() != receiver.get(writer) {
                forks.insert(*writer);
                continue;
            }
            if only.is_some_and(|only| !only.contains(writer)) {
                continue;
            }
            let mut run: Vec<Fact> = Vec::new();
            for fact in &chain.facts[from as usize..] {
                let full = entries == most || (entries > 0 && bytes + fact.size > BATCH_BYTES);
                if full && !self.whole_chains {
                    break;
                }
                entries += 1;
                bytes += fact.size;
                run.push(*fact);
            }
            if run.is_empty() || (self.whole_chains && runs > 0) {
                break;
            }
            runs += 1;
            let before = chain.mark(from).map_or([0; 8], |mark| mark.prefix);
            out.fixed(writer).number(from + 1).fixed(before).number(run.len() as u64);
            for fact in &run {
                out.number(fact.id).sized(&vec![0; fact.size]);
            }
            marks.set(*writer, chain.mark(from + run.len() as u64).unwrap());
        }
        let mut plain = Writer::new();
        plain.number(runs).fixed(out.into_bytes());
        let batch = (runs > 0).then(|| LoadedBatch { plain: plain.into_bytes(), marks });
        Input::Loaded { space: SPACE, batch: Ok(batch), forks }
    }

    pub(crate) fn commit(&mut self, plain: &[u8]) -> Input {
        let result = if self.failing > 0 {
            self.failing -= 1;
            Err(Refusal::Storage)
        } else {
            self.read_batch(plain).map_err(|_| Refusal::Misbehaved)
        };
        self.unapplied |= result.is_ok();
        Input::Committed { space: SPACE, result }
    }

    pub(crate) fn apply(&mut self) -> Input {
        let result = if self.failing > 0 {
            self.failing -= 1;
            Err(Refusal::Storage)
        } else {
            self.unapplied = false;
            Ok(())
        };
        Input::Applied { space: SPACE, result }
    }

    fn read_batch(&mut self, plain: &[u8]) -> Result<Committed, LogError> {
        let mut reader = Reader::new(plain);
        let (mut chains, mut writers, mut forks) = (self.chains.clone(), Vec::new(), BTreeSet::new());
        let (mut shown, mut twice) = (Vector::new(), 0);
        for _ in 0..reader.count(4096, "runs")? {
            let writer = WriterId::new(reader.array("writer")?);
            let chain = chains.entry(writer).or_default();
            let held = chain.clone();
            let from = reader.number("from")?;
            let before = held.mark(from.wrapping_sub(1)).map_or([0; 8], |mark| mark.prefix);
            // A run that does not go on from what is here has a signature that does not fit.
            if from == 0 || from > held.facts.len() as u64 + 1 || reader.array("before")? != before {
                return Err(reader.malformed("gap"));
            }
            let count = reader.count(1000, "entries")?;
            for at in 0..count {
                let id = reader.number("id")?;
                let fact = Fact { id, size: reader.sized(1 << 20, "filler")?.len() };
                match held.facts.get(from as usize - 1 + at) {
                    Some(here) if *here != fact => {
                        forks.insert(writer);
                    }
                    Some(_) => twice += 1,
                    None => chain.push(fact),
                }
            }
            if forks.contains(&writer) {
                *chain = held;
            } else {
                writers.push(writer);
                shown.set(writer, chain.mark(from - 1 + count as u64).unwrap());
            }
        }
        reader.finish("batch")?;
        self.chains = chains;
        self.twice += twice;
        let (vector, mut marks) = (self.vector(), Vector::new());
        for writer in &writers {
            marks.set(*writer, *vector.get(writer).unwrap());
        }
        Ok(Committed { vector, marks, shown, forks })
    }

    /// Which files to ask for and from which part on, and what to tell of it.
    pub(crate) fn missing(&self) -> (Vec<Wanted>, Pending) {
        let missing = self.files.iter().filter(|(_, (total, parts))| parts.len() < *total as usize);
        let missing: Vec<_> =
            missing.map(|(file, (_, parts))| self.wanted(*file, Self::next(parts))).collect();
        let pending = Pending { waiting: 0, files: missing.len() as u64 };
        (missing, pending)
    }

    /// As a ledger says it: a file of one chunk needs no table of its own.
    fn wanted(&self, file: FileId, from: u32) -> Wanted {
        let short = self.short.get(&file).copied();
        let space = self.elsewhere.get(&file).copied().unwrap_or(SPACE);
        Wanted { space, file, from: if short.is_some() { 1 } else { from }, short }
    }

    /// A file of one chunk, and how long that is.
    pub(crate) fn give_short(&mut self, file: FileId, bytes: u64, here: bool) {
        self.short.insert(file, bytes);
        self.give_file(file, 2, (0..2).filter(|_| here));
    }

    fn next(parts: &BTreeMap<u32, Vec<u8>>) -> u32 {
        (0..).find(|index| !parts.contains_key(index)).unwrap_or_default()
    }

    pub(crate) fn load_chunk(&self, file: FileId, index: u32) -> Input {
        let here = self.files.get(&file);
        let chunk = here.and_then(|(total, parts)| Some((*total, parts.get(&index)?.clone())));
        // A file is passed on whole or not at all.
        let chunk = chunk.filter(|(total, _)| here.is_some_and(|(_, parts)| parts.len() == *total as usize));
        Input::ChunkLoaded { file, index, chunk }
    }

    pub(crate) fn store_chunk(&mut self, file: FileId, index: u32, total: u32, sealed: Vec<u8>) -> Input {
        let Some((expected, parts)) = self.files.get_mut(&file) else {
            return Input::ChunkStored { file, result: Err(Refusal::Misbehaved) };
        };
        let result = if self.failing > 0 {
            self.failing -= 1;
            Err(Refusal::Storage)
        } else if total == *expected && sealed == part(file, index) {
            parts.insert(index, sealed);
            if self.short.contains_key(&file) && index == 1 {
                parts.insert(0, part(file, 0));
            }
            Ok((0..total).filter(|part| !parts.contains_key(part)).take(MAX_WANTED).collect())
        } else {
            Err(Refusal::Misbehaved)
        };
        Input::ChunkStored { file, result }
    }

    pub(crate) fn give_file(&mut self, file: FileId, total: u32, here: impl IntoIterator<Item = u32>) {
        let parts = here.into_iter().map(|index| (index, part(file, index))).collect();
        self.files.insert(file, (total, parts));
    }

    /// Another peer brought a part.
    pub(crate) fn give_part(&mut self, file: FileId, index: u32) {
        self.files.entry(file).or_default().1.insert(index, part(file, index));
    }

    pub(crate) fn spoil_part(&mut self, file: FileId, index: u32) {
        self.files.entry(file).or_default().1.insert(index, vec![0]);
    }
}

/// The bytes of a part, which tell whether the right one came. Some travel in several pieces, one of them in two that are full.
pub(crate) fn part(file: FileId, index: u32) -> Vec<u8> {
    let digest = Digest::new("part").fixed(file.document).number(index.into()).finish();
    let len = match index % 7 {
        2 => PIECE_BYTES * 2 + 1,
        4 => PIECE_BYTES * 2,
        _ => 96,
    };
    digest.iter().copied().cycle().take(len).collect()
}
