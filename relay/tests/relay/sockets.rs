//! A real relay on a loopback socket.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use firsthand_channel::ExchangeSecret;
use firsthand_ids::{ExchangeKey, Position, UnixMillis};
use firsthand_relay::{Config, Data, Grant, MemoryStorage, Relay, SqliteStorage, Storage, backup};
use firsthand_sync::relay::{Answer, Closing, Limits, ListDigest, Refused, Request};
use futures::SinkExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{PATIENCE, Raw, mailbox, sealed, secret, token, writer};

struct Running {
    address: SocketAddr,
    key: ExchangeKey,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

async fn start(mut storage: Box<dyn Storage>, change: impl FnOnce(&mut Config)) -> Running {
    let grant = Grant { mailboxes: 4, bytes: 1 << 24, until: UnixMillis(i64::MAX) };
    storage.grant(token().kept(), grant).unwrap();
    let mut config = Config::at((Ipv4Addr::LOCALHOST, 0).into());
    change(&mut config);
    let relay = Relay::bind(config, storage, ExchangeSecret::from_bytes([3; 32])).await.unwrap();
    let (address, key) = (relay.address().unwrap(), relay.key().unwrap());
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(async move { relay.run(async { drop(stopped.await) }).await.unwrap() });
    Running { address, key, stop, ended }
}

async fn memory() -> Running {
    start(Box::<MemoryStorage>::default(), |_| {}).await
}

impl Running {
    async fn client(&self, seed: u64) -> Raw {
        Raw::connect(self.address, &self.key, seed).await.unwrap()
    }

    async fn member(&self, seed: u8) -> Raw {
        let mut raw = self.client(u64::from(seed)).await;
        raw.register().await;
        raw.enter(seed).await;
        raw
    }

    async fn get(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap();
    }
}

fn put(tag: u64, at: u64, len: usize) -> Request {
    let (from, to) = (Position(at), Position(at));
    Request::Put { tag, writer: writer(1), from, to, sealed: sealed(&writer(1), from, to, len) }
}

async fn follow(raw: &mut Raw) {
    raw.send(&Request::Follow { serial: 0, digest: ListDigest::default() }).await;
    assert!(matches!(raw.next().await, Some(Answer::Listed { .. })));
}

#[tokio::test]
async fn a_new_range_reaches_whoever_is_connected() {
    let relay = memory().await;
    let (mut amina, mut bruno) = (relay.member(1).await, relay.member(2).await);
    follow(&mut amina).await;
    follow(&mut bruno).await;
    for (at, len) in [(1, 300), (2, 200_000), (3, 1 << 20)] {
        amina.send(&put(at, at, len)).await;
        assert_eq!(amina.next().await, Some(Answer::Done { tag: at, serial: at }));
        let Some(Answer::Listed { ranges, .. }) = amina.next().await else { panic!("not listed") };
        assert_eq!(ranges[0].serial, at);
        // A short one comes along, a long one is asked for.
        let bytes = match bruno.next().await {
            Some(Answer::Range { pushed: true, sealed, .. }) => sealed,
            Some(Answer::Listed { ranges, .. }) => {
                assert!(ranges[0].len as usize == len && len > 4096);
                bruno.send(&Request::Get { serials: vec![at] }).await;
                match bruno.next().await {
                    Some(Answer::Range { pushed: false, sealed, .. }) => sealed,
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(bytes, sealed(&writer(1), Position(at), Position(at), len));
    }
    relay.stop().await;
}

/// What one has been told is kept, another who checks afterwards has: nobody has to wait and hope.
#[tokio::test]
async fn a_check_leaves_nothing_on_the_way() {
    let relay = memory().await;
    let (mut amina, mut bruno) = (relay.member(1).await, relay.member(2).await);
    follow(&mut amina).await;
    follow(&mut bruno).await;
    let mut seen = 0;
    for at in 1..=200 {
        amina.send(&put(at, at, 100)).await;
        while amina.next().await != Some(Answer::Done { tag: at, serial: at }) {}
        bruno.send(&Request::Check { tag: at }).await;
        loop {
            match bruno.next().await {
                Some(Answer::Range { pushed: true, head, .. }) => seen = head.serial,
                Some(Answer::Done { tag, serial: 0 }) => {
                    assert_eq!((tag, seen), (at, at));
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    relay.stop().await;
}

#[tokio::test]
async fn half_a_request_and_then_nothing_is_not_waited_for() {
    let relay = start(Box::<MemoryStorage>::default(), |config| {
        config.limits = Limits { enter_within: 100, ..Limits::default() };
    })
    .await;
    let mut raw = relay.client(5).await;
    let wire = raw.link.send(&raw.enter_request(1).encode()).unwrap();
    raw.socket.send(Message::Binary(wire[..wire.len() / 2].to_vec().into())).await.unwrap();
    assert_eq!(raw.next().await, Some(Answer::Goodbye(Closing::Late)));
    relay.stop().await;
}

#[tokio::test]
async fn a_hole_much_from_a_stranger_and_what_is_no_frame_end_with_a_reason() {
    let relay = memory().await;
    let mut raw = relay.member(1).await;
    raw.send(&put(1, 5, 100)).await;
    assert_eq!(raw.next().await, Some(Answer::Refused { tag: 1, reason: Refused::Hole }));
    // The connection goes on.
    raw.send(&put(2, 1, 100)).await;
    assert_eq!(raw.next().await, Some(Answer::Done { tag: 2, serial: 1 }));
    raw.send_bytes(&[77]).await;
    assert_eq!(raw.next().await, Some(Answer::Goodbye(Closing::Forbidden)));
    assert_eq!(raw.next().await, None);

    // A stranger who says much.
    let mut raw = relay.client(6).await;
    raw.send_bytes(&vec![2; 100_000]).await;
    assert_eq!(raw.next().await, None);

    // Text, an enormous message, an altered message.
    let mut raw = relay.client(7).await;
    raw.socket.send(Message::Text("hello".into())).await.unwrap();
    assert_eq!(raw.next().await, None);
    let mut raw = relay.member(8).await;
    let _ = raw.socket.send(Message::Binary(vec![0; 1 << 20].into())).await;
    assert_eq!(raw.next().await, None);
    let mut raw = relay.member(9).await;
    let mut wire = raw.link.send(&put(1, 2, 100).encode()).unwrap();
    wire[50] ^= 1;
    raw.socket.send(Message::Binary(wire.into())).await.unwrap();
    assert_eq!(raw.next().await, None);

    // Another mailbox's key does not open this one, and the relay's own key is the pinned one.
    let mut raw = relay.client(10).await;
    let mut request = raw.enter_request(1);
    if let Request::Enter { mailbox, .. } = &mut request {
        *mailbox = secret(55).key();
    }
    raw.send(&request).await;
    assert_eq!(raw.next().await, Some(Answer::Goodbye(Closing::Proof)));
    let other = ExchangeSecret::from_bytes([4; 32]).public().unwrap();
    assert!(Raw::connect(relay.address, &other, 11).await.is_none());
    assert_eq!(mailbox().key(), secret(10).key());
    relay.stop().await;
}

#[tokio::test]
async fn ten_thousand_requests_at_once_are_answered_one_by_one() {
    let relay = start(Box::<MemoryStorage>::default(), |config| {
        config.limits.requests = 1_000_000;
    })
    .await;
    let mut raw = relay.member(1).await;
    let mut wire = Vec::new();
    for tag in 0..10_000 {
        wire.extend(raw.link.send(&Request::Boxes { tag }.encode()).unwrap());
    }
    let (mut sink, mut count) = (wire.chunks(50_000), 0);
    while count < 10_000 {
        if let Some(piece) = sink.next() {
            raw.socket.send(Message::Binary(piece.to_vec().into())).await.unwrap();
        }
        for _ in 0..2_000.min(10_000 - count) {
            assert_eq!(raw.next().await, Some(Answer::Boxes { tag: count, ids: vec![] }));
            count += 1;
            if count % 2_000 == 0 {
                break;
            }
        }
    }
    relay.stop().await;
}

#[tokio::test]
async fn connections_have_places_and_give_them_back() {
    let relay = start(Box::<MemoryStorage>::default(), |config| {
        config.per_address = 3;
        config.connections = 10;
    })
    .await;
    let mut held = Vec::new();
    for seed in 0..3 {
        held.push(relay.client(seed).await);
    }
    assert!(Raw::connect(relay.address, &relay.key, 9).await.is_none());
    drop(held);
    let again = async {
        loop {
            if let Some(raw) = Raw::connect(relay.address, &relay.key, 10).await {
                break raw;
            }
        }
    };
    drop(tokio::time::timeout(PATIENCE, again).await.unwrap());
    relay.stop().await;
}

#[tokio::test]
async fn health_and_metrics_name_nobody() {
    let relay = memory().await;
    let mut raw = relay.member(1).await;
    raw.send(&put(1, 1, 5000)).await;
    raw.next().await;
    let health = relay.get("/health").await;
    assert!(health.starts_with("HTTP/1.1 200") && health.ends_with("ok\n"), "{health}");
    let metrics = relay.get("/metrics").await;
    for line in [
        "firsthand_relay_connections 1\n",
        "firsthand_relay_mailboxes 1\n",
        "firsthand_relay_ranges 1\n",
        "firsthand_relay_ranges_stored_bytes_total 5000\n",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    let mailbox = firsthand_sync::relay::mailbox_id(&mailbox().key()).to_string();
    assert!(!metrics.contains("127.0.0.1") && !metrics.contains(&mailbox));
    // Every line is a comment or a name and a number.
    let body = metrics.split_once("\r\n\r\n").unwrap().1;
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.rsplit_once(' ').unwrap().1.parse::<u64>().is_ok(), "{line}");
    }
    assert!(relay.get("/other").await.starts_with("HTTP/1.1 404"));
    relay.stop().await;
}

#[tokio::test]
async fn stopping_says_goodbye_and_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.db");
    let relay = start(Box::new(SqliteStorage::open(&file).unwrap()), |_| {}).await;
    let mut raw = relay.member(1).await;
    for at in 1..=50 {
        raw.send(&put(at, at, 700)).await;
    }
    for at in 1..=50 {
        assert_eq!(raw.next().await, Some(Answer::Done { tag: at, serial: at }));
    }
    relay.stop.send(()).unwrap();
    assert_eq!(raw.next().await, Some(Answer::Goodbye(Closing::Stopping)));
    tokio::time::timeout(Duration::from_secs(10), relay.ended).await.unwrap().unwrap();
    assert_eq!(SqliteStorage::open(&file).unwrap().holdings().unwrap().ranges, 50);
}

#[tokio::test]
async fn a_backup_while_it_runs_is_a_relay_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::create(folder.path().join("data")).unwrap();
    let (storage, secret) = data.open().unwrap();
    let relay = start(Box::new(storage), |_| {}).await;
    let mut raw = relay.member(1).await;
    for at in 1..=20 {
        raw.send(&put(at, at, 700)).await;
        raw.next().await;
    }
    let copy = folder.path().join("copy");
    backup(&data.file(), &copy).unwrap();
    assert!(backup(&data.file(), &copy).is_err(), "nothing is overwritten");
    raw.send(&put(21, 21, 700)).await;
    assert_eq!(raw.next().await, Some(Answer::Done { tag: 21, serial: 21 }));
    relay.stop().await;
    let second = Data::create(folder.path().join("second")).unwrap();
    std::fs::copy(&copy, second.file()).unwrap();
    let (mut storage, again) = second.open().unwrap();
    assert_eq!(again.as_bytes(), secret.as_bytes());
    assert_eq!(storage.holdings().unwrap().ranges, 20);
    #[cfg(unix)]
    for file in [data.file(), copy] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o077, 0);
    }
}

#[tokio::test]
async fn a_damaged_or_newer_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.db");
    drop(SqliteStorage::open(&file).unwrap());
    let mut bytes = Vec::new();
    std::fs::File::open(&file).unwrap().read_to_end(&mut bytes).unwrap();
    // The schema's version, at its place in SQLite's header.
    bytes[60..64].copy_from_slice(&99u32.to_be_bytes());
    std::fs::write(&file, &bytes).unwrap();
    assert!(matches!(SqliteStorage::open(&file), Err(firsthand_relay::RelayError::Newer)));
    std::fs::write(&file, vec![7; 4096]).unwrap();
    assert!(SqliteStorage::open(&file).is_err());
}
