use firsthand_node::HistoryView;
use firsthand_node::ids::LocalTime;
use firsthand_record::Moment;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::command::List;
use crate::fail::Fail;
use crate::home::Session;
use crate::show::{table, text, value, when};

/// Fields that every record begins with.
const OF_NO_USE: &[&str] = &["kind", "schema", "short_code"];

/// One change, in machine output.
#[derive(Serialize)]
struct Change {
    at: Option<String>,
    person: String,
    device: String,
    /// What was done, as a word.
    what: &'static str,
    /// Whether this step created the record.
    created: bool,
    field: String,
    before: Option<Value>,
    after: Option<Value>,
    /// Of a text, the words on either side of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    around: Option<(String, String)>,
}

/// Shows who changed what.
pub(super) async fn history(session: &Session, typed: &str) -> Result<(), Fail> {
    let history = session
        .with_node(async |node| {
            let id = node.find(typed).await?;
            Ok(node.history(id).await?)
        })
        .await?;
    if session.out.json {
        return session
            .out
            .data(&List { items: history.into_iter().map(machine).collect() }, |_| String::new());
    }
    session.out.line(&human(&history))
}

fn machine(change: HistoryView) -> Change {
    Change {
        at: when::machine_noted(change.when),
        person: change.person,
        device: change.device,
        what: change.what,
        created: change.created,
        around: change.around,
        field: change.field,
        before: change.before,
        after: change.after,
    }
}

/// An item without who noted it and when, where that is what the row says already.
fn without_author(item: &Value, when: Option<LocalTime>) -> Value {
    let mut item = item.clone();
    if let Value::Object(members) = &mut item {
        let at = members.get("at").map(|at| Moment::deserialize(at).ok().map(Moment::local_time));
        if at.is_none_or(|at| at == when) {
            members.remove("at");
            members.remove("by");
        }
    }
    item
}

fn human(history: &[HistoryView]) -> String {
    let row = |change: &HistoryView, what: &str, field: String, how: String| {
        let who = format!("{}\non {}", text::line(&change.person), text::line(&change.device));
        vec![when::noted(change.when), who, what.to_owned(), field, how]
    };
    // What it began with is one row; later rows say what each field was before.
    let began: Vec<&HistoryView> = history.iter().filter(|change| change.created).collect();
    let fields: Vec<&str> = began.iter().map(|change| change.field.as_str()).collect();
    let fields = fields.into_iter().filter(|field| !OF_NO_USE.contains(field)).collect::<Vec<_>>().join(", ");
    let first = began
        .first()
        .map(|change| row(change, "created", String::new(), text::line(&format!("with {fields}"))));
    let rest = history.iter().filter(|change| !change.created).map(|change| {
        let after = change.after.as_ref().map(|after| without_author(after, change.when));
        let how = value::change(change.before.as_ref(), after.as_ref(), change.around.as_ref());
        row(change, change.what, text::line(&change.field), how)
    });
    let headings = ["when (their clock)", "who", "what", "field", "before -> after"];
    table::render(&headings, first.into_iter().chain(rest).collect())
}
