//! Random years of a team: people come, go and are removed while groups are apart, and taken phones answer from old pasts.
//!
//! Everything follows from a seed. Whoever needs such years for another question goes through them with [`Schedule::step`], and
//! looks at [`Schedule::replicas`].

use std::collections::BTreeSet;

use firsthand_ids::{EntryHash, OperationHash, Position, SpaceId, WriterId};
use firsthand_team::{
    Body, Cut, Decision, Membership, Operation, Quorum, Reason, Role, Target, person_id, recovery_secret,
};
use rand_chacha::ChaCha8Rng;

use crate::support::{add_body, below, bytes, exchange, key, request, rng, secret, sign};

/// Devices that captors bring in have numbers from here.
pub(crate) const PUPPETS: u8 = 200;
const ROLES: [Role; 6] =
    [Role::Lead, Role::Lead, Role::Responder, Role::Coordinator, Role::Observer, Role::ReadOnly];

/// One device and what it knows.
pub(crate) struct Replica {
    pub(crate) number: u8,
    pub(crate) team: Membership,
    /// What it knew when somebody took it.
    taken: Option<Membership>,
}

/// A team on its way.
pub(crate) struct Schedule {
    rng: ChaCha8Rng,
    pub(crate) replicas: Vec<Replica>,
    /// Every operation that some honest device holds.
    pub(crate) made: Vec<(OperationHash, Vec<u8>)>,
    codes: Vec<[u8; 32]>,
    next: u8,
    puppets: u8,
    /// Devices far apart meet seldom.
    apart: usize,
}

impl Schedule {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = rng(seed);
        let codes: Vec<[u8; 32]> = (0..3).map(|n| [240 + n; 32]).collect();
        let quorum = Quorum::of(2, &codes).unwrap().0;
        let team = Membership::found_with_recovery(
            &secret(1),
            exchange(1),
            "Team",
            "Person 1",
            [7; 32],
            [9; 16],
            Some(quorum),
        )
        .unwrap();
        let apart = 1 + below(&mut rng, 6);
        let made = team.all();
        let first = Replica { number: 1, team, taken: None };
        let mut schedule = Self { rng, replicas: vec![first], made, codes, next: 2, puppets: PUPPETS, apart };
        for _ in 0..2 + schedule.below(5) {
            schedule.join(0);
        }
        schedule
    }

    fn below(&mut self, end: usize) -> usize {
        below(&mut self.rng, end)
    }

    fn keep(&mut self, signed: Result<(OperationHash, Vec<u8>), firsthand_team::TeamError>) {
        self.made.extend(signed);
    }

    fn join(&mut self, by: usize) {
        let number = self.next;
        if number >= PUPPETS {
            return;
        }
        let role = ROLES[self.below(ROLES.len())];
        let inviter = &mut self.replicas[by];
        let wish = request(inviter.team.team(), number);
        let added = inviter.team.add(&secret(inviter.number), &wish, exchange(number), role);
        if added.is_ok() {
            self.next += 1;
            let team = inviter.team.clone();
            self.replicas.push(Replica { number, team, taken: None });
        }
        self.keep(added);
    }

    /// Two devices meet and tell each other everything, as a session does.
    pub(crate) fn meet(&mut self, one: usize, two: usize) {
        let (here, there) = (self.replicas[one].team.heads(), self.replicas[two].team.heads());
        let lacking = (self.replicas[two].team.lacking(&here), self.replicas[one].team.lacking(&there));
        self.replicas[one].team.insert_all(&bytes(lacking.0)).unwrap();
        self.replicas[two].team.insert_all(&bytes(lacking.1)).unwrap();
    }

    /// One thing happens.
    pub(crate) fn step(&mut self) {
        let count = self.replicas.len();
        let (who, other) = (self.below(count), self.below(count));
        let number = self.replicas[other].number;
        let secret = secret(self.replicas[who].number);
        let person = person_id(&key(number));
        let dice = self.below(16 + 4 * self.apart);
        let team = &mut self.replicas[who].team;
        let signed = match dice {
            0 => return self.join(who),
            1 | 2 => team.grant(&secret, person, ROLES[usize::from(number) % ROLES.len()]),
            3..=5 => {
                let target = if dice == 3 { Target::Device(key(number)) } else { Target::Person(person) };
                let reason = [Reason::Left, Reason::Lost, Reason::Seized, Reason::Removed][dice % 4];
                team.revoke(&secret, target, reason, vec![a_cut(number, u64::from(self.next) * 3)])
            }
            6 | 7 => match team.removals().last() {
                Some(removal) => team.confirm(&secret, removal.hash),
                None => return,
            },
            8 | 9 => team.readmit(&secret, key(number), Role::Responder),
            10 => {
                let at = a_cut(number, 90);
                team.adopt(&secret, at.space, at.writer, at.position, at.hash)
            }
            11 => self.second_phone(who, other),
            12 => self.recover(who, other),
            13 => {
                let replica = &mut self.replicas[other];
                if replica.taken.is_none() {
                    replica.taken = Some(replica.team.clone());
                }
                return;
            }
            14 | 15 => return self.captor(),
            _ => return self.meet(who, other),
        };
        self.keep(signed);
    }

    fn second_phone(
        &mut self,
        by: usize,
        of: usize,
    ) -> Result<(OperationHash, Vec<u8>), firsthand_team::TeamError> {
        let (number, theirs) = (self.next, self.replicas[of].number);
        if number >= PUPPETS {
            return Err(firsthand_team::TeamError::NotAllowed);
        }
        let inviter = &mut self.replicas[by];
        let (id, person) = (*inviter.team.team(), inviter.team.roster().owner(&key(theirs)));
        let person = person.ok_or(firsthand_team::TeamError::NotFound)?;
        let consent = Operation::device_consent(&id, &person, &key(number), &exchange(number));
        let endorsement = Operation::device_endorsement(&id, &person, &key(number), &exchange(number));
        let (consent, endorsement) = (secret(number).sign(&consent), secret(theirs).sign(&endorsement));
        let by = secret(inviter.number);
        let added =
            inviter.team.add_device(&by, key(number), exchange(number), consent, key(theirs), endorsement)?;
        let team = inviter.team.clone();
        self.next += 1;
        self.replicas.push(Replica { number, team, taken: None });
        Ok(added)
    }

    fn recover(
        &mut self,
        by: usize,
        of: usize,
    ) -> Result<(OperationHash, Vec<u8>), firsthand_team::TeamError> {
        let leads =
            |replica: &Replica| replica.team.roster().members.values().any(|it| it.role == Role::Lead);
        let decision = match self.replicas[by].team.removals().last() {
            Some(removal) if leads(&self.replicas[by]) => Decision::Back(removal.hash),
            _ => Decision::Lead(person_id(&key(self.replicas[of].number))),
        };
        let codes = Quorum::of(2, &self.codes).unwrap().1;
        let codes: Vec<_> = codes[1..].iter().map(|code| recovery_secret(code).unwrap()).collect();
        let replica = &mut self.replicas[by];
        replica.team.recover(&secret(replica.number), decision, &codes)
    }

    /// A phone that was taken signs what it likes, in whatever past it knew, and shows it to whoever still listens.
    fn captor(&mut self) {
        let taken: Vec<usize> =
            (0..self.replicas.len()).filter(|at| self.replicas[*at].taken.is_some()).collect();
        if taken.is_empty() {
            return;
        }
        let at = taken[self.below(taken.len())];
        let number = self.replicas[at].number;
        let Some(known) = self.replicas[at].taken.clone() else { return };
        let all = known.all();
        let parent = all[self.below(all.len())].0;
        let victim = self.below(self.replicas.len());
        let victim = self.replicas[victim].number;
        let id = *known.team();
        let body = match self.below(4) {
            0 if self.puppets < u8::MAX => {
                self.puppets += 1;
                add_body(&id, self.puppets, exchange(self.puppets), Role::Lead)
            }
            1 => Body::Grant { person: person_id(&key(victim)), role: Role::Lead, device: Some(key(victim)) },
            2 => Body::Adopt {
                space: SpaceId::new([1; 16]),
                writer: WriterId::new([number; 16]),
                position: Position(99),
                hash: EntryHash::new([9; 32]),
            },
            _ => Body::Revoke {
                target: Target::Person(person_id(&key(victim))),
                reason: Reason::Removed,
                cuts: vec![],
            },
        };
        // Its own count in that past, so that nobody can tell it by that.
        let mut past = known.clone();
        let sequence = own(&mut past, number, parent);
        let (hash, signed) = sign(&id, number, sequence, &[parent], body);
        let listener = self.below(self.replicas.len());
        let kept = self.replicas[listener].team.insert(&signed);
        if kept == Ok(firsthand_team::Inserted::Added(hash)) && !self.made.iter().any(|it| it.0 == hash) {
            self.made.push((hash, signed));
        }
    }
}

/// How many operations a device had signed at `parent`, and one.
fn own(team: &mut Membership, number: u8, parent: OperationHash) -> u64 {
    let mut seen = BTreeSet::new();
    let mut open = vec![parent];
    let mut own = 1;
    while let Some(hash) = open.pop() {
        let Some(operation) = team.operation(&hash).filter(|_| seen.insert(hash)) else { continue };
        own += u64::from(operation.author == key(number));
        open.extend(&operation.parents);
    }
    own
}

fn a_cut(number: u8, position: u64) -> Cut {
    let space = SpaceId::new([1; 16]);
    let writer = WriterId::new([number; 16]);
    Cut { space, writer, position: Position(position + 1), hash: EntryHash::new([number; 32]) }
}
