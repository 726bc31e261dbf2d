//! The people of a team: their records, and who is meant.

use std::collections::BTreeMap;

use firsthand_document::{DocumentKind, Edit};
use firsthand_ids::{DocumentId, PersonId};
use firsthand_record::roster::{Person, PersonStatus};
use firsthand_store::{PersonProjection, TrainingRow};
use firsthand_team::TeamError;
use rand_core::CryptoRng;

use super::records::object;
use super::{Ledger, Now, Saved};
use crate::NodeError;

/// Somebody in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonView {
    /// Who it is.
    pub person: PersonId,
    /// The record; `None` for a member of whom nobody made one.
    pub id: Option<DocumentId>,
    /// The name that lists show.
    pub name: String,
    /// The name on the radio; empty where there is none.
    pub callsign: String,
    /// The code of the status, such as `active`.
    pub status: String,
    /// Language tags.
    pub languages: Vec<String>,
    /// Codes of skills.
    pub skills: Vec<String>,
    /// What they were trained in.
    pub trainings: Vec<TrainingRow>,
    /// Whether they have a device.
    pub member: bool,
    /// Whether it is the person of this device.
    pub me: bool,
    /// How many fields are in conflict.
    pub conflicts: u32,
    /// Whether a mark hides the record.
    pub hidden: bool,
}

/// What became of something that only counts from people with the right to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was saved.
    pub saved: Saved,
    /// Whether it counts. Otherwise it shows as a proposal, and a lead decides.
    pub counts: bool,
}

/// Whether somebody can be put on a shift, by the code of their status. One that only a newer version knows is not one of
/// those that say no.
pub(super) fn is_active(status: Option<&str>) -> bool {
    ![PersonStatus::Paused.code(), PersonStatus::Left.code()].contains(&status.unwrap_or_default())
}

/// The names of people, for lists.
pub(super) struct Names(BTreeMap<PersonId, (String, String)>);

impl Names {
    pub(super) fn of(&self, person: &PersonId) -> String {
        self.0.get(person).map_or_else(|| person.short(), |(name, _)| name.clone())
    }

    pub(super) fn known(&self, person: &PersonId) -> Option<String> {
        self.0.get(person).map(|(name, _)| name.clone())
    }

    pub(super) fn callsign(&self, person: &PersonId) -> String {
        self.0.get(person).map_or_else(String::new, |(_, callsign)| callsign.clone())
    }
}

impl Ledger {
    /// Everybody: who has a record, then members who have none, both in the order of their names.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn people(&self) -> Result<Vec<PersonView>, NodeError> {
        let members = &self.membership.roster().members;
        let mut people: Vec<PersonView> =
            self.store.people(true)?.into_iter().map(|it| self.person_view(it.id, it.row)).collect();
        for (person, member) in members {
            if !people.iter().any(|it| it.person == *person) {
                people.push(PersonView {
                    person: *person,
                    id: None,
                    name: member.name.clone(),
                    callsign: String::new(),
                    status: PersonStatus::Active.code().to_owned(),
                    languages: Vec::new(),
                    skills: Vec::new(),
                    trainings: Vec::new(),
                    member: true,
                    me: *person == self.person,
                    conflicts: 0,
                    hidden: false,
                });
            }
        }
        people.sort_by_cached_key(|it| (it.id.is_none(), it.name.to_lowercase(), it.person));
        Ok(people)
    }

    fn person_view(&self, id: DocumentId, row: PersonProjection) -> PersonView {
        PersonView {
            person: row.person,
            id: Some(id),
            name: row.name,
            callsign: row.callsign,
            status: row.status.unwrap_or_else(|| PersonStatus::Active.code().to_owned()),
            languages: row.languages,
            skills: row.skills,
            trainings: row.trainings,
            member: self.membership.roster().members.contains_key(&row.person),
            me: row.person == self.person,
            conflicts: row.conflicts,
            hidden: row.hidden,
        }
    }

    /// The names that lists show: of the oldest record of each, else of the membership.
    pub(super) fn names(&self) -> Result<Names, NodeError> {
        let roster = self.membership.roster();
        let members = roster.former.iter().chain(&roster.members);
        let mut names: BTreeMap<PersonId, (String, String)> =
            members.map(|(person, member)| (*person, (member.name.clone(), String::new()))).collect();
        let mut seen = std::collections::BTreeSet::new();
        for it in self.store.people(false)? {
            if seen.insert(it.row.person) {
                names.insert(it.row.person, (it.row.name, it.row.callsign));
            }
        }
        Ok(Names(names))
    }

    /// Who is meant: a name, a callsign, the beginning of a name, `me`, or the beginning of an id.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], or [`NodeError::Ambiguous`] with the names that fit.
    pub fn find_person(&self, typed: &str) -> Result<PersonId, NodeError> {
        let wanted = typed.trim().to_lowercase();
        if wanted == "me" {
            return Ok(self.person);
        }
        let people = self.people()?;
        type Fits<'a> = &'a dyn Fn(&PersonView) -> bool;
        let exact: Fits<'_> = &|it| it.name.to_lowercase() == wanted || it.callsign.to_lowercase() == wanted;
        let begins: Fits<'_> = &|it| it.name.to_lowercase().starts_with(&wanted);
        let id: Fits<'_> = &|it| wanted.len() >= 4 && it.person.to_string().starts_with(&wanted);
        for fits in [exact, begins, id] {
            let mut found: Vec<&PersonView> = people.iter().filter(|it| fits(it)).collect();
            found.dedup_by_key(|it| it.person);
            let persons: std::collections::BTreeSet<_> = found.iter().map(|it| it.person).collect();
            match persons.len() {
                0 => {}
                1 => return Ok(found[0].person),
                _ => {
                    let named = |it: &&PersonView| format!("{} ({})", it.name, it.person.short());
                    let candidates = found.iter().map(named).collect();
                    return Err(NodeError::Ambiguous { typed: typed.to_owned(), candidates });
                }
            }
        }
        Err(NodeError::NotFound(typed.to_owned()))
    }

    /// Saves a new record of somebody: of a member where `person` says who, else of somebody without a device. Leads do so for
    /// everybody, others for themselves.
    ///
    /// # Errors
    /// [`NodeError::Rejected`] with every field to put right, [`NodeError::Team`] without the right.
    pub fn add_person(
        &mut self,
        mut person: Person,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        if !self.rights().close && person.person != Some(self.person) {
            return Err(TeamError::NotAllowed.into());
        }
        person.status = person.status.or(Some(PersonStatus::Active));
        self.add_record(DocumentKind::Person, object(&person)?, now, rng)
    }

    /// What stands in the oldest record of somebody; `None` for a member of whom nobody made one.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn person(&mut self, person: PersonId) -> Result<Option<Person>, NodeError> {
        let Some(oldest) = self.store.people_of(&person)?.into_iter().next() else { return Ok(None) };
        Ok(Some(Person::read(self.read_view(&oldest.id)?.shown()).record))
    }

    /// The oldest record of somebody; made where a member has none yet.
    ///
    /// # Errors
    /// As [`Ledger::add_person`].
    pub fn person_record(
        &mut self,
        person: PersonId,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<DocumentId, NodeError> {
        if let Some(oldest) = self.store.people_of(&person)?.first() {
            return Ok(oldest.id);
        }
        let Some(member) = self.membership.roster().members.get(&person) else {
            return Err(NodeError::NotFound(person.short()));
        };
        let name = Some(member.name.clone());
        let record = Person { person: Some(person), display_name: name, ..Person::default() };
        Ok(self.add_person(record, now, rng)?.id)
    }

    /// Edits somebody's record, which is made where a member has none. Leads do so for everybody, others for themselves.
    ///
    /// # Errors
    /// As [`Ledger::edit`]; [`NodeError::Team`] without the right.
    pub fn edit_person(
        &mut self,
        person: PersonId,
        edits: &[Edit],
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        if !self.rights().close && person != self.person {
            return Err(TeamError::NotAllowed.into());
        }
        let id = self.person_record(person, now, rng)?;
        self.edit(id, edits, now, rng)
    }
}
