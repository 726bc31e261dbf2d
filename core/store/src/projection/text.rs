//! How text is prepared for the full-text index, and how a person's words become a query of it.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// The most text of one record that is indexed, in bytes: 100 pages of writing.
const MAX_TEXT_BYTES: usize = 256 * 1024;
/// The most words of one query, and the most bytes of each.
const MAX_WORDS: usize = 32;
const MAX_WORD_BYTES: usize = 128;

/// Takes accents and vowel marks off, in any script, and brings letters to one form, so that a search need not know
/// how somebody typed them. SQLite's tokenizer does this for Latin letters only; it would split an Arabic word at its
/// vowel marks.
pub(crate) fn fold(text: &str) -> String {
    const TATWEEL: char = '\u{640}';
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].nfkd().filter(|c| canonical_combining_class(*c) == 0 && *c != TATWEEL && *c != '\0').collect()
}

/// The query for rows that hold every word of `text`, or one that begins with it. `None` where there is nothing to
/// look for. Every word is quoted, so nothing that a person types is taken for syntax.
pub(crate) fn query(text: &str) -> Option<String> {
    let folded = fold(text);
    let words = folded
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric) && word.len() <= MAX_WORD_BYTES)
        .take(MAX_WORDS);
    let quoted: Vec<String> = words.map(|word| format!("\"{}\"*", word.replace('"', "\"\""))).collect();
    (!quoted.is_empty()).then(|| quoted.join(" "))
}
