//! Members whose programs were altered, and files that are not what they should be.

use firsthand_document::DocumentKind;
use firsthand_ids::WriterId;
use firsthand_log::Detached;
use firsthand_log::codec::Writer;
use firsthand_node::meeting::Question;
use firsthand_node::{Edit, EndReason, Event, IncidentQuery, ManifestState, Role};
use firsthand_record::{CapturePath, Evidence, Incident};
use firsthand_store::{EntryState, HoldReason, Home, Store, Unlock};
use firsthand_sync::{Effect, Refusal};
use firsthand_tests::{Crash, Dice, Expected, Person, Poison, State, World, inject, verdict};
use serde_json::{Map, Value, json};

use crate::pieces::{only, vector};

fn fields(value: Value) -> Map<String, Value> {
    let Value::Object(fields) = value else { panic!("no object") };
    fields
}

/// A lead, two members, and one more who does not keep to the rules.
pub(crate) struct Team {
    pub(crate) world: World,
    pub(crate) honest: [usize; 3],
    pub(crate) hostile: usize,
    pub(crate) poison: Poison,
    pub(crate) dice: Dice,
}

impl Team {
    pub(crate) fn new(seed: u64) -> Self {
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
        let parting = poison.position().next();
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
        // Both branches are kept by those who met the other one, and each shows the one it had first.
        for phone in [first, second] {
            let ledger = world.devices[phone].ledger();
            let forks = ledger.team().unwrap().forks;
            assert_eq!(forks.len(), 1, "seed {seed}");
            assert_eq!((forks[0].writer, forks[0].from), (writer, parting), "seed {seed}");
            let own = if phone == first { "One" } else { "Other" };
            let rows = ledger.incidents(&IncidentQuery::default()).unwrap();
            for row in rows {
                let disputed = ledger.incident(row.id).unwrap().disputed;
                assert_eq!(disputed, row.incident.title.starts_with(own), "{}", row.incident.title);
                assert_eq!(ledger.disputed().unwrap().contains(&row.id), disputed, "as a list marks it");
            }
        }
        // Everything but the forked chain is the same everywhere.
        let vectors = [lead, first, second].map(|phone| {
            let mut vector = vector(world, phone);
            assert!(vector.get(&writer).is_some());
            vector.remove(&writer);
            verdict::sound(world.devices[phone].ledger(), phone);
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

/// The other end of a chain comes from elsewhere while two batches of it are on the way: what builds on the first of them
/// cannot verify any more, and that is nobody's fault.
#[test]
fn a_fork_that_appears_while_batches_are_on_the_way_ends_no_meeting() {
    let (mut played, mut refused) = (0, 0);
    for seed in 0..24 {
        let mut team = Team::new(40 + seed);
        let [lead, first, second] = team.honest;
        let record = |title: &str| fields(json!({ "title": title }));
        let mut poison = team.poison;
        poison.record(DocumentKind::Incident, &record("Before"), None, team.dice.bytes());
        let mut other = poison.fork();
        other.record(DocumentKind::Incident, &record("Other"), None, team.dice.bytes());
        let (writer, other) = (poison.writer(), other.sign());
        // More than two batches.
        for part in 0..4 {
            for number in 0..300 {
                poison.record(
                    DocumentKind::Incident,
                    &record(&format!("{part} {number}")),
                    None,
                    team.dice.bytes(),
                );
            }
            let plain = poison.sign();
            let now = team.world.devices[first].clock.at(team.world.now);
            inject(team.world.devices[first].ledger(), plain, now).unwrap();
        }
        let mut person = Person::new(seed);
        let mut expected = Expected::default();
        let world = &mut team.world;
        for phone in [lead, first, second] {
            person.add(world, &mut expected, phone);
        }
        world.meet(lead, first);
        let link = world.dial(second, first, true).unwrap();
        // The other end comes when batches wait to be committed.
        let waits = |world: &mut World, phone: usize| {
            let commits = world.devices[phone].up().jobs.iter().filter(|(_, question)| {
                matches!(question, Question::Session { effect: firsthand_sync::Effect::Commit { .. }, .. })
            });
            commits.count()
        };
        let wanted = 1 + (seed % 2) as usize;
        // Whether so many ever wait at once is up to the dice.
        while waits(world, second) < wanted && world.step() {}
        if waits(world, second) < wanted {
            continue;
        }
        let now = world.devices[second].clock.at(world.now);
        inject(world.devices[second].ledger(), other, now).unwrap();
        world.settle(200_000);
        for phone in [first, second] {
            assert_eq!(world.devices[phone].ends.get(&link), Some(&EndReason::Done), "seed {seed}");
        }
        let told = world.heard.iter().any(|(phone, event)| {
            *phone == second && matches!(event, Event::Forked { writer: it, .. } if *it == writer)
        });
        refused += usize::from(told);
        // What the batches brought besides the forked chain has come all the same.
        let vectors = [first, second].map(|phone| {
            let mut vector = vector(world, phone);
            vector.remove(&writer);
            vector
        });
        assert_eq!(vectors[0], vectors[1], "seed {seed}");
        played += 1;
        if played == 6 {
            break;
        }
    }
    assert_eq!(played, 6, "meetings in which batches were on the way");
    assert!(refused >= 4, "{refused} of 6 meetings saw the fork");
}

/// What no member can have written is refused whole, and leaves no trace.
#[test]
fn forged_batches_are_refused() {
    let mut team = Team::new(9);
    let [lead, first, second] = team.honest;
    let mut person = Person::new(9);
    let mut expected = Expected::default();
    for phone in [lead, first] {
        person.add(&mut team.world, &mut expected, phone);
    }
    let [of_lead, of_first] = [0, 1].map(|number| expected.entries[number].0);
    let fresh = only(&mut team.world, lead, second, of_lead);
    let before = team.world.devices[second].ledger().digest().unwrap();

    let hostile = &mut team.world.devices[team.hostile];
    let State::Up(running) = &mut hostile.state else { panic!("Eve is there") };
    let mut forged = vec![
        // On behalf of somebody, whose chain is known, known further, or not known yet.
        ("continued", team.poison.usurp(&running.ledger, of_lead)),
        ("continued", team.poison.usurp(&running.ledger, of_first)),
        ("taken", team.poison.squat(&running.ledger, WriterId::new(team.dice.bytes()), &mut hostile.rng)),
        ("another space", team.poison.elsewhere(&running.ledger, &mut hostile.rng)),
        ("nothing", Vec::new()),
    ];
    for _ in 0..300 {
        let mut plain = fresh.clone();
        match team.dice.below(4) {
            0 => plain.truncate(team.dice.below(fresh.len())),
            1 => plain.extend(team.dice.fill(3)),
            _ => {
                let at = team.dice.below(plain.len());
                plain[at] ^= 1 << team.dice.below(8);
            }
        }
        forged.push(("altered", plain));
    }
    let now = team.world.devices[second].clock.at(team.world.now);
    for (what, plain) in forged {
        let ledger = team.world.devices[second].ledger();
        let result = inject(ledger, plain, now);
        assert_eq!(result, Err(Refusal::Misbehaved), "{what}");
        assert_eq!(ledger.digest().unwrap(), before, "{what}");
    }
    // The real one is still welcome, and twice is once.
    for _ in 0..2 {
        team.hand(second, fresh.clone());
    }
    let ledger = team.world.devices[second].ledger();
    assert_ne!(ledger.digest().unwrap(), before);
    verdict::sound(ledger, second);
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
            ledger.attach(incident, &mut content.as_slice(), "true.jpg", "", now, rng, &mut |_| true)
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
    // The same of a file that nobody asks for under its true record.
    let hidden = team.dice.fill(300_000);
    let hidden = team
        .world
        .write(hostile, |ledger, now, rng| {
            let file =
                ledger.attach(incident, &mut hidden.as_slice(), "hidden.jpg", "", now, rng, &mut |_| true)?;
            let value = json!({ "reason": "hidden" });
            let hide = Edit::Add { list: "tombstone".to_owned(), value };
            ledger.edit(file.document, &[hide], now, rng)?;
            Ok(file)
        })
        .unwrap();
    let ledger = team.world.devices[hostile].ledger();
    let (writer, position) = ledger.store().creator(&hidden.document).unwrap().unwrap();
    let entry = ledger.store().entry(&writer, position).unwrap().unwrap().entry;
    let mut lie = Evidence::new(incident, hash, hidden.byte_len, "image/jpeg", CapturePath::Imported);
    lie.original_name = Some("other lie.jpg".to_owned());
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
        // It stays known, and is not asked for again.
        world.crash(phone, Crash::Dropped, false);
        world.restart(phone);
        let ledger = world.devices[phone].ledger();
        let view = ledger.incident(incident).unwrap();
        let refused: Vec<_> = view.attachments.iter().filter(|file| file.refused).collect();
        // Nobody hands on what they refused, so only the one who met Eve got it.
        let names: Vec<_> = refused.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names.contains(&"other lie.jpg"), phone == first, "phone {phone}");
        assert!(!names.contains(&"true.jpg"), "phone {phone}");
        let refused = names.len() as u64;
        let check = ledger.check(&mut |_, _| true).unwrap();
        let counts = (check.attachments_refused, check.attachments_missing);
        assert_eq!((check.problems, counts), (vec![], (refused, u64::from(phone != first))), "phone {phone}");
    }
}

/// Records of files that are not signed as they should be: every device shows it, and its check counts them.
#[test]
fn a_manifest_that_is_forged_foreign_or_missing_is_told_everywhere() {
    let mut team = Team::new(2);
    let [lead, first, second] = team.honest;
    let hostile = team.hostile;
    let incident = team.world.devices[lead].ledger().incidents(&Default::default()).unwrap()[0].id;
    let content = team.dice.fill(2_000);
    let honest = team
        .world
        .write(lead, |ledger, now, rng| {
            ledger.attach(incident, &mut content.as_slice(), "true.jpg", "", now, rng, &mut |_| true)
        })
        .unwrap();
    let signed = honest.record.manifest.clone().unwrap();
    let like = |name: &str, change: &dyn Fn(&mut Evidence)| {
        let mut record = honest.record.clone();
        record.original_name = Some(name.to_owned());
        (record.custody_log, record.extra) = (Vec::new(), Default::default());
        change(&mut record);
        fields(serde_json::to_value(record).unwrap())
    };
    let mut forged = signed.clone();
    forged.signature = "5a".repeat(64);
    let told = [
        ("missing", ManifestState::Absent, like("missing", &|it| it.manifest = None)),
        ("forged", ManifestState::Wrong, like("forged", &|it| it.manifest = Some(forged.clone()))),
        // The honest one, under another chain.
        ("true.jpg", ManifestState::Wrong, like("true.jpg", &|_| ())),
        ("nonsense", ManifestState::Wrong, {
            let mut nonsense = like("nonsense", &|_| ());
            nonsense.insert("manifest".to_owned(), json!("trust me"));
            nonsense
        }),
    ];
    for (_, _, record) in &told {
        team.poison.record(DocumentKind::Evidence, record, None, team.dice.bytes());
    }
    let plain = team.poison.sign();
    team.hand(hostile, plain);
    let world = &mut team.world;
    for (from, to) in [(first, hostile), (first, lead), (second, lead)] {
        world.meet(from, to);
    }
    for phone in [lead, first, second] {
        let ledger = world.devices[phone].ledger();
        let view = ledger.incident(incident).unwrap();
        assert_eq!(view.attachments.len(), told.len() + 1);
        for (name, state, _) in &told {
            let found = view.attachments.iter().any(|file| file.name == *name && file.manifest == *state);
            assert!(found, "{name} on phone {phone}");
        }
        let valid: Vec<_> =
            view.attachments.iter().filter(|file| file.manifest == ManifestState::Valid).collect();
        assert!(valid.len() == 1 && valid[0].document == honest.document);
        let check = ledger.check(&mut |_, _| true).unwrap();
        assert_eq!((check.problems, check.manifests_wrong, check.manifests_absent), (vec![], 3, 1));
    }
}

/// A program that ends while it applies what it received finds at the next starts which entry it was, holds that one, and
/// applies the rest.
#[test]
fn a_change_that_ends_the_program_is_found_and_held() {
    for (found_times, held) in [(None, false), (Some(1), false), (Some(2), true)] {
        let mut team = Team::new(5);
        let [lead, _, second] = team.honest;
        let world = &mut team.world;
        let mut person = Person::new(5);
        let mut expected = Expected::default();
        for _ in 0..5 {
            person.add(world, &mut expected, lead);
        }
        let (writer, _) = expected.entries[0];
        let id = expected.first[1];
        let plain = only(world, lead, second, writer);
        let now = world.devices[second].clock.at(world.now);
        let ledger = world.devices[second].ledger();
        let peer = ledger.identity().exchange.public().unwrap();
        let effect = Effect::Commit { space: *ledger.space(), plain };
        ledger.answer(Question::Session { peer, effect }, now);
        assert!(ledger.store().document(&id).unwrap().is_none(), "kept, and not applied yet");
        let created = ledger.store().creator(&id).unwrap().unwrap();
        world.crash(second, Crash::Dropped, false);

        // What the program leaves that ended while it tried this document, or this entry of it.
        let device = &world.devices[second];
        let mut mark = Writer::new();
        mark.fixed(id);
        if let Some(times) = found_times {
            mark.fixed(created.0).number(created.1.0).number(times);
        }
        let home = Home::open(&device.home).unwrap();
        let mut store = Store::open(home, Unlock::RawKey(&device.key()), &device.vault).unwrap();
        store.set_setting("apply.trying", &mark.into_bytes()).unwrap();
        drop(store);

        for _ in 0..2 {
            world.restart(second);
            let ledger = world.devices[second].ledger();
            let unsettled = verdict::unsettled(ledger);
            let states: Vec<_> = unsettled.values().copied().collect();
            assert_eq!(states, vec![EntryState::Held(HoldReason::Unsafe); usize::from(held)]);
            assert_eq!(ledger.store().document(&id).unwrap().is_none(), held);
            for other in expected.first.iter().filter(|other| **other != id) {
                assert!(ledger.store().document(other).unwrap().is_some());
            }
            assert_eq!(ledger.store().setting("apply.trying").unwrap(), None);
            assert!(ledger.store().untried().unwrap().is_empty());
            world.crash(second, Crash::Dropped, false);
        }
    }
}
