use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

const EXAMPLES: &str = "\
Examples:
  firsthand bundle export river.firsthand                        everything
  firsthand bundle export reply.firsthand --since Amina          what Amina's device did not hold
  firsthand bundle export photos.firsthand --with-files          with the attached files

The file opens for the devices that belong to the team now, and for nobody else. Carry it on any medium and import it
there: importing twice changes nothing. What only few may read opens only for them.";

/// Commands about bundles.
#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    /// Write what this device holds into one sealed file.
    #[command(after_help = EXAMPLES)]
    Export(BundleExportArgs),
    /// Take in a file that another device of the team wrote.
    #[command(
        after_help = "Exit status 5 when a part of the file is damaged; everything else in it is taken in all the same."
    )]
    Import(BundleImportArgs),
}

/// `bundle export`.
#[derive(Debug, Args)]
pub(crate) struct BundleExportArgs {
    /// The file to write; it must not exist.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Only what this person's devices did not hold when they wrote the last bundle that was imported here.
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub(crate) since: Option<String>,
    /// Everything, as without --since.
    #[arg(long)]
    pub(crate) all: bool,
    /// Attached files as well, not only what is recorded about them.
    #[arg(long)]
    pub(crate) with_files: bool,
}

/// `bundle import`.
#[derive(Debug, Args)]
pub(crate) struct BundleImportArgs {
    /// The file.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
}
