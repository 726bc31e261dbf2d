//! Who changed what, and when.

mod sequence;

use std::collections::BTreeMap;

use firsthand_ids::{ChangeHash, HybridTime, WriterId};
use serde_json::Value;

use crate::guard::operations::{Action, Key, Operation, Parsed};
use crate::layout::{Layout, MapName};
use crate::{Author, Authors, Document, OpId, json};
use sequence::Sequence;

/// One change of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryItem {
    /// The change.
    pub change: ChangeHash,
    /// The writer, and so the device.
    pub writer: WriterId,
    /// What the log says about it; `None` where its entry is not here.
    pub author: Option<Author>,
    /// Whether it created the document.
    pub created: bool,
    /// What it did, field by field.
    pub fields: Vec<FieldChange>,
}

/// What one change did to one field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// The field; for an item, its list.
    pub field: String,
    /// What was done.
    pub what: What,
}

/// What was done to a field.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A value was set.
    Set {
        /// What its author saw there: nothing, a value, or several in conflict.
        before: Vec<Value>,
        /// What it was set to.
        after: Value,
    },
    /// An item was added. A withdrawal, a resolution or a closing is an item too.
    Added {
        /// The item's key.
        key: String,
        /// What it says, without its list's name.
        value: Value,
    },
    /// A text was edited.
    Spliced(Vec<TextSplice>),
}

/// One place where a text was edited.
///
/// Positions are those of the text as this and all earlier items of the history leave it. Where people wrote while apart
/// nobody may have seen exactly that text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextSplice {
    /// Where, in Unicode scalar values.
    pub at: usize,
    /// What went.
    pub removed: String,
    /// What came.
    pub inserted: String,
    /// What stands before it, at most 32 scalar values.
    pub before: String,
    /// What stands after it, at most 32 scalar values.
    pub after: String,
}

/// How much of a text is shown on either side of a splice: a few words.
const CONTEXT: usize = 32;

impl Document {
    /// Every change in the order for people: each after those it builds on, and otherwise by time, where no clock is
    /// believed to be earlier than what its writer had already seen. All replicas give the same order.
    #[must_use]
    pub fn history(&self, authors: &dyn Authors) -> Vec<HistoryItem> {
        let Some(layout) = self.layout() else { return Vec::new() };
        let changes = self.changes();
        let mut read: Vec<Parsed<'_>> =
            changes.iter().filter_map(|change| Parsed::read(&change.bytes).ok()).collect();

        let mut effective: BTreeMap<ChangeHash, HybridTime> = BTreeMap::new();
        for one in &read {
            let past = one.dependencies.iter().filter_map(|dependency| effective.get(dependency));
            let after = past.max().map_or(HybridTime::ZERO, |time| time.successor());
            let own = authors.author(&one.hash).map_or(HybridTime::ZERO, |author| author.hybrid);
            effective.insert(one.hash, own.max(after));
        }
        read.sort_by_cached_key(|one| (effective.get(&one.hash).copied(), one.hash));

        let mut replay = Replay::new(layout, &read);
        read.iter()
            .map(|one| HistoryItem {
                change: one.hash,
                writer: one.writer,
                author: authors.author(&one.hash),
                created: one.dependencies.is_empty(),
                fields: replay.change(one),
            })
            .collect()
    }
}

/// The document as the history goes along.
struct Replay<'a> {
    layout: &'a Layout,
    /// Every value that was ever written.
    values: BTreeMap<OpId, &'a str>,
    texts: BTreeMap<OpId, Sequence>,
}

impl<'a> Replay<'a> {
    fn new(layout: &'a Layout, changes: &[Parsed<'a>]) -> Self {
        let mut inserted: BTreeMap<OpId, Vec<(OpId, Option<OpId>, char)>> = BTreeMap::new();
        for operation in changes.iter().flat_map(|change| &change.operations) {
            if let (Some(object), true, Action::Put(text)) =
                (operation.object, operation.insert, operation.action)
            {
                let after = match operation.key {
                    Key::Character(id) => Some(id),
                    Key::Front | Key::Map(_) => None,
                };
                let character = text.chars().next().unwrap_or_default();
                inserted.entry(object).or_default().push((operation.id, after, character));
            }
        }
        let texts = inserted.into_iter().map(|(object, all)| (object, Sequence::new(&all))).collect();
        Self { layout, values: BTreeMap::new(), texts }
    }

    fn change(&mut self, change: &Parsed<'a>) -> Vec<FieldChange> {
        let mut fields = Vec::new();
        let mut set: BTreeMap<(MapName, &str), usize> = BTreeMap::new();
        let mut spliced: BTreeMap<OpId, Splicing> = BTreeMap::new();
        for operation in &change.operations {
            let Some(object) = operation.object else { continue };
            if let Some(sequence) = self.texts.get_mut(&object) {
                spliced.entry(object).or_default().operation(operation, sequence);
                continue;
            }
            let (Some(map), Key::Map(key), Action::Put(value)) =
                (MapName::from_counter(object.counter), operation.key, operation.action)
            else {
                continue;
            };
            self.values.insert(operation.id, value);
            let after = json::parse(value);
            if map == MapName::Add {
                fields.push(added(key, after));
            } else if let Some(place) = set.get(&(map, key)) {
                // Only the last of several writes of one change was ever to be seen.
                if let What::Set { after: last, .. } = &mut fields[*place].what {
                    *last = after;
                }
            } else {
                let mut before: Vec<Value> = Vec::new();
                for value in operation.replaced.iter().filter_map(|id| self.values.get(id)) {
                    let value = json::parse(value);
                    if !before.contains(&value) {
                        before.push(value);
                    }
                }
                set.insert((map, key), fields.len());
                fields.push(FieldChange { field: key.to_owned(), what: What::Set { before, after } });
            }
        }
        for (object, splicing) in spliced {
            let (Some(field), Some(sequence)) = (self.layout.texts.get(&object), self.texts.get(&object))
            else {
                continue;
            };
            let splices = splicing.finish(sequence);
            if !splices.is_empty() {
                fields.push(FieldChange { field: field.clone(), what: What::Spliced(splices) });
            }
        }
        fields
    }
}

fn added(key: &str, mut value: Value) -> FieldChange {
    let list = match value.as_object_mut().and_then(|members| members.remove("list")) {
        Some(Value::String(list)) => list,
        _ => String::new(),
    };
    FieldChange { field: list, what: What::Added { key: key.to_owned(), value } }
}

/// Puts the operations of one change on one text together to splices.
#[derive(Default)]
struct Splicing {
    done: Vec<TextSplice>,
    /// The splice that the next operation may go on with, and the length of what it inserted.
    open: Option<(TextSplice, usize)>,
}

impl Splicing {
    fn operation(&mut self, operation: &Operation<'_>, sequence: &mut Sequence) {
        let id = match (operation.insert, operation.key) {
            (true, _) => operation.id,
            (false, Key::Character(id)) => id,
            (false, _) => return,
        };
        // What is removed may be gone already, through somebody else.
        let Some((at, character)) = sequence.find(id, !operation.insert) else { return };
        if self.open.as_ref().is_some_and(|(splice, width)| at != splice.at + width) {
            self.close(sequence);
        }
        let (splice, width) =
            self.open.get_or_insert_with(|| (TextSplice { at, ..TextSplice::default() }, 0));
        if operation.insert {
            splice.inserted.push(character);
            *width += 1;
        } else {
            splice.removed.push(character);
        }
        sequence.set(id, operation.insert);
    }

    fn close(&mut self, sequence: &Sequence) {
        if let Some((mut splice, width)) = self.open.take() {
            splice.before = sequence.text(splice.at.saturating_sub(CONTEXT)..splice.at);
            let end = splice.at + width;
            splice.after = sequence.text(end..end + CONTEXT);
            self.done.push(splice);
        }
    }

    fn finish(mut self, sequence: &Sequence) -> Vec<TextSplice> {
        self.close(sequence);
        self.done
    }
}
