//! Roles, removal and return, from any thread.

use firsthand_ids::{OperationHash, Position};
use firsthand_team::{DeviceProposal, Reason, Role, Target};

use crate::{DeviceView, Node, NodeError, RemovalView};

impl Node {
    /// Every device of the team, those that were removed too, and the removals that stand.
    ///
    /// # Errors
    /// [`NodeError::Closed`].
    pub async fn devices(&self) -> Result<(Vec<DeviceView>, Vec<RemovalView>), NodeError> {
        self.run(|ledger, _| Ok((ledger.devices(), ledger.removals()))).await
    }

    /// Whose device a proposal would add, by name; nothing is changed.
    ///
    /// # Errors
    /// [`NodeError::Team`] where it is another team's, or no device of this team that is known here signed it.
    pub async fn proposed_for(&self, proposal: DeviceProposal) -> Result<String, NodeError> {
        self.run(move |ledger, _| ledger.proposed_for(&proposal)).await
    }

    /// Adds a further device of somebody, as one of theirs proposed it; says whose it is. The other hears of it at the next meeting.
    ///
    /// # Errors
    /// [`NodeError::Team`] as in [`Node::proposed_for`], and where this person may not.
    pub async fn admit_device(&self, proposal: DeviceProposal) -> Result<String, NodeError> {
        self.write(move |ledger, _| ledger.admit_device(&proposal)).await
    }

    /// Gives a person a role, by name or the beginning of their id. Somebody who was removed returns with it.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::Ambiguous`]; [`NodeError::Team`] where this person may not.
    pub async fn grant(&self, who: String, role: Role) -> Result<(), NodeError> {
        self.write(move |ledger, _| ledger.grant(ledger.find_member(&who)?, role)).await
    }

    /// Takes a person out of the team, or one device.
    ///
    /// # Errors
    /// As [`Node::grant`].
    pub async fn revoke(
        &self,
        who: Option<String>,
        device: Option<String>,
        reason: Reason,
    ) -> Result<OperationHash, NodeError> {
        self.write(move |ledger, _| {
            let target = match (device, who) {
                (Some(device), _) => Target::Device(ledger.find_device(&device)?),
                (None, who) => Target::Person(ledger.find_member(&who.unwrap_or_default())?),
            };
            ledger.revoke(target, reason)
        })
        .await
    }

    /// Stands behind a removal, by the beginning of its hash.
    ///
    /// # Errors
    /// As [`Node::grant`].
    pub async fn confirm_removal(&self, removal: String) -> Result<(), NodeError> {
        self.write(move |ledger, _| ledger.confirm(ledger.find_removal(&removal)?)).await
    }

    /// Releases an entry that is held since its device was removed, with what it builds on.
    ///
    /// # Errors
    /// As [`Node::grant`].
    pub async fn adopt(&self, chain: String, position: u64) -> Result<(), NodeError> {
        self.write(move |ledger, _| {
            let writer = ledger.find_held_chain(&chain)?;
            ledger.adopt(writer, Position(position))
        })
        .await
    }
}
