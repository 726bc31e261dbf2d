//! What an import would do, before it does it.

use firsthand_exchange::{Drafts, Reading};
use firsthand_node::ImportRow;
use firsthand_record::Incident;
use serde::Serialize;

use crate::show::{items, table, text, value, when};

/// How many rows are shown.
const SHOWN: usize = 5;

/// Characters of a title or of another cell.
const WIDTH: usize = 40;

/// How the columns are understood, and the first rows.
#[derive(Debug, Serialize)]
pub(super) struct Preview {
    /// Rows of the file, good or bad.
    rows: usize,
    /// What stands between the values, where something does.
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<char>,
    columns: Vec<Column>,
    first: Vec<First>,
}

#[derive(Debug, Serialize)]
struct Column {
    column: String,
    /// `field`, `kept` or `left_out`.
    becomes: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    /// Whether the column map says so.
    by_map: bool,
}

#[derive(Debug, Serialize)]
struct First {
    #[serde(skip_serializing_if = "Option::is_none")]
    sheet: Option<String>,
    row: usize,
    record: Incident,
}

impl Preview {
    pub(super) fn new(drafts: &Drafts<'_>, reading: &Reading) -> Self {
        let column = |it: firsthand_exchange::ColumnUse| Column {
            becomes: match (it.field, it.ignored) {
                (_, true) => "left_out",
                (Some(_), _) => "field",
                (None, _) => "kept",
            },
            column: it.column,
            field: it.field,
            by_map: it.named,
        };
        let columns = drafts.columns().into_iter().map(column).collect();
        Self { rows: reading.rows(), delimiter: reading.delimiter(), columns, first: Vec::new() }
    }

    pub(super) fn see(&mut self, rows: &[ImportRow], sheet: Option<&str>) {
        let left = SHOWN - self.first.len();
        self.first.extend(rows.iter().take(left).map(|row| First {
            sheet: sheet.map(str::to_owned),
            row: row.row,
            record: row.incident.clone(),
        }));
    }

    /// For a person: the columns, then the first rows.
    pub(super) fn human(&self) -> String {
        let column = |it: &Column| {
            let becomes = match (it.field, it.becomes) {
                (Some(field), _) => field,
                (None, "left_out") => "left out",
                (None, _) => "kept as it is",
            };
            let by = if it.by_map { "the column map" } else { "" };
            vec![text::short(&it.column, WIDTH), becomes.to_owned(), by.to_owned()]
        };
        let columns =
            table::render(&["column", "becomes", "said by"], self.columns.iter().map(column).collect());
        let rows = table::render(
            &["row", "title", "when", "where", "severity", "people"],
            self.first.iter().map(First::cells).collect(),
        );
        format!("{columns}\n\n{rows}\n")
    }
}

impl First {
    fn cells(&self) -> Vec<String> {
        let it = &self.record;
        let place = match &it.place {
            Some(place) => value::place(place),
            None => text::short(&it.place_text, WIDTH),
        };
        vec![
            self.row.to_string(),
            text::short(it.title.as_deref().unwrap_or_default(), WIDTH),
            it.occurred_start.as_ref().map(when::occurred).unwrap_or_default(),
            place,
            it.severity.map(|severity| severity.code().to_owned()).unwrap_or_default(),
            items::counted(it).join(", "),
        ]
    }
}
