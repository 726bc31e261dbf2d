//! Honest devices, and everything that can happen to them.

use std::collections::BTreeMap;

use firsthand_ids::{UnixMillis, WriterId};
use firsthand_sync::{Effect, Frame, GoodbyeReason, Input};

use crate::device::{Fact, SPACE, below, file, operation, rarely, writer};
use crate::world::World;

/// How a run may go wrong.
#[derive(Clone, Copy, Default)]
struct Weather {
    /// Writers before the meeting.
    writers: usize,
    /// Entries are made while the two meet.
    live: bool,
    /// A third device brings one of them what the other holds.
    couriers: bool,
    /// The connection breaks.
    cuts: bool,
    /// A disk is full for a moment.
    failures: bool,
    /// People are added meanwhile.
    joiners: bool,
    files: bool,
}

/// Gives both devices a common past and something of their own. Writer `n` belongs to device `n % 2`.
fn fill(world: &mut World, weather: Weather) {
    for number in 0..weather.writers {
        let writer = writer(number as u16);
        for _ in 0..below(&mut world.rng, 12) {
            let fact = world.fact();
            world.devices[number % 2].append(writer, fact);
            if rarely(&mut world.rng, 3) {
                let from = world.devices[number % 2].clone();
                world.devices[1 - number % 2].receive_from(&from, writer);
            }
        }
    }
    // Many pairs meet who have nothing to tell.
    if rarely(&mut world.rng, 3) {
        for at in [0, 1] {
            let other = world.devices[1 - at].clone();
            for writer in other.chains.keys() {
                world.devices[at].receive_from(&other, *writer);
            }
        }
    }
    if weather.files {
        for number in 0..below(&mut world.rng, 4) as u16 {
            let at = below(&mut world.rng, 2);
            let total = 1 + below(&mut world.rng, 12) as u32;
            let here = below(&mut world.rng, total as usize) as u32;
            world.devices[at].give_file(file(number), total, 0..total);
            world.devices[1 - at].give_file(file(number), total, 0..here);
        }
    }
}

fn some_writer(world: &mut World, weather: Weather, at: usize) -> WriterId {
    // Now and then a new one.
    let number = below(&mut world.rng, weather.writers + 2) / 2 * 2 + at;
    writer(number as u16)
}

fn happen(world: &mut World, weather: Weather) {
    let at = below(&mut world.rng, 2);
    if weather.live && rarely(&mut world.rng, 12) {
        let writer = some_writer(world, weather, at);
        world.append(at, writer);
    }
    if weather.couriers && rarely(&mut world.rng, 12) {
        let writer = some_writer(world, weather, 1 - at);
        world.courier(at, writer);
    }
    if weather.joiners && rarely(&mut world.rng, 30) {
        let id = world.next_id();
        world.devices[at].admit(id, 50);
        world.tell_members(at);
    }
    if weather.cuts && rarely(&mut world.rng, 40) {
        world.cut();
        world.connect();
    }
    if weather.failures {
        world.maybe_fail(60);
    }
}

fn run(seed: u64, weather: Weather) -> World {
    let mut world = World::new(seed);
    fill(&mut world, weather);
    world.connect();
    for _ in 0..200 {
        world.step();
        happen(&mut world, weather);
        if world.storage_failed() {
            world.cut();
            world.connect();
        }
    }
    world.drain();
    while world.storage_failed() {
        world.connect();
        world.drain();
    }
    world.check_same();
    for (at, device) in world.devices.iter().enumerate() {
        assert!(device.missing().0.is_empty(), "device {at} still misses files");
        assert_eq!(
            world.ends[at].held_there,
            world.devices[1 - at].vector(),
            "{at} knows what is safe there"
        );
    }
    world
}

fn run_many(seeds: u64, weather: Weather) {
    for seed in 0..seeds {
        let caught = std::panic::catch_unwind(|| run(seed, weather));
        assert!(caught.is_ok(), "seed {seed}");
    }
}

#[test]
fn two_devices_become_the_same() {
    run_many(200, Weather { writers: 6, ..Weather::default() });
}

#[test]
fn two_devices_with_many_writers_become_the_same() {
    run_many(100, Weather { writers: 120, ..Weather::default() });
}

#[test]
fn what_is_entered_meanwhile_follows() {
    run_many(200, Weather { writers: 6, live: true, ..Weather::default() });
    run_many(60, Weather { writers: 110, live: true, ..Weather::default() });
}

#[test]
fn third_devices_may_bring_the_same() {
    run_many(200, Weather { writers: 6, live: true, couriers: true, ..Weather::default() });
    run_many(60, Weather { writers: 110, live: true, couriers: true, ..Weather::default() });
}

#[test]
fn connections_break_anywhere() {
    run_many(200, Weather { writers: 8, live: true, cuts: true, files: true, ..Weather::default() });
}

#[test]
fn a_full_disk_ends_a_meeting_and_nothing_else() {
    run_many(200, Weather { writers: 8, live: true, failures: true, files: true, ..Weather::default() });
}

#[test]
fn people_are_added_meanwhile() {
    run_many(200, Weather { writers: 4, live: true, joiners: true, ..Weather::default() });
}

#[test]
fn all_of_it_at_once() {
    let all = Weather {
        writers: 10,
        live: true,
        couriers: true,
        cuts: true,
        failures: true,
        joiners: true,
        files: true,
    };
    run_many(200, all);
    run_many(30, Weather { writers: 100, ..all });
}

#[test]
fn two_who_hold_the_same_say_little() {
    for writers in [0, 5, 300] {
        let mut world = World::new(7);
        world.signed_before = true;
        for number in 0..writers {
            let fact = world.fact();
            world.devices.iter_mut().for_each(|device| device.append(writer(number), fact));
        }
        world.connect();
        world.drain();
        world.check_same();
        for end in &world.ends {
            let kinds: Vec<_> = end.sent.keys().copied().collect();
            assert!(
                kinds == ["clock", "digest", "pending"]
                    || (writers < 49 && kinds == ["clock", "pending", "vector"]),
                "{kinds:?}"
            );
            assert_eq!(end.sent.values().sum::<usize>(), 3);
            assert_eq!(end.equal, 1);
        }
    }
}

#[test]
fn batches_stay_within_what_a_receiver_takes() {
    let mut world = World::new(1);
    // 14 MiB in large entries on one side, 3,000 small ones on the other.
    for _ in 0..60 {
        let id = world.next_id();
        world.devices[0].append(writer(0), Fact { id, size: 240 * 1024 });
    }
    for _ in 0..3000 {
        let fact = world.fact();
        world.devices[1].append(writer(1), fact);
    }
    world.connect();
    world.drain();
    world.check_same();
    assert!(world.ends[0].sent["batch"] >= 9);
    let [one, two] = [0, 1].map(|at| world.ends[at].session.as_ref().unwrap().standings().next().unwrap().1);
    assert_eq!((one.delivered, two.delivered), (60, 3000));
}

#[test]
fn a_batch_larger_than_half_goes_alone() {
    // One signed run may be larger than what a sender aims at.
    for seed in 0..20 {
        let mut world = World::new(seed);
        for number in 0..6 {
            let id = world.next_id();
            world.devices[0].append(writer(number), Fact { id, size: 900 * 1024 });
            let id = world.next_id();
            world.devices[0].append(writer(number), Fact { id, size: 900 * 1024 });
            let id = world.next_id();
            world.devices[0].append(writer(number), Fact { id, size: 1 << 20 });
        }
        world.devices[0].whole_chains = true;
        world.connect();
        world.drain();
        world.check_same();
    }
}

#[test]
fn two_batches_are_on_the_way_at_once() {
    let mut world = World::new(1);
    for _ in 0..3000 {
        let fact = world.fact();
        world.devices[0].append(writer(0), fact);
    }
    world.connect();
    let mut most = 0;
    while world.step() {
        let count = |at: usize, kind| world.ends[at].sent.get(kind).copied().unwrap_or_default();
        most = most.max(count(0, "batch") - count(1, "ack"));
    }
    world.check_same();
    assert_eq!(most, 2);
}

#[test]
fn a_meeting_is_not_finished_while_something_is_asked() {
    let mut world = run(3, Weather { writers: 4, ..Weather::default() });
    let heads = world.devices[0].heads();
    let session = world.ends[0].session.as_mut().unwrap();
    assert!(session.finished());
    let want = Frame::Want { file: file(0), from: 0, count: 2 };
    session.handle(Input::Frame(want.encode()));
    assert!(!session.finished(), "the peer waits for a part");
    session.handle(Input::ChunkLoaded { file: file(0), index: 0, chunk: None });
    assert!(session.finished());
    session.handle(Input::MembershipChanged { heads: vec![operation(77)], peer_known: true });
    assert!(!session.finished(), "the team changed");
    let asked = session.handle(Input::OperationsLoaded { heads, operations: vec![], all: true });
    assert_eq!(asked.last(), Some(&Effect::OpenSpaces));
    assert!(!session.finished(), "there may be another space");
    session.handle(Input::SpacesOpened { main: SPACE, spaces: BTreeMap::new() });
    assert!(session.finished());
}

#[test]
fn a_closed_session_says_nothing_more() {
    let mut world = run(3, Weather { writers: 4, ..Weather::default() });
    let session = world.ends[0].session.as_mut().unwrap();
    let effects = session.handle(Input::Close(GoodbyeReason::Done));
    assert_eq!(effects.len(), 2);
    assert!(session.handle(Input::Close(GoodbyeReason::Done)).is_empty());
    assert!(session.handle(Input::Frame(vec![1, 2, 3])).is_empty());
}

/// Rows of the list go ahead of the entries, once, and only where much is lacking.
#[test]
fn rows_go_ahead_where_much_is_lacking() {
    for (entries, expected) in [(999, 0), (1000, 1), (2500, 1)] {
        let mut world = World::new(entries);
        for _ in 0..entries {
            let fact = world.fact();
            world.devices[0].append(writer(0), fact);
        }
        world.connect();
        while world.step() {
            let count = |kind| world.ends[0].sent.get(kind).copied().unwrap_or_default();
            assert!(count("batch") == 0 || count("rows") == expected, "entries went before the rows");
        }
        world.check_same();
        assert_eq!(world.ends[0].sent.get("rows").copied().unwrap_or_default(), expected, "{entries}");
        assert_eq!(world.ends[1].sent.get("rows"), None);
    }
}

#[test]
fn rows_serve_once() {
    let mut world = run(3, Weather { writers: 4, ..Weather::default() });
    let session = world.ends[0].session.as_mut().unwrap();
    let rows = Frame::Rows { space: crate::device::SPACE, packed: vec![1] }.encode();
    let kept = firsthand_sync::Effect::KeepRows { space: crate::device::SPACE, packed: vec![1] };
    assert_eq!(session.handle(Input::Frame(rows.clone())), [kept]);
    let closed = session.handle(Input::Frame(rows)).pop();
    assert_eq!(closed, Some(firsthand_sync::Effect::Close(GoodbyeReason::Misbehaved)));
}

/// Each side hears once what the other signed of having seen, before the meeting can end, and from a member alone.
#[test]
fn what_was_seen_is_signed_once() {
    let mut world = run(4, Weather { writers: 4, ..Weather::default() });
    for at in 0..2 {
        assert_eq!((world.ends[at].sent["receipts"], world.ends[at].receipts), (1, 1));
    }
    let session = world.ends[0].session.as_mut().unwrap();
    let again = Frame::Receipts { space: crate::device::SPACE, receipts: Vec::new() }.encode();
    assert!(again[0] >= 128, "older versions pass it over");
    let closed = session.handle(Input::Frame(again)).pop();
    assert_eq!(closed, Some(firsthand_sync::Effect::Close(GoodbyeReason::Misbehaved)));
}

/// Each side hears what the other's clock shows, once, and only from a member.
#[test]
fn clocks_are_shown_once() {
    let mut world = run(3, Weather { writers: 4, ..Weather::default() });
    for at in 0..2 {
        assert_eq!(world.ends[at].sent["clock"], 1);
        assert_eq!(world.ends[at].clocks, [UnixMillis(1_000 + 1 - at as i64)]);
    }
    let session = world.ends[0].session.as_mut().unwrap();
    let again = Frame::Clock { at: UnixMillis(7) }.encode();
    let closed = session.handle(Input::Frame(again)).pop();
    assert_eq!(closed, Some(firsthand_sync::Effect::Close(GoodbyeReason::Misbehaved)));
}
