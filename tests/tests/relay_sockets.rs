//! Journey 7, and others, as people live them: nodes with real stores, and a relay with a real file, over real sockets.
#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use firsthand_ids::{LocalTime, UnixMillis};
use firsthand_node::relay::{Queue, RelayState, SnapshotView};
use firsthand_node::{
    Clock, Environment, Event, ImportRow, IncidentQuery, Node, Passphrase, Role, TeamRelay, Ticks, Uptime,
};
use firsthand_record::Incident;
use firsthand_record::generate::Generator;
use firsthand_relay::{Config, Data, Grant, Holdings, Relay, RelayError, Storage, Swept};
use firsthand_sync::relay::{Order, Outcome, Token};
use firsthand_tests::Dice;
use firsthand_tests::canary::Canaries;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const DAY: i64 = 24 * 60 * 60_000;
/// 2026-11-20T08:00:00Z.
const BEGIN: i64 = 1_795_161_600_000;
const TOKEN: [u8; 16] = [9; 16];
/// What a connected phone gives for the exchange: far more than it takes.
const BUDGET: Duration = Duration::from_secs(60);

#[derive(Clone, Default)]
struct World(Arc<AtomicI64>);

impl Clock for World {
    fn now(&self) -> LocalTime {
        LocalTime { at: UnixMillis(BEGIN + self.0.load(Ordering::SeqCst)), offset_minutes: 0 }
    }
}

impl Uptime for World {
    fn read(&self) -> Option<Ticks> {
        Some(Ticks { boot: "one".to_owned(), ms: u64::try_from(self.0.load(Ordering::SeqCst)).ok()? })
    }
}

fn environment(world: &World) -> Environment {
    let clock = Arc::new(world.clone());
    Environment { clock: clock.clone(), uptime: clock, ..Environment::laptop() }
}

fn words() -> Passphrase {
    Passphrase::new("words of the test".to_owned())
}

/// Amina, who leads, at an address, and Bruno, who has joined over it.
async fn two(dir: &Path, world: &World) -> (Node, Node, String) {
    let env = environment(world);
    let amina = Node::create_team(&dir.join("amina"), words(), "Harbour", "Amina", env).await.unwrap();
    let address = amina.listen("127.0.0.1:0".parse().unwrap(), false).await.unwrap().to_string();
    let bruno = join(dir, world, &amina, &address, "Bruno").await;
    (amina, bruno, address)
}

/// Somebody joins Amina's team over her address.
async fn join(dir: &Path, world: &World, amina: &Node, address: &str, name: &str) -> Node {
    let code = amina.invite(Role::Responder, vec![address.to_owned()]).await.unwrap();
    let mut events = amina.events();
    let home = dir.join(name.to_lowercase());
    let joining = Node::join(&home, words(), &code, name, environment(world)).await.unwrap();
    let compare = async {
        loop {
            match events.recv().await.unwrap() {
                Event::Words { link, .. } => amina.compared(link, true).await,
                Event::Joined { .. } => return,
                _ => {}
            }
        }
    };
    tokio::join!(async { joining.confirm().await.unwrap() }, compare).0
}

async fn add(node: &Node, title: &str) {
    node.add_incident(Incident { title: Some(title.to_owned()), ..Incident::default() }).await.unwrap();
}

async fn titles(node: &Node) -> Vec<String> {
    let rows = node.incidents(IncidentQuery::default()).await.unwrap();
    let mut titles: Vec<String> = rows.into_iter().map(|row| row.incident.title).collect();
    titles.sort();
    titles
}

/// A relay that runs.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

async fn relay(folder: &Path) -> (Running, firsthand_ids::ExchangeKey) {
    relay_with(folder, None).await
}

/// The same with a certificate and its key.
async fn relay_with(folder: &Path, tls: Option<(PathBuf, PathBuf)>) -> (Running, firsthand_ids::ExchangeKey) {
    let config = Config { tls, ..Config::at((Ipv4Addr::LOCALHOST, 0).into()) };
    relay_over(folder, config, |storage| storage).await
}

/// The same with its storage behind something.
async fn relay_over(
    folder: &Path,
    config: Config,
    behind: impl FnOnce(Box<dyn Storage>) -> Box<dyn Storage>,
) -> (Running, firsthand_ids::ExchangeKey) {
    let (mut storage, secret) = Data::create(folder.to_owned()).unwrap().open().unwrap();
    let grant = Grant { mailboxes: 16, bytes: 1 << 26, until: UnixMillis(i64::MAX) };
    storage.grant(Token::new(TOKEN).kept(), grant).unwrap();
    let relay = Relay::bind(config, behind(Box::new(storage)), secret).await.unwrap();
    let (address, key) = (relay.address().unwrap(), relay.key().unwrap());
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(async move { relay.run(async { drop(stopped.await) }).await.unwrap() });
    (Running { address, stop, ended }, key)
}

impl Running {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap();
    }
}

/// The way to the relay: it notes every byte, and ends where there is no relay.
#[derive(Clone, Default)]
struct Wire {
    to: Arc<Mutex<Option<SocketAddr>>>,
    bytes: Arc<Mutex<Vec<u8>>>,
    /// After so many bytes in all something happens to it, once.
    fault: Arc<Mutex<Option<(usize, Fault)>>>,
}

/// What becomes of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Ends,
    /// Nothing arrives any more, and neither end is told.
    StandsStill,
}

impl Wire {
    /// It happens once so many more bytes have passed.
    fn fail_after(&self, more: usize, fault: Fault) {
        let passed = self.bytes.lock().unwrap().len();
        *self.fault.lock().unwrap() = Some((passed + more, fault));
    }

    /// Notes bytes; what happens then.
    fn note(&self, piece: &[u8]) -> Option<Fault> {
        let mut bytes = self.bytes.lock().unwrap();
        bytes.extend(piece);
        self.fault.lock().unwrap().take_if(|(at, _)| bytes.len() >= *at).map(|(_, fault)| fault)
    }

    async fn lay(&self) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let wire = self.clone();
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let to = *wire.to.lock().unwrap();
                let Some(to) = to else { continue };
                let Ok(far) = TcpStream::connect(to).await else { continue };
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                let still = Arc::new(AtomicBool::new(false));
                tokio::spawn(carry(near_in, far_out, wire.clone(), still.clone()));
                tokio::spawn(carry(far_in, near_out, wire.clone(), still));
            }
        });
        address
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    wire: Wire,
    still: Arc<AtomicBool>,
) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(len @ 1..) = from.read(&mut piece).await {
        if still.load(Ordering::SeqCst) {
            continue;
        }
        match wire.note(&piece[..len]) {
            Some(Fault::Ends) => return,
            Some(Fault::StandsStill) => still.store(true, Ordering::SeqCst),
            None if to.write_all(&piece[..len]).await.is_err() => return,
            None => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_is_down_for_three_days() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let (amina, bruno, hotspot) = two(dir.path(), &world).await;
    let folder = dir.path().join("relay");
    let (running, key) = relay(&folder).await;
    let wire = Wire::default();
    *wire.to.lock().unwrap() = Some(running.address);
    let address = format!("ws://{}/relay", wire.lay().await);
    amina.add_relay(TeamRelay { address, key, token: TOKEN }).await.unwrap();
    bruno.meet_once(&hotspot).await.unwrap();

    // From here on they meet at the relay alone. What is saved goes there at once.
    let canaries = Canaries::new(&mut Dice::new(7, 1), 50);
    amina.attach_relays().await;
    for word in &canaries.words[..20] {
        add(&amina, word).await;
    }
    amina.relays_quiet().await;
    assert_eq!(amina.relays().await.unwrap().queue, Queue::default());
    for word in &canaries.words[20..25] {
        add(&bruno, word).await;
    }
    let began = Instant::now();
    let view = bruno.background(BUDGET).await.unwrap();
    assert!(began.elapsed() < BUDGET);
    assert_eq!((view.queue, view.relays[0].state), (Queue::default(), RelayState::UpToDate), "{view:?}");
    assert_eq!(titles(&bruno).await.len(), 25);
    assert!(bruno.relays().await.unwrap().relays[0].open == 0, "it has said goodbye");

    assert_eq!(amina.background(BUDGET).await.unwrap().queue, Queue::default());
    assert_eq!(titles(&amina).await.len(), 25);
    amina.attach_relays().await;
    amina.relays_quiet().await;

    // The relay is gone. Field work goes on, also over the hotspot, and says since when nothing went out.
    *wire.to.lock().unwrap() = None;
    running.stop().await;
    for (day, words) in canaries.words[25..].chunks(9).enumerate() {
        for word in words {
            let node = if day % 2 == 0 { &amina } else { &bruno };
            add(node, word).await;
        }
        world.0.fetch_add(DAY, Ordering::SeqCst);
    }
    bruno.meet_once(&hotspot).await.unwrap();
    assert_eq!(titles(&amina).await, titles(&bruno).await);
    let view = bruno.background(Duration::from_secs(5)).await.unwrap();
    assert!(view.relays[0].trouble.is_some(), "{view:?}");
    let queue = amina.relays().await.unwrap().queue;
    assert_eq!(queue, Queue { own: 16, others: 9, oldest: Some(UnixMillis(BEGIN)), ..Queue::default() });

    // It comes back, at another port behind the same address. Both have all of it; each thing is there once.
    let (running, again) = relay(&folder).await;
    assert_eq!(again, key);
    *wire.to.lock().unwrap() = Some(running.address);
    amina.hurry().await;
    amina.relays_quiet().await;
    for node in [&amina, &bruno] {
        let view = node.background(BUDGET).await.unwrap();
        assert_eq!(view.queue, Queue::default());
        assert_eq!(titles(node).await.len(), 50);
    }
    let ranges = ranges(&folder);
    bruno.background(BUDGET).await.unwrap();
    assert_eq!(self::ranges(&folder), ranges, "nothing is brought twice");
    for node in [amina, bruno] {
        node.shutdown().await.unwrap();
    }
    running.stop().await;

    // Whoever has the relay, or listens on the way, finds nothing that anybody wrote.
    let mut found = Vec::new();
    let read = canaries.search_folder(&folder, &mut found);
    let bytes = wire.bytes.lock().unwrap().clone();
    found.extend(canaries.search("the wire", &bytes));
    assert!(read > 10_000 && bytes.len() > 10_000, "{read} {}", bytes.len());
    assert_eq!(found, []);
    firsthand_tests::seeds::figure(&format!(
        "canaries at the relay: 50, 0 found in {read} bytes of its files and {} of the wire",
        bytes.len()
    ));
}

/// One takes a photo, the other gets it without ever meeting her; each time the way breaks in the middle of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_photo_goes_on_where_the_way_broke() {
    a_photo_goes_on(Fault::Ends, BUDGET).await;
}

/// The same where the time that a phone gives ends in the middle of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_photo_goes_on_where_the_time_ran_out() {
    a_photo_goes_on(Fault::StandsStill, Duration::from_secs(6)).await;
}

async fn a_photo_goes_on(fault: Fault, budget: Duration) {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let (amina, bruno, hotspot) = two(dir.path(), &world).await;
    let folder = dir.path().join("relay");
    let (running, key) = relay(&folder).await;
    let wire = Wire::default();
    *wire.to.lock().unwrap() = Some(running.address);
    let address = format!("ws://{}/relay", wire.lay().await);
    amina.add_relay(TeamRelay { address, key, token: TOKEN }).await.unwrap();
    bruno.meet_once(&hotspot).await.unwrap();

    let mut dice = Dice::new(8, 1);
    let canaries = Canaries::new(&mut dice, 50);
    let mut photo = Vec::new();
    for word in canaries.words.iter().cycle().take(600) {
        photo.extend(dice.fill(5000));
        photo.extend(word.as_bytes());
    }
    let file = dir.path().join("photo.bin");
    std::fs::write(&file, &photo).unwrap();
    let bridge = Incident { title: Some("Bridge".to_owned()), ..Incident::default() };
    let incident = amina.add_incident(bridge).await.unwrap().id;
    amina.attach(incident, &file, "", Arc::new(|_, _| true)).await.unwrap();

    // The words are there after the first time, the photo after the second, without a byte that had arrived.
    for node in [&amina, &bruno] {
        let began = wire.bytes.lock().unwrap().len();
        wire.fail_after(1_500_000, fault);
        let start = Instant::now();
        let broken = node.background(budget).await.unwrap();
        assert!(start.elapsed() < budget, "{:?}", start.elapsed());
        assert_eq!(broken.queue.own, 0, "{broken:?}");
        assert_eq!(broken.queue.files + broken.queue.files_wanted, 1, "{broken:?}");
        let whole = node.background(BUDGET).await.unwrap();
        assert_eq!(
            (whole.queue, whole.relays[0].state),
            (Queue::default(), RelayState::UpToDate),
            "{whole:?}"
        );
        let sent = wire.bytes.lock().unwrap().len() - began;
        assert!(sent < photo.len() + 700_000, "{sent} for {}", photo.len());
    }
    let shown = bruno.incident(incident).await.unwrap().attachments.remove(0);
    assert!(shown.here);
    let copy = dir.path().join("copy.bin");
    bruno
        .save_attachment(
            incident,
            "photo.bin",
            firsthand_record::VariantKind::Original,
            &copy,
            Arc::new(|_, _| true),
        )
        .await
        .unwrap();
    assert_eq!(std::fs::read(&copy).unwrap(), photo);
    for node in [amina, bruno] {
        node.shutdown().await.unwrap();
    }
    running.stop().await;

    let mut found = Vec::new();
    let read = canaries.search_folder(&folder, &mut found);
    found.extend(canaries.search("the wire", &wire.bytes.lock().unwrap()));
    assert!(read > photo.len() as u64, "{read}");
    assert_eq!(found, []);
}

fn ranges(folder: &Path) -> u64 {
    let (mut storage, _) = Data::create(folder.to_owned()).unwrap().open().unwrap();
    storage.holdings().unwrap().ranges
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_with_another_key_and_one_that_never_answers_cost_only_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let (amina, bruno, hotspot) = two(dir.path(), &world).await;
    let (good, key) = relay(&dir.path().join("good")).await;
    let (other, _) = relay(&dir.path().join("other")).await;
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = |address: SocketAddr| format!("ws://{address}/relay");
    for (address, key) in [
        (at(good.address), key),
        // A certificate would be of no use to it either: the key within is another.
        (at(other.address), firsthand_ids::ExchangeKey::new([0x42; 32])),
        (at(silent.local_addr().unwrap()), firsthand_ids::ExchangeKey::new([0x43; 32])),
    ] {
        amina.add_relay(TeamRelay { address, key, token: TOKEN }).await.unwrap();
    }
    bruno.meet_once(&hotspot).await.unwrap();
    add(&amina, "Bridge").await;
    for node in [&amina, &bruno] {
        let began = Instant::now();
        let budget = Duration::from_secs(6);
        let view = node.background(budget).await.unwrap();
        assert!(began.elapsed() < budget, "{:?}", began.elapsed());
        assert_eq!(view.queue, Queue::default(), "{view:?}");
        let wrong = view.relays.iter().find(|it| it.address == at(other.address)).unwrap();
        assert!(wrong.trouble.is_some() && wrong.open == 0, "{wrong:?}");
    }
    assert_eq!(titles(&bruno).await, ["Bridge"]);
    amina.shutdown().await.unwrap();
    bruno.shutdown().await.unwrap();
    good.stop().await;
    other.stop().await;
}

/// A relay that does TLS itself, with a certificate that nobody vouches for: what is pinned is the relay's own key, so that such a
/// certificate is as good as any, and no certificate makes up for another key.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let (amina, bruno, hotspot) = two(dir.path(), &world).await;
    let made = rcgen::generate_simple_self_signed(vec!["somebody-else.example".to_owned()]).unwrap();
    let (chain, secret) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&secret, made.signing_key.serialize_pem()).unwrap();
    let (running, key) = relay_with(&dir.path().join("relay"), Some((chain, secret))).await;

    let address = format!("wss://{}/relay", running.address);
    let wrong = firsthand_ids::ExchangeKey::new([0x42; 32]);
    for (amid, key) in [(false, wrong), (true, key)] {
        let relay = TeamRelay { address: address.clone(), key, token: TOKEN };
        amina.add_relay(relay.clone()).await.unwrap();
        bruno.meet_once(&hotspot).await.unwrap();
        add(&amina, if amid { "Over TLS" } else { "Kept here" }).await;
        let view = amina.background(BUDGET).await.unwrap();
        assert_eq!(view.queue == Queue::default(), amid, "{view:?}");
        if !amid {
            assert!(view.relays[0].trouble.is_some(), "{view:?}");
            amina.drop_relay(address.clone()).await.unwrap();
        }
    }
    bruno.background(BUDGET).await.unwrap();
    assert_eq!(titles(&bruno).await, ["Kept here", "Over TLS"]);
    amina.shutdown().await.unwrap();
    bruno.shutdown().await.unwrap();
    running.stop().await;
}

/// A relay's storage in the world's time.
struct InTime(Box<dyn Storage>, World);

impl Storage for InTime {
    fn carry_out(&mut self, _: UnixMillis, orders: &[Order]) -> Result<Vec<Outcome>, RelayError> {
        self.0.carry_out(self.1.now().at, orders)
    }

    fn grant(&mut self, kept: [u8; 32], grant: Grant) -> Result<(), RelayError> {
        self.0.grant(kept, grant)
    }

    fn sweep(&mut self, _: UnixMillis) -> Result<Swept, RelayError> {
        self.0.sweep(self.1.now().at)
    }

    fn holdings(&mut self) -> Result<Holdings, RelayError> {
        self.0.holdings()
    }
}

/// Two phones that are given a little time now and then pack up what is at the relay; whoever joins afterwards fetches that.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_takes_the_place_of_ranges() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let (amina, bruno, hotspot) = two(dir.path(), &world).await;
    let folder = dir.path().join("relay");
    let wire = Wire::default();
    let address = format!("ws://{}/relay", wire.lay().await);
    let start = async || {
        let config = Config::at((Ipv4Addr::LOCALHOST, 0).into());
        let (running, key) =
            relay_over(&folder, config, |storage| Box::new(InTime(storage, world.clone()))).await;
        *wire.to.lock().unwrap() = Some(running.address);
        (running, key)
    };
    let (running, key) = start().await;
    amina.add_relay(TeamRelay { address, key, token: TOKEN }).await.unwrap();
    bruno.meet_once(&hotspot).await.unwrap();
    assert_eq!(bruno.background(BUDGET).await.unwrap().queue, Queue::default());

    // Whoever confirms was there before it was proposed.
    world.0.fetch_add(DAY, Ordering::SeqCst);
    let mut dice = Dice::new(39, 1);
    let mut generator = Generator::new(dice.rng());
    let rows = (0..700).map(|row| ImportRow { row, incident: generator.team_incident() }).collect();
    amina.import(rows, false, Arc::new(|_, _| true)).await.unwrap();
    let view = amina.background(BUDGET).await.unwrap();
    assert_eq!((view.queue, view.relays[0].snapshot), (Queue::default(), Some(SnapshotView::Proposed)));
    let before = ranges(&folder);
    world.0.fetch_add(DAY, Ordering::SeqCst);
    assert_eq!(bruno.background(BUDGET).await.unwrap().queue, Queue::default());
    let view = amina.background(BUDGET).await.unwrap();
    assert!(matches!(view.relays[0].snapshot, Some(SnapshotView::Due(_))), "{view:?}");
    world.0.fetch_add(7 * DAY, Ordering::SeqCst);

    // The relay is started anew after the grace time, and makes room.
    running.stop().await;
    let (running, _) = start().await;
    for node in [&amina, &bruno] {
        let view = node.background(BUDGET).await.unwrap();
        assert_eq!((view.queue, view.relays[0].snapshot), (Queue::default(), None));
    }
    assert!(ranges(&folder) < before, "{} of {before}", ranges(&folder));
    // What comes now lies behind it; somebody who joins has all of it without having met anybody but the lead, who was asked for nothing.
    add(&bruno, "Behind the snapshot").await;
    bruno.background(BUDGET).await.unwrap();
    let carol = join(dir.path(), &world, &amina, &hotspot, "Carol").await;
    amina.background(BUDGET).await.unwrap();
    let view = carol.background(BUDGET).await.unwrap();
    assert_eq!((view.queue, view.relays[0].state), (Queue::default(), RelayState::UpToDate), "{view:?}");
    assert_eq!(titles(&carol).await.len(), 701);
    for node in [amina, bruno, carol] {
        node.shutdown().await.unwrap();
    }
    running.stop().await;
}
