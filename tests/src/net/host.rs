use std::future::Future;
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::switch::{Carried, Link, Switch};
use super::tap;

/// A device with a network of its own.
pub struct Host {
    /// Its address; all hosts of a switch are in 10.77.0.0/24.
    pub address: Ipv4Addr,
    /// Where it is plugged in.
    pub port: usize,
    switch: Arc<Switch>,
    handle: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Something that a host is doing. Dropped, it goes on.
pub struct Begun<T> {
    outcome: mpsc::Receiver<T>,
    address: Ipv4Addr,
}

impl<T> Begun<T> {
    /// Waits for its end.
    pub fn wait(self) -> T {
        let Self { outcome, address } = self;
        outcome.recv().unwrap_or_else(|_| panic!("it ended in a panic on {address}, which is told above"))
    }
}

impl Host {
    /// Host `number`, 1 to 254, plugged into a switch.
    #[must_use]
    pub fn start(switch: &Arc<Switch>, number: u8, link: Link) -> Self {
        let address = Ipv4Addr::new(10, 77, 0, number);
        let (end, ended) = oneshot::channel();
        let (told, started) = mpsc::channel();
        // All that the runtime starts comes from this thread, and so sees its namespace and no other.
        let thread = thread::spawn(move || {
            tap::enter_new_namespace().unwrap();
            let tap = tap::open("wlan0").unwrap();
            ip(&["link", "set", "lo", "up"]);
            ip(&["link", "set", "wlan0", "address", &format!("02:00:00:77:00:{number:02x}")]);
            ip(&["address", "add", &format!("{address}/24"), "dev", "wlan0"]);
            ip(&["link", "set", "wlan0", "up"]);
            let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            told.send((tap, runtime.handle().clone())).unwrap();
            runtime.block_on(async { drop(ended.await) });
            drop(runtime);
            // The switch has hold of the other end; without its device there is nothing to read any more.
            ip(&["link", "delete", "wlan0"]);
        });
        let (tap, handle) = started.recv().unwrap();
        let port = switch.plug(tap, link);
        Self { address, port, switch: Arc::clone(switch), handle, end: Some(end), thread: Some(thread) }
    }

    /// Begins something on this host.
    pub fn begin<T: Send + 'static>(&self, what: impl Future<Output = T> + Send + 'static) -> Begun<T> {
        let (told, outcome) = mpsc::channel();
        self.handle.spawn(async move { drop(told.send(what.await)) });
        Begun { outcome, address: self.address }
    }

    /// Runs something on this host and waits for its end.
    pub fn run<T: Send + 'static>(&self, what: impl Future<Output = T> + Send + 'static) -> T {
        self.begin(what).wait()
    }

    /// From now on its frames pass like this.
    pub fn set(&self, link: Link) {
        self.switch.set(self.port, link);
    }

    /// Reads, from wherever, what this host has sent and received.
    pub fn meter(&self) -> impl Fn() -> Carried + Send + Sync + 'static {
        let (switch, port) = (Arc::clone(&self.switch), self.port);
        move || switch.carried(port)
    }

    /// What it has sent and received.
    #[must_use]
    pub fn carried(&self) -> Carried {
        self.switch.carried(self.port)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().unwrap();
    assert!(output.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
