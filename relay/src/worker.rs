use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use firsthand_ids::UnixMillis;
use firsthand_sync::relay::{Order, OrderId, Outcome};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::metrics::Metrics;
use crate::{Holdings, RelayError, Storage, Swept};

/// How many orders wait for the thread at most; whoever comes then waits before it.
const QUEUE: usize = 4096;
/// The most orders of one commit.
const GROUP: usize = 1024;
/// The most bytes of one commit; one order is always taken.
const GROUP_BYTES: usize = 8 * 1024 * 1024;
/// How many bytes may be on their way to the disk from all connections together, in KiB.
const BUDGET_KIB: u32 = 64 * 1024;

/// What became of an order. Boxed, because a channel keeps room for 32 of them, and most connections are idle.
pub type Done = Box<(OrderId, Outcome)>;

enum Job {
    Order(Box<Ordered>),
    Sweep(oneshot::Sender<Result<Swept, RelayError>>),
    Holdings(oneshot::Sender<Result<Holdings, RelayError>>),
}

struct Ordered {
    id: OrderId,
    order: Order,
    to: mpsc::UnboundedSender<Done>,
    _bytes: Option<OwnedSemaphorePermit>,
}

/// The thread that owns storage, as connections see it.
#[derive(Clone)]
pub struct Worker {
    jobs: mpsc::Sender<Job>,
    budget: Arc<Semaphore>,
}

impl Worker {
    /// Starts the thread. It ends, with everything done that was ordered, when the last [`Worker`] is dropped. Up to `group`
    /// orders share a commit.
    ///
    /// # Errors
    /// [`RelayError::Io`] if the system gives no thread.
    pub fn start(storage: Box<dyn Storage>, group: usize) -> Result<(Self, JoinHandle<()>), RelayError> {
        Self::start_measured(storage, group, Arc::new(Metrics::default()))
    }

    pub(crate) fn start_measured(
        storage: Box<dyn Storage>,
        group: usize,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, JoinHandle<()>), RelayError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let group = group.clamp(1, GROUP);
        let handle = thread::Builder::new()
            .name("storage".to_owned())
            .spawn(move || run(storage, queue, group, &metrics))
            .map_err(RelayError::io("start the storage thread"))?;
        let budget = Arc::new(Semaphore::new(BUDGET_KIB as usize));
        Ok((Self { jobs, budget }, handle))
    }

    /// Gives an order. The outcome goes to `to`, after the commit if the order writes.
    ///
    /// # Errors
    /// [`RelayError::Stopped`].
    pub async fn order(
        &self,
        id: OrderId,
        order: Order,
        to: &mpsc::UnboundedSender<Done>,
    ) -> Result<(), RelayError> {
        let kib = u32::try_from(order.bytes().div_ceil(1024)).unwrap_or(BUDGET_KIB).min(BUDGET_KIB);
        let permit = match kib {
            0 => None,
            kib => {
                let permit = Arc::clone(&self.budget).acquire_many_owned(kib).await;
                Some(permit.map_err(|_| RelayError::Stopped)?)
            }
        };
        let job = Job::Order(Box::new(Ordered { id, order, to: to.clone(), _bytes: permit }));
        self.jobs.send(job).await.map_err(|_| RelayError::Stopped)
    }

    /// Removes what has expired.
    ///
    /// # Errors
    /// Any [`RelayError`].
    pub async fn sweep(&self) -> Result<Swept, RelayError> {
        let (to, answer) = oneshot::channel();
        self.jobs.send(Job::Sweep(to)).await.map_err(|_| RelayError::Stopped)?;
        answer.await.map_err(|_| RelayError::Stopped)?
    }

    /// What is held.
    ///
    /// # Errors
    /// Any [`RelayError`].
    pub async fn holdings(&self) -> Result<Holdings, RelayError> {
        let (to, answer) = oneshot::channel();
        self.jobs.send(Job::Holdings(to)).await.map_err(|_| RelayError::Stopped)?;
        answer.await.map_err(|_| RelayError::Stopped)?
    }
}

/// The time on the relay's clock.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn run(mut storage: Box<dyn Storage>, mut queue: mpsc::Receiver<Job>, most: usize, metrics: &Metrics) {
    let mut waiting = Vec::new();
    while queue.blocking_recv_many(&mut waiting, most) > 0 {
        let mut jobs = waiting.drain(..).peekable();
        while let Some(job) = jobs.next() {
            let first = match job {
                Job::Order(first) => first,
                // Nobody may be waiting for the answer any more.
                Job::Sweep(to) => {
                    let _ = to.send(storage.sweep(now()));
                    continue;
                }
                Job::Holdings(to) => {
                    let _ = to.send(storage.holdings());
                    continue;
                }
            };
            let mut bytes = first.order.bytes();
            let mut group = vec![*first];
            while let Some(Job::Order(next)) = jobs
                .next_if(|job| matches!(job, Job::Order(next) if bytes + next.order.bytes() <= GROUP_BYTES))
            {
                bytes += next.order.bytes();
                group.push(*next);
            }
            commit(storage.as_mut(), group, metrics);
        }
    }
}

fn commit(storage: &mut dyn Storage, group: Vec<Ordered>, metrics: &Metrics) {
    let began = Instant::now();
    let mut orders = Vec::with_capacity(group.len());
    let mut receivers = Vec::with_capacity(group.len());
    for Ordered { id, order, to, _bytes } in group {
        orders.push(order);
        receivers.push((id, to, _bytes));
    }
    let outcomes = match storage.carry_out(now(), &orders) {
        Ok(outcomes) => outcomes,
        Err(error) => {
            tracing::error!(error = %error, "storage failed; nothing of this group was kept");
            metrics.storage_failed();
            vec![Outcome::Failed; orders.len()]
        }
    };
    metrics.committed(&orders, &outcomes, began.elapsed());
    for ((id, to, _bytes), outcome) in receivers.into_iter().zip(outcomes) {
        // The connection may be gone; what it ordered is done all the same.
        let _ = to.send(Box::new((id, outcome)));
    }
}
