//! Telling a shell what happened, many things in one call.

use std::time::Duration;

use firsthand_node::{EndReason, Event, Node};
use firsthand_record::roster::CheckInState;
use firsthand_record::uniffi_types::{DocumentId, PersonId};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::task::JoinHandle;

use crate::runtime::call_port;
use crate::{Notice, Platform};

/// How long it waits for more to happen before it tells: nobody sees a screen that is later by less.
pub(crate) const COALESCE: Duration = Duration::from_millis(50);

/// What happened since the last call.
#[derive(Debug, Clone, Default, uniffi::Record)]
pub struct Happened {
    /// Something that lists and counts show may have changed.
    pub records: bool,
    /// More happened than could be kept: ask for what stands, such as the board.
    pub missed: bool,
    /// The rest, in order.
    pub happenings: Vec<Happening>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, uniffi::Enum)]
pub enum Happening {
    /// Somebody joins: show these words, ask whether they are the same on the other screen, and answer with
    /// `Syncing.compared`.
    Words {
        /// The link.
        link: u64,
        /// Three words.
        words: Vec<String>,
    },
    /// Somebody joined.
    Joined {
        /// The link.
        link: u64,
        /// Their name.
        name: String,
    },
    /// A member is connected.
    Met {
        /// The link.
        link: u64,
        /// Their name.
        name: String,
    },
    /// Both hold the same and miss nothing, files included.
    Complete {
        /// The link.
        link: u64,
    },
    /// A meeting ended.
    Ended {
        /// The link.
        link: u64,
        /// It was finished; otherwise what was acknowledged is kept and the rest follows next time.
        finished: bool,
        /// Why, in words.
        reason: String,
    },
    /// Two histories of one device are known; a lead has to look at it.
    Forked,
    /// Nobody has heard of somebody in time.
    Overdue {
        /// Who.
        person: PersonId,
        /// Their name.
        name: String,
        /// The shift.
        shift: DocumentId,
        /// For how many milliseconds.
        ms: u64,
    },
    /// Somebody may need help.
    Alarm {
        /// Who.
        person: PersonId,
        /// Their name.
        name: String,
        /// How they are.
        state: CheckInState,
    },
}

fn happening(event: Event) -> Option<Happening> {
    Some(match event {
        Event::Words { link, words } => Happening::Words { link, words: words.map(str::to_owned).to_vec() },
        Event::Joined { link, name } => Happening::Joined { link, name },
        Event::Met { link, name, .. } => Happening::Met { link, name },
        Event::Complete { link } => Happening::Complete { link },
        Event::Ended { link, reason, .. } => {
            Happening::Ended { link, finished: reason == EndReason::Done, reason: reason.to_string() }
        }
        Event::Forked { .. } => Happening::Forked,
        Event::Overdue { person, name, shift, ms, .. } => Happening::Overdue { person, name, shift, ms },
        Event::Alarm { person, name, state, .. } => Happening::Alarm { person, name, state },
        // Progress is in `SyncState`, which a screen asks for when something changed.
        _ => return None,
    })
}

impl Happened {
    fn take(&mut self, event: Event) {
        self.records = true;
        self.happenings.extend(happening(event));
    }

    /// Everything that waits.
    fn drain(&mut self, events: &mut Receiver<Event>) {
        loop {
            match events.try_recv() {
                Ok(event) => self.take(event),
                Err(TryRecvError::Lagged(_)) => self.missed = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn notices(&self) -> Vec<Notice> {
        let notice = |it: &Happening| match it {
            Happening::Alarm { .. } => Some(Notice::Alarm),
            Happening::Overdue { .. } => Some(Notice::Overdue),
            _ => None,
        };
        let mut notices: Vec<Notice> = self.happenings.iter().filter_map(notice).collect();
        notices.dedup();
        notices
    }
}

/// Starts to tell the shell, where it wants to hear. It ends when the home is locked.
pub(crate) fn start(node: &Node, platform: &Platform) -> Option<JoinHandle<()>> {
    if platform.observer.is_none() && platform.notifier.is_none() {
        return None;
    }
    let (observer, notifier) = (platform.observer.clone(), platform.notifier.clone());
    let (mut events, mut changes) = (node.events(), node.status_changes());
    Some(tokio::spawn(async move {
        loop {
            let mut happened = Happened::default();
            tokio::select! {
                event = events.recv() => match event {
                    Ok(event) => happened.take(event),
                    Err(RecvError::Lagged(_)) => happened.missed = true,
                    Err(RecvError::Closed) => return,
                },
                changed = changes.changed() => match changed {
                    Ok(()) => happened.records = true,
                    Err(_) => return,
                },
            }
            tokio::time::sleep(COALESCE).await;
            changes.mark_unchanged();
            happened.drain(&mut events);
            let (observer, notifier) = (observer.clone(), notifier.clone());
            let told = call_port(move || {
                for notice in happened.notices() {
                    if let Some(Err(error)) = notifier.as_ref().map(|port| port.show(notice)) {
                        tracing::warn!(%error, "a notification was not shown");
                    }
                }
                if let Some(Err(error)) = observer.map(|port| port.happened(happened)) {
                    tracing::warn!(%error, "the shell did not hear what happened");
                }
            });
            told.await;
        }
    }))
}
