use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use firsthand_ids::UnixMillis;

use super::RunName;
use crate::LinkId;

/// The most names that are kept: several teams on one network, and a bound for whoever makes names up.
pub const MAX_NAMES: usize = 256;
/// The most addresses without a name that are kept.
pub const MAX_PLACES: usize = 256;
/// The most addresses of one device.
const MAX_ADDRESSES: usize = 8;
/// The most dials at once.
const MAX_DIALS: usize = 8;
/// Both sides find each other at the same time. The one with the greater name waits this long for the other to dial.
const YIELD_MS: i64 = 3_000;
/// How soon somebody is dialled again who was not reached, doubled each time, and at most how late.
const RETRY_MS: (i64, i64) = (2_000, 60_000);

/// What was heard of devices near by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// A device announces itself.
    Here {
        /// Its name.
        name: RunName,
        /// Where it can be reached.
        addresses: Vec<SocketAddr>,
    },
    /// A device has said that it goes.
    Gone {
        /// Its name.
        name: RunName,
    },
    /// Somebody may be here: a neighbour of this machine, or where a device was once reached.
    Perhaps {
        /// The address.
        address: SocketAddr,
    },
}

/// Who is to be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Who announced this name.
    Name(RunName),
    /// Whoever is there.
    Place(SocketAddr),
}

/// A dial to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dial {
    /// Whom.
    pub target: Target,
    /// Where, in this order, until one answers.
    pub addresses: Vec<SocketAddr>,
}

/// How it stands with somebody who was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundState {
    /// Nothing was tried yet.
    Found,
    /// A connection is being made, or the handshake is under way.
    Trying,
    /// A member, and connected.
    Met,
    /// It was not reached, or it showed no member of this team.
    NotMet,
}

/// Somebody who was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundView {
    /// The name that was announced; `None` where only an address is known.
    pub name: Option<RunName>,
    /// Its addresses.
    pub addresses: Vec<SocketAddr>,
    /// How it stands.
    pub state: FoundState,
    /// The link to it, where one is open.
    pub link: Option<LinkId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Nothing,
    Connecting,
    /// Connected; what is there has not shown a member yet.
    Asking(LinkId),
}

/// One device, or one address.
#[derive(Debug)]
struct Candidate {
    addresses: Vec<SocketAddr>,
    since: UnixMillis,
    next: UnixMillis,
    tries: u32,
    doing: Doing,
    /// The run that answered there.
    run: Option<RunName>,
}

impl Candidate {
    fn new(addresses: Vec<SocketAddr>, now: UnixMillis, wait: i64, run: Option<RunName>) -> Self {
        Self { addresses, since: now, next: UnixMillis(now.0 + wait), tries: 0, doing: Doing::Nothing, run }
    }

    fn failed(&mut self, now: UnixMillis) {
        let wait = RETRY_MS.0.checked_shl(self.tries).unwrap_or(RETRY_MS.1).clamp(RETRY_MS.0, RETRY_MS.1);
        self.tries = (self.tries + 1).min(16);
        self.next = UnixMillis(now.0 + wait);
        self.doing = Doing::Nothing;
    }
}

/// Who is near, and whom to dial.
#[derive(Debug)]
pub struct Finder {
    own: RunName,
    candidates: BTreeMap<Target, Candidate>,
    /// The runs that this device is connected to.
    connected: BTreeMap<RunName, LinkId>,
}

impl Finder {
    /// Nobody is known yet. `own` is the name of this run.
    #[must_use]
    pub const fn new(own: RunName) -> Self {
        Self { own, candidates: BTreeMap::new(), connected: BTreeMap::new() }
    }

    /// Something was heard.
    pub fn saw(&mut self, now: UnixMillis, sighting: Sighting) {
        match sighting {
            Sighting::Here { name, mut addresses } if name != self.own && !addresses.is_empty() => {
                addresses.truncate(MAX_ADDRESSES);
                let target = Target::Name(name);
                if let Some(known) = self.candidates.get_mut(&target) {
                    // Another interface, or another way to find it, adds to what is known. The newest come first.
                    addresses.extend(known.addresses.iter().copied());
                    let mut once = BTreeSet::new();
                    addresses.retain(|address| once.insert(*address));
                    addresses.truncate(MAX_ADDRESSES);
                    if addresses.iter().any(|address| !known.addresses.contains(address)) {
                        (known.next, known.tries) = (known.next.min(now), 0);
                    }
                    known.addresses = addresses;
                    return;
                }
                self.make_room(MAX_NAMES, |target| matches!(target, Target::Name(_)));
                let wait = if self.own < name { 0 } else { YIELD_MS };
                self.candidates.insert(target, Candidate::new(addresses, now, wait, Some(name)));
            }
            Sighting::Here { .. } => {}
            Sighting::Gone { name } => drop(self.candidates.remove(&Target::Name(name))),
            Sighting::Perhaps { address } => {
                let target = Target::Place(address);
                if self.candidates.contains_key(&target) {
                    return;
                }
                self.make_room(MAX_PLACES, |target| matches!(target, Target::Place(_)));
                self.candidates.insert(target, Candidate::new(vec![address], now, 0, None));
            }
        }
    }

    /// Makes room for one more of a kind. Who was tried oftest in vain goes first, then who crowds one address, then who was heard
    /// first; who is connected stays.
    fn make_room(&mut self, most: usize, kind: impl Fn(&Target) -> bool) {
        let of_kind: Vec<_> = self.candidates.iter().filter(|(target, _)| kind(target)).collect();
        if of_kind.len() < most {
            return;
        }
        let mut crowd = BTreeMap::<_, usize>::new();
        for address in of_kind.iter().filter_map(|(_, it)| it.addresses.first()) {
            *crowd.entry(address.ip()).or_default() += 1;
        }
        let crowding = |it: &Candidate| it.addresses.first().and_then(|at| crowd.get(&at.ip())).copied();
        let idle =
            of_kind.iter().filter(|(_, it)| !it.run.is_some_and(|run| self.connected.contains_key(&run)));
        let worst = idle.max_by_key(|(_, it)| (it.tries, crowding(it), std::cmp::Reverse(it.since)));
        if let Some(target) = worst.map(|(target, _)| **target) {
            self.candidates.remove(&target);
        }
    }

    /// The links that are open now, and which run each is with once it has shown a member.
    pub fn connected(&mut self, now: UnixMillis, links: &BTreeMap<LinkId, Option<RunName>>) {
        let connected: BTreeMap<_, _> =
            links.iter().filter_map(|(link, run)| Some(((*run)?, *link))).collect();
        let before = std::mem::replace(&mut self.connected, connected);
        for it in self.candidates.values_mut() {
            if let Doing::Asking(link) = it.doing {
                match links.get(&link) {
                    None => it.failed(now),
                    Some(Some(run)) => {
                        (it.run, it.tries, it.doing) = (Some(*run), 0, Doing::Nothing);
                    }
                    Some(None) => {}
                }
            }
            // Somebody who was connected and is no more has perhaps only moved.
            if it.run.is_some_and(|run| before.contains_key(&run) && !self.connected.contains_key(&run)) {
                (it.tries, it.next) = (0, UnixMillis(now.0 + RETRY_MS.0));
            }
        }
    }

    fn due(&self, it: &Candidate) -> bool {
        it.doing == Doing::Nothing && !it.run.is_some_and(|run| self.connected.contains_key(&run))
    }

    fn dialling(&self) -> usize {
        self.candidates.values().filter(|it| it.doing != Doing::Nothing).count()
    }

    /// The dials to make now.
    pub fn dials(&mut self, now: UnixMillis) -> Vec<Dial> {
        let room = MAX_DIALS.saturating_sub(self.dialling());
        // Where a name was announced, the name says better who is there.
        let named: BTreeSet<SocketAddr> =
            self.names().flat_map(|(_, it)| it.addresses.iter().copied()).collect();
        let due = self.candidates.iter().filter(|(target, it)| {
            let known = matches!(target, Target::Place(address) if named.contains(address));
            it.next <= now && self.due(it) && !known
        });
        let mut due: Vec<_> = due.map(|(target, it)| ((it.tries, it.next), *target)).collect();
        due.sort();
        let mut dials = Vec::new();
        for (_, target) in due.into_iter().take(room) {
            if let Some(it) = self.candidates.get_mut(&target) {
                it.doing = Doing::Connecting;
                dials.push(Dial { target, addresses: it.addresses.clone() });
            }
        }
        dials
    }

    fn names(&self) -> impl Iterator<Item = (&Target, &Candidate)> {
        self.candidates.iter().filter(|(target, _)| matches!(target, Target::Name(_)))
    }

    /// How a dial went: the link that it opened, or `None` where nobody answered.
    pub fn dialled(&mut self, now: UnixMillis, target: &Target, link: Option<LinkId>) {
        let Some(it) = self.candidates.get_mut(target) else { return };
        match link {
            Some(link) => it.doing = Doing::Asking(link),
            None => it.failed(now),
        }
    }

    /// When [`Finder::dials`] next has something to say.
    #[must_use]
    pub fn deadline(&self) -> Option<UnixMillis> {
        if self.dialling() >= MAX_DIALS {
            return None;
        }
        self.candidates.values().filter(|it| self.due(it)).map(|it| it.next).min()
    }

    /// Where the device of a run can be reached.
    #[must_use]
    pub fn addresses_of(&self, run: &RunName) -> Vec<SocketAddr> {
        let of_run = self.candidates.values().filter(|it| it.run.as_ref() == Some(run));
        let all: BTreeSet<_> = of_run.flat_map(|it| it.addresses.iter().copied()).collect();
        all.into_iter().collect()
    }

    /// Everybody who was found.
    #[must_use]
    pub fn found(&self) -> Vec<FoundView> {
        let view = |(target, it): (&Target, &Candidate)| {
            let link = it.run.and_then(|run| self.connected.get(&run)).copied();
            let state = match it.doing {
                _ if link.is_some() => FoundState::Met,
                Doing::Connecting | Doing::Asking(_) => FoundState::Trying,
                Doing::Nothing if it.tries > 0 => FoundState::NotMet,
                Doing::Nothing => FoundState::Found,
            };
            let name = match target {
                Target::Name(name) => Some(*name),
                Target::Place(_) => None,
            };
            FoundView { name, addresses: it.addresses.clone(), state, link }
        };
        self.candidates.iter().map(view).collect()
    }
}
