//! The commands, one file each.

mod ahead;
mod alert;
mod archive;
mod attachments;
mod board;
mod bundle;
mod care;
mod check;
mod checkin;
mod checklist;
mod debrief;
mod device;
mod emergency;
mod epochs;
mod evidence;
mod field_team;
mod handoff;
mod import;
pub(crate) mod incident;
mod indicator;
mod invite;
mod join;
mod nearby;
mod network;
mod panic;
mod passphrase;
mod person;
mod recover;
mod relay;
mod removal;
mod repair;
mod shift;
mod status;
mod sync;
mod team;
mod upkeep;

use std::collections::BTreeMap;

use clap::CommandFactory;
use firsthand_node::Node;
use firsthand_node::ids::PersonId;
use serde::Serialize;

use crate::args::{Cli, Command, DeviceCommand, PassphraseCommand, RelayCommand, SyncCommand, TeamCommand};
use crate::fail::Fail;
use crate::home::Session;
use crate::{demo, show};

/// A list in machine output: `items` is its first array and holds everything.
#[derive(Serialize)]
pub(crate) struct List<T> {
    /// Everything.
    pub(crate) items: Vec<T>,
}

/// Does what the command line says.
pub(crate) async fn run(cli: Cli) -> Result<(), Fail> {
    if let Command::Completions { shell } = cli.command {
        return completions(shell);
    }
    // A relay has no home and no passphrase: it can read nothing.
    if let Command::Relay(args) = &cli.command {
        let own = match &args.command {
            None => Some(None),
            Some(RelayCommand::Own(command)) => Some(Some(command.clone())),
            Some(_) => None,
        };
        if let Some(command) = own {
            let serve = firsthand_relay::command::RelayArgs { serve: args.serve.clone(), command };
            let ran = firsthand_relay::command::run(serve).await;
            return ran.map_err(|error| Fail::other("relay", format!("failed to {error}")));
        }
    }
    let session = Session::new(&cli.global)?;
    match cli.command {
        Command::Team(TeamCommand::Create(args)) => team::create(&session, &args).await,
        Command::Team(TeamCommand::Invite(args)) => invite::run(&session, &args).await,
        Command::Team(TeamCommand::Join(args)) => join::run(&session, &args).await,
        Command::Team(TeamCommand::Recover(args)) => recover::run(&session, &args).await,
        Command::Team(TeamCommand::Epochs) => epochs::show(&session).await,
        Command::Team(TeamCommand::AddDevice(args)) => device::add(&session, &args).await,
        Command::Team(TeamCommand::AdmitDevice { code, yes }) => device::admit(&session, &code, yes).await,
        Command::Team(TeamCommand::Show) => team::show(&session).await,
        Command::Team(TeamCommand::Quarantine) => team::quarantine(&session).await,
        Command::Team(TeamCommand::Roles) => removal::roles(session.out),
        Command::Team(TeamCommand::Devices) => removal::devices(&session).await,
        Command::Team(TeamCommand::Grant { who, role }) => removal::grant(&session, &who, &role).await,
        Command::Team(TeamCommand::Revoke { who, device, reason }) => {
            removal::revoke(&session, who, device, &reason).await
        }
        Command::Team(TeamCommand::Confirm { removal }) => removal::confirm(&session, &removal).await,
        Command::Team(TeamCommand::Adopt { chain, position }) => {
            removal::adopt(&session, &chain, position).await
        }
        Command::Incident(command) => incident::run(&session, *command).await,
        Command::Board { team } => board::show(&session, team).await,
        Command::Fieldteam(command) => field_team::run(&session, command).await,
        Command::Checkin(args) => checkin::check_in(&session, &args).await,
        Command::Shift(command) => shift::run(&session, command).await,
        Command::Handoff(command) => handoff::run(&session, command).await,
        Command::Person(command) => person::run(&session, command).await,
        Command::Checklist(command) => checklist::run(&session, *command).await,
        Command::Import(args) => import::run(&session, &args).await,
        Command::Sync(args) => match args.command {
            Some(SyncCommand::Status { watch: false }) => status::show(&session).await,
            Some(SyncCommand::Status { watch: true }) => status::watch(&session).await,
            None if args.nearby => nearby::sync(&session, &args).await,
            None => sync::run(&session, &args).await,
        },
        Command::Nearby(args) => nearby::show(&session, &args).await,
        Command::Bundle(command) => bundle::run(&session, command).await,
        Command::Archive(command) => archive::run(&session, command).await,
        Command::Device(DeviceCommand::Transfer(args)) => match &args.from {
            Some(code) => join::take_over(&session, code, args.old.yes).await,
            None => device::hand_over(&session, &args.old).await,
        },
        Command::Network(command) => network::run(&session, command).await,
        Command::Debrief(command) => debrief::run(&session, command).await,
        Command::Indicator(command) => indicator::run(&session, *command).await,
        Command::Alert(command) => alert::run(&session, *command).await,
        Command::Care(command) => care::run(&session, command).await,
        Command::Attachments(command) => attachments::run(&session, command).await,
        Command::Evidence(command) => evidence::run(&session, command).await,
        Command::Emergency(command) => emergency::run(&session, command).await,
        Command::Check { repair: false } => check::check(&session).await,
        Command::Check { repair: true } => repair::repair(&session).await,
        Command::Lock => panic::lock(&session).await,
        Command::Panic(args) => panic::panic(&session, &args).await,
        Command::Digest => check::digest(&session).await,
        Command::Passphrase(PassphraseCommand::Change { new_passphrase_file }) => {
            passphrase::change(&session, new_passphrase_file.as_deref()).await
        }
        Command::Demo(args) => demo::run(session.out, &args).await,
        Command::Relay(args) => match args.command {
            Some(command) => relay::run(&session, command).await,
            None => Ok(()),
        },
        Command::Completions { .. } => Ok(()),
    }
}

fn completions(shell: clap_complete::Shell) -> Result<(), Fail> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "firsthand", &mut script);
    show::Out { json: false }.line(String::from_utf8_lossy(&script).trim_end())
}

/// The names of the team's people.
pub(crate) async fn names(node: &Node) -> Result<BTreeMap<PersonId, String>, Fail> {
    let team = node.team().await?;
    Ok(team.members.into_iter().map(|member| (member.person, member.name)).collect())
}
