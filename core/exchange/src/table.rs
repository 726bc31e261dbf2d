use std::collections::BTreeMap;

use firsthand_record::Place;
use serde_json::Value;

use crate::canonical::is_empty;
use crate::{ExchangeError, Format, MAX_COLUMNS, MAX_ROWS};

/// A file as rows of named values, whatever its format.
pub(crate) struct Table {
    pub(crate) format: Format,
    pub(crate) columns: Vec<String>,
    /// Where each column stands in `columns`.
    index: BTreeMap<String, usize>,
    pub(crate) rows: Vec<Row>,
    /// Row, column and reason of the rows that are not among `rows`.
    pub(crate) problems: Vec<(usize, String, String)>,
    /// Rows in which there is nothing.
    pub(crate) empty: Vec<usize>,
    /// Rows that their program marked as deleted.
    pub(crate) deleted: Vec<usize>,
    /// Rows of which not every photo or recording reached the server.
    pub(crate) incomplete: Vec<usize>,
    /// Whether the file is one of several.
    pub(crate) has_more_pages: bool,
}

/// One row. Values that say nothing are not among its cells.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) number: usize,
    pub(crate) external_id: Option<String>,
    /// Values by the place of their column.
    pub(crate) cells: BTreeMap<usize, Value>,
    /// The place, where the format itself says what it is.
    pub(crate) place: Option<Place>,
    /// What problems with that place name.
    pub(crate) place_column: String,
    /// What the format has beside the columns, to be kept in `imported`.
    pub(crate) aside: BTreeMap<String, Value>,
}

impl Table {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            columns: Vec::new(),
            index: BTreeMap::new(),
            rows: Vec::new(),
            problems: Vec::new(),
            empty: Vec::new(),
            deleted: Vec::new(),
            incomplete: Vec::new(),
            has_more_pages: false,
        }
    }

    /// The place of a column, which is new if its name is.
    pub(crate) fn column(&mut self, name: &str) -> usize {
        if let Some(at) = self.index.get(name) {
            return *at;
        }
        self.columns.push(name.to_owned());
        self.index.insert(name.to_owned(), self.columns.len() - 1);
        self.columns.len() - 1
    }

    /// The place of a column that is there.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    pub(crate) fn set(&mut self, row: &mut Row, column: &str, value: Value) {
        let at = self.column(column);
        if !is_empty(&value) {
            row.cells.insert(at, value);
        }
    }

    pub(crate) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(crate) fn refuse(&mut self, row: usize, column: impl Into<String>, reason: impl Into<String>) {
        self.problems.push((row, column.into(), reason.into()));
    }

    /// Fails once there are more rows or columns than are read.
    pub(crate) fn check_size(&self, rows: usize) -> Result<(), ExchangeError> {
        if rows > MAX_ROWS {
            return Err(ExchangeError::TooManyRows);
        }
        if self.columns.len() > MAX_COLUMNS { Err(ExchangeError::TooManyColumns) } else { Ok(()) }
    }
}
