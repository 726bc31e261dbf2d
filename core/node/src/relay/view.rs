use firsthand_ids::{ExchangeKey, UnixMillis};
use firsthand_sync::relay::Refused;

use super::snapshots::SnapshotView;

/// Why a relay is of no use at the moment, in words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// No connection came about.
    #[error("it cannot be reached")]
    Unreachable,
    /// The connection broke off.
    #[error("the connection broke off")]
    Cut,
    /// It stopped answering.
    #[error("it stopped answering")]
    Silent,
    /// Whoever answers there has another key.
    #[error("whoever answers there does not have the key that the team was given")]
    OtherKey,
    /// It said what a relay cannot say.
    #[error("it said what a relay cannot say; nothing of that was believed")]
    Misbehaved,
    /// It takes the team's token no more.
    #[error("it does not take the team's token: unknown, expired, or used up")]
    Token,
    /// It is being stopped.
    #[error("it is being stopped")]
    Stopping,
    /// It has too many connections.
    #[error("it has too many connections")]
    Busy,
    /// Its disk is full or failed.
    #[error("its disk is full or failed")]
    Disk,
    /// The team's room there is used up.
    #[error("the room that the team has there is used up")]
    Full,
    /// What this device may bring there is used up.
    #[error("what one device may bring there is used up")]
    ShareUsed,
    /// Somebody's garbage is in the way, or the mailbox begins where it must not.
    #[error("something in the team's mailbox there is in the way; a removal makes a new mailbox")]
    Blocked,
    /// It lists what it does not bring.
    #[error("it lists what it does not bring")]
    Withholds,
}

impl Trouble {
    /// What a refused range says of a relay.
    #[must_use]
    pub const fn of(refused: Refused) -> Self {
        match refused {
            Refused::MailboxFull => Self::Full,
            Refused::ShareUsed => Self::ShareUsed,
            Refused::Storage => Self::Disk,
            _ => Self::Blocked,
        }
    }
}

/// How this device and a relay stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayState {
    /// Nothing was tried yet.
    Idle,
    /// A connection is being made, or what is there is being read.
    Connecting,
    /// Connected, and entries are on their way.
    Exchanging,
    /// Connected, and nothing is left to exchange.
    UpToDate,
    /// It is tried again in so many milliseconds.
    Waiting {
        /// In how many.
        ms: u64,
    },
}

/// A relay as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayView {
    /// Where it is.
    pub address: String,
    /// Its key.
    pub key: ExchangeKey,
    /// How this device and the relay stand.
    pub state: RelayState,
    /// What is wrong, where something is.
    pub trouble: Option<Trouble>,
    /// How many of its mailboxes are open.
    pub open: usize,
    /// What there is to say of snapshots in the mailboxes where this device brings things.
    pub snapshot: Option<SnapshotView>,
}

/// What has not reached any relay yet, as far as this device knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queue {
    /// Entries made on this device.
    pub own: u64,
    /// Entries of others.
    pub others: u64,
    /// When the oldest of them was made, by the clock of the device that made it.
    pub oldest: Option<UnixMillis>,
    /// Files that are whole here and to go to relays as things are, and of which something is not known to be at any; with its smaller forms
    /// a file counts once.
    pub files: u64,
    /// Bytes of that.
    pub file_bytes: u64,
    /// Files of which something is wanted here that may come from relays as things are.
    pub files_wanted: u64,
    /// Bytes of that.
    pub wanted_bytes: u64,
}
