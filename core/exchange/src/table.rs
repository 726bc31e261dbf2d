use std::collections::{BTreeMap, BTreeSet};

use firsthand_record::Place;
use serde_json::Value;

use crate::canonical::is_empty;
use crate::{ExchangeError, MAX_COLUMNS};

/// The names of columns, in the order in which they first stand in the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    pub(crate) names: Vec<String>,
    /// Where each stands in `names`.
    index: BTreeMap<String, usize>,
}

impl Columns {
    /// The place of a column, which is new if its name is.
    pub(crate) fn column(&mut self, name: &str) -> usize {
        if let Some(at) = self.index.get(name) {
            return *at;
        }
        self.names.push(name.to_owned());
        self.index.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    /// The place of a column that is there.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// Fails once there are more columns than are read.
    pub(crate) fn check(&self) -> Result<(), ExchangeError> {
        if self.names.len() > MAX_COLUMNS { Err(ExchangeError::TooManyColumns) } else { Ok(()) }
    }
}

/// What stands at one place of a file.
pub(crate) struct Item {
    /// The row as a person counts it.
    pub(crate) number: usize,
    /// The sheet, by its place in the file; 0 where there are none.
    pub(crate) sheet: usize,
    pub(crate) what: What,
}

/// What a row turned out to be.
pub(crate) enum What {
    Row(Box<Row>),
    /// It cannot be read: the column, or nothing, and why.
    Refused {
        column: String,
        reason: String,
    },
    /// There is nothing in it.
    Empty,
    /// Its program marked it as deleted.
    Deleted,
}

impl What {
    pub(crate) fn refused(column: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Refused { column: column.into(), reason: reason.into() }
    }
}

/// One row. Values that say nothing are not among its cells.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) number: usize,
    pub(crate) external_id: Option<String>,
    /// Values by the place of their column.
    pub(crate) cells: BTreeMap<usize, Value>,
    /// Cells in which the spreadsheet itself says that there is no value.
    pub(crate) errors: BTreeSet<usize>,
    /// The place, where the format itself says what it is.
    pub(crate) place: Option<Place>,
    /// What problems with that place name.
    pub(crate) place_column: String,
    /// What the format has beside the columns, to be kept in `imported`.
    pub(crate) aside: BTreeMap<String, Value>,
    /// Names of photos, recordings and documents that the format itself lists.
    pub(crate) media: Vec<String>,
    /// What a person should hear of once for the whole file.
    pub(crate) marks: Marks,
}

/// What happened to some rows and is told once.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Marks {
    /// Not every photo or recording reached the server.
    pub(crate) incomplete: bool,
    /// The place stands for a line or an area.
    pub(crate) shape: bool,
    /// A line or an area for which no place could be found.
    pub(crate) shape_without_place: bool,
    /// A ring runs the other way round than RFC 7946 asks for.
    pub(crate) turned: bool,
    /// An area too large to look for crossings in.
    pub(crate) unchecked: bool,
    /// Answers of a repeated group that are not in the file.
    pub(crate) without_repeats: bool,
}

impl Row {
    pub(crate) fn new(number: usize) -> Self {
        Self { number, ..Self::default() }
    }

    pub(crate) fn set(&mut self, columns: &mut Columns, column: &str, value: Value) {
        let at = columns.column(column);
        if !is_empty(&value) {
            self.cells.insert(at, value);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.place.is_none() && self.aside.is_empty()
    }
}
