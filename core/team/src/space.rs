use std::collections::BTreeMap;

use firsthand_ids::{Digest, OperationHash, PersonId, SpaceId, TeamId};

use crate::{Membership, Role};

/// The set of people who may read some records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Every member.
    Team,
    /// The leads. What relays are told for all leads is signed by a key that follows from its epoch.
    Leads,
    /// A person and the leads: whom to call when something happens to that person.
    Contact {
        /// Whose.
        person: PersonId,
    },
    /// A person and the care contact whom they had named. To name another one begins a new space, so that nobody reads what was
    /// told to somebody else.
    Care {
        /// Whose.
        person: PersonId,
        /// The other reader.
        contact: Option<PersonId>,
    },
}

impl Space {
    pub(crate) fn contact_id(team: &TeamId, person: &PersonId) -> SpaceId {
        SpaceId::new(space(team, b"contact").fixed(person).finish_short())
    }

    /// The space that begins with the operation that names a contact; without one, that of the person alone.
    pub(crate) fn care_id(team: &TeamId, person: &PersonId, naming: Option<&OperationHash>) -> SpaceId {
        let mut digest = space(team, b"care");
        digest.fixed(person);
        if let Some(hash) = naming {
            digest.fixed(hash);
        }
        SpaceId::new(digest.finish_short())
    }
}

/// The space that the leads of the team read.
#[must_use]
pub fn leads_space(team: &TeamId) -> SpaceId {
    SpaceId::new(space(team, b"leads").finish_short())
}

fn space(team: &TeamId, kind: &[u8]) -> Digest {
    let mut digest = Digest::new("firsthand space v1");
    digest.fixed(team).sized(kind);
    digest
}

/// The space that every member of the team reads.
#[must_use]
pub fn team_space(team: &TeamId) -> SpaceId {
    SpaceId::new(space(team, b"team").finish_short())
}

/// An operation that names a care contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Naming {
    pub(crate) depth: u32,
    pub(crate) hash: OperationHash,
    pub(crate) contact: Option<PersonId>,
}

/// Whom people named, in the common order of (depth, hash), which every replica finds alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cares(BTreeMap<PersonId, Vec<Naming>>);

impl Cares {
    pub(crate) fn add(&mut self, person: PersonId, naming: Naming) {
        let namings = self.0.entry(person).or_default();
        let at = namings.partition_point(|it| (it.depth, it.hash) < (naming.depth, naming.hash));
        namings.insert(at, naming);
    }

    pub(crate) fn of(&self, person: &PersonId) -> &[Naming] {
        self.0.get(person).map_or(&[], Vec::as_slice)
    }
}

impl Membership {
    /// What a space is for; `None` for one that is not of this team, or that an operation makes which is not here.
    #[must_use]
    pub fn space(&self, id: &SpaceId) -> Option<Space> {
        self.spaces().find(|(space, _)| space == id).map(|(_, space)| space)
    }

    /// Whether a person reads a space, and may write into it.
    #[must_use]
    pub fn reads(&self, id: &SpaceId, person: &PersonId) -> bool {
        self.space(id).is_some_and(|space| self.is_reader(&space, person))
    }

    /// The spaces that a person reads.
    #[must_use]
    pub fn spaces_of(&self, person: &PersonId) -> BTreeMap<SpaceId, Space> {
        self.spaces().filter(|(_, space)| self.is_reader(space, person)).collect()
    }

    /// The space into which a person's care checks go from now on.
    #[must_use]
    pub fn care_space(&self, person: &PersonId) -> SpaceId {
        let naming = self.fold.cares.of(person).last().filter(|naming| naming.contact.is_some());
        Space::care_id(self.team(), person, naming.map(|naming| &naming.hash))
    }

    /// Whom a person named as their care contact.
    #[must_use]
    pub fn care_contact(&self, person: &PersonId) -> Option<PersonId> {
        self.fold.cares.of(person).last()?.contact
    }

    fn spaces(&self) -> impl Iterator<Item = (SpaceId, Space)> + '_ {
        let team = (team_space(self.team()), Space::Team);
        let people = self.roster.members.keys().chain(self.roster.former.keys());
        let own = people.flat_map(|person| {
            let contact = (Space::contact_id(self.team(), person), Space::Contact { person: *person });
            let alone = Space::Care { person: *person, contact: None };
            let named = self.fold.cares.of(person).iter().filter(|naming| naming.contact.is_some());
            let named = named.map(|naming| {
                let space = Space::Care { person: *person, contact: naming.contact };
                (Space::care_id(self.team(), person, Some(&naming.hash)), space)
            });
            [contact, (Space::care_id(self.team(), person, None), alone)].into_iter().chain(named)
        });
        let leads = (leads_space(self.team()), Space::Leads);
        [team, leads].into_iter().chain(own)
    }

    pub(crate) fn is_reader(&self, space: &Space, person: &PersonId) -> bool {
        let Some(member) = self.roster.members.get(person) else { return false };
        match space {
            Space::Team => true,
            Space::Leads => member.role == Role::Lead,
            Space::Contact { person: owner } => owner == person || member.role == Role::Lead,
            Space::Care { person: owner, contact } => owner == person || *contact == Some(*person),
        }
    }
}
