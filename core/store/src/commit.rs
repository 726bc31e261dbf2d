use firsthand_ids::{DocumentId, EntryHash, HybridTime, OperationHash, Position, SpaceId, WriterId};
use firsthand_log::{Entry, SignedHead};

use crate::{Heard, ProjectedRow, SealedAttachment};

/// What is saved together: one transaction, one wait for the disk. Either all of it is saved or nothing.
///
/// A save of one edit is a `Commit` with one entry; an import is one with thousands (group commit: the wait is the
/// same). Everything may be empty.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The space the entries and documents belong to; of no account where there are none.
    pub space: SpaceId,
    /// New entries in the order they are to be kept, each writer's continuing its chain.
    pub entries: Vec<NewEntry>,
    /// Signatures to keep. Each must sign an entry of this commit or one held already.
    pub heads: Vec<(WriterId, SignedHead)>,
    /// The documents that changed, as they stand after the entries.
    pub documents: Vec<DocumentUpdate>,
    /// Documents to forget before `documents` are written: their rows, and how they stood. Of one that is not among those nothing is
    /// shown until something is applied to it.
    pub reset: Vec<DocumentId>,
    /// New membership operations, in order; one that is held already is skipped.
    pub operations: Vec<(OperationHash, Vec<u8>)>,
    /// Local settings to write; an empty value removes the setting.
    pub settings: Vec<(String, Vec<u8>)>,
    /// Held entries whose state changes, for example from waiting to applied.
    pub state_changes: Vec<(WriterId, Position, EntryState)>,
    /// Held entries whose effective time rises, because what they build on has come after them.
    pub effective: Vec<(WriterId, Position, HybridTime)>,
    /// Attachments that are complete here from now on: sealed here or received. [`crate::CheckReport`] misses them
    /// if their files vanish.
    pub attachments: Vec<SealedAttachment>,
    /// Whether every entry held, these included, has been tried on its document. Where not, they are found by
    /// [`crate::Store::untried`] until a later commit says so.
    pub tried: bool,
    /// Whether everything in it follows from entries that are held: then it need not wait for the disk.
    pub derived: bool,
    /// Signed runs to keep beside the log: other branches of chains that forked.
    pub aside: Vec<AsideRun>,
    /// When this device heard of whom: notes all that [`crate::Store::unheard`] gave, of which nothing is left then.
    pub heard: Option<Vec<Heard>>,
    /// The membership heads after the commit, where operations came with it; the head file names them.
    pub membership: Option<Vec<OperationHash>>,
    /// Makes this installation the one that the home belongs to, and settles every [doubt](crate::Store::doubts): set in
    /// the commit that opens a new writer.
    pub claim_installation: bool,
}

impl Commit {
    /// A commit of nothing yet.
    #[must_use]
    pub const fn new(space: SpaceId) -> Self {
        Self {
            space,
            entries: Vec::new(),
            heads: Vec::new(),
            documents: Vec::new(),
            reset: Vec::new(),
            operations: Vec::new(),
            settings: Vec::new(),
            state_changes: Vec::new(),
            effective: Vec::new(),
            attachments: Vec::new(),
            tried: false,
            derived: false,
            aside: Vec::new(),
            heard: None,
            membership: None,
            claim_installation: false,
        }
    }
}

/// Why a run is kept beside the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsideReason {
    /// It is the other branch of a chain that forked. Its device signed both.
    Fork,
    /// It lies beyond a gap: nothing proves it until the gap is filled.
    Gap,
}

/// A signed run that is kept and no part of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsideRun {
    /// Why.
    pub reason: AsideReason,
    /// The space.
    pub space: SpaceId,
    /// The chain.
    pub writer: WriterId,
    /// Of a branch: the first position at which it says something else than the log held here. Beyond a gap: its first.
    pub first: Position,
    /// Its last position.
    pub last: Position,
    /// The hash there; beyond a gap, where it is not known, SHA-256 of the run.
    pub hash: EntryHash,
    /// The run as a batch that refers to nothing outside itself.
    pub run: Vec<u8>,
}

/// An entry that was verified or made here, and what is known of it.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Whose chain it continues.
    pub writer: WriterId,
    /// Its hash, from [`firsthand_log::hash_run`] or [`firsthand_log::verify_run`].
    pub hash: EntryHash,
    /// The entry.
    pub entry: Entry,
    /// What became of it.
    pub state: EntryState,
    /// The later of its own hybrid time and one after its predecessors': the order for people.
    pub effective: HybridTime,
}

/// What became of an entry. It is kept and passed on in every state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum EntryState {
    /// Its change is in the document, or the entry needs no applying.
    Applied,
    /// Something it depends on has not arrived.
    Waiting,
    /// Quarantined.
    Held(HoldReason),
    /// Of a kind that a newer version defines.
    NotUnderstood,
}

/// Why an entry is quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HoldReason {
    /// The guard refused the change.
    Refused,
    /// The program ended while it was applying the change.
    Unsafe,
    /// It lies beyond the cut of a removed device.
    Cut,
    /// It builds on a held entry.
    Dependent,
    /// Its chain forked and another branch is followed.
    Disputed,
    /// A reason that a newer version gave; its number is 128 or more.
    Other(u8),
}

impl EntryState {
    /// The number under which the state is stored.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Applied => 0,
            Self::Waiting => 1,
            Self::NotUnderstood => 2,
            Self::Held(HoldReason::Refused) => 16,
            Self::Held(HoldReason::Unsafe) => 17,
            Self::Held(HoldReason::Cut) => 18,
            Self::Held(HoldReason::Dependent) => 19,
            Self::Held(HoldReason::Disputed) => 20,
            Self::Held(HoldReason::Other(number)) => number,
        }
    }

    pub(crate) const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Applied,
            1 => Self::Waiting,
            2 => Self::NotUnderstood,
            16 => Self::Held(HoldReason::Refused),
            17 => Self::Held(HoldReason::Unsafe),
            18 => Self::Held(HoldReason::Cut),
            19 => Self::Held(HoldReason::Dependent),
            20 => Self::Held(HoldReason::Disputed),
            other => Self::Held(HoldReason::Other(other)),
        }
    }
}

/// A document as it stands after a commit.
#[derive(Debug, Clone)]
pub struct DocumentUpdate {
    /// The document.
    pub id: DocumentId,
    /// Its kind, such as `incident`.
    pub kind: String,
    /// The entry that created it, held already or in the same commit.
    pub creator: (WriterId, Position),
    /// Its saved bytes, not compressed.
    pub saved: Vec<u8>,
    /// Its row in the lists; `None` for kinds that have none.
    pub row: Option<ProjectedRow>,
}

/// What a commit did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// How many entries were added.
    pub entries: usize,
}
