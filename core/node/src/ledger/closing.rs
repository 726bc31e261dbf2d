//! Closing a period: what is old takes less room, and nothing that anybody reads, proves or passes on changes.

use firsthand_ids::UnixMillis;
use firsthand_store::{Close, ClosedPeriod, Closing};

use super::{FreeRequest, FreedFile, Kept, Ledger, Now, ProgressFn};
use crate::NodeError;

/// What closing a period did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClosedView {
    /// Records.
    pub period: ClosedPeriod,
    /// Files from that period that are here, oldest record first: which go, since two other devices keep them, and why the others stay.
    pub files: Vec<FreedFile>,
    /// Bytes of those that went, or would.
    pub file_bytes: u64,
}

impl Ledger {
    /// Begins to close everything about documents whose last entry is from before `until`, or goes on where that was stopped.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub fn begin_closing(&mut self, until: UnixMillis, now: Now, close: Close) -> Result<Closing, NodeError> {
        self.apply_untried()?;
        Ok(self.store.begin_closing(until, now.at, close)?)
    }

    /// Closes some of them; `false` once there are no more. Between two calls anything else can be done.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk; what was closed before stays closed.
    pub fn close_next(&mut self, closing: &mut Closing) -> Result<bool, NodeError> {
        Ok(self.store.close_next(closing)?)
    }

    /// Gives back what has become free, and lets go of the files from that period that two other devices keep.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk; the period is closed all the same.
    pub fn finish_closing(&mut self, closing: Closing, now: Now) -> Result<ClosedView, NodeError> {
        let dry_run = closing.is_preview();
        let period = self.store.finish_closing(closing)?;
        let age = now.at.0.saturating_sub(period.until.0);
        let older_than_ms = u64::try_from(age).unwrap_or(0);
        let freed = self.free_files(FreeRequest { older_than_ms, enough: None, dry_run }, now)?;
        let mut files = freed.files;
        files.retain(|file| file.kept != Some(Kept::Young));
        Ok(ClosedView { period, files, file_bytes: freed.bytes })
    }

    /// All of it in one go.
    ///
    /// # Errors
    /// [`NodeError::Stopped`]; the same again goes on. [`NodeError::Store`] from the disk.
    pub fn close_period(
        &mut self,
        until: UnixMillis,
        now: Now,
        close: Close,
        progress: ProgressFn<'_>,
    ) -> Result<ClosedView, NodeError> {
        let mut closing = self.begin_closing(until, now, close)?;
        while self.close_next(&mut closing)? {
            let (done, total) = closing.progress();
            if !progress(done, total) {
                return Err(NodeError::Stopped);
            }
        }
        self.finish_closing(closing, now)
    }

    /// The periods that were closed, in the order in which that was done.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub fn closed_periods(&self) -> Result<Vec<ClosedPeriod>, NodeError> {
        Ok(self.store.closed_periods()?)
    }
}
