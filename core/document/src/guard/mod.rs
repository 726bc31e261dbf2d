//! The guard: what stands between other people's bytes and Automerge.
//!
//! First a change is read and judged in itself, from the bytes alone: the chunk, the actor, the numbers, the size, that
//! every operation has a shape that its letter allows, and that Automerge would write the same bytes again.
//!
//! Then it is judged beside what it builds on. A document that is kept as its [changes](crate::plain) does that without
//! Automerge. In any other, all changes are applied together to a copy, where a panic is caught; there the letters
//! are judged, and the copy must read the same after it was saved. Only then it replaces the document.
//!
//! A change that fails is named; the others go on without it.

pub(crate) mod caught;
pub(crate) mod characters;
mod clock;
mod columns;
mod encode;
mod error;
pub(crate) mod graph;
pub(crate) mod keys;
pub(crate) mod letters;
pub(crate) mod operations;
mod resolutions;
pub(crate) mod structure;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use automerge::{Automerge, LoadOptions, ReadDoc};
use firsthand_ids::{ChangeHash, Position, WriterId};

use crate::document::{self, Body, Loaded};
use crate::layout::Layout;
use crate::plain::Plain;
use crate::{Authors, Document};
pub use caught::catches_panics;
use caught::caught;
use characters::Texts;
pub use error::{GuardError, Rule};
use graph::Graph;
use letters::Letters;
use operations::Parsed;

/// The most operations one change may hold. A narrative of 10,000 characters fits; own edits stay well below.
pub const MAX_OPERATIONS: usize = 10_000;

/// How far the counter of a change's first operation may lie above the next free one. A writer that starts again from
/// clean heads leaves a gap; a million covers a hundred of the largest changes.
pub const MAX_START_GAP: u64 = 1_000_000;

/// One change of the log, verified there, for one document.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// Whose entry carries it.
    pub writer: WriterId,
    /// The entry's place in the writer's chain.
    pub position: Position,
    /// Whether that entry creates the document.
    pub create: bool,
    /// The bytes of the change.
    pub change: &'a [u8],
}

/// What became of one incoming change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The document holds it, from now on or already before.
    Applied,
    /// Changes that it builds on are not here, or were refused. It may be tried again when they come.
    Waiting {
        /// Which, sorted.
        missing: Vec<ChangeHash>,
    },
    /// It breaks a rule and will not become better: its entry is quarantined.
    Refused(GuardError),
}

/// What became of the incoming changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// In the order of the changes.
    pub outcomes: Vec<Outcome>,
}

impl Applied {
    /// Whether the document holds every one of them.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.outcomes.iter().all(|outcome| *outcome == Outcome::Applied)
    }
}

impl Document {
    /// Applies changes that the log has verified, in any order, all of one document together.
    ///
    /// `authors` answers for the changes that the document holds and for the new ones. The outcome of a change depends
    /// on nothing but its own past and the rights of those who made it, so every replica comes to the same.
    pub fn apply(&mut self, incoming: &[Incoming<'_>], authors: &dyn Authors) -> Applied {
        let mut batch = Batch::read(incoming, self.room());
        self.as_changes(incoming.len());
        if let Body::Plain(plain) = &self.body
            && plain.outgrown_by(incoming.len())
        {
            // Where Automerge cannot build it, it goes on as it is.
            let _ = self.loaded();
        }
        match &mut self.body {
            Body::Plain(plain) => batch.admit_plain(plain, authors),
            Body::Loaded(loaded) => batch.admit_loaded(loaded, authors),
        }
        batch.finish(self)
    }
}

/// The incoming changes on their way.
struct Batch<'a> {
    incoming: &'a [Incoming<'a>],
    parsed: Vec<Result<Parsed<'a>, GuardError>>,
    refused: BTreeMap<usize, GuardError>,
    /// How much more the document may hold, in bytes.
    room: usize,
    /// The first change with each hash.
    index: BTreeMap<ChangeHash, usize>,
}

/// What changes are judged by.
struct Context<'a> {
    layout: &'a Layout,
    /// The past of every change of the document and of those to be judged.
    graph: &'a Graph,
    authors: &'a dyn Authors,
}

/// A document that reads the same after it was saved.
struct Checked {
    am: Automerge,
    /// How long it is when it is saved.
    size: usize,
}

/// Why an attempt to apply several changes failed.
enum Failure {
    /// These break a rule.
    Culprits(Vec<(usize, GuardError)>),
    /// One of them does something to Automerge, or to what it saves.
    Unknown(GuardError),
}

impl<'a> Batch<'a> {
    fn read(incoming: &'a [Incoming<'a>], room: usize) -> Self {
        let parsed: Vec<_> = incoming.iter().map(structure::read).collect();
        let mut index = BTreeMap::new();
        for (number, one) in parsed.iter().enumerate() {
            if let Ok(one) = one {
                index.entry(one.hash).or_insert(number);
            }
        }
        Self { incoming, parsed, refused: BTreeMap::new(), room, index }
    }

    /// Judges every new change whose dependencies are here, each after them; `here` says what the document holds.
    fn each_in_order(
        &mut self,
        here: impl Fn(&ChangeHash) -> bool,
        mut judge: impl FnMut(usize, &Parsed<'a>, &Incoming<'a>) -> Result<(), GuardError>,
    ) {
        let mut lacking: BTreeMap<usize, usize> = BTreeMap::new();
        let mut dependents: BTreeMap<ChangeHash, Vec<usize>> = BTreeMap::new();
        let mut ready = VecDeque::new();
        for &number in self.index.values().collect::<BTreeSet<_>>() {
            let Ok(one) = &self.parsed[number] else { continue };
            if here(&one.hash) {
                continue;
            }
            let mut count = 0;
            for dependency in one.dependencies.iter().filter(|dependency| !here(dependency)) {
                dependents.entry(*dependency).or_default().push(number);
                count += 1;
            }
            lacking.insert(number, count);
            if count == 0 {
                ready.push_back(number);
            }
        }
        while let Some(number) = ready.pop_front() {
            let (Ok(one), incoming) = (&self.parsed[number], &self.incoming[number]) else { continue };
            let Some(room) = self.room.checked_sub(incoming.change.len()) else {
                self.refused.insert(number, Rule::Room.broken("the document is full"));
                continue;
            };
            if let Err(error) = judge(number, one, incoming) {
                self.refused.insert(number, error);
                continue;
            }
            self.room = room;
            for dependent in dependents.remove(&one.hash).unwrap_or_default() {
                if let Some(count) = lacking.get_mut(&dependent) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push_back(dependent);
                    }
                }
            }
        }
    }

    /// Takes what is sound into a document that is kept as its changes.
    fn admit_plain(&mut self, plain: &mut Plain, authors: &dyn Authors) {
        let here: BTreeSet<ChangeHash> = plain.changes().iter().map(|change| change.hash).collect();
        self.each_in_order(
            |change| here.contains(change),
            |_, parsed, incoming| plain.admit(parsed, incoming.change, authors),
        );
    }

    /// Takes what is sound into a document in Automerge.
    fn admit_loaded(&mut self, loaded: &mut Loaded, authors: &dyn Authors) {
        let base = Graph::read(&loaded.am);
        let mut graph = base.clone();
        let mut layout = loaded.layout.clone();
        let mut sound = Vec::new();
        self.each_in_order(
            |change| base.has(change),
            |number, parsed, _| {
                structure::check(parsed, &graph, layout.as_ref())?.take(parsed, &mut graph, &mut layout);
                sound.push(number);
                Ok(())
            },
        );
        let Some(layout) = layout.filter(|_| !sound.is_empty()) else { return };
        let context = Context { layout: &layout, graph: &graph, authors };
        let base = loaded.am.clone();
        let Checked { am: new, size } = match self.attempt(&base, &sound, &context) {
            Ok(new) => new,
            Err(failure) => {
                match failure {
                    Failure::Culprits(culprits) => self.refused.extend(culprits),
                    // What Automerge panics on is nearly always found by looking, once for all of them.
                    Failure::Unknown(_) => self.refuse_strays(&base, &sound),
                }
                self.admit(Checked { am: base, size: loaded.size }, sound, &context)
            }
        };
        if new.get_heads() != loaded.am.get_heads() {
            let actor = loaded.am.get_actor().clone();
            loaded.layout = Layout::read(&new).ok().flatten();
            loaded.plain = None;
            loaded.size = size;
            loaded.am = new.with_actor(actor);
        }
    }

    /// Applies what can be applied, and notes what cannot.
    ///
    /// Where Automerge fails on what nobody foresaw, the changes are tried in halves: a hundred thousand good ones with one
    /// bad among them cost seventeen attempts more, not a hundred thousand.
    fn admit(&mut self, base: Checked, mut set: Vec<usize>, context: &Context<'_>) -> Checked {
        loop {
            self.drop_dependents(&base.am, &mut set);
            if set.is_empty() {
                return base;
            }
            match self.attempt(&base.am, &set, context) {
                Ok(new) => return new,
                Err(Failure::Culprits(culprits)) => self.refused.extend(culprits),
                Err(Failure::Unknown(error)) => {
                    if let [culprit] = set[..] {
                        self.refused.insert(culprit, error);
                    } else {
                        let rest = set.split_off(set.len() / 2);
                        let base = self.admit(base, set, context);
                        return self.admit(base, rest, context);
                    }
                }
            }
        }
    }

    /// Refuses changes that name what is no character of their text. That takes reading the whole history, so it is done
    /// only where something is wrong.
    fn refuse_strays(&mut self, base: &Automerge, set: &[usize]) {
        let mut texts = Texts::default();
        for change in base.get_changes(&[]) {
            if let Ok(parsed) = Parsed::read(change.raw_bytes()) {
                texts.take(&parsed);
            }
        }
        for number in set {
            let Ok(one) = &self.parsed[*number] else { continue };
            match texts.judge(one) {
                Ok(()) => texts.take(one),
                Err(error) => drop(self.refused.insert(*number, error)),
            }
        }
    }

    /// Leaves out what was refused and what builds on it.
    fn drop_dependents(&self, base: &Automerge, set: &mut Vec<usize>) {
        let mut here = BTreeSet::new();
        set.retain(|number| {
            let Ok(one) = &self.parsed[*number] else { return false };
            let stands = !self.refused.contains_key(number)
                && one.dependencies.iter().all(|dependency| {
                    here.contains(dependency)
                        || base.get_missing_deps(&[document::theirs(dependency)]).is_empty()
                });
            if stands {
                here.insert(one.hash);
            }
            stands
        });
    }

    fn attempt(&self, base: &Automerge, set: &[usize], context: &Context<'_>) -> Result<Checked, Failure> {
        // A panic inside Automerge leaves only the copy behind, which is dropped.
        caught(|| self.try_all(base, set, context))
            .unwrap_or_else(|| Err(Failure::Unknown(Rule::Apply.broken("a panic"))))
    }

    fn try_all(&self, base: &Automerge, set: &[usize], context: &Context<'_>) -> Result<Checked, Failure> {
        let mut changes = Vec::with_capacity(set.len());
        let mut culprits = Vec::new();
        for &number in set {
            match automerge::Change::try_from(self.incoming[number].change) {
                Ok(change) => changes.push(change),
                Err(_) => culprits.push((number, Rule::Apply.broken("not readable"))),
            }
        }
        if !culprits.is_empty() {
            return Err(Failure::Culprits(culprits));
        }
        let mut am = base.clone();
        am.apply_changes(changes).map_err(|_| Failure::Unknown(Rule::Apply.broken("an error")))?;
        let new: Vec<_> = set.iter().filter_map(|number| self.parsed[*number].as_ref().ok()).collect();
        let hashes: Vec<_> = new.iter().map(|one| document::theirs(&one.hash)).collect();
        if !am.get_missing_deps(&hashes).is_empty() {
            return Err(Failure::Unknown(Rule::Apply.broken("not taken in")));
        }
        let mut letters = Letters::new(base, context.layout, context.graph, context.authors);
        for (&number, one) in set.iter().zip(new) {
            if let Err(error) = letters.judge(one) {
                culprits.push((number, error));
            }
        }
        if !culprits.is_empty() {
            return Err(Failure::Culprits(culprits));
        }
        let saved = am.save_nocompress();
        let options = LoadOptions::new().text_encoding(document::ENCODING);
        let unreadable = |_| Failure::Unknown(Rule::Canonical.broken("it cannot be read again"));
        let again = Automerge::load_with_options(&saved, options).map_err(unreadable)?;
        if again.get_heads() != am.get_heads() {
            return Err(Failure::Unknown(Rule::Canonical.broken("other heads when read again")));
        }
        Ok(Checked { am: again, size: saved.len() })
    }

    fn finish(self, document: &Document) -> Applied {
        let outcome = |parsed: &Result<Parsed<'_>, GuardError>| match parsed {
            Err(error) => Outcome::Refused(error.clone()),
            Ok(one) => {
                let refused = self.index.get(&one.hash).and_then(|first| self.refused.get(first));
                let missing = document.missing(&one.dependencies);
                match refused {
                    _ if document.has(&one.hash) => Outcome::Applied,
                    // Judged beside changes that were refused themselves, a change is not judged at all.
                    Some(error) if missing.is_empty() => Outcome::Refused(error.clone()),
                    _ => Outcome::Waiting { missing },
                }
            }
        };
        Applied { outcomes: self.parsed.iter().map(outcome).collect() }
    }
}
