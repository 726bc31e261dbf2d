use firsthand_ids::{DeviceKey, Digest, ExchangeKey, OperationHash, PersonId, TeamId};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::{DeviceSecret, LogError, MAX_MEMBERSHIP_HEADS, Signature, signed_by};

use crate::{Role, TeamError};

/// The longest name of a team or person: 120 bytes hold 40 characters of any script.
pub const MAX_NAME_BYTES: usize = 120;
/// The largest operation: the parents of a team long apart, two names and keys.
pub const MAX_OPERATION_BYTES: usize = 4096;
const MAX_BODY_BYTES: usize = 1024;
const VERSION: u8 = 1;

/// The id of the person whose first device is `device`.
#[must_use]
pub fn person_id(device: &DeviceKey) -> PersonId {
    PersonId::new(Digest::new("firsthand person v1").fixed(device).finish_short())
}

/// What an operation does.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// Founds the team; its author is the first lead.
    Found {
        /// The team's name.
        team_name: String,
        /// The founder's name.
        name: String,
        /// The founder's channel key.
        exchange: ExchangeKey,
        /// Known to members only; authenticates channels before any key is shown, so that a stranger on the same
        /// network learns nothing.
        discovery_secret: [u8; 32],
        /// Makes the team's id unpredictable.
        nonce: [u8; 16],
    },
    /// Adds a person with their first device.
    Add {
        /// The person's name.
        name: String,
        /// Their role.
        role: Role,
        /// The device that signs for them.
        device: DeviceKey,
        /// Its channel key.
        exchange: ExchangeKey,
        /// The device's signature under [`Operation::consent`]: nobody is added without holding the keys.
        consent: Signature,
    },
    /// Names whom the author's person talks to after a hard day, or that they do so no more. From then on what they note about
    /// that stands in a new space, which only the two read.
    Care {
        /// The care contact.
        contact: Option<PersonId>,
    },
    /// Something a newer version defines: verified, kept and passed on, without effect here.
    Other {
        /// Its kind, 4 or more.
        kind: u8,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

impl std::fmt::Debug for Body {
    // Names and secrets stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Found { .. } => f.write_str("Found(..)"),
            Self::Add { device, role, .. } => write!(f, "Add({device:?}, {role:?})"),
            Self::Care { .. } => f.write_str("Care(..)"),
            Self::Other { kind, .. } => write!(f, "Other({kind})"),
        }
    }
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
        let mut body = Writer::new();
        let kind = match &self.body {
            Body::Found { team_name, name, exchange, discovery_secret, nonce } => {
                body.sized(team_name.as_bytes()).sized(name.as_bytes());
                body.fixed(exchange).fixed(discovery_secret).fixed(nonce);
                1
            }
            Body::Add { name, role, device, exchange, consent } => {
                body.sized(name.as_bytes()).byte(role.number());
                body.fixed(device).fixed(exchange).fixed(consent);
                2
            }
            Body::Care { contact } => {
                if let Some(contact) = contact {
                    body.fixed(contact);
                }
                3
            }
            Body::Other { kind, bytes } => {
                body.fixed(bytes);
                *kind
            }
        };
        out.byte(kind).sized(&body.into_bytes());
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
        let body = decode_body(kind, reader.sized(MAX_BODY_BYTES, "operation body")?)?;
        let signature = reader.array("signature")?;
        reader.finish("operation")?;
        Ok(Self { author, sequence, parents, body, signature })
    }
}

fn decode_body(kind: u8, bytes: &[u8]) -> Result<Body, TeamError> {
    let mut reader = Reader::new(bytes);
    let body = match kind {
        0 => return Err(reader.malformed("operation kind").into()),
        1 => Body::Found {
            team_name: name(&mut reader)?,
            name: name(&mut reader)?,
            exchange: ExchangeKey::new(reader.array("channel key")?),
            discovery_secret: reader.array("discovery secret")?,
            nonce: reader.array("nonce")?,
        },
        2 => Body::Add {
            name: name(&mut reader)?,
            role: match Role::from_number(reader.byte("role")?) {
                Role::Other(0) => return Err(reader.malformed("role").into()),
                role => role,
            },
            device: DeviceKey::new(reader.array("device key")?),
            exchange: ExchangeKey::new(reader.array("channel key")?),
            consent: reader.array("consent")?,
        },
        3 if bytes.is_empty() => Body::Care { contact: None },
        3 => Body::Care { contact: Some(PersonId::new(reader.array("care contact")?)) },
        kind => Body::Other { kind, bytes: reader.rest().to_vec() },
    };
    reader.finish("operation body")?;
    Ok(body)
}

fn name(reader: &mut Reader<'_>) -> Result<String, TeamError> {
    check_name(reader.text(MAX_NAME_BYTES, "name")?)
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
