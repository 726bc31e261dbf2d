use regex::{Regex, RegexBuilder};

/// The most characters of a pattern.
const LENGTH: usize = 1_000;

/// The most bytes that a pattern takes once it is worked out: room for an address or a number, not for a trap.
const SIZE: usize = 256 * 1024;

/// How deep a pattern may be nested.
const DEPTH: u32 = 32;

/// The most characters of a text that is compared with a pattern. A longer one fits none: patterns are for numbers,
/// names and codes.
const TEXT: usize = 1_000;

/// A pattern, and how it was written.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    source: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Pattern {
    /// Nothing where it is wrong or too large.
    pub(super) fn new(source: String) -> Option<Self> {
        if source.chars().nth(LENGTH).is_some() {
            return None;
        }
        let build = |whole: &str, size: usize| {
            RegexBuilder::new(whole).size_limit(size).dfa_size_limit(SIZE).nest_limit(DEPTH).build()
        };
        // Alone first: half a bracket could reach into what is put around it. Without any room only its grammar is looked at.
        match build(&source, 0) {
            Ok(_) | Err(regex::Error::CompiledTooBig(_)) => {}
            Err(_) => return None,
        }
        let regex = build(&format!("\\A(?:{source})\\z"), SIZE).ok()?;
        Some(Self { source, regex })
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Whether the whole text fits.
    pub(super) fn fits(&self, text: &str) -> bool {
        text.chars().nth(TEXT).is_none() && self.regex.is_match(text)
    }
}
