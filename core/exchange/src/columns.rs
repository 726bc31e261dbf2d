//! Which column is which field.

use std::collections::{BTreeMap, BTreeSet};

use crate::fields::{ALL, Field, normal};
use crate::map::{ColumnMap, Target};
use crate::table::Table;
use crate::{ExchangeError, Format};

/// What each column of a table is.
pub(crate) struct Plan {
    /// The columns of each field, in the order of the file.
    pub(crate) fields: BTreeMap<Field, Vec<usize>>,
    /// Columns that a person named; a value that does not fit there is a problem, not something to keep aside.
    pub(crate) named: BTreeSet<usize>,
    /// Columns to leave out.
    pub(crate) ignored: BTreeSet<usize>,
}

impl Plan {
    pub(crate) fn new(table: &Table, map: &ColumnMap) -> Result<Self, ExchangeError> {
        let mut plan = Self { fields: BTreeMap::new(), named: BTreeSet::new(), ignored: BTreeSet::new() };
        for (column, target) in &map.columns {
            let Some(at) = table.find(column) else {
                return Err(ExchangeError::MapColumn { column: column.clone() });
            };
            plan.named.insert(at);
            match target {
                Target::Ignore => {
                    plan.ignored.insert(at);
                }
                Target::Field(field) => plan.add(*field, at),
            }
        }
        for (field, columns) in &mut plan.fields {
            columns.sort_unstable();
            if columns.len() > 1 && !field.takes_many() {
                return Err(ExchangeError::MapTwice { field: field.path() });
            }
        }
        if table.format == Format::Kobo {
            plan.kobo_points(table);
        }
        plan.guess(table);
        Ok(plan)
    }

    fn add(&mut self, field: Field, at: usize) {
        self.fields.entry(field).or_default().push(at);
    }

    pub(crate) fn columns(&self, field: Field) -> &[usize] {
        self.fields.get(&field).map_or(&[], Vec::as_slice)
    }

    fn has(&self, field: Field) -> bool {
        self.fields.contains_key(&field)
    }

    fn is_free(&self, at: usize) -> bool {
        !self.named.contains(&at) && !self.fields.values().any(|columns| columns.contains(&at))
    }

    /// Kobo writes a point as `X` and again as `_X_latitude`, `_X_longitude`, `_X_altitude` and `_X_precision`.
    fn kobo_points(&mut self, table: &Table) {
        if self.has(Field::Point) || self.has(Field::Lat) {
            return;
        }
        let question = |name: &str| name.strip_prefix('_')?.strip_suffix("_latitude").map(str::to_owned);
        let Some(question) = table.columns.iter().find_map(|name| question(name)) else { return };
        for (field, name) in [
            (Field::Point, question.clone()),
            (Field::Lat, format!("_{question}_latitude")),
            (Field::Lon, format!("_{question}_longitude")),
            (Field::Alt, format!("_{question}_altitude")),
            (Field::Accuracy, format!("_{question}_precision")),
        ] {
            if let Some(at) = table.find(&name).filter(|at| self.is_free(*at)) {
                self.add(field, at);
            }
        }
    }

    fn guess(&mut self, table: &Table) {
        let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
        for (at, name) in table.columns.iter().enumerate().rev() {
            if !is_internal(name, table.format) {
                by_name.insert(normal(name), at);
                // A question inside a group is `group/question`; the question alone is the second choice.
                if let Some((_, question)) = name.rsplit_once('/') {
                    by_name.entry(normal(question)).or_insert(at);
                }
            }
        }
        for (field, _, names) in ALL {
            if self.has(*field) || !self.is_wanted(*field, table.format) {
                continue;
            }
            let free = |name: &str| by_name.get(name).copied().filter(|at| self.is_free(*at));
            if let Some(at) = names.iter().find_map(|name| free(name)) {
                self.add(*field, at);
            }
        }
        // `y` or `accuracy` alone says nothing of a place.
        if self.has(Field::Lat) != self.has(Field::Lon) {
            self.forget(&[Field::Lat, Field::Lon]);
        }
        if !self.has(Field::Lat) {
            self.forget(&[Field::Alt, Field::Accuracy]);
        }
    }

    /// Takes back what was guessed of some fields.
    fn forget(&mut self, fields: &[Field]) {
        for field in fields {
            if !self.columns(*field).iter().any(|at| self.named.contains(at)) {
                self.fields.remove(field);
            }
        }
    }

    /// Whether a field should still be looked for among the columns that nobody named.
    fn is_wanted(&self, field: Field, format: Format) -> bool {
        let is_form = matches!(format, Format::Kobo | Format::Odk);
        match field {
            Field::StartDate | Field::StartTime => !self.has(Field::Start),
            Field::StartWeak => {
                ![Field::Start, Field::StartDate, Field::StartTime].iter().any(|at| self.has(*at))
            }
            // In a form, `end` is when it was filled in.
            Field::End => !is_form,
            Field::Point => !self.has(Field::Lat),
            Field::Lat | Field::Lon | Field::Alt | Field::Accuracy => !self.has(Field::Point),
            _ => true,
        }
    }
}

/// Columns that the other program writes for itself; of those, few mean something here.
fn is_internal(name: &str, format: Format) -> bool {
    match format {
        Format::Kobo => name.starts_with('_') && !["_uuid", "_submission_time"].contains(&name),
        Format::Odk => {
            name.starts_with("__") && name != "__system/submissionDate" || name == "meta/instanceID"
        }
        Format::Csv | Format::GeoJson => false,
    }
}
