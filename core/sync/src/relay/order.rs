use firsthand_ids::{ContentHash, DeviceKey, MailboxId, Position, UnixMillis, WriterPseudonym};

use super::{
    BlobKind, ListDigest, ListPoint, MAX_BLOB_BYTES, MAX_RANGE_BYTES, MailboxBase, RangeHead, Refused,
    UploaderId,
};

/// A session's own number for an order; the outcome comes back with it.
pub type OrderId = u64;

/// What a session asks of the relay's storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Makes a mailbox, charged to a token.
    Register {
        /// What is kept of the token.
        token: [u8; 32],
        /// The mailbox.
        mailbox: MailboxId,
        /// The key that may replace ranges.
        leads: DeviceKey,
    },
    /// Opens a mailbox and notes that it is in use.
    Enter {
        /// The mailbox.
        mailbox: MailboxId,
        /// Who comes.
        uploader: UploaderId,
        /// How far it has seen the list.
        seen: ListPoint,
    },
    /// Looks which of these places the list has been at.
    Recall {
        /// The mailbox.
        mailbox: MailboxId,
        /// The places.
        points: Vec<ListPoint>,
    },
    /// Says where an empty mailbox begins.
    SetBase {
        /// The mailbox.
        mailbox: MailboxId,
        /// Where.
        base: MailboxBase,
    },
    /// Takes in a range.
    Put {
        /// The mailbox.
        mailbox: MailboxId,
        /// Whom it is charged to.
        uploader: UploaderId,
        /// Whose entries.
        writer: WriterPseudonym,
        /// The first position.
        from: Position,
        /// The last position.
        to: Position,
        /// The sealed bytes.
        sealed: Vec<u8>,
    },
    /// Takes in a blob.
    Keep {
        /// The mailbox.
        mailbox: MailboxId,
        /// Whom it is charged to.
        uploader: UploaderId,
        /// What it is.
        kind: BlobKind,
        /// Its SHA-256.
        id: ContentHash,
        /// The sealed bytes.
        sealed: Vec<u8>,
    },
    /// Notes a proposal of the leads; it takes the place of an earlier one.
    Propose {
        /// The mailbox.
        mailbox: MailboxId,
        /// Who brought it.
        uploader: UploaderId,
        /// Its name.
        proposal: [u8; 32],
        /// The snapshot.
        snapshot: ContentHash,
        /// What it stands for.
        base: MailboxBase,
    },
    /// Confirms a proposal. After [`GRACE_MS`](super::rules::GRACE_MS) it is carried out.
    Confirm {
        /// The mailbox.
        mailbox: MailboxId,
        /// Who confirms.
        uploader: UploaderId,
        /// Which.
        proposal: [u8; 32],
    },
    /// Reads a page of the list.
    List {
        /// The mailbox.
        mailbox: MailboxId,
        /// Behind this serial.
        after: u64,
        /// What the client saw up to there; if the list says otherwise it is read from its start.
        digest: ListDigest,
        /// Reads ranges up to this length along, unless they are of `uploader`.
        inline: usize,
        /// Who asks.
        uploader: UploaderId,
    },
    /// Reads a range.
    Read {
        /// The mailbox.
        mailbox: MailboxId,
        /// Which.
        serial: u64,
    },
    /// Looks which blobs are there.
    Seek {
        /// The mailbox.
        mailbox: MailboxId,
        /// Which.
        ids: Vec<ContentHash>,
    },
    /// Reads a blob.
    Fetch {
        /// The mailbox.
        mailbox: MailboxId,
        /// Which.
        id: ContentHash,
    },
    /// Lists boxes.
    Boxes {
        /// The mailbox.
        mailbox: MailboxId,
    },
}

impl Order {
    /// Whether its outcome may be told only after a commit.
    #[must_use]
    pub const fn writes(&self) -> bool {
        matches!(
            self,
            Self::Register { .. }
                | Self::Enter { .. }
                | Self::SetBase { .. }
                | Self::Put { .. }
                | Self::Keep { .. }
                | Self::Propose { .. }
                | Self::Confirm { .. }
        )
    }

    /// The mailbox it is about.
    #[must_use]
    pub const fn mailbox(&self) -> MailboxId {
        match self {
            Self::Register { mailbox, .. }
            | Self::Enter { mailbox, .. }
            | Self::SetBase { mailbox, .. }
            | Self::Put { mailbox, .. }
            | Self::Keep { mailbox, .. }
            | Self::Propose { mailbox, .. }
            | Self::Confirm { mailbox, .. }
            | Self::Recall { mailbox, .. }
            | Self::List { mailbox, .. }
            | Self::Read { mailbox, .. }
            | Self::Seek { mailbox, .. }
            | Self::Fetch { mailbox, .. }
            | Self::Boxes { mailbox } => *mailbox,
        }
    }

    /// How many sealed bytes it carries, or may bring back.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        match self {
            Self::Put { sealed, .. } | Self::Keep { sealed, .. } => sealed.len(),
            Self::Fetch { .. } => MAX_BLOB_BYTES,
            Self::Read { .. } => MAX_RANGE_BYTES,
            _ => 0,
        }
    }
}

/// How full a mailbox is, and how much of that is one uploader's. In bytes, with what each range and blob costs besides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purse {
    /// What is used.
    pub used: u64,
    /// What may be used.
    pub quota: u64,
    /// What this uploader uses.
    pub own: u64,
    /// What one uploader may use.
    pub share: u64,
}

/// A proposal that is not carried out yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its name.
    pub proposal: [u8; 32],
    /// The snapshot.
    pub snapshot: ContentHash,
    /// What it stands for.
    pub base: MailboxBase,
    /// When it will be carried out, once it is confirmed.
    pub due: Option<UnixMillis>,
}

/// How a mailbox stands as a client enters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entered {
    /// The serial of the newest range, 0 for none.
    pub serial: u64,
    /// Whether the list has been where this client saw it.
    pub known: bool,
    /// How full it is.
    pub purse: Purse,
    /// The snapshot that stands for everything up to the base.
    pub snapshot: Option<ContentHash>,
    /// A proposal that awaits confirmation or its time.
    pub pending: Option<Pending>,
}

/// A page of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Where the mailbox begins, if the list is read from its start.
    pub restart: Option<MailboxBase>,
    /// Each range, and its bytes if it is short and wanted along.
    pub ranges: Vec<(RangeHead, Option<Vec<u8>>)>,
    /// Whether there are more.
    pub more: bool,
    /// The digest up to the last of these.
    pub digest: ListDigest,
}

/// What storage did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The mailbox is there.
    Registered,
    /// The token is unknown, expired or used up.
    TokenRefused,
    /// The mailbox is open.
    Entered {
        /// How it stands.
        mailbox: Entered,
        /// The key that may replace ranges.
        leads: DeviceKey,
    },
    /// There is no such mailbox.
    NoMailbox,
    /// It is done and durable. The serial is that of a range, else 0.
    Done {
        /// The serial.
        serial: u64,
        /// Whether the list grew by it.
        new: bool,
    },
    /// It was not done.
    Refused(Refused),
    /// A page of the list.
    Listed(Listed),
    /// A range.
    Range(RangeHead, Vec<u8>),
    /// Which of what was asked after is there.
    Found(Vec<bool>),
    /// A blob.
    Blob(Vec<u8>),
    /// Boxes, in the order left.
    Boxes(Vec<ContentHash>),
    /// What was to be read is not there.
    Missing,
    /// The disk is full or failed; nothing of the order was kept.
    Failed,
}
