//! Which column is which field.

use std::collections::{BTreeMap, BTreeSet};

use crate::fields::{ALL, Field, normal};
use crate::map::{ColumnMap, Target};
use crate::reading::Survey;
use crate::table::Columns;
use crate::{ExchangeError, Format, hxl};

/// What each column of a file is.
pub(crate) struct Plan {
    /// The columns of each field, in the order of the file.
    pub(crate) fields: BTreeMap<Field, Vec<usize>>,
    /// Columns that a person named; a value that does not fit there is a problem, not something to keep aside.
    pub(crate) named: BTreeSet<usize>,
    /// Columns to leave out.
    pub(crate) ignored: BTreeSet<usize>,
    /// Questions of repeated groups that a person named, by the column that holds the group.
    pub(crate) inner: BTreeMap<usize, BTreeMap<String, Field>>,
    /// The level of an area, where its column says it.
    pub(crate) levels: BTreeMap<usize, u8>,
}

impl Plan {
    pub(crate) fn new(survey: &Survey, format: Format, map: &ColumnMap) -> Result<Self, ExchangeError> {
        let columns = &survey.columns;
        let mut plan = Self {
            fields: BTreeMap::new(),
            named: BTreeSet::new(),
            ignored: BTreeSet::new(),
            inner: BTreeMap::new(),
            levels: BTreeMap::new(),
        };
        for (column, target) in &map.columns {
            let Some(at) = columns.find(column) else {
                plan.repeated(survey, column, *target)?;
                continue;
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
        if format == Format::Hxl {
            plan.tags(columns);
            return Ok(plan);
        }
        if format == Format::Kobo {
            plan.kobo_points(columns);
        }
        plan.guess(columns, format);
        Ok(plan)
    }

    /// A question of a repeated group, such as `people/injured`. Each answer becomes an item of a list.
    fn repeated(&mut self, survey: &Survey, column: &str, target: Target) -> Result<(), ExchangeError> {
        let missing = || ExchangeError::MapColumn { column: column.to_owned() };
        let parts = column.match_indices('/').map(|(at, _)| (&column[..at], &column[at + 1..]));
        let found = parts.into_iter().find_map(|(group, question)| {
            let at = survey.columns.find(group)?;
            survey.inner.get(&at).filter(|inner| inner.contains(question))?;
            Some((at, question))
        });
        let (at, question) = found.ok_or_else(missing)?;
        match target {
            Target::Field(field) if field.is_item() => {
                self.inner.entry(at).or_default().insert(question.to_owned(), field);
                Ok(())
            }
            _ => Err(ExchangeError::MapRepeated { column: column.to_owned() }),
        }
    }

    /// Where hashtags say what the columns are. Nothing is understood by the words beside them.
    fn tags(&mut self, columns: &Columns) {
        let mut found: Vec<(Field, Option<u8>, usize)> = Vec::new();
        for (at, name) in columns.names.iter().enumerate().filter(|(at, _)| self.is_free(*at)) {
            if let Some((field, level)) = hxl::tag_of(name).and_then(|tag| hxl::field(&tag)) {
                found.push((field, level, at));
            }
        }
        // Of several codes the one of the smallest area says most.
        found.sort_by_key(|(field, level, at)| (*field, std::cmp::Reverse(*level), *at));
        for (field, level, at) in found {
            if self.named_field(field) {
                continue;
            }
            self.add(field, at);
            self.levels.extend(level.map(|level| (at, level)));
        }
        self.pairs();
    }

    /// Whether a person said which column a field is.
    fn named_field(&self, field: Field) -> bool {
        self.columns(field).iter().any(|at| self.named.contains(at))
    }

    /// The field that a column leads to.
    pub(crate) fn field_of(&self, at: usize) -> Option<Field> {
        self.fields.iter().find(|(_, columns)| columns.contains(&at)).map(|(field, _)| *field)
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
    fn kobo_points(&mut self, columns: &Columns) {
        if self.has(Field::Point) || self.has(Field::Lat) {
            return;
        }
        let question = |name: &str| name.strip_prefix('_')?.strip_suffix("_latitude").map(str::to_owned);
        let Some(question) = columns.names.iter().find_map(|name| question(name)) else { return };
        for (field, name) in [
            (Field::Point, question.clone()),
            (Field::Lat, format!("_{question}_latitude")),
            (Field::Lon, format!("_{question}_longitude")),
            (Field::Alt, format!("_{question}_altitude")),
            (Field::Accuracy, format!("_{question}_precision")),
        ] {
            if let Some(at) = columns.find(&name).filter(|at| self.is_free(*at)) {
                self.add(field, at);
            }
        }
    }

    fn guess(&mut self, columns: &Columns, format: Format) {
        let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
        for (at, name) in columns.names.iter().enumerate().rev() {
            if !is_internal(name, format) {
                by_name.insert(normal(name), at);
                // A question inside a group is `group/question`; the question alone is the second choice.
                if let Some((_, question)) = name.rsplit_once('/') {
                    by_name.entry(normal(question)).or_insert(at);
                }
            }
        }
        for (field, _, names) in ALL {
            if self.has(*field) || !self.is_wanted(*field, format) {
                continue;
            }
            let free = |name: &str| by_name.get(name).copied().filter(|at| self.is_free(*at));
            if let Some(at) = names.iter().find_map(|name| free(name)) {
                self.add(*field, at);
            }
        }
        self.pairs();
    }

    /// `y` or `accuracy` alone says nothing of a place.
    fn pairs(&mut self) {
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
        Format::Csv | Format::Xlsx | Format::Hxl | Format::GeoJson | Format::CoMapeo => false,
    }
}
