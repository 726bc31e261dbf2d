//! What the holders of the recovery keys decide: a team does not end with its last lead.

use firsthand_ids::{OperationHash, PersonId};
use firsthand_log::DeviceSecret;
use firsthand_team::{Decision, Quorum, Reason, Target, TeamError, recovery_secret};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Ledger, Opening};
use crate::NodeError;

/// How many recovery keys a team has, and how many of them decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryKeys {
    /// So many have to come together.
    pub needed: u8,
    /// So many there are.
    pub keys: u8,
}

impl RecoveryKeys {
    /// Draws the keys; gives the code of each.
    pub(super) fn draw(self, rng: &mut dyn CryptoRng) -> Result<(Quorum, Vec<Zeroizing<String>>), TeamError> {
        let mut seeds = Zeroizing::new(vec![[0; 32]; self.keys.into()]);
        seeds.iter_mut().for_each(|seed| rng.fill_bytes(seed));
        Quorum::of(self.needed, &seeds)
    }
}

impl Ledger {
    /// Makes a home and founds a team in it that can be recovered. Returns the code of each key: they are kept nowhere, so they have
    /// to be written down now.
    ///
    /// # Errors
    /// As [`Ledger::create_team`]; [`TeamError::Recovery`] for more keys than nine, none, or fewer than are needed.
    pub fn create_team_with_recovery(
        opening: Opening<'_>,
        team: &str,
        name: &str,
        recovery: RecoveryKeys,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Vec<Zeroizing<String>>), NodeError> {
        Self::found(opening, (team, name), super::Founded::Team(Some(recovery)), rng)
    }

    /// The recovery keys that were made when the team was founded; `None` where none were.
    #[must_use]
    pub fn recovery_keys(&self) -> Option<RecoveryKeys> {
        let quorum = self.membership.recovery()?;
        Some(RecoveryKeys { needed: quorum.needed, keys: quorum.keys.len() as u8 })
    }

    /// Whether a code is complete and one of this team's.
    #[must_use]
    pub fn is_recovery_code(&self, code: &str) -> bool {
        let key = recovery_secret(code).map(|secret| secret.key());
        self.membership.recovery().zip(key.ok()).is_some_and(|(quorum, key)| quorum.keys.contains(&key))
    }

    /// Makes a person lead the team, with every device that they ever had in it; and where `remove` says so, takes somebody out, before all
    /// other removals. That needs this device to be the person's, or a lead's. Returns the removal.
    ///
    /// # Errors
    /// [`NodeError::Team`]: [`TeamError::Recovery`] for too few codes or others than this team's, [`TeamError::NotAllowed`] where
    /// this device could not remove anybody afterwards. Nothing is done then.
    pub fn recover(
        &mut self,
        lead: PersonId,
        remove: Option<(Target, Reason)>,
        codes: &[Zeroizing<String>],
    ) -> Result<Option<OperationHash>, NodeError> {
        if remove.is_some() && lead != self.person && !self.rights().remove {
            return Err(TeamError::NotAllowed.into());
        }
        let keys: Result<Vec<DeviceSecret>, _> = codes.iter().map(|code| recovery_secret(code)).collect();
        let keys = keys?;
        self.change_team(|team, secret| team.recover(secret, Decision::Lead(lead), &keys))?;
        let Some((target, reason)) = remove else { return Ok(None) };
        let removal = self.revoke(target, reason)?;
        self.change_team(|team, secret| team.recover(secret, Decision::Back(removal), &keys))?;
        Ok(Some(removal))
    }
}
