//! The log against a simple model: what is committed, read, handed out and kept over a crash.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Folder, SPACE, Writer, rng, titled};
use firsthand_ids::{DocumentId, Position, SpaceId, WriterId};
use firsthand_log::{Detached, Entry, EntryKind, Mark, References, Vector, hash_run, verify_run};
use firsthand_store::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// What a store should hold.
#[derive(Default)]
struct Model {
    entries: Vec<NewEntry>,
    signed: BTreeSet<(WriterId, Position)>,
}

impl Model {
    fn of(&self, writer: &WriterId) -> Vec<&NewEntry> {
        self.entries.iter().filter(|new| new.writer == *writer).collect()
    }

    fn vector(&self) -> Vector {
        let mut vector = Vector::new();
        for new in &self.entries {
            vector.set(new.writer, Mark::new(new.entry.position, &new.hash));
        }
        vector
    }

    fn add(&mut self, commit: &Commit) {
        self.entries.extend(commit.entries.iter().cloned());
        self.signed.extend(commit.heads.iter().map(|(writer, head)| (*writer, head.position)));
    }
}

struct World {
    rng: ChaCha8Rng,
    writers: Vec<Writer>,
    documents: Vec<DocumentId>,
    model: Model,
}

impl World {
    fn new(seed: u64) -> Self {
        let writers = (1..=4).map(|seed| Writer::new(SPACE, seed)).collect();
        Self { rng: rng(seed), writers, documents: Vec::new(), model: Model::default() }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.rng.next_u64() as usize % limit
    }

    fn bytes(&mut self, limit: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.below(limit)];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// A commit of one to twenty entries of one or two writers, taking turns.
    fn commit(&mut self) -> Commit {
        let mut commit = Commit::new(SPACE);
        let pair = [self.below(self.writers.len()), self.below(self.writers.len())];
        for _ in 0..1 + self.below(20) {
            let which = pair[self.below(2)];
            let content = self.bytes(2000);
            let (kind, with_detached) = (self.below(3), self.below(4) == 0);
            let at = self.below(self.documents.len().max(1));
            let detached = with_detached.then(|| self.bytes(100));
            let state = [EntryState::Applied, EntryState::Waiting, EntryState::Held(HoldReason::Refused)]
                [self.below(8).min(2)];
            let writer = &mut self.writers[which];
            let mut new = if writer.tip.is_none() {
                writer.bind()
            } else if kind == 0 || self.documents.is_empty() {
                let (id, new) = writer.create(&content, detached);
                self.documents.push(id);
                new
            } else {
                writer.change(self.documents[at], &content)
            };
            if new.entry.header.kind == EntryKind::Change {
                new.state = state;
            }
            commit.entries.push(new);
            if self.below(4) == 0 {
                commit.heads.push(self.writers[which].sign());
            }
        }
        for which in BTreeSet::from(pair) {
            if commit.entries.iter().any(|new| new.writer == self.writers[which].id()) {
                commit.heads.push(self.writers[which].sign());
            }
        }
        self.model.add(&commit);
        commit
    }

    /// A vector of somebody who has some of it, at signed heads, as every device has.
    fn receiver(&mut self) -> Vector {
        let mut vector = Vector::new();
        for which in 0..self.writers.len() {
            let id = self.writers[which].id();
            let chain = self.model.of(&id).into_iter().cloned().collect::<Vec<_>>();
            let signed: Vec<_> = chain
                .iter()
                .filter(|new| self.model.signed.contains(&(id, new.entry.position)))
                .map(|new| Mark::new(new.entry.position, &new.hash))
                .collect();
            let pick = self.below(signed.len() + 1);
            if pick > 0 {
                vector.set(id, signed[pick - 1]);
            }
        }
        vector
    }
}

fn compare(store: &Store, world: &World) {
    let model = &world.model;
    assert_eq!(store.vector(&SPACE), model.vector());
    for writer in &world.writers {
        let id = writer.id();
        let expected = model.of(&id);
        let held = store.entries(&SPACE, &id, Position(1), usize::MAX).unwrap();
        assert_eq!(held.len(), expected.len());
        let mut membership = Vec::new();
        for (stored, new) in held.iter().zip(&expected) {
            assert_eq!(stored.entry, new.entry);
            assert_eq!((stored.info.hash, stored.info.state), (new.hash, new.state));
            assert_eq!((stored.info.writer, stored.info.person), (id, writer.person));
            membership = new.entry.header.membership.clone().unwrap_or(membership);
            assert_eq!(stored.info.membership, membership);
            let signed = model.signed.contains(&(id, new.entry.position));
            assert_eq!(stored.head().is_some(), signed);
            if let Some(head) = stored.head() {
                head.verify(&writer.chain, &writer.device()).unwrap();
            }
            let at = store.entry_hash_at(&SPACE, &id, new.entry.position).unwrap();
            assert_eq!(at, Some(new.hash));
        }
        assert_eq!(store.tip(&SPACE, &id), if expected.is_empty() { None } else { writer.tip.clone() });
        let heads = store.heads(&SPACE, &id, Position(1), usize::MAX).unwrap();
        let signed = model.signed.iter().filter(|(signer, _)| *signer == id).count();
        assert_eq!(heads.len(), signed);
    }
    let references = store.references(SPACE);
    for document in &world.documents {
        let changes = store.changes_of(document).unwrap();
        let expected: Vec<_> =
            model.entries.iter().filter(|new| new.entry.header.document == Some(*document)).collect();
        assert_eq!(changes.len(), expected.len());
        for (change, new) in changes.iter().zip(&expected) {
            assert_eq!(
                (&change.body, change.nonce, change.info.hash),
                (&new.entry.body, new.entry.nonce, new.hash)
            );
            let (writer, position) = references.locate_change(&change.info.content).unwrap();
            assert_eq!(references.change_at(&writer, position), Some(change.info.content));
            assert_eq!(store.author(&change.info.content).unwrap().unwrap().content, change.info.content);
        }
        let waiting: Vec<_> = expected.iter().filter(|new| new.state == EntryState::Waiting).collect();
        assert_eq!(store.waiting_of(&SPACE, document, 0, usize::MAX).unwrap().len(), waiting.len());
        // One by one it is the same.
        let (mut after, mut singly) = (0, Vec::new());
        while let [change] = &store.waiting_of(&SPACE, document, after, 0).unwrap()[..] {
            after = change.info.number;
            singly.push(change.info.hash);
        }
        assert_eq!(singly, waiting.iter().map(|new| new.hash).collect::<Vec<_>>());
        if let Some(create) = expected.iter().find(|new| new.entry.header.kind == EntryKind::Create) {
            let place = (create.writer, create.entry.position);
            assert_eq!(references.locate_document(document), Some(place));
            assert_eq!(references.document_at(&place.0, place.1), Some(*document));
            assert_eq!(store.creator(document).unwrap(), Some(place));
        }
    }
    let mut ids = world.documents.clone();
    ids.sort();
    assert_eq!(store.documents(None, usize::MAX).unwrap(), ids);
    let unsettled: Vec<_> =
        model.entries.iter().filter(|new| new.state != EntryState::Applied).map(|new| new.hash).collect();
    let found: Vec<_> = store.unsettled().unwrap().iter().map(|info| info.hash).collect();
    assert_eq!(found, unsettled);
    let counts = store.counts().unwrap();
    assert_eq!(counts.entries as usize, model.entries.len());
    assert_eq!((counts.waiting + counts.held) as usize, unsettled.len());
}

#[test]
fn a_store_holds_what_was_committed() {
    for seed in 0..12 {
        let folder = Folder::new();
        let mut store = folder.create();
        let mut world = World::new(seed);
        for step in 0..30 {
            let commit = world.commit();
            let entries = commit.entries.len();
            assert_eq!(store.commit(commit).unwrap().entries, entries);
            if step % 10 == 9 {
                compare(&store, &world);
                let pulled = folder.pulled();
                compare(&pulled.open(), &world);
            }
        }
        drop(store);
        compare(&folder.open(), &world);
    }
}

#[test]
fn states_change_and_only_they() {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut world = World::new(3);
    for _ in 0..20 {
        store.commit(world.commit()).unwrap();
    }
    let states = [EntryState::Applied, EntryState::NotUnderstood, EntryState::Held(HoldReason::Other(200))];
    let mut commit = Commit::new(SPACE);
    for at in (0..world.model.entries.len()).step_by(3) {
        let state = states[world.below(3)];
        let new = &mut world.model.entries[at];
        new.state = state;
        commit.state_changes.push((new.writer, new.entry.position, state));
    }
    store.commit(commit).unwrap();
    let unsettled = world.model.entries.iter().filter(|new| new.state != EntryState::Applied);
    let found: Vec<_> = store.unsettled().unwrap().iter().map(|info| (info.hash, info.state)).collect();
    assert_eq!(found, unsettled.map(|new| (new.hash, new.state)).collect::<Vec<_>>());
}

/// The order and the cuts of a batch, as promised.
fn check_batch(world: &World, receiver: &Vector, batch: &firsthand_log::Batch, limits: BatchLimits) {
    let order: BTreeMap<_, _> = world
        .model
        .entries
        .iter()
        .enumerate()
        .map(|(number, new)| ((new.writer, new.entry.position), number))
        .collect();
    let numbers: Vec<_> =
        batch.entries.iter().map(|(writer, entry)| order[&(*writer, entry.position)]).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b));
    let mut runs: BTreeMap<WriterId, Vec<Entry>> = BTreeMap::new();
    for (writer, entry) in &batch.entries {
        runs.entry(*writer).or_default().push(entry.clone());
    }
    assert_eq!(
        runs.keys().copied().collect::<Vec<_>>(),
        batch.heads.iter().map(|it| it.0).collect::<Vec<_>>()
    );
    for (writer, head) in &batch.heads {
        let run = &runs[writer];
        let owner = world.writers.iter().find(|it| it.id() == *writer).unwrap();
        let before = world.model.of(writer);
        let held = receiver.position(writer).0 as usize;
        let earlier: Vec<Entry> = before[..held].iter().map(|new| new.entry.clone()).collect();
        let tip = (held > 0).then(|| hash_run(&owner.chain, None, &earlier).unwrap().tip);
        let verified = verify_run(&owner.chain, tip.as_ref(), run, &head.signature).unwrap();
        assert_eq!((verified.tip.position, verified.tip.hash), (head.position, head.hash));
    }
    let within = batch.entries.len() <= limits.entries && batch.weight() <= limits.weight;
    let one_part = batch.heads.len() == 1 && {
        let (writer, head) = &batch.heads[0];
        let first = batch.entries[0].1.position;
        !world.model.signed.iter().any(|(id, at)| id == writer && *at >= first && *at < head.position)
    };
    assert!(within || one_part);
}

#[test]
fn batches_bring_a_receiver_up_to_date() {
    for seed in 100..112 {
        let (folder, other) = (Folder::new(), Folder::new());
        let (mut store, mut receiver) = (folder.create(), other.create());
        let mut world = World::new(seed);
        for _ in 0..25 {
            store.commit(world.commit()).unwrap();
        }
        for _ in 0..20 {
            let vector = world.receiver();
            let limits = BatchLimits { entries: 1 + world.below(300), weight: 300 + world.below(100_000) };
            let batch = store.batch_for(&SPACE, &vector, limits, &BTreeSet::new()).unwrap();
            match batch {
                Some(batch) => check_batch(&world, &vector, &batch, limits),
                None => assert_eq!(vector, store.vector(&SPACE)),
            }
        }
        // A whole transfer, small pieces at a time.
        let limits = BatchLimits { entries: 10, weight: 5_000 };
        while let Some(batch) =
            store.batch_for(&SPACE, &receiver.vector(&SPACE), limits, &BTreeSet::new()).unwrap()
        {
            let mut commit = Commit::new(SPACE);
            commit.heads = batch.heads.clone();
            for (writer, entry) in batch.entries {
                let known = world.model.of(&writer)[entry.position.0 as usize - 1].clone();
                commit.entries.push(NewEntry { entry, ..known });
            }
            receiver.commit(commit).unwrap();
        }
        assert_eq!(receiver.vector(&SPACE), store.vector(&SPACE));
    }
}

#[test]
fn a_batch_leaves_out_whom_it_is_told_to() {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut world = World::new(5);
    for _ in 0..20 {
        store.commit(world.commit()).unwrap();
    }
    let out = BTreeSet::from([world.writers[0].id(), world.writers[1].id()]);
    let batch = store.batch_for(&SPACE, &Vector::new(), BatchLimits::default(), &out).unwrap().unwrap();
    assert!(batch.entries.iter().all(|(writer, _)| !out.contains(writer)));
    let all = world.writers.iter().map(Writer::id).collect();
    assert_eq!(store.batch_for(&SPACE, &Vector::new(), BatchLimits::default(), &all).unwrap(), None);
    let nowhere = SpaceId::new([9; 16]);
    assert_eq!(
        store.batch_for(&nowhere, &Vector::new(), BatchLimits::default(), &BTreeSet::new()).unwrap(),
        None
    );
}

#[test]
fn a_commit_that_does_not_fit_changes_nothing() {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    let id = writer.log(&mut store, titled("first"));
    let (vector, counts) = (store.vector(&SPACE), store.counts().unwrap());
    let digest = store.projection_digest().unwrap();

    let first = writer.change(id, b"one");
    let second = writer.change(id, b"two");
    let good = writer.commit(vec![first.clone(), second.clone()]);
    let mut bad = Vec::new();
    // A gap.
    bad.push(writer.commit(vec![second.clone()]));
    // Not signed at its end.
    bad.push(Commit { heads: Vec::new(), ..good.clone() });
    // A signature of something else.
    let mut stranger = Writer::new(SPACE, 2);
    let bind = stranger.bind();
    let mut wrong = good.clone();
    wrong.heads[0].1.hash = bind.hash;
    bad.push(wrong);
    // A chain without its binding.
    let (_, loose) = stranger.create(b"x", None);
    bad.push(stranger.commit(vec![loose.clone()]));
    // A writer of another space.
    bad.push(Commit { space: SpaceId::new([2; 16]), ..good.clone() });
    // A document that nothing created, or another entry did.
    let mut unmade = good.clone();
    unmade.documents = vec![writer.update(DocumentId::new([3; 16]), Position(2), vec![1], titled("x"))];
    bad.push(unmade);
    let mut other = good.clone();
    other.documents = vec![writer.update(id, Position(3), vec![1], titled("x"))];
    bad.push(other);
    // A state of an entry that is not here, a setting of the store's own.
    let mut state = good.clone();
    state.state_changes = vec![(writer.id(), Position(99), EntryState::Applied)];
    bad.push(state);
    let mut setting = good.clone();
    setting.settings = vec![("store.installation".to_owned(), vec![1])];
    bad.push(setting);

    for (number, mut commit) in bad.into_iter().enumerate() {
        commit.operations = vec![(firsthand_ids::OperationHash::new([5; 32]), vec![5])];
        let refused = store.commit(commit);
        assert!(
            matches!(refused, Err(StoreError::Gap { .. } | StoreError::Invalid(_))),
            "{number}: {refused:?}"
        );
        assert_eq!((store.vector(&SPACE), store.counts().unwrap()), (vector.clone(), counts));
        assert_eq!(store.projection_digest().unwrap(), digest);
        assert_eq!(store.operations().unwrap(), []);
    }
    store.commit(good).unwrap();
    assert_eq!(store.tip(&SPACE, &writer.id()), writer.tip);
}

#[test]
fn another_space_s_document_can_be_named_and_stays_apart() {
    // A member writes an entry in one space that names a document of another. It is kept, since it verifies; it must
    // not stop the exchange, and must not touch the document.
    let folder = Folder::new();
    let mut store = folder.create();
    let elsewhere = SpaceId::new([2; 16]);
    let (mut writer, mut intruder) = (Writer::new(SPACE, 1), Writer::new(elsewhere, 2));
    intruder.join(&mut store);
    writer.join(&mut store);
    let (commit, id) = writer.incident(titled("mine"));
    // It may even come first.
    let mut early = intruder.change(id, b"early");
    early.state = EntryState::Waiting;
    store.commit(intruder.commit(vec![early])).unwrap();
    store.commit(commit).unwrap();
    let mut late = intruder.change(id, b"late");
    late.state = EntryState::Held(HoldReason::Refused);
    store.commit(intruder.commit(vec![late])).unwrap();
    assert_eq!(store.changes_of(&id).unwrap().len(), 1);
    assert_eq!(store.document(&id).unwrap().unwrap().space, SPACE);
    assert_eq!(store.document(&id).unwrap().unwrap().unsettled, 0);
    assert_eq!(store.references(elsewhere).locate_document(&id), None);
    assert_eq!(store.documents(None, 10).unwrap(), [id]);
    assert_eq!(store.incidents(&IncidentQuery::default()).unwrap().len(), 1);
}

#[test]
fn a_destroyed_detached_part_stays_destroyed() {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    let (_, mut new) = writer.create(b"x", Some(b"key".to_vec()));
    let whole = new.entry.detached.clone().unwrap();
    new.entry.detached = Some(Detached::HashOnly(whole.hash()));
    store.commit(writer.commit(vec![new.clone()])).unwrap();
    let stored = store.entry(&writer.id(), Position(2)).unwrap().unwrap();
    assert_eq!(stored.entry, new.entry);
}

#[test]
fn operations_keep_their_order_and_come_once() {
    let folder = Folder::new();
    let mut store = folder.create();
    let operation = |byte: u8| (firsthand_ids::OperationHash::new([byte; 32]), vec![byte; 10]);
    let mut commit = Commit::new(SPACE);
    commit.operations = vec![operation(5), operation(3)];
    store.commit(commit.clone()).unwrap();
    commit.operations = vec![operation(3), operation(9), operation(1)];
    store.commit(commit).unwrap();
    let expected: Vec<_> = [5, 3, 9, 1].into_iter().map(operation).collect();
    assert_eq!(store.operations().unwrap(), expected);
    drop(store);
    assert_eq!(folder.open().operations().unwrap(), expected);
}
