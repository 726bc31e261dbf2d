//! Files between two devices.

use firsthand_sync::{Frame, GoodbyeReason, Input};

use crate::device::{file, writer};
use crate::world::World;

/// Device 0 has the file, device 1 some of it.
fn one_file(seed: u64, total: u32, here: impl IntoIterator<Item = u32>) -> World {
    let mut world = World::new(seed);
    world.devices[0].give_file(file(0), total, 0..total);
    world.devices[1].give_file(file(0), total, here);
    world
}

#[test]
fn a_file_comes_part_by_part() {
    for total in [1, 2, 4, 5, 6, 9, 40] {
        let mut world = one_file(1, total, []);
        world.connect();
        world.drain();
        world.check_same();
        assert_eq!(world.devices[0].files, world.devices[1].files);
        assert_eq!(world.ends[0].sent["chunk"], total as usize);
        // The table alone, then four at a time.
        assert_eq!(world.ends[1].sent["want"], 1 + (total as usize - 1).div_ceil(4));
    }
}

#[test]
fn a_download_goes_on_where_it_was() {
    for seed in 0..60 {
        let mut world = one_file(seed, 30, []);
        let mut sent = 0;
        while world.devices[1].files[&file(0)].1.len() < 30 {
            world.connect();
            for _ in 0..60 + seed {
                world.step();
            }
            sent += world.ends[0].sent.get("chunk").copied().unwrap_or_default();
            world.cut();
        }
        // Every cut repeats the table and what was on the way, not what had been stored.
        assert!(sent < 30 * 3, "seed {seed}: {sent} parts sent");
    }
}

#[test]
fn two_peers_may_bring_one_file() {
    // While this connection downloads, the parts appear one by one from elsewhere.
    for seed in 0..200 {
        let mut world = one_file(seed, 12, []);
        world.connect();
        for number in 0..12 {
            for _ in 0..seed % 9 {
                world.step();
            }
            world.devices[1].give_part(file(0), number);
            world.tell_missing(1);
        }
        world.drain();
        world.check_same();
        assert_eq!(world.devices[0].files, world.devices[1].files);
    }
}

#[test]
fn who_does_not_have_it_says_so() {
    let mut world = one_file(1, 9, []);
    world.devices[0].give_file(file(0), 9, 0..4);
    // And another that is here.
    world.devices[0].give_file(file(1), 3, 0..3);
    world.devices[1].give_file(file(1), 3, []);
    world.connect();
    world.drain();
    assert_eq!(world.closed(), None);
    assert_eq!(world.ends[0].sent["no file"], 1);
    assert_eq!(world.devices[1].missing().0.len(), 1);
    for end in &world.ends {
        let session = end.session.as_ref().unwrap();
        assert!(session.finished() && !session.nothing_pending());
    }
}

#[test]
fn a_file_that_came_late_is_asked_for_again() {
    // Device 0 has told that it misses nothing, or not yet, when it is asked; then the file comes from elsewhere.
    for steps in 0..60 {
        let mut world = World::new(steps);
        world.devices[1].give_file(file(0), 6, []);
        world.connect();
        for _ in 0..steps {
            world.step();
        }
        world.devices[0].give_file(file(0), 6, 0..2);
        world.tell_missing(0);
        for _ in 0..steps % 7 {
            world.step();
        }
        world.devices[0].give_file(file(0), 6, 0..6);
        world.tell_missing(0);
        world.drain();
        assert_eq!(world.devices[0].files, world.devices[1].files, "after {steps} steps");
        for end in &world.ends {
            assert!(end.session.as_ref().unwrap().nothing_pending(), "after {steps} steps");
        }
        assert!(world.ends[0].sent.get("no file").copied().unwrap_or_default() <= 2, "after {steps} steps");
    }
}

#[test]
fn entries_go_before_files() {
    let mut world = one_file(5, 200, []);
    world.connect();
    while world.devices[1].files[&file(0)].1.len() < 20 {
        assert!(world.step());
    }
    world.append(0, writer(0));
    world.append(1, writer(1));
    let parts = world.devices[1].files[&file(0)].1.len();
    while world.devices[0].chains != world.devices[1].chains {
        assert!(world.step());
    }
    assert!(world.devices[1].files[&file(0)].1.len() < parts + 8);
    world.drain();
    world.check_same();
    assert_eq!(world.devices[0].files, world.devices[1].files);
}

#[test]
fn a_wrong_part_ends_the_session_with_whoever_sent_it() {
    let mut world = one_file(1, 9, []);
    world.devices[0].spoil_part(file(0), 5);
    world.connect();
    world.drain();
    assert_eq!(world.ends[1].closed, Some(GoodbyeReason::Misbehaved));
    assert!(!world.devices[1].files[&file(0)].1.contains_key(&5));
}

#[test]
fn parts_that_were_not_asked_for_are_refused() {
    let chunk = |index, total| Frame::Chunk { file: file(0), index, total, sealed: vec![1] };
    for frames in [
        vec![chunk(0, 9), chunk(0, 9)],
        vec![chunk(1, 9)],
        vec![chunk(9, 9)],
        vec![chunk(0, 0)],
        vec![Frame::Chunk { file: file(1), index: 0, total: 9, sealed: vec![1] }],
    ] {
        let mut world = one_file(1, 9, []);
        world.connect();
        while !world.ends[1].sent.contains_key("want") {
            assert!(world.step());
        }
        let session = world.ends[1].session.as_mut().unwrap();
        let mut effects = Vec::new();
        for frame in &frames {
            effects = session.handle(Input::Frame(frame.encode()));
        }
        let ended = effects.last() == Some(&firsthand_sync::Effect::Close(GoodbyeReason::Misbehaved));
        assert!(ended, "{frames:?}: {effects:?}");
    }
}
