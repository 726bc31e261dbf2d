use clap::{Args, Subcommand, ValueEnum};

/// Commands about what files take and which of them come.
#[derive(Debug, Subcommand)]
pub(crate) enum AttachmentsCommand {
    /// Show which files this device asks for, or set it.
    #[command(
        after_help = "Words always come; this is about files. Of several rules the strictest counts.\n\nExamples:\n  firsthand \
                      attachments policy\n  firsthand attachments policy --relay previews --low-battery nothing"
    )]
    Policy(PolicyArgs),
    /// Show how many files are here, missing or let go of, and what they take.
    Status,
    /// Let go of files that two other devices said they hold. Records, thumbnails and previews stay.
    #[command(
        after_help = "The last two copies of a file stay wherever they are. A file that went comes back with `attachments want`.\n\n\
                      Examples:\n  firsthand attachments free --dry-run\n  firsthand attachments free --older-than 30 --enough 500"
    )]
    Free(FreeArgs),
    /// Ask again for a file that was let go of.
    Want {
        /// The incident: its short code, or the beginning of its id.
        #[arg(value_name = "CODE")]
        id: String,
        /// The file's name, or the beginning of its hash.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Up to which form files come.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FormsArg {
    /// No file.
    Nothing,
    /// At most 20 kB each.
    Thumbs,
    /// At most 200 kB each.
    Previews,
    /// Everything.
    Originals,
}

/// `attachments policy`.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// From devices nearby.
    #[arg(long, value_name = "FORMS")]
    pub(crate) nearby: Option<FormsArg>,
    /// Through relays.
    #[arg(long, value_name = "FORMS")]
    pub(crate) relay: Option<FormsArg>,
    /// Through relays while that costs by the byte.
    #[arg(long, value_name = "FORMS")]
    pub(crate) metered: Option<FormsArg>,
    /// Over anything while the battery is low.
    #[arg(long, value_name = "FORMS")]
    pub(crate) low_battery: Option<FormsArg>,
    /// Below how many percent a battery is low.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) low_battery_percent: Option<u8>,
    /// The longest file from devices nearby, in megabytes.
    #[arg(long, value_name = "MB")]
    pub(crate) longest_nearby: Option<u32>,
    /// The longest file through relays, in megabytes.
    #[arg(long, value_name = "MB")]
    pub(crate) longest_relay: Option<u32>,
    /// How much of the disk no file may take, in megabytes, so that words can still be saved.
    #[arg(long, value_name = "MB")]
    pub(crate) keep_free: Option<u32>,
    /// Whether this device says in the records of files over 200 kB that it holds them, so that others may let go of theirs. It takes an
    /// entry for each file.
    #[arg(long, value_name = "YES_OR_NO", value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) tell_copies: Option<bool>,
}

/// `attachments free`.
#[derive(Debug, Args)]
pub(crate) struct FreeArgs {
    /// Only say what would go.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Only files recorded so many days ago, or earlier.
    #[arg(long, value_name = "DAYS", default_value_t = 0)]
    pub(crate) older_than: u32,
    /// Stop once so many megabytes have become free.
    #[arg(long, value_name = "MB")]
    pub(crate) enough: Option<u32>,
}
