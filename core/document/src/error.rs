/// Why a document could not be made, read or edited. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The saved bytes are no document of ours; it can be rebuilt from the log.
    #[error("read the saved document: damaged")]
    Damaged,
    /// The document's first change is not here yet, so there is nothing to edit.
    #[error("edit a document whose first entry is not here")]
    NotCreated,
    /// No such field, neither in the table nor in the document.
    #[error("find the field {field}")]
    UnknownField {
        /// The name that was asked for.
        field: String,
    },
    /// The field's letter does not allow this edit: a text is spliced, a list is added to, a value is set.
    #[error("edit {field} in this way: its letter does not allow it")]
    WrongLetter {
        /// The field.
        field: String,
    },
    /// The field was written at creation and stays; a correction is a new, linked record.
    #[error("change {field}: it is written once")]
    WriteOnce {
        /// The field.
        field: String,
    },
    /// People set the field to different values while apart; somebody must pick one before it can be edited.
    #[error("edit {field}: its values are in conflict")]
    Conflict {
        /// The field.
        field: String,
    },
    /// There is no conflict to resolve.
    #[error("resolve {field}: its values are not in conflict")]
    NoConflict {
        /// The field.
        field: String,
    },
    /// A splice that begins or ends outside the text.
    #[error("splice {field}: outside the text")]
    OutsideText {
        /// The field.
        field: String,
    },
    /// The value has not the shape its letter needs: an item of a list is an object without a member `list`, a text is a
    /// string, a closing says `closed`, or `merged_into` and which.
    #[error("store the value of {field}: wrong shape")]
    WrongShape {
        /// The field.
        field: String,
    },
    /// No item has this key.
    #[error("find the item {key}")]
    UnknownItem {
        /// The key that was asked for.
        key: String,
    },
    /// The value is larger than one change may be.
    #[error("store the value of {field}: larger than {limit} bytes")]
    TooLarge {
        /// The field.
        field: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The document holds as much as it may, see [`crate::MAX_DOCUMENT_BYTES`].
    #[error("add to this record: it is full; begin a new one and link the two")]
    Full,
    /// Automerge refused an operation that should be possible. The document is as it was.
    #[error("apply an edit to the document")]
    Internal,
}
