//! From entries that are kept to documents that people read.
//!
//! What comes from others is committed and acknowledged first, and tried on its documents after that, when no more is
//! on the way or much has gathered: then a document to which many batches bring something is read, judged and written
//! once. All of it follows from the log, so these commits need not wait for the disk. An entry that was kept and not
//! tried, because the program ended in between, is tried when the home is opened.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use firsthand_document::{Author, Document, Incoming, Outcome};
use firsthand_ids::{ChangeHash, DocumentId, HybridTime, Position, SpaceId, UnixMillis, WriterId};
use firsthand_log::EntryKind;
use firsthand_store::{Commit, EntryState, HoldReason, StoredChange};

use super::authors::{LogAuthors, PastRights};
use super::{Ledger, project};
use crate::NodeError;

/// How much may gather before it is tried: memory that a phone can spare, some 64 MiB with what is noted of each entry. Two
/// people who meet for two minutes should carry away as much as can be kept in that time; the work on it can follow. 10,000
/// incidents with five edits each take some 37 MiB; at a limit of 24, keeping them took 1.7 times as long, since documents were built in
/// between (`benches`, first-sync).
const MAX_UNTRIED_ENTRIES: usize = 65_536;
const MAX_UNTRIED_BYTES: usize = 48 * 1024 * 1024;
/// Documents that are brought up to date at once while nothing else is to be done: some 10 ms on a laptop.
const DOCUMENTS_WHILE_IDLE: usize = 32;
/// Documents per transaction: enough to share its cost (512 would take 4 % less), few enough that somebody who saves meanwhile does
/// not notice it.
const DOCUMENTS_AT_ONCE: usize = 128;
/// A transaction is ended before when the documents in it are large: memory that a phone can spare.
const BYTES_AT_ONCE: usize = 8 * 1024 * 1024;
/// How much of what waits for a document is in memory at once. Honest entries wait for a few others; who has a place in the
/// team can leave any number that wait for what never comes.
const WINDOW_BYTES: usize = 4 * 1024 * 1024;

/// A change on its way into a document.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) writer: WriterId,
    pub(super) position: Position,
    /// The hash of the change.
    pub(super) content: ChangeHash,
    pub(super) create: bool,
    /// When its entry was made, by the writer's clock.
    pub(super) created: UnixMillis,
    pub(super) body: Vec<u8>,
    /// The state it is held in.
    pub(super) state: EntryState,
}

impl Arrival {
    const fn place(&self) -> (WriterId, Position) {
        (self.writer, self.position)
    }
}

impl From<StoredChange> for Arrival {
    fn from(change: StoredChange) -> Self {
        let info = change.info;
        Self {
            writer: info.writer,
            position: info.position,
            content: info.content,
            create: info.kind == EntryKind::Create,
            created: info.local.at,
            body: change.body,
            state: info.state,
        }
    }
}

/// A document, and the space in which something was written about it. Only one of them is the document's own, but anybody may
/// name any id anywhere.
pub(super) type Subject = (SpaceId, DocumentId);

/// Changes that are kept and not yet tried on their documents.
#[derive(Debug, Default)]
pub(super) struct Untried {
    documents: BTreeMap<Subject, Vec<Arrival>>,
    authors: BTreeMap<ChangeHash, Author>,
    /// Where these changes stand in the order for people: what comes next builds on them, and asking the store for each takes a
    /// twelfth of a first sync.
    places: HashMap<(DocumentId, ChangeHash), HybridTime>,
    entries: usize,
    bytes: usize,
    /// Something was applied of which sessions have not heard.
    unheard: bool,
}

impl Untried {
    pub(super) fn add(&mut self, id: Subject, author: Author, arrival: Arrival, place: Option<HybridTime>) {
        self.entries += 1;
        self.bytes += arrival.body.len();
        if let Some(place) = place {
            self.places.entry((id.1, arrival.content)).or_insert(place);
        }
        self.authors.insert(arrival.content, author);
        self.documents.entry(id).or_default().push(arrival);
    }

    /// Where a change of a document stands in the order for people, if that is known without asking the store.
    pub(super) fn place(&self, document: &DocumentId, change: &ChangeHash) -> Option<HybridTime> {
        self.places.get(&(*document, *change)).copied()
    }

    /// Some places changed in the store.
    pub(super) fn forget_places(&mut self) {
        self.places.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Whether so much has gathered that it must not wait for the rest.
    pub(super) const fn is_full(&self) -> bool {
        self.entries >= MAX_UNTRIED_ENTRIES || self.bytes >= MAX_UNTRIED_BYTES
    }

    /// The documents that something is there for.
    pub(super) fn documents(&self) -> Vec<Subject> {
        self.documents.keys().copied().collect()
    }

    /// Each change of a document alone, in the order in which they were kept.
    pub(super) fn singly(&self, id: &Subject) -> Vec<(WriterId, Position, Self)> {
        let arrivals = self.documents.get(id).map_or(&[][..], Vec::as_slice);
        let alone = |arrival: &Arrival| {
            let author = self.authors.get(&arrival.content).map(|author| (arrival.content, *author));
            let one = Self {
                entries: 1,
                bytes: arrival.body.len(),
                authors: author.into_iter().collect(),
                documents: BTreeMap::from([(*id, vec![arrival.clone()])]),
                places: HashMap::new(),
                unheard: false,
            };
            (arrival.writer, arrival.position, one)
        };
        arrivals.iter().map(alone).collect()
    }

    /// Whether something was applied of which sessions have not heard; from now on they have.
    pub(super) const fn take_unheard(&mut self) -> bool {
        std::mem::replace(&mut self.unheard, false)
    }

    /// Takes out what was tried.
    pub(super) fn remove(&mut self, ids: &[Subject]) {
        for arrival in ids.iter().filter_map(|id| self.documents.remove(id)).flatten() {
            self.entries -= 1;
            self.bytes -= arrival.body.len();
        }
        if self.documents.is_empty() {
            self.authors.clear();
            self.places.clear();
        }
    }
}

/// A commit of what follows from entries that are kept, and need not wait for the disk.
fn derived(space: &SpaceId) -> Commit {
    Commit { derived: true, ..Commit::new(*space) }
}

impl Ledger {
    /// Tries everything that was kept and not tried yet; says whether there was something.
    pub(super) fn apply_untried(&mut self) -> Result<bool, NodeError> {
        let any = !self.untried.is_empty();
        while !self.untried.is_empty() {
            let ids: Vec<_> = self.untried.documents.keys().take(DOCUMENTS_AT_ONCE).copied().collect();
            self.apply_to(&ids)?;
        }
        Ok(any)
    }

    /// Tries some of what was kept and not tried yet, where there is more than can be done at once; says whether it did.
    pub(super) fn apply_piece(&mut self) -> Result<bool, NodeError> {
        if self.untried.documents.len() <= DOCUMENTS_AT_ONCE {
            return Ok(false);
        }
        let ids: Vec<_> = self.untried.documents.keys().take(DOCUMENTS_AT_ONCE).copied().collect();
        self.apply_to(&ids)?;
        self.untried.unheard = true;
        Ok(true)
    }

    /// Does a little of what can wait: documents first, then the full-text index. Says whether there is more.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store; it is tried again later.
    pub fn work_while_idle(&mut self) -> Result<bool, NodeError> {
        if self.untried.is_empty() {
            return self.index_text();
        }
        let ids: Vec<_> = self.untried.documents.keys().take(DOCUMENTS_WHILE_IDLE).copied().collect();
        self.apply_to(&ids)?;
        self.untried.unheard = true;
        Ok(true)
    }

    /// Tries some of a document's entries, in a commit that does not say that everything was tried.
    pub(super) fn apply_some(&mut self, id: &Subject, some: &Untried) -> Result<(), NodeError> {
        self.try_on(&id.0, &[id.1], some, false)
    }

    /// The same for one document, before somebody reads or edits it.
    pub(super) fn apply_untried_of(&mut self, id: &DocumentId) -> Result<(), NodeError> {
        if self.untried.is_empty() {
            return Ok(());
        }
        let spaces: Vec<SpaceId> = self.store.spaces().collect();
        let ids: Vec<Subject> = spaces
            .into_iter()
            .map(|space| (space, *id))
            .filter(|subject| self.untried.documents.contains_key(subject))
            .collect();
        if ids.is_empty() { Ok(()) } else { self.apply_to(&ids) }
    }

    /// Finds what was kept and not tried before the program ended.
    pub(super) fn find_untried(&mut self) -> Result<(), NodeError> {
        let found = self.store.untried()?;
        let past_rights = PastRights::new(&self.membership);
        for change in found {
            let Some(id) = change.info.document else { continue };
            let author = past_rights.author(&change.info);
            let place = change.info.effective;
            self.untried.add((change.info.space, id), author, change.into(), Some(place));
        }
        Ok(())
    }

    /// Tries again what waited for membership operations, which have come; says whether something was applied.
    pub(super) fn settle(&mut self) -> Result<bool, NodeError> {
        let applied = self.apply_untried()?;
        let waiting = self.store.unsettled()?.into_iter().filter(|info| info.state == EntryState::Waiting);
        let mut ids: Vec<Subject> = waiting.filter_map(|info| Some((info.space, info.document?))).collect();
        ids.sort_unstable();
        ids.dedup();
        for ids in ids.chunks(DOCUMENTS_AT_ONCE) {
            self.apply_to(ids)?;
        }
        Ok(applied || !ids.is_empty())
    }

    /// Applies to documents what was not tried and what has waited, in one transaction per space.
    fn apply_to(&mut self, ids: &[Subject]) -> Result<(), NodeError> {
        // On any error it goes back, to be tried another time.
        let mut untried = std::mem::take(&mut self.untried);
        let all = untried.documents.keys().all(|id| ids.contains(id));
        let mut by_space: BTreeMap<SpaceId, Vec<DocumentId>> = BTreeMap::new();
        for (space, id) in ids {
            by_space.entry(*space).or_default().push(*id);
        }
        let last = by_space.len();
        let mut result = Ok(());
        for (number, (space, ids)) in (1..).zip(by_space) {
            result = self.try_on(&space, &ids, &untried, all && number == last);
            if result.is_err() {
                break;
            }
            let done: Vec<Subject> = ids.into_iter().map(|id| (space, id)).collect();
            untried.remove(&done);
        }
        self.untried = untried;
        result?;
        self.end_rows()
    }

    /// Applies to documents of one space, in as few commits as memory allows. What an earlier one of them took in is found to be there
    /// when it is tried again after an error.
    fn try_on(
        &mut self,
        space: &SpaceId,
        ids: &[DocumentId],
        untried: &Untried,
        all: bool,
    ) -> Result<(), NodeError> {
        // Of a great many none is likelier than another to be opened next.
        let keeps = ids.len() < DOCUMENTS_AT_ONCE / 8;
        let mut opened = Vec::new();
        let mut commit = derived(space);
        let mut bytes = 0;
        for id in ids {
            let new = untried.documents.get(&(*space, *id)).map_or(&[][..], Vec::as_slice);
            let document = self.apply_document((*space, *id), new, &untried.authors, &mut commit)?;
            opened.extend(document.filter(|_| keeps).map(|document| (*id, document)));
            bytes += commit.documents.last().filter(|last| last.id == *id).map_or(0, |last| last.saved.len());
            if bytes >= BYTES_AT_ONCE {
                bytes = 0;
                self.keep(std::mem::replace(&mut commit, derived(space)))?;
            }
        }
        commit.tried = all;
        self.keep(commit)?;
        for (id, document) in opened {
            self.documents.put(id, document);
        }
        Ok(())
    }

    /// Applies what is new for a document and what has waited for it, and adds the result to the commit.
    fn apply_document(
        &mut self,
        (space, id): Subject,
        new: &[Arrival],
        known: &BTreeMap<ChangeHash, Author>,
        commit: &mut Commit,
    ) -> Result<Option<Document>, NodeError> {
        let stored = self.store.document(&id)?;
        if stored.as_ref().is_some_and(|stored| stored.space != space) {
            // It belongs to another space: nothing from here ever reaches it.
            for arrival in new.iter().filter(|arrival| arrival.state != EntryState::Waiting) {
                commit.state_changes.push((arrival.writer, arrival.position, EntryState::Waiting));
            }
            return Ok(None);
        }
        let cached = self.documents.take(&id);
        let (document, creator) = match &stored {
            Some(stored) => {
                let loaded = cached.map_or_else(|| Document::load(&stored.saved), Ok)?;
                (loaded, Some((stored.creator, self.created(&id)?.created)))
            }
            None => (Document::empty(), None),
        };
        let mut growing = Growing { document, creator, changed: false, settled: BTreeSet::new() };
        // A document without applied entries has no row to say whether something waits.
        let waits = stored.is_none_or(|stored| stored.unsettled > 0);
        let mut new: Vec<&Arrival> = new.iter().collect();
        loop {
            let (mut after, mut windows) = (0, 0);
            let before = growing.settled.len();
            loop {
                let window =
                    if waits { self.store.waiting_of(&space, &id, after, WINDOW_BYTES)? } else { Vec::new() };
                let Some(last) = window.last().map(|change| change.info.number) else { break };
                (after, windows) = (last, windows + 1);
                let ready = window.into_iter().filter(|change| self.is_ready(change));
                let (ready, refused): (Vec<_>, Vec<_>) =
                    ready.partition(|change| self.may_write(&change.info));
                for change in refused {
                    growing.settled.insert((change.info.writer, change.info.position));
                    self.refuse(&change.info, commit);
                }
                let waited: Vec<Arrival> = ready.into_iter().map(Arrival::from).collect();
                let arrivals = waited.iter().chain(new.iter().copied()).collect();
                self.grow(&mut growing, arrivals, known, commit);
                new.retain(|arrival| !growing.settled.contains(&arrival.place()));
            }
            if windows == 0 && !new.is_empty() {
                self.grow(&mut growing, new.clone(), known, commit);
                break;
            }
            // What was settled may be what waited in an earlier window.
            if windows < 2 || growing.settled.len() == before {
                break;
            }
        }
        new.retain(|arrival| !growing.settled.contains(&arrival.place()));
        for arrival in new.into_iter().filter(|arrival| arrival.state != EntryState::Waiting) {
            commit.state_changes.push((arrival.writer, arrival.position, EntryState::Waiting));
        }
        let Growing { document, creator, changed, .. } = growing;
        if let (true, Some((creator, created))) = (changed, creator) {
            let view = self.view(&document, known);
            commit.documents.push(project::update(id, &document, &view, creator, created));
        }
        Ok(creator.map(|_| document))
    }

    /// Whether the membership operations that an entry names are here.
    pub(super) fn is_ready(&self, change: &StoredChange) -> bool {
        change.info.membership.iter().all(|head| self.membership.contains(head))
    }

    /// Applies what can be applied, and notes what became of it; nothing is said of what goes on waiting.
    pub(super) fn grow(
        &self,
        growing: &mut Growing,
        mut arrivals: Vec<&Arrival>,
        known: &BTreeMap<ChangeHash, Author>,
        commit: &mut Commit,
    ) {
        arrivals.retain(|arrival| !growing.settled.contains(&arrival.place()));
        let incoming: Vec<Incoming<'_>> = arrivals
            .iter()
            .map(|it| Incoming {
                writer: it.writer,
                position: it.position,
                create: it.create,
                change: &it.body,
            })
            .collect();
        let authors = LogAuthors::new(&self.store, &self.membership, known);
        let applied = growing.document.apply(&incoming, &authors);
        for (arrival, outcome) in arrivals.into_iter().zip(applied.outcomes) {
            let state = match outcome {
                Outcome::Applied => {
                    growing.changed = true;
                    if arrival.create {
                        growing.creator = Some((arrival.place(), arrival.created));
                    }
                    EntryState::Applied
                }
                Outcome::Waiting { .. } => continue,
                Outcome::Refused(error) => {
                    let writer = arrival.writer.short();
                    tracing::warn!(%error, writer, "quarantined an entry");
                    EntryState::Held(HoldReason::Refused)
                }
            };
            growing.settled.insert(arrival.place());
            if state != arrival.state {
                commit.state_changes.push((arrival.writer, arrival.position, state));
            }
        }
    }
}

/// A document that changes are tried on.
pub(super) struct Growing {
    pub(super) document: Document,
    /// The entry that creates it, and when that was made by its writer's clock.
    pub(super) creator: Option<((WriterId, Position), UnixMillis)>,
    pub(super) changed: bool,
    /// What was applied or refused.
    pub(super) settled: BTreeSet<(WriterId, Position)>,
}
