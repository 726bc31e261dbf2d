use std::fmt;

use serde::Serialize;

use crate::ExchangeError;

/// How many problems of a file are told at once.
pub(super) const TOLD: usize = 100;

/// Why a file gave no protocol. Nothing of it is then loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// It could not be looked at as a whole.
    #[error(transparent)]
    File(#[from] ExchangeError),
    /// It is no protocol, or has something in it that cannot be kept: every such place, the first hundred of them.
    #[error("{}", told(.0))]
    Refused(Vec<FormProblem>),
}

impl ProtocolError {
    pub(super) fn one(problem: FormProblem) -> Self {
        Self::Refused(vec![problem])
    }
}

fn told(problems: &[FormProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What is wrong at one place of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FormProblem {
    /// The sheet, in a form of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The row of the sheet, from 1, the header included: the same in every format of one form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<usize>,
    /// The column, or in JSON the path to the member; empty when it is about the whole row.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub column: String,
    /// The line of a text file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong, to be read after the place.
    pub reason: String,
}

impl fmt::Display for FormProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = Vec::new();
        if let Some(sheet) = &self.sheet {
            place.push(format!("sheet {sheet}"));
        }
        if let Some(row) = self.row {
            place.push(format!("row {row}"));
        }
        if !self.column.is_empty() {
            place.push(match self.sheet {
                Some(_) => format!("column {}", self.column),
                None => self.column.clone(),
            });
        }
        if let Some(line) = self.line {
            place.push(format!("line {line}"));
        }
        if place.is_empty() {
            f.write_str(&self.reason)
        } else {
            write!(f, "{}: {}", place.join(", "), self.reason)
        }
    }
}

/// Where something stands, and the problems found so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) sheet: Option<String>,
    pub(super) row: Option<usize>,
    pub(super) line: Option<usize>,
}

impl Place {
    pub(super) fn problem(&self, column: impl Into<String>, reason: impl Into<String>) -> FormProblem {
        let Self { sheet, row, line } = self.clone();
        FormProblem { sheet, row, column: column.into(), line, reason: reason.into() }
    }
}

/// Problems as they are collected.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<FormProblem>);

impl Problems {
    pub(super) fn add(&mut self, problem: FormProblem) {
        if self.0.len() < TOLD && !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems in the order of the file.
    pub(super) fn into_error(mut self) -> ProtocolError {
        self.0.sort_by(|a, b| (&a.line, &a.sheet, &a.row).cmp(&(&b.line, &b.sheet, &b.row)));
        ProtocolError::Refused(self.0)
    }
}
