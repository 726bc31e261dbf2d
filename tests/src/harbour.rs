use std::collections::{BTreeMap, VecDeque};

use firsthand_channel::{ExchangeSecret, RelayEvent, RelayLink};
use firsthand_ids::{ContentHash, ExchangeKey, MailboxId, Position, UnixMillis};
use firsthand_node::TeamRelay;
use firsthand_node::relay::{Attachments, Effect, Input, LinkId, Question, SnapshotPolicy};
use firsthand_relay::{Grant, MemoryStorage, Storage};
use firsthand_sync::relay::{
    Answer, Limits, MAX_FIRST_REQUEST_BYTES, MAX_REQUEST_BYTES, Order, Outcome, Refused, RelayEffect,
    RelayInput, RelaySession, SealedDigest, Token, Waits,
};
use rand_chacha::ChaCha8Rng;

use crate::dice::source;
use crate::{Dice, World};

/// What a relay does with what it is asked and what it has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Honest,
    /// Nobody gets a connection.
    Down,
    /// It takes connections and never says a word.
    Hangs,
    /// It drops, repeats, alters and holds back answers, and refuses what it could take.
    Lies,
}

/// What a relay says in place of an answer.
pub type Script = Box<dyn FnMut(Answer) -> Vec<Answer>>;

/// A connection as the relay sees it.
struct Session {
    link: RelayLink,
    session: Option<RelaySession>,
    joined: Option<MailboxId>,
    waiting: VecDeque<Vec<u8>>,
    /// An answer that was held back.
    held: Option<Answer>,
}

/// A relay without sockets or disk.
pub struct VirtualRelay {
    pub storage: MemoryStorage,
    pub mood: Mood,
    /// What it says instead of what it would.
    pub script: Option<Script>,
    /// How many ranges went because a snapshot took their place.
    pub replaced: u64,
    /// How many blobs it brought.
    pub brought: u64,
    /// How often it knew one of the places that a phone had seen its list at.
    pub recalled: u64,
    secret: [u8; 32],
    token: Token,
    sessions: BTreeMap<(usize, LinkId), Session>,
    rng: ChaCha8Rng,
}

impl VirtualRelay {
    fn new(seed: u64, number: usize) -> Self {
        let mut dice = Dice::new(seed, 7000 + number as u64);
        let (secret, token) = (dice.bytes(), Token::new(dice.bytes()));
        let rng = source(seed, 7100 + number as u64);
        let mut relay = Self {
            storage: MemoryStorage::default(),
            mood: Mood::Honest,
            script: None,
            replaced: 0,
            brought: 0,
            recalled: 0,
            secret,
            token,
            sessions: BTreeMap::new(),
            rng,
        };
        relay.reset();
        relay
    }

    /// Loses all it had, but for its key.
    pub fn reset(&mut self) {
        self.storage = MemoryStorage::default();
        let grant = Grant { mailboxes: 64, bytes: 1 << 30, until: UnixMillis(i64::MAX) };
        self.storage.grant(self.token.kept(), grant).unwrap();
    }

    /// Removes what has expired, and carries out proposals whose time has come.
    fn sweep(&mut self, now: i64) {
        self.replaced += self.storage.sweep(UnixMillis(now)).unwrap().ranges;
    }

    fn key(&self) -> ExchangeKey {
        ExchangeSecret::from_bytes(self.secret).public().unwrap()
    }
}

/// What is on its way between a device and a relay.
enum Parcel {
    Up(Vec<u8>),
    Down(Vec<u8>),
}

/// What a device has to do for its attachments, in order.
enum Job {
    Ask(Option<LinkId>, Question),
    Tell(Input),
}

struct Phone {
    attachments: Attachments,
    jobs: VecDeque<Job>,
    lines: BTreeMap<LinkId, (usize, VecDeque<Parcel>)>,
    rng: ChaCha8Rng,
}

/// A world with relays. Meetings between devices are the world's; what goes over relays is moved here.
pub struct Harbour {
    pub world: World,
    pub relays: Vec<VirtualRelay>,
    phones: BTreeMap<usize, Phone>,
    dice: Dice,
    /// Devices that have no network.
    pub away: Vec<usize>,
    /// When its devices propose snapshots.
    pub policy: SnapshotPolicy,
    /// Everything that went over a relay's wire.
    pub captured: Vec<u8>,
}

impl Harbour {
    #[must_use]
    pub fn new(world: World, relays: usize) -> Self {
        let seed = world.seed;
        Self {
            world,
            relays: (0..relays).map(|number| VirtualRelay::new(seed, number)).collect(),
            phones: BTreeMap::new(),
            dice: Dice::new(seed, 7200),
            away: Vec::new(),
            policy: SnapshotPolicy::default(),
            captured: Vec::new(),
        }
    }

    /// Relay `number`, as its operator tells of it.
    #[must_use]
    pub fn team_relay(&self, number: usize) -> TeamRelay {
        let relay = &self.relays[number];
        TeamRelay {
            address: format!("ws://relay-{number}/relay"),
            key: relay.key(),
            token: *relay.token.as_bytes(),
        }
    }

    /// A device begins to use relays.
    pub fn attach(&mut self, device: usize) {
        let rng = source(self.world.seed, 7300 + device as u64);
        self.phones.insert(
            device,
            Phone { attachments: Attachments::new(), jobs: VecDeque::new(), lines: BTreeMap::new(), rng },
        );
        self.input(device, Input::Start);
    }

    /// Its program ends without a word.
    pub fn drop_phone(&mut self, device: usize) {
        self.phones.remove(&device);
        for relay in &mut self.relays {
            relay.sessions.retain(|(it, _), _| *it != device);
        }
    }

    #[must_use]
    pub fn attached(&self) -> Vec<usize> {
        self.phones.keys().copied().collect()
    }

    #[must_use]
    pub fn attachments(&self, device: usize) -> &Attachments {
        &self.phones[&device].attachments
    }

    pub fn hurry(&mut self) {
        self.attached().into_iter().for_each(|device| self.input(device, Input::Hurry));
    }

    /// Something was saved on a device.
    pub fn changed(&mut self, device: usize) {
        self.input(device, Input::Changed);
    }

    /// A relay's connections are gone, and nobody is told: the phones slept, or the network changed.
    pub fn lose(&mut self, relay: usize) {
        self.relays[relay].sessions.clear();
    }

    /// Every connection of a relay breaks off.
    pub fn cut(&mut self, relay: usize) {
        self.relays[relay].sessions.clear();
        for device in self.attached() {
            let phone = self.phones.get_mut(&device).unwrap();
            let cut: Vec<LinkId> =
                phone.lines.iter().filter(|(_, (at, _))| *at == relay).map(|(id, _)| *id).collect();
            for id in cut {
                phone.lines.remove(&id);
                phone.jobs.push_back(Job::Tell(Input::Closed(id)));
            }
        }
    }

    fn input(&mut self, device: usize, input: Input) {
        let now = UnixMillis(self.world.now);
        let Some(phone) = self.phones.get_mut(&device) else { return };
        let effects = phone.attachments.handle(&mut phone.rng, now, input);
        for effect in effects {
            match effect {
                Effect::Dial(id, address) => {
                    let relay: usize = address.host.strip_prefix("relay-").unwrap().parse().unwrap();
                    let there = self.relays[relay].mood != Mood::Down && !self.away.contains(&device);
                    if there {
                        phone.lines.insert(id, (relay, VecDeque::new()));
                        self.relays[relay].accept((device, id));
                        phone.jobs.push_back(Job::Tell(Input::Opened(id)));
                    } else {
                        phone.jobs.push_back(Job::Tell(Input::Closed(id)));
                    }
                }
                Effect::Send(id, bytes) => {
                    if let Some((_, line)) = phone.lines.get_mut(&id) {
                        line.push_back(Parcel::Up(bytes));
                    }
                }
                Effect::Close(id) => {
                    // What was sent before it still arrives.
                    if let Some((relay, line)) = phone.lines.remove(&id) {
                        for parcel in line {
                            if let Parcel::Up(bytes) = parcel {
                                self.captured.extend(&bytes);
                                drop(self.relays[relay].push(now, (device, id), &bytes, &mut self.dice));
                            }
                        }
                        self.relays[relay].sessions.remove(&(device, id));
                    }
                }
                Effect::Ask(id, question) => phone.jobs.push_back(Job::Ask(id, question)),
                Effect::Changed(_) => {}
            }
        }
    }

    /// One of the things that can happen now happens; `false` where nothing can.
    pub fn step(&mut self) -> bool {
        let mut can: Vec<(usize, Option<LinkId>)> = Vec::new();
        for (device, phone) in &self.phones {
            if !phone.jobs.is_empty() {
                can.push((*device, None));
            }
            let lines = phone.lines.iter().filter(|(_, (_, line))| !line.is_empty());
            can.extend(lines.map(|(id, _)| (*device, Some(*id))));
        }
        if can.is_empty() {
            return false;
        }
        let (device, line) = can[self.dice.below(can.len())];
        match line {
            None => match self.phones.get_mut(&device).unwrap().jobs.pop_front().unwrap() {
                Job::Tell(input) => self.input(device, input),
                Job::Ask(id, question) => {
                    let policy = self.policy;
                    let answer = self.world.write(device, |ledger, now, rng| {
                        ledger.set_snapshot_policy(policy);
                        Ok(ledger.answer_relay(question, now, rng))
                    });
                    let answer = answer.unwrap();
                    if let Some(answer) = answer {
                        self.input(device, Input::Answer(id, Box::new(answer)));
                    }
                }
            },
            Some(id) => self.carry(device, id),
        }
        true
    }

    fn carry(&mut self, device: usize, id: LinkId) {
        let (relay, line) = self.phones.get_mut(&device).unwrap().lines.get_mut(&id).unwrap();
        let relay = *relay;
        match line.pop_front().unwrap() {
            Parcel::Up(bytes) => {
                self.captured.extend(&bytes);
                let now = UnixMillis(self.world.now);
                let heard = self.relays[relay].push(now, (device, id), &bytes, &mut self.dice);
                for ((device, id), bytes) in heard {
                    let Some(phone) = self.phones.get_mut(&device) else { continue };
                    if let Some((_, line)) = phone.lines.get_mut(&id) {
                        match bytes {
                            Some(bytes) => line.push_back(Parcel::Down(bytes)),
                            None => phone.jobs.push_back(Job::Tell(Input::Closed(id))),
                        }
                    }
                }
            }
            Parcel::Down(bytes) => {
                self.captured.extend(&bytes);
                self.input(device, Input::Bytes(id, bytes));
            }
        }
    }

    /// Lets everything happen that can, and `ms` pass, with every timer on the way.
    pub fn pass(&mut self, ms: i64) {
        let end = self.world.now + ms;
        let mut steps = 0_u64;
        loop {
            while self.step() {
                steps += 1;
                assert!(steps < 2_000_000, "it never comes to rest");
            }
            let next = self.phones.values().filter_map(|phone| phone.attachments.deadline()).min();
            match next.filter(|at| at.0 <= end) {
                Some(at) => {
                    self.world.pass((at.0 - self.world.now).max(0));
                    let now = self.world.now;
                    self.relays.iter_mut().for_each(|relay| relay.sweep(now));
                    for device in self.attached() {
                        let due = self.attachments(device).deadline();
                        if due.is_some_and(|due| due.0 <= self.world.now) {
                            self.input(device, Input::Tick);
                        }
                    }
                    steps += 1;
                }
                None => break,
            }
        }
        self.world.pass(end - self.world.now);
        self.relays.iter_mut().for_each(|relay| relay.sweep(end));
    }

    /// Days on which nobody has a network.
    pub fn sleep(&mut self, ms: i64) {
        (0..self.relays.len()).for_each(|relay| self.cut(relay));
        while self.step() {}
        self.world.pass(ms);
        let now = self.world.now;
        self.relays.iter_mut().for_each(|relay| relay.sweep(now));
        self.hurry();
    }
}

/// Bytes for a connection; `None`: it is closed.
type Heard = Vec<((usize, LinkId), Option<Vec<u8>>)>;

impl VirtualRelay {
    fn accept(&mut self, id: (usize, LinkId)) {
        let secret = ExchangeSecret::from_bytes(self.secret);
        let link = RelayLink::answer(secret, MAX_FIRST_REQUEST_BYTES, &mut self.rng);
        let session = Session { link, session: None, joined: None, waiting: VecDeque::new(), held: None };
        self.sessions.insert(id, session);
    }

    fn push(&mut self, now: UnixMillis, id: (usize, LinkId), bytes: &[u8], dice: &mut Dice) -> Heard {
        let mut heard = Heard::new();
        if self.mood == Mood::Hangs {
            return heard;
        }
        let Some(it) = self.sessions.get_mut(&id) else { return heard };
        let Ok(events) = it.link.push(bytes) else {
            self.sessions.remove(&id);
            return vec![(id, None)];
        };
        for event in events {
            match event {
                RelayEvent::Established { handshake_hash, reply } => {
                    heard.push((id, Some(reply)));
                    it.session = Some(RelaySession::new(Limits::default(), handshake_hash, now));
                }
                RelayEvent::Frame(frame) => it.waiting.push_back(frame),
            }
        }
        while let Some(it) = self.sessions.get_mut(&id) {
            let Some(session) = &it.session else { break };
            // Its limits are tried on real sockets; here all time between inputs is one moment.
            let now = match session.waits(now) {
                Waits::Not => now,
                Waits::Until(at) => at,
                Waits::Outcome => unreachable!("storage answers at once"),
            };
            let Some(frame) = it.waiting.pop_front() else { break };
            self.run(now, id, RelayInput::Frame(frame), dice, &mut heard);
        }
        heard
    }

    fn run(
        &mut self,
        now: UnixMillis,
        id: (usize, LinkId),
        input: RelayInput,
        dice: &mut Dice,
        heard: &mut Heard,
    ) {
        let mut inputs = VecDeque::from([(id, input)]);
        while let Some((id, input)) = inputs.pop_front() {
            let Some(it) = self.sessions.get_mut(&id) else { continue };
            let Some(session) = &mut it.session else { continue };
            let mut grew = Vec::new();
            for effect in session.handle(now, input) {
                match effect {
                    RelayEffect::Send(frame) => {
                        let answer = Answer::decode(&frame).unwrap();
                        let lies = self.mood == Mood::Lies;
                        let answers = match &mut self.script {
                            Some(script) => script(answer),
                            None if lies => lie(answer, &mut it.held, dice),
                            None => vec![answer],
                        };
                        for answer in answers {
                            self.brought += u64::from(matches!(answer, Answer::Blob { .. }));
                            heard.push((id, Some(it.link.send(&answer.encode()).unwrap())));
                        }
                    }
                    RelayEffect::Order(order_id, order) => {
                        let recalls = matches!(order, Order::Recall { .. });
                        let outcome = self.storage.carry_out(now, &[order]).unwrap().remove(0);
                        let knew = matches!(&outcome, Outcome::Found(there) if there.contains(&true));
                        self.recalled += u64::from(recalls && knew);
                        inputs.push_back((id, RelayInput::Outcome(order_id, outcome)));
                    }
                    RelayEffect::Trust => it.link.set_limit(MAX_REQUEST_BYTES),
                    RelayEffect::Join(mailbox) => it.joined = Some(mailbox),
                    RelayEffect::Announce(mailbox, serial) => grew.push((mailbox, serial)),
                    RelayEffect::Close(_) => heard.push((id, None)),
                }
            }
            for (mailbox, serial) in grew {
                let listen = self.sessions.iter().filter(|(_, it)| it.joined == Some(mailbox));
                inputs.extend(listen.map(|(id, _)| (*id, RelayInput::Grew(serial))));
            }
        }
    }
}

/// What becomes of an answer on a relay that lies.
fn lie(answer: Answer, held: &mut Option<Answer>, dice: &mut Dice) -> Vec<Answer> {
    let mut answers = match dice.below(24) {
        0 => Vec::new(),
        1 => vec![answer.clone(), answer],
        2 => match held.replace(answer) {
            Some(before) => vec![before],
            None => Vec::new(),
        },
        3 => vec![alter(answer, dice)],
        4 => match answer {
            Answer::Done { tag, .. } => vec![Answer::Refused { tag, reason: Refused::MailboxFull }],
            Answer::Refused { tag, .. } => vec![Answer::Done { tag, serial: 1 + dice.below(9) as u64 }],
            Answer::Range { head, pushed: false, .. } => vec![Answer::Gone { serial: head.serial }],
            answer => vec![answer],
        },
        _ => vec![answer],
    };
    if dice.percent(30) {
        answers.extend(held.take());
    }
    answers
}

fn alter(answer: Answer, dice: &mut Dice) -> Answer {
    match answer {
        Answer::Range { mut head, pushed, mut sealed } => {
            let at = dice.below(sealed.len());
            sealed[at] ^= 1 << dice.below(8);
            if dice.percent(50) {
                head.digest = SealedDigest::of(&sealed);
            }
            Answer::Range { head, pushed, sealed }
        }
        Answer::Blob { tag, mut sealed } => {
            let at = dice.below(sealed.len());
            sealed[at] ^= 1 << dice.below(8);
            Answer::Blob { tag, sealed }
        }
        Answer::Found { tag, mut there } => {
            let at = dice.below(there.len());
            there[at] = !there[at];
            Answer::Found { tag, there }
        }
        Answer::Entered { now, mut mailbox } => {
            match dice.below(5) {
                0 => mailbox.known = !mailbox.known,
                4 => mailbox.snapshot = None,
                1 => mailbox.snapshot = Some(ContentHash::new(dice.bytes())),
                2 => mailbox.pending = None,
                _ => {
                    if let Some(pending) = &mut mailbox.pending {
                        (pending.snapshot, pending.due) = (ContentHash::new(dice.bytes()), None);
                    }
                }
            }
            Answer::Entered { now, mailbox }
        }
        Answer::Listed { mut restart, mut ranges, more } => {
            if let Some(base) = &mut restart {
                let writers = ranges.iter().map(|head| head.writer);
                let Some(writer) = base.0.keys().copied().chain(writers).next() else {
                    return Answer::Listed { restart, ranges, more };
                };
                match dice.below(3) {
                    0 => base.0.clear(),
                    1 => base.0.entry(writer).or_insert(Position(0)).0 += 1 + dice.below(4) as u64,
                    _ => {}
                }
            }
            if !ranges.is_empty() {
                let at = dice.below(ranges.len());
                match dice.below(3) {
                    0 => drop(ranges.remove(at)),
                    1 => ranges[at].to.0 += 1 + dice.below(4) as u64,
                    _ => ranges[at].digest = SealedDigest::of(&dice.fill(8)),
                }
            }
            Answer::Listed { restart, ranges, more }
        }
        answer => answer,
    }
}
