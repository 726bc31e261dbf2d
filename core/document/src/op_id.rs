use std::fmt;
use std::str::FromStr;

use automerge::{ActorId, ObjId};
use firsthand_ids::WriterId;

/// The identifier of one operation of a document: a Lamport counter, and the writer.
///
/// Sorted by counter, then writer: an operation comes after everything its author had seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpId {
    /// Greater than every counter its author had seen in the document.
    pub counter: u64,
    /// Whose operation it is.
    pub writer: WriterId,
}

impl OpId {
    pub(crate) fn from_automerge(id: &ObjId) -> Option<Self> {
        match id {
            ObjId::Root => None,
            ObjId::Id(counter, actor, _) => {
                Some(Self { counter: *counter, writer: WriterId::from_slice(actor.to_bytes())? })
            }
        }
    }

    /// The object that the operation made, as Automerge names it.
    pub(crate) fn object(self) -> ObjId {
        // The last part is a hint where to look for the actor; a wrong one is corrected.
        ObjId::Id(self.counter, actor(self.writer), 0)
    }
}

/// The Automerge actor of a writer.
pub(crate) fn actor(writer: WriterId) -> ActorId {
    ActorId::from(writer.as_bytes())
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.counter, self.writer)
    }
}

/// Text that is no `counter@writer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected counter@writer")]
pub struct ParseOpIdError;

impl FromStr for OpId {
    type Err = ParseOpIdError;

    fn from_str(text: &str) -> Result<Self, ParseOpIdError> {
        let (counter, writer) = text.split_once('@').ok_or(ParseOpIdError)?;
        let id = Self {
            counter: counter.parse().map_err(|_| ParseOpIdError)?,
            writer: writer.parse().map_err(|_| ParseOpIdError)?,
        };
        if id.to_string() == text { Ok(id) } else { Err(ParseOpIdError) }
    }
}
