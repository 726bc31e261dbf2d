//! A thousand phones that listen and say nothing.

use firsthand_ids::UnixMillis;
use firsthand_relay::{Data, Grant, Storage};
use firsthand_sync::relay::{Answer, ListDigest, Request};

use crate::kill::start;
use crate::support::{Raw, token};

const IDLE: u64 = 1000;
/// The first ones grow what all share.
const FIRST: u64 = 50;
const MOST: u64 = 32 * 1000;

#[tokio::test]
async fn an_idle_client_takes_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::create(folder.path().join("data")).unwrap();
    let (mut storage, _) = data.open().unwrap();
    let grant = Grant { mailboxes: 1, bytes: 1 << 30, until: UnixMillis(i64::MAX) };
    storage.grant(token().kept(), grant).unwrap();
    drop(storage);
    let mut relay = start(&folder.path().join("data"), &["--per-address", "0"]);
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", relay.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    };
    Raw::connect(relay.address, &relay.key, 1).await.unwrap().register().await;
    let (mut clients, mut before) = (Vec::new(), 0);
    for number in 0..FIRST + IDLE {
        if number == FIRST {
            before = resident();
        }
        let mut raw = Raw::connect(relay.address, &relay.key, number).await.unwrap();
        raw.enter((number % 100) as u8).await;
        raw.send(&Request::Follow { serial: 0, digest: ListDigest::default() }).await;
        assert!(matches!(raw.next().await, Some(Answer::Listed { .. })));
        clients.push(raw);
    }
    let each = resident().saturating_sub(before) / IDLE;
    println!("figure: memory of each of {IDLE} idle clients of a relay: {:.1} KB", each as f64 / 1000.0);
    assert!(each <= MOST, "{each} bytes each");
    drop(clients);
    relay.child.kill().unwrap();
    relay.child.wait().unwrap();
}
