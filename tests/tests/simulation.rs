//! Random field days: everything may go wrong, and in the end all devices hold the same.
#![allow(clippy::unwrap_used)]

use firsthand_document::DocumentKind;
use firsthand_log::Detached;
use firsthand_node::{Event, Role};
use firsthand_record::{CapturePath, Evidence, Incident};
use firsthand_tests::{Dice, Expected, Person, Poison, Run, State, World, inject, seeds, verdict};
use serde_json::{Map, Value, json};

/// Drops, duplicates, reordering between links, partitions, crashes, clocks ten years off; every fifth seed has a
/// member who breaks the rules.
#[test]
fn whatever_happens_all_devices_end_up_the_same() {
    seeds::each("field days", 1000, |seed| {
        Run::new(seed, seed % 5 == 4).play();
    });
}

/// A failure is of use only if it comes again.
#[test]
fn a_seed_plays_the_same_day_again() {
    for seed in [4, 8] {
        let play = || {
            let mut world = Run::new(seed, seed % 5 == 4).play();
            let number = world.up()[0];
            let digest = world.devices[number].ledger().digest().unwrap();
            (digest, world.steps, world.now, world.sent)
        };
        assert_eq!(play(), play());
    }
}

fn fields(value: Value) -> Map<String, Value> {
    let Value::Object(fields) = value else { panic!("no object") };
    fields
}

/// A lead, two members, and one more who does not keep to the rules.
struct Team {
    world: World,
    honest: [usize; 3],
    hostile: usize,
    poison: Poison,
    dice: Dice,
}

impl Team {
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        world.hostile = true;
        let lead = world.found("Harbour", "Amina");
        let [first, second, hostile] =
            ["Bruno", "Chidi", "Eve"].map(|name| world.join(lead, name, Role::Responder));
        for phone in [lead, first, second] {
            let draft = Incident { title: Some(format!("By {phone}")), ..Incident::default() };
            world.write(phone, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
        }
        world.calm = true;
        for phone in [first, second, hostile, lead, first, second] {
            if phone != lead {
                world.meet(phone, lead);
            }
        }
        let key = world.devices[hostile].signing_seed.unwrap();
        let now = world.devices[hostile].clock.at(world.now);
        let device = &mut world.devices[hostile];
        let State::Up(running) = &mut device.state else { panic!("Eve is there") };
        let poison = Poison::new(&running.ledger, key, now, &mut device.rng);
        Self { world, honest: [lead, first, second], hostile, poison, dice: Dice::new(seed, 11) }
    }

    fn hand(&mut self, phone: usize, plain: Vec<u8>) {
        let now = self.world.devices[phone].clock.at(self.world.now);
        inject(self.world.devices[phone].ledger(), plain, now).unwrap();
    }
}

/// One chain with two ends, each shown to another phone. Both are kept where they are, nothing else is held up.
#[test]
fn a_forked_chain_is_seen_and_holds_nothing_else_up() {
    for seed in 0..30 {
        let mut team = Team::new(seed);
        let [lead, first, second] = team.honest;
        let record = |title: &str| fields(json!({ "title": title }));
        let mut poison = team.poison;
        poison.record(DocumentKind::Incident, &record("Before"), None, team.dice.bytes());
        let base = poison.sign();
        let mut other = poison.fork();
        for number in 0..1 + team.dice.below(3) {
            let title = record(&format!("One {number}"));
            poison.record(DocumentKind::Incident, &title, None, team.dice.bytes());
        }
        for number in 0..1 + team.dice.below(3) {
            let title = record(&format!("Other {number}"));
            other.record(DocumentKind::Incident, &title, None, team.dice.bytes());
        }
        let (writer, ends) = (poison.writer(), [poison.sign(), other.sign()]);
        team.poison = poison;
        for (phone, end) in [first, second].into_iter().zip(ends) {
            team.hand(phone, base.clone());
            team.hand(phone, end);
        }

        let mut person = Person::new(seed);
        let mut expected = Expected::default();
        let world = &mut team.world;
        for _ in 0..3 {
            for phone in [lead, first, second] {
                person.add(world, &mut expected, phone);
            }
            world.heard.clear();
            world.meet(first, second);
            let told = |world: &World, phone| {
                let fork = |(number, event): &(usize, Event)| {
                    *number == phone && matches!(event, Event::Forked { writer: it, .. } if *it == writer)
                };
                world.heard.iter().any(fork)
            };
            assert!(told(world, first) && told(world, second), "seed {seed}");
            world.meet(lead, first);
            world.meet(lead, second);
            world.meet(first, lead);
            assert!(told(world, lead));
        }
        // Everything but the forked chain is the same everywhere.
        let vectors = [lead, first, second].map(|phone| {
            let ledger = world.devices[phone].ledger();
            let mut vector = ledger.store().vector(ledger.space());
            assert!(vector.get(&writer).is_some());
            vector.remove(&writer);
            verdict::sound(ledger, phone);
            vector
        });
        assert!(vectors.iter().all(|vector| *vector == vectors[0]), "seed {seed}");
        for id in expected.incidents.keys() {
            let views =
                [lead, first, second].map(|phone| world.devices[phone].ledger().incident(*id).unwrap());
            assert!(views.iter().all(|view| *view == views[0]), "seed {seed}");
        }
    }
}

/// A record whose file has another content than it says. Nobody takes the file for what it is not, and everything
/// else goes on.
#[test]
fn a_file_that_is_not_what_its_record_says_is_not_taken() {
    let mut team = Team::new(1);
    let [lead, first, second] = team.honest;
    let hostile = team.hostile;
    let rows = team.world.devices[hostile].ledger().incidents(&Default::default()).unwrap();
    let incident = rows[0].id;
    let content = team.dice.fill(300_000);
    let honest = team
        .world
        .write(hostile, |ledger, now, rng| {
            ledger.attach(incident, &mut content.as_slice(), "true.jpg", "", now, rng, &mut |_| ())
        })
        .unwrap();
    team.world.meet(hostile, lead);
    let ledger = team.world.devices[hostile].ledger();
    let (writer, position) = ledger.store().creator(&honest.document).unwrap().unwrap();
    let entry = ledger.store().entry(&writer, position).unwrap().unwrap().entry;
    let Some(Detached::Present(_)) = &entry.detached else { panic!("the key of the file") };
    let hash = firsthand_ids::ContentHash::new(team.dice.bytes());
    let mut lie = Evidence::new(incident, hash, honest.byte_len, "image/jpeg", CapturePath::Imported);
    lie.original_name = Some("lie.jpg".to_owned());
    let lie = fields(serde_json::to_value(lie).unwrap());
    team.poison.record(DocumentKind::Evidence, &lie, entry.detached, team.dice.bytes());
    let plain = team.poison.sign();
    team.hand(hostile, plain);

    let world = &mut team.world;
    // Neither the one who lied nor those who pass it on in good faith are held up, and the true file arrives.
    for (from, to) in [(first, hostile), (first, lead), (second, lead), (first, second)] {
        world.meet(from, to);
    }
    let digests = [lead, first, second, hostile].map(|phone| world.devices[phone].ledger().digest().unwrap());
    assert!(digests.iter().all(|digest| *digest == digests[0]));
    for phone in [lead, first, second] {
        let ledger = world.devices[phone].ledger();
        let view = ledger.incident(incident).unwrap();
        let here = |name: &str| view.attachments.iter().find(|file| file.name == name).unwrap().here;
        assert!(here("true.jpg"), "phone {phone}");
        let mut out = Vec::new();
        assert!(ledger.read_attachment(&incident, "lie.jpg", &mut out).is_err());
    }
}
