use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// Commands about evidence.
#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// Write files of an incident to a new folder, with what proves who recorded them and when.
    #[command(
        after_help = "The folder is written in the clear, and each record says that its file was exported. It holds the names of \
                      those who recorded the files and nothing else of the team.\n\nExample:\n  firsthand evidence export K7-014 \
                      /media/usb/K7-014"
    )]
    Export(ExportEvidenceArgs),
    /// Check such a folder. Needs no home, no team and no passphrase.
    #[command(
        after_help = "Exit status 5 when something is not proven.\n\nExample:\n  firsthand evidence verify /media/usb/K7-014"
    )]
    Verify(VerifyEvidenceArgs),
    /// Destroy the key of an attached file, here and on every device that hears of it. Without a lead's right it is a proposal.
    #[command(
        after_help = "It cannot be undone: nobody opens the file again. Its record, hash, signature and custody stay. Copies that were \
                      written out before, or photographed from a screen, are beyond reach, and so is a device that never meets the team \
                      again.\n\nExample:\n  firsthand evidence destroy K7-014 bridge.jpg --reason \"she asked for it\""
    )]
    Destroy(DestroyEvidenceArgs),
}

/// `evidence destroy`.
#[derive(Debug, Args)]
pub(crate) struct DestroyEvidenceArgs {
    /// The incident: its short code, or the beginning of its id.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
    /// The attached file's name, or the beginning of its hash.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Why. It stays in the record.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) reason: String,
}

/// `evidence export`.
#[derive(Debug, Args)]
pub(crate) struct ExportEvidenceArgs {
    /// The incident: its short code, or the beginning of its id.
    pub(crate) id: String,
    /// The folder to make.
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) to: PathBuf,
    /// Only this file, by its name or the first digits of its hash; several times for several. Otherwise all that are not hidden.
    #[arg(long, value_name = "NAME")]
    pub(crate) file: Vec<String>,
}

/// `evidence verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyEvidenceArgs {
    /// The folder.
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
}
