//! Which sheets hold rows, and the sheets of repeated groups under the rows they belong to.
//!
//! Kobo writes a repeated group as a sheet of its own, whose rows name the sheet and the `_index` of the row above
//! them. Groups stand in groups, so a row above may itself be one of a repeated group.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Cell, Sheet, SheetRow};
use crate::ExchangeError;

/// How deep groups may stand in groups.
const DEEPEST: usize = 8;

/// The most rows of repeated groups under one submission. A record keeps 128 KiB of what it has no field for, which is far
/// less, so that more could only cost memory.
const MAX_REPEATS: usize = 10_000;

/// The columns that tie a row to the one above it, and those of the submission, which stand there too.
fn is_tie(name: &str) -> bool {
    name == "_index" || name.starts_with("_parent_") || name.starts_with("_submission_")
}

/// A row by its sheet and its place there.
type Node = (usize, usize);

/// Chooses the sheets, ties repeated groups to their rows, and says what was done.
pub(super) fn join(
    mut sheets: Vec<Sheet>,
    wanted: Option<&str>,
    notes: &mut Vec<String>,
) -> Result<Vec<Sheet>, ExchangeError> {
    let is_repeat = |sheet: &Sheet| sheet.header.names.iter().any(|name| name == "_parent_index");
    if let Some(wanted) = wanted {
        if !sheets.iter().any(|sheet| sheet.name == wanted) {
            return Err(ExchangeError::NoSuchSheet);
        }
        sheets.retain(|sheet| sheet.name == wanted || is_repeat(sheet));
    }
    let Some(first) = sheets.iter().position(|sheet| !is_repeat(sheet)) else {
        // Repeated groups alone: rows like any other.
        return Ok(sheets);
    };
    let columns: BTreeSet<String> = sheets[first].header.names.iter().cloned().collect();
    sheets.retain(|sheet| {
        let known = sheet.header.names.iter().filter(|name| columns.contains(*name)).count();
        let stays = is_repeat(sheet) || known * 2 >= sheet.header.names.len();
        if !stays {
            let what = "has other columns and was left out; it can be read by its name";
            notes.push(format!("sheet {:?} {what}", sheet.name));
        }
        stays
    });
    let repeats: Vec<usize> = (0..sheets.len()).filter(|at| is_repeat(&sheets[*at])).collect();
    if !repeats.is_empty() {
        tie(&mut sheets, &repeats, notes);
    }
    Ok(sheets)
}

fn tie(sheets: &mut [Sheet], repeats: &[usize], notes: &mut Vec<String>) {
    let rows = Rows::new(sheets);
    let mut under: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
    for &sheet in repeats {
        for row in 0..sheets[sheet].rows.len() {
            let Some(above) = rows.above(sheets, (sheet, row)).filter(|above| *above != (sheet, row)) else {
                continue;
            };
            let held = under.entry(above).or_default();
            if held.len() <= MAX_REPEATS {
                held.push((sheet, row));
            }
        }
    }
    let mut placed = BTreeSet::new();
    for sheet in (0..sheets.len()).filter(|sheet| !repeats.contains(sheet)) {
        for row in 0..sheets[sheet].rows.len() {
            if size(&under, (sheet, row), 0, MAX_REPEATS + 1) > MAX_REPEATS {
                sheets[sheet].rows[row].refused =
                    Some("has more than 10,000 rows of repeated groups".to_owned());
                continue;
            }
            let lists = lists(sheets, &under, (sheet, row), 0, &mut placed);
            let own = &sheets[sheet].header.names;
            let name = |name: String| if own.contains(&name) { format!("{name} (sheet)") } else { name };
            let lists = lists.into_iter().map(|(sheet, list)| (name(sheet), list)).collect();
            sheets[sheet].rows[row].repeats = lists;
        }
    }
    for &sheet in repeats {
        let mut row = 0;
        let all = sheets[sheet].rows.len();
        sheets[sheet].rows.retain(|_| {
            row += 1;
            !placed.contains(&(sheet, row - 1))
        });
        for lost in &mut sheets[sheet].rows {
            lost.refused = Some("belongs to no row of another sheet".to_owned());
        }
        let count = all - sheets[sheet].rows.len();
        let (rows, rest) = if count == 1 { ("row", "it belongs") } else { ("rows", "they belong") };
        notes.push(format!("sheet {:?}: {count} {rows} kept with what {rest} to", sheets[sheet].name));
    }
}

/// How many rows stand under a row, counted up to a number.
fn size(under: &BTreeMap<Node, Vec<Node>>, node: Node, depth: usize, most: usize) -> usize {
    let Some(nodes) = under.get(&node).filter(|_| depth < DEEPEST) else { return 0 };
    let mut count = nodes.len();
    for node in nodes {
        if count >= most {
            break;
        }
        count += size(under, *node, depth + 1, most - count);
    }
    count
}

/// What stands under a row, by the sheets it came from.
fn lists(
    sheets: &[Sheet],
    under: &BTreeMap<Node, Vec<Node>>,
    node: Node,
    depth: usize,
    placed: &mut BTreeSet<Node>,
) -> Vec<(String, Value)> {
    let Some(nodes) = under.get(&node).filter(|_| depth < DEEPEST) else { return Vec::new() };
    let mut lists: Vec<(String, Value)> = Vec::new();
    for &(sheet, row) in nodes {
        placed.insert((sheet, row));
        let found = &sheets[sheet];
        let mut answers = Map::new();
        for (column, cell) in &found.rows[row].cells {
            if let Some(name) = found.header.names.get(*column).filter(|name| !is_tie(name)) {
                let value = match cell {
                    Cell::Value(value) => value.clone(),
                    Cell::Error(text) => Value::from(text.as_str()),
                };
                answers.insert(name.clone(), value);
            }
        }
        answers.extend(self::lists(sheets, under, (sheet, row), depth + 1, placed));
        match lists.iter_mut().find(|(name, _)| *name == found.name) {
            Some((_, Value::Array(list))) => list.push(Value::Object(answers)),
            _ => lists.push((found.name.clone(), Value::Array(vec![Value::Object(answers)]))),
        }
    }
    lists
}

/// Where the columns that tie rows stand in a sheet.
struct Ties {
    index: Option<usize>,
    uuid: Option<usize>,
    parent_table: Option<usize>,
    parent_index: Option<usize>,
    submission: Option<usize>,
}

impl Ties {
    fn of(sheet: &Sheet) -> Self {
        let find = |column: &str| sheet.header.names.iter().position(|name| name == column);
        Self {
            index: find("_index"),
            uuid: find("_uuid"),
            parent_table: find("_parent_table_name"),
            parent_index: find("_parent_index"),
            submission: find("_submission__uuid"),
        }
    }
}

/// Where rows are found by what others call them.
struct Rows {
    ties: Vec<Ties>,
    sheets: BTreeMap<String, usize>,
    by_index: BTreeMap<(usize, String), usize>,
    /// Submissions alone, by their id.
    by_uuid: BTreeMap<String, Node>,
    /// The sheet of the submissions, if there is one alone.
    only: Option<usize>,
}

impl Rows {
    fn new(sheets: &[Sheet]) -> Self {
        let ties: Vec<Ties> = sheets.iter().map(Ties::of).collect();
        let (mut by_index, mut by_uuid) = (BTreeMap::new(), BTreeMap::new());
        for (sheet, found) in sheets.iter().enumerate() {
            for (row, cells) in found.rows.iter().enumerate() {
                if let Some(index) = text(cells, ties[sheet].index) {
                    by_index.entry((sheet, index)).or_insert(row);
                }
                if let Some(uuid) = text(cells, ties[sheet].uuid) {
                    by_uuid.entry(uuid).or_insert((sheet, row));
                }
            }
        }
        let mut mains = (0..sheets.len()).filter(|at| ties[*at].parent_index.is_none());
        let only = mains.next().filter(|_| mains.next().is_none());
        let names = sheets.iter().enumerate().map(|(at, sheet)| (sheet.name.clone(), at)).collect();
        Self { ties, sheets: names, by_index, by_uuid, only }
    }

    /// The row that a row of a repeated group belongs to.
    fn above(&self, sheets: &[Sheet], (sheet, row): Node) -> Option<Node> {
        let (cells, ties) = (&sheets[sheet].rows[row], &self.ties[sheet]);
        let index = text(cells, ties.parent_index)?;
        let named = text(cells, ties.parent_table);
        if let Some(&above) = named.and_then(|name| self.sheets.get(&name)) {
            return Some((above, *self.by_index.get(&(above, index))?));
        }
        // A spreadsheet cuts the names of sheets after 31 characters, so a submission is found by its own id.
        let uuid = text(cells, ties.submission).and_then(|uuid| self.by_uuid.get(&uuid));
        if let Some(&above) = uuid {
            return Some(above);
        }
        let only = self.only?;
        Some((only, *self.by_index.get(&(only, index))?))
    }
}

/// What a row says in a column, as text.
fn text(row: &SheetRow, column: Option<usize>) -> Option<String> {
    let column = column?;
    match &row.cells.iter().find(|(at, _)| *at == column)?.1 {
        Cell::Value(Value::String(text)) => Some(text.trim().to_owned()),
        Cell::Value(value) => Some(value.to_string()),
        Cell::Error(_) => None,
    }
}
