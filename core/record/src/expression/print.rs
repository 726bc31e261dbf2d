use std::fmt::{Formatter, Result};

use super::tree::{Tree, binding};

pub(super) fn print(tree: &Tree, f: &mut Formatter<'_>) -> Result {
    write(tree, 0, f)
}

/// Writes a part where joints bind at least so tightly, in parentheses if its own do not.
fn write(tree: &Tree, least: u8, f: &mut Formatter<'_>) -> Result {
    let own = match tree {
        Tree::Any(_) => binding::ANY,
        Tree::All(_) => binding::ALL,
        Tree::Binary(operator, ..) => operator.binding(),
        Tree::Negate(_) => binding::SIGN,
        _ => u8::MAX,
    };
    if own < least {
        f.write_str("(")?;
    }
    match tree {
        // Without an exponent, and the shortest that is read as the same number.
        Tree::Number(number) => write!(f, "{number}")?,
        Tree::Text(text) => quoted(text, f)?,
        Tree::Own => f.write_str(".")?,
        Tree::Reference(name) => write!(f, "${{{name}}}")?,
        Tree::Negate(inner) => {
            f.write_str("-")?;
            write(inner, own, f)?;
        }
        Tree::All(parts) => list(parts, " and ", own + 1, f)?,
        Tree::Any(parts) => list(parts, " or ", own + 1, f)?,
        Tree::Binary(operator, left, right) => {
            write(left, own, f)?;
            write!(f, " {} ", operator.sign())?;
            write(right, own + 1, f)?;
        }
        Tree::Call(function, arguments) => {
            write!(f, "{}(", function.word())?;
            list(arguments, ", ", 0, f)?;
            f.write_str(")")?;
        }
        Tree::Matches(text, pattern) => {
            f.write_str("regex(")?;
            write(text, 0, f)?;
            f.write_str(", ")?;
            quoted(pattern.source(), f)?;
            f.write_str(")")?;
        }
    }
    if own < least { f.write_str(")") } else { Ok(()) }
}

fn list(parts: &[Tree], between: &str, least: u8, f: &mut Formatter<'_>) -> Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        write(part, least, f)?;
    }
    Ok(())
}

/// Text as it was read never has both kinds of quotation marks.
fn quoted(text: &str, f: &mut Formatter<'_>) -> Result {
    let mark = if text.contains('\'') { '"' } else { '\'' };
    write!(f, "{mark}{text}{mark}")
}
