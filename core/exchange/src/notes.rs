//! What a person should know of a file.

use crate::fields::ALL;
use crate::reading::Survey;
use crate::row::{Setting, Tally};
use crate::table::Marks;

/// How many rows or columns a note lists.
const LISTED: usize = 10;

/// Rows that are told of by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    count: usize,
    first: Vec<String>,
}

impl Listing {
    pub(crate) fn add(&mut self, number: usize, sheet: Option<&str>) {
        self.count += 1;
        if self.first.len() < LISTED {
            self.first.push(match sheet {
                Some(sheet) => format!("{number} of {sheet:?}"),
                None => number.to_string(),
            });
        }
    }
}

/// Rows that did not come in as they are, though nothing is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Left {
    pub(crate) empty: Listing,
    pub(crate) deleted: Listing,
    pub(crate) repeated: Listing,
    pub(crate) incomplete: Listing,
    shapes: usize,
    shapes_without_place: usize,
    turned: usize,
    unchecked: usize,
    without_repeats: usize,
}

impl Left {
    pub(crate) fn marks(&mut self, marks: Marks) {
        self.shapes += usize::from(marks.shape);
        self.shapes_without_place += usize::from(marks.shape_without_place);
        self.turned += usize::from(marks.turned);
        self.unchecked += usize::from(marks.unchecked);
        self.without_repeats += usize::from(marks.without_repeats);
    }
}

pub(crate) fn notes(
    setting: &Setting<'_>,
    survey: &Survey,
    tally: &Tally,
    left: &Left,
    notes: &mut Vec<String>,
) {
    let (plan, names) = (setting.plan, &setting.columns.names);
    let mut understood = Vec::new();
    for (field, path, _) in ALL {
        understood.extend(plan.columns(*field).iter().map(|at| format!("{:?} as {path}", names[*at])));
    }
    for (at, inner) in &plan.inner {
        let named = inner.iter();
        understood.extend(
            named.map(|(name, field)| format!("{:?} as {}", format!("{}/{name}", names[*at]), field.path())),
        );
    }
    if !understood.is_empty() {
        notes.push(format!("columns: {}", understood.join(", ")));
    }
    let is_kept = |at: &&usize| plan.field_of(**at).is_none() && !plan.ignored.contains(*at);
    let kept: Vec<String> =
        survey.filled.iter().filter(is_kept).map(|at| format!("{:?}", names[*at])).collect();
    if !kept.is_empty() {
        notes.push(format!("kept as they are, without a field: {}", list(&kept, kept.len())));
    }
    let mut rows = |rows: &Listing, what: &str| {
        if rows.count > 0 {
            let noun = setting.format.noun().to_lowercase();
            let noun = if rows.count == 1 { noun } else { noun + "s" };
            notes.push(format!("{noun} {} {what}", list(&rows.first, rows.count)));
        }
    };
    rows(&left.empty, "empty and left out");
    rows(&left.deleted, "marked as deleted and left out");
    rows(&left.repeated, "repeated earlier in the file and left out");
    rows(&left.incomplete, "without some photos or recordings, which never reached the server");
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
    let what = "with a line or an area: the place is a point of it, accurate to its farthest corner; the shape is kept";
    count(left.shapes, "row", "rows", what);
    let what = "with a line or an area for which no point could be told; the shape is kept";
    count(left.shapes_without_place, "row", "rows", what);
    count(left.turned, "area", "areas", "drawn the other way round than GeoJSON asks for, read all the same");
    count(left.unchecked, "area", "areas", "too large to look for crossing edges in");
    let what = "with repeated groups that the file does not hold; export with $expand=*";
    count(left.without_repeats, "row", "rows", what);
    for (at, number) in &tally.aside {
        let what = format!("of {:?} kept aside, not fit for its field", names[*at]);
        count(*number, "value", "values", &what);
    }
    if survey.rows == 0 {
        notes.push("the file has no rows".to_owned());
    }
}

fn list(first: &[String], count: usize) -> String {
    let shown = &first[..first.len().min(LISTED)];
    match count.checked_sub(LISTED) {
        Some(more) if more > 0 => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}
