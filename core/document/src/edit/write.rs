use std::collections::VecDeque;

use automerge::transaction::{Transactable, Transaction};
use automerge::{ObjType, ROOT, ReadDoc};
use firsthand_ids::{ChangeHash, WriterId};

use super::MAX_VALUE_BYTES;
use crate::document::{self, Loaded, MAX_DOCUMENT_BYTES};
use crate::layout::{Layout, MapName};
use crate::{Change, DocumentError, OpId, json};

/// What the columns of one operation take at most: two references with counters, a key, an action, a value's length.
const OPERATION_BYTES: usize = 32;

/// What the operations of one change may take. The rest of 256 KiB is room for the usual header: 256 dependencies of 32 bytes
/// and 4,096 other writers of 17.
const CHANGE_BYTES: usize = 176 * 1024;
const USUAL_DEPENDENCIES: usize = 256;

/// What is left for operations in a change that builds on so many others.
const fn room(dependencies: usize) -> usize {
    CHANGE_BYTES.saturating_sub(dependencies.saturating_sub(USUAL_DEPENDENCIES) * ChangeHash::LEN)
}

/// One thing to write.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Makes the five maps.
    Maps,
    /// Writes a scalar.
    Put { map: MapName, key: String, value: String },
    /// Makes a text.
    MakeText { field: String },
    /// Splices a text: that of `object`, or the one this call makes for `field`.
    Splice { field: String, object: Option<OpId>, at: usize, delete: usize, insert: String },
}

impl Step {
    fn bytes(&self) -> usize {
        match self {
            Self::Maps => MapName::ALL.len() * (OPERATION_BYTES + 1),
            Self::Put { key, value, .. } => OPERATION_BYTES + key.len() + value.len(),
            Self::MakeText { field } => OPERATION_BYTES + field.len(),
            Self::Splice { delete, insert, .. } => {
                let operations = delete.saturating_add(insert.chars().count());
                operations.saturating_mul(OPERATION_BYTES).saturating_add(insert.len())
            }
        }
    }
}

/// Steps that must stand in one change.
#[derive(Debug, Clone)]
pub(super) struct Group(Vec<Step>);

impl Group {
    pub(super) fn one(step: Step) -> Self {
        Self(vec![step])
    }

    pub(super) fn together(steps: Vec<Step>) -> Self {
        Self(steps)
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(Step::bytes).sum()
    }

    /// Cuts a long splice so that its first part takes at most `room`; `None` where that is not possible.
    fn cut(&self, room: usize) -> Option<(Self, Self)> {
        let [Step::Splice { field, object, at, delete, insert }] = self.0.as_slice() else { return None };
        let part = |at, delete, insert: &str| {
            let insert = insert.to_owned();
            Self::one(Step::Splice { field: field.clone(), object: *object, at, delete, insert })
        };
        // Four bytes are the longest scalar value.
        let operations = room / (OPERATION_BYTES + 4);
        if operations == 0 {
            return None;
        }
        if let Some((middle, _)) = insert.char_indices().nth(operations) {
            let (head, tail) = insert.split_at(middle);
            return Some((part(*at, 0, head), part(at + operations, *delete, tail)));
        }
        if insert.is_empty() {
            return Some((part(*at, operations, ""), part(*at, delete - operations, "")));
        }
        Some((part(*at, 0, insert), part(at + insert.chars().count(), *delete, "")))
    }
}

impl Loaded {
    /// Writes the groups as `writer`, in as few changes as the limits allow.
    pub(super) fn write(
        &mut self,
        writer: WriterId,
        groups: Vec<Group>,
    ) -> Result<Vec<Change>, DocumentError> {
        // Only the first change builds on all that people wrote while apart.
        let first = room(self.am.get_heads().len());
        let fits = |(index, group): (usize, &Group)| {
            let room = if index == 0 { first } else { CHANGE_BYTES };
            group.bytes() <= room || group.cut(room).is_some()
        };
        if let Some((_, group)) = groups.iter().enumerate().find(|group| !fits(*group)) {
            let largest = group.0.iter().max_by_key(|step| step.bytes());
            let field = match largest {
                Some(Step::Put { key, .. }) => key.clone(),
                _ => String::new(),
            };
            return Err(DocumentError::TooLarge { field, limit: MAX_VALUE_BYTES });
        }
        let all = groups.iter().map(Group::bytes).fold(0usize, usize::saturating_add);
        if all > MAX_DOCUMENT_BYTES.saturating_sub(self.size) {
            return Err(DocumentError::Full);
        }
        // One transaction undoes itself; only where a second one could fail is the way back kept.
        let several = all > CHANGE_BYTES;
        let before = several.then(|| self.clone());
        let result = self.try_write(writer, groups.into());
        if result.is_err()
            && let Some(before) = before
        {
            *self = before;
        }
        result
    }

    fn try_write(
        &mut self,
        writer: WriterId,
        mut groups: VecDeque<Group>,
    ) -> Result<Vec<Change>, DocumentError> {
        self.become_writer(writer);
        let mut layout = self.layout.clone().unwrap_or_else(|| Layout::new(writer));
        let mut changes = Vec::new();
        while !groups.is_empty() {
            let room = room(self.am.get_heads().len());
            let mut transaction = self.am.transaction();
            let mut room = room;
            while let Some(group) = groups.pop_front() {
                if group.bytes() <= room {
                    room -= group.bytes();
                    group.0.into_iter().try_for_each(|step| perform(&mut transaction, &mut layout, step))?;
                } else if let Some((head, tail)) = group.cut(room) {
                    room -= head.bytes();
                    head.0.into_iter().try_for_each(|step| perform(&mut transaction, &mut layout, step))?;
                    groups.push_front(tail);
                } else {
                    groups.push_front(group);
                    break;
                }
            }
            let (hash, _) = transaction.commit();
            if let Some(hash) = hash {
                let change = self.am.get_change_by_hash(&hash).ok_or(DocumentError::Internal)?;
                debug_assert!(crate::guard::operations::Parsed::read(change.raw_bytes()).is_ok());
                changes.push(document::change(&change));
            }
        }
        if !changes.is_empty() {
            if self.layout.is_none() {
                self.layout = Layout::read(&self.am)?;
            } else {
                self.layout = Some(layout);
            }
        }
        Ok(changes)
    }
}

fn perform(transaction: &mut Transaction<'_>, layout: &mut Layout, step: Step) -> Result<(), DocumentError> {
    let internal = |_| DocumentError::Internal;
    match step {
        Step::Maps => {
            for map in MapName::ALL {
                transaction.put_object(ROOT, map.key(), ObjType::Map).map_err(internal)?;
            }
        }
        Step::Put { map, key, value } => {
            let object = layout.map(map);
            // A value that stands already is not written again; where it stands several times, Automerge would even
            // delete all but one.
            let standing = transaction.get_all(&object, key.as_str()).map_err(internal)?;
            let same = |text: Option<&str>| text.is_some_and(|text| json::parse(text) == json::parse(&value));
            if !standing.is_empty() && standing.iter().all(|(one, _)| same(one.as_str())) {
                return Ok(());
            }
            transaction.put(object, key, value).map_err(internal)?;
        }
        Step::MakeText { field } => {
            let object = transaction
                .put_object(layout.map(MapName::Text), field.as_str(), ObjType::Text)
                .map_err(internal)?;
            layout.texts.insert(OpId::from_automerge(&object).ok_or(DocumentError::Internal)?, field);
        }
        Step::Splice { field, object, at, delete, insert } => {
            let object = match object {
                Some(object) => object,
                None => *layout.texts_of(&field).last().ok_or(DocumentError::Internal)?,
            };
            let delete = delete.try_into().map_err(|_| DocumentError::Internal)?;
            transaction.splice_text(object.object(), at, delete, &insert).map_err(internal)?;
        }
    }
    Ok(())
}
