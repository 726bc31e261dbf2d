//! How far the chains of a removed device stay.

use std::collections::BTreeMap;

use firsthand_ids::{DeviceKey, EntryHash, OperationHash, PersonId, Position, SpaceId, WriterId};

use crate::{Body, Membership, Reason, Space, Target};

/// The last entry of a chain that stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainCut {
    /// Its place; [`Position::START`] where nothing stays.
    pub position: Position,
    /// Its hash, where something stays.
    pub hash: Option<EntryHash>,
}

/// A revocation that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The operation.
    pub hash: OperationHash,
    /// What it takes out.
    pub target: Target,
    /// Why.
    pub reason: Reason,
    /// Who signed it.
    pub by: DeviceKey,
    /// Who else stands behind it.
    pub confirmed: Vec<PersonId>,
}

impl Membership {
    /// Where a chain of `device` is cut, whose first entry names `heads`; `None` where it is not.
    ///
    /// A chain that was begun after a return is not cut by what came before the return. Of several revocations the one that knew
    /// most decides: a cut is raised, never lowered. In a space of few no lead reads, so that nobody could say how far its
    /// chains stay, nothing is cut; there the readers decide. A chain of a device that nothing which counts ever admitted is cut at its
    /// beginning.
    #[must_use]
    pub fn cut(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        device: &DeviceKey,
        heads: &[OperationHash],
    ) -> Option<ChainCut> {
        let nothing = ChainCut { position: Position::START, hash: None };
        let removals = self.fold.removals(device);
        if removals.is_empty() {
            let known = self.roster().owner(device).is_some();
            return (!known).then_some(nothing);
        }
        if matches!(self.space(space), Some(Space::Care { .. })) {
            return None;
        }
        let past = self.past(heads).unwrap_or_default();
        let stand = removals
            .into_iter()
            .filter(|removal| !self.fold.returned(&self.operations, device, &past, *removal));
        let cuts = stand.map(|removal| {
            let Body::Revoke { cuts, .. } = &self.operations[removal].operation.body else { return nothing };
            let cut = cuts.iter().find(|cut| (cut.space, cut.writer) == (*space, *writer));
            cut.map_or(nothing, |cut| ChainCut { position: cut.position, hash: Some(cut.hash) })
        });
        cuts.max_by_key(|cut| (cut.position, cut.hash))
    }

    /// Whether anything of a device may be cut: it was removed once, or nothing which counts ever admitted it.
    #[must_use]
    pub fn is_cut(&self, device: &DeviceKey) -> bool {
        !self.fold.removals(device).is_empty() || self.roster().owner(device).is_none()
    }

    /// The entries of a chain that leads released.
    #[must_use]
    pub fn adopted(&self, space: &SpaceId, writer: &WriterId) -> BTreeMap<Position, EntryHash> {
        self.fold.adopted.get(&(*space, *writer)).cloned().unwrap_or_default()
    }

    /// The revocations that stand, in the order that all devices agree on.
    #[must_use]
    pub fn removals(&self) -> Vec<Removal> {
        let removal = |index: &usize| {
            let placed = &self.operations[*index];
            let Body::Revoke { target, reason, .. } = &placed.operation.body else { return None };
            let confirmed = self.fold.confirms.get(index).into_iter().flatten().copied().collect();
            let (hash, by) = (placed.hash, placed.operation.author);
            Some((placed.depth, Removal { hash, target: *target, reason: *reason, by, confirmed }))
        };
        let mut removals: Vec<_> = self.fold.accepted().iter().filter_map(removal).collect();
        removals.sort_by_key(|(depth, removal)| (*depth, removal.hash));
        removals.into_iter().map(|(_, removal)| removal).collect()
    }

    /// What a removed device is told: the operations that it lacks up to those that removed it, and nothing that came later.
    ///
    /// One that has heard of another removal which does not stand here, or of operations that are not here and may hold one, would
    /// go on believing that whoever removed it was removed first. It is told everything that decides between removals. And it
    /// believes nobody whom it takes for a stranger: where that would be `teller`, it also hears what makes them a member.
    #[must_use]
    pub fn notice(
        &self,
        device: &DeviceKey,
        teller: &DeviceKey,
        heads: &[OperationHash],
    ) -> Vec<(OperationHash, Vec<u8>)> {
        let removals = self.fold.removals(device);
        let mut up_to: Vec<_> = removals.into_iter().map(|index| self.operations[index].hash).collect();
        let known: Vec<_> = heads.iter().filter(|head| self.contains(head)).copied().collect();
        let theirs = self.past(&known).unwrap_or_default();
        let falls = |index: usize| {
            let revokes = matches!(self.operations[index].operation.body, Body::Revoke { .. });
            revokes && !self.fold.accepted().contains(&index)
        };
        if known.len() < heads.len() || theirs.iter().any(falls) {
            let weighs = self.operations.iter().filter(|it| it.operation.body.weighs());
            up_to.extend(weighs.map(|it| it.hash));
        }
        let mut past = self.past(&up_to).unwrap_or_default();
        let mut both = past.clone();
        both.join(&theirs);
        if self.fold.standing(&self.operations, teller, &both).is_none() {
            let grants = self.roster().devices.get(teller).map_or(&[][..], |device| &device.grants);
            past.join(&self.past(grants).unwrap_or_default());
        }
        let lacking = self.lacking(heads);
        lacking
            .into_iter()
            .filter(|(hash, _)| self.place_of(hash).is_some_and(|at| past.contains(at)))
            .collect()
    }

    /// Whose device signs entries that are kept: one that was ever admitted, also by an operation that does not count any more.
    #[must_use]
    pub fn signs_for(&self, device: &DeviceKey) -> Option<PersonId> {
        if let Some(person) = self.roster().owner(device) {
            return Some(person);
        }
        self.plain.ever(device, &self.everything()).map(|it| it.person)
    }

    /// Whether a person who belongs to the team, or did, may have written into a space.
    #[must_use]
    pub fn may_have_written(&self, space: &SpaceId, person: &PersonId) -> bool {
        match self.space(space) {
            Some(Space::Team | Space::Leads | Space::Contact { .. }) => true,
            Some(Space::Care { .. }) => self.reads(space, person),
            None => false,
        }
    }

    /// Every entry that leads released.
    pub fn all_adopted(&self) -> impl Iterator<Item = (SpaceId, WriterId, Position, EntryHash)> + '_ {
        self.fold.adopted.iter().flat_map(|((space, writer), entries)| {
            entries.iter().map(|(position, hash)| (*space, *writer, *position, *hash))
        })
    }

    /// Whether entries that were judged by `before`, which holds a part of the same operations, have to be judged anew: a
    /// revocation stands or falls, or an entry is released.
    #[must_use]
    pub fn overrules(&self, before: &Self) -> bool {
        self.removals() != before.removals() || self.fold.adopted != before.fold.adopted
    }

    /// What was here when `heads` were the heads; `None` where one of them is not.
    #[must_use]
    pub fn before(&self, heads: &[OperationHash]) -> Option<Self> {
        let past = self.past(heads)?;
        let kept = self.operations.iter().enumerate().filter(|(index, _)| past.contains(*index));
        let bytes: Vec<Vec<u8>> = kept.map(|(_, placed)| placed.operation.encode()).collect();
        Self::load(bytes.iter().map(Vec::as_slice)).ok()
    }
}
