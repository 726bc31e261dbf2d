//! People.

use std::collections::BTreeMap;

use chrono::{Local, NaiveDate};
use firsthand_node::ids::PersonId;
use firsthand_node::{DocumentKind, Edit, Node, PersonView, Saved};
use firsthand_record::CodeList;
use firsthand_record::roster::{HeldSkill, Person, PersonStatus, Skill, SpokenLanguage, Training};
use serde::Serialize;

use super::ahead;
use super::incident::Mark;
use super::upkeep::{self, Noun};
use crate::args::{PersonAddArgs, PersonCommand, PersonEditArgs, PersonFields, TrainArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::read;
use crate::read::field::json;
use crate::show::{table, text, when};

/// Somebody in machine output.
#[derive(Serialize)]
struct Somebody {
    person: String,
    id: Option<String>,
    name: String,
    callsign: String,
    status: String,
    languages: Vec<String>,
    skills: Vec<String>,
    trainings: Vec<Trained>,
    /// Whether they have a device.
    member: bool,
    me: bool,
    conflicts: u32,
    hidden: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_ins: Option<Vec<CheckIn>>,
}

#[derive(Serialize)]
struct Trained {
    course: String,
    template_id: Option<String>,
    version: Option<u32>,
    date: Option<String>,
    expires: Option<String>,
    /// Who trained them.
    by: Option<String>,
    by_name: Option<String>,
    /// The run in which it was practised.
    run: Option<String>,
    /// Whether it counts today.
    counts: bool,
}

#[derive(Serialize)]
struct CheckIn {
    id: String,
    state: String,
    by_whom: Option<String>,
    author: String,
    at: Option<String>,
    shift: Option<String>,
    place: Option<[f64; 2]>,
    note: String,
    /// Whether it is an alarm that still stands.
    open: bool,
}

#[derive(Serialize)]
struct SavedLine {
    id: String,
    findings: Vec<Mark>,
}

/// Lists of which items can be taken back.
const LISTS: &[&str] = &["skills", "trainings", "languages"];

/// Check-ins that `person show` has.
const CHECK_INS: usize = 10;

/// Does what the command line says.
pub(super) async fn run(session: &Session, command: PersonCommand) -> Result<(), Fail> {
    match command {
        PersonCommand::Add(args) => add(session, &args).await,
        PersonCommand::List => list(session).await,
        PersonCommand::Show { person } => show(session, person).await,
        PersonCommand::Edit(args) => edit(session, &args).await,
        PersonCommand::Train(args) => train(session, &args).await,
        PersonCommand::Upkeep(command) => upkeep::run(session, Noun::Person, command).await,
    }
}

async fn add(session: &Session, args: &PersonAddArgs) -> Result<(), Fail> {
    let skills = skills(&args.fields)?;
    let status = status(&args.fields)?;
    session
        .with_node(async |node| {
            let person = match &args.member {
                Some(typed) => Some(node.find_person(typed.clone()).await?),
                None => None,
            };
            let record = Person {
                person,
                display_name: Some(args.name.clone()),
                callsign: args.fields.callsign.clone(),
                status,
                skills,
                languages: languages(&args.fields),
                ..Person::default()
            };
            print_saved(session, &node.add_person(record).await?, "noted")
        })
        .await
}

async fn edit(session: &Session, args: &PersonEditArgs) -> Result<(), Fail> {
    let mut edits = Vec::new();
    let mut set = |field: &str, value: serde_json::Value| {
        edits.push(Edit::Set { field: field.to_owned(), value });
    };
    if let Some(name) = &args.name {
        set("display_name", name.clone().into());
    }
    if let Some(callsign) = &args.fields.callsign {
        set("callsign", callsign.clone().into());
    }
    if let Some(status) = status(&args.fields)? {
        set("status", status.code().into());
    }
    for skill in skills(&args.fields)? {
        edits.push(item("skills", skill)?);
    }
    for language in languages(&args.fields) {
        edits.push(item("languages", language)?);
    }
    session
        .with_node(async |node| {
            let person = node.find_person(args.person.clone()).await?;
            let record = node.person(person).await?.unwrap_or_default();
            edits.extend(upkeep::withdraw(&record, LISTS, &args.withdraw, &args.why.reason)?);
            if edits.is_empty() {
                return Err(Fail::input("person", "is given nothing to change"));
            }
            print_saved(session, &node.edit_person(person, edits).await?, "changed")
        })
        .await
}

async fn train(session: &Session, args: &TrainArgs) -> Result<(), Fail> {
    let day = |field: &str, typed: &Option<String>| {
        typed.as_deref().map(read::time::day).transpose().map_err(|reason| Fail::input(field, reason))
    };
    let mut training = Training {
        key: String::new(),
        course: args.course.clone().unwrap_or_default(),
        template_id: None,
        version: None,
        run: None,
        date: day("on", &args.on)?.unwrap_or_else(|| Local::now().date_naive()),
        expires: day("until", &args.until)?,
        by: None,
        certificate: None,
    };
    session
        .with_node(async |node| {
            let person = node.find_person(args.person.clone()).await?;
            training.by = match &args.by {
                Some(typed) => Some(node.find_person(typed.clone()).await?),
                None => Some(node.find_person("me".to_owned()).await?).filter(|me| *me != person),
            };
            let template = match (&args.checklist, &args.run) {
                (Some(checklist), _) => Some(node.find_template(checklist).await?),
                (None, Some(run)) => {
                    let id = node.find_record(DocumentKind::Run, run).await?;
                    let run = node.checklist_run(id).await?;
                    training.run = Some(id);
                    if run.content.is_none() && training.course.is_empty() {
                        training.course = run.record.template_id.clone();
                    }
                    training.template_id = Some(run.record.template_id);
                    training.version = Some(run.record.version);
                    run.content.is_some().then_some(run.record.template)
                }
                (None, None) => None,
            };
            if let Some(id) = template {
                let (view, template) = node.template(id).await?;
                let content = template.map(|template| template.content).unwrap_or_default();
                if training.course.is_empty() {
                    content.title.get("", content.default_language()).clone_into(&mut training.course);
                }
                training.template_id = Some(view.row.row.template_id);
                training.version = Some(view.row.row.version);
            }
            let edits = vec![item("trainings", training)?];
            print_saved(session, &node.edit_person(person, edits).await?, "noted")
        })
        .await
}

fn item(list: &str, item: impl Serialize) -> Result<Edit, Fail> {
    let value = json(item).map_err(|reason| Fail::input(list, reason))?;
    Ok(Edit::Add { list: list.to_owned(), value })
}

fn status(fields: &PersonFields) -> Result<Option<PersonStatus>, Fail> {
    let status = fields.status.as_deref().map(read::code).transpose();
    status.map_err(|reason| Fail::input("status", reason))
}

fn skills(fields: &PersonFields) -> Result<Vec<HeldSkill>, Fail> {
    let skill = |typed: &String| {
        let skill: Skill = read::code(typed).map_err(|reason| Fail::input("skill", reason))?;
        Ok(HeldSkill { key: String::new(), skill, note: String::new() })
    };
    fields.skill.iter().map(skill).collect()
}

fn languages(fields: &PersonFields) -> Vec<SpokenLanguage> {
    let spoken = |tag: &String| SpokenLanguage { key: String::new(), language: tag.trim().to_owned() };
    fields.language.iter().map(spoken).collect()
}

fn print_saved(session: &Session, saved: &Saved, done: &str) -> Result<(), Fail> {
    let line =
        SavedLine { id: saved.id.to_string(), findings: saved.findings.iter().map(Mark::from).collect() };
    session.out.data(&line, |line| format!("{}  {done}", &line.id[..8]))
}

async fn list(session: &Session) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let people = node.people().await?;
            let names = names(&people);
            let items = people.into_iter().map(|it| machine(it, &names, None)).collect();
            let expected = node.expected_people().await?.into_iter().map(ahead::Somebody::from).collect();
            let listed = ahead::Listed { items, expected };
            session
                .out
                .data(&listed, |list| ahead::join(human_list(&list.items), ahead::people(&list.expected)))
        })
        .await
}

async fn show(session: &Session, typed: String) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let person = node.find_person(typed).await?;
            let people = node.people().await?;
            let names = names(&people);
            let found = people.into_iter().find(|it| it.person == person);
            let found = found.ok_or_else(|| firsthand_node::NodeError::NotFound(person.short()))?;
            let check_ins = check_ins(node, &found).await?;
            session.out.data(&machine(found, &names, Some(check_ins)), human)
        })
        .await
}

async fn check_ins(node: &Node, person: &PersonView) -> Result<Vec<CheckIn>, Fail> {
    let line = |it: firsthand_node::CheckInView| CheckIn {
        id: it.id.to_string(),
        state: it.state,
        by_whom: it.by_whom,
        author: it.author,
        at: when::machine_noted(Some(it.at)),
        shift: it.shift.map(|id| id.to_string()),
        place: it.place.map(|(lat, lon)| [lat, lon]),
        note: it.note,
        open: it.open,
    };
    Ok(node.check_ins(person.person, CHECK_INS).await?.into_iter().map(line).collect())
}

/// The names of everybody, also of those without a device.
pub(super) fn names(people: &[PersonView]) -> BTreeMap<PersonId, String> {
    people.iter().rev().map(|it| (it.person, it.name.clone())).collect()
}

fn machine(it: PersonView, names: &BTreeMap<PersonId, String>, check_ins: Option<Vec<CheckIn>>) -> Somebody {
    let today = Local::now().date_naive();
    let day = |number: i32| {
        NaiveDate::default()
            .checked_add_signed(chrono::TimeDelta::days(i64::from(number)))
            .unwrap_or_default()
    };
    let trained = |it: firsthand_node::TrainingRow| Trained {
        counts: day(it.day) <= today && it.expires.is_none_or(|last| today <= day(last)),
        course: it.course,
        template_id: it.template_id,
        version: it.version,
        date: Some(day(it.day).to_string()),
        expires: it.expires.map(|last| day(last).to_string()),
        by: it.by.map(|by| by.to_string()),
        by_name: it.by.and_then(|by| names.get(&by).cloned()),
        run: it.run.map(|run| run.to_string()),
    };
    Somebody {
        person: it.person.to_string(),
        id: it.id.map(|id| id.to_string()),
        name: it.name,
        callsign: it.callsign,
        status: it.status,
        languages: it.languages,
        skills: it.skills,
        trainings: it.trainings.into_iter().map(trained).collect(),
        member: it.member,
        me: it.me,
        conflicts: it.conflicts,
        hidden: it.hidden,
        check_ins,
    }
}

fn label<C: CodeList>(code: &str) -> String {
    C::from_loose(code).map_or_else(|| text::line(code), |it| it.label().to_owned())
}

fn trained(it: &Trained) -> String {
    let until = it.expires.as_ref().map(|last| format!(" until {last}")).unwrap_or_default();
    let lapsed = if it.counts { "" } else { " (does not count today)" };
    format!("{}{until}{lapsed}", text::line(&it.course))
}

/// Who trained them, and in which run it was practised.
fn trained_by(it: &Trained) -> String {
    let by = it.by_name.as_deref().map(|name| format!(", by {}", text::line(name))).unwrap_or_default();
    let run = it.run.as_ref().map(|run| format!(", in run {}", &run[..8])).unwrap_or_default();
    by + &run
}

/// Items with the numbers by which `person edit --withdraw` names them.
fn numbered(items: impl Iterator<Item = String>, between: &str) -> String {
    items.enumerate().map(|(at, it)| format!("{}. {it}", at + 1)).collect::<Vec<_>>().join(between)
}

fn human_list(items: &[Somebody]) -> String {
    let row = |it: &Somebody| {
        vec![
            text::line(&it.name) + if it.me { " (you)" } else { "" },
            text::line(&it.callsign),
            label::<PersonStatus>(&it.status),
            it.skills.iter().map(|code| label::<Skill>(code)).collect::<Vec<_>>().join(", "),
            it.trainings.iter().map(trained).collect::<Vec<_>>().join(", "),
            if it.member { "yes" } else { "no" }.to_owned(),
        ]
    };
    let headings = ["name", "callsign", "status", "skills", "trainings", "has a device"];
    table::render(&headings, items.iter().filter(|it| !it.hidden).map(row).collect())
}

fn human(it: &Somebody) -> String {
    let said = it.check_ins.iter().flatten().map(|said| {
        let at = said.at.as_deref().unwrap_or("?");
        let open = if said.open { "  ALARM, still open" } else { "" };
        let state = label::<firsthand_record::roster::CheckInState>(&said.state);
        let note = text::line(&said.note);
        let note = if note.is_empty() { note } else { format!(": {note}") };
        format!("{at}  {state} (by {}){note}{open}", text::line(&said.author))
    });
    let conflicts = match it.conflicts {
        0 => String::new(),
        number => {
            let fields = text::count(u64::from(number), "field", "fields");
            format!("{fields} (firsthand person conflicts {})", &it.person[..8])
        }
    };
    table::pairs(&[
        ("name", text::line(&it.name)),
        ("callsign", text::line(&it.callsign)),
        ("status", label::<PersonStatus>(&it.status)),
        ("has a device", if it.member { "yes" } else { "no" }.to_owned()),
        ("languages", numbered(it.languages.iter().map(|tag| text::line(tag)), ", ")),
        ("skills", numbered(it.skills.iter().map(|code| label::<Skill>(code)), ", ")),
        ("trainings", numbered(it.trainings.iter().map(|it| trained(it) + &trained_by(it)), "\n")),
        ("check-ins", said.collect::<Vec<_>>().join("\n")),
        ("in conflict", conflicts),
        ("hidden", if it.hidden { "yes" } else { "" }.to_owned()),
    ])
}
