//! Closing a period, piece by piece, so that saves and meetings go on meanwhile.

use chrono::{Days, NaiveDate, NaiveTime};
use firsthand_ids::{LocalTime, UnixMillis};
use firsthand_store::{Close, ClosedPeriod};

use super::node::{Node, Progress};
use crate::{ClosedView, NodeError};

impl Node {
    /// Closes everything up to the end of a day, by this device's time zone: records of which nothing is from later take less room from now
    /// on, and files go that two other devices keep. It stays readable and provable, and is a matter of this device alone.
    ///
    /// # Errors
    /// [`NodeError::Stopped`]; the same again goes on. [`NodeError::Store`] from the disk: what was closed before stays closed.
    pub async fn close_period(
        &self,
        day: NaiveDate,
        close: Close,
        progress: Progress,
    ) -> Result<ClosedView, NodeError> {
        let mut closing = self
            .run(move |ledger, shop| {
                let now = shop.environment.clock.now();
                ledger.begin_closing(end_of(day, now), now, close)
            })
            .await?;
        loop {
            let (kept, more) = self
                .run(move |ledger, _| {
                    let more = ledger.close_next(&mut closing)?;
                    Ok((closing, more))
                })
                .await?;
            closing = kept;
            if !more {
                break;
            }
            let (done, total) = closing.progress();
            if !progress(done, total) {
                return Err(NodeError::Stopped);
            }
        }
        self.run(move |ledger, shop| ledger.finish_closing(closing, shop.environment.clock.now())).await
    }

    /// The periods that were closed on this device, in the order in which that was done.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub async fn closed_periods(&self) -> Result<Vec<ClosedPeriod>, NodeError> {
        self.run(|ledger, _| ledger.closed_periods()).await
    }
}

/// The beginning of the day after. Beyond the calendar's end there is nothing to close.
fn end_of(day: NaiveDate, now: LocalTime) -> UnixMillis {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    let midnight = next.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
    UnixMillis(midnight - i64::from(now.offset_minutes) * 60_000)
}
