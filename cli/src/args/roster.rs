//! Options of `person`, `shift`, `checkin` and `handoff`.

use clap::{Args, Subcommand};
use firsthand_record::roster::{
    CheckInState, GoNoGo, HandoffAnswer, PersonStatus, RiskLevel, ShiftStatus, Skill,
};

use super::UpkeepCommand;
use super::incident::ReasonArgs;
use super::listed::codes;

/// Commands about people.
#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// Note somebody, with or without a device. A lead notes anybody, others themselves.
    #[command(
        after_help = "Example:\n  firsthand person add \"Esi Boateng\" --callsign Heron --skill medic --language ak"
    )]
    Add(Box<PersonAddArgs>),
    /// List everybody: name, status, skills, trainings.
    List,
    /// Show one person with their trainings and last check-ins.
    Show {
        /// A name, a callsign, `me`, or the beginning of an id.
        person: String,
    },
    /// Change somebody's record. A lead changes anybody's, others their own.
    Edit(Box<PersonEditArgs>),
    /// Note that somebody was trained, and until when it counts.
    #[command(
        after_help = "Example:\n  firsthand person train Esi --course \"First aid\" --on 2026-11-01 --until 2028-11-01"
    )]
    Train(TrainArgs),
    #[command(flatten)]
    Upkeep(UpkeepCommand),
}

/// What is known of a person.
#[derive(Debug, Args)]
pub(crate) struct PersonFields {
    /// The name on the radio.
    #[arg(long)]
    pub(crate) callsign: Option<String>,
    /// Whether they can be put on a shift.
    #[arg(long, value_parser = codes::<PersonStatus>(), hide_possible_values = false)]
    pub(crate) status: Option<String>,
    /// What they can do; may be given several times.
    #[arg(long, value_parser = codes::<Skill>())]
    pub(crate) skill: Vec<String>,
    /// A language they speak, such as ar or es-MX; may be given several times.
    #[arg(long, value_name = "TAG")]
    pub(crate) language: Vec<String>,
}

/// `person add`.
#[derive(Debug, Args)]
pub(crate) struct PersonAddArgs {
    /// The name that lists show.
    pub(crate) name: String,
    /// The member of the team whom this record is of; without it, somebody without a device.
    #[arg(long, value_name = "WHO")]
    pub(crate) member: Option<String>,
    #[command(flatten)]
    pub(crate) fields: PersonFields,
}

/// `person edit`.
#[derive(Debug, Args)]
pub(crate) struct PersonEditArgs {
    /// A name, a callsign, `me`, or the beginning of an id.
    pub(crate) person: String,
    /// Another name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) fields: PersonFields,
    /// A skill, language or training to take back, by its number in `show`, such as skills:1 or trainings:2; may be given
    /// several times. It stays readable.
    #[arg(long, value_name = "LIST:N")]
    pub(crate) withdraw: Vec<String>,
    #[command(flatten)]
    pub(crate) why: ReasonArgs,
}

/// `person train`.
#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// A name, a callsign, `me`, or the beginning of an id.
    pub(crate) person: String,
    /// What it was called; with a checklist, its title where nothing else is given.
    #[arg(long, required_unless_present_any = ["checklist", "run"])]
    pub(crate) course: Option<String>,
    /// The checklist that was trained on: `name`, or `name@version`.
    #[arg(long, value_name = "NAME")]
    pub(crate) checklist: Option<String>,
    /// The run of a checklist in which it was practised, by the beginning of its id; that is the checklist, then.
    #[arg(long, value_name = "RUN", conflicts_with = "checklist")]
    pub(crate) run: Option<String>,
    /// Who trained them; you without it, where it is not yourself.
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
    /// The day; today without it.
    #[arg(long, value_name = "DAY")]
    pub(crate) on: Option<String>,
    /// The last day on which it counts; without it, it does not lapse.
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Option<String>,
}

/// Commands about shifts.
#[derive(Debug, Subcommand)]
pub(crate) enum ShiftCommand {
    /// Set up a shift. Leads do that.
    #[command(
        after_help = "Example:\n  firsthand shift add \"East gate\" --start 20:00 --end \"2026-11-22 02:00\" --every 60 --grace 15"
    )]
    Add(Box<ShiftAddArgs>),
    /// List the shifts, the latest first.
    List {
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Only those of this team in the field.
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
    /// Show a shift: who is on it, who goes, what a lead should look at.
    Show {
        /// A title, or the beginning of an id.
        shift: String,
    },
    /// Change what a shift says. Leads do that.
    Edit(Box<ShiftEditArgs>),
    /// Put somebody on a shift, with a buddy. From somebody who does not lead it is a proposal.
    #[command(
        after_help = "Example:\n  firsthand shift assign \"East gate\" Esi --role Medic --buddy Daniel"
    )]
    Assign(AssignArgs),
    /// Take somebody off a shift. Leads do that.
    Unassign(UnassignArgs),
    /// Say whether somebody goes: yourself, or as a lead anybody.
    Ready(ReadyArgs),
    /// Move a shift on. It never goes back; from somebody who does not lead it is a proposal.
    Status {
        /// A title, or the beginning of an id.
        shift: String,
        /// How far it has come.
        #[arg(value_parser = codes::<ShiftStatus>())]
        status: String,
    },
    #[command(flatten)]
    Upkeep(UpkeepCommand),
}

/// What a shift says.
#[derive(Debug, Args)]
pub(crate) struct ShiftFields {
    /// When it begins.
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<String>,
    /// When it ends.
    #[arg(long, value_name = "TIME")]
    pub(crate) end: Option<String>,
    /// Minutes between two check-ins.
    #[arg(long, value_name = "MINUTES")]
    pub(crate) every: Option<u32>,
    /// Minutes of grace after that, before somebody is overdue; 15 without it.
    #[arg(long, value_name = "MINUTES", requires = "every")]
    pub(crate) grace: Option<u32>,
    /// How dangerous it is taken to be.
    #[arg(long, value_parser = codes::<RiskLevel>())]
    pub(crate) risk: Option<String>,
    /// Where they meet, in words.
    #[arg(long, value_name = "TEXT")]
    pub(crate) place: Option<String>,
    /// What everybody must know before they go.
    #[arg(long, value_name = "TEXT")]
    pub(crate) briefing: Option<String>,
}

/// `shift add`.
#[derive(Debug, Args)]
pub(crate) struct ShiftAddArgs {
    /// What people call it.
    pub(crate) title: String,
    /// The team in the field whose shift it is; that cannot be changed later.
    #[arg(long, value_name = "TEAM")]
    pub(crate) team: Option<String>,
    #[command(flatten)]
    pub(crate) fields: ShiftFields,
}

/// `shift edit`.
#[derive(Debug, Args)]
pub(crate) struct ShiftEditArgs {
    /// A title, or the beginning of an id.
    pub(crate) shift: String,
    /// Another title.
    #[arg(long)]
    pub(crate) title: Option<String>,
    #[command(flatten)]
    pub(crate) fields: ShiftFields,
}

/// `shift assign`.
#[derive(Debug, Args)]
pub(crate) struct AssignArgs {
    /// A title, or the beginning of an id.
    pub(crate) shift: String,
    /// Who: a name, a callsign, `me`, or the beginning of an id.
    pub(crate) person: String,
    /// What they do, in the team's own words.
    #[arg(long)]
    pub(crate) role: String,
    /// Who looks after them, and they after whom.
    #[arg(long, value_name = "WHO")]
    pub(crate) buddy: Option<String>,
    /// From when, where not from the beginning.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Until when, where not to the end.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

/// `shift unassign`.
#[derive(Debug, Args)]
pub(crate) struct UnassignArgs {
    /// A title, or the beginning of an id.
    pub(crate) shift: String,
    /// Who.
    pub(crate) person: String,
    /// Why; it stays readable.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

/// `shift ready`.
#[derive(Debug, Args)]
pub(crate) struct ReadyArgs {
    /// A title, or the beginning of an id.
    pub(crate) shift: String,
    /// Whether they go.
    #[arg(value_parser = codes::<GoNoGo>(), required_unless_present = "withdraw", conflicts_with = "withdraw")]
    pub(crate) answer: Option<String>,
    /// Take back what was said instead.
    #[arg(long)]
    pub(crate) withdraw: bool,
    /// Who; you without it.
    #[arg(long, value_name = "WHO", default_value = "me")]
    pub(crate) person: String,
    /// Why.
    #[arg(long, default_value = "")]
    pub(crate) note: String,
}

/// `checkin`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_IN_EXAMPLES)]
pub(crate) struct CheckInArgs {
    /// How you are, or they are.
    #[arg(default_value = "ok", value_parser = codes::<CheckInState>())]
    pub(crate) state: String,
    /// Whom it is about: a name, a callsign, or the beginning of an id; you without it.
    #[arg(long, value_name = "WHO")]
    pub(crate) person: Option<String>,
    /// You are in danger and must not let it show: on this device it is an ordinary check-in, on all others an alarm.
    #[arg(long, conflicts_with = "person")]
    pub(crate) covert: bool,
    /// A word more.
    #[arg(long)]
    pub(crate) note: Option<String>,
    /// Where: LAT,LON.
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
    pub(crate) place: Option<String>,
}

const CHECK_IN_EXAMPLES: &str = "\
Examples:
  firsthand checkin
  firsthand checkin moving --note \"to the west gate\"
  firsthand checkin missing --person Esi

\"ok\" also answers the alarms about that person that this device knows. Missing and need-support are cleared by the person
themself or by two others.";

/// Commands about hand-offs.
#[derive(Debug, Subcommand)]
pub(crate) enum HandoffCommand {
    /// Start a hand-off. All incidents that are not closed go into it.
    #[command(
        after_help = "Example:\n  firsthand handoff start --from \"East gate\" --to Night --action \"Call the harbour master\""
    )]
    Start(Box<HandoffStartArgs>),
    /// Show a hand-off: each item, and what was said to it.
    Show {
        /// The beginning of its id, or `last`.
        #[arg(default_value = "last")]
        id: String,
    },
    /// List the hand-offs, the latest first.
    List,
    #[command(flatten)]
    Upkeep(UpkeepCommand),
    /// Give a hand-off as it stands. It counts from a lead.
    Give {
        /// The beginning of its id, or `last`.
        #[arg(default_value = "last")]
        id: String,
    },
    /// Answer items. It counts from a lead who did not give the hand-off.
    #[command(
        after_help = "Example:\n  firsthand handoff answer last questioned 4 --note \"Who is on site?\""
    )]
    Answer(HandoffAnswerArgs),
    /// Take a hand-off over as a whole. Each item still needs its answer.
    Take {
        /// The beginning of its id, or `last`.
        #[arg(default_value = "last")]
        id: String,
        /// A word more.
        #[arg(long, default_value = "")]
        note: String,
    },
}

/// `handoff start`.
#[derive(Debug, Args)]
pub(crate) struct HandoffStartArgs {
    /// The shift that ends.
    #[arg(long, value_name = "SHIFT")]
    pub(crate) from: String,
    /// The shift that begins.
    #[arg(long, value_name = "SHIFT")]
    pub(crate) to: Option<String>,
    /// Something that is to be done; may be given several times.
    #[arg(long, value_name = "TEXT")]
    pub(crate) action: Vec<String>,
    /// A thing that is handed over, such as \"radio=3\"; may be given several times.
    #[arg(long, value_name = "THING[=COUNT]")]
    pub(crate) equipment: Vec<String>,
    /// What is dangerous.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) hazards: String,
    /// Whom they spoke with.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) contacts: String,
}

/// `handoff answer`.
#[derive(Debug, Args)]
pub(crate) struct HandoffAnswerArgs {
    /// The beginning of its id, or `last`.
    pub(crate) id: String,
    /// What you say.
    #[arg(value_parser = codes::<HandoffAnswer>())]
    pub(crate) answer: String,
    /// The numbers of the items, as `handoff show` has them; `all` for all of them.
    #[arg(required = true)]
    pub(crate) items: Vec<String>,
    /// Why, or what you ask.
    #[arg(long, default_value = "")]
    pub(crate) note: String,
}
