//! After a program that ended while it applied what it had received.
//!
//! Out of memory, a stack that overflows, a hang that somebody ends: what no check foresaw and nothing can catch. The
//! entries are on the disk, and to try them again in the same way would end every next start like the last. So each
//! document is marked before it is tried. Where a start finds the mark, that document's entries are tried one by one,
//! each under its own mark; an entry whose mark is found twice is put in quarantine, and the rest goes on. Twice, because
//! people and phones end programs too.

use firsthand_ids::{DocumentId, Position, WriterId};
use firsthand_log::codec::{Reader, Writer};
use firsthand_store::{Commit, EntryState, HoldReason};

use super::Ledger;
use super::apply::Subject;
use crate::NodeError;

/// The setting that holds the mark.
const TRYING: &str = "apply.trying";
/// How often an entry's mark must be found before the entry is held.
const FOUND_BEFORE_HELD: u64 = 2;

/// What is being tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    document: DocumentId,
    /// The one entry, and how often it was begun.
    entry: Option<(WriterId, Position, u64)>,
}

impl Mark {
    fn encode(self) -> Vec<u8> {
        let mut out = Writer::new();
        out.fixed(self.document);
        if let Some((writer, position, times)) = self.entry {
            out.fixed(writer).number(position.0).number(times);
        }
        out.into_bytes()
    }

    /// A mark that cannot be read is none.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let document = DocumentId::new(reader.array("document").ok()?);
        let entry = if bytes.len() > reader.position() {
            let writer = WriterId::new(reader.array("writer").ok()?);
            Some((writer, Position(reader.number("position").ok()?), reader.number("times").ok()?))
        } else {
            None
        };
        Some(Self { document, entry })
    }
}

impl Ledger {
    /// Tries what was kept and not tried when the program ended.
    pub(super) fn resume(&mut self) -> Result<(), NodeError> {
        let found = self.store.setting(TRYING)?.and_then(|bytes| Mark::decode(&bytes));
        if let Some(Mark { entry: Some((writer, position, times)), .. }) = found
            && times >= FOUND_BEFORE_HELD
        {
            tracing::warn!(writer = writer.short(), "quarantined an entry that ended the program");
            let mut commit = Commit::new(self.space);
            commit.state_changes.push((writer, position, EntryState::Held(HoldReason::Unsafe)));
            self.keep(commit)?;
        }
        self.find_untried()?;
        for id in self.untried.documents() {
            match found.filter(|mark| mark.document == id.1) {
                Some(mark) => self.try_singly(id, mark)?,
                None => {
                    self.mark(Some(Mark { document: id.1, entry: None }))?;
                    self.apply_untried_of(&id.1)?;
                }
            }
        }
        if self.store.setting(TRYING)?.is_some() { self.mark(None) } else { Ok(()) }
    }

    fn try_singly(&mut self, id: Subject, found: Mark) -> Result<(), NodeError> {
        for (writer, position, one) in self.untried.singly(&id) {
            let begun = match found.entry {
                Some((at, place, times)) if (at, place) == (writer, position) => times,
                _ => 0,
            };
            self.mark(Some(Mark { entry: Some((writer, position, begun + 1)), ..found }))?;
            self.apply_some(&id, &one)?;
        }
        self.untried.remove(&[id]);
        Ok(())
    }

    /// Without waiting for the disk: it need only outlive the program.
    fn mark(&mut self, mark: Option<Mark>) -> Result<(), NodeError> {
        let mut commit = Commit::new(self.space);
        commit.derived = true;
        commit.tried = mark.is_none() && self.untried.is_empty();
        commit.settings.push((TRYING.to_owned(), mark.map(Mark::encode).unwrap_or_default()));
        self.keep(commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_were_written() {
        let document = DocumentId::new([3; 16]);
        for entry in [None, Some((WriterId::new([4; 16]), Position(300), 2))] {
            let mark = Mark { document, entry };
            assert_eq!(Mark::decode(&mark.encode()), Some(mark));
        }
        for broken in [&[][..], &[1; 15], &[1; 17]] {
            assert_eq!(Mark::decode(broken), None);
        }
    }
}
