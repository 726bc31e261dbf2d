use std::time::Duration;

use firsthand_ids::UnixMillis;
use tokio::time::Instant;

/// The time by which a task's timeouts go: it runs on steadily, because a wall clock that is set must not cut a meeting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Since it was started.
    pub(super) fn now(self) -> UnixMillis {
        UnixMillis(i64::try_from(self.0.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    /// Waits until it shows `deadline`: without one, for ever.
    pub(super) async fn shows(self, deadline: Option<UnixMillis>) {
        match deadline {
            Some(at) => {
                let at = Duration::from_millis(u64::try_from(at.0).unwrap_or(0));
                tokio::time::sleep_until(self.0 + at).await;
            }
            None => std::future::pending().await,
        }
    }
}
