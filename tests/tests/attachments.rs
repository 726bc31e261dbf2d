//! Files on their way over links that break at any byte, between devices that crash and disks that forget.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use firsthand_ids::DocumentId;
use firsthand_node::Role;
use firsthand_record::Incident;
use firsthand_store::CHUNK_BYTES;
use firsthand_tests::{Crash, Dice, Tamper, World, seeds};

/// How many meetings are cut in each team, and how many teams the gate runs: 10,000 cuts.
const CUTS: u64 = 25;
const TEAMS: u64 = 400;

const LEAD: usize = 0;
const OTHER: usize = 1;

/// What a cut may repeat: the chunks that were asked for at once, and what a meeting costs before the first of them.
const REPEATED: usize = 4 * (CHUNK_BYTES + 1024) + 64 * 1024;

/// What all teams saw together.
#[derive(Default)]
struct Tally {
    cuts: AtomicU64,
    crashes: AtomicU64,
    flips: AtomicU64,
    forged: AtomicU64,
    files: AtomicU64,
    /// Bytes of the files that arrived, and those that went over all links for it.
    bytes: AtomicU64,
    sent: AtomicU64,
}

impl Tally {
    fn add(count: &AtomicU64, more: usize) {
        count.fetch_add(more as u64, Ordering::Relaxed);
    }
}

struct Team<'a> {
    world: World,
    dice: Dice,
    incident: DocumentId,
    tally: &'a Tally,
    cuts: u64,
}

impl<'a> Team<'a> {
    fn new(seed: u64, tally: &'a Tally) -> Self {
        let mut world = World::new(seed);
        world.hostile = true;
        let lead = world.found("Harbour", "Amina");
        world.join(lead, "Bruno", Role::Responder);
        let draft = Incident { title: Some("At the gate".to_owned()), ..Incident::default() };
        let saved = world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
        world.meet(OTHER, LEAD);
        Self { world, dice: Dice::new(seed, 61), incident: saved.id, tally, cuts: 0 }
    }

    /// One device attaches a file, and it goes to the other over links that are cut.
    fn file(&mut self, number: u64) {
        let (from, to) = self.dice.pick(&[(LEAD, OTHER), (OTHER, LEAD)]);
        let whole = self.dice.below(5) * CHUNK_BYTES;
        let odd = self.dice.pick(&[0, 1, 17, 5_000, CHUNK_BYTES - 1]);
        let content = self.dice.fill(whole + odd);
        let name = format!("{number}.jpg");
        let mut rest = content.as_slice();
        let incident = self.incident;
        self.world
            .write(from, |ledger, now, rng| {
                ledger.attach(incident, &mut rest, &name, "", now, rng, &mut |_| true)
            })
            .unwrap();
        let (mut meetings, mut spoilt, mut sent) = (0, 0, 0);
        while !self.is_here(to, &name) {
            assert!(meetings < 200, "{name} does not arrive");
            meetings += 1;
            let forged = self.dice.percent(15);
            self.world.devices[from].tamper = forged.then_some(Tamper::Parts(3));
            sent += self.meeting(from, to, &mut spoilt);
            Tally::add(&self.tally.forged, usize::from(forged));
        }
        self.world.devices[from].tamper = None;
        let mut out = Vec::new();
        self.world.devices[to].ledger().read_attachment(&incident, &name, &mut out).unwrap();
        assert!(out == content, "{name} is another");
        // Every chunk that was verified stays, so only what was on the way is sent again.
        let most = content.len() + content.len() / 50 + (meetings + spoilt) * REPEATED;
        assert!(sent <= most, "{name}: {sent} bytes for {} in {meetings} meetings", content.len());
        Tally::add(&self.tally.files, 1);
        Tally::add(&self.tally.bytes, content.len());
        Tally::add(&self.tally.sent, sent);
    }

    fn is_here(&mut self, device: usize, name: &str) -> bool {
        let view = self.world.devices[device].ledger().incident(self.incident).unwrap();
        view.attachments.iter().any(|file| file.name == name && file.here)
    }

    /// A meeting that ends at some byte, and what happens to the receiver before the next one. Gives what was sent.
    fn meeting(&mut self, from: usize, to: usize, spoilt: &mut usize) -> usize {
        let dialler = self.dice.pick(&[from, to]);
        let link = self.world.dial(dialler, from + to - dialler, true).unwrap();
        let at = self.dice.pick(&[20_000, CHUNK_BYTES, CHUNK_BYTES, 3 * CHUNK_BYTES]);
        let at = self.dice.below(at);
        let mut flip = self.dice.percent(10);
        let mut cut = false;
        while let Some(cable) = self.world.cables.get(&link) {
            let sent: usize = cable.sent.iter().sum();
            let waiting: usize = cable.pipes.iter().map(|pipe| pipe.bytes.len()).sum();
            if !cut && sent - waiting >= at {
                self.world.cut(link);
                cut = true;
            } else if flip && sent > at / 2 && self.flip(to) {
                flip = false;
                *spoilt += 1;
            }
            assert!(self.world.step() || self.world.wait(), "a meeting without an end");
        }
        self.world.settle(10_000);
        let sent = self.world.sent.get(&link).map_or(0, |sent| sent.iter().sum());
        if cut {
            self.cuts += 1;
            Tally::add(&self.tally.cuts, 1);
        }
        for (device, chance) in [(to, 15), (from, 5)] {
            if self.dice.percent(chance) {
                let crash = self.dice.pick(&[Crash::Dropped, Crash::Frozen]);
                self.world.crash(device, crash, false);
                Tally::add(&self.tally.crashes, 1);
                if device == to && self.dice.percent(40) && self.flip(to) {
                    *spoilt += 1;
                }
                self.world.restart(device);
            }
        }
        sent
    }

    /// One bit of a file that is arriving becomes another on the disk; false where none is.
    fn flip(&mut self, device: usize) -> bool {
        let dir = self.world.devices[device].home.join("attachments");
        let mut arriving: Vec<_> = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()).collect();
        arriving.retain(|path| path.extension().is_some_and(|extension| extension == "part"));
        let Some(path) = arriving.first() else { return false };
        let mut bytes = fs::read(path).unwrap();
        let at = self.dice.below(bytes.len());
        bytes[at] ^= 1 << self.dice.below(8);
        fs::write(path, bytes).unwrap();
        Tally::add(&self.tally.flips, 1);
        true
    }

    /// Everything that is here is what was attached, and both hold the same.
    fn verify(&mut self) {
        self.world.meet(OTHER, LEAD);
        let digests = [LEAD, OTHER].map(|device| self.world.devices[device].ledger().digest().unwrap());
        assert_eq!(digests[0], digests[1]);
        for device in [LEAD, OTHER] {
            let dir = self.world.devices[device].home.join("attachments");
            let left_over: Vec<_> = fs::read_dir(dir)
                .unwrap()
                .map(|file| file.unwrap().path())
                .filter(|path| path.extension().is_some())
                .collect();
            assert!(left_over.is_empty(), "{left_over:?}");
            let ledger = self.world.devices[device].ledger();
            let check = ledger.check(&mut |_, _| true).unwrap();
            assert_eq!((check.problems, check.attachments_missing), (Vec::new(), 0));
        }
    }
}

#[test]
fn files_arrive_whole_however_often_the_link_is_cut() {
    let tally = Tally::default();
    seeds::each(&format!("teams whose files were cut {CUTS} times each on their way"), TEAMS, |seed| {
        let mut team = Team::new(seed, &tally);
        let mut number = 0;
        while team.cuts < CUTS {
            team.file(number);
            number += 1;
        }
        team.verify();
    });
    let [cuts, crashes, flips, forged, files, bytes, sent] =
        [&tally.cuts, &tally.crashes, &tally.flips, &tally.forged, &tally.files, &tally.bytes, &tally.sent]
            .map(|count| count.load(Ordering::Relaxed));
    seeds::figure(&format!(
        "attachments with random cuts: {cuts} cuts, {crashes} crashes, {flips} flipped bits in what had arrived, \
         {forged} meetings with forged chunks; {files} files arrived, 0 corrupt; each cut repeated {} KiB",
        sent.saturating_sub(bytes) / (cuts.max(1) * 1024),
    ));
}
