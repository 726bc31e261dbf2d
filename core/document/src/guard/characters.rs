//! The characters of a document's texts, and that changes name no others.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::WriterId;

use super::Rule;
use super::operations::{Action, Key, Parsed};
use crate::{GuardError, OpId};

/// Every text of a document, by the operation that made it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts(BTreeMap<OpId, Text>);

impl Texts {
    /// Whether each key in a text, and so each deletion, names a character of that very text. Automerge does not look, and
    /// panics.
    pub(crate) fn judge(&self, parsed: &Parsed<'_>) -> Result<(), GuardError> {
        for operation in &parsed.operations {
            let (Some(object), Key::Character(id)) = (operation.object, operation.key) else { continue };
            let own = id.counter.checked_sub(parsed.start_op).filter(|_| id.writer == parsed.writer);
            let here = match own {
                Some(index) => usize::try_from(index)
                    .ok()
                    .and_then(|index| parsed.operations.get(index))
                    .is_some_and(|operation| operation.insert && operation.object == Some(object)),
                None => self.0.get(&object).is_some_and(|text| text.contains(id)),
            };
            if !here {
                return Err(Rule::Apply.broken("no character of this text"));
            }
        }
        Ok(())
    }

    /// Takes in what a sound change does to texts.
    pub(crate) fn take(&mut self, parsed: &Parsed<'_>) {
        for operation in &parsed.operations {
            // What is not in a map is in a text.
            let Some(object) = operation.object.filter(|_| !matches!(operation.key, Key::Map(_))) else {
                continue;
            };
            let text = self.0.entry(object).or_default();
            match (operation.action, operation.key) {
                (Action::Put(character), key) => {
                    let after = match key {
                        Key::Character(id) => Some(id),
                        Key::Front | Key::Map(_) => None,
                    };
                    text.insert(operation.id, after, character.chars().next().unwrap_or_default());
                }
                (_, Key::Character(id)) => text.delete(id),
                _ => {}
            }
        }
    }

    /// A text as it stands; empty where nobody wrote into it.
    pub(crate) fn read(&self, object: OpId) -> String {
        self.0.get(&object).map(Text::read).unwrap_or_default()
    }
}

/// A text as its insertions and deletions.
#[derive(Debug, Clone, Default)]
struct Text {
    runs: Vec<Run>,
    /// The runs by their first character.
    index: BTreeMap<(WriterId, u64), usize>,
    deleted: BTreeSet<OpId>,
}

/// Characters that were typed one after the other, each inserted after the one before.
#[derive(Debug, Clone)]
struct Run {
    first: OpId,
    after: Option<OpId>,
    characters: Vec<char>,
}

impl Run {
    fn id(&self, offset: usize) -> OpId {
        OpId { counter: self.first.counter + offset as u64, writer: self.first.writer }
    }
}

impl Text {
    /// Inserts a character after another, or at the front. That of the other comes first.
    fn insert(&mut self, id: OpId, after: Option<OpId>, character: char) {
        if let Some(last) = self.runs.last_mut()
            && last.id(last.characters.len()) == id
            && after == Some(last.id(last.characters.len() - 1))
        {
            last.characters.push(character);
            return;
        }
        self.index.insert((id.writer, id.counter), self.runs.len());
        self.runs.push(Run { first: id, after, characters: vec![character] });
    }

    fn delete(&mut self, id: OpId) {
        self.deleted.insert(id);
    }

    /// Whether the operation inserted one of the characters, deleted or not.
    fn contains(&self, id: OpId) -> bool {
        self.find(id).is_some()
    }

    /// The run and the place in it.
    fn find(&self, id: OpId) -> Option<(usize, usize)> {
        let (_, run) = self.index.range(..=(id.writer, id.counter)).next_back()?;
        let first = self.runs[*run].first;
        let offset = usize::try_from(id.counter.checked_sub(first.counter)?).ok()?;
        (first.writer == id.writer && offset < self.runs[*run].characters.len()).then_some((*run, offset))
    }

    /// The text as it stands. Of the characters inserted after the same one the latest stands first, the order that
    /// Automerge gives.
    fn read(&self) -> String {
        // What was inserted after each character, besides the next of its own run.
        let mut branches: BTreeMap<Option<(usize, usize)>, Vec<usize>> = BTreeMap::new();
        for (number, run) in self.runs.iter().enumerate() {
            let after = run.after.and_then(|id| self.find(id));
            branches.entry(after).or_default().push(number);
        }
        let mut out = String::new();
        // Places to go on from, each a run and an offset, the next one last.
        let mut stack: Vec<(usize, usize)> = Vec::new();
        let mut push = |stack: &mut Vec<(usize, usize)>, after: Option<(usize, usize)>| {
            let Some(runs) = branches.remove(&after) else { return false };
            let mut places: Vec<_> = runs.into_iter().map(|run| (run, 0)).collect();
            if let Some((run, offset)) = after
                && offset + 1 < self.runs[run].characters.len()
            {
                places.push((run, offset + 1));
            }
            places.sort_unstable_by_key(|(run, offset)| self.runs[*run].id(*offset));
            stack.extend(places);
            true
        };
        push(&mut stack, None);
        while let Some((number, start)) = stack.pop() {
            let run = &self.runs[number];
            for (offset, character) in run.characters.iter().enumerate().skip(start) {
                if self.deleted.is_empty() || !self.deleted.contains(&run.id(offset)) {
                    out.push(*character);
                }
                if push(&mut stack, Some((number, offset))) {
                    break;
                }
            }
        }
        out
    }
}
