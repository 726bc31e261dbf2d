//! Roles, removal and return, as people ask for them.

use std::collections::BTreeSet;

use firsthand_ids::{DeviceKey, OperationHash, PersonId, Position, SpaceId, WriterId};
use firsthand_log::DeviceSecret;
use firsthand_store::Commit;
use firsthand_team::{Cut, DeviceProposal, Membership, Reason, Role, Space, Target, TeamError};

use super::Ledger;
use crate::NodeError;
use crate::meeting::{Answer, Change};

/// An operation that this device made.
type Signed = Result<(OperationHash, Vec<u8>), TeamError>;

/// A device of somebody who belongs to the team, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceView {
    /// Its key.
    pub device: DeviceKey,
    /// Whose it is.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Their role; of somebody who was removed, the one they had.
    pub role: Role,
    /// Whether it belongs to the team.
    pub admitted: bool,
    /// Whether it is this device.
    pub this: bool,
}

/// A removal that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalView {
    /// Its operation.
    pub hash: OperationHash,
    /// Whom it removed, by name.
    pub name: String,
    /// The one device, where the person was not removed with all of them.
    pub device: Option<DeviceKey>,
    /// Why, a word for machines.
    pub reason: &'static str,
    /// Who signed it, by name.
    pub by: String,
    /// Who else stands behind it, by name.
    pub confirmed: Vec<String>,
}

impl Ledger {
    /// Every device of the team, by name; those that were removed too.
    #[must_use]
    pub fn devices(&self) -> Vec<DeviceView> {
        let roster = self.membership.roster();
        let admitted = roster.devices.iter().map(|it| (it, true));
        let removed = roster.removed.iter().map(|it| (it, false));
        let view = |((device, it), admitted): ((&DeviceKey, &firsthand_team::Device), bool)| DeviceView {
            device: *device,
            person: it.person,
            name: self.name(&it.person),
            role: roster.known(&it.person).map_or(Role::ReadOnly, |member| member.role),
            admitted,
            this: *device == self.device,
        };
        let mut views: Vec<_> = admitted.chain(removed).map(view).collect();
        views.sort_by(|a, b| (&a.name, a.device).cmp(&(&b.name, b.device)));
        views
    }

    /// The removals that stand, the latest last.
    #[must_use]
    pub fn removals(&self) -> Vec<RemovalView> {
        let view = |removal: firsthand_team::Removal| RemovalView {
            hash: removal.hash,
            name: self.target_name(&removal.target),
            device: match removal.target {
                Target::Device(device) => Some(device),
                Target::Person(_) => None,
            },
            reason: removal.reason.code(),
            by: self.target_name(&Target::Device(removal.by)),
            confirmed: removal.confirmed.iter().map(|person| self.name(person)).collect(),
        };
        self.membership.removals().into_iter().map(view).collect()
    }

    /// The person of what is or was taken out, by name; of a device that nobody knows, the beginning of its key.
    #[must_use]
    pub fn target_name(&self, target: &Target) -> String {
        match target {
            Target::Person(person) => self.name(person),
            Target::Device(device) => {
                let owner = self.membership.roster().owner(device);
                owner.map_or_else(|| device.short(), |person| self.name(&person))
            }
        }
    }

    /// Why this device may enter nothing.
    pub(super) fn may_not_write(&self) -> NodeError {
        if self.is_admitted() {
            return NodeError::ReadOnly;
        }
        let own = |removal: &firsthand_team::Removal| match removal.target {
            Target::Device(device) => device == self.device,
            Target::Person(person) => person == self.person,
        };
        match self.membership.removals().into_iter().rfind(own) {
            Some(removal) => NodeError::Removed {
                by: self.target_name(&Target::Device(removal.by)),
                reason: removal.reason.code(),
            },
            // What admitted it does not count any more.
            None => TeamError::NotAllowed.into(),
        }
    }

    /// Why this device may not change the team.
    pub(crate) fn may_not_change_team(&self) -> NodeError {
        if self.is_admitted() { TeamError::NotAllowed.into() } else { self.may_not_write() }
    }

    /// Whether this device belongs to the team.
    #[must_use]
    pub fn is_admitted(&self) -> bool {
        self.membership.roster().devices.contains_key(&self.device)
    }

    /// Adds somebody, or a device, and answers with what they need to begin.
    pub(super) fn admit(
        &mut self,
        name: String,
        sign: impl FnOnce(&mut Membership, &DeviceSecret) -> Signed,
    ) -> Answer {
        let mut change = Change::default();
        let result = self.let_in(sign).map(|()| {
            change.membership = Some(self.members());
            self.welcomed(name)
        });
        Answer::Admitted { result, change }
    }

    /// A name, and all membership operations, parents first.
    pub(super) fn welcomed(&self, name: String) -> (String, Vec<Vec<u8>>) {
        (name, self.membership.all().into_iter().map(|(_, bytes)| bytes).collect())
    }

    /// Adds somebody, or a device, and gives them the key of the whole team's space.
    fn let_in(
        &mut self,
        sign: impl FnOnce(&mut Membership, &DeviceSecret) -> Signed,
    ) -> Result<(), TeamError> {
        let operation = sign(&mut self.membership, &self.keys.signing)?;
        let mut commit = Commit::new(self.space);
        commit.operations.push(operation);
        commit.membership = Some(self.membership.heads());
        // Without the key they are members all the same; whoever seals next gives it to them.
        if let Err(error) = self.welcome(&self.space.clone(), &mut commit) {
            tracing::error!(%error, "the new device was not given the key");
        }
        if let Err(error) = self.store.commit(commit) {
            tracing::error!(%error, "could not keep a membership operation");
            self.reload_membership();
            return Err(TeamError::NotAllowed);
        }
        Ok(())
    }

    /// Adds a further device of somebody, as one of theirs proposed it. Says whose it is.
    ///
    /// # Errors
    /// [`NodeError::Team`] without the right, or where the proposal is not this team's or its device is not known here.
    pub fn admit_device(&mut self, proposal: &DeviceProposal) -> Result<String, NodeError> {
        self.let_in(|team, secret| team.admit_device(secret, proposal))?;
        self.renamed = true;
        let owner = self.membership.roster().owner(&proposal.device);
        Ok(owner.map(|person| self.name(&person)).unwrap_or_default())
    }

    /// Whose device a proposal would add, by name; nothing is changed.
    ///
    /// # Errors
    /// [`NodeError::Team`] where it is another team's, or no device of this team signed it.
    pub fn proposed_for(&self, proposal: &DeviceProposal) -> Result<String, NodeError> {
        if proposal.team != *self.membership.team() {
            return Err(TeamError::OtherTeam.into());
        }
        let (person, _) = self.membership.roster().member(&proposal.by).ok_or(TeamError::NotFound)?;
        Ok(self.name(&person))
    }

    /// Gives a person a role. Somebody who was removed returns with it, on every device that they had.
    ///
    /// # Errors
    /// [`NodeError::Team`] without the right or for a stranger; [`NodeError::Store`] from the store.
    pub fn grant(&mut self, person: PersonId, role: Role) -> Result<(), NodeError> {
        if self.membership.roster().members.contains_key(&person) {
            return self.change_team(|team, secret| team.grant(secret, person, role)).map(drop);
        }
        let removed = self.membership.roster().removed.iter();
        let theirs: Vec<DeviceKey> =
            removed.filter(|(_, it)| it.person == person).map(|(device, _)| *device).collect();
        if theirs.is_empty() {
            return Err(TeamError::NotFound.into());
        }
        for device in theirs {
            self.change_team(|team, secret| team.readmit(secret, device, role))?;
        }
        Ok(())
    }

    /// Lets one removed device return.
    ///
    /// # Errors
    /// [`NodeError::Team`] without the right, or where it was not removed; [`NodeError::Store`] from the store.
    pub fn readmit(&mut self, device: DeviceKey, role: Role) -> Result<(), NodeError> {
        self.change_team(|team, secret| team.readmit(secret, device, role)).map(drop)
    }

    /// Takes a device, or a person with all of theirs, out of the team. What this device holds of them stays; what comes later is
    /// held.
    ///
    /// # Errors
    /// [`NodeError::Team`] without the right or for a stranger; [`NodeError::Store`] from the store.
    pub fn revoke(&mut self, target: Target, reason: Reason) -> Result<OperationHash, NodeError> {
        let cuts = self.cuts_for(&target)?;
        self.change_team(|team, secret| team.revoke(secret, target, reason, cuts))
    }

    /// Says that this device's person stands behind a removal.
    ///
    /// # Errors
    /// [`NodeError::Team`] without the right, or where there is none; [`NodeError::Store`] from the store.
    pub fn confirm(&mut self, removal: OperationHash) -> Result<(), NodeError> {
        self.change_team(|team, secret| team.confirm(secret, removal)).map(drop)
    }

    /// Releases an entry that is held because its device was removed, with what it builds on in its document.
    ///
    /// # Errors
    /// [`NodeError::Team`] without the right, or where no such entry is held; [`NodeError::Store`] from the store.
    pub fn adopt(&mut self, writer: WriterId, position: Position) -> Result<(), NodeError> {
        use firsthand_store::{EntryState, HoldReason};
        let info = self.store.entry_info(&writer, position)?;
        let held = info.filter(|info| info.state == EntryState::Held(HoldReason::Cut));
        let info = held.ok_or(TeamError::NotFound)?;
        let (space, hash) = (info.space, info.hash);
        self.change_team(|team, secret| team.adopt(secret, space, writer, position, hash)).map(drop)
    }

    /// The person whom somebody typed: a name, or the beginning of an id; also of those who were removed.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] or [`NodeError::Ambiguous`].
    pub fn find_member(&self, typed: &str) -> Result<PersonId, NodeError> {
        let roster = self.membership.roster();
        let people = || roster.members.iter().chain(&roster.former);
        let name = typed.trim().to_lowercase();
        let named: Vec<PersonId> =
            people().filter(|(_, it)| it.name.to_lowercase() == name).map(|(id, _)| *id).collect();
        let begins = |id: &PersonId| name.len() >= SHORTEST && id.to_string().starts_with(&name);
        let fits =
            if named.is_empty() { people().map(|(id, _)| *id).filter(begins).collect() } else { named };
        only(typed, fits, |id| format!("{} ({})", self.name(id), id.short()))
    }

    /// The device whose key begins as somebody typed.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] or [`NodeError::Ambiguous`].
    pub fn find_device(&self, typed: &str) -> Result<DeviceKey, NodeError> {
        let name = typed.trim().to_lowercase();
        let devices = self.devices().into_iter().map(|it| it.device);
        let begins = |device: &DeviceKey| name.len() >= SHORTEST && device.to_string().starts_with(&name);
        only(typed, devices.filter(begins).collect(), DeviceKey::short)
    }

    /// The removal whose hash begins as somebody typed.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] or [`NodeError::Ambiguous`].
    pub fn find_removal(&self, typed: &str) -> Result<OperationHash, NodeError> {
        let name = typed.trim().to_lowercase();
        let removals = self.membership.removals().into_iter().map(|it| it.hash);
        let begins = |hash: &OperationHash| name.len() >= SHORTEST && hash.to_string().starts_with(&name);
        only(typed, removals.filter(begins).collect(), OperationHash::short)
    }

    /// The chain of a held entry, by how its id begins.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] or [`NodeError::Ambiguous`]; [`NodeError::Store`] from the store.
    pub fn find_held_chain(&mut self, typed: &str) -> Result<WriterId, NodeError> {
        let name = typed.trim().to_lowercase();
        let held: BTreeSet<WriterId> = self.quarantine()?.held.into_iter().map(|it| it.writer).collect();
        let begins = |writer: &WriterId| name.len() >= SHORTEST && writer.to_string().starts_with(&name);
        only(typed, held.into_iter().filter(begins).collect(), WriterId::short)
    }

    /// How far this device holds each chain of what is to be removed, as far as it stays now.
    fn cuts_for(&self, target: &Target) -> Result<Vec<Cut>, NodeError> {
        let roster = self.membership.roster();
        let all = roster.devices.iter().chain(&roster.removed);
        let hit = |device: &DeviceKey, person: &PersonId| match target {
            Target::Device(it) => it == device,
            Target::Person(it) => it == person,
        };
        let devices: BTreeSet<DeviceKey> =
            all.filter(|(device, it)| hit(device, &it.person)).map(|(device, _)| *device).collect();
        let spaces: Vec<SpaceId> = self.store.spaces().collect();
        let mut cuts = Vec::new();
        for space in spaces {
            if matches!(self.membership.space(&space), Some(Space::Care { .. })) {
                continue;
            }
            for (writer, _) in self.store.vector(&space).iter() {
                let Some(tip) = self.store.tip(&space, writer).filter(|tip| devices.contains(&tip.device))
                else {
                    continue;
                };
                let first = self.store.entry_info(writer, Position::START.next())?;
                let heads = first.map(|info| info.membership).unwrap_or_default();
                let stays = self.stays_to(&space, writer, &tip.device, &heads)?;
                let position = stays.map_or(tip.position, |stays| stays.min(tip.position));
                if let Some(hash) = self.store.entry_hash_at(&space, writer, position)? {
                    cuts.push(Cut { space, writer: *writer, position, hash });
                }
            }
        }
        Ok(cuts)
    }
}

/// The fewest digits of an id that name something.
const SHORTEST: usize = 4;

fn only<T: Copy>(typed: &str, fits: Vec<T>, show: impl Fn(&T) -> String) -> Result<T, NodeError> {
    match &fits[..] {
        [one] => Ok(*one),
        [] => Err(NodeError::NotFound(typed.to_owned())),
        several => Err(NodeError::Ambiguous {
            typed: typed.to_owned(),
            candidates: several.iter().map(show).collect(),
        }),
    }
}
