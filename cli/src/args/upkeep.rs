use clap::{ArgGroup, Args, Subcommand};

use super::incident::{NoteArgs, ReasonArgs};

/// What can be done with every kind of record but incidents, which have commands of their own.
#[derive(Debug, Subcommand)]
pub(crate) enum UpkeepCommand {
    /// Leave a record out of lists, and say why. Nothing of it is erased, and what refers to it keeps it.
    Hide(HideRecordArgs),
    /// Show a hidden record in lists again.
    Unhide(HideRecordArgs),
    /// List what people set to different values while apart.
    Conflicts {
        /// Only of this record.
        #[arg(value_name = "RECORD")]
        record: Option<String>,
    },
    /// Settle a conflict. Without a lead's right it is a proposal.
    Resolve(ResolveRecordArgs),
}

/// `hide` and `unhide`.
#[derive(Debug, Args)]
pub(crate) struct HideRecordArgs {
    /// The record, named as everywhere, or by the beginning of its id.
    #[arg(value_name = "RECORD")]
    pub(crate) record: String,
    #[command(flatten)]
    pub(crate) why: ReasonArgs,
}

/// `resolve`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("chosen").required(true).args(["value", "pick"]))]
pub(crate) struct ResolveRecordArgs {
    /// The record, named as everywhere, or by the beginning of its id.
    #[arg(value_name = "RECORD")]
    pub(crate) record: String,
    /// The field in conflict.
    pub(crate) field: String,
    /// The value to stand; it need not be one of those in conflict.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) value: Option<String>,
    /// The number of the value, as `conflicts` shows it.
    #[arg(long, value_name = "N")]
    pub(crate) pick: Option<usize>,
    #[command(flatten)]
    pub(crate) why: NoteArgs,
}
