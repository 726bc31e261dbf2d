use std::fmt;

/// The rule that a change broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// It is one uncompressed change chunk of at most 256 KiB, without time, message and trailing bytes, its dependencies and
    /// other actors sorted.
    Chunk,
    /// Its actor is the writer of the entry that carries it, and all actors it names are writers.
    Actor,
    /// Its sequence number is one more than that of its writer's last change that it builds on.
    Sequence,
    /// Its writer made no other change with this sequence number.
    Fork,
    /// It holds 1 to 10,000 operations, and its columns are well formed.
    Operations,
    /// Its first operation comes after all it builds on, by at most 1,000,001.
    StartOp,
    /// Exactly the creating change builds on nothing.
    Dependencies,
    /// A document is created once, and its creating change makes the five maps.
    Creation,
    /// Operations refer only to what the change builds on, and to the maps and texts of this layout.
    Reference,
    /// W: written by the creating change only, and once.
    Once,
    /// A: an item is one string under `writer|counter`, written once by that writer.
    Add,
    /// T: a text is made once, and spliced one character at a time.
    Text,
    /// R and S: a register holds one string, is never deleted, and a write replaces what stood there for its author.
    Register,
    /// R and S: a write over different values needs a resolution that keeps them, by somebody with the right.
    Conflict,
    /// Its bytes are those that Automerge would write, so the document reads the same after it was saved.
    Canonical,
    /// The document, saved, takes no more than [`crate::MAX_DOCUMENT_BYTES`].
    Room,
    /// It can be applied: a key in a text names a character of that text, and Automerge does not fail.
    Apply,
}

impl Rule {
    /// What the rule asks for, in plain words.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Chunk => "a change is one plain chunk of at most 256 KiB",
            Self::Actor => "a change carries the name of its writer",
            Self::Sequence => "a writer's changes are numbered without gaps",
            Self::Fork => "a writer makes one change with each number",
            Self::Operations => "a change holds 1 to 10,000 operations in well-formed columns",
            Self::StartOp => "a change's operations follow those it builds on",
            Self::Dependencies => "exactly the creating change builds on nothing",
            Self::Creation => "a document is created once, with its five maps",
            Self::Reference => "operations refer to what their change builds on",
            Self::Once => "what is written once is written at creation",
            Self::Add => "an item is written once, by the writer whose key it bears",
            Self::Text => "a text is spliced, never replaced",
            Self::Register => "a value is replaced by a value, never deleted",
            Self::Conflict => "a write over different values keeps them, and its author has the right",
            Self::Canonical => "a document reads the same after it was saved",
            Self::Room => "a document has room for it",
            Self::Apply => "a change can be applied",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// Why the guard refused a change. It does not say whose it was: the caller knows the entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("accept a change: {rule}")]
pub struct GuardError {
    /// The rule it broke.
    pub rule: Rule,
    /// Where, for diagnosis: no content.
    pub detail: &'static str,
}

impl Rule {
    pub(crate) const fn broken(self, detail: &'static str) -> GuardError {
        GuardError { rule: self, detail }
    }
}
