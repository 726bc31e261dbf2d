//! Entries that are kept and not shown, for a person and for a script.

use firsthand_node::QuarantineView;
use serde::Serialize;

use super::text;

/// An entry in quarantine, in machine output.
#[derive(Debug, Serialize)]
pub(crate) struct Held {
    writer: String,
    person: String,
    position: u64,
    hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    /// `refused`, `unsafe`, `removed`, `dependent`, `disputed` or `other`.
    reason: &'static str,
    /// The rule that it breaks, where the guard refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
    /// The first entries that wait behind it.
    behind: Vec<Place>,
    /// How many there are.
    behind_count: u64,
}

/// Where an entry stands.
#[derive(Debug, Serialize)]
pub(crate) struct Place {
    writer: String,
    person: String,
    position: u64,
}

/// Entries of one chain that wait for what is not here, in machine output.
#[derive(Debug, Serialize)]
pub(crate) struct Waiting {
    writer: String,
    person: String,
    entries: u64,
    documents: u64,
    /// Of the entries: how many wait for membership operations.
    for_membership: u64,
}

/// What is kept and not shown.
#[derive(Debug, Serialize)]
pub(crate) struct Quarantine {
    /// Entries in quarantine.
    pub(crate) items: Vec<Held>,
    pub(crate) waiting: Vec<Waiting>,
}

/// In machine output.
pub(crate) fn machine(view: QuarantineView) -> Quarantine {
    let items = view.held.into_iter().map(|it| Held {
        writer: it.writer.to_string(),
        person: it.person,
        position: it.position.0,
        hash: it.hash.to_string(),
        document: it.document.map(|id| id.to_string()),
        reason: it.reason,
        rule: it.rule,
        behind: it
            .behind
            .into_iter()
            .map(|it| Place { writer: it.writer.to_string(), person: it.person, position: it.position.0 })
            .collect(),
        behind_count: it.behind_count,
    });
    let waiting = view.waiting.into_iter().map(|it| Waiting {
        writer: it.writer.to_string(),
        person: it.person,
        entries: it.entries,
        documents: it.documents,
        for_membership: it.for_membership,
    });
    Quarantine { items: items.collect(), waiting: waiting.collect() }
}

/// In lines for a person.
pub(crate) fn lines(quarantine: &Quarantine) -> Vec<String> {
    let mut lines = Vec::new();
    for held in &quarantine.items {
        let why = match (held.reason, held.rule) {
            (_, Some(rule)) => format!("it breaks a rule: {rule}"),
            ("refused", None) => "it breaks a rule".to_owned(),
            ("unsafe", _) => "the program ended each time it was applied".to_owned(),
            ("removed", _) => "it was made after its device was removed".to_owned(),
            ("dependent", _) => "it builds on an entry that is held back".to_owned(),
            ("disputed", _) => "another history of its device is followed".to_owned(),
            _ => "a newer version says so".to_owned(),
        };
        let about = held.document.as_ref().map_or_else(String::new, |id| {
            let short: String = id.chars().take(8).collect();
            format!(", about {short}")
        });
        let mut line = format!(
            "Held back: entry {} of {} (chain {}){about}: {why}.",
            held.position,
            text::line(&held.person),
            held.writer.chars().take(8).collect::<String>(),
        );
        if held.behind_count > 0 {
            let entries = text::count(held.behind_count, "entry", "entries");
            let mut people: Vec<_> = held.behind.iter().map(|it| text::line(&it.person)).collect();
            people.sort();
            people.dedup();
            line.push_str(&format!(" {entries} behind it cannot be shown, of {}.", people.join(", ")));
        }
        lines.push(line);
    }
    for waiting in &quarantine.waiting {
        lines.push(format!(
            "Waiting: {} of {} about {}, for what is not here yet.",
            text::count(waiting.entries, "entry", "entries"),
            text::line(&waiting.person),
            text::count(waiting.documents, "document", "documents"),
        ));
    }
    lines
}
