//! Peers who send garbage, too much, out of order or what nobody asked for.

use std::collections::BTreeMap;

use firsthand_ids::{OperationHash, Position, SpaceId, UnixMillis, WriterId};
use firsthand_log::codec::Writer;
use firsthand_log::compress::Packer;
use firsthand_log::lean::MAX_BATCH_BYTES;
use firsthand_log::{Mark, Vector};
use firsthand_sync::{
    Config, Effect, FileId, Frame, GoodbyeReason, Input, MAX_CHUNK_BYTES, MAX_FRAME_BYTES,
    MAX_OPERATIONS_BYTES, MAX_WANTED, Session,
};
use proptest::prelude::*;

use crate::device::{SPACE, below, file, operation, rarely, writer};
use crate::world::World;

fn spaces() -> impl Strategy<Value = SpaceId> {
    prop_oneof![9 => Just(SPACE), 1 => any::<[u8; 16]>().prop_map(SpaceId::new)]
}

fn writers() -> impl Strategy<Value = WriterId> {
    prop_oneof![4 => (0..6u16).prop_map(writer), 1 => any::<[u8; 16]>().prop_map(WriterId::new)]
}

fn files() -> impl Strategy<Value = FileId> {
    (0..3u16).prop_map(file)
}

fn vectors() -> impl Strategy<Value = Vector> {
    let position = prop_oneof![9 => 1..20u64, 1 => Just(u64::MAX), 1 => 1..u64::MAX];
    prop::collection::vec((writers(), position, any::<[u8; 8]>()), 0..8).prop_map(|marks| {
        let mut vector = Vector::new();
        for (writer, position, prefix) in marks {
            vector.set(writer, Mark { position: Position(position), prefix });
        }
        vector
    })
}

fn frames() -> impl Strategy<Value = Frame> {
    let heads = prop::collection::vec((0..99u64).prop_map(operation), 0..4);
    let operations = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..4);
    prop_oneof![
        (heads, operations, any::<bool>()).prop_map(|(heads, operations, more)| Frame::Operations {
            heads,
            operations,
            more
        }),
        (spaces(), vectors(), any::<[bool; 3]>()).prop_map(|(space, vector, [right, whole, takes])| {
            let digest = if right { vector.digest() } else { [0; 16] };
            Frame::Hello { space, digest, vector: whole.then_some(vector), takes }
        }),
        (spaces(), vectors()).prop_map(|(space, vector)| Frame::Take {
            space,
            writers: vector.iter().map(|(writer, mark)| (*writer, mark.position)).collect()
        }),
        (spaces(), vectors()).prop_map(|(space, marks)| Frame::Holds { space, marks }),
        (spaces(), 0..200usize, prop::collection::vec(any::<u8>(), 0..200))
            .prop_map(|(space, plain_len, packed)| Frame::Batch { space, plain_len, packed }),
        (spaces(), vectors()).prop_map(|(space, marks)| Frame::Ack { space, marks }),
        (spaces(), writers()).prop_map(|(space, writer)| Frame::Forked { space, writer }),
        (spaces(), prop::collection::vec(any::<u8>(), 0..200))
            .prop_map(|(space, packed)| Frame::Rows { space, packed }),
        any::<i64>().prop_map(|at| Frame::Clock { at: UnixMillis(at) }),
        spaces().prop_map(|space| Frame::NoSpace { space }),
        (any::<u64>(), any::<u64>()).prop_map(|(waiting, files)| Frame::Pending { waiting, files }),
        (files(), any::<u32>(), 0..=MAX_WANTED as u32).prop_map(|(file, from, count)| Frame::Want {
            file,
            from,
            count
        }),
        (files(), 0..4u32, 0..6u32, 0..20u32).prop_map(|(file, index, total, rest)| Frame::Chunk {
            file,
            index,
            total,
            rest,
            sealed: vec![7; 9]
        }),
        (1..12usize).prop_map(|len| Frame::ChunkRest { sealed: vec![7; len] }),
        files().prop_map(|file| Frame::NoFile { file }),
        Just(Frame::Goodbye(GoodbyeReason::Done)),
    ]
}

/// A meeting in which the peer, device 1, also sends frames of its own making. Device 0 must stay what it is.
fn attacked(seed: u64, known: bool, frames: &[Frame]) -> Result<(), TestCaseError> {
    let mut world = World::new(seed);
    world.trusting = false;
    for number in 0..4 {
        for at in [0, 1] {
            let fact = world.fact();
            world.devices[at].append(writer(2 * number + at as u16), fact);
        }
    }
    world.devices[0].give_file(file(0), 5, 0..5);
    world.devices[0].give_file(file(1), 5, []);
    if !known {
        world.devices[0].admissions.remove(&11);
        world.devices[1].admissions.remove(&11);
    }
    let own = world.devices[0].chains.clone();
    world.connect();
    for frame in frames {
        for _ in 0..below(&mut world.rng, 12) {
            world.step();
        }
        world.inject(0, frame.encode());
    }
    world.drain();
    for (writer, chain) in &own {
        let now = &world.devices[0].chains[writer];
        prop_assert_eq!(&now.facts[..chain.facts.len()], &chain.facts[..], "own entries stay");
    }
    if !known {
        prop_assert_eq!(&world.devices[0].chains, &own);
    }
    let session = world.ends[0].session.as_ref();
    let forks = session.and_then(|it| it.standing(&SPACE)).map_or(0, |standing| standing.forks);
    prop_assert!(forks <= 16, "{} forks", forks);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_member_with_a_changed_program_harms_nobody(seed: u64, frames in prop::collection::vec(frames(), 1..12)) {
        attacked(seed, true, &frames)?;
    }

    #[test]
    fn a_stranger_with_a_changed_program_gets_nothing(seed: u64, frames in prop::collection::vec(frames(), 1..6)) {
        attacked(seed, false, &frames)?;
    }

    #[test]
    fn frames_round_trip(frame in frames()) {
        let bytes = frame.encode();
        prop_assert_eq!(Frame::decode(&bytes), Ok(frame));
        for end in 0..bytes.len() {
            // Only what runs to the end of the frame can be cut short unnoticed.
            if let Ok(cut) = Frame::decode(&bytes[..end]) {
                let open = matches!(cut, Frame::Batch { .. } | Frame::Chunk { .. } | Frame::ChunkRest { .. } | Frame::Rows { .. });
                prop_assert!(open);
            }
        }
    }

    #[test]
    fn what_decodes_has_one_encoding(kind in 0..12u8, mut bytes: Vec<u8>, frame in frames(), at: u16, to: u8) {
        bytes.insert(0, kind);
        let mut edited = frame.encode();
        let place = usize::from(at) % edited.len();
        edited[place] = to;
        for bytes in [bytes, edited] {
            if let Ok(frame) = Frame::decode(&bytes) {
                prop_assert_eq!(frame.encode(), bytes);
            }
        }
    }
}

#[test]
fn frames_lost_doubled_or_swapped_do_no_harm() {
    for seed in 0..400 {
        let mut world = World::new(seed);
        world.trusting = false;
        for number in 0..6 {
            for _ in 0..below(&mut world.rng, 20) {
                let fact = world.fact();
                world.devices[usize::from(number % 2)].append(writer(number), fact);
            }
        }
        world.connect();
        for _ in 0..200 {
            world.step();
            if rarely(&mut world.rng, 10) {
                let at = below(&mut world.rng, 2);
                world.disturb(at);
            }
        }
        world.drain();
        // Whatever became of it, the next meeting works.
        world.trusting = true;
        world.connect();
        world.drain();
        world.check_same();
    }
}

#[test]
fn frames_of_newer_versions_are_passed_over_or_refused() {
    let mut world = World::new(1);
    world.connect();
    world.drain();
    let session = world.ends[0].session.as_mut().unwrap();
    assert!(session.handle(Input::Frame(vec![200, 1, 2, 3])).is_empty());
    assert!(session.handle(Input::Frame(vec![128])).is_empty());
    let refused = Some(Effect::Close(GoodbyeReason::Misbehaved));
    assert_eq!(session.handle(Input::Frame(vec![127])).pop(), refused);
}

/// Bytes in front of a count, and the smallest count that is too large.
fn oversized() -> Vec<(Vec<u8>, u64)> {
    let space = SPACE.as_bytes();
    let named = |kind: u8| [&[kind], &space[..]].concat();
    let hello = [&named(2)[..], &[0; 16], &[1]].concat();
    let document = |kind: u8| [&[kind], &file(0).document.as_bytes()[..], &[0]].concat();
    vec![
        (vec![1, 0], 65),                                             // membership heads
        (vec![1, 0, 0], 1025),                                        // operations
        (vec![1, 0, 0, 1], MAX_OPERATIONS_BYTES as u64 + 1),          // bytes of an operation
        (hello, 4097),                                                // writers of a vector
        (named(3), MAX_BATCH_BYTES as u64 + 1),                       // bytes of a batch
        (named(4), 4097),                                             // writers acknowledged
        (document(6), u64::from(u32::MAX) + 1),                       // first part wanted
        ([&document(6)[..], &[0]].concat(), MAX_WANTED as u64 + 1),   // parts wanted
        (document(7), u64::from(u32::MAX) + 1),                       // index of a part
        ([&document(7)[..], &[0]].concat(), u64::from(u32::MAX) + 1), // parts of a file
    ]
}

#[test]
fn oversized_counts_are_refused_before_anything_is_reserved() {
    for (head, count) in oversized() {
        for count in [count, u64::MAX] {
            let mut out = Writer::new();
            out.fixed(&head).number(count);
            let error = Frame::decode(&out.into_bytes()).unwrap_err();
            assert!(matches!(error, firsthand_log::LogError::TooLarge { .. }), "{head:?}: {error:?}");
        }
    }
    assert!(Frame::decode(&vec![200; MAX_FRAME_BYTES + 1]).is_err());
    let first =
        Frame::Chunk { file: file(0), index: 0, total: 1, rest: 100, sealed: vec![0; MAX_CHUNK_BYTES - 100] };
    for chunk in [first, Frame::ChunkRest { sealed: vec![0; MAX_CHUNK_BYTES] }] {
        let mut bytes = chunk.encode();
        assert!(Frame::decode(&bytes).is_ok());
        bytes.push(0);
        assert!(Frame::decode(&bytes).is_err());
    }
    assert!(Frame::decode(&Frame::ChunkRest { sealed: vec![] }.encode()).is_err());
    // Many operations that are each small enough.
    let operations = vec![vec![0; 1000]; 1 + MAX_OPERATIONS_BYTES / 1000];
    assert!(Frame::decode(&Frame::Operations { heads: vec![], operations, more: false }.encode()).is_err());
}

/// A session with a member who has greeted with an empty vector, and what it then asks for.
fn greeted() -> Session {
    let heads: Vec<OperationHash> = Vec::new();
    let config = Config { our_heads: heads.clone(), their_heads: heads, peer_known: true };
    let mut session = Session::new(config);
    assert_eq!(session.handle(Input::Start), [Effect::OpenSpaces]);
    let spaces = BTreeMap::from([(SPACE, Vector::new())]);
    session.handle(Input::SpacesOpened { main: SPACE, spaces });
    let hello = Frame::Hello { space: SPACE, digest: Vector::new().digest(), vector: None, takes: false };
    session.handle(Input::Frame(hello.encode()));
    session
}

#[test]
fn a_batch_that_is_not_what_it_says_reaches_nobody() {
    let refused = |frames: Vec<Frame>| {
        let mut session = greeted();
        let effects: Vec<_> =
            frames.iter().flat_map(|frame| session.handle(Input::Frame(frame.encode()))).collect();
        assert_eq!(effects.last(), Some(&Effect::Close(GoodbyeReason::Misbehaved)));
        effects.iter().filter(|effect| matches!(effect, Effect::Commit { .. })).count()
    };
    let batch = |packer: &mut Packer, len: usize, plain_len: usize| Frame::Batch {
        space: SPACE,
        plain_len,
        packed: packer.pack(&vec![0; len]).unwrap(),
    };
    let new = || Packer::new().unwrap();
    // A bomb: 64 MiB in a few kilobytes.
    assert_eq!(refused(vec![batch(&mut new(), 64 << 20, MAX_BATCH_BYTES)]), 0);
    assert_eq!(refused(vec![batch(&mut new(), 99, 100)]), 0);
    assert_eq!(refused(vec![batch(&mut new(), 101, 100)]), 0);
    assert_eq!(refused(vec![Frame::Batch { space: SPACE, plain_len: 0, packed: vec![] }]), 0);
    assert_eq!(
        refused(vec![Frame::Batch { space: SpaceId::new([1; 16]), plain_len: 1, packed: vec![1] }]),
        0
    );
    // A third, or more than 4 MiB in all, before the first was acknowledged.
    let mut packer = new();
    assert_eq!(refused((0..3).map(|_| batch(&mut packer, 10, 10)).collect()), 2);
    let mut packer = new();
    let half = MAX_BATCH_BYTES / 2;
    assert_eq!(refused(vec![batch(&mut packer, half, half), batch(&mut packer, half + 1, half + 1)]), 1);
    // An acknowledgement of nothing.
    assert_eq!(refused(vec![Frame::Ack { space: SPACE, marks: Vector::new() }]), 0);
    // A second hello.
    assert_eq!(refused(vec![Frame::Hello { space: SPACE, digest: [0; 16], vector: None, takes: false }]), 0);
    let digest = Vector::new().digest();
    assert_eq!(
        refused(vec![Frame::Hello { space: SPACE, digest, vector: Some(Vector::new()), takes: false }]),
        0
    );
    // More parts than anybody asks for.
    let want = Frame::Want { file: file(0), from: 0, count: MAX_WANTED as u32 };
    assert_eq!(refused(vec![want.clone(), want]), 0);
}

#[test]
fn a_vector_that_is_not_the_digest_is_refused() {
    let config = Config { our_heads: vec![], their_heads: vec![], peer_known: true };
    let mut session = Session::new(config);
    session.handle(Input::Start);
    let spaces = BTreeMap::from([(SPACE, Vector::new())]);
    session.handle(Input::SpacesOpened { main: SPACE, spaces });
    let hello = Frame::Hello { space: SPACE, digest: [0; 16], vector: Some(Vector::new()), takes: false };
    let last = session.handle(Input::Frame(hello.encode())).pop();
    assert_eq!(last, Some(Effect::Close(GoodbyeReason::Misbehaved)));
}
