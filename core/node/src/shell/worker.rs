use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use firsthand_store::{Home, Unlock};
use tokio::sync::{Notify, oneshot};

use crate::{Environment, Ledger, NodeError, Opening, SystemRandom};

/// What a job gets besides the ledger.
pub(super) struct Workshop {
    pub(super) environment: Environment,
    pub(super) random: SystemRandom,
}

type Job = Box<dyn FnOnce(&mut Ledger, &mut Workshop) + Send>;

/// The thread that owns the ledger. Jobs run one after the other, in the order in which they were sent.
#[derive(Clone)]
pub(super) struct Worker {
    jobs: Sender<Job>,
    heard: Arc<Notify>,
    saved: Arc<Notify>,
}

/// How long the ledger must be idle before it does what can wait: a burst of saves, or of batches over a fast link, comes
/// first.
const IDLE: Duration = Duration::from_millis(50);

impl Worker {
    /// Starts the thread; `open` makes or opens the ledger on it, since deriving the key takes a while.
    pub(super) async fn start(
        environment: Environment,
        open: impl FnOnce(&mut Workshop) -> Result<Ledger, NodeError> + Send + 'static,
    ) -> Result<(Self, JoinHandle<()>), NodeError> {
        super::keep_caught_panics_quiet();
        let (jobs, queue) = mpsc::channel::<Job>();
        let (opened, result) = oneshot::channel();
        let (heard, saved) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let told = (heard.clone(), saved.clone());
        let thread = thread::Builder::new().name("firsthand-store".to_owned()).spawn(move || {
            let mut workshop = Workshop { environment, random: SystemRandom::default() };
            match open(&mut workshop) {
                Ok(mut ledger) => {
                    ledger.keep_time(workshop.environment.uptime.clone());
                    ledger.watch_disk(workshop.environment.disk.clone());
                    if opened.send(Ok(())).is_ok() {
                        run(ledger, workshop, &queue, &told);
                    }
                }
                Err(error) => drop(opened.send(Err(error))),
            }
        })?;
        result.await.map_err(|_| NodeError::Closed)??;
        Ok((Self { jobs, heard, saved }, thread))
    }

    /// Is told whenever something about people or shifts was saved.
    pub(super) fn heard(&self) -> Arc<Notify> {
        self.heard.clone()
    }

    /// Told when something was saved.
    pub(super) fn saved(&self) -> Arc<Notify> {
        self.saved.clone()
    }

    /// Sends a job; false where the ledger is closed.
    pub(super) fn send(&self, job: impl FnOnce(&mut Ledger, &mut Workshop) + Send + 'static) -> bool {
        self.jobs.send(Box::new(job)).is_ok()
    }

    /// Runs a job and waits for its result. Dropping the future does not stop the job: what was begun is finished.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Ledger, &mut Workshop) -> Result<T, NodeError> + Send + 'static,
    ) -> Result<T, NodeError> {
        let (done, result) = oneshot::channel();
        self.send(move |ledger, workshop| drop(done.send(job(ledger, workshop))));
        result.await.map_err(|_| NodeError::Closed)?
    }
}

fn run(mut ledger: Ledger, mut workshop: Workshop, queue: &Receiver<Job>, told: &(Arc<Notify>, Arc<Notify>)) {
    let (heard, saved) = told;
    let mut commits = ledger.store().commits();
    // Whether something can be done between the jobs, and whether none has come for a while.
    let (mut more, mut idle) = (true, false);
    let mut seen = ledger.store().roster_changes();
    loop {
        if seen != ledger.store().roster_changes() {
            seen = ledger.store().roster_changes();
            heard.notify_one();
        }
        if commits != ledger.store().commits() {
            commits = ledger.store().commits();
            saved.notify_one();
        }
        let job = if more {
            match queue.recv_timeout(if idle { Duration::ZERO } else { IDLE }) {
                Ok(job) => Some(job),
                Err(RecvTimeoutError::Timeout) => {
                    idle = true;
                    more = ledger.work_while_idle().unwrap_or_else(|error| {
                        tracing::error!(%error, "what can wait waits for the next job");
                        false
                    });
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => None,
            }
        } else {
            queue.recv().ok()
        };
        let Some(job) = job else { break };
        (more, idle) = (true, false);
        job(&mut ledger, &mut workshop);
    }
    if let Err(error) = ledger.lock() {
        tracing::error!(%error, "the store did not close cleanly; everything saved is on the disk");
    }
}

/// Takes the home in `dir` and opens its ledger.
pub(super) fn open(
    dir: PathBuf,
    passphrase: &super::Passphrase,
    environment: &Environment,
) -> Result<Ledger, NodeError> {
    Ledger::open(Opening {
        home: Home::open(dir)?,
        unlock: Unlock::Passphrase(passphrase.as_str()),
        vault: environment.vault.as_ref(),
        slot: environment.slot,
    })
}
