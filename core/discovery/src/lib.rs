//! Finds devices on the networks a laptop is in: what they announce by mDNS, and whom its own machine has as neighbours.
//!
//! It knows nothing of teams, and what it says is hearsay: whoever is on the network can announce anything. Phones do not link it;
//! their systems find others for them and their shells report the same to the node.
//!
//! What it announces is a random name that the caller draws anew at each start, a port, and the addresses of this machine. The
//! machine's own name is not in it, and no text record is.

mod mdns;
mod neighbours;
mod networks;

pub use mdns::{Announcer, SERVICE, Seen};
pub use neighbours::{neighbours, parse_neighbours};
pub use networks::Networks;

/// Why nothing can be found or announced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// The system does not let this program speak to the network by multicast.
    #[error("announce this device on the network: {0}")]
    Multicast(#[from] mdns_sd::Error),
    /// The thread that listens could not be started.
    #[error("listen for announcements: {0}")]
    Thread(#[from] std::io::Error),
}
