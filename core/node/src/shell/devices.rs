//! Roles, removal and return, from any thread.

use firsthand_ids::{OperationHash, Position};
use firsthand_team::{DeviceProposal, Reason, Role, Target};

use zeroize::Zeroizing;

use crate::{DeviceView, Ledger, Node, NodeError, RecoveryKeys, RemovalView, SpaceEpochs};

/// What somebody typed, as something that can be taken out.
fn target(ledger: &Ledger, device: Option<&str>, who: Option<&str>) -> Result<Target, NodeError> {
    Ok(match device {
        Some(device) => Target::Device(ledger.find_device(device)?),
        None => Target::Person(ledger.find_member(who.unwrap_or_default())?),
    })
}

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
        self.write(move |ledger, workshop| {
            let target = target(ledger, device.as_deref(), who.as_deref())?;
            let removal = ledger.revoke(target, reason)?;
            ledger.renew_keys(&mut workshop.random);
            Ok(removal)
        })
        .await
    }

    /// Whom [`Node::revoke`] would take out, by name; nothing is changed.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] or [`NodeError::Ambiguous`].
    pub async fn find_to_revoke(
        &self,
        who: Option<String>,
        device: Option<String>,
    ) -> Result<String, NodeError> {
        self.run(move |ledger, _| {
            let target = target(ledger, device.as_deref(), who.as_deref())?;
            Ok(ledger.target_name(&target))
        })
        .await
    }

    /// The recovery keys that were made when the team was founded; `None` where none were.
    ///
    /// # Errors
    /// [`NodeError::Closed`].
    pub async fn recovery_keys(&self) -> Result<Option<RecoveryKeys>, NodeError> {
        self.run(|ledger, _| Ok(ledger.recovery_keys())).await
    }

    /// Whether a recovery code is complete and one of this team's.
    ///
    /// # Errors
    /// [`NodeError::Closed`].
    pub async fn is_recovery_code(&self, code: Zeroizing<String>) -> Result<bool, NodeError> {
        self.run(move |ledger, _| Ok(ledger.is_recovery_code(&code))).await
    }

    /// Makes a person lead the team, by enough recovery codes; and takes somebody out before all other removals, where `remove` names them.
    ///
    /// # Errors
    /// As [`Node::grant`], and [`NodeError::Team`] where the codes are not enough or not this team's.
    pub async fn recover(
        &self,
        lead: String,
        remove: Option<(String, Reason)>,
        codes: Vec<Zeroizing<String>>,
    ) -> Result<Option<OperationHash>, NodeError> {
        self.write(move |ledger, workshop| {
            let lead = ledger.find_member(&lead)?;
            let remove = match remove {
                Some((who, reason)) => Some((target(ledger, None, Some(&who))?, reason)),
                None => None,
            };
            let removal = ledger.recover(lead, remove, &codes)?;
            ledger.renew_keys(&mut workshop.random);
            Ok(removal)
        })
        .await
    }

    /// The keys of each space that this device's person reads: who made them, who has them, which is in use.
    ///
    /// # Errors
    /// [`NodeError::Closed`].
    pub async fn epochs(&self) -> Result<Vec<SpaceEpochs>, NodeError> {
        self.run(|ledger, _| Ok(ledger.epochs())).await
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
