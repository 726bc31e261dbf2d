use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash, TeamId};
use firsthand_log::DeviceSecret;

use crate::operation::check_name;
use crate::{Body, Device, JoinRequest, Member, Operation, Role, Roster, TeamError, person_id};

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
#[derive(Debug, Clone)]
pub struct Membership {
    team: TeamId,
    discovery_secret: [u8; 32],
    operations: BTreeMap<OperationHash, Placed>,
    heads: BTreeSet<OperationHash>,
    roster: Roster,
}

#[derive(Debug, Clone)]
struct Placed {
    operation: Operation,
    /// One more than the greatest depth of its parents: parents always come first in (depth, hash).
    depth: u32,
}

impl Membership {
    /// Founds a team.
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
    pub fn load<'a>(operations: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, TeamError> {
        let mut operations = operations.into_iter();
        let founding = operations.next().ok_or(TeamError::OtherTeam)?;
        let mut membership = Self::from_founding(Operation::decode(founding)?)?;
        for bytes in operations {
            membership.insert(bytes)?;
        }
        Ok(membership)
    }

    fn from_founding(operation: Operation) -> Result<Self, TeamError> {
        let hash = operation.verify(None)?;
        let Body::Found { discovery_secret, .. } = operation.body else { return Err(TeamError::OtherTeam) };
        if operation.sequence != 1 || !operation.parents.is_empty() {
            return Err(TeamError::Sequence);
        }
        let mut membership = Self {
            team: TeamId::new(*hash.as_bytes()),
            discovery_secret,
            operations: BTreeMap::from([(hash, Placed { operation, depth: 1 })]),
            heads: BTreeSet::from([hash]),
            roster: Roster::default(),
        };
        membership.roster = membership.fold(None);
        Ok(membership)
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

    /// The operations that no other names as parent, sorted.
    #[must_use]
    pub fn heads(&self) -> Vec<OperationHash> {
        self.heads.iter().copied().collect()
    }

    /// Whether an operation is here.
    #[must_use]
    pub fn contains(&self, hash: &OperationHash) -> bool {
        self.operations.contains_key(hash)
    }

    /// The team as all operations leave it.
    #[must_use]
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The team as the operations in the past of `heads` leave it; `None` while one of them is not here.
    #[must_use]
    pub fn roster_at(&self, heads: &[OperationHash]) -> Option<Roster> {
        let past = self.past(heads)?;
        if past.len() == self.operations.len() {
            Some(self.roster.clone())
        } else {
            Some(self.fold(Some(&past)))
        }
    }

    /// Takes in an operation from anywhere.
    ///
    /// # Errors
    /// Any [`TeamError`]; nothing has changed then.
    pub fn insert(&mut self, bytes: &[u8]) -> Result<Inserted, TeamError> {
        let operation = Operation::decode(bytes)?;
        if matches!(operation.body, Body::Found { .. }) {
            let hash = operation.verify(None)?;
            return if hash.as_bytes() == self.team.as_bytes() {
                Ok(Inserted::Known)
            } else {
                Err(TeamError::OtherTeam)
            };
        }
        let hash = operation.hash(Some(&self.team));
        if self.operations.contains_key(&hash) {
            return Ok(Inserted::Known);
        }
        operation.verify(Some(&self.team))?;
        if self.operations.len() >= MAX_OPERATIONS {
            return Err(TeamError::TooMany { limit: MAX_OPERATIONS });
        }
        if operation.parents.is_empty() {
            return Err(TeamError::Sequence);
        }
        let Some(past) = self.past(&operation.parents) else { return Ok(Inserted::Early) };
        let earlier = past.iter().filter(|hash| self.operations[*hash].operation.author == operation.author);
        if operation.sequence != earlier.count() as u64 + 1 {
            return Err(TeamError::Sequence);
        }
        let depth =
            operation.parents.iter().map(|parent| self.operations[parent].depth).max().unwrap_or(0) + 1;
        for parent in &operation.parents {
            self.heads.remove(parent);
        }
        self.heads.insert(hash);
        self.operations.insert(hash, Placed { operation, depth });
        self.roster = self.fold(None);
        Ok(Inserted::Added(hash))
    }

    /// Takes in operations in any order; returns those that are new, parents before children.
    ///
    /// # Errors
    /// The first operation that is refused; those before it have been taken in.
    pub fn insert_all(&mut self, operations: &[Vec<u8>]) -> Result<Vec<(OperationHash, Vec<u8>)>, TeamError> {
        let mut added = Vec::new();
        let mut waiting: Vec<&Vec<u8>> = operations.iter().collect();
        loop {
            let mut early = Vec::new();
            let before = waiting.len();
            for bytes in waiting {
                match self.insert(bytes)? {
                    Inserted::Added(hash) => added.push((hash, bytes.clone())),
                    Inserted::Known => {}
                    Inserted::Early => early.push(bytes),
                }
            }
            if early.is_empty() || early.len() == before {
                return Ok(added);
            }
            waiting = early;
        }
    }

    /// The operations that somebody who has `heads` lacks, parents before children. Heads that are not here are
    /// ignored: they are what this device lacks.
    #[must_use]
    pub fn lacking(&self, heads: &[OperationHash]) -> Vec<(OperationHash, Vec<u8>)> {
        let known: Vec<_> = heads.iter().filter(|head| self.contains(head)).copied().collect();
        let past = self.past(&known).unwrap_or_default();
        let mut lacking: Vec<_> = self.operations.iter().filter(|(hash, _)| !past.contains(hash)).collect();
        lacking.sort_by_key(|(hash, placed)| (placed.depth, **hash));
        lacking.into_iter().map(|(hash, placed)| (*hash, placed.operation.encode())).collect()
    }

    /// All operations, parents before children.
    #[must_use]
    pub fn all(&self) -> Vec<(OperationHash, Vec<u8>)> {
        self.lacking(&[])
    }

    /// Adds the person who asked to join, and returns the operation's bytes.
    pub fn add(
        &mut self,
        secret: &DeviceSecret,
        request: &JoinRequest,
        exchange: ExchangeKey,
        role: Role,
    ) -> Result<(OperationHash, Vec<u8>), TeamError> {
        if !self.roster.rights(&secret.key()).add {
            return Err(TeamError::NotAllowed);
        }
        let name = check_name(&request.name)?;
        request.verify(&self.team, &exchange)?;
        let (device, consent) = (request.device, request.consent);
        let body = Body::Add { name, role, device, exchange, consent };
        let own = self.operations.values().filter(|placed| placed.operation.author == secret.key()).count();
        let operation = Operation::sign(secret, Some(&self.team), own as u64 + 1, self.heads(), body);
        let bytes = operation.encode();
        self.insert(&bytes)?;
        Ok((operation.hash(Some(&self.team)), bytes))
    }

    fn past(&self, heads: &[OperationHash]) -> Option<BTreeSet<OperationHash>> {
        let mut past = BTreeSet::new();
        let mut open = heads.to_vec();
        while let Some(hash) = open.pop() {
            let placed = self.operations.get(&hash)?;
            if past.insert(hash) {
                open.extend(placed.operation.parents.iter().copied());
            }
        }
        Some(past)
    }

    /// Folds the operations of `within` (all where `None`). An operation counts if, in its own past, its author was a
    /// member with the right to it.
    fn fold(&self, within: Option<&BTreeSet<OperationHash>>) -> Roster {
        let mut order: Vec<_> = self
            .operations
            .iter()
            .filter(|(hash, _)| within.is_none_or(|within| within.contains(*hash)))
            .collect();
        order.sort_by_key(|(hash, placed)| (placed.depth, **hash));

        let mut roster = Roster::default();
        for (hash, placed) in order {
            let operation = &placed.operation;
            match &operation.body {
                Body::Found { team_name, name, exchange, .. } => {
                    roster.name.clone_from(team_name);
                    admit(&mut roster, name, Role::Lead, operation.author, *exchange, *hash);
                }
                Body::Add { name, role, device, exchange, consent } => {
                    let may = roster.rights(&operation.author).add
                        && self.author_was_admitted_before(&roster, operation);
                    let message = Operation::consent(&self.team, device, exchange, name);
                    let agreed = firsthand_log::signed_by(device, &message, consent);
                    if !may || !agreed {
                        continue;
                    }
                    if let Some(known) = roster.devices.get_mut(device) {
                        // Two leads added the same person while apart: the first in the common order decides the name
                        // and the role, and both admit.
                        known.grants.push(*hash);
                    } else if roster.device_by_exchange(exchange).is_none() {
                        admit(&mut roster, name, *role, *device, *exchange, *hash);
                    }
                }
                Body::Other { .. } => {}
            }
        }
        roster
    }

    /// Whether the operation that admitted the author stands in this operation's past, not merely beside it.
    fn author_was_admitted_before(&self, roster: &Roster, operation: &Operation) -> bool {
        let Some(device) = roster.devices.get(&operation.author) else { return false };
        let past = self.past(&operation.parents).unwrap_or_default();
        device.grants.iter().any(|grant| past.contains(grant))
    }
}

fn admit(
    roster: &mut Roster,
    name: &str,
    role: Role,
    device: DeviceKey,
    exchange: ExchangeKey,
    grant: OperationHash,
) {
    let person = person_id(&device);
    roster.members.insert(person, Member { name: name.to_owned(), role });
    roster.devices.insert(device, Device { person, exchange, grants: vec![grant] });
}
