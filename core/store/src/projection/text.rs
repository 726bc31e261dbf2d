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
    let mut before = '\0';
    let visible = |c: char| {
        // Languages without spaces break words with it.
        let breaks = c == '\u{200b}'
            && matches!(before, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}');
        before = c;
        if breaks { Some(' ') } else { (!is_invisible(c)).then_some(c) }
    };
    let kept = |c: &char| canonical_combining_class(*c) == 0 && *c != TATWEEL && *c != '\0';
    text[..end].chars().filter_map(visible).nfkd().filter(kept).collect()
}

/// Characters that show nothing: joiners, direction marks, selectors. A name is found whether or not somebody's keyboard
/// put one into it.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_not_looked_for() {
        for (written, meant) in [
            ("Am\u{200b}i\u{200d}na", "Amina"),
            ("\u{202e}Amina\u{202c}\u{feff}", "Amina"),
            ("مي\u{200c}خواهم", "ميخواهم"),
            ("A\u{301}mi\u{323}na\u{e0041}", "Amina"),
            ("A\u{ad}mina", "Amina"),
        ] {
            assert_eq!(fold(written), fold(meant), "{written:?}");
        }
        assert_eq!(fold("ភាសា\u{200b}ខ្មែរ").split(' ').count(), 2);
        assert_eq!(query("\u{200b}\u{202e}"), None);
    }
}
