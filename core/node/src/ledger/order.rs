//! The order for people where an entry came before what it builds on.
//!
//! An entry's effective time is the later of its own time and one after its predecessors' (design.md, "Log"). While a
//! predecessor is not here the time is too early. Once it comes, the time rises, and with it the times of everything
//! that follows, so that all devices list the same in the same order.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{ChangeHash, DocumentId, HybridTime, Position, WriterId};
use firsthand_log::Entry;
use firsthand_log::change::{self, ChangeParts};
use firsthand_store::{Commit, NewEntry};

use super::Ledger;
use super::own::effective_time;
use crate::NodeError;

type Place = (WriterId, Position);

/// What decides an entry's effective time, and whose times it decides.
struct Placed {
    own: HybridTime,
    now: HybridTime,
    content: ChangeHash,
    document: Option<DocumentId>,
    dependencies: Vec<ChangeHash>,
}

impl Placed {
    fn new(entry: &Entry, now: HybridTime) -> Self {
        let header = &entry.header;
        let dependencies = dependencies(entry);
        Self { own: header.hybrid, now, content: header.content, document: header.document, dependencies }
    }
}

/// The changes that an entry's change builds on; none where it carries no change.
pub(super) fn dependencies(entry: &Entry) -> Vec<ChangeHash> {
    if entry.header.document.is_none() {
        return Vec::new();
    }
    // What is verified was hashed then.
    change::dependencies(&entry.body).unwrap_or_default()
}

impl Ledger {
    /// Raises the effective times of entries, held or new, that build on what the commit brings, and of what follows them.
    /// `incomplete` are documents of new entries that were placed before all of their predecessors.
    ///
    /// Only changes of the same document are predecessors: which others are here differs between devices for good.
    pub(super) fn raise(
        &mut self,
        commit: &mut Commit,
        incomplete: BTreeSet<DocumentId>,
    ) -> Result<(), NodeError> {
        let mut early = match self.early.take() {
            Some(early) => early,
            // What was placed early is not applied.
            None => {
                let held = self.store.unsettled()?.into_iter().filter_map(|info| info.document);
                held.chain(self.untried.documents().into_iter().map(|(_, id)| id)).collect()
            }
        };
        early.extend(incomplete);
        let result = self.raise_in(commit, &mut early);
        self.early = Some(early);
        result
    }

    fn raise_in(&self, commit: &mut Commit, early: &mut BTreeSet<DocumentId>) -> Result<(), NodeError> {
        let documents = commit.entries.iter().filter_map(|new| new.entry.header.document);
        let touched: BTreeSet<DocumentId> = documents.filter(|document| early.contains(document)).collect();
        if touched.is_empty() {
            return Ok(());
        }
        let mut rise = Rise::new(self, commit);
        // In rounds: however a hostile graph is laid out, an entry is looked at once per round, and there are no more
        // rounds than entries on the longest path.
        let mut round = BTreeSet::new();
        let is_touched = |new: &&NewEntry| new.entry.header.document.is_some_and(|it| touched.contains(&it));
        for new in commit.entries.iter().filter(is_touched) {
            let entry = Placed::new(&new.entry, new.effective);
            round.extend(rise.followers(commit, (new.writer, new.entry.position), &entry)?);
        }
        while !round.is_empty() {
            let mut next = BTreeSet::new();
            for place in round {
                let Some(entry) = rise.entry(commit, place)? else { continue };
                let time = effective_time(entry.own, rise.latest(commit, place, &entry)?);
                if time > entry.now {
                    rise.raised.insert(place, time);
                    next.extend(rise.followers(commit, place, &entry)?);
                }
            }
            round = next;
        }
        for document in touched {
            if rise.is_complete(&document)? {
                early.remove(&document);
            }
        }
        let Rise { by_place, raised, .. } = rise;
        for ((writer, position), time) in raised {
            match by_place.get(&(writer, position)) {
                Some(index) => commit.entries[*index].effective = time,
                None => commit.effective.push((writer, position, time)),
            }
        }
        Ok(())
    }
}

struct Rise<'a> {
    ledger: &'a Ledger,
    /// The new entries of the commit.
    by_place: BTreeMap<Place, usize>,
    by_content: BTreeMap<ChangeHash, usize>,
    /// Those about each document.
    by_document: BTreeMap<DocumentId, Vec<usize>>,
    /// Per document looked at: which entries' changes build on a change.
    followers: BTreeMap<DocumentId, BTreeMap<ChangeHash, Vec<Place>>>,
    raised: BTreeMap<Place, HybridTime>,
}

impl<'a> Rise<'a> {
    fn new(ledger: &'a Ledger, commit: &Commit) -> Self {
        let mut rise = Self {
            ledger,
            by_place: BTreeMap::new(),
            by_content: BTreeMap::new(),
            by_document: BTreeMap::new(),
            followers: BTreeMap::new(),
            raised: BTreeMap::new(),
        };
        for (index, new) in commit.entries.iter().enumerate() {
            rise.by_place.insert((new.writer, new.entry.position), index);
            rise.by_content.insert(new.entry.header.content, index);
            if let Some(document) = new.entry.header.document {
                rise.by_document.entry(document).or_default().push(index);
            }
        }
        rise
    }

    fn entry(&self, commit: &Commit, place: Place) -> Result<Option<Placed>, NodeError> {
        let mut entry = match self.by_place.get(&place).map(|index| &commit.entries[*index]) {
            Some(new) => Placed::new(&new.entry, new.effective),
            None => match self.ledger.store.entry(&place.0, place.1)? {
                Some(stored) => Placed::new(&stored.entry, stored.info.effective),
                None => return Ok(None),
            },
        };
        entry.now = self.raised.get(&place).copied().unwrap_or(entry.now);
        Ok(Some(entry))
    }

    /// The time of an entry that may be new or raised.
    fn time(&self, commit: &Commit, place: Place) -> Result<HybridTime, NodeError> {
        if let Some(time) = self.raised.get(&place) {
            return Ok(*time);
        }
        if let Some(index) = self.by_place.get(&place) {
            return Ok(commit.entries[*index].effective);
        }
        let stored = self.ledger.store.entry_info(&place.0, place.1)?;
        Ok(stored.map_or(HybridTime::ZERO, |info| info.effective))
    }

    /// The latest time among an entry's predecessors that are here.
    fn latest(&self, commit: &Commit, place: Place, entry: &Placed) -> Result<HybridTime, NodeError> {
        let mut latest = match place.1.0 {
            0 | 1 => HybridTime::ZERO,
            position => self.time(commit, (place.0, Position(position - 1)))?,
        };
        for dependency in &entry.dependencies {
            let (at, document) = match self.by_content.get(dependency).map(|index| &commit.entries[*index]) {
                Some(new) => ((new.writer, new.entry.position), new.entry.header.document),
                None => match self.ledger.store.author(dependency)? {
                    Some(info) => ((info.writer, info.position), info.document),
                    None => continue,
                },
            };
            if document == entry.document {
                latest = latest.max(self.time(commit, at)?);
            }
        }
        Ok(latest)
    }

    /// The next entry of the chain, and the entries whose changes build on this one's.
    fn followers(&mut self, commit: &Commit, place: Place, entry: &Placed) -> Result<Vec<Place>, NodeError> {
        let mut followers = vec![(place.0, place.1.next())];
        let Some(document) = entry.document else { return Ok(followers) };
        if !self.followers.contains_key(&document) {
            let mut by_dependency: BTreeMap<ChangeHash, Vec<Place>> = BTreeMap::new();
            let new =
                self.by_document.get(&document).into_iter().flatten().map(|index| &commit.entries[*index]);
            let new = new.map(|new| ((new.writer, new.entry.position), dependencies(&new.entry)));
            let held = self.ledger.store.changes_of(&document)?.into_iter().map(|change| {
                let parts = ChangeParts::read(&change.body);
                let dependencies = parts.map(|(_, parts)| parts.dependencies).unwrap_or_default();
                ((change.info.writer, change.info.position), dependencies)
            });
            for (place, dependencies) in new.chain(held) {
                for dependency in dependencies {
                    by_dependency.entry(dependency).or_default().push(place);
                }
            }
            self.followers.insert(document, by_dependency);
        }
        let building = self.followers.get(&document).and_then(|it| it.get(&entry.content));
        followers.extend(building.into_iter().flatten());
        Ok(followers)
    }

    /// Whether everything that a document's changes build on is here.
    fn is_complete(&self, document: &DocumentId) -> Result<bool, NodeError> {
        for dependency in self.followers.get(document).into_iter().flat_map(BTreeMap::keys) {
            if !self.by_content.contains_key(dependency) && self.ledger.store.author(dependency)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
