use clap::{Args, Subcommand};

use super::UpkeepCommand;
use super::incident::ReasonArgs;

/// Commands about teams in the field.
#[derive(Debug, Subcommand)]
pub(crate) enum FieldTeamCommand {
    /// Note a team: where it works, how it talks, whom a shift of it needs. Leads do that.
    #[command(
        after_help = "Example:\n  firsthand fieldteam add \"East gate\" --role Observer=2 --role Medic --comms \"channel 4, then phone\" \\\n      --area \"31.50,34.46; 31.52,34.46; 31.52,34.48\""
    )]
    Add(Box<FieldTeamAddArgs>),
    /// List the teams in the field.
    List,
    /// Show a team.
    Show {
        /// A name, or the beginning of an id.
        team: String,
    },
    /// Change what is said of a team. Leads do that.
    Edit(Box<FieldTeamEditArgs>),
    #[command(flatten)]
    Upkeep(UpkeepCommand),
}

/// What is known of a team.
#[derive(Debug, Args)]
pub(crate) struct FieldTeamFields {
    /// Where it works: the corners of an area, LAT,LON each, with semicolons between.
    #[arg(long, value_name = "CORNERS", allow_hyphen_values = true)]
    pub(crate) area: Option<String>,
    /// How it talks: channels, signals, whom to call first.
    #[arg(long, value_name = "TEXT")]
    pub(crate) comms: Option<String>,
    /// A role that each shift must fill, and by how many; may be given several times.
    #[arg(long, value_name = "ROLE[=COUNT]")]
    pub(crate) role: Vec<String>,
    /// How many people have to approve a warning before it holds, whoever raises it included.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10))]
    pub(crate) alert_approvals: Option<u32>,
}

/// `fieldteam add`.
#[derive(Debug, Args)]
pub(crate) struct FieldTeamAddArgs {
    /// What it is called.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) fields: FieldTeamFields,
}

/// `fieldteam edit`.
#[derive(Debug, Args)]
pub(crate) struct FieldTeamEditArgs {
    /// A name, or the beginning of an id.
    pub(crate) team: String,
    /// Another name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) fields: FieldTeamFields,
    /// A role or a number of approvals that is no longer required, by its number in `show`, such as roles_required:2; may be given
    /// several times.
    #[arg(long, value_name = "LIST:N")]
    pub(crate) withdraw: Vec<String>,
    #[command(flatten)]
    pub(crate) why: ReasonArgs,
}
