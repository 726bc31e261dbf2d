use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Candidate, FieldView, Item, Proposal, Register, Status, View, Withdrawal};
use crate::layout::{KIND, Layout, MapName, SCHEMA, Source, Standing};
use crate::schema::lists;
use crate::{Author, Authors, Document, DocumentKind, Letter, OpId, Schema, json};

impl Document {
    /// What the document says. `authors` tells which resolutions and closings were made with the right to.
    ///
    /// A document whose first change is not here says nothing.
    #[must_use]
    pub fn view(&self, authors: &dyn Authors) -> View {
        let mut reader =
            Reader { source: self.source(), schema: self.table(), authors, fields: BTreeMap::new() };
        if let Some(layout) = self.layout() {
            reader.once();
            let items = reader.items();
            reader.texts(layout);
            let resolutions = items.get(lists::RESOLUTIONS).map_or(&[][..], Vec::as_slice);
            reader.registers(MapName::Register, resolutions);
            reader.registers(MapName::Safe, resolutions);
            for (list, items) in items {
                reader.fields.insert(("a", list), FieldView::Items(items));
            }
        }
        let status = Status::read(&reader.fields, authors);
        let kind = self.layout().map_or_else(|| "".into(), |layout| layout.kind.clone());
        let creator = reader.creator(&kind);
        let authors = super::decided::authors(&kind, &reader.fields, authors);
        let (fields, renamed) = name(reader.fields, reader.schema);
        let layout = self.layout();
        let schema = layout.map_or(0, |layout| layout.version);
        View { kind, schema, fields, status, authors, creator, renamed }
    }
}

/// Fields by their letter and stored name.
pub(super) type Stored = BTreeMap<(&'static str, String), FieldView>;

/// Gives every field one name. Where a name stands under several letters, that of the table comes first, then the
/// letters in a fixed order.
fn name(stored: Stored, schema: Schema) -> (BTreeMap<String, FieldView>, BTreeMap<String, String>) {
    let letter_of = |name: &str| match schema.letter(name) {
        Some(Letter::Once) => "w",
        Some(Letter::Add) => "a",
        Some(Letter::Text) => "t",
        Some(Letter::Register) => "r",
        Some(Letter::Safe(_)) => "s",
        Some(Letter::Derived) | None => "",
    };
    let mut fields = BTreeMap::new();
    let mut renamed = BTreeMap::new();
    let (first, rest): (Vec<_>, Vec<_>) =
        stored.into_iter().partition(|((letter, name), _)| letter_of(name) == *letter);
    let taken: BTreeSet<String> = rest.iter().map(|((_, name), _)| name.clone()).collect();
    for ((_, name), field) in first {
        fields.insert(name, field);
    }
    for ((letter, name), field) in rest {
        let mut key = name.clone();
        while fields.contains_key(&key) || (key != name && taken.contains(&key)) {
            key = format!("{letter}.{key}");
        }
        if key != name {
            renamed.insert(key.clone(), name);
        }
        fields.insert(key, field);
    }
    (fields, renamed)
}

struct Reader<'a> {
    source: &'a dyn Source,
    schema: Schema,
    authors: &'a dyn Authors,
    fields: Stored,
}

impl Reader<'_> {
    /// Who made the document: the author of the change that says what it is about.
    fn creator(&self, kind: &DocumentKind) -> Option<Author> {
        super::decided::asked(kind).filter(|_| *kind != DocumentKind::Evidence)?;
        let once = self.source.standing(MapName::Once);
        let (_, standing) = once.into_iter().find(|(key, _)| key == KIND)?;
        self.authors.author(&self.source.change_of(standing.first()?.0)?)
    }

    fn once(&mut self) {
        for (key, standing) in self.source.standing(MapName::Once) {
            if key != KIND && key != SCHEMA {
                let value = standing.last().map(|(_, text)| json::parse(text)).unwrap_or_default();
                self.fields.insert(("w", key), FieldView::Once(value));
            }
        }
    }

    fn texts(&mut self, layout: &Layout) {
        let mut texts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (id, field) in &layout.texts {
            texts.entry(field).or_default().push(self.source.text(*id));
        }
        for (field, mut parts) in texts {
            parts.retain(|part| !part.is_empty());
            self.fields.insert(("t", field.to_owned()), FieldView::Text(parts.join("\n")));
        }
    }

    /// Every list with its items in the order of their operations.
    fn items(&self) -> BTreeMap<String, Vec<Item>> {
        let mut found = Vec::new();
        for (key, standing) in self.source.standing(MapName::Add) {
            let Some((id, text)) = standing.into_iter().next_back() else { continue };
            let Some(change) = self.source.change_of(id) else { continue };
            let mut value = json::parse(&text);
            // An item that names no list is kept and shown under no name.
            let list = match value.as_object_mut().and_then(|members| members.remove("list")) {
                Some(Value::String(list)) => list,
                _ => String::new(),
            };
            found.push((id, list, Item { key, value, change, op: id, withdrawn: None }));
        }
        found.sort_unstable_by_key(|(id, _, _)| *id);

        let mut withdrawals: BTreeMap<String, Withdrawal> = BTreeMap::new();
        for (_, list, item) in &found {
            if list == lists::WITHDRAWALS
                && let Some(of) = item.value["of"].as_str()
            {
                withdrawals.entry(of.to_owned()).or_insert_with(|| Withdrawal {
                    key: item.key.clone(),
                    reason: item.value["reason"].as_str().unwrap_or_default().to_owned(),
                    change: item.change,
                });
            }
        }
        let mut out: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for (_, list, mut item) in found {
            item.withdrawn = withdrawals.get(&item.key).cloned();
            out.entry(list).or_default().push(item);
        }
        out
    }

    fn registers(&mut self, map: MapName, resolutions: &[Item]) {
        for (key, standing) in self.source.standing(map) {
            let values = self.candidates(standing);
            if values.is_empty() {
                continue;
            }
            let order = match self.schema.letter(&key) {
                Some(Letter::Safe(order)) if map == MapName::Safe => order,
                _ => &[],
            };
            let protective = values.iter().enumerate().min_by_key(|(_, one)| rank(&one.value, order));
            let shown = protective.map_or(0, |(place, _)| place);
            let proposals = self.proposals(&key, &values, resolutions);
            let register = Register { safe: map == MapName::Safe, shown, values, proposals };
            self.fields.insert((map.key(), key), FieldView::Register(register));
        }
    }

    /// The different values, that of the greatest operation first.
    fn candidates(&self, standing: Standing) -> Vec<Candidate> {
        let mut out: Vec<Candidate> = Vec::new();
        for (id, text) in standing.into_iter().rev() {
            let value = json::parse(&text);
            if let Some(same) = out.iter_mut().find(|candidate| candidate.value == value) {
                same.operations.push(id);
            } else if let Some(change) = self.source.change_of(id) {
                out.push(Candidate { value, change, operations: vec![id] });
            }
        }
        out
    }

    /// The resolutions of exactly this conflict that were made without the right.
    fn proposals(&self, field: &str, values: &[Candidate], resolutions: &[Item]) -> Vec<Proposal> {
        if values.len() < 2 {
            return Vec::new();
        }
        let standing: BTreeSet<String> =
            values.iter().flat_map(|one| &one.operations).map(OpId::to_string).collect();
        let about_this = |item: &&Item| {
            let over = item.value["over"].as_array().map_or(&[][..], Vec::as_slice);
            item.value["field"] == field
                && item.withdrawn.is_none()
                && over.iter().any(|entry| entry["op"].as_str().is_some_and(|id| standing.contains(id)))
                && !self.authors.rights(&item.change).may_resolve
        };
        let proposal = |item: &Item| Proposal {
            key: item.key.clone(),
            value: item.value["value"].clone(),
            note: item.value["note"].as_str().unwrap_or_default().to_owned(),
            change: item.change,
        };
        resolutions.iter().filter(about_this).map(proposal).collect()
    }
}

/// How protective a value is, the least first: a listed code by its place, then codes that are not listed, then no
/// value. Without a list all are equal and the first stays.
fn rank(value: &Value, order: &[&str]) -> usize {
    if order.is_empty() {
        return 0;
    }
    match value {
        Value::Null => order.len() + 1,
        value => order.iter().position(|code| value.as_str() == Some(code)).unwrap_or(order.len()),
    }
}
