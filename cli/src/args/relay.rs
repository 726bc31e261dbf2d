use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  firsthand relay                                                run one here
  firsthand relay add wss://relay.example.org/relay --key 8f0c.. --token K4Q2..
  firsthand relay status --reach 20

A relay carries sealed records between people who never meet, and can read none of them. Whoever runs one prints its address,
key and token; a lead adds it with these, and every device of the team uses it while `firsthand sync` runs.";

/// `relay`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RelayArgs {
    #[command(flatten)]
    pub(crate) serve: firsthand_relay::command::ServeArgs,
    #[command(subcommand)]
    pub(crate) command: Option<RelayCommand>,
}

/// What to do instead of running one.
#[derive(Debug, Subcommand)]
pub(crate) enum RelayCommand {
    /// Add a relay to the team's, or say anew where it is; at most four. For leads.
    Add(RelayAddArgs),
    /// The team's relays.
    List,
    /// Drop a relay of the team's, by its address or the beginning of its key. For leads.
    Remove {
        /// Which.
        #[arg(value_name = "RELAY")]
        relay: String,
    },
    /// How the team's relays are, and what has not reached any of them.
    Status {
        /// Reach them first, and exchange what there is, for at most so many seconds.
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
        reach: Option<u64>,
    },
    #[command(flatten)]
    Own(firsthand_relay::command::RelayCommand),
}

/// `relay add`.
#[derive(Debug, Args)]
pub(crate) struct RelayAddArgs {
    /// Its address, such as wss://relay.example.org/relay
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,
    /// Its key, 64 hexadecimal digits. Get it on a way you trust: it is what proves that it is this relay.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: String,
    /// The token that its operator gave the team.
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: String,
}
