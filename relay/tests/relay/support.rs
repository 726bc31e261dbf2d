//! Members without a log: their entries are numbers, and what they seal says which.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use firsthand_channel::{RelayEvent, RelayLink};
use firsthand_ids::{ContentHash, DeviceKey, ExchangeKey, Position, WriterPseudonym};
use firsthand_log::DeviceSecret;
use firsthand_sync::relay::{
    Answer, ClientConfig, ClientEffect, ClientInput, ListPoint, MAX_ANSWER_BYTES, Opened, Puts, Remembered,
    Request, SealedDigest, Token, mailbox_id, proof,
};
use futures::{SinkExt, StreamExt};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub(crate) fn token() -> Token {
    Token::new([1; 16])
}

pub(crate) fn secret(n: u8) -> DeviceSecret {
    DeviceSecret::from_seed([n; 32]).unwrap()
}

pub(crate) fn mailbox() -> DeviceSecret {
    secret(10)
}

pub(crate) fn leads() -> DeviceSecret {
    secret(11)
}

pub(crate) fn writer(n: u8) -> WriterPseudonym {
    WriterPseudonym::new([n; 16])
}

/// Entries of one writer as they are sealed: this fills `len` bytes, and says what it holds.
pub(crate) fn sealed(writer: &WriterPseudonym, from: Position, to: Position, len: usize) -> Vec<u8> {
    let mut bytes = writer.as_bytes().to_vec();
    bytes.extend(from.0.to_be_bytes());
    bytes.extend(to.0.to_be_bytes());
    bytes.resize(len.max(bytes.len()), 0x5a);
    bytes
}

/// What a device does with its client: holds entries, seals and opens them.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) number: u8,
    pub(crate) holds: BTreeMap<WriterPseudonym, Position>,
    pub(crate) remembered: Remembered,
    pub(crate) blobs: BTreeMap<ContentHash, Vec<u8>>,
    /// What became known, other than what is answered here.
    pub(crate) heard: Vec<ClientEffect>,
    /// How many entries a range has at most.
    pub(crate) cut: u64,
    /// Bytes of a sealed range.
    pub(crate) len: usize,
    pub(crate) received: usize,
}

impl Member {
    pub(crate) fn new(number: u8) -> Self {
        Self {
            number,
            holds: BTreeMap::new(),
            remembered: Remembered::default(),
            blobs: BTreeMap::new(),
            heard: Vec::new(),
            cut: 3,
            len: 100,
            received: 0,
        }
    }

    pub(crate) fn write(&mut self, writer: WriterPseudonym, count: u64) {
        self.holds.entry(writer).or_default().0 += count;
    }

    pub(crate) fn config(&self) -> ClientConfig {
        ClientConfig {
            mailbox: mailbox(),
            uploader: secret(100 + self.number),
            register: Some((token(), leads().key())),
            remembered: self.remembered.clone(),
            holds: self.holds.clone(),
            puts: Puts::All,
        }
    }

    /// Carries out what a client wants; what it wants sent comes back in `out`, what it is to be told as inputs.
    pub(crate) fn carry_out(
        &mut self,
        effect: ClientEffect,
        out: &mut VecDeque<Vec<u8>>,
    ) -> Vec<ClientInput> {
        match effect {
            ClientEffect::Send(frame) => {
                out.push_back(frame);
                Vec::new()
            }
            ClientEffect::Compare(head) => {
                let ours = sealed(&head.writer, head.from, head.to, self.len);
                vec![ClientInput::Compared(head.serial, Some(SealedDigest::of(&ours)))]
            }
            ClientEffect::Received(head, bytes) => {
                self.received += 1;
                let genuine = bytes == sealed(&head.writer, head.from, head.to, bytes.len());
                let held = self.holds.entry(head.writer).or_default();
                let early = head.from.0 > held.0 + 1;
                if genuine && !early {
                    *held = (*held).max(head.to);
                }
                if held.0 == 0 {
                    self.holds.remove(&head.writer);
                }
                let opened = match (genuine, early) {
                    (false, _) => Opened::Garbage,
                    (true, true) => Opened::Early,
                    (true, false) => Opened::Good,
                };
                vec![ClientInput::Holds(self.holds.clone()), ClientInput::Opened(head.serial, opened)]
            }
            ClientEffect::Seal(writer, after) => {
                let held = self.holds.get(&writer).copied().unwrap_or_default();
                let (from, to) = (Position(after.0 + 1), Position(held.0.min(after.0 + self.cut)));
                let range = (held > after).then(|| (from, to, sealed(&writer, from, to, self.len)));
                vec![ClientInput::Sealed(writer, range)]
            }
            ClientEffect::Load(id) => vec![ClientInput::Loaded(id, self.blobs.get(&id).cloned())],
            other => {
                self.heard.push(other);
                Vec::new()
            }
        }
    }
}

/// A client of a real relay that says what a test wants said.
pub(crate) struct Raw {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) link: RelayLink,
    pub(crate) handshake: [u8; 32],
    waiting: VecDeque<Vec<u8>>,
}

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

impl Raw {
    pub(crate) async fn connect(address: SocketAddr, key: &ExchangeKey, seed: u64) -> Option<Self> {
        let (mut socket, _) = connect_async(format!("ws://{address}/relay")).await.ok()?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut link, hello) = RelayLink::dial(key, MAX_ANSWER_BYTES, &mut rng).unwrap();
        socket.send(Message::Binary(hello.into())).await.ok()?;
        let Message::Binary(bytes) = socket.next().await?.ok()? else { return None };
        let events = link.push(&bytes).ok()?;
        let [RelayEvent::Established { handshake_hash, .. }] = events[..] else { return None };
        Some(Self { socket, link, handshake: handshake_hash, waiting: VecDeque::new() })
    }

    pub(crate) async fn send(&mut self, request: &Request) -> bool {
        self.send_bytes(&request.encode()).await
    }

    pub(crate) async fn send_bytes(&mut self, frame: &[u8]) -> bool {
        let wire = self.link.send(frame).unwrap();
        for piece in wire.chunks(60_000) {
            if self.socket.send(Message::Binary(piece.to_vec().into())).await.is_err() {
                return false;
            }
        }
        true
    }

    /// The relay's next answer; `None` when the connection is over.
    pub(crate) async fn next(&mut self) -> Option<Answer> {
        while self.waiting.is_empty() {
            let message =
                tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("an answer in time");
            match message?.ok()? {
                Message::Binary(bytes) => {
                    for event in self.link.push(&bytes).unwrap() {
                        if let RelayEvent::Frame(frame) = event {
                            self.waiting.push_back(frame);
                        }
                    }
                }
                Message::Close(_) => return None,
                _ => {}
            }
        }
        Some(Answer::decode(&self.waiting.pop_front()?).unwrap())
    }

    pub(crate) async fn register(&mut self) {
        let (mailbox, leads) = (mailbox(), leads().key());
        let proof = mailbox.sign(&proof::register(&self.handshake, &token(), &leads));
        let request = Request::Register { token: token(), mailbox: mailbox.key(), leads, proof };
        self.send(&request).await;
        assert_eq!(self.next().await, Some(Answer::Registered));
    }

    pub(crate) fn enter_request(&self, uploader: u8) -> Request {
        enter_request(&self.handshake, &mailbox(), uploader)
    }

    pub(crate) async fn enter(&mut self, uploader: u8) {
        let request = self.enter_request(uploader);
        self.send(&request).await;
        assert!(matches!(self.next().await, Some(Answer::Entered { .. })));
    }
}

pub(crate) fn enter_request(handshake: &[u8; 32], mailbox: &DeviceSecret, uploader: u8) -> Request {
    let uploader = secret(100 + uploader);
    Request::Enter {
        seen: ListPoint::default(),
        mailbox: mailbox.key(),
        uploader: uploader.key(),
        proof: mailbox.sign(&proof::enter(handshake, &uploader.key())),
        uploader_proof: uploader.sign(&proof::upload(handshake, &mailbox_id(&mailbox.key()))),
    }
}

pub(crate) fn key_of(n: u8) -> DeviceKey {
    secret(n).key()
}
