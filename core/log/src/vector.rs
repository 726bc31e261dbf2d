use std::collections::BTreeMap;

use firsthand_ids::{Digest, EntryHash, Position, WriterId};

use crate::LogError;
use crate::codec::{Reader, Writer};

/// How far one writer's chain is held, and which chain: 8 bytes of the head's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The last position.
    pub position: Position,
    /// The first 8 bytes of the hash there. Enough to notice a fork by accident or by a careless forger; a proof
    /// needs the signatures.
    pub prefix: [u8; 8],
}

impl Mark {
    /// The mark of a head.
    #[must_use]
    pub fn new(position: Position, hash: &EntryHash) -> Self {
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&hash.as_bytes()[..8]);
        Self { position, prefix }
    }
}

/// How one writer stands between two devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Both hold the same.
    Equal,
    /// The other lacks what follows this position.
    TheyLack(Position),
    /// This device lacks what follows this position.
    WeLack(Position),
    /// The same position with different hashes: the writer's chain forked.
    Fork,
}

/// What a device holds of one space: for every writer, how far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vector(BTreeMap<WriterId, Mark>);

impl Vector {
    /// The most writers one space may have: a device opens a new one after each restore, so 4,096 is years of a large
    /// team, and 26 bytes of each are 104 KiB.
    pub const MAX_WRITERS: usize = 4096;

    /// Holding nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how far a writer is held.
    pub fn set(&mut self, writer: WriterId, mark: Mark) {
        self.0.insert(writer, mark);
    }

    /// Forgets a writer.
    pub fn remove(&mut self, writer: &WriterId) {
        self.0.remove(writer);
    }

    /// How far a writer is held.
    #[must_use]
    pub fn get(&self, writer: &WriterId) -> Option<&Mark> {
        self.0.get(writer)
    }

    /// How far a writer is held; [`Position::START`] where it is unknown.
    #[must_use]
    pub fn position(&self, writer: &WriterId) -> Position {
        self.0.get(writer).map_or(Position::START, |mark| mark.position)
    }

    /// All writers, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&WriterId, &Mark)> {
        self.0.iter()
    }

    /// How many writers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many entries are held in all.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.0.values().fold(0, |sum, mark| sum.saturating_add(mark.position.0))
    }

    /// How many entries `other` holds that this one does not.
    #[must_use]
    pub fn lacks(&self, other: &Self) -> u64 {
        other.0.iter().fold(0, |sum: u64, (writer, mark)| {
            sum.saturating_add(mark.position.0.saturating_sub(self.position(writer).0))
        })
    }

    /// Sixteen bytes that are equal exactly when the vectors are.
    #[must_use]
    pub fn digest(&self) -> [u8; 16] {
        let mut digest = Digest::new("firsthand vector v1");
        digest.number(self.0.len() as u64);
        for (writer, mark) in &self.0 {
            digest.fixed(writer).number(mark.position.0).fixed(mark.prefix);
        }
        digest.finish_short()
    }

    /// Compares this device's vector with a peer's, writer by writer. Forks behind the shorter head do not show here;
    /// they show when the longer side compares the prefix with its own entry there.
    pub fn compare<'a>(&'a self, peer: &'a Self) -> impl Iterator<Item = (WriterId, Standing)> + 'a {
        let writers: std::collections::BTreeSet<_> = self.0.keys().chain(peer.0.keys()).copied().collect();
        writers.into_iter().map(move |writer| {
            let (ours, theirs) = (self.position(&writer), peer.position(&writer));
            let standing = match ours.cmp(&theirs) {
                std::cmp::Ordering::Greater => Standing::TheyLack(theirs),
                std::cmp::Ordering::Less => Standing::WeLack(ours),
                std::cmp::Ordering::Equal if self.0.get(&writer) == peer.0.get(&writer) => Standing::Equal,
                std::cmp::Ordering::Equal => Standing::Fork,
            };
            (writer, standing)
        })
    }

    /// Appends the vector's bytes: count, then per writer its id, position and prefix.
    pub fn encode(&self, out: &mut Writer) {
        out.number(self.0.len() as u64);
        for (writer, mark) in &self.0 {
            out.fixed(writer).number(mark.position.0).fixed(mark.prefix);
        }
    }

    /// Reads a vector; writers must come in strictly rising order, so that a vector has one encoding.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, LogError> {
        let count = reader.count(Self::MAX_WRITERS, "vector")?;
        let mut vector = Self::new();
        for _ in 0..count {
            let writer = WriterId::new(reader.array("writer")?);
            let position = Position(reader.number("position")?);
            let prefix = reader.array("head prefix")?;
            if position == Position::START
                || vector.0.last_key_value().is_some_and(|(last, _)| *last >= writer)
            {
                return Err(reader.malformed("vector"));
            }
            vector.set(writer, Mark { position, prefix });
        }
        Ok(vector)
    }
}
