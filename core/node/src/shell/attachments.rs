//! What files take, which of them are asked for, and room made.

use super::node::Node;
use crate::meeting::{Change, Input};
use crate::{Conditions, FilePolicy, NodeError};

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

    /// Tells open meetings what changed.
    async fn spread(&self, change: Change) {
        self.tell(Input::Changed(change)).await;
    }
}
