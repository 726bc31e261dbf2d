//! Tables of cells: which row is the header, and rows under it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::hxl;
use crate::table::{Columns, Row};

/// The names of a table's columns and where its rows begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// One name a column, each different.
    pub(crate) names: Vec<String>,
    /// How many rows stand before the first row of data, the header included.
    pub(crate) rows: usize,
    /// Whether hashtags say what the columns are.
    pub(crate) tagged: bool,
}

impl Header {
    /// Finds the header in the first rows of a table: the row of hashtags, else the first row.
    pub(crate) fn find(first: &[Vec<String>]) -> Option<Self> {
        let tags =
            first.iter().take(hxl::LOOKED_AT).position(|row| hxl::is_tag_row(row.iter().map(String::as_str)));
        match tags {
            Some(at) => Some(Self::tagged(&first[..at], &first[at], at + 1)),
            None => Some(Self { names: unique(first.first()?.iter().cloned()), rows: 1, tagged: false }),
        }
    }

    /// A column is named by its hashtag, with the words above it; one without a hashtag by those words.
    fn tagged(above: &[Vec<String>], tags: &[String], rows: usize) -> Self {
        let words = |at: usize| {
            above
                .iter()
                .rev()
                .filter_map(|row| row.get(at))
                .map(|cell| clean(cell))
                .find(|cell| !cell.is_empty())
        };
        let names = tags.iter().enumerate().map(|(at, cell)| match (hxl::tag(cell), words(at)) {
            (Some(tag), Some(words)) => format!("{tag} ({words})"),
            (Some(tag), None) => tag,
            (None, words) => words.unwrap_or_default(),
        });
        Self { names: unique(names), rows, tagged: true }
    }

    /// Where the columns of this table stand among those of the file.
    pub(crate) fn enter(&self, columns: &mut Columns) -> Vec<usize> {
        self.names.iter().map(|name| columns.column(name)).collect()
    }
}

/// A second column of one name gets a number and a nameless one its place, so that no value hides another.
pub(crate) fn unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut found = Columns::default();
    // Where to go on counting, so that many columns of one name are not compared with each other.
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (at, name) in names.enumerate() {
        let name = match clean(&name) {
            name if name.is_empty() => format!("column {}", at + 1),
            name => name,
        };
        let mut free = name.clone();
        let count = counts.entry(name.clone()).or_insert(1);
        while found.find(&free).is_some() {
            *count += 1;
            free = format!("{name} ({count})");
        }
        found.column(&free);
    }
    found.names
}

/// A name without blank space and characters that nobody sees around it.
pub(crate) fn clean(name: &str) -> String {
    name.trim_matches(|c: char| c.is_whitespace() || is_invisible(c)).to_owned()
}

/// Marks of direction, joiners and the like, which take no room on the screen.
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A row of a table whose columns stand at these places.
pub(crate) fn row(number: usize, places: &[usize], cells: impl Iterator<Item = (usize, Value)>) -> Row {
    let mut row = Row::new(number);
    for (at, value) in cells {
        if let Some(place) = places.get(at)
            && !crate::canonical::is_empty(&value)
        {
            row.cells.insert(*place, value);
        }
    }
    row
}
