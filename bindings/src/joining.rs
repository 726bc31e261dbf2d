//! Joining a team by its invitation.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::lift;
use crate::node::Shared;
use crate::runtime::run;
use crate::{ApiError, Node, Platform};

/// Somebody who is about to join and sees the words. Confirmed or declined once.
#[derive(uniffi::Object)]
pub struct Joining {
    joining: Mutex<Option<firsthand_node::Joining>>,
    words: Vec<String>,
    address: String,
    dir: PathBuf,
    platform: Platform,
}

impl Joining {
    fn take(&self) -> Result<firsthand_node::Joining, ApiError> {
        let taken = self.joining.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.ok_or(ApiError::Cancelled)
    }
}

#[uniffi::export]
impl Joining {
    /// Reaches the inviter of a code. The home is made only once both people have compared the words.
    ///
    /// # Errors
    /// `Refused` with `BAD_CODE` or `EXISTS`, `Invalid` for the name, `NoAnswer`.
    #[uniffi::constructor]
    pub async fn begin(
        folder: String,
        passphrase: String,
        code: String,
        name: String,
        platform: Platform,
    ) -> Result<Arc<Self>, ApiError> {
        let dir = PathBuf::from(folder);
        run(async move {
            let (secret, environment) = (lift::passphrase(passphrase), platform.environment());
            let joining = firsthand_node::Node::join(&dir, secret, &code, &name, environment).await?;
            Ok(Arc::new(Self {
                words: joining.words.map(str::to_owned).to_vec(),
                address: joining.address().to_owned(),
                joining: Mutex::new(Some(joining)),
                dir,
                platform,
            }))
        })
        .await
    }

    /// Three words. They must be the same on the inviter's screen.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.words.clone()
    }

    /// Where the inviter's phone was reached: a first meeting can follow there.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// The person says that the words are the same. Waits for the other side, and makes the home.
    ///
    /// # Errors
    /// `NoAnswer` where the other side declined or is gone: there is no home then. `Cancelled` where this was answered before.
    pub async fn confirm(&self) -> Result<Arc<Node>, ApiError> {
        let (joining, dir, platform) = (self.take()?, self.dir.clone(), self.platform.clone());
        run(async move {
            let node = joining.confirm().await?;
            Ok(Node::of(Shared::open(dir, platform, node)))
        })
        .await
    }

    /// The words differ, or the person thought better of it. No home is made.
    ///
    /// # Errors
    /// `Cancelled` where this was answered before.
    pub async fn decline(&self) -> Result<(), ApiError> {
        let joining = self.take()?;
        run(async move {
            joining.decline().await;
            Ok(())
        })
        .await
    }
}
