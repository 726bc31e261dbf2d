use std::collections::BTreeMap;
use std::time::Duration;

use firsthand_ids::UnixMillis;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::Instant;

use super::PeerView;
use super::worker::Worker;
use crate::meeting::{Answer, Effect, Event, Identity, Input, LinkId, Meetings, Opened, Question};
use crate::{Answering, FileDone, FileWork, SystemRandom};

/// Inputs that may queue before whoever brings them waits: 64 pieces of 64 KiB are 4 MiB.
const QUEUE: usize = 64;
const PIECE: usize = 64 * 1024;
/// The most links at once: a team is dozens of phones, and each link costs a few hundred KiB.
pub(super) const MAX_LINKS: usize = 128;

/// What the driver is told.
pub(super) enum Message {
    Stream(LinkId, Opened, TcpStream),
    Input(Input),
    Peers(oneshot::Sender<Vec<PeerView>>),
    Stop(oneshot::Sender<()>),
}

/// Starts the task that owns the meetings.
pub(super) fn start(
    identity: Identity,
    worker: Worker,
    events: broadcast::Sender<Event>,
) -> mpsc::Sender<Message> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let driver = Driver {
        meetings: Meetings::new(identity),
        worker,
        events,
        inbox: sender.downgrade(),
        links: BTreeMap::new(),
        random: SystemRandom::default(),
        started: Instant::now(),
    };
    tokio::spawn(driver.run(receiver));
    sender
}

/// How long a stream is still read after this side closed it. Closing with unread bytes would reset the connection, and
/// the other side might lose the last frames sent to it.
const DRAIN: Duration = Duration::from_secs(5);

/// An open stream. Dropping it sends what is queued and closes.
struct Stream {
    outbox: mpsc::UnboundedSender<Vec<u8>>,
    _open: oneshot::Sender<()>,
}

struct Driver {
    meetings: Meetings,
    worker: Worker,
    events: broadcast::Sender<Event>,
    inbox: mpsc::WeakSender<Message>,
    links: BTreeMap<LinkId, Stream>,
    random: SystemRandom,
    started: Instant,
}

impl Driver {
    async fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        loop {
            let deadline = self.meetings.deadline();
            let wake = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(self.started + millis(at)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                message = inbox.recv() => match message {
                    Some(Message::Stream(id, opened, stream)) => self.open(id, opened, stream),
                    Some(Message::Input(input)) => self.handle(input),
                    Some(Message::Peers(answer)) => drop(answer.send(self.meetings.peers())),
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

    /// Time for timeouts is monotonic: a wall clock that is set must not cut a meeting.
    fn now(&self) -> UnixMillis {
        UnixMillis(self.started.elapsed().as_millis() as i64)
    }

    fn handle(&mut self, input: Input) {
        let now = self.now();
        if let Input::Closed(id) = &input {
            self.links.remove(id);
        }
        for effect in self.meetings.handle(&mut self.random, now, input) {
            match effect {
                Effect::Send(id, bytes) => {
                    if let Some(link) = self.links.get(&id) {
                        // A writer that has gone reports itself closed.
                        drop(link.outbox.send(bytes));
                    }
                }
                // Dropping the queue lets the writer send what is in it and close.
                Effect::Close(id) => drop(self.links.remove(&id)),
                Effect::Tell(event) => drop(self.events.send(event)),
                Effect::Ask(id, question) => {
                    ask(self.worker.clone(), Handle::current(), self.inbox.clone(), id, question);
                }
            }
        }
    }

    fn open(&mut self, id: LinkId, opened: Opened, stream: TcpStream) {
        if self.links.len() >= MAX_LINKS {
            return;
        }
        // Small frames answer questions: waiting to fill a packet only costs time.
        drop(stream.set_nodelay(true));
        let (reader, mut writer) = stream.into_split();
        let (outbox, mut queue) = mpsc::unbounded_channel::<Vec<u8>>();
        let (open, closed) = oneshot::channel();
        self.links.insert(id, Stream { outbox, _open: open });
        tokio::spawn(async move {
            while let Some(bytes) = queue.recv().await {
                if writer.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            drop(writer.shutdown().await);
        });
        tokio::spawn(read(id, reader, self.inbox.clone(), closed));
        self.handle(Input::Opened(id, opened));
    }
}

/// Has the ledger answer, as soon as everything that was asked before is done.
fn ask(worker: Worker, runtime: Handle, inbox: mpsc::WeakSender<Message>, id: LinkId, question: Question) {
    worker.clone().send(move |ledger, workshop| {
        match ledger.begin_answer(question, workshop.environment.clock.now()) {
            Answering::Now(answer) => say(&inbox, id, answer),
            Answering::After(work) => drop(runtime.spawn(finish(work, id, worker, inbox))),
            Answering::Again(rest) => ask(worker, runtime, inbox, id, rest),
        }
    });
}

/// Hands the driver an answer.
fn say(inbox: &mpsc::WeakSender<Message>, id: LinkId, answer: Answer) {
    if let Some(inbox) = inbox.upgrade() {
        drop(inbox.blocking_send(Message::Input(Input::Answer(id, Box::new(answer)))));
    }
}

/// Does long work on a file beside the ledger's thread, and has the ledger answer.
async fn finish(work: Box<FileWork>, id: LinkId, worker: Worker, inbox: mpsc::WeakSender<Message>) {
    let file = work.file();
    let done = tokio::task::spawn_blocking(|| work.run()).await;
    let done = done.unwrap_or_else(|_| FileDone::lost(file));
    worker.send(move |ledger, _| say(&inbox, id, ledger.file_done(done)));
}

/// Hands on what comes from a stream until either side closes it.
async fn read(
    id: LinkId,
    mut reader: OwnedReadHalf,
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

fn millis(at: UnixMillis) -> Duration {
    Duration::from_millis(at.0.max(0) as u64)
}
