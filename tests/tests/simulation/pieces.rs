//! Batches that hold some writers' entries only.

use std::collections::BTreeSet;

use firsthand_ids::WriterId;
use firsthand_log::Vector;
use firsthand_log::lean::encode_batch;
use firsthand_node::{Edit, IncidentQuery, Role};
use firsthand_store::{BatchLimits, EntryState};
use firsthand_tests::{Crash, Expected, Person, World, inject, keep, verdict};
use serde_json::json;

use crate::members::Team;

pub(crate) fn vector(world: &mut World, phone: usize) -> Vector {
    let ledger = world.devices[phone].ledger();
    ledger.store().vector(ledger.space())
}

/// What `from` holds of the chains of one device and `to` lacks, as a batch.
pub(crate) fn only(world: &mut World, from: usize, to: usize, writer: WriterId) -> Vec<u8> {
    let receiver = vector(world, to);
    let ledger = world.devices[from].ledger();
    let space = *ledger.space();
    let all = ledger.store().vector(&space);
    let others: BTreeSet<_> = all.iter().map(|(other, _)| *other).filter(|other| *other != writer).collect();
    let limits = BatchLimits { entries: 500, weight: 1 << 20 };
    let batch = ledger.store().batch_for(&space, &receiver, limits, &others).unwrap().unwrap();
    encode_batch(&batch, &receiver, &ledger.store().references(space))
}

/// When documents hear of an entry that came before what it builds on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tried {
    AtOnce,
    /// When what it builds on is here as well.
    Later,
    /// The same, and the program ended in between.
    AfterRestart,
}

/// Somebody passes on a member's entries and holds back another's that they build on. When those come from elsewhere,
/// nothing is left of the difference, the order of the lists included.
#[test]
fn entries_that_came_before_what_they_build_on_find_their_place() {
    for seed in 0..30 {
        let tried = [Tried::AtOnce, Tried::Later, Tried::AfterRestart][seed as usize % 3];
        let mut team = Team::new(seed);
        let [lead, first, second] = team.honest;
        let world = &mut team.world;
        // A wrong clock that has heard no other makes the order for people depend on what an entry builds on.
        world.crash(lead, Crash::Dropped, true);
        world.devices[lead].clock.skew_ms = 365 * 86_400_000;
        world.reboot(lead);
        let mut person = Person::new(seed);
        let mut expected = Expected::default();
        person.add(world, &mut expected, lead);
        world.meet(first, lead);
        let edit = Edit::Set { field: "title".to_owned(), value: json!("Later") };
        let id = expected.first[0];
        world.write(first, |ledger, now, rng| ledger.edit(id, &[edit], now, rng)).unwrap();
        person.add(world, &mut expected, first);
        let pieces = [(first, expected.entries[1].0), (lead, expected.entries[0].0)];
        let [after, before] = pieces.map(|(from, writer)| only(world, from, second, writer));
        let now = world.devices[second].clock.at(world.now);
        if tried == Tried::AtOnce {
            inject(world.devices[second].ledger(), after, now).unwrap();
            waiting(world, second);
            // What is entered now stands after what will rise.
            let edit = Edit::Set { field: "urgency".to_owned(), value: json!("Past") };
            let risen = expected.first[1];
            world.write(second, |ledger, now, rng| ledger.edit(risen, &[edit], now, rng)).unwrap();
            person.add(world, &mut expected, second);
        } else {
            keep(world.devices[second].ledger(), after, now).unwrap();
            if tried == Tried::AfterRestart {
                world.crash(second, Crash::Dropped, true);
                world.restart(second);
            }
            inject(world.devices[second].ledger(), before, now).unwrap();
        }

        world.meet(second, lead);
        person.add(world, &mut expected, second);
        world.meet(first, lead);
        world.meet(second, lead);
        world.meet(first, lead);
        world.meet(team.hostile, lead);
        verdict::nothing_unsettled(world);
        verdict::same_everywhere(world, &expected);
    }
}

/// The same with the operation under whose membership heads an entry was made.
#[test]
fn an_entry_that_came_before_its_membership_heads_is_applied_when_they_come() {
    let mut team = Team::new(1);
    let [lead, first, second] = team.honest;
    let world = &mut team.world;
    let dana = world.join(lead, "Dana", Role::Responder);
    world.meet(first, lead);
    let ledger = world.devices[first].ledger();
    let shared = ledger.incidents(&IncidentQuery::default()).unwrap()[0].id;
    let edit = Edit::Set { field: "urgency".to_owned(), value: json!("Immediate") };
    world.write(first, |ledger, now, rng| ledger.edit(shared, &[edit], now, rng)).unwrap();
    let [theirs, ours] = [first, second].map(|phone| vector(world, phone));
    let (writer, _) = theirs.iter().find(|(writer, mark)| ours.position(writer) < mark.position).unwrap();
    let plain = only(world, first, second, *writer);
    let now = world.devices[second].clock.at(world.now);
    inject(world.devices[second].ledger(), plain, now).unwrap();
    waiting(world, second);

    world.meet(second, lead);
    verdict::nothing_unsettled(world);
    for phone in [lead, dana, team.hostile, first] {
        if phone != lead {
            world.meet(phone, lead);
        }
    }
    world.meet(second, lead);
    world.meet(dana, lead);
    world.meet(team.hostile, lead);
    verdict::same_everywhere(world, &Expected::default());
}

/// Something waits on a device, and nothing is held.
fn waiting(world: &mut World, phone: usize) {
    let unsettled = verdict::unsettled(world.devices[phone].ledger());
    assert!(!unsettled.is_empty() && unsettled.values().all(|state| *state == EntryState::Waiting));
}
