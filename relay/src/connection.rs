use std::collections::VecDeque;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use firsthand_channel::{RelayEvent, RelayLink};
use firsthand_ids::MailboxId;
use firsthand_sync::relay::{
    Closing, MAX_FIRST_REQUEST_BYTES, MAX_REQUEST_BYTES, RelayEffect, RelayInput, RelaySession, Waits,
};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::serve::Shared;
use crate::worker::{Done, now};

/// The most bytes of one WebSocket message: one message of the channel. What a client sends is a stream, so where it cuts is
/// its own affair.
pub(crate) const MAX_WEBSOCKET_MESSAGE: usize = 2 + firsthand_channel::MAX_MESSAGE;

/// How long the channel's handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a frame may take from its first byte to its last, and how long the client may take to read what is sent.
const STALLED: Duration = Duration::from_secs(60);
/// After how much silence the client is asked whether it is still there. Most routers forget a connection after two minutes.
const PING: Duration = Duration::from_secs(60);
/// After how much silence it is taken to be gone.
const SILENCE: Duration = Duration::from_secs(150);

/// Why a connection ended without a goodbye.
struct Broken;

/// One client, from its WebSocket's opening to its end.
pub(crate) struct Connection<'a> {
    shared: &'a Shared,
    socket: WebSocket,
    link: RelayLink,
    session: Option<RelaySession>,
    /// Frames that came and may not be taken yet.
    frames: VecDeque<Vec<u8>>,
    /// What is to be sent.
    out: Vec<u8>,
    tell: mpsc::UnboundedSender<Done>,
    told: mpsc::UnboundedReceiver<Done>,
    joined: Option<(MailboxId, watch::Receiver<u64>)>,
    opened: Instant,
    heard: Instant,
    pinged: bool,
    /// Since when a frame is incomplete.
    partial: Option<Instant>,
    closing: Option<Closing>,
}

enum Happened {
    Stop,
    Done(Done),
    Grew(u64),
    Message(Option<Result<Message, axum::Error>>),
    Time,
}

impl<'a> Connection<'a> {
    pub(crate) fn new(shared: &'a Shared, socket: WebSocket) -> Self {
        let link =
            RelayLink::answer(shared.secret.clone(), MAX_FIRST_REQUEST_BYTES, &mut shared.random.clone());
        let (tell, told) = mpsc::unbounded_channel();
        let opened = Instant::now();
        Self {
            shared,
            socket,
            link,
            session: None,
            frames: VecDeque::new(),
            out: Vec::new(),
            tell,
            told,
            joined: None,
            opened,
            heard: opened,
            pinged: false,
            partial: None,
            closing: None,
        }
    }

    /// Serves the client; says why it ended, or nothing where the client went without a word.
    pub(crate) async fn serve(mut self) -> Option<Closing> {
        let mut stop = self.shared.stop.subscribe();
        while self.closing.is_none() {
            if self.step(&mut stop).await.is_err() {
                break;
            }
        }
        if let Some((mailbox, receiver)) = self.joined.take() {
            drop(receiver);
            self.shared.hub.leave(&mailbox);
        }
        if self.closing.is_some() {
            // It may have gone already, which is as good.
            let _ = timeout(STALLED, self.socket.send(Message::Close(None))).await;
        }
        self.closing
    }

    async fn step(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), Broken> {
        let reads = self.frames.is_empty() && self.waits() == Waits::Not;
        let wake = self.wake();
        let happened = {
            let Self { socket, told, joined, .. } = self;
            let grew = async {
                if let Some((_, receiver)) = joined
                    && receiver.changed().await.is_ok()
                {
                    return *receiver.borrow_and_update();
                }
                std::future::pending().await
            };
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => Happened::Stop,
                Some(done) = told.recv() => Happened::Done(done),
                serial = grew => Happened::Grew(serial),
                message = socket.recv(), if reads => Happened::Message(message),
                () = sleep_until(wake) => Happened::Time,
            }
        };
        match happened {
            Happened::Stop => match self.session {
                Some(_) => self.handle(RelayInput::Stop).await?,
                None => self.closing = Some(Closing::Stopping),
            },
            Happened::Done(done) => {
                self.handle(RelayInput::Outcome(done.0, done.1)).await?;
                // What became of others meanwhile goes out with it.
                while let Ok(done) = self.told.try_recv() {
                    self.handle(RelayInput::Outcome(done.0, done.1)).await?;
                }
            }
            Happened::Grew(serial) => self.handle(RelayInput::Grew(serial)).await?,
            Happened::Message(message) => self.message(message).await?,
            Happened::Time => self.time().await?,
        }
        while self.closing.is_none() && self.waits() == Waits::Not {
            let Some(frame) = self.frames.pop_front() else { break };
            self.handle(RelayInput::Frame(frame)).await?;
        }
        self.flush().await
    }

    fn waits(&self) -> Waits {
        self.session.as_ref().map_or(Waits::Not, |session| session.waits(now()))
    }

    /// When time itself is the next thing to happen.
    fn wake(&self) -> Instant {
        let after = |millis: i64| Instant::now() + Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        let mut wake = self.heard + if self.pinged { SILENCE } else { PING };
        match &self.session {
            None => wake = wake.min(self.opened + HANDSHAKE),
            Some(session) => {
                let now = now();
                if let Some(by) = session.deadline() {
                    wake = wake.min(after(by.0 - now.0));
                }
                if let Waits::Until(at) = session.waits(now) {
                    wake = wake.min(after(at.0 - now.0));
                }
            }
        }
        self.partial.map_or(wake, |since| wake.min(since + STALLED))
    }

    async fn message(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), Broken> {
        let bytes = match message {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                self.alive();
                return Ok(());
            }
            Some(Ok(Message::Text(_))) => return self.forbidden().await,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Broken),
        };
        self.alive();
        self.shared.metrics.received(bytes.len());
        let Ok(events) = self.link.push(&bytes) else { return self.forbidden().await };
        self.partial = if events.is_empty() { self.partial.or(Some(self.heard)) } else { None };
        for event in events {
            match event {
                RelayEvent::Established { handshake_hash, reply } => {
                    self.out.extend(reply);
                    self.session = Some(RelaySession::new(self.shared.limits, handshake_hash, now()));
                }
                RelayEvent::Frame(frame) => self.frames.push_back(frame),
            }
        }
        Ok(())
    }

    fn alive(&mut self) {
        self.heard = Instant::now();
        self.pinged = false;
    }

    /// What came breaks the channel: nothing can be said inside it any more.
    async fn forbidden(&mut self) -> Result<(), Broken> {
        self.closing = Some(Closing::Forbidden);
        self.flush().await
    }

    async fn time(&mut self) -> Result<(), Broken> {
        let now = Instant::now();
        let late = match &self.session {
            None => now >= self.opened + HANDSHAKE,
            Some(_) => {
                now >= self.heard + SILENCE || self.partial.is_some_and(|since| now >= since + STALLED)
            }
        };
        if late {
            self.closing = Some(Closing::Late);
            return Ok(());
        }
        if !self.pinged && now >= self.heard + PING {
            self.pinged = true;
            let ping = self.socket.send(Message::Ping(axum::body::Bytes::new()));
            return timeout(STALLED, ping).await.map_err(|_| Broken)?.map_err(|_| Broken);
        }
        self.handle(RelayInput::Time).await
    }

    async fn handle(&mut self, input: RelayInput) -> Result<(), Broken> {
        let Some(session) = &mut self.session else { return Ok(()) };
        for effect in session.handle(now(), input) {
            match effect {
                RelayEffect::Send(frame) => {
                    let wire = self.link.send(&frame).map_err(|_| Broken)?;
                    self.out.extend(wire);
                    if self.out.len() >= MAX_WEBSOCKET_MESSAGE {
                        self.flush().await?;
                    }
                }
                RelayEffect::Order(id, order) => {
                    self.shared.worker.order(id, order, &self.tell).await.map_err(|_| Broken)?;
                }
                RelayEffect::Trust => self.link.set_limit(MAX_REQUEST_BYTES),
                RelayEffect::Join(mailbox) => {
                    self.joined = Some((mailbox, self.shared.hub.join(mailbox)));
                }
                RelayEffect::Announce(mailbox, serial) => self.shared.hub.announce(&mailbox, serial),
                RelayEffect::Close(reason) => self.closing = Some(reason),
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        if self.out.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.out);
        self.shared.metrics.sent(bytes.len());
        let sending = self.socket.send(Message::Binary(bytes.into()));
        timeout(STALLED, sending).await.map_err(|_| Broken)?.map_err(|_| Broken)
    }
}
