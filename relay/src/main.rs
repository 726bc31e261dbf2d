//! `firsthand-relay`: carries sealed ranges for teams, and can read none of them.

use std::process::ExitCode;

use clap::Parser;
use firsthand_relay::command::{RelayArgs, run};

/// Carries what teams seal, and can read none of it.
///
/// Without anything given it makes its folder and its key, listens, and prints the address, the key that teams pin, and at
/// the first start a token with which a team registers.
#[derive(Debug, Parser)]
#[command(name = "firsthand-relay", version)]
struct Cli {
    #[command(flatten)]
    relay: RelayArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(Box::pin(run(cli.relay))),
        Err(error) => {
            eprintln!("error: failed to start: {}", error.kind());
            return ExitCode::FAILURE;
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: failed to {error}");
            ExitCode::FAILURE
        }
    }
}
