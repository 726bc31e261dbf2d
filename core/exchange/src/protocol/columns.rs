//! Which column of a form is which.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Place, Problems};
use super::grid::{FormCell, FormRow, FormSheet};
use super::language;

/// Other names of columns.
const ALIASES: &[(&str, &str)] = &[
    ("command", "type"),
    ("tag", "name"),
    ("value", "name"),
    ("caption", "label"),
    ("text", "label"),
    ("relevance", "relevant"),
    ("skip_logic", "relevant"),
    ("constraint_msg", "constraint_message"),
    ("list", "list_name"),
    ("title", "form_title"),
    ("set_form_title", "form_title"),
    ("set_form_id", "form_id"),
    ("id_string", "form_id"),
    ("license", "licence"),
    ("attribution", "source"),
];

/// The same for columns that name a place in the form's XML.
const BINDS: &[(&str, &str)] = &[
    ("required", "required"),
    ("relevant", "relevant"),
    ("constraint", "constraint"),
    ("jr:constraintmsg", "constraint_message"),
    ("calculate", "calculation"),
];

/// What a column is, and its language where it has one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) language: Option<String>,
}

impl Column {
    fn read(header: &str) -> Self {
        let lower = header.to_lowercase();
        if let Some(rest) = lower.strip_prefix("bind:").map(|rest| rest.trim_start_matches(':').trim()) {
            let known = BINDS.iter().find(|(own, _)| *own == rest);
            let name = known.map_or_else(|| lower.clone(), |(_, name)| (*name).to_owned());
            return Self { name, language: None };
        }
        let (name, language) = match header.split_once("::").or_else(|| header.split_once(':')) {
            Some((name, language)) => (name, Some(language.trim()).filter(|it| !it.is_empty())),
            None => (header, None),
        };
        let name = name.trim().to_lowercase().replace(' ', "_");
        let known = ALIASES.iter().find(|(own, _)| *own == name);
        let name = known.map_or(name, |(_, name)| (*name).to_owned());
        let language = language.map(language::tag);
        Self { name, language }
    }
}

/// The most columns of a sheet: all texts in 50 languages, and as many others again.
const MAX_COLUMNS: usize = 500;

/// A sheet whose columns are known.
pub(super) struct Table<'a> {
    pub(super) sheet: &'a FormSheet,
    columns: BTreeMap<usize, Column>,
    /// The columns with anything under their header.
    filled: BTreeSet<usize>,
    /// The rows under the header.
    pub(super) rows: &'a [FormRow],
}

impl<'a> Table<'a> {
    /// The first row with anything in it is the header.
    pub(super) fn new(sheet: &'a FormSheet, problems: &mut Problems) -> Option<Self> {
        let (header, rows) = sheet.rows.split_first()?;
        let place = sheet.place(header);
        if header.cells.len() > MAX_COLUMNS {
            problems.add(place.problem("", "has more than 500 columns"));
            return None;
        }
        let mut columns = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (at, cell) in &header.cells {
            match cell {
                FormCell::Error(reason) => problems.add(place.problem("", reason.as_str())),
                FormCell::Text(text) => {
                    let column = Column::read(text);
                    if !seen.insert(column.clone()) {
                        let language =
                            column.language.as_ref().map(|it| format!("::{it}")).unwrap_or_default();
                        let name = format!("{}{language}", column.name);
                        problems.add(place.problem(name, "stands twice in the header"));
                    }
                    columns.insert(*at, column);
                }
            }
        }
        let filled = rows.iter().flat_map(|row| row.cells.iter().map(|(at, _)| *at)).collect();
        Some(Self { sheet, columns, filled, rows })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.columns.values().any(|column| column.name == name)
    }

    /// The languages of the columns that have text, in their order; `None` stands for columns without a language.
    pub(super) fn languages(&self, names: &[&str]) -> Vec<Option<&String>> {
        let mut found = Vec::new();
        for (at, column) in &self.columns {
            let is_filled = self.filled.contains(at);
            if names.contains(&column.name.as_str())
                && is_filled
                && !found.contains(&column.language.as_ref())
            {
                found.push(column.language.as_ref());
            }
        }
        found
    }

    pub(super) fn row(&'a self, row: &'a FormRow) -> Row<'a> {
        Row { table: self, row, place: self.sheet.place(row) }
    }
}

/// A row whose cells are found by what their columns are.
pub(super) struct Row<'a> {
    table: &'a Table<'a>,
    row: &'a FormRow,
    pub(super) place: Place,
}

impl<'a> Row<'a> {
    /// The cells that say something, each with its column.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&'a Column, &'a FormCell)> + '_ {
        self.row.cells.iter().filter_map(|(at, cell)| Some((self.table.columns.get(at)?, cell)))
    }

    /// The text of a column without a language.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.cells().find_map(|(column, cell)| match cell {
            FormCell::Text(text) if column.name == name && column.language.is_none() => Some(text.as_str()),
            _ => None,
        })
    }

    /// The texts of a column in each language.
    pub(super) fn texts(&self, name: &str) -> Vec<(Option<&'a String>, &'a str)> {
        let text = |(column, cell): (&'a Column, &'a FormCell)| match cell {
            FormCell::Text(text) if column.name == name => Some((column.language.as_ref(), text.as_str())),
            _ => None,
        };
        self.cells().filter_map(text).collect()
    }
}
