//! Just enough of Rust's grammar to look at code without its comments and texts.

use std::iter::Peekable;
use std::str::Chars;

/// A name, a `::`, or another sign, with the line (from 1) it stands on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// The tokens of `source`, without comments, strings, characters and lifetimes.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { chars: source.chars().peekable(), line: 1, tokens: Vec::new() };
    while let Some(char) = lexer.next() {
        lexer.token(char);
    }
    lexer.tokens
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        let char = self.chars.next()?;
        if char == '\n' {
            self.line += 1;
        }
        Some(char)
    }

    fn eat(&mut self, wanted: char) -> bool {
        if self.chars.peek() == Some(&wanted) { self.next().is_some() } else { false }
    }

    /// Skips to behind the next `end`; a backslash hides what follows it.
    fn skip_to(&mut self, end: char) {
        while let Some(char) = self.next() {
            if char == '\\' {
                self.next();
            } else if char == end {
                return;
            }
        }
    }

    fn token(&mut self, char: char) {
        match char {
            '/' if self.chars.peek() == Some(&'/') => self.line_comment(),
            '/' if self.eat('*') => self.block_comment(),
            '"' => self.skip_to('"'),
            '\'' => self.char_or_lifetime(),
            ':' if self.eat(':') => self.push("::".to_owned()),
            _ if is_name(char) => self.name(char),
            _ if char.is_whitespace() => {}
            _ => self.push(char.to_string()),
        }
    }

    fn push(&mut self, text: String) {
        self.tokens.push(Token { line: self.line, text });
    }

    fn line_comment(&mut self) {
        while self.chars.peek().is_some_and(|char| *char != '\n') {
            self.next();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 1;
        while depth > 0 {
            match self.next() {
                Some('/') if self.eat('*') => depth += 1,
                Some('*') if self.eat('/') => depth -= 1,
                Some(_) => {}
                None => return,
            }
        }
    }

    fn char_or_lifetime(&mut self) {
        let mut ahead = self.chars.clone();
        let first = ahead.next();
        if first == Some('\\') || ahead.next() == Some('\'') {
            self.skip_to('\'');
        }
        // Otherwise a lifetime: its name follows as a token, which is harmless.
    }

    fn name(&mut self, first: char) {
        let mut text = first.to_string();
        while let Some(&char) = self.chars.peek() {
            if !is_name(char) {
                break;
            }
            text.push(char);
            self.next();
        }
        match (text.as_str(), self.chars.peek()) {
            ("r" | "br" | "cr", Some('"' | '#')) => {
                if !self.raw_string() {
                    self.push(text);
                }
            }
            // b"..", c"..": the quote that follows is skipped as a string.
            _ => self.push(text),
        }
    }

    /// Skips a raw string if one begins here; `r#name` is none.
    fn raw_string(&mut self) -> bool {
        let mut ahead = self.chars.clone();
        let mut hashes = 0;
        while ahead.peek() == Some(&'#') {
            hashes += 1;
            ahead.next();
        }
        if ahead.next() != Some('"') {
            return false;
        }
        for _ in 0..=hashes {
            self.next();
        }
        while let Some(char) = self.next() {
            if char == '"' && (0..hashes).all(|_| self.eat('#')) {
                break;
            }
        }
        true
    }
}

fn is_name(char: char) -> bool {
    char == '_' || char.is_alphanumeric()
}

/// Names every forbidden thing in one file, one per line. `forbidden` pairs a name with the reason, `exceptions` a file with the name
/// that is allowed in it, and `place` says where the name may not stand.
pub(crate) fn forbidden(
    file: &str,
    source: &str,
    forbidden: &[(&str, &str)],
    exceptions: &[(&str, &str)],
    place: &str,
) -> Vec<String> {
    let tokens = tokens(source);
    let patterns: Vec<(Vec<Token>, &str, &str)> =
        forbidden.iter().map(|(name, reason)| (self::tokens(name), *name, *reason)).collect();
    let file = file.replace('\\', "/");
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        for (pattern, name, reason) in &patterns {
            let here = tokens[at..].iter().map(|token| &token.text);
            let is_here = here.take(pattern.len()).eq(pattern.iter().map(|token| &token.text));
            if is_here && !exceptions.contains(&(&*file, *name)) {
                found.push(format!("{file}:{}: {name} is forbidden {place}: {reason}", token.line));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_texts_are_left_out() {
        for source in [
            "a // Instant\n b",
            "a /* Instant /* SystemTime */ Instant */ b",
            "a \"Instant \\\" Instant\" b",
            "a r\"Instant\\\" b",
            "a r##\"Instant \"# Instant\"## b",
            "a '\"' b '\\'' '\\u{1F600}'",
        ] {
            assert_eq!(texts(source), ["a", "b"], "{source}");
        }
        assert_eq!(texts("a br#\"Instant\"# b"), ["a", "b"]);
        assert_eq!(texts("a::<'b>(r#type)"), ["a", "::", "<", "b", ">", "(", "r", "#", "type", ")"]);
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let found = tokens("/*\n*/ \"\n\" r\"\n\" // x\na");
        assert_eq!(found, [Token { line: 5, text: "a".to_owned() }]);
    }

    #[test]
    fn an_open_end_stops_at_the_end() {
        for source in ["\"", "/*", "r#\"", "'", "'\\", "r#", "b\"\\"] {
            tokens(source);
        }
    }
}
