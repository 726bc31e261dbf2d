//! Threads, tasks and sockets around the state machines.

mod attachments;
mod bundle;
mod checklists;
mod copies;
mod devices;
mod driver;
mod evidence;
mod files;
mod join;
mod network;
mod node;
mod panics;
mod private;
mod relays;
mod roster;
mod watch;
mod websocket;
mod worker;

pub use join::Joining;
pub use node::{Node, Passphrase, Progress};
pub use panics::keep_caught_panics_quiet;
pub use relays::RelaysView;

use firsthand_ids::SpaceId;
use firsthand_sync::{Pending, Standing};

use crate::LinkId;

/// How this device and one peer stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerView {
    /// The link.
    pub link: LinkId,
    /// The member's device, its first digits.
    pub device: String,
    /// The member's name.
    pub name: String,
    /// How they stand, space by space.
    pub standings: Vec<(SpaceId, Standing)>,
    /// What the other side misses besides entries, once it has told.
    pub peer_pending: Option<Pending>,
    /// Both hold the same and miss nothing.
    pub complete: bool,
}
