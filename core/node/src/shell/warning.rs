//! Signs, readings and warnings, from any thread.

use firsthand_ids::{DocumentId, PersonId};
use firsthand_record::warning::{AckKind, Alert, Indicator, Reading};

use crate::{AlertView, Decision, IndicatorView, Node, NodeError, Saved};

/// A method of the ledger that needs the time, from any thread.
macro_rules! timed {
    ($($(#[doc = $doc:literal])+ $name:ident($($arg:ident: $type:ty => $pass:expr),*) -> $out:ty;)+) => {
        $(
            $(#[doc = $doc])+
            ///
            /// # Errors
            /// Those of the method of the same name of [`crate::Ledger`]; nothing is saved then.
            pub async fn $name(&self, $($arg: $type),*) -> Result<$out, NodeError> {
                self.write(move |ledger, shop| {
                    let now = shop.environment.clock.now();
                    ledger.$name($($pass,)* now, &mut shop.random)
                })
                .await
            }
        )+
    };
}

impl Node {
    timed! {
        /// Saves what was read of a sign.
        add_reading(reading: Reading => reading) -> Saved;
        /// Raises a warning; who has the right to approve it does so by raising it.
        raise_alert(alert: Alert => alert) -> Saved;
        /// Enters a warning that comes from a file or from data, without an approval.
        propose_alert(alert: Alert => alert) -> Saved;
        /// Approves a warning as it stands.
        approve_alert(id: DocumentId => id) -> Decision;
        /// Takes one's own approval of a warning back.
        unapprove_alert(id: DocumentId => id, reason: String => &reason) -> Decision;
        /// Says something to a warning, for oneself or, as a lead, for somebody who said it by radio.
        acknowledge_alert(
            id: DocumentId => id, person: Option<PersonId> => person, kind: AckKind => kind, note: String => &note
        ) -> Decision;
    }

    /// Saves a sign that the team watches.
    ///
    /// # Errors
    /// [`NodeError::Rejected`]; [`NodeError::Store`].
    pub async fn add_indicator(&self, indicator: Indicator) -> Result<Saved, NodeError> {
        self.write(move |ledger, shop| ledger.add(&indicator, shop.environment.clock.now(), &mut shop.random))
            .await
    }

    /// All signs with their readings, those that came last first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn indicators(&self) -> Result<Vec<IndicatorView>, NodeError> {
        self.run(|ledger, _| ledger.indicators()).await
    }

    /// One sign with its readings.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here.
    pub async fn indicator(&self, id: DocumentId) -> Result<IndicatorView, NodeError> {
        self.run(move |ledger, _| ledger.indicator(id)).await
    }

    /// All warnings as they stand now, those that came last first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn alerts(&self) -> Result<Vec<AlertView>, NodeError> {
        self.run(|ledger, shop| ledger.alerts(shop.environment.clock.now())).await
    }

    /// One warning as it stands now.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here.
    pub async fn alert(&self, id: DocumentId) -> Result<AlertView, NodeError> {
        self.run(move |ledger, shop| ledger.alert(id, shop.environment.clock.now())).await
    }

    /// The warning of a sender under a name, where it is here.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn alert_named(
        &self,
        sender: String,
        identifier: String,
    ) -> Result<Option<DocumentId>, NodeError> {
        self.run(move |ledger, _| ledger.alert_named(&sender, &identifier)).await
    }
}
