use super::UpkeepCommand;
use clap::{ArgGroup, Args, Subcommand};
use firsthand_record::WantsContact;

use super::listed::codes;

/// Commands about how oneself is.
#[derive(Debug, Subcommand)]
pub(crate) enum CareCommand {
    /// Note how you are. You can read it, and the care contact whom you have named; nobody else, leads included.
    #[command(
        after_help = "Examples:\n  firsthand care note --wellbeing 2 --wants-contact later\n  firsthand care note --text \"Slept badly since the march\""
    )]
    Note(NoteArgs),
    /// Show what you noted, and what those noted who named you.
    List,
    /// Show or choose whom you talk to after a hard day. What you noted before stays with those who could read it.
    #[command(
        after_help = "Examples:\n  firsthand care contact              whom you have named\n  firsthand care contact Bruno        from now on Bruno\n  firsthand care contact --nobody     from now on nobody"
    )]
    Contact(CareContactArgs),
}

/// `care note`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("said").required(true).multiple(true).args(["wellbeing", "wants_contact", "text"]))]
pub(crate) struct NoteArgs {
    /// How you are, from 1, badly, to 5, well.
    #[arg(long, value_name = "1-5", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub(crate) wellbeing: Option<u8>,
    /// Whether you want to be called.
    #[arg(long, value_name = "ANSWER", value_parser = codes::<WantsContact>())]
    pub(crate) wants_contact: Option<String>,
    /// A word more.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) text: Option<String>,
    /// The debrief that it belongs to: the beginning of its id.
    #[arg(long, value_name = "ID")]
    pub(crate) debrief: Option<String>,
}

/// `care contact`.
#[derive(Debug, Args)]
pub(crate) struct CareContactArgs {
    /// A member of the team.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Nobody any more.
    #[arg(long, conflicts_with = "name")]
    pub(crate) nobody: bool,
}

/// Commands about whom to call when something happens to somebody.
#[derive(Debug, Subcommand)]
pub(crate) enum EmergencyCommand {
    /// Say whom to call when something happens to you. Only you and the leads can read it.
    #[command(
        after_help = "Example:\n  firsthand emergency set --name \"Fatima\" --phone \"+254 700 000001\" --relation sister"
    )]
    Set(EmergencyArgs),
    /// Show whom to call: for a lead of everybody, else your own.
    List,
}

/// `emergency set`.
#[derive(Debug, Args)]
pub(crate) struct EmergencyArgs {
    /// Whom to call.
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) name: String,
    /// How to reach them.
    #[arg(long, value_name = "PHONE", allow_hyphen_values = true)]
    pub(crate) phone: String,
    /// What they are to you, such as sister.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) relation: Option<String>,
    /// What those who call should know.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub(crate) note: String,
    /// For a lead: whose contact it is.
    #[arg(long, value_name = "NAME")]
    pub(crate) person: Option<String>,
}

/// Commands about what the team learnt.
#[derive(Debug, Subcommand)]
pub(crate) enum DebriefCommand {
    /// Write down what was learnt from a shift or an incident.
    #[command(
        after_help = "Example:\n  firsthand debrief add --incident K7-014 --planned \"Two teams at the gate\" --well \"The whistle was heard\" --change \"Carry spare batteries\" --method interpositioning=1"
    )]
    Add(Box<DebriefAddArgs>),
    /// Add to a debrief.
    Edit(Box<DebriefEditArgs>),
    /// List debriefs, those that came last first.
    List,
    /// Show one debrief.
    Show {
        /// The beginning of its id.
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Note that something that should change has changed.
    #[command(after_help = "Example:\n  firsthand debrief done 3f2a 1    the first thing that should change")]
    Done {
        /// The beginning of its id.
        #[arg(value_name = "ID")]
        id: String,
        /// Which, counted from 1 as `debrief show` lists them.
        #[arg(value_name = "NUMBER")]
        number: usize,
    },
    #[command(flatten)]
    Upkeep(UpkeepCommand),
}

/// `debrief add`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("of").required(true).multiple(true).args(["incident", "shift"]))]
pub(crate) struct DebriefAddArgs {
    /// The incident: its short code, or the beginning of its id.
    #[arg(long, value_name = "CODE")]
    pub(crate) incident: Option<String>,
    /// The shift: its title, or the beginning of its title or id.
    #[arg(long, value_name = "ID")]
    pub(crate) shift: Option<String>,
    #[command(flatten)]
    pub(crate) said: SaidArgs,
}

/// `debrief edit`.
#[derive(Debug, Args)]
pub(crate) struct DebriefEditArgs {
    /// The beginning of its id.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) said: SaidArgs,
}

/// What a debrief says.
#[derive(Debug, Args)]
pub(crate) struct SaidArgs {
    /// What was planned.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) planned: Option<String>,
    /// What happened.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) happened: Option<String>,
    /// What went well. May be given several times, as may those below.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) well: Vec<String>,
    /// What should change.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) change: Vec<String>,
    /// Who sees to what is given with --change here.
    #[arg(long, value_name = "NAME", requires = "change")]
    pub(crate) owner: Option<String>,
    /// By which day it should be done.
    #[arg(long, value_name = "DATE", requires = "change")]
    pub(crate) due: Option<String>,
    /// What nearly went wrong.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) near_miss: Vec<String>,
    /// How well a method worked, from -2, made it worse, to 2, helped much.
    #[arg(long, value_name = "METHOD=SCORE", allow_hyphen_values = true)]
    pub(crate) method: Vec<String>,
    /// Who took part.
    #[arg(long, value_name = "NAME")]
    pub(crate) participant: Vec<String>,
}
