/// Why text is no expression of a checklist. Places count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpressionError {
    /// Nothing in it.
    #[error("the expression is empty")]
    Empty,
    /// More than [`super::LENGTH`] characters.
    #[error("the expression is longer than 4,000 characters")]
    TooLong,
    /// Deeper than [`super::DEPTH`].
    #[error("the expression is nested too deeply at character {at}")]
    TooDeep {
        /// Where.
        at: usize,
    },
    /// Something that does not belong there.
    #[error("{found:?} does not belong at character {at}")]
    Unexpected {
        /// What stands there.
        found: String,
        /// Where.
        at: usize,
    },
    /// It stops before it is complete.
    #[error("the expression ends too early")]
    Unfinished,
    /// Text without its second quotation mark.
    #[error("the quotation that begins at character {at} is never closed")]
    Unclosed {
        /// Where it begins.
        at: usize,
    },
    /// A quotation mark of a word processor.
    #[error("the quotation mark at character {at} is a curved one; use ' or \"")]
    CurvedQuote {
        /// Where.
        at: usize,
    },
    /// A function that is not one of [`super::FUNCTIONS`].
    #[error("the function {name}() at character {at} is not one that checklists know")]
    UnknownFunction {
        /// Its name.
        name: String,
        /// Where.
        at: usize,
    },
    /// A function with more or fewer arguments than it takes, or with another kind.
    #[error("the function {name}() at character {at} takes {takes}")]
    Arguments {
        /// Its name.
        name: &'static str,
        /// Where.
        at: usize,
        /// What it takes.
        takes: &'static str,
    },
    /// A path into a form instead of `${name}`.
    #[error("{found:?} at character {at} is a path or a bare name; write ${{name}}")]
    Path {
        /// What stands there.
        found: String,
        /// Where.
        at: usize,
    },
    /// A number too large to be one.
    #[error("the number at character {at} is too large")]
    Number {
        /// Where.
        at: usize,
    },
    /// A pattern that is wrong, too large, or needs look-around or back references.
    #[error(
        "the pattern of regex() at character {at} is wrong, too large, or of a kind that is not supported"
    )]
    Pattern {
        /// Where.
        at: usize,
    },
}
