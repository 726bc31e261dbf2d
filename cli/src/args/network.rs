use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// Commands about networks of teams.
#[derive(Debug, Subcommand)]
pub(crate) enum NetworkCommand {
    /// Found a network in a new home. A lead of each other team joins it as a lead.
    #[command(
        after_help = "A network has a home of its own, beside that of your team. In it everything works as in a team: invite a lead of the \
                      other team, who then adds their own people, and exchange records with them.\n\nExample:\n  firsthand --home rivers \
                      network found --network \"River monitors\" --as \"Amina (Harbour)\"\n  firsthand --home rivers team invite --role lead\n  \
                      firsthand network share K7-014 --to rivers\n  firsthand --home rivers sync --with 192.168.1.20:4711"
    )]
    Found(FoundNetworkArgs),
    /// Give a network copies of incidents that are marked for it, and show what is left out.
    #[command(
        after_help = "An incident is marked with: firsthand incident edit CODE --sensitivity network\nSharing it again brings its copy up to date. One that \
                      is no longer marked, or hidden, is taken back: its copy is hidden, and the keys of its files are destroyed."
    )]
    Share(ShareArgs),
    /// Show which of your team's incidents are marked for other teams, and which of them the network has.
    Status(NetworkStatusArgs),
}

/// `network found`.
#[derive(Debug, Args)]
pub(crate) struct FoundNetworkArgs {
    /// The network's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) network: String,
    /// Your name in it: everybody there reads it.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: String,
}

/// The home of a network.
#[derive(Debug, Args)]
pub(crate) struct NetworkHome {
    /// The network's home on this device.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) to: PathBuf,
    /// A file whose first line is the passphrase of that home; otherwise it is the one of your team's home.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) network_passphrase_file: Option<PathBuf>,
}

/// `network share`.
#[derive(Debug, Args)]
pub(crate) struct ShareArgs {
    /// The incidents: short codes, or beginnings of ids.
    #[arg(value_name = "CODE", required = true)]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) network: NetworkHome,
    /// Share the narrative and other free words too, without phone and identity numbers and the names of your people. Read the preview
    /// first: nothing else in the words is recognised.
    #[arg(long)]
    pub(crate) with_text: bool,
    /// Only show what would be shared and what not.
    #[arg(long)]
    pub(crate) preview: bool,
}

/// `network status`.
#[derive(Debug, Args)]
pub(crate) struct NetworkStatusArgs {
    #[command(flatten)]
    pub(crate) network: NetworkHome,
}
