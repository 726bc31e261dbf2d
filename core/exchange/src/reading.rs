//! A file that was opened, and its rows as drafts, one after the other.
//!
//! A file is gone through twice: once to learn its columns and what their dates tell of the order of day and month, and
//! once to make drafts. So no more of it is held than its text and one row.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Read;
use std::sync::Arc;

use firsthand_ids::{Metres, sha256};
use firsthand_record::Origin;
use serde_json::{Value, json};

use crate::canonical::row_hash;
use crate::columns::Plan;
use crate::fields::Field;
use crate::map::ColumnMap;
use crate::notes::{Left, notes};
use crate::row::{Draft, Setting, Tally};
use crate::source::{Rows, Source};
use crate::table::{Columns, Row, What};
use crate::when::Hint;
use crate::{ExchangeError, Format, Imported, MAX_BYTES, MAX_COLUMNS, MAX_ROWS, Problem, hxl};

/// How long an id must be to be taken for one that no other file has. Shorter ones, such as 1, 2, 3, come again in
/// every file, and a second file would look like changes to the first.
const UNIQUE_ID: usize = 8;

/// What a person says about a file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What it is, instead of finding it out.
    pub format: Option<Format>,
    /// The encoding of its text, such as `windows-1256`, instead of finding it out.
    pub encoding: Option<String>,
    /// The sheet of a workbook to read.
    pub sheet: Option<String>,
}

/// What a column is to an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnUse {
    /// The column's name.
    pub column: String,
    /// The field it leads to; absent where it is kept as it is or left out.
    pub field: Option<&'static str>,
    /// Whether the column map leaves it out.
    pub ignored: bool,
    /// Whether the column map says so, and not the column's name alone.
    pub named: bool,
}

/// A file that can be read.
#[derive(Debug)]
pub struct Reading {
    file: String,
    source: Source,
    survey: Survey,
}

/// What the first pass learned.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) columns: Columns,
    /// What the dates of each column tell of the order of day and month.
    pub(crate) hints: BTreeMap<usize, Hint>,
    /// Columns in which something stands.
    pub(crate) filled: BTreeSet<usize>,
    /// The questions of repeated groups, by the column that holds the group.
    pub(crate) inner: BTreeMap<usize, BTreeSet<String>>,
    /// How many rows there are, good or bad.
    pub(crate) rows: usize,
}

impl Reading {
    /// Opens a file and learns what its columns are. `file_name` is what problems name, and its ending helps where the
    /// content could be several things.
    ///
    /// # Errors
    ///
    /// When no row could even be looked at: the file is empty, too large, not text, of no known format, or broken as a
    /// whole.
    pub fn open(input: impl Read, file_name: &str, options: &Options) -> Result<Self, ExchangeError> {
        let mut bytes = Vec::new();
        input.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        check_length(bytes.len() as u64)?;
        let source = Source::open(bytes, file_name, options)?;
        let survey = Survey::of(&source)?;
        Ok(Self { file: file_name.to_owned(), source, survey })
    }

    /// What the file is.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.source.format
    }

    /// What stands between the values of a row, where something does.
    #[must_use]
    pub fn delimiter(&self) -> Option<char> {
        self.source.delimiter()
    }

    /// What files with the same columns have in common: 32 hexadecimal digits over their names, in any order.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let names: BTreeSet<&String> = self.survey.columns.names.iter().collect();
        sha256(json!(names).to_string().as_bytes())[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// How many rows there are, good or bad.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.survey.rows
    }

    /// The rows as drafts.
    ///
    /// # Errors
    ///
    /// When the map does not fit the file.
    pub fn drafts<'a>(&'a self, map: &'a ColumnMap) -> Result<Drafts<'a>, ExchangeError> {
        Ok(Drafts {
            reading: self,
            map,
            plan: Plan::new(&self.survey, self.source.format, map)?,
            columns: self.survey.columns.clone(),
            rows: self.source.rows(),
            sheet: (0, self.source.sheet(0).map(Arc::from)),
            waiting: VecDeque::new(),
            tally: Tally::default(),
            left: Left::default(),
            seen: Seen::default(),
        })
    }
}

/// Refuses a file by its length alone, before anything of it is read.
///
/// # Errors
///
/// [`ExchangeError::TooLarge`] above [`MAX_BYTES`].
pub const fn check_length(bytes: u64) -> Result<(), ExchangeError> {
    if bytes > MAX_BYTES { Err(ExchangeError::TooLarge) } else { Ok(()) }
}

impl Survey {
    fn of(source: &Source) -> Result<Self, ExchangeError> {
        let mut survey = Self::default();
        let mut rows = source.rows();
        while let Some(item) = rows.next(&mut survey.columns) {
            survey.rows += 1;
            if survey.rows > MAX_ROWS {
                return Err(ExchangeError::TooManyRows);
            }
            survey.columns.check()?;
            if let What::Row(row) = item.what {
                survey.see(&row);
            }
        }
        // Of a table without rows the header was not asked for.
        survey.columns.check()?;
        Ok(survey)
    }

    fn see(&mut self, row: &Row) {
        for (at, value) in &row.cells {
            self.filled.insert(*at);
            match value {
                Value::String(text) => self.hints.entry(*at).or_default().see(text),
                Value::Array(items) => {
                    let inner = self.inner.entry(*at).or_default();
                    for name in items.iter().filter_map(Value::as_object).flat_map(|item| item.keys()) {
                        if inner.len() < MAX_COLUMNS && !inner.contains(name) {
                            inner.insert(name.clone());
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// The rows of a file, each a draft or the reason why it is none. A row that repeats an earlier one gives nothing.
pub struct Drafts<'a> {
    reading: &'a Reading,
    map: &'a ColumnMap,
    plan: Plan,
    columns: Columns,
    rows: Rows<'a>,
    /// The sheet that is being read, and its name if there are several.
    sheet: (usize, Option<Arc<str>>),
    waiting: VecDeque<Problem>,
    tally: Tally,
    left: Left,
    seen: Seen,
}

impl Iterator for Drafts<'_> {
    type Item = Result<Imported, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(problem) = self.waiting.pop_front() {
                return Some(Err(problem));
            }
            let item = self.rows.next(&mut self.columns)?;
            if item.sheet != self.sheet.0 {
                self.sheet = (item.sheet, self.reading.source.sheet(item.sheet).map(Arc::from));
            }
            let sheet = self.sheet.1.as_deref();
            match item.what {
                What::Empty => self.left.empty.add(item.number, sheet),
                What::Deleted => self.left.deleted.add(item.number, sheet),
                What::Refused { column, reason } => {
                    return Some(Err(self.problem(item.number, column, reason)));
                }
                What::Row(row) => {
                    if let Some(imported) = self.draft(&row) {
                        return Some(Ok(imported));
                    }
                }
            }
        }
    }
}

impl Drafts<'_> {
    /// How the columns of the file are understood, in the order of the file.
    #[must_use]
    pub fn columns(&self) -> Vec<ColumnUse> {
        let names = self.reading.survey.columns.names.iter().enumerate();
        names
            .map(|(at, name)| ColumnUse {
                column: name.clone(),
                field: self.plan.field_of(at).map(Field::path),
                ignored: self.plan.ignored.contains(&at),
                named: self.plan.named.contains(&at),
            })
            .collect()
    }

    /// What a person should know: how columns were understood, and what was left out of the rows so far, and why.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut all = self.reading.source.notes.clone();
        notes(&self.setting(), &self.reading.survey, &self.tally, &self.left, &mut all);
        all
    }

    fn setting(&self) -> Setting<'_> {
        Setting {
            format: self.reading.source.format,
            columns: &self.columns,
            plan: &self.plan,
            map: self.map,
            hints: &self.reading.survey.hints,
        }
    }

    fn problem(&self, row: usize, column: String, reason: String) -> Problem {
        let file = match &self.sheet.1 {
            Some(sheet) => format!("{} [{sheet}]", self.reading.file),
            None => self.reading.file.clone(),
        };
        Problem { file, row, column, reason }
    }

    fn draft(&mut self, row: &Row) -> Option<Imported> {
        let setting = self.setting();
        let format = setting.format;
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
        let row_hash = hash(&setting, row);
        let origin = Origin { format: format.name().to_owned(), external_id, row_hash };
        draft.incident.origin = Some(origin.clone());
        draft.judge();
        let Draft { mut incident, problems, media, tally, .. } = draft;
        if !problems.is_empty() {
            let found = problems.into_iter();
            let found: Vec<_> =
                found.map(|(column, reason)| self.problem(row.number, column, reason)).collect();
            self.waiting.extend(found);
            return None;
        }
        self.tally.add(&tally);
        if incident.title.is_none() {
            incident.title = Some(format!("{} {}", format.noun(), row.number));
        }
        match self.seen.add((self.sheet.0, row.number), &origin) {
            Met::New => {}
            Met::Before => {
                self.left.repeated.add(row.number, self.sheet.1.as_deref());
                return None;
            }
            Met::Other((sheet, first)) => {
                let name = self.reading.source.sheet(sheet).filter(|_| sheet != self.sheet.0);
                let of = name.map_or_else(String::new, |name| format!(" of {name:?}"));
                let reason = format!("is that of row {first}{of}, which says something else");
                self.waiting.push_back(self.problem(row.number, "id".to_owned(), reason));
                return None;
            }
        }
        if row.marks.incomplete {
            self.left.incomplete.add(row.number, self.sheet.1.as_deref());
        }
        self.left.marks(row.marks);
        Some(Imported { row: row.number, sheet: self.sheet.1.clone(), incident, media })
    }
}

/// The hash over everything that a row says, whatever a column map makes of it.
fn hash(setting: &Setting<'_>, row: &Row) -> String {
    let mut members: BTreeMap<&str, &Value> = BTreeMap::new();
    for (at, value) in &row.cells {
        let name = setting.columns.names[*at].as_str();
        match setting.format {
            // Kobo numbers the rows of each export anew.
            Format::Kobo if name == "_index" => {}
            // The words beside a hashtag are in any language; the hashtag stays.
            Format::Hxl if !members.contains_key(hxl::without_words(name)) => {
                members.insert(hxl::without_words(name), value);
            }
            _ => {
                members.insert(name, value);
            }
        }
    }
    members.extend(row.aside.iter().map(|(name, value)| (name.as_str(), value)));
    // The place of a line or an area is made of what is hashed already.
    let place = row.place.filter(|_| !row.marks.shape).map(|place| {
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

/// Rows that were already in this file, by the hash of their id or of what they say.
#[derive(Default)]
struct Seen {
    by_id: BTreeMap<[u8; 32], First>,
    by_hash: BTreeSet<[u8; 32]>,
}

/// The first row of an id: its sheet and its row, and the hash of what it says.
type First = ((usize, usize), [u8; 32]);

/// Whether a row was met before.
enum Met {
    New,
    Before,
    /// One of the same id that says something else, by its sheet and its row.
    Other((usize, usize)),
}

impl Seen {
    fn add(&mut self, row: (usize, usize), origin: &Origin) -> Met {
        let hash = sha256(origin.row_hash.as_bytes());
        let Some(id) = &origin.external_id else {
            return if self.by_hash.insert(hash) { Met::New } else { Met::Before };
        };
        let id = sha256(id.as_bytes());
        match self.by_id.get(&id) {
            Some((_, first)) if *first == hash => Met::Before,
            Some((first, _)) => Met::Other(*first),
            None => {
                self.by_id.insert(id, (row, hash));
                Met::New
            }
        }
    }
}
