use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{Position, WriterPseudonym};

use super::{Floor, Opened, RangeHead};

/// The most ranges whose worth is open: 16 MiB of them. A relay that lists more lists garbage.
const MAX_OPEN: usize = 128 * 1024;

/// What a client thinks of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Nothing yet; it waits to be compared or got.
    New,
    /// It was asked for, or its owner is looking at it.
    Asked,
    /// It was not brought, or what precedes it is not here: to be looked at again.
    Later,
    /// This device made or opened these very bytes, or nobody can open them.
    Decided,
}

/// What a client knows of one mailbox: how far each writer's entries are there as far as this device made or opened them itself.
///
/// Whatever a relay lists, a range costs a few look-ups in ordered sets.
#[derive(Debug, Clone, Default)]
pub(super) struct Book {
    /// How far ranges follow one another from the base, where they go beyond it.
    reach: BTreeMap<WriterPseudonym, Position>,
    floor: Floor,
    /// The snapshot was fetched here and is what this device holds.
    stands: bool,
    /// What of that counts: without the snapshot, nothing of a writer whose ranges begin behind it.
    counted: BTreeMap<WriterPseudonym, Position>,
    ranges: BTreeMap<u64, (RangeHead, Verdict)>,
    /// Those that nobody has looked at.
    new: BTreeSet<u64>,
    /// Those to be looked at again.
    later: BTreeSet<(WriterPseudonym, u64)>,
    /// How many of each writer's may still turn out to be good.
    undecided: BTreeMap<WriterPseudonym, usize>,
    /// Good ones that do not follow what is reached: writer, first position, last position.
    good: BTreeSet<(WriterPseudonym, Position, Position)>,
    /// All of them by where they end.
    ends: BTreeSet<(WriterPseudonym, Position, u64)>,
}

impl Book {
    /// What counted when the last connection ended, upon a floor that this device knows.
    pub(super) fn new(floor: Floor, reach: BTreeMap<WriterPseudonym, Position>) -> Self {
        Self { counted: reach.clone(), reach, floor, stands: true, ..Self::default() }
    }

    /// Forgets what the relay had. What it says to begin with is believed only where that is nothing.
    pub(super) fn restart(&mut self, floor: Floor) {
        *self = Self { stands: floor.is_ground(), floor, ..Self::default() };
    }

    /// Where the ranges begin.
    pub(super) const fn floor(&self) -> &Floor {
        &self.floor
    }

    /// Whether what lies before the ranges counts.
    pub(super) const fn stands(&self) -> bool {
        self.stands
    }

    /// The snapshot was fetched and compared.
    pub(super) fn stand(&mut self) {
        self.stands = true;
        self.counted.clone_from(&self.floor.base.0);
        self.counted.extend(&self.reach);
    }

    /// How far a writer's ranges go, and from where on more of them would be taken.
    pub(super) fn reach(&self, writer: &WriterPseudonym) -> Position {
        self.reach.get(writer).copied().unwrap_or_default().max(self.floor.base.position(writer))
    }

    /// How far everybody's entries are at the relay, as far as this device made or opened them.
    pub(super) const fn reaches(&self) -> &BTreeMap<WriterPseudonym, Position> {
        &self.counted
    }

    /// Notes a range that is to be looked at; `false` where there are too many.
    pub(super) fn note(&mut self, head: RangeHead) -> bool {
        if head.to <= self.reach(&head.writer) {
            return true;
        }
        if self.ranges.len() >= MAX_OPEN {
            return false;
        }
        self.ranges.insert(head.serial, (head, Verdict::New));
        self.new.insert(head.serial);
        self.ends.insert((head.writer, head.to, head.serial));
        *self.undecided.entry(head.writer).or_default() += 1;
        true
    }

    /// A range whose worth is open.
    pub(super) fn get(&self, serial: u64) -> Option<RangeHead> {
        self.ranges.get(&serial).map(|(head, _)| *head)
    }

    /// The next range that nobody has looked at; it counts as looked at from now on.
    pub(super) fn look(&mut self) -> Option<RangeHead> {
        let serial = self.new.pop_first()?;
        self.ask(serial)
    }

    /// Counts a range as being looked at.
    pub(super) fn ask(&mut self, serial: u64) -> Option<RangeHead> {
        self.new.remove(&serial);
        let (head, verdict) = self.ranges.get_mut(&serial)?;
        *verdict = Verdict::Asked;
        Some(*head)
    }

    /// Decides about a range that was looked at.
    pub(super) fn judge(&mut self, serial: u64, opened: Opened) {
        let Some((head, verdict @ Verdict::Asked)) = self.ranges.get_mut(&serial) else { return };
        *verdict = if opened == Opened::Early { Verdict::Later } else { Verdict::Decided };
        let head = *head;
        self.decided(&head.writer);
        match opened {
            Opened::Good => drop(self.good.insert((head.writer, head.from, head.to))),
            Opened::Early => drop(self.later.insert((head.writer, serial))),
            Opened::Garbage => {}
        }
        self.advance(&head.writer);
    }

    /// Looks again at everybody's ranges that could not be judged.
    pub(super) fn all_again(&mut self) {
        let writers: BTreeSet<WriterPseudonym> = self.later.iter().map(|(writer, _)| *writer).collect();
        writers.iter().for_each(|writer| self.again(writer));
    }

    /// Looks again at a writer's ranges, since more of it is here now.
    pub(super) fn again(&mut self, writer: &WriterPseudonym) {
        let waiting = self.later.range((*writer, 0)..=(*writer, u64::MAX));
        for end in waiting.copied().collect::<Vec<_>>() {
            self.later.remove(&end);
            if let Some((_, verdict)) = self.ranges.get_mut(&end.1) {
                *verdict = Verdict::New;
                self.new.insert(end.1);
                *self.undecided.entry(*writer).or_default() += 1;
            }
        }
    }

    /// Notes what this device has put, whatever the list says later.
    pub(super) fn extend(&mut self, writer: WriterPseudonym, from: Position, to: Position) {
        self.good.insert((writer, from, to));
        self.advance(&writer);
    }

    fn decided(&mut self, writer: &WriterPseudonym) {
        if let Some(count) = self.undecided.get_mut(writer) {
            *count -= 1;
            if *count == 0 {
                self.undecided.remove(writer);
            }
        }
    }

    /// Goes on along good ranges, and forgets those that lie behind.
    fn advance(&mut self, writer: &WriterPseudonym) {
        let before = self.reach(writer);
        let mut reach = before;
        let begin = (*writer, Position::START, Position::START);
        while let Some(first) = self.good.range(begin..).next().copied() {
            if first.0 != *writer || first.1.0 > reach.0 + 1 {
                break;
            }
            self.good.remove(&first);
            reach = reach.max(first.2);
        }
        if reach > before {
            self.reach.insert(*writer, reach);
            if self.stands || self.floor.base.position(writer) == Position::START {
                self.counted.insert(*writer, reach);
            }
        }
        let passed = (*writer, Position::START, 0)..=(*writer, reach, u64::MAX);
        let passed: Vec<_> = self.ends.range(passed).copied().collect();
        for end in passed {
            match self.ranges.get(&end.2) {
                // At most a window of them; they go when they are decided.
                Some((_, Verdict::Asked)) => continue,
                Some((_, Verdict::New)) => self.decided(writer),
                _ => {}
            }
            self.ends.remove(&end);
            self.ranges.remove(&end.2);
            self.new.remove(&end.2);
            self.later.remove(&(*writer, end.2));
        }
    }

    /// Whether a range of this writer may still turn out to be good.
    pub(super) fn open(&self, writer: &WriterPseudonym) -> bool {
        self.undecided.contains_key(writer)
    }

    /// Whether every range was looked at.
    pub(super) fn settled(&self) -> bool {
        self.undecided.is_empty()
    }

    /// Whether none has to be looked at again.
    pub(super) fn finished(&self) -> bool {
        self.settled() && self.later.is_empty()
    }
}
