use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash, PersonId, SpaceId, TeamId};
use firsthand_log::{DeviceSecret, MAX_MEMBERSHIP_HEADS, signed_by};
use zeroize::Zeroize;

use crate::fold::{Grant, Grants};
use crate::operation::check_name;
use crate::past::Past;
use crate::space::{Cares, Naming};
use crate::{Body, JoinRequest, Operation, Rights, Role, Roster, Space, TeamError, person_id, team_space};

/// The most operations of one team: 4 KiB each make 16 MiB, and a busy team makes a few hundred a year.
const MAX_OPERATIONS: usize = 4096;

/// What became of an operation that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is new and in its place.
    Added(OperationHash),
    /// It was here already.
    Known,
    /// Its parents are not here yet; it was not kept. Whoever holds it will send the parents first next time.
    Early,
}

/// All membership operations of a team, and their fold.
///
/// Whether an operation counts depends on its own past alone. That past never changes, so the answer is found once,
/// when the operation comes in, and is the same on every device; the fold only gathers the operations that count.
#[derive(Clone)]
pub struct Membership {
    team: TeamId,
    discovery_secret: [u8; 32],
    /// In the order in which they arrived, so parents before children.
    operations: Vec<Placed>,
    index: BTreeMap<OperationHash, usize>,
    heads: BTreeSet<OperationHash>,
    by_author: BTreeMap<DeviceKey, Vec<usize>>,
    grants: Grants,
    roster: Roster,
    cares: Cares,
}

#[derive(Clone)]
struct Placed {
    hash: OperationHash,
    operation: Operation,
    /// One more than the greatest depth of its parents.
    depth: u32,
    /// The operation and everything before it.
    past: Past,
    /// It, or something before it, is of a kind or gives a role that only a newer version understands. Then this
    /// version cannot know whom it admits.
    opaque: bool,
    /// It admits somebody.
    counts: bool,
}

/// What became of a verified operation.
enum Place {
    Added,
    Missing(OperationHash),
}

impl Membership {
    /// Founds a team.
    ///
    /// # Errors
    /// [`TeamError::Name`].
    pub fn found(
        secret: &DeviceSecret,
        exchange: ExchangeKey,
        team_name: &str,
        name: &str,
        discovery_secret: [u8; 32],
        nonce: [u8; 16],
    ) -> Result<Self, TeamError> {
        let (team_name, name) = (check_name(team_name)?, check_name(name)?);
        let body = Body::Found { team_name, name, exchange, discovery_secret, nonce };
        Self::from_founding(Operation::sign(secret, None, 1, Vec::new(), body))
    }

    /// Reads a team from its operations, founding one first, parents before children.
    ///
    /// # Errors
    /// Any [`TeamError`]; [`TeamError::Incomplete`] where an operation stands before its parents or without them.
    pub fn load<'a>(operations: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, TeamError> {
        let mut operations = operations.into_iter();
        let founding = operations.next().ok_or(TeamError::Incomplete)?;
        let mut membership = Self::from_founding(Operation::decode(founding)?)?;
        for bytes in operations {
            if membership.insert(bytes)? == Inserted::Early {
                return Err(TeamError::Incomplete);
            }
        }
        Ok(membership)
    }

    fn from_founding(operation: Operation) -> Result<Self, TeamError> {
        let Body::Found { team_name, name, exchange, discovery_secret, .. } = &operation.body else {
            return Err(TeamError::OtherTeam);
        };
        let hash = operation.verify(None)?;
        if operation.sequence != 1 || !operation.parents.is_empty() {
            return Err(TeamError::Sequence);
        }
        let (author, depth) = (operation.author, 1);
        let (name, role, exchange) = (name.clone(), Role::Lead, *exchange);
        let mut grants = Grants::default();
        grants.add(author, Grant { depth, hash, index: 0, name, role, exchange });
        let mut roster = Roster { name: team_name.clone(), ..Roster::default() };
        grants.enter(&mut roster, &author, None);
        let mut past = Past::default();
        past.insert(0);
        Ok(Self {
            team: TeamId::new(*hash.as_bytes()),
            discovery_secret: *discovery_secret,
            operations: vec![Placed { hash, operation, depth, past, opaque: false, counts: true }],
            index: BTreeMap::from([(hash, 0)]),
            heads: BTreeSet::from([hash]),
            by_author: BTreeMap::from([(author, vec![0])]),
            grants,
            roster,
            cares: Cares::default(),
        })
    }

    /// The team's id.
    #[must_use]
    pub const fn team(&self) -> &TeamId {
        &self.team
    }

    /// Known to members only; authenticates channels.
    #[must_use]
    pub const fn discovery_secret(&self) -> &[u8; 32] {
        &self.discovery_secret
    }

    /// What an operation or entry made now names as everything its author has seen: the operations that no other
    /// names as parent, sorted, at most [`MAX_MEMBERSHIP_HEADS`].
    ///
    /// Where there are more, somebody is signing operations side by side on purpose. Then the latest operations that
    /// count stand first, so that nobody is kept from working; what is left out is reconciled all the same, see
    /// [`Membership::lacking`].
    #[must_use]
    pub fn heads(&self) -> Vec<OperationHash> {
        if self.heads.len() <= MAX_MEMBERSHIP_HEADS {
            return self.heads.iter().copied().collect();
        }
        let mut covered = Past::default();
        let mut latest = BTreeSet::new();
        for (index, placed) in self.operations.iter().enumerate().rev() {
            if placed.counts && !covered.contains(index) {
                covered.join(&placed.past);
                latest.insert(placed.hash);
            }
        }
        let others = self.heads.iter().filter(|head| !latest.contains(*head));
        let mut heads: Vec<_> = latest.iter().chain(others).take(MAX_MEMBERSHIP_HEADS).copied().collect();
        heads.sort_unstable();
        heads
    }

    /// Whether an operation is here.
    #[must_use]
    pub fn contains(&self, hash: &OperationHash) -> bool {
        self.index.contains_key(hash)
    }

    /// The team as all operations leave it.
    #[must_use]
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The team as the operations in the past of `heads` leave it; `None` while one of them is not here. It never
    /// changes afterwards, whatever else arrives.
    #[must_use]
    pub fn roster_at(&self, heads: &[OperationHash]) -> Option<Roster> {
        let past = self.past(heads)?;
        if past.len() == self.operations.len() {
            return Some(self.roster.clone());
        }
        let mut roster = Roster::default();
        if past.contains(0) {
            roster.name.clone_from(&self.roster.name);
        }
        for device in self.grants.devices() {
            self.grants.enter(&mut roster, device, Some(&past));
        }
        Some(roster)
    }

    /// What the owner of `device` may do at `heads`: the same as asking [`Membership::roster_at`], without building
    /// the whole roster.
    #[must_use]
    pub fn rights_at(&self, heads: &[OperationHash], device: &DeviceKey) -> Option<Rights> {
        Some(self.grants.role(device, &self.past(heads)?).map(Role::rights).unwrap_or_default())
    }

    /// Takes in an operation from anywhere.
    ///
    /// # Errors
    /// Any [`TeamError`]; nothing has changed then.
    pub fn insert(&mut self, bytes: &[u8]) -> Result<Inserted, TeamError> {
        let Some((hash, operation)) = self.verify(bytes)? else { return Ok(Inserted::Known) };
        match self.place(hash, &operation)? {
            Place::Added => Ok(Inserted::Added(hash)),
            Place::Missing(_) => Ok(Inserted::Early),
        }
    }

    /// Takes in operations in any order; returns those that are new, parents before children. Those whose parents
    /// are neither here nor among them are not kept.
    ///
    /// # Errors
    /// The first operation that is refused; those before it have been taken in.
    pub fn insert_all(&mut self, operations: &[Vec<u8>]) -> Result<Vec<(OperationHash, Vec<u8>)>, TeamError> {
        let mut added = Vec::new();
        // Each waits under one parent that is missing, so that the worst order costs no more than the best.
        let mut waiting: BTreeMap<OperationHash, Vec<(OperationHash, Operation)>> = BTreeMap::new();
        for bytes in operations {
            let mut ready: Vec<_> = self.verify(bytes)?.into_iter().collect();
            while let Some((hash, operation)) = ready.pop() {
                if self.contains(&hash) {
                    continue;
                }
                match self.place(hash, &operation)? {
                    Place::Added => {
                        ready.extend(waiting.remove(&hash).unwrap_or_default());
                        added.push((hash, operation.encode()));
                    }
                    Place::Missing(parent) => waiting.entry(parent).or_default().push((hash, operation)),
                }
            }
        }
        Ok(added)
    }

    /// The operations that somebody who has `heads` lacks, parents before children. Heads that are not here are
    /// ignored: they are what this device lacks.
    #[must_use]
    pub fn lacking(&self, heads: &[OperationHash]) -> Vec<(OperationHash, Vec<u8>)> {
        let known: Vec<_> = heads.iter().filter(|head| self.contains(head)).copied().collect();
        let past = self.past(&known).unwrap_or_default();
        let lacking = self.operations.iter().enumerate().filter(|(index, _)| !past.contains(*index));
        let mut lacking: Vec<_> = lacking.map(|(_, placed)| placed).collect();
        lacking.sort_by_key(|placed| (placed.depth, placed.hash));
        lacking.into_iter().map(|placed| (placed.hash, placed.operation.encode())).collect()
    }

    /// All operations, parents before children, the founding one first.
    #[must_use]
    pub fn all(&self) -> Vec<(OperationHash, Vec<u8>)> {
        self.lacking(&[])
    }

    /// Adds the person who asked to join on the channel authenticated by `exchange`, and returns the operation's
    /// bytes.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] without the right, [`TeamError::Signature`] where the request is not for this team
    /// and channel, [`TeamError::KeyTaken`] where another device has that channel key.
    pub fn add(
        &mut self,
        secret: &DeviceSecret,
        request: &JoinRequest,
        exchange: ExchangeKey,
        role: Role,
    ) -> Result<(OperationHash, Vec<u8>), TeamError> {
        let (author, parents) = (secret.key(), self.heads());
        let past = self.past(&parents).ok_or(TeamError::Incomplete)?;
        if !self.grants.role(&author, &past).is_some_and(|role| role.rights().add) {
            return Err(TeamError::NotAllowed);
        }
        let name = check_name(&request.name)?;
        request.verify(&self.team, &exchange)?;
        let (device, consent) = (request.device, request.consent);
        if self.grants.claimed(&exchange, &device, &past) {
            return Err(TeamError::KeyTaken);
        }
        let body = Body::Add { name, role, device, exchange, consent };
        let sequence = self.own(&author, &past) + 1;
        let bytes = Operation::sign(secret, Some(&self.team), sequence, parents, body).encode();
        match self.insert(&bytes)? {
            Inserted::Added(hash) => Ok((hash, bytes)),
            Inserted::Known | Inserted::Early => Err(TeamError::Incomplete),
        }
    }

    /// Names whom this device's person talks to after a hard day; `None`: nobody any more. Returns the operation's bytes.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] where the device is not admitted, or the contact is no member or the person themself.
    pub fn name_care_contact(
        &mut self,
        secret: &DeviceSecret,
        contact: Option<PersonId>,
    ) -> Result<(OperationHash, Vec<u8>), TeamError> {
        let (author, parents) = (secret.key(), self.heads());
        let past = self.past(&parents).ok_or(TeamError::Incomplete)?;
        let fits =
            |contact: PersonId| contact != person_id(&author) && self.roster.members.contains_key(&contact);
        if self.grants.role(&author, &past).is_none() || !contact.is_none_or(fits) {
            return Err(TeamError::NotAllowed);
        }
        let sequence = self.own(&author, &past) + 1;
        let body = Body::Care { contact };
        let bytes = Operation::sign(secret, Some(&self.team), sequence, parents, body).encode();
        match self.insert(&bytes)? {
            Inserted::Added(hash) => Ok((hash, bytes)),
            Inserted::Known | Inserted::Early => Err(TeamError::Incomplete),
        }
    }

    /// What a space is for; `None` for one that is not of this team, or that an operation makes which is not here.
    #[must_use]
    pub fn space(&self, id: &SpaceId) -> Option<Space> {
        self.spaces().find(|(space, _)| space == id).map(|(_, space)| space)
    }

    /// Whether a person reads a space, and may write into it.
    #[must_use]
    pub fn reads(&self, id: &SpaceId, person: &PersonId) -> bool {
        self.space(id).is_some_and(|space| self.is_reader(&space, person))
    }

    /// The spaces that a person reads.
    #[must_use]
    pub fn spaces_of(&self, person: &PersonId) -> BTreeMap<SpaceId, Space> {
        self.spaces().filter(|(_, space)| self.is_reader(space, person)).collect()
    }

    /// The space into which a person's care checks go from now on.
    #[must_use]
    pub fn care_space(&self, person: &PersonId) -> SpaceId {
        let naming = self.cares.of(person).last().filter(|naming| naming.contact.is_some());
        Space::care_id(&self.team, person, naming.map(|naming| &naming.hash))
    }

    /// Whom a person named as their care contact.
    #[must_use]
    pub fn care_contact(&self, person: &PersonId) -> Option<PersonId> {
        self.cares.of(person).last()?.contact
    }

    fn spaces(&self) -> impl Iterator<Item = (SpaceId, Space)> + '_ {
        let team = (team_space(&self.team), Space::Team);
        let own = self.roster.members.keys().flat_map(|person| {
            let contact = (Space::contact_id(&self.team, person), Space::Contact { person: *person });
            let alone = Space::Care { person: *person, contact: None };
            let named = self.cares.of(person).iter().filter(|naming| naming.contact.is_some());
            let named = named.map(|naming| {
                let space = Space::Care { person: *person, contact: naming.contact };
                (Space::care_id(&self.team, person, Some(&naming.hash)), space)
            });
            [contact, (Space::care_id(&self.team, person, None), alone)].into_iter().chain(named)
        });
        std::iter::once(team).chain(own)
    }

    fn is_reader(&self, space: &Space, person: &PersonId) -> bool {
        let Some(member) = self.roster.members.get(person) else { return false };
        match space {
            Space::Team => true,
            Space::Contact { person: owner } => owner == person || member.role == Role::Lead,
            Space::Care { person: owner, contact } => owner == person || *contact == Some(*person),
        }
    }

    /// Checks everything that needs no other operation; `None` where it is here already.
    fn verify(&self, bytes: &[u8]) -> Result<Option<(OperationHash, Operation)>, TeamError> {
        let operation = Operation::decode(bytes)?;
        let founds = matches!(operation.body, Body::Found { .. });
        let team = (!founds).then_some(&self.team);
        let hash = operation.hash(team);
        let held = self.index.get(&hash).map(|index| &self.operations[*index].operation);
        if held.is_some_and(|held| held.signature == operation.signature) {
            return Ok(None);
        }
        // The hash does not cover the signature, so one that is here may still come with a wrong one.
        operation.verify(team)?;
        if held.is_some() {
            return Ok(None);
        }
        match &operation.body {
            Body::Found { .. } => return Err(TeamError::OtherTeam),
            Body::Add { name, device, exchange, consent, .. } => {
                let message = Operation::consent(&self.team, device, exchange, name);
                if !signed_by(device, &message, consent) {
                    return Err(TeamError::Signature);
                }
            }
            Body::Care { .. } | Body::Other { .. } => {}
        }
        Ok(Some((hash, operation)))
    }

    /// Puts a verified operation in its place, if everything before it is here.
    fn place(&mut self, hash: OperationHash, operation: &Operation) -> Result<Place, TeamError> {
        let (mut past, mut depth, mut opaque) = (Past::default(), 0, false);
        for parent in &operation.parents {
            let Some(index) = self.index.get(parent) else { return Ok(Place::Missing(*parent)) };
            let parent = &self.operations[*index];
            past.join(&parent.past);
            depth = depth.max(parent.depth);
            opaque |= parent.opaque;
        }
        if operation.parents.is_empty() || operation.sequence != self.own(&operation.author, &past) + 1 {
            return Err(TeamError::Sequence);
        }
        let role = self.grants.role(&operation.author, &past);
        if role.is_none() && !opaque {
            // Kept, it would let anybody who reaches a member fill the team's history.
            return Err(TeamError::NotAllowed);
        }
        let index = self.operations.len();
        if index >= MAX_OPERATIONS {
            return Err(TeamError::TooMany { limit: MAX_OPERATIONS });
        }
        let depth = depth + 1;
        let admits = match &operation.body {
            Body::Add { name, role: given, device, exchange, .. } => {
                let may = role.is_some_and(|role| role.rights().add);
                let counts = may && !self.grants.claimed(exchange, device, &past);
                let (name, role, exchange) = (name.clone(), *given, *exchange);
                counts.then_some((*device, Grant { depth, hash, index, name, role, exchange }))
            }
            Body::Found { .. } | Body::Care { .. } | Body::Other { .. } => None,
        };
        opaque |= matches!(&operation.body, Body::Other { .. } | Body::Add { role: Role::Other(_), .. });
        past.insert(index);

        for parent in &operation.parents {
            self.heads.remove(parent);
        }
        self.heads.insert(hash);
        self.index.insert(hash, index);
        self.by_author.entry(operation.author).or_default().push(index);
        let (operation, mut counts) = (operation.clone(), admits.is_some());
        if let (Body::Care { contact }, Some(_)) = (&operation.body, role) {
            counts = true;
            self.cares.add(person_id(&operation.author), Naming { depth, hash, contact: *contact });
        }
        self.operations.push(Placed { hash, operation, depth, past, opaque, counts });
        if let Some((device, grant)) = admits {
            self.grants.add(device, grant);
            self.grants.enter(&mut self.roster, &device, None);
        }
        Ok(Place::Added)
    }

    /// Everything in the past of `heads`; `None` where one is not here.
    fn past(&self, heads: &[OperationHash]) -> Option<Past> {
        let mut past = Past::default();
        for head in heads {
            past.join(&self.operations[*self.index.get(head)?].past);
        }
        Some(past)
    }

    /// How many operations in `past` are `author`'s.
    fn own(&self, author: &DeviceKey, past: &Past) -> u64 {
        let own = self.by_author.get(author).into_iter().flatten();
        own.filter(|index| past.contains(**index)).count() as u64
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.discovery_secret.zeroize();
        for placed in &mut self.operations {
            if let Body::Found { discovery_secret, .. } = &mut placed.operation.body {
                discovery_secret.zeroize();
            }
        }
    }
}

impl std::fmt::Debug for Membership {
    // Names and the discovery secret stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Membership({:?}, {} operations)", self.team, self.operations.len())
    }
}
