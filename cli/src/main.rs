//! `firsthand`: the field log on a laptop, and a full peer of every other device of the team.
//!
//! A command line is read by [`args`], done by [`command`], and answered through [`show`]; what goes wrong becomes a
//! [`fail::Fail`], which decides the exit status. Everything about records, teams and meetings is `firsthand-node`'s.

mod alarm;
mod args;
mod command;
mod demo;
mod fail;
mod home;
mod meeting;
mod nearby;
mod power;
mod read;
mod show;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use args::Cli;
use fail::{Fail, Status};

/// How long to wait at the end for a question that nobody will answer any more.
const GRACE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let json = cli.global.json;
    // The store has its own thread and networks are slow: two are enough for the rest.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(Box::pin(command::run(cli)));
            runtime.shutdown_timeout(GRACE);
            result
        }
        Err(error) => Err(Fail::other("system", format!("failed to start: {}", error.kind()))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(fail) => fail.report(json),
    }
}

/// Help and version go to standard output; a command line that cannot be understood is answered like any failure.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return if error.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if std::env::args_os().any(|arg| arg == "--json") {
        let text = error.render().to_string();
        let message = text.trim().strip_prefix("error: ").unwrap_or(text.trim()).to_owned();
        return Fail::new(Status::Usage, "usage", message).report(true);
    }
    let _ = error.print();
    ExitCode::from(Status::Usage as u8)
}
