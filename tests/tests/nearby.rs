//! Devices that find each other on one network, over real sockets.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::time::Duration;

use firsthand_node::meeting::Opened;
use firsthand_node::nearby::{FoundState, Sighting};
use firsthand_node::{EndReason, Environment, Event, Nearby, Node, Passphrase, Role};
use firsthand_record::Incident;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// Longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery staple".to_owned())
}

/// A device, where it listens, and how it looks for others.
struct Phone {
    node: Node,
    address: SocketAddr,
    nearby: Nearby,
}

impl Phone {
    async fn new(node: Node) -> Self {
        let address = node.listen("127.0.0.1:0".parse().unwrap(), false).await.unwrap();
        let nearby = node.look_around(|_| true).await.unwrap();
        Self { node, address, nearby }
    }

    fn here(&self) -> Sighting {
        Sighting::Here { name: self.nearby.name(), addresses: vec![self.address] }
    }

    async fn add(&self, title: &str) {
        let incident = Incident { title: Some(title.to_owned()), ..Incident::default() };
        self.node.add_incident(incident).await.unwrap();
    }

    /// Waits until everybody of `others` is connected, and all hold the same.
    async fn until_complete(&self, others: usize) {
        let mut changes = self.node.status_changes();
        let all = async {
            loop {
                changes.borrow_and_update();
                let status = self.node.status().await.unwrap();
                let complete = status.devices.iter().filter(|it| it.is_complete()).count();
                if complete == others && status.all_here_complete() {
                    return;
                }
                changes.changed().await.unwrap();
            }
        };
        if timeout(LIMIT, all).await.is_err() {
            panic!("not complete: {:?}", self.node.status().await.unwrap());
        }
    }
}

/// A lead and so many others who have joined.
async fn team(dir: &std::path::Path, others: usize) -> Vec<Phone> {
    let home = dir.join("0");
    let lead = Node::create_team(&home, passphrase(), "Harbour", "Amina", Environment::laptop());
    let lead = lead.await.unwrap();
    let address = lead.listen("127.0.0.1:0".parse().unwrap(), false).await.unwrap().to_string();
    let mut nodes = Vec::new();
    for number in 0..others {
        let code = lead.invite(Role::Responder, vec![address.clone()]).await.unwrap();
        let mut events = lead.events();
        let (home, name) = (dir.join((number + 1).to_string()), format!("Member {number}"));
        let joining = Node::join(&home, passphrase(), &code, &name, Environment::laptop());
        let joining = joining.await.unwrap();
        let compare = async {
            loop {
                match events.recv().await.unwrap() {
                    Event::Words { link, .. } => lead.compared(link, true).await,
                    Event::Joined { .. } => return,
                    _ => {}
                }
            }
        };
        let (node, ()) = tokio::join!(async { joining.confirm().await.unwrap() }, compare);
        nodes.push(node);
    }
    let mut phones = vec![Phone::new(lead).await];
    for node in nodes {
        phones.push(Phone::new(node).await);
    }
    phones
}

fn all_see_each_other(phones: &[Phone]) {
    for phone in phones {
        phones.iter().for_each(|other| assert!(phone.nearby.saw(other.here())));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_find_each_other_and_all_end_up_with_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let phones = team(dir.path(), 5).await;
    for (number, phone) in phones.iter().enumerate() {
        for incident in 0..20 {
            phone.add(&format!("Incident {incident} of {number}")).await;
        }
    }
    all_see_each_other(&phones);
    for phone in &phones {
        phone.until_complete(5).await;
    }
    let digest = phones[0].node.digest().await.unwrap();
    for phone in &phones {
        assert_eq!(phone.node.digest().await.unwrap(), digest);
        // Each pair has one link, though both sides looked for each other.
        assert_eq!(phone.node.peers().await.len(), 5);
        let found = phone.nearby.found().borrow().clone();
        assert_eq!(found.iter().filter(|it| it.state == FoundState::Met).count(), 5);
    }
    // What is entered now reaches everybody at once, over all links that there are.
    phones[3].add("Just now").await;
    phones[4].until_complete(5).await;
    let status = phones[4].node.status().await.unwrap();
    assert_eq!(status.devices.len(), 5);
    for device in &status.devices {
        let seen = device.seen.unwrap();
        assert_eq!((seen.has, seen.lacks, seen.we_lack, seen.files), (status.has, 0, 0, 0));
        assert!(device.complete.is_some());
    }
    // However much has happened, an observer who looks now has one thing to draw.
    let mut changes = phones[1].node.status_changes();
    changes.mark_unchanged();
    for number in 0..30 {
        phones[0].add(&format!("Storm {number}")).await;
    }
    phones[1].until_complete(5).await;
    changes.changed().await.unwrap();
    phones[0].node.shutdown().await.unwrap();

    // When it is opened again it knows whom it was complete with, and says of nobody that they are so now.
    let node = Node::open(&dir.path().join("0"), passphrase(), Environment::laptop()).await.unwrap();
    let status = node.status().await.unwrap();
    assert!(!status.all_here_complete());
    assert!(status.devices.iter().all(|it| it.link.is_none() && !it.is_complete()));
    assert!(status.devices.iter().all(|it| it.complete.is_some() && it.met.is_some()));
    // And where they were: nobody need be announced for it to find them.
    let nearby = node.look_around(|_| true).await.unwrap();
    let again = Phone { address: phones[0].address, node, nearby };
    again.until_complete(5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_meet_over_what_is_no_socket() {
    let dir = tempfile::tempdir().unwrap();
    let phones = team(dir.path(), 2).await;
    for (number, phone) in phones.iter().enumerate() {
        phone.add(&format!("By {number}")).await;
    }
    let (one, other) = tokio::io::duplex(256);
    phones[0].node.meet_over(one, Opened::Dialled { once: false }).await.unwrap();
    phones[1].node.meet_over(other, Opened::Accepted { once: false }).await.unwrap();
    phones[0].until_complete(1).await;

    // Messages of another length than they were sent in.
    let (to_two, at_two) = tokio::sync::mpsc::channel::<Vec<u8>>(4);
    let (to_one, at_one) = tokio::sync::mpsc::channel::<Vec<u8>>(4);
    let (pieces, mut whole) = tokio::sync::mpsc::channel::<Vec<u8>>(4);
    tokio::spawn(async move {
        while let Some(message) = whole.recv().await {
            assert!(message.len() <= 16 * 1024);
            for piece in message.chunks(100) {
                to_two.send(piece.to_vec()).await.unwrap();
            }
        }
    });
    phones[1].node.meet_over_messages(at_one, pieces, Opened::Dialled { once: false }).await.unwrap();
    phones[2].node.meet_over_messages(at_two, to_one, Opened::Accepted { once: false }).await.unwrap();
    phones[2].until_complete(1).await;
    phones[1].until_complete(2).await;
    assert_eq!(phones[0].node.digest().await.unwrap(), phones[2].node.digest().await.unwrap());
}

/// Somebody who is no member announces an address, and answers whatever is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trap_learns_nothing_and_costs_a_dial() {
    let dir = tempfile::tempdir().unwrap();
    let phones = team(dir.path(), 0).await;
    let mut events = phones[0].node.events();
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = trap.local_addr().unwrap();
    let name = firsthand_node::nearby::RunName::from_bytes([0xff; 8]);
    assert!(phones[0].nearby.saw(Sighting::Here { name, addresses: vec![address] }));
    let (mut stream, _) = timeout(LIMIT, trap.accept()).await.unwrap().unwrap();
    let mut heard = vec![0; 1024];
    let len = stream.read(&mut heard).await.unwrap();
    // The first message of the handshake, and nothing else: see docs/formats/channel.md.
    assert!(len < 64, "{len} bytes before anybody has shown a key");
    stream.write_all(&[7; 4096]).await.unwrap();
    let ended = async {
        loop {
            if let Event::Ended { reason, summary, .. } = events.recv().await.unwrap() {
                return (reason, summary);
            }
        }
    };
    let (reason, summary) = timeout(LIMIT, ended).await.unwrap();
    assert_eq!(reason, EndReason::Channel);
    assert_eq!((summary.entries_sent, summary.entries_received), (0, 0));
    let mut found = phones[0].nearby.found();
    let not_met = found.wait_for(|all| all.iter().any(|it| it.state == FoundState::NotMet));
    timeout(LIMIT, not_met).await.unwrap().unwrap();
}

/// A machine opens a thousand connections and sends a byte on each now and then. Two others meet as if it were not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_connections_keep_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let phones = team(dir.path(), 1).await;
    phones[0].add("Seen").await;
    let mut held = Vec::new();
    for number in 0..1000 {
        // From an address of its own, as a machine of the same network would have.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.66:0".parse().unwrap()).unwrap();
        let Ok(mut stream) = socket.connect(phones[0].address).await else { continue };
        if number % 10 == 0 {
            drop(stream.write_all(&[1]).await);
        }
        held.push(stream);
    }
    assert!(held.len() > 900, "the attacker got {} connections", held.len());
    assert!(phones[1].nearby.saw(phones[0].here()));
    phones[1].until_complete(1).await;
    phones[0].until_complete(1).await;
    drop(held);
}
