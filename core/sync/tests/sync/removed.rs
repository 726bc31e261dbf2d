//! Somebody who is connected is removed: they stop receiving at once, what they send next is refused, and nothing is left half done.

use firsthand_sync::GoodbyeReason;

use crate::device::{REMOVES, RETURNS, below, writer};
use crate::world::World;

/// The one who is removed, and the operation that does it.
const OUT: u8 = 1;
const REMOVAL: u64 = 20;

/// Both write all the time, and have much to tell each other.
fn busy(seed: u64) -> World {
    let mut world = World::new(seed);
    for at in [0, 1] {
        for _ in 0..100 + below(&mut world.rng, 900) {
            let fact = world.fact();
            world.devices[at].append(writer(at as u16), fact);
        }
    }
    world.connect();
    world
}

fn works_on(world: &mut World, steps: usize) {
    for _ in 0..steps {
        if below(&mut world.rng, 8) == 0 {
            let at = below(&mut world.rng, 2);
            world.append(at, writer(at as u16));
        }
        if !world.step() {
            return;
        }
    }
}

/// A device hears from somewhere that the other, or it, was removed.
fn hears(world: &mut World, at: usize) {
    if !world.devices[at].admissions.contains_key(&REMOVAL) {
        world.devices[at].admit(REMOVAL, OUT | REMOVES);
        world.tell_members(at);
    }
}

/// What must hold once both have come to rest; [`World`] itself looks at every frame and every acknowledgement.
fn judge(world: &World, secrets: &[u64], seed: u64) {
    for (at, end) in world.ends.iter().enumerate() {
        assert_eq!(end.closed, Some(GoodbyeReason::NotAMember), "seed {seed}: side {at} goes on");
        assert!(end.committing.is_empty(), "seed {seed}: side {at} never heard what became of a batch");
    }
    let there = world.devices[1].chains.values().flat_map(|chain| &chain.facts);
    assert!(there.into_iter().all(|fact| !secrets.contains(&fact.id)), "seed {seed}: it got what came later");
}

/// Something that is written on the side that knows.
fn secret(world: &mut World) -> u64 {
    let fact = world.fact();
    world.devices[0].append(writer(0), fact);
    world.tell_advanced(0);
    fact.id
}

#[test]
fn one_side_hears_of_it_in_the_middle_of_a_meeting() {
    let mut cut_short = 0;
    for seed in 0..300 {
        let mut world = busy(seed);
        let steps = below(&mut world.rng, 60);
        works_on(&mut world, steps);
        hears(&mut world, 0);
        let secrets = [secret(&mut world), secret(&mut world)];
        while !world.ends[0].told_removed && world.step() {}
        let (commits, held) = (world.ends[0].commits, world.devices[1].chains.get(&writer(0)).cloned());
        // The other one goes on: it knows of nothing.
        works_on(&mut world, 20);
        for _ in 0..5 {
            world.append(1, writer(1));
        }
        world.drain();
        assert_eq!(world.ends[0].commits, commits, "seed {seed}: its frames were still taken in");
        judge(&world, &secrets, seed);
        assert!(world.devices[1].removed(OUT), "seed {seed}: it is told that it was removed");
        let all = world.devices[0].chains[&writer(0)].facts.len();
        cut_short += usize::from(held.is_none_or(|held| held.facts.len() + secrets.len() < all));
    }
    assert!(cut_short > 50, "{cut_short}: most meetings were over by then");
}

#[test]
fn both_sides_hear_of_it_each_at_its_time() {
    for seed in 0..300 {
        let mut world = busy(seed);
        let first = below(&mut world.rng, 2);
        let (before, between) = (below(&mut world.rng, 60), below(&mut world.rng, 6));
        works_on(&mut world, before);
        hears(&mut world, first);
        works_on(&mut world, between);
        hears(&mut world, 1 - first);
        let secrets = [secret(&mut world)];
        world.drain();
        judge(&world, &secrets, seed);
    }
}

#[test]
fn it_is_heard_while_a_batch_is_being_committed() {
    let mut seen = 0;
    for seed in 0..300 {
        let mut world = busy(seed);
        while world.ends[0].committing.is_empty() && world.step() {}
        if world.ends[0].committing.is_empty() {
            continue;
        }
        seen += 1;
        let commits = world.ends[0].commits;
        hears(&mut world, 0);
        let secrets = [secret(&mut world)];
        world.drain();
        // What was handed to the disk is on it, whole; no word of it is said to somebody who was removed.
        assert!(world.ends[0].commits <= commits + 1, "seed {seed}: more was taken in");
        judge(&world, &secrets, seed);
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn who_hears_of_their_own_removal_sends_nothing_more() {
    for seed in 0..300 {
        let mut world = busy(seed);
        let before = below(&mut world.rng, 60);
        works_on(&mut world, before);
        hears(&mut world, 1);
        while !world.ends[1].told_removed && world.step() {}
        let sent = world.ends[1].sent.get("batch").copied();
        for _ in 0..5 {
            world.append(1, writer(1));
        }
        world.drain();
        assert_eq!(world.ends[1].sent.get("batch").copied(), sent, "seed {seed}");
        assert!(world.closed().is_some(), "seed {seed}");
    }
}

#[test]
fn who_returns_hears_everything_before_any_entry() {
    for seed in 0..300 {
        let mut world = World::new(seed);
        for at in [0, 1] {
            for _ in 0..20 {
                let fact = world.fact();
                world.devices[at].append(writer(at as u16), fact);
            }
        }
        // One side knows of the removal and of what came later; the other brings its return.
        world.devices[0].admit(REMOVAL, OUT | REMOVES);
        let removal = world.devices[0].admissions[&REMOVAL].clone();
        world.devices[1].admissions.insert(REMOVAL, removal);
        for id in 0..5 {
            world.devices[0].admit(30 + id, 50);
        }
        world.devices[1].admit(40, OUT | RETURNS);
        world.connect();
        world.drain();
        world.check_same();
        assert!(world.devices[1].admissions.contains_key(&34), "seed {seed}: it was told no more than why");
    }
}
