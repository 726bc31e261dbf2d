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
            raised: BTreeMap::new(),
        };
        for (index, new) in commit.entries.iter().enumerate() {
            rise.by_place.insert((new.writer, new.entry.position), index);
            rise.by_content.insert(new.entry.header.content, index);
        }
        let mut work: BTreeSet<Place> = places.into_iter().collect();
        while let Some(place) = work.pop_first() {
            let Some(entry) = rise.entry(commit, place)? else { continue };
            let time = effective_time(entry.own, rise.latest(commit, place, &entry.dependencies)?);
            if time > entry.now {
                rise.raised.insert(place, time);
                work.extend(rise.followers(commit, place, &entry)?);
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
    fn followers(&self, commit: &Commit, place: Place, entry: &Placed) -> Result<Vec<Place>, NodeError> {
        let mut followers = vec![(place.0, place.1.next())];
        let Some(document) = entry.document else { return Ok(followers) };
        let new = commit.entries.iter().filter(|new| new.entry.header.document == Some(document));
        let new = new.filter(|new| dependencies(&new.entry).contains(&entry.content));
        followers.extend(new.map(|new| (new.writer, new.entry.position)));
        for change in self.ledger.store.changes_of(&document)? {
            let parts = ChangeParts::read(&change.body);
            if parts.is_ok_and(|(_, parts)| parts.dependencies.contains(&entry.content)) {
                followers.push((change.info.writer, change.info.position));
            }
        }
        Ok(followers)
    }
}
