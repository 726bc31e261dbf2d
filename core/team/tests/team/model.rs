//! The rules of docs/formats/team.md once more, the slow way: sets of hashes instead of bits, and no order of arrival.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash, TeamId};
use firsthand_team::{Body, Device, Member, Operation, Role, Roster, person_id};
use proptest::prelude::*;

use crate::support::{FOUNDER, add_body, exchange, key, sign, team};

/// One operation of a random graph. Numbers are reduced to what there is.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Devices 1 to 6; nobody ever adds 7, and 1 is the founder.
    author: u8,
    /// How far back in the list of operations each parent stands; empty for "all heads".
    parents: Vec<u8>,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Add {
        device: u8,
        role: Role,
        /// Another device's channel key than the added device's own.
        stolen: Option<u8>,
    },
    Unknown,
}

fn step() -> impl Strategy<Value = Step> {
    let role = prop_oneof![3 => Just(Role::Lead), 3 => Just(Role::Responder), 1 => Just(Role::Other(9))];
    let stolen = prop_oneof![5 => Just(None), 1 => (1..=6u8).prop_map(Some)];
    let add = (1..=6u8, role, stolen).prop_map(|(device, role, stolen)| What::Add { device, role, stolen });
    let what = prop_oneof![12 => add, 1 => Just(What::Unknown)];
    let author = prop_oneof![3 => Just(1u8), 8 => 2..=7u8];
    let parents = prop::collection::vec(0..8u8, 0..4);
    (author, parents, what).prop_map(|(author, parents, what)| Step { author, parents, what })
}

/// A team's operations as the rules see them.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) team: TeamId,
    pub(crate) founding: Vec<u8>,
    /// All that is kept, parents before children, the founding one first.
    pub(crate) kept: Vec<OperationHash>,
    /// Operations that every replica must refuse.
    pub(crate) refused: Vec<Vec<u8>>,
    operations: BTreeMap<OperationHash, Operation>,
    depths: BTreeMap<OperationHash, usize>,
    /// Whom an operation that counts admits, with which role and channel key.
    admits: BTreeMap<OperationHash, (DeviceKey, Role, ExchangeKey)>,
}

/// A random graph of up to `len` operations by a founder, people who become leads, responders, and one outsider.
pub(crate) fn graph(len: usize) -> impl Strategy<Value = Model> {
    prop::collection::vec(step(), 0..len).prop_map(|steps| {
        let mut model = Model::new();
        for step in steps {
            model.take(&step);
        }
        model
    })
}

impl Model {
    fn new() -> Self {
        let team = team();
        let (hash, founding) = team.all().remove(0);
        let operation = Operation::decode(&founding).unwrap();
        Self {
            team: *team.team(),
            founding,
            kept: vec![hash],
            refused: Vec::new(),
            operations: BTreeMap::from([(hash, operation)]),
            depths: BTreeMap::from([(hash, 1)]),
            admits: BTreeMap::from([(hash, (key(FOUNDER), Role::Lead, exchange(FOUNDER)))]),
        }
    }

    fn take(&mut self, step: &Step) {
        let back = |by: &u8| self.kept[self.kept.len() - 1 - usize::from(*by) % self.kept.len()];
        let parents = if step.parents.is_empty() {
            self.heads(&self.kept)
        } else {
            step.parents.iter().map(back).collect()
        };
        let past = self.past(&parents);
        let own = past.iter().filter(|hash| self.operations[*hash].author == key(step.author)).count();
        let body = match &step.what {
            What::Add { device, role, stolen } => {
                add_body(&self.team, *device, exchange(stolen.unwrap_or(*device)), *role)
            }
            What::Unknown => Body::Other { kind: 77, bytes: vec![1, 2, 3] },
        };
        let (hash, bytes) = sign(&self.team, step.author, own as u64 + 1, &parents, body);
        let role = self.role(&key(step.author), &past);
        if role.is_none() && !self.understood_in_part_only(&past) {
            self.refused.push(bytes);
            return;
        }
        let operation = Operation::decode(&bytes).unwrap();
        if let Body::Add { role: given, device, exchange, .. } = &operation.body {
            let before = past.iter().filter_map(|hash| self.admits.get(hash));
            let taken = before.into_iter().any(|(owner, _, key)| owner != device && key == exchange);
            if role == Some(Role::Lead) && !taken {
                self.admits.insert(hash, (*device, *given, *exchange));
            }
        }
        if self.operations.insert(hash, operation).is_none() {
            self.depths.insert(hash, parents.iter().map(|parent| self.depths[parent]).max().unwrap() + 1);
            self.kept.push(hash);
        }
    }

    pub(crate) fn bytes(&self, hash: &OperationHash) -> Vec<u8> {
        self.operations[hash].encode()
    }

    pub(crate) fn past(&self, heads: &[OperationHash]) -> BTreeSet<OperationHash> {
        let mut past = BTreeSet::new();
        let mut open = heads.to_vec();
        while let Some(hash) = open.pop() {
            if past.insert(hash) {
                open.extend(&self.operations[&hash].parents);
            }
        }
        past
    }

    /// The operations of a set that no other of the set names as parent.
    pub(crate) fn heads(&self, set: &[OperationHash]) -> Vec<OperationHash> {
        let parents = set.iter().flat_map(|hash| &self.operations[hash].parents);
        let parents: BTreeSet<_> = parents.collect();
        let mut heads: Vec<_> = set.iter().filter(|hash| !parents.contains(hash)).copied().collect();
        heads.sort_unstable();
        heads
    }

    fn understood_in_part_only(&self, past: &BTreeSet<OperationHash>) -> bool {
        past.iter().any(|hash| {
            matches!(self.operations[hash].body, Body::Other { .. } | Body::Add { role: Role::Other(_), .. })
        })
    }

    fn role(&self, device: &DeviceKey, past: &BTreeSet<OperationHash>) -> Option<Role> {
        let admitted = past.iter().filter_map(|hash| self.admits.get(hash));
        let roles: Vec<_> =
            admitted.filter(|(owner, ..)| owner == device).map(|(_, role, _)| *role).collect();
        [Role::Lead, Role::Responder, Role::Other(9)].into_iter().find(|role| roles.contains(role))
    }

    pub(crate) fn roster(&self, heads: &[OperationHash]) -> Roster {
        let past = self.past(heads);
        let mut order: Vec<_> = past.iter().collect();
        order.sort_by_key(|hash| (self.depths[*hash], **hash));
        let mut roster = Roster::default();
        for hash in order {
            if let Body::Found { team_name, .. } = &self.operations[hash].body {
                roster.name.clone_from(team_name);
            }
            let Some(&(device, role, exchange)) = self.admits.get(hash) else { continue };
            let (Body::Found { name, .. } | Body::Add { name, .. }) = &self.operations[hash].body else {
                continue;
            };
            let person = person_id(&device);
            let admitted = roster.devices.entry(device);
            let grants = &mut admitted.or_insert(Device { person, exchange, grants: vec![] }).grants;
            grants.push(*hash);
            let member = roster.members.entry(person).or_insert(Member { name: name.clone(), role });
            if role == Role::Lead || matches!(member.role, Role::Other(_)) {
                member.role = role;
            }
        }
        roster
    }
}
