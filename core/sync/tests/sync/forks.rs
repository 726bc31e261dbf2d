//! Writers whose chain two devices hold differently: both sides see it, nothing of it travels, the rest does.

use std::collections::BTreeSet;

use firsthand_sync::{Frame, GoodbyeReason, Input};

use crate::device::{Device, SPACE, below, rarely, writer};
use crate::world::World;

/// Writer 0 goes on differently on the two devices after `common` entries.
fn forked(seed: u64, common: usize, tails: [usize; 2]) -> World {
    let mut world = World::new(seed);
    for _ in 0..common {
        let fact = world.fact();
        world.devices.iter_mut().for_each(|device| device.append(writer(0), fact));
    }
    for (at, tail) in tails.into_iter().enumerate() {
        for _ in 0..tail {
            let fact = world.fact();
            world.devices[at].append(writer(0), fact);
        }
        for _ in 0..3 {
            let fact = world.fact();
            world.devices[at].append(writer(1 + at as u16), fact);
        }
    }
    world
}

fn check_forked(world: &World, before: &[Device; 2]) {
    world.check_same();
    for (at, end) in world.ends.iter().enumerate() {
        assert_eq!(end.forked, BTreeSet::from([writer(0)]), "side {at}");
        assert_eq!(end.equal, 0, "never said equal");
        assert_eq!(
            world.devices[at].chains[&writer(0)],
            before[at].chains[&writer(0)],
            "nothing was replaced"
        );
    }
}

#[test]
fn both_sides_see_a_fork_wherever_it_lies() {
    for common in [0, 1, 7] {
        for tails in [[1, 1], [2, 2], [1, 2], [3, 1], [9, 4]] {
            for seed in 0..10 {
                let mut world = forked(seed, common, tails);
                let before = world.devices.clone();
                world.connect();
                world.drain();
                check_forked(&world, &before);
            }
        }
    }
}

#[test]
fn a_fork_among_many_writers_is_seen() {
    for seed in 0..20 {
        let mut world = forked(seed, 2, [1, 1]);
        for number in 10..90 {
            let fact = world.fact();
            world.devices.iter_mut().for_each(|device| device.append(writer(number), fact));
        }
        let before = world.devices.clone();
        world.connect();
        world.drain();
        check_forked(&world, &before);
    }
}

#[test]
fn a_chain_may_fork_while_two_devices_meet() {
    // A device that was copied writes on both sides of a connection.
    for seed in 0..300 {
        let mut world = forked(seed, 3, [0, 0]);
        world.connect();
        let mut tails = [0, 0];
        for _ in 0..80 {
            world.step();
            if rarely(&mut world.rng, 15) {
                let at = below(&mut world.rng, 2);
                // Both have begun before either hears of the other: after that it is an ordinary append.
                if world.devices[0].chains[&writer(0)] == world.devices[1].chains[&writer(0)] {
                    world.append(0, writer(0));
                    world.append(1, writer(0));
                } else {
                    world.append(at, writer(0));
                }
                tails[at] += 1;
            }
            if rarely(&mut world.rng, 10) {
                world.append(0, writer(1));
                world.append(1, writer(2));
            }
        }
        world.drain();
        assert_eq!(world.closed(), None, "seed {seed}");
        world.check_same();
        let expected = if tails == [0, 0] { BTreeSet::new() } else { BTreeSet::from([writer(0)]) };
        assert_eq!(world.ends[0].forked, expected, "seed {seed}");
    }
}

#[test]
fn a_fork_of_a_writer_nobody_holds_is_no_claim() {
    let mut world = forked(1, 1, [0, 0]);
    world.connect();
    world.drain();
    let session = world.ends[0].session.as_mut().unwrap();
    let claim = |number| Input::Frame(Frame::Forked { space: SPACE, writer: writer(number) }.encode());
    // The one who claims it is sent the end of the chain as it is held here.
    let effects = session.handle(claim(1));
    let told = firsthand_sync::Effect::Forked { space: SPACE, writer: writer(1) };
    assert_eq!(effects, [told, firsthand_sync::Effect::LoadBranch { space: SPACE, writer: writer(1) }]);
    assert!(session.handle(claim(1)).is_empty());
    let last = session.handle(claim(77)).pop();
    assert_eq!(last, Some(firsthand_sync::Effect::Close(GoodbyeReason::Misbehaved)));
}
