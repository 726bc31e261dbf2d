//! Who belongs to the team.

use std::sync::Arc;

use firsthand_node::{Reason, Role};
use firsthand_record::uniffi_types::{DeviceKey, PersonId};

use crate::node::Shared;
use crate::runtime::run;
use crate::{ApiError, lift};

/// What a person may do in the team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum TeamRole {
    /// Leads the team: decides who belongs to it.
    Lead,
    /// Decides for the day what the team's records say.
    Coordinator,
    /// Publishes checklists.
    Trainer,
    /// Logs, edits and proposes.
    Responder,
    /// Logs what they see.
    Observer,
    /// Reads, and writes nothing.
    ReadOnly,
    /// A role that only a newer version of the app knows.
    Newer,
}

impl From<Role> for TeamRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Lead => Self::Lead,
            Role::Coordinator => Self::Coordinator,
            Role::Trainer => Self::Trainer,
            Role::Responder => Self::Responder,
            Role::Observer => Self::Observer,
            Role::ReadOnly => Self::ReadOnly,
            Role::Other(_) => Self::Newer,
        }
    }
}

impl TeamRole {
    /// The role to give; one of a newer version cannot be given.
    pub(crate) fn given(self) -> Result<Role, ApiError> {
        Ok(match self {
            Self::Lead => Role::Lead,
            Self::Coordinator => Role::Coordinator,
            Self::Trainer => Role::Trainer,
            Self::Responder => Role::Responder,
            Self::Observer => Role::Observer,
            Self::ReadOnly => Role::ReadOnly,
            Self::Newer => return Err(ApiError::unreadable("role", "is not one that can be given")),
        })
    }
}

/// Why somebody is taken out. It changes nothing of what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum RemovalReason {
    /// They left.
    Left,
    /// The phone is lost.
    Lost,
    /// The phone was taken by somebody.
    Seized,
    /// The team removed them.
    Removed,
}

impl From<RemovalReason> for Reason {
    fn from(reason: RemovalReason) -> Self {
        match reason {
            RemovalReason::Left => Self::Left,
            RemovalReason::Lost => Self::Lost,
            RemovalReason::Seized => Self::Seized,
            RemovalReason::Removed => Self::Removed,
        }
    }
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Member {
    /// Who.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// The code of their role.
    pub role: String,
    /// Whether it is the person of this phone.
    pub me: bool,
    /// How many devices they have.
    pub devices: u64,
}

/// The team and how much is here.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct TeamState {
    /// Its name.
    pub name: String,
    /// Whether it is a network of teams.
    pub network: bool,
    /// The person of this phone.
    pub me: PersonId,
    /// This phone.
    pub device: DeviceKey,
    /// Everybody, in the order of their names.
    pub members: Vec<Member>,
    /// How many incidents are here.
    pub incidents: u64,
    /// How many entries wait for something that has not come.
    pub waiting: u64,
    /// How many entries are held back.
    pub held: u64,
    /// How many files are not complete here.
    pub files_missing: u64,
    /// Why what is here may not be the newest of this phone, in words that complete "because"; empty where nothing speaks for
    /// that.
    pub doubts: Vec<String>,
}

/// A device of the team.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct TeamDevice {
    /// Its key.
    pub device: DeviceKey,
    /// Whose it is.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: TeamRole,
    /// Whether it belongs to the team; otherwise it was taken out.
    pub admitted: bool,
    /// Whether it is this one.
    pub this: bool,
}

/// The team of a home.
#[derive(uniffi::Object)]
pub struct Team {
    pub(crate) shared: Arc<Shared>,
}

#[uniffi::export]
impl Team {
    /// The team and how much is here.
    ///
    /// # Errors
    /// `Locked`, `HomeFailed`.
    pub async fn state(&self) -> Result<TeamState, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let view = node.team().await?;
            let members = view.members.into_iter().map(|it| Member {
                person: it.person,
                name: it.name,
                role: it.role.to_owned(),
                me: it.me,
                devices: lift::count(it.devices),
            });
            Ok(TeamState {
                name: view.name,
                network: view.network,
                me: view.me,
                device: view.device,
                members: members.collect(),
                incidents: view.counts.incidents,
                waiting: view.counts.waiting,
                held: view.counts.held,
                files_missing: view.counts.attachments_missing,
                doubts: view.recovery.reasons.into_iter().map(str::to_owned).collect(),
            })
        })
        .await
    }

    /// Every device, those that were taken out too.
    ///
    /// # Errors
    /// `Locked`.
    pub async fn devices(&self) -> Result<Vec<TeamDevice>, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let (devices, _) = node.devices().await?;
            let device = |it: firsthand_node::DeviceView| TeamDevice {
                device: it.device,
                person: it.person,
                name: it.name,
                role: it.role.into(),
                admitted: it.admitted,
                this: it.this,
            };
            Ok(devices.into_iter().map(device).collect())
        })
        .await
    }

    /// Invites one person: gives the code for a QR code, and lets whoever has it join once at an address where this phone
    /// listens. `Words` and then `Joined` reach the observer.
    ///
    /// # Errors
    /// `Refused` with `NOT_ALLOWED`.
    pub async fn invite(&self, role: TeamRole, addresses: Vec<String>) -> Result<String, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.invite(role.given()?, addresses).await?) }).await
    }

    /// Takes an invitation back that nobody has used.
    ///
    /// # Errors
    /// `Locked`.
    pub async fn uninvite(&self) -> Result<(), ApiError> {
        let node = self.shared.node()?;
        run(async move {
            node.uninvite().await;
            Ok(())
        })
        .await
    }

    /// The person says whether the words of `Words` are the same on both screens.
    ///
    /// # Errors
    /// `Locked`.
    pub async fn compared(&self, link: u64, same: bool) -> Result<(), ApiError> {
        let node = self.shared.node()?;
        run(async move {
            node.compared(link, same).await;
            Ok(())
        })
        .await
    }

    /// Gives a person a role, by name or the beginning of their id. Somebody who was taken out returns with it.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn grant(&self, who: String, role: TeamRole) -> Result<(), ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.grant(who, role.given()?).await?) }).await
    }

    /// Takes one device out, by the beginning of its key; no network is needed. Every phone that hears of it refuses that device
    /// from then on, and the keys are renewed.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn remove_device(&self, device: String, reason: RemovalReason) -> Result<(), ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.revoke(None, Some(device), reason.into()).await.map(drop)?) }).await
    }

    /// Takes a person out with all their devices, by name or the beginning of their id.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn remove_person(&self, who: String, reason: RemovalReason) -> Result<(), ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.revoke(Some(who), None, reason.into()).await.map(drop)?) }).await
    }
}
