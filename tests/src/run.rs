use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{DocumentId, WriterId};
use firsthand_node::meeting::Input;
use firsthand_node::{IncidentQuery, LinkId, RecoveryKeys, Role};
use firsthand_store::EntryState;

use crate::device::{Clock, Crash, State};
use crate::expected::held;
use crate::poison::inject;
use crate::world::Codes;
use crate::{Breach, Dice, Expected, Person, Poison, Tamper, World, verdict};

/// How much happens in a run.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Devices of the team at the beginning.
    pub devices: usize,
    /// Devices at most.
    pub most: usize,
    pub actions: usize,
    /// Rows that one person imports in the middle.
    pub rows: usize,
}

/// Phones that meet on one hotspot.
const HOTSPOT: usize = 6;
/// One run in so many has more devices than a few.
const CROWDS: u64 = 6;

impl Size {
    /// The size that belongs to a seed: mostly a few devices, in every sixth up to six, and now and then records that fill
    /// several batches.
    #[must_use]
    pub fn of(seed: u64, dice: &mut Dice) -> Self {
        let few = Self::few(dice);
        if !seed.is_multiple_of(CROWDS) {
            return few;
        }
        let devices = 4 + dice.below(HOTSPOT - 3);
        Self { devices, most: (devices + dice.below(2)).min(HOTSPOT), ..few }
    }

    /// Two or three devices, and one or two who join.
    #[must_use]
    pub fn few(dice: &mut Dice) -> Self {
        let devices = 2 + dice.below(2);
        let rows = if dice.below(50) == 0 { 250 } else { 0 };
        Self { devices, most: devices + 1 + dice.below(2), actions: 20 + dice.below(31), rows }
    }

    /// Whether there are more devices than a few, who also meet in groups that move.
    #[must_use]
    pub const fn is_crowd(&self) -> bool {
        self.devices > 3
    }
}

/// A random field day.
pub struct Run {
    pub world: World,
    pub person: Person,
    pub expected: Expected,
    pub size: Size,
    /// The member who breaks the rules.
    pub hostile: Option<usize>,
    /// The recovery codes, where people are removed in this run.
    pub(crate) codes: Option<Codes>,
    /// What must be in quarantine in the end, and what builds on it.
    pub poisoned: BTreeMap<(WriterId, u64), Option<Breach>>,
    pub(crate) dice: Dice,
}

const TEN_YEARS_MS: i64 = 10 * 365 * 24 * 3600 * 1000;

impl Run {
    /// A team of two to six; with `hostile` one of them is not honest.
    #[must_use]
    pub fn new(seed: u64, hostile: bool) -> Self {
        Self::begin(seed, hostile, false)
    }

    /// A team in which people are removed and return, remove each other, and lose their lead.
    #[must_use]
    pub fn with_removals(seed: u64) -> Self {
        Self::begin(seed, false, true)
    }

    fn begin(seed: u64, hostile: bool, removals: bool) -> Self {
        let mut dice = Dice::new(seed, 3);
        let mut size = if removals { Size::few(&mut dice) } else { Size::of(seed, &mut dice) };
        let mut world = World::new(seed);
        world.hostile = hostile;
        let codes = if removals {
            (size.devices, size.most) = (size.devices + 1, size.most + 1);
            world.removals = true;
            let keys = RecoveryKeys { needed: 2, keys: 3 };
            Some(world.found_with_recovery("Harbour", "Amina", keys).1)
        } else {
            world.found("Harbour", "Amina");
            None
        };
        for number in 1..size.devices {
            // A second lead makes it possible that two people are added apart.
            let role = if number == 1 { Role::Lead } else { Role::Responder };
            world.join(0, &format!("Person {number}"), role);
        }
        let hostile = hostile.then(|| 1 + dice.below(size.devices - 1));
        let (mut person, mut expected) = (Person::new(seed), Expected::default());
        expected.removals = removals;
        for _ in 0..2 {
            person.add(&mut world, &mut expected, 0);
        }
        person.organises = dice.percent(30);
        if person.organises {
            person.prepare(&mut world, &mut expected, 0);
        }
        for number in 1..size.devices {
            world.meet(number, 0);
        }
        let mut run = Self { world, person, expected, size, hostile, codes, poisoned: BTreeMap::new(), dice };
        for number in 0..size.devices {
            run.set_clock(number);
        }
        run
    }

    /// The whole run: twice people work and everything goes wrong, and twice everybody meets.
    pub fn play(mut self) -> World {
        if self.codes.is_some() {
            return self.play_removals();
        }
        self.work(self.size.actions * 3 / 5);
        self.gather();
        let mut digests = Vec::new();
        for number in self.world.up() {
            digests.push(self.world.devices[number].ledger().team_digest().unwrap());
        }
        assert!(digests.iter().all(|digest| *digest == digests[0]), "after the first round");
        // Now everybody sees what is in conflict.
        let conflicts = self.world.devices[0].ledger().conflicts().unwrap().len();
        self.world.tell(|| format!("{conflicts} conflicts"));
        self.world.calm = false;
        self.work(self.size.actions * 2 / 5);
        self.gather();
        self.compare();
        self.world
    }

    pub(crate) fn work(&mut self, actions: usize) {
        let import = self.dice.below(actions);
        for action in 0..actions {
            let pause = match self.dice.below(10) {
                0..3 => 0,
                3..9 => self.dice.below(60),
                _ => 400,
            };
            for _ in 0..pause {
                if !self.world.step() {
                    break;
                }
            }
            if self.size.rows > 0 && action == import {
                let device = self.some_device();
                if self.may_write(device) {
                    self.person.import(&mut self.world, &mut self.expected, device, self.size.rows);
                }
            }
            self.action();
        }
    }

    pub(crate) fn some_device(&mut self) -> usize {
        let up = self.world.up();
        self.dice.pick(&up)
    }

    fn may_write(&mut self, device: usize) -> bool {
        self.world.devices[device].ledger().rights().write
    }

    fn some_cable(&mut self) -> Option<LinkId> {
        let all: Vec<_> = self.world.cables.keys().copied().collect();
        (!all.is_empty()).then(|| self.dice.pick(&all))
    }

    fn action(&mut self) {
        let device = self.some_device();
        if self.codes.is_some() && self.dice.percent(16) {
            return self.upheaval(device);
        }
        if self.codes.is_none() && self.size.is_crowd() && self.dice.percent(10) {
            return if self.dice.percent(50) { self.partition() } else { self.meet_in_group(device) };
        }
        match self.dice.below(100) {
            // Who was removed, or may only read, enters nothing.
            0..47 if self.may_write(device) => self.person.act(&mut self.world, &mut self.expected, device),
            0..47 => {}
            47..55 => {
                let other = self.some_device();
                if !self.may_write(device) || !self.may_write(other) {
                    return;
                }
                self.person.disagree(&mut self.world, &mut self.expected, [device, other]);
            }
            55..74 => {
                let other = self.some_device();
                let once = self.dice.percent(60);
                self.world.dial(device, other, once);
            }
            74..78 => self.newcomer(),
            78..82 => self.crash(device),
            82..85 => self.start_all(),
            85..88 => self.set_clock(device),
            88..91 => {
                if let Some(id) = self.some_cable() {
                    self.world.cut(id);
                }
            }
            91..93 => self.stall(),
            93..95 => {
                if let Some(id) = self.some_cable() {
                    let World { cables, dice, .. } = &mut self.world;
                    let done = cables.get_mut(&id).is_some_and(|cable| cable.corrupt(dice));
                    self.world.tell(|| format!("a bit flips on link {id}: {done}"));
                }
            }
            95..97 => self.partition(),
            97..98 => {
                self.world.wait();
            }
            98 => drop(self.world.devices[device].ledger().index_text().unwrap()),
            _ => {
                if let Some(id) = self.some_cable() {
                    self.world.input(device, Input::End(id));
                }
            }
        }
        if self.hostile.is_some() && self.dice.percent(25) {
            self.mischief();
        }
    }

    /// Clocks are set, rightly or wrongly.
    fn set_clock(&mut self, device: usize) {
        let skew_ms = match self.dice.below(4) {
            0 => 0,
            1 => self.dice.between(-60_000, 60_000),
            2 => self.dice.between(-86_400_000, 86_400_000),
            _ => self.dice.between(-TEN_YEARS_MS, TEN_YEARS_MS),
        };
        let offset_minutes = self.dice.pick(&[-300, 0, 60, 180, 345]);
        self.world.devices[device].clock = Clock { skew_ms, offset_minutes };
    }

    fn crash(&mut self, device: usize) {
        if self.world.up().len() < 2 {
            return;
        }
        let how = self.dice.pick(&[Crash::Dropped, Crash::Frozen]);
        let silently = self.dice.percent(30);
        self.world.crash(device, how, silently);
        if self.dice.percent(60) {
            self.world.restart(device);
        }
    }

    fn start_all(&mut self) {
        for number in 0..self.world.devices.len() {
            self.world.restart(number);
        }
    }

    fn stall(&mut self) {
        let Some(id) = self.some_cable() else { return };
        if let Some(cable) = self.world.cables.get_mut(&id) {
            cable.stalled = !cable.stalled;
            cable.taint.stalled = true;
        }
    }

    /// The devices fall into groups, somebody walks over from one to another, or all are together again.
    fn partition(&mut self) {
        let groups = &mut self.world.groups;
        let crowd = self.size.is_crowd();
        if groups.iter().all(|group| *group == 0) {
            let many = if crowd { 2 + self.dice.below(2) } else { 2 };
            groups.iter_mut().for_each(|group| *group = self.dice.below(many) as u8);
        } else if crowd && self.dice.percent(70) {
            let walks = self.dice.below(groups.len());
            groups[walks] = self.dice.below(3) as u8;
        } else {
            groups.fill(0);
        }
        let groups = self.world.groups.clone();
        self.world.tell(|| format!("groups {groups:?}"));
        let across = self.world.cables.values().filter(|it| groups[it.ends[0]] != groups[it.ends[1]]);
        let across: Vec<_> = across.map(|it| it.id).collect();
        for id in across {
            self.world.cut(id);
        }
    }

    /// All who can reach a device, itself included, dial each other, as phones on one hotspot do.
    fn meet_in_group(&mut self, device: usize) {
        let mut group = self.world.up();
        group.retain(|it| self.world.groups[*it] == self.world.groups[device]);
        let once = self.dice.percent(50);
        self.dial_all(&group, once);
    }

    /// Everybody dials everybody with whom there is no link yet.
    fn dial_all(&mut self, devices: &[usize], once: bool) {
        for (at, from) in devices.iter().enumerate() {
            for to in &devices[at + 1..] {
                let mut cables = self.world.cables.values();
                if !cables.any(|cable| cable.side(*from).is_some() && cable.side(*to).is_some()) {
                    self.world.dial(*from, *to, once);
                }
            }
        }
    }

    /// Somebody new, or somebody whose joining failed, is invited by one of the leads.
    fn newcomer(&mut self) {
        let mut leads = self.world.up();
        leads.retain(|it| self.world.devices[*it].ledger().rights().add);
        if leads.is_empty() {
            return;
        }
        let inviter = self.dice.pick(&leads);
        let outside = self.world.devices.iter().find(|it| matches!(it.state, State::Outside));
        let number = match outside.map(|device| device.number) {
            Some(number) => number,
            None if self.world.devices.len() < self.size.most => {
                let name = format!("Person {}", self.world.devices.len());
                let number = self.world.add_device(&name);
                self.set_clock(number);
                number
            }
            None => return,
        };
        let role = self.dice.pick(&[Role::Lead, Role::Responder]);
        let invitation = self.world.invite(inviter, role);
        let link = self.world.apply(number, inviter, invitation);
        if let (Some(link), true) = (link, self.dice.percent(10)) {
            self.world.declining.insert(link);
        }
    }

    /// The hostile member's device writes what no program writes, or lies on the wire.
    fn mischief(&mut self) {
        let Some(hostile) = self.hostile.filter(|it| self.world.devices[*it].is_up()) else { return };
        let seed = self.world.devices[hostile].signing_seed.unwrap();
        let now = self.world.devices[hostile].clock.at(self.world.now);
        let device = &mut self.world.devices[hostile];
        let State::Up(running) = &mut device.state else { return };
        let ledger = &mut running.ledger;
        let poison = Poison::new(ledger, seed, now, &mut device.rng);
        if self.dice.percent(50) {
            return self.lie(hostile, &poison);
        }
        let rows = ledger.incidents(&IncidentQuery::default()).unwrap();
        if rows.is_empty() {
            return;
        }
        let apart: Vec<_> = rows.iter().filter(|row| row.incident.conflicts > 0).map(|row| row.id).collect();
        if !apart.is_empty() && self.dice.percent(50) {
            let document = self.dice.pick(&apart);
            return self.breach(hostile, poison, document, Breach::Conflict);
        }
        let document = rows[self.dice.below(rows.len())].id;
        let breach = self.dice.pick(&Breach::ALL);
        self.breach(hostile, poison, document, breach);
    }

    fn breach(&mut self, hostile: usize, mut poison: Poison, document: DocumentId, breach: Breach) {
        let now = self.world.devices[hostile].clock.at(self.world.now);
        let ledger = self.world.devices[hostile].ledger();
        let [body, dependent] = poison.changes(ledger, document, breach, &mut self.dice);
        match breach {
            Breach::Create => drop(poison.create(body, self.dice.bytes())),
            Breach::Heads => {
                poison.claim_heads(&mut self.dice);
                poison.change(document, body);
            }
            _ => poison.change(document, body),
        }
        let held = (breach != Breach::Heads).then_some(breach);
        self.poisoned.insert((poison.writer(), poison.position().0), held);
        if self.dice.percent(40) {
            poison.change(document, dependent);
            self.poisoned.insert((poison.writer(), poison.position().0), None);
        }
        let plain = poison.sign();
        let committed = inject(ledger, plain, now);
        assert!(committed.is_ok(), "{breach:?}: {committed:?}");
        let change = ledger.change();
        self.world.devices[hostile].up().inbox.push_back(Input::Changed(change));
        self.world.tell(|| format!("{hostile} breaks a rule: {breach:?}"));
    }

    fn lie(&mut self, hostile: usize, poison: &Poison) {
        let device = &mut self.world.devices[hostile];
        let State::Up(running) = &mut device.state else { return };
        let held = held(&running.ledger);
        let (store, space) = (running.ledger.store(), running.ledger.space());
        let own =
            |writer: &WriterId| store.tip(space, writer).is_none_or(|tip| tip.device == poison.device());
        let victims: Vec<_> = held.iter().map(|(writer, _)| *writer).filter(|it| !own(it)).collect();
        let tamper = match self.dice.below(9) {
            0 => Some(Tamper::Signature),
            1 => Some(Tamper::AnyBit),
            2 => Some(Tamper::Replay(None)),
            3 if !victims.is_empty() => {
                let victim = self.dice.pick(&victims);
                Some(Tamper::Instead(poison.usurp(&running.ledger, victim)))
            }
            4 => Some(Tamper::Instead(poison.elsewhere(&running.ledger, &mut device.rng))),
            5 | 6 => {
                let mut held_back: BTreeSet<_> = held.iter().map(|(writer, _)| *writer).collect();
                held_back.retain(|_| self.dice.percent(40));
                Some(Tamper::Withhold(held_back))
            }
            _ => None,
        };
        device.tamper = tamper;
        if device.tamper.is_some() {
            for cable in self.world.cables.values_mut().filter(|cable| cable.side(hostile).is_some()) {
                cable.taint.tampered = true;
            }
        }
    }

    /// Everything is put right, and everybody meets.
    fn gather(&mut self) {
        let lasting = self.put_right();
        self.world.calm = true;
        if lasting {
            self.stay_together();
        } else {
            self.meet_in_rounds();
        }
    }

    /// Nothing is in anybody's way any more, and what was under way comes to its end. Whether sessions are to stay open.
    pub(crate) fn put_right(&mut self) -> bool {
        self.world.groups.fill(0);
        self.world.declining.clear();
        for device in &mut self.world.devices {
            device.tamper = None;
        }
        self.start_all();
        let lasting = self.dice.percent(40);
        for cable in self.world.cables.values_mut() {
            cable.stalled = false;
            // Whoever was not told that the other end is gone notices now.
            for side in 0..2 {
                let pipe = &mut cable.pipes[side];
                if pipe.ended && !cable.gone[1 - side] {
                    (pipe.ended, pipe.fin) = (false, true);
                }
            }
        }
        self.world.settle(100_000);
        lasting
    }

    /// Sessions stay open, all with one device or everybody with everybody; what anybody enters reaches everybody.
    fn stay_together(&mut self) {
        // A session with somebody who lied is worth nothing.
        let lied: Vec<_> =
            self.world.cables.values().filter(|it| it.taint.tampered).map(|it| it.id).collect();
        for id in lied {
            self.world.cut(id);
        }
        // Who calls again before the other end has noticed is sent away: that one still holds the old link for the better one.
        self.world.settle(100_000);
        let hub = self.some_device();
        let up = self.world.up();
        if self.size.is_crowd() && self.dice.percent(50) {
            self.dial_all(&up, false);
        } else {
            for number in up {
                self.world.dial(number, hub, false);
            }
        }
        self.world.settle(300_000);
        for _ in 0..2 {
            let device = self.some_device();
            self.person.act(&mut self.world, &mut self.expected, device);
            self.world.settle(300_000);
        }
        // A link whose other end went without a word is given up once it has owed an answer for long enough.
        while self.world.wait() {
            self.world.settle(300_000);
        }
        for number in self.world.up() {
            let peers = self.world.devices[number].up().meetings.peers();
            assert!(!peers.is_empty());
            let unfinished = !self.poisoned.is_empty();
            for peer in peers {
                assert!(unfinished || peer.complete, "{number} with {}: {peer:?}", peer.name);
            }
        }
    }

    /// Three times everybody meets one device, or everybody, and parts when nothing is left to exchange: of a file that somebody else has, the
    /// one device may hear from the last it meets. Then it gets it the second time, and those who came before it the third.
    fn meet_in_rounds(&mut self) {
        let open: Vec<_> = self.world.cables.keys().copied().collect();
        for id in open {
            self.world.cut(id);
        }
        self.world.settle(100_000);
        assert!(self.world.cables.is_empty(), "a cut link stays open");
        let hub = self.some_device();
        let together = self.dice.percent(50);
        let all = together && self.size.is_crowd() && self.dice.percent(50);
        for _ in 0..3 {
            let up = self.world.up();
            if all {
                self.dial_all(&up, true);
            }
            for number in up.into_iter().filter(|_| !all) {
                if number != hub && together {
                    self.world.dial(number, hub, true);
                } else if number != hub {
                    self.world.meet(number, hub);
                }
            }
            self.world.settle(300_000);
            assert!(self.world.cables.is_empty(), "a meeting that has nothing left to do does not end");
        }
        for number in self.world.up() {
            if number != hub {
                let summary = self.world.meet(hub, number);
                assert_eq!((summary.entries_received, summary.entries_sent), (0, 0));
                assert!(summary.bytes_sent.max(summary.bytes_received) < 1000, "{summary:?}");
            }
        }
    }

    fn compare(&mut self) {
        verdict::same_everywhere(&mut self.world, &self.expected);
        for number in self.world.up() {
            verdict::values(self.world.devices[number].ledger(), &self.expected);
            self.quarantine(number);
        }
        let number = self.some_device();
        let before = self.world.devices[number].ledger().digest().unwrap();
        self.world.crash(number, Crash::Frozen, false);
        self.world.restart(number);
        assert_eq!(self.world.devices[number].ledger().digest().unwrap(), before, "after starting again");
    }

    fn quarantine(&mut self, number: usize) {
        let found = verdict::unsettled(self.world.devices[number].ledger());
        let places: Vec<_> = found.keys().collect();
        assert_eq!(places, self.poisoned.keys().collect::<Vec<_>>(), "unsettled on {number}");
        for (place, state) in &found {
            let breach = self.poisoned[place];
            let right = match breach {
                Some(_) => matches!(state, EntryState::Held(_)),
                None => *state == EntryState::Waiting,
            };
            assert!(right, "{breach:?} is {state:?} on {number}");
        }
    }
}
