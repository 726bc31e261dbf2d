//! The order for people where an entry came before what it builds on.
//!
//! An entry's effective time is the later of its own time and one after its predecessors' (design.md, "Log"). While a
//! predecessor is not here the time is too early. Once it comes, the time rises, and with it the times of everything
//! that follows, so that all devices list the same in the same order.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{ChangeHash, DocumentId, HybridTime, Position, WriterId};
use firsthand_log::Entry;
use firsthand_log::change::ChangeParts;
use firsthand_store::Commit;

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

/// The changes that an entry's change builds on; none where it carries no change.
pub(super) fn dependencies(entry: &Entry) -> Vec<ChangeHash> {
    if entry.header.document.is_none() {
        return Vec::new();
    }
    ChangeParts::read(&entry.body).map(|(_, parts)| parts.dependencies).unwrap_or_default()
}

impl Ledger {
    /// Raises the effective times of `places`, whose predecessors have just come, and of what follows them. The entries
    /// are held or new in the commit.
    pub(super) fn raise(
        &self,
        commit: &mut Commit,
        places: impl IntoIterator<Item = Place>,
    ) -> Result<(), NodeError> {
        let mut rise = Rise {
            ledger: self,
            by_place: BTreeMap::new(),
            by_content: BTreeMap::new(),
            followers: BTreeMap::new(),
            raised: BTreeMap::new(),
        };
        for (index, new) in commit.entries.iter().enumerate() {
            rise.by_place.insert((new.writer, new.entry.position), index);
            rise.by_content.insert(new.entry.header.content, index);
        }
        // In rounds: however a hostile graph is laid out, an entry is looked at once per round, and there are no more
        // rounds than entries on the longest path.
        let mut round: BTreeSet<Place> = places.into_iter().collect();
        while !round.is_empty() {
            let mut next = BTreeSet::new();
            for place in round {
                let Some(entry) = rise.entry(commit, place)? else { continue };
                let time = effective_time(entry.own, rise.latest(commit, place, &entry.dependencies)?);
                if time > entry.now {
                    rise.raised.insert(place, time);
                    next.extend(rise.followers(commit, place, &entry)?);
                }
            }
            round = next;
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
    /// Per document looked at: which entries' changes build on a change.
    followers: BTreeMap<DocumentId, BTreeMap<ChangeHash, Vec<Place>>>,
    raised: BTreeMap<Place, HybridTime>,
}

impl Rise<'_> {
    fn entry(&self, commit: &Commit, place: Place) -> Result<Option<Placed>, NodeError> {
        let (entry, now) = match self.by_place.get(&place) {
            Some(index) => (commit.entries[*index].entry.clone(), commit.entries[*index].effective),
            None => match self.ledger.store.entry(&place.0, place.1)? {
                Some(stored) => (stored.entry, stored.info.effective),
                None => return Ok(None),
            },
        };
        Ok(Some(Placed {
            own: entry.header.hybrid,
            now: self.raised.get(&place).copied().unwrap_or(now),
            content: entry.header.content,
            document: entry.header.document,
            dependencies: dependencies(&entry),
        }))
    }

    /// The latest time among an entry's predecessors that are here.
    fn latest(
        &self,
        commit: &Commit,
        place: Place,
        dependencies: &[ChangeHash],
    ) -> Result<HybridTime, NodeError> {
        let before = (place.0, Position(place.1.0.saturating_sub(1)));
        let mut latest = self.entry(commit, before)?.map_or(HybridTime::ZERO, |entry| entry.now);
        for dependency in dependencies {
            let place = match self.by_content.get(dependency) {
                Some(index) => {
                    let new = &commit.entries[*index];
                    Some((new.writer, new.entry.position))
                }
                None => self.ledger.store.author(dependency)?.map(|info| (info.writer, info.position)),
            };
            if let Some(place) = place {
                latest = latest.max(self.entry(commit, place)?.map_or(HybridTime::ZERO, |entry| entry.now));
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
            let new = commit.entries.iter().filter(|new| new.entry.header.document == Some(document));
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
}
