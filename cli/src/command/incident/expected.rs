use firsthand_node::{ExpectedView, Node};
use serde::Serialize;

use crate::fail::Fail;
use crate::show::{table, text, when};

/// Rows that a list shows at most; more are counted.
const SHOWN: usize = 50;
const TITLE: usize = 60;

/// An incident that is on its way here, in machine output: somebody's word until it has come.
#[derive(Serialize)]
pub(crate) struct Expected {
    short_code: Option<String>,
    title: String,
    category: Option<String>,
    severity: Option<String>,
    status: Option<String>,
    /// RFC 3339, in UTC, to the minute.
    happened: Option<String>,
    told_by: String,
    #[serde(skip)]
    row: Vec<String>,
}

/// What is on its way here.
pub(super) async fn read(node: &Node) -> Result<Vec<Expected>, Fail> {
    Ok(node.expected(usize::MAX).await?.into_iter().map(Expected::from).collect())
}

impl From<ExpectedView> for Expected {
    fn from(it: ExpectedView) -> Self {
        let words = |code: &Option<String>| code.as_deref().map(text::line).unwrap_or_default();
        let row = vec![
            words(&it.short_code),
            it.happened.map(when::with_distance).unwrap_or_default(),
            words(&it.severity),
            words(&it.status),
            if it.title.is_empty() { String::from("(no title)") } else { text::short(&it.title, TITLE) },
            text::line(&it.told_by),
        ];
        Self {
            short_code: it.short_code,
            title: it.title,
            category: it.category,
            severity: it.severity,
            status: it.status,
            happened: it.happened.and_then(when::machine),
            told_by: it.told_by,
            row,
        }
    }
}

/// What a person reads below the list.
pub(super) fn render(expected: &[Expected]) -> String {
    if expected.is_empty() {
        return String::new();
    }
    let count = text::count(expected.len() as u64, "incident is", "incidents are");
    let mut out =
        format!("{count} on the way here. This is what others say of them; nothing is verified yet.\n");
    let headings = ["code", "happened", "severity", "status", "title", "told by"];
    out.push_str(&table::render(&headings, expected.iter().take(SHOWN).map(|it| it.row.clone()).collect()));
    if expected.len() > SHOWN {
        out.push_str(&format!("\nand {} more", expected.len() - SHOWN));
    }
    out
}
