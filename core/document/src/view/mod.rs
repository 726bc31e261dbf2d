//! What a document says, for people to read.

mod decided;
mod read;
mod status;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::ChangeHash;
use serde_json::{Map, Value, json};

use crate::layout::SCHEMA_VERSION;
use crate::schema::lists;
use crate::{Author, DocumentKind, Letter, OpId, Schema};
pub use decided::Decided;
pub use status::{Status, StatusProposal};
use tree::Tree;

/// What a document says at its heads.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// What it is about.
    pub kind: DocumentKind,
    /// The version of the table it was made with.
    pub schema: u32,
    /// Every field by its name, known to this version or not.
    ///
    /// Where a name stands in two maps, the one that the table gives has it, and the other is called `letter.name`, such
    /// as `r.narrative`. It takes another program to bring that about.
    pub fields: BTreeMap<String, FieldView>,
    status: Status,
    /// Who made the items, of kinds in which not everybody's count.
    authors: BTreeMap<ChangeHash, Author>,
    /// Who made the document, of kinds in which that decides.
    creator: Option<Author>,
    /// The stored names of fields that are called otherwise in `fields`.
    renamed: BTreeMap<String, String>,
}

/// What one field says.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldView {
    /// Letter W.
    Once(Value),
    /// Letter T. Where replicas made the field while apart, their texts stand one after the other, oldest first, each on
    /// its own line.
    Text(String),
    /// Letters R and S.
    Register(Register),
    /// Letter A: every item, withdrawn or not, each after those its author had seen.
    Items(Vec<Item>),
}

/// The value or values of a register.
#[derive(Debug, Clone, PartialEq)]
pub struct Register {
    /// Whether its letter is S.
    pub safe: bool,
    /// What people set it to while apart, each different value once; more than one is a conflict. The first is the one
    /// whose write has the greatest [`OpId`], which says nothing about who is right.
    pub values: Vec<Candidate>,
    /// How people would end the conflict who have not the right to.
    pub proposals: Vec<Proposal>,
    /// The place of the value to show. Values can be large, so it is not kept a second time.
    shown: usize,
}

impl Register {
    /// What to show and act on. In conflict: for S the most protective value, for R the first candidate.
    #[must_use]
    pub fn shown(&self) -> &Value {
        self.values.get(self.shown).map_or(&Value::Null, |candidate| &candidate.value)
    }

    /// Whether people set different values while apart.
    #[must_use]
    pub fn in_conflict(&self) -> bool {
        self.values.len() > 1
    }
}

/// One of the values that people set while apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The value.
    pub value: Value,
    /// The change that set it; where several set it to the same, that with the greatest [`OpId`].
    pub change: ChangeHash,
    /// The writes of this value, greatest first.
    pub operations: Vec<OpId>,
}

/// How somebody would end a conflict.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The key of the item that proposes it.
    pub key: String,
    /// The value they would pick.
    pub value: Value,
    /// Why.
    pub note: String,
    /// The change that made the item.
    pub change: ChangeHash,
}

/// One item of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// `writer|counter`.
    pub key: String,
    /// What it says, without its list's name.
    pub value: Value,
    /// The change that made it.
    pub change: ChangeHash,
    /// The operation that made it: greater than that of everything its author had seen.
    pub op: OpId,
    /// Who took it back, and why.
    pub withdrawn: Option<Withdrawal>,
}

impl Item {
    /// The item as records have it.
    fn with_key(&self) -> Value {
        let mut value = self.value.clone();
        if let Some(members) = value.as_object_mut() {
            members.insert("key".to_owned(), json!(self.key));
        }
        value
    }
}

/// The mark that an item was taken back.
#[derive(Debug, Clone, PartialEq)]
pub struct Withdrawal {
    /// The key of the mark, which is an item itself. Where several took the item back, the first of them.
    pub key: String,
    /// Why.
    pub reason: String,
    /// The change that made the mark.
    pub change: ChangeHash,
}

impl FieldView {
    /// The letter in lower case, which is also the name of the map in the document.
    #[must_use]
    pub const fn letter(&self) -> &'static str {
        match self {
            Self::Once(_) => "w",
            Self::Text(_) => "t",
            Self::Register(register) => {
                if register.safe {
                    "s"
                } else {
                    "r"
                }
            }
            Self::Items(_) => "a",
        }
    }
}

impl View {
    /// The one value of a field of letter W, R or S, as it is to be shown.
    #[must_use]
    pub fn value(&self, field: &str) -> Option<&Value> {
        match self.fields.get(field)? {
            FieldView::Once(value) => Some(value),
            FieldView::Register(register) => Some(register.shown()),
            FieldView::Text(_) | FieldView::Items(_) => None,
        }
    }

    /// A text; empty where there is none.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        match self.fields.get(field) {
            Some(FieldView::Text(text)) => text,
            _ => "",
        }
    }

    /// The items of a list; none where there is no list.
    #[must_use]
    pub fn items(&self, list: &str) -> &[Item] {
        match self.fields.get(list) {
            Some(FieldView::Items(items)) => items,
            _ => &[],
        }
    }

    /// The fields whose values are in conflict.
    pub fn conflicts(&self) -> impl Iterator<Item = (&str, &Register)> {
        self.fields.iter().filter_map(|(name, field)| match field {
            FieldView::Register(register) if register.in_conflict() => Some((name.as_str(), register)),
            _ => None,
        })
    }

    /// Where the record stands in the team's work: what the register `status` says, and over it the closings that were
    /// made with the right to.
    #[must_use]
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// The keys of the items of lists that were added after the closing that decides the status, by somebody who knew of
    /// it or was apart. None where it is open.
    #[must_use]
    pub fn after_closing(&self) -> BTreeSet<String> {
        let closing = |item: &&Item| Some(&item.key) == self.status.closing.as_ref();
        let Some(closing) = self.items(lists::CLOSINGS).iter().find(closing) else { return BTreeSet::new() };
        let schema = Schema::of(&self.kind);
        let lists = self.fields.iter().filter(|(name, _)| schema.letter(name) == Some(Letter::Add));
        let items = lists.filter_map(|(_, field)| match field {
            FieldView::Items(items) => Some(items),
            _ => None,
        });
        items.flatten().filter(|item| item.op > closing.op).map(|item| item.key.clone()).collect()
    }

    /// What to show and act on, as one JSON object in the form of the record: of values in conflict the one shown, lists
    /// of the table as arrays without the items that were withdrawn, and the status that counts.
    #[must_use]
    pub fn shown(&self) -> Map<String, Value> {
        let schema = Schema::of(&self.kind);
        let mut out = Map::new();
        for (name, field) in &self.fields {
            let value = match field {
                FieldView::Once(value) => value.clone(),
                FieldView::Text(text) => json!(text),
                FieldView::Register(register) => register.shown().clone(),
                FieldView::Items(items) if schema.letter(name) == Some(Letter::Add) => {
                    items.iter().filter(|item| item.withdrawn.is_none()).map(Item::with_key).collect()
                }
                // Marks on other items are read from the view.
                FieldView::Items(_) => continue,
            };
            out.insert(name.clone(), value);
        }
        out.insert(SCHEMA_VERSION.to_owned(), json!(self.schema));
        if let Some(code) = &self.status.code {
            out.insert("status".to_owned(), json!(code));
        }
        if let Some(target) = self.status.target {
            out.insert("merged_into".to_owned(), json!(target));
        }
        out
    }

    /// Everything the document says, for comparing replicas.
    ///
    /// The fields stand under their letters, and those in conflict apart from the others, with all their values sorted. It
    /// depends on the changes alone: neither on the version of the table nor on who had which right, so replicas that
    /// hold the same changes give the same. [`View::to_canonical`] gives the bytes.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.tree().to_json()
    }

    /// [`View::to_json`] as canonical text: members sorted by key, no spaces.
    #[must_use]
    pub fn to_canonical(&self) -> String {
        let mut out = String::new();
        self.tree().write(&mut out);
        out
    }

    fn tree(&self) -> Tree<'_> {
        let mut letters: BTreeMap<&str, BTreeMap<&str, Tree<'_>>> = BTreeMap::new();
        let mut conflicts: BTreeMap<&str, BTreeMap<&str, Tree<'_>>> = BTreeMap::new();
        for (key, field) in &self.fields {
            let name = self.renamed.get(key).unwrap_or(key).as_str();
            let value = match field {
                FieldView::Once(value) => Tree::Value(value),
                FieldView::Text(text) => Tree::Text(text),
                FieldView::Items(items) => Tree::Object(
                    items.iter().map(|item| (item.key.as_str(), Tree::Value(&item.value))).collect(),
                ),
                FieldView::Register(register) if register.in_conflict() => {
                    let mut values: Vec<_> = register.values.iter().map(|one| &one.value).collect();
                    values.sort_by_cached_key(|value| crate::json::canonical(value));
                    conflicts.entry(field.letter()).or_default().insert(name, Tree::Values(values));
                    continue;
                }
                FieldView::Register(register) => Tree::Value(register.shown()),
            };
            letters.entry(field.letter()).or_default().insert(name, value);
        }
        let mut out = Tree::objects(letters);
        if !conflicts.is_empty() {
            out.insert("conflicts", Tree::Object(Tree::objects(conflicts)));
        }
        out.insert("kind", Tree::Text(self.kind.name()));
        out.insert("schema", Tree::Number(self.schema));
        Tree::Object(out)
    }
}
