use std::collections::{BTreeMap, BTreeSet};

use automerge::ReadDoc;
use firsthand_ids::WriterId;
use serde_json::{Map, Value, json};

use super::write::{Group, Step};
use super::{Edit, MAX_VALUE_BYTES};
use crate::document::Loaded;
use crate::layout::{self, KIND, Layout, MapName, SCHEMA, SCHEMA_VERSION, Standing};
use crate::schema::lists;
use crate::{DocumentError, DocumentKind, Letter, OpId, Rights, Schema, json as canonical_json, text};

/// How much of what a resolution keeps stands in one item. The change that ends the conflict has room for it also beside the names
/// of all writers of a space.
const RESOLUTION_BYTES: usize = 40 * 1024;

/// The steps of a new document.
pub(super) fn creation(
    kind: &DocumentKind,
    schema: Schema,
    writer: WriterId,
    fields: &Map<String, Value>,
) -> Result<Vec<Group>, DocumentError> {
    // Everything that only the first change may write comes first and together.
    let mut first = vec![Step::Maps];
    first.push(put(MapName::Once, KIND, &json!(kind.name()))?);
    first.push(put(MapName::Once, SCHEMA, &json!(schema.version))?);
    let mut texts: BTreeMap<&str, &str> = schema.texts().map(|name| (name, "")).collect();
    let mut later = Vec::new();
    let mut counter = 0;

    let sorted: BTreeMap<_, _> = fields.iter().filter(|(_, value)| !is_blank(value)).collect();
    for (name, value) in sorted {
        let wrong_shape = || DocumentError::WrongShape { field: name.clone() };
        match schema.letter(name).unwrap_or(Letter::Register) {
            Letter::Once if name == KIND || name == SCHEMA => return Err(wrong_shape()),
            // The version of the table is noted for every document.
            _ if name == SCHEMA_VERSION => {}
            Letter::Once => first.push(put(MapName::Once, name, value)?),
            Letter::Register => later.push(Group::one(put(MapName::Register, name, value)?)),
            Letter::Safe(_) => later.push(Group::one(put(MapName::Safe, name, value)?)),
            Letter::Text => {
                texts.insert(name, value.as_str().ok_or_else(wrong_shape)?);
            }
            Letter::Add => {
                for item in value.as_array().ok_or_else(wrong_shape)? {
                    counter += 1;
                    later.push(Group::one(add(writer, counter, name, item)?));
                }
            }
            Letter::Derived => return Err(DocumentError::WrongLetter { field: name.clone() }),
        }
    }
    first.extend(texts.keys().map(|name| Step::MakeText { field: (*name).to_owned() }));
    let mut groups = vec![Group::together(first)];
    groups.extend(later);
    for (name, text) in texts {
        if !text.is_empty() {
            groups.push(Group::one(Step::Splice {
                field: name.to_owned(),
                object: None,
                at: 0,
                delete: 0,
                insert: text.to_owned(),
            }));
        }
    }
    Ok(groups)
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn put(map: MapName, key: &str, value: &Value) -> Result<Step, DocumentError> {
    let value = canonical_json::canonical(value);
    if value.len() + key.len() > MAX_VALUE_BYTES {
        return Err(DocumentError::TooLarge { field: key.to_owned(), limit: MAX_VALUE_BYTES });
    }
    if canonical_json::is_dense(&value) {
        return Err(DocumentError::WrongShape { field: key.to_owned() });
    }
    Ok(Step::Put { map, key: key.to_owned(), value })
}

/// An item of a list.
fn add(writer: WriterId, counter: u64, list: &str, value: &Value) -> Result<Step, DocumentError> {
    let wrong_shape = || DocumentError::WrongShape { field: list.to_owned() };
    let mut item = value.as_object().ok_or_else(wrong_shape)?.clone();
    item.remove("key");
    if item.insert("list".to_owned(), json!(list)).is_some() {
        return Err(wrong_shape());
    }
    let Step::Put { map, value, .. } = put(MapName::Add, list, &Value::Object(item))? else {
        return Err(DocumentError::Internal);
    };
    Ok(Step::Put { map, key: item_key(writer, counter), value })
}

/// The key of a writer's item.
pub(crate) fn item_key(writer: WriterId, counter: u64) -> String {
    format!("{writer}|{counter}")
}

/// The edits that one call makes, checked against the document and each other.
pub(super) struct Plan<'a> {
    document: &'a Loaded,
    table: Schema,
    layout: &'a Layout,
    writer: WriterId,
    rights: Rights,
    groups: Vec<Group>,
    /// What the texts touched so far will be.
    texts: BTreeMap<String, Segments>,
    /// The conflicts that this call ends.
    resolved: BTreeSet<String>,
    /// The writer's last item, once it was looked for.
    counter: Option<u64>,
    /// The keys of items that this call adds.
    added: BTreeSet<String>,
    /// The closings that this call adds.
    closings: Vec<String>,
}

/// The text of a field: one object, or several where replicas made the field while apart. Those that are not empty are
/// shown one after the other, each on its own line.
struct Segments(Vec<(Option<OpId>, String)>);

impl Segments {
    fn joined(&self) -> String {
        let texts: Vec<&str> = self.0.iter().map(|(_, text)| text.as_str()).collect();
        texts.join("\n")
    }
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        document: &'a Loaded,
        table: Schema,
        writer: WriterId,
        rights: Rights,
    ) -> Result<Self, DocumentError> {
        let layout = document.layout.as_ref().ok_or(DocumentError::NotCreated)?;
        Ok(Self {
            document,
            table,
            layout,
            writer,
            rights,
            groups: Vec::new(),
            texts: BTreeMap::new(),
            resolved: BTreeSet::new(),
            counter: None,
            added: BTreeSet::new(),
            closings: Vec::new(),
        })
    }

    pub(super) fn finish(self) -> Vec<Group> {
        self.groups
    }

    pub(super) fn add(&mut self, edit: &Edit) -> Result<(), DocumentError> {
        match edit {
            Edit::Set { field, value } => self.set(field, value),
            Edit::ReplaceText { field, text } => {
                self.check_text(field)?;
                let old = self.segments(field).joined();
                for splice in text::splices(&old, text) {
                    self.splice(field, splice.at, splice.delete, &splice.insert)?;
                }
                Ok(())
            }
            Edit::Splice { field, at, delete, insert } => {
                self.check_text(field)?;
                self.splice(field, *at, *delete, insert)
            }
            Edit::Add { list, value } => match self.letter(list)? {
                Letter::Add => self.add_item(list, value).map(drop),
                _ => Err(DocumentError::WrongLetter { field: list.clone() }),
            },
            Edit::Withdraw { key, reason } => {
                if !self.added.contains(key) && self.values(MapName::Add, key).is_empty() {
                    return Err(DocumentError::UnknownItem { key: key.clone() });
                }
                self.add_item(lists::WITHDRAWALS, &json!({ "of": key, "reason": reason })).map(drop)
            }
            Edit::Resolve { field, value, note } => self.resolve(field, value, note),
            Edit::Close { status, target, note } => {
                if status != "closed" && (status != "merged_into" || target.is_none()) {
                    return Err(DocumentError::WrongShape { field: "status".to_owned() });
                }
                let mut item = json!({ "status": status, "note": note });
                if let Some(target) = target {
                    item["target"] = json!(target.to_string());
                }
                let key = self.add_item(lists::CLOSINGS, &item)?;
                self.closings.push(key);
                Ok(())
            }
            Edit::Reopen { note } => {
                let keys = self.open_closings();
                self.add_item(lists::CLOSINGS, &json!({ "reopens": keys, "note": note })).map(drop)
            }
        }
    }

    /// The letter of a field: that of the table, or of the map it stands in.
    fn letter(&self, field: &str) -> Result<Letter, DocumentError> {
        if let Some(letter) = self.table.letter(field) {
            return Ok(letter);
        }
        let am = &self.document.am;
        let stands = |map| am.get(self.layout.map(map), field).is_ok_and(|found| found.is_some());
        if stands(MapName::Register) {
            Ok(Letter::Register)
        } else if stands(MapName::Safe) {
            Ok(Letter::Safe(&[]))
        } else if stands(MapName::Text) {
            Ok(Letter::Text)
        } else if stands(MapName::Once) {
            Ok(Letter::Once)
        } else {
            Err(DocumentError::UnknownField { field: field.to_owned() })
        }
    }

    fn values(&self, map: MapName, key: &str) -> Standing {
        layout::values(&self.document.am, &self.layout.map(map), key)
    }

    /// The map of a register, and the values that stand in it.
    fn register(&self, field: &str) -> Result<(MapName, Standing), DocumentError> {
        let map = match self.letter(field)? {
            Letter::Register => MapName::Register,
            Letter::Safe(_) => MapName::Safe,
            Letter::Once => return Err(DocumentError::WriteOnce { field: field.to_owned() }),
            Letter::Add | Letter::Text | Letter::Derived => {
                return Err(DocumentError::WrongLetter { field: field.to_owned() });
            }
        };
        Ok((map, self.values(map, field)))
    }

    fn set(&mut self, field: &str, value: &Value) -> Result<(), DocumentError> {
        let (map, standing) = self.register(field)?;
        if conflicting(&standing) && !self.resolved.contains(field) {
            return Err(DocumentError::Conflict { field: field.to_owned() });
        }
        self.groups.push(Group::one(put(map, field, value)?));
        Ok(())
    }

    fn resolve(&mut self, field: &str, value: &Value, note: &str) -> Result<(), DocumentError> {
        let (map, standing) = self.register(field)?;
        if !conflicting(&standing) || self.resolved.contains(field) {
            return Err(DocumentError::NoConflict { field: field.to_owned() });
        }
        let over: Vec<Value> = standing
            .iter()
            .map(|(id, value)| json!({ "op": id.to_string(), "value": canonical_json::parse(value) }))
            .collect();
        // Where very many wrote apart, one item cannot name them all.
        let mut steps = Vec::new();
        for over in pieces(over, RESOLUTION_BYTES) {
            let item = json!({ "field": field, "value": value, "over": over, "note": note });
            let counter = self.next_counter();
            if let Some(step) = steps.pop() {
                self.groups.push(Group::one(step));
            }
            steps.push(add(self.writer, counter, lists::RESOLUTIONS, &item)?);
        }
        if self.rights.may_resolve {
            self.resolved.insert(field.to_owned());
            let Step::Put { map, key, value } = put(map, field, value)? else {
                return Err(DocumentError::Internal);
            };
            // Writing the value that Automerge would show anyway, it deletes the others instead, and nothing is ever
            // deleted here. So the conflict is first written over with another value.
            if standing.last().is_some_and(|(_, last)| *last == value) {
                let other = if value == "null" { "false" } else { "null" };
                steps.push(Step::Put { map, key: key.clone(), value: other.to_owned() });
            }
            steps.push(Step::Put { map, key, value });
        }
        self.groups.push(Group::together(steps));
        Ok(())
    }

    fn next_counter(&mut self) -> u64 {
        let counter = self.counter.unwrap_or_else(|| {
            let prefix = format!("{}|", self.writer);
            let end = format!("{}~", self.writer);
            let mine = self.document.am.map_range(self.layout.map(MapName::Add), prefix.clone()..end.clone());
            mine.filter_map(|item| item.key.strip_prefix(&prefix)?.parse().ok()).max().unwrap_or(0)
        });
        self.counter = Some(counter + 1);
        counter + 1
    }

    fn add_item(&mut self, list: &str, value: &Value) -> Result<String, DocumentError> {
        let counter = self.next_counter();
        self.groups.push(Group::one(add(self.writer, counter, list, value)?));
        let key = item_key(self.writer, counter);
        self.added.insert(key.clone());
        Ok(key)
    }

    /// The keys of the items that close the document.
    fn open_closings(&self) -> Vec<String> {
        let items = self.document.am.map_range(self.layout.map(MapName::Add), ..);
        let closes = |item: &Value| item["list"] == lists::CLOSINGS && item.get("status").is_some();
        let mut keys: Vec<String> = items
            .filter(|item| {
                layout::text_of(&item.value).is_some_and(|text| closes(&canonical_json::parse(text)))
            })
            .map(|item| item.key.into_owned())
            .collect();
        keys.extend(self.closings.iter().cloned());
        keys
    }

    fn check_text(&self, field: &str) -> Result<(), DocumentError> {
        match self.letter(field)? {
            Letter::Text => Ok(()),
            _ => Err(DocumentError::WrongLetter { field: field.to_owned() }),
        }
    }

    /// The text of a field as this call will leave it. A field that the document was made without is made.
    fn segments(&mut self, field: &str) -> &mut Segments {
        if !self.texts.contains_key(field) {
            let objects = self.layout.texts_of(field);
            if objects.is_empty() {
                self.groups.push(Group::one(Step::MakeText { field: field.to_owned() }));
            }
            let read = |id: OpId| (Some(id), self.document.am.text(id.object()).unwrap_or_default());
            let mut segments: Vec<_> = objects.into_iter().map(read).collect();
            if segments.len() > 1 {
                let first = segments[0].clone();
                segments.retain(|(_, text)| !text.is_empty());
                if segments.is_empty() {
                    segments.push(first);
                }
            }
            if segments.is_empty() {
                segments.push((None, String::new()));
            }
            self.texts.insert(field.to_owned(), Segments(segments));
        }
        self.texts.entry(field.to_owned()).or_insert_with(|| Segments(Vec::new()))
    }

    fn splice(&mut self, field: &str, at: usize, delete: usize, insert: &str) -> Result<(), DocumentError> {
        let outside = || DocumentError::OutsideText { field: field.to_owned() };
        let end = at.checked_add(delete).ok_or_else(outside)?;
        let segments = self.segments(field);
        let mut steps = Vec::new();
        let mut start = 0;
        let mut inserted = false;
        for (object, text) in &mut segments.0 {
            let width = text.chars().count();
            let stop = start + width;
            // The line break between two segments belongs to neither and cannot be deleted.
            let from = at.clamp(start, stop) - start;
            let to = end.clamp(start, stop) - start;
            let insert = if !inserted && at <= stop { insert } else { "" };
            inserted |= at <= stop;
            if to > from || !insert.is_empty() {
                let mut chars: Vec<char> = text.chars().collect();
                chars.splice(from..to, insert.chars());
                *text = chars.into_iter().collect();
                steps.push(Step::Splice {
                    field: field.to_owned(),
                    object: *object,
                    at: from,
                    delete: to - from,
                    insert: insert.to_owned(),
                });
            }
            start = stop + 1;
        }
        if !inserted || end >= start {
            return Err(outside());
        }
        self.groups.extend(steps.into_iter().map(Group::one));
        Ok(())
    }
}

/// Parts of a list, each of about so many bytes of JSON; one where the list is empty.
fn pieces(list: Vec<Value>, bytes: usize) -> Vec<Vec<Value>> {
    let mut pieces = vec![Vec::new()];
    let mut length = 0;
    for value in list {
        let more = canonical_json::canonical(&value).len();
        if length > 0 && length + more > bytes {
            pieces.push(Vec::new());
            length = 0;
        }
        length += more;
        if let Some(last) = pieces.last_mut() {
            last.push(value);
        }
    }
    pieces
}

/// Whether values differ. Equal values that people set while apart are no conflict.
fn conflicting(values: &[(OpId, String)]) -> bool {
    values.windows(2).any(|pair| {
        pair[0].1 != pair[1].1 && canonical_json::parse(&pair[0].1) != canonical_json::parse(&pair[1].1)
    })
}
