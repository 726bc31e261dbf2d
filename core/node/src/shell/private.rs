//! Emergency contacts, care checks and debriefs, from any thread.

use firsthand_document::DocumentKind;
use firsthand_ids::{DocumentId, PersonId};
use firsthand_record::roster::EmergencyContact;
use firsthand_record::{Care, Debrief};

use crate::{CareView, ContactView, DebriefView, Node, NodeError, Saved};

impl Node {
    /// Saves whom to call when something happens to somebody: oneself, or for a lead anybody.
    ///
    /// # Errors
    /// [`NodeError::Team`] where this person may not; [`NodeError::Rejected`]; [`NodeError::Store`].
    pub async fn set_emergency_contact(&self, contact: EmergencyContact) -> Result<Saved, NodeError> {
        self.write(move |ledger, shop| {
            ledger.set_emergency_contact(contact, shop.environment.clock.now(), &mut shop.random)
        })
        .await
    }

    /// Whom to call: of everybody for a lead, else only one's own.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn emergency_contacts(&self) -> Result<Vec<ContactView>, NodeError> {
        self.run(|ledger, _| ledger.emergency_contacts()).await
    }

    /// Names whom this person talks to after a hard day, from now on; `None`: nobody any more.
    ///
    /// # Errors
    /// [`NodeError::Team`] for a stranger or oneself; [`NodeError::Store`].
    pub async fn name_care_contact(&self, contact: Option<PersonId>) -> Result<(), NodeError> {
        self.write(move |ledger, _| ledger.name_care_contact(contact)).await
    }

    /// Whom this person named, by id and name.
    ///
    /// # Errors
    /// [`NodeError::Closed`].
    pub async fn care_contact(&self) -> Result<Option<(PersonId, String)>, NodeError> {
        self.run(|ledger, _| Ok(ledger.care_contact())).await
    }

    /// Saves how this person is, for them and the care contact they named.
    ///
    /// # Errors
    /// [`NodeError::Rejected`]; [`NodeError::Store`].
    pub async fn add_care(&self, care: Care) -> Result<Saved, NodeError> {
        self.write(move |ledger, shop| ledger.add_care(care, shop.environment.clock.now(), &mut shop.random))
            .await
    }

    /// The care checks that this person may read, the newest first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn care_checks(&self) -> Result<Vec<CareView>, NodeError> {
        self.run(|ledger, _| ledger.care_checks()).await
    }

    /// Saves a new debrief.
    ///
    /// # Errors
    /// [`NodeError::Rejected`]; [`NodeError::Store`].
    pub async fn add_debrief(&self, debrief: Debrief) -> Result<Saved, NodeError> {
        self.write(move |ledger, shop| ledger.add(&debrief, shop.environment.clock.now(), &mut shop.random))
            .await
    }

    /// All debriefs that are not hidden, those that came last first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn debriefs(&self) -> Result<Vec<DebriefView>, NodeError> {
        self.run(|ledger, _| ledger.debriefs()).await
    }

    /// One debrief.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here.
    pub async fn debrief(&self, id: DocumentId) -> Result<DebriefView, NodeError> {
        self.run(move |ledger, _| ledger.debrief(id)).await
    }

    /// The record of a kind whose id begins as it was typed.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::Ambiguous`].
    pub async fn find_record(&self, kind: DocumentKind, typed: &str) -> Result<DocumentId, NodeError> {
        let typed = typed.to_owned();
        self.run(move |ledger, _| ledger.find_record(&kind, &typed)).await
    }
}
