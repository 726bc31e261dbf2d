//! XLSForm, from whichever table it stands in.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_record::checklist::{Choice, ItemType, Localised, Section, TemplateItem, UNDETERMINED};
use firsthand_record::expression::{Expression, is_name};
use firsthand_record::validate::limits;

use super::columns::{Row, Table};
use super::error::{FormProblem, Place, ProtocolError};
use super::finish::Draft;
use super::grid::{self, FormCell, FormSheet};
use super::room::{self, FULL, Room, item_size, patterns};
use super::types::{RowType, row_type};
use super::{language, other, slug};

/// Columns that are read.
const READ: &[&str] = &[
    "type",
    "name",
    "label",
    "hint",
    "required",
    "relevant",
    "constraint",
    "constraint_message",
    "critical",
    "parameters",
];
/// Columns without which a form would ask something else; a cell with text in them is refused.
const NEEDED: &[(&str, &str)] = &[
    ("choice_filter", "choices that depend on other answers are not supported"),
    ("calculation", "answers that the form works out are not supported"),
    ("trigger", "answers that the form works out are not supported"),
];
/// Reads the sheets of a form. `stem` is the file's name without its ending, for a form that has no name of its own.
pub(super) fn read(sheets: &[FormSheet], stem: &str) -> Result<Draft, ProtocolError> {
    let mut draft = Draft::default();
    let find = |names| grid::sheet(sheets, names).map_err(ProtocolError::one);
    let Some(survey) = find(grid::SURVEY)? else {
        let reason = "there is no sheet called survey";
        return Err(ProtocolError::one(FormProblem { reason: reason.to_owned(), ..FormProblem::default() }));
    };
    let (choices, settings) = (find(grid::CHOICES)?, find(grid::SETTINGS)?);
    let read: Vec<&FormSheet> = [Some(survey), choices, settings].into_iter().flatten().collect();
    for sheet in sheets.iter().filter(|sheet| !read.contains(sheet) && !sheet.rows.is_empty()) {
        draft.notes.push(format!("sheet {} was not read", sheet.name));
    }
    draft.head = Place { sheet: Some(survey.name.clone()), ..Place::default() };
    let Some(survey) = Table::new(survey, &mut draft.problems) else {
        let empty = draft.head.problem("", "is empty");
        if draft.problems.is_empty() {
            draft.problems.add(empty);
        }
        return Err(draft.problems.into_error());
    };
    for needed in ["type", "name"] {
        if !survey.has(needed) {
            draft
                .problems
                .add(survey.sheet.place(&survey.sheet.rows[0]).problem(needed, "there is no such column"));
        }
    }
    let choices = choices.and_then(|sheet| Table::new(sheet, &mut draft.problems));
    let settings = settings.and_then(|sheet| Table::new(sheet, &mut draft.problems));
    if !draft.problems.is_empty() {
        return Err(draft.problems.into_error());
    }
    let default = self::settings(settings.as_ref(), stem, &mut draft);
    let mut form = Form {
        bare: String::new(),
        lists: BTreeMap::new(),
        groups: Vec::new(),
        room: Room::default(),
        is_full: false,
        draft,
    };
    form.languages(&survey, choices.as_ref(), default);
    let title = std::mem::take(&mut form.draft.content.title);
    let title = title.0.into_values().next().unwrap_or_default();
    form.draft.content.title = Localised::one(form.default(), title);
    if let Some(choices) = &choices {
        form.choices(choices);
    }
    for row in survey.rows {
        form.row(&survey.row(row));
        if form.is_full {
            return Err(form.draft.problems.into_error());
        }
    }
    for group in std::mem::take(&mut form.groups) {
        form.draft.problems.add(group.place.problem("type", "begins a group that is never ended"));
    }
    form.columns(&survey);
    Ok(form.draft)
}

/// Reads the settings; the language that a form without translations is in.
fn settings(table: Option<&Table<'_>>, stem: &str, draft: &mut Draft) -> Option<String> {
    let row = table.and_then(|table| Some(table.row(table.rows.first()?)));
    let get = |name: &str| row.as_ref().and_then(|row| row.get(name));
    let (id, title) = (get("form_id"), get("form_title"));
    let own = id.unwrap_or(stem);
    draft.template_id = slug(own);
    if id.is_some_and(|id| id != draft.template_id) {
        draft.notes.push(format!("the form is called {own:?}, kept as {}", draft.template_id));
    }
    draft.content.title = Localised::one(UNDETERMINED, title.or(id).unwrap_or(stem));
    draft.version = 1;
    if let Some(version) = get("version") {
        match version.parse() {
            Ok(version) => draft.version = version,
            Err(_) => {
                draft.notes.push(format!("the version {version:?} is no number; it is read as version 1"));
            }
        }
    }
    draft.content.licence = get("licence").map(str::to_owned);
    draft.content.attribution = get("source").map(str::to_owned);
    get("default_language").map(language::tag)
}

/// A group that is open.
struct Group {
    section: Section,
    relevant: Option<Expression>,
    place: Place,
    is_repeat: bool,
    /// What each question in it takes besides its own.
    size: usize,
    patterns: usize,
}

struct Form {
    draft: Draft,
    /// The language of columns that name none.
    bare: String,
    lists: BTreeMap<String, Vec<Choice>>,
    groups: Vec<Group>,
    room: Room,
    /// Whether there is no more room, and nothing more is taken in.
    is_full: bool,
}

impl Form {
    fn default(&self) -> &str {
        self.draft.content.default_language()
    }

    fn languages(&mut self, survey: &Table<'_>, choices: Option<&Table<'_>>, default: Option<String>) {
        self.bare = default.clone().unwrap_or_else(|| UNDETERMINED.to_owned());
        let mut found: Vec<String> = Vec::new();
        let own = survey.languages(&["label", "hint", "constraint_message"]);
        let theirs = choices.map(|table| table.languages(&["label"])).unwrap_or_default();
        for language in own.into_iter().chain(theirs) {
            let tag = language.unwrap_or(&self.bare);
            if !found.contains(tag) {
                found.push(tag.clone());
            }
        }
        if let Some(at) = default.and_then(|default| found.iter().position(|tag| *tag == default)) {
            let default = found.remove(at);
            found.insert(0, default);
        }
        if found.is_empty() {
            found.push(self.bare.clone());
        }
        self.draft.content.languages = found;
    }

    fn text(&self, row: &Row<'_>, column: &str) -> Localised {
        let mut text = Localised::default();
        for (language, said) in row.texts(column) {
            text.set(language.unwrap_or(&self.bare).clone(), said);
        }
        text
    }

    fn choices(&mut self, table: &Table<'_>) {
        let mut seen = BTreeSet::new();
        for row in table.rows {
            let row = table.row(row);
            self.errors(&row, &["list_name", "name", "label"]);
            let (list, name) = (row.get("list_name"), row.get("name"));
            // A row of notes, as people leave them between lists.
            let (Some(list), Some(name)) = (list, name) else {
                if list.is_some() || name.is_some() {
                    let column = if list.is_some() { "name" } else { "list_name" };
                    self.draft.problems.add(row.place.problem(column, "is empty"));
                }
                continue;
            };
            if !is_name(name) {
                let reason = format!("{name:?} is no name: letters, digits, - _ and . without spaces");
                self.draft.problems.add(row.place.problem("name", reason));
            }
            if !seen.insert((list.to_owned(), name.to_owned())) {
                let reason = format!("the list {list} has {name:?} already");
                self.draft.problems.add(row.place.problem("name", reason));
            }
            let label = self.text(&row, "label");
            if label.is_empty() {
                self.draft.problems.add(row.place.problem("label", "is empty"));
            }
            self.lists.entry(list.to_owned()).or_default().push(Choice { name: name.to_owned(), label });
        }
    }

    /// Cells of which the spreadsheet says that they have no value.
    fn errors(&mut self, row: &Row<'_>, columns: &[&str]) {
        for (column, cell) in row.cells() {
            if let FormCell::Error(reason) = cell
                && columns.contains(&column.name.as_str())
            {
                self.draft.problems.add(row.place.problem(column.name.as_str(), reason.as_str()));
            }
        }
    }

    fn row(&mut self, row: &Row<'_>) {
        self.errors(row, READ);
        let Some(cell) = row.get("type") else {
            if row.get("name").is_some() || !row.texts("label").is_empty() {
                self.draft.problems.add(row.place.problem("type", "is empty"));
            }
            return;
        };
        let name = row.get("name").unwrap_or_default().to_owned();
        match row_type(cell) {
            RowType::BeginGroup => self.begin(row, name, false),
            RowType::BeginRepeat => {
                self.draft
                    .problems
                    .add(row.place.problem("type", "questions that are asked repeatedly are not supported"));
                self.begin(row, name, true);
            }
            RowType::EndGroup => self.end(row, false),
            RowType::EndRepeat => self.end(row, true),
            RowType::Dropped => {
                let place = &row.place;
                let at = place.row.map(|row| format!(", row {row}")).unwrap_or_default();
                self.draft
                    .notes
                    .push(format!("{cell} {name:?}{at} was left out: checklists have no use for it"));
                self.draft.dropped.insert(name, "which checklists leave out");
            }
            RowType::Unknown => {
                let reason = format!("{cell:?} is a type of question that checklists do not have");
                self.draft.problems.add(row.place.problem("type", reason));
                // Others may refer to it; that they do is not their fault.
                self.draft.dropped.insert(name, "a question of a type that checklists do not have");
            }
            RowType::Item(item_type, note) => {
                if let Some(note) = note {
                    self.draft.notes.push(format!("{name:?}: {note}"));
                }
                let mut item = TemplateItem::new(name, item_type);
                if item_type == ItemType::Timer {
                    let seconds = parameters(row).get("seconds").and_then(|text| text.parse().ok());
                    item.timer_s = seconds;
                }
                self.add(row, item);
            }
            RowType::Range => self.range(row, name),
            RowType::Choices { item_type, list, or_other } => {
                self.select(row, name, item_type, &list, or_other);
            }
        }
    }

    fn begin(&mut self, row: &Row<'_>, name: String, is_repeat: bool) {
        if !is_name(&name) {
            self.draft.problems.add(row.place.problem("name", "a group needs a name"));
        }
        let relevant = self.expression(row, "relevant");
        if self.groups.len() == limits::SECTIONS {
            self.draft.problems.add(row.place.problem("type", "stands in more than 8 groups"));
            self.is_full = true;
        }
        if !self.room.take(0, 0, patterns(relevant.as_ref())) {
            return self.full(&row.place);
        }
        // Kept by where it stands: a problem in it is the group's own, and not that of each question in it.
        let relevant = relevant.and_then(|text| match Expression::parse(&text) {
            Ok(expression) => Some(expression),
            Err(error) => {
                self.draft.problems.add(row.place.problem("relevant", error.to_string()));
                None
            }
        });
        let section = Section { name, label: self.text(row, "label") };
        let text = relevant.as_ref().map(ToString::to_string);
        let size = section.name.len() + room::size(&section.label) + text.as_ref().map_or(0, String::len);
        let patterns = patterns(text.as_ref());
        self.groups.push(Group { section, relevant, place: row.place.clone(), is_repeat, size, patterns });
    }

    fn end(&mut self, row: &Row<'_>, is_repeat: bool) {
        match self.groups.pop() {
            Some(group) if group.is_repeat == is_repeat => {}
            Some(_) => self.draft.problems.add(row.place.problem("type", "does not fit what it ends")),
            None => self.draft.problems.add(row.place.problem("type", "ends a group that was never begun")),
        }
    }

    /// An expression with the quotation marks of a word processor made straight.
    fn expression(&self, row: &Row<'_>, column: &str) -> Option<String> {
        let straight = |c| match c {
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{201c}' | '\u{201d}' | '\u{201e}' => '"',
            c => c,
        };
        row.get(column).map(|text| text.chars().map(straight).collect())
    }

    /// Yes or no.
    fn truth(&mut self, row: &Row<'_>, column: &str) -> bool {
        match row.get(column).map(str::to_lowercase).as_deref() {
            Some("yes" | "y" | "true" | "true()" | "1" | "x") => true,
            None | Some("no" | "n" | "false" | "false()" | "0") => false,
            Some(_) => {
                self.draft.problems.add(row.place.problem(column, "must be yes or no"));
                false
            }
        }
    }

    /// Adds a question with what its row says.
    fn add(&mut self, row: &Row<'_>, mut item: TemplateItem) {
        for (column, reason) in NEEDED {
            if row.get(column).is_some() {
                self.draft.problems.add(row.place.problem(*column, *reason));
            }
        }
        item.label = self.text(row, "label");
        item.hint = self.text(row, "hint");
        item.constraint_message = self.text(row, "constraint_message");
        item.required = self.truth(row, "required");
        item.critical = self.truth(row, "critical");
        item.constraint = self.expression(row, "constraint").or(item.constraint);
        item.relevant = self.expression(row, "relevant");
        self.push(&row.place, item);
    }

    fn full(&mut self, place: &Place) {
        self.draft.problems.add(place.problem("", FULL));
        self.is_full = true;
    }

    /// Adds a question to the groups that are open.
    fn push(&mut self, place: &Place, mut item: TemplateItem) {
        let groups = self.groups.iter().map(|group| group.size).sum::<usize>();
        let inherited = self.groups.iter().map(|group| group.patterns).sum::<usize>();
        let own = patterns(item.relevant.as_ref()) + patterns(item.constraint.as_ref());
        if !self.room.take(1, groups + item_size(&item), inherited + own) {
            return self.full(place);
        }
        item.section = self.groups.iter().map(|group| group.section.clone()).collect();
        let groups: Vec<Expression> = self.groups.iter().filter_map(|group| group.relevant.clone()).collect();
        if !groups.is_empty() {
            let own = item.relevant.as_deref().map(Expression::parse).transpose();
            let joined = own.and_then(|own| Expression::all(groups.into_iter().chain(own)));
            match joined {
                Ok(joined) => item.relevant = joined.map(|it| it.to_string()),
                Err(error) => self.draft.problems.add(place.problem("relevant", error.to_string())),
            }
        }
        self.draft.content.items.push(item);
        self.draft.places.push(place.clone());
    }

    fn select(&mut self, row: &Row<'_>, name: String, item_type: ItemType, list: &str, or_other: bool) {
        let mut item = TemplateItem::new(name.clone(), item_type);
        match self.lists.get(list) {
            Some(choices) if choices.len() > limits::CHOICES => {
                let reason = format!("the list {list} has more than {} choices", limits::CHOICES);
                self.draft.problems.add(row.place.problem("type", reason));
                return;
            }
            Some(choices) => {
                let size = choices.iter().map(|choice| choice.name.len() + room::size(&choice.label)).sum();
                if !self.room.take(0, size, 0) {
                    return self.full(&row.place);
                }
                item.choices = choices.clone();
            }
            None => {
                let reason = format!("there is no list of choices called {list:?}");
                self.draft.problems.add(row.place.problem("type", reason));
                return;
            }
        }
        if !or_other {
            return self.add(row, item);
        }
        let (choice, question) = other::words(&self.draft.content.languages);
        if !item.choices.iter().any(|choice| choice.name == "other") {
            item.choices.push(Choice { name: "other".to_owned(), label: choice });
        }
        self.add(row, item);
        let mut specify = TemplateItem::new(format!("{name}_other"), ItemType::Text);
        specify.label = question;
        specify.relevant = Some(format!("selected(${{{name}}}, 'other')"));
        self.push(&row.place, specify);
    }

    /// A number between two others, which stand among the parameters.
    fn range(&mut self, row: &Row<'_>, name: String) {
        let parameters = parameters(row);
        let number = |name: &str, default: f64| match parameters.get(name) {
            Some(text) => text.parse::<f64>().ok().filter(|number| number.is_finite()),
            None => Some(default),
        };
        let (Some(start), Some(end), Some(step)) =
            (number("start", 1.0), number("end", 10.0), number("step", 1.0))
        else {
            self.draft.problems.add(row.place.problem("parameters", "start, end and step must be numbers"));
            return;
        };
        let is_whole = [start, end, step].iter().all(|number| number.fract() == 0.0);
        let mut item = TemplateItem::new(name, if is_whole { ItemType::Integer } else { ItemType::Decimal });
        item.constraint = Some(format!(". >= {} and . <= {}", start.min(end), start.max(end)));
        self.add(row, item);
    }

    /// What a person should know of columns that were not read.
    fn columns(&mut self, survey: &Table<'_>) {
        let known = |name: &str| READ.contains(&name) || NEEDED.iter().any(|(needed, _)| *needed == name);
        let mut left = BTreeSet::new();
        for row in survey.rows {
            for (column, _) in survey.row(row).cells() {
                if !known(&column.name) {
                    left.insert(column.name.clone());
                }
            }
        }
        if !left.is_empty() {
            let names: Vec<String> = left.into_iter().take(20).collect();
            self.draft.notes.push(format!("columns that were not read: {}", names.join(", ")));
        }
    }
}

/// Names and values such as `start=1 end=5`.
fn parameters(row: &Row<'_>) -> BTreeMap<String, String> {
    let text = row.get("parameters").unwrap_or_default();
    let parts = text.split([' ', ',', ';']).filter_map(|part| part.split_once('='));
    parts.map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned())).collect()
}
