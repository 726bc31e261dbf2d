//! From a file to a draft, and from a draft to what the team has.

use std::fs::File;

use firsthand_exchange::protocol::{self, FormProblem, Protocol, ProtocolError, Shipped};
use firsthand_record::checklist::Template;
use serde::Serialize;

use super::{language, show};
use crate::args::{ImportChecklistArgs, PublishArgs};
use crate::command::List;
use crate::fail::{Detail, Fail};
use crate::home::Session;
use crate::show::text;

/// A protocol that was loaded, in machine output.
#[derive(Serialize)]
struct Loaded {
    #[serde(flatten)]
    template: Template,
    /// What a person should know, such as what was left out.
    notes: Vec<String>,
    /// Whether it is kept as a draft.
    kept: bool,
}

/// Loads protocols, and keeps them as drafts.
pub(super) async fn import(session: &Session, args: &ImportChecklistArgs) -> Result<(), Fail> {
    let protocols = match (&args.file, &args.shipped) {
        (Some(file), _) => {
            let opened = File::open(file)
                .map_err(|error| Fail::input("file", format!("cannot be read: {}", error.kind())))?;
            let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            crate::command::import::keep_caught_panics_quiet();
            vec![protocol::load(opened, &name)?]
        }
        (None, Some(Some(name))) => vec![shipped(name)?.load()?],
        (None, _) => protocol::shipped().iter().map(Shipped::load).collect::<Result<_, _>>()?,
    };
    let kept = !args.preview;
    let loaded: Vec<Loaded> = protocols.into_iter().map(|protocol| self::loaded(protocol, kept)).collect();
    if kept {
        let templates = loaded.iter().map(|it| it.template.clone()).collect();
        session.with_node(async |node| Ok(node.keep_drafts(templates).await?)).await?;
    }
    for note in loaded.iter().flat_map(|it| &it.notes) {
        session.out.note(&format!("note: {}", text::line(note)));
    }
    let language = language(&args.language);
    let human = |it: &Loaded| show::template(&it.template, &language);
    match <[Loaded; 1]>::try_from(loaded) {
        Ok([one]) => session.out.data(&one, human)?,
        Err(several) => session.out.data(&List { items: several }, |list| {
            list.items.iter().map(|it| show::headline(&it.template, &language)).collect::<Vec<_>>().join("\n")
        })?,
    }
    if kept {
        session
            .out
            .note("Kept as a draft on this device. firsthand checklist publish NAME gives it to the team.");
    }
    Ok(())
}

fn loaded(protocol: Protocol, kept: bool) -> Loaded {
    let notes = protocol.notes.clone();
    Loaded { template: protocol.into_template(), notes, kept }
}

pub(super) fn shipped(name: &str) -> Result<&'static Shipped, Fail> {
    let found = protocol::shipped().iter().find(|it| it.template_id.eq_ignore_ascii_case(name.trim()));
    found.ok_or_else(|| {
        let names: Vec<_> = protocol::shipped().iter().map(|it| it.template_id).collect();
        Fail::input("shipped", format!("is not one of {}", names.join(", ")))
    })
}

/// A template that was published, in machine output.
#[derive(Serialize)]
struct Published {
    id: String,
    template_id: String,
    version: u32,
    content_sha256: String,
}

/// Publishes drafts.
pub(super) async fn publish(session: &Session, args: &PublishArgs) -> Result<(), Fail> {
    let published = session
        .with_node(async |node| {
            let drafts = node.drafts().await?;
            let mut chosen = Vec::new();
            for name in &args.names {
                let draft = drafts.iter().find(|draft| draft.template_id.eq_ignore_ascii_case(name.trim()));
                let draft = draft.ok_or_else(|| {
                    Fail::input("name", format!("{}: there is no such draft here", text::line(name)))
                        .hint("firsthand checklist import FILE makes one.")
                })?;
                chosen.push(draft.clone());
            }
            let mut published = Vec::new();
            for mut template in chosen {
                template.version = args.as_version.unwrap_or(template.version);
                let (template_id, version) = (template.template_id.clone(), template.version);
                let content_sha256 = template.content_sha256.to_string();
                let saved = node.publish_template(template).await?;
                published.push(Published { id: saved.id.to_string(), template_id, version, content_sha256 });
            }
            Ok(published)
        })
        .await?;
    session.out.data(&List { items: published }, |list| {
        let line = |it: &Published| format!("{} {}", text::line(&it.template_id), it.version);
        list.items.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

impl From<ProtocolError> for Fail {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::File(error) => error.into(),
            ProtocolError::Refused(problems) => {
                let count = text::count(problems.len() as u64, "place", "places");
                let message = format!("failed to load the file: {count} to put right; nothing was installed");
                let details = problems.iter().map(detail).collect();
                Self::new(crate::fail::Status::BadInput, "bad_input", message).with_details(details)
            }
            error => Self::new(crate::fail::Status::BadInput, "bad_input", error.to_string()),
        }
    }
}

/// Where, and what is wrong there.
fn detail(problem: &FormProblem) -> Detail {
    let whole = problem.to_string();
    let place = whole.strip_suffix(&problem.reason).unwrap_or_default().trim_end().trim_end_matches(':');
    let field = if place.is_empty() { "file" } else { place };
    Detail { field: field.to_owned(), reason: problem.reason.clone() }
}
