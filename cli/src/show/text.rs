//! Text that people wrote, made fit for a terminal. It may come from another device, so it must not be able to move the
//! cursor, recolour the screen or turn the words around it.

/// First strong isolate: text until [`ISOLATE_END`] has a direction of its own.
const ISOLATE: char = '\u{2068}';
const ISOLATE_END: char = '\u{2069}';

/// Marks on one letter that are shown; languages need two or three, a tower of them covers the lines above.
const MARKS: usize = 4;

/// Text of several lines.
pub(crate) fn lines(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Text as one line.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        let over = out.chars().next_back();
        marks = if is_mark(c) { marks + 1 } else { 0 };
        match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => out.push(' '),
            c if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            c if turns_direction(c) => {}
            // Joiners belong to the spelling of some scripts, and between two letters of those they stay.
            '\u{200c}' | '\u{200d}'
                if over.is_some_and(|c| !c.is_ascii()) && chars.peek().is_some_and(|c| !c.is_ascii()) =>
            {
                out.push(c);
            }
            c if is_invisible(c) => out.push_str(&format!("<{:04X}>", u32::from(c))),
            // A mark stands over the letter before it, which must not be one of ours.
            c if is_mark(c) && over.is_none_or(char::is_whitespace) => out.extend(['\u{25cc}', c]),
            _ if marks > MARKS => {}
            c => out.push(c),
        }
    }
    if out.chars().any(is_right_to_left) { format!("{ISOLATE}{out}{ISOLATE_END}") } else { out }
}

/// A line cut out of wrapped text: what the cut left open or closed is made whole again, so that text from right to left
/// does not take the next column with it.
pub(crate) fn close(line: &str) -> String {
    let (opened, closed) = (line.matches(ISOLATE).count(), line.matches(ISOLATE_END).count());
    let mut out = line.to_owned();
    if opened > closed
        && let Some((at, last)) = line.char_indices().rfind(|(_, c)| is_right_to_left(*c))
    {
        out.insert(at + last.len_utf8(), ISOLATE_END);
    }
    if closed > opened
        && let Some((at, _)) = line.char_indices().find(|(_, c)| is_right_to_left(*c))
    {
        out.insert(at, ISOLATE);
    }
    out
}

/// Text as one line of at most `max` characters.
pub(crate) fn short(text: &str, max: usize) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(max).collect();
    if chars.next().is_none() {
        return line(text);
    }
    let kept: String = start.chars().take(max.saturating_sub(1)).collect();
    line(&format!("{}…", kept.trim_end()))
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Bytes as a person reads them.
pub(crate) fn bytes(number: u64) -> String {
    match number {
        0..1_000 => count(number, "byte", "bytes"),
        1_000..1_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", number as f64 / 1e6),
        _ => format!("{:.1} GB", number as f64 / 1e9),
    }
}

/// Embeddings, overrides, isolates and marks of direction: whoever opens one decides how everything after it reads. Text is
/// isolated here anyway.
const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What shows nothing, so that two names that look the same are not: it is shown by its number.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Marks that stand on the letter before them, in the blocks of which there is no end.
const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

const fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{08ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_steer_the_terminal() {
        assert_eq!(line("a\u{1b}[31mb\u{7}\u{9b}2Jc"), "a\u{fffd}[31mb\u{fffd}\u{fffd}2Jc");
        assert_eq!(line("safe\u{202e}gpj.exe"), "safegpj.exe");
        assert_eq!(line("two\nlines"), "two lines");
        assert_eq!(lines("two\nlines\u{1b}"), "two\nlines\u{fffd}");
    }

    #[test]
    fn what_shows_nothing_is_shown_by_its_number() {
        assert_eq!(line("Am\u{200b}ina"), "Am<200B>ina");
        assert_eq!(line("Am\u{200d}ina\u{feff}"), "Am<200D>ina<FEFF>");
        assert_eq!(line("K7\u{2060}-014\u{e0041}"), "K7<2060>-014<E0041>");
        assert_eq!(line("one\u{2028}two"), "one two");
        assert_eq!(line("mark\u{200e}ed"), "marked");
        // Persian spelling and a family of four keep their joiners.
        assert_eq!(line("می\u{200c}خواهم"), "\u{2068}می\u{200c}خواهم\u{2069}");
        assert_eq!(line("👩\u{200d}👦"), "👩\u{200d}👦");
    }

    #[test]
    fn marks_stay_on_their_letters() {
        assert_eq!(line("e\u{301}"), "e\u{301}");
        assert_eq!(line("\u{301}x"), "\u{25cc}\u{301}x");
        let tower = format!("a{}b", "\u{301}".repeat(50));
        assert_eq!(line(&tower).chars().count(), 2 + MARKS);
    }

    #[test]
    fn right_to_left_text_keeps_to_itself() {
        assert_eq!(line("مظاهرة"), "\u{2068}مظاهرة\u{2069}");
        assert_eq!(line("left"), "left");
    }

    #[test]
    fn wrapped_right_to_left_text_stays_in_its_column() {
        assert_eq!(close("a \u{2068}مظاهرة  b"), "a \u{2068}مظاهرة\u{2069}  b");
        assert_eq!(close("  عند\u{2069}  b"), "  \u{2068}عند\u{2069}  b");
        assert_eq!(close("\u{2068}مظاهرة\u{2069}"), "\u{2068}مظاهرة\u{2069}");
        assert_eq!(close("plain"), "plain");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(short("äöü", 3), "äöü");
        assert_eq!(short("äöüß", 3), "äö…");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(1, "file", "files"), "1 file");
        assert_eq!(
            [bytes(1), bytes(999), bytes(1_500), bytes(2_000_000)],
            ["1 byte", "999 bytes", "1.5 kB", "2.0 MB"]
        );
    }
}
