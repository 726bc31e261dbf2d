//! Protocols: checklists in files that trainers already have, and those that come with the program.
//!
//! [`load`] finds out what a file is, and gives the content of a template or every reason why there is none: nothing is ever
//! loaded in part. The same form gives the same content whatever kind of file it stands in: `grid` makes sheets of text cells
//! of workbooks, CSV and Markdown tables, and `xlsform` reads those; `own` reads and writes our Markdown, which
//! docs/protocols.md specifies; `json` our JSON, and `votemonitor` that of Vote Monitor. [`shipped`] are our own.

mod columns;
mod error;
mod finish;
mod grid;
mod json;
mod language;
mod other;
mod own;
mod own_write;
mod room;
mod shipped;
mod types;
mod votemonitor;
mod xlsform;

use std::io::Read;

use firsthand_ids::{ContentHash, sha256};
use firsthand_record::checklist::{Template, TemplateContent, TemplateKind, TemplateSource};

use crate::json::Root;
use crate::{ExchangeError, encoding, workbook};

use finish::Draft;

pub use error::{FormProblem, ProtocolError};
pub use json::to_json;
pub use own_write::to_markdown;
pub use shipped::{Shipped, shipped};

/// The largest file of a protocol: 16 MiB. Large forms are below one as a workbook.
pub const MAX_PROTOCOL_BYTES: u64 = 16 * 1024 * 1024;

/// What a file said.
#[derive(Debug, Clone, PartialEq)]
pub struct Protocol {
    /// What all its versions are called by programs.
    pub template_id: String,
    /// Its version; 1 where the file names none.
    pub version: u32,
    /// What it says.
    pub content: TemplateContent,
    /// The file.
    pub source: TemplateSource,
    /// What a person should know: what was left out and why.
    pub notes: Vec<String>,
}

impl Protocol {
    /// The template to publish.
    #[must_use]
    pub fn into_template(self) -> Template {
        Template::new(self.template_id, self.version, self.content, Some(self.source))
    }
}

/// Reads a protocol. `file_name` helps where the content could be several things, and names a form that has no name.
///
/// # Errors
///
/// When the file could not be looked at, or when anything in it cannot be kept.
pub fn load(input: impl Read, file_name: &str) -> Result<Protocol, ProtocolError> {
    let mut bytes = Vec::new();
    input.take(MAX_PROTOCOL_BYTES + 1).read_to_end(&mut bytes).map_err(ExchangeError::Read)?;
    if bytes.len() as u64 > MAX_PROTOCOL_BYTES {
        return Err(ExchangeError::TooLarge.into());
    }
    let hash = ContentHash::new(sha256(&bytes));
    let source = |kind| TemplateSource { kind, sha256: hash };
    let stem = stem(file_name);
    let form = source(TemplateKind::XlsForm);
    if workbook::is_packed(&bytes) {
        let mut draft = xlsform::read(&grid::xlsx(&bytes)?, stem)?;
        // Names of parts stand in a packed file as they are. What they hold is never looked at.
        let has = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
        for (part, what) in [(&b"vbaProject.bin"[..], "macros"), (b"externalLinks/", "links to other files")]
        {
            if has(part) {
                draft.notes.push(format!("the workbook has {what}, which were not looked at"));
            }
        }
        return draft.finish(form);
    }
    if workbook::is_old(&bytes) {
        return xlsform::read(&grid::xls(&bytes)?, stem)?.finish(form);
    }
    let (text, encoding) = encoding::text(bytes, None)?;
    let (mut draft, kind) = read(&text, file_name, stem)?;
    if encoding::is_guess(encoding) {
        let name = encoding.name();
        draft.notes.push(format!("read as {name}, which is a guess: look at the accents"));
    }
    draft.finish(source(kind))
}

/// Reads a text: what it is shows in how it begins, and for our Markdown in the file's ending or its title.
fn read(text: &str, file_name: &str, stem: &str) -> Result<(Draft, TemplateKind), ProtocolError> {
    if text.trim_start().starts_with(['{', '[']) {
        let root = Root::read(text)?;
        if votemonitor::is_form(&root) {
            return Ok((votemonitor::read(text, &root, stem)?, TemplateKind::Other));
        }
        if json::is_template(&root) {
            return Ok((json::read(text, &root)?, TemplateKind::Json));
        }
        return Err(ProtocolError::one(FormProblem {
            reason: "is JSON, but neither a checklist nor a form of Vote Monitor".to_owned(),
            ..FormProblem::default()
        }));
    }
    if grid::is_markdown_form(text) {
        let (sheets, outside) = grid::markdown(text)?;
        let mut draft = xlsform::read(&sheets, stem)?;
        if outside > 0 {
            draft.notes.push(format!("lines outside of the tables, which were not read: {outside}"));
        }
        return Ok((draft, TemplateKind::XlsForm));
    }
    let name = file_name.to_ascii_lowercase();
    let is_markdown = [".md", ".markdown", ".txt"].iter().any(|ending| name.ends_with(ending));
    if is_markdown || text.trim_start().starts_with("# ") {
        return Ok((own::read(text, stem), TemplateKind::Markdown));
    }
    if grid::is_csv_form(text) {
        return Ok((xlsform::read(&grid::csv(text)?, stem)?, TemplateKind::XlsForm));
    }
    Err(ProtocolError::one(FormProblem {
        reason: "is no protocol: neither XLSForm (XLSX, XLS, CSV, Markdown tables), Markdown, JSON nor Vote Monitor"
            .to_owned(),
        ..FormProblem::default()
    }))
}

/// A file's name without folders and ending.
fn stem(file_name: &str) -> &str {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// A name for programs: what is no letter or digit becomes `_`.
fn slug(text: &str) -> String {
    let fits = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' };
    let slug: String = text.trim().chars().map(fits).take(100).collect();
    let slug = slug.trim_matches(['_', '-', '.']);
    if slug.is_empty() { "form".to_owned() } else { slug.to_owned() }
}
