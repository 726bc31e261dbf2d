//! Several devices, each connected to some of the others at once: what several of them hold comes from one.

use std::collections::{BTreeMap, VecDeque};

use firsthand_ids::UnixMillis;
use firsthand_sync::{Claims, Config, Effect, Input, Pending, Session};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::device::{Device, Fact, SPACE, below, rarely, writer};

/// A device, and what its owner does for all of its sessions.
#[derive(Default)]
struct Phone {
    device: Device,
    claims: Claims,
    /// What its ledger was asked, by which session.
    questions: VecDeque<(usize, Effect)>,
    /// What the ledger answered, and what changed for every other session.
    answers: VecDeque<(Option<usize>, Input)>,
}

/// A connection of two devices.
struct Wire {
    ends: [usize; 2],
    sessions: [Option<Session>; 2],
    /// To each end.
    pipes: [VecDeque<Vec<u8>>; 2],
    cut: bool,
    /// The first end says nothing more.
    stands_still: bool,
}

/// How a run may go wrong.
#[derive(Clone, Copy, Default)]
struct Weather {
    /// Entries are made meanwhile.
    live: bool,
    cuts: bool,
    /// Peers stop to say anything.
    stalls: bool,
    /// Some hold what others wrote before.
    past: bool,
    /// Connections are made one after the other.
    later: bool,
}

struct Mesh {
    rng: ChaCha8Rng,
    phones: Vec<Phone>,
    wires: Vec<Wire>,
    now: i64,
    facts: u64,
}

impl Mesh {
    /// Phones of which any can reach any other.
    fn new(seed: u64, weather: Weather) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let phones = 3 + below(&mut rng, 4);
        let mut mesh = Self { rng, phones: Vec::new(), wires: Vec::new(), now: 0, facts: 0 };
        mesh.phones.resize_with(phones, Phone::default);
        for number in 0..phones {
            for _ in 0..below(&mut mesh.rng, 1200) {
                mesh.append(number);
            }
        }
        if weather.past {
            for _ in 0..below(&mut mesh.rng, 3 * phones) {
                let [from, to, of] = [0; 3].map(|_| below(&mut mesh.rng, phones));
                let from = mesh.phones[from].device.clone();
                mesh.phones[to].device.receive_from(&from, writer(of as u16));
            }
        }
        let every = rarely(&mut mesh.rng, 2);
        for one in 1..phones {
            let tree = below(&mut mesh.rng, one);
            for other in 0..one {
                if every || other == tree || rarely(&mut mesh.rng, 3) {
                    mesh.wire(one, other);
                }
            }
        }
        mesh
    }

    fn wire(&mut self, one: usize, other: usize) {
        let ends = if rarely(&mut self.rng, 2) { [one, other] } else { [other, one] };
        let (sessions, pipes) = ([None, None], [VecDeque::new(), VecDeque::new()]);
        self.wires.push(Wire { ends, sessions, pipes, cut: false, stands_still: false });
    }

    fn append(&mut self, at: usize) {
        self.facts += 1;
        let fact = Fact { id: self.facts, size: below(&mut self.rng, 40) };
        self.phones[at].device.append(writer(at as u16), fact);
    }

    fn write(&mut self, at: usize) {
        self.append(at);
        let phone = &mut self.phones[at];
        let vector = phone.device.vector();
        phone.answers.push_back((None, Input::Advanced { space: SPACE, vector }));
    }

    fn open(&mut self, wire: usize, end: usize) {
        let config = Config { our_heads: vec![], their_heads: vec![], peer_known: true };
        self.wires[wire].sessions[end] = Some(Session::new(config));
        for input in [Input::Want(vec![]), Input::Pending(Pending::default()), Input::Start] {
            self.feed(wire, end, input);
        }
        self.look(self.wires[wire].ends[end]);
    }

    fn feed(&mut self, wire: usize, end: usize, input: Input) {
        let Wire { ends, sessions, pipes, .. } = &mut self.wires[wire];
        let at = ends[end];
        let Some(session) = &mut sessions[end] else { return };
        for effect in session.handle_among(wire as u64, &mut self.phones[at].claims, input) {
            match effect {
                Effect::Send(frame) => pipes[1 - end].push_back(frame),
                Effect::Close(reason) => panic!("{reason:?}"),
                Effect::Equal { .. } | Effect::PeerPending(_) => {}
                question => self.phones[at].questions.push_back((wire, question)),
            }
        }
    }

    /// As the owner does after everything that happened.
    fn look(&mut self, at: usize) {
        while self.phones[at].claims.take_news() {
            for (wire, end) in self.ends_of(at) {
                self.feed(wire, end, Input::Look);
            }
        }
    }

    fn ends_of(&self, at: usize) -> Vec<(usize, usize)> {
        let end = |(wire, it): (usize, &Wire)| Some((wire, it.ends.iter().position(|end| *end == at)?));
        self.wires.iter().enumerate().filter_map(end).collect()
    }

    fn cut(&mut self, wire: usize) {
        let it = &mut self.wires[wire];
        (it.sessions, it.pipes, it.cut) = ([None, None], [VecDeque::new(), VecDeque::new()], true);
        for at in self.wires[wire].ends {
            self.phones[at].claims.leave_all(wire as u64);
            self.look(at);
        }
    }

    fn work(&mut self, at: usize) {
        let Some((wire, question)) = self.phones[at].questions.pop_front() else { return };
        let device = &mut self.phones[at].device;
        let before = device.vector();
        let answer = match question {
            Effect::OpenSpaces => {
                Input::SpacesOpened { main: SPACE, spaces: BTreeMap::from([(SPACE, device.vector())]) }
            }
            Effect::Load { receiver, forks, only, .. } => {
                device.load(&mut self.rng, &receiver, &forks, only.as_ref())
            }
            Effect::LoadRows { space, .. } => Input::RowsLoaded { space, packed: None },
            Effect::PeerHolds { space, marks } => {
                let other = self.wires[wire].ends.into_iter().find(|end| *end != at).unwrap();
                let there = self.phones[other].device.vector();
                for (writer, mark) in marks.iter() {
                    assert!(there.position(writer) >= mark.position, "it holds what it is said to hold");
                }
                Input::HoldingKept { space }
            }
            Effect::MakeReceipts { space } => Input::ReceiptsMade { space, receipts: None },
            Effect::Commit { plain, .. } => device.commit(&plain),
            Effect::Apply { .. } => device.apply(),
            other => panic!("{other:?} is no question"),
        };
        let phone = &mut self.phones[at];
        phone.answers.push_back((Some(wire), answer));
        let vector = phone.device.vector();
        if vector != before {
            for (other, _) in self.ends_of(at).into_iter().filter(|(other, _)| *other != wire) {
                let input = Input::Advanced { space: SPACE, vector: vector.clone() };
                self.phones[at].answers.push_back((Some(other), input));
            }
        }
    }

    /// A session hears what its ledger answered, or all of them what was written.
    fn hear(&mut self, at: usize) {
        let Some((wire, input)) = self.phones[at].answers.pop_front() else { return };
        for (other, end) in self.ends_of(at) {
            if wire.is_none_or(|wire| wire == other) {
                self.feed(other, end, input.clone());
            }
        }
        self.look(at);
    }

    /// One thing happens; `false` where nothing is left to happen.
    fn step(&mut self) -> bool {
        let mut possible = Vec::new();
        for (number, wire) in self.wires.iter().enumerate().filter(|(_, wire)| !wire.cut) {
            for end in 0..2 {
                let speaks = !wire.stands_still || end == 0;
                if wire.sessions[end].is_none() {
                    possible.push((0, number, end));
                } else if speaks && !wire.pipes[end].is_empty() {
                    possible.push((1, number, end));
                }
            }
        }
        for (number, phone) in self.phones.iter().enumerate() {
            if !phone.questions.is_empty() {
                possible.push((2, number, 0));
            }
            if !phone.answers.is_empty() {
                possible.push((3, number, 0));
            }
        }
        let Some((what, number, end)) = possible.get(below(&mut self.rng, possible.len().max(1))).copied()
        else {
            return false;
        };
        match what {
            0 => self.open(number, end),
            1 => {
                let frame = self.wires[number].pipes[end].pop_front().unwrap();
                self.feed(number, end, Input::Frame(frame));
                self.look(self.wires[number].ends[end]);
            }
            2 => self.work(number),
            _ => self.hear(number),
        }
        true
    }

    /// Lets everything happen that can, and time pass where somebody waits for it.
    fn drain(&mut self) {
        for _ in 0..1_000_000 {
            if self.step() {
                continue;
            }
            let due = self.phones.iter().filter_map(|phone| phone.claims.deadline()).min();
            let Some(due) = due else { return };
            self.now = self.now.max(due.0);
            for at in 0..self.phones.len() {
                self.phones[at].claims.set_time(UnixMillis(self.now));
                self.phones[at].claims.free_stalled();
                self.look(at);
            }
        }
        panic!("they never come to rest");
    }

    /// Whether everybody can still be reached without the wires that `without` says.
    fn holds_together(&self, without: impl Fn(&Wire) -> bool) -> bool {
        let mut reached = vec![0];
        let mut at = 0;
        while let Some(phone) = reached.get(at).copied() {
            for wire in self.wires.iter().filter(|wire| !wire.cut && !without(wire)) {
                if let Some(end) = wire.ends.iter().position(|end| *end == phone)
                    && !reached.contains(&wire.ends[1 - end])
                {
                    reached.push(wire.ends[1 - end]);
                }
            }
            at += 1;
        }
        reached.len() == self.phones.len()
    }

    fn happen(&mut self, weather: Weather) {
        if weather.live && rarely(&mut self.rng, 8) {
            let at = below(&mut self.rng, self.phones.len());
            self.write(at);
        }
        let number = below(&mut self.rng, self.wires.len());
        let together = |mesh: &Self| {
            mesh.holds_together(|wire| wire.stands_still || std::ptr::eq(wire, &raw const mesh.wires[number]))
        };
        if weather.cuts && rarely(&mut self.rng, 40) && !self.wires[number].cut && together(self) {
            self.cut(number);
        }
        if weather.stalls && rarely(&mut self.rng, 40) && together(self) {
            self.wires[number].stands_still = true;
        }
    }

    fn check_same(&self) {
        let first = self.phones[0].device.vector();
        assert_eq!(first.entries(), self.facts);
        for (number, phone) in self.phones.iter().enumerate() {
            assert_eq!(phone.device.vector(), first, "phone {number}");
            assert!(!phone.device.unapplied, "phone {number}");
        }
        for wire in self.wires.iter().filter(|wire| !wire.cut && !wire.stands_still) {
            for session in wire.sessions.iter().flatten() {
                let standing = session.standing(&SPACE).unwrap();
                assert!(standing.equal && session.finished(), "{standing:?}");
            }
        }
    }

    fn twice(&self) -> usize {
        self.phones.iter().map(|phone| phone.device.twice).sum()
    }
}

/// How many entries were to come, and how many came more than once.
fn run(seed: u64, weather: Weather) -> (usize, usize) {
    let mut mesh = Mesh::new(seed, weather);
    let lacking = |mesh: &Mesh| {
        let held: u64 = mesh.phones.iter().map(|phone| phone.device.vector().entries()).sum();
        mesh.facts as usize * mesh.phones.len() - held as usize
    };
    let before = lacking(&mesh);
    if !weather.later {
        // All of them have said hello before anything is heard.
        for wire in 0..mesh.wires.len() {
            for end in 0..2 {
                mesh.open(wire, end);
            }
        }
    }
    for _ in 0..400 {
        mesh.step();
        mesh.happen(weather);
    }
    mesh.drain();
    mesh.check_same();
    let live = mesh.facts as usize * (mesh.phones.len() - 1);
    (if weather.live { live } else { before }, mesh.twice())
}

fn run_many(seeds: u64, weather: Weather) -> (usize, usize) {
    let mut sum = (0, 0);
    for seed in 0..seeds {
        let caught = std::panic::catch_unwind(|| run(seed, weather));
        let (lacking, twice) = caught.unwrap_or_else(|_| panic!("seed {seed}"));
        sum = (sum.0 + lacking, sum.1 + twice);
    }
    println!("{} entries were lacking, {} came twice", sum.0, sum.1);
    sum
}

#[test]
fn every_entry_comes_once() {
    for (past, later) in [(false, false), (true, false), (true, true)] {
        assert_eq!(run_many(150, Weather { past, later, ..Weather::default() }).1, 0);
    }
}

#[test]
fn what_is_written_meanwhile_comes_once_mostly() {
    let (lacking, twice) =
        run_many(150, Weather { live: true, past: true, later: true, ..Weather::default() });
    assert!(twice * 200 < lacking, "{twice} of {lacking}");
}

#[test]
fn cuts_lose_nothing() {
    run_many(150, Weather { live: true, past: true, cuts: true, later: true, ..Weather::default() });
}

#[test]
fn whoever_stands_still_holds_nothing_up() {
    run_many(150, Weather { stalls: true, past: true, ..Weather::default() });
    run_many(150, Weather { live: true, past: true, cuts: true, stalls: true, later: true });
}
