//! A further device of a person: it asks, another one of theirs stands by it, and a lead adds it.

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash, PersonId, TeamId};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::{DeviceSecret, LogError, Signature, signed_by};

use crate::code::{read_addresses, read_code, write_addresses, write_code};
use crate::{Membership, Operation, TeamError};

const PREFIX: &str = "FHE1";

/// What a new device of a person sends once that person has compared the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRequest {
    /// The new device's signing key.
    pub device: DeviceKey,
    /// Its signature under [`Operation::device_consent`].
    pub consent: Signature,
}

impl DeviceRequest {
    /// Signs a request to become a device of `person` on the channel authenticated by `exchange`.
    #[must_use]
    pub fn sign(secret: &DeviceSecret, team: &TeamId, person: &PersonId, exchange: &ExchangeKey) -> Self {
        let device = secret.key();
        let consent = secret.sign(&Operation::device_consent(team, person, &device, exchange));
        Self { device, consent }
    }

    /// The request's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.byte(1).fixed(self.device).fixed(self.consent);
        out.into_bytes()
    }

    /// Reads a request.
    ///
    /// # Errors
    /// [`TeamError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, TeamError> {
        let mut reader = Reader::new(bytes);
        if reader.byte("request version")? != 1 {
            return Err(LogError::Newer { what: "device request" }.into());
        }
        let device = DeviceKey::new(reader.array("device key")?);
        let consent = reader.array("consent")?;
        reader.finish("device request")?;
        Ok(Self { device, consent })
    }
}

/// What a person's device hands to a lead: a new device, and that it is this person's. Signed by both devices, so whoever carries it can
/// change nothing in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceProposal {
    /// The team.
    pub team: TeamId,
    /// The new device.
    pub device: DeviceKey,
    /// Its channel key.
    pub exchange: ExchangeKey,
    /// Its signature under [`Operation::device_consent`].
    pub consent: Signature,
    /// A device that the person has already.
    pub by: DeviceKey,
    /// Its signature under [`Operation::device_endorsement`].
    pub endorsement: Signature,
    /// Where that device waits to hear of the answer, as in [`crate::Invitation`].
    pub addresses: Vec<String>,
}

impl DeviceProposal {
    /// The code: `FHE1` and base 32, as in [`crate::Invitation::to_code`].
    #[must_use]
    pub fn to_code(&self) -> String {
        let mut out = Writer::new();
        out.byte(1).fixed(self.team).fixed(self.device).fixed(self.exchange).fixed(self.consent);
        out.fixed(self.by).fixed(self.endorsement);
        write_addresses(&mut out, &self.addresses);
        write_code(PREFIX, out)
    }

    /// Reads a code as it was scanned or typed.
    ///
    /// # Errors
    /// [`TeamError::Invitation`] for anything else.
    pub fn from_code(code: &str) -> Result<Self, TeamError> {
        let bytes = read_code(PREFIX, code).ok_or(TeamError::Invitation)?;
        Self::decode(&bytes).map_err(|_| TeamError::Invitation)
    }

    fn decode(bytes: &[u8]) -> Result<Self, TeamError> {
        let mut reader = Reader::new(bytes);
        if reader.byte("proposal version")? != 1 {
            return Err(TeamError::Invitation);
        }
        let proposal = Self {
            team: TeamId::new(reader.array("team")?),
            device: DeviceKey::new(reader.array("device key")?),
            exchange: ExchangeKey::new(reader.array("channel key")?),
            consent: reader.array("consent")?,
            by: DeviceKey::new(reader.array("device key")?),
            endorsement: reader.array("endorsement")?,
            addresses: read_addresses(&mut reader)?,
        };
        reader.finish("proposal")?;
        Ok(proposal)
    }
}

impl Membership {
    /// Stands by a new device of this device's person, which asked on the channel authenticated by `exchange`. What comes of it is for a
    /// lead.
    ///
    /// # Errors
    /// [`TeamError::NotAllowed`] where this device is not admitted; [`TeamError::Signature`] where the request is not for this
    /// team, person and channel; [`TeamError::KeyTaken`] where the device was somebody else's.
    pub fn endorse(
        &self,
        secret: &DeviceSecret,
        request: &DeviceRequest,
        exchange: ExchangeKey,
    ) -> Result<DeviceProposal, TeamError> {
        let (by, DeviceRequest { device, consent }) = (secret.key(), request);
        let (person, _) = self.roster().member(&by).ok_or(TeamError::NotAllowed)?;
        let message = Operation::device_consent(self.team(), &person, device, &exchange);
        if !signed_by(device, &message, consent) {
            return Err(TeamError::Signature);
        }
        if self.roster().owner(device).is_some_and(|owner| owner != person) {
            return Err(TeamError::KeyTaken);
        }
        let endorsement =
            secret.sign(&Operation::device_endorsement(self.team(), &person, device, &exchange));
        let (team, device, consent) = (*self.team(), *device, *consent);
        Ok(DeviceProposal { team, device, exchange, consent, by, endorsement, addresses: Vec::new() })
    }

    /// Adds the device of a proposal, and returns the operation's bytes.
    ///
    /// # Errors
    /// [`TeamError::OtherTeam`], and as [`Membership::add_device`].
    pub fn admit_device(
        &mut self,
        secret: &DeviceSecret,
        proposal: &DeviceProposal,
    ) -> Result<(OperationHash, Vec<u8>), TeamError> {
        if proposal.team != *self.team() {
            return Err(TeamError::OtherTeam);
        }
        let (device, exchange, by) = (proposal.device, proposal.exchange, proposal.by);
        self.add_device(secret, device, exchange, proposal.consent, by, proposal.endorsement)
    }
}
