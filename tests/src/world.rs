use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use firsthand_ids::UnixMillis;
use firsthand_node::meeting::{Answer, Effect, Input, Opened};
use firsthand_node::{EndReason, Event, Ledger, LinkId, NodeError, Now, Summary};
use rand_core::CryptoRng;

mod joining;

use crate::device::{Crash, Device, Running, State, WorldUptime};
use crate::folder::folder;
use crate::{Cable, Dice, Taint};

/// The codes of recovery keys.
pub type Codes = Vec<zeroize::Zeroizing<String>>;

/// Hears of everything that a ledger saved for somebody.
pub type Saved = Box<dyn FnMut(&mut Ledger)>;

/// Devices, cables and the time. Everything that happens is drawn from the seed.
pub struct World {
    pub seed: u64,
    /// Decides what happens next.
    pub dice: Dice,
    /// Milliseconds since the beginning; no device sees it.
    pub now: i64,
    /// The same, for the devices.
    uptime: WorldUptime,
    pub devices: Vec<Device>,
    pub cables: BTreeMap<LinkId, Cable>,
    /// Which devices can reach each other: those with the same number.
    pub groups: Vec<u8>,
    /// What observers heard, besides progress.
    pub heard: Vec<(usize, Event)>,
    /// Cables of which everything sent is kept.
    pub capturing: bool,
    /// What was sent on captured cables that are gone.
    pub captured: Vec<u8>,
    /// No cable that nothing was done to may end but well.
    pub calm: bool,
    /// Some member breaks the rules, so sessions may end for that.
    pub hostile: bool,
    /// Somebody is removed: a meeting with them ends by that.
    pub removals: bool,
    /// How often something was changed about who belongs to the team, by what it was.
    pub upheavals: BTreeMap<&'static str, u64>,
    pub steps: u64,
    /// Hears of every save.
    pub saved: Option<Saved>,
    /// Words on the inviters' screens.
    words: BTreeMap<LinkId, [&'static str; 3]>,
    compared: BTreeSet<LinkId>,
    /// What was done to cables that are gone.
    taints: BTreeMap<LinkId, Taint>,
    /// How many bytes each end of a cable that is gone had sent.
    pub sent: BTreeMap<LinkId, [usize; 2]>,
    /// Ends of cables whose other end, when it was dialled, knew that they were removed; and that other end, with all it knew.
    refused: BTreeMap<(LinkId, usize), (usize, Vec<firsthand_ids::OperationHash>)>,
    /// Cables over which somebody says that the words differ.
    pub declining: BTreeSet<LinkId>,
    next_link: LinkId,
    aloud: bool,
    root: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

/// Something that can happen now.
#[derive(Debug, Clone, Copy)]
enum Ready {
    /// A ledger answers a question.
    Job(usize),
    /// A device hears what its ledger said.
    Inbox(usize),
    /// A piece arrives; the direction begins at that side.
    Piece(LinkId, usize),
    /// The inviter compares the words.
    Compare(LinkId),
    /// The applicant compares the words.
    Confirm(LinkId),
}

impl World {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let folder = folder();
        let root = folder.path().to_owned();
        Self { _folder: Some(folder), ..Self::within(seed, root) }
    }

    /// A world whose devices have their homes in a folder that stays.
    #[must_use]
    pub fn within(seed: u64, root: PathBuf) -> Self {
        Self {
            seed,
            dice: Dice::new(seed, 0),
            now: 0,
            uptime: WorldUptime::default(),
            devices: Vec::new(),
            cables: BTreeMap::new(),
            groups: Vec::new(),
            heard: Vec::new(),
            capturing: false,
            captured: Vec::new(),
            calm: false,
            hostile: false,
            removals: false,
            upheavals: BTreeMap::new(),
            steps: 0,
            saved: None,
            words: BTreeMap::new(),
            compared: BTreeSet::new(),
            taints: BTreeMap::new(),
            sent: BTreeMap::new(),
            refused: BTreeMap::new(),
            declining: BTreeSet::new(),
            next_link: 1,
            aloud: crate::seeds::only().is_some(),
            root,
            _folder: None,
        }
    }

    /// A line of the story of a seed that is replayed.
    pub fn tell(&self, line: impl FnOnce() -> String) {
        if self.aloud {
            println!("{:>8} {:>6} | {}", self.now, self.steps, line());
        }
    }

    /// A device that belongs to nobody yet.
    pub fn add_device(&mut self, name: &str) -> usize {
        let number = self.devices.len();
        let mut device = Device::new(&self.root, self.seed, number, name);
        device.uptime = self.uptime.clone();
        self.devices.push(device);
        self.groups.push(0);
        number
    }

    fn plug(&mut self, from: usize, to: usize) -> Option<LinkId> {
        if !self.devices[to].is_up() || self.groups[from] != self.groups[to] || from == to {
            return None;
        }
        let id = self.next_link;
        self.next_link += 1;
        let mut cable = Cable::new(id, from, to);
        cable.capture = self.capturing.then(Vec::new);
        cable.taint.tampered = [from, to].iter().any(|end| self.devices[*end].tamper.is_some());
        self.cables.insert(id, cable);
        Some(id)
    }

    /// One device dials another; `None` where it is not to be reached.
    pub fn dial(&mut self, from: usize, to: usize, once: bool) -> Option<LinkId> {
        if !self.devices[from].is_up() {
            return None;
        }
        let id = self.plug(from, to)?;
        self.tell(|| format!("link {id}: {from} dials {to}{}", if once { " once" } else { "" }));
        for (knows, other) in [(from, to), (to, from)] {
            if self.removals && self.knows_removed(knows, other) {
                let heads = self.devices[knows].ledger().identity().heads;
                self.refused.insert((id, other), (knows, heads));
            }
        }
        self.input(to, Input::Opened(id, Opened::Accepted { once }));
        self.input(from, Input::Opened(id, Opened::Dialled { once }));
        Some(id)
    }

    /// Two devices meet, exchange everything, and part; gives what it cost the one who dialled.
    ///
    /// # Panics
    /// Where the meeting does not end well, or does not end.
    pub fn meet(&mut self, from: usize, to: usize) -> Summary {
        let link = self.dial(from, to, true).expect("somebody to meet");
        self.settle(200_000);
        assert!(!self.cables.contains_key(&link), "link {link} has nothing left to do and does not end");
        let ended = self.heard.iter().rev().find_map(|(device, event)| match event {
            Event::Ended { link: ended, reason, summary } if (*device, *ended) == (from, link) => {
                Some((*reason, *summary))
            }
            _ => None,
        });
        let (reason, summary) = ended.expect("the end is told");
        assert_eq!(reason, EndReason::Done, "link {link}");
        summary
    }

    /// Something a person does on a device; open meetings hear of it.
    pub fn write<T>(
        &mut self,
        number: usize,
        act: impl FnOnce(&mut Ledger, Now, &mut dyn CryptoRng) -> Result<T, NodeError>,
    ) -> Result<T, NodeError> {
        let device = &mut self.devices[number];
        let now = device.clock.at(self.now);
        let State::Up(running) = &mut device.state else { panic!("{} does not run", device.name) };
        let result = act(&mut running.ledger, now, &mut device.rng)?;
        if let Some(saved) = &mut self.saved {
            saved(&mut running.ledger);
        }
        running.inbox.push_back(Input::Changed(running.ledger.change()));
        Ok(result)
    }

    /// A device stops without warning. Some of what it sent last may still arrive; with `silently` the other ends are
    /// not told that it is gone.
    pub fn crash(&mut self, number: usize, crash: Crash, silently: bool) {
        self.tell(|| format!("{number} crashes: {crash:?}"));
        self.devices[number].crash(crash);
        for cable in self.cables.values_mut() {
            let Some(side) = cable.side(number) else { continue };
            cable.cut(&mut self.dice);
            cable.gone[side] = true;
            cable.pipes[side].ended |= silently;
            self.words.remove(&cable.id);
        }
        self.clear_cables();
    }

    /// Starts a device again.
    pub fn restart(&mut self, number: usize) {
        if matches!(self.devices[number].state, State::Down) {
            self.tell(|| format!("{number} starts"));
            let ledger = self.devices[number].try_open().unwrap();
            self.devices[number].state = State::Up(Running::new(ledger));
        }
    }

    /// A device that is off is switched on anew, so that its count of milliseconds begins again.
    pub fn reboot(&mut self, number: usize) {
        let uptime = &mut self.devices[number].uptime;
        uptime.boots += 1;
        uptime.since = self.now;
        self.restart(number);
    }

    /// Cuts a cable.
    pub fn cut(&mut self, id: LinkId) {
        self.tell(|| format!("link {id} is cut"));
        if let Some(cable) = self.cables.get_mut(&id) {
            cable.cut(&mut self.dice);
        }
    }

    fn clear_cables(&mut self) {
        let over: Vec<_> =
            self.cables.iter().filter(|(_, cable)| cable.gone == [true; 2]).map(|(id, _)| *id).collect();
        for id in over {
            if let Some(cable) = self.cables.remove(&id) {
                self.taints.insert(id, cable.taint);
                self.sent.insert(id, cable.sent);
                self.captured.extend(cable.capture.unwrap_or_default());
            }
        }
    }

    /// Tells a device's meetings something, and does what they say.
    pub fn input(&mut self, number: usize, input: Input) {
        let now = UnixMillis(self.now);
        let device = &mut self.devices[number];
        let State::Up(running) = &mut device.state else { return };
        let effects = running.meetings.handle(&mut device.rng, now, input);
        for effect in effects {
            match effect {
                Effect::Send(id, bytes) => {
                    if let Some(cable) = self.cables.get_mut(&id)
                        && let Some(side) = cable.side(number)
                    {
                        cable.send(side, &bytes);
                    }
                }
                Effect::TellWhenTaken(id) => {
                    if let Some(cable) = self.cables.get_mut(&id)
                        && let Some(side) = cable.side(number)
                    {
                        cable.mark(side);
                    }
                    self.tell_taken(id);
                }
                Effect::Close(id) => self.close(id, number),
                Effect::Ask(id, question) => self.devices[number].up().jobs.push_back((id, question)),
                Effect::Tell(event) => self.note(number, event),
            }
        }
    }

    /// Tells those at the ends of a cable whose bytes are gone.
    fn tell_taken(&mut self, id: LinkId) {
        let Some(cable) = self.cables.get_mut(&id) else { return };
        for side in [0, 1] {
            if cable.taken(side)
                && let State::Up(running) = &mut self.devices[cable.ends[side]].state
            {
                running.inbox.push_back(Input::Taken(id));
            }
        }
    }

    fn close(&mut self, id: LinkId, number: usize) {
        if let Some(cable) = self.cables.get_mut(&id)
            && let Some(side) = cable.side(number)
        {
            cable.gone[side] = true;
            cable.pipes[side].fin = true;
            if cable.pipes[side].bytes.is_empty() && cable.gone[1 - side] {
                cable.pipes[side].ended = true;
            }
        }
        self.clear_cables();
    }

    fn note(&mut self, number: usize, event: Event) {
        match &event {
            Event::Progress { .. } => return,
            Event::Words { link, words } => {
                self.words.insert(*link, *words);
            }
            Event::Forked { .. } => assert!(self.hostile, "device {number} sees a fork: {event:?}"),
            Event::Ended { link, reason, summary } => {
                self.words.remove(link);
                self.judge_refused(number, *link, summary.entries_received);
                self.judge_end(number, *link, *reason);
                self.devices[number].ends.insert(*link, *reason);
            }
            _ => {}
        }
        self.tell(|| format!("{number}: {event:?}"));
        self.heard.push((number, event));
    }

    /// Whether a running device has heard that another one was removed.
    pub fn knows_removed(&mut self, knows: usize, other: usize) -> bool {
        if !self.devices[other].is_up() || !self.devices[knows].is_up() {
            return false;
        }
        let key = self.devices[other].ledger().team().unwrap().device;
        let devices = self.devices[knows].ledger().devices();
        devices.iter().any(|it| it.device == key && !it.admitted)
    }

    /// Who is known to be removed gets no entry, however the meeting goes.
    fn judge_refused(&mut self, number: usize, link: LinkId, received: u64) {
        // Where it heard of something in the meantime, the other may have been a member for a moment.
        if let Some((knows, heads)) = self.refused.remove(&(link, number))
            && self.devices[knows].is_up()
            && self.devices[knows].ledger().identity().heads == heads
        {
            assert_eq!(received, 0, "link {link}: {number} was removed, and {knows} knew it");
        }
    }

    /// A link between honest devices ends well, unless something was done to it.
    fn judge_end(&self, number: usize, link: LinkId, reason: EndReason) {
        let taint = self.cables.get(&link).map(|cable| cable.taint);
        let taint = taint.or_else(|| self.taints.get(&link).copied()).unwrap_or_default();
        if taint.stranger {
            return;
        }
        let broken = taint.cut || taint.stalled || taint.corrupted || taint.tampered;
        let excused = match reason {
            // Where two are linked twice, one link ends.
            EndReason::Done | EndReason::Twice => true,
            EndReason::Declined => taint.joining,
            // Time passes for all links, also where only one of them stands still.
            // Who turns a removed device away may be gone before that has read why.
            EndReason::Cut if self.removals => true,
            EndReason::Cut | EndReason::Silent => broken || taint.joining || !self.calm,
            EndReason::Channel => taint.corrupted || taint.joining,
            EndReason::Misbehaved => taint.tampered,
            EndReason::NotAMember => self.removals,
            _ => false,
        };
        assert!(excused, "device {number}, link {link}: {reason:?}, {taint:?}");
    }

    fn ready(&self) -> Vec<Ready> {
        let mut ready = Vec::new();
        for device in &self.devices {
            match &device.state {
                State::Up(running) => {
                    if !running.jobs.is_empty() {
                        ready.push(Ready::Job(device.number));
                    }
                    if !running.inbox.is_empty() {
                        ready.push(Ready::Inbox(device.number));
                    }
                }
                State::Joining(applicant) if applicant.words.is_some() => {
                    let id = applicant.cable;
                    if self.words.contains_key(&id) {
                        if !applicant.confirmed {
                            ready.push(Ready::Confirm(id));
                        }
                        if !self.compared.contains(&id) {
                            ready.push(Ready::Compare(id));
                        }
                    }
                }
                _ => {}
            }
        }
        for cable in self.cables.values() {
            ready.extend(
                (0..2).filter(|side| cable.deliverable(*side)).map(|side| Ready::Piece(cable.id, side)),
            );
        }
        ready
    }

    /// Lets milliseconds pass in which nothing happens.
    pub fn pass(&mut self, ms: i64) {
        self.now += ms;
        self.uptime.world.store(self.now, std::sync::atomic::Ordering::Relaxed);
    }

    /// One thing happens; false where nothing can.
    pub fn step(&mut self) -> bool {
        let passed = self.dice.between(0, 10);
        self.pass(passed);
        self.tick();
        let ready = self.ready();
        if ready.is_empty() {
            return false;
        }
        self.steps += 1;
        match self.dice.pick(&ready) {
            Ready::Job(number) => self.job(number),
            Ready::Inbox(number) => {
                if let Some(input) = self.devices[number].up().inbox.pop_front() {
                    self.input(number, input);
                }
            }
            Ready::Piece(id, side) => self.piece(id, side),
            Ready::Compare(id) => self.compare(id),
            Ready::Confirm(id) => self.confirm(id),
        }
        true
    }

    fn tick(&mut self) {
        for number in 0..self.devices.len() {
            if let State::Up(running) = &self.devices[number].state
                && running.meetings.deadline().is_some_and(|deadline| deadline.0 <= self.now)
            {
                self.input(number, Input::Tick);
            }
        }
    }

    fn job(&mut self, number: usize) {
        let device = &mut self.devices[number];
        let now = device.clock.at(self.now);
        let State::Up(running) = &mut device.state else { return };
        let Some((id, mut question)) = running.jobs.pop_front() else { return };
        if let Some(tamper) = &device.tamper {
            tamper.ask(&mut question);
        }
        let mut answer = running.ledger.answer(question, now);
        if let (Some(tamper), Answer::Session { input, .. }) = (&mut device.tamper, &mut answer) {
            tamper.alter(input, &mut device.rng);
        }
        device.up().inbox.push_back(Input::Answer(id, Box::new(answer)));
    }

    fn piece(&mut self, id: LinkId, side: usize) {
        let Some(cable) = self.cables.get_mut(&id) else { return };
        let receiver = cable.ends[1 - side];
        let piece = cable.piece(side, &mut self.dice);
        self.tell_taken(id);
        match &self.devices[receiver].state {
            State::Up(_) if piece.is_empty() => self.input(receiver, Input::Closed(id)),
            State::Up(_) => self.input(receiver, Input::Bytes(id, piece)),
            State::Joining(applicant) if applicant.cable == id => self.applicant(receiver, &piece),
            _ => {}
        }
    }

    /// Lets happen what can happen until nothing can.
    ///
    /// # Panics
    /// Where there is no end to it.
    pub fn settle(&mut self, limit: u64) {
        let until = self.steps + limit;
        while self.step() {
            assert!(self.steps < until, "no rest after {limit} steps");
        }
    }

    /// Lets the time pass until something on a device is due; false where nothing ever is.
    pub fn wait(&mut self) -> bool {
        let due = self.devices.iter().filter_map(|device| match &device.state {
            State::Up(running) => running.meetings.deadline(),
            _ => None,
        });
        let Some(due) = due.min() else { return false };
        self.pass((due.0 - self.now).max(0));
        self.tick();
        true
    }

    /// Devices that run.
    #[must_use]
    pub fn up(&self) -> Vec<usize> {
        self.devices.iter().filter(|device| device.is_up()).map(|device| device.number).collect()
    }
}
