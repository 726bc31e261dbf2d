use std::collections::BTreeMap;

use firsthand_node::ids::{DocumentId, PersonId, UnixMillis};
use firsthand_node::{IncidentQuery, IncidentRow, Near, Node, OnlyHere, Window};
use firsthand_record::validate::Rule;
use firsthand_record::{
    CodeList, FollowUp, Place, PlaceSource, RumourStatus, Severity, ShortCode, Status, Verification,
};
use serde::Serialize;

use super::expected::{self, Expected};
use super::{only_here, only_here_words};
use crate::args::{ListArgs, SearchArgs};
use crate::command::names;
use crate::fail::{Detail, Fail};
use crate::home::Session;
use crate::read::{self, place, time};
use crate::show::{table, text, when};

/// Characters of a title that a list shows.
const TITLE: usize = 60;

/// An incident of a list, in machine output.
#[derive(Serialize)]
pub(crate) struct Item {
    id: String,
    pub(crate) short_code: String,
    pub(crate) title: String,
    category: Option<String>,
    severity: Option<String>,
    urgency: Option<String>,
    certainty: Option<String>,
    status: Option<String>,
    followup: Option<String>,
    verification: Option<String>,
    rumour_status: Option<String>,
    /// RFC 3339, in UTC; `show` has the offset it was noted in.
    occurred_start: Option<String>,
    occurred_end: Option<String>,
    reported_at: Option<String>,
    entered_at: Option<String>,
    author: Option<String>,
    author_id: String,
    place: Option<Point>,
    #[serde(skip_serializing_if = "Option::is_none")]
    distance_m: Option<f64>,
    attachments: u32,
    /// How many of those a person should look at again.
    flagged_attachments: u32,
    conflicts: u32,
    flags: u32,
    /// The names of the rules that say so.
    flagged_by: Vec<String>,
    /// The incident that this one was merged into.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<String>,
    /// People merged incidents in a circle while apart; `show` says which one counts.
    in_circle: bool,
    /// Something of it stands beyond a fork: a device signed two histories.
    disputed: bool,
    /// How much of it no other device has confirmed to hold: `nothing`, `changes` or `all`.
    #[serde(serialize_with = "only_here_code")]
    only_here: OnlyHere,
    #[serde(skip)]
    merged_code: Option<String>,
    hidden: bool,
    #[serde(skip)]
    happened: UnixMillis,
}

fn only_here_code<S: serde::Serializer>(only: &OnlyHere, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(only_here(*only))
}

#[derive(Serialize)]
struct Point {
    lat: f64,
    lon: f64,
    accuracy_m: Option<f64>,
}

/// Lists incidents.
pub(super) async fn list(session: &Session, args: &ListArgs) -> Result<(), Fail> {
    let query = query(args)?;
    session
        .with_node(async |node| {
            let near = query.near;
            let everything = query == IncidentQuery { limit: query.limit, ..IncidentQuery::default() };
            let rows = node.incidents(query).await?;
            let items = items(node, rows, near).await?;
            // What is on its way cannot be filtered.
            let expected = if everything { expected::read(node).await? } else { Vec::new() };
            print(session, Listed { items, expected })
        })
        .await
}

/// Lists incidents in whose texts every word is found.
pub(super) async fn search(session: &Session, args: &SearchArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let rows = node.search(&args.words.join(" "), args.limit.unwrap_or(usize::MAX)).await?;
            let items = items(node, rows, None).await?;
            print(session, Listed { items, expected: Vec::new() })
        })
        .await
}

/// A list in machine output.
#[derive(Serialize)]
struct Listed {
    items: Vec<Item>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expected: Vec<Expected>,
}

fn print(session: &Session, listed: Listed) -> Result<(), Fail> {
    if listed.items.is_empty() && !session.out.json {
        session.out.note("no incidents");
    }
    session.out.data(&listed, |list| {
        let parts = [render(&list.items), expected::render(&list.expected)];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
    })
}

fn query(args: &ListArgs) -> Result<IncidentQuery, Fail> {
    let input = |field: &str| {
        let field = field.to_owned();
        move |reason| Fail::input(&field, reason)
    };
    let from_detail = |detail: Detail| Fail::inputs(vec![detail]);
    let since = args.since.as_deref().map(time::span).transpose().map_err(input("since"))?;
    let until = args.until.as_deref().map(time::span).transpose().map_err(input("until"))?;
    let near = match (&args.near, &args.radius) {
        (Some(point), Some(radius)) => Some(place::near(point, radius).map_err(from_detail)?),
        _ => None,
    };
    Ok(IncidentQuery {
        happened: Window {
            from: since.map(|(first, _)| first),
            until: until.map(|(_, last)| UnixMillis(last.0.saturating_add(1))),
        },
        categories: args.category.clone(),
        severities: codes::<Severity>(&args.severity).map_err(input("severity"))?,
        statuses: codes::<Status>(&args.status).map_err(input("status"))?,
        followups: codes::<FollowUp>(&args.followup).map_err(input("followup"))?,
        verifications: codes::<Verification>(&args.verification).map_err(input("verification"))?,
        rumours: codes::<RumourStatus>(&args.rumour).map_err(input("rumour"))?,
        flagged: args.flagged,
        near,
        within: args.within.as_deref().map(place::within).transpose().map_err(from_detail)?,
        text: args.text.clone().unwrap_or_default(),
        in_conflict: args.conflicts,
        hidden: args.hidden,
        limit: args.limit.unwrap_or(usize::MAX),
        ..IncidentQuery::default()
    })
}

fn codes<C: CodeList>(texts: &[String]) -> Result<Vec<String>, read::Reason> {
    texts.iter().map(|text| read::code::<C>(text).map(|code| code.code().to_owned())).collect()
}

/// Rows as items, with the names of their authors and short codes that are unlike those of every other incident.
pub(crate) async fn items(
    node: &Node,
    rows: Vec<IncidentRow>,
    near: Option<Near>,
) -> Result<Vec<Item>, Fail> {
    let names = names(node).await?;
    let disputed = node.disputed().await?;
    let only = node.only_here().await?;
    let all = node.incidents(IncidentQuery { hidden: true, ..IncidentQuery::default() }).await?;
    let codes = Codes::new(all.iter().filter_map(code));
    let merges: BTreeMap<DocumentId, DocumentId> =
        all.iter().filter_map(|row| Some((row.id, row.incident.merged_into?))).collect();
    let target = |id: &DocumentId| all.iter().find(|row| row.id == *id);
    let shown = |code: ShortCode| codes.shown(&code);
    let made = rows.into_iter().map(|row| {
        let merged = row.incident.merged_into;
        let merged_code =
            merged.map(|id| target(&id).and_then(code).and_then(shown).unwrap_or_else(|| id.short()));
        let in_circle = in_circle(&row.id, &merges);
        let disputed = disputed.contains(&row.id);
        let only_here = only.get(&row.id).copied().unwrap_or_default();
        Item { merged_code, in_circle, disputed, only_here, ..item(row, &names, &codes, near) }
    });
    Ok(made.collect())
}

/// Whether following the merges of an incident leads back to it. There are no more steps than merges.
fn in_circle(id: &DocumentId, merges: &BTreeMap<DocumentId, DocumentId>) -> bool {
    let mut way = std::iter::successors(merges.get(id), |at| merges.get(*at)).take(merges.len());
    way.any(|at| at == id)
}

fn code(row: &IncidentRow) -> Option<ShortCode> {
    let (prefix, number) = row.incident.short_code.clone()?;
    Some(ShortCode { prefix, number })
}

/// Short codes by what two letters and the number show, to see which need more letters.
struct Codes(BTreeMap<String, Vec<ShortCode>>);

impl Codes {
    fn new(codes: impl Iterator<Item = ShortCode>) -> Self {
        let mut by_shown: BTreeMap<String, Vec<ShortCode>> = BTreeMap::new();
        for code in codes {
            by_shown.entry(code.to_string()).or_default().push(code);
        }
        Self(by_shown)
    }

    /// The code as it is shown; `None` where another incident has the very same one, which takes a forger: then only ids
    /// tell them apart.
    fn shown(&self, code: &ShortCode) -> Option<String> {
        let alike = || self.0.get(&code.to_string()).into_iter().flatten();
        (alike().filter(|other| *other == code).count() < 2).then(|| code.shown_among(alike()))
    }
}

fn item(row: IncidentRow, names: &BTreeMap<PersonId, String>, codes: &Codes, near: Option<Near>) -> Item {
    let short_code = code(&row).and_then(|code| codes.shown(&code)).unwrap_or_else(|| row.id.short());
    let incident = row.incident;
    let entered = row.effective.millis();
    let distance = |near: Near| {
        let place = incident.place?;
        let of = |lat, lon| Place::new(lat, lon, PlaceSource::Description);
        Some(of(near.lat, near.lon).distance(&of(place.lat, place.lon)).0.round())
    };
    Item {
        id: row.id.to_string(),
        short_code,
        distance_m: near.and_then(distance),
        title: incident.title,
        category: incident.category,
        severity: incident.severity,
        urgency: incident.urgency,
        certainty: incident.certainty,
        status: incident.status,
        followup: incident.followup,
        verification: incident.verification,
        rumour_status: incident.rumour,
        occurred_start: incident.occurred_start.and_then(when::machine),
        occurred_end: incident.occurred_end.and_then(when::machine),
        reported_at: incident.reported.and_then(when::machine),
        entered_at: when::machine(entered),
        author: names.get(&row.author).cloned(),
        author_id: row.author.to_string(),
        place: incident.place.map(|place| Point {
            lat: place.lat,
            lon: place.lon,
            accuracy_m: place.accuracy.map(|metres| metres.0),
        }),
        attachments: row.attachments,
        conflicts: incident.conflicts,
        flags: incident.flags,
        flagged_attachments: row.flagged_attachments,
        flagged_by: incident.marks,
        merged_into: incident.merged_into.map(|id| id.to_string()),
        in_circle: false,
        disputed: false,
        only_here: OnlyHere::Nothing,
        merged_code: None,
        hidden: incident.hidden,
        happened: incident.occurred_start.or(incident.reported).unwrap_or(entered),
    }
}

/// The list for a person.
pub(crate) fn render(items: &[Item]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let row = |item: &Item| {
        vec![
            item.short_code.clone(),
            when::with_distance(item.happened),
            item.severity.as_deref().map(text::line).unwrap_or_default(),
            item.status.as_deref().map(text::line).unwrap_or_default(),
            if item.title.is_empty() { String::from("(no title)") } else { text::short(&item.title, TITLE) },
            place_of(item),
            marks(item),
        ]
    };
    let headings = ["code", "happened", "severity", "status", "title", "place", "marks"];
    table::render(&headings, items.iter().map(row).collect())
}

fn place_of(item: &Item) -> String {
    let Some(Point { lat, lon, .. }) = &item.place else { return String::new() };
    match item.distance_m {
        Some(metres) if metres < 1_000.0 => format!("{metres} m away"),
        Some(metres) => format!("{:.1} km away", metres / 1_000.0),
        None => format!("{lat:.4}, {lon:.4}"),
    }
}

fn marks(item: &Item) -> String {
    let mut marks = Vec::new();
    if item.conflicts > 0 {
        marks.push(format!("! {}", text::count(item.conflicts.into(), "conflict", "conflicts")));
    }
    // A sign and words, never colour alone.
    for rule in &item.flagged_by {
        let word = Rule::from_code(rule).map_or_else(|| text::line(rule), |rule| rule.word().to_owned());
        marks.push(format!("? {word}"));
    }
    if item.flagged_attachments > 0 {
        let files = text::count(item.flagged_attachments.into(), "file", "files");
        marks.push(format!("? {files} to look at"));
    }
    if let Some(main) = &item.merged_code {
        marks.push(format!("= merged into {main}"));
    }
    if item.disputed {
        marks.push(String::from("! disputed"));
    }
    if item.in_circle {
        marks.push(String::from("! merged in a circle"));
    }
    if item.attachments > 0 {
        marks.push(format!("+ {}", text::count(item.attachments.into(), "file", "files")));
    }
    marks.extend(only_here_words(item.only_here).map(str::to_owned));
    if item.hidden {
        marks.push(String::from("hidden"));
    }
    marks.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_clash_show_one_more_letter() {
        let code = |prefix: &str, number| ShortCode { prefix: prefix.into(), number };
        let codes = Codes::new([code("K7XY", 14), code("K7XZ", 14), code("K7XY", 15)].into_iter());
        let shown = |prefix, number| codes.shown(&code(prefix, number));
        assert_eq!(shown("K7XY", 14).as_deref(), Some("K7XY-014"));
        assert_eq!(shown("K7XZ", 14).as_deref(), Some("K7XZ-014"));
        assert_eq!(shown("K7XY", 15).as_deref(), Some("K7-015"));
        let forged = Codes::new([code("K7XY", 14), code("K7XY", 14), code("K7XZ", 14)].into_iter());
        assert_eq!(forged.shown(&code("K7XY", 14)), None);
        assert_eq!(forged.shown(&code("K7XZ", 14)).as_deref(), Some("K7XZ-014"));
    }
}
