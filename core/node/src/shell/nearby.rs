//! Meeting whoever is near: dials what [`Finder`] says, and keeps where members were reached.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use firsthand_ids::UnixMillis;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};

use super::driver::{Driving, Message};
use super::node::{Inner, Node, lock};
use super::stopwatch::Stopwatch;
use super::wire::Wire;
use crate::meeting::Opened;
use crate::nearby::{Dial, Finder, FoundView, RunName, Sighting, Target};
use crate::{LinkId, NodeError};

/// Sightings that may wait. More are dropped: whoever is really there is seen again.
const QUEUE: usize = 256;
/// How long one address may take to answer. All are on the same network.
const CONNECT: Duration = Duration::from_secs(5);

/// A node that looks for others. It ends with its last clone, and the node goes on.
#[derive(Clone)]
pub struct Nearby {
    inbox: mpsc::Sender<Sighting>,
    run: RunName,
    found: watch::Receiver<Vec<FoundView>>,
}

impl Nearby {
    /// The name under which a shell announces this device; another one at each start.
    #[must_use]
    pub const fn name(&self) -> RunName {
        self.run
    }

    /// Something was seen; false where nobody looks any more. Where very much is seen at once some of it is passed over.
    pub fn saw(&self, sighting: Sighting) -> bool {
        !matches!(self.inbox.try_send(sighting), Err(mpsc::error::TrySendError::Closed(_)))
    }

    /// Everybody who was found, members or not, now and whenever that changes.
    #[must_use]
    pub fn found(&self) -> watch::Receiver<Vec<FoundView>> {
        self.found.clone()
    }
}

impl Node {
    /// Begins to meet everybody who is seen, and stays with them: what either side enters goes to the other at once. Where devices
    /// were reached before is tried too, as far as `near` says that an address is on a network of this machine.
    ///
    /// # Errors
    /// [`NodeError::Closed`].
    pub async fn look_around(
        &self,
        near: impl Fn(&SocketAddr) -> bool + Send + 'static,
    ) -> Result<Nearby, NodeError> {
        let known = self.run(|ledger, _| Ok(ledger.peers())).await?;
        let (inbox, queue) = mpsc::channel(QUEUE);
        let (told, found) = watch::channel(Vec::new());
        let driving = self.inner.driving.clone();
        let run = driving.run;
        let mut task = Task {
            finder: Finder::new(run),
            node: std::sync::Arc::downgrade(&self.inner),
            driving,
            via: BTreeMap::new(),
            kept: BTreeSet::new(),
            told,
            clock: Stopwatch::start(),
        };
        let now = task.now();
        for address in known.into_values().flat_map(|it| it.addresses).filter(|address| near(address)) {
            task.finder.saw(now, Sighting::Perhaps { address });
        }
        lock(&self.inner.tasks).push(tokio::spawn(task.run(queue)));
        Ok(Nearby { inbox, run, found })
    }

    /// Meets a member over any stream of bytes that a shell has opened, such as one of Bluetooth, and stays.
    ///
    /// # Errors
    /// [`NodeError::Closed`].
    pub async fn meet_over(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
        opened: Opened,
    ) -> Result<LinkId, NodeError> {
        self.carry(Wire::stream(stream), opened).await
    }

    /// The same over messages that arrive whole and in order, such as those of Nearby Connections and Multipeer. Messages to send
    /// are at most 16 KiB long; of those received the length is of no account.
    ///
    /// # Errors
    /// [`NodeError::Closed`].
    pub async fn meet_over_messages(
        &self,
        incoming: mpsc::Receiver<Vec<u8>>,
        outgoing: mpsc::Sender<Vec<u8>>,
        opened: Opened,
    ) -> Result<LinkId, NodeError> {
        self.carry(Wire::messages(incoming, outgoing), opened).await
    }

    async fn carry(&self, wire: Wire, opened: Opened) -> Result<LinkId, NodeError> {
        let id = self.inner.next_link.fetch_add(1, Ordering::Relaxed);
        let message = Message::Stream(id, opened, wire);
        self.inner.driving.inbox.send(message).await.map_err(|_| NodeError::Closed)?;
        Ok(id)
    }
}

/// What a dial came to: the connection, and where somebody answered.
type Dialled = (Target, Option<(TcpStream, SocketAddr)>);

struct Task {
    finder: Finder,
    node: Weak<Inner>,
    driving: Driving,
    /// Where each link that was dialled here leads.
    via: BTreeMap<LinkId, SocketAddr>,
    /// Links whose addresses were kept.
    kept: BTreeSet<LinkId>,
    told: watch::Sender<Vec<FoundView>>,
    clock: Stopwatch,
}

impl Task {
    /// Time for retries is monotonic.
    fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    async fn run(mut self, mut queue: mpsc::Receiver<Sighting>) {
        let (tell, mut dialled) = mpsc::channel::<Dialled>(1);
        let mut changes = self.driving.changes.clone();
        self.look().await;
        loop {
            let now = self.now();
            for dial in self.finder.dials(now) {
                let tell = tell.clone();
                tokio::spawn(async move { drop(tell.send(connect(dial).await).await) });
            }
            let found = self.finder.found();
            self.told.send_if_modified(|told| {
                let changed = *told != found;
                *told = found;
                changed
            });
            let wake = self.clock.shows(self.finder.deadline());
            tokio::select! {
                seen = queue.recv() => match seen {
                    Some(sighting) => self.finder.saw(now, sighting),
                    None => return,
                },
                result = dialled.recv() => {
                    let Some((target, connected)) = result else { return };
                    let link = match connected {
                        Some((stream, address)) => self.open(stream, address).await,
                        None => None,
                    };
                    self.finder.dialled(now, &target, link);
                    self.look().await;
                }
                changed = changes.changed() => match changed {
                    Ok(()) => self.look().await,
                    Err(_) => return,
                },
                () = wake => {}
            }
        }
    }

    async fn open(&mut self, stream: TcpStream, address: SocketAddr) -> Option<LinkId> {
        let id = self.node.upgrade()?.next_link.fetch_add(1, Ordering::Relaxed);
        let message = Message::Stream(id, Opened::Dialled { once: false }, Wire::tcp(stream));
        self.driving.inbox.send(message).await.ok()?;
        self.via.insert(id, address);
        Some(id)
    }

    /// Looks who is connected, and keeps where they were reached.
    async fn look(&mut self) {
        let (answer, runs) = oneshot::channel();
        drop(self.driving.inbox.send(Message::Runs(answer)).await);
        let Ok(links) = runs.await else { return };
        self.finder.connected(self.now(), &links);
        self.via.retain(|link, _| links.contains_key(link));
        self.kept.retain(|link| links.contains_key(link));
        let new: Vec<_> = links
            .iter()
            .filter_map(|(link, run)| Some((*link, (*run)?)))
            .filter(|(link, _)| !self.kept.contains(link))
            .collect();
        if new.is_empty() {
            return;
        }
        let (answer, peers) = oneshot::channel();
        drop(self.driving.inbox.send(Message::Peers(answer)).await);
        let peers = peers.await.unwrap_or_default();
        let Some(node) = self.node.upgrade().map(|inner| Node { inner }) else { return };
        for (link, run) in new {
            let Some(peer) = peers.iter().find(|peer| peer.link == link) else { continue };
            self.kept.insert(link);
            let mut addresses: Vec<_> = self.via.get(&link).copied().into_iter().collect();
            addresses.extend(self.finder.addresses_of(&run));
            let device = peer.key;
            let kept = node.run(move |ledger, _| ledger.keep_addresses(device, &addresses)).await;
            if let Err(error) = kept {
                tracing::warn!(%error, "where a device was reached was not kept");
            }
        }
    }
}

/// Connects to the first address that answers.
async fn connect(dial: Dial) -> Dialled {
    for address in dial.addresses {
        if let Ok(Ok(stream)) = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
            return (dial.target, Some((stream, address)));
        }
    }
    (dial.target, None)
}
