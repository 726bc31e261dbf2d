use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Sends log lines to standard error, as text or as one JSON object a line. They name no address, mailbox or writer.
pub(crate) fn start(json: bool, verbose: bool) {
    let level = if verbose { Level::DEBUG } else { Level::INFO };
    // Only our own words: what libraries say may hold addresses.
    let ours = Targets::new().with_target("firsthand_relay", level);
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(false);
    let lines = if json { lines.json().flatten_event(true).boxed() } else { lines.boxed() };
    // Somebody else may have set up logging already, as a test does.
    let _ = tracing_subscriber::registry().with(lines.with_filter(ours)).try_init();
}
