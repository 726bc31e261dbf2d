//! The command line of a relay: `firsthand-relay`, and `firsthand relay`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use firsthand_ids::UnixMillis;

use crate::worker::now;
use crate::{Config, Data, Grant, Relay, RelayError, Storage, SystemRandom, backup, logs, random_token};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const MIB: u64 = 1024 * 1024;

/// The command line of a relay.
#[derive(Debug, Clone, Args)]
pub struct RelayArgs {
    /// How it is run.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// What to do instead.
    #[command(subcommand)]
    pub command: Option<RelayCommand>,
}

/// How a relay is run. Nothing has to be given.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The folder with everything the relay keeps.
    #[arg(long, env = "FIRSTHAND_RELAY_DATA", value_name = "DIR", default_value = "firsthand-relay", value_hint = ValueHint::DirPath)]
    data: PathBuf,

    /// The address to listen at.
    #[arg(long, env = "FIRSTHAND_RELAY_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:47480")]
    listen: SocketAddr,

    /// How many connections to take at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    connections: usize,

    /// How many of them from one address; 0 for no limit, as it must be behind a reverse proxy.
    #[arg(long, value_name = "COUNT", default_value_t = 256)]
    per_address: usize,

    /// A certificate chain (PEM), if the relay does TLS itself.
    #[arg(long, value_name = "FILE", requires = "tls_key", value_hint = ValueHint::FilePath)]
    tls_certificate: Option<PathBuf>,

    /// The certificate's key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_certificate", value_hint = ValueHint::FilePath)]
    tls_key: Option<PathBuf>,

    /// Answer `/metrics` to anybody, not only to this machine.
    #[arg(long)]
    public_metrics: bool,

    /// Log one JSON object a line.
    #[arg(long)]
    log_json: bool,

    /// Log more.
    #[arg(long, short)]
    verbose: bool,
}

/// What else a relay's command does.
#[derive(Debug, Clone, Subcommand)]
pub enum RelayCommand {
    /// Make a token with which a team registers its mailboxes.
    Token {
        /// How many mailboxes at a time: one for each space and epoch in use.
        #[arg(long, value_name = "COUNT", default_value_t = 64)]
        mailboxes: u32,
        /// How much each may hold, in MiB.
        #[arg(long, value_name = "MIB", default_value_t = 2048)]
        size: u32,
        /// For how many days mailboxes may be registered with it.
        #[arg(long, value_name = "DAYS", default_value_t = 366)]
        days: u32,
    },
    /// Copy everything the relay keeps into one new file, while it runs.
    Backup {
        /// The file. It holds the relay's key: keep it where nobody else can read it.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

/// Does what the command line says; a relay serves until it is told to stop (SIGTERM, SIGINT).
///
/// # Errors
/// Any [`RelayError`].
pub async fn run(args: RelayArgs) -> Result<(), RelayError> {
    let RelayArgs { serve: args, command } = args;
    match command {
        Some(RelayCommand::Token { mailboxes, size, days }) => {
            let (mut storage, _) = Data::create(args.data)?.open()?;
            let bytes = u64::from(size) * MIB;
            let until = UnixMillis(now().0.saturating_add(i64::from(days) * DAY_MS));
            say(&grant(&mut storage, Grant { mailboxes, bytes, until })?)
        }
        Some(RelayCommand::Backup { file }) => backup(&Data::create(args.data)?.file(), &file),
        None => serve(args).await,
    }
}

fn grant(storage: &mut dyn Storage, grant: Grant) -> Result<String, RelayError> {
    let (token, written) = random_token(&mut SystemRandom::new()?);
    storage.grant(token.kept(), grant)?;
    Ok(written)
}

async fn serve(args: ServeArgs) -> Result<(), RelayError> {
    logs::start(args.log_json, args.verbose);
    let stop = stopped()?;
    let (mut storage, secret) = Data::create(args.data)?.open()?;
    let mut first = None;
    if !storage.has_tokens()? {
        let until = UnixMillis(now().0.saturating_add(366 * DAY_MS));
        first = Some(grant(&mut storage, Grant { mailboxes: 64, bytes: 2048 * MIB, until })?);
    }
    let config = Config {
        connections: args.connections,
        per_address: args.per_address,
        tls: args.tls_certificate.zip(args.tls_key),
        public_metrics: args.public_metrics,
        ..Config::at(args.listen)
    };
    let scheme = if config.tls.is_some() { "wss" } else { "ws" };
    let relay = Relay::bind(config, Box::new(storage), secret).await?;
    say(&format!("address {scheme}://{}/relay", relay.address()?))?;
    say(&format!("key {}", relay.key()?))?;
    if let Some(token) = first {
        say(&format!("token {token}"))?;
    }
    tracing::info!("listening");
    relay.run(stop).await
}

/// Standard output carries what a person or a script needs: address, key, token. It is not a log.
fn say(line: &str) -> Result<(), RelayError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(RelayError::io("write"))
}

#[cfg(unix)]
fn stopped() -> Result<impl Future<Output = ()>, RelayError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(RelayError::io("wait for signals"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RelayError::io("wait for signals"))?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stopped() -> Result<impl Future<Output = ()>, RelayError> {
    Ok(async {
        // Without a way to be told, it runs until it is ended.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}
