//! What only few may read: emergency contacts and incidents for the leads, for a person and the leads, and care checks, for a person and
//! the care contact whom they named. Each stands in a space of its own, which no other member's device ever receives.

use firsthand_document::DocumentKind;
use firsthand_ids::{DocumentId, LocalTime, PersonId, SpaceId};
use firsthand_record::roster::EmergencyContact;
use firsthand_record::{Care, Moment};
use firsthand_team::Space;
use rand_core::CryptoRng;

use super::records::object;
use super::{Ledger, Now, Saved};
use crate::NodeError;

/// An emergency contact that this device may show.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactView {
    /// Its record.
    pub id: DocumentId,
    /// Whose contact it is, by name; empty where somebody else than that person wrote it and they are no member.
    pub person: String,
    /// The contact.
    pub contact: EmergencyContact,
}

/// A care check that this device may show.
#[derive(Debug, Clone, PartialEq)]
pub struct CareView {
    /// Its record.
    pub id: DocumentId,
    /// Whose it is.
    pub person: String,
    /// Whether it is this device's person's own.
    pub own: bool,
    /// Who else can read it, by name; `None`: nobody.
    pub shared_with: Option<String>,
    /// When it was noted, by the clock of the device.
    pub local: LocalTime,
    /// What they noted.
    pub care: Care,
}

impl Ledger {
    /// Saves whom to call when something happens to somebody: this device's person, or for a lead anybody.
    ///
    /// # Errors
    /// [`NodeError::Team`] where this device's person may not write it; [`NodeError::Rejected`].
    pub fn set_emergency_contact(
        &mut self,
        contact: EmergencyContact,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        let person = contact.person.unwrap_or(self.person);
        let contact = EmergencyContact { person: Some(person), ..contact };
        let space = self.space_with_leads(person)?;
        self.add_record_in(space, DocumentKind::EmergencyContact, object(&contact)?, now, rng)
    }

    /// Whom to call: of everybody for a lead, else only one's own. Those noted last come first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn emergency_contacts(&mut self) -> Result<Vec<ContactView>, NodeError> {
        let mut views = Vec::new();
        for (id, space) in self.private_records(&DocumentKind::EmergencyContact)? {
            let Some(Space::Contact { person: owner }) = self.membership.space(&space) else { continue };
            let view = self.read_view(&id)?;
            let contact = EmergencyContact::read(view.shown()).record;
            // Who may write here cannot write of somebody else.
            if contact.person == Some(owner) && contact.tombstone.is_empty() {
                views.push(ContactView { id, person: self.name(&owner), contact });
            }
        }
        views.reverse();
        Ok(views)
    }

    /// Names whom this device's person talks to after a hard day, from now on; `None`: nobody any more. What was noted before
    /// stays with those who could read it.
    ///
    /// # Errors
    /// [`NodeError::Team`] for a stranger or oneself; [`NodeError::Store`] from the store.
    pub fn name_care_contact(&mut self, contact: Option<PersonId>) -> Result<(), NodeError> {
        self.change_team(|membership, secret| membership.name_care_contact(secret, contact)).map(drop)
    }

    /// Whom this device's person named, by id and name.
    #[must_use]
    pub fn care_contact(&self) -> Option<(PersonId, String)> {
        let contact = self.membership.care_contact(&self.person)?;
        Some((contact, self.name(&contact)))
    }

    /// Saves how this device's person is. Only they and the care contact they named can ever read it.
    ///
    /// # Errors
    /// [`NodeError::Rejected`]; [`NodeError::Store`] from the store.
    pub fn add_care(&mut self, care: Care, now: Now, rng: &mut dyn CryptoRng) -> Result<Saved, NodeError> {
        let at = care.at.or_else(|| Moment::from_local(now));
        let care = Care { person: Some(self.person), at, ..care };
        let space = self.membership.care_space(&self.person);
        self.add_record_in(space, DocumentKind::Care, object(&care)?, now, rng)
    }

    /// The care checks that this device's person may read: their own, and those of people who named them. The newest first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn care_checks(&mut self) -> Result<Vec<CareView>, NodeError> {
        let mut views = Vec::new();
        for (id, space) in self.private_records(&DocumentKind::Care)? {
            let Some(Space::Care { person: owner, contact }) = self.membership.space(&space) else {
                continue;
            };
            let info = self.created(&id)?.info;
            let view = self.read_view(&id)?;
            let care = Care::read(view.shown()).record;
            if info.person == owner && care.person == Some(owner) && care.tombstone.is_empty() {
                let shared_with = contact.map(|contact| self.name(&contact));
                let (person, own) = (self.name(&owner), owner == self.person);
                views.push(CareView { id, person, own, shared_with, local: info.local, care });
            }
        }
        views.reverse();
        Ok(views)
    }

    /// Whether this device's person may read every space of which something is held here. Always so, unless they read less than
    /// they did.
    #[must_use]
    pub fn reads_all_it_holds(&self) -> bool {
        self.store.spaces().all(|space| self.takes_part(&space))
    }

    /// Records of a kind in the spaces of few, in the order in which this device came to hold them.
    fn private_records(&mut self, kind: &DocumentKind) -> Result<Vec<(DocumentId, SpaceId)>, NodeError> {
        self.apply_untried()?;
        let mut found = Vec::new();
        for space in self.membership.spaces_of(&self.person).into_keys() {
            if space != self.space {
                let ids = self.store.documents_of_kind(&space, kind.name())?;
                found.extend(ids.into_iter().map(|(number, id)| (number, id, space)));
            }
        }
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, id, space)| (id, space)).collect())
    }

    /// The space of this device's person and the leads.
    pub(super) fn own_space_with_leads(&self) -> Result<SpaceId, NodeError> {
        self.space_with_leads(self.person)
    }

    /// Whose space this is besides the leads'.
    pub(super) fn leads_and(&self, space: &SpaceId) -> Option<String> {
        match self.membership.space(space) {
            Some(Space::Contact { person }) => Some(self.name(&person)),
            _ => None,
        }
    }

    fn space_with_leads(&self, person: PersonId) -> Result<SpaceId, NodeError> {
        let space = self.space_where(|space| *space == Space::Contact { person });
        space.ok_or_else(|| self.may_not_change_team())
    }

    fn space_where(&self, fits: impl Fn(&Space) -> bool) -> Option<SpaceId> {
        let spaces = self.membership.spaces_of(&self.person);
        spaces.into_iter().find(|(_, space)| fits(space)).map(|(id, _)| id)
    }
}
