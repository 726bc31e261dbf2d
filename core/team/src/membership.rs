mod epochs;

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash, TeamId};
use firsthand_log::{DeviceSecret, MAX_MEMBERSHIP_HEADS, signed_by};
use zeroize::Zeroize;

use crate::fold::Fold;
use crate::judge::judge;
use crate::operation::check_name;
use crate::past::Past;
use crate::{Body, Operation, Quorum, Rights, Roster, TeamError};

pub use epochs::{EpochOperation, PlacedBoxes, PlacedEpoch};

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
/// What is kept is decided by an operation's own past, which never changes. What counts is decided by all operations that are here:
/// a revocation takes from those that its author had not seen. Both are the same for everybody who holds the same
/// operations, in whatever order they came.
#[derive(Clone)]
pub struct Membership {
    team: TeamId,
    discovery_secret: [u8; 32],
    /// In the order in which they arrived, so parents before children.
    pub(crate) operations: Vec<Placed>,
    index: BTreeMap<OperationHash, usize>,
    heads: BTreeSet<OperationHash>,
    by_author: BTreeMap<DeviceKey, Vec<usize>>,
    revocations: Vec<usize>,
    /// What everything adds up to as if there were no revocations.
    pub(crate) plain: Fold,
    pub(crate) fold: Fold,
    pub(crate) roster: Roster,
    /// Something came that can change which revocations stand.
    unjudged: bool,
    /// Something came that the roster does not show yet.
    outdated: bool,
    /// The operations that carry keys.
    sealed: epochs::Sealed,
}

#[derive(Clone)]
pub(crate) struct Placed {
    pub(crate) hash: OperationHash,
    pub(crate) operation: Operation,
    /// One more than the greatest depth of its parents.
    pub(crate) depth: u32,
    /// The operation and everything before it.
    pub(crate) past: Past,
    /// It, or something before it, is of a kind or gives a role that only a newer version understands. Then this
    /// version cannot know whom it admits.
    opaque: bool,
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
        Self::found_with_recovery(secret, exchange, team_name, name, discovery_secret, nonce, None)
    }

    /// Founds a team that can be recovered when its last lead is lost.
    ///
    /// # Errors
    /// [`TeamError::Name`]; [`TeamError::Recovery`] where so many keys cannot be a quorum.
    pub fn found_with_recovery(
        secret: &DeviceSecret,
        exchange: ExchangeKey,
        team_name: &str,
        name: &str,
        discovery_secret: [u8; 32],
        nonce: [u8; 16],
        recovery: Option<Quorum>,
    ) -> Result<Self, TeamError> {
        if recovery.as_ref().is_some_and(|quorum| !quorum.is_sound()) {
            return Err(TeamError::Recovery);
        }
        let (team_name, name) = (check_name(team_name)?, check_name(name)?);
        let body = Body::Found { team_name, name, exchange, discovery_secret, nonce, recovery };
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
            if let Some((hash, operation)) = membership.verify(bytes)?
                && matches!(membership.place(hash, &operation)?, Place::Missing(_))
            {
                return Err(TeamError::Incomplete);
            }
        }
        membership.refresh();
        Ok(membership)
    }

    fn from_founding(operation: Operation) -> Result<Self, TeamError> {
        let Body::Found { discovery_secret, .. } = &operation.body else {
            return Err(TeamError::OtherTeam);
        };
        let (discovery_secret, author) = (*discovery_secret, operation.author);
        let hash = operation.verify(None)?;
        if operation.sequence != 1 || !operation.parents.is_empty() {
            return Err(TeamError::Sequence);
        }
        let mut past = Past::default();
        past.insert(0);
        let operations = vec![Placed { hash, operation, depth: 1, past, opaque: false }];
        let fold = judge(&operations, None);
        let roster = fold.roster(&operations, &operations[0].past);
        Ok(Self {
            team: TeamId::new(*hash.as_bytes()),
            discovery_secret,
            operations,
            index: BTreeMap::from([(hash, 0)]),
            heads: BTreeSet::from([hash]),
            by_author: BTreeMap::from([(author, vec![0])]),
            revocations: Vec::new(),
            plain: fold.clone(),
            fold,
            roster,
            unjudged: false,
            outdated: false,
            sealed: epochs::Sealed::default(),
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
            if self.fold.counts.contains(index) && !covered.contains(index) {
                covered.join(&placed.past);
                latest.insert(placed.hash);
            }
        }
        let others = self.heads.iter().filter(|head| !latest.contains(*head));
        let mut heads: Vec<_> = latest.iter().chain(others).take(MAX_MEMBERSHIP_HEADS).copied().collect();
        heads.sort_unstable();
        heads
    }

    pub(crate) fn place_of(&self, hash: &OperationHash) -> Option<usize> {
        self.index.get(hash).copied()
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

    /// The team as the operations in the past of `heads` leave it; `None` while one of them is not here.
    ///
    /// Of those operations only the ones count that count now. So the answer can change when a revocation arrives that keeps one
    /// of them from counting, and then it changes for everybody alike: what a taken device signs beside the past gives
    /// nobody rights.
    #[must_use]
    pub fn roster_at(&self, heads: &[OperationHash]) -> Option<Roster> {
        let past = self.past(heads)?;
        if past.len() == self.operations.len() {
            return Some(self.roster.clone());
        }
        Some(self.fold.roster(&self.operations, &past))
    }

    /// What the owner of `device` may do at `heads`: the same as asking [`Membership::roster_at`], without building
    /// the whole roster.
    #[must_use]
    pub fn rights_at(&self, heads: &[OperationHash], device: &DeviceKey) -> Option<Rights> {
        Some(self.fold.rights(&self.operations, device, &self.past(heads)?))
    }

    /// Who can make a new lead when the last one is lost.
    #[must_use]
    pub fn recovery(&self) -> Option<&Quorum> {
        match &self.operations[0].operation.body {
            Body::Found { recovery, .. } => recovery.as_ref(),
            _ => None,
        }
    }

    /// An operation that is here.
    #[must_use]
    pub fn operation(&self, hash: &OperationHash) -> Option<&Operation> {
        self.index.get(hash).map(|index| &self.operations[*index].operation)
    }

    /// Takes in an operation from anywhere.
    ///
    /// # Errors
    /// Any [`TeamError`]; nothing has changed then.
    pub fn insert(&mut self, bytes: &[u8]) -> Result<Inserted, TeamError> {
        let Some((hash, operation)) = self.verify(bytes)? else { return Ok(Inserted::Known) };
        let placed = self.place(hash, &operation)?;
        self.refresh();
        match placed {
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
        let added = self.place_all(operations);
        self.refresh();
        added
    }

    fn place_all(&mut self, operations: &[Vec<u8>]) -> Result<Vec<(OperationHash, Vec<u8>)>, TeamError> {
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
            Body::AddDevice { person, device, exchange, consent, by, endorsement } => {
                let agrees = Operation::device_consent(&self.team, person, device, exchange);
                let endorses = Operation::device_endorsement(&self.team, person, device, exchange);
                if !signed_by(device, &agrees, consent) || !signed_by(by, &endorses, endorsement) {
                    return Err(TeamError::Signature);
                }
            }
            Body::Recover { decision, signatures } => {
                let Operation { author, sequence, parents, .. } = &operation;
                let message = Operation::recovery(&self.team, author, *sequence, parents, decision);
                let quorum = self.recovery().ok_or(TeamError::Recovery)?;
                let signed = |(at, signature): &(u8, firsthand_log::Signature)| {
                    quorum.keys.get(usize::from(*at)).is_some_and(|key| signed_by(key, &message, signature))
                };
                if signatures.len() < quorum.needed.into() || !signatures.iter().all(signed) {
                    return Err(TeamError::Recovery);
                }
            }
            Body::Care { .. }
            | Body::Grant { .. }
            | Body::Revoke { .. }
            | Body::Confirm { .. }
            | Body::Adopt { .. }
            | Body::Epoch(_)
            | Body::Boxes(_)
            | Body::AddRelay { .. }
            | Body::Network
            | Body::DropRelay { .. }
            | Body::Other { .. } => {}
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
        if !opaque && !self.belongs(operation, &past) {
            // Kept, it would let anybody who reaches a member fill the team's history.
            return Err(TeamError::NotAllowed);
        }
        let index = self.operations.len();
        if index >= MAX_OPERATIONS {
            return Err(TeamError::TooMany { limit: MAX_OPERATIONS });
        }
        self.sealed.add(index, &operation.body)?;
        opaque |= operation.body.is_opaque();
        past.insert(index);
        for parent in &operation.parents {
            self.heads.remove(parent);
        }
        self.heads.insert(hash);
        self.index.insert(hash, index);
        self.by_author.entry(operation.author).or_default().push(index);
        if matches!(operation.body, Body::Revoke { .. }) {
            self.revocations.push(index);
        }
        self.operations.push(Placed { hash, operation: operation.clone(), depth: depth + 1, past, opaque });
        self.plain.take(&self.operations, index);
        if self.unjudged || operation.body.weighs() {
            self.unjudged = true;
        } else {
            self.fold.take(&self.operations, index);
        }
        self.outdated = true;
        Ok(Place::Added)
    }

    /// Whether an operation's author belonged to the team in its past. Nothing but that past decides it, so everybody keeps
    /// the same.
    fn belongs(&self, operation: &Operation, past: &Past) -> bool {
        let (all, author) = (&self.operations, &operation.author);
        // Those who recover a team may all have been removed from it.
        if matches!(operation.body, Body::Recover { .. }) {
            return self.fold.ever(author, past).is_some()
                || judge(all, Some(past)).ever(author, past).is_some();
        }
        // Where no revocation is in a past, what counts there is what its own past says.
        if !self.revocations.iter().any(|it| past.contains(*it)) {
            return self.plain.standing(all, author, past).is_some();
        }
        if !self.unjudged && past.len() == all.len() {
            return self.fold.standing(all, author, past).is_some();
        }
        judge(all, Some(past)).standing(all, author, past).is_some()
    }

    /// Folds what came since the last time.
    fn refresh(&mut self) {
        if std::mem::take(&mut self.unjudged) {
            self.fold = judge(&self.operations, None);
        }
        if std::mem::take(&mut self.outdated) {
            self.roster = self.fold.roster(&self.operations, &self.everything());
        }
    }

    pub(crate) fn everything(&self) -> Past {
        let mut everything = Past::default();
        (0..self.operations.len()).for_each(|index| everything.insert(index));
        everything
    }

    /// Everything in the past of `heads`; `None` where one is not here.
    pub(crate) fn past(&self, heads: &[OperationHash]) -> Option<Past> {
        let mut past = Past::default();
        for head in heads {
            past.join(&self.operations[*self.index.get(head)?].past);
        }
        Some(past)
    }

    /// How many operations in `past` are `author`'s.
    pub(crate) fn own(&self, author: &DeviceKey, past: &Past) -> u64 {
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
