use chrono::NaiveDate;
use clap::{Args, Subcommand};

use crate::read::time;

/// Commands about what is old.
#[derive(Debug, Subcommand)]
pub(crate) enum ArchiveCommand {
    /// List the files of incidents that were to be kept until a day which has passed; with --destroy, destroy them.
    #[command(
        after_help = "Examples:\n  firsthand archive retention\n  firsthand archive retention --destroy\n\nThe day is the incident's --retention-until. Destroying takes a file's key away on every device that hears of it, and nothing \
                      brings it back. The record stays, with the file's hash, its signed manifest, who held it and who destroyed it. For leads; \
                      others propose it."
    )]
    Retention(RetentionArgs),
    /// Make old records take less room on this device. They stay in lists, can be read, edited and proved, and reach other devices as before.
    #[command(
        after_help = "Examples:\n  firsthand archive close --until 2026-06-30\n  firsthand archive close --until 2026-06-30 --dry-run\n\nRecords to \
                      which something was added since stay as they are. Of files only those go that two other devices keep, as with `attachments free`. \
                      Other devices are not asked and do not hear of it."
    )]
    Close(ClosePeriodArgs),
    /// List the periods that were closed on this device, and what that freed.
    #[command(visible_alias = "status")]
    List,
}

/// `archive close`.
#[derive(Debug, Args)]
pub(crate) struct ClosePeriodArgs {
    /// The last day that is closed.
    #[arg(long, value_name = "DATE", value_parser = time::day)]
    pub(crate) until: NaiveDate,
    /// Only say what it would free.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask. For scripts.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
}

/// `archive retention`.
#[derive(Debug, Args)]
pub(crate) struct RetentionArgs {
    /// Destroy the listed files, after asking.
    #[arg(long)]
    pub(crate) destroy: bool,
    /// Do not ask. For scripts on machines you trust.
    #[arg(long, requires = "destroy")]
    pub(crate) yes: bool,
}
