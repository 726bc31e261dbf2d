use firsthand_node::{ConflictView, Node};
use serde::Serialize;
use serde_json::Value;

use crate::args::ResolveArgs;
use crate::command::List;
use crate::fail::Fail;
use crate::home::Session;
use crate::read::field;
use crate::show::{table, text, value, when};

/// Characters of a value that a list of conflicts shows.
const VALUE: usize = 200;

/// A conflict, in machine output.
#[derive(Serialize)]
pub(crate) struct Conflict {
    id: String,
    short_code: String,
    field: String,
    /// The value that lists show and the app acts on meanwhile.
    shown: Value,
    values: Vec<Candidate>,
}

#[derive(Serialize)]
struct Candidate {
    /// What `--pick` takes.
    pick: usize,
    value: Value,
    person: String,
    at: Option<String>,
}

/// What was chosen, in machine output.
#[derive(Serialize)]
pub(crate) struct Resolved {
    pub(crate) id: String,
    pub(crate) field: String,
    pub(crate) value: Value,
    /// `false`: it is a proposal, and the conflict stays until a lead decides.
    pub(crate) settled: bool,
}

impl From<&ConflictView> for Conflict {
    fn from(view: &ConflictView) -> Self {
        let candidate = |(at, it): (usize, &firsthand_node::CandidateView)| Candidate {
            pick: at + 1,
            value: it.value.clone(),
            person: it.person.clone(),
            at: when::machine_noted(it.when),
        };
        Self {
            id: view.id.to_string(),
            short_code: view.short_code.clone(),
            field: view.field.clone(),
            shown: view.shown.clone(),
            values: view.candidates.iter().enumerate().map(candidate).collect(),
        }
    }
}

/// Lists what people set to different values while apart.
pub(super) async fn conflicts(session: &Session, typed: Option<&str>) -> Result<(), Fail> {
    let views = session
        .with_node(async |node| match typed {
            Some(typed) => {
                let id = node.find(typed).await?;
                Ok(node.incident(id).await?.conflicts)
            }
            None => Ok(node.conflicts().await?),
        })
        .await?;
    if views.is_empty() && !session.out.json {
        session.out.note("no conflicts");
    }
    if session.out.json {
        return session
            .out
            .data(&List { items: views.iter().map(Conflict::from).collect() }, |_| String::new());
    }
    session.out.line(&human(&views))
}

/// The conflicts for a person, one row per value.
pub(crate) fn human(views: &[ConflictView]) -> String {
    if views.is_empty() {
        return String::new();
    }
    let mut rows = Vec::new();
    for view in views {
        for (at, candidate) in view.candidates.iter().enumerate() {
            let first = |text: &str| if at == 0 { text::line(text) } else { String::new() };
            let shown = if candidate.value == view.shown { " (shown meanwhile)" } else { "" };
            rows.push(vec![
                first(&view.short_code),
                first(&view.field),
                (at + 1).to_string(),
                format!("{}{shown}", value::short(&candidate.value, VALUE)),
                text::line(&candidate.person),
                when::noted(candidate.when),
            ]);
        }
    }
    table::render(&["code", "field", "pick", "value", "who", "when (their clock)"], rows)
}

/// Settles a conflict.
pub(super) async fn resolve(session: &Session, args: &ResolveArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = node.find(&args.id).await?;
            let name = args.field.replace('-', "_");
            let chosen = chosen(node, id, &name, args).await?;
            let settled = node.resolve(id, &name, chosen.clone(), &args.why.note).await?.settled;
            say_settled(session, settled);
            let resolved = Resolved { id: id.to_string(), field: name, value: chosen, settled };
            session.out.data(&resolved, |it| format!("{}: {}", it.field, value::line(&it.value)))
        })
        .await
}

async fn chosen(
    node: &Node,
    id: firsthand_node::ids::DocumentId,
    name: &str,
    args: &ResolveArgs,
) -> Result<Value, Fail> {
    if let Some(typed) = &args.value {
        return field::value(name, typed).map_err(|reason| Fail::input(name, reason));
    }
    picked(&node.incident(id).await?.conflicts, name, args.pick)
}

/// Says what became of a choice.
pub(crate) fn say_settled(session: &Session, settled: bool) {
    session.out.note(if settled {
        "settled; the other value stays in the history"
    } else {
        "saved as a proposal: the conflict stays until a lead decides"
    });
}

/// The value with a number, of a field in conflict.
pub(crate) fn picked(views: &[ConflictView], name: &str, pick: Option<usize>) -> Result<Value, Fail> {
    let Some(conflict) = views.iter().find(|conflict| conflict.field == name) else {
        return Err(Fail::other(
            "no_conflict",
            format!("failed to resolve {}: its values are not in conflict", text::line(name)),
        ));
    };
    let number = pick.unwrap_or_default();
    let picked = number.checked_sub(1).and_then(|at| conflict.candidates.get(at));
    picked.map(|candidate| candidate.value.clone()).ok_or_else(|| {
        Fail::input("pick", format!("is not a number from 1 to {}", conflict.candidates.len()))
    })
}
