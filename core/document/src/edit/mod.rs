//! What a person does to a document, and the changes it becomes.
//!
//! An edit is checked and planned as a whole before anything is written, then written in as few changes as the limits of
//! the guard allow.

mod plan;
mod write;

use firsthand_ids::{DocumentId, WriterId};
use serde_json::{Map, Value};

use crate::document::{Body, Loaded};
use crate::{Change, Document, DocumentError, DocumentKind, Rights, Schema};
use plan::Plan;

/// The longest stored value: half of what one change may hold, so that every change has room for its frame.
pub const MAX_VALUE_BYTES: usize = firsthand_log::MAX_BODY_BYTES / 2;

/// One thing a person does to a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Sets a field of letter R or S; `null` clears it.
    Set {
        /// The field.
        field: String,
        /// Its new value.
        value: Value,
    },
    /// Sets a text; only what differs from the text as it stands is written.
    ReplaceText {
        /// The field.
        field: String,
        /// The whole new text.
        text: String,
    },
    /// Replaces a part of a text.
    Splice {
        /// The field.
        field: String,
        /// Where, in Unicode scalar values.
        at: usize,
        /// How many of them go.
        delete: usize,
        /// What comes.
        insert: String,
    },
    /// Adds an item to a list.
    Add {
        /// The list.
        list: String,
        /// The item: an object without a member `list`; a member `key` is left out.
        value: Value,
    },
    /// Takes an item back. It stays readable, with the reason.
    Withdraw {
        /// The item's key.
        key: String,
        /// Why.
        reason: String,
    },
    /// Picks a value for a field whose values conflict. Without the right it is a proposal and the conflict stays.
    Resolve {
        /// The field.
        field: String,
        /// The value to stand; it need not be one of those in conflict.
        value: Value,
        /// Why.
        note: String,
    },
    /// Closes an incident. Without the right it is a proposal.
    Close {
        /// `closed`, or `merged_into` with a target.
        status: String,
        /// For `merged_into`: the incident it was merged into.
        target: Option<DocumentId>,
        /// Why.
        note: String,
    },
    /// Opens an incident again: undoes every closing that is here. Without the right it is a proposal.
    Reopen {
        /// Why.
        note: String,
    },
}

impl Document {
    /// Makes a document. Its first change is for the entry that creates it; where the fields are too large for one
    /// change, others follow.
    ///
    /// `fields` are named as in `model.md`, and their letters decide where they are stored; a list is an array of
    /// objects; unknown fields are registers. Absent, `null` and empty fields are left out.
    pub fn create(
        kind: DocumentKind,
        writer: WriterId,
        fields: &Map<String, Value>,
    ) -> Result<(Self, Vec<Change>), DocumentError> {
        let schema = Schema::of(&kind);
        Self::create_with(kind, schema, writer, fields)
    }

    /// As [`Document::create`], with another table than that of this version.
    pub fn create_with(
        kind: DocumentKind,
        schema: Schema,
        writer: WriterId,
        fields: &Map<String, Value>,
    ) -> Result<(Self, Vec<Change>), DocumentError> {
        let groups = plan::creation(&kind, schema, writer, fields)?;
        let mut loaded = Loaded::blank();
        let changes = loaded.write(writer, groups)?;
        loaded.follow(&changes);
        Ok((Self { body: Body::Loaded(Box::new(loaded)), schema: Some(schema) }, changes))
    }

    /// Edits the document as `writer`. `rights` are those of the local person; they decide only whether
    /// [`Edit::Resolve`] ends the conflict or proposes how to.
    ///
    /// Returns the changes in the order of their entries; none where the edits change nothing. Either all edits are made
    /// or, with an error, none.
    pub fn edit(
        &mut self,
        writer: WriterId,
        rights: Rights,
        edits: &[Edit],
    ) -> Result<Vec<Change>, DocumentError> {
        if self.is_empty() {
            return Err(DocumentError::NotCreated);
        }
        let table = self.table();
        let loaded = self.loaded()?;
        let mut plan = Plan::new(loaded, table, writer, rights)?;
        for edit in edits {
            plan.add(edit)?;
        }
        let groups = plan.finish();
        let changes = loaded.write(writer, groups)?;
        loaded.follow(&changes);
        Ok(changes)
    }
}
