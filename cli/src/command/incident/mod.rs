//! Commands about incidents.

pub(crate) mod attach;
pub(crate) mod conflict;
mod edit;
mod editor;
mod expected;
mod history;
mod item;
mod link;
mod list;
mod show;

use firsthand_node::ids::DocumentId;
use firsthand_node::{Edit, Node, OnlyHere, Saved};
use firsthand_record::validate::{Finding, Kind, Rule};
use serde::Serialize;

use self::attach::Holder;
use crate::args::IncidentCommand;
use crate::fail::{Detail, Fail, detail};
use crate::home::Session;

pub(crate) use conflict::human as conflict_table;
pub(crate) use list::{Item, items, render};

/// Does what the command line says.
pub(super) async fn run(session: &Session, command: IncidentCommand) -> Result<(), Fail> {
    match command {
        IncidentCommand::Add(args) => edit::add(session, *args).await,
        IncidentCommand::List(args) => list::list(session, &args).await,
        IncidentCommand::Show(args) => show::show(session, &args.id).await,
        IncidentCommand::Edit(args) => edit::edit(session, *args).await,
        IncidentCommand::Attach(args) => attach::attach(session, &args).await,
        IncidentCommand::DescribeFile(args) => attach::describe(session, Holder::Incident, &args).await,
        IncidentCommand::VerifyFile(args) => attach::verify(session, Holder::Incident, &args).await,
        IncidentCommand::CopyFile(args) => attach::copy(session, &args).await,
        IncidentCommand::SaveFile(args) => attach::save_file(session, Holder::Incident, &args).await,
        IncidentCommand::History(args) => history::history(session, &args.id).await,
        IncidentCommand::Conflicts { id } => conflict::conflicts(session, id.as_deref()).await,
        IncidentCommand::Resolve(args) => conflict::resolve(session, &args).await,
        IncidentCommand::Search(args) => list::search(session, &args).await,
        IncidentCommand::Close(args) => edit::close(session, &args).await,
        IncidentCommand::Reopen(args) => edit::reopen(session, &args).await,
        IncidentCommand::Merge(args) => edit::merge(session, &args).await,
        IncidentCommand::Link(args) => link::link(session, &args).await,
        IncidentCommand::Unlink(args) => link::unlink(session, &args).await,
        IncidentCommand::Hide(args) => link::hide(session, &args).await,
        IncidentCommand::Unhide(args) => link::unhide(session, &args).await,
    }
}

/// How much of an incident is on this device only, in machine output.
const fn only_here(only: OnlyHere) -> &'static str {
    match only {
        OnlyHere::Nothing => "nothing",
        OnlyHere::Changes => "changes",
        OnlyHere::All => "all",
    }
}

/// The same for a person; `None` where another device has confirmed everything.
const fn only_here_words(only: OnlyHere) -> Option<&'static str> {
    match only {
        OnlyHere::Nothing => None,
        OnlyHere::Changes => Some("changes only on this device"),
        OnlyHere::All => Some("only on this device"),
    }
}

/// What was saved, in machine output.
#[derive(Serialize)]
struct SavedLine {
    id: String,
    short_code: String,
    /// What a person should look at again.
    findings: Vec<Mark>,
}

/// A finding in machine output.
#[derive(Serialize)]
pub(crate) struct Mark {
    field: String,
    /// `flag` or `reject`.
    kind: &'static str,
    /// The name of the rule.
    rule: &'static str,
    message: String,
}

impl From<&Finding> for Mark {
    fn from(finding: &Finding) -> Self {
        let Detail { field, reason } = detail(finding);
        let kind = match finding.kind {
            Kind::Reject => "reject",
            Kind::Flag => "flag",
        };
        Self { field, kind, rule: finding.rule.code(), message: reason }
    }
}

/// What would put a finding right at once.
pub(crate) fn offered(short_code: &str, finding: &Finding) -> Option<String> {
    if finding.rule != Rule::LowAboveHigh {
        return None;
    }
    let (list, rest) = finding.field.split_once('[')?;
    let index: usize = rest.split_once(']')?.0.parse().ok()?;
    Some(format!("firsthand incident edit {short_code} --swap {list}:{}", index + 1))
}

/// Saves an edit, and says what it did.
async fn save(
    session: &Session,
    node: &Node,
    id: DocumentId,
    edits: Vec<Edit>,
    said: &str,
) -> Result<(), Fail> {
    let saved = node.edit(id, edits).await?;
    session.out.note(said);
    print_saved(session, &saved)
}

/// Prints the short code of what was saved, and says what to look at again.
fn print_saved(session: &Session, saved: &Saved) -> Result<(), Fail> {
    let Saved { id, short_code, findings, .. } = saved;
    for finding in findings {
        let offered = offered(short_code, finding).map(|offer| format!(" ({offer})")).unwrap_or_default();
        session.out.note(&format!("? look again: {finding}{offered}"));
    }
    let findings = findings.iter().map(Mark::from).collect();
    let line = SavedLine { id: DocumentId::to_string(id), short_code: short_code.clone(), findings };
    session.out.data(&line, |line| line.short_code.clone())
}
