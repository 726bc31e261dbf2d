//! Operations that this device makes.

use firsthand_ids::{
    DeviceKey, EntryHash, ExchangeKey, OperationHash, PersonId, Position, SpaceId, WriterId,
};
use firsthand_log::{DeviceSecret, Signature};

use crate::fold::Standing;
use crate::operation::check_name;
use crate::past::Past;
use crate::{
    Body, Cut, Decision, Inserted, JoinRequest, MAX_CUTS, MAX_RELAYS, Membership, Operation, Reason,
    RelayAddress, Role, Target, TeamError, TeamRelay,
};

/// A new operation: its hash, and its bytes.
type Signed = (OperationHash, Vec<u8>);

impl Membership {
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
    ) -> Result<Signed, TeamError> {
        let (past, by) = self.author(secret)?;
        if !by.role.rights().add {
            return Err(TeamError::NotAllowed);
        }
        let name = check_name(&request.name)?;
        request.verify(self.team(), &exchange)?;
        let (device, consent) = (request.device, request.consent);
        if self.fold.claimed(&exchange, &device, &past) {
            return Err(TeamError::KeyTaken);
        }
        self.sign(secret, Body::Add { name, role, device, exchange, consent })
    }

    /// Names whom this device's person talks to after a hard day; `None`: nobody any more. Returns the operation's bytes.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] where the device is not admitted, or the contact is no member or the person themself.
    pub fn name_care_contact(
        &mut self,
        secret: &DeviceSecret,
        contact: Option<PersonId>,
    ) -> Result<Signed, TeamError> {
        let (_, by) = self.author(secret)?;
        let fits = |contact: PersonId| contact != by.person && self.roster().members.contains_key(&contact);
        if !contact.is_none_or(fits) {
            return Err(TeamError::NotAllowed);
        }
        self.sign(secret, Body::Care { contact })
    }

    /// Makes a network of teams of what this device has just founded. Returns the operation's bytes.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] for anybody else, and once anything else was signed.
    pub fn make_network(&mut self, secret: &DeviceSecret) -> Result<Signed, TeamError> {
        let (past, by) = self.author(secret)?;
        if past.iter().count() != 1 || by.person != crate::person_id(&secret.key()) {
            return Err(TeamError::NotAllowed);
        }
        self.sign(secret, Body::Network)
    }

    /// Gives a person another role.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] without the right; [`TeamError::NotFound`] for somebody who does not belong to the team.
    pub fn grant(
        &mut self,
        secret: &DeviceSecret,
        person: PersonId,
        role: Role,
    ) -> Result<Signed, TeamError> {
        self.lead(secret)?;
        if !self.roster().members.contains_key(&person) {
            return Err(TeamError::NotFound);
        }
        self.sign(secret, Body::Grant { person, role, device: None })
    }

    /// Lets a removed device return. What it had written behind the cut stays held.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] without the right; [`TeamError::NotFound`] for a device that was not removed.
    pub fn readmit(
        &mut self,
        secret: &DeviceSecret,
        device: DeviceKey,
        role: Role,
    ) -> Result<Signed, TeamError> {
        self.lead(secret)?;
        let person = self.roster().removed.get(&device).ok_or(TeamError::NotFound)?.person;
        self.sign(secret, Body::Grant { person, role, device: Some(device) })
    }

    /// Takes a device or a person out of the team. `cuts` say how far their chains stay; a revocation of somebody who is out already
    /// raises the cuts.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] without the right: leads may take out anybody, others themself and their own devices.
    /// [`TeamError::NotFound`] for what was never in the team.
    pub fn revoke(
        &mut self,
        secret: &DeviceSecret,
        target: Target,
        reason: Reason,
        mut cuts: Vec<Cut>,
    ) -> Result<Signed, TeamError> {
        let (_, by) = self.author(secret)?;
        let roster = self.roster();
        let owner = match target {
            Target::Device(device) => roster.owner(&device).ok_or(TeamError::NotFound)?,
            Target::Person(person) => {
                roster.known(&person).ok_or(TeamError::NotFound)?;
                person
            }
        };
        if !by.role.rights().remove && owner != by.person {
            return Err(TeamError::NotAllowed);
        }
        cuts.sort_by_key(|cut| std::cmp::Reverse(cut.position));
        cuts.truncate(MAX_CUTS);
        cuts.sort_by_key(|cut| (cut.space, cut.writer));
        cuts.dedup_by_key(|cut| (cut.space, cut.writer));
        self.sign(secret, Body::Revoke { target, reason, cuts })
    }

    /// Says that this device's person stands behind a revocation.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] where they may write nothing; [`TeamError::NotFound`] where there is no such revocation.
    pub fn confirm(&mut self, secret: &DeviceSecret, revocation: OperationHash) -> Result<Signed, TeamError> {
        let (_, by) = self.author(secret)?;
        if !by.role.rights().write {
            return Err(TeamError::NotAllowed);
        }
        let is = self.operation(&revocation).map(|it| &it.body);
        if !matches!(is, Some(Body::Revoke { .. })) {
            return Err(TeamError::NotFound);
        }
        self.sign(secret, Body::Confirm { revocation })
    }

    /// Releases an entry behind a cut, with what it builds on in its document.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] without the right.
    pub fn adopt(
        &mut self,
        secret: &DeviceSecret,
        space: SpaceId,
        writer: WriterId,
        position: Position,
        hash: EntryHash,
    ) -> Result<Signed, TeamError> {
        self.lead(secret)?;
        self.sign(secret, Body::Adopt { space, writer, position, hash })
    }

    /// Adds a relay, or says anew how it is reached and with what token; `leads` is the leads' key there.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] without the right; [`TeamError::RelayAddress`]; [`TeamError::TooManyRelays`].
    pub fn add_relay(
        &mut self,
        secret: &DeviceSecret,
        relay: TeamRelay,
        leads: DeviceKey,
    ) -> Result<Signed, TeamError> {
        self.lead(secret)?;
        RelayAddress::parse(&relay.address)?;
        let others = self.roster().relays.iter().filter(|it| it.key != relay.key).count();
        if others >= MAX_RELAYS {
            return Err(TeamError::TooManyRelays { limit: MAX_RELAYS });
        }
        self.sign(secret, Body::AddRelay { relay, leads })
    }

    /// Drops a relay.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] without the right; [`TeamError::NotFound`] where it is none of the team's.
    pub fn drop_relay(&mut self, secret: &DeviceSecret, key: ExchangeKey) -> Result<Signed, TeamError> {
        self.lead(secret)?;
        if !self.roster().relays.iter().any(|it| it.key == key) {
            return Err(TeamError::NotFound);
        }
        self.sign(secret, Body::DropRelay { key })
    }

    /// Adds a device of a person: `consent` is the new device's signature, `endorsement` that of the device `by`, which the
    /// person has already.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] without the right; [`TeamError::NotFound`] where `by` is not in the team;
    /// [`TeamError::KeyTaken`] where another device has that channel key, or the device is somebody else's;
    /// [`TeamError::Signature`] where a signature is wrong.
    pub fn add_device(
        &mut self,
        secret: &DeviceSecret,
        device: DeviceKey,
        exchange: ExchangeKey,
        consent: Signature,
        by: DeviceKey,
        endorsement: Signature,
    ) -> Result<Signed, TeamError> {
        let past = self.lead(secret)?;
        let (person, _) = self.roster().member(&by).ok_or(TeamError::NotFound)?;
        let theirs = self.fold.ever(&device, &past).is_none_or(|it| it.person == person);
        if !theirs || self.fold.claimed(&exchange, &device, &past) {
            return Err(TeamError::KeyTaken);
        }
        self.sign(secret, Body::AddDevice { person, device, exchange, consent, by, endorsement })
    }

    /// Hands in what the holders of recovery keys decide together.
    ///
    /// # Errors
    /// [`TeamError::Recovery`] where the keys are too few or not this team's; [`TeamError::NotFound`] for a person or revocation that
    /// is not here.
    pub fn recover(
        &mut self,
        secret: &DeviceSecret,
        decision: Decision,
        keys: &[DeviceSecret],
    ) -> Result<Signed, TeamError> {
        let found = match &decision {
            Decision::Lead(person) => self.roster().known(person).is_some(),
            Decision::Back(hash) => self.operation(hash).is_some(),
        };
        if !found {
            return Err(TeamError::NotFound);
        }
        let quorum = self.recovery().ok_or(TeamError::Recovery)?;
        let (author, parents) = (secret.key(), self.heads());
        let past = self.past(&parents).ok_or(TeamError::Incomplete)?;
        let sequence = self.own(&author, &past) + 1;
        let message = Operation::recovery(self.team(), &author, sequence, &parents, &decision);
        let mut signatures = Vec::new();
        for key in keys {
            let at = quorum.place(key).ok_or(TeamError::Recovery)?;
            signatures.push((at, key.sign(&message)));
        }
        signatures.sort_unstable_by_key(|(at, _)| *at);
        signatures.dedup_by_key(|(at, _)| *at);
        self.sign(secret, Body::Recover { decision, signatures })
    }

    fn author(&self, secret: &DeviceSecret) -> Result<(Past, Standing), TeamError> {
        let past = self.past(&self.heads()).ok_or(TeamError::Incomplete)?;
        let standing = self.fold.standing(&self.operations, &secret.key(), &past);
        Ok((past, standing.ok_or(TeamError::NotAllowed)?))
    }

    fn lead(&self, secret: &DeviceSecret) -> Result<Past, TeamError> {
        let (past, by) = self.author(secret)?;
        if by.role.rights().remove { Ok(past) } else { Err(TeamError::NotAllowed) }
    }

    pub(crate) fn sign(&mut self, secret: &DeviceSecret, body: Body) -> Result<Signed, TeamError> {
        let (author, parents) = (secret.key(), self.heads());
        let past = self.past(&parents).ok_or(TeamError::Incomplete)?;
        let sequence = self.own(&author, &past) + 1;
        let bytes = Operation::sign(secret, Some(self.team()), sequence, parents, body).encode();
        match self.insert(&bytes)? {
            Inserted::Added(hash) => Ok((hash, bytes)),
            Inserted::Known | Inserted::Early => Err(TeamError::Incomplete),
        }
    }
}
