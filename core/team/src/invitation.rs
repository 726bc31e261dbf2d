use firsthand_ids::{DeviceKey, Digest, ExchangeKey, PersonId, TeamId};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::{DeviceSecret, Signature, signed_by};
use zeroize::Zeroize;

use crate::code::{read_addresses, read_code, write_addresses, write_code};
use crate::operation::check_name;
use crate::{MAX_NAME_BYTES, Operation, TeamError};

const PREFIX: &str = "FH1";
const DEVICE_PREFIX: &str = "FHD1";

/// Sixteen bytes that name a channel key without showing it.
#[must_use]
pub fn exchange_key_hash(key: &ExchangeKey) -> [u8; 16] {
    Digest::new("firsthand channel key v1").fixed(key).finish_short()
}

/// What a lead hands to somebody who is to join, or a person to another device of theirs, as a QR code or typed text.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The team.
    pub team: TeamId,
    /// Names the inviter's channel key, so that the joiner speaks with nobody else.
    pub inviter: [u8; 16],
    /// Used once; the handshake's pre-shared key comes from it (docs/formats/join.md).
    pub secret: [u8; 16],
    /// Whose further device is to be added; `None` where a person is to join.
    pub device_of: Option<PersonId>,
    /// Where the inviter listens: `host:port` in at most 64 visible ASCII characters, at most eight of them.
    pub addresses: Vec<String>,
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Invitation({:?})", self.team)
    }
}

impl Drop for Invitation {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl Invitation {
    /// The code: `FH1`, or `FHD1` for a further device, and base 32 (RFC 4648, no padding), capital letters and digits only, as QR
    /// codes hold best. Addresses that do not fit are left out.
    #[must_use]
    pub fn to_code(&self) -> String {
        let mut out = Writer::new();
        out.byte(1).fixed(self.team).fixed(self.inviter).fixed(self.secret);
        if let Some(person) = &self.device_of {
            out.fixed(person);
        }
        write_addresses(&mut out, &self.addresses);
        write_code(if self.device_of.is_some() { DEVICE_PREFIX } else { PREFIX }, out)
    }

    /// Reads a code as it was scanned or typed: lower case, spaces and hyphens are fine.
    ///
    /// # Errors
    /// [`TeamError::Invitation`] for anything else; four bytes of a hash tell a code from a mistyped one.
    pub fn from_code(code: &str) -> Result<Self, TeamError> {
        let (of_device, bytes) = match read_code(DEVICE_PREFIX, code) {
            Some(bytes) => (true, bytes),
            None => (false, read_code(PREFIX, code).ok_or(TeamError::Invitation)?),
        };
        Self::decode(&bytes, of_device).map_err(|_| TeamError::Invitation)
    }

    fn decode(bytes: &[u8], of_device: bool) -> Result<Self, TeamError> {
        let mut reader = Reader::new(bytes);
        if reader.byte("invitation version")? != 1 {
            return Err(TeamError::Invitation);
        }
        let team = TeamId::new(reader.array("team")?);
        let (inviter, secret) = (reader.array("inviter")?, reader.array("secret")?);
        let device_of = if of_device { Some(PersonId::new(reader.array("person")?)) } else { None };
        let addresses = read_addresses(&mut reader)?;
        reader.finish("invitation")?;
        Ok(Self { team, inviter, secret, device_of, addresses })
    }
}

/// What a joining device sends once both people have compared the words.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinRequest {
    /// The name the person chose.
    pub name: String,
    /// The device's signing key.
    pub device: DeviceKey,
    /// Its signature under [`Operation::consent`].
    pub consent: Signature,
}

impl std::fmt::Debug for JoinRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JoinRequest({:?})", self.device)
    }
}

impl JoinRequest {
    /// Signs a request to join `team` on the channel authenticated by `exchange`.
    ///
    /// # Errors
    /// [`TeamError::Name`].
    pub fn sign(
        secret: &DeviceSecret,
        team: &TeamId,
        exchange: &ExchangeKey,
        name: &str,
    ) -> Result<Self, TeamError> {
        let name = check_name(name)?;
        let device = secret.key();
        let consent = secret.sign(&Operation::consent(team, &device, exchange, &name));
        Ok(Self { name, device, consent })
    }

    /// Checks that the device agreed to exactly this.
    ///
    /// # Errors
    /// [`TeamError::Signature`].
    pub fn verify(&self, team: &TeamId, exchange: &ExchangeKey) -> Result<(), TeamError> {
        let message = Operation::consent(team, &self.device, exchange, &self.name);
        if signed_by(&self.device, &message, &self.consent) { Ok(()) } else { Err(TeamError::Signature) }
    }

    /// The request's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.byte(1).sized(self.name.as_bytes()).fixed(self.device).fixed(self.consent);
        out.into_bytes()
    }

    /// Reads a request.
    ///
    /// # Errors
    /// [`TeamError::Malformed`] or [`TeamError::Name`].
    pub fn decode(bytes: &[u8]) -> Result<Self, TeamError> {
        let mut reader = Reader::new(bytes);
        if reader.byte("request version")? != 1 {
            return Err(firsthand_log::LogError::Newer { what: "join request" }.into());
        }
        let name = check_name(reader.text(MAX_NAME_BYTES, "name")?)?;
        let device = DeviceKey::new(reader.array("device key")?);
        let consent = reader.array("consent")?;
        reader.finish("join request")?;
        Ok(Self { name, device, consent })
    }
}
