//! Relays from any thread: one task drives their state machine, and one moves the bytes of each connection.

use std::collections::BTreeMap;
use std::time::Duration;

use firsthand_ids::UnixMillis;
use firsthand_team::TeamRelay;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use super::driver;
use super::node::Node;
use super::stopwatch::Stopwatch;
use super::websocket::{self, Happened};
use super::worker::Worker;
use crate::meeting::Input as MeetingInput;
use crate::relay::{Answer, Attachments, Effect, Input, LinkId, Question, Queue, RelayState, RelayView};
use crate::{NodeError, RelayAnswering, RelayDone, RelayWork, SystemRandom};

/// Inputs that may queue before whoever brings them waits.
const QUEUE: usize = 64;
/// How much of a budget is kept for saying goodbye.
const GOODBYE: Duration = Duration::from_millis(1500);

/// What the task is told.
pub(super) enum Message {
    Input(Input),
    Views(oneshot::Sender<Vec<RelayView>>),
    End,
}

/// How the task stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Nothing is left to do for now.
    pub(super) quiet: bool,
    /// Every connection is closed.
    pub(super) over: bool,
}

/// A node's way to the task.
#[derive(Clone)]
pub(super) struct Relaying {
    inbox: mpsc::Sender<Message>,
    state: watch::Receiver<State>,
}

/// The team's relays, and what has not reached any of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelaysView {
    /// Each relay of the team.
    pub relays: Vec<RelayView>,
    /// What has not reached any of them, as far as this device knows.
    pub queue: Queue,
}

/// Starts the task; it attaches to nothing before it is told.
pub(super) fn start(worker: Worker, meetings: mpsc::Sender<driver::Message>) -> Relaying {
    let (inbox, queue) = mpsc::channel(QUEUE);
    let (told, state) = watch::channel(State { over: true, quiet: true });
    let task = Task {
        attachments: Attachments::new(),
        worker,
        meetings: meetings.downgrade(),
        inbox: inbox.downgrade(),
        links: BTreeMap::new(),
        random: SystemRandom::default(),
        clock: Stopwatch::start(),
        told,
    };
    tokio::spawn(task.run(queue));
    Relaying { inbox, state }
}

struct Task {
    attachments: Attachments,
    worker: Worker,
    meetings: mpsc::WeakSender<driver::Message>,
    inbox: mpsc::WeakSender<Message>,
    /// What is to be sent on each connection. Dropped, the connection is closed once everything was sent.
    links: BTreeMap<LinkId, mpsc::UnboundedSender<Vec<u8>>>,
    random: SystemRandom,
    clock: Stopwatch,
    told: watch::Sender<State>,
}

impl Task {
    async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let saved = self.worker.saved();
        loop {
            let wake = self.clock.shows(self.attachments.deadline());
            tokio::select! {
                message = queue.recv() => match message {
                    Some(Message::Input(input)) => self.handle(input),
                    Some(Message::Views(to)) => drop(to.send(self.attachments.views(self.now()))),
                    Some(Message::End) | None => return,
                },
                () = wake => self.handle(Input::Tick),
                () = saved.notified() => self.handle(Input::Changed),
            }
        }
    }

    /// Time for timeouts is monotonic.
    fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    fn handle(&mut self, input: Input) {
        let now = self.now();
        for effect in self.attachments.handle(&mut self.random, now, input) {
            match effect {
                Effect::Dial(id, address) => {
                    let (outbox, queue) = mpsc::unbounded_channel();
                    self.links.insert(id, outbox);
                    let inbox = self.inbox.clone();
                    tokio::spawn(websocket::run(id, address, queue, async move |id, happened| {
                        let input = match happened {
                            Happened::Opened => Input::Opened(id),
                            Happened::Bytes(bytes) => Input::Bytes(id, bytes),
                            Happened::Heard => Input::Heard(id),
                            Happened::Closed => Input::Closed(id),
                        };
                        match inbox.upgrade() {
                            Some(inbox) => inbox.send(Message::Input(input)).await.is_ok(),
                            None => false,
                        }
                    }));
                }
                Effect::Send(id, bytes) => {
                    if let Some(outbox) = self.links.get(&id) {
                        // One that has gone reports itself closed.
                        drop(outbox.send(bytes));
                    }
                }
                Effect::Close(id) => drop(self.links.remove(&id)),
                Effect::Ask(id, question) => {
                    ask(self.worker.clone(), Handle::current(), self.inbox.clone(), id, question);
                }
                Effect::Changed(change) => {
                    if let Some(meetings) = self.meetings.upgrade() {
                        let message = driver::Message::Input(MeetingInput::Changed(change));
                        tokio::spawn(async move { drop(meetings.send(message).await) });
                    }
                }
            }
        }
        let quiet = self.attachments.is_quiet(now);
        let over = self.attachments.is_over();
        self.told.send_modify(|state| *state = State { quiet, over });
    }
}

/// Has the ledger answer, as soon as everything that was asked before is done.
fn ask(
    worker: Worker,
    runtime: Handle,
    inbox: mpsc::WeakSender<Message>,
    id: Option<LinkId>,
    question: Question,
) {
    worker.clone().send(move |ledger, shop| {
        match ledger.begin_answer_relay(question, shop.environment.clock.now(), &mut shop.random) {
            RelayAnswering::Now(answer) => {
                if let Some(answer) = answer {
                    say(&inbox, id, answer);
                }
            }
            RelayAnswering::After(work) => drop(runtime.spawn(finish(work, id, worker, inbox))),
        }
    });
}

/// Hands the task an answer.
fn say(inbox: &mpsc::WeakSender<Message>, id: Option<LinkId>, answer: Answer) {
    if let Some(inbox) = inbox.upgrade() {
        drop(inbox.blocking_send(Message::Input(Input::Answer(id, Box::new(answer)))));
    }
}

/// Does long work on a file beside the ledger's thread, and has the ledger answer.
async fn finish(work: RelayWork, id: Option<LinkId>, worker: Worker, inbox: mpsc::WeakSender<Message>) {
    let lost = work.named();
    let done = tokio::task::spawn_blocking(|| work.run()).await;
    let done = done.unwrap_or_else(|_| RelayDone::lost(lost));
    worker.send(move |ledger, _| say(&inbox, id, ledger.relay_work_done(done)));
}

impl Relaying {
    async fn tell(&self, input: Input) {
        drop(self.inbox.send(Message::Input(input)).await);
    }

    async fn views(&self) -> Vec<RelayView> {
        let (to, views) = oneshot::channel();
        if self.inbox.send(Message::Views(to)).await.is_err() {
            return Vec::new();
        }
        views.await.unwrap_or_default()
    }

    /// Waits until `is` holds.
    async fn until(&self, is: impl FnMut(&State) -> bool) {
        // An error says that the task has ended.
        drop(self.state.clone().wait_for(is).await);
    }

    /// Says goodbye everywhere, and waits until everything that was brought is kept.
    pub(super) async fn stop(&self) {
        self.tell(Input::Stop).await;
        self.views().await;
        self.until(|state| state.over).await;
    }

    /// The same, for good.
    pub(super) async fn end(&self) {
        self.stop().await;
        drop(self.inbox.send(Message::End).await);
    }
}

impl Node {
    /// Adds a relay to the team's, or says anew where it is.
    ///
    /// # Errors
    /// [`NodeError::Team`] where this person may not, or the address is none.
    pub async fn add_relay(&self, relay: TeamRelay) -> Result<(), NodeError> {
        self.write(move |ledger, shop| ledger.add_relay(relay, &mut shop.random)).await
    }

    /// Drops a relay of the team's, by the beginning of its key or by its address.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::Ambiguous`]; [`NodeError::Team`] where this person may not.
    pub async fn drop_relay(&self, which: String) -> Result<TeamRelay, NodeError> {
        self.write(move |ledger, _| {
            let typed = which.to_ascii_lowercase();
            let fits = |it: &&TeamRelay| it.address == which || it.key.to_string().starts_with(&typed);
            let found: Vec<TeamRelay> = ledger.relays().iter().filter(fits).cloned().collect();
            match found.as_slice() {
                [] => Err(NodeError::NotFound(which)),
                [relay] => {
                    ledger.drop_relay(relay.key)?;
                    Ok(relay.clone())
                }
                several => {
                    let candidates = several.iter().map(|it| it.key.short()).collect();
                    Err(NodeError::Ambiguous { typed: which, candidates })
                }
            }
        })
        .await
    }

    /// Attaches to the team's relays until [`Node::detach_relays`]: what is saved here goes there at once, and what others bring comes
    /// from there.
    pub async fn attach_relays(&self) {
        self.relaying().tell(Input::Start).await;
    }

    /// Tries at once what would be tried later: the network has come back, or a person asks.
    pub async fn hurry(&self) {
        self.relaying().tell(Input::Hurry).await;
    }

    /// Says goodbye to all relays. Returns once everything they brought is kept.
    pub async fn detach_relays(&self) {
        self.relaying().stop().await;
    }

    /// Waits until nothing is left to exchange with any relay that can be reached.
    pub async fn relays_quiet(&self) {
        let relaying = self.relaying();
        relaying.tell(Input::Changed).await;
        // The answer comes once what is saved already has been heard of.
        relaying.views().await;
        relaying.until(|state| state.quiet).await;
    }

    /// The team's relays, how this device and each stand, and what has not reached any of them.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn relays(&self) -> Result<RelaysView, NodeError> {
        let live = self.relaying().views().await;
        let (team, queue) = self
            .run(|ledger, shop| Ok((ledger.relays().to_vec(), ledger.relay_queue(&mut shop.random)?)))
            .await?;
        let view = |relay: TeamRelay| {
            let live = live.iter().find(|it| it.key == relay.key).cloned();
            live.unwrap_or(RelayView {
                address: relay.address,
                key: relay.key,
                state: RelayState::Idle,
                trouble: None,
                open: 0,
                snapshot: None,
            })
        };
        Ok(RelaysView { relays: team.into_iter().map(view).collect(), queue })
    }

    /// For a shell that is given a little time in the background: reaches all relays, exchanges what it can, says goodbye and
    /// returns before `budget` is over, earlier where nothing is left to do. What was not finished is whole on either side or not
    /// there at all, and follows next time.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn background(&self, budget: Duration) -> Result<RelaysView, NodeError> {
        let goodbye = GOODBYE.min(budget / 4);
        let relaying = self.relaying();
        relaying.tell(Input::Start).await;
        relaying.tell(Input::Hurry).await;
        drop(tokio::time::timeout(budget.saturating_sub(goodbye), self.relays_quiet()).await);
        let view = self.relays().await;
        drop(tokio::time::timeout(goodbye, relaying.stop()).await);
        view
    }
}
