//! Commands about checklists.

mod import;
mod list;
mod run;
mod show;
mod trained;

use firsthand_node::ids::DocumentId;
use firsthand_node::{DocumentKind, Node, NodeError, RunView};

use crate::args::{ChecklistCommand, LanguageArgs};
use crate::command::incident::attach::{self, Holder};
use crate::command::upkeep::{self, Noun};
use crate::fail::Fail;
use crate::home::Session;

/// Does what the command line says.
pub(super) async fn run(session: &Session, command: ChecklistCommand) -> Result<(), Fail> {
    match command {
        ChecklistCommand::Import(args) => import::import(session, &args).await,
        ChecklistCommand::List(args) => list::list(session, &args).await,
        ChecklistCommand::Show(args) => show::show(session, &args).await,
        ChecklistCommand::Publish(args) => import::publish(session, &args).await,
        ChecklistCommand::Run(args) => run::start(session, &args).await,
        ChecklistCommand::Runs(args) => list::runs(session, &args).await,
        ChecklistCommand::Tick(args) => run::tick(session, &args, true).await,
        ChecklistCommand::Untick(args) => run::tick(session, &args, false).await,
        ChecklistCommand::Answer(args) => run::answer(session, &args).await,
        ChecklistCommand::DescribeFile(args) => attach::describe(session, Holder::Run, &args).await,
        ChecklistCommand::VerifyFile(args) => attach::verify(session, Holder::Run, &args).await,
        ChecklistCommand::SaveFile(args) => attach::save_file(session, Holder::Run, &args).await,
        ChecklistCommand::Timer(args) => run::timer(session, &args).await,
        ChecklistCommand::Complete(args) => run::complete(session, &args).await,
        ChecklistCommand::Abandon(args) => run::abandon(session, &args).await,
        ChecklistCommand::Trained(args) => trained::trained(session, &args).await,
        ChecklistCommand::Upkeep(command) => upkeep::run(session, Noun::Checklist, command).await,
    }
}

/// The language that the person reads: as given, else the system's.
fn language(args: &LanguageArgs) -> String {
    args.language.clone().unwrap_or_else(|| of_system(|name| std::env::var(name).ok()))
}

/// The language of the system as a tag: `es-MX` of `es_MX.UTF-8`.
fn of_system(variable: impl Fn(&str) -> Option<String>) -> String {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()));
    set.unwrap_or_default().split(['.', '@']).next().unwrap_or_default().replace('_', "-")
}

async fn find_run(node: &Node, typed: &str) -> Result<DocumentId, Fail> {
    Ok(node.find_record(DocumentKind::Run, typed).await?)
}

/// The item that is meant: its name, or its number as `show` prints it.
fn item(view: &RunView, typed: &str) -> Result<String, Fail> {
    let items = view.content.as_ref().map_or(&[][..], |content| &content.items);
    let typed = typed.trim();
    if items.iter().any(|item| item.item_id == typed) {
        return Ok(typed.to_owned());
    }
    let number = typed.parse::<usize>().ok().and_then(|number| items.get(number.checked_sub(1)?));
    match number {
        Some(item) => Ok(item.item_id.clone()),
        // Whether the checklist is here at all is said by whoever does something with the item.
        None if items.is_empty() => Ok(typed.to_owned()),
        None => Err(NodeError::from(firsthand_node::ChecklistError::NoItem(typed.to_owned())).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_language_becomes_a_tag() {
        let of = |pairs: &[(&str, &str)]| {
            of_system(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[("LANG", "es_MX.UTF-8")]), "es-MX");
        assert_eq!(of(&[("LANG", "en_GB.UTF-8"), ("LC_ALL", "ar")]), "ar");
        assert_eq!(of(&[("LC_ALL", ""), ("LANG", "de_AT@euro")]), "de-AT");
        assert_eq!(of(&[]), "");
    }
}
