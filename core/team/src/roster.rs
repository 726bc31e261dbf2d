use std::collections::BTreeMap;
use std::fmt;

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash, PersonId};

use crate::TeamRelay;

/// What a person may do. The stronger role is the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Leads the team: decides who belongs to it, and everything below.
    Lead,
    /// Decides for the day what the team's records say: settles conflicting values, closes incidents.
    Coordinator,
    /// Publishes checklists.
    Trainer,
    /// Logs, edits and proposes.
    Responder,
    /// Logs what they see; the same rights as a responder, another word for their place in the team.
    Observer,
    /// Reads, and writes nothing.
    ReadOnly,
    /// A role that a newer version defines: its holder is a member without further rights here.
    Other(u8),
}

/// The rights that decide how an item of a document, or an operation, counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    /// May enter and change records at all.
    pub write: bool,
    /// May add people to the team.
    pub add: bool,
    /// May remove people and devices, give roles, and release what was held after a removal.
    pub remove: bool,
    /// May settle conflicting values.
    pub resolve: bool,
    /// May close and reopen incidents.
    pub close: bool,
    /// May publish checklists.
    pub publish: bool,
    /// May destroy the key of a file, and with it the file.
    pub destroy: bool,
}

impl Role {
    /// Every role that this version knows, the strongest first.
    pub const ALL: [Self; 6] =
        [Self::Lead, Self::Coordinator, Self::Trainer, Self::Responder, Self::Observer, Self::ReadOnly];

    /// The number in an operation.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Lead => 1,
            Self::Responder => 2,
            Self::Observer => 3,
            Self::Trainer => 4,
            Self::Coordinator => 5,
            Self::ReadOnly => 6,
            Self::Other(number) => number,
        }
    }

    /// The role of a number.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Lead,
            2 => Self::Responder,
            3 => Self::Observer,
            4 => Self::Trainer,
            5 => Self::Coordinator,
            6 => Self::ReadOnly,
            other => Self::Other(other),
        }
    }

    /// The word in commands and machine output.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Responder => "responder",
            Self::Observer => "observer",
            Self::Trainer => "trainer",
            Self::Coordinator => "coordinator",
            Self::ReadOnly => "read-only",
            Self::Other(_) => "unknown",
        }
    }

    /// What the role may do.
    #[must_use]
    pub const fn rights(self) -> Rights {
        let member = Rights {
            write: true,
            add: false,
            remove: false,
            resolve: false,
            close: false,
            publish: false,
            destroy: false,
        };
        match self {
            Self::Lead => Rights {
                write: true,
                add: true,
                remove: true,
                resolve: true,
                close: true,
                publish: true,
                destroy: true,
            },
            Self::Coordinator => Rights { resolve: true, close: true, ..member },
            Self::Trainer => Rights { publish: true, ..member },
            Self::Responder | Self::Observer | Self::Other(_) => member,
            Self::ReadOnly => Rights { write: false, ..member },
        }
    }
}

/// A person of the team.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    /// The name they chose when they joined.
    pub name: String,
    /// Their role.
    pub role: Role,
}

impl fmt::Debug for Member {
    // Names stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member({:?})", self.role)
    }
}

/// A device of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Whose it is.
    pub person: PersonId,
    /// The key that authenticates its channels.
    pub exchange: ExchangeKey,
    /// The operations that added it, in the order that all devices agree on; several where leads did so while apart.
    pub grants: Vec<OperationHash>,
}

/// The team as the folded operations leave it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Roster {
    /// The team's name.
    pub name: String,
    /// People.
    pub members: BTreeMap<PersonId, Member>,
    /// Devices.
    pub devices: BTreeMap<DeviceKey, Device>,
    /// People who belonged to the team and do so no more.
    pub former: BTreeMap<PersonId, Member>,
    /// Devices that were removed and not admitted again.
    pub removed: BTreeMap<DeviceKey, Device>,
    /// Whether it is a network of teams.
    pub network: bool,
    /// The relays that carry the team's entries, in the order that all devices agree on.
    pub relays: Vec<TeamRelay>,
    /// The key by which leads say at each relay that a snapshot replaces ranges.
    pub relay_leads: BTreeMap<ExchangeKey, DeviceKey>,
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster")
            .field("members", &self.members)
            .field("devices", &self.devices)
            .field("removed", &self.removed)
            .finish_non_exhaustive()
    }
}

impl Roster {
    /// The person of a device.
    #[must_use]
    pub fn member(&self, device: &DeviceKey) -> Option<(PersonId, &Member)> {
        let person = self.devices.get(device)?.person;
        Some((person, self.members.get(&person)?))
    }

    /// Whose a device is or was.
    #[must_use]
    pub fn owner(&self, device: &DeviceKey) -> Option<PersonId> {
        self.devices.get(device).or_else(|| self.removed.get(device)).map(|device| device.person)
    }

    /// A person who belongs to the team, or did.
    #[must_use]
    pub fn known(&self, person: &PersonId) -> Option<&Member> {
        self.members.get(person).or_else(|| self.former.get(person))
    }

    /// The removed device that authenticates with `key`, where no device of the team does.
    #[must_use]
    pub fn removed_by_exchange(&self, key: &ExchangeKey) -> Option<DeviceKey> {
        if self.device_by_exchange(key).is_some() {
            return None;
        }
        self.removed.iter().find(|(_, device)| device.exchange == *key).map(|(device, _)| *device)
    }

    /// The device that authenticates with `key`.
    #[must_use]
    pub fn device_by_exchange(&self, key: &ExchangeKey) -> Option<DeviceKey> {
        self.devices.iter().find(|(_, device)| device.exchange == *key).map(|(device, _)| *device)
    }

    /// What the owner of a device may do; nothing where the device is unknown.
    #[must_use]
    pub fn rights(&self, device: &DeviceKey) -> Rights {
        self.member(device).map(|(_, member)| member.role.rights()).unwrap_or_default()
    }

    /// What a person may do; nothing where the person is unknown.
    #[must_use]
    pub fn rights_of(&self, person: &PersonId) -> Rights {
        self.members.get(person).map(|member| member.role.rights()).unwrap_or_default()
    }
}
