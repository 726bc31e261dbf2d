//! What was to be kept until a day that has passed.

use chrono::NaiveDate;
use firsthand_ids::DocumentId;
use firsthand_record::Moment;

use super::node::Node;
use super::worker::Workshop;
use crate::{DueFile, NodeError};

impl Node {
    /// The files that were to be kept until a day before today, by this device's clock and its time zone.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub async fn due_files(&self) -> Result<Vec<DueFile>, NodeError> {
        self.run(|ledger, shop| match today(shop) {
            Some(today) => ledger.due_files(today),
            None => Ok(Vec::new()),
        })
        .await
    }

    /// Destroys the keys of files that are due, here and on every device that hears of it, and says which are gone. By somebody without a
    /// lead's right it is a proposal.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk: what was done before stands.
    pub async fn end_retention(&self, files: Vec<DocumentId>) -> Result<Vec<DocumentId>, NodeError> {
        self.write(move |ledger, shop| {
            let Some(today) = today(shop) else { return Ok(Vec::new()) };
            let now = shop.environment.clock.now();
            ledger.end_retention(&files, today, now, &mut shop.random)
        })
        .await
    }
}

/// A clock that shows no time of this era makes nothing due.
fn today(shop: &Workshop) -> Option<NaiveDate> {
    Moment::from_local(shop.environment.clock.now()).map(|now| now.chrono().date_naive())
}
