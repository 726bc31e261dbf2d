use std::collections::BTreeMap;

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash};

use crate::past::Past;
use crate::{Device, Member, Role, Roster, person_id};

/// One operation that counts, and what it gives a device.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) depth: u32,
    pub(crate) hash: OperationHash,
    /// Its place among all operations, for [`Past`].
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) exchange: ExchangeKey,
}

/// The operations that count, by the device they admit.
#[derive(Clone, Default)]
pub(crate) struct Grants {
    /// In the common order of (depth, hash), which every replica finds alike.
    by_device: BTreeMap<DeviceKey, Vec<Grant>>,
    by_exchange: BTreeMap<ExchangeKey, Vec<(usize, DeviceKey)>>,
}

impl Grants {
    pub(crate) fn add(&mut self, device: DeviceKey, grant: Grant) {
        self.by_exchange.entry(grant.exchange).or_default().push((grant.index, device));
        let grants = self.by_device.entry(device).or_default();
        let at = grants.partition_point(|other| (other.depth, other.hash) < (grant.depth, grant.hash));
        grants.insert(at, grant);
    }

    /// All devices that some operation admits.
    pub(crate) fn devices(&self) -> impl Iterator<Item = &DeviceKey> {
        self.by_device.keys()
    }

    fn of<'a>(&'a self, device: &DeviceKey, past: Option<&'a Past>) -> impl Iterator<Item = &'a Grant> {
        let grants = self.by_device.get(device).into_iter().flatten();
        grants.filter(move |grant| past.is_none_or(|past| past.contains(grant.index)))
    }

    /// The strongest role that a device was given in `past`; `None` where it was not admitted.
    ///
    /// Not the first or the last: whoever may add people could then sign an operation beside the past that takes a
    /// lead's role away. Taking away is for operations that say so.
    pub(crate) fn role(&self, device: &DeviceKey, past: &Past) -> Option<Role> {
        self.of(device, Some(past)).map(|grant| grant.role).min()
    }

    /// Whether in `past` another device than `device` was admitted with this channel key.
    pub(crate) fn claimed(&self, exchange: &ExchangeKey, device: &DeviceKey, past: &Past) -> bool {
        let claims = self.by_exchange.get(exchange).into_iter().flatten();
        claims.into_iter().any(|(index, other)| other != device && past.contains(*index))
    }

    /// Enters a device and its person as the grants in `past` (all where `None`) leave them: name and channel key of
    /// the first in the common order, the strongest role of all.
    pub(crate) fn enter(&self, roster: &mut Roster, device: &DeviceKey, past: Option<&Past>) {
        let Some(first) = self.of(device, past).next() else { return };
        let role = self.of(device, past).map(|grant| grant.role).min().unwrap_or(first.role);
        let grants = self.of(device, past).map(|grant| grant.hash).collect();
        let person = person_id(device);
        roster.members.insert(person, Member { name: first.name.clone(), role });
        roster.devices.insert(*device, Device { person, exchange: first.exchange, grants });
    }
}
