//! Benchmark 6: a relay whose every acknowledgement means that the range is on the disk.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Instant;

use firsthand_channel::{ExchangeSecret, RelayEvent, RelayLink};
use firsthand_ids::{ExchangeKey, Position, UnixMillis, WriterPseudonym};
use firsthand_log::DeviceSecret;
use firsthand_relay::{Config, Data, Grant, Relay, Storage, SystemRandom};
use firsthand_sync::relay::{Answer, Limits, ListPoint, MAX_ANSWER_BYTES, Request, Token, mailbox_id, proof};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::Outcome;
use crate::data::workplace;
use crate::report::{Quantity, Report};

/// Connections that put at the same time, each waiting for its acknowledgement.
const CONNECTIONS: usize = 64;
/// What each puts, and of how many bytes.
const PUTS: u64 = 600;
const BYTES: usize = 1024;

pub(crate) fn run(folder: &Path, report: &mut Report) -> Outcome<()> {
    report.heading(format!(
        "a relay: ranges of {BYTES} bytes from {CONNECTIONS} connections, durable at the acknowledgement"
    ));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let work = workplace(folder)?;
    let relay =
        |folder, group, puts| runtime.block_on(Box::pin(load(&work.path().join(folder), group, puts)));
    let (_, empty) = relay("empty", 1024, 0)?;
    let (one, _) = relay("one", 1, PUTS)?;
    let (grouped, file) = relay("grouped", 1024, PUTS)?;
    report.figure("ranges", Quantity::Count(CONNECTIONS as f64 * PUTS as f64));
    report.compare(
        "until all are acknowledged, commits shared",
        Quantity::Seconds(grouped),
        "one commit per request",
        Quantity::Seconds(one),
        Some(1.0 / 6.0),
    );
    #[cfg(target_os = "linux")]
    match crate::postgres::single_row_inserts(work.path(), CONNECTIONS, PUTS, BYTES)? {
        Some(inserted) => report.compare(
            "until all are acknowledged, commits shared",
            Quantity::Seconds(grouped),
            "PostgreSQL, single-row inserts",
            Quantity::Seconds(inserted),
            Some(1.0 / 1.3),
        ),
        None => eprintln!("no PostgreSQL here (Debian: postgresql), so nothing stands beside the relay"),
    }
    let sealed = CONNECTIONS as u64 * PUTS * BYTES as u64;
    report.compare(
        "the file, by how much it grew",
        Quantity::bytes(file - empty),
        "sealed bytes",
        Quantity::bytes(sealed),
        Some(1.06),
    );
    report.figure("the file before", Quantity::bytes(empty));
    Ok(())
}

struct Running {
    address: SocketAddr,
    key: ExchangeKey,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

async fn start(folder: &Path, group: usize) -> Outcome<Running> {
    let (mut storage, secret) = Data::create(folder.to_owned())?.open()?;
    let grant = Grant { mailboxes: 1, bytes: 1 << 40, until: UnixMillis(i64::MAX) };
    storage.grant(TOKEN.kept(), grant)?;
    let mut config = Config::at((Ipv4Addr::LOCALHOST, 0).into());
    config.group = group;
    config.per_address = 0;
    config.limits = Limits { requests: 1_000_000, bytes: u32::MAX, ..Limits::default() };
    let relay =
        Relay::bind(config, Box::new(storage), ExchangeSecret::from_bytes(*secret.as_bytes())).await?;
    let (address, key) = (relay.address()?, relay.key()?);
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(async move {
        // A relay that fails shows as clients that fail.
        let _ = relay.run(async { drop(stopped.await) }).await;
    });
    Ok(Running { address, key, stop, ended })
}

const TOKEN: Token = Token::new([1; 16]);

struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    link: RelayLink,
    handshake: [u8; 32],
}

impl Client {
    async fn connect(relay: &Running) -> Outcome<Self> {
        // Not the 128 KiB that are filled with zeros for each read by default: it would be the clients that are measured.
        let buffers = WebSocketConfig::default().read_buffer_size(4096);
        let address = format!("ws://{}/relay", relay.address);
        let (mut socket, _) = connect_async_with_config(address, Some(buffers), true).await?;
        let (mut link, hello) = RelayLink::dial(&relay.key, MAX_ANSWER_BYTES, &mut SystemRandom::new()?)?;
        socket.send(Message::Binary(hello.into())).await?;
        let Some(Message::Binary(bytes)) = socket.next().await.transpose()? else {
            return Err("no handshake".into());
        };
        let [RelayEvent::Established { handshake_hash, .. }] = link.push(&bytes)?[..] else {
            return Err("no handshake".into());
        };
        Ok(Self { socket, link, handshake: handshake_hash })
    }

    async fn ask(&mut self, request: &Request) -> Outcome<Answer> {
        let wire = self.link.send(&request.encode())?;
        self.socket.send(Message::Binary(wire.into())).await?;
        loop {
            let Some(Message::Binary(bytes)) = self.socket.next().await.transpose()? else {
                return Err("the relay ended".into());
            };
            if let Some(RelayEvent::Frame(frame)) = self.link.push(&bytes)?.pop() {
                return Ok(Answer::decode(&frame)?);
            }
        }
    }

    async fn register(&mut self) -> Outcome<()> {
        let (mailbox, leads) = (DeviceSecret::from_seed([2; 32])?, DeviceSecret::from_seed([3; 32])?.key());
        let proof = mailbox.sign(&proof::register(&self.handshake, &TOKEN, &leads));
        match self.ask(&Request::Register { token: TOKEN, mailbox: mailbox.key(), leads, proof }).await? {
            Answer::Registered => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    }

    async fn enter(&mut self, number: u16) -> Outcome<()> {
        let mailbox = DeviceSecret::from_seed([2; 32])?;
        let mut seed = [4; 32];
        seed[..2].copy_from_slice(&number.to_le_bytes());
        let uploader = DeviceSecret::from_seed(seed)?;
        let request = Request::Enter {
            seen: ListPoint::default(),
            mailbox: mailbox.key(),
            uploader: uploader.key(),
            proof: mailbox.sign(&proof::enter(&self.handshake, &uploader.key())),
            uploader_proof: uploader.sign(&proof::upload(&self.handshake, &mailbox_id(&mailbox.key()))),
        };
        match self.ask(&request).await? {
            Answer::Entered { .. } => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    }
}

/// Seconds that the load took, each connection bringing so many ranges, and the length of the file after it.
async fn load(folder: &Path, group: usize, puts: u64) -> Outcome<(f64, u64)> {
    let relay = start(folder, group).await?;
    let mut clients = Vec::new();
    for number in 0..CONNECTIONS {
        let mut client = Client::connect(&relay).await?;
        client.register().await?;
        client.enter(number as u16).await?;
        clients.push(client);
    }
    let began = Instant::now();
    let putting: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(number, client)| tokio::spawn(put(number as u8, puts, client)))
        .collect();
    for client in putting {
        client.await?.map_err(|error| error.to_string())?;
    }
    let seconds = began.elapsed().as_secs_f64();
    let _ = relay.stop.send(());
    relay.ended.await?;
    Ok((seconds, std::fs::metadata(folder.join("relay.db"))?.len()))
}

async fn put(number: u8, puts: u64, mut client: Client) -> Result<(), String> {
    // What is sealed has no repetitions.
    let mut sealed = vec![0; BYTES];
    for at in 1..=puts {
        let (from, to, writer) = (Position(at), Position(at), WriterPseudonym::new([number; 16]));
        sealed[..8].copy_from_slice(&at.to_le_bytes());
        let request = Request::Put { tag: at, writer, from, to, sealed: sealed.clone() };
        match client.ask(&request).await.map_err(|error| error.to_string())? {
            Answer::Done { tag, .. } if tag == at => {}
            other => return Err(format!("{other:?}")),
        }
    }
    Ok(())
}
