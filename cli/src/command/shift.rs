//! Shifts.

use std::collections::BTreeMap;

use firsthand_node::ids::{DocumentId, PersonId};
use firsthand_node::{Decision, Edit, FieldTeamRow, Node, Saved, ShiftRow, ShiftView};
use firsthand_record::Moment;
use firsthand_record::roster::{Assignment, CheckInRule, GoNoGo, RiskLevel, RoleNeed, Shift, ShiftStatus};
use firsthand_record::validate::{Finding, Rule};
use serde::Serialize;

use super::ahead;
use super::field_team::{Need, needed};
use super::incident::Mark;
use super::upkeep::{self, Noun};
use crate::args::{
    AssignArgs, ReadyArgs, ShiftAddArgs, ShiftCommand, ShiftEditArgs, ShiftFields, UnassignArgs,
};
use crate::fail::Fail;
use crate::home::Session;
use crate::read;
use crate::read::field::json;
use crate::show::{table, text, when};

/// A shift of a list in machine output.
#[derive(Serialize)]
struct Row {
    id: String,
    title: String,
    /// The name of its team in the field.
    team: Option<String>,
    status: &'static str,
    start: Option<String>,
    end: Option<String>,
    people: usize,
    go: usize,
    no_go: usize,
    proposals: u32,
    conflicts: u32,
    hidden: bool,
}

/// A shift in machine output.
#[derive(Serialize)]
struct Shown {
    id: String,
    status: &'static str,
    team: String,
    record: Shift,
    names: BTreeMap<String, String>,
    /// Assignments that others would like.
    proposed: Vec<Proposed>,
    /// Steps that others would like.
    proposed_steps: Vec<&'static str>,
    findings: Vec<Mark>,
    /// Roles of its team that too few people have.
    needs: Vec<Need>,
    conflicts: Vec<String>,
}

#[derive(Serialize)]
struct Proposed {
    person: String,
    role: String,
}

#[derive(Serialize)]
struct SavedLine {
    id: String,
    /// Whether it counts; otherwise it is a proposal.
    counts: bool,
    findings: Vec<Mark>,
    /// Roles of its team that too few people have.
    needs: Vec<Need>,
}

pub(super) const STATUSES: [ShiftStatus; 5] = [
    ShiftStatus::Planned,
    ShiftStatus::Briefed,
    ShiftStatus::Active,
    ShiftStatus::StandingDown,
    ShiftStatus::Debriefed,
];

/// Minutes of grace where nothing is said.
const GRACE: u32 = 15;

/// Does what the command line says.
pub(super) async fn run(session: &Session, command: ShiftCommand) -> Result<(), Fail> {
    match command {
        ShiftCommand::Add(args) => add(session, &args).await,
        ShiftCommand::List { limit, team } => list(session, limit, team).await,
        ShiftCommand::Show { shift } => show(session, shift).await,
        ShiftCommand::Edit(args) => edit(session, &args).await,
        ShiftCommand::Assign(args) => assign(session, &args).await,
        ShiftCommand::Unassign(args) => unassign(session, &args).await,
        ShiftCommand::Ready(args) => ready(session, &args).await,
        ShiftCommand::Status { shift, status } => move_on(session, shift, &status).await,
        ShiftCommand::Upkeep(command) => upkeep::run(session, Noun::Shift, command).await,
    }
}

/// What was typed, as a shift.
///
/// A time of day alone for the end is the next one after the beginning: `begins`, where nothing else is typed.
fn typed(fields: &ShiftFields, begins: Option<Moment>) -> Result<Shift, Fail> {
    let start = fields.start.as_deref().map(read::time::moment).transpose();
    let start = start.map_err(|reason| Fail::input("start", reason))?;
    let after = |typed| read::time::moment_after(typed, start.or(begins));
    let end = fields.end.as_deref().map(after).transpose().map_err(|reason| Fail::input("end", reason))?;
    let risk = fields.risk.as_deref().map(read::code::<RiskLevel>).transpose();
    let rule = |every_min| CheckInRule { every_min, grace_min: fields.grace.unwrap_or(GRACE) };
    Ok(Shift {
        start,
        end,
        check_in_rule: fields.every.map(rule),
        risk_level: risk.map_err(|reason| Fail::input("risk", reason))?,
        place_text: fields.place.clone().unwrap_or_default(),
        briefing: fields.briefing.clone().unwrap_or_default(),
        ..Shift::default()
    })
}

async fn add(session: &Session, args: &ShiftAddArgs) -> Result<(), Fail> {
    let mut shift = Shift { title: Some(args.title.clone()), ..typed(&args.fields, None)? };
    session
        .with_node(async |node| {
            shift.team = find_team(node, args.team.as_deref()).await?;
            let saved = node.add_shift(shift).await?;
            print(session, node, &Decision { saved, counts: true }, "planned").await
        })
        .await
}

async fn edit(session: &Session, args: &ShiftEditArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = node.find_shift(args.shift.clone()).await?;
            let begins = node.shift(id).await?.record.start;
            let saved: Saved = node.edit_shift(id, edits(args, begins)?).await?;
            print(session, node, &Decision { saved, counts: true }, "changed").await
        })
        .await
}

fn edits(args: &ShiftEditArgs, begins: Option<Moment>) -> Result<Vec<Edit>, Fail> {
    let shift = Shift { title: args.title.clone(), ..typed(&args.fields, begins)? };
    let mut edits = Vec::new();
    for (field, text) in [("briefing", shift.briefing), ("place_text", shift.place_text)] {
        if !text.is_empty() {
            edits.push(Edit::ReplaceText { field: field.to_owned(), text });
        }
    }
    let values = [
        ("title", json(shift.title)),
        ("start", json(shift.start)),
        ("end", json(shift.end)),
        ("check_in_rule", json(shift.check_in_rule)),
        ("risk_level", json(shift.risk_level)),
    ];
    for (field, value) in values {
        let value = value.map_err(|reason| Fail::input(field, reason))?;
        if !value.is_null() {
            edits.push(Edit::Set { field: field.to_owned(), value });
        }
    }
    if edits.is_empty() {
        return Err(Fail::input("shift", "is given nothing to change"));
    }
    Ok(edits)
}

async fn assign(session: &Session, args: &AssignArgs) -> Result<(), Fail> {
    // A time of day alone is the next one after the beginning of the shift, or of this assignment.
    session
        .with_node(async |node| {
            let id = node.find_shift(args.shift.clone()).await?;
            let begins = node.shift(id).await?.record.start;
            let from = args.from.as_deref().map(|typed| read::time::moment_from(typed, begins)).transpose();
            let from = from.map_err(|reason| Fail::input("from", reason))?;
            let until = |typed| read::time::moment_after(typed, from.or(begins));
            let until = args.until.as_deref().map(until).transpose();
            let until = until.map_err(|reason| Fail::input("until", reason))?;
            let person = node.find_person(args.person.clone()).await?;
            let buddy = match &args.buddy {
                Some(typed) => Some(node.find_person(typed.clone()).await?),
                None => None,
            };
            let (key, role) = (String::new(), args.role.clone());
            let assignment = Assignment { key, person, role, buddy, from, until };
            print(session, node, &node.assign(id, assignment).await?, "assigned").await
        })
        .await
}

async fn unassign(session: &Session, args: &UnassignArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = node.find_shift(args.shift.clone()).await?;
            let person = node.find_person(args.person.clone()).await?;
            let decision = node.unassign(id, person, args.reason.clone()).await?;
            print(session, node, &decision, "taken off the shift").await
        })
        .await
}

async fn ready(session: &Session, args: &ReadyArgs) -> Result<(), Fail> {
    let answer = args.answer.as_deref().map(read::code::<GoNoGo>).transpose();
    let answer = answer.map_err(|reason| Fail::input("answer", reason))?;
    session
        .with_node(async |node| {
            let id = node.find_shift(args.shift.clone()).await?;
            let person = node.find_person(args.person.clone()).await?;
            let note = args.note.clone();
            let (decision, done) = match answer {
                Some(answer) => (node.ready(id, person, answer, note).await?, answer.label()),
                None => (node.unready(id, person, note).await?, "taken back"),
            };
            print(session, node, &decision, done).await
        })
        .await
}

async fn move_on(session: &Session, shift: String, status: &str) -> Result<(), Fail> {
    let status: ShiftStatus = read::code(status).map_err(|reason| Fail::input("status", reason))?;
    session
        .with_node(async |node| {
            let id = node.find_shift(shift).await?;
            let before = node.shift(id).await?.status;
            let decision = node.move_on(id, status).await?;
            if status < before {
                session.out.note(&format!("It stays {}: a shift never goes back.", before.label()));
            }
            print(session, node, &decision, status.label()).await
        })
        .await
}

async fn print(session: &Session, node: &Node, decision: &Decision, done: &str) -> Result<(), Fail> {
    if !decision.counts {
        session.out.note("Saved as a proposal: a lead decides.");
    }
    let findings: Vec<Mark> = decision.saved.findings.iter().map(Mark::from).collect();
    let needs = node.shift(decision.saved.id).await?.needs;
    for words in to_look_at(&decision.saved.findings, &needs) {
        session.out.note(&format!("look at: {words}"));
    }
    let needs = needs.iter().map(Need::from).collect();
    let line = SavedLine { id: decision.saved.id.to_string(), counts: decision.counts, findings, needs };
    session.out.data(&line, |line| format!("{}  {done}", &line.id[..8]))
}

/// What a lead should look at, with how many more a role needs in place of the mark that says that there are too few.
fn to_look_at(findings: &[Finding], needs: &[RoleNeed]) -> Vec<String> {
    let others = findings.iter().filter(|it| it.rule != Rule::RoleNotFilled);
    needs.iter().map(needed).chain(others.map(|it| text::line(&it.to_string()))).collect()
}

async fn find_team(node: &Node, typed: Option<&str>) -> Result<Option<DocumentId>, Fail> {
    match typed {
        Some(typed) => Ok(Some(node.find_field_team(typed.to_owned()).await?)),
        None => Ok(None),
    }
}

async fn list(session: &Session, limit: usize, team: Option<String>) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let wanted = find_team(node, team.as_deref()).await?;
            let teams = node.field_teams().await?;
            let all = node.shifts(if wanted.is_some() { usize::MAX } else { limit }).await?.into_iter();
            let of_team = all.filter(|it| wanted.is_none() || it.row.team == wanted).take(limit);
            let items = of_team.map(|it| row(it, &teams)).collect();
            // What is on its way cannot be filtered.
            let expected = if wanted.is_none() { node.expected_shifts().await? } else { Vec::new() };
            let listed =
                ahead::Listed { items, expected: expected.into_iter().map(ahead::Shift::from).collect() };
            session
                .out
                .data(&listed, |list| ahead::join(human_list(&list.items), ahead::shifts(&list.expected)))
        })
        .await
}

fn row(it: ShiftRow, teams: &[FieldTeamRow]) -> Row {
    let team = teams.iter().find(|team| Some(team.id) == it.row.team);
    let status = STATUSES.get(usize::from(it.row.status)).copied().unwrap_or(ShiftStatus::Debriefed);
    let people: std::collections::BTreeSet<PersonId> =
        it.row.assignments.iter().map(|it| it.person).collect();
    let answers = |go: bool| it.row.go_no_go.iter().filter(|(_, answer)| *answer == go).count();
    Row {
        id: it.id.to_string(),
        team: team.map(|team| team.row.name.clone()),
        status: status.code(),
        start: when::machine_noted(it.row.starts),
        end: when::machine_noted(it.row.ends),
        people: people.len(),
        go: answers(true),
        no_go: answers(false),
        proposals: it.row.proposals,
        conflicts: it.row.conflicts,
        hidden: it.row.hidden,
        title: it.row.title,
    }
}

fn human_list(items: &[Row]) -> String {
    if items.is_empty() {
        return "No shift is planned.".to_owned();
    }
    let row = |it: &Row| {
        vec![
            it.id[..8].to_owned(),
            text::line(&it.title),
            it.team.as_deref().map(text::line).unwrap_or_default(),
            label(it.status),
            it.start.clone().unwrap_or_default(),
            it.end.clone().unwrap_or_default(),
            it.people.to_string(),
            format!("{} / {}", it.go, it.no_go),
            if it.proposals > 0 { it.proposals.to_string() } else { String::new() },
        ]
    };
    let headings = ["id", "title", "team", "status", "start", "end", "people", "go / no go", "proposals"];
    table::render(&headings, items.iter().filter(|it| !it.hidden).map(row).collect())
}

pub(super) fn label(code: &str) -> String {
    STATUSES.iter().find(|it| it.code() == code).map_or_else(String::new, |it| it.label().to_owned())
}

async fn show(session: &Session, shift: String) -> Result<(), Fail> {
    session.with_node(async |node| show_on(session, node, shift).await).await
}

async fn show_on(session: &Session, node: &Node, shift: String) -> Result<(), Fail> {
    let id = node.find_shift(shift).await?;
    let view = node.shift(id).await?;
    let names: BTreeMap<PersonId, String> =
        node.people().await?.into_iter().map(|it| (it.person, it.name)).collect();
    let human = human(&view, &names);
    session.out.data(&machine(view), |_| human)
}

fn machine(view: ShiftView) -> Shown {
    let proposed =
        |it: firsthand_node::ProposedAssignment| Proposed { person: it.person.to_string(), role: it.role };
    Shown {
        id: view.id.to_string(),
        status: view.status.code(),
        team: view.team,
        record: view.record,
        names: view.names.into_iter().map(|(person, name)| (person.to_string(), name)).collect(),
        proposed: view.proposed.into_iter().map(proposed).collect(),
        proposed_steps: view.proposed_steps.into_iter().map(ShiftStatus::code).collect(),
        findings: view.findings.iter().map(Mark::from).collect(),
        needs: view.needs.iter().map(Need::from).collect(),
        conflicts: view.conflicts,
    }
}

fn human(view: &ShiftView, names: &BTreeMap<PersonId, String>) -> String {
    let named = |person: &PersonId| {
        let name = view.names.get(person).or_else(|| names.get(person));
        name.map_or_else(|| person.short(), |name| text::line(name))
    };
    let record = &view.record;
    let moment = |time: Option<firsthand_record::Moment>| time.map(when::moment).unwrap_or_default();
    let answers = record.answers();
    let person = |it: &Assignment| {
        let buddy =
            it.buddy.as_ref().map_or_else(|| "no buddy".to_owned(), |it| format!("with {}", named(it)));
        let go = answers.iter().find(|step| step.person == it.person);
        let go = go.map_or_else(String::new, |step| {
            let note = text::line(&step.note);
            let note = if note.is_empty() { note } else { format!(" ({note})") };
            format!("  {}{note}", step.answer.label())
        });
        let from = it.from.map(|at| format!("  from {}", when::moment(at))).unwrap_or_default();
        let until = it.until.map(|at| format!("  until {}", when::moment(at))).unwrap_or_default();
        format!("{}: {}, {buddy}{go}{from}{until}", named(&it.person), text::line(&it.role))
    };
    let rule = record
        .check_in_rule
        .map(|rule| format!("every {} min, overdue after {} more", rule.every_min, rule.grace_min));
    let proposals =
        view.proposed.iter().map(|it| format!("{} as {}", named(&it.person), text::line(&it.role)));
    let steps = view.proposed_steps.iter().map(|it| it.label().to_owned());
    table::pairs(&[
        ("id", view.id.short()),
        ("title", text::line(record.title.as_deref().unwrap_or_default())),
        ("status", view.status.label().to_owned()),
        ("team", text::line(&view.team)),
        ("start", moment(record.start)),
        ("end", moment(record.end)),
        ("place", text::lines(&record.place_text)),
        ("danger", record.risk_level.map(|it| it.label().to_owned()).unwrap_or_default()),
        ("check-ins", rule.unwrap_or_default()),
        ("briefing", text::lines(&record.briefing)),
        ("people", record.assignments.iter().map(person).collect::<Vec<_>>().join("\n")),
        ("proposed", proposals.chain(steps).collect::<Vec<_>>().join("\n")),
        ("look at", to_look_at(&view.findings, &view.needs).join("\n")),
        ("in conflict", upkeep::in_conflict("shift", &view.id.short(), &view.conflicts)),
    ])
}
