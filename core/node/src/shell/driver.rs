use std::collections::BTreeMap;
use std::time::Duration;

use firsthand_ids::UnixMillis;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::PeerView;
use super::stopwatch::Stopwatch;
use super::turns::Turns;
use super::wire::{Reader, Wire, Writer};
use super::worker::Worker;
use crate::SystemRandom;
use crate::meeting::{Effect, Event, Identity, Input, LinkId, Meetings, Opened};
use crate::nearby::{Door, Entry, RunName};

/// Inputs that may queue before whoever brings them waits: 64 pieces of 64 KiB are 4 MiB.
const QUEUE: usize = 64;
const PIECE: usize = 64 * 1024;
/// The most links at once: a team is dozens of phones, and each link costs a few hundred KiB.
pub(super) const MAX_LINKS: usize = 128;

/// What the driver is told.
pub(super) enum Message {
    Stream(LinkId, Opened, Wire),
    Input(Input),
    Peers(oneshot::Sender<Vec<PeerView>>),
    Runs(oneshot::Sender<BTreeMap<LinkId, Option<RunName>>>),
    Stop(oneshot::Sender<()>),
}

/// A node's way to the task that owns the meetings.
#[derive(Clone)]
pub(super) struct Driving {
    pub(super) inbox: mpsc::Sender<Message>,
    /// Counts what observers were told. Whoever looks only now and then sees how things stand then, however much happened meanwhile.
    pub(super) changes: watch::Receiver<u64>,
    /// What this run is called.
    pub(super) run: RunName,
}

/// Starts the task that owns the meetings.
pub(super) fn start(identity: Identity, worker: Worker, events: broadcast::Sender<Event>) -> Driving {
    let (inbox, receiver) = mpsc::channel(QUEUE);
    let (changed, changes) = watch::channel(0);
    let (mut meetings, mut random) = (Meetings::new(identity), SystemRandom::default());
    let run = meetings.run_name(&mut random);
    let driver = Driver {
        meetings,
        turns: Turns::new(worker, inbox.downgrade()),
        events,
        changed,
        inbox: inbox.downgrade(),
        links: BTreeMap::new(),
        door: Door::default(),
        random,
        clock: Stopwatch::start(),
    };
    tokio::spawn(driver.run(receiver));
    Driving { inbox, changes, run }
}

/// How long a stream is still read after this side closed it. Closing with unread bytes would reset the connection, and
/// the other side might lose the last frames sent to it.
const DRAIN: Duration = Duration::from_secs(5);

/// An open stream. Dropping it sends what is queued and closes.
struct Stream {
    outbox: mpsc::UnboundedSender<Outgoing>,
    _open: oneshot::Sender<()>,
}

/// What a stream's writer is told.
enum Outgoing {
    Bytes(Vec<u8>),
    /// Say when the stream has taken what came before.
    Mark,
}

struct Driver {
    meetings: Meetings,
    turns: Turns,
    events: broadcast::Sender<Event>,
    changed: watch::Sender<u64>,
    inbox: mpsc::WeakSender<Message>,
    links: BTreeMap<LinkId, Stream>,
    door: Door,
    random: SystemRandom,
    clock: Stopwatch,
}

impl Driver {
    async fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        loop {
            let wake = self.clock.shows(self.meetings.deadline());
            tokio::select! {
                message = inbox.recv() => match message {
                    Some(Message::Stream(id, opened, stream)) => self.open(id, opened, stream),
                    Some(Message::Input(input)) => self.handle(input),
                    Some(Message::Peers(answer)) => drop(answer.send(self.meetings.peers())),
                    Some(Message::Runs(answer)) => drop(answer.send(self.meetings.runs())),
                    Some(Message::Stop(done)) => {
                        for id in self.links.keys().copied().collect::<Vec<_>>() {
                            self.handle(Input::End(id));
                        }
                        let _ = done.send(());
                        return;
                    }
                    None => return,
                },
                () = wake => self.handle(Input::Tick),
            }
        }
    }

    fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    fn handle(&mut self, input: Input) {
        let now = self.now();
        if matches!(input, Input::Changed(_) | Input::Answer(..)) {
            self.changed.send_modify(|count| *count += 1);
        }
        if let Input::Closed(id) = &input {
            self.links.remove(id);
        }
        for effect in self.meetings.handle(&mut self.random, now, input) {
            match effect {
                Effect::Send(id, bytes) => {
                    if let Some(link) = self.links.get(&id) {
                        // A writer that has gone reports itself closed.
                        drop(link.outbox.send(Outgoing::Bytes(bytes)));
                    }
                }
                Effect::TellWhenTaken(id) => {
                    if let Some(link) = self.links.get(&id) {
                        drop(link.outbox.send(Outgoing::Mark));
                    }
                }
                // Dropping the queue lets the writer send what is in it and close.
                Effect::Close(id) => drop(self.links.remove(&id)),
                Effect::Tell(event) => {
                    match &event {
                        // Who shows a member's key, or an invitation, is no stranger.
                        Event::Met { link, .. } | Event::Words { link, .. } | Event::Ended { link, .. } => {
                            self.door.forget(*link);
                        }
                        _ => {}
                    }
                    if matches!(event, Event::Complete { .. } | Event::Ended { .. }) {
                        self.turns.tell_copies();
                    }
                    self.changed.send_modify(|count| *count += 1);
                    drop(self.events.send(event));
                }
                Effect::Ask(id, question) => self.turns.ask(id, question),
            }
        }
    }

    fn open(&mut self, id: LinkId, opened: Opened, wire: Wire) {
        let Wire { reader, writer, from } = wire;
        if let (Opened::Accepted { .. }, Some(from)) = (opened, from) {
            match self.door.knock(id, from) {
                Entry::Open => {}
                Entry::Instead(out) => self.handle(Input::Closed(out)),
                Entry::Shut => return,
            }
        }
        if self.links.len() >= MAX_LINKS {
            self.door.forget(id);
            return;
        }
        let (outbox, queue) = mpsc::unbounded_channel();
        let (open, closed) = oneshot::channel();
        self.links.insert(id, Stream { outbox, _open: open });
        tokio::spawn(write(id, writer, self.inbox.clone(), queue));
        tokio::spawn(read(id, reader, self.inbox.clone(), closed));
        self.handle(Input::Opened(id, opened));
    }
}

/// Writes what is queued until nothing more can come, and closes.
async fn write(
    id: LinkId,
    mut writer: Writer,
    inbox: mpsc::WeakSender<Message>,
    mut queue: mpsc::UnboundedReceiver<Outgoing>,
) {
    while let Some(outgoing) = queue.recv().await {
        match outgoing {
            Outgoing::Bytes(bytes) => {
                if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
                    return;
                }
            }
            Outgoing::Mark => {
                if let Some(inbox) = inbox.upgrade() {
                    drop(inbox.send(Message::Input(Input::Taken(id))).await);
                }
            }
        }
    }
    drop(writer.shutdown().await);
}

/// Hands on what comes from a stream until either side closes it.
async fn read(
    id: LinkId,
    mut reader: Reader,
    inbox: mpsc::WeakSender<Message>,
    mut closed: oneshot::Receiver<()>,
) {
    let mut piece = vec![0; PIECE];
    loop {
        let read = tokio::select! {
            read = reader.read(&mut piece) => read.unwrap_or(0),
            _ = &mut closed => {
                let mut sink = tokio::io::sink();
                drop(tokio::time::timeout(DRAIN, tokio::io::copy(&mut reader, &mut sink)).await);
                return;
            }
        };
        let input = match read {
            0 => Input::Closed(id),
            len => Input::Bytes(id, piece[..len].to_vec()),
        };
        let Some(inbox) = inbox.upgrade() else { return };
        if inbox.send(Message::Input(input)).await.is_err() || read == 0 {
            return;
        }
    }
}
