use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{Position, SpaceId, UnixMillis, WriterId};
use firsthand_log::Vector;

/// How long a session may bring nothing new of what it was asked for before another one that could bring it is asked as well,
/// in milliseconds: a batch of 500 entries takes 10 seconds on a slow link (20 kB/s).
const STALLED_MS: i64 = 15_000;

/// How long a session that goes on bringing other things may bring nothing of one writer, in milliseconds: a dozen batches on
/// such a link.
const KEPT_BACK_MS: i64 = 120_000;

/// Which session of a device is asked for the entries of which writer, so that the same range is not sent twice. Part of
/// [`crate::Claims`].
#[derive(Debug, Default)]
pub(crate) struct Takes {
    spaces: BTreeMap<SpaceId, Shared>,
    pub(crate) now: UnixMillis,
    /// A session is to look again.
    pub(crate) news: bool,
}

/// One space.
#[derive(Debug, Default)]
struct Shared {
    sessions: BTreeMap<u64, Party>,
    /// What is lacking here and a peer has said to hold.
    lacking: BTreeMap<WriterId, Lacking>,
    /// How far peers brought each writer. What goes beyond that was written here, or came here alone.
    brought: BTreeMap<WriterId, Position>,
}

/// One session in a space.
#[derive(Debug)]
struct Party {
    /// Its peer does not know yet that it is to wait until it is asked, or has not said what it holds: it may be sending
    /// anything.
    unknown: bool,
    /// When it said hello, or last brought something new.
    moved: UnixMillis,
}

/// What is lacking of one writer.
#[derive(Debug, Default)]
struct Lacking {
    /// How far the peer of each session says to hold it.
    offers: BTreeMap<u64, Position>,
    /// Which of them is asked, and since when it has brought nothing of this writer.
    from: Option<(u64, UnixMillis)>,
    /// How often each was asked in vain.
    failed: BTreeMap<u64, u32>,
}

impl Lacking {
    /// Has another session asked, unless the one that is asked still owes something; says which, where one is.
    fn assign(&mut self, unknown: &BTreeSet<u64>, now: UnixMillis) -> Option<u64> {
        if self.from.is_some_and(|(session, _)| self.offers.contains_key(&session)) {
            return None;
        }
        // What a peer may be sending of itself is not asked for elsewhere.
        let may = |session: &&u64| unknown.is_empty() || unknown.contains(*session);
        let failed = |session: &u64| self.failed.get(session).copied().unwrap_or_default();
        let best = self.offers.keys().filter(may).min_by_key(|session| failed(session)).copied();
        self.from = best.map(|session| (session, now));
        best
    }

    /// When the session that is asked is waited for no longer; `None` where there is no other.
    fn deadline(&self, sessions: &BTreeMap<u64, Party>) -> Option<UnixMillis> {
        let (session, since) = self.from.filter(|_| self.offers.len() > 1)?;
        let moved = sessions.get(&session).map_or(since, |party| party.moved.max(since));
        Some(UnixMillis((moved.0 + STALLED_MS).min(since.0 + KEPT_BACK_MS)))
    }
}

impl Shared {
    fn unknown(&self) -> BTreeSet<u64> {
        self.sessions.iter().filter(|(_, party)| party.unknown).map(|(session, _)| *session).collect()
    }

    /// Has somebody asked for all that nobody is asked for; says whether that is another session than `caller`.
    fn assign(&mut self, caller: Option<u64>, now: UnixMillis) -> bool {
        let unknown = self.unknown();
        let mut news = false;
        for lacking in self.lacking.values_mut() {
            news |= lacking.assign(&unknown, now).is_some_and(|session| Some(session) != caller);
        }
        news
    }

    /// Forgets a session.
    fn leave(&mut self, session: u64, now: UnixMillis) -> bool {
        if self.sessions.remove(&session).is_none() {
            return false;
        }
        for lacking in self.lacking.values_mut() {
            lacking.offers.remove(&session);
            lacking.failed.remove(&session);
        }
        self.lacking.retain(|_, lacking| !lacking.offers.is_empty());
        self.assign(Some(session), now)
    }

    fn deadlines(&self) -> impl Iterator<Item = UnixMillis> + '_ {
        let unknown = self.sessions.values().filter(|party| party.unknown && self.sessions.len() > 1);
        let unknown = unknown.map(|party| UnixMillis(party.moved.0 + STALLED_MS));
        unknown.chain(self.lacking.values().filter_map(|lacking| lacking.deadline(&self.sessions)))
    }

    fn free_stalled(&mut self, now: UnixMillis) -> bool {
        for party in self.sessions.values_mut() {
            party.unknown &= party.moved.0 + STALLED_MS > now.0;
        }
        for lacking in self.lacking.values_mut() {
            if lacking.deadline(&self.sessions).is_some_and(|deadline| deadline <= now)
                && let Some((session, _)) = lacking.from.take()
            {
                *lacking.failed.entry(session).or_default() += 1;
            }
        }
        self.assign(None, now)
    }
}

impl Takes {
    /// A session has ended.
    pub(crate) fn leave_all(&mut self, session: u64) {
        for shared in self.spaces.values_mut() {
            self.news |= shared.leave(session, self.now);
        }
        self.spaces.retain(|_, shared| !shared.sessions.is_empty());
    }

    /// When [`Takes::free_stalled`] has something to do.
    pub(crate) fn deadline(&self) -> Option<UnixMillis> {
        self.spaces.values().flat_map(Shared::deadlines).min()
    }

    /// Has others asked for what is owed by peers that bring nothing. What those bring later is taken all the same.
    pub(crate) fn free_stalled(&mut self) {
        for shared in self.spaces.values_mut() {
            self.news |= shared.free_stalled(self.now);
        }
    }
}

/// One session's part in the [`Takes`] of a space.
pub(crate) struct Share<'a> {
    takes: &'a mut Takes,
    session: u64,
    space: SpaceId,
}

impl<'a> Share<'a> {
    pub(crate) const fn new(takes: &'a mut Takes, session: u64, space: SpaceId) -> Self {
        Self { takes, session, space }
    }

    fn shared(&self) -> Option<&Shared> {
        self.takes.spaces.get(&self.space)
    }

    /// This session says hello. `takes`: its peer is to wait until it is asked.
    pub(crate) fn join(&mut self, takes: bool) {
        let (session, moved) = (self.session, self.takes.now);
        let shared = self.takes.spaces.entry(self.space).or_default();
        let party = shared.sessions.entry(session).or_insert(Party { unknown: true, moved });
        party.unknown &= !takes;
        // Whoever was alone until now is to ask as well.
        self.takes.news |= shared.sessions.len() > 1;
    }

    /// The peer takes no part in the space.
    pub(crate) fn quit(&mut self) {
        if let Some(shared) = self.takes.spaces.get_mut(&self.space) {
            self.takes.news |= shared.leave(self.session, self.takes.now);
        }
    }

    /// Whether other sessions have the same space open.
    pub(crate) fn has_others(&self) -> bool {
        self.shared().is_some_and(|shared| shared.sessions.keys().any(|session| *session != self.session))
    }

    /// The peer is told to wait until it is asked, and may be sending anything until it knows.
    pub(crate) fn unknown(&mut self) {
        let (session, now) = (self.session, self.takes.now);
        let shared = self.takes.spaces.get_mut(&self.space);
        if let Some(party) = shared.and_then(|shared| shared.sessions.get_mut(&session)) {
            (party.unknown, party.moved) = (true, now);
        }
    }

    /// The peer has said what it holds, and all of that was [offered](Share::offer).
    pub(crate) fn known(&mut self) {
        let Some(shared) = self.takes.spaces.get_mut(&self.space) else { return };
        let Some(party) = shared.sessions.get_mut(&self.session) else { return };
        if std::mem::take(&mut party.unknown) {
            self.takes.news |= shared.assign(Some(self.session), self.takes.now);
        }
    }

    /// The peer holds a writer up to `theirs`, further than this device. Says whether it is the one to be asked.
    pub(crate) fn offer(&mut self, writer: WriterId, theirs: Position) -> bool {
        let (session, now) = (self.session, self.takes.now);
        let Some(shared) = self.takes.spaces.get_mut(&self.space) else { return false };
        let unknown = shared.unknown();
        let lacking = shared.lacking.entry(writer).or_default();
        lacking.offers.insert(session, theirs);
        self.takes.news |= lacking.assign(&unknown, now).is_some_and(|other| other != session);
        lacking.from.is_some_and(|(from, _)| from == session)
    }

    /// Nothing of a writer comes from this peer, whatever it holds.
    pub(crate) fn withdraw(&mut self, writer: &WriterId) {
        let (session, now) = (self.session, self.takes.now);
        let Some(shared) = self.takes.spaces.get_mut(&self.space) else { return };
        let Some(lacking) = shared.lacking.get_mut(writer) else { return };
        if lacking.offers.remove(&session).is_none() {
            return;
        }
        if lacking.offers.is_empty() {
            shared.lacking.remove(writer);
            return;
        }
        self.takes.news |= shared.assign(Some(session), now);
    }

    /// The peer brought these, which were not here before.
    pub(crate) fn brought(&mut self, marks: &Vector) {
        let (session, now) = (self.session, self.takes.now);
        let Some(shared) = self.takes.spaces.get_mut(&self.space).filter(|_| !marks.is_empty()) else {
            return;
        };
        if let Some(party) = shared.sessions.get_mut(&session) {
            party.moved = now;
        }
        for (writer, mark) in marks.iter() {
            let brought = shared.brought.entry(*writer).or_default();
            *brought = mark.position.max(*brought);
            let from = shared.lacking.get_mut(writer).and_then(|lacking| lacking.from.as_mut());
            if let Some((_, since)) = from.filter(|(from, _)| *from == session) {
                *since = now;
            }
        }
    }

    /// How far peers have brought a writer.
    pub(crate) fn brought_to(&self, writer: &WriterId) -> Position {
        self.shared().and_then(|shared| shared.brought.get(writer).copied()).unwrap_or_default()
    }

    /// This device now holds so much: what nobody holds more of is lacking no longer.
    pub(crate) fn advanced(&mut self, ours: &Vector) {
        let Some(shared) = self.takes.spaces.get_mut(&self.space) else { return };
        shared.lacking.retain(|writer, lacking| {
            let ours = ours.position(writer);
            lacking.offers.retain(|_, theirs| *theirs > ours);
            !lacking.offers.is_empty()
        });
        self.takes.news |= shared.assign(Some(self.session), self.takes.now);
    }
}
