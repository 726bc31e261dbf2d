//! Who is removed reads and writes nothing more; what they wrote before stays, what they wrote after is held for the leads.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use firsthand_ids::{DocumentId, PersonId, WriterId};
use firsthand_node::{Edit, EndReason, Event, IncidentQuery, QuarantineView, Role};
use firsthand_record::Incident;
use firsthand_team::{Reason, Target};
use firsthand_tests::{Crash, Dice, World, verdict};
use serde_json::json;

const LEAD: usize = 0;
const BRUNO: usize = 1;
const CAROL: usize = 2;
const DANA: usize = 3;
const STAYING: [usize; 3] = [LEAD, BRUNO, DANA];

/// Amina leads, Dana too; everybody has what everybody wrote.
fn team(seed: u64) -> World {
    let mut world = World::new(seed);
    let lead = world.found("Harbour", "Amina");
    for (name, role) in [("Bruno", Role::Responder), ("Carol", Role::Responder), ("Dana", Role::Lead)] {
        world.join(lead, name, role);
    }
    (world.calm, world.removals) = (true, true);
    for phone in [LEAD, BRUNO, CAROL, DANA] {
        add(&mut world, phone, &format!("By {phone}"));
    }
    for _ in 0..2 {
        for phone in [BRUNO, CAROL, DANA] {
            world.meet(phone, LEAD);
        }
    }
    world
}

fn add(world: &mut World, phone: usize, title: &str) -> DocumentId {
    let draft = Incident { title: Some(title.to_owned()), ..Incident::default() };
    world.write(phone, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id
}

fn set(world: &mut World, phone: usize, id: DocumentId, field: &str, value: &str) {
    let edit = Edit::Set { field: field.to_owned(), value: json!(value) };
    world.write(phone, |ledger, now, rng| ledger.edit(id, &[edit], now, rng)).unwrap();
}

fn person(world: &mut World, name: &str) -> PersonId {
    let devices = world.devices[LEAD].ledger().devices();
    devices.into_iter().find(|it| it.name == name).unwrap().person
}

fn remove(world: &mut World, by: usize, name: &str) -> firsthand_ids::OperationHash {
    let target = Target::Person(person(world, name));
    world.write(by, |ledger, _, _| ledger.revoke(target, Reason::Removed)).unwrap()
}

fn titles(world: &mut World, phone: usize) -> Vec<String> {
    let rows = world.devices[phone].ledger().incidents(&IncidentQuery::default()).unwrap();
    let mut titles: Vec<String> = rows.into_iter().map(|row| row.incident.title).collect();
    titles.sort();
    titles
}

fn field(world: &mut World, phone: usize, id: DocumentId) -> (Option<String>, Option<String>) {
    let incident = world.devices[phone].ledger().incident(id).unwrap().record;
    (incident.p_code, incident.category.map(|it| it.to_string()))
}

/// What is held, in an order that does not depend on who came first.
fn quarantine(world: &mut World, phone: usize) -> QuarantineView {
    let mut view = world.devices[phone].ledger().quarantine().unwrap();
    view.held.sort_by_key(|it| (it.writer, it.position));
    view.held.iter_mut().for_each(|it| it.behind.sort_by_key(|it| (it.writer, it.position)));
    view.waiting.sort_by_key(|it| it.writer);
    view
}

fn gather(world: &mut World, phones: &[usize]) {
    for _ in 0..2 {
        for phone in phones {
            world.meet(*phone, LEAD);
        }
    }
}

/// All who stay say the same, also after they were started anew, and nothing is wrong with what they hold.
fn same(world: &mut World, phones: &[usize]) {
    let digest = world.devices[phones[0]].ledger().digest().unwrap();
    let held = quarantine(world, phones[0]);
    for phone in phones {
        assert_eq!(world.devices[*phone].ledger().digest().unwrap(), digest);
        assert_eq!(quarantine(world, *phone), held);
        world.crash(*phone, Crash::Dropped, false);
        world.restart(*phone);
        assert_eq!(world.devices[*phone].ledger().digest().unwrap(), digest);
        assert_eq!(quarantine(world, *phone), held);
        let check = world.devices[*phone].ledger().check(&mut |_, _| true).unwrap();
        assert_eq!(check.problems, Vec::<String>::new());
        verdict::sound(world.devices[*phone].ledger(), *phone);
    }
}

#[test]
fn removed_while_offline() {
    for seed in 0..6 {
        let mut world = team(seed);
        let shared = add(&mut world, LEAD, "Bridge");
        gather(&mut world, &[BRUNO, CAROL, DANA]);
        remove(&mut world, LEAD, "Carol");
        // Carol does not know, and goes on. Bruno does not know either, and builds on what she wrote.
        add(&mut world, CAROL, "After the first");
        add(&mut world, CAROL, "After the second");
        set(&mut world, CAROL, shared, "p_code", "by Carol");
        world.meet(CAROL, BRUNO);
        set(&mut world, BRUNO, shared, "category", "Bruno");
        assert_eq!(field(&mut world, BRUNO, shared), (Some("by Carol".into()), Some("Bruno".into())));
        assert_eq!(titles(&mut world, BRUNO).len(), 7);

        // He meets the lead: what the lead had stays, what came later is held, on all phones alike.
        gather(&mut world, &[BRUNO, DANA]);
        for phone in STAYING {
            assert_eq!(titles(&mut world, phone), ["Bridge", "By 0", "By 1", "By 2", "By 3"]);
            assert_eq!(field(&mut world, phone, shared), (None, None), "what builds on it waits");
            assert!(world.devices[phone].ledger().search("second", 10).unwrap().is_empty());
        }
        same(&mut world, &STAYING);
        let held = quarantine(&mut world, LEAD).held;
        let told: Vec<_> = held.iter().map(|it| (it.person.as_str(), it.reason)).collect();
        assert!(told.len() == 3 && told.iter().all(|it| *it == ("Carol", "removed")), "{told:?}");
        let change = held.iter().find(|it| it.document == Some(shared)).unwrap().clone();
        assert_eq!((change.behind_count, change.behind[0].person.as_str()), (1, "Bruno"));
        // An edit does not build on what is held, nor reuse what was taken back of one's own chain.
        set(&mut world, BRUNO, shared, "title", "The bridge");
        gather(&mut world, &[BRUNO, DANA]);
        same(&mut world, &STAYING);
        assert!(titles(&mut world, DANA).contains(&"The bridge".to_owned()));

        // The lead adopts one: it and what waited behind it are there, on all phones, and nothing else.
        world.write(DANA, |ledger, _, _| ledger.adopt(change.writer, change.position)).unwrap();
        gather(&mut world, &[DANA, BRUNO]);
        for phone in STAYING {
            assert_eq!(field(&mut world, phone, shared), (Some("by Carol".into()), Some("Bruno".into())));
            assert_eq!(titles(&mut world, phone), ["By 0", "By 1", "By 2", "By 3", "The bridge"]);
        }
        same(&mut world, &STAYING);
        let first = held.iter().find(|it| it.document.is_some_and(|id| id != shared)).unwrap();
        world.write(LEAD, |ledger, _, _| ledger.adopt(first.writer, first.position)).unwrap();
        let not_allowed = world.write(BRUNO, |ledger, _, _| {
            ledger.adopt(held.last().unwrap().writer, held.last().unwrap().position)
        });
        assert!(not_allowed.is_err());

        // Carol returns on the same phone, with a new chain.
        let carol = person(&mut world, "Carol");
        world.write(LEAD, |ledger, _, _| ledger.grant(carol, Role::Observer)).unwrap();
        gather(&mut world, &[CAROL, BRUNO, DANA]);
        let before: Vec<WriterId> = chains(&mut world, CAROL);
        add(&mut world, CAROL, "Back");
        assert_eq!(chains(&mut world, CAROL).len(), before.len() + 1);
        gather(&mut world, &[CAROL, BRUNO, DANA]);
        let all = [LEAD, BRUNO, CAROL, DANA];
        for phone in all {
            assert!(titles(&mut world, phone).contains(&"Back".to_owned()));
            assert!(!titles(&mut world, phone).contains(&"After the second".to_owned()));
        }
        same(&mut world, &all);
    }
}

fn chains(world: &mut World, phone: usize) -> Vec<WriterId> {
    let ledger = world.devices[phone].ledger();
    let space = *ledger.space();
    ledger.store().vector(&space).iter().map(|(writer, _)| *writer).collect()
}

#[test]
fn a_removed_device_hears_that_and_nothing_else() {
    let mut world = team(1);
    remove(&mut world, LEAD, "Carol");
    add(&mut world, LEAD, "Afterwards");
    let dana = person(&mut world, "Dana");
    world.write(LEAD, |ledger, _, _| ledger.grant(dana, Role::Trainer)).unwrap();
    let held = chains_held(&mut world, CAROL);
    add(&mut world, CAROL, "Unheard");
    turned_away(&mut world, CAROL, LEAD);
    assert!(!titles(&mut world, LEAD).contains(&"Unheard".to_owned()));
    let carol = world.devices[CAROL].ledger();
    assert!(!carol.is_admitted());
    assert_eq!(carol.removals().len(), 1);
    let role = carol.devices().into_iter().find(|it| it.name == "Dana").unwrap().role;
    assert_eq!(role, Role::Lead, "what came after the removal is not told");
    assert_eq!(chains_held(&mut world, CAROL), held + 1);
    // It writes no more, and keeps what it had.
    let draft = Incident { title: Some("More".to_owned()), ..Incident::default() };
    assert!(world.write(CAROL, |ledger, now, rng| ledger.add_incident(draft, now, rng)).is_err());
    assert_eq!(titles(&mut world, CAROL), ["By 0", "By 1", "By 2", "By 3"]);
}

/// One dials another, who is no member to it or to whom it is none.
fn turned_away(world: &mut World, from: usize, to: usize) {
    world.dial(from, to, true).unwrap();
    world.settle(200_000);
    let ended = world.heard.iter().rev().find_map(|(device, event)| match event {
        Event::Ended { reason, summary, .. } if *device == from => Some((*reason, *summary)),
        _ => None,
    });
    let (reason, summary) = ended.unwrap();
    assert_eq!(reason, EndReason::NotAMember);
    assert_eq!((summary.entries_received, summary.entries_sent), (0, 0));
}

fn chains_held(world: &mut World, phone: usize) -> usize {
    world.devices[phone].ledger().team().unwrap().counts.incidents as usize
        + quarantine(world, phone).held.len()
}

#[test]
fn who_is_removed_in_the_middle_of_a_meeting_gets_nothing_more() {
    for seed in 0..10 {
        let mut world = team(seed);
        world.dial(CAROL, LEAD, false).unwrap();
        world.settle(1_000_000);
        add(&mut world, LEAD, "While connected");
        world.settle(1_000_000);
        assert!(titles(&mut world, CAROL).contains(&"While connected".to_owned()));
        // Both write at the very moment of the removal.
        add(&mut world, CAROL, "On its way");
        remove(&mut world, LEAD, "Carol");
        add(&mut world, LEAD, "A secret");
        world.settle(1_000_000);
        assert!(!titles(&mut world, CAROL).contains(&"A secret".to_owned()));
        assert!(!titles(&mut world, LEAD).contains(&"On its way".to_owned()));
        assert!(!world.devices[CAROL].ledger().is_admitted());
    }
}

#[test]
fn who_may_only_read_writes_nothing() {
    let mut world = team(2);
    let bruno = person(&mut world, "Bruno");
    // Bruno has not heard yet: what he writes is by the role that he names.
    world.write(LEAD, |ledger, _, _| ledger.grant(bruno, Role::ReadOnly)).unwrap();
    add(&mut world, BRUNO, "In good faith");
    gather(&mut world, &[BRUNO, CAROL, DANA]);
    for phone in [LEAD, BRUNO, CAROL, DANA] {
        assert!(titles(&mut world, phone).contains(&"In good faith".to_owned()));
    }
    let draft = Incident { title: Some("More".to_owned()), ..Incident::default() };
    assert!(world.write(BRUNO, |ledger, now, rng| ledger.add_incident(draft, now, rng)).is_err());
}

#[test]
fn a_lead_whose_phone_was_taken_settles_nothing_afterwards() {
    let mut world = team(3);
    let id = add(&mut world, LEAD, "Market");
    gather(&mut world, &[BRUNO, CAROL, DANA]);
    set(&mut world, BRUNO, id, "p_code", "one");
    set(&mut world, CAROL, id, "p_code", "two");
    gather(&mut world, &[BRUNO, CAROL]);
    // Dana's phone makes Carol a lead, and Carol settles the conflict, before anybody hears that Dana was removed.
    let carol = person(&mut world, "Carol");
    remove(&mut world, LEAD, "Dana");
    world.meet(DANA, CAROL);
    world.write(DANA, |ledger, _, _| ledger.grant(carol, Role::Lead)).unwrap();
    world.meet(DANA, CAROL);
    world
        .write(CAROL, |ledger, now, rng| ledger.resolve(id, "p_code", json!("three"), "", now, rng))
        .unwrap();
    assert!(world.devices[CAROL].ledger().rights().resolve);
    gather(&mut world, &[CAROL, BRUNO]);
    let left = [LEAD, BRUNO, CAROL];
    for phone in left {
        assert!(!world.devices[CAROL].ledger().rights().resolve);
        let view = world.devices[phone].ledger().incident(id).unwrap();
        assert_eq!(view.conflicts.len(), 1, "it was settled by somebody without the right");
    }
    same(&mut world, &left);
}

/// What a remover held of whom at the time.
struct Removed {
    hash: firsthand_ids::OperationHash,
    person: PersonId,
    held: BTreeSet<DocumentId>,
}

fn of_person(world: &mut World, phone: usize, person: PersonId) -> BTreeSet<DocumentId> {
    let rows = world.devices[phone].ledger().incidents(&IncidentQuery::default()).unwrap();
    rows.into_iter().filter(|row| row.author == person).map(|row| row.id).collect()
}

/// Two devices meet, whatever comes of it.
fn encounter(world: &mut World, one: usize, two: usize) {
    world.dial(one, two, true);
    world.settle(400_000);
}

/// A few days of five people who come and go, are removed while groups are apart, remove each other, and return.
#[test]
fn days_with_removals_end_alike() {
    let (mut stood, mut fell, mut returned, mut adopted_ever) = (0, 0, 0, 0);
    for seed in 0..30 {
        let mut world = World::new(seed);
        let lead = world.found("Harbour", "P0");
        for (name, role) in
            [("P1", Role::Lead), ("P2", Role::Lead), ("P3", Role::Responder), ("P4", Role::Responder)]
        {
            world.join(lead, name, role);
        }
        (world.calm, world.removals) = (true, true);
        let phones: Vec<usize> = (0..5).collect();
        for phone in 1..5 {
            encounter(&mut world, phone, 0);
        }
        let people: Vec<PersonId> = phones.iter().map(|it| person(&mut world, &format!("P{it}"))).collect();
        let mut dice = Dice::new(seed, 77);
        let (mut removed, mut back, mut adopted) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for step in 0..70 {
            let (who, other) = (dice.below(5), dice.below(5));
            let target = Target::Person(people[other]);
            match dice.below(20) {
                0..=5 => {
                    let draft = Incident { title: Some(format!("{who} at {step}")), ..Incident::default() };
                    drop(world.write(who, |ledger, now, rng| ledger.add_incident(draft, now, rng)));
                }
                6..=8 => {
                    let rows = world.devices[who].ledger().incidents(&IncidentQuery::default()).unwrap();
                    if let Some(row) = rows.get(dice.below(rows.len().max(1))) {
                        let edit = Edit::Set { field: "p_code".to_owned(), value: json!(format!("{step}")) };
                        let id = row.id;
                        drop(world.write(who, |ledger, now, rng| ledger.edit(id, &[edit], now, rng)));
                    }
                }
                9 if who != other => {
                    let held = of_person(&mut world, who, people[other]);
                    let hash = world.write(who, |ledger, _, _| ledger.revoke(target, Reason::Removed));
                    removed.extend(hash.map(|hash| Removed { hash, person: people[other], held }));
                }
                10 => {
                    let granted = world.write(who, |ledger, _, _| ledger.grant(people[other], Role::Lead));
                    if granted.is_ok() {
                        back.insert(people[other]);
                    }
                }
                11 => {
                    if let Some(last) = world.devices[who].ledger().removals().last().map(|it| it.hash) {
                        drop(world.write(who, |ledger, _, _| ledger.confirm(last)));
                    }
                }
                12 => {
                    let held = quarantine(&mut world, who).held;
                    if let Some(it) = held.first().filter(|it| it.reason == "removed") {
                        let done = world.write(who, |ledger, _, _| ledger.adopt(it.writer, it.position));
                        adopted.extend(done.ok().and(it.document));
                    }
                }
                _ if who != other => encounter(&mut world, who, other),
                _ => {}
            }
        }
        for _ in 0..4 {
            for one in 0..5 {
                (0..one).for_each(|two| encounter(&mut world, one, two));
            }
        }
        let admitted = |world: &mut World, phone: usize| world.devices[phone].ledger().is_admitted();
        let Some(first) = phones.iter().copied().find(|phone| admitted(&mut world, *phone)) else { continue };
        let devices = world.devices[first].ledger().devices();
        let stay: Vec<usize> = phones
            .iter()
            .copied()
            .filter(|phone| devices.iter().any(|it| it.admitted && it.name == format!("P{phone}")))
            .collect();
        let standing = world.devices[first].ledger().removals();
        for phone in &stay {
            assert_eq!(world.devices[*phone].ledger().removals(), standing, "seed {seed}");
        }
        same(&mut world, &stay);

        // What the remover held stays; of what came later nothing is shown that no lead released.
        let stands = |it: &&Removed| standing.iter().any(|removal| removal.hash == it.hash);
        (stood, fell) =
            (stood + standing.len(), fell + removed.len() - removed.iter().filter(stands).count());
        (returned, adopted_ever) = (returned + back.len(), adopted_ever + adopted.len());
        for it in removed.iter().filter(stands) {
            let shown = of_person(&mut world, first, it.person);
            assert!(it.held.is_subset(&shown), "seed {seed}: something that the remover held is gone");
            if !back.contains(&it.person) {
                let known = removed.iter().filter(stands).filter(|other| other.person == it.person);
                let known: BTreeSet<_> = known.flat_map(|it| &it.held).copied().collect();
                let more: Vec<_> = shown.iter().filter(|id| !known.contains(id)).collect();
                assert!(more.iter().all(|id| adopted.contains(*id)), "seed {seed}: shown beyond the cut");
            }
        }
    }
    assert!(
        stood > 20 && fell > 0 && returned > 10 && adopted_ever > 0,
        "{stood} {fell} {returned} {adopted_ever}"
    );
}
