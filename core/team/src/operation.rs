use firsthand_ids::{DeviceKey, Digest, ExchangeKey, OperationHash, PersonId, TeamId};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::{DeviceSecret, LogError, MAX_MEMBERSHIP_HEADS, Signature, signed_by};

use crate::body::device_message;
use crate::epoch::{BOXES, EPOCH, MAX_EPOCH_BODY_BYTES};
use crate::{Body, Decision, TeamError};

/// The longest name of a team or person: 120 bytes hold 40 characters of any script.
pub const MAX_NAME_BYTES: usize = 120;
/// The largest operation: the parents of a team long apart, and a key sealed to 400 devices.
pub const MAX_OPERATION_BYTES: usize = 50 * 1024;
/// The largest that carries no sealed keys: the parents of a team long apart, and the chains that a revocation names.
const MAX_PLAIN_OPERATION_BYTES: usize = 5120;
const MAX_BODY_BYTES: usize = 2560;
const VERSION: u8 = 1;

/// The id of the person whose first device is `device`.
#[must_use]
pub fn person_id(device: &DeviceKey) -> PersonId {
    PersonId::new(Digest::new("firsthand person v1").fixed(device).finish_short())
}

/// One signed operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The device that signed it.
    pub author: DeviceKey,
    /// The author's how-manieth operation, from 1.
    pub sequence: u64,
    /// The heads its author had seen, sorted; empty for the founding operation alone.
    pub parents: Vec<OperationHash>,
    /// What it does.
    pub body: Body,
    /// The author's signature under the operation's hash.
    pub signature: Signature,
}

impl Operation {
    /// What a joining device signs to agree to be added: its two keys and its name, for this team alone.
    #[must_use]
    pub fn consent(team: &TeamId, device: &DeviceKey, exchange: &ExchangeKey, name: &str) -> [u8; 32] {
        let mut digest = Digest::new("firsthand consent v1");
        digest.fixed(team).fixed(device).fixed(exchange).sized(name.as_bytes()).finish()
    }

    /// What a new device of a person signs to agree to be added.
    #[must_use]
    pub fn device_consent(
        team: &TeamId,
        person: &PersonId,
        device: &DeviceKey,
        exchange: &ExchangeKey,
    ) -> [u8; 32] {
        device_message("firsthand device consent v1", team, person, device, exchange)
    }

    /// What a device signs to say that a new one is its person's.
    #[must_use]
    pub fn device_endorsement(
        team: &TeamId,
        person: &PersonId,
        device: &DeviceKey,
        exchange: &ExchangeKey,
    ) -> [u8; 32] {
        device_message("firsthand device endorsement v1", team, person, device, exchange)
    }

    /// What the recovery keys sign: a decision in one operation, whose author, place and parents are fixed, so that it can be
    /// used once.
    #[must_use]
    pub fn recovery(
        team: &TeamId,
        author: &DeviceKey,
        sequence: u64,
        parents: &[OperationHash],
        decision: &Decision,
    ) -> [u8; 32] {
        let mut digest = Digest::new("firsthand recovery v1");
        digest.fixed(team).fixed(author).number(sequence).number(parents.len() as u64);
        for parent in parents {
            digest.fixed(parent);
        }
        decision.enter(&mut digest);
        digest.finish()
    }

    /// Signs an operation. `team` is `None` for the founding operation, whose hash becomes the team's id.
    #[must_use]
    pub fn sign(
        secret: &DeviceSecret,
        team: Option<&TeamId>,
        sequence: u64,
        parents: Vec<OperationHash>,
        body: Body,
    ) -> Self {
        let mut operation = Self { author: secret.key(), sequence, parents, body, signature: [0; 64] };
        operation.signature = secret.sign(operation.hash(team).as_bytes());
        operation
    }

    /// The operation's hash, which does not cover the signature.
    #[must_use]
    pub fn hash(&self, team: Option<&TeamId>) -> OperationHash {
        let mut digest = Digest::new("firsthand operation v1");
        match team {
            Some(team) => digest.number(1).fixed(team),
            None => digest.number(0),
        };
        OperationHash::new(digest.sized(&self.unsigned()).finish())
    }

    /// Checks the author's signature and gives the operation's hash.
    ///
    /// # Errors
    /// [`TeamError::Signature`].
    pub fn verify(&self, team: Option<&TeamId>) -> Result<OperationHash, TeamError> {
        let hash = self.hash(team);
        if signed_by(&self.author, hash.as_bytes(), &self.signature) {
            Ok(hash)
        } else {
            Err(TeamError::Signature)
        }
    }

    /// The operation's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.unsigned();
        bytes.extend_from_slice(&self.signature);
        bytes
    }

    fn unsigned(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.byte(VERSION).fixed(self.author).number(self.sequence).number(self.parents.len() as u64);
        for parent in &self.parents {
            out.fixed(parent);
        }
        let (kind, body) = self.body.encode();
        out.byte(kind).sized(&body);
        out.into_bytes()
    }

    /// Reads an operation, strictly: every byte has its meaning, and a value has one encoding.
    ///
    /// # Errors
    /// [`TeamError::Malformed`] or [`TeamError::Name`].
    pub fn decode(bytes: &[u8]) -> Result<Self, TeamError> {
        if bytes.len() > MAX_OPERATION_BYTES {
            let limit = MAX_OPERATION_BYTES as u64;
            return Err(LogError::TooLarge { what: "membership operation", limit }.into());
        }
        let mut reader = Reader::new(bytes);
        if reader.byte("operation version")? != VERSION {
            return Err(LogError::Newer { what: "membership operation" }.into());
        }
        let author = DeviceKey::new(reader.array("author")?);
        let sequence = reader.number("sequence")?;
        let count = reader.count(MAX_MEMBERSHIP_HEADS, "parents")?;
        let mut parents: Vec<OperationHash> = Vec::with_capacity(count);
        for _ in 0..count {
            let parent = OperationHash::new(reader.array("parent")?);
            if parents.last().is_some_and(|last| *last >= parent) {
                return Err(reader.malformed("parents").into());
            }
            parents.push(parent);
        }
        let kind = reader.byte("operation kind")?;
        let sealed = matches!(kind, EPOCH | BOXES);
        if !sealed && bytes.len() > MAX_PLAIN_OPERATION_BYTES {
            let limit = MAX_PLAIN_OPERATION_BYTES as u64;
            return Err(LogError::TooLarge { what: "membership operation", limit }.into());
        }
        let limit = if sealed { MAX_EPOCH_BODY_BYTES } else { MAX_BODY_BYTES };
        let body = Body::decode(kind, reader.sized(limit, "operation body")?)?;
        let signature = reader.array("signature")?;
        reader.finish("operation")?;
        Ok(Self { author, sequence, parents, body, signature })
    }
}

/// A name as it may stand in an operation.
pub(crate) fn check_name(name: &str) -> Result<String, TeamError> {
    let fits = !name.trim().is_empty() && name.len() <= MAX_NAME_BYTES && !name.chars().any(controls);
    if fits { Ok(name.to_owned()) } else { Err(TeamError::Name { max: MAX_NAME_BYTES }) }
}

/// Control characters, line and paragraph separators, and the marks that turn or isolate the direction of the text
/// around them: with those a name could make the words beside it read differently. The marks that Arabic, Persian and
/// Indic spelling needs (U+200C to U+200F) stay.
fn controls(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
