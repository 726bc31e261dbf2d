use std::collections::BTreeMap;
use std::fmt;

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash, PersonId};

/// What a person may do. The stronger role is the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Leads the team: adds people, resolves conflicts, closes incidents.
    Lead,
    /// Logs, edits and proposes.
    Responder,
    /// A role that a newer version defines: its holder is a member without further rights here.
    Other(u8),
}

/// The rights that decide how an item of a document counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    /// May add people to the team.
    pub add: bool,
    /// May settle conflicting values.
    pub resolve: bool,
    /// May close and reopen incidents.
    pub close: bool,
    /// May publish checklists: leads; for trainers there is no role yet.
    pub publish: bool,
}

impl Role {
    /// The number in an operation.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Lead => 1,
            Self::Responder => 2,
            Self::Other(number) => number,
        }
    }

    /// The role of a number.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Lead,
            2 => Self::Responder,
            other => Self::Other(other),
        }
    }

    /// The word in commands and machine output.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Responder => "responder",
            Self::Other(_) => "unknown",
        }
    }

    /// What the role may do.
    #[must_use]
    pub const fn rights(self) -> Rights {
        match self {
            Self::Lead => Rights { add: true, resolve: true, close: true, publish: true },
            Self::Responder | Self::Other(_) => {
                Rights { add: false, resolve: false, close: false, publish: false }
            }
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
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster")
            .field("members", &self.members)
            .field("devices", &self.devices)
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
