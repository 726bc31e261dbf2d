//! Nodes on hosts with networks of their own, over links as they are in the field. `cargo xtask net` runs them, as root.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use firsthand_discovery::{Announcer, Networks, Seen};
use firsthand_node::nearby::{RunName, Sighting};
use firsthand_node::{Environment, Event, IncidentQuery, Nearby, Node, Passphrase, Role, Summary};
use firsthand_record::Incident;
use firsthand_tests::Dice;
use firsthand_tests::net::{self, Begun, Carried, Host, Link, Switch};
use image::codecs::jpeg::JpegEncoder;

const PORT: u16 = 7_700;
const CHUNK: u64 = 256 * 1024;
/// As many as people write in a bad hour.
const INCIDENTS: usize = 100;

fn words() -> Passphrase {
    Passphrase::new("words of the test".to_owned())
}

/// Whether there can be hosts here. Says so, where not.
fn can_run() -> bool {
    let available = net::available();
    if let Err(why) = &available {
        println!("skipped: {why}");
    }
    available.is_ok()
}

/// A phone that is its own host.
struct Phone {
    host: Host,
    node: Arc<Node>,
}

impl Phone {
    fn listens(&self) -> String {
        format!("{}:{PORT}", self.host.address)
    }

    fn do_with<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        what: impl FnOnce(Arc<Node>) -> F,
    ) -> T {
        self.host.run(what(Arc::clone(&self.node)))
    }

    fn meet(&self, other: &Self) -> Summary {
        let address = other.listens();
        self.do_with(|node| async move { node.meet_once(&address).await.unwrap() })
    }

    fn titles(&self) -> Vec<String> {
        self.do_with(|node| async move { titles(&node).await })
    }
}

async fn titles(node: &Node) -> Vec<String> {
    let rows = node.incidents(IncidentQuery { limit: 10_000, ..IncidentQuery::default() }).await.unwrap();
    let mut titles: Vec<String> = rows.into_iter().map(|row| row.incident.title).collect();
    titles.sort();
    titles
}

/// Amina, who leads and listens, and whoever joins over the hotspot.
fn team(dir: &Path, switch: &Arc<Switch>, others: &[&str]) -> Vec<Phone> {
    let host = Host::start(switch, 1, Link::HOTSPOT);
    let home = dir.join("amina");
    let address = format!("{}:{PORT}", host.address);
    let listen = address.clone();
    let node = host.run(async move {
        let env = Environment::laptop();
        let node = Node::create_team(&home, words(), "Harbour", "Amina", env).await.unwrap();
        node.listen(listen.parse().unwrap(), false).await.unwrap();
        Arc::new(node)
    });
    let mut phones = vec![Phone { host, node }];
    for (number, name) in (2..).zip(others) {
        let (at, reachable) = (Arc::clone(&phones[0].node), vec![address.clone()]);
        let code = phones[0].host.run(async move { at.invite(Role::Responder, reachable).await.unwrap() });
        let lead = Arc::clone(&phones[0].node);
        let mut events = lead.events();
        let host = Host::start(switch, number, Link::HOTSPOT);
        let (home, name) = (dir.join(name), (*name).to_owned());
        let joining = host.run(async move {
            Node::join(&home, words(), &code, &name, Environment::laptop()).await.unwrap()
        });
        let comparing = phones[0].host.begin(async move {
            loop {
                match events.recv().await.unwrap() {
                    Event::Words { link, .. } => lead.compared(link, true).await,
                    Event::Joined { .. } => return,
                    _ => {}
                }
            }
        });
        let node = host.run(async move { Arc::new(joining.confirm().await.unwrap()) });
        comparing.wait();
        phones.push(Phone { host, node });
    }
    phones
}

/// What is entered on a phone: its texts' bytes.
fn enter(phone: &Phone, count: usize, dice: &mut Dice) -> u64 {
    let mut bytes = 0;
    let mut incidents = Vec::new();
    for number in 0..count {
        // Nobody's words can be guessed, so no compression makes up for what travels besides them.
        let narrative: String = (0..400).map(|_| char::from(b'!' + dice.below(90) as u8)).collect();
        let title = format!("{} {number}", phone.host.address);
        bytes += (title.len() + narrative.len()) as u64;
        incidents.push(Incident { title: Some(title), narrative, ..Incident::default() });
    }
    phone.do_with(|node| async move {
        for incident in incidents {
            node.add_incident(incident).await.unwrap();
        }
    });
    bytes
}

/// A photo that no compression makes smaller: the bytes of its original, and of the smaller pictures that go before it.
fn photograph(phone: &Phone, dir: &Path, dice: &mut Dice) -> (u64, u64) {
    let noise = dice.fill(900 * 700 * 3);
    let picture = image::RgbImage::from_raw(900, 700, noise).unwrap();
    let mut photo = Vec::new();
    JpegEncoder::new_with_quality(&mut photo, 85).encode_image(&picture).unwrap();
    let path = dir.join("photo.jpg");
    std::fs::write(&path, &photo).unwrap();
    phone.do_with(|node| async move {
        let rows = node.incidents(IncidentQuery::default()).await.unwrap();
        let view = node.attach(rows[0].id, &path, "", Arc::new(|_, _| true)).await.unwrap();
        (view.byte_len, view.forms.iter().map(|form| form.byte_len).sum())
    })
}

/// What happened on the way, as the receiver saw it.
#[derive(Debug, Clone, Copy, Default)]
struct Noted {
    /// What it had received when the last incident was in its list, and after how long.
    words: Option<(u64, Duration)>,
}

/// Watches a phone's list until `wanted` incidents are in it.
fn watch(phone: &Phone, wanted: usize) -> Arc<Mutex<Noted>> {
    let seen = Arc::new(Mutex::new(Noted::default()));
    let (noting, meter, began, before) =
        (Arc::clone(&seen), phone.host.meter(), Instant::now(), phone.host.carried().received);
    let mut events = phone.node.events();
    let node = Arc::clone(&phone.node);
    drop(phone.host.begin(async move {
        while events.recv().await.is_ok() {
            if titles(&node).await.len() >= wanted {
                noting.lock().unwrap().words = Some((meter().received - before, began.elapsed()));
                return;
            }
        }
    }));
    seen
}

#[test]
#[ignore = "needs root: cargo xtask net"]
fn words_come_before_photos_over_a_bad_link() {
    if !can_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(11, 0);
    let switch = Arc::new(Switch::new(11));
    let phones = team(dir.path(), &switch, &["bruno"]);
    let [amina, bruno] = &phones[..] else { panic!() };
    bruno.meet(amina);
    let text = enter(amina, INCIDENTS, &mut dice);
    let (photo, forms) = photograph(amina, dir.path(), &mut dice);
    assert!(photo > 2 * CHUNK, "{photo} bytes are not several chunks");

    amina.host.set(Link::BAD);
    bruno.host.set(Link::BAD);
    let before = bruno.host.carried();
    let seen = watch(bruno, INCIDENTS);
    let began = Instant::now();
    let summary = bruno.meet(amina);
    let took = began.elapsed();
    let after = bruno.host.carried();
    let total = after.sent + after.received - before.sent - before.received;
    let (bytes, at) = seen.lock().unwrap().words.expect("the incidents are in the list");
    let said = summary.bytes_sent + summary.bytes_received;
    let payload = text + photo + forms;
    let share = |bytes: u64| bytes as f64 / payload as f64;
    firsthand_tests::seeds::figure(&format!(
        "20 kB/s, 300 ms, 2 % lost: {INCIDENTS} incidents in the list after {bytes} bytes and {:.1} s; all of it, with a \
         photo of {photo} bytes and {forms} of smaller pictures, after {:.1} s; {said} bytes said ({:.3} of what \
         was entered), {total} on the air ({:.3})",
        at.as_secs_f64(),
        took.as_secs_f64(),
        share(said),
        share(total)
    ));
    assert!(bytes < text + CHUNK, "the words waited for a photo: {bytes}");
    assert!(
        share(said) < 1.1,
        "{said} bytes for {text} of text, {photo} of a photo and {forms} of its forms"
    );
    // With the headers of Ethernet, IP and TCP, acknowledgements, and what was lost and is sent again.
    assert!(share(total) < 1.1, "{total} bytes on the air for {payload}");
    bruno.do_with(|node| async move {
        assert_eq!(node.check(Arc::new(|_, _| true)).await.unwrap().problems, Vec::<String>::new());
    });
}

#[test]
#[ignore = "needs root: cargo xtask net"]
fn what_is_written_meanwhile_overtakes_a_photo() {
    if !can_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(13, 0);
    let switch = Arc::new(Switch::new(13));
    let phones = team(dir.path(), &switch, &["bruno"]);
    let [amina, bruno] = &phones[..] else { panic!() };
    enter(amina, 1, &mut dice);
    let (photo, _) = photograph(amina, dir.path(), &mut dice);
    bruno.host.set(Link::BAD);
    amina.host.set(Link::BAD);
    let (before, meter) = (bruno.host.carried().received, bruno.host.meter());
    let address = amina.listens();
    bruno.do_with(|node| async move { node.meet(&address, false).await.unwrap() });
    // Its table, the smaller pictures and the first of its chunks are here: four more were asked for at once.
    while meter().received - before < photo / 2 {
        std::thread::yield_now();
    }
    let (began, at) = (Instant::now(), meter().received);
    let seen = watch(bruno, 2);
    enter(amina, 1, &mut dice);
    while seen.lock().unwrap().words.is_none() {
        std::thread::yield_now();
    }
    let (passed, took) = (meter().received - at, began.elapsed());
    firsthand_tests::seeds::figure(&format!(
        "20 kB/s, 300 ms, 2 % lost, a photo of {photo} bytes on its way: what is written meanwhile is there after {passed} bytes and {:.1} s",
        took.as_secs_f64(),
    ));
    assert!(meter().received - before < photo, "the photo was through before");
    assert!(passed < CHUNK / 2, "{passed} bytes came before what a person wrote");
}

#[test]
#[ignore = "needs root: cargo xtask net"]
fn what_a_cut_interrupts_goes_on() {
    if !can_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(12, 0);
    let switch = Arc::new(Switch::new(12));
    let phones = team(dir.path(), &switch, &["bruno"]);
    let [amina, bruno] = &phones[..] else { panic!() };
    enter(amina, 10, &mut dice);
    let (photo, forms) = photograph(amina, dir.path(), &mut dice);
    let slow = Link { rate: 100_000, ..Link::BAD };
    amina.host.set(slow);
    bruno.host.set(slow);
    let before = bruno.host.carried();
    // For two seconds, so that the connection outlives it, in the middle of the photo.
    let meter = bruno.host.meter();
    let address = amina.listens();
    let node = Arc::clone(&bruno.node);
    let meeting = bruno.host.begin(async move { node.meet_once(&address).await.unwrap() });
    while meter().received - before.received < photo / 2 {
        std::thread::yield_now();
    }
    bruno.host.set(Link { cut: true, ..slow });
    let cut = Instant::now();
    while cut.elapsed() < Duration::from_secs(2) {
        std::thread::yield_now();
    }
    bruno.host.set(slow);
    meeting.wait();
    assert_eq!(bruno.titles(), amina.titles());
    let after = bruno.host.carried();
    let total = after.received - before.received;
    assert!(total < (photo + forms) * 9 / 8, "{total} bytes for a photo of {photo} and {forms} of its forms");
}

/// Entries that each of six phones brings to the hotspot.
const EACH: usize = 500;

/// What a program does that meets whoever is near.
async fn look_around(node: &Node) -> (Nearby, Announcer) {
    let bound = node.listen(SocketAddr::from(([0, 0, 0, 0], 0)), false).await.unwrap();
    let networks = Networks::of_this_machine();
    let near = networks.clone();
    let nearby = node.look_around(move |address| near.reach(address)).await.unwrap();
    let tell = nearby.clone();
    let announcer = Announcer::start(&nearby.name().to_string(), bound.port(), move |seen| match seen {
        Seen::Here { name, addresses } => {
            let addresses = addresses.into_iter().filter(|address| networks.reach(address)).collect();
            RunName::parse(&name).is_none_or(|name| tell.saw(Sighting::Here { name, addresses }))
        }
        Seen::Gone { name } => RunName::parse(&name).is_none_or(|name| tell.saw(Sighting::Gone { name })),
    });
    (nearby, announcer.unwrap())
}

#[test]
#[ignore = "needs root: cargo xtask net"]
fn six_phones_on_a_hotspot_hold_the_same() {
    if !can_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(13, 0);
    let switch = Arc::new(Switch::new(13));
    let phones = team(dir.path(), &switch, &["bruno", "carol", "dana", "eva", "farid"]);
    for phone in &phones[1..] {
        phone.meet(&phones[0]);
    }
    let texts: u64 = phones.iter().map(|phone| enter(phone, EACH, &mut dice)).sum();
    let before: Vec<Carried> = phones.iter().map(|phone| phone.host.carried()).collect();
    let began = Instant::now();
    let around: Vec<_> =
        phones.iter().map(|phone| phone.do_with(|node| async move { look_around(&node).await })).collect();
    let all = EACH * phones.len();
    let waiting: Vec<_> = phones
        .iter()
        .map(|phone| {
            let (node, mut events) = (Arc::clone(&phone.node), phone.node.events());
            phone.host.begin(async move {
                while titles(&node).await.len() < all {
                    // What was missed because this side was slow does not matter: the list says it all.
                    drop(events.recv().await);
                }
            })
        })
        .collect();
    waiting.into_iter().for_each(Begun::wait);
    let took = began.elapsed();
    let received: u64 = phones
        .iter()
        .zip(&before)
        .map(|(phone, before)| phone.host.carried().received - before.received)
        .sum();
    drop(around);
    let digest = |phone: &Phone| phone.do_with(|node| async move { node.digest().await.unwrap() });
    assert!(phones[1..].iter().all(|phone| digest(phone) == digest(&phones[0])));
    let bound = texts * (phones.len() as u64 - 1);
    let ratio = received as f64 / bound as f64;
    firsthand_tests::seeds::figure(&format!(
        "six phones on a hotspot, {EACH} new incidents each: all in every list after {:.1} s; {received} bytes on the air, \
         {ratio:.2} times the texts once to each phone",
        took.as_secs_f64()
    ));
    // What several hold comes from one of them.
    assert!(ratio < 1.2, "{ratio}");
}
