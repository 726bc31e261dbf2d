//! How things are shown: data on standard output, everything else on standard error.

pub(crate) mod fork;
pub(crate) mod items;
pub(crate) mod progress;
pub(crate) mod quarantine;
pub(crate) mod recovery;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod value;
pub(crate) mod when;

use std::io::{self, Write};

use serde::Serialize;

use crate::fail::Fail;

/// Where a command's data goes, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Out {
    /// Data as JSON.
    pub(crate) json: bool,
}

impl Out {
    /// Prints data: `value` as JSON, or what `human` makes of it.
    pub(crate) fn data<T: Serialize>(self, value: &T, human: impl FnOnce(&T) -> String) -> Result<(), Fail> {
        if self.json { self.line(&pretty(value)?) } else { self.line(&human(value)) }
    }

    /// Prints one of several pieces of data that come one after the other: JSON on one line, or text.
    pub(crate) fn event<T: Serialize>(self, value: &T, human: impl FnOnce(&T) -> String) -> Result<(), Fail> {
        if self.json { self.line(&compact(value)?) } else { self.line(&human(value)) }
    }

    /// Prints text as it is, with an end of line, at once. Empty text prints nothing.
    pub(crate) fn line(self, text: &str) -> Result<(), Fail> {
        if text.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| Fail::output(&error))
    }

    /// Says something to the person that is no data.
    pub(crate) fn note(self, text: &str) {
        to_stderr(text);
    }
}

fn pretty<T: Serialize>(value: &T) -> Result<String, Fail> {
    serde_json::to_string_pretty(value).map_err(|_| not_json())
}

fn compact<T: Serialize>(value: &T) -> Result<String, Fail> {
    serde_json::to_string(value).map_err(|_| not_json())
}

fn not_json() -> Fail {
    Fail::other("output", "failed to write the output as JSON")
}

/// Writes a line on standard error; if nobody can read it, nobody needs to know.
pub(crate) fn to_stderr(text: &str) {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "{text}");
}
