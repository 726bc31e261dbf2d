//! Teams in the field.

use firsthand_node::{Edit, FieldTeamRow, FieldTeamView, Saved};
use firsthand_record::roster::{ApprovalRule, FieldTeam, RoleNeed, RoleRequired};
use serde::Serialize;

use super::List;
use super::incident::Mark;
use super::upkeep::{self, Noun};
use crate::args::{FieldTeamAddArgs, FieldTeamCommand, FieldTeamEditArgs, FieldTeamFields};
use crate::fail::Fail;
use crate::home::Session;
use crate::read::field::json;
use crate::show::{table, text};

/// A team of a list in machine output.
#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    roles_required: Vec<Required>,
    hidden: bool,
}

#[derive(Serialize)]
struct Required {
    role: String,
    min: u32,
}

/// A team in machine output.
#[derive(Serialize)]
struct Shown {
    id: String,
    record: FieldTeam,
    conflicts: Vec<String>,
    hidden: bool,
}

/// A role that too few people of a shift have, in machine output.
#[derive(Serialize)]
pub(super) struct Need {
    role: String,
    min: u32,
    filled: u32,
    missing: u32,
}

#[derive(Serialize)]
struct SavedLine {
    id: String,
    findings: Vec<Mark>,
}

impl From<&RoleNeed> for Need {
    fn from(need: &RoleNeed) -> Self {
        Self { role: need.role.clone(), min: need.min, filled: need.filled, missing: need.missing() }
    }
}

/// What a lead reads of a role that too few have.
pub(super) fn needed(need: &RoleNeed) -> String {
    let verb = if need.missing() == 1 { "is" } else { "are" };
    format!("{} more {verb} needed: {}", need.missing(), text::line(&need.role))
}

/// Does what the command line says.
pub(super) async fn run(session: &Session, command: FieldTeamCommand) -> Result<(), Fail> {
    match command {
        FieldTeamCommand::Add(args) => add(session, &args).await,
        FieldTeamCommand::List => list(session).await,
        FieldTeamCommand::Show { team } => show(session, team).await,
        FieldTeamCommand::Edit(args) => edit(session, &args).await,
        FieldTeamCommand::Upkeep(command) => upkeep::run(session, Noun::FieldTeam, command).await,
    }
}

/// What was typed, as a team.
fn typed(fields: &FieldTeamFields) -> Result<FieldTeam, Fail> {
    let area = fields.area.as_deref().map(upkeep::area).transpose();
    let role = |typed: &String| {
        let (role, min) = match typed.rsplit_once('=') {
            Some((role, count)) => (role, count.trim().parse().ok()),
            None => (typed.as_str(), Some(1)),
        };
        let min =
            min.ok_or_else(|| Fail::input("role", "is not a role, or a role=count such as Observer=2"))?;
        Ok(RoleRequired { key: String::new(), role: role.trim().to_owned(), min })
    };
    let rule = |required| ApprovalRule { key: String::new(), required };
    Ok(FieldTeam {
        area: area.map_err(|reason| Fail::input("area", reason))?,
        comms_plan: fields.comms.clone().unwrap_or_default(),
        roles_required: fields.role.iter().map(role).collect::<Result<_, Fail>>()?,
        alert_approvals: fields.alert_approvals.into_iter().map(rule).collect(),
        ..FieldTeam::default()
    })
}

async fn add(session: &Session, args: &FieldTeamAddArgs) -> Result<(), Fail> {
    let team = FieldTeam { name: Some(args.name.clone()), ..typed(&args.fields)? };
    session.with_node(async |node| print_saved(session, &node.add_field_team(team).await?, "noted")).await
}

async fn edit(session: &Session, args: &FieldTeamEditArgs) -> Result<(), Fail> {
    let team = typed(&args.fields)?;
    let mut edits = Vec::new();
    for (field, value) in [("name", json(&args.name)), ("area", json(&team.area))] {
        let value = value.map_err(|reason| Fail::input(field, reason))?;
        if !value.is_null() {
            edits.push(Edit::Set { field: field.to_owned(), value });
        }
    }
    if !team.comms_plan.is_empty() {
        edits.push(Edit::ReplaceText { field: "comms_plan".to_owned(), text: team.comms_plan });
    }
    for role in team.roles_required {
        let value = json(role).map_err(|reason| Fail::input("role", reason))?;
        edits.push(Edit::Add { list: "roles_required".to_owned(), value });
    }
    session
        .with_node(async |node| {
            let id = node.find_field_team(args.team.clone()).await?;
            let record = node.field_team(id).await?.record;
            if !team.alert_approvals.is_empty() {
                // The number that is set takes the place of those that stand.
                let withdraw = |it: &ApprovalRule| Edit::Withdraw {
                    key: it.key.clone(),
                    reason: "another number was set".to_owned(),
                };
                edits.extend(record.alert_approvals.iter().map(withdraw));
            }
            for rule in &team.alert_approvals {
                let value = json(rule).map_err(|reason| Fail::input("alert-approvals", reason))?;
                edits.push(Edit::Add { list: "alert_approvals".to_owned(), value });
            }
            let lists = ["roles_required", "alert_approvals"];
            edits.extend(upkeep::withdraw(&record, &lists, &args.withdraw, &args.why.reason)?);
            if edits.is_empty() {
                return Err(Fail::input("team", "is given nothing to change"));
            }
            print_saved(session, &node.edit_field_team(id, edits).await?, "changed")
        })
        .await
}

fn print_saved(session: &Session, saved: &Saved, done: &str) -> Result<(), Fail> {
    let line =
        SavedLine { id: saved.id.to_string(), findings: saved.findings.iter().map(Mark::from).collect() };
    session.out.data(&line, |line| format!("{}  {done}", &line.id[..8]))
}

async fn list(session: &Session) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let items = node.field_teams().await?.into_iter().map(row).collect();
            session.out.data(&List { items }, |list| human_list(&list.items))
        })
        .await
}

fn row(it: FieldTeamRow) -> Row {
    let required = |(role, min)| Required { role, min };
    Row {
        id: it.id.to_string(),
        name: it.row.name,
        roles_required: it.row.roles_required.into_iter().map(required).collect(),
        hidden: it.row.hidden,
    }
}

fn human_list(items: &[Row]) -> String {
    let shown: Vec<&Row> = items.iter().filter(|it| !it.hidden).collect();
    if shown.is_empty() {
        return "No team in the field is noted. `firsthand fieldteam add` notes one.".to_owned();
    }
    let row = |it: &&Row| {
        let roles = it.roles_required.iter().map(|it| format!("{} {}", it.min, text::line(&it.role)));
        vec![it.id[..8].to_owned(), text::line(&it.name), roles.collect::<Vec<_>>().join(", ")]
    };
    table::render(&["id", "name", "roles that a shift must fill"], shown.iter().map(row).collect())
}

async fn show(session: &Session, typed: String) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let id = node.find_field_team(typed).await?;
            let view = node.field_team(id).await?;
            let human = human(&view);
            let FieldTeamView { id, record, conflicts, hidden } = view;
            session.out.data(&Shown { id: id.to_string(), record, conflicts, hidden }, |_| human)
        })
        .await
}

fn human(view: &FieldTeamView) -> String {
    let record = &view.record;
    let corners = record.area.as_ref().map_or_else(String::new, |area| {
        let corner = |it: &firsthand_record::roster::Corner| format!("{},{}", it.lat.0, it.lon.0);
        area.0.iter().map(corner).collect::<Vec<_>>().join("; ")
    });
    let roles = record.roles_required.iter().enumerate();
    let roles = roles.map(|(at, it)| format!("{}. {}, at least {}", at + 1, text::line(&it.role), it.min));
    table::pairs(&[
        ("id", view.id.short()),
        ("name", text::line(record.name.as_deref().unwrap_or_default())),
        ("area", corners),
        ("how it talks", text::lines(&record.comms_plan)),
        ("roles required", roles.collect::<Vec<_>>().join("\n")),
        (
            "approvals of a warning",
            record.approvals_required().map_or_else(String::new, |count| format!("at least {count}")),
        ),
        ("in conflict", upkeep::in_conflict("fieldteam", &view.id.short(), &view.conflicts)),
        ("hidden", if view.hidden { "yes" } else { "" }.to_owned()),
    ])
}
