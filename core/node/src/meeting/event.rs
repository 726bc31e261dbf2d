use firsthand_ids::{DeviceKey, DocumentId, PersonId, SpaceId, WriterId};
use firsthand_record::roster::CheckInState;
use firsthand_sync::{Pending, Standing};
use firsthand_team::DeviceProposal;

use super::LinkId;

/// Why a link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndReason {
    /// Everything was exchanged, or a person ended it.
    #[error("finished")]
    Done,
    /// The connection broke off.
    #[error("the connection broke off; what was acknowledged is kept, the rest follows next time")]
    Cut,
    /// The other side did not answer in time.
    #[error("the other device stopped answering")]
    Silent,
    /// No secure channel: another team, or a device that does not speak this protocol.
    #[error("no secure channel: another team, a used or mistyped invitation, or another program")]
    Channel,
    /// One side does not know the other as a member.
    #[error("the other device is not a member of this team, as far as the two of them know")]
    NotAMember,
    /// One side could not store what it received.
    #[error("one of the two devices could not store what it received; free some space and try again")]
    Storage,
    /// The other side broke the rules of the exchange.
    #[error("the other device sent something that does not verify; nothing of it was kept")]
    Misbehaved,
    /// The two are connected by another link, or the other side is this device itself.
    #[error("the two devices are connected already")]
    Twice,
    /// A person declined.
    #[error("declined")]
    Declined,
}

/// What a meeting cost and brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Bytes sent, handshake and seals included.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// How often the direction of the talk changed. Two make a round trip.
    pub turns: u32,
    /// Entries taken in.
    pub entries_received: u64,
    /// Entries the other side took in.
    pub entries_sent: u64,
}

impl Summary {
    /// Round trips, halves included.
    #[must_use]
    pub fn round_trips(&self) -> f64 {
        f64::from(self.turns) / 2.0
    }
}

/// What observers hear.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A member is connected.
    Met {
        /// The link.
        link: LinkId,
        /// The member's device.
        device: DeviceKey,
        /// The member's name.
        name: String,
    },
    /// How the two stand has changed.
    Progress {
        /// The link.
        link: LinkId,
        /// The space.
        space: SpaceId,
        /// How they stand.
        standing: Standing,
        /// What the other side misses besides entries, once it has told.
        peer_pending: Option<Pending>,
    },
    /// Both hold the same and miss nothing.
    Complete {
        /// The link.
        link: LinkId,
    },
    /// A writer's chain is not the same on both sides; both branches are kept where they are.
    Forked {
        /// The space.
        space: SpaceId,
        /// The writer.
        writer: WriterId,
    },
    /// Somebody joins: compare these words with the other screen.
    Words {
        /// The link.
        link: LinkId,
        /// Three words.
        words: [&'static str; 3],
    },
    /// A further device of this device's person waits for a lead to add it.
    Proposed {
        /// The link.
        link: LinkId,
        /// What a lead is to be shown.
        proposal: Box<DeviceProposal>,
    },
    /// Somebody joined, or the further device was added.
    Joined {
        /// The link.
        link: LinkId,
        /// The person's name.
        name: String,
    },
    /// Nobody has heard of somebody for longer than their shift's rule allows. Told once for each check-in that is missed, and
    /// once more after the program was started.
    Overdue {
        /// Who.
        person: PersonId,
        /// Their name.
        name: String,
        /// The shift.
        shift: DocumentId,
        /// What people call the shift; may be empty.
        shift_title: String,
        /// For how many milliseconds.
        ms: u64,
    },
    /// An alarm about somebody has come: they are missing, need support, or are in distress. Told once for each, and once more
    /// after the program was started.
    Alarm {
        /// Who.
        person: PersonId,
        /// Their name.
        name: String,
        /// How they are, by all alarms that stand.
        state: CheckInState,
        /// The check-in that says so.
        check_in: DocumentId,
        /// All alarms about them that stand, in the order in which they were raised.
        open: Vec<DocumentId>,
    },
    /// A link ended.
    Ended {
        /// The link.
        link: LinkId,
        /// Why.
        reason: EndReason,
        /// What it cost.
        summary: Summary,
    },
}
