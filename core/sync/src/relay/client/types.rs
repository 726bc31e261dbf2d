use std::collections::BTreeMap;

use firsthand_ids::{ContentHash, DeviceKey, Position, UnixMillis, WriterPseudonym};
use firsthand_log::{DeviceSecret, Signature};

use crate::relay::{
    BlobKind, Closing, Entered, Floor, ListDigest, MailboxBase, RangeHead, Refused, SealedDigest, Token,
};

/// What a client brings to a relay.
#[derive(Debug)]
pub struct ClientConfig {
    /// The key of the mailbox.
    pub mailbox: DeviceSecret,
    /// The key that this device uses in this mailbox and nowhere else.
    pub uploader: DeviceSecret,
    /// Registers the mailbox first, where it may not be there yet: the token, and the leads' key.
    pub register: Option<(Token, DeviceKey)>,
    /// What was known when the last connection ended.
    pub remembered: Remembered,
    /// What this device holds.
    pub holds: BTreeMap<WriterPseudonym, Position>,
    /// Whose entries it brings.
    pub puts: Puts,
}

/// Whose entries a client brings to the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Puts {
    /// Nobody's: it reads.
    Nothing,
    /// One writer's.
    Only(WriterPseudonym),
    /// Everybody's.
    All,
}

impl Puts {
    pub(super) fn brings(self, writer: &WriterPseudonym) -> bool {
        match self {
            Self::Nothing => false,
            Self::Only(one) => one == *writer,
            Self::All => true,
        }
    }
}

/// What a client keeps between connections, so that the next one begins where this one ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The last serial of the list that was dealt with.
    pub serial: u64,
    /// Over the list up to there.
    pub digest: ListDigest,
    /// What lay before the list, fetched and compared.
    pub floor: Floor,
    /// How far each writer's entries are at the relay, as far as this device made or opened them.
    pub reach: BTreeMap<WriterPseudonym, Position>,
}

/// What became of a range that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It verified, and is committed.
    Good,
    /// Nobody can open it, or it does not verify.
    Garbage,
    /// What precedes it is not here, or it could not be committed.
    Early,
}

/// What reaches a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientInput {
    /// A frame of the relay's.
    Frame(Vec<u8>),
    /// What this device now holds.
    Holds(BTreeMap<WriterPseudonym, Position>),
    /// Whose entries to bring from now on.
    Puts(Puts),
    /// Look again at what could not be judged: what it may have waited for has come.
    Again,
    /// Answers [`ClientEffect::Compare`]: what this device's own sealing of that range has for digest, if it can tell.
    Compared(u64, Option<SealedDigest>),
    /// Answers [`ClientEffect::Received`].
    Opened(u64, Opened),
    /// Answers [`ClientEffect::Seal`]: a range that follows, if there is one.
    Sealed(WriterPseudonym, Option<(Position, Position, Vec<u8>)>),
    /// Asks which blobs are there, at most [`MAX_SOUGHT`](super::MAX_SOUGHT) of them.
    Look(Vec<ContentHash>),
    /// Brings a blob, unless it is there.
    Keep(BlobKind, ContentHash),
    /// Answers [`ClientEffect::Load`].
    Loaded(ContentHash, Option<Vec<u8>>),
    /// Brings a blob, also where the relay says that it is there.
    Bring(BlobKind, ContentHash),
    /// Asks for a blob.
    Fetch(ContentHash),
    /// Answers [`ClientEffect::Begins`]: all of the snapshot was fetched here, and is what this device holds.
    Stands(Floor),
    /// Asks for the boxes that were left.
    Boxes,
    /// Proposes, as a lead, that a snapshot stand for everything up to a base.
    Replace(ContentHash, MailboxBase, Signature),
    /// Confirms a proposal.
    Confirm([u8; 32]),
    /// Asks whether the list has grown: this device is not up to date before that is answered.
    Check,
    /// Ends the connection.
    Stop,
}

/// What a client wants done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEffect {
    /// Send a frame.
    Send(Vec<u8>),
    /// The mailbox is open: how it stands and what the relay's clock shows.
    Entered(Entered, UnixMillis),
    /// This device holds these entries: say what sealing them gives, so that the range need not travel.
    Compare(RangeHead),
    /// Open, verify and commit this range.
    Received(RangeHead, Vec<u8>),
    /// Seal what follows this position of a writer's.
    Seal(WriterPseudonym, Position),
    /// Which blobs are there; of those that are not named the relay said nothing.
    Looked(Vec<(ContentHash, bool)>),
    /// Load a blob to bring.
    Load(ContentHash),
    /// A blob came, or the relay does not have it.
    Blob(ContentHash, Option<Vec<u8>>),
    /// A blob is there, or was refused.
    Kept(ContentHash, Result<(), Refused>),
    /// The boxes that were left.
    Boxes(Vec<ContentHash>),
    /// What became of a proposal or a confirmation.
    Settled(Result<(), Refused>),
    /// Everything that is to be brought is at the relay, and everything listed there was looked at.
    UpToDate,
    /// The relay's list is another one than was seen before: it begins anew, and nothing that was there counts any more.
    Anew,
    /// The ranges begin behind a snapshot. Nothing up to the base counts before [`ClientInput::Stands`], and what nothing here
    /// precedes is left until then.
    Begins(Floor),
    /// A snapshot took the place of ranges meanwhile: the mailbox is to be entered again. The connection is over.
    Moved,
    /// The relay did not take a range of this writer's.
    NotTaken(WriterPseudonym, Refused),
    /// The relay listed a range that it did not bring, or brought other bytes.
    Withheld(u64),
    /// The connection is over. `None`: the relay said what a relay cannot say.
    Over(Option<Closing>),
}
