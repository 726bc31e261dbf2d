//! How much a protocol may become while it is read: lists of choices, headings and conditions of groups are written once in a
//! file and stand with every question that has them.

use firsthand_record::checklist::{Localised, TemplateItem};
use firsthand_record::validate::limits;

/// What is left of the room that a checklist may take.
#[derive(Debug)]
pub(super) struct Room {
    items: usize,
    bytes: usize,
    patterns: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { items: limits::ITEMS, bytes: limits::TEMPLATE_BYTES, patterns: limits::PATTERNS }
    }
}

/// Why there is none left.
pub(super) const FULL: &str =
    "the checklist is too large here: at most 2,000 items, 4 MiB of text and 50 patterns";

impl Room {
    /// Takes so much of it, before anything is made; false where there is too little.
    #[must_use]
    pub(super) fn take(&mut self, items: usize, bytes: usize, patterns: usize) -> bool {
        let left = |of: usize, taken: usize| of.checked_sub(taken);
        match (left(self.items, items), left(self.bytes, bytes), left(self.patterns, patterns)) {
            (Some(items), Some(bytes), Some(patterns)) => {
                *self = Self { items, bytes, patterns };
                true
            }
            _ => false,
        }
    }
}

/// About how many bytes a text takes.
pub(super) fn size(text: &Localised) -> usize {
    text.0.iter().map(|(language, text)| language.len() + text.len() + 8).sum()
}

/// About how many bytes the own texts of an item take.
pub(super) fn item_size(item: &TemplateItem) -> usize {
    let expressions =
        [&item.relevant, &item.constraint].into_iter().flatten().map(String::len).sum::<usize>();
    item.item_id.len()
        + expressions
        + [&item.label, &item.hint, &item.constraint_message].map(size).iter().sum::<usize>()
}

/// How many patterns an expression has, without understanding it.
pub(super) fn patterns(text: Option<&String>) -> usize {
    text.map_or(0, |text| text.matches("regex").count())
}
