//! The one form in which Automerge writes a change's columns.
//!
//! Automerge does not keep the bytes of a change. It writes them anew when it saves, and the hash must come out the
//! same; so other bytes with the same meaning make a document that can be saved and never be read again.

use firsthand_ids::WriterId;

use super::operations::{Action, Key, Operation, column};
use crate::OpId;

/// The columns of operations, as Automerge writes them; `writers` begins with the change's own. `None` where a writer is
/// missing or listed without need, or what an operation replaces is not sorted.
pub(super) fn columns(operations: &[Operation<'_>], writers: &[WriterId]) -> Option<Vec<u8>> {
    let mut used = vec![false; writers.len()];
    used[0] = true;
    let mut number = |id: &OpId| -> Option<u64> {
        let number =
            if id.writer == writers[0] { 0 } else { 1 + writers[1..].binary_search(&id.writer).ok()? };
        used[number] = true;
        Some(number as u64)
    };
    let count = operations.len();
    let mut object_writers = Vec::with_capacity(count);
    let mut object_counters = Vec::with_capacity(count);
    let mut key_writers = Vec::with_capacity(count);
    let mut key_counters = Vec::with_capacity(count);
    let mut key_texts = Vec::with_capacity(count);
    let mut inserts = Vec::with_capacity(count);
    let mut actions = Vec::with_capacity(count);
    let mut kinds = Vec::with_capacity(count);
    let mut values = Vec::new();
    let mut replaced_counts = Vec::with_capacity(count);
    let mut replaced_writers = Vec::new();
    let mut replaced_counters = Vec::new();
    for operation in operations {
        object_writers.push(match &operation.object {
            Some(object) => Some(number(object)?),
            None => None,
        });
        object_counters.push(operation.object.map(|object| object.counter));
        let (writer, counter, text) = match &operation.key {
            Key::Map(text) => (None, None, Some(*text)),
            Key::Front => (None, Some(0), None),
            Key::Character(id) => (Some(number(id)?), Some(id.counter), None),
        };
        key_writers.push(writer);
        key_counters.push(counter);
        key_texts.push(text);
        inserts.push(operation.insert);
        let (action, kind) = match operation.action {
            Action::MakeMap => (0, 0),
            Action::Put(text) => {
                values.extend_from_slice(text.as_bytes());
                (1, (text.len() as u64) << 4 | 6)
            }
            Action::Delete => (3, 0),
            Action::MakeText => (4, 0),
        };
        actions.push(Some(action));
        kinds.push(Some(kind));
        replaced_counts.push(Some(operation.replaced.len() as u64));
        if !operation.replaced.is_sorted_by(|a, b| a < b) {
            return None;
        }
        for id in &operation.replaced {
            replaced_writers.push(Some(number(id)?));
            replaced_counters.push(Some(id.counter));
        }
    }
    if used.contains(&false) {
        return None;
    }
    let columns = [
        (column::OBJECT_WRITER, optional(&object_writers, unsigned)),
        (column::OBJECT_COUNTER, optional(&object_counters, unsigned)),
        (column::KEY_WRITER, optional(&key_writers, unsigned)),
        (column::KEY_COUNTER, optional(&differences(&key_counters), signed)),
        (column::KEY_TEXT, optional(&key_texts, text)),
        (column::INSERT, booleans(&inserts)),
        (column::ACTION, runs(&actions, unsigned)),
        (column::VALUE_KIND, runs(&kinds, unsigned)),
        (column::VALUE, values),
        (column::REPLACED_COUNT, runs(&replaced_counts, unsigned)),
        (column::REPLACED_WRITER, runs(&replaced_writers, unsigned)),
        (column::REPLACED_COUNTER, runs(&differences(&replaced_counters), signed)),
    ];
    let there = || columns.iter().filter(|(_, bytes)| !bytes.is_empty());
    let mut out = Vec::new();
    unsigned(&(there().count() as u64), &mut out);
    for (number, bytes) in there() {
        unsigned(number, &mut out);
        unsigned(&(bytes.len() as u64), &mut out);
    }
    for (_, bytes) in there() {
        out.extend_from_slice(bytes);
    }
    Some(out)
}

/// How many bytes a number takes.
pub(super) const fn width(value: u64) -> usize {
    let bits = (64 - value.leading_zeros()) as usize;
    if bits == 0 { 1 } else { bits.div_ceil(7) }
}

fn unsigned(value: &u64, out: &mut Vec<u8>) {
    let mut value = *value;
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn signed(value: &i64, out: &mut Vec<u8>) {
    let mut value = *value;
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

fn text(value: &&str, out: &mut Vec<u8>) {
    unsigned(&(value.len() as u64), out);
    out.extend_from_slice(value.as_bytes());
}

/// A column that is left out where it says nothing.
fn optional<T: PartialEq>(cells: &[Option<T>], write: fn(&T, &mut Vec<u8>)) -> Vec<u8> {
    if cells.iter().all(Option::is_none) { Vec::new() } else { runs(cells, write) }
}

/// Runs of equal cells, of missing ones, and of ones that all differ from their neighbours.
fn runs<T: PartialEq>(cells: &[Option<T>], write: fn(&T, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    let same = |from: usize| cells[from..].iter().take_while(|cell| **cell == cells[from]).count();
    let mut at = 0;
    while at < cells.len() {
        let count = same(at);
        match &cells[at] {
            None => {
                out.push(0);
                unsigned(&(count as u64), &mut out);
                at += count;
            }
            Some(value) if count > 1 => {
                signed(&(count as i64), &mut out);
                write(value, &mut out);
                at += count;
            }
            Some(_) => {
                let mut end = at + 1;
                while end < cells.len() && cells[end].is_some() && same(end) == 1 {
                    end += 1;
                }
                signed(&-((end - at) as i64), &mut out);
                cells[at..end].iter().flatten().for_each(|value| write(value, &mut out));
                at = end;
            }
        }
    }
    out
}

fn differences(cells: &[Option<u64>]) -> Vec<Option<i64>> {
    let mut last = 0i64;
    let mut difference = |value: u64| {
        let value = value as i64;
        let difference = value - last;
        last = value;
        difference
    };
    cells.iter().map(|cell| cell.map(&mut difference)).collect()
}

fn booleans(cells: &[bool]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut value = false;
    let mut at = 0;
    while at < cells.len() {
        let count = cells[at..].iter().take_while(|cell| **cell == value).count();
        unsigned(&(count as u64), &mut out);
        at += count;
        value = !value;
    }
    out
}
