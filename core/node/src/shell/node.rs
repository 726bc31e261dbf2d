use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use firsthand_document::Edit;
use firsthand_ids::{DocumentId, ExchangeKey};
use firsthand_record::Incident;
use firsthand_store::{Home, IncidentQuery, IncidentRow, Unlock};
use firsthand_team::{Invitation, Role, exchange_key_hash};
use rand_core::Rng;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, oneshot};
use tokio::task::JoinHandle as Task;
use zeroize::Zeroizing;

use super::PeerView;
use super::driver::{self, Driving, Message};
use super::join::{Joining, connect};
use super::relays::{self, Relaying};
use super::watch;
use super::wire::Wire;
use super::worker::{self, Worker, Workshop};
use crate::meeting::{Input, InviteOptions, Invited, Opened};
use crate::{
    CheckView, ConflictView, Environment, Event, ExpectedView, HistoryView, ImportReport, ImportRow,
    IncidentView, Ledger, LinkId, NodeError, OnlyHere, Opening, QuarantineView, RecoveryKeys, RecoveryView,
    RepairView, Resolved, Saved, StateDigest, Summary, SystemRandom, TeamView,
};

/// Hears how far a long job is: done, of how many. Answering `false` stops it where it can stop cleanly.
pub type Progress = Arc<dyn Fn(u64, u64) -> bool + Send + Sync>;

/// A passphrase. Wiped from memory when dropped.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Wraps what a person typed.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Events an observer may be behind by before it is told that it missed some.
const EVENTS: usize = 4096;

/// A device of a team, open. Cheap to clone; all clones are the same device.
#[derive(Clone)]
pub struct Node {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    worker: Mutex<Option<Worker>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    pub(super) driving: Driving,
    relaying: Relaying,
    events: broadcast::Sender<Event>,
    pub(super) next_link: AtomicU64,
    /// Tasks that go on by themselves until shutdown.
    pub(super) tasks: Mutex<Vec<Task<()>>>,
    environment: Environment,
    exchange: ExchangeKey,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A listening task waits for the next connection, and would keep the port until then.
        for task in lock(&self.tasks).drain(..) {
            task.abort();
        }
    }
}

impl Node {
    /// Founds a team in a new home.
    ///
    /// # Errors
    /// [`NodeError::Store`] where there is a home already, [`NodeError::Team`] for a name that cannot be used.
    pub async fn create_team(
        dir: &Path,
        passphrase: Passphrase,
        team: &str,
        name: &str,
        environment: Environment,
    ) -> Result<Self, NodeError> {
        let (dir, team, name) = (dir.to_owned(), team.to_owned(), name.to_owned());
        Self::start(environment, move |workshop| {
            let opening = Opening {
                home: Home::create(dir)?,
                unlock: Unlock::Passphrase(passphrase.as_str()),
                vault: workshop.environment.vault.as_ref(),
                slot: workshop.environment.slot,
            };
            Ledger::create_team(opening, &team, &name, &mut workshop.random)
        })
        .await
    }

    /// Founds a team in a new home, with keys by which it can be recovered when its last lead is lost. Gives the code of each key; they
    /// are kept nowhere.
    ///
    /// # Errors
    /// As [`Node::create_team`]; [`NodeError::Team`] for more keys than nine, none, or fewer than are needed.
    pub async fn create_team_with_recovery(
        dir: &Path,
        passphrase: Passphrase,
        team: &str,
        name: &str,
        recovery: RecoveryKeys,
        environment: Environment,
    ) -> Result<(Self, Vec<Zeroizing<String>>), NodeError> {
        let (dir, team, name) = (dir.to_owned(), team.to_owned(), name.to_owned());
        let (done, codes) = oneshot::channel();
        let node = Self::start(environment, move |workshop| {
            let opening = Opening {
                home: Home::create(dir)?,
                unlock: Unlock::Passphrase(passphrase.as_str()),
                vault: workshop.environment.vault.as_ref(),
                slot: workshop.environment.slot,
            };
            let random = &mut workshop.random;
            let (ledger, codes) = Ledger::create_team_with_recovery(opening, &team, &name, recovery, random)?;
            drop(done.send(codes));
            Ok(ledger)
        })
        .await?;
        Ok((node, codes.await.map_err(|_| NodeError::Closed)?))
    }

    /// Opens a home.
    ///
    /// # Errors
    /// [`NodeError::Store`]: no home, in use, wrong passphrase, damaged.
    pub async fn open(
        dir: &Path,
        passphrase: Passphrase,
        environment: Environment,
    ) -> Result<Self, NodeError> {
        let dir = dir.to_owned();
        Self::start(environment, move |workshop| worker::open(dir, &passphrase, &workshop.environment)).await
    }

    /// Opens a home and repairs what is damaged in it. A home that is sound is not touched, and nothing is ever deleted.
    ///
    /// # Errors
    /// As [`Node::open`]; [`NodeError::Beyond`] where nothing can be repaired.
    pub async fn repair(
        dir: &Path,
        passphrase: Passphrase,
        environment: Environment,
        progress: Progress,
    ) -> Result<(Self, RepairView), NodeError> {
        let dir = dir.to_owned();
        let (done, view) = oneshot::channel();
        let node = Self::start(environment, move |workshop| {
            let opening = Opening {
                home: Home::open_damaged(dir)?,
                unlock: Unlock::Passphrase(passphrase.as_str()),
                vault: workshop.environment.vault.as_ref(),
                slot: workshop.environment.slot,
            };
            let now = workshop.environment.clock.now();
            let (ledger, view) = Ledger::repair(opening, now, &mut |at, of| progress(at, of))?;
            drop(done.send(view));
            Ok(ledger)
        })
        .await?;
        Ok((node, view.await.map_err(|_| NodeError::Closed)?))
    }

    /// Reaches the inviter of a code. The home is made only once both people have compared the words.
    ///
    /// # Errors
    /// [`NodeError::Team`] for a code or name that cannot be used, [`NodeError::NoPeer`], [`NodeError::Meeting`].
    pub async fn join(
        dir: &Path,
        passphrase: Passphrase,
        code: &str,
        name: &str,
        environment: Environment,
    ) -> Result<Joining, NodeError> {
        Joining::start(dir.to_owned(), passphrase, code, name, environment).await
    }

    pub(super) async fn start(
        environment: Environment,
        open: impl FnOnce(&mut Workshop) -> Result<Ledger, NodeError> + Send + 'static,
    ) -> Result<Self, NodeError> {
        let (worker, thread) = Worker::start(environment.clone(), open).await?;
        let identity = worker.run(|ledger, _| Ok(ledger.identity())).await?;
        let exchange = identity.exchange.public()?;
        let (events, _) = broadcast::channel(EVENTS);
        let driving = driver::start(identity, worker.clone(), events.clone());
        let relaying = relays::start(worker.clone(), driving.inbox.clone());
        let watching = watch::start(worker.clone(), events.clone());
        let inner = Inner {
            worker: Mutex::new(Some(worker)),
            thread: Mutex::new(Some(thread)),
            driving,
            relaying,
            events,
            next_link: AtomicU64::new(1),
            tasks: Mutex::new(vec![watching]),
            environment,
            exchange,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Ends all meetings, closes the store and wipes the keys. Everything saved stays saved.
    ///
    /// # Errors
    /// [`NodeError::Closed`] where another clone did it already.
    pub async fn shutdown(&self) -> Result<(), NodeError> {
        for task in lock(&self.inner.tasks).drain(..) {
            task.abort();
        }
        self.inner.relaying.end().await;
        let (done, stopped) = oneshot::channel();
        if self.inner.driving.inbox.send(Message::Stop(done)).await.is_ok() {
            drop(stopped.await);
        }
        let worker = lock(&self.inner.worker).take().ok_or(NodeError::Closed)?;
        drop(worker);
        let thread = lock(&self.inner.thread).take();
        if let Some(thread) = thread {
            drop(tokio::task::spawn_blocking(move || thread.join()).await);
        }
        Ok(())
    }

    pub(super) fn relaying(&self) -> Relaying {
        self.inner.relaying.clone()
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Ledger, &mut Workshop) -> Result<T, NodeError> + Send + 'static,
    ) -> Result<T, NodeError> {
        let worker = lock(&self.inner.worker).clone().ok_or(NodeError::Closed)?;
        worker.run(job).await
    }

    /// Runs a job that writes, and tells open meetings what changed.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Ledger, &mut Workshop) -> Result<T, NodeError> + Send + 'static,
    ) -> Result<T, NodeError> {
        let driver = self.inner.driving.inbox.clone();
        self.run(move |ledger, workshop| {
            let result = job(ledger, workshop)?;
            let change = ledger.change();
            drop(driver.blocking_send(Message::Input(Input::Changed(change))));
            Ok(result)
        })
        .await
    }

    pub(super) async fn tell(&self, input: Input) {
        drop(self.inner.driving.inbox.send(Message::Input(input)).await);
    }

    /// The team and how much is here.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn team(&self) -> Result<TeamView, NodeError> {
        self.run(|ledger, _| ledger.team()).await
    }

    /// What is kept and not shown: entries in quarantine, what builds on them, and what waits.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn quarantine(&self) -> Result<QuarantineView, NodeError> {
        self.run(|ledger, _| ledger.quarantine()).await
    }

    /// What this device has lost and asks its peers for.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn recovery(&self) -> Result<RecoveryView, NodeError> {
        self.run(|ledger, _| ledger.recovery()).await
    }

    /// Invites one person: gives the code and lets whoever has it join once, at a listening address
    /// ([`Node::listen`]). [`Event::Words`], then [`Event::Joined`] or [`Event::Ended`] follow.
    ///
    /// # Errors
    /// [`NodeError::Team`] where this person may not invite.
    pub async fn invite(&self, role: Role, addresses: Vec<String>) -> Result<String, NodeError> {
        let may = |ledger: &Ledger| ledger.rights().add;
        self.invited(Invited::Person(role), addresses, may).await
    }

    /// Invites a further device of this device's person: gives the code and lets that device ask once, at a listening address.
    /// [`Event::Words`] follows, then [`Event::Joined`] where this person may add devices, or [`Event::Proposed`] where a lead
    /// has to: [`Event::Joined`] follows as soon as this device hears that one did.
    ///
    /// # Errors
    /// [`NodeError::Team`] where this device does not belong to the team.
    pub async fn invite_device(&self, addresses: Vec<String>) -> Result<String, NodeError> {
        self.invited(Invited::Device, addresses, Ledger::is_admitted).await
    }

    async fn invited(
        &self,
        invited: Invited,
        addresses: Vec<String>,
        may: impl FnOnce(&Ledger) -> bool + Send + 'static,
    ) -> Result<String, NodeError> {
        let whose = self.run(move |ledger, _| {
            if may(ledger) {
                Ok((ledger.identity().team, ledger.me()))
            } else {
                Err(ledger.may_not_change_team())
            }
        });
        let (team, person) = whose.await?;
        let device_of = (invited == Invited::Device).then_some(person);
        let mut secret = [0; 16];
        SystemRandom::default().fill_bytes(&mut secret);
        self.tell(Input::Invite(InviteOptions { invited, secret })).await;
        let inviter = exchange_key_hash(&self.inner.exchange);
        Ok(Invitation { team, inviter, secret, device_of, addresses }.to_code())
    }

    /// Takes an invitation back that nobody has used.
    pub async fn uninvite(&self) {
        self.tell(Input::Uninvite).await;
    }

    /// The person says whether the words of [`Event::Words`] are the same on both screens.
    pub async fn compared(&self, link: LinkId, same: bool) {
        self.tell(Input::Compared(link, same)).await;
    }

    /// Listens until shutdown and gives the address, whose port the system chose where 0 was asked for. With `once`
    /// each meeting ends when nothing is left to exchange.
    ///
    /// # Errors
    /// [`NodeError::File`] where the address cannot be used.
    pub async fn listen(&self, address: SocketAddr, once: bool) -> Result<SocketAddr, NodeError> {
        let listener = TcpListener::bind(address).await?;
        let bound = listener.local_addr()?;
        // The task must not keep the node alive.
        let node = Arc::downgrade(&self.inner);
        let task = tokio::spawn(async move {
            loop {
                let accepted = listener.accept().await;
                let Some(inner) = node.upgrade() else { return };
                match accepted {
                    Ok((stream, _)) => {
                        let id = inner.next_link.fetch_add(1, Ordering::Relaxed);
                        let opened = Opened::Accepted { once };
                        drop(inner.driving.inbox.send(Message::Stream(id, opened, Wire::tcp(stream))).await);
                    }
                    // Out of file handles, or the peer had gone: the next one may do better.
                    Err(error) => tracing::debug!(%error, "could not accept a connection"),
                }
            }
        });
        lock(&self.inner.tasks).push(task);
        Ok(bound)
    }

    /// Dials a member. Events tell how the meeting goes.
    ///
    /// # Errors
    /// [`NodeError::NoPeer`] where nobody answers.
    pub async fn meet(&self, address: &str, once: bool) -> Result<LinkId, NodeError> {
        let (stream, _) = connect(&[address.to_owned()]).await?;
        let id = self.inner.next_link.fetch_add(1, Ordering::Relaxed);
        let message = Message::Stream(id, Opened::Dialled { once }, Wire::tcp(stream));
        self.inner.driving.inbox.send(message).await.map_err(|_| NodeError::Closed)?;
        Ok(id)
    }

    /// Dials a member, exchanges everything, and ends.
    ///
    /// # Errors
    /// [`NodeError::NoPeer`], or [`NodeError::Meeting`] with the reason.
    pub async fn meet_once(&self, address: &str) -> Result<Summary, NodeError> {
        let mut events = self.events();
        let link = self.meet(address, true).await?;
        loop {
            match events.recv().await {
                Ok(Event::Ended { link: ended, reason, summary }) if ended == link => {
                    return match reason {
                        crate::EndReason::Done => Ok(summary),
                        reason => Err(NodeError::Meeting(reason)),
                    };
                }
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return Err(NodeError::Closed),
            }
        }
    }

    /// Ends a meeting.
    pub async fn end(&self, link: LinkId) {
        self.tell(Input::End(link)).await;
    }

    /// What happens from now on. The first observer is told at once who is overdue, and which alarms stand.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        let events = self.inner.events.subscribe();
        if let Some(worker) = lock(&self.inner.worker).as_ref() {
            worker.heard().notify_one();
        }
        events
    }

    /// How this device stands with everybody it is connected to.
    pub async fn peers(&self) -> Vec<PeerView> {
        let (answer, peers) = oneshot::channel();
        drop(self.inner.driving.inbox.send(Message::Peers(answer)).await);
        peers.await.unwrap_or_default()
    }

    /// Saves a new incident. When this returns, it is on the disk.
    ///
    /// # Errors
    /// [`NodeError::Rejected`] with every field to put right.
    pub async fn add_incident(&self, incident: Incident) -> Result<Saved, NodeError> {
        self.write(|ledger, shop| {
            ledger.add_incident(incident, shop.environment.clock.now(), &mut shop.random)
        })
        .await
    }

    /// Saves an edit of a record of any kind.
    ///
    /// # Errors
    /// [`NodeError::Rejected`], [`NodeError::Document`], [`NodeError::NotFound`].
    pub async fn edit(&self, id: DocumentId, edits: Vec<Edit>) -> Result<Saved, NodeError> {
        self.write(move |ledger, shop| {
            ledger.edit(id, &edits, shop.environment.clock.now(), &mut shop.random)
        })
        .await
    }

    /// A page of the list of incidents.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn incidents(&self, query: IncidentQuery) -> Result<Vec<IncidentRow>, NodeError> {
        self.run(move |ledger, _| {
            // A list by words must not miss what was just saved.
            while !query.text.is_empty() && ledger.index_text()? {}
            ledger.incidents(&query)
        })
        .await
    }

    /// The incidents of which something stands beyond a fork: a device signed two histories.
    ///
    /// # Errors
    /// From the store.
    pub async fn disputed(&self) -> Result<BTreeSet<DocumentId>, NodeError> {
        self.run(|ledger, _| ledger.disputed()).await
    }

    /// The incidents of which something is on this device only, as far as it knows, and how much.
    ///
    /// # Errors
    /// From the store.
    pub async fn only_here(&self) -> Result<BTreeMap<DocumentId, OnlyHere>, NodeError> {
        self.run(|ledger, _| ledger.only_here()).await
    }

    /// Incidents that are on their way here, as others tell, open ones first, newest first among those.
    ///
    /// # Errors
    /// From the store.
    pub async fn expected(&self, limit: usize) -> Result<Vec<ExpectedView>, NodeError> {
        self.run(move |ledger, _| ledger.expected(limit)).await
    }

    /// The incident that a person means by a short code or the beginning of an id.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::Ambiguous`].
    pub async fn find(&self, typed: &str) -> Result<DocumentId, NodeError> {
        let typed = typed.to_owned();
        self.run(move |ledger, _| ledger.find(&typed)).await
    }

    /// One incident with everything.
    ///
    /// # Errors
    /// [`NodeError::NotFound`].
    pub async fn incident(&self, id: DocumentId) -> Result<IncidentView, NodeError> {
        self.run(move |ledger, _| ledger.incident(id)).await
    }

    /// Who changed what, when, on which device, oldest first.
    ///
    /// # Errors
    /// [`NodeError::NotFound`].
    pub async fn history(&self, id: DocumentId) -> Result<Vec<HistoryView>, NodeError> {
        self.run(move |ledger, _| ledger.history(id)).await
    }

    /// Every conflict there is.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn conflicts(&self) -> Result<Vec<ConflictView>, NodeError> {
        self.run(|ledger, _| ledger.conflicts()).await
    }

    /// Picks a value where values conflict; a proposal where this person has not the right.
    ///
    /// # Errors
    /// [`NodeError::Document`] where the field is not in conflict.
    pub async fn resolve(
        &self,
        id: DocumentId,
        field: &str,
        value: serde_json::Value,
        note: &str,
    ) -> Result<Resolved, NodeError> {
        let (field, note) = (field.to_owned(), note.to_owned());
        self.write(move |ledger, shop| {
            let now = shop.environment.clock.now();
            ledger.resolve(id, &field, value, &note, now, &mut shop.random)
        })
        .await
    }

    /// The incidents in which every word is found, best first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn search(&self, text: &str, limit: usize) -> Result<Vec<IncidentRow>, NodeError> {
        let text = text.to_owned();
        self.run(move |ledger, _| ledger.search(&text, limit)).await
    }

    /// Saves rows of a file as incidents; with `dry_run` only says what would happen.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk; groups saved before stay saved.
    pub async fn import(
        &self,
        rows: Vec<ImportRow>,
        dry_run: bool,
        progress: Progress,
    ) -> Result<ImportReport, NodeError> {
        self.write(move |ledger, shop| {
            let now = shop.environment.clock.now();
            ledger.import(rows, dry_run, now, &mut shop.random, &mut |done, total| progress(done, total))
        })
        .await
    }

    /// The names of all files that were ever recorded with an incident, hidden ones too.
    ///
    /// # Errors
    /// From the store.
    pub async fn recorded_files(&self, incident: DocumentId) -> Result<BTreeSet<String>, NodeError> {
        self.run(move |ledger, _| ledger.recorded_files(&incident)).await
    }

    /// The column map that was kept for files with these columns. It stays on this device.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub async fn column_map(&self, fingerprint: &str) -> Result<Option<Vec<u8>>, NodeError> {
        let fingerprint = fingerprint.to_owned();
        self.run(move |ledger, _| ledger.column_map(&fingerprint)).await
    }

    /// Keeps a column map for files with these columns, in place of an earlier one.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk, and for a map of more than 1 MiB.
    pub async fn keep_column_map(&self, fingerprint: &str, map: Vec<u8>) -> Result<(), NodeError> {
        let fingerprint = fingerprint.to_owned();
        self.run(move |ledger, _| ledger.keep_column_map(&fingerprint, &map)).await
    }

    /// Checks everything that is here. Nothing is repaired.
    ///
    /// # Errors
    /// [`NodeError::Store`] where the store cannot be read at all.
    pub async fn check(&self, progress: Progress) -> Result<CheckView, NodeError> {
        self.run(move |ledger, _| ledger.check(&mut |done, total| progress(done, total))).await
    }

    /// What two devices compare to show that they hold the same.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn digest(&self) -> Result<StateDigest, NodeError> {
        self.run(|ledger, _| ledger.team_digest()).await
    }

    /// Replaces the passphrase.
    ///
    /// # Errors
    /// [`NodeError::Store`] where the old one is wrong.
    pub async fn change_passphrase(&self, old: Passphrase, new: Passphrase) -> Result<(), NodeError> {
        self.run(move |ledger, shop| {
            let (vault, slot) = (shop.environment.vault.clone(), shop.environment.slot);
            ledger.change_passphrase(old.as_str(), new.as_str(), vault.as_ref(), slot, &mut shop.random)
        })
        .await
    }

    /// What the node was given of its machine.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.inner.environment
    }
}

/// A lock whose holder panicked still guards sound data: every value here is replaced whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
