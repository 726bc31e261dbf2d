//! Watches over who is overdue, without any network and without being asked.

use std::time::Duration;

use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use super::worker::Worker;
use crate::{Event, Watch};

/// The longest time between two looks. A timer stands still while the machine sleeps, so one that was set for later would be
/// late by as long as it slept.
const LONGEST: Duration = Duration::from_secs(60);

/// Starts the task that looks when something about people or shifts has come, and when somebody would be overdue. An observer
/// who comes first is told at once what stands already. Aborting it ends it.
pub(super) fn start(worker: Worker, events: broadcast::Sender<Event>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut watch = Watch::default();
        loop {
            let heard = worker.heard();
            // Without an observer it only takes note of when what was heard.
            let observed = events.receiver_count() > 0;
            let mut looking = if observed { watch } else { Watch::default() };
            let looked = worker
                .run(move |ledger, shop| {
                    let looked = looking.look(ledger, shop.environment.clock.now());
                    Ok((looking, looked))
                })
                .await;
            let Ok((kept, looked)) = looked else { return };
            watch = if observed { kept } else { Watch::default() };
            let next = match looked {
                Ok((new, next)) => {
                    // Whoever came while it looked is told by the next look, which tells everything.
                    for event in new.into_iter().filter(|_| observed) {
                        // Nobody need be listening any more.
                        drop(events.send(event));
                    }
                    next.map(|ms| Duration::from_millis(ms).min(LONGEST))
                }
                Err(error) => {
                    tracing::error!(%error, "could not look who is overdue");
                    Some(LONGEST)
                }
            };
            match next {
                Some(next) => drop(tokio::time::timeout(next, heard.notified()).await),
                None => heard.notified().await,
            }
        }
    })
}
