//! What operations add up to, under the revocations that stand.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{
    DeviceKey, EntryHash, ExchangeKey, OperationHash, PersonId, Position, SpaceId, WriterId,
};

use crate::membership::Placed;
use crate::past::Past;
use crate::relay::Relays;
use crate::space::{Cares, Naming};
use crate::{Body, Decision, Device, Member, Rights, Role, Roster, Target, person_id};

/// An operation that counts and admits a device.
#[derive(Clone)]
pub(crate) struct Admission {
    /// Place in the common order, which every replica finds alike.
    order: (u32, OperationHash),
    /// Its place among all operations, for [`Past`].
    pub(crate) index: usize,
    pub(crate) person: PersonId,
    pub(crate) exchange: ExchangeKey,
}

/// An operation that counts and gives a person a role.
#[derive(Clone)]
struct RoleGiven {
    order: (u32, OperationHash),
    index: usize,
    role: Role,
    /// It takes the place of those in its past.
    replaces: bool,
    /// The name that the person had chosen.
    name: Option<String>,
}

/// What somebody may do, and on what that rests.
pub(crate) struct Standing {
    pub(crate) person: PersonId,
    pub(crate) role: Role,
    /// The place in the common order of the operation that gave the role.
    pub(crate) since: (u32, OperationHash),
    admission: usize,
    given: usize,
}

/// A revocation whose author had the right to it.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) index: usize,
    pub(crate) author: PersonId,
    pub(crate) since: (u32, OperationHash),
    /// It, and the operations that its author's right rests on.
    pub(crate) support: Past,
}

/// The operations that count, gathered.
#[derive(Clone, Default)]
pub(crate) struct Fold {
    /// The revocations that stand.
    accepted: BTreeSet<usize>,
    pub(crate) counts: Past,
    devices: BTreeMap<DeviceKey, Vec<Admission>>,
    by_exchange: BTreeMap<ExchangeKey, Vec<(usize, DeviceKey)>>,
    roles: BTreeMap<PersonId, Vec<RoleGiven>>,
    removed_devices: BTreeMap<DeviceKey, Vec<usize>>,
    removed_people: BTreeMap<PersonId, Vec<usize>>,
    /// By the operation: it, and what its author's right rests on.
    support: BTreeMap<usize, Past>,
    pub(crate) candidates: Vec<Candidate>,
    /// Who stands behind a revocation.
    pub(crate) confirms: BTreeMap<usize, BTreeSet<PersonId>>,
    /// Revocations that the recovery keys stand behind.
    pub(crate) backed: BTreeSet<usize>,
    pub(crate) adopted: BTreeMap<(SpaceId, WriterId), BTreeMap<Position, EntryHash>>,
    pub(crate) cares: Cares,
    relays: Relays,
    /// The operation that makes it a network of teams.
    network: Option<usize>,
    pub(crate) team_name: String,
}

impl Fold {
    pub(crate) fn under(accepted: BTreeSet<usize>) -> Self {
        Self { accepted, ..Self::default() }
    }

    pub(crate) const fn accepted(&self) -> &BTreeSet<usize> {
        &self.accepted
    }

    /// The revocations that a device falls under.
    pub(crate) fn removals(&self, device: &DeviceKey) -> BTreeSet<usize> {
        let people = self.people_of(device);
        let people = people.iter().filter_map(|person| self.removed_people.get(person));
        self.removed_devices.get(device).into_iter().chain(people).flatten().copied().collect()
    }

    fn people_of(&self, device: &DeviceKey) -> BTreeSet<PersonId> {
        self.devices.get(device).into_iter().flatten().map(|it| it.person).collect()
    }

    /// Whether a device is a person's, as far as `past` goes.
    fn is_of(&self, device: &DeviceKey, person: &PersonId, past: &Past) -> bool {
        let admissions = self.devices.get(device).into_iter().flatten();
        admissions.into_iter().any(|it| it.person == *person && past.contains(it.index))
    }

    /// Whether a device was admitted again by an operation in `past` that follows a revocation.
    pub(crate) fn returned(
        &self,
        all: &[Placed],
        device: &DeviceKey,
        past: &Past,
        revocation: usize,
    ) -> bool {
        let admissions = self.devices.get(device).into_iter().flatten();
        admissions.into_iter().any(|it| past.contains(it.index) && all[it.index].past.contains(revocation))
    }

    /// Whether a revocation keeps an operation of what it takes out from counting: all that its author had not seen, and
    /// that does not follow a return.
    pub(crate) fn excludes(&self, all: &[Placed], revocation: usize, index: usize) -> bool {
        let (by, it) = (&all[revocation], &all[index]);
        let Body::Revoke { target, .. } = &by.operation.body else { return false };
        let author = &it.operation.author;
        let hit = match target {
            Target::Device(device) => device == author,
            Target::Person(person) => self.is_of(author, person, &it.past),
        };
        // What the recovery keys signed does not rest on who hands it in.
        let immune = matches!(it.operation.body, Body::Recover { .. });
        hit && !immune
            && index != revocation
            && !by.past.contains(index)
            && !self.returned(all, author, &it.past, revocation)
    }

    /// The operations that admit a device and still do, as far as `past` goes: a revocation in it leaves only those that
    /// follow it.
    fn admissions<'a>(
        &'a self,
        all: &'a [Placed],
        device: &DeviceKey,
        past: &'a Past,
    ) -> impl Iterator<Item = &'a Admission> {
        let removed = self.removed_devices.get(device).map_or(&[][..], Vec::as_slice);
        let admissions = self.devices.get(device).into_iter().flatten();
        admissions.filter(move |it| {
            let people = self.removed_people.get(&it.person).map_or(&[][..], Vec::as_slice);
            let mut removals = removed.iter().chain(people).filter(|removal| past.contains(**removal));
            past.contains(it.index) && removals.all(|removal| all[it.index].past.contains(*removal))
        })
    }

    /// What gave a person their role, as far as `past` goes.
    fn role<'a>(&'a self, all: &[Placed], person: &PersonId, past: &Past) -> Option<&'a RoleGiven> {
        let removals = self.removed_people.get(person).map_or(&[][..], Vec::as_slice);
        let given = self.roles.get(person).map_or(&[][..], Vec::as_slice);
        let left: Vec<&RoleGiven> = given
            .iter()
            .filter(|it| {
                let mut removals = removals.iter().filter(|removal| past.contains(**removal));
                past.contains(it.index) && removals.all(|removal| all[it.index].past.contains(*removal))
            })
            .collect();
        let replaced = |it: &RoleGiven| {
            left.iter().any(|by| by.replaces && by.index != it.index && all[by.index].past.contains(it.index))
        };
        // The strongest, not the first or the last: whoever gives roles could otherwise sign an operation beside the past that
        // takes a lead's away. The earliest of those says since when.
        left.iter().filter(|it| !replaced(it)).min_by_key(|it| (it.role, it.order)).copied()
    }

    /// What the owner of a device may do, as far as `past` goes; `None` where it is not admitted.
    pub(crate) fn standing(&self, all: &[Placed], device: &DeviceKey, past: &Past) -> Option<Standing> {
        let admission = self.admissions(all, device, past).next()?;
        let given = self.role(all, &admission.person, past)?;
        Some(Standing {
            person: admission.person,
            role: given.role,
            since: given.order,
            admission: admission.index,
            given: given.index,
        })
    }

    /// Whether a person belongs to the team, as far as `past` goes.
    pub(crate) fn is_member(&self, all: &[Placed], person: &PersonId, past: &Past) -> bool {
        self.role(all, person, past).is_some()
    }

    /// Whether in `past` another device than `device` was admitted with this channel key.
    pub(crate) fn claimed(&self, exchange: &ExchangeKey, device: &DeviceKey, past: &Past) -> bool {
        let claims = self.by_exchange.get(exchange).into_iter().flatten();
        claims.into_iter().any(|(index, other)| other != device && past.contains(*index))
    }

    /// The channel key of a device and whose it is, by what `past` holds, removed or not.
    pub(crate) fn ever(&self, device: &DeviceKey, past: &Past) -> Option<&Admission> {
        self.devices.get(device)?.iter().find(|it| past.contains(it.index))
    }

    /// The devices that a person was ever given, as far as `past` goes.
    pub(crate) fn devices_of(&self, person: &PersonId, past: &Past) -> Vec<DeviceKey> {
        let theirs = |device: &&DeviceKey| self.ever(device, past).is_some_and(|it| it.person == *person);
        self.devices.keys().filter(theirs).copied().collect()
    }

    /// Takes in the next operation; those before it have been.
    pub(crate) fn take(&mut self, all: &[Placed], index: usize) {
        let it = &all[index];
        let author = it.operation.author;
        // Whatever past it claims.
        if self.accepted.contains(&index) {
            self.accept(all, index);
            return;
        }
        if self.accepted.iter().any(|removal| self.excludes(all, *removal, index)) {
            return;
        }
        let standing = self.standing(all, &author, &it.past);
        let rights = standing.as_ref().map(|it| it.role.rights()).unwrap_or_default();
        let mut support = Past::default();
        support.insert(index);
        for rests_on in standing.iter().flat_map(|it| [it.admission, it.given]) {
            if let Some(before) = self.support.get(&rests_on) {
                support.join(before);
            }
        }
        let counts = match &it.operation.body {
            Body::Found { team_name, name, exchange, .. } => {
                self.team_name.clone_from(team_name);
                self.admit(it, index, author, person_id(&author), *exchange);
                self.give(it, index, person_id(&author), Role::Lead, false, Some(name));
                true
            }
            Body::Add { name, role, device, exchange, .. } => {
                let person = person_id(device);
                let theirs = self.ever(device, &it.past).is_none_or(|it| it.person == person);
                let may = rights.add && theirs && !self.claimed(exchange, device, &it.past);
                if may {
                    self.admit(it, index, *device, person, *exchange);
                    self.give(it, index, person, *role, false, Some(name));
                }
                may
            }
            Body::Care { contact } => {
                if let Some(standing) = &standing {
                    let naming = Naming { depth: it.depth, hash: it.hash, contact: *contact };
                    self.cares.add(standing.person, naming);
                }
                standing.is_some()
            }
            Body::Grant { person, role, device } => {
                rights.remove && self.grant(all, index, person, *role, device.as_ref())
            }
            Body::Revoke { target, .. } => {
                if let Some(standing) = standing.filter(|it| self.may_revoke(all, it, index, target)) {
                    let (author, since) = (standing.person, standing.since);
                    self.candidates.push(Candidate { index, author, since, support });
                }
                return;
            }
            Body::AddDevice { person, device, exchange, by, .. } => {
                let past = &it.past;
                let endorsed = self.standing(all, by, past).is_some_and(|it| it.person == *person);
                let theirs = self.ever(device, past).is_none_or(|it| it.person == *person);
                let may = rights.add && endorsed && theirs && !self.claimed(exchange, device, past);
                if may {
                    self.admit(it, index, *device, *person, *exchange);
                }
                may
            }
            Body::Confirm { revocation } => {
                let of = it.past.iter().find(|index| all[*index].hash == *revocation);
                let of = of.filter(|of| matches!(all[*of].operation.body, Body::Revoke { .. }));
                if let (Some(of), Some(standing)) = (of.filter(|_| rights.write), standing) {
                    self.confirms.entry(of).or_default().insert(standing.person);
                }
                of.is_some() && rights.write
            }
            Body::Adopt { space, writer, position, hash } => {
                if rights.remove {
                    self.adopted.entry((*space, *writer)).or_default().insert(*position, *hash);
                }
                rights.remove
            }
            Body::AddRelay { relay, leads } => {
                if rights.remove {
                    self.relays.add((it.depth, it.hash), index, (relay.clone(), *leads));
                }
                rights.remove
            }
            Body::DropRelay { key } => {
                if rights.remove {
                    self.relays.drop_all(*key, index);
                }
                rights.remove
            }
            Body::Network => {
                // Nothing that was written for one team comes to be read by several: only what is founded as a network is one.
                let founding = &all[0];
                let first = it.operation.parents == [founding.hash] && author == founding.operation.author;
                if first {
                    self.network = Some(index);
                }
                first
            }
            // Its signatures were checked when it came in.
            Body::Recover { decision, .. } => {
                support = Past::default();
                support.insert(index);
                match decision {
                    Decision::Lead(person) => self.recover(all, index, person),
                    Decision::Back(revocation) => {
                        let of = it.past.iter().find(|index| all[*index].hash == *revocation);
                        self.backed.extend(of);
                        of.is_some()
                    }
                }
            }
            Body::Epoch(_) | Body::Boxes(_) | Body::Other { .. } => false,
        };
        if counts {
            self.counts.insert(index);
            self.support.insert(index, support);
        }
    }

    fn admit(
        &mut self,
        it: &Placed,
        index: usize,
        device: DeviceKey,
        person: PersonId,
        exchange: ExchangeKey,
    ) {
        let order = (it.depth, it.hash);
        self.by_exchange.entry(exchange).or_default().push((index, device));
        let admissions = self.devices.entry(device).or_default();
        let at = admissions.partition_point(|other| other.order < order);
        admissions.insert(at, Admission { order, index, person, exchange });
    }

    fn give(
        &mut self,
        it: &Placed,
        index: usize,
        person: PersonId,
        role: Role,
        replaces: bool,
        name: Option<&String>,
    ) {
        let order = (it.depth, it.hash);
        let given = self.roles.entry(person).or_default();
        let at = given.partition_point(|other| other.order < order);
        given.insert(at, RoleGiven { order, index, role, replaces, name: name.cloned() });
    }

    fn grant(
        &mut self,
        all: &[Placed],
        index: usize,
        person: &PersonId,
        role: Role,
        device: Option<&DeviceKey>,
    ) -> bool {
        let it = &all[index];
        let known = self.roles.get(person).into_iter().flatten().any(|given| it.past.contains(given.index));
        let returning = match device {
            Some(device) => match self.ever(device, &it.past).filter(|it| it.person == *person).cloned() {
                Some(admission) => Some((*device, admission.exchange)),
                None => return false,
            },
            None => None,
        };
        // Without a device nobody returns.
        if !known || (returning.is_none() && self.role(all, person, &it.past).is_none()) {
            return false;
        }
        if let Some((device, exchange)) = returning {
            self.admit(it, index, device, *person, exchange);
        }
        self.give(it, index, *person, role, true, None);
        true
    }

    fn recover(&mut self, all: &[Placed], index: usize, person: &PersonId) -> bool {
        let it = &all[index];
        let devices = self.devices_of(person, &it.past);
        for device in &devices {
            if let Some(exchange) = self.ever(device, &it.past).map(|it| it.exchange) {
                self.admit(it, index, *device, *person, exchange);
            }
        }
        if !devices.is_empty() {
            self.give(it, index, *person, Role::Lead, true, None);
        }
        !devices.is_empty()
    }

    /// Leads may take anybody out, and everybody themself and their own devices.
    fn may_revoke(&self, all: &[Placed], by: &Standing, index: usize, target: &Target) -> bool {
        let past = &all[index].past;
        match target {
            Target::Device(device) => {
                self.ever(device, past).is_some_and(|it| by.role.rights().remove || it.person == by.person)
            }
            Target::Person(person) => {
                let given = self.roles.get(person).into_iter().flatten();
                let known = given.into_iter().any(|it| past.contains(it.index));
                known && (by.role.rights().remove || *person == by.person)
            }
        }
    }

    fn accept(&mut self, all: &[Placed], index: usize) {
        let Body::Revoke { target, .. } = &all[index].operation.body else { return };
        match target {
            Target::Device(device) => self.removed_devices.entry(*device).or_default().push(index),
            Target::Person(person) => self.removed_people.entry(*person).or_default().push(index),
        }
        self.counts.insert(index);
    }

    /// The team as far as `past` goes.
    pub(crate) fn roster(&self, all: &[Placed], past: &Past) -> Roster {
        let mut roster = Roster::default();
        if past.contains(0) {
            roster.name.clone_from(&self.team_name);
        }
        roster.network = self.network.is_some_and(|index| past.contains(index));
        for (relay, leads) in self.relays.standing(all, past) {
            roster.relay_leads.insert(relay.key, leads);
            roster.relays.push(relay);
        }
        for device in self.devices.keys() {
            self.enter(all, &mut roster, device, past);
        }
        let members = &roster.members;
        roster.former.retain(|person, _| !members.contains_key(person));
        roster
    }

    fn enter(&self, all: &[Placed], roster: &mut Roster, device: &DeviceKey, past: &Past) {
        let Some(ever) = self.ever(device, past) else { return };
        let given = self.roles.get(&ever.person).into_iter().flatten();
        let given: Vec<_> = given.into_iter().filter(|it| past.contains(it.index)).collect();
        let name = given.iter().find_map(|it| it.name.clone()).unwrap_or_default();
        let admissions: Vec<_> = self.admissions(all, device, past).collect();
        let role = self.role(all, &ever.person, past).map(|given| given.role);
        match (admissions.first(), role) {
            (Some(first), Some(role)) => {
                let grants = admissions.iter().map(|it| it.order.1).collect();
                let entered = Device { person: first.person, exchange: first.exchange, grants };
                roster.devices.insert(*device, entered);
                roster.members.insert(first.person, Member { name, role });
            }
            _ => {
                let role = given.iter().map(|it| it.role).min().unwrap_or(Role::ReadOnly);
                let entered = Device { person: ever.person, exchange: ever.exchange, grants: Vec::new() };
                roster.removed.insert(*device, entered);
                roster.former.insert(ever.person, Member { name, role });
            }
        }
    }

    pub(crate) fn rights(&self, all: &[Placed], device: &DeviceKey, past: &Past) -> Rights {
        self.standing(all, device, past).map(|it| it.role.rights()).unwrap_or_default()
    }
}
