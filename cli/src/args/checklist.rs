use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum, ValueHint};

use super::{DescribeFileArgs, FileSaidArgs, SaveFileArgs, UpkeepCommand, VerifyFileArgs};

/// Commands about checklists.
#[derive(Debug, Subcommand)]
pub(crate) enum ChecklistCommand {
    /// Load a protocol from a file: XLSForm (XLSX, XLS, CSV, Markdown), Markdown, JSON, Vote Monitor.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportChecklistArgs),
    /// List checklists: those that are published, and drafts of this device.
    #[command(visible_alias = "ls")]
    List(ListChecklistsArgs),
    /// Show a checklist, or a run with who ticked and answered what. Critical items come first in a run.
    Show(ShowChecklistArgs),
    /// Publish drafts to the team. Leads can; a published version never changes.
    #[command(
        after_help = "Examples:\n  firsthand checklist publish gate\n  firsthand checklist publish gate --as-version 3"
    )]
    Publish(PublishArgs),
    /// Begin working through a checklist; prints the run. It keeps to this version.
    #[command(
        after_help = "Examples:\n  firsthand checklist run buddy-check\n  firsthand checklist run clara@2 --incident K7-014"
    )]
    Run(RunArgs),
    /// List runs: those that go on first.
    Runs(RunsArgs),
    /// Tick items.
    #[command(
        after_help = "Example:\n  firsthand checklist tick 3fa9 water 4   (by name or by number, as show lists them)"
    )]
    Tick(TickArgs),
    /// Take back the ticks of items that are here. The ticks stay readable, and so does this.
    Untick(TickArgs),
    /// Answer an item. Each person has an answer of their own.
    #[command(after_help = ANSWER_EXAMPLES)]
    Answer(AnswerArgs),
    /// Say more about a file that answers an item: what it shows, who can be seen, what they agreed to; or hide it.
    DescribeFile(DescribeFileArgs),
    /// Check a file that answers an item from end to end, and note that in its record.
    VerifyFile(VerifyFileArgs),
    /// Write a file that answers an item outside the home. The copy is not encrypted.
    SaveFile(SaveFileArgs),
    /// Start, stop or finish the timer of an item.
    Timer(TimerArgs),
    /// Complete a run. Says what is missing where required or critical items are not done.
    Complete(CompleteArgs),
    /// Abandon a run, with the reason.
    Abandon(AbandonArgs),
    /// List who trained on which checklist, and when that lapses; `person train` notes it.
    Trained(TrainedArgs),
    #[command(flatten)]
    Upkeep(UpkeepCommand),
}

const IMPORT_EXAMPLES: &str = "\
Examples:
  firsthand checklist import gate.md --preview
  firsthand checklist import form.xlsx && firsthand checklist publish form
  firsthand checklist import --shipped clara

The whole file comes in or nothing: what cannot be kept is named by sheet, row and column. It is a draft on this device
until it is published. docs/protocols.md says how to write one in a text editor.";

const ANSWER_EXAMPLES: &str = "\
Examples:
  firsthand checklist answer 3fa9 people 40
  firsthand checklist answer 3fa9 mood tense          (a choice by its name, or by what it says)
  firsthand checklist answer 3fa9 seen \"flags, masks\" (several choices)
  firsthand checklist answer 3fa9 place \"48.2, 16.4\"
  firsthand checklist answer 3fa9 gate --file gate.jpg --people none
  firsthand checklist answer 3fa9 people --clear";

/// `checklist import`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["file", "shipped"]))]
pub(crate) struct ImportChecklistArgs {
    /// The file.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    /// A protocol that comes with the program, or without a name all of them.
    #[arg(long, value_name = "NAME", num_args = 0..=1)]
    pub(crate) shipped: Option<Option<String>>,
    /// Show what the file says, and keep nothing. Needs no home.
    #[arg(long)]
    pub(crate) preview: bool,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
}

/// The language of what is shown.
#[derive(Debug, Args)]
pub(crate) struct LanguageArgs {
    /// The language to read in, such as es or ar; the nearest that the checklist has. Else the system's.
    #[arg(long, value_name = "TAG")]
    pub(crate) language: Option<String>,
}

/// `checklist list`.
#[derive(Debug, Args)]
pub(crate) struct ListChecklistsArgs {
    /// Only those that come with the program. Needs no home.
    #[arg(long)]
    pub(crate) shipped: bool,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
}

/// `checklist show`.
#[derive(Debug, Args)]
pub(crate) struct ShowChecklistArgs {
    /// A checklist (name, `name@version`, or the beginning of its id), a draft, or a run (the beginning of its id).
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
}

/// `checklist publish`.
#[derive(Debug, Args)]
pub(crate) struct PublishArgs {
    /// The names of drafts.
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// The version to publish it as, instead of that of its file.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) as_version: Option<u32>,
}

/// `checklist run`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("context").args(["incident", "shift", "training"]))]
pub(crate) struct RunArgs {
    /// The checklist: its name for the newest version, `name@version`, or the beginning of its id.
    pub(crate) checklist: String,
    /// The incident that it belongs to.
    #[arg(long, value_name = "CODE")]
    pub(crate) incident: Option<String>,
    /// The shift that it belongs to: the beginning of its id.
    #[arg(long, value_name = "ID")]
    pub(crate) shift: Option<String>,
    /// It is a training.
    #[arg(long)]
    pub(crate) training: bool,
}

/// `checklist runs`.
#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// At most so many.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<usize>,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
}

/// `checklist tick` and `untick`.
#[derive(Debug, Args)]
pub(crate) struct TickArgs {
    /// The run: the beginning of its id.
    pub(crate) run: String,
    /// The items, by name or by number.
    #[arg(required = true, value_name = "ITEM")]
    pub(crate) items: Vec<String>,
    /// A word of explanation.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) note: String,
}

/// `checklist answer`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["value", "clear", "file"]))]
pub(crate) struct AnswerArgs {
    /// The run: the beginning of its id.
    pub(crate) run: String,
    /// The item, by name or by number.
    pub(crate) item: String,
    /// The answer.
    #[arg(allow_hyphen_values = true)]
    pub(crate) value: Option<String>,
    /// The photo or recording that answers it. It is copied into the home, encrypted; the original stays where it is.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) said: FileSaidArgs,
    /// Clear your answer.
    #[arg(long)]
    pub(crate) clear: bool,
    /// A word of explanation.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) note: String,
}

/// `checklist timer`.
#[derive(Debug, Args)]
pub(crate) struct TimerArgs {
    /// The run: the beginning of its id.
    pub(crate) run: String,
    /// The item, by name or by number.
    pub(crate) item: String,
    /// What happened.
    #[arg(value_enum)]
    pub(crate) event: TimerWord,
}

/// What can happen to a timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimerWord {
    /// It begins.
    Start,
    /// It is stopped early.
    Stop,
    /// Its time is over.
    Finish,
}

/// `checklist complete`.
#[derive(Debug, Args)]
pub(crate) struct CompleteArgs {
    /// The run: the beginning of its id.
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
}

/// `checklist abandon`.
#[derive(Debug, Args)]
pub(crate) struct AbandonArgs {
    /// The run: the beginning of its id.
    pub(crate) run: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

/// `checklist trained`.
#[derive(Debug, Args)]
pub(crate) struct TrainedArgs {
    /// Only of this checklist.
    #[arg(value_name = "NAME")]
    pub(crate) checklist: Option<String>,
}
