//! Signs that the team watches, and what was read of them.

use firsthand_node::{DocumentKind, IndicatorView, ReadingView, Saved};
use firsthand_record::warning::{AlertArea, Polarity};
use firsthand_record::warning::{Amount, Indicator, IndicatorFamily, Reading, ReadingSource};
use firsthand_record::{Credibility, Reliability};
use serde::Serialize;

use super::List;
use super::incident::Mark;
use super::upkeep::{self, Noun};
use crate::args::{IndicatorAddArgs, IndicatorCommand, ReadingArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::read::{self, items, place, time};
use crate::show::{table, text, when};

/// A sign in machine output.
#[derive(Serialize)]
struct Shown {
    id: String,
    author: String,
    record: Indicator,
    /// The latest first.
    readings: Vec<Read>,
    conflicts: Vec<String>,
    hidden: bool,
}

#[derive(Serialize)]
struct Read {
    id: String,
    author: String,
    record: Reading,
    /// Whether it is on the side of the threshold that warns; absent where there is no threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    warns: Option<bool>,
}

#[derive(Serialize)]
struct SavedLine {
    id: String,
    findings: Vec<Mark>,
}

impl From<&IndicatorView> for Shown {
    fn from(view: &IndicatorView) -> Self {
        let read = |it: &ReadingView| Read {
            id: it.id.to_string(),
            author: it.author.clone(),
            record: it.record.clone(),
            warns: it.warns,
        };
        Self {
            id: view.id.to_string(),
            author: view.author.clone(),
            record: view.record.clone(),
            readings: view.readings.iter().map(read).collect(),
            conflicts: view.conflicts.clone(),
            hidden: view.hidden,
        }
    }
}

/// Does what the command line says.
pub(super) async fn run(session: &Session, command: IndicatorCommand) -> Result<(), Fail> {
    match command {
        IndicatorCommand::Add(args) => add(session, *args).await,
        IndicatorCommand::Read(args) => reading(session, *args).await,
        IndicatorCommand::List => list(session).await,
        IndicatorCommand::Show { id } => show(session, &id).await,
        IndicatorCommand::Upkeep(command) => upkeep::run(session, Noun::Indicator, command).await,
    }
}

fn wrong(field: &'static str) -> impl Fn(String) -> Fail {
    move |reason| Fail::input(field, reason)
}

async fn add(session: &Session, args: IndicatorAddArgs) -> Result<(), Fail> {
    let code = args.family.as_deref().map(read::code::<IndicatorFamily>);
    let family = code.transpose().map_err(wrong("family"))?;
    let code = args.polarity.as_deref().map(read::code::<Polarity>);
    let polarity = code.transpose().map_err(wrong("polarity"))?;
    let threshold = args.threshold.as_deref().map(read::finite).transpose().map_err(wrong("threshold"))?;
    let direction = args.direction.as_deref().map(read::code).transpose().map_err(wrong("direction"))?;
    let indicator = Indicator {
        name: Some(args.name),
        polarity: polarity.or_else(|| family.map(IndicatorFamily::polarity)),
        family,
        unit: args.unit,
        threshold: threshold.map(Amount),
        direction,
        window_days: args.window_days,
        area: args.area.map(|text| AlertArea { text, ..AlertArea::default() }),
        ..Indicator::default()
    };
    session.with_node(async |node| saved(session, &node.add_indicator(indicator).await?)).await
}

async fn reading(session: &Session, args: ReadingArgs) -> Result<(), Fail> {
    let value = Amount(read::finite(&args.value).map_err(wrong("value"))?);
    let at = args.at.as_deref().map(time::moment).transpose().map_err(wrong("at"))?;
    let about = place::About::default();
    let place = args.place.as_deref().map(|typed| place::place(typed, &about)).transpose();
    let place = place.map_err(|detail| Fail::input(&detail.field, detail.reason))?;
    let kind = args.source.as_deref().map(read::code).transpose().map_err(wrong("source"))?;
    let grade = args.grade.as_deref().map(items::grade).transpose().map_err(wrong("grade"))?;
    let (reliability, credibility) = grade.unzip();
    session
        .with_node(async |node| {
            let indicator = node.find_record(DocumentKind::Indicator, &args.id).await?;
            let reading = Reading {
                indicator: Some(indicator),
                value: Some(value),
                at,
                place,
                source: kind.map(|kind| ReadingSource { kind, reliability, credibility }),
                note: args.note,
                ..Reading::default()
            };
            saved(session, &node.add_reading(reading).await?)
        })
        .await
}

fn saved(session: &Session, saved: &Saved) -> Result<(), Fail> {
    let line =
        SavedLine { id: saved.id.to_string(), findings: saved.findings.iter().map(Mark::from).collect() };
    session.out.data(&line, |_| saved.id.short())
}

async fn list(session: &Session) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let views = node.indicators().await?;
            let views: Vec<&IndicatorView> = views.iter().filter(|it| !it.hidden).collect();
            let items = views.iter().map(|view| Shown::from(*view)).collect();
            session.out.data(&List { items }, |_| human_list(&views))
        })
        .await
}

fn human_list(views: &[&IndicatorView]) -> String {
    if views.is_empty() {
        return "No sign is watched.".to_owned();
    }
    let row = |view: &&IndicatorView| {
        let last = view.readings.first();
        vec![
            view.id.short(),
            text::line(view.record.name.as_deref().unwrap_or_default()),
            view.record.polarity.map_or("", |it| it.label()).to_owned(),
            threshold(&view.record),
            last.map_or_else(|| "nothing read".to_owned(), |it| said(it, &view.record)),
        ]
    };
    table::render(&["id", "sign", "speaks for", "warns", "last reading"], views.iter().map(row).collect())
}

/// From where on it warns, in words.
fn threshold(record: &Indicator) -> String {
    use firsthand_record::warning::Direction;
    let Some(Amount(threshold)) = record.threshold else { return String::new() };
    let side = match record.direction.unwrap_or(Direction::Above) {
        Direction::Above => "from",
        Direction::Below => "down to",
    };
    let unit = record.unit.as_deref().map_or_else(String::new, |unit| format!(" {}", text::line(unit)));
    let days = record.window_days.map_or_else(String::new, |days| format!(" in {days} days"));
    format!("{side} {threshold}{unit}{days}")
}

/// A reading in one line.
fn said(reading: &ReadingView, of: &Indicator) -> String {
    let value = reading.record.value.map_or_else(String::new, |value| value.0.to_string());
    let unit = of.unit.as_deref().map_or_else(String::new, |unit| format!(" {}", text::line(unit)));
    let at = reading.record.at.map_or_else(String::new, when::moment);
    let warns = if reading.warns == Some(true) { ", at the threshold or beyond" } else { "" };
    format!("{value}{unit}, {at}{warns}")
}

async fn show(session: &Session, typed: &str) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = node.find_record(DocumentKind::Indicator, typed).await?;
            let view = node.indicator(id).await?;
            session.out.data(&Shown::from(&view), |_| human(&view))
        })
        .await
}

fn human(view: &IndicatorView) -> String {
    let record = &view.record;
    let line = |text: &Option<String>| text::line(text.as_deref().unwrap_or_default());
    let reading = |it: &ReadingView| {
        let source = it.record.source.map_or_else(String::new, |source| {
            let grade =
                [source.reliability.map(Reliability::code), source.credibility.map(Credibility::code)];
            format!(", {} {}", source.kind.label(), grade.into_iter().flatten().collect::<String>())
        });
        let note = it.record.note.as_deref().map_or_else(String::new, |it| format!(": {}", text::line(it)));
        let source = source.trim_end();
        format!("{}  {}, {}{source}{note}", it.id.short(), said(it, record), text::line(&it.author))
    };
    table::pairs(&[
        ("id", view.id.short()),
        ("sign", line(&record.name)),
        ("speaks for", record.polarity.map_or("", |it| it.label()).to_owned()),
        ("family", record.family.map_or("", |it| it.code()).to_owned()),
        ("warns", threshold(record)),
        ("where", record.area.as_ref().map_or_else(String::new, |area| text::line(&area.text))),
        ("noted by", text::line(&view.author)),
        ("readings", view.readings.iter().map(reading).collect::<Vec<_>>().join("\n")),
        ("in conflict", upkeep::in_conflict("indicator", &view.id.short(), &view.conflicts)),
        ("hidden", if view.hidden { "yes" } else { "" }.to_owned()),
    ])
}
