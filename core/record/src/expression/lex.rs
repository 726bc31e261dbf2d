use super::{ExpressionError, LENGTH, is_name};

/// A word of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    Number(f64),
    Text(String),
    Own,
    Reference(String),
    /// A name: a function or an operator such as `and`.
    Name(String),
    Sign(&'static str),
}

/// The words of an expression, each with its place, counted in characters from 1.
pub(super) fn words(text: &str) -> Result<Vec<(Word, usize)>, ExpressionError> {
    if text.chars().nth(LENGTH).is_some() {
        return Err(ExpressionError::TooLong);
    }
    let chars: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut from = 0;
    while from < chars.len() {
        if chars[from].is_whitespace() {
            from += 1;
            continue;
        }
        let (word, length) = word(&chars[from..], from + 1)?;
        words.push((word, from + 1));
        from += length;
    }
    Ok(words)
}

fn word(rest: &[char], at: usize) -> Result<(Word, usize), ExpressionError> {
    const SIGNS: [&str; 12] = ["!=", "<=", ">=", "=", "<", ">", "+", "-", "*", "(", ")", ","];
    let next = rest.get(1).copied();
    let unexpected = |found: String| Err(ExpressionError::Unexpected { found, at });
    match rest[0] {
        quote @ ('\'' | '"') => {
            let end = rest[1..].iter().position(|c| *c == quote).ok_or(ExpressionError::Unclosed { at })?;
            Ok((Word::Text(rest[1..=end].iter().collect()), end + 2))
        }
        '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => {
            Err(ExpressionError::CurvedQuote { at })
        }
        '$' if next == Some('{') => {
            let end = rest.iter().position(|c| *c == '}').ok_or(ExpressionError::Unclosed { at })?;
            let inner: String = rest[2..end].iter().collect();
            let name = inner.trim();
            if is_name(name) {
                Ok((Word::Reference(name.to_owned()), end + 1))
            } else {
                unexpected(format!("${{{inner}}}"))
            }
        }
        c if c.is_ascii_digit() || c == '.' && next.is_some_and(|c| c.is_ascii_digit()) => number(rest, at),
        '.' if next == Some('.') => path(rest, at),
        '.' if next == Some('/') => path(rest, at),
        '.' => Ok((Word::Own, 1)),
        '/' | '@' => path(rest, at),
        c if c.is_alphabetic() || c == '_' => {
            let length = run(rest, |c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'));
            Ok((Word::Name(rest[..length].iter().collect()), length))
        }
        c => {
            let sign = SIGNS.into_iter().find(|sign| sign.chars().eq(rest.iter().take(sign.len()).copied()));
            match sign {
                Some(sign) => Ok((Word::Sign(sign), sign.len())),
                None => unexpected(c.to_string()),
            }
        }
    }
}

fn run(rest: &[char], fits: impl Fn(char) -> bool) -> usize {
    rest.iter().take_while(|c| fits(**c)).count()
}

fn path(rest: &[char], at: usize) -> Result<(Word, usize), ExpressionError> {
    let length = run(rest, |c| !c.is_whitespace() && !matches!(c, ')' | ',' | '=' | '<' | '>' | '!'));
    Err(ExpressionError::Path { found: rest[..length].iter().collect(), at })
}

fn number(rest: &[char], at: usize) -> Result<(Word, usize), ExpressionError> {
    let whole = run(rest, |c| c.is_ascii_digit());
    let length = match rest.get(whole) {
        Some('.') => whole + 1 + run(&rest[whole + 1..], |c| c.is_ascii_digit()),
        _ => whole,
    };
    let text: String = rest[..length].iter().collect();
    let number: f64 = text.parse().map_err(|_| ExpressionError::Number { at })?;
    if number.is_finite() { Ok((Word::Number(number), length)) } else { Err(ExpressionError::Number { at }) }
}
