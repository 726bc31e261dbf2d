//! One home, open or locked.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use firsthand_record::Place;
use tokio::task::JoinHandle;

use crate::cancel::or_cancelled;
use crate::lift::passphrase;
use crate::roster::next_overdue_ms;
use crate::runtime::run;
use crate::{
    ApiError, CancelToken, Checklists, Files, Incidents, Platform, PortError, Roster, Syncing, Team, observe,
};

enum State {
    Open { node: firsthand_node::Node, observing: Option<JoinHandle<()>> },
    Locked,
    Closed,
}

/// What all objects of one home share.
pub(crate) struct Shared {
    dir: PathBuf,
    pub(crate) platform: Platform,
    state: Mutex<State>,
}

impl Shared {
    /// A home that is open. Runs within the runtime.
    pub(crate) fn open(dir: PathBuf, platform: Platform, node: firsthand_node::Node) -> Arc<Self> {
        let observing = observe::start(&node, &platform);
        let state = Mutex::new(State::Open { node, observing });
        Arc::new(Self { dir, platform, state })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open home.
    pub(crate) fn node(&self) -> Result<firsthand_node::Node, ApiError> {
        match &*self.state() {
            State::Open { node, .. } => Ok(node.clone()),
            State::Locked | State::Closed => Err(ApiError::Locked { tries_left: None }),
        }
    }

    /// Takes the open home out and leaves another state.
    async fn end(&self, after: State) -> Result<(), ApiError> {
        let before = std::mem::replace(&mut *self.state(), after);
        match before {
            State::Open { node, observing } => {
                if let Some(observing) = observing {
                    observing.abort();
                }
                if let Some(discovery) = self.platform.discovery.clone() {
                    crate::runtime::call_port(move || drop(discovery.stop())).await;
                }
                Ok(node.shutdown().await?)
            }
            State::Locked => Ok(()),
            State::Closed => {
                *self.state() = State::Closed;
                Err(ApiError::Locked { tries_left: None })
            }
        }
    }

    async fn unlock(&self, text: String) -> Result<(), ApiError> {
        match &*self.state() {
            State::Open { .. } => return Ok(()),
            State::Closed => return Err(ApiError::Locked { tries_left: None }),
            State::Locked => {}
        }
        let environment = self.platform.environment();
        // The home itself takes one process and one opening at a time, so of two that unlock at once one is refused.
        let node = firsthand_node::Node::open(&self.dir, passphrase(text), environment).await?;
        let observing = observe::start(&node, &self.platform);
        let before = std::mem::replace(&mut *self.state(), State::Open { node, observing });
        if matches!(before, State::Closed) {
            self.end(State::Closed).await?;
            return Err(ApiError::Locked { tries_left: None });
        }
        Ok(())
    }
}

/// What a shell needs to know while the home is locked: times, no names.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LockReport {
    /// In how many milliseconds somebody is overdue next, should nothing be heard; 0: somebody is. `null` where nobody will be.
    /// Set an alarm for then: the home cannot raise it while it is locked.
    pub next_overdue_ms: Option<u64>,
}

/// A home: what one team's app holds on this phone. One for each process; it ends with [`Node::shutdown`].
#[derive(uniffi::Object)]
pub struct Node {
    shared: Arc<Shared>,
}

impl Node {
    pub(crate) fn of(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self { shared })
    }
}

#[uniffi::export]
impl Node {
    /// Founds a team in a new home, in a folder that does not exist or is empty.
    ///
    /// # Errors
    /// `Refused` with `EXISTS` where there is a home, `Invalid` for a name that cannot be used, `KeyStore`, `StorageFull`.
    #[uniffi::constructor]
    pub async fn create(
        folder: String,
        passphrase: String,
        team: String,
        name: String,
        platform: Platform,
    ) -> Result<Arc<Self>, ApiError> {
        let dir = PathBuf::from(folder);
        run(async move {
            let (secret, environment) = (crate::lift::passphrase(passphrase), platform.environment());
            let node = firsthand_node::Node::create_team(&dir, secret, &team, &name, environment).await?;
            Ok(Self::of(Shared::open(dir, platform, node)))
        })
        .await
    }

    /// Opens a home.
    ///
    /// # Errors
    /// `Locked` with the tries that are left, `KeyStore`, `InUse`, `NewerApp`, `HomeFailed` where there is none or it is damaged.
    #[uniffi::constructor]
    pub async fn open(folder: String, passphrase: String, platform: Platform) -> Result<Arc<Self>, ApiError> {
        let dir = PathBuf::from(folder);
        run(async move {
            let (secret, environment) = (crate::lift::passphrase(passphrase), platform.environment());
            let node = firsthand_node::Node::open(&dir, secret, environment).await?;
            Ok(Self::of(Shared::open(dir, platform, node)))
        })
        .await
    }

    /// The team and who belongs to it.
    #[must_use]
    pub fn team(&self) -> Arc<Team> {
        Arc::new(Team { shared: self.shared.clone() })
    }

    /// Incidents.
    #[must_use]
    pub fn incidents(&self) -> Arc<Incidents> {
        Arc::new(Incidents { shared: self.shared.clone() })
    }

    /// People, shifts, check-ins and the board.
    #[must_use]
    pub fn roster(&self) -> Arc<Roster> {
        Arc::new(Roster { shared: self.shared.clone() })
    }

    /// Checklists and their runs.
    #[must_use]
    pub fn checklists(&self) -> Arc<Checklists> {
        Arc::new(Checklists { shared: self.shared.clone() })
    }

    /// Photos, recordings and documents.
    #[must_use]
    pub fn files(&self) -> Arc<Files> {
        Arc::new(Files { shared: self.shared.clone() })
    }

    /// Meeting other phones.
    #[must_use]
    pub fn syncing(&self) -> Arc<Syncing> {
        Arc::new(Syncing { shared: self.shared.clone() })
    }

    /// Whether the home is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.node().is_ok()
    }

    /// Ends all meetings, closes the store and wipes the keys. Everything saved stays saved. Locking a locked home does nothing.
    ///
    /// # Errors
    /// `Locked` where it was closed.
    pub async fn lock(&self) -> Result<LockReport, ApiError> {
        let shared = self.shared.clone();
        run(async move {
            let next_overdue_ms = match shared.node() {
                Ok(node) => next_overdue_ms(&node.board().await?),
                Err(_) => None,
            };
            shared.end(State::Locked).await?;
            Ok(LockReport { next_overdue_ms })
        })
        .await
    }

    /// Opens a locked home again. Observers hear again; lists are watched anew.
    ///
    /// # Errors
    /// As [`Node::open`]; `Locked` where it was closed.
    pub async fn unlock(&self, passphrase: String) -> Result<(), ApiError> {
        let shared = self.shared.clone();
        run(async move { shared.unlock(passphrase).await }).await
    }

    /// Replaces the passphrase.
    ///
    /// # Errors
    /// `Locked` with the tries that are left where the old one is wrong.
    pub async fn change_passphrase(&self, old: String, new: String) -> Result<(), ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.change_passphrase(passphrase(old), passphrase(new)).await?) }).await
    }

    /// Locks the home for good: nothing of this object works any more.
    ///
    /// # Errors
    /// `Locked` where it was closed before.
    pub async fn shutdown(&self) -> Result<(), ApiError> {
        let shared = self.shared.clone();
        run(async move { shared.end(State::Closed).await }).await
    }

    /// Where the phone is, by the port for that.
    ///
    /// # Errors
    /// `NoAnswer` where no position comes in time, the port throws or there is none; `Cancelled`.
    pub async fn position(
        &self,
        timeout_ms: u64,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Place, ApiError> {
        let Some(port) = self.shared.platform.location.clone() else {
            return Err(ApiError::NoAnswer { details: "find the position: the app gives none".to_owned() });
        };
        run(or_cancelled(cancel, async move {
            let waited = tokio::time::timeout(Duration::from_millis(timeout_ms), port.position()).await;
            let why = match waited {
                Ok(Ok(position)) => return Ok(position.into()),
                Ok(Err(PortError::Unavailable)) => "the phone does not allow it now",
                Ok(Err(_)) => "the phone failed",
                Err(_) => "none came in time",
            };
            Err(ApiError::NoAnswer { details: format!("find the position: {why}") })
        }))
        .await
    }
}
