//! All rows into drafts, and what a person should know about them.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::Metres;
use firsthand_record::Origin;
use serde_json::{Value, json};

use crate::canonical::row_hash;
use crate::columns::Plan;
use crate::fields::{ALL, Field};
use crate::map::ColumnMap;
use crate::row::{Draft, Setting, Tally};
use crate::table::{Row, Table};
use crate::{ExchangeError, Format, Import, Imported, Problem, when};

/// How long an id must be to be taken for one that no other file has. Shorter ones, such as 1, 2, 3, come again in
/// every file, and a second file would look like changes to the first.
const UNIQUE_ID: usize = 8;

/// How many rows or columns a note lists.
const LISTED: usize = 10;

pub(crate) fn import(table: Table, file: &str, map: &ColumnMap) -> Result<Import, ExchangeError> {
    let plan = Plan::new(&table, map)?;
    let dates = [Field::Start, Field::StartDate, Field::StartWeak, Field::End, Field::Reported];
    let orders = dates.iter().flat_map(|field| plan.columns(*field)).map(|at| {
        let texts = table.rows.iter().filter_map(|row| row.cells.get(at)?.as_str());
        (*at, when::order(texts))
    });
    let setting = Setting { table: &table, plan: &plan, map, orders: orders.collect() };
    let mut tally = Tally::default();
    let problem = |(row, column, reason): (usize, String, String)| Problem {
        file: file.to_owned(),
        row,
        column,
        reason,
    };
    let mut problems: Vec<Problem> = table.problems.iter().cloned().map(problem).collect();
    let mut incidents: Vec<Imported> = Vec::new();
    let mut seen = Seen::default();
    for row in &table.rows {
        let id = external_id(&setting, row);
        let mut draft = Draft::new(&setting, row);
        draft.used.extend(id.as_ref().filter(|id| id.is_unique).and_then(|id| id.column));
        draft.fill();
        draft.keep_the_rest();
        let mut external_id = None;
        match id {
            Some(id) if id.is_unique => external_id = Some(id.text),
            Some(Id { column: None, text, .. }) => {
                draft.incident.imported.entry("id".to_owned()).or_insert(Value::from(text));
            }
            _ => {}
        }
        let (format, row_hash) = (table.format.name().to_owned(), hash(&table, row));
        draft.incident.origin = Some(Origin { format, external_id, row_hash });
        draft.judge();
        if draft.problems.is_empty() {
            tally.add(&draft.tally);
            let mut incident = draft.incident;
            if incident.title.is_none() {
                incident.title = Some(format!("{} {}", noun(table.format), row.number));
            }
            match seen.add(row.number, incident.origin.as_ref()) {
                Ok(true) => incidents.push(Imported { row: row.number, incident }),
                Ok(false) => {}
                Err(reason) => problems.push(problem((row.number, "id".to_owned(), reason))),
            }
        } else {
            let found = draft.problems.into_iter();
            problems.extend(found.map(|(column, reason)| problem((row.number, column, reason))));
        }
    }
    problems.sort_by_key(|problem| problem.row);
    let notes = notes(&setting, &tally, &seen);
    Ok(Import { format: table.format, incidents, problems, notes })
}

/// What a row is called where it has no title.
const fn noun(format: Format) -> &'static str {
    match format {
        Format::Csv | Format::Kobo => "Line",
        Format::GeoJson => "Feature",
        Format::Odk => "Submission",
    }
}

/// The hash over everything that a row says, whatever a column map makes of it.
fn hash(table: &Table, row: &Row) -> String {
    // Kobo numbers the rows of each export anew.
    let says_something = |name: &str| !(table.format == Format::Kobo && name == "_index");
    let cells = row.cells.iter().map(|(at, value)| (table.columns[*at].as_str(), value));
    let mut members: BTreeMap<&str, &Value> = cells.filter(|(name, _)| says_something(name)).collect();
    members.extend(row.aside.iter().map(|(name, value)| (name.as_str(), value)));
    let place = row.place.map(|place| {
        let metres = |metres: Option<Metres>| metres.map(|metres| metres.0);
        json!([place.lon.0, place.lat.0, metres(place.alt), metres(place.accuracy_m)])
    });
    members.extend(place.as_ref().map(|place| ("/place", place)));
    row_hash(&members)
}

/// The id that a row has in the other program.
struct Id {
    /// Where it stands, if in a column.
    column: Option<usize>,
    text: String,
    /// Whether it can be taken for one that no other file has.
    is_unique: bool,
}

fn external_id(setting: &Setting<'_>, row: &Row) -> Option<Id> {
    let plan = setting.plan;
    let read = |at: &usize| {
        let text = match row.cells.get(at)? {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let is_unique = plan.named.contains(at) || text.chars().count() >= UNIQUE_ID;
        Some(Id { column: Some(*at), text, is_unique })
    };
    let columns = plan.columns(Field::ExternalId);
    let named = columns.iter().filter(|at| plan.named.contains(at)).find_map(read);
    let own = || {
        let text = row.external_id.clone()?;
        let is_unique = text.chars().count() >= UNIQUE_ID;
        Some(Id { column: None, text, is_unique })
    };
    named.or_else(own).or_else(|| columns.iter().find_map(read))
}

/// Rows that were already in this file.
#[derive(Default)]
struct Seen {
    by_id: BTreeMap<String, (usize, String)>,
    by_hash: BTreeMap<String, usize>,
    repeated: Vec<usize>,
}

impl Seen {
    /// Whether a row is new; an error if it has the id of a different one.
    fn add(&mut self, row: usize, origin: Option<&Origin>) -> Result<bool, String> {
        let Some(origin) = origin else { return Ok(true) };
        if let Some(id) = &origin.external_id {
            if let Some((first, hash)) = self.by_id.get(id) {
                if *hash != origin.row_hash {
                    return Err(format!("is that of row {first}, which says something else"));
                }
                self.repeated.push(row);
                return Ok(false);
            }
            self.by_id.insert(id.clone(), (row, origin.row_hash.clone()));
        } else if self.by_hash.insert(origin.row_hash.clone(), row).is_some() {
            self.repeated.push(row);
            return Ok(false);
        }
        Ok(true)
    }
}

fn notes(setting: &Setting<'_>, tally: &Tally, seen: &Seen) -> Vec<String> {
    let (table, plan) = (setting.table, setting.plan);
    let mut notes = Vec::new();
    let mut understood = Vec::new();
    for (field, path, _) in ALL {
        understood
            .extend(plan.columns(*field).iter().map(|at| format!("{:?} as {path}", table.columns[*at])));
    }
    if !understood.is_empty() {
        notes.push(format!("columns: {}", understood.join(", ")));
    }
    let filled: BTreeSet<usize> = table.rows.iter().flat_map(|row| row.cells.keys().copied()).collect();
    let is_field = |at: &usize| plan.fields.values().any(|columns| columns.contains(at));
    let kept: Vec<usize> =
        filled.into_iter().filter(|at| !is_field(at) && !plan.ignored.contains(at)).collect();
    if !kept.is_empty() {
        let names = list(&kept, |at| format!("{:?}", table.columns[*at]));
        notes.push(format!("kept as they are, without a field: {names}"));
    }
    let mut rows = |numbers: &[usize], what: &str| {
        if !numbers.is_empty() {
            let noun = noun(table.format).to_lowercase();
            let noun = if numbers.len() == 1 { noun } else { noun + "s" };
            notes.push(format!("{noun} {} {what}", list(numbers, usize::to_string)));
        }
    };
    rows(&table.empty, "empty and left out");
    rows(&table.deleted, "marked as deleted and left out");
    rows(&seen.repeated, "repeated earlier in the file and left out");
    rows(&table.incomplete, "without some photos or recordings, which never reached the server");
    let mut count = |number: usize, one: &str, many: &str, what: &str| match number {
        0 => {}
        1 => notes.push(format!("1 {one} {what}")),
        _ => notes.push(format!("{number} {many} {what}")),
    };
    if setting.map.offset.is_none() {
        let what = "without an offset, read as UTC; a column map can give one";
        count(tally.without_offset, "time", "times", what);
    }
    count(tally.without_accuracy, "place", "places", "with accuracy 0, read as not known");
    let what = "longer than 120 characters, shortened; the whole text is kept";
    count(tally.long_titles, "title", "titles", what);
    count(tally.media, "row", "rows", "with photos or recordings, which are not part of the file");
    let shapes = table.rows.iter().filter(|row| row.aside.contains_key("geometry")).count();
    count(shapes, "line or area", "lines or areas", "kept aside; only a point is a place");
    for (at, number) in &tally.aside {
        let what = format!("of {:?} kept aside, not fit for its field", table.columns[*at]);
        count(*number, "value", "values", &what);
    }
    if table.has_more_pages {
        notes.push("the file is one page of several; export the others too".to_owned());
    }
    if table.rows.is_empty() && table.problems.is_empty() && table.empty.is_empty() {
        notes.push("the file has no rows".to_owned());
    }
    notes
}

fn list<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    let shown: Vec<String> = items.iter().take(LISTED).map(show).collect();
    match items.len().checked_sub(LISTED) {
        Some(more) if more > 0 => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}
