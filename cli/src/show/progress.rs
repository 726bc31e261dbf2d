//! Progress of long work, on standard error and only where a person watches.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use firsthand_node::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

use crate::meeting::interrupted;

/// How often the moving line moves.
const TURN: Duration = Duration::from_millis(120);

/// A bar that appears when standard error is a terminal. While there is one for long work, Ctrl-C stops that work where
/// it can stop cleanly.
pub(crate) struct Bar {
    bar: ProgressBar,
    stopped: Arc<AtomicBool>,
    watch: Option<JoinHandle<()>>,
    silent: bool,
}

impl Bar {
    /// A bar with a word for what is going on.
    pub(crate) fn new(what: &'static str) -> Self {
        Self::with(what, "{msg} [{wide_bar}] {pos} of {len}")
    }

    /// The same for work that is measured in bytes.
    pub(crate) fn of_bytes(what: &'static str) -> Self {
        Self::with(what, "{msg} [{wide_bar}] {bytes} of {total_bytes}")
    }

    fn with(what: &'static str, template: &str) -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr())
        } else {
            ProgressBar::hidden()
        };
        bar.set_style(
            ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
        );
        bar.set_message(what);
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = stopped.clone();
        let watch = tokio::spawn(async move {
            interrupted().await;
            stop.store(true, Ordering::Relaxed);
        });
        Self { bar, stopped, watch: Some(watch), silent: false }
    }

    /// A line that turns while something of unknown length goes on.
    pub(crate) fn spinner() -> Self {
        let bar =
            if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        Self { bar, stopped: Arc::default(), watch: None, silent: false }
    }

    /// Says nothing at all.
    pub(crate) fn none() -> Self {
        Self { bar: ProgressBar::hidden(), stopped: Arc::default(), watch: None, silent: true }
    }

    /// What the node calls while it works.
    pub(crate) fn report(&self) -> Progress {
        let (bar, stopped) = (self.bar.clone(), self.stopped.clone());
        Arc::new(move |done, total| {
            bar.set_length(total);
            bar.set_position(done);
            !stopped.load(Ordering::Relaxed)
        })
    }

    /// Replaces the words. Returns whether a person sees them.
    pub(crate) fn say(&self, text: String) -> bool {
        self.bar.set_message(text);
        // Not before there is something to say: a question may be on the screen.
        self.bar.enable_steady_tick(TURN);
        !self.bar.is_hidden()
    }

    /// Does something that prints, clear of the moving line.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Says a line above the bar.
    pub(crate) fn note(&self, text: &str) {
        if !self.silent {
            self.bar.suspend(|| super::to_stderr(text));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        if let Some(watch) = &self.watch {
            watch.abort();
        }
    }
}
