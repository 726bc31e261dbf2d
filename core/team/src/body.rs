//! What operations do, and their bytes.

use firsthand_ids::{
    DeviceKey, Digest, EntryHash, ExchangeKey, OperationHash, PersonId, Position, SpaceId, TeamId, WriterId,
};
use firsthand_log::Signature;
use firsthand_log::codec::{Reader, Writer};

use crate::epoch::{BOXES, EPOCH, EpochBoxes, NewEpoch};
use crate::operation::check_name;
use crate::relay::{ADD_RELAY, DROP_RELAY};
use crate::{MAX_NAME_BYTES, Quorum, Role, TeamError, TeamRelay};

/// The most chains that a revocation names: what a device writes into in years, 69 bytes each. Of a device with more, the
/// shortest chains are left out, and held until a lead raises the cut.
pub const MAX_CUTS: usize = 32;
/// The kind of the operation that makes a network of what was founded.
const NETWORK: u8 = 14;
/// The most recovery keys of a team.
pub const MAX_RECOVERY_KEYS: usize = 9;

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
        /// Who can make a new lead when the last one is lost.
        recovery: Option<Quorum>,
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
        /// The device's signature under [`crate::Operation::consent`]: nobody is added without holding the keys.
        consent: Signature,
    },
    /// Names whom the author's person talks to after a hard day, or that they do so no more. From then on what they note about
    /// that stands in a new space, which only the two read.
    Care {
        /// The care contact.
        contact: Option<PersonId>,
    },
    /// Gives a person another role, or lets one of their removed devices return.
    Grant {
        /// The person.
        person: PersonId,
        /// Their role from now on.
        role: Role,
        /// The device that returns.
        device: Option<DeviceKey>,
    },
    /// Takes a device, or a person with all their devices, out of the team.
    Revoke {
        /// What is taken out.
        target: Target,
        /// Why.
        reason: Reason,
        /// How far the chains of it stay, rising by space and writer; of a chain that is not named nothing stays.
        cuts: Vec<Cut>,
    },
    /// Adds a device of a person who belongs to the team.
    AddDevice {
        /// Whose it is.
        person: PersonId,
        /// The new device.
        device: DeviceKey,
        /// Its channel key.
        exchange: ExchangeKey,
        /// The new device's signature under [`crate::Operation::device_consent`].
        consent: Signature,
        /// Another device of that person.
        by: DeviceKey,
        /// Its signature under [`crate::Operation::device_endorsement`].
        endorsement: Signature,
    },
    /// Says that the author stands behind a revocation.
    Confirm {
        /// The revocation.
        revocation: OperationHash,
    },
    /// Releases an entry behind a cut, with what it builds on in its document.
    Adopt {
        /// The space of its chain.
        space: SpaceId,
        /// Its chain.
        writer: WriterId,
        /// Its place there.
        position: Position,
        /// Its hash.
        hash: EntryHash,
    },
    /// Something that the holders of enough recovery keys signed.
    Recover {
        /// What they decide.
        decision: Decision,
        /// Which keys signed [`crate::Operation::recovery`], and their signatures; rising by key.
        signatures: Vec<(u8, Signature)>,
    },
    /// Makes a key for the devices that read a space.
    Epoch(NewEpoch),
    /// Seals the key of an epoch to further devices.
    Boxes(EpochBoxes),
    /// Adds a relay that carries sealed entries between the team's devices, or says anew how to reach it.
    AddRelay {
        /// The relay.
        relay: TeamRelay,
        /// The key by which leads say there that a snapshot replaces ranges: every member registers mailboxes with it, and leads alone
        /// have its secret.
        leads: DeviceKey,
    },
    /// Drops a relay.
    DropRelay {
        /// Its static key.
        key: ExchangeKey,
    },
    /// Says, right after the founding, that this is no team but a network of teams: what is written there was made to be read by all of
    /// them.
    Network,
    /// Something a newer version defines: verified, kept and passed on, without effect here.
    Other {
        /// Its kind, 15 or more.
        kind: u8,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

/// What a revocation takes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// One device.
    Device(DeviceKey),
    /// A person with all devices that they have or are given at the same time.
    Person(PersonId),
}

/// Why somebody is taken out. It changes nothing of what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// They left.
    Left,
    /// The device is lost.
    Lost,
    /// The device was taken by somebody.
    Seized,
    /// The team removed them.
    Removed,
    /// A reason that a newer version defines.
    Other(u8),
}

impl Reason {
    const fn number(self) -> u8 {
        match self {
            Self::Left => 1,
            Self::Lost => 2,
            Self::Seized => 3,
            Self::Removed => 4,
            Self::Other(number) => number,
        }
    }

    const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Left,
            2 => Self::Lost,
            3 => Self::Seized,
            4 => Self::Removed,
            other => Self::Other(other),
        }
    }

    /// The word in commands and machine output.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Lost => "lost",
            Self::Seized => "seized",
            Self::Removed => "removed",
            Self::Other(_) => "unknown",
        }
    }
}

/// How far a chain stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The space.
    pub space: SpaceId,
    /// The chain.
    pub writer: WriterId,
    /// The last entry that stays; a signed head.
    pub position: Position,
    /// Its hash.
    pub hash: EntryHash,
}

/// What the holders of the recovery keys decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// This person leads, with all the devices they ever had.
    Lead(PersonId),
    /// This revocation stands before all others.
    Back(OperationHash),
}

impl Decision {
    pub(crate) fn enter(&self, digest: &mut Digest) {
        match self {
            Self::Lead(person) => digest.number(1).fixed(person),
            Self::Back(revocation) => digest.number(2).fixed(revocation),
        };
    }
}

impl std::fmt::Debug for Body {
    // Names and secrets stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Found { .. } => f.write_str("Found(..)"),
            Self::Add { device, role, .. } => write!(f, "Add({device:?}, {role:?})"),
            Self::Care { .. } => f.write_str("Care(..)"),
            Self::Grant { person, role, device } => write!(f, "Grant({person:?}, {role:?}, {device:?})"),
            Self::Revoke { target, reason, cuts } => {
                write!(f, "Revoke({target:?}, {reason:?}, {} chains)", cuts.len())
            }
            Self::AddDevice { person, device, .. } => write!(f, "AddDevice({person:?}, {device:?})"),
            Self::Confirm { revocation } => write!(f, "Confirm({revocation:?})"),
            Self::Adopt { writer, position, .. } => write!(f, "Adopt({writer:?}, {position:?})"),
            Self::Recover { decision, .. } => write!(f, "Recover({decision:?})"),
            Self::Epoch(epoch) => write!(f, "Epoch({:?})", epoch.space),
            Self::Boxes(boxes) => write!(f, "Boxes({:?})", boxes.epoch),
            Self::AddRelay { .. } => f.write_str("AddRelay(..)"),
            Self::DropRelay { key } => write!(f, "DropRelay({key:?})"),
            Self::Network => f.write_str("Network"),
            Self::Other { kind, .. } => write!(f, "Other({kind})"),
        }
    }
}

impl Body {
    /// The kind's number, and the bytes.
    pub(crate) fn encode(&self) -> (u8, Vec<u8>) {
        let mut out = Writer::new();
        let kind = match self {
            Self::Found { team_name, name, exchange, discovery_secret, nonce, recovery } => {
                out.sized(team_name.as_bytes()).sized(name.as_bytes());
                out.fixed(exchange).fixed(discovery_secret).fixed(nonce);
                if let Some(quorum) = recovery {
                    out.byte(quorum.needed).byte(quorum.keys.len() as u8);
                    for key in &quorum.keys {
                        out.fixed(key);
                    }
                }
                1
            }
            Self::Add { name, role, device, exchange, consent } => {
                out.sized(name.as_bytes()).byte(role.number());
                out.fixed(device).fixed(exchange).fixed(consent);
                2
            }
            Self::Care { contact } => {
                if let Some(contact) = contact {
                    out.fixed(contact);
                }
                3
            }
            Self::Grant { person, role, device } => {
                out.fixed(person).byte(role.number());
                if let Some(device) = device {
                    out.fixed(device);
                }
                4
            }
            Self::Revoke { target, reason, cuts } => {
                match target {
                    Target::Device(device) => out.byte(1).fixed(device),
                    Target::Person(person) => out.byte(2).fixed(person),
                };
                out.byte(reason.number()).number(cuts.len() as u64);
                for cut in cuts {
                    out.fixed(cut.space).fixed(cut.writer).number(cut.position.0).fixed(cut.hash);
                }
                5
            }
            Self::AddDevice { person, device, exchange, consent, by, endorsement } => {
                out.fixed(person).fixed(device).fixed(exchange).fixed(consent);
                out.fixed(by).fixed(endorsement);
                6
            }
            Self::Confirm { revocation } => {
                out.fixed(revocation);
                7
            }
            Self::Adopt { space, writer, position, hash } => {
                out.fixed(space).fixed(writer).number(position.0).fixed(hash);
                8
            }
            Self::Recover { decision, signatures } => {
                match decision {
                    Decision::Lead(person) => out.byte(1).fixed(person),
                    Decision::Back(revocation) => out.byte(2).fixed(revocation),
                };
                out.byte(signatures.len() as u8);
                for (key, signature) in signatures {
                    out.byte(*key).fixed(signature);
                }
                9
            }
            Self::Epoch(epoch) => {
                epoch.encode(&mut out);
                EPOCH
            }
            Self::Boxes(boxes) => {
                boxes.encode(&mut out);
                BOXES
            }
            Self::AddRelay { relay, leads } => {
                relay.encode(&mut out);
                out.fixed(leads);
                ADD_RELAY
            }
            Self::DropRelay { key } => {
                out.fixed(key);
                DROP_RELAY
            }
            Self::Network => NETWORK,
            Self::Other { kind, bytes } => {
                out.fixed(bytes);
                *kind
            }
        };
        (kind, out.into_bytes())
    }

    pub(crate) fn decode(kind: u8, bytes: &[u8]) -> Result<Self, TeamError> {
        let mut reader = Reader::new(bytes);
        let body = match kind {
            0 => return Err(reader.malformed("operation kind").into()),
            1 => Self::Found {
                team_name: name(&mut reader)?,
                name: name(&mut reader)?,
                exchange: ExchangeKey::new(reader.array("channel key")?),
                discovery_secret: reader.array("discovery secret")?,
                nonce: reader.array("nonce")?,
                recovery: quorum(&mut reader)?,
            },
            2 => Self::Add {
                name: name(&mut reader)?,
                role: role(&mut reader)?,
                device: DeviceKey::new(reader.array("device key")?),
                exchange: ExchangeKey::new(reader.array("channel key")?),
                consent: reader.array("consent")?,
            },
            3 if bytes.is_empty() => Self::Care { contact: None },
            3 => Self::Care { contact: Some(PersonId::new(reader.array("care contact")?)) },
            4 => {
                let person = PersonId::new(reader.array("person")?);
                let role = role(&mut reader)?;
                let device = if reader.finish("device key").is_ok() {
                    None
                } else {
                    Some(DeviceKey::new(reader.array("device key")?))
                };
                Self::Grant { person, role, device }
            }
            5 => revoke(&mut reader)?,
            6 => Self::AddDevice {
                person: PersonId::new(reader.array("person")?),
                device: DeviceKey::new(reader.array("device key")?),
                exchange: ExchangeKey::new(reader.array("channel key")?),
                consent: reader.array("consent")?,
                by: DeviceKey::new(reader.array("device key")?),
                endorsement: reader.array("endorsement")?,
            },
            7 => Self::Confirm { revocation: OperationHash::new(reader.array("revocation")?) },
            8 => Self::Adopt {
                space: SpaceId::new(reader.array("space")?),
                writer: WriterId::new(reader.array("writer")?),
                position: position(&mut reader)?,
                hash: EntryHash::new(reader.array("entry hash")?),
            },
            9 => recover(&mut reader)?,
            EPOCH => Self::Epoch(NewEpoch::decode(&mut reader)?),
            BOXES => Self::Boxes(EpochBoxes::decode(&mut reader)?),
            ADD_RELAY => {
                let relay = TeamRelay::decode(&mut reader)?;
                Self::AddRelay { relay, leads: DeviceKey::new(reader.array("leads' key")?) }
            }
            DROP_RELAY => Self::DropRelay { key: ExchangeKey::new(reader.array("relay's key")?) },
            NETWORK => Self::Network,
            kind => Self::Other { kind, bytes: reader.rest().to_vec() },
        };
        reader.finish("operation body")?;
        Ok(body)
    }

    /// Whether only a newer version knows whom it admits.
    pub(crate) const fn is_opaque(&self) -> bool {
        matches!(
            self,
            Self::Other { .. }
                | Self::Add { role: Role::Other(_), .. }
                | Self::Grant { role: Role::Other(_), .. }
        )
    }

    /// Whether it can change which revocations stand.
    pub(crate) const fn weighs(&self) -> bool {
        matches!(
            self,
            Self::Revoke { .. } | Self::Confirm { .. } | Self::Recover { decision: Decision::Back(_), .. }
        )
    }
}

fn name(reader: &mut Reader<'_>) -> Result<String, TeamError> {
    check_name(reader.text(MAX_NAME_BYTES, "name")?)
}

fn role(reader: &mut Reader<'_>) -> Result<Role, TeamError> {
    match Role::from_number(reader.byte("role")?) {
        Role::Other(0) => Err(reader.malformed("role").into()),
        role => Ok(role),
    }
}

fn position(reader: &mut Reader<'_>) -> Result<Position, TeamError> {
    match reader.number("position")? {
        0 => Err(reader.malformed("position").into()),
        position => Ok(Position(position)),
    }
}

fn quorum(reader: &mut Reader<'_>) -> Result<Option<Quorum>, TeamError> {
    if reader.finish("recovery").is_ok() {
        return Ok(None);
    }
    let (needed, count) = (reader.byte("recovery")?, reader.byte("recovery keys")?);
    let mut keys = Vec::new();
    for _ in 0..count.min(MAX_RECOVERY_KEYS as u8 + 1) {
        keys.push(DeviceKey::new(reader.array("recovery key")?));
    }
    let quorum = Quorum { needed, keys };
    if quorum.is_sound() { Ok(Some(quorum)) } else { Err(reader.malformed("recovery").into()) }
}

fn revoke(reader: &mut Reader<'_>) -> Result<Body, TeamError> {
    let target = match reader.byte("target")? {
        1 => Target::Device(DeviceKey::new(reader.array("device key")?)),
        2 => Target::Person(PersonId::new(reader.array("person")?)),
        _ => return Err(reader.malformed("target").into()),
    };
    let reason = match Reason::from_number(reader.byte("reason")?) {
        Reason::Other(0) => return Err(reader.malformed("reason").into()),
        reason => reason,
    };
    let count = reader.count(MAX_CUTS, "cuts")?;
    let mut cuts: Vec<Cut> = Vec::with_capacity(count);
    for _ in 0..count {
        let cut = Cut {
            space: SpaceId::new(reader.array("space")?),
            writer: WriterId::new(reader.array("writer")?),
            position: position(reader)?,
            hash: EntryHash::new(reader.array("entry hash")?),
        };
        if cuts.last().is_some_and(|last| (last.space, last.writer) >= (cut.space, cut.writer)) {
            return Err(reader.malformed("cuts").into());
        }
        cuts.push(cut);
    }
    Ok(Body::Revoke { target, reason, cuts })
}

fn recover(reader: &mut Reader<'_>) -> Result<Body, TeamError> {
    let decision = match reader.byte("decision")? {
        1 => Decision::Lead(PersonId::new(reader.array("person")?)),
        2 => Decision::Back(OperationHash::new(reader.array("revocation")?)),
        _ => return Err(reader.malformed("decision").into()),
    };
    let count = reader.byte("signatures")?;
    let mut signatures: Vec<(u8, Signature)> = Vec::new();
    for _ in 0..count.min(MAX_RECOVERY_KEYS as u8 + 1) {
        let key = reader.byte("recovery key")?;
        if signatures.last().is_some_and(|(last, _)| *last >= key) {
            return Err(reader.malformed("signatures").into());
        }
        signatures.push((key, reader.array("signature")?));
    }
    if signatures.is_empty() || signatures.len() > MAX_RECOVERY_KEYS {
        return Err(reader.malformed("signatures").into());
    }
    Ok(Body::Recover { decision, signatures })
}

/// What a new device and one that its person has sign when the new one is added.
pub(crate) fn device_message(
    label: &str,
    team: &TeamId,
    person: &PersonId,
    device: &DeviceKey,
    exchange: &ExchangeKey,
) -> [u8; 32] {
    Digest::new(label).fixed(team).fixed(person).fixed(device).fixed(exchange).finish()
}
