use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueHint};
use firsthand_record::roster::RiskLevel;
use firsthand_record::warning::{
    AckKind, AlertCategory, AlertScope, AlertStatus, Direction, IndicatorFamily, Polarity, ResponseType,
};
use firsthand_record::{Certainty, Severity, SourceKind, Urgency};

use super::UpkeepCommand;
use super::listed::codes;

const NEW_EXAMPLES: &str = "\
Examples:
  firsthand alert new --status Exercise --event \"Armed patrols\" --headline \"Stay away from the market after dark\" \\
      --severity Severe --urgency Expected --certainty Likely --area \"Market and bus station\" --circle 0.51,35.27,2
  firsthand alert new --status Actual --event Flood --headline \"The bridge is under water\" --area \"East bank\" --expires 18:00

Whether it is meant is yours to say each time: Actual, or Exercise, or Test. It ends after 4 hours where you do not say otherwise,
and holds once as many people have approved it as the team decided (firsthand fieldteam edit TEAM --alert-approvals 2).";

/// Commands about warnings.
#[derive(Debug, Subcommand)]
pub(crate) enum AlertCommand {
    /// Raise a warning. A lead or coordinator who raises it approves it; from others it waits for somebody who may.
    #[command(after_help = NEW_EXAMPLES)]
    New(Box<NewAlertArgs>),
    /// List warnings and how each stands, those that came last first.
    List(AlertListArgs),
    /// Show a warning: what it says, who approved it, who acknowledged it, and who has not yet.
    Show {
        /// The beginning of its id.
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Approve a warning as it stands. It counts from a lead or coordinator; a later edit of the warning asks for it anew.
    Approve {
        /// The beginning of its id.
        #[arg(value_name = "ID")]
        id: String,
        /// Take your approval back instead.
        #[arg(long)]
        withdraw: bool,
        /// Why.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Acknowledge a warning: that you have it, and what you will do. Nobody can take that away.
    #[command(
        after_help = "Examples:\n  firsthand alert ack 3f2a --kind will_act\n  firsthand alert ack 3f2a --kind read --person Daniel --note \"by radio\"    for a lead"
    )]
    Ack(AckArgs),
    /// Replace a warning: a new one that takes its place once it is approved. What you do not say stays as it was.
    Update(Box<UpdateArgs>),
    /// Call a warning off: a new message that does so once it is approved.
    Cancel(CancelArgs),
    /// Write a warning as CAP 1.2, the Common Alerting Protocol, which radio stations and warning systems read.
    #[command(after_help = "Example:\n  firsthand alert export 3f2a --out warning.cap")]
    Export(ExportAlertArgs),
    /// Read a warning of CAP 1.1 or 1.2. It waits for approval, whoever imports it.
    Import {
        /// The file.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    #[command(flatten)]
    Upkeep(UpkeepCommand),
}

/// `alert export`.
#[derive(Debug, Args)]
pub(crate) struct ExportAlertArgs {
    /// The beginning of its id.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The format.
    #[arg(long, value_name = "FORMAT", default_value = "cap", value_parser = ["cap"])]
    pub(crate) format: String,
    /// The file to write; it must not be there yet. Without it: standard output.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
    /// Write one that still waits for approval, with the status Draft.
    #[arg(long)]
    pub(crate) draft: bool,
}

/// `alert list`.
#[derive(Debug, Args)]
pub(crate) struct AlertListArgs {
    /// Only those in force, and those that wait for approval.
    #[arg(long)]
    pub(crate) current: bool,
}

/// `alert new`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").required(true).multiple(true).args(["area", "circle", "polygon", "p_code"]))]
pub(crate) struct NewAlertArgs {
    /// Whether it is meant: Actual, Exercise or Test.
    #[arg(long, value_name = "CODE", required = true, value_parser = codes::<AlertStatus>(), hide_possible_values = true)]
    pub(crate) status: String,
    /// What happens, in a few words.
    #[arg(long, value_name = "TEXT", required = true)]
    pub(crate) event: String,
    /// What people read first, at most 160 characters.
    #[arg(long, value_name = "TEXT", required = true, allow_hyphen_values = true)]
    pub(crate) headline: String,
    #[command(flatten)]
    pub(crate) fields: AlertFields,
}

/// `alert update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// The beginning of its id.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// What happens, in a few words.
    #[arg(long, value_name = "TEXT")]
    pub(crate) event: Option<String>,
    /// What people read first, at most 160 characters.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) headline: Option<String>,
    #[command(flatten)]
    pub(crate) fields: AlertFields,
}

/// `alert cancel`.
#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The beginning of its id.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Why it is called off.
    #[arg(long, value_name = "TEXT", required = true, allow_hyphen_values = true)]
    pub(crate) reason: String,
    /// What people read first; without it, that the warning is called off.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) headline: Option<String>,
}

/// What a warning says besides.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Fields")]
pub(crate) struct AlertFields {
    /// What it is about; may be given several times. Without it: Safety.
    #[arg(long, value_name = "CODE", value_parser = codes::<AlertCategory>(), hide_possible_values = true)]
    pub(crate) category: Vec<String>,
    /// How soon people have to act. Without it: Unknown, as for the two below.
    #[arg(long, value_name = "CODE", value_parser = codes::<Urgency>(), hide_possible_values = true)]
    pub(crate) urgency: Option<String>,
    /// How severe it is.
    #[arg(long, value_name = "CODE", value_parser = codes::<Severity>(), hide_possible_values = true)]
    pub(crate) severity: Option<String>,
    /// How certain it is.
    #[arg(long, value_name = "CODE", value_parser = codes::<Certainty>(), hide_possible_values = true)]
    pub(crate) certainty: Option<String>,
    /// ISO 22324's level of danger.
    #[arg(long, value_name = "CODE", value_parser = codes::<RiskLevel>(), hide_possible_values = true)]
    pub(crate) level: Option<String>,
    /// What people are asked to do, as a code; may be given several times.
    #[arg(long, value_name = "CODE", value_parser = codes::<ResponseType>(), hide_possible_values = true)]
    pub(crate) response: Vec<String>,
    /// What is known.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) description: Option<String>,
    /// What people are to do.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) instruction: Option<String>,
    /// The language of its texts, such as ar or en-US.
    #[arg(long, value_name = "TAG")]
    pub(crate) language: Option<String>,
    /// When what it warns of begins.
    #[arg(long, value_name = "TIME")]
    pub(crate) onset: Option<String>,
    /// Until when it holds. Without it: 4 hours.
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
    /// Where, in words.
    #[arg(long, value_name = "TEXT")]
    pub(crate) area: Option<String>,
    /// Where, as a circle: its middle and its radius in kilometres.
    #[arg(long, value_name = "LAT,LON,KM", allow_hyphen_values = true)]
    pub(crate) circle: Option<String>,
    /// Where, as the corners of an area, with semicolons between.
    #[arg(long, value_name = "CORNERS", allow_hyphen_values = true)]
    pub(crate) polygon: Option<String>,
    /// Where, as the official code of the area.
    #[arg(long, value_name = "CODE")]
    pub(crate) p_code: Option<String>,
    /// Who may read it outside the team. Without it: Restricted.
    #[arg(long, value_name = "CODE", value_parser = codes::<AlertScope>(), hide_possible_values = true)]
    pub(crate) scope: Option<String>,
    /// For Restricted: who that is. Without it: the team.
    #[arg(long, value_name = "TEXT")]
    pub(crate) restriction: Option<String>,
    /// For Private: to whom it goes, with spaces between.
    #[arg(long, value_name = "NAMES")]
    pub(crate) addresses: Option<String>,
    /// An incident that it rests on; may be given several times, as may those below.
    #[arg(long, value_name = "CODE")]
    pub(crate) incident: Vec<String>,
    /// A value that another system wants to know.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) parameter: Vec<String>,
    /// The sign whose threshold was crossed: the beginning of its id.
    #[arg(long, value_name = "ID")]
    pub(crate) indicator: Option<String>,
    /// More approvals than the team's rule asks for.
    #[arg(long, value_name = "COUNT")]
    pub(crate) approvals: Option<u32>,
}

/// `alert ack`.
#[derive(Debug, Args)]
pub(crate) struct AckArgs {
    /// The beginning of its id.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// What is said to it.
    #[arg(long, value_name = "CODE", default_value = "read", value_parser = codes::<AckKind>(), hide_possible_values = true)]
    pub(crate) kind: String,
    /// For a lead: who said it, by radio or face to face.
    #[arg(long, value_name = "NAME")]
    pub(crate) person: Option<String>,
    /// A word more.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub(crate) note: String,
}

/// Commands about signs.
#[derive(Debug, Subcommand)]
pub(crate) enum IndicatorCommand {
    /// Note a sign that the team watches.
    #[command(
        after_help = "Example:\n  firsthand indicator add \"Cattle raids\" --polarity conflict --family \"Provocative Behavior\" --unit raids --threshold 3 --window-days 7"
    )]
    Add(Box<IndicatorAddArgs>),
    /// Note what was read of a sign.
    #[command(
        after_help = "Example:\n  firsthand indicator read 3f2a 4 --at yesterday --source witness --grade B2"
    )]
    Read(Box<ReadingArgs>),
    /// List the signs, with the last reading of each.
    List,
    /// Show a sign with its readings.
    Show {
        /// The beginning of its id.
        #[arg(value_name = "ID")]
        id: String,
    },
    #[command(flatten)]
    Upkeep(UpkeepCommand),
}

/// `indicator add`.
#[derive(Debug, Args)]
pub(crate) struct IndicatorAddArgs {
    /// What people call it.
    pub(crate) name: String,
    /// Whether it speaks for peace or for conflict; the family says so too.
    #[arg(long, value_name = "CODE", required_unless_present = "family", value_parser = codes::<Polarity>())]
    pub(crate) polarity: Option<String>,
    /// The family of signs that CEWARN reports by.
    #[arg(long, value_name = "CODE", value_parser = codes::<IndicatorFamily>(), hide_possible_values = true)]
    pub(crate) family: Option<String>,
    /// What is counted, such as raids.
    #[arg(long, value_name = "TEXT")]
    pub(crate) unit: Option<String>,
    /// From where on it warns.
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pub(crate) threshold: Option<String>,
    /// On which side of the threshold it warns. Without it: above.
    #[arg(long, value_name = "CODE", requires = "threshold", value_parser = codes::<Direction>())]
    pub(crate) direction: Option<String>,
    /// Over how many days readings are taken together.
    #[arg(long, value_name = "DAYS")]
    pub(crate) window_days: Option<u32>,
    /// Where it is watched, in words.
    #[arg(long, value_name = "TEXT")]
    pub(crate) area: Option<String>,
}

/// `indicator read`.
#[derive(Debug, Args)]
pub(crate) struct ReadingArgs {
    /// The beginning of the sign's id.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// How much, in the sign's unit.
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) value: String,
    /// When it was so. Without it: now.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Latitude and longitude in degrees.
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
    pub(crate) place: Option<String>,
    /// Where it is known from.
    #[arg(long, value_name = "CODE", value_parser = codes::<SourceKind>(), hide_possible_values = true)]
    pub(crate) source: Option<String>,
    /// How good that source is and what it says, such as B2 (the Admiralty code).
    #[arg(long, value_name = "GRADE", requires = "source")]
    pub(crate) grade: Option<String>,
    /// A word more.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) note: Option<String>,
}
