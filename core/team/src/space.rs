use std::collections::BTreeMap;

use firsthand_ids::{Digest, OperationHash, PersonId, SpaceId, TeamId};

/// The set of people who may read some records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Every member.
    Team,
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
