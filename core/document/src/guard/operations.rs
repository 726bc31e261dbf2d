//! The operations of a change, read without Automerge. Only what our layout uses is understood; anything else is refused.

use firsthand_ids::{ChangeHash, WriterId};
use firsthand_log::change::ChangeParts;
use firsthand_log::codec::Reader;

use super::columns::{booleans, deltas, runs};
use super::encode::{self, width};
use super::{MAX_OPERATIONS, Rule};
use crate::{GuardError, OpId};

/// A column's number in the format: the kind of value in the low four bits.
pub(super) mod column {
    pub(in crate::guard) const OBJECT_WRITER: u64 = 0x01;
    pub(in crate::guard) const OBJECT_COUNTER: u64 = 0x02;
    pub(in crate::guard) const KEY_WRITER: u64 = 0x11;
    pub(in crate::guard) const KEY_COUNTER: u64 = 0x13;
    pub(in crate::guard) const KEY_TEXT: u64 = 0x15;
    pub(in crate::guard) const INSERT: u64 = 0x34;
    pub(in crate::guard) const ACTION: u64 = 0x42;
    pub(in crate::guard) const VALUE_KIND: u64 = 0x56;
    pub(in crate::guard) const VALUE: u64 = 0x57;
    pub(in crate::guard) const REPLACED_COUNT: u64 = 0x70;
    pub(in crate::guard) const REPLACED_WRITER: u64 = 0x71;
    pub(in crate::guard) const REPLACED_COUNTER: u64 = 0x73;
    pub(in crate::guard) const ALL: [u64; 12] = [
        OBJECT_WRITER,
        OBJECT_COUNTER,
        KEY_WRITER,
        KEY_COUNTER,
        KEY_TEXT,
        INSERT,
        ACTION,
        VALUE_KIND,
        VALUE,
        REPLACED_COUNT,
        REPLACED_WRITER,
        REPLACED_COUNTER,
    ];
}

/// Magic, checksum and type of a chunk.
const CHUNK_BYTES: usize = 9;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action<'a> {
    MakeMap,
    MakeText,
    Put(&'a str),
    Delete,
}

/// Where in its object an operation works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key<'a> {
    /// Under this key of a map.
    Map(&'a str),
    /// At the front of a text.
    Front,
    /// At, or for an insertion after, the character that this operation inserted.
    Character(OpId),
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation<'a> {
    pub(crate) id: OpId,
    /// The operation that made the object; `None` for the root.
    pub(crate) object: Option<OpId>,
    pub(crate) key: Key<'a>,
    pub(crate) insert: bool,
    pub(crate) action: Action<'a>,
    /// What it replaces.
    pub(crate) replaced: Vec<OpId>,
}

/// One change, read.
#[derive(Debug, Clone)]
pub(crate) struct Parsed<'a> {
    pub(crate) hash: ChangeHash,
    pub(crate) writer: WriterId,
    pub(crate) sequence: u64,
    pub(crate) start_op: u64,
    pub(crate) dependencies: Vec<ChangeHash>,
    pub(crate) operations: Vec<Operation<'a>>,
}

impl<'a> Parsed<'a> {
    /// Reads one uncompressed change chunk and everything in it.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, GuardError> {
        let (hash, parts) =
            ChangeParts::read(bytes).map_err(|_| Rule::Chunk.broken("not a plain change chunk"))?;
        if parts.time != 0 || !parts.message.is_empty() {
            return Err(Rule::Chunk.broken("a time or a message"));
        }
        if !parts.dependencies.is_sorted_by(|a, b| a < b) || !parts.other_actors.is_sorted_by(|a, b| a < b) {
            return Err(Rule::Chunk.broken("dependencies or actors out of order"));
        }
        let not_a_writer = || Rule::Actor.broken("an actor is no writer");
        let writer = parts.writer().ok_or_else(not_a_writer)?;
        let mut writers = vec![writer];
        for actor in &parts.other_actors {
            writers.push(WriterId::from_slice(actor).ok_or_else(not_a_writer)?);
        }
        if writers[1..].contains(&writer) {
            return Err(Rule::Chunk.broken("dependencies or actors out of order"));
        }
        let operations = read_operations(parts.columns, &writers, parts.start_op)?;
        let others = writers.len() - 1;
        let header = width(parts.dependencies.len() as u64)
            + parts.dependencies.len() * ChangeHash::LEN
            + (1 + WriterId::LEN)
            + width(parts.sequence)
            + width(parts.start_op)
            // Time and message.
            + 2
            + width(others as u64)
            + others * (1 + WriterId::LEN);
        let length = header + parts.columns.len();
        let whole = bytes.len() == CHUNK_BYTES + width(length as u64) + length;
        if !whole || encode::columns(&operations, &writers).as_deref() != Some(parts.columns) {
            return Err(Rule::Canonical.broken("it would not be written like this again"));
        }
        Ok(Self {
            hash,
            writer,
            sequence: parts.sequence,
            start_op: parts.start_op,
            dependencies: parts.dependencies,
            operations,
        })
    }

    /// The counter of its last operation.
    pub(crate) fn last_op(&self) -> u64 {
        self.start_op + (self.operations.len() as u64) - 1
    }
}

/// The columns of a change, each at most once and in order, without any other.
struct Columns<'a>([Option<&'a [u8]>; column::ALL.len()]);

impl<'a> Columns<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, GuardError> {
        let malformed = |_| Rule::Operations.broken("the list of columns ends early");
        let mut reader = Reader::new(bytes);
        let count = reader.count(column::ALL.len(), "columns").map_err(malformed)?;
        let mut found = Vec::with_capacity(count);
        for _ in 0..count {
            let number = reader.number("column").map_err(malformed)?;
            let length = reader.number("column length").map_err(malformed)?;
            found.push((number, usize::try_from(length).unwrap_or(usize::MAX)));
        }
        if !found.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(Rule::Operations.broken("columns out of order"));
        }
        let mut columns = [None; column::ALL.len()];
        for (number, length) in found {
            let place = column::ALL
                .iter()
                .position(|known| *known == number)
                .ok_or(Rule::Operations.broken("a column that no operation of ours has"))?;
            columns[place] = Some(reader.take(length, "column").map_err(malformed)?);
        }
        reader.finish("change").map_err(|_| Rule::Chunk.broken("trailing bytes"))?;
        Ok(Self(columns))
    }

    fn get(&self, number: u64) -> Option<&'a [u8]> {
        let place = column::ALL.iter().position(|known| *known == number)?;
        self.0[place]
    }
}

fn read_operations<'a>(
    bytes: &'a [u8],
    writers: &[WriterId],
    start_op: u64,
) -> Result<Vec<Operation<'a>>, GuardError> {
    let columns = Columns::read(bytes)?;
    let actions: Vec<Option<u64>> = runs(columns.get(column::ACTION), MAX_OPERATIONS)?;
    let count = actions.len();
    if count == 0 {
        return Err(Rule::Operations.broken("no operations"));
    }
    // Counters are 32 bits in Automerge.
    if start_op == 0 || start_op.saturating_add(count as u64) > u64::from(u32::MAX) {
        return Err(Rule::StartOp.broken("out of range"));
    }
    let fits = |length: usize, optional: bool| {
        if length == count || (optional && length == 0) {
            Ok(())
        } else {
            Err(Rule::Operations.broken("columns of different lengths"))
        }
    };
    let object_writers: Vec<Option<u64>> = runs(columns.get(column::OBJECT_WRITER), count)?;
    let object_counters: Vec<Option<u64>> = runs(columns.get(column::OBJECT_COUNTER), count)?;
    let key_writers: Vec<Option<u64>> = runs(columns.get(column::KEY_WRITER), count)?;
    let key_counters = deltas(columns.get(column::KEY_COUNTER), count)?;
    let key_texts: Vec<Option<&str>> = runs(columns.get(column::KEY_TEXT), count)?;
    let inserts = booleans(columns.get(column::INSERT), count)?;
    let kinds: Vec<Option<u64>> = runs(columns.get(column::VALUE_KIND), count)?;
    let replaced_counts: Vec<Option<u64>> = runs(columns.get(column::REPLACED_COUNT), count)?;
    for (length, optional) in [
        (object_writers.len(), true),
        (object_counters.len(), true),
        (key_writers.len(), true),
        (key_counters.len(), true),
        (key_texts.len(), true),
        (inserts.len(), false),
        (kinds.len(), false),
        (replaced_counts.len(), false),
    ] {
        fits(length, optional)?;
    }
    // An operation replaces at most what people wrote while apart, so all together they replace little more than
    // their number; the limit only bounds memory.
    let replaced_writers: Vec<Option<u64>> = runs(columns.get(column::REPLACED_WRITER), 2 * MAX_OPERATIONS)?;
    let replaced_counters = deltas(columns.get(column::REPLACED_COUNTER), 2 * MAX_OPERATIONS)?;
    let mut replaced = replaced_writers.into_iter().zip(&replaced_counters);
    if replaced.len() != replaced_counters.len() {
        return Err(Rule::Operations.broken("columns of different lengths"));
    }
    let mut values = Reader::new(columns.get(column::VALUE).unwrap_or_default());

    let op_id = |writer: Option<u64>, counter: Option<u64>| -> Result<Option<OpId>, GuardError> {
        match (writer, counter) {
            (None, None) => Ok(None),
            (Some(writer), Some(counter)) if counter > 0 => {
                let writer = usize::try_from(writer).ok().and_then(|index| writers.get(index));
                let writer = *writer.ok_or(Rule::Actor.broken("an actor that is not listed"))?;
                Ok(Some(OpId { counter, writer }))
            }
            _ => Err(Rule::Operations.broken("half an identifier")),
        }
    };
    let at = |column: &[Option<u64>], index: usize| column.get(index).copied().flatten();

    let mut out = Vec::with_capacity(count);
    for index in 0..count {
        let object = op_id(at(&object_writers, index), at(&object_counters, index))?;
        let text = key_texts.get(index).copied().flatten();
        let key = match (text, at(&key_writers, index), at(&key_counters, index)) {
            (Some(text), None, None) => Key::Map(text),
            (None, None, Some(0)) => Key::Front,
            (None, writer, counter) => {
                Key::Character(op_id(writer, counter)?.ok_or(Rule::Operations.broken("no key"))?)
            }
            _ => return Err(Rule::Operations.broken("two keys")),
        };
        let value = read_value(at(&kinds, index), &mut values)?;
        let action = match (actions[index], value) {
            (Some(0), None) => Action::MakeMap,
            (Some(1), Some(text)) => Action::Put(text),
            (Some(3), None) => Action::Delete,
            (Some(4), None) => Action::MakeText,
            _ => return Err(Rule::Operations.broken("an action that our layout does not use")),
        };
        let mut mine = Vec::new();
        for _ in 0..at(&replaced_counts, index).ok_or(Rule::Operations.broken("no count"))? {
            let (writer, counter) =
                replaced.next().ok_or(Rule::Operations.broken("columns of different lengths"))?;
            let none = Rule::Operations.broken("half an identifier");
            mine.push(op_id(writer, *counter)?.ok_or(none)?);
        }
        let id = OpId { counter: start_op + index as u64, writer: writers[0] };
        out.push(Operation { id, object, key, insert: inserts[index], action, replaced: mine });
    }
    if replaced.next().is_some() || values.remaining() > 0 {
        return Err(Rule::Operations.broken("columns of different lengths"));
    }
    Ok(out)
}

/// A string, or nothing. Everything else is of no use in our layout.
fn read_value<'a>(kind: Option<u64>, values: &mut Reader<'a>) -> Result<Option<&'a str>, GuardError> {
    let kind = kind.ok_or(Rule::Operations.broken("no value"))?;
    match (kind & 0xf, kind >> 4) {
        (0, 0) => Ok(None),
        (6, length) => {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let bytes =
                values.take(length, "value").map_err(|_| Rule::Operations.broken("a value ends early"))?;
            let text =
                std::str::from_utf8(bytes).map_err(|_| Rule::Operations.broken("a text is not UTF-8"))?;
            Ok(Some(text))
        }
        _ => Err(Rule::Operations.broken("a value that is no string")),
    }
}

#[cfg(test)]
mod tests {
    use automerge::legacy;
    use serde_json::json;

    use super::*;
    use crate::{Document, DocumentKind, Edit, Rights};

    fn writer(number: u8) -> WriterId {
        WriterId::new([number; 16])
    }

    fn op_id(id: &legacy::OpId) -> OpId {
        OpId { counter: id.0, writer: WriterId::from_slice(id.1.to_bytes()).unwrap() }
    }

    /// What Automerge reads in the same bytes.
    fn automerge_reads(change: &automerge::ExpandedChange) -> Vec<Operation<'_>> {
        let start = change.start_op.get();
        let writer = WriterId::from_slice(change.actor_id.to_bytes()).unwrap();
        let read = |(index, operation): (usize, &'_ legacy::Op)| Operation {
            id: OpId { counter: start + index as u64, writer },
            object: match &operation.obj {
                legacy::ObjectId::Root => None,
                legacy::ObjectId::Id(id) => Some(op_id(id)),
            },
            key: Key::Front,
            insert: operation.insert,
            action: Action::Delete,
            replaced: operation.pred.iter().map(op_id).collect(),
        };
        let mut out: Vec<Operation<'_>> = change.operations.iter().enumerate().map(read).collect();
        for (mine, theirs) in out.iter_mut().zip(&change.operations) {
            mine.key = match &theirs.key {
                legacy::Key::Map(key) => Key::Map(key),
                legacy::Key::Seq(legacy::ElementId::Head) => Key::Front,
                legacy::Key::Seq(legacy::ElementId::Id(id)) => Key::Character(op_id(id)),
            };
            mine.action = match &theirs.action {
                legacy::OpType::Make(automerge::ObjType::Map) => Action::MakeMap,
                legacy::OpType::Make(automerge::ObjType::Text) => Action::MakeText,
                legacy::OpType::Delete => Action::Delete,
                legacy::OpType::Put(automerge::ScalarValue::Str(text)) => Action::Put(text),
                other => panic!("{other:?}"),
            };
        }
        out
    }

    #[test]
    fn reads_what_automerge_reads() {
        let fields = json!({
            "title": "Ärger 🚌", "severity": "Minor", "narrative": "Two men, zwei Männer, رجلان.", "short_code": "K7-014",
            "counts": [{ "low": 1 }, { "low": 2 }],
        });
        let fields = fields.as_object().unwrap();
        let (mut one, mut changes) = Document::create(DocumentKind::Incident, writer(5), fields).unwrap();
        let mut two = one.clone();
        let text = |text: &str| Edit::ReplaceText { field: "narrative".into(), text: text.into() };
        let title = |title: &str| Edit::Set { field: "title".into(), value: title.into() };
        let apart = two.edit(writer(2), Rights::ALL, &[title("x"), text("Two, three.")]).unwrap();
        changes.extend(one.edit(writer(9), Rights::ALL, &[title("y"), text("")]).unwrap());
        let incoming = crate::Incoming {
            writer: writer(2),
            position: firsthand_ids::Position(2),
            create: false,
            change: &apart[0].bytes,
        };
        assert!(one.apply(&[incoming], &crate::NoAuthors).is_complete());
        changes.extend(apart);
        let resolve = Edit::Resolve { field: "title".into(), value: "y".into(), note: String::new() };
        changes.extend(one.edit(writer(7), Rights::ALL, &[resolve, text("New text.")]).unwrap());
        let again = [text("New, longer text."), text("A longer text.")];
        changes.extend(one.edit(writer(5), Rights::ALL, &again).unwrap());
        assert_eq!(changes.len(), 5);
        for change in &changes {
            let parsed = Parsed::read(&change.bytes).unwrap();
            let read = automerge::Change::try_from(&change.bytes[..]).unwrap();
            assert_eq!(parsed.operations, automerge_reads(&read.decode()));
            assert_eq!(parsed.last_op(), read.max_op());
            assert_eq!(parsed.sequence, read.seq());
        }
    }
}
