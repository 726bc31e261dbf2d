//! Who trained on which checklist, and when that lapses.

use std::collections::BTreeMap;

use chrono::{Local, NaiveDate, TimeDelta};
use firsthand_node::ids::PersonId;
use firsthand_node::{PersonView, TemplateView, TrainingRow};
use serde::Serialize;

use crate::args::TrainedArgs;
use crate::command::List;
use crate::command::person::names;
use crate::fail::Fail;
use crate::home::Session;
use crate::show::{table, text};

/// A training in machine output.
#[derive(Serialize)]
struct Line {
    person: String,
    name: String,
    course: String,
    template_id: Option<String>,
    version: Option<u32>,
    /// The newest version that is published here.
    newest: Option<u32>,
    date: String,
    expires: Option<String>,
    /// Who trained them.
    by: Option<String>,
    by_name: Option<String>,
    /// The run in which it was practised.
    run: Option<String>,
    /// Whether it counts today.
    counts: bool,
}

/// Lists trainings of everybody, those that lapse first before the others.
pub(super) async fn trained(session: &Session, args: &TrainedArgs) -> Result<(), Fail> {
    let (people, templates) =
        session.with_node(async |node| Ok((node.people().await?, node.templates().await?))).await?;
    let mut newest: BTreeMap<String, u32> = BTreeMap::new();
    for TemplateView { row, offered, .. } in templates {
        if offered {
            let version = newest.entry(row.row.template_id).or_default();
            *version = row.row.version.max(*version);
        }
    }
    let names = names(&people);
    let mut lines = Vec::new();
    for person in people.into_iter().filter(|person| !person.hidden) {
        for training in &person.trainings {
            lines.push((training.expires.unwrap_or(i32::MAX), line(&person, training, &newest, &names)));
        }
    }
    if let Some(wanted) = &args.checklist {
        lines.retain(|(_, line)| {
            let of = line.template_id.as_deref().unwrap_or(&line.course);
            of.eq_ignore_ascii_case(wanted.trim())
        });
    }
    lines.sort_by(|a, b| (a.0, &a.1.name, &a.1.course).cmp(&(b.0, &b.1.name, &b.1.course)));
    let items = lines.into_iter().map(|(_, line)| line).collect();
    session.out.data(&List { items }, |list| human(&list.items))
}

fn line(
    person: &PersonView,
    training: &TrainingRow,
    newest: &BTreeMap<String, u32>,
    names: &BTreeMap<PersonId, String>,
) -> Line {
    let today = Local::now().date_naive();
    let last = training.expires.map(day);
    Line {
        person: person.person.to_string(),
        name: person.name.clone(),
        course: training.course.clone(),
        newest: training.template_id.as_ref().and_then(|id| newest.get(id)).copied(),
        template_id: training.template_id.clone(),
        version: training.version,
        by: training.by.map(|by| by.to_string()),
        by_name: training.by.and_then(|by| names.get(&by).cloned()),
        run: training.run.map(|run| run.to_string()),
        date: day(training.day).to_string(),
        expires: last.map(|last| last.to_string()),
        counts: day(training.day) <= today && last.is_none_or(|last| today <= last),
    }
}

/// The day of a number of days since 1970-01-01.
fn day(number: i32) -> NaiveDate {
    NaiveDate::default().checked_add_signed(TimeDelta::days(i64::from(number))).unwrap_or_default()
}

fn human(items: &[Line]) -> String {
    if items.is_empty() {
        return "No trainings are noted. firsthand person train notes one.".to_owned();
    }
    let row = |it: &Line| {
        let version = it.version.map_or_else(String::new, |version| version.to_string());
        let newer = it.newest.zip(it.version).filter(|(newest, version)| newest > version);
        let mark = match (it.counts, newer) {
            (false, _) => "? does not count today".to_owned(),
            (true, Some((newest, _))) => format!("counts; version {newest} is published"),
            (true, None) => "counts".to_owned(),
        };
        vec![
            text::short(&it.name, 30),
            text::short(&it.course, 40),
            version,
            it.date.clone(),
            it.expires.clone().unwrap_or_else(|| "does not lapse".to_owned()),
            it.by_name.as_deref().map(|name| text::short(name, 30)).unwrap_or_default(),
            mark,
        ]
    };
    let headings = ["name", "trained in", "version", "on", "until", "by", "today"];
    table::render(&headings, items.iter().map(row).collect())
}
