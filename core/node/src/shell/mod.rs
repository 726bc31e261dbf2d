//! Threads, tasks and sockets around the state machines.

mod addresses;
mod attachments;
mod bundle;
mod checklists;
mod closing;
mod copies;
mod devices;
mod driver;
mod evidence;
mod files;
mod join;
mod nearby;
mod network;
mod node;
mod panics;
mod private;
mod relays;
mod retention;
mod roster;
mod status;
mod stopwatch;
mod turns;
mod warning;
mod watch;
mod websocket;
mod wire;
mod worker;

pub use addresses::reachable;
pub use join::Joining;
pub use nearby::Nearby;
pub use node::{Node, Passphrase, Progress};
pub use panics::keep_caught_panics_quiet;
pub use relays::RelaysView;
pub use status::{DeviceStatus, TeamStatus};

use firsthand_ids::{DeviceKey, SpaceId};
use firsthand_sync::{Pending, Standing};

use crate::{LinkId, Seen};

/// How this device and one peer stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerView {
    /// The link.
    pub link: LinkId,
    /// The member's device.
    pub key: DeviceKey,
    /// The same, its first digits.
    pub device: String,
    /// The member's name.
    pub name: String,
    /// How they stand, space by space.
    pub standings: Vec<(SpaceId, Standing)>,
    /// What the other side misses besides entries, once it has told.
    pub peer_pending: Option<Pending>,
    /// Both hold the same and miss nothing.
    pub complete: bool,
    /// How they stand over all spaces, once the other side has told.
    pub seen: Option<Seen>,
}
