//! What files take, which of them are asked for, and room made.

use super::node::Node;
use crate::meeting::{Change, Input};
use firsthand_ids::DocumentId;

use crate::{Conditions, FilePolicy, FreeRequest, FreedView, NodeError, SpaceView};

impl Node {
    /// Which files this device asks for.
    ///
    /// # Errors
    /// [`NodeError::Closed`].
    pub async fn file_policy(&self) -> Result<FilePolicy, NodeError> {
        self.run(|ledger, _| Ok(ledger.file_policy().clone())).await
    }

    /// Takes another policy for files; open meetings go by it at once.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk; the old one holds then.
    pub async fn set_file_policy(&self, policy: FilePolicy) -> Result<(), NodeError> {
        let change = self.run(move |ledger, _| ledger.set_file_policy(policy)).await?;
        self.spread(change).await;
        Ok(())
    }

    /// The shell says how the device is doing: whether its way to the internet costs by the byte, and how full its battery is. Until it
    /// has, nothing costs and nothing runs low.
    ///
    /// # Errors
    /// [`NodeError::Closed`].
    pub async fn set_conditions(&self, conditions: Conditions) -> Result<(), NodeError> {
        if let Some(change) = self.run(move |ledger, _| Ok(ledger.set_conditions(conditions))).await? {
            self.spread(change).await;
        }
        Ok(())
    }

    /// Where files stand and what takes how much.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub async fn space(&self) -> Result<SpaceView, NodeError> {
        self.run(|ledger, _| ledger.space_view()).await
    }

    /// Says in the records of long files that this device holds them, where that helps others, and where the policy says so. The same is
    /// done after each meeting.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub async fn tell_copies(&self) -> Result<(), NodeError> {
        loop {
            let told = self
                .run(|ledger, shop| {
                    let now = shop.environment.clock.now();
                    ledger.tell_copies(now, &mut shop.random)
                })
                .await?;
            if let Some(change) = told.change {
                self.spread(change).await;
            }
            if !told.more {
                return Ok(());
            }
        }
    }

    /// Lets go of files of which two other devices said that they hold them, or says what would go.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk; files that went before are let go of then.
    pub async fn free_files(&self, request: FreeRequest) -> Result<FreedView, NodeError> {
        self.run(move |ledger, shop| ledger.free_files(request, shop.environment.clock.now())).await
    }

    /// Asks again for a file that was let go of. `false` where it was not.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where the incident has no such file, [`NodeError::Destroyed`], [`NodeError::Store`].
    pub async fn want_again(&self, incident: DocumentId, name: &str) -> Result<bool, NodeError> {
        let name = name.to_owned();
        let (wanted, change) =
            self.run(move |ledger, _| Ok((ledger.want_again(&incident, &name)?, ledger.received()))).await?;
        self.spread(change).await;
        Ok(wanted)
    }

    /// Tells open meetings what changed.
    async fn spread(&self, change: Change) {
        self.tell(Input::Changed(change)).await;
    }
}
