//! A relay that is killed under load at any moment: what it acknowledged is there.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use firsthand_ids::{ExchangeKey, Position, UnixMillis};
use firsthand_relay::{Data, Grant, Storage};
use firsthand_sync::relay::{Answer, ListDigest, Refused, Request, SealedDigest};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::support::{Raw, token, writer};

const KILLS: u64 = 200;
const CLIENTS: u8 = 4;

/// The program, and what it said: where it listens and with which key.
pub(crate) struct Relay {
    pub(crate) child: Child,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) key: ExchangeKey,
    _out: BufReader<ChildStdout>,
}

pub(crate) fn start(data: &Path, more: &[&str]) -> Relay {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firsthand-relay"));
    command.arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]).args(more);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut word = |name: &str| {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        line.trim_end().strip_prefix(name).unwrap_or_else(|| panic!("{line:?}")).trim().to_owned()
    };
    let address = word("address ws://").trim_end_matches("/relay").parse().unwrap();
    let key = word("key").parse().unwrap();
    Relay { child, address, key, _out: out }
}

type Acknowledged = BTreeMap<(u8, u64), SealedDigest>;

fn bytes(client: u8, at: u64, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut sealed = vec![client; 200 + (rng.next_u32() % 3000) as usize];
    sealed[..8].copy_from_slice(&at.to_be_bytes());
    sealed
}

/// Puts ranges of its own writer until the relay is gone.
async fn load(
    address: std::net::SocketAddr,
    key: ExchangeKey,
    client: u8,
    seed: u64,
    mut at: u64,
) -> Acknowledged {
    let mut acknowledged = Acknowledged::new();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let Some(mut raw) = Raw::connect(address, &key, rng.next_u64()).await else { return acknowledged };
    let request = raw.enter_request(client);
    raw.send(&request).await;
    let mut waiting = BTreeMap::new();
    loop {
        while waiting.len() < 8 {
            at += 1;
            let sealed = bytes(client, at, &mut rng);
            waiting.insert(at, SealedDigest::of(&sealed));
            let (from, to) = (Position(at), Position(at));
            if !raw.send(&Request::Put { tag: at, writer: writer(client), from, to, sealed }).await {
                return acknowledged;
            }
        }
        match raw.next().await {
            Some(Answer::Done { tag, .. }) => {
                acknowledged.insert((client, tag), waiting.remove(&tag).unwrap());
            }
            Some(Answer::Entered { .. }) => {}
            // The last of before was there, acknowledged or not.
            Some(Answer::Refused { tag, reason: Refused::Candidates }) => {
                waiting.remove(&tag);
            }
            Some(other) => panic!("{other:?}"),
            None => return acknowledged,
        }
    }
}

/// Every range that a relay lists, as it brings it.
async fn held(relay: &Relay, seed: u64) -> Acknowledged {
    let mut raw = Raw::connect(relay.address, &relay.key, seed).await.unwrap();
    raw.enter(99).await;
    raw.send(&Request::Follow { serial: 0, digest: ListDigest::default() }).await;
    let mut held = Acknowledged::new();
    loop {
        let Some(Answer::Listed { ranges, more, .. }) = raw.next().await else { panic!("no list") };
        for head in ranges {
            held.insert((head.writer.as_bytes()[0], head.from.0), head.digest);
        }
        if !more {
            return held;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_under_load_loses_no_acknowledged_range() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::create(folder.path().join("data")).unwrap();
    let (mut storage, _) = data.open().unwrap();
    let grant = Grant { mailboxes: 1, bytes: 1 << 40, until: UnixMillis(i64::MAX) };
    storage.grant(token().kept(), grant).unwrap();
    drop(storage);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut acknowledged = Acknowledged::new();
    let (mut relay, mut listed) = (start(&folder.path().join("data"), &[]), Acknowledged::new());
    Raw::connect(relay.address, &relay.key, 1).await.unwrap().register().await;
    for kill in 0..KILLS {
        let clients: Vec<_> = (1..=CLIENTS)
            .map(|client| {
                let last =
                    listed.range((client, 0)..=(client, u64::MAX)).next_back().map_or(0, |(at, _)| at.1);
                tokio::spawn(load(relay.address, relay.key, client, kill * 10 + u64::from(client), last))
            })
            .collect();
        let moment = Instant::now() + Duration::from_micros(500 + rng.next_u64() % 40_000);
        tokio::time::sleep_until(moment.into()).await;
        relay.child.kill().unwrap();
        relay.child.wait().unwrap();
        for client in clients {
            acknowledged.extend(client.await.unwrap());
        }
        relay = start(&folder.path().join("data"), &[]);
        listed = held(&relay, kill).await;
        for (range, digest) in &acknowledged {
            assert_eq!(
                listed.get(range),
                Some(digest),
                "after kill {kill}: a range that was acknowledged is gone"
            );
        }
    }
    assert!(acknowledged.len() > 1000, "too little load: {}", acknowledged.len());
    println!(
        "figure: {KILLS} kills of a relay under load, {} acknowledged ranges, none lost",
        acknowledged.len()
    );
    relay.child.kill().unwrap();
    relay.child.wait().unwrap();
}
