//! Stopping long work, and hearing how far it is.

use std::sync::Arc;

use firsthand_node::Progress;
use tokio::sync::watch;

use crate::{ApiError, PortError};

/// Stops long work where it can stop cleanly. One token can stop several pieces of work; once used it stays so.
#[derive(uniffi::Object)]
pub struct CancelToken {
    cancelled: watch::Sender<bool>,
}

#[uniffi::export]
impl CancelToken {
    /// A token that stops nothing yet.
    #[uniffi::constructor]
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { cancelled: watch::channel(false).0 })
    }

    /// Stops what was begun with it, and whatever is begun with it later.
    pub fn cancel(&self) {
        self.cancelled.send_replace(true);
    }

    /// Whether it was used.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }
}

impl CancelToken {
    async fn used(&self) {
        // The sender lives in `self`, so the wait ends only when it was used.
        drop(self.cancelled.subscribe().wait_for(|used| *used).await);
    }
}

/// Hears how far long work is.
#[uniffi::export(foreign)]
pub trait ProgressListener: Send + Sync {
    /// So much is done of so much: bytes, or rows.
    ///
    /// # Errors
    /// Whatever it throws stops nothing.
    fn progress(&self, done: u64, total: u64) -> Result<(), PortError>;
}

/// What the core asks while it works.
pub(crate) fn progress(
    listener: Option<Arc<dyn ProgressListener>>,
    cancel: Option<Arc<CancelToken>>,
) -> Progress {
    Arc::new(move |done, total| {
        if let Some(Err(error)) = listener.as_ref().map(|listener| listener.progress(done, total)) {
            tracing::debug!(%error, "nobody heard how far the work is");
        }
        !cancel.as_ref().is_some_and(|cancel| cancel.is_cancelled())
    })
}

/// Waits for the work or for the token, whichever is first. Only for work that can be dropped.
pub(crate) async fn or_cancelled<T>(
    cancel: Option<Arc<CancelToken>>,
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let Some(cancel) = cancel else { return work.await };
    tokio::select! {
        biased;
        () = cancel.used() => Err(ApiError::Cancelled),
        done = work => done,
    }
}
