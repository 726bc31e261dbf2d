//! samod, the Rust implementation of automerge-repo, with the same documents: both repositories in this process, in
//! memory, connected by channels that count.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use samod::storage::{Storage, StorageKey};
use samod::{
    AcceptorHandle, BackoffConfig, DialError, Dialer, DocHandle, DocumentId, PeerId, Repo, Transport, Url,
};

use crate::Outcome;
use crate::baseline::Saved;

/// Silence after which a repository has nothing more to say.
const QUIET: Duration = Duration::from_secs(2);
/// When to give up: minutes are measured, hours are not.
const PATIENCE: Duration = Duration::from_secs(600);

/// What it cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Synced {
    pub(crate) messages: usize,
    pub(crate) bytes: u64,
    /// Until every document was open, where this is asked for.
    pub(crate) load: Duration,
    /// From dialling to the last message.
    pub(crate) sync: Duration,
}

/// Lets two repositories with these documents meet. An empty `right` receives everything.
pub(crate) fn sync(left: &[Saved], right: &[Saved]) -> Outcome<Synced> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(left, right))
}

async fn run(left: &[Saved], right: &[Saved]) -> Outcome<Synced> {
    let repo_left = repository("left", left).await?;
    let repo_right = repository("right", right).await?;
    let start = Instant::now();
    let of_left = open(&repo_left, left).await?;
    let opened_right = open(&repo_right, right).await?;
    let load = start.elapsed();

    let start = Instant::now();
    let counter = Arc::new(Mutex::new(Counter { messages: 0, bytes: 0, last: start }));
    let url: Url = "memory:right".parse()?;
    let acceptor = repo_right.make_acceptor(url.clone()).map_err(|_| "connect samod")?;
    let dialer = MemoryDialer { url, acceptor, counter: Arc::clone(&counter) };
    let dialled = repo_left.dial(BackoffConfig::default(), Arc::new(dialer)).map_err(|_| "connect samod")?;
    dialled.established().await.map_err(|_| "connect samod")?;
    let last = loop {
        tokio::time::sleep(QUIET / 10).await;
        let last = lock(&counter).last;
        if last.elapsed() > QUIET {
            break last;
        }
        if start.elapsed() > PATIENCE {
            return Err("see samod finish within ten minutes".into());
        }
    };
    let (messages, bytes) = {
        let counted = lock(&counter);
        (counted.messages, counted.bytes)
    };
    let of_right = if right.is_empty() { open(&repo_right, left).await? } else { opened_right };
    let heads = |handle: &DocHandle| handle.with_document(|document| document.get_heads());
    if of_left.len() != of_right.len() || !of_left.iter().zip(&of_right).all(|(l, r)| heads(l) == heads(r)) {
        return Err("see samod bring both sides to the same state".into());
    }
    repo_left.stop().await;
    repo_right.stop().await;
    Ok(Synced { messages, bytes, load, sync: last - start })
}

async fn repository(name: &str, saved: &[Saved]) -> Outcome<Repo> {
    let storage = Memory::default();
    for one in saved {
        let parts = [id(one)?.to_string(), "snapshot".to_owned(), "first".to_owned()];
        storage.put(StorageKey::from_parts(parts)?, one.bytes.clone()).await;
    }
    Ok(Repo::build_tokio().with_peer_id(PeerId::from(name)).with_storage(storage).load().await)
}

async fn open(repo: &Repo, saved: &[Saved]) -> Outcome<Vec<DocHandle>> {
    let mut handles = Vec::with_capacity(saved.len());
    for one in saved {
        let found = repo.find(id(one)?).await.map_err(|_| "open a document in samod")?;
        handles.push(found.ok_or("find a document in samod")?);
    }
    Ok(handles)
}

fn id(saved: &Saved) -> Outcome<DocumentId> {
    Ok(DocumentId::try_from(saved.id.as_bytes().to_vec())?)
}

struct Counter {
    messages: usize,
    bytes: u64,
    last: Instant,
}

/// A panic elsewhere ends the run anyway.
fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

struct MemoryDialer {
    url: Url,
    acceptor: AcceptorHandle,
    counter: Arc<Mutex<Counter>>,
}

type Connecting = Pin<Box<dyn Future<Output = Result<Transport, DialError<Infallible>>> + Send>>;

impl Dialer for MemoryDialer {
    type Error = Infallible;

    fn url(&self) -> Url {
        self.url.clone()
    }

    fn connect(&self) -> Connecting {
        let (to_right, at_right) = unbounded();
        let (to_left, at_left) = unbounded();
        let accepted = Transport::new(counted(at_right, &self.counter), to_left);
        let dialled = Transport::new(counted(at_left, &self.counter), to_right);
        let acceptor = self.acceptor.clone();
        Box::pin(async move {
            acceptor.accept(accepted).map_err(DialError::transient)?;
            Ok(dialled)
        })
    }
}

fn counted(
    receiver: UnboundedReceiver<Vec<u8>>,
    counter: &Arc<Mutex<Counter>>,
) -> impl futures::Stream<Item = Result<Vec<u8>, Infallible>> + Send + Unpin + 'static {
    let counter = Arc::clone(counter);
    receiver.map(move |message| {
        let mut counter = lock(&counter);
        counter.messages += 1;
        counter.bytes += message.len() as u64;
        counter.last = Instant::now();
        Ok(message)
    })
}

/// A storage whose ranges are found by order. The one that samod brings looks through everything for each document,
/// which would count against it.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Held>>);

/// In the order of the keys as text.
type Held = BTreeMap<String, (StorageKey, Vec<u8>)>;

impl Storage for Memory {
    async fn load(&self, key: StorageKey) -> Option<Vec<u8>> {
        lock(&self.0).get(&key.to_string()).map(|(_, data)| data.clone())
    }

    async fn load_range(&self, prefix: StorageKey) -> HashMap<StorageKey, Vec<u8>> {
        let start = prefix.to_string();
        let held = lock(&self.0);
        let within = held.range(start.clone()..).take_while(|(key, _)| key.starts_with(&start));
        let whole = within.filter(|(_, (key, _))| prefix.is_prefix_of(key));
        whole.map(|(_, (key, data))| (key.clone(), data.clone())).collect()
    }

    async fn put(&self, key: StorageKey, data: Vec<u8>) {
        lock(&self.0).insert(key.to_string(), (key, data));
    }

    async fn delete(&self, key: StorageKey) {
        lock(&self.0).remove(&key.to_string());
    }
}
