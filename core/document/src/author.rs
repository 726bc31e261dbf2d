use firsthand_ids::{ChangeHash, HybridTime, LocalTime, PersonId, Position, WriterId};

/// What a person was allowed to do when they made a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    /// To pick a value where values conflict.
    pub may_resolve: bool,
    /// To close an incident and to open it again.
    pub may_close: bool,
    /// To publish checklists.
    pub may_publish: bool,
    /// To destroy the key of a file.
    pub may_destroy: bool,
}

impl Rights {
    /// No right.
    pub const NONE: Self =
        Self { may_resolve: false, may_close: false, may_publish: false, may_destroy: false };
    /// Every right.
    pub const ALL: Self = Self { may_resolve: true, may_close: true, may_publish: true, may_destroy: true };
}

/// Who made a change and when, as the log entry says that carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Author {
    /// The writer, and so the device.
    pub writer: WriterId,
    /// The person.
    pub person: PersonId,
    /// The entry's place in the writer's chain.
    pub position: Position,
    /// When, by the writer's hybrid clock.
    pub hybrid: HybridTime,
    /// When, as the person's phone showed it.
    pub local: LocalTime,
    /// What the person was allowed to do, at the membership heads that the entry names. They never change afterwards, so
    /// every replica decides the same.
    pub rights: Rights,
}

/// Answers from the log about changes that a document holds.
pub trait Authors {
    /// Who made the change. `None` where the entry is not here; the change then counts as made without any right.
    fn author(&self, change: &ChangeHash) -> Option<Author>;

    /// What its author was allowed to do.
    fn rights(&self, change: &ChangeHash) -> Rights {
        self.author(change).map_or(Rights::NONE, |author| author.rights)
    }
}

/// Knows nobody: every change counts as made without any right.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAuthors;

impl Authors for NoAuthors {
    fn author(&self, _: &ChangeHash) -> Option<Author> {
        None
    }
}
