use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::Dice;

/// The longest frame: 1,500 bytes and the Ethernet header, with room for a tag.
const FRAME: usize = 1_522;
/// What a port keeps before it drops frames: half a second at 100 kB/s, as small radios do.
const ROOM: usize = 50_000;

type Address = [u8; 6];

/// How a host is connected.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// Bytes a second, each way.
    pub rate: u64,
    /// How long a frame is on its way, besides the time that its bytes take.
    pub delay: Duration,
    /// How many of 1,000 frames are lost, each way.
    pub lost: usize,
    /// Nothing passes.
    pub cut: bool,
}

impl Link {
    /// A hotspot with everybody close to it: 4 MB/s, 2 ms.
    pub const HOTSPOT: Self = Self { rate: 4_000_000, delay: Duration::from_millis(2), lost: 0, cut: false };
    /// 20 kB/s, 300 ms, one frame of fifty lost. Both hosts have the same link, so each gives half of the delay and of the losses.
    pub const BAD: Self = Self { rate: 20_000, delay: Duration::from_millis(150), lost: 10, cut: false };
}

/// How many bytes of frames went by at a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    /// From the host.
    pub sent: u64,
    /// To it, those lost on the way not counted.
    pub received: u64,
}

/// Frames on their way in one direction of one port.
#[derive(Default)]
struct Lane {
    waiting: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    /// When the last byte that was let in has left.
    free: Option<Instant>,
}

struct Port {
    link: Link,
    dice: Dice,
    carried: Carried,
    /// From the host to the switch, and from there to the host.
    lanes: [Lane; 2],
}

#[derive(Default)]
struct State {
    ports: Vec<Port>,
    /// Behind which port a device is.
    known: BTreeMap<Address, usize>,
    over: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// An Ethernet switch.
pub struct Switch {
    shared: Arc<Shared>,
    seed: u64,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

const UP: usize = 0;
const DOWN: usize = 1;

impl Switch {
    /// A switch without ports; losses are drawn from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let shared = Arc::new(Shared::default());
        let moving = Arc::clone(&shared);
        let mover = thread::spawn(move || moving.carry());
        Self { shared, seed, threads: Mutex::new(vec![mover]) }
    }

    /// A new port, whose cable's end `tap` is.
    pub(super) fn plug(&self, tap: File, link: Link) -> usize {
        let mut state = self.shared.state.lock().unwrap();
        let port = state.ports.len();
        let dice = Dice::new(self.seed, 9_000 + port as u64);
        state.ports.push(Port { link, dice, carried: Carried::default(), lanes: Default::default() });
        drop(state);
        let shared = Arc::clone(&self.shared);
        let mut writing = tap.try_clone().unwrap();
        let writer = thread::spawn(move || shared.deliver(port, &mut writing));
        // It ends with the host's device.
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || shared.accept(port, tap));
        self.threads.lock().unwrap().push(writer);
        port
    }

    /// From now on frames pass like this.
    pub fn set(&self, port: usize, link: Link) {
        let mut state = self.shared.state.lock().unwrap();
        state.ports[port].link = link;
        if link.cut {
            state.ports[port].lanes = Default::default();
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// What has gone by so far.
    #[must_use]
    pub fn carried(&self, port: usize) -> Carried {
        self.shared.state.lock().unwrap().ports[port].carried
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap().over = true;
        self.shared.changed.notify_all();
        for thread in self.threads.lock().unwrap().drain(..) {
            drop(thread.join());
        }
    }
}

impl Port {
    /// Lets a frame in at one end of a lane, or drops it.
    fn enter(&mut self, direction: usize, frame: Vec<u8>, now: Instant) {
        let Self { link, dice, lanes, .. } = self;
        let lane = &mut lanes[direction];
        if link.cut || dice.below(1_000) < link.lost || lane.bytes + frame.len() > ROOM {
            return;
        }
        let takes = Duration::from_secs_f64(frame.len() as f64 / link.rate as f64);
        let left = lane.free.map_or(now, |free| free.max(now)) + takes;
        lane.free = Some(left);
        lane.bytes += frame.len();
        lane.waiting.push_back((left + link.delay, frame));
    }
}

impl State {
    /// When the next frame arrives at the switch.
    fn next(&self, direction: usize) -> Option<Instant> {
        let first = |port: &Port| port.lanes[direction].waiting.front().map(|(at, _)| *at);
        self.ports.iter().filter_map(first).min()
    }

    /// Frames that have reached the switch go to the ports they are for.
    fn forward(&mut self, now: Instant) {
        for from in 0..self.ports.len() {
            while self.ports[from].lanes[UP].waiting.front().is_some_and(|(at, _)| *at <= now) {
                let Some((_, frame)) = self.ports[from].lanes[UP].waiting.pop_front() else { break };
                self.ports[from].lanes[UP].bytes -= frame.len();
                let (Ok(to), Ok(source)) = (frame[..6].try_into(), frame[6..12].try_into()) else { continue };
                let to: Address = to;
                self.known.insert(source, from);
                // The lowest bit of the first byte: for many. Whoever is not known is looked for everywhere.
                let one = self.known.get(&to).filter(|_| to[0] & 1 == 0).copied();
                for port in (0..self.ports.len()).filter(|port| *port != from) {
                    if one.is_none_or(|one| one == port) {
                        self.ports[port].enter(DOWN, frame.clone(), now);
                    }
                }
            }
        }
    }
}

impl Shared {
    /// Takes what a host sends.
    fn accept(&self, port: usize, mut tap: File) {
        let mut frame = vec![0; FRAME];
        while let Ok(len) = tap.read(&mut frame) {
            let mut state = self.state.lock().unwrap();
            if state.over {
                return;
            }
            if len >= 14 {
                let at = &mut state.ports[port];
                at.carried.sent += len as u64;
                at.enter(UP, frame[..len].to_vec(), Instant::now());
                drop(state);
                self.changed.notify_all();
            }
        }
    }

    /// Moves frames between ports.
    fn carry(&self) {
        let mut state = self.state.lock().unwrap();
        while !state.over {
            state.forward(Instant::now());
            self.changed.notify_all();
            state = match state.next(UP) {
                Some(at) => {
                    let wait = at.saturating_duration_since(Instant::now());
                    self.changed.wait_timeout(state, wait).unwrap().0
                }
                None => self.changed.wait(state).unwrap(),
            };
        }
    }

    /// Gives a host what is for it.
    fn deliver(&self, port: usize, tap: &mut File) {
        let mut state = self.state.lock().unwrap();
        while !state.over {
            let due = state.ports[port].lanes[DOWN].waiting.front().map(|(at, _)| *at);
            let now = Instant::now();
            state = match due {
                Some(at) if at <= now => {
                    let at = &mut state.ports[port];
                    let Some((_, frame)) = at.lanes[DOWN].waiting.pop_front() else { continue };
                    at.lanes[DOWN].bytes -= frame.len();
                    at.carried.received += frame.len() as u64;
                    drop(state);
                    // A host that goes takes its cable with it.
                    drop(tap.write(&frame));
                    self.state.lock().unwrap()
                }
                Some(at) => self.changed.wait_timeout(state, at - now).unwrap().0,
                None => self.changed.wait(state).unwrap(),
            };
        }
    }
}
