use std::collections::BTreeMap;
use std::sync::Arc;

use firsthand_ids::{ContentHash, DeviceKey, MailboxId, Position, WriterPseudonym};
use firsthand_log::DeviceSecret;
use firsthand_sync::FileId;
use firsthand_sync::relay::{
    Floor, Moment, Opened, Pending, Puts, RangeHead, Refused, Remembered, SealedDigest,
};
use firsthand_team::TeamRelay;

use super::files::{RelayFile, Took};
use super::snapshots::SnapshotStep;
use crate::meeting::Change;

/// What a mailbox is to this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Of the epoch under which a space is sealed now: everything goes there.
    Current,
    /// Of another epoch that exactly the readers have: those who seal under it hear there what they have not heard.
    Beside,
    /// Of an earlier epoch, which somebody may have who was removed since. It is read for what those bring who have not heard,
    /// and a door leads on from there.
    Former,
    /// Somebody left a door to it. It is read; nothing is believed of it that does not verify.
    Found,
}

/// A mailbox that matters.
pub struct MailboxPlan {
    /// What it is.
    pub standing: Standing,
    /// What opens it.
    pub secret: Arc<DeviceSecret>,
    /// What this device signs with in it.
    pub uploader: Arc<DeviceSecret>,
    /// What writes this device's journal there.
    pub journal: WriterPseudonym,
    /// What is held here.
    pub holds: BTreeMap<WriterPseudonym, Position>,
    /// This device's journal has something to say there.
    pub says: bool,
    /// What is brought there.
    pub puts: Puts,
    /// What was known of it when the last connection ended.
    pub remembered: Remembered,
}

/// A relay, and what this device does there.
pub struct RelayPlan {
    /// The relay.
    pub relay: TeamRelay,
    /// The leads' key with which mailboxes are registered, as the team was told with the relay.
    pub leads: DeviceKey,
    /// The mailboxes.
    pub mailboxes: BTreeMap<MailboxId, MailboxPlan>,
}

/// What attachments ask of the ledger. Those with an answer say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Which mailboxes matter now, and what is held? Answered by [`Answer::Plan`].
    Plan {
        /// What is known of mailboxes: how far this device's journal goes in them, and how far everybody's entries do.
        reaches: BTreeMap<MailboxId, BTreeMap<WriterPseudonym, Position>>,
        /// Everything there is at a relay was read, so where a space has no key that exactly its readers have, one is made.
        renew: bool,
    },
    /// What would this device seal for a range? Answered by [`Answer::Compared`].
    Compare(MailboxId, RangeHead),
    /// Open, verify and keep a range. Answered by [`Answer::Opened`].
    Open(MailboxId, RangeHead, Vec<u8>),
    /// Seal what follows. Answered by [`Answer::Sealed`].
    Seal(MailboxId, WriterPseudonym, Position),
    /// A mailbox's list begins anew: what was read there counts no more.
    Anew(MailboxId),
    /// The relay lost what came after a moment: only what was there by then counts.
    SetBack(MailboxId, Moment),
    /// A connection ended, or came to rest: remember how far it was.
    Remember {
        /// The mailbox.
        mailbox: MailboxId,
        /// What the next connection begins with.
        remembered: Remembered,
        /// How far everybody's entries are there.
        reach: BTreeMap<WriterPseudonym, Position>,
    },
    /// There is no such mailbox at the relay.
    Gone(MailboxId),
    /// Which files are to be fetched from a mailbox, and brought to it? Answered by [`Answer::Files`].
    Files(MailboxId),
    /// What are the parts of a file called that is to be brought? Answered by [`Answer::Named`].
    NameParts(MailboxId, FileId),
    /// Load a part of a file. Answered by [`Answer::Loaded`].
    LoadPart {
        /// The mailbox.
        mailbox: MailboxId,
        /// The file.
        file: FileId,
        /// Which part.
        part: u32,
        /// What it is called.
        name: ContentHash,
    },
    /// Keep a part of a file that came: the bytes have that name. Answered by [`Answer::Took`].
    TakePart {
        /// The mailbox.
        mailbox: MailboxId,
        /// The file.
        file: FileId,
        /// Which part.
        part: u32,
        /// What it is called.
        name: ContentHash,
        /// Its bytes.
        sealed: Vec<u8>,
    },
    /// These files are whole at the relay.
    AtRelay(MailboxId, Vec<FileId>),
    /// The mailbox is said to begin behind a snapshot. Answered by [`Answer::Snapshot`].
    Floor(MailboxId, Floor),
    /// Words rest: is there a snapshot to look at or to propose? Answered by [`Answer::Snapshot`].
    Snapshot {
        /// The mailbox.
        mailbox: MailboxId,
        /// What lies before its ranges, and counts.
        floor: Option<Floor>,
        /// What is said to lie there is not there.
        wrong: bool,
        /// A proposal.
        pending: Option<Pending>,
    },
    /// A blob of a snapshot came, or did not. Answered by [`Answer::Snapshot`].
    TakeBlob(MailboxId, ContentHash, Option<Vec<u8>>),
    /// Load a blob of the snapshot that is brought. Answered by [`Answer::SnapshotBlob`].
    LoadBlob(MailboxId, ContentHash),
    /// The relay said that it keeps these. Answered by [`Answer::Snapshot`].
    Brought(MailboxId, Vec<ContentHash>),
    /// What became of a proposal, or of its confirmation.
    Settled(MailboxId, Result<(), Refused>),
    /// Put what came into its documents. Answered by [`Answer::Applied`].
    Apply,
}

impl Question {
    /// Whether it is about files, and answered.
    pub(super) const fn is_about_files(&self) -> bool {
        matches!(self, Self::Files(_) | Self::NameParts(..) | Self::LoadPart { .. } | Self::TakePart { .. })
    }

    /// Whether it is about snapshots, and answered.
    pub(super) const fn is_about_snapshots(&self) -> bool {
        matches!(
            self,
            Self::Floor(..)
                | Self::Snapshot { .. }
                | Self::TakeBlob(..)
                | Self::LoadBlob(..)
                | Self::Brought(..)
        )
    }

    /// Whether the ledger answers.
    pub(super) const fn is_answered(&self) -> bool {
        let noted = matches!(self, Self::Anew(_) | Self::SetBack(..) | Self::Remember { .. } | Self::Gone(_));
        !noted && !matches!(self, Self::AtRelay(..) | Self::Settled(..))
    }
}

/// The ledger's answer.
pub enum Answer {
    /// To [`Question::Plan`].
    Plan {
        /// The relays of the team.
        relays: Vec<RelayPlan>,
        /// The team has changed since the last time: what could not be judged may be now.
        team_changed: bool,
    },
    /// To [`Question::Compare`].
    Compared(u64, Option<SealedDigest>),
    /// To [`Question::Open`].
    Opened {
        /// Which range.
        serial: u64,
        /// What became of it.
        opened: Opened,
        /// What changed for everybody else.
        change: Change,
        /// How many entries came in.
        entries: u64,
        /// It leads to another mailbox.
        leads_on: bool,
    },
    /// To [`Question::Seal`].
    Sealed(WriterPseudonym, Option<(Position, Position, Vec<u8>)>),
    /// To [`Question::Files`], in the order in which they matter.
    Files(Vec<RelayFile>),
    /// To [`Question::NameParts`]: number and name of each, the root last; none where it cannot be brought.
    Named(FileId, Vec<(u32, ContentHash)>),
    /// To [`Question::LoadPart`].
    Loaded(ContentHash, Option<Vec<u8>>),
    /// To [`Question::TakePart`].
    Took {
        /// The name of the part.
        name: ContentHash,
        /// What became of it.
        took: Took,
        /// What changed for everybody else.
        change: Change,
    },
    /// To all about snapshots but one.
    Snapshot {
        /// What to do next.
        step: Box<SnapshotStep>,
        /// What changed for everybody else.
        change: Change,
        /// How many entries came in.
        entries: u64,
    },
    /// To [`Question::LoadBlob`].
    SnapshotBlob(ContentHash, Option<Vec<u8>>),
    /// To [`Question::Apply`].
    Applied(Change),
}

impl Answer {
    /// Whether it answers a question about snapshots.
    pub(super) const fn is_about_snapshots(&self) -> bool {
        matches!(self, Self::Snapshot { .. } | Self::SnapshotBlob(..))
    }

    /// Whether it answers a question about files.
    pub(super) const fn is_about_files(&self) -> bool {
        matches!(self, Self::Files(_) | Self::Named(..) | Self::Loaded(..) | Self::Took { .. })
    }
}
