//! Phones that are all connected to each other: what several of them hold is sent to each once.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Mutex;

use firsthand_log::Vector;
use firsthand_log::compress::Packer;
use firsthand_node::Role;
use firsthand_node::meeting::{Answer, Question};
use firsthand_record::Incident;
use firsthand_sync::{Effect, Input};
use firsthand_tests::{Dice, World, seeds};

const PHONES: usize = 6;
/// New incidents on each phone.
const EACH: usize = 60;
const TEAMS: u64 = 4;

struct Team {
    world: World,
    dice: Dice,
}

impl Team {
    /// Six who hold the same.
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        let lead = world.found("Harbour", "Amina");
        for name in ["Bruno", "Carol", "Dana", "Eva", "Farid"] {
            world.join(lead, name, Role::Responder);
        }
        for phone in 1..PHONES {
            world.meet(phone, lead);
        }
        world.calm = true;
        Self { world, dice: Dice::new(seed, 40) }
    }

    /// Nobody's words can be guessed, so no compression makes up for what travels besides them.
    fn enter(&mut self, phone: usize, count: usize) {
        for number in 0..count {
            let narrative: String = (0..400).map(|_| char::from(b'!' + self.dice.below(90) as u8)).collect();
            let draft =
                Incident { title: Some(format!("{phone} {number}")), narrative, ..Incident::default() };
            self.world.write(phone, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
        }
    }

    fn vector(&mut self, phone: usize) -> Vector {
        let ledger = self.world.devices[phone].ledger();
        ledger.store().vector(ledger.space())
    }

    /// How many bytes the entries take that a phone holds beyond `held`, compressed as they travel.
    fn packed(&mut self, phone: usize, held: &Vector) -> usize {
        let now = self.world.devices[phone].clock.at(self.world.now);
        let ledger = self.world.devices[phone].ledger();
        let (space, peer) = (*ledger.space(), ledger.identity().exchange.public().unwrap());
        let (mut receiver, mut packer, mut bytes) = (held.clone(), Packer::new().unwrap(), 0);
        loop {
            let effect =
                Effect::Load { space, receiver: receiver.clone(), forks: BTreeSet::new(), only: None };
            let answer = ledger.answer(Question::Session { peer, effect }, now);
            let Answer::Session { input: Input::Loaded { batch, .. }, .. } = answer else {
                panic!("no batch")
            };
            let Some(batch) = batch.unwrap() else { return bytes };
            bytes += packer.pack(&batch.plain).unwrap().len();
            batch.marks.iter().for_each(|(writer, mark)| receiver.set(*writer, *mark));
        }
    }

    /// These dial each other, in any order.
    fn gather(&mut self, mut pairs: Vec<(usize, usize)>) {
        while !pairs.is_empty() {
            let at = self.dice.below(pairs.len());
            let (one, other) = pairs.swap_remove(at);
            self.world.dial(one, other, false).unwrap();
            for _ in 0..self.dice.below(12) {
                self.world.step();
            }
        }
        self.world.settle(1_000_000);
    }

    fn sent(&self) -> usize {
        let open = self.world.cables.values().map(|cable| cable.sent);
        open.chain(self.world.sent.values().copied()).flatten().sum()
    }

    fn check_same(&mut self) {
        let first = self.world.devices[0].ledger().digest().unwrap();
        for phone in 0..PHONES {
            assert_eq!(self.world.devices[phone].ledger().digest().unwrap(), first, "phone {phone}");
            let peers = self.world.devices[phone].up().meetings.peers();
            assert!(peers.len() == PHONES - 1 && peers.iter().all(|peer| peer.complete), "phone {phone}");
        }
    }
}

/// Every two of so many.
fn all(phones: usize) -> Vec<(usize, usize)> {
    (0..phones).flat_map(|one| (0..one).map(move |other| (one, other))).collect()
}

/// Bytes between all phones, of those that the entries take once to each.
#[test]
fn what_six_phones_wrote_goes_to_each_once() {
    let sums = Mutex::new((0, 0));
    seeds::each("six phones that all meet at once", TEAMS, |seed| {
        let mut team = Team::new(seed);
        let held = team.vector(0);
        for phone in 0..PHONES {
            team.enter(phone, EACH);
        }
        let bound: usize = (0..PHONES).map(|phone| team.packed(phone, &held) * (PHONES - 1)).sum();
        let before = team.sent();
        team.gather(all(PHONES));
        team.check_same();
        let sent = team.sent() - before;
        let ratio = sent as f64 / bound as f64;
        assert!(ratio < MOST, "{ratio:.3}");
        let mut sums = sums.lock().unwrap();
        *sums = (sums.0 + sent, sums.1 + bound);
    });
    let (sent, bound) = sums.into_inner().unwrap();
    let ratio = sent as f64 / bound as f64;
    seeds::figure(&format!(
        "six phones, {EACH} new incidents each, all connected at once: {ratio:.3} times the bytes of each entry once to each phone"
    ));
}

/// The most that may be sent, of what each entry takes once to each phone.
const MOST: f64 = 1.15;

/// Five hold everything and are connected, and the sixth meets all of them at once.
#[test]
fn who_comes_last_is_sent_everything_once() {
    seeds::each("somebody meets five who hold the same", TEAMS, |seed| {
        let mut team = Team::new(seed);
        let held = team.vector(5);
        for phone in 0..5 {
            team.enter(phone, EACH);
        }
        team.gather(all(PHONES - 1));
        let bound = team.packed(0, &held);
        let before = team.sent();
        team.gather((0..PHONES - 1).map(|phone| (PHONES - 1, phone)).collect());
        team.check_same();
        let sent = team.sent() - before;
        let ratio = sent as f64 / bound as f64;
        assert!(ratio < MOST, "{ratio:.3}");
    });
}

/// What is entered while all are connected is sent to each by whoever entered it, and the others only say that they have it.
#[test]
fn what_is_entered_meanwhile_goes_to_each_once() {
    let sums = Mutex::new((0, 0));
    seeds::each("six connected phones", TEAMS, |seed| {
        let mut team = Team::new(seed);
        team.gather(all(PHONES));
        for phone in 0..PHONES {
            let (held, before) = (team.vector(phone), team.sent());
            team.enter(phone, 1);
            let bound = team.packed(phone, &held) * (PHONES - 1);
            team.world.settle(1_000_000);
            let mut sums = sums.lock().unwrap();
            *sums = (sums.0 + team.sent() - before, sums.1 + bound);
        }
        team.check_same();
    });
    let (sent, bound) = sums.into_inner().unwrap();
    let ratio = sent as f64 / bound as f64;
    seeds::figure(&format!(
        "single entries among six connected phones: {ratio:.2} times their bytes once to each"
    ));
    assert!(ratio < 2.5, "{ratio}");
}
