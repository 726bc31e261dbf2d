//! What a member writes who does not keep to the rules is held, named, and holds nothing else up.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use firsthand_ids::{DocumentId, WriterId};
use firsthand_node::meeting::{Answer, Question};
use firsthand_node::{Edit, EndReason, IncidentQuery, QuarantineView, Role};
use firsthand_record::Incident;
use firsthand_store::{Commit, EntryState, HoldReason, Home, Store, Unlock};
use firsthand_sync::{Effect, Input};
use firsthand_tests::hostile::{bomb, sealed};
use firsthand_tests::{Breach, Crash, Dice, Poison, State, Tamper, World, inject, verdict};
use serde_json::json;

const LEAD: usize = 0;
const FIRST: usize = 1;
const SECOND: usize = 2;
const EVE: usize = 3;
const HONEST: [usize; 3] = [LEAD, FIRST, SECOND];

/// A lead, two members, and Eve; everybody has what everybody wrote.
fn team(seed: u64) -> (World, Poison, Vec<DocumentId>) {
    let mut world = World::new(seed);
    world.hostile = true;
    let lead = world.found("Harbour", "Amina");
    for name in ["Bruno", "Chidi", "Eve"] {
        world.join(lead, name, Role::Responder);
    }
    world.calm = true;
    for phone in HONEST {
        let draft = Incident { title: Some(format!("By {phone}")), ..Incident::default() };
        world.write(phone, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
    }
    gather(&mut world);
    world.meet(EVE, LEAD);
    let key = world.devices[EVE].signing_seed.unwrap();
    let now = world.devices[EVE].clock.at(world.now);
    let device = &mut world.devices[EVE];
    let State::Up(running) = &mut device.state else { panic!("Eve is there") };
    let poison = Poison::new(&running.ledger, key, now, &mut device.rng);
    let rows = world.devices[LEAD].ledger().incidents(&IncidentQuery::default()).unwrap();
    (world, poison, rows.into_iter().map(|row| row.id).collect())
}

fn gather(world: &mut World) {
    for _ in 0..2 {
        world.meet(FIRST, LEAD);
        world.meet(SECOND, LEAD);
    }
}

fn hand(world: &mut World, phone: usize, plain: Vec<u8>) {
    let now = world.devices[phone].clock.at(world.now);
    inject(world.devices[phone].ledger(), plain, now).unwrap();
}

fn set(world: &mut World, phone: usize, id: DocumentId, value: &str) {
    let edit = Edit::Set { field: "p_code".to_owned(), value: json!(value) };
    world.write(phone, |ledger, now, rng| ledger.edit(id, &[edit], now, rng)).unwrap();
}

fn quarantine(world: &mut World, phone: usize) -> QuarantineView {
    world.devices[phone].ledger().quarantine().unwrap()
}

#[test]
fn what_is_held_is_named_with_what_waits_behind_it() {
    for seed in 0..20 {
        let (mut world, mut poison, ids) = team(seed);
        let mut dice = Dice::new(seed, 31);
        let breach = [Breach::Once, Breach::Item, Breach::Text, Breach::Register][seed as usize % 4];
        let [bad, innocent] = poison.changes(world.devices[EVE].ledger(), ids[0], breach, &mut dice);
        poison.change(ids[0], bad);
        poison.change(ids[0], innocent.clone());
        // A change of one document under the name of another one, and one of a document that never comes.
        poison.change(ids[1], innocent.clone());
        poison.change(DocumentId::new(dice.bytes()), innocent);
        // Bytes that a library would inflate.
        poison.change(ids[2], sealed(2, &bomb(20 << 20)));
        let plain = poison.sign();
        hand(&mut world, FIRST, plain);
        for (phone, id) in HONEST.into_iter().zip(&ids) {
            set(&mut world, phone, *id, &format!("P{phone}"));
        }
        gather(&mut world);
        set(&mut world, SECOND, ids[0], "after");
        gather(&mut world);

        let seen = HONEST.map(|phone| quarantine(&mut world, phone));
        assert!(seen.iter().all(|it| *it == seen[0]), "{seen:#?}");
        let [first, second] = &seen[0].held[..] else { panic!("{seen:#?}") };
        assert_eq!((first.person.as_str(), first.reason, first.document), ("Eve", "refused", Some(ids[0])));
        assert_eq!((first.writer, first.position.0, first.behind_count), (poison.writer(), 2, 1));
        assert_eq!((first.behind[0].position.0, first.behind[0].person.as_str()), (3, "Eve"));
        assert!(first.rule.is_some());
        assert_eq!((second.position.0, second.behind_count), (6, 0));
        assert_eq!(second.rule, Some("a change is one plain chunk of at most 256 KiB"));
        let [waiting] = &seen[0].waiting[..] else { panic!("{seen:#?}") };
        assert_eq!((waiting.person.as_str(), waiting.entries, waiting.documents), ("Eve", 2, 2));
        assert_eq!(waiting.for_membership, 0);
        // Shown where people look, and nothing of it in what they read.
        let digests = HONEST.map(|phone| {
            let ledger = world.devices[phone].ledger();
            let check = ledger.check(&mut |_, _| true).unwrap();
            assert_eq!((check.quarantine, check.problems), (seen[0].clone(), Vec::new()));
            let counts = ledger.team().unwrap().counts;
            assert_eq!((counts.held, counts.waiting), (2, 3));
            assert_eq!(ledger.incident(ids[0]).unwrap().record.p_code.as_deref(), Some("after"));
            verdict::sound(world.devices[phone].ledger(), phone);
            world.devices[phone].ledger().digest().unwrap()
        });
        assert!(digests.iter().all(|digest| *digest == digests[0]));
    }
}

#[test]
fn a_chain_that_ends_elsewhere_than_signed_ends_the_meeting_and_nothing_else() {
    let (mut world, poison, _) = team(1);
    set_apart(&mut world);
    let before = world.devices[LEAD].ledger().digest().unwrap();
    world.devices[EVE].tamper = Some(Tamper::Instead(poison.ends_elsewhere()));
    let link = world.dial(EVE, LEAD, true).unwrap();
    world.settle(200_000);
    assert_eq!(world.devices[LEAD].ends[&link], EndReason::Misbehaved);
    assert_eq!(world.devices[LEAD].ledger().digest().unwrap(), before);
    world.devices[EVE].tamper = None;
    world.meet(EVE, LEAD);
    assert_ne!(world.devices[LEAD].ledger().digest().unwrap(), before);
}

/// Eve's own phone has something that nobody else has.
fn set_apart(world: &mut World) {
    let draft = Incident { title: Some("By Eve".to_owned()), ..Incident::default() };
    world.write(EVE, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
}

/// An own change that is not in its document any more, because a rebuild or a repair judged what it builds on otherwise: its
/// number is taken, so the next edit comes from a new chain, and all still come to the same.
#[test]
fn where_the_own_newest_change_is_not_clean_a_new_chain_is_opened() {
    let (mut world, _, ids) = team(2);
    let id = ids[0];
    set(&mut world, FIRST, id, "held");
    gather(&mut world);
    set(&mut world, SECOND, id, "own");
    let store = world.devices[SECOND].ledger().store();
    let changes = store.changes_of(&id).unwrap();
    let [.., held, own] = &changes[..] else { panic!("two edits") };
    let [held, own] = [held, own].map(|change| (change.info.writer, change.info.position));
    world.crash(SECOND, Crash::Dropped, false);
    let device = &world.devices[SECOND];
    let home = Home::open(&device.home).unwrap();
    let mut store = Store::open(home, Unlock::RawKey(&device.key()), &device.vault).unwrap();
    let space = store.spaces().next().unwrap();
    let mut commit = Commit::new(space);
    commit.state_changes.push((held.0, held.1, EntryState::Held(HoldReason::Other(200))));
    commit.state_changes.push((own.0, own.1, EntryState::Waiting));
    store.commit(commit).unwrap();
    drop(store);
    world.restart(SECOND);
    world.devices[SECOND].ledger().rebuild().unwrap();
    let seen = quarantine(&mut world, SECOND);
    assert_eq!((seen.held[0].person.as_str(), seen.held[0].behind_count), ("Bruno", 1));
    assert_eq!(seen.held[0].behind[0].person, "Chidi");
    // In another document the chain goes on; in this one it does not, and then the new one serves for all.
    let newest = |world: &mut World, id| {
        let changes = world.devices[SECOND].ledger().store().changes_of(&id).unwrap();
        changes.last().unwrap().info.writer
    };
    set(&mut world, SECOND, ids[1], "elsewhere");
    assert_eq!(newest(&mut world, ids[1]), own.0);
    set(&mut world, SECOND, id, "new");
    let new = newest(&mut world, id);
    assert_ne!(new, own.0);
    set(&mut world, SECOND, id, "newer");
    set(&mut world, SECOND, ids[1], "newer");
    assert_eq!([id, ids[1]].map(|id| newest(&mut world, id)), [new, new]);
    gather(&mut world);
    // Those who took the held change have all: what was written without it stands beside it.
    for phone in [LEAD, FIRST] {
        assert_eq!(quarantine(&mut world, phone), QuarantineView::default());
        let view = world.devices[phone].ledger().incident(id).unwrap();
        assert_eq!(view.conflicts.len(), 1, "nothing is swallowed");
    }
    let heads = [LEAD, FIRST].map(|phone| world.devices[phone].ledger().digest().unwrap());
    assert_eq!(heads[0], heads[1]);
}

/// Gives `to` what `from` has and it lacks, but nothing of these writers; says how often something came.
fn bring_without(world: &mut World, from: usize, to: usize, without: &BTreeSet<WriterId>) -> usize {
    let peer = world.devices[from].ledger().identity().exchange.public().unwrap();
    let now = world.devices[to].clock.at(world.now);
    for batches in 0.. {
        let ledger = world.devices[to].ledger();
        let space = *ledger.space();
        let receiver = ledger.store().vector(&space);
        let effect = Effect::Load { space, receiver, forks: without.clone(), only: None };
        let answer = world.devices[from].ledger().answer(Question::Session { peer, effect }, now);
        let Answer::Session { input: Input::Loaded { batch, .. }, .. } = answer else { panic!("no batch") };
        let Some(batch) = batch.unwrap() else { return batches };
        hand(world, to, batch.plain);
    }
    unreachable!()
}

/// Much more waits for one entry than is looked at together, and all of it follows when that comes.
#[test]
fn what_waits_is_tried_in_pieces_and_nothing_is_left() {
    let (mut world, _, ids) = team(3);
    let id = ids[0];
    set(&mut world, SECOND, id, "first");
    world.meet(SECOND, LEAD);
    world.meet(LEAD, EVE);
    let changes = world.devices[SECOND].ledger().store().changes_of(&id).unwrap();
    let missing = BTreeSet::from([changes.last().unwrap().info.writer]);
    // Each item builds on the entry before it, and the first on what is missing: some 6 MiB in two hands, one after the other.
    let mut number = 0;
    let mut add = |world: &mut World, phone: usize| {
        number += 1;
        let value = json!({ "note": format!("{number:06}").repeat(20_000), "low": number });
        let edit = Edit::Add { list: "counts".into(), value };
        world.write(phone, |ledger, now, rng| ledger.edit(id, &[edit], now, rng)).unwrap();
    };
    for _ in 0..2 {
        (0..12).for_each(|_| add(&mut world, EVE));
        world.meet(LEAD, EVE);
        (0..12).for_each(|_| add(&mut world, LEAD));
        world.meet(LEAD, EVE);
    }
    // All of the one comes before the other, so that what an entry waits for may stand pieces behind it.
    let mut without = missing.clone();
    without.extend(
        world.devices[LEAD].ledger().store().changes_of(&id).unwrap().last().map(|it| it.info.writer),
    );
    assert_eq!(without.len(), 2);
    assert!(bring_without(&mut world, EVE, FIRST, &without) > 0);
    assert!(bring_without(&mut world, EVE, FIRST, &missing) > 0);
    let view = quarantine(&mut world, FIRST);
    assert_eq!(view.waiting.iter().map(|it| it.entries).sum::<u64>(), 48);
    assert!(world.devices[FIRST].ledger().incident(id).unwrap().record.counts.is_empty());

    assert!(bring_without(&mut world, LEAD, FIRST, &BTreeSet::new()) > 0);
    assert_eq!(quarantine(&mut world, FIRST), QuarantineView::default());
    let digests = [LEAD, FIRST].map(|phone| world.devices[phone].ledger().digest().unwrap());
    assert_eq!(digests[0], digests[1]);
}
