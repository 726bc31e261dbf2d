//! Files between two devices.

use firsthand_ids::SpaceId;
use firsthand_log::Vector;
use firsthand_sync::{
    Config, Effect, Frame, GoodbyeReason, Input, MAX_CHUNK_BYTES, PIECE_BYTES, Pending, Session, Wanted,
};

use crate::device::{SPACE, file, writer};
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
    let chunk = |index, total| Frame::Chunk { file: file(0), index, total, rest: 0, sealed: vec![1] };
    for frames in [
        vec![chunk(0, 9), chunk(0, 9)],
        vec![chunk(1, 9)],
        vec![chunk(9, 9)],
        vec![chunk(0, 0)],
        vec![Frame::Chunk { file: file(1), index: 0, total: 9, rest: 0, sealed: vec![1] }],
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
        let ended = effects.last() == Some(&Effect::Close(GoodbyeReason::Misbehaved));
        assert!(ended, "{frames:?}: {effects:?}");
    }
}

#[test]
fn what_is_written_overtakes_the_pieces_of_a_part() {
    let mut world = one_file(1, 9, 0..2);
    world.connect();
    let rests = |world: &World| world.ends[0].sent.get("chunk rest").copied().unwrap_or_default();
    while rests(&world) == 0 {
        assert!(world.step());
    }
    // Part 2 has another piece and three parts wait behind it, all of them asked for.
    let before = world.ends[0].sent["chunk"];
    let batches = world.ends[0].sent.get("batch").copied().unwrap_or_default();
    world.append(0, writer(0));
    while world.ends[0].sent.get("batch").copied().unwrap_or_default() == batches {
        assert!(world.step());
    }
    assert!(rests(&world) <= 2 && world.ends[0].sent["chunk"] <= before + 1, "one piece may be on its way");
    world.drain();
    world.check_same();
    assert_eq!(world.devices[0].files, world.devices[1].files);
}

#[test]
fn nothing_more_of_a_file_is_sent_than_the_stream_takes() {
    let mut session = asked_for(9);
    let mut pieces = 0;
    for index in 0..9 {
        let sealed = vec![index as u8; MAX_CHUNK_BYTES];
        let mut effects =
            session.handle(Input::ChunkLoaded { file: file(0), index, chunk: Some((9, sealed)) });
        while effects.contains(&Effect::TellWhenTaken) {
            let sent = effects.iter().filter(|effect| matches!(effect, Effect::Send(_))).count();
            assert_eq!(sent, 1, "one piece, and then the next question");
            pieces += 1;
            // Whatever else happens in between, no other piece follows.
            assert_eq!(session.handle(Input::Look), []);
            effects = session.handle(Input::Taken);
        }
    }
    assert_eq!(pieces, 9 * MAX_CHUNK_BYTES.div_ceil(PIECE_BYTES));
    assert!(session.finished());
}

/// A session with a member who lacks nothing but a file of so many parts, and has asked for all of them.
fn asked_for(total: u32) -> Session {
    let config = Config { our_heads: vec![], their_heads: vec![], peer_known: true };
    let mut session = Session::new(config);
    let hello = Frame::Hello { space: SPACE, digest: Vector::new().digest(), vector: None, takes: false };
    let spaces = [(SPACE, Vector::new())].into();
    for input in [
        Input::Start,
        Input::SpacesOpened { main: SPACE, spaces },
        Input::Pending(Pending::default()),
        Input::Want(vec![]),
        Input::Frame(hello.encode()),
        Input::ReceiptsMade { space: SPACE, receipts: None },
        Input::Frame(Frame::Pending { waiting: 0, files: 1 }.encode()),
    ] {
        session.handle(input);
    }
    session.handle(Input::Frame(Frame::Want { file: file(0), from: 0, count: total }.encode()));
    session
}

/// A file comes while the answer that it is not here still waits behind pieces of another one: the peer hears that first, and then that
/// there is news.
#[test]
fn that_a_file_has_come_is_not_told_before_that_it_was_not_here() {
    let wanted = Wanted { space: SPACE, file: file(1), from: 1, short: Some(9) };
    let mut session = asked_for(1);
    let want = Frame::Want { file: file(1), from: 1, count: 1 };
    let chunk = |at, bytes: usize| Some((at, vec![1; bytes]));
    let mut sent = Vec::new();
    for input in [
        Input::Pending(Pending { waiting: 0, files: 1 }),
        Input::Want(vec![wanted]),
        Input::Frame(Frame::NoFile { file: file(1) }.encode()),
        Input::Frame(want.encode()),
        Input::ChunkLoaded { file: file(0), index: 0, chunk: chunk(1, 3 * PIECE_BYTES) },
        Input::ChunkLoaded { file: file(1), index: 1, chunk: None },
        Input::Want(vec![]),
        Input::Pending(Pending::default()),
        Input::Taken,
        Input::Taken,
        Input::Taken,
    ] {
        sent.extend(session.handle(input).into_iter().filter_map(|effect| match effect {
            Effect::Send(bytes) => Frame::decode(&bytes).ok(),
            _ => None,
        }));
    }
    let place = |what: fn(&Frame) -> bool| sent.iter().rposition(what).unwrap();
    let (denied, told) = (
        place(|frame| matches!(frame, Frame::NoFile { .. })),
        place(|frame| matches!(frame, Frame::Pending { files: 0, .. })),
    );
    assert!(denied < told, "{sent:?}");
}

#[test]
fn pieces_that_were_not_announced_are_refused() {
    let file = file(0);
    let chunk = |rest, len| Frame::Chunk { file, index: 0, total: 9, rest, sealed: vec![1; len] };
    let piece = |len| Frame::ChunkRest { sealed: vec![1; len] };
    for frames in [
        vec![piece(1)],
        vec![chunk(2, 1), piece(3)],
        vec![chunk(2, 1), piece(1), piece(2)],
        vec![chunk(2, 1), chunk(2, 1)],
        vec![chunk(2, 1), chunk(0, 1)],
        // Nothing is kept of a part that nobody asked for, however much of it were to follow.
        vec![Frame::Chunk { file, index: 1, total: 9, rest: 9, sealed: vec![1] }],
    ] {
        let mut world = one_file(1, 9, []);
        world.connect();
        while !world.ends[1].sent.contains_key("want") {
            assert!(world.step());
        }
        let session = world.ends[1].session.as_mut().unwrap();
        for (at, frame) in frames.iter().enumerate() {
            let ended = session.handle(Input::Frame(frame.encode())).last()
                == Some(&Effect::Close(GoodbyeReason::Misbehaved));
            assert_eq!(ended, at + 1 == frames.len(), "{frames:?}");
        }
    }
}

/// Device 0 has many files of one chunk, and a long one; device 1 none of them.
fn many_files(seed: u64, short: u16, bytes: u64) -> World {
    let mut world = World::new(seed);
    for device in 0..2 {
        let here = device == 0;
        world.devices[device].give_file(file(0), 30, (0..30).filter(|_| here));
        for number in 1..=short {
            world.devices[device].give_short(file(number), bytes, here);
        }
    }
    world
}

#[test]
fn short_files_come_many_at_once_and_before_long_ones() {
    for (bytes, at_once) in [(20_000, 32), (200_000, 5), (262_160, 3), (5_000_000, 1)] {
        let mut world = many_files(3, 100, bytes);
        world.connect();
        let mut most = 0;
        while world.step() {
            let [wants, chunks] = [(1, "want"), (0, "chunk")]
                .map(|(end, kind)| world.ends[end].sent.get(kind).copied().unwrap_or(0));
            if wants <= 100 {
                most = most.max(wants - chunks);
                assert!(world.devices[1].files[&file(0)].1.is_empty(), "the long one waits");
            }
        }
        world.check_same();
        assert_eq!(world.devices[0].files, world.devices[1].files);
        assert_eq!(world.ends[0].sent["chunk"], 130, "no table of a file of one chunk travels");
        assert_eq!(most, at_once, "{bytes}");
    }
}

#[test]
fn a_thousand_short_files_take_few_turns() {
    for (bytes, most) in [(5_000, 80), (20_000, 80), (200_000, 420)] {
        let mut world = many_files(7, 1000, bytes);
        for device in &mut world.devices {
            device.files.remove(&file(0));
        }
        world.connect();
        let mut turns = 0;
        while world.turn(turns % 2) {
            turns += 1;
        }
        assert_eq!(world.devices[0].files, world.devices[1].files);
        println!("1,000 files of {bytes} bytes: {turns} turns");
        assert!(turns <= most, "{turns}");
    }
}

#[test]
fn a_long_file_on_its_way_makes_room_for_short_ones() {
    for seed in 0..40 {
        let mut world = many_files(seed, 0, 0);
        world.connect();
        while world.devices[1].files[&file(0)].1.len() < 10 {
            assert!(world.step());
        }
        for number in 1..=40 {
            world.devices[0].give_short(file(number), 20_000, true);
            world.devices[1].give_short(file(number), 20_000, false);
        }
        world.tell_missing(1);
        let parts = |world: &World| world.devices[1].files[&file(0)].1.len();
        let before = parts(&world);
        while (1..=40).any(|number| world.devices[1].files[&file(number)].1.len() < 2) {
            assert!(world.step());
        }
        assert!(parts(&world) <= before + 4, "seed {seed}: {} parts after {before}", parts(&world));
        world.drain();
        assert_eq!(world.devices[0].files, world.devices[1].files);
        // It went on where it was.
        assert_eq!(world.ends[0].sent["chunk"], 70, "seed {seed}");
    }
}

#[test]
fn a_file_that_is_longer_than_its_record_says_comes_as_a_long_one() {
    let mut world = World::new(5);
    for device in 0..2 {
        world.devices[device].give_short(file(1), 100, device == 0);
        world.devices[device].give_file(file(1), 7, (0..7).filter(|_| device == 0));
        world.devices[device].give_short(file(2), 100, device == 0);
    }
    world.connect();
    world.drain();
    assert_eq!(world.closed(), None);
    assert_eq!(world.devices[0].files, world.devices[1].files);
}

#[test]
fn short_files_may_come_from_elsewhere_or_be_missing() {
    for seed in 0..100 {
        let mut world = many_files(seed, 60, 20_000);
        for number in 1..=60 {
            if number % 3 == 0 {
                world.devices[0].give_short(file(number), 20_000, false);
            }
        }
        world.connect();
        for number in 1..=60 {
            for _ in 0..seed % 7 {
                world.step();
            }
            if number % 3 == 1 {
                world.devices[1].give_short(file(number), 20_000, true);
                world.tell_missing(1);
            }
        }
        world.drain();
        assert_eq!(world.closed(), None, "seed {seed}");
        for number in 1..=60 {
            let whole = world.devices[1].files[&file(number)].1.len() == 2;
            assert_eq!(whole, number % 3 != 0, "seed {seed}, {number}");
        }
        for number in 1..=20 {
            world.devices[0].give_short(file(3 * number), 20_000, true);
        }
        world.tell_missing(0);
        world.drain();
        assert_eq!(world.devices[0].files, world.devices[1].files, "seed {seed}");
        for end in &world.ends {
            assert!(end.session.as_ref().unwrap().nothing_pending(), "seed {seed}");
        }
    }
}

#[test]
fn a_short_file_is_taken_once_and_only_as_asked_for() {
    let chunk = |index, total| Frame::Chunk { file: file(1), index, total, rest: 0, sealed: vec![1] };
    for frames in [vec![chunk(1, 2), chunk(1, 2)], vec![chunk(0, 2)], vec![chunk(2, 3)], vec![chunk(1, 1)]] {
        let mut world = many_files(1, 1, 20_000);
        world.connect();
        while !world.ends[1].sent.contains_key("want") {
            assert!(world.step());
        }
        let session = world.ends[1].session.as_mut().unwrap();
        let mut last = None;
        for frame in &frames {
            last = session.handle(Input::Frame(frame.encode())).pop();
        }
        assert_eq!(last, Some(Effect::Close(GoodbyeReason::Misbehaved)), "{frames:?}");
    }
}

/// A file of a space that the other side does not take part in is not asked for, nor counted in what it is told.
#[test]
fn files_of_other_spaces_are_not_mentioned() {
    for long in [false, true] {
        let mut world = one_file(1, 9, []);
        let private = file(1);
        if long {
            world.devices[1].give_file(private, 12, [0, 3]);
        } else {
            world.devices[1].give_short(private, 900, false);
        }
        world.devices[1].elsewhere.insert(private, SpaceId::new([9; 16]));
        world.devices[0].give_file(private, 12, 0..12);
        world.connect();
        world.drain();
        assert_eq!(world.devices[0].files[&file(0)], world.devices[1].files[&file(0)]);
        assert!(world.devices[1].files[&private].1.len() < 12);
        for end in &world.ends {
            assert!(end.session.as_ref().unwrap().nothing_pending(), "a meeting without it is complete");
        }
        assert_eq!(world.ends[1].sent["want"], 1 + 2, "only the other file");
    }
}
