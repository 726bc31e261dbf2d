//! What a session is told, and what it asks for.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{OperationHash, SpaceId, UnixMillis, WriterId};
use firsthand_log::Vector;

use crate::{FileId, Frame, GoodbyeReason, Wanted};

/// What a session begins with.
#[derive(Debug, Clone)]
pub struct Config {
    /// This device's membership heads, as it sent them in the handshake. Where they have changed since, tell the session
    /// by [`Input::MembershipChanged`].
    pub our_heads: Vec<OperationHash>,
    /// The peer's membership heads, from its handshake payload.
    pub their_heads: Vec<OperationHash>,
    /// Whether the key the peer authenticated with is a member's, as far as this device knows.
    pub peer_known: bool,
}

/// Why something the peer sent was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The peer sent what the protocol, a signature or a limit forbids.
    Misbehaved,
    /// The peer is no member.
    NotAMember,
    /// This device could not store it.
    Storage,
}

/// What a device still misses although its vector may be complete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pending {
    /// Entries that wait for a dependency.
    pub waiting: u64,
    /// Files not yet complete.
    pub files: u64,
}

/// A batch as the store gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedBatch {
    /// The lean encoding.
    pub plain: Vec<u8>,
    /// How far it brings the receiver, writer by writer.
    pub marks: Vector,
}

/// What a commit left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// What this device now holds of the space.
    pub vector: Vector,
    /// How far it holds the writers of the batch, forked ones left out.
    pub marks: Vector,
    /// How far the batch itself goes, writer by writer, forked ones left out: so far its sender holds them.
    pub shown: Vector,
    /// Writers of the batch whose chain this device holds differently; nothing of them was taken.
    pub forks: BTreeSet<WriterId>,
}

/// What happens to a session.
///
/// Answers and news of what changed on this device come in the order in which its store changed and answered.
#[derive(Debug, Clone)]
pub enum Input {
    /// The channel is open.
    Start,
    /// A frame came.
    Frame(Vec<u8>),
    /// Answers [`Effect::LoadOperations`].
    OperationsLoaded {
        /// This device's heads.
        heads: Vec<OperationHash>,
        /// What somebody with the heads asked about lacks, parents first.
        operations: Vec<Vec<u8>>,
        /// Whether these are all of them. A removed device is told no more than why; if what it brings says that it belongs to
        /// the team again, it is asked for once more.
        all: bool,
    },
    /// Answers [`Effect::TakeOperations`], after the commit.
    OperationsTaken {
        /// This device's heads now.
        heads: Vec<OperationHash>,
        /// Whether the peer is a member now; an error where an operation was refused.
        peer_known: Result<bool, Refusal>,
    },
    /// The team changed on this device by other means.
    MembershipChanged {
        /// This device's heads now.
        heads: Vec<OperationHash>,
        /// Whether the peer is still a member.
        peer_known: bool,
    },
    /// Answers [`Effect::OpenSpaces`].
    SpacesOpened {
        /// The space that is always spoken of.
        main: SpaceId,
        /// The spaces that both take part in, and what this device holds of each.
        spaces: BTreeMap<SpaceId, Vector>,
    },
    /// This device holds more of a space: it entered something, or another peer sent it.
    Advanced {
        /// The space.
        space: SpaceId,
        /// What it holds now.
        vector: Vector,
    },
    /// Answers [`Effect::Load`].
    Loaded {
        /// The space.
        space: SpaceId,
        /// The batch; `None` where there is nothing to send, an error where it could not be read.
        batch: Result<Option<LoadedBatch>, Refusal>,
        /// Writers whose chain the peer holds differently.
        forks: BTreeSet<WriterId>,
    },
    /// Answers [`Effect::LoadRows`].
    RowsLoaded {
        /// The space.
        space: SpaceId,
        /// The rows, compressed, at most [`crate::MAX_ROWS_BYTES`]; `None` where there are none to send.
        packed: Option<Vec<u8>>,
    },
    /// Answers [`Effect::KeepRows`]; whether they could be read and kept is of no account to the session.
    RowsKept,
    /// Answers [`Effect::LoadBranch`].
    BranchLoaded {
        /// The space.
        space: SpaceId,
        /// The end of the chain as this device holds it; `None` where it holds none or it does not fit into a batch.
        batch: Result<Option<Vec<u8>>, Refusal>,
    },
    /// Answers [`Effect::Commit`]. Answers come in the order of the effects.
    Committed {
        /// The space.
        space: SpaceId,
        /// What the commit left.
        result: Result<Committed, Refusal>,
    },
    /// Answers [`Effect::Apply`].
    Applied {
        /// The space.
        space: SpaceId,
        /// An error where it could not be stored.
        result: Result<(), Refusal>,
    },
    /// What this device's clock shows; told to the peer once it is known to be a member.
    Clock(UnixMillis),
    /// Answers [`Effect::PeerClock`].
    ClockKept,
    /// Answers [`Effect::PeerHolds`].
    HoldingKept {
        /// The space.
        space: SpaceId,
    },
    /// Answers [`Effect::MakeReceipts`].
    ReceiptsMade {
        /// The space.
        space: SpaceId,
        /// [`firsthand_log::Receipt`]s of the peer's chains, at most [`crate::MAX_RECEIPTS_BYTES`]; `None` where there is nothing that was
        /// not signed before.
        receipts: Option<Vec<u8>>,
    },
    /// Answers [`Effect::KeepReceipts`]; whether they hold and were kept is of no account to the session.
    ReceiptsKept,
    /// What this device misses besides entries; told to the peer.
    Pending(Pending),
    /// Files this device wants from the peer, most wanted first.
    Want(Vec<Wanted>),
    /// Answers [`Effect::LoadChunk`].
    ChunkLoaded {
        /// The file.
        file: FileId,
        /// Which chunk.
        index: u32,
        /// How many chunks the file has, and the sealed bytes; `None` where it is not here.
        chunk: Option<(u32, Vec<u8>)>,
    },
    /// Answers [`Effect::StoreChunk`].
    ChunkStored {
        /// The file.
        file: FileId,
        /// The first of the parts that are missing, in order, at most [`crate::MAX_WANTED`]; none where the file is complete and its
        /// hash right. An error where the part was refused.
        result: Result<Vec<u32>, Refusal>,
    },
    /// Answers [`Effect::TellWhenTaken`].
    Taken,
    /// What other sessions of this device ask for, or who they are, has changed ([`crate::Claims::take_news`]).
    Look,
    /// End the session.
    Close(GoodbyeReason),
}

/// What a session asks of its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send a frame.
    Send(Vec<u8>),
    /// Look up the operations that somebody with `heads` lacks; answer with [`Input::OperationsLoaded`].
    LoadOperations {
        /// The peer's heads.
        heads: Vec<OperationHash>,
    },
    /// Check and commit operations; answer with [`Input::OperationsTaken`].
    TakeOperations {
        /// The operations, nothing of them checked.
        operations: Vec<Vec<u8>>,
    },
    /// Both hold the same membership and know each other: say which spaces they both take part in; answer with
    /// [`Input::SpacesOpened`].
    OpenSpaces,
    /// Encode the next batch for a receiver; answer with [`Input::Loaded`]. At most [`crate::BATCH_ENTRIES`] entries
    /// and [`crate::BATCH_BYTES`] bytes.
    Load {
        /// The space.
        space: SpaceId,
        /// What the receiver will hold when this batch reaches it, besides the writers to leave out: nothing of theirs may
        /// be referred to.
        receiver: Vector,
        /// Writers to leave out. A writer whose mark here is not this device's own at that position is to be left out as
        /// well, and named in the answer.
        forks: BTreeSet<WriterId>,
        /// The writers that the receiver asks for, where it does: nothing of others is to be sent, and what it holds of them may be
        /// referred to.
        only: Option<BTreeSet<WriterId>>,
    },
    /// Encode rows of the list for a receiver whom many entries are on their way to, newest first, only of records that it
    /// lacks; answer with [`Input::RowsLoaded`].
    LoadRows {
        /// The space.
        space: SpaceId,
        /// What the receiver holds.
        receiver: Vector,
        /// How many rows are worth their bytes.
        limit: usize,
    },
    /// Rows of records that are on their way, nothing of them checked; answer with [`Input::RowsKept`].
    KeepRows {
        /// The space.
        space: SpaceId,
        /// The rows, compressed.
        packed: Vec<u8>,
    },
    /// Encode the end of a chain that the peer holds differently, so that it can keep the other branch; answer with
    /// [`Input::BranchLoaded`]. Nothing outside the batch may be referred to.
    LoadBranch {
        /// The space.
        space: SpaceId,
        /// The chain.
        writer: WriterId,
    },
    /// Decode, verify and commit a batch; answer with [`Input::Committed`].
    Commit {
        /// The space.
        space: SpaceId,
        /// The lean encoding, decompressed, nothing of it checked.
        plain: Vec<u8>,
    },
    /// Everything that the peer said it holds is committed, or at least nothing more of it is on the way: apply it to the
    /// documents; answer with [`Input::Applied`]. Until then the owner may leave that for later, so that a document to
    /// which many batches bring something is touched once.
    Apply {
        /// The space.
        space: SpaceId,
    },
    /// Read a chunk of a file; answer with [`Input::ChunkLoaded`].
    LoadChunk {
        /// The file.
        file: FileId,
        /// Which chunk.
        index: u32,
    },
    /// Answer with [`Input::Taken`] when the stream has taken everything that was sent until now, so that what is sent next does not
    /// queue behind it for long.
    TellWhenTaken,
    /// Check and store a chunk; answer with [`Input::ChunkStored`].
    StoreChunk {
        /// The file.
        file: FileId,
        /// Which chunk.
        index: u32,
        /// How many the file has.
        total: u32,
        /// The sealed bytes.
        sealed: Vec<u8>,
    },
    /// Both vectors of a space have become equal. Say "synced" only if nothing is [pending](Pending) on either side.
    Equal {
        /// The space.
        space: SpaceId,
    },
    /// A writer's chain differs between the two, as this device found or the peer says. No proof, so show it of this
    /// meeting only.
    Forked {
        /// The space.
        space: SpaceId,
        /// The writer.
        writer: WriterId,
    },
    /// The peer told what its clock shows; answer with [`Input::ClockKept`].
    PeerClock {
        /// The time.
        at: UnixMillis,
    },
    /// The peer has said that it holds these chains so far, in its hello, by an acknowledgement, by sending them or by telling so;
    /// answer with [`Input::HoldingKept`]. No other follows for the space before that. A claim: a mark that is not this device's own at that position says nothing.
    PeerHolds {
        /// The space.
        space: SpaceId,
        /// How far, writer by writer.
        marks: Vector,
    },
    /// Nothing is on the way any more: sign how far the peer's own chains are held here; answer with [`Input::ReceiptsMade`].
    MakeReceipts {
        /// The space.
        space: SpaceId,
    },
    /// The peer signed how far it holds chains of this device, nothing of it checked; answer with [`Input::ReceiptsKept`].
    KeepReceipts {
        /// The space.
        space: SpaceId,
        /// [`firsthand_log::Receipt`]s.
        receipts: Vec<u8>,
    },
    /// The peer told what it misses.
    PeerPending(Pending),
    /// Close the channel once everything was sent.
    Close(GoodbyeReason),
}

impl Effect {
    pub(crate) fn send(frame: &Frame) -> Self {
        Self::Send(frame.encode())
    }
}
