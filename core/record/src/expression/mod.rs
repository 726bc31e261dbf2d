//! Expressions of checklists: when an item is asked, and what its answer must fulfil.
//!
//! They are the part of XLSForm's language (XPath 1.0 with additions) that field forms use: `=`, `!=`, `<`, `<=`, `>`, `>=`,
//! `and`, `or`, `+`, `-`, `*`, `div`, `mod`, numbers, text between quotation marks, `.` for the answer itself, `${name}` for
//! that of another item, and [`FUNCTIONS`]. Anything else is refused by name and place, never passed over.
//!
//! # Meaning
//!
//! A value is text, a number, true or false, or a day or time. As in XPath 1.0:
//! - What is not answered, or not asked, is empty text: `number('')` is not a number (NaN), and every comparison with NaN is
//!   false except `!=`. So `${age} < 18` is false while nobody answered.
//! - `=` and `!=` compare as true and false if either side is that, else as numbers if either is one, else as days or times if
//!   either is one, else as text. `<` and the others compare numbers.
//! - Text is true if it is not empty, a number if it is neither 0 nor NaN, a day always.
//! - Text is a number if it is written as one, such as `-3.5`; `1e3`, `+1` and `1,5` are not. `mod` has the sign of its first
//!   number; a division by 0 is infinite. Nothing fails while it is worked out.
//!
//! As in ODK: a day or time counts as days since 1970-01-01, by local time, so that `today() - 7` is a week ago; text
//! beside one is read as `2026-05-01`, `2026-05-01T14:30:00+03:00` or `14:30`. `regex()` asks whether the whole text fits.
//!
//! Unlike ODK: `count()` takes names of single questions, and gives how many of them are asked; the pattern of `regex()`
//! stands in the expression itself, without look-around and back references, so that it always takes time linear in the text;
//! `\d` and `\w` mean digits and letters of every script.

mod error;
mod evaluate;
mod lex;
mod parse;
mod pattern;
mod print;
mod tree;
mod value;

use std::fmt;
use std::str::FromStr;

pub use error::ExpressionError;
pub use evaluate::{Answers, Budget, OverBudget, Scope};
pub use tree::FUNCTIONS;
pub use value::Value;

use tree::Tree;

/// The most characters of an expression, as a person writes it and as it is printed. The longest of real forms have some
/// hundreds.
pub const LENGTH: usize = 4_000;

/// How deep an expression may be nested. Each level takes some hundred bytes of the stack.
pub const DEPTH: usize = 48;

/// An expression that was understood. It prints in one way, however it was spaced and quoted.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    tree: Tree,
}

impl Expression {
    /// Understands an expression.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let expression = Self { tree: parse::parse(text)? };
        // What is printed must itself be an expression, though it may have more spaces than what was written.
        if expression.to_string().chars().nth(LENGTH).is_some() {
            return Err(ExpressionError::TooLong);
        }
        Ok(expression)
    }

    /// What is true where all of them are; nothing where there are none.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Result<Option<Self>, ExpressionError> {
        let mut trees = Vec::new();
        for part in parts {
            match part.tree {
                Tree::All(inner) => trees.extend(inner),
                tree => trees.push(tree),
            }
        }
        let tree = match trees.len() {
            0 => return Ok(None),
            1 => trees.remove(0),
            _ => Tree::All(trees),
        };
        // Joined, it may be longer or deeper than one may be.
        Self::parse(&Self { tree }.to_string()).map(Some)
    }

    /// The names it refers to by `${name}`, in the order in which they stand, also repeatedly.
    #[must_use]
    pub fn references(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.tree.visit(&mut |tree| {
            if let Tree::Reference(name) = tree {
                found.push(name.as_str());
            }
        });
        found
    }

    /// Whether it refers to the answer itself by `.`.
    #[must_use]
    pub fn uses_own(&self) -> bool {
        let mut found = false;
        self.tree.visit(&mut |tree| found |= matches!(tree, Tree::Own));
        found
    }

    /// What it comes to.
    pub fn evaluate(&self, scope: &Scope<'_>, budget: &mut Budget) -> Result<Value, OverBudget> {
        evaluate::evaluate(&self.tree, scope, budget).map(value::Held::into_value)
    }

    /// Whether it is true.
    pub fn holds(&self, scope: &Scope<'_>, budget: &mut Budget) -> Result<bool, OverBudget> {
        Ok(evaluate::evaluate(&self.tree, scope, budget)?.truth())
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::print(&self.tree, f)
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        Self::parse(text)
    }
}

/// Whether text may be the name of an item in `${name}`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    let is_first = |c: char| c.is_alphanumeric() || c == '_';
    chars.next().is_some_and(is_first) && chars.all(|c| is_first(c) || matches!(c, '-' | '.'))
}
