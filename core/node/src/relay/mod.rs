//! Attachments to the team's relays, decided without sockets, clocks or a store.
//!
//! [`Attachments::handle`] takes an [`Input`] and returns [`Effect`]s, as [`Meetings`](crate::Meetings) does for links to other
//! devices. Each mailbox that matters has a connection of its own, so that a relay cannot tell which are of one device, and
//! one relay that hangs or lies costs only itself. What the ledger decides (which mailboxes there are, what is sealed, what verifies)
//! is asked of it in [`Question`]s.

mod attachments;
mod files;
mod link;
mod question;
mod snapshots;
mod view;

pub use attachments::{Attachments, Effect, Input, LinkId};
pub use files::{RelayFile, Took, Way};
pub use question::{Answer, MailboxPlan, Question, RelayPlan, Standing};
pub use snapshots::{SnapshotPolicy, SnapshotStep, SnapshotView};
pub use view::{Queue, RelayState, RelayView, Trouble};
