//! Membership comes first, and who is no member gets nothing else.

use firsthand_sync::{Effect, Frame, GoodbyeReason, Input};

use crate::device::{SPACE, writer};
use crate::world::World;

/// Both have entries; the devices know each other only as far as told.
fn strangers(seed: u64, known: [bool; 2]) -> World {
    let mut world = World::new(seed);
    for at in [0, 1] {
        let fact = world.fact();
        world.devices[at].append(writer(at as u16), fact);
        // Operation 10 admits device 0, operation 11 device 1.
        let other = 11 - at as u64;
        if !known[at] {
            world.devices[at].admissions.remove(&other);
        }
    }
    world
}

#[test]
fn members_who_never_heard_of_each_other_meet() {
    for seed in 0..100 {
        for known in [[true, false], [false, true], [false, false]] {
            let mut world = strangers(seed, known);
            world.connect();
            world.drain();
            world.check_same();
        }
    }
}

#[test]
fn a_stranger_gets_and_gives_nothing() {
    for seed in 0..100 {
        for known in [[true, false], [false, false]] {
            let mut world = strangers(seed, known);
            // Device 0 is nobody: the operation that admits it does not exist.
            world.devices[0].admissions.remove(&10);
            let before = world.devices[1].chains.clone();
            world.connect();
            world.drain();
            assert_eq!(world.ends[1].closed, Some(GoodbyeReason::NotAMember), "seed {seed}");
            assert_eq!(world.devices[1].chains, before);
            assert!(world.ends[1].sent.keys().all(|kind| matches!(*kind, "operations" | "goodbye")));
        }
    }
}

#[test]
fn somebody_far_ahead_is_known_after_some_meetings() {
    // 700 operations of 200 bytes that device 1 lacks are more than an unknown key may send at once.
    let mut world = strangers(1, [true, false]);
    world.devices[0].admissions.remove(&10);
    for id in 1000..1700 {
        world.devices[0].admit(id, 50);
    }
    world.devices[0].admit(2000, 0);
    let mut meetings = 0;
    while !world.devices[1].knows(0) {
        assert!(meetings < 4);
        meetings += 1;
        world.connect();
        world.drain();
        if world.closed().is_some() {
            assert_eq!(world.ends[1].closed, Some(GoodbyeReason::NotAMember));
        }
    }
    assert!(meetings > 1);
    world.connect();
    world.drain();
    world.check_same();
}

#[test]
fn who_is_removed_meanwhile_is_cut_off() {
    let mut world = strangers(1, [true, true]);
    world.connect();
    world.drain();
    world.check_same();
    let session = world.ends[1].session.as_mut().unwrap();
    let heads = world.devices[1].heads();
    let effects = session.handle(Input::MembershipChanged { heads, peer_known: false });
    assert_eq!(effects.last(), Some(&Effect::Close(GoodbyeReason::NotAMember)));
    let advanced = Input::Advanced { space: SPACE, vector: world.devices[1].vector() };
    assert!(session.handle(advanced).is_empty());
}

#[test]
fn what_came_while_operations_were_looked_up_is_told_too() {
    for seed in 0..100 {
        let mut world = strangers(seed, [true, true]);
        world.connect();
        for id in 0..20 {
            for _ in 0..seed % 7 {
                world.step();
            }
            world.devices[0].admit(100 + id, 50);
            world.tell_members(0);
        }
        world.drain();
        world.check_same();
        // Each operation travels about once, not again with every later one.
        assert!(world.ends[0].operations < 40, "seed {seed}: {} operations sent", world.ends[0].operations);
    }
}

#[test]
fn an_unknown_key_may_send_so_much_and_no_more() {
    let operations = |count: usize, more| {
        Input::Frame(
            Frame::Operations { heads: vec![], operations: vec![vec![0; 1024]; count], more }.encode(),
        )
    };
    let session = || {
        let mut world = strangers(1, [true, false]);
        world.connect();
        while world.ends[1].session.is_none() {
            world.step();
        }
        world.ends[1].session.take().unwrap()
    };
    let refused = Some(Effect::Close(GoodbyeReason::NotAMember));
    let mut one = session();
    assert!(matches!(one.handle(operations(64, true))[..], [Effect::TakeOperations { .. }]));
    assert_eq!(one.handle(operations(1, true)).pop(), refused);
    let mut two = session();
    let frames = (0..100).position(|_| two.handle(operations(0, true)).pop() == refused);
    assert!(frames.is_some_and(|frames| frames <= 8));
    // Nothing but operations, and no greeting before all of them.
    let hello = Frame::Hello { space: SPACE, digest: [0; 16], vector: None, takes: false };
    let misbehaved = Some(Effect::Close(GoodbyeReason::Misbehaved));
    assert_eq!(session().handle(Input::Frame(hello.encode())).pop(), misbehaved);
    let pending = Frame::Pending { waiting: 0, files: 0 };
    assert_eq!(session().handle(Input::Frame(pending.encode())).pop(), misbehaved);
    let mut three = session();
    three.handle(operations(1, false));
    assert!(three.handle(Input::Frame(hello.encode())).is_empty(), "it may become known yet");
    assert_eq!(three.handle(Input::Frame(hello.encode())).pop(), misbehaved, "but greets once");
}
