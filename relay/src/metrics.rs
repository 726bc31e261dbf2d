use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use firsthand_sync::relay::{Closing, Order, Outcome};

use crate::Holdings;

/// Figures for Prometheus. No mailbox, no writer, no address: sums only.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    connections: AtomicI64,
    accepted: AtomicU64,
    turned_away: AtomicU64,
    ended: [AtomicU64; ENDINGS.len()],
    received: AtomicU64,
    sent: AtomicU64,
    puts: AtomicU64,
    put_bytes: AtomicU64,
    refused: AtomicU64,
    commits: AtomicU64,
    committed: AtomicU64,
    commit_micros: AtomicU64,
    failures: AtomicU64,
}

/// How connections end.
const ENDINGS: [&str; 11] = [
    "done",
    "stopping",
    "no_mailbox",
    "proof",
    "token",
    "forbidden",
    "late",
    "busy",
    "storage",
    "other",
    "broken",
];

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

impl Metrics {
    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        add(&self.accepted, 1);
    }

    /// A connection ended; `None` where the other side went without a word.
    pub(crate) fn disconnected(&self, reason: Option<Closing>) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
        let word = reason.map_or("broken", Closing::word);
        if let Some(at) = ENDINGS.iter().position(|ending| *ending == word) {
            add(&self.ended[at], 1);
        }
    }

    pub(crate) fn turned_away(&self) {
        add(&self.turned_away, 1);
    }

    pub(crate) fn received(&self, bytes: usize) {
        add(&self.received, bytes as u64);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        add(&self.sent, bytes as u64);
    }

    pub(crate) fn storage_failed(&self) {
        add(&self.failures, 1);
    }

    pub(crate) fn committed(&self, orders: &[Order], outcomes: &[Outcome], took: Duration) {
        add(&self.commits, 1);
        add(&self.committed, orders.len() as u64);
        add(&self.commit_micros, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        for (order, outcome) in orders.iter().zip(outcomes) {
            match (order, outcome) {
                (Order::Put { sealed, .. }, Outcome::Done { new: true, .. }) => {
                    add(&self.puts, 1);
                    add(&self.put_bytes, sealed.len() as u64);
                }
                (_, Outcome::Refused(_)) => add(&self.refused, 1),
                _ => {}
            }
        }
    }

    /// In Prometheus's text format.
    pub(crate) fn text(&self, holdings: &Holdings) -> String {
        let mut out = String::new();
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Holdings { mailboxes, ranges, blobs, bytes } = *holdings;
        let connections = u64::try_from(self.connections.load(Ordering::Relaxed)).unwrap_or(0);
        for (name, kind, help, value) in [
            ("connections", "gauge", "Connections now.", connections),
            ("mailboxes", "gauge", "Mailboxes held.", mailboxes),
            ("ranges", "gauge", "Sealed ranges held.", ranges),
            ("blobs", "gauge", "Sealed blobs held.", blobs),
            ("charged_bytes", "gauge", "What mailboxes are charged with.", bytes),
            ("connections_accepted_total", "counter", "Connections accepted.", get(&self.accepted)),
            (
                "connections_turned_away_total",
                "counter",
                "Connections beyond a limit.",
                get(&self.turned_away),
            ),
            ("received_bytes_total", "counter", "Bytes from clients.", get(&self.received)),
            ("sent_bytes_total", "counter", "Bytes to clients.", get(&self.sent)),
            ("ranges_stored_total", "counter", "Ranges taken in.", get(&self.puts)),
            ("ranges_stored_bytes_total", "counter", "Sealed bytes of those.", get(&self.put_bytes)),
            ("refused_total", "counter", "Requests refused with a reason.", get(&self.refused)),
            ("commits_total", "counter", "Groups carried out.", get(&self.commits)),
            ("orders_total", "counter", "Orders in those.", get(&self.committed)),
            ("commit_microseconds_total", "counter", "Time spent on those.", get(&self.commit_micros)),
            ("storage_failures_total", "counter", "Groups of which nothing was kept.", get(&self.failures)),
        ] {
            let _ =
                writeln!(out, "# HELP firsthand_relay_{name} {help}\n# TYPE firsthand_relay_{name} {kind}");
            let _ = writeln!(out, "firsthand_relay_{name} {value}");
        }
        let name = "firsthand_relay_connections_ended_total";
        let _ = writeln!(out, "# HELP {name} Connections that ended, by reason.\n# TYPE {name} counter");
        for (ending, count) in ENDINGS.iter().zip(&self.ended) {
            let _ = writeln!(out, "{name}{{reason=\"{ending}\"}} {}", get(count));
        }
        out
    }
}
